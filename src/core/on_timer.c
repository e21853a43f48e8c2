/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"

#include "core/step.h"

/* TTL of what we publish about ourselves: short enough for a move, long enough for a cache. */
#define IDENTITY_TTL 300
/* Identity records: URI, SVCB, KEY at the host, KEY at the identity, A, AAAA. */
#define IDENTITY_EDITS 6

/* Peers that no zone names any more. */
static int collect_peers(ms_agent_t *agent, ms_actions_t *out)
{
	for (size_t i = agent->peer_count; i > 0; i--) {
		ms_peer_t *peer = agent->peers[i - 1];
		if (peer->refs > 0) {
			continue;
		}
		ms_rec_key_t key = { .kind = MS_REC_PEER };
		ms_name_copy(key.zone, peer->identity);
		int ret = ms_action_persist(out, &key, NULL, 0);
		if (ret != KNOT_EOK) {
			return ret;
		}
		ms_action_log(out, MS_LOG_INFO, NULL, peer->identity, "no zone names it -> forget it");
		ms_peer_remove(agent, peer);
	}
	return KNOT_EOK;
}

/* Replay entries whose signatures have expired (they are kept for the process in agent/). */
static int drop_spent(ms_agent_t *agent, ms_now_t now, ms_actions_t *out)
{
	for (size_t i = agent->spent_count; i > 0; i--) {
		ms_spent_t *spent = &agent->spent[i - 1];
		if ((int32_t)((uint32_t)now.wall.s - spent->expiration) <= 0) {
			continue;
		}
		ms_rec_key_t key = { .kind = MS_REC_REPLAY };
		memcpy(key.hash, spent->hash, sizeof(key.hash));
		int ret = ms_action_persist(out, &key, NULL, 0);
		if (ret != KNOT_EOK) {
			return ret;
		}
		*spent = agent->spent[--agent->spent_count];
	}
	return KNOT_EOK;
}

static int identity_edit(ms_edit_t *edit, const knot_dname_t *owner, uint16_t rrtype,
                         const uint8_t *rdata, int len)
{
	ms_name_copy(edit->owner, owner);
	edit->rrtype = rrtype;
	edit->ttl = IDENTITY_TTL;
	edit->exact = true;
	return len < 0 ? len : ms_rrset_add(&edit->add, rdata, len);
}

static int address_edits(const ms_config_t *config, ms_edit_t *edits, size_t *count)
{
	static const struct { uint8_t family; uint16_t rrtype; uint16_t len; } kinds[] = {
		{ AF_INET, KNOT_RRTYPE_A, 4 }, { AF_INET6, KNOT_RRTYPE_AAAA, 16 },
	};
	int ret = KNOT_EOK;
	for (size_t k = 0; k < 2; k++) {
		ms_edit_t *edit = &edits[*count];
		for (unsigned i = 0; ret == KNOT_EOK && i < config->addr_count; i++) {
			if (config->addr[i].family == kinds[k].family) {
				ret = identity_edit(edit, config->host, kinds[k].rrtype,
				                    config->addr[i].ip, kinds[k].len);
			}
		}
		*count += edit->add.rrs.count > 0;
	}
	return ret;
}

/* URI, SVCB and KEY (B-01, B-10, B-14); addresses, too, for humans. */
static int identity_edits(const ms_config_t *config, ms_edit_t *edits, size_t *count)
{
	uint8_t buf[MS_URI_MAX + 4];
	knot_dname_storage_t owner;
	uint16_t port = config->addr[0].port;
	int ret = ms_locator_uri_owner(config->identity, owner);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = identity_edit(&edits[(*count)++], owner, KNOT_RRTYPE_URI, buf,
	                    ms_uri_encode(10, 10, config->host, port, buf, sizeof(buf)));
	if (ret == KNOT_EOK) {
		ret = identity_edit(&edits[(*count)++], config->host, KNOT_RRTYPE_SVCB, buf,
		                    ms_svcb_encode(port, config->addr, config->addr_count, buf,
		                                   sizeof(buf)));
	}
	if (ret == KNOT_EOK) {
		ret = identity_edit(&edits[(*count)++], config->host, KNOT_RRTYPE_KEY,
		                    config->key.rdata, config->key.len);
	}
	if (ret == KNOT_EOK) {
		ret = identity_edit(&edits[(*count)++], config->identity, KNOT_RRTYPE_KEY,
		                    config->key.rdata, config->key.len);
	}
	return ret == KNOT_EOK ? address_edits(config, edits, count) : ret;
}

