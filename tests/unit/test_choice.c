/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which process is wanted, and what its beginning, its end and the operator's orders change. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/choice.h"
#include "core/orders.h"
#include "looks.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define A "agent.a.test."
#define B "agent.b.test."
#define C "agent.c.test."
#define ASKED_ZSK (1 << MS_ROLE_ZSK)
#define ASKED_KSK (1 << MS_ROLE_KSK)
#define ASKED_CSK (1 << MS_ROLE_CSK)
#define ASKED_ALGORITHM 8

static ms_order_t orders[MS_ORDERS_MAX + 1];
static ms_choice_t choice;

static ms_pair_t *pair_of(const char *identity)
{
	knot_dname_storage_t name;
	ms_pair_t *pair = ms_pair_find(lab.zone, make_name(identity, name));
	assert_non_null(pair);
	return pair;
}

static int setup(void **state)
{
	lab_setup(state);
	ms_pair_t *third = make_pair(&lab.agent, lab.zone, C);
	third->member = true;
	lab.zone->managed = true;
	free(lab.agent.config.orders);
	lab.agent.config.orders = orders;
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < lab.zone->pair_count; i++) {
		knot_dname_free(lab.zone->pairs[i].subject, NULL);
		lab.zone->pairs[i].subject = NULL;
	}
	lab.agent.config.orders = NULL;
	lab.agent.config.order_count = 0;
	return lab_teardown(state);
}

static ms_verdict_choice_t choose(void)
{
	lab.why[0] = '\0';
	choice = (ms_choice_t){ 0 };
	return ms_choice_make(&lab.agent, lab.zone, &choice, lab.why);
}

static bool chosen(ms_process_kind_t kind, const char *subject)
{
	knot_dname_storage_t name;
	return choose() == MS_CHOICE_BEGIN && choice.kind == kind &&
	       (choice.subject == NULL) == (subject == NULL) &&
	       (subject == NULL || knot_dname_is_equal(choice.subject, make_name(subject, name)));
}

/* This provider tells where it is. */
static void tells(const char *identity, ms_process_kind_t kind, unsigned step, const char *subject)
{
	knot_dname_storage_t name;
	ms_pair_t *pair = pair_of(identity);
	knot_dname_free(pair->subject, NULL);
	pair->process_known = true;
	pair->process = kind;
	pair->step = step;
	pair->subject = subject != NULL ? knot_dname_copy(make_name(subject, name), NULL) : NULL;
}

static void comes(const char *identity)
{
	pair_of(identity)->member = false;
}

static void leaves(const char *identity)
{
	pair_of(identity)->state = MS_HSYNC_OFF;
	pair_of(identity)->leaving = true;
}

/* A-31, F-11: who comes before who goes before rolls; then by name. */
static void test_order(void **state)
{
	(void)state;
	assert_int_equal(choose(), MS_CHOICE_STAY);
	lab.process->asked = ASKED_ZSK | ASKED_KSK | ASKED_ALGORITHM;
	assert_true(chosen(MS_PROC_ZSK, A));
	leaves(C);
	assert_true(chosen(MS_PROC_LEAVE, C));
	leaves(B);
	assert_true(chosen(MS_PROC_LEAVE, B));
	pair_of(B)->state = MS_HSYNC_ON;
	pair_of(B)->leaving = false;
	comes(B);
	assert_true(chosen(MS_PROC_JOIN, B));
	/* F-85: who does not sign comes after who does. */
	pair_of(B)->sign = MS_HSYNC_NOSIGN;
	assert_true(chosen(MS_PROC_SERVE, B));
	pair_of(C)->state = MS_HSYNC_ON;
	pair_of(C)->leaving = false;
	comes(C);
	assert_true(chosen(MS_PROC_JOIN, C));
	pair_of(B)->sign = MS_HSYNC_SIGN;
	assert_true(chosen(MS_PROC_JOIN, B));
}

