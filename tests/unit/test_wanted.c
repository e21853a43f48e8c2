/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a zone's apex must contain: whose data count for what, and when nothing is touched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/contribution.h"
#include "core/listing.h"
#include "core/process.h"
#include "core/step.h"
#include "core/wanted.h"
#include "make.h"

#define B "agent.b.test."
#define C "agent.c.test."
#define BIT(type) (1u << MS_APEX_##type)
#define KEY_BITS (BIT(DNSKEY) | BIT(CDS) | BIT(CDNSKEY))

static ms_agent_t agent;
static ms_actions_t out;
static ms_zone_t *zone;
static uint8_t own[MAKE_KEY_LEN], kb[MAKE_KEY_LEN], kc[MAKE_KEY_LEN], stray[MAKE_KEY_LEN];

/* Two others, each with a key and a nameserver. */
static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	zone = make_zone(&agent);
	make_zsk(1, own);
	make_zsk(2, kb);
	make_zsk(3, kc);
	make_zsk(4, stray);
	make_add(&zone->own.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_ns(&zone->own.set[MS_APEX_NS], "ns.a.");
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	(void)make_pair(&agent, zone, B);
	(void)make_pair(&agent, zone, C);
	(void)make_founded(zone);
	make_add(&zone->pairs[0].held.set[MS_APEX_DNSKEY], 300, kb, sizeof(kb));
	make_ns(&zone->pairs[0].held.set[MS_APEX_NS], "ns.b.");
	make_add(&zone->pairs[1].held.set[MS_APEX_DNSKEY], 300, kc, sizeof(kc));
	make_ns(&zone->pairs[1].held.set[MS_APEX_NS], "ns.c.");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	return 0;
}

static const ms_wanted_t *settle(void)
{
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	return zone->wanted;
}

static bool wants(ms_apex_type_t type, const uint8_t *rdata, uint16_t len)
{
	return zone->wanted != NULL && ms_rrset_has(&zone->wanted->data.set[type], rdata, len);
}

static const ms_rrset_t *wanted_ns(void)
{
	static const ms_rrset_t none;
	return zone->wanted != NULL && (zone->wanted->managed & BIT(NS))
	     ? &zone->wanted->data.set[MS_APEX_NS] : &none;
}

static void nobody_signs(void)
{
	zone->signing = false;
	zone->self_sign = MS_HSYNC_NOSIGN;
	zone->pairs[0].sign = zone->pairs[1].sign = MS_HSYNC_NOSIGN;
	ms_rrset_clear(&zone->own.set[MS_APEX_DNSKEY]);
	ms_rrset_clear(&zone->pairs[0].held.set[MS_APEX_DNSKEY]);
	ms_rrset_clear(&zone->pairs[1].held.set[MS_APEX_DNSKEY]);
	ms_rrset_clear(&zone->apex.set[MS_APEX_DNSKEY]);
}

static void test_who_counts(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t state, sign;
		bool listed, was_on, leaving, held;
		bool keys, ns;
	} cases[] = {
		{ "ON SIGN", MS_HSYNC_ON, MS_HSYNC_SIGN, true, true, false, true, true, true },
		{ "has said nothing", MS_HSYNC_ON, MS_HSYNC_SIGN, true, true, false, false, false, false },
		{ "ON NOSIGN gives NS alone (X-11)", MS_HSYNC_ON, MS_HSYNC_NOSIGN, true, true, false, true,
		  false, true },
		{ "OFF and never was ON (A-14)", MS_HSYNC_OFF, MS_HSYNC_SIGN, true, false, false, true,
		  false, false },
		{ "ON to OFF (X-12)", MS_HSYNC_OFF, MS_HSYNC_SIGN, true, true, true, true, true, true },
		{ "ON to absent (A-16)", MS_HSYNC_ON, MS_HSYNC_SIGN, false, true, true, true, true, true },
	};
	zone->nsmgmt = MS_HSYNC_AGENT;
	ms_pair_t *b = &zone->pairs[0];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b->state = cases[i].state;
		b->sign = cases[i].sign;
		b->listed = cases[i].listed;
		b->was_on = cases[i].was_on;
		b->leaving = cases[i].leaving;
		b->has_held = cases[i].held;
		(void)settle();
		if (wants(MS_APEX_DNSKEY, kb, sizeof(kb)) != cases[i].keys ||
		    !wants(MS_APEX_DNSKEY, kc, sizeof(kc)) ||
		    !make_ns_equal(wanted_ns(), cases[i].ns ? "ns.a. ns.b. ns.c." : "ns.a. ns.c.")) {
			fail_msg("%s", cases[i].what);
		}
	}
}

