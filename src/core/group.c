/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/group.h"

void ms_group_settle(const ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	bool ready = zone->shared && zone->self_state == MS_HSYNC_ON;
	uint8_t transport = agent->config.transport;
	uint8_t sync = agent->config.sync;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (!ms_pair_on(pair)) {
			continue;
		}
		ready &= pair->greeted && pair->peer->introduced;
		transport &= pair->peer->transport;
		sync &= pair->peer->sync;
	}
	transport = !ready ? 0
	          : (transport & MS_TRANSPORT_API) ? MS_TRANSPORT_API : MS_TRANSPORT_DNS;
	sync = !ready ? 0 : (sync & MS_SYNC_PEER) ? MS_SYNC_PEER : MS_SYNC_LEADER;
	if (ready == zone->group_ready && transport == zone->group_transport &&
	    sync == zone->group_sync) {
		return;
	}
	zone->group_ready = ready;
	zone->group_transport = transport;
	zone->group_sync = sync;
	ms_zone_touch(zone);
	if (ready) {
		ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
		              "all providers answered -> transport %s, %s",
		              transport == MS_TRANSPORT_API ? "API" : "DNS",
		              sync == MS_SYNC_PEER ? "peer-to-peer" : "leader/follower");
	} else {
		ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
		              "the group is incomplete -> wait for HELLO answers");
	}
}