static int publish(ms_agent_t *agent, ms_actions_t *out)
{
	ms_edit_t *edits = calloc(IDENTITY_EDITS, sizeof(*edits));
	size_t count = 0;
	int ret = edits != NULL ? identity_edits(&agent->config, edits, &count) : KNOT_ENOMEM;
	ms_action_t *action = ret == KNOT_EOK ? ms_action_add(out, MS_ACT_EDIT) : NULL;
	if (action == NULL) {
		for (size_t i = 0; edits != NULL && i < IDENTITY_EDITS; i++) {
			ms_rrset_clear(&edits[i].add);
		}
		free(edits);
		return ret != KNOT_EOK ? ret : KNOT_ENOMEM;
	}
	action->id = agent->publish_id = ms_agent_id(agent);
	action->edit.closest = true;
	ms_name_copy(action->edit.zone, agent->config.identity);
	action->edit.edits = edits;
	action->edit.count = count;
	return KNOT_EOK;
}

static int agent_settle(ms_agent_t *agent, ms_now_t now, ms_actions_t *out)
{
	int ret = collect_peers(agent, out);
	if (ret == KNOT_EOK && agent->spent_count > 0) {
		ret = drop_spent(agent, now, out);
	}
	if (ret == KNOT_EOK && agent->config.publish && agent->config.addr_count > 0 &&
	    agent->publish_id == 0 && ms_time_due(agent->publish_at, now.mono)) {
		ret = publish(agent, out);
	}
	if (ret == KNOT_EOK && agent->unsaved && ms_time_due(agent->save_at, now.mono)) {
		/* MS_EV_STORED tells how it went. */
		ret = ms_agent_save(agent, now, out);
	}
	return ret;
}

static ms_time_t agent_deadline(const ms_agent_t *agent, ms_now_t now)
{
	ms_time_t when = MS_TIME_NEVER;
	if (agent->config.publish && agent->publish_id == 0) {
		when = ms_time_min(when, agent->publish_at);
	}
	if (agent->unsaved) {
		when = ms_time_min(when, agent->save_at);
	}
	if (agent->spent_count > 0) {
		/* Not urgent: a look a minute is enough. */
		when = ms_time_min(when, ms_time_add(now.mono, 60 * MS_SEC));
	}
	for (size_t i = 0; i < agent->peer_count; i++) {
		when = ms_time_min(when, ms_peer_deadline(agent, agent->peers[i]));
	}
	return ms_time_min(when, ms_wakes_first(&agent->wakes));
}

int ms_on_timer(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	int ret = agent_settle(agent, event->now, out);
	for (size_t i = 0; i < agent->peer_count; i++) {
		int one = ms_peer_settle(agent, agent->peers[i], event->now, out);
		ret = ret == KNOT_EOK ? one : ret;
	}
	for (size_t i = 0, due = ms_wakes_due(&agent->wakes, event->now.mono); i < due; i++) {
		int one = ms_zone_settle(agent, agent->wakes.due[i], event->now, out);
		ret = ret == KNOT_EOK ? one : ret;
	}
	agent->deadline = agent_deadline(agent, event->now);
	if (ret != KNOT_EOK) {
		ms_agent_wake(agent, ms_time_add(event->now.mono, MS_SEC));
	}
	return ret;
}