/* Our own keys are knotd's to publish; only others' are wanted beside them. */
static void test_not_our_own(void **state)
{
	(void)state;
	make_add(&zone->pairs[1].held.set[MS_APEX_DNSKEY], 300, own, sizeof(own));
	(void)settle();
	assert_false(wants(MS_APEX_DNSKEY, own, sizeof(own)));
	assert_int_equal(zone->wanted->managed & KEY_BITS, KEY_BITS);
	assert_int_equal(zone->wanted->exact & KEY_BITS, 0);
	assert_false(zone->wanted->is_unsigned);
	assert_false(zone->wanted->has_serial);
}

static void list(const char *a, const char *b, const char *c)
{
	ms_rrset_t *set = &zone->apex.set[MS_APEX_HSYNC];
	ms_rrset_clear(set);
	make_hsync(set, a);
	make_hsync(set, b);
	make_hsync(set, c);
	assert_int_equal(ms_listing_settle(&agent, zone, make_now(0), &out), KNOT_EOK);
	(void)settle();
}

static void test_nsmgmt(void **state)
{
	(void)state;
	list("ON OWNER SIGN agent.a.test. .", "ON OWNER SIGN " B " .", "ON OWNER SIGN " C " .");
	assert_false(zone->wanted->managed & BIT(NS)); /* */
	list("ON AGENT SIGN agent.a.test. .", "ON AGENT SIGN " B " .", "ON AGENT SIGN " C " .");
	assert_true(make_ns_equal(wanted_ns(), "ns.a. ns.b. ns.c.")); /* A-21, H-01 */
	assert_true(zone->wanted->exact & BIT(NS));
	list("ON AGENT SIGN agent.a.test. .", "ON OWNER SIGN " B " .", "ON AGENT SIGN " C " .");
	assert_false(zone->wanted->managed & BIT(NS)); /* */
	assert_true(ms_zone_alarmed(zone, MS_ALARM_NSMGMT));
	assert_true(wants(MS_APEX_DNSKEY, kb, sizeof(kb)));
}

/* Never an empty NS RRset, and none of ours before we know what ours is (G-13, H-05). */
static void test_no_ns(void **state)
{
	(void)state;
	zone->nsmgmt = MS_HSYNC_AGENT;
	ms_rrset_clear(&zone->own.set[MS_APEX_NS]);
	ms_rrset_clear(&zone->pairs[0].held.set[MS_APEX_NS]);
	ms_rrset_clear(&zone->pairs[1].held.set[MS_APEX_NS]);
	assert_false(settle()->managed & BIT(NS));
	make_ns(&zone->pairs[1].held.set[MS_APEX_NS], "ns.c.");
	assert_true(settle()->managed & BIT(NS));
	assert_true(make_ns_equal(wanted_ns(), "ns.c."));

	zone->own_known = false;
	assert_false(settle()->managed & BIT(NS));
	make_ns(&zone->written.set[MS_APEX_NS], "ns.w.");
	(void)settle();
	assert_true(make_ns_equal(wanted_ns(), "ns.w."));
}

/* NS of who is no member yet are not named, its keys are (F-30, F-31): its servers come last (F-36). */
static void test_members_ns(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		bool founded, us, b, c;
		const char *ns;
	} cases[] = {
		{ "all are members", true, true, true, true, "ns.a. ns.b. ns.c." },
		{ "one comes in", true, true, false, true, "ns.a. ns.c." },
		{ "we come in", true, false, true, true, "ns.b. ns.c." },
		{ "who the members are is not known", false, true, true, true, "" },
	};
	zone->nsmgmt = MS_HSYNC_AGENT;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zone->process->founded = cases[i].founded;
		zone->process->member = cases[i].us;
		zone->pairs[0].member = cases[i].b;
		zone->pairs[1].member = cases[i].c;
		(void)settle();
		if (!make_ns_equal(wanted_ns(), cases[i].ns) || !wants(MS_APEX_DNSKEY, kb, sizeof(kb)) ||
		    !wants(MS_APEX_DNSKEY, kc, sizeof(kc))) {
			fail_msg("%s", cases[i].what);
		}
	}
}

