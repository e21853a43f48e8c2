/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/merge.h"
#include "core/process.h"
#include "core/wanted.h"
#include "make.h"

static ms_agent_t agent;
static ms_actions_t out;
static ms_zone_t *zone;
static ms_pair_t *pair;
static uint8_t own[MAKE_KEY_LEN], k1[MAKE_KEY_LEN], k2[MAKE_KEY_LEN];

static int setup(void **state)
{
	make_agent(&agent);
	zone = make_zone(&agent);
	pair = make_pair(&agent, zone, "agent.b.test.");
	(void)make_founded(zone);
	make_zsk(1, own);
	make_zsk(2, k1);
	make_zsk(3, k2);
	make_add(&zone->own.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, k1, sizeof(k1));
	return 0;
}

static int teardown(void **state)
{
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	return 0;
}

static const ms_action_t *settle(double now)
{
	ms_actions_clear(&out);
	assert_int_equal(ms_merge_settle(&agent, zone, make_now(now), &out), KNOT_EOK);
	return make_find(&out, MS_ACT_EDIT, NULL);
}

static void edited(double now, int ret)
{
	ms_event_t event = { .kind = MS_EV_EDITED, .now = make_now(now), .ret = ret };
	event.edited.changed = ret == KNOT_EOK;
	ms_merge_edited(&agent, zone, &event, &out);
}

static void test_add_and_withdraw(void **state)
{
	(void)state;
	size_t persist, edit;
	const ms_action_t *action = settle(0);
	assert_non_null(action);
	assert_int_equal(action->edit.count, 1);
	assert_int_equal(action->edit.edits[0].rrtype, KNOT_RRTYPE_DNSKEY);
	assert_int_equal(action->edit.edits[0].ttl, 60); /* that of the RRset, not the peer's */
	assert_true(ms_rrset_has(&action->edit.edits[0].add, k1, sizeof(k1)));
	assert_int_equal(action->edit.edits[0].remove.rrs.count, 0);
	assert_non_null(make_find(&out, MS_ACT_PERSIST, &persist));
	assert_non_null(make_find(&out, MS_ACT_EDIT, &edit));
	assert_true(persist < edit);
	assert_null(settle(1)); /* one at a time */

	edited(1, KNOT_EOK);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	assert_null(settle(4));

	/* The peer rolls: the new key comes, the old one goes, ours stays. */
	ms_rrset_clear(&pair->held.set[MS_APEX_DNSKEY]);
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, k2, sizeof(k2));
	action = settle(5);
	assert_non_null(action);
	assert_true(ms_rrset_has(&action->edit.edits[0].add, k2, sizeof(k2)));
	assert_true(ms_rrset_has(&action->edit.edits[0].remove, k1, sizeof(k1)));
	assert_int_equal(action->edit.edits[0].remove.rrs.count, 1);
}

static void test_who_counts(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t self_state, self_sign, pair_state, pair_sign;
		bool member, was_on, leaving, wanted;
	} cases[] = {
		{ "both ON SIGN", 1, 1, 1, 1, true, true, false, true },
		{ "peer never ON (A-14)", 1, 1, 2, 1, true, false, false, false },
		{ "peer leaving keeps its data (X-12)", 1, 1, 2, 1, true, true, true, true },
		{ "peer NOSIGN", 1, 1, 1, 2, true, true, false, false },
		{ "we do not sign", 1, 2, 1, 1, true, true, false, false },
		{ "we come in (F-31)", 1, 1, 1, 1, false, true, false, true },
		{ "we are OFF and leave (A-13)", 2, 1, 1, 1, true, true, false, true },
		{ "we are OFF and have left", 2, 1, 1, 1, false, true, false, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zone->process->member = cases[i].member;
		zone->self_state = cases[i].self_state;
		zone->self_sign = cases[i].self_sign;
		pair->state = cases[i].pair_state;
		pair->sign = cases[i].pair_sign;
		pair->was_on = cases[i].was_on;
		pair->leaving = cases[i].leaving;
		assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
		bool wanted = zone->wanted != NULL &&
		              zone->wanted->data.set[MS_APEX_DNSKEY].rrs.count > 0;
		if (wanted != cases[i].wanted) {
			fail_msg("%s", cases[i].what);
		}
	}
}

/* What we did not write is never removed, and our own key is never removed as somebody's. */
static void test_never_remove_ours(void **state)
{
	(void)state;
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k2, sizeof(k2)); /* a stranger's, not written */
	make_add(&zone->written.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	const ms_action_t *action = settle(0);
	assert_non_null(action);
	assert_int_equal(action->edit.edits[0].remove.rrs.count, 0);
}

