/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/listing.h"
#include "make.h"

#define A "ON OWNER SIGN agent.a.test. ."
#define B "ON OWNER SIGN agent.b.test. ."

/* HSYNC RRsets one after the other, as the owner publishes them; what each leaves behind. */
static const struct {
	const char *what;
	const char *records[4];
	bool broken;               /* plus a record with State 0 */
	uint32_t alarms;
	bool shared;
	bool b_known;
	bool b_on;
	bool b_leaving;
} steps[] = {
	{ "no HSYNC: ignored (A-27)", { NULL }, false, 0, false, false, false, false },
	{ "alone (A-26)", { A }, false, 0, true, false, false, false },
	{ "new OFF is inert (A-14)", { A, "OFF OWNER SIGN agent.b.test. ." }, false, 0,
	  true, true, false, false },
	{ "never ON and gone", { A }, false, 0, true, false, false, false },
	{ "ON (A-12), any case (A-34)", { A, "ON OWNER SIGN AGENT.B.TEST. ." }, false, 0,
	  true, true, true, false },
	{ "State 0 keeps the last good (A-08)", { A }, true, 1u << MS_ALARM_HSYNC_INVALID,
	  true, true, true, false },
	{ "twice with other flags (A-09)", { A, B, "OFF OWNER SIGN agent.b.test. ." }, false,
	  1u << MS_ALARM_HSYNC_CONFLICT, true, true, true, false },
	{ "NSMgmt disagrees (A-10)", { A, "ON AGENT SIGN agent.b.test. ." }, false,
	  1u << MS_ALARM_NSMGMT, true, true, true, false },
	{ "upstream loop (A-25)",
	  { "ON OWNER SIGN agent.a.test. agent.b.test.", "ON OWNER SIGN agent.b.test. agent.a.test." },
	  false, 1u << MS_ALARM_UPSTREAM, true, true, true, false },
	{ "all NOSIGN (A-32)",
	  { "ON OWNER NOSIGN agent.a.test. .", "ON OWNER NOSIGN agent.b.test. ." }, false,
	  1u << MS_ALARM_NO_SIGNER, true, true, true, false },
	{ "all gone at once (P-06)", { NULL }, false, 1u << MS_ALARM_HSYNC_GONE,
	  true, true, true, false },
	{ "ON to OFF leaves (A-13)", { A, "OFF OWNER SIGN agent.b.test. ." }, false,
	  1u << MS_ALARM_LEAVING, true, true, false, true },
	{ "back to ON", { A, B }, false, 0, true, true, true, false },
	{ "ON to absent leaves, too (A-16)", { A }, false, 1u << MS_ALARM_LEAVING,
	  true, true, false, true },
	{ "we are not listed (A-28)", { B }, false, 1u << MS_ALARM_NOT_LISTED,
	  false, true, true, false },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void test_history(void **state)
{
	(void)state;
	ms_agent_t agent;
	ms_actions_t out = { 0 };
	make_agent(&agent);
	knot_dname_storage_t buf;
	ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
	zone->opted = zone->signing = true;
	make_name("agent.b.test.", buf);
	for (size_t i = 0; i < STEPS; i++) {
		ms_rrset_t *set = &zone->apex.set[MS_APEX_HSYNC];
		ms_rrset_clear(set);
		for (unsigned k = 0; steps[i].records[k] != NULL; k++) {
			make_hsync(set, steps[i].records[k]);
		}
		if (steps[i].broken) {
			make_add(set, 300, (const uint8_t *)"\x00\x01\x01\x01" "x\x00\x00", 7);
		}
		assert_int_equal(ms_listing_settle(&agent, zone, make_now(i), &out), KNOT_EOK);
		ms_pair_t *b = ms_pair_find(zone, buf);
		if (zone->alarms != steps[i].alarms || zone->shared != steps[i].shared ||
		    (b != NULL) != steps[i].b_known || (b != NULL && ms_pair_on(b)) != steps[i].b_on ||
		    (b != NULL && b->leaving) != steps[i].b_leaving) {
			fail_msg("%s: alarms %x shared %d b %d on %d leaving %d", steps[i].what,
			         zone->alarms, zone->shared, b != NULL, b != NULL && ms_pair_on(b),
			         b != NULL && b->leaving);
		}
		ms_actions_clear(&out);
	}
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
}

static void test_too_many(void **state)
{
	(void)state;
	ms_rrset_t set = { 0 };
	ms_listing_t listing;
	char text[64];
	for (unsigned i = 0; i <= MS_PROVIDERS_MAX; i++) {
		snprintf(text, sizeof(text), "ON OWNER SIGN agent.p%u.test. .", i);
		assert_int_equal(i > 0 ? ms_listing_read(&set, MS_HSYNC_DRAFT, &listing) : KNOT_EOK,
		                 KNOT_EOK);
		make_hsync(&set, text);
	}
	assert_int_equal(ms_listing_read(&set, MS_HSYNC_DRAFT, &listing), KNOT_ELIMIT);
	ms_rrset_clear(&set);
}

static const ms_rec_member_t *member_of(const ms_actions_t *out, const char *identity,
                                        ms_rec_member_t *rec)
{
	knot_dname_storage_t buf;
	make_name(identity, buf);
	for (size_t i = 0; i < out->count; i++) {
		const ms_action_t *action = &out->list[i];
		ms_rec_key_t key;
		if (action->kind == MS_ACT_PERSIST && action->persist.value != NULL &&
		    ms_rec_key_decode(action->persist.key, action->persist.key_len, &key) == KNOT_EOK &&
		    key.kind == MS_REC_MEMBER && knot_dname_is_equal(key.origin, buf) &&
		    ms_rec_member_decode(action->persist.value, action->persist.value_len,
		                         rec) == KNOT_EOK) {
			return rec;
		}
	}
	return NULL;
}

/* Out of memory half-way, b is known to leave and that is not on disk: the next try writes it. */
static void test_unsaved(void **state)
{
	(void)state;
	static const char *const listings[][2] = { { A, "OFF OWNER SIGN agent.b.test. ." }, { A, NULL } };
	for (size_t i = 0; i < 2; i++) {
		ms_agent_t agent;
		ms_actions_t out = { 0 };
		ms_rec_member_t rec;
		make_agent(&agent);
		knot_dname_storage_t buf;
		ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
		zone->opted = zone->signing = true;
		ms_rrset_t *set = &zone->apex.set[MS_APEX_HSYNC];
		make_hsync(set, A);
		make_hsync(set, B);
		assert_int_equal(ms_listing_settle(&agent, zone, make_now(1), &out), KNOT_EOK);
		ms_rrset_clear(set);
		for (unsigned k = 0; k < 2 && listings[i][k] != NULL; k++) {
			make_hsync(set, listings[i][k]);
		}
		assert_int_equal(ms_listing_settle(&agent, zone, make_now(2), &out), KNOT_EOK);
		ms_actions_clear(&out);
		zone->listing_unsaved = true;
		assert_int_equal(ms_listing_settle(&agent, zone, make_now(3), &out), KNOT_EOK);
		assert_non_null(member_of(&out, "agent.b.test.", &rec));
		assert_true(rec.was_on && rec.leaving);
		assert_false(zone->listing_unsaved);
		ms_actions_deinit(&out);
		ms_agent_deinit(&agent);
	}
}

/* Of what was to be written, the records of one kind. */
static void feed(ms_agent_t *agent, const ms_actions_t *out, ms_rec_kind_t kind)
{
	for (size_t i = 0; i < out->count; i++) {
		const ms_action_t *action = &out->list[i];
		if (action->kind == MS_ACT_PERSIST && action->persist.key[0] == (uint8_t)kind) {
			assert_int_equal(ms_agent_restore(agent, action->persist.key, action->persist.key_len,
			                                  action->persist.value, action->persist.value_len,
			                                  make_now(3)), KNOT_EOK);
		}
	}
}

/* One of two records of a listing is older than the other; then the apex is read again. */
static const struct {
	const char *what;
	const char *listing[2];    /* the HSYNC record on disk */
	const char *member[2];     /* b's own record is of this one */
	bool leaving;              /* after the start */
	bool stays;                /* with the apex of \a listing */
} halves[] = {
	{ "gone, and its record says ON", { A, NULL }, { A, B }, true, true },
	{ "OFF, and its record says ON", { A, "OFF OWNER SIGN agent.b.test. ." }, { A, B }, true, true },
	{ "ON, and its record says gone", { A, B }, { A, NULL }, true, false },
};

static void list(ms_agent_t *agent, ms_zone_t *zone, const char *const records[2],
                 ms_actions_t *out)
{
	ms_rrset_t *set = &zone->apex.set[MS_APEX_HSYNC];
	ms_rrset_clear(set);
	for (unsigned i = 0; i < 2 && records[i] != NULL; i++) {
		make_hsync(set, records[i]);
	}
	ms_actions_clear(out);
	assert_int_equal(ms_listing_settle(agent, zone, make_now(1), out), KNOT_EOK);
}

static void check_half(size_t i)
{
	static const char *const both[2] = { A, B };
	ms_agent_t agent, next;
	ms_actions_t out = { 0 };
	knot_dname_storage_t buf;
	make_agent(&agent);
	make_agent(&next);
	ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
	zone->opted = zone->signing = true;
	list(&agent, zone, both, &out);
	list(&agent, zone, halves[i].listing, &out);
	zone->listing_unsaved = true;
	list(&agent, zone, halves[i].listing, &out);
	feed(&next, &out, MS_REC_HSYNC);
	zone->listing_unsaved = true;
	list(&agent, zone, halves[i].member, &out);
	feed(&next, &out, MS_REC_MEMBER);
	assert_int_equal(ms_agent_restored(&next), KNOT_EOK);
	ms_zone_t *row = ms_zone_find(&next, make_name("zone.test.", buf));
	const ms_pair_t *b = ms_pair_find(row, make_name("agent.b.test.", buf));
	assert_non_null(b);
	bool leaving = b->leaving, alarm = ms_zone_alarmed(row, MS_ALARM_LEAVING);
	list(&next, row, halves[i].listing, &out);
	if (leaving != halves[i].leaving || alarm != leaving || b->leaving != halves[i].stays ||
	    ms_zone_alarmed(row, MS_ALARM_LEAVING) != halves[i].stays) {
		fail_msg("%s: leaving %d, alarm %d, then %d", halves[i].what, leaving, alarm, b->leaving);
	}
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	ms_agent_deinit(&next);
}

static void test_restored(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		check_half(i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_unsaved),
		cmocka_unit_test(test_restored),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
