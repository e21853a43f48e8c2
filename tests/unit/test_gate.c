/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which versions may leave the server, from the first view on, and who hears of it when not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/gate.h"
#include "core/view.h"
#include "core/wanted.h"
#include "make.h"

#define BIT(type) (1u << MS_APEX_##type)

static ms_agent_t agent;
static ms_actions_t out;
static ms_zone_t *zone;
static uint8_t own[MAKE_KEY_LEN], k1[MAKE_KEY_LEN], k2[MAKE_KEY_LEN];

static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	agent.config.gate = true;
	zone = make_zone(&agent);
	make_zsk(1, own);
	make_zsk(2, k1);
	make_zsk(3, k2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	return 0;
}

static void add_key(ms_rrset_t *set, char which)
{
	const uint8_t *key = which == '1' ? k1 : which == '2' ? k2 : own;
	make_add(set, 300, key, MAKE_KEY_LEN);
}

static void add_name(ms_rrset_t *set, char which)
{
	const char name[] = { 'n', 's', which, '.', '\0' };
	make_ns(set, name);
}

/* Keys and nameservers by their letters: "1", "2", "o" = our own key. */
static const struct {
	const char *what;
	uint32_t managed, exact;
	const char *want_keys, *want_ns;
	const char *keys, *ns;
	bool has_serial, is_unsigned, is_signed;
	uint32_t want_serial, serial;
	bool open;
} cases[] = {
	{ "nothing is ours", 0, 0, "", "", "o", "x", .open = true },
	{ "what is wanted but not ours is not looked at", 0, 0, "1", "a", "o", "x", .open = true },
	{ "key: there, beside our own", BIT(DNSKEY), 0, "1", "", "o1", "", .open = true },
	{ "key: missing", BIT(DNSKEY), 0, "1", "", "o", "", .open = false },
	{ "key: no RRset at all", BIT(DNSKEY), 0, "1", "", "", "", .open = false },
	{ "key: one of two", BIT(DNSKEY), 0, "12", "", "o2", "", .open = false },
	{ "key: others stand there, too", BIT(DNSKEY), 0, "1", "", "o12", "", .open = true },
	{ "key: none is wanted", BIT(DNSKEY), 0, "", "", "o1", "", .open = true },
	{ "NS: equal", BIT(NS), BIT(NS), "", "ab", "o", "ba", .open = true },
	{ "NS: one is missing", BIT(NS), BIT(NS), "", "ab", "o", "a", .open = false },
	{ "NS: one too many", BIT(NS), BIT(NS), "", "ab", "o", "abx", .open = false },
	{ "NS: as many, but others", BIT(NS), BIT(NS), "", "ab", "o", "ax", .open = false },
	{ "exact and empty: empty", BIT(NS), BIT(NS), "", "", "o", "", .open = true },
	{ "exact and empty: something", BIT(NS), BIT(NS), "", "", "o", "x", .open = false },
	{ "both, one of them is wrong", BIT(DNSKEY) | BIT(NS), BIT(NS), "1", "a", "o1", "x",
	  .open = false },
	{ "serial: ours", BIT(NS), BIT(NS), "", "a", "", "a", .has_serial = true, .want_serial = 7,
	  .serial = 7, .open = true },
	{ "serial: another", BIT(NS), BIT(NS), "", "a", "", "a", .has_serial = true, .want_serial = 7,
	  .serial = 8, .open = false },
	{ "serial: not of our making", BIT(NS), BIT(NS), "", "a", "", "a", .want_serial = 7,
	  .serial = 8, .open = true },
	{ "signed input (G-25)", 0, 0, "", "", "", "a", .is_unsigned = true, .is_signed = true,
	  .open = false },
	{ "unsigned input", 0, 0, "", "", "", "a", .is_unsigned = true, .open = true },
	{ "signed by us", BIT(DNSKEY), 0, "1", "", "o1", "a", .is_signed = true, .open = true },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_wanted_t wanted = { .managed = cases[i].managed, .exact = cases[i].exact,
		                       .has_serial = cases[i].has_serial, .serial = cases[i].want_serial,
		                       .is_unsigned = cases[i].is_unsigned };
		ms_apex_t apex = { .serial = cases[i].serial, .is_signed = cases[i].is_signed };
		for (const char *c = cases[i].want_keys; *c != '\0'; c++) {
			add_key(&wanted.data.set[MS_APEX_DNSKEY], *c);
		}
		for (const char *c = cases[i].keys; *c != '\0'; c++) {
			add_key(&apex.set[MS_APEX_DNSKEY], *c);
		}
		for (const char *c = cases[i].want_ns; *c != '\0'; c++) {
			add_name(&wanted.data.set[MS_APEX_NS], *c);
		}
		for (const char *c = cases[i].ns; *c != '\0'; c++) {
			add_name(&apex.set[MS_APEX_NS], *c);
		}
		if (ms_gate_open_apex(&wanted, &apex) != cases[i].open) {
			fail_msg("%s", cases[i].what);
		}
		assert_true(ms_gate_open_apex(NULL, &apex));
		ms_contribution_clear(&wanted.data);
		ms_apex_clear(&apex);
	}
}

