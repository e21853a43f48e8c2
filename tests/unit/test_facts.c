/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a look at the servers, and at the parent's, makes of the facts and of the TTLs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "looks.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define F(fact) (1u << MS_FACT_##fact)
#define CHILDREN (F(KEYS) | F(CDS) | F(NS) | F(SIGNED) | F(GONE))
#define PARENT (F(DS) | F(PARENT_NS))

static uint8_t held(void)
{
	uint8_t facts = 0;
	for (ms_fact_t fact = 0; fact < MS_FACT_COUNT; fact++) {
		facts |= lab_holds(fact) << fact;
	}
	return facts;
}

static void lose(ms_rrset_t *set, const uint8_t *rdata, uint16_t len)
{
	assert_int_equal(ms_rrset_remove(set, rdata, len), KNOT_EOK);
}

/* F-13: one server at which it is not so is enough. */
static void all_well(ms_seen_server_t *last)
{
	(void)last;
}

static void lags(ms_seen_server_t *last)
{
	lose(&last->set[AT_DNSKEY], lab.zsk, MAKE_KEY_LEN);
}

static void is_silent(ms_seen_server_t *last)
{
	for (unsigned i = 0; i < MS_SEEN_TYPES; i++) {
		last->ret[i] = KNOT_ETIMEOUT;
	}
}

static void refuses(ms_seen_server_t *last)
{
	for (unsigned i = 0; i < MS_SEEN_TYPES; i++) {
		last->rcode[i] = KNOT_RCODE_REFUSED;
	}
}

static void refers(ms_seen_server_t *last)
{
	last->aa[AT_DNSKEY] = false;
}

static void has_old_key(ms_seen_server_t *last)
{
	uint8_t old[MAKE_KEY_LEN];
	make_zsk(9, old);
	make_add(&last->set[AT_DNSKEY], LOOK_TTL, old, sizeof(old));
}

/* Others' KSKs stand in their own DNSKEY RRset alone: none of our business. */
static void has_another_ksk(ms_seen_server_t *last)
{
	uint8_t ksk[MAKE_KEY_LEN];
	make_key(&(make_key_t){ 257, 3, 15, 9, 0, 9 }, ksk);
	make_add(&last->set[AT_DNSKEY], LOOK_TTL, ksk, sizeof(ksk));
}

static void lacks_cds(ms_seen_server_t *last)
{
	lose(&last->set[AT_CDS], lab.ds, LOOK_DS_LEN);
}

static void has_cdnskey(ms_seen_server_t *last)
{
	make_add(&last->set[AT_CDNSKEY], LOOK_TTL, lab.ksk, MAKE_KEY_LEN);
}

static void has_other_ns(ms_seen_server_t *last)
{
	make_ns(&last->set[AT_NS], "ns.c.");
}

/* Signatures are looked at where the subject is: of our servers we know the keys. */
static void signs_by_other(ms_seen_server_t *last)
{
	last->signer[0].tag++;
}

static void is_unsigned(ms_seen_server_t *last)
{
	last->signer_count = 0;
}

static void signs_twice(ms_seen_server_t *last)
{
	last->signer[last->signer_count++] = (ms_seen_signer_t){ 1, 15 };
}

static void lacks_our_ksk(ms_seen_server_t *last)
{
	lose(&last->set[AT_DNSKEY], lab.ksk, MAKE_KEY_LEN);
}

