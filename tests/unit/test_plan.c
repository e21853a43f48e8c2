/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The edits that make an apex what is wanted: what goes, and what never does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/plan.h"
#include "core/process.h"
#include "make.h"

static ms_agent_t agent;
static ms_zone_t *zone;
static ms_plan_t plan;
static uint8_t own[MAKE_KEY_LEN], k1[MAKE_KEY_LEN], k2[MAKE_KEY_LEN], stray[MAKE_KEY_LEN];

/* B's first key stands there beside ours, the second one is new; so does a stray of the owner's. */
static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	zone = make_zone(&agent);
	make_zsk(1, own);
	make_zsk(2, k1);
	make_zsk(3, k2);
	make_zsk(4, stray);
	ms_pair_t *pair = make_pair(&agent, zone, "agent.b.test.");
	(void)make_founded(zone);
	make_add(&zone->own.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, k1, sizeof(k1));
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, k2, sizeof(k2));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, stray, sizeof(stray));
	make_add(&zone->written.set[MS_APEX_DNSKEY], 300, k1, sizeof(k1));
	zone->has_written = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_plan_clear(&plan);
	ms_agent_deinit(&agent);
	return 0;
}

/* The edit of a type, or NULL where there is none. */
static const ms_edit_t *make_plan(bool keys_fit, uint16_t rrtype)
{
	ms_plan_clear(&plan);
	plan = (ms_plan_t){ .zone = zone, .mode = ms_combine_of(&agent, zone), .keys_fit = keys_fit };
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	assert_int_equal(ms_plan_make(&plan), KNOT_EOK);
	for (size_t i = 0; i < plan.count; i++) {
		assert_true(knot_dname_is_equal(plan.edits[i].owner, zone->name));
		if (plan.edits[i].rrtype == rrtype) {
			return &plan.edits[i];
		}
	}
	return NULL;
}

static bool removes(const ms_edit_t *edit, const uint8_t key[MAKE_KEY_LEN])
{
	return edit != NULL && ms_rrset_has(&edit->remove, key, MAKE_KEY_LEN);
}

static void test_strays(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		bool keys_fit, spoken, hold;
		bool gone;
	} cases[] = {
		{ "everybody has spoken, and ours are known", true, true, false, true },
		{ "the list of ours is of another apex", false, true, false, false },
		{ "somebody has not spoken", true, false, false, false },
		{ "hold", true, true, true, false },
	};
	ms_pair_t *late = make_pair(&agent, zone, "agent.c.test.");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		late->has_held = cases[i].spoken;
		agent.config.hold = cases[i].hold;
		const ms_edit_t *edit = make_plan(cases[i].keys_fit, KNOT_RRTYPE_DNSKEY);
		if (removes(edit, stray) != cases[i].gone || removes(edit, own) || removes(edit, k1)) {
			fail_msg("%s", cases[i].what);
		}
		bool adds = edit != NULL && ms_rrset_has(&edit->add, k2, sizeof(k2));
		assert_int_equal(adds, !cases[i].hold);
	}
}

/* CDS, CDNSKEY and CSYNC of the owner's go, knotd's own stay. */
static void test_stray_types(void **state)
{
	(void)state;
	static const uint8_t cds[] = "\x11\x22\x0f\x02mine", other[] = "\x33\x44\x0f\x02owner";
	static const uint8_t csync[] = "\0\0\0\1\0\1\0\1\x20";
	make_add(&zone->own.set[MS_APEX_CDS], 0, cds, sizeof(cds));
	make_add(&zone->apex.set[MS_APEX_CDS], 0, cds, sizeof(cds));
	make_add(&zone->apex.set[MS_APEX_CDS], 0, other, sizeof(other));
	make_add(&zone->apex.set[MS_APEX_CDNSKEY], 0, stray, sizeof(stray));
	make_add(&zone->apex.set[MS_APEX_CSYNC], 0, csync, sizeof(csync) - 1);
	const ms_edit_t *edit = make_plan(true, KNOT_RRTYPE_CDS);
	assert_non_null(edit);
	assert_int_equal(edit->remove.rrs.count, 1);
	assert_true(ms_rrset_has(&edit->remove, other, sizeof(other)));
	assert_int_equal(edit->ttl, 0); /* that of the RRset */
	assert_true(removes(make_plan(true, KNOT_RRTYPE_CDNSKEY), stray));
	edit = make_plan(false, KNOT_RRTYPE_CSYNC);
	assert_true(edit != NULL && edit->remove.rrs.count == 1);
}

/* Ours by the key manager's list: not taken out, whatever says that we wrote it. */
static void test_never_our_own(void **state)
{
	(void)state;
	make_own(zone, own);
	ms_rrset_clear(&zone->own.set[MS_APEX_DNSKEY]);
	make_add(&zone->written.set[MS_APEX_DNSKEY], 300, own, sizeof(own));
	const ms_edit_t *edit = make_plan(true, KNOT_RRTYPE_DNSKEY);
	assert_non_null(edit);
	assert_false(removes(edit, own));
	assert_true(removes(edit, stray));
}

static void test_withdrawn(void **state)
{
	(void)state;
	ms_rrset_clear(&zone->pairs[0].held.set[MS_APEX_DNSKEY]);
	assert_true(removes(make_plan(false, KNOT_RRTYPE_DNSKEY), k1));
	assert_false(removes(make_plan(false, KNOT_RRTYPE_DNSKEY), stray));
	/* We are OFF: as long as we leave, we follow the others; then it stays. */
	zone->self_state = MS_HSYNC_OFF;
	assert_true(removes(make_plan(true, KNOT_RRTYPE_DNSKEY), k1));
	zone->process->member = false;
	assert_null(make_plan(true, KNOT_RRTYPE_DNSKEY));
}

