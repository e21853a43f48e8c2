/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The owner's NS RRset is followed behind ours; our serials only grow. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/owner.h"
#include "core/wanted.h"
#include "make.h"

static ms_agent_t agent;
static ms_actions_t out;
static ms_zone_t *zone;
static uint8_t own[MAKE_KEY_LEN], k1[MAKE_KEY_LEN], k2[MAKE_KEY_LEN];

/* Ours is "a. b.", it replaced the owner's "o. p."; a foreign key stands there, too. */
static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	zone = make_zone(&agent);
	zone->nsmgmt = MS_HSYNC_AGENT;
	make_zsk(1, own);
	make_zsk(2, k1);
	make_zsk(3, k2);
	ms_pair_t *pair = make_pair(&agent, zone, "agent.b.test.");
	(void)make_founded(zone);
	make_add(&zone->own.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_ns(&zone->own.set[MS_APEX_NS], "a.");
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, k1, sizeof(k1));
	make_ns(&pair->held.set[MS_APEX_NS], "b.");
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	assert_int_equal(ms_contribution_copy(&zone->written, &zone->wanted->data), KNOT_EOK);
	zone->has_written = true;
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	make_ns(&zone->apex.set[MS_APEX_NS], "a.");
	make_ns(&zone->apex.set[MS_APEX_NS], "b.");
	make_ns(&zone->owner.ns, "o.");
	make_ns(&zone->owner.ns, "p.");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	return 0;
}

static void add_names(ms_rrset_t *set, const char *names)
{
	char copy[128], *rest = copy;
	strcpy(copy, names);
	for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
		make_ns(set, name);
	}
}

/* The next version: its NS RRset, and whether the foreign key stands there. */
static void see(const char *names, bool key)
{
	ms_apex_t next = { .serial = zone->apex.serial + 1 };
	make_add(&next.set[MS_APEX_DNSKEY], 60, own, sizeof(own));
	if (key) {
		make_add(&next.set[MS_APEX_DNSKEY], 60, k1, sizeof(k1));
	}
	add_names(&next.set[MS_APEX_NS], names);
	ms_actions_clear(&out);
	assert_int_equal(ms_owner_observe(zone, &next, &out), KNOT_EOK);
	ms_apex_clear(&zone->apex);
	zone->apex = next;
	zone->loaded = true;
}

static void want_ns(const char *names)
{
	ms_rrset_t *held = &zone->pairs[0].held.set[MS_APEX_NS];
	ms_rrset_clear(held);
	add_names(held, names);
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	/* Noted down before the edit. */
	assert_int_equal(ms_rrset_union(&zone->written.set[MS_APEX_NS],
	                                &zone->wanted->data.set[MS_APEX_NS]), KNOT_EOK);
}

static const struct {
	const char *what;
	struct {
		const char *ns;
		bool key;
		const char *owner;
	} step[4];
} stories[] = {
	{ "nothing happens", { { "a. b.", true, "o. p." } } },
	{ "IXFR adds one, our edit takes it out, IXFR takes another away where nobody sees it",
	  { { "a. b. q.", true, "o. p. q." }, { "a. b.", true, "o. p. q." } } },
	{ "IXFR adds two, one after the other",
	  { { "a. b. q.", true, "o. p. q." }, { "a. b. q. r.", true, "o. p. q. r." } } },
	{ "AXFR replaces all", { { "x. y.", false, "x. y." }, { "a. b.", true, "x. y." } } },
	{ "AXFR with one of ours in it",
	  { { "o. b.", false, "o. b." }, { "a. b.", true, "o. b." } } },
	{ "AXFR with all of ours, and more", { { "a. b. o.", false, "a. b. o." } } },
	{ "AXFR with just ours (H-08)", { { "a. b.", false, "a. b." } } },
	{ "AXFR that has the NS we want and lost the key only",
	  { { "x.", false, "x." }, { "y.", false, "x. y." }, { "a. b.", true, "x. y." } } },
	{ "an empty RRset tells nothing", { { "", true, "o. p." }, { "a. b.", true, "o. p." } } },
};

static void test_stories(void **state)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		for (unsigned k = 0; k < 4 && stories[i].step[k].ns != NULL; k++) {
			see(stories[i].step[k].ns, stories[i].step[k].key);
			if (!make_ns_equal(&zone->owner.ns, stories[i].step[k].owner)) {
				fail_msg("%s, step %u", stories[i].what, k + 1);
			}
		}
	}
}

/* A name that is the owner's and ours stands there for both. */
static void test_overlap(void **state)
{
	(void)state;
	ms_rrset_clear(&zone->owner.ns);
	add_names(&zone->owner.ns, "o. b.");
	see("a. b. q.", true);
	assert_true(make_ns_equal(&zone->owner.ns, "o. b. q."));
	see("a. q.", true); /* IXFR: the owner takes b. away, which we want */
	assert_true(make_ns_equal(&zone->owner.ns, "o. q."));
	see("a. b.", true); /* ours again */
	assert_true(make_ns_equal(&zone->owner.ns, "o. q."));
}