static const struct {
	const char *what;
	void (*make)(ms_seen_server_t *server);
	bool ours;      /* the server is ours, not the other one's */
	uint8_t not;    /* facts that do not hold then */
} children[] = {
	{ "all is well", all_well, false, 0 },
	{ "one server lags", lags, false, F(KEYS) },
	{ "one server does not answer", is_silent, false, F(KEYS) | F(GONE) | F(CDS) | F(NS) },
	{ "one server refuses", refuses, false, F(KEYS) | F(GONE) | F(CDS) | F(NS) },
	{ "one server refers elsewhere", refers, false, F(KEYS) | F(GONE) },
	{ "an old key is still there", has_old_key, false, F(GONE) },
	{ "the other one's second KSK", has_another_ksk, false, 0 },
	{ "CDS lacks one", lacks_cds, false, F(CDS) },
	{ "CDNSKEY that nobody contributes", has_cdnskey, false, F(CDS) },
	{ "another NS", has_other_ns, false, F(NS) },
	{ "the other one's signatures are its own affair", signs_by_other, false, 0 },
	{ "our server has signatures by another key", signs_by_other, true, F(SIGNED) },
	{ "our server has none", is_unsigned, true, F(SIGNED) },
	{ "our server has those of the old key, too", signs_twice, true, F(SIGNED) },
	{ "our server does not answer", is_silent, true, CHILDREN },
	{ "our server lacks our KSK", lacks_our_ksk, true, F(KEYS) },
	{ "our server has a KSK that is gone", has_another_ksk, true, F(GONE) },
};

static void test_children(void **state)
{
	for (size_t i = 0; i < COUNT(children); i++) {
		lab_teardown(state);
		lab_setup(state);
		children[i].make(&lab.children.servers[children[i].ours ? 0 : 1]);
		lab_look(LOOK_NOW);
		if (held() != (CHILDREN & ~children[i].not)) {
			fail_msg("%s: 0x%x", children[i].what, held());
		}
	}
}

/* The sentence is about what the step waits for, and names the server. */
static void test_flaw(void **state)
{
	(void)state;
	lags(&lab.children.servers[1]);
	lacks_cds(&lab.children.servers[1]);
	(void)lab_step(MS_PROC_JOIN, "cds", "agent.b.test.");
	lab_look(LOOK_NOW);
	assert_string_equal(lab.why, "ns.b. has another CDS");
	(void)lab_step(MS_PROC_JOIN, "keys", "agent.b.test.");
	lab_look(LOOK_NOW);
	assert_string_equal(lab.why, "ns.b. lacks a DNSKEY");
	(void)lab_step(MS_PROC_JOIN, "ns", "agent.b.test.");
	lab_look(LOOK_NOW);
	assert_string_equal(lab.why, "");
}

/* A fact holds since it was first seen; if it is lost, it begins anew. */
static void test_since(void **state)
{
	(void)state;
	const ms_rec_fact_t *keys = &lab.process->fact[MS_FACT_KEYS];
	lab_look(LOOK_NOW);
	lab_look(LOOK_NOW + 5);
	assert_int_equal(keys->since, LOOK_NOW);
	lags(&lab.children.servers[1]);
	lab_look(LOOK_NOW + 6);
	assert_int_equal(keys->since, 0);
	make_add(&lab.children.servers[1].set[AT_DNSKEY], LOOK_TTL, lab.zsk, MAKE_KEY_LEN);
	lab_look(LOOK_NOW + 7);
	assert_int_equal(keys->since, LOOK_NOW + 7);
}

/* What is wanted has changed since: not seen yet. */
static void test_of_what(void **state)
{
	(void)state;
	lab_look(LOOK_NOW);
	lab_look_up(LOOK_NOW);
	assert_int_equal(held(), CHILDREN | PARENT);
	uint8_t key[MAKE_KEY_LEN];
	make_zsk(7, key);
	make_add(&lab.other->held.set[MS_APEX_DNSKEY], LOOK_TTL, key, sizeof(key));
	assert_int_equal(held(), (CHILDREN | PARENT) & ~(F(KEYS) | F(GONE) | F(SIGNED)));
	lose(&lab.zone->apex.set[MS_APEX_CDS], lab.ds, LOOK_DS_LEN);
	assert_int_equal(held(), F(NS) | F(PARENT_NS));
	make_ns(&lab.zone->apex.set[MS_APEX_NS], "ns.c.");
	assert_int_equal(held(), 0);
}

/* F-65, F-68: a KSK of ours stands in no contribution. What was seen before the apex had it, or still had
 * it, says nothing about it. */