static void test_holds(void **state)
{
	(void)state;
	static const uint16_t held[] = {
		KNOT_RRTYPE_SOA, KNOT_RRTYPE_NS, KNOT_RRTYPE_DNSKEY, KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY,
		KNOT_RRTYPE_CSYNC, KNOT_RRTYPE_KEY, KNOT_RRTYPE_RRSIG, KNOT_RRTYPE_ANY,
	};
	unsigned count = 0;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		count += ms_gate_holds(type);
	}
	assert_int_equal(count, sizeof(held) / sizeof(held[0]));
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		assert_true(ms_gate_holds(held[i]));
	}
}

/* A key of a peer's is wanted, and the version that is seen lacks it. */
static void lack(double now)
{
	ms_pair_t *pair = make_pair(&agent, zone, "agent.b.test.");
	add_key(&pair->held.set[MS_APEX_DNSKEY], '1');
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	ms_gate_seen(&agent, zone, make_now(now));
}

static void watch(double now)
{
	ms_actions_clear(&out);
	ms_gate_watch(&agent, zone, make_now(now), &out);
}

static void test_watch(void **state)
{
	(void)state;
	lack(10);
	assert_true(zone->shut);
	assert_int_equal(ms_gate_deadline(zone).us, make_now(15).mono.us);
	watch(14.9);
	assert_false(ms_zone_alarmed(zone, MS_ALARM_GATE_SHUT));
	/* Another version that lacks it does not start the time anew. */
	ms_gate_seen(&agent, zone, make_now(14.9));
	watch(15);
	assert_true(ms_zone_alarmed(zone, MS_ALARM_GATE_SHUT));
	assert_int_equal(ms_gate_deadline(zone).us, MS_TIME_NEVER.us);
	assert_null(make_find(&out, MS_ACT_NOTIFY, NULL));

	/* The complete version ends it; knotd tells the secondaries of that one by itself. */
	add_key(&zone->apex.set[MS_APEX_DNSKEY], '1');
	ms_gate_seen(&agent, zone, make_now(16));
	watch(16);
	assert_false(zone->shut || ms_zone_alarmed(zone, MS_ALARM_GATE_SHUT));
	assert_null(make_find(&out, MS_ACT_NOTIFY, NULL));
}

/* A wish that comes later shuts nothing; one that goes opens, and the secondaries are told. */
static void test_wish(void **state)
{
	(void)state;
	lack(0);
	zone->pairs[0].has_held = false;
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	watch(1);
	assert_false(zone->shut);
	assert_non_null(make_find(&out, MS_ACT_NOTIFY, NULL));
	zone->pairs[0].has_held = true;
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	watch(2);
	assert_false(zone->shut);
	assert_null(make_find(&out, MS_ACT_NOTIFY, NULL));
}