static void test_quarantine(void **state)
{
	(void)state;
	assert_non_null(settle(0));
	ms_event_t event = { .kind = MS_EV_EDITED, .now = make_now(1), .ret = KNOT_EOK };
	event.edited.refused_count = 1;
	event.edited.refused = calloc(1, sizeof(ms_refusal_t));
	event.edited.refused->rrtype = KNOT_RRTYPE_DNSKEY;
	event.edited.refused->len = sizeof(k1);
	event.edited.refused->rdata = malloc(sizeof(k1));
	memcpy(event.edited.refused->rdata, k1, sizeof(k1));
	strcpy(event.edited.refused->reason, "semantic check");
	ms_merge_edited(&agent, zone, &event, &out);
	ms_event_clear(&event);
	assert_true(ms_zone_alarmed(zone, MS_ALARM_RECORD_REFUSED));
	assert_true(pair->state_wanted);
	assert_null(settle(10));
}

static void test_failure_backs_off(void **state)
{
	(void)state;
	assert_non_null(settle(0));
	edited(0, KNOT_EBUSY);
	assert_true(ms_zone_alarmed(zone, MS_ALARM_EDIT_FAILING));
	assert_null(settle(4));
	assert_non_null(settle(5));
	edited(5, KNOT_EBUSY);
	assert_null(settle(14));
	assert_non_null(settle(15));
	edited(15, KNOT_EOK);
	assert_false(ms_zone_alarmed(zone, MS_ALARM_EDIT_FAILING));
}

/* NSMgmt becomes AGENT and OWNER again (G-14, H-09): the owner's set is on disk before it goes, and
 * what is put back is only as good as our guess: the zone is fetched once more. */
static void test_ns_flips(void **state)
{
	(void)state;
	size_t edit, count = 0;
	make_ns(&zone->apex.set[MS_APEX_NS], "o.");
	make_ns(&pair->held.set[MS_APEX_NS], "b.");
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	zone->nsmgmt = MS_HSYNC_AGENT;
	assert_non_null(settle(0));
	assert_true(ms_zone_alarmed(zone, MS_ALARM_NS_DIFFER));
	assert_true(make_ns_equal(&zone->owner.ns, "o."));
	assert_true(make_ns_equal(&zone->written.set[MS_APEX_NS], "b."));
	(void)make_find(&out, MS_ACT_EDIT, &edit);
	for (size_t i = 0; i < edit; i++) {
		count += out.list[i].kind == MS_ACT_PERSIST;
	}
	assert_int_equal(count, 2); /* the owner's, and what we are about to write */
	edited(0, KNOT_EOK);
	ms_rrset_clear(&zone->apex.set[MS_APEX_NS]);
	make_ns(&zone->apex.set[MS_APEX_NS], "b.");
	assert_null(settle(3));

	/* The owner has made its set equal: over. */
	ms_rrset_clear(&zone->owner.ns);
	make_ns(&zone->owner.ns, "b.");
	assert_null(settle(4));
	assert_false(ms_zone_alarmed(zone, MS_ALARM_NS_DIFFER));
	ms_rrset_clear(&zone->owner.ns);
	make_ns(&zone->owner.ns, "o.");

	zone->nsmgmt = MS_HSYNC_OWNER;
	const ms_action_t *back = settle(5);
	assert_non_null(back);
	assert_true(make_ns_equal(&back->edit.edits[0].add, "o."));
	assert_null(make_find(&out, MS_ACT_REFETCH, NULL));
	edited(5, KNOT_EOK);
	ms_rrset_clear(&zone->apex.set[MS_APEX_NS]);
	make_ns(&zone->apex.set[MS_APEX_NS], "o.");
	assert_null(settle(8));
	assert_non_null(make_find(&out, MS_ACT_REFETCH, NULL));
	assert_int_equal(zone->owner.ns.rrs.count, 0);
	assert_int_equal(zone->written.set[MS_APEX_NS].rrs.count, 0);
	assert_null(settle(9));
	assert_null(make_find(&out, MS_ACT_REFETCH, NULL)); /* once */
}

/* What we replaced is not known any more: the store was lost. */
static void test_refetch(void **state)
{
	(void)state;
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	make_ns(&zone->apex.set[MS_APEX_NS], "b.");
	make_ns(&zone->written.set[MS_APEX_NS], "b.");
	assert_null(settle(0));
	assert_non_null(make_find(&out, MS_ACT_REFETCH, NULL));
	assert_int_equal(zone->written.set[MS_APEX_NS].rrs.count, 0);
	assert_null(settle(10));
	assert_null(make_find(&out, MS_ACT_REFETCH, NULL));
}