/* What we change by edits says nothing about the owner's. */
static void test_our_edits(void **state)
{
	(void)state;
	want_ns("c.");
	see("a. b.", true); /* another version before the edit lands */
	assert_true(make_ns_equal(&zone->owner.ns, "o. p."));
	see("a. c.", true);
	assert_true(make_ns_equal(&zone->owner.ns, "o. p."));
	assert_null(make_find(&out, MS_ACT_PERSIST, NULL));
	assert_false(zone->whole);

	/* A key that is only on its way was never there to be lost. */
	make_add(&zone->pairs[0].held.set[MS_APEX_DNSKEY], 300, k2, sizeof(k2));
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	make_add(&zone->written.set[MS_APEX_DNSKEY], 300, k2, sizeof(k2));
	see("a. c.", true);
	assert_true(make_ns_equal(&zone->owner.ns, "o. p."));
	/* And one that is withdrawn may go. */
	ms_rrset_clear(&zone->pairs[0].held.set[MS_APEX_DNSKEY]);
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	see("a. c.", false);
	assert_true(make_ns_equal(&zone->owner.ns, "o. p."));
	assert_false(zone->whole);
}

/* The first version of this run: what we wrote is all we know. */
static void test_restart(void **state)
{
	(void)state;
	zone->loaded = false;
	ms_apex_clear(&zone->apex);
	see("a. b. q.", true);
	assert_true(make_ns_equal(&zone->owner.ns, "o. p. q."));
	zone->loaded = false;
	ms_apex_clear(&zone->apex);
	see("x.", false);
	assert_true(make_ns_equal(&zone->owner.ns, "x."));
	assert_true(zone->whole);
}

static void test_whole(void **state)
{
	(void)state;
	see("a. b. q.", true);
	assert_false(zone->whole);
	see("o. p.", false);
	assert_true(zone->whole);
	assert_non_null(make_find(&out, MS_ACT_PERSIST, NULL));
}

/* Where serials are ours, one that is not tells a whole zone, whatever stands in it. */
static void test_whole_by_serial(void **state)
{
	(void)state;
	zone->signing = false;
	zone->self_sign = zone->pairs[0].sign = MS_HSYNC_NOSIGN;
	zone->apex.serial = 100;
	assert_int_equal(ms_owner_next_serial(zone, &out), KNOT_EOK);
	assert_int_equal(ms_wanted_settle(&agent, zone), KNOT_EOK);
	assert_true(zone->wanted->has_serial);
	zone->apex.serial = zone->owner.serial - 1;
	see("a. b.", true); /* our edit */
	assert_true(make_ns_equal(&zone->owner.ns, "o. p."));
	zone->apex.serial = 100;
	see("a. b.", true); /* version 101 of the owner's */
	assert_true(make_ns_equal(&zone->owner.ns, "a. b."));
}

static void test_keep_and_drop(void **state)
{
	(void)state;
	ms_rrset_clear(&zone->owner.ns);
	ms_rrset_clear(&zone->apex.set[MS_APEX_NS]);
	add_names(&zone->apex.set[MS_APEX_NS], "o.");
	assert_int_equal(ms_owner_keep_ns(zone, &out), KNOT_EOK);
	assert_true(make_ns_equal(&zone->owner.ns, "o."));
	assert_int_equal(out.count, 1);
	ms_rrset_clear(&zone->apex.set[MS_APEX_NS]);
	add_names(&zone->apex.set[MS_APEX_NS], "a. b.");
	assert_int_equal(ms_owner_keep_ns(zone, &out), KNOT_EOK); /* once */
	assert_true(make_ns_equal(&zone->owner.ns, "o."));
	assert_int_equal(ms_owner_drop_ns(zone, &out), KNOT_EOK);
	assert_int_equal(zone->owner.ns.rrs.count, 0);
	assert_int_equal(out.count, 2);
	assert_int_equal(ms_owner_drop_ns(zone, &out), KNOT_EOK);
	assert_int_equal(out.count, 2);
	/* Without a set of the owner's there is none to follow. */
	see("x.", false);
	assert_int_equal(zone->owner.ns.rrs.count, 0);
}

/* Serials only grow, round the end as well, and are stored (G-16). */
static void test_serial(void **state)
{
	(void)state;
	static const struct {
		uint32_t apex, first;
	} cases[] = {
		{ 2026112401, 2026112401 - MS_SERIAL_BEHIND },
		{ 5, 5 + (UINT32_MAX - MS_SERIAL_BEHIND) + 1 },
		{ 0, UINT32_MAX - MS_SERIAL_BEHIND + 1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zone->owner.has_serial = false;
		zone->apex.serial = cases[i].apex;
		ms_actions_clear(&out);
		assert_int_equal(ms_owner_next_serial(zone, &out), KNOT_EOK);
		assert_non_null(make_find(&out, MS_ACT_PERSIST, NULL));
		assert_int_equal(zone->owner.serial, cases[i].first);
		/* The owner's are newer to knotd (RFC 1982), now and later. */
		assert_true((int32_t)(cases[i].apex - zone->owner.serial) > 0);
		assert_true((int32_t)(cases[i].apex + 1000 - zone->owner.serial) > 0);
	}
	zone->owner.serial = UINT32_MAX;
	assert_int_equal(ms_owner_next_serial(zone, &out), KNOT_EOK);
	assert_int_equal(zone->owner.serial, 0);
	assert_true((int32_t)(zone->owner.serial - UINT32_MAX) > 0);
	/* The set behind it is not touched. */
	assert_true(make_ns_equal(&zone->owner.ns, "o. p."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_our_edits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole_by_serial, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep_and_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_serial, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