static void test_off(void **state)
{
	(void)state;
	agent.config.gate = false;
	lack(0);
	assert_false(zone->shut);
	agent.config.gate = true;
	ms_gate_seen(&agent, zone, make_now(1));
	assert_true(zone->shut);
	agent.config.remote_combiner = true; /* it has a gate of its own */
	watch(2);
	assert_false(zone->shut);
}

/* Signed input is held back, and told (G-25). */
static void test_signed_input(void **state)
{
	(void)state;
	agent.config.combiner_role = true;
	zone->signing = false;
	zone->apex.is_signed = true;
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	ms_gate_seen(&agent, zone, make_now(0));
	watch(0);
	assert_true(zone->shut && ms_zone_alarmed(zone, MS_ALARM_SIGNED_INPUT));
	zone->apex.is_signed = false;
	watch(1);
	assert_false(ms_zone_alarmed(zone, MS_ALARM_SIGNED_INPUT));

	/* The owner signs what no provider does: nothing is kept back, but NSMgmt cannot be AGENT. */
	agent.config.combiner_role = false;
	zone->apex.is_signed = true;
	zone->self_sign = MS_HSYNC_NOSIGN;
	zone->nsmgmt = MS_HSYNC_AGENT;
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	ms_gate_seen(&agent, zone, make_now(2));
	watch(2);
	assert_true(!zone->shut && ms_zone_alarmed(zone, MS_ALARM_SIGNED_INPUT));
	zone->nsmgmt = MS_HSYNC_OWNER;
	watch(3);
	assert_false(ms_zone_alarmed(zone, MS_ALARM_SIGNED_INPUT));
}

/* Gives what an agent has written to another one, as its next start finds it. */
static void restart(ms_agent_t *next)
{
	make_agent(next);
	next->config.gate = true;
	for (size_t i = 0; i < out.count; i++) {
		const ms_action_t *action = &out.list[i];
		if (action->kind == MS_ACT_PERSIST && action->persist.value != NULL) {
			assert_int_equal(ms_agent_restore(next, action->persist.key, action->persist.key_len,
			                                  action->persist.value, action->persist.value_len,
			                                  make_now(0)), KNOT_EOK);
		}
	}
	assert_int_equal(ms_agent_restored(next), KNOT_EOK);
}

/* The first view keeps uncombined versions back, before any zone instance is loaded. */
static void test_first_view(void **state)
{
	(void)state;
	ms_pair_t *pair = make_pair(&agent, zone, "agent.b.test.");
	add_key(&pair->held.set[MS_APEX_DNSKEY], '1');
	make_ns(&zone->written.set[MS_APEX_NS], "nsa.");
	zone->has_written = true;
	pair->nsmgmt = zone->nsmgmt = zone->self_nsmgmt = MS_HSYNC_AGENT;
	ms_zone_t *other = ms_zone_get(&agent, (const knot_dname_t *)"\x05" "other");
	assert_non_null(other);
	assert_int_equal(ms_agent_persist_all(&agent, &out), KNOT_EOK);

	ms_agent_t next;
	restart(&next);
	ms_view_t *view = ms_view_make(&next, NULL, make_now(0));
	assert_non_null(view);
	const ms_view_zone_t *row = ms_view_zone(view, zone->name);
	assert_non_null(row);
	assert_false(row->opted || row->shared); /* it answers no message yet */
	assert_null(ms_view_zone(view, other->name));

	ms_apex_t apex = { .serial = 1, .is_signed = true };
	add_key(&apex.set[MS_APEX_DNSKEY], 'o');
	make_ns(&apex.set[MS_APEX_NS], "owner.");
	assert_false(ms_gate_open_apex(row->wanted, &apex)); /* what an AXFR leaves behind */
	add_key(&apex.set[MS_APEX_DNSKEY], '1');
	assert_false(ms_gate_open_apex(row->wanted, &apex));
	ms_rrset_clear(&apex.set[MS_APEX_NS]);
	make_ns(&apex.set[MS_APEX_NS], "nsa.");
	assert_true(ms_gate_open_apex(row->wanted, &apex)); /* the version that was served */
	ms_apex_clear(&apex);
	ms_view_free(view);
	ms_agent_deinit(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signed_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_view, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