static void test_rolls(void **state)
{
	(void)state;
	lab.process->asked = ASKED_KSK | ASKED_CSK | ASKED_ALGORITHM;
	assert_true(chosen(MS_PROC_KSK, A));
	lab.process->asked = ASKED_CSK | ASKED_ALGORITHM;
	assert_true(chosen(MS_PROC_CSK, A));
	lab.process->asked = ASKED_ALGORITHM;
	assert_true(chosen(MS_PROC_ALGORITHM, NULL));
	/* By name, whoever tells first. */
	lab.process->asked = ASKED_ZSK;
	tells(B, MS_PROC_ZSK, 0, B);
	assert_true(chosen(MS_PROC_ZSK, A));
	lab.process->asked = 0;
	assert_true(chosen(MS_PROC_ZSK, B));
}

/* F-07: what somebody tells is followed where HSYNC bears it out; a roll is the subject's own affair. */
static void test_told(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		ms_process_kind_t kind;
		const char *subject;
		bool goes;                  /* C leaves */
		bool followed;
	} cases[] = {
		{ "a roll of its own", MS_PROC_ZSK, B, false, true },
		{ "a roll of its own KSK", MS_PROC_KSK, B, false, true },
		{ "a roll of ours", MS_PROC_ZSK, A, false, false },
		{ "a roll of a third one", MS_PROC_ZSK, C, false, false },
		{ "a roll of nobody's", MS_PROC_ZSK, NULL, false, false },
		{ "an algorithm roll of one", MS_PROC_ALGORITHM, B, false, false },
		{ "a third one shall go, and is ON", MS_PROC_LEAVE, C, false, false },
		{ "a third one shall go, and is OFF", MS_PROC_LEAVE, C, true, true },
		{ "… as one that does not sign", MS_PROC_UNSERVE, C, true, false },
		{ "we shall go, and are ON", MS_PROC_LEAVE, A, false, false },
		{ "who is OFF shall come in", MS_PROC_JOIN, C, true, false },
		{ "a signer shall come in as one that does not sign", MS_PROC_SERVE, C, false, false },
		{ "somebody unknown shall come in", MS_PROC_JOIN, "agent.x.test.", false, false },
		{ "a process of a later version", MS_PROC_KINDS, B, false, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (unsigned step = 0; step < 2; step++) {
			teardown(state);
			setup(state);
			if (cases[i].goes) {
				leaves(C);
			}
			tells(B, cases[i].kind, step, cases[i].subject);
			if (chosen(cases[i].kind, cases[i].subject) != cases[i].followed) {
				fail_msg("%s (step %u)", cases[i].what, step);
			}
		}
	}
	/* A member comes in anew with who begins that; who is further only ends what we have ended. */
	tells(B, MS_PROC_JOIN, 0, C);
	assert_true(chosen(MS_PROC_JOIN, C));
	tells(B, MS_PROC_JOIN, 3, C);
	assert_false(chosen(MS_PROC_JOIN, C));
	comes(C);
	assert_true(chosen(MS_PROC_JOIN, C));
	pair_of(C)->member = true;
	/* An algorithm roll is begun by all together (F-80): nobody jumps into one that has begun. */
	tells(B, MS_PROC_ALGORITHM, 0, NULL);
	assert_false(chosen(MS_PROC_ALGORITHM, NULL)); /* our operator has not ordered it */
	lab.process->asked = ms_process_asked_bit(MS_PROC_ALGORITHM);
	assert_true(chosen(MS_PROC_ALGORITHM, NULL));
	lab.process->asked = 0;
	/* Who is no member, or OFF, has no roll. */
	tells(B, MS_PROC_ZSK, 1, B);
	comes(B);
	assert_false(chosen(MS_PROC_ZSK, B));
	pair_of(B)->member = true;
	pair_of(B)->state = MS_HSYNC_OFF;
	assert_false(chosen(MS_PROC_ZSK, B));
}