/* Who does not sign says its NS, and edits only what nobody signs (A-22, H-03). */
static void test_nosign(void **state)
{
	(void)state;
	zone->nsmgmt = MS_HSYNC_AGENT;
	zone->self_sign = MS_HSYNC_NOSIGN;
	zone->signing = false;
	make_ns(&agent.config.ns, "ns.a.");
	/* It says so to the others … */
	ms_contribution_t said = { 0 };
	assert_int_equal(ms_contribution_own(&agent, zone, &said), KNOT_EOK);
	assert_true(make_ns_equal(&said.set[MS_APEX_NS], "ns.a."));
	assert_int_equal(said.set[MS_APEX_DNSKEY].rrs.count, 0);
	ms_contribution_clear(&said);
	/* … and changes nothing that somebody signs, be it somebody who leaves. */
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_KEEP);
	assert_null(settle());
	zone->pairs[0].sign = MS_HSYNC_NOSIGN;
	zone->pairs[1].state = MS_HSYNC_OFF;
	zone->pairs[1].leaving = true;
	assert_null(settle());
	/* One that was never ON signs nothing. */
	zone->pairs[1].leaving = false;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_YES);
}

static void test_nobody_signs(void **state)
{
	(void)state;
	nobody_signs();
	assert_int_equal(settle()->managed, 0); /* OWNER */
	zone->nsmgmt = MS_HSYNC_AGENT;
	assert_int_equal(settle()->managed, BIT(NS));
	assert_true(make_ns_equal(wanted_ns(), "ns.a. ns.b. ns.c."));
	assert_true(zone->wanted->has_serial);
	/* Serials of our making stay so: the secondaries have them. */
	zone->owner.has_serial = true;
	zone->nsmgmt = MS_HSYNC_OWNER;
	assert_true(settle()->has_serial && zone->wanted->managed == 0);
	zone->nsmgmt = MS_HSYNC_AGENT;
	assert_false(ms_wanted_sealed(&agent, zone));
	/* The owner signs it: another NS RRset would be bogus. */
	zone->apex.is_signed = true;
	assert_true(ms_wanted_sealed(&agent, zone));
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_KEEP);
	assert_null(settle());
}

static void test_csync(void **state)
{
	(void)state;
	static const uint8_t first[] = "\0\0\0\1\0\1\0\1\x20", second[] = "\0\0\0\2\0\1\0\1\x20";
	const uint16_t len = sizeof(first) - 1;
	assert_true(settle()->managed & BIT(CSYNC)); /* the owner's goes (G-12) */
	assert_int_equal(zone->wanted->data.set[MS_APEX_CSYNC].rrs.count, 0);
	make_add(&zone->pairs[0].held.set[MS_APEX_CSYNC], 300, second, len);
	make_add(&zone->pairs[1].held.set[MS_APEX_CSYNC], 300, first, len);
	(void)settle();
	assert_int_equal(zone->wanted->data.set[MS_APEX_CSYNC].rrs.count, 1);
	assert_true(wants(MS_APEX_CSYNC, first, len));
	assert_true(zone->wanted->exact & BIT(CSYNC));
	/* Others who do not sign are others, too; alone, nothing is ours. */
	zone->pairs[0].sign = zone->pairs[1].sign = MS_HSYNC_NOSIGN;
	assert_true(settle()->managed & BIT(CSYNC));
	zone->pairs[0].has_held = zone->pairs[1].has_held = false;
	assert_false(settle()->managed & BIT(CSYNC));
}

static void test_apex_key(void **state)
{
	(void)state;
	static const uint8_t key[] = "\x02\x00\x03\x0fkey";
	make_add(&zone->pairs[0].held.set[MS_APEX_KEY], 300, key, sizeof(key));
	assert_false(settle()->managed & BIT(KEY));
	agent.config.apex_key = true; /* G-04, X-24 */
	assert_true(settle()->managed & BIT(KEY));
	assert_true(wants(MS_APEX_KEY, key, sizeof(key)));
	/* It is the owner's until somebody contributes one. */
	ms_rrset_clear(&zone->pairs[0].held.set[MS_APEX_KEY]);
	assert_false(settle()->managed & BIT(KEY));
}