static void test_own_ksk(void **state)
{
	(void)state;
	uint8_t key[MAKE_KEY_LEN];
	make_key(&(make_key_t){ 257, 3, 15, 9, 0, 9 }, key);
	lab_look(LOOK_NOW);
	make_add(&lab.zone->apex.set[MS_APEX_DNSKEY], LOOK_TTL, key, sizeof(key));
	assert_int_equal(held(), CHILDREN & ~(F(KEYS) | F(GONE) | F(SIGNED)));
	make_add(&lab.children.servers[0].set[AT_DNSKEY], LOOK_TTL, key, sizeof(key));
	lab_look(LOOK_NOW + 1);
	assert_int_equal(lab.process->fact[MS_FACT_KEYS].since, LOOK_NOW + 1);
	lose(&lab.zone->apex.set[MS_APEX_DNSKEY], key, sizeof(key));
	assert_false(lab_holds(MS_FACT_GONE));
}

/* An apex that is still to be edited says nothing, nor do no servers at all. */
static void test_not_yet(void **state)
{
	(void)state;
	lab.zone->edit_id = 7;
	lab_look(LOOK_NOW);
	lab_look_up(LOOK_NOW);
	assert_int_equal(held(), 0);
	lab.zone->edit_id = 0;
	size_t count = lab.children.count;
	lab.children.count = 0;
	lab_look(LOOK_NOW);
	assert_int_equal(held(), 0);
	lab.children.count = count;
	/* A key is wanted that the apex has not. */
	uint8_t key[MAKE_KEY_LEN];
	make_zsk(7, key);
	make_add(&lab.other->held.set[MS_APEX_DNSKEY], LOOK_TTL, key, sizeof(key));
	lab_combine();
	lab_look(LOOK_NOW);
	assert_int_equal(held(), 0);
	lab.zone->own_known = false;
	lab_look(LOOK_NOW);
	assert_int_equal(held(), 0);
}

/* F-32: a set of CDS in which a signer is missing is never followed. */
static void test_every_signer_has_cds(void **state)
{
	(void)state;
	ms_rrset_clear(&lab.other->held.set[MS_APEX_CDS]);
	(void)lab_step(MS_PROC_JOIN, "cds", "agent.b.test.");
	lab_look(LOOK_NOW);
	assert_false(lab_holds(MS_FACT_CDS));
	assert_string_equal(lab.why, "not every signer has CDS");
	lab_look_up(LOOK_NOW);
	assert_false(lab_holds(MS_FACT_DS));
}

/* F-36, F-45 with NSMgmt OWNER: the owner names who comes, and takes out who goes. */
static void test_owner_names(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		ms_process_kind_t kind;
		bool named, is;
	} cases[] = {
		{ "comes, not named yet", MS_PROC_JOIN, false, false },
		{ "comes, named", MS_PROC_JOIN, true, true },
		{ "goes, still named", MS_PROC_LEAVE, true, false },
		{ "goes, named no more", MS_PROC_LEAVE, false, true },
	};
	lab.zone->nsmgmt = MS_HSYNC_OWNER;
	for (size_t i = 0; i < COUNT(cases); i++) {
		ms_rrset_t *ns = &lab.zone->apex.set[MS_APEX_NS];
		ms_rrset_clear(ns);
		make_ns(ns, "NS.A.");
		if (cases[i].named) {
			make_ns(ns, "Ns.B.");
		}
		(void)lab_step(cases[i].kind, "ns", "agent.b.test.");
		lab.other->state = cases[i].kind == MS_PROC_LEAVE ? MS_HSYNC_OFF : MS_HSYNC_ON;
		lab.other->leaving = cases[i].kind == MS_PROC_LEAVE;
		lab_combine();
		for (size_t k = 0; k < lab.children.count; k++) {
			ms_rrset_t *served = &lab.children.servers[k].set[AT_NS];
			ms_rrset_clear(served);
			assert_int_equal(ms_shown_lower_ns(ns, served), KNOT_EOK);
		}
		lab_look(LOOK_NOW);
		if (lab_holds(MS_FACT_NS) != cases[i].is) {
			fail_msg("%s", cases[i].what);
		}
	}
}