/* F-11: what the others have begun comes before what we would rather do. */
static void test_begun(void **state)
{
	(void)state;
	comes(C);
	tells(B, MS_PROC_ZSK, 0, B);
	assert_true(chosen(MS_PROC_JOIN, C));
	tells(B, MS_PROC_ZSK, 1, B);
	assert_true(chosen(MS_PROC_ZSK, B));
	/* In step 0 everybody may still change over, later nobody. */
	(void)lab_step(MS_PROC_JOIN, "agree", C);
	assert_true(chosen(MS_PROC_ZSK, B));
	(void)lab_step(MS_PROC_JOIN, "keys", C);
	assert_int_equal(choose(), MS_CHOICE_DROP);
	assert_string_equal(lab.why, "another provider is not in it any more");
	tells(B, MS_PROC_JOIN, 1, C);
	assert_int_equal(choose(), MS_CHOICE_STAY);
	tells(B, MS_PROC_ZSK, 1, B);
	/* The same one: go on. */
	(void)lab_step(MS_PROC_ZSK, "agree", B);
	assert_int_equal(choose(), MS_CHOICE_STAY);
}

/* A-32, F-57 */
static void test_last_signer(void **state)
{
	(void)state;
	leaves(B);
	pair_of(C)->sign = MS_HSYNC_NOSIGN;
	assert_true(chosen(MS_PROC_LEAVE, B));
	lab.process->member = false;
	assert_int_equal(choose(), MS_CHOICE_BEGIN); /* ours: we come in first */
	assert_true(chosen(MS_PROC_JOIN, A));
	lab.process->member = true;
	lab.zone->self_state = MS_HSYNC_OFF;
	pair_of(C)->sign = MS_HSYNC_SIGN;
	leaves(C);
	assert_int_equal(choose(), MS_CHOICE_STAY); /* who is OFF begins nothing */
	lab.process->member = false;
	lab.zone->self_state = MS_HSYNC_ON;
	lab.zone->self_sign = MS_HSYNC_NOSIGN;
	assert_false(chosen(MS_PROC_LEAVE, B) || chosen(MS_PROC_LEAVE, C));
}

static void test_nobody_left(void **state)
{
	(void)state;
	leaves(B);
	leaves(C);
	lab.zone->self_sign = MS_HSYNC_NOSIGN;
	assert_int_equal(choose(), MS_CHOICE_NOT);
	assert_string_equal(lab.why, "no signer would be left");
}

/* Who waits at the door begins its own coming in and nothing else. */
static void test_at_the_door(void **state)
{
	(void)state;
	lab.process->member = false;
	assert_true(chosen(MS_PROC_JOIN, A));
	lab.zone->self_state = MS_HSYNC_OFF;
	leaves(C);
	assert_int_equal(choose(), MS_CHOICE_STAY);
	/* Not a member: nothing of ours to roll. */
	lab.process->asked = ASKED_ZSK;
	assert_int_equal(choose(), MS_CHOICE_STAY);
}

/* F-85: beside signers, one that does not sign changes nothing itself. */
static void test_does_not_sign(void **state)
{
	(void)state;
	lab.zone->self_sign = MS_HSYNC_NOSIGN;
	comes(B);
	assert_int_equal(choose(), MS_CHOICE_STAY);
	pair_of(B)->sign = pair_of(C)->sign = MS_HSYNC_NOSIGN;
	assert_true(chosen(MS_PROC_SERVE, B));
}