static void test_quarantine(void **state)
{
	(void)state;
	zone->quarantine = calloc(1, sizeof(*zone->quarantine));
	assert_non_null(zone->quarantine);
	zone->quarantine_count = 1;
	assert_int_equal(ms_record_digest(KNOT_RRTYPE_DNSKEY, kb, sizeof(kb),
	                                  &zone->quarantine->digest), KNOT_EOK);
	(void)settle();
	assert_false(wants(MS_APEX_DNSKEY, kb, sizeof(kb)));
	assert_true(wants(MS_APEX_DNSKEY, kc, sizeof(kc)));
}

/* Keys that are nobody's: the others have not spoken, and we know which are ours. */
static void test_adopt(void **state)
{
	(void)state;
	zone->pairs[0].has_held = false;
	ms_contribution_clear(&zone->pairs[0].held);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, stray, sizeof(stray));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, kc, sizeof(kc));
	assert_int_equal(ms_wanted_adopt(&agent, zone, &out), KNOT_EOK);
	assert_false(zone->has_local); /* ours are not listed */
	make_own(zone, own);
	zone->has_written = true;
	assert_int_equal(ms_wanted_adopt(&agent, zone, &out), KNOT_EOK);
	assert_false(zone->has_local); /* an edit was made: what stands there is known */
	zone->has_written = false;
	assert_int_equal(out.count, 0);

	assert_int_equal(ms_wanted_adopt(&agent, zone, &out), KNOT_EOK);
	assert_true(zone->has_local);
	assert_non_null(make_find(&out, MS_ACT_PERSIST, NULL));
	(void)settle();
	assert_true(wants(MS_APEX_DNSKEY, stray, sizeof(stray)));
	assert_int_equal(zone->local.set[MS_APEX_DNSKEY].rrs.count, 1); /* neither ours nor C's */
	assert_false(ms_wanted_complete(zone));

	/* The end: everybody has spoken. */
	ms_actions_clear(&out);
	zone->pairs[0].has_held = true;
	assert_int_equal(ms_wanted_adopt(&agent, zone, &out), KNOT_EOK);
	assert_false(zone->has_local);
	const ms_action_t *gone = make_find(&out, MS_ACT_PERSIST, NULL);
	assert_non_null(gone);
	assert_null(gone->persist.value);
	(void)settle();
	assert_false(wants(MS_APEX_DNSKEY, stray, sizeof(stray)));
}

static void test_complete(void **state)
{
	(void)state;
	assert_true(ms_wanted_complete(zone));
	zone->pairs[0].has_held = false;
	assert_false(ms_wanted_complete(zone));
	/* Who does not sign has no key that we would have to wait for. */
	zone->pairs[0].sign = MS_HSYNC_NOSIGN;
	assert_true(ms_wanted_complete(zone));
	zone->pairs[1].sign = MS_HSYNC_NOSIGN;
	assert_true(ms_wanted_complete(zone));
	zone->pairs[1].has_held = false;
	assert_false(ms_wanted_complete(zone)); /* nobody has said anything */
}

static void test_modes(void **state)
{
	(void)state;
	make_hsync(&zone->apex.set[MS_APEX_HSYNC], "ON OWNER SIGN " B " .");
	make_add(&zone->written.set[MS_APEX_DNSKEY], 300, stray, sizeof(stray));
	zone->has_written = true;

	agent.config.hold = true;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_FROZEN);
	assert_int_equal(settle()->managed, BIT(DNSKEY));
	assert_true(wants(MS_APEX_DNSKEY, stray, sizeof(stray)));
	assert_false(wants(MS_APEX_DNSKEY, kb, sizeof(kb)));
	/* What knotd refuses is not wanted even so: the gate would stay shut. */
	zone->quarantine = calloc(1, sizeof(*zone->quarantine));
	assert_non_null(zone->quarantine);
	zone->quarantine_count = 1;
	assert_int_equal(ms_record_digest(KNOT_RRTYPE_DNSKEY, stray, sizeof(stray),
	                                  &zone->quarantine->digest), KNOT_EOK);
	(void)settle();
	assert_false(wants(MS_APEX_DNSKEY, stray, sizeof(stray)));
	zone->quarantine_count = 0;
	agent.config.hold = false;

	/* OFF: until LEAVE is over we go on as a member of the group, from then on nothing is touched. */
	zone->self_state = MS_HSYNC_OFF;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_YES);
	zone->process->member = false;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_FROZEN);
	assert_true(settle() != NULL && wants(MS_APEX_DNSKEY, stray, sizeof(stray)));
	zone->has_written = false;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_KEEP);
	zone->self_state = MS_HSYNC_ON;

	zone->sheds = true;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_KEEP);
	zone->sheds = false;

	zone->shared = false; /* it names others */
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_KEEP);
	ms_rrset_clear(&zone->apex.set[MS_APEX_HSYNC]);
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_RESTORE);
	assert_null(settle());
	zone->loaded = false;
	assert_int_equal(ms_combine_of(&agent, zone), MS_COMBINE_KEEP);
}