static void test_ns(void **state)
{
	(void)state;
	zone->nsmgmt = MS_HSYNC_AGENT;
	make_ns(&zone->own.set[MS_APEX_NS], "a.");
	make_ns(&zone->pairs[0].held.set[MS_APEX_NS], "b.");
	make_ns(&zone->apex.set[MS_APEX_NS], "b.");
	make_ns(&zone->apex.set[MS_APEX_NS], "o.");
	zone->apex.set[MS_APEX_NS].ttl = 86400;
	const ms_edit_t *edit = make_plan(false, KNOT_RRTYPE_NS);
	assert_non_null(edit);
	assert_true(make_ns_equal(&edit->add, "a."));
	assert_true(make_ns_equal(&edit->remove, "o."));
	assert_int_equal(edit->ttl, 86400);
	char text[160];
	ms_plan_describe(&plan, text, sizeof(text));
	assert_string_equal(text, "DNSKEY +1 -0, NS +1 -1");
	/* Nothing is missing: what must stay is brought even so, lest a zone that changes meanwhile be
	 * left without NS. */
	make_ns(&zone->apex.set[MS_APEX_NS], "a.");
	edit = make_plan(false, KNOT_RRTYPE_NS);
	assert_true(edit != NULL && make_ns_equal(&edit->add, "a. b."));
	assert_true(make_ns_equal(&edit->remove, "o."));
	zone->nsmgmt = MS_HSYNC_OWNER; /* never touched by us yet */
	assert_null(make_plan(false, KNOT_RRTYPE_NS));
	assert_false(plan.refetch);
}

/* NSMgmt is OWNER again (G-14): what we wrote goes, what was the owner's comes back. */
static void test_restored(void **state)
{
	(void)state;
	make_ns(&zone->written.set[MS_APEX_NS], "a.");
	make_ns(&zone->written.set[MS_APEX_NS], "b.");
	make_ns(&zone->apex.set[MS_APEX_NS], "a.");
	make_ns(&zone->apex.set[MS_APEX_NS], "b.");
	make_ns(&zone->apex.set[MS_APEX_NS], "q.");
	make_ns(&zone->owner.ns, "b.");
	make_ns(&zone->owner.ns, "o.");
	const ms_edit_t *edit = make_plan(true, KNOT_RRTYPE_NS);
	assert_non_null(edit);
	assert_true(make_ns_equal(&edit->add, "o."));
	assert_true(make_ns_equal(&edit->remove, "a.")); /* what we did not write is the owner's */
	assert_false(plan.refetch);

	/* An ordinary zone again: the same, and providers' keys stay for their process. */
	zone->shared = false;
	edit = make_plan(true, KNOT_RRTYPE_NS);
	assert_int_equal(plan.mode, MS_COMBINE_RESTORE);
	assert_true(edit != NULL && make_ns_equal(&edit->add, "o."));
	assert_null(make_plan(true, KNOT_RRTYPE_DNSKEY));
	/* The RRset names others: what we wrote stays as long as we are a member; then nothing. */
	make_hsync(&zone->apex.set[MS_APEX_HSYNC], "ON OWNER SIGN agent.b.test. .");
	edit = make_plan(true, KNOT_RRTYPE_NS);
	assert_int_equal(plan.mode, MS_COMBINE_FROZEN);
	assert_true(edit == NULL || !ms_rrset_has(&edit->remove, (const uint8_t *)"\1a", 3));
	zone->process->member = false;
	assert_null(make_plan(true, KNOT_RRTYPE_NS));
	assert_int_equal(plan.count, 0);
	zone->shared = true;

	ms_rrset_clear(&zone->owner.ns);
	assert_null(make_plan(true, KNOT_RRTYPE_NS));
	assert_true(plan.refetch);
}

/* A combiner elsewhere is told everything (G-02), CDNSKEY as well (G-03): what is ours and empty,
 * too. */
static void test_whole(void **state)
{
	(void)state;
	zone->nsmgmt = MS_HSYNC_AGENT;
	make_ns(&zone->own.set[MS_APEX_NS], "a.");
	assert_non_null(make_plan(true, KNOT_RRTYPE_NS));
	assert_int_equal(ms_plan_whole(&plan), KNOT_EOK);
	assert_int_equal(plan.count, 5);
	static const struct {
		uint16_t rrtype, count;
	} whole[] = {
		{ KNOT_RRTYPE_DNSKEY, 2 }, { KNOT_RRTYPE_CDS, 0 }, { KNOT_RRTYPE_CDNSKEY, 0 },
		{ KNOT_RRTYPE_NS, 1 }, { KNOT_RRTYPE_CSYNC, 0 },
	};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(plan.edits[i].rrtype, whole[i].rrtype);
		assert_int_equal(plan.edits[i].add.rrs.count, whole[i].count);
		assert_int_equal(plan.edits[i].remove.rrs.count, 0);
		assert_true(plan.edits[i].exact);
	}
	assert_int_equal(plan.edits[0].ttl, 300); /* the contribution's: its own zone has none yet */
	zone->nsmgmt = MS_HSYNC_OWNER; /* */
	assert_null(make_plan(true, KNOT_RRTYPE_NS));
	assert_int_equal(ms_plan_whole(&plan), KNOT_EOK);
	assert_int_equal(plan.count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_strays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stray_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_our_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_withdrawn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