static const struct {
	const char *what;
	ms_process_kind_t kind;
	const char *step, *subject;
	bool member, on;              /* the subject … */
	uint8_t told;                 /* … and what it tells of itself */
	bool us_asked, dropped;
} drops[] = {
	{ "comes, and is ON", MS_PROC_JOIN, "ds", B, false, true, MS_PROC_JOIN, false, false },
	{ "comes, and is OFF again", MS_PROC_JOIN, "ds", B, false, false, MS_PROC_JOIN, false, true },
	{ "is a member, and walks with us", MS_PROC_JOIN, "ds", B, true, true, MS_PROC_JOIN, false, false },
	{ "is a member, and nobody walks with us", MS_PROC_JOIN, "ds", B, true, true, MS_PROC_NONE, false,
	  true },
	{ "leaves, and is OFF", MS_PROC_LEAVE, "ds", B, true, false, MS_PROC_NONE, false, false },
	{ "leaves, and is ON again", MS_PROC_LEAVE, "ds", B, true, true, MS_PROC_NONE, false, true },
	{ "rolls", MS_PROC_ZSK, "hold", B, true, true, MS_PROC_ZSK, false, false },
	{ "has given up", MS_PROC_ZSK, "hold", B, true, true, MS_PROC_NONE, false, true },
	{ "has given up in the last step but one", MS_PROC_ZSK, "hold-sig", B, true, true, MS_PROC_NONE,
	  false, true },
	{ "has finished", MS_PROC_ZSK, "remove", B, true, true, MS_PROC_NONE, false, false },
	{ "rolls and goes OFF", MS_PROC_ZSK, "hold", B, true, false, MS_PROC_ZSK, false, true },
	{ "we roll", MS_PROC_ZSK, "hold", A, true, true, MS_PROC_ZSK, true, false },
	{ "we have taken it back", MS_PROC_ZSK, "hold", A, true, true, MS_PROC_ZSK, false, true },
	{ "all roll: no way back", MS_PROC_ALGORITHM, "hold", NULL, true, true, MS_PROC_ALGORITHM, false,
	  false },
};

/* F-11, F-14: what is taken back is dropped, wherever it is. */
static void test_drop(void **state)
{
	for (size_t i = 0; i < COUNT(drops); i++) {
		teardown(state);
		setup(state);
		if (!drops[i].on) {
			leaves(B);
			pair_of(B)->leaving = drops[i].member;
		}
		pair_of(B)->member = drops[i].member;
		lab.process->asked = drops[i].us_asked ? ASKED_ZSK : 0;
		tells(B, drops[i].told, 3, drops[i].told != MS_PROC_NONE ? drops[i].subject : NULL);
		(void)lab_step(drops[i].kind, drops[i].step, drops[i].subject);
		pair_of(B)->has_ended = lab.process->step + 1u == ms_process_steps(drops[i].kind);
		if (choose() != (drops[i].dropped ? MS_CHOICE_DROP : MS_CHOICE_STAY)) {
			fail_msg("%s", drops[i].what);
		}
		assert_true(!drops[i].dropped || lab.why[0] != '\0');
	}
}

/* Nobody told anything in this run yet: a roll under way is not given up for that (F-12). */
static void test_after_restart(void **state)
{
	(void)state;
	(void)lab_step(MS_PROC_ZSK, "hold", B);
	assert_int_equal(choose(), MS_CHOICE_STAY);
}

static ms_order_t *order(ms_order_word_t word, uint64_t hash)
{
	knot_dname_storage_t name;
	ms_order_t *one = &orders[lab.agent.config.order_count++];
	*one = (ms_order_t){ .word = word, .hash = hash };
	ms_name_copy(one->zone, make_name("zone.test.", name));
	return one;
}

static void obey(double now)
{
	assert_int_equal(ms_orders_settle(&lab.agent, lab.zone, make_now(now), &lab.out), KNOT_EOK);
}

/* F-14 */
static void test_hold(void **state)
{
	(void)state;
	comes(B);
	lab.agent.config.hold = true;
	assert_int_equal(choose(), MS_CHOICE_NOT);
	assert_string_equal(lab.why, "wanted: 'mode: hold' and no 'step'");
	(void)order(MS_ORDER_STEP, 1);
	obey(0);
	assert_true(chosen(MS_PROC_JOIN, B));
}

