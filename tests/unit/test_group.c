/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/group.h"
#include "make.h"

#define DNS MS_TRANSPORT_DNS
#define API (MS_TRANSPORT_DNS | MS_TRANSPORT_API)
#define LF  MS_SYNC_LEADER
#define P2P (MS_SYNC_LEADER | MS_SYNC_PEER)

/* Three agents: we, b, c. What each offers, who answered, what the group does (C-18..C-21). */
static const struct {
	const char *what;
	uint8_t transport[3];
	uint8_t sync[3];
	bool greeted[2];
	uint8_t state[2];
	bool ready;
	uint8_t group_transport;
	uint8_t group_sync;
} cases[] = {
	{ "all can all", { API, API, API }, { P2P, P2P, P2P }, { true, true }, { 1, 1 },
	  true, MS_TRANSPORT_API, MS_SYNC_PEER },
	{ "one is silent", { API, API, API }, { P2P, P2P, P2P }, { true, false }, { 1, 1 },
	  false, 0, 0 },
	{ "one is DNS only", { API, API, DNS }, { P2P, P2P, P2P }, { true, true }, { 1, 1 },
	  true, MS_TRANSPORT_DNS, MS_SYNC_PEER },
	{ "we are DNS only", { DNS, API, API }, { P2P, P2P, P2P }, { true, true }, { 1, 1 },
	  true, MS_TRANSPORT_DNS, MS_SYNC_PEER },
	{ "one is leader/follower only", { API, API, API }, { P2P, LF, P2P }, { true, true }, { 1, 1 },
	  true, MS_TRANSPORT_API, MS_SYNC_LEADER },
	{ "a silent OFF does not count", { API, API, DNS }, { P2P, P2P, LF }, { true, false }, { 1, 2 },
	  true, MS_TRANSPORT_API, MS_SYNC_PEER },
};

static void test_matrix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_agent_t agent;
		ms_actions_t out = { 0 };
		knot_dname_storage_t buf;
		make_agent(&agent);
		agent.config.transport = cases[i].transport[0];
		agent.config.sync = cases[i].sync[0];
		ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
		zone->shared = true;
		zone->self_state = MS_HSYNC_ON;
		static const char *const names[] = { "agent.b.test.", "agent.c.test." };
		for (unsigned k = 0; k < 2; k++) {
			ms_pair_t *pair = ms_pair_get(&agent, zone, make_name(names[k], buf), make_now(0));
			pair->listed = true;
			pair->state = cases[i].state[k];
			pair->greeted = pair->peer->introduced = cases[i].greeted[k];
			pair->peer->transport = cases[i].transport[k + 1];
			pair->peer->sync = cases[i].sync[k + 1];
		}
		ms_group_settle(&agent, zone, &out);
		if (zone->group_ready != cases[i].ready ||
		    zone->group_transport != cases[i].group_transport ||
		    zone->group_sync != cases[i].group_sync) {
			fail_msg("%s: %d %d %d", cases[i].what, zone->group_ready, zone->group_transport,
			         zone->group_sync);
		}
		ms_actions_deinit(&out);
		ms_agent_deinit(&agent);
	}
}

/* A group of one is the degenerate case of the same code (F-28). */
static void test_alone(void **state)
{
	(void)state;
	ms_agent_t agent;
	ms_actions_t out = { 0 };
	knot_dname_storage_t buf;
	make_agent(&agent);
	ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
	zone->shared = true;
	zone->self_state = MS_HSYNC_ON;
	ms_group_settle(&agent, zone, &out);
	assert_true(zone->group_ready);
	assert_int_equal(zone->group_transport, MS_TRANSPORT_DNS);
	assert_int_equal(zone->group_sync, MS_SYNC_PEER);
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_alone),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