/* As a combiner, what our agent said is all there is (G-06, G-12). */
static void test_combiner(void **state)
{
	(void)state;
	agent.config.combiner_role = true;
	zone->signing = false;
	zone->nsmgmt = MS_HSYNC_AGENT;
	assert_int_equal(settle()->managed, 0);
	assert_true(zone->wanted->is_unsigned && zone->wanted->has_serial);
	make_add(&zone->local.set[MS_APEX_DNSKEY], 300, kb, sizeof(kb));
	make_ns(&zone->local.set[MS_APEX_NS], "ns.l.");
	zone->has_local = true;
	(void)settle();
	assert_int_equal(zone->wanted->managed, KEY_BITS | BIT(NS) | BIT(CSYNC));
	assert_int_equal(zone->wanted->exact & zone->wanted->managed, zone->wanted->managed);
	assert_true(wants(MS_APEX_DNSKEY, kb, sizeof(kb)) && !wants(MS_APEX_DNSKEY, kc, sizeof(kc)));
	assert_true(make_ns_equal(wanted_ns(), "ns.l."));
	zone->nsmgmt = MS_HSYNC_OWNER; /* dormant (G-14) */
	assert_false(settle()->managed & BIT(NS));
	/* Serials are of its making in zones, too, that are not shared (yet). */
	zone->shared = false;
	assert_non_null(settle());
	assert_true(zone->wanted->has_serial && zone->wanted->managed == 0);
}

/* The hooks share it: nothing new is made for nothing. */
static void test_same(void **state)
{
	(void)state;
	const ms_wanted_t *before = settle();
	ms_agent_shown(&agent);
	assert_ptr_equal(settle(), before);
	assert_false(zone->dirty);
	ms_rrset_clear(&zone->pairs[0].held.set[MS_APEX_DNSKEY]);
	(void)settle();
	assert_true(zone->dirty && !wants(MS_APEX_DNSKEY, kb, sizeof(kb)));
}

/* The key manager has one key, k. */
static void listed(double now, const uint8_t k[MAKE_KEY_LEN])
{
	ms_event_t event = { .kind = MS_EV_KEYS, .now = make_now(now), .id = 7 };
	memcpy(event.zone, zone->name, knot_dname_size(zone->name));
	event.keys.count = 1;
	event.keys.list = calloc(1, sizeof(*event.keys.list));
	assert_non_null(event.keys.list);
	assert_int_equal(ms_dnskey_keyid(k, MAKE_KEY_LEN, event.keys.list[0].id), KNOT_EOK);
	zone->keys_id = 7;
	assert_int_equal(ms_zone_digest_keys(zone, &zone->keys_asked), KNOT_EOK);
	assert_int_equal(ms_on_keys(&agent, &event, &out), KNOT_EOK);
	ms_event_clear(&event);
}

/* A key of ours is withdrawn, and the list says so before the zone does: that key is not kept for
 * somebody else, and does not come back. */
static void test_list_ahead(void **state)
{
	(void)state;
	uint8_t old[MAKE_KEY_LEN], new[MAKE_KEY_LEN];
	make_zsk(11, old);
	make_zsk(12, new);
	zone->pairs[0].has_held = zone->pairs[1].has_held = false;
	ms_rrset_clear(&zone->apex.set[MS_APEX_DNSKEY]);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, old, sizeof(old));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, new, sizeof(new));
	make_own(zone, old);
	listed(1, new);
	assert_false(ms_zone_list_fits(zone));
	assert_false(zone->has_local);
	assert_true(zone->keys_at.us > make_now(1).mono.us);
	assert_int_equal(ms_rrset_remove(&zone->apex.set[MS_APEX_DNSKEY], old, sizeof(old)), KNOT_EOK);
	listed(2, new);
	assert_true(ms_zone_list_fits(zone));
	assert_false(zone->has_local);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_our_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nsmgmt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_members_ns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_ns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nosign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_signs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_csync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apex_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quarantine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_complete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_combiner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