/* Each text once while it stands in the configuration, also after a restart. */
static void test_orders_once(void **state)
{
	(void)state;
	(void)order(MS_ORDER_ROLL_ZSK, 1);
	obey(0);
	assert_int_equal(lab.process->asked, ASKED_ZSK);
	assert_true(lab.process->unsaved);
	lab.process->asked = 0;
	obey(1);
	assert_int_equal(lab.process->asked, 0);
	(void)order(MS_ORDER_ROLL_KSK, 2);
	obey(2);
	assert_int_equal(lab.process->asked, ASKED_KSK);
	/* It is taken out, and comes again. */
	lab.process->asked = 0;
	lab.agent.config.order_count = 0;
	obey(3);
	assert_int_equal(lab.process->order_count, 0);
	(void)order(MS_ORDER_ROLL_ZSK, 1);
	obey(4);
	assert_int_equal(lab.process->asked, ASKED_ZSK);
	/* Another zone's. */
	(void)make_name("other.test.", order(MS_ORDER_ROLL_CSK, 3)->zone);
	obey(5);
	assert_int_equal(lab.process->asked, ASKED_ZSK);
	assert_int_equal(lab.process->order_count, 1);
}

static void test_order_words(void **state)
{
	(void)state;
	static const struct {
		ms_order_word_t word;
		uint8_t asked;
		bool skip, step;
	} cases[] = {
		{ MS_ORDER_STEP, 0, false, true },
		{ MS_ORDER_SKIP, 0, true, false },
		{ MS_ORDER_ABORT, 0, false, false },
		{ MS_ORDER_ROLL_ZSK, ASKED_ZSK, false, false },
		{ MS_ORDER_ROLL_KSK, ASKED_KSK, false, false },
		{ MS_ORDER_ROLL_CSK, ASKED_CSK, false, false },
		{ MS_ORDER_ROLL_ALGORITHM, ASKED_ALGORITHM, false, false },
	};
	assert_int_equal(COUNT(cases), MS_ORDER_WORDS);
	for (size_t i = 0; i < COUNT(cases); i++) {
		lab.process->asked = 0;
		lab.process->skip = lab.process->free_step = false;
		(void)order(cases[i].word, i + 1);
		obey(i);
		assert_int_equal(lab.process->asked, cases[i].asked);
		assert_int_equal(lab.process->skip, cases[i].skip);
		assert_int_equal(lab.process->free_step, cases[i].step);
		assert_int_equal(lab.process->order_count, i + 1);
		assert_false(lab.process->discard);
	}
	/* As many as are remembered, no more. */
	while (lab.agent.config.order_count < MS_ORDERS_MAX + 1) {
		(void)order(MS_ORDER_SKIP, 100 + lab.agent.config.order_count);
	}
	obey(50);
	assert_int_equal(lab.process->order_count, MS_ORDERS_MAX);
}

/* Keys that are not ours to roll. */
static void test_not_our_keys(void **state)
{
	(void)state;
	bool *needed[] = { &lab.zone->signing, &lab.zone->managed, &lab.process->member };
	for (size_t i = 0; i < COUNT(needed); i++) {
		*needed[i] = false;
		(void)order(MS_ORDER_ROLL_ZSK, i + 1);
		obey(i);
		assert_int_equal(lab.process->asked, 0);
		*needed[i] = true;
	}
}

static const struct {
	ms_process_kind_t kind;
	const char *step, *subject;
	bool aborted;
} aborts[] = {
	{ MS_PROC_ZSK, "agree", A, true },
	{ MS_PROC_ZSK, "publish", A, true },
	{ MS_PROC_ZSK, "hold", A, true },
	{ MS_PROC_ZSK, "ready", A, true },
	{ MS_PROC_ZSK, "sign", A, false },
	{ MS_PROC_ZSK, "remove", A, false },
	{ MS_PROC_KSK, "publish", A, true },
	{ MS_PROC_KSK, "cds", A, false },
	{ MS_PROC_KSK, "hold", A, false },
	{ MS_PROC_CSK, "hold-keys", A, true },
	{ MS_PROC_CSK, "cds", A, false },
	{ MS_PROC_ALGORITHM, "agree", NULL, false },
	{ MS_PROC_ZSK, "publish", B, false },
	{ MS_PROC_JOIN, "keys", B, false },
	{ MS_PROC_LEAVE, "ns", B, false },
};