/* The owner's DNSSEC data: an alarm, until a version that came as a whole is without them. */
static void test_strays_alarm(void **state)
{
	(void)state;
	make_own(zone, own);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k2, sizeof(k2));
	make_own(zone, own);
	assert_non_null(settle(0));
	assert_true(ms_zone_alarmed(zone, MS_ALARM_OWNER_DNSSEC));
	edited(0, KNOT_EOK);
	assert_int_equal(ms_rrset_remove(&zone->apex.set[MS_APEX_DNSKEY], k2, sizeof(k2)), KNOT_EOK);
	make_own(zone, own);
	assert_null(settle(3)); /* our own edit says nothing about the owner */
	assert_true(ms_zone_alarmed(zone, MS_ALARM_OWNER_DNSSEC));
	zone->whole = true;
	zone->own_listed = false; /* ours cannot be told from strays yet */
	assert_null(settle(4));
	assert_true(ms_zone_alarmed(zone, MS_ALARM_OWNER_DNSSEC));
	zone->own_listed = true;
	assert_null(settle(5));
	assert_false(ms_zone_alarmed(zone, MS_ALARM_OWNER_DNSSEC));
}

static bool wants(const uint8_t key[MAKE_KEY_LEN])
{
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	return ms_rrset_has(&zone->wanted->data.set[MS_APEX_DNSKEY], key, MAKE_KEY_LEN);
}

static void peer_has(const uint8_t key[MAKE_KEY_LEN])
{
	ms_rrset_clear(&pair->held.set[MS_APEX_DNSKEY]);
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, key, MAKE_KEY_LEN);
}

/* On hold, and while the store fails, the wish that was noted down last stays: neither one that was
 * not, nor all that may stand there after its edit. */
static void test_frozen(void **state)
{
	(void)state;
	uint8_t k3[MAKE_KEY_LEN];
	make_zsk(4, k3);
	assert_non_null(settle(0));
	edited(0, KNOT_EOK);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	assert_null(settle(3));
	peer_has(k2); /* noted down, not made */
	assert_non_null(settle(4));
	edited(4, KNOT_EBUSY);
	assert_int_equal(zone->written.set[MS_APEX_DNSKEY].rrs.count, 2);
	peer_has(k3); /* not even noted down */
	assert_null(settle(5));
	assert_true(wants(k3));

	agent.unsaved = true;
	assert_true(wants(k2) && !wants(k1) && !wants(k3));
	agent.unsaved = false;
	agent.config.hold = true;
	assert_true(wants(k2) && !wants(k1) && !wants(k3));
	/* That one is made. */
	const ms_action_t *action = settle(10);
	assert_non_null(action);
	assert_true(ms_rrset_has(&action->edit.edits[0].add, k2, sizeof(k2)));
	assert_true(ms_rrset_has(&action->edit.edits[0].remove, k1, sizeof(k1)));
	edited(10, KNOT_EBUSY);

	/* What the store could not take was never noted down. */
	agent.config.hold = false;
	assert_non_null(settle(30));
	assert_int_equal(zone->written.set[MS_APEX_DNSKEY].rrs.count, 3);
	edited(30, KNOT_ESPACE);
	assert_int_equal(zone->written.set[MS_APEX_DNSKEY].rrs.count, 2);
	agent.config.hold = true;
	assert_true(wants(k2) && !wants(k1) && !wants(k3));
}

/* Less than what the disk knows is not remembered twice: nothing is kept for it, and it can be put
 * back while the store fails. */
static void test_noted_less(void **state)
{
	(void)state;
	assert_non_null(settle(0));
	assert_non_null(zone->before);
	edited(0, KNOT_EOK);
	assert_null(zone->before);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	peer_has(k2);
	assert_non_null(settle(3));
	edited(3, KNOT_EOK);
	ms_rrset_clear(&zone->apex.set[MS_APEX_DNSKEY]);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k2, sizeof(k2));
	assert_null(settle(6));
	assert_int_equal(zone->written.set[MS_APEX_DNSKEY].rrs.count, 1);
	assert_null(zone->before);
	assert_ptr_equal(zone->noted, zone->wanted); /* one object for both */

	agent.unsaved = true;
	assert_int_equal(ms_rrset_remove(&zone->apex.set[MS_APEX_DNSKEY], k2, sizeof(k2)), KNOT_EOK);
	assert_non_null(settle(9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_and_withdraw, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_remove_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quarantine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_backs_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frozen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noted_less, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ns_flips, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refetch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strays_alarm, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