/* F-52: of who leaves all keys must go, once nobody wants them any more. */
static void test_gone(void **state)
{
	(void)state;
	lab.other->state = MS_HSYNC_OFF;
	lab.other->leaving = true;
	(void)lab_step(MS_PROC_LEAVE, "keys", "agent.b.test.");
	lab_combine();
	ms_rrset_t *apex = lab.zone->apex.set;
	ms_rrset_clear(&apex[MS_APEX_NS]);
	make_ns(&apex[MS_APEX_NS], "ns.a.");
	lose(&apex[MS_APEX_CDS], lab.other_ds, LOOK_DS_LEN);
	lose(&apex[MS_APEX_DNSKEY], lab.other_zsk, MAKE_KEY_LEN);
	lab.children.count = 1; /* it serves no more */
	lab_look(LOOK_NOW);
	assert_false(lab_holds(MS_FACT_GONE));
	assert_string_equal(lab.why, "ns.a. has an old DNSKEY");
	lose(&lab.children.servers[0].set[AT_DNSKEY], lab.other_zsk, MAKE_KEY_LEN);
	lab_look(LOOK_NOW + 1);
	assert_true(lab_holds(MS_FACT_GONE) && lab_holds(MS_FACT_KEYS));
	lab.children.count = 2;
}

static void has_no_ds(ms_seen_server_t *last)
{
	ms_rrset_clear(&last->set[AT_DS]);
}

static void has_one_ds(ms_seen_server_t *last)
{
	lose(&last->set[AT_DS], lab.other_ds, LOOK_DS_LEN);
}

static void parent_lacks_ns(ms_seen_server_t *last)
{
	ms_rrset_clear(&last->set[AT_PARENT_NS]);
	make_ns(&last->set[AT_PARENT_NS], "ns.a.");
}

/* Serves the child, too: what it says about NS is the child's. */
static void serves_both(ms_seen_server_t *last)
{
	parent_lacks_ns(last);
	last->aa[AT_PARENT_NS] = true;
}

static const struct {
	const char *what;
	void (*make)(ms_seen_server_t *server);
	uint8_t not;
} parents[] = {
	{ "all is well", all_well, 0 },
	{ "one server has no DS", has_no_ds, F(DS) },
	{ "one server lacks a DS", has_one_ds, F(DS) },
	{ "one server has other NS", parent_lacks_ns, F(PARENT_NS) },
	{ "one server serves the child, too", serves_both, 0 },
	{ "one server is silent", is_silent, PARENT },
	{ "one server refuses", refuses, PARENT },
};

/* F-33, F-38, F-47: every server of the parent. */
static void test_parent(void **state)
{
	for (size_t i = 0; i < COUNT(parents); i++) {
		for (unsigned which = 0; which < 2; which++) {
			lab_teardown(state);
			lab_setup(state);
			parents[i].make(&lab.parent.servers[which]);
			lab_look_up(LOOK_NOW);
			if (held() != (PARENT & ~parents[i].not)) {
				fail_msg("%s (%u): 0x%x", parents[i].what, which, held());
			}
			if (lab.process->parent_known == (parents[i].not == PARENT)) {
				fail_msg("%s (%u)", parents[i].what, which);
			}
		}
	}
}

static void all_parents(void (*make)(ms_seen_server_t *))
{
	for (size_t i = 0; i < lab.parent.count; i++) {
		make(&lab.parent.servers[i]);
	}
}

/* Without DS nothing can be bogus; with one at a single server it can. A DS lives on in caches. */
static void test_insecure(void **state)
{
	(void)state;
	assert_false(ms_facts_insecure(lab.zone, LOOK_NOW)); /* not looked at */
	has_no_ds(&lab.parent.servers[0]);
	lab_look_up(LOOK_NOW);
	assert_true(lab.process->secure && lab.process->delegated);
	all_parents(has_no_ds);
	lab_look_up(LOOK_NOW + MS_SEC);
	assert_false(lab.process->secure);
	assert_false(ms_facts_insecure(lab.zone, LOOK_NOW + MS_SEC));
	assert_false(lab_holds(MS_FACT_DS));
	assert_false(ms_facts_insecure(lab.zone, LOOK_NOW + LOOK_TTL * MS_SEC));
	assert_true(ms_facts_insecure(lab.zone, LOOK_NOW + (LOOK_TTL + 1) * MS_SEC));
	lab_look_up(LOOK_NOW + (LOOK_TTL + 1) * MS_SEC);
	assert_true(lab_holds(MS_FACT_DS));
}