/* F-14, F-63: before the new key is used it is thrown away, afterwards the roll goes its way. */
static void test_abort(void **state)
{
	for (size_t i = 0; i < COUNT(aborts); i++) {
		teardown(state);
		setup(state);
		lab.process->asked = ASKED_ZSK | ASKED_KSK | ASKED_CSK;
		if (aborts[i].kind == MS_PROC_LEAVE) {
			leaves(B);
		} else if (aborts[i].kind == MS_PROC_JOIN) {
			comes(B);
		} else {
			tells(B, aborts[i].kind, 1, aborts[i].subject);
		}
		(void)lab_step(aborts[i].kind, aborts[i].step, aborts[i].subject);
		(void)order(MS_ORDER_ABORT, 1);
		obey(0);
		if ((lab.process->discard != 0) != aborts[i].aborted ||
		    (choose() == MS_CHOICE_DROP) != aborts[i].aborted) {
			fail_msg("%s %s", ms_process_name(aborts[i].kind), aborts[i].step);
		}
	}
}

static void key(size_t i, bool ksk, bool zsk, int64_t active_at)
{
	ms_own_key_t *one = &lab.process->keys[i];
	*one = (ms_own_key_t){ .ksk = ksk, .zsk = zsk, .active = active_at > 0, .published = true,
	                       .active_at = active_at };
}

/* F-88: a key whose life is over is rolled; the CSK by the shorter of both lives. */
static void test_lifetimes(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		bool ksk, zsk;
		int64_t zsk_life, ksk_life, age;
		uint8_t asked;
	} cases[] = {
		{ "ZSK, over", false, true, 100, 1000, 100, ASKED_ZSK },
		{ "ZSK, not yet", false, true, 100, 1000, 99, 0 },
		{ "KSK, over", true, false, 100, 1000, 1000, ASKED_KSK },
		{ "KSK, not yet", true, false, 100, 1000, 999, 0 },
		{ "no lifetime", false, true, 0, 1000, 5000, 0 },
		{ "CSK, the shorter one", true, true, 1000, 100, 100, ASKED_CSK },
		{ "CSK, not yet", true, true, 1000, 100, 99, 0 },
		{ "CSK, the only one", true, true, 100, 0, 100, ASKED_CSK },
	};
	const int64_t born = make_now(0).wall.s;
	for (size_t i = 0; i < COUNT(cases); i++) {
		lab.process->asked = 0;
		lab.process->key_count = 1;
		lab.agent.config.zsk_lifetime = cases[i].zsk_life;
		lab.agent.config.ksk_lifetime = cases[i].ksk_life;
		key(0, cases[i].ksk, cases[i].zsk, born);
		obey(cases[i].age);
		if (lab.process->asked != cases[i].asked) {
			fail_msg("%s", cases[i].what);
		}
	}
	/* What is not used yet, or not any more, has no life. */
	lab.process->asked = 0;
	lab.process->keys[0].withdrawn = true;
	obey(5000);
	lab.process->keys[0].withdrawn = false;
	lab.process->keys[0].removed = true;
	obey(5000);
	lab.process->keys[0].removed = lab.process->keys[0].active = false;
	obey(5000);
	assert_int_equal(lab.process->asked, 0);
}

static const struct {
	const char *what;
	ms_process_kind_t kind;
	const char *step, *subject;
	bool done, member, us_member;
} ends[] = {
	{ "B is in", MS_PROC_JOIN, "parent-ns", B, true, true, true },
	{ "we are in", MS_PROC_JOIN, "parent-ns", A, true, false, true },
	{ "we have gone", MS_PROC_UNSERVE, "hold-ns", A, true, false, false },
	{ "a coming in that is given up", MS_PROC_JOIN, "ns", B, false, false, true },
	{ "a leaving that was not begun", MS_PROC_LEAVE, "agree", B, false, true, true },
	{ "a leaving in which NS have gone: it comes in anew", MS_PROC_LEAVE, "ns", B, false, false, true },
	{ "the same of us", MS_PROC_UNSERVE, "ns", A, false, false, false },
};

