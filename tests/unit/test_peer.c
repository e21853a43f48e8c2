/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/name.h"
#include "core/model.h"
#include "core/peer.h"

/* The relation table once more, written by hand from the drafts: two sources must agree. */
static const struct {
	ms_relation_t from;
	ms_peer_event_t event;
	ms_relation_t to;
} changes[] = {
	{ MS_PEER_NEEDED,      MS_PEER_LOCATED, MS_PEER_KNOWN },
	{ MS_PEER_KNOWN,       MS_PEER_GREETED, MS_PEER_OPERATIONAL },
	{ MS_PEER_KNOWN,       MS_PEER_EXPIRED, MS_PEER_NEEDED },
	{ MS_PEER_OPERATIONAL, MS_PEER_EXPIRED, MS_PEER_NEEDED },
	{ MS_PEER_OPERATIONAL, MS_PEER_SILENT,  MS_PEER_DEGRADED },
	{ MS_PEER_OPERATIONAL, MS_PEER_LOST,    MS_PEER_INTERRUPTED },
	{ MS_PEER_DEGRADED,    MS_PEER_GREETED, MS_PEER_OPERATIONAL },
	{ MS_PEER_DEGRADED,    MS_PEER_HEARD,   MS_PEER_OPERATIONAL },
	{ MS_PEER_DEGRADED,    MS_PEER_EXPIRED, MS_PEER_NEEDED },
	{ MS_PEER_DEGRADED,    MS_PEER_LOST,    MS_PEER_INTERRUPTED },
	{ MS_PEER_INTERRUPTED, MS_PEER_GREETED, MS_PEER_OPERATIONAL },
	{ MS_PEER_INTERRUPTED, MS_PEER_HEARD,   MS_PEER_OPERATIONAL },
	{ MS_PEER_INTERRUPTED, MS_PEER_EXPIRED, MS_PEER_NEEDED },
};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static ms_relation_t expected(ms_relation_t from, ms_peer_event_t event)
{
	for (size_t i = 0; i < CHANGES; i++) {
		if (changes[i].from == from && changes[i].event == event) {
			return changes[i].to;
		}
	}
	return from;
}

static void test_every_pair(void **state)
{
	(void)state;
	for (int from = 0; from < MS_PEER_RELATIONS; from++) {
		for (int event = 0; event < MS_PEER_EVENTS; event++) {
			assert_int_equal(ms_peer_next(from, event), expected(from, event));
			assert_non_null(ms_relation_name(from));
			assert_non_null(ms_peer_event_name(event));
		}
	}
}

/* Nobody becomes OPERATIONAL without a validated key and a HELLO (C-14, B-17). */
static void test_no_short_cut(void **state)
{
	(void)state;
	for (int event = 0; event < MS_PEER_EVENTS; event++) {
		assert_true(ms_peer_next(MS_PEER_NEEDED, event) <= MS_PEER_KNOWN);
		if (event != MS_PEER_GREETED) {
			assert_true(ms_peer_next(MS_PEER_KNOWN, event) <= MS_PEER_KNOWN);
		}
	}
}

static ms_agent_t agent;
static ms_actions_t actions;
static ms_peer_t *peer;
static const knot_dname_t *beta = (const knot_dname_t *)"\x05" "agent\x04" "beta";

static ms_now_t at(double seconds)
{
	return (ms_now_t){ { (int64_t)(seconds * 1e6) }, { 1000000 + (int64_t)seconds } };
}

static int setup(void **state)
{
	ms_config_t config = { .heartbeat = 60 * MS_SEC, .hello_retry = 5 * MS_SEC,
	                       .transport = MS_TRANSPORT_DNS, .sync = MS_SYNC_LEADER };
	ms_name_copy(config.identity, (const knot_dname_t *)"\x05" "alpha");
	assert_int_equal(ms_agent_init(&agent, &config, 1, at(0)), KNOT_EOK);
	peer = ms_peer_get(&agent, beta, at(0));
	assert_non_null(peer);
	peer->refs = 1;
	return 0;
}