static void lacks_all_ns(ms_seen_server_t *last)
{
	has_no_ds(last);
	ms_rrset_clear(&last->set[AT_PARENT_NS]);
	last->rcode[AT_DS] = last->rcode[AT_PARENT_NS] = KNOT_RCODE_NXDOMAIN;
}

static void test_not_delegated(void **state)
{
	(void)state;
	all_parents(lacks_all_ns);
	lab_look_up(LOOK_NOW);
	assert_true(lab.process->parent_known && !lab.process->delegated && !lab.process->secure);
	assert_int_equal(held(), PARENT);
	assert_true(ms_facts_insecure(lab.zone, LOOK_NOW));
}

static void ttls(uint32_t first, uint32_t second)
{
	lab.children.servers[0].set[AT_DNSKEY].ttl = first;
	lab.children.servers[1].set[AT_DNSKEY].ttl = second;
}

/* F-24, X-47: the larger one of old and new, at any server, until no cache can have the old one. */
static void test_ttl_memory(void **state)
{
	(void)state;
	const ms_rec_ttl_t *ttl = &lab.process->ttl[MS_TTL_DNSKEY];
	static const struct {
		int64_t at;
		uint32_t first, second, ttl;
		int64_t until;
	} looks[] = {
		{ 0, 60, 3600, 3600, 0 },
		{ 10, 60, 3600, 3600, 0 },     /* still served: no end is in sight */
		{ 20, 60, 60, 3600, 3620 },    /* lowered everywhere: caches may still have the old one */
		{ 3619, 60, 60, 3600, 3620 },
		{ 3620, 60, 60, 60, 0 },
		{ 3630, 7200, 60, 7200, 0 },   /* raised: at once */
	};
	for (size_t i = 0; i < COUNT(looks); i++) {
		ttls(looks[i].first, looks[i].second);
		lab_look(LOOK_NOW + looks[i].at * MS_SEC);
		assert_int_equal(ttl->ttl, looks[i].ttl);
		assert_int_equal(ttl->until, looks[i].until > 0 ? LOOK_NOW + looks[i].until * MS_SEC : 0);
	}
	/* Each type has a memory of its own. */
	assert_int_equal(lab.process->ttl[MS_TTL_NS].ttl, LOOK_TTL);
	assert_int_equal(lab.process->ttl[MS_TTL_DS].ttl, 0);
	lab_look_up(LOOK_NOW);
	assert_int_equal(lab.process->ttl[MS_TTL_DS].ttl, LOOK_TTL);
	assert_int_equal(lab.process->ttl[MS_TTL_PARENT_NS].ttl, LOOK_TTL);
}

/* What is kept for the founding is no longer needed after it. */
static void test_kept_for_founding(void **state)
{
	(void)state;
	lab_look_up(LOOK_NOW);
	assert_int_equal(lab.process->parent_ds.rrs.count, 0);
	lab.process->founded = false;
	lab_look_up(LOOK_NOW);
	assert_int_equal(lab.process->parent_ds.rrs.count, 2);
	assert_int_equal(lab.process->parent_ns.rrs.count, 2);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_children), TEST(test_flaw), TEST(test_since), TEST(test_of_what),
		TEST(test_own_ksk), TEST(test_not_yet), TEST(test_every_signer_has_cds), TEST(test_owner_names),
		TEST(test_gone), TEST(test_parent), TEST(test_insecure), TEST(test_not_delegated),
		TEST(test_ttl_memory), TEST(test_kept_for_founding),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