static void test_ends(void **state)
{
	for (size_t i = 0; i < COUNT(ends); i++) {
		teardown(state);
		setup(state);
		bool ours = strcmp(ends[i].subject, A) == 0;
		bool goes = ends[i].kind == MS_PROC_LEAVE || ends[i].kind == MS_PROC_UNSERVE;
		pair_of(B)->member = goes && !ours;
		lab.process->member = goes || !ours;
		(void)lab_step(ends[i].kind, ends[i].step, ends[i].subject);
		assert_int_equal(ends[i].done ? ms_choice_done(&lab.agent, lab.zone, &lab.out)
		                              : ms_choice_dropped(lab.zone, &lab.out), KNOT_EOK);
		if (pair_of(B)->member != ends[i].member || lab.process->member != ends[i].us_member) {
			fail_msg("%s", ends[i].what);
		}
	}
}

/* F-52, A-16: with who has left all it said is forgotten; who is still listed may come again. */
static void test_forgotten(void **state)
{
	(void)state;
	lab.zone->alarms |= 1u << MS_ALARM_LEAVING;
	leaves(B);
	(void)lab_step(MS_PROC_LEAVE, "keys", B);
	assert_int_equal(ms_choice_done(&lab.agent, lab.zone, &lab.out), KNOT_EOK);
	const ms_pair_t *pair = pair_of(B);
	assert_false(pair->member || pair->leaving || pair->was_on || pair->has_held);
	assert_int_equal(pair->held.set[MS_APEX_DNSKEY].rrs.count, 0);
	assert_non_null(make_find(&lab.out, MS_ACT_PERSIST, NULL));
	assert_false(ms_zone_alarmed(lab.zone, MS_ALARM_LEAVING));
	leaves(C);
	pair_of(C)->listed = false;
	(void)lab_step(MS_PROC_LEAVE, "keys", C);
	assert_int_equal(ms_choice_done(&lab.agent, lab.zone, &lab.out), KNOT_EOK);
	assert_int_equal(lab.zone->pair_count, 1);
}

/* A roll that is over is asked for no more; somebody else's is none of ours. */
static void test_roll_done(void **state)
{
	(void)state;
	static const struct {
		ms_process_kind_t kind;
		const char *subject;
		uint8_t left;
	} cases[] = {
		{ MS_PROC_ZSK, A, ASKED_KSK | ASKED_CSK | ASKED_ALGORITHM },
		{ MS_PROC_KSK, A, ASKED_ZSK | ASKED_CSK | ASKED_ALGORITHM },
		{ MS_PROC_CSK, A, ASKED_ZSK | ASKED_KSK | ASKED_ALGORITHM },
		{ MS_PROC_ALGORITHM, NULL, ASKED_ZSK | ASKED_KSK | ASKED_CSK },
		{ MS_PROC_ZSK, B, ASKED_ZSK | ASKED_KSK | ASKED_CSK | ASKED_ALGORITHM },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		lab.process->asked = ASKED_ZSK | ASKED_KSK | ASKED_CSK | ASKED_ALGORITHM;
		(void)lab_step(cases[i].kind, "remove", cases[i].subject);
		assert_int_equal(ms_choice_done(&lab.agent, lab.zone, &lab.out), KNOT_EOK);
		assert_int_equal(lab.process->asked, cases[i].left);
		assert_true(pair_of(B)->member && lab.process->member);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order), TEST(test_rolls), TEST(test_told), TEST(test_begun),
		TEST(test_last_signer), TEST(test_nobody_left), TEST(test_at_the_door),
		TEST(test_does_not_sign), TEST(test_drop), TEST(test_after_restart), TEST(test_hold),
		TEST(test_orders_once), TEST(test_order_words), TEST(test_not_our_keys), TEST(test_abort),
		TEST(test_lifetimes), TEST(test_ends), TEST(test_forgotten), TEST(test_roll_done),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