static int teardown(void **state)
{
	ms_agent_deinit(&agent);
	ms_actions_deinit(&actions);
	return 0;
}

static unsigned count(ms_action_kind_t kind)
{
	unsigned n = 0;
	for (size_t i = 0; i < actions.count; i++) {
		n += actions.list[i].kind == kind;
	}
	return n;
}

static void locate(double now, int64_t life)
{
	ms_locator_t locator = { .key_count = 1, .addr_count = 1, .expires = at(now).wall.s + life };
	ms_peer_located(&agent, peer, &locator, at(now), &actions);
}

static void test_silence(void **state)
{
	(void)state;
	locate(0, 100000);
	ms_peer_event(&agent, peer, MS_PEER_GREETED, at(0), &actions);
	assert_int_equal(peer->relation, MS_PEER_OPERATIONAL);

	assert_int_equal(ms_peer_settle(&agent, peer, at(120), &actions), KNOT_EOK);
	assert_int_equal(peer->relation, MS_PEER_OPERATIONAL); /* exactly two intervals */
	ms_peer_settle(&agent, peer, at(121), &actions);
	assert_int_equal(peer->relation, MS_PEER_DEGRADED);
	ms_peer_settle(&agent, peer, at(600), &actions);
	assert_int_equal(peer->relation, MS_PEER_DEGRADED);
	ms_peer_settle(&agent, peer, at(601), &actions);
	assert_int_equal(peer->relation, MS_PEER_INTERRUPTED);
	ms_peer_event(&agent, peer, MS_PEER_HEARD, at(700), &actions);
	assert_int_equal(peer->relation, MS_PEER_OPERATIONAL);

	/* The slower side sets the pace (C-23). */
	peer->interval = 200 * MS_SEC;
	ms_peer_settle(&agent, peer, at(700 + 399), &actions);
	assert_int_equal(peer->relation, MS_PEER_OPERATIONAL);
	ms_peer_settle(&agent, peer, at(700 + 401), &actions);
	assert_int_equal(peer->relation, MS_PEER_DEGRADED);
}

static void test_expiry(void **state)
{
	(void)state;
	locate(0, 100);
	assert_int_equal(peer->relation, MS_PEER_KNOWN);
	ms_actions_clear(&actions);
	ms_peer_settle(&agent, peer, at(74), &actions);
	assert_int_equal(count(MS_ACT_LOCATE), 0);
	ms_peer_settle(&agent, peer, at(75), &actions);   /* before it expires (B-20) … */
	assert_int_equal(count(MS_ACT_LOCATE), 1);
	assert_true(actions.list[0].locate.fresh);        /* … and not out of the cache */
	ms_peer_settle(&agent, peer, at(76), &actions);   /* one look-up at a time */
	assert_int_equal(count(MS_ACT_LOCATE), 1);
	assert_true(peer->has_locator);
	ms_peer_settle(&agent, peer, at(100), &actions);
	assert_int_equal(peer->relation, MS_PEER_NEEDED);
	assert_false(peer->has_locator);
}

/* Civil time jumps by a day: the key is not used any longer, whatever the other clock says
 * (P-30). */
static void test_clock_jump(void **state)
{
	(void)state;
	locate(0, 3600);
	ms_now_t jumped = at(10);
	jumped.wall.s += 86400;
	ms_peer_settle(&agent, peer, jumped, &actions);
	assert_int_equal(peer->relation, MS_PEER_NEEDED);

	/* Back by a day: the monotonic deadline holds. */
	locate(20, 100);
	jumped = at(121);
	jumped.wall.s -= 86400;
	ms_peer_settle(&agent, peer, jumped, &actions);
	assert_int_equal(peer->relation, MS_PEER_NEEDED);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		for (int from = 0; from < MS_PEER_RELATIONS; from++) {
			for (int event = 0; event < MS_PEER_EVENTS; event++) {
				ms_relation_t to = ms_peer_next(from, event);
				if ((int)to != from) {
					printf("   %-12s  %-8s  %s\n", ms_relation_name(from),
					       ms_peer_event_name(event), ms_relation_name(to));
				}
			}
		}
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_no_short_cut),
		cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_jump, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
