/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who belongs to the group: how it is founded, who is believed, whose data stand in the zone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/claims.h"
#include "core/founding.h"
#include "core/member.h"
#include "looks.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define A "agent.a.test."
#define B "agent.b.test."
#define BOTH (OURS | THEIRS)

enum { NOBODY, OURS = 1, THEIRS = 2, STRANGER = 4 };

/* Everybody has told, contributed and been looked at; nothing is known of members. */
static int setup(void **state)
{
	lab_setup(state);
	lab.process->founded = lab.process->member = lab.other->member = false;
	lab.zone->group_ready = true;
	lab.other->process_known = true;
	return 0;
}

static void parent_has(unsigned ds, unsigned ns)
{
	for (size_t i = 0; i < lab.parent.count; i++) {
		ms_rrset_t *set = lab.parent.servers[i].set;
		ms_rrset_clear(&set[AT_DS]);
		ms_rrset_clear(&set[AT_PARENT_NS]);
		if (ds & OURS) {
			make_add(&set[AT_DS], LOOK_TTL, lab.ds, LOOK_DS_LEN);
		}
		if (ds & THEIRS) {
			make_add(&set[AT_DS], LOOK_TTL, lab.other_ds, LOOK_DS_LEN);
		}
		if (ds & STRANGER) {
			make_add(&set[AT_DS], LOOK_TTL, (const uint8_t *)"\1\2\x0f\2strange", 11);
		}
		if (ns & OURS) {
			make_ns(&set[AT_PARENT_NS], "ns.a.");
		}
		if (ns & THEIRS) {
			make_ns(&set[AT_PARENT_NS], "ns.b.");
		}
		if (ns & STRANGER) {
			make_ns(&set[AT_PARENT_NS], "ns.stranger.");
		}
	}
	lab_look_up(LOOK_NOW);
}

static unsigned found(void)
{
	lab.why[0] = '\0';
	ms_founding_settle(&lab.agent, lab.zone, &lab.out, lab.why);
	return (lab.process->member ? OURS : 0) | (lab.other->member ? THEIRS : 0);
}

/* What another provider tells: these are members. */
static void told(unsigned members)
{
	static ms_state_t say;
	memset(&say, 0, sizeof(say));
	if (members & OURS) {
		(void)make_name(A, say.member[say.member_count++]);
	}
	if (members & THEIRS) {
		(void)make_name(B, say.member[say.member_count++]);
	}
	if (members & STRANGER) {
		(void)make_name("agent.stranger.test.", say.member[say.member_count++]);
	}
	ms_claims_learn(&lab.agent, lab.zone, &lab.zone->pairs[0], &say);
}

static const struct {
	const char *what;
	unsigned ds, ns, told;
	bool founded;
	unsigned members;
	const char *why;
} foundings[] = {
	{ "DS names both (F-28)", BOTH, BOTH, NOBODY, true, BOTH, "" },
	{ "DS names us: the other one comes in", OURS, BOTH, NOBODY, true, OURS, "" },
	{ "DS names the other one", THEIRS, BOTH, NOBODY, true, THEIRS, "" },
	{ "DS names both, NS only us: the other one is just coming in", BOTH, OURS, NOBODY, true, OURS, "" },
	{ "DS names both, NS neither", BOTH, STRANGER, NOBODY, true, BOTH, "" },
	{ "DS of a key that is nobody's, beside ours", OURS | STRANGER, OURS, NOBODY, true, OURS, "" },
	{ "DS names nobody: a person must look", STRANGER, BOTH, NOBODY, false, NOBODY,
	  "the parent's DS names no provider's key" },
	{ "insecure, NS names both", NOBODY, BOTH, NOBODY, true, BOTH, "" },
	{ "insecure, NS names the other one", NOBODY, THEIRS | STRANGER, NOBODY, true, THEIRS, "" },
	{ "insecure, NS names strangers: the first by name", NOBODY, STRANGER, NOBODY, true, OURS, "" },
	{ "not delegated: the first by name", NOBODY, NOBODY, NOBODY, true, OURS, "" },
	{ "others tell both", BOTH, BOTH, BOTH, true, BOTH, "" },
	{ "others tell one, though DS names both", BOTH, BOTH, THEIRS, true, THEIRS, "" },
	{ "of an insecure zone others are believed", NOBODY, OURS, THEIRS, true, THEIRS, "" },
	{ "nobody comes into a secure zone by its own word (F-07)", OURS, OURS, BOTH, true, OURS, "" },
	{ "claims that DS does not bear out", OURS, BOTH, THEIRS, false, NOBODY,
	  "the parent's DS names none of those told to be members" },
	{ "who is outside itself tells nothing: the first by name", NOBODY, NOBODY, STRANGER, true,
	  OURS, "" },
};

static void test_founding(void **state)
{
	for (size_t i = 0; i < COUNT(foundings); i++) {
		lab_teardown(state);
		setup(state);
		parent_has(foundings[i].ds, foundings[i].ns);
		if (foundings[i].told != NOBODY) {
			told(foundings[i].told);
		}
		unsigned members = found();
		if (lab.process->founded != foundings[i].founded || members != foundings[i].members ||
		    strcmp(lab.why, foundings[i].why) != 0) {
			fail_msg("%s: %u, %s", foundings[i].what, members, lab.why);
		}
		/* All are told, and it is kept. */
		assert_true(!foundings[i].founded || (lab.process->news && lab.process->unsaved && lab.other->state_wanted));
		assert_true(!foundings[i].founded || lab.process->parent_ds.rrs.count == 0);
	}
}

/* Nobody founds a group on half of what could be known. */
static void test_not_yet(void **state)
{
	(void)state;
	static const char *const why[] = {
		"not every provider has told its state", "not every provider has told its state",
		"not every provider has contributed", "not every provider has contributed",
		"the parent was not seen yet",
	};
	parent_has(BOTH, BOTH);
	bool *needed[] = {
		&lab.zone->group_ready, &lab.other->process_known, &lab.zone->own_known,
		&lab.other->has_held, &lab.process->parent_known,
	};
	for (size_t i = 0; i < COUNT(needed); i++) {
		*needed[i] = false;
		(void)found();
		assert_false(lab.process->founded);
		assert_string_equal(lab.why, why[i]);
		*needed[i] = true;
	}
	/* Who is OFF is not waited for, and is no member. */
	lab.other->state = MS_HSYNC_OFF;
	lab.other->process_known = lab.other->has_held = false;
	assert_int_equal(found(), OURS);
	assert_true(lab.process->founded);
}

/* F-85: who does not sign is named in no DS; the first by name is one that signs. */
static void test_first_signs(void **state)
{
	(void)state;
	parent_has(NOBODY, NOBODY);
	lab.zone->self_sign = MS_HSYNC_NOSIGN;
	assert_int_equal(found(), THEIRS);
	lab.process->founded = false;
	lab.other->sign = MS_HSYNC_NOSIGN;
	assert_int_equal(found(), OURS);
}

static void test_ds_of_who_does_not_sign(void **state)
{
	(void)state;
	lab.other->sign = MS_HSYNC_NOSIGN;
	parent_has(BOTH, OURS);
	assert_int_equal(found(), OURS);
	/* It is known by its NS. */
	lab.process->founded = false;
	parent_has(OURS, BOTH);
	assert_int_equal(found(), BOTH);
}

/* In the middle of a roll DS names one of two keys: enough. Digest types are the parent's choice. */
static void test_one_key_in_ds(void **state)
{
	(void)state;
	uint8_t key[MAKE_KEY_LEN], ds[LOOK_DS_LEN];
	make_key(&(make_key_t){ 257, 3, 15, 8, 0, 8 }, key);
	assert_int_equal(ms_ds_make(lab.zone->name, key, sizeof(key), 2, ds, sizeof(ds)), sizeof(ds));
	make_add(&lab.other->held.set[MS_APEX_CDS], LOOK_TTL, ds, sizeof(ds));
	parent_has(BOTH, BOTH);
	assert_int_equal(found(), BOTH);
}

/* Who waits at the door takes the members' word for who is inside; a member does not. */
static void test_learn(void **state)
{
	(void)state;
	lab.process->founded = true;
	told(THEIRS);
	assert_true(lab.other->member && !lab.process->member);
	told(OURS); /* we do not come in by it */
	assert_true(!lab.other->member && !lab.process->member);
	told(NOBODY);
	assert_false(lab.other->member); /* has nothing to say */
	/* While it comes in, too; but of who a process is about that process decides. */
	(void)lab_step(MS_PROC_JOIN, "keys", B);
	told(THEIRS);
	assert_false(lab.other->member);
	(void)lab_step(MS_PROC_JOIN, "keys", A);
	told(THEIRS);
	assert_true(lab.other->member && !lab.process->member);
	lab.process->kind = MS_PROC_NONE;
	lab.process->member = true;
	told(OURS); /* nobody is one against its own word */
	assert_false(lab.other->member);
}

static const struct {
	ms_process_kind_t kind;
	const char *step;
	bool member, ns, cds, keys;
} effects[] = {
	{ MS_PROC_JOIN, "hold", false, false, true, true },
	{ MS_PROC_JOIN, "ready", false, false, true, true },
	{ MS_PROC_JOIN, "ns", false, true, true, true },
	{ MS_PROC_JOIN, "parent-ns", false, true, true, true },
	{ MS_PROC_SERVE, "keys", false, false, true, true },
	{ MS_PROC_SERVE, "ns", false, true, true, true },
	{ MS_PROC_LEAVE, "agree", true, true, true, true },
	{ MS_PROC_LEAVE, "ns", true, false, true, true },
	{ MS_PROC_LEAVE, "hold-keys", true, false, true, true },
	{ MS_PROC_LEAVE, "cds", true, false, false, true },
	{ MS_PROC_LEAVE, "hold-sig", true, false, false, true },
	{ MS_PROC_LEAVE, "keys", true, false, false, false },
	{ MS_PROC_UNSERVE, "agree", true, true, true, true },
	{ MS_PROC_UNSERVE, "hold-ns", true, false, true, true },
	{ MS_PROC_ZSK, "sign", true, true, true, true },
	{ MS_PROC_ZSK, "sign", false, false, true, true },
};

/* F-36, F-45, F-51, F-52: from which step on whose data are in the zone. It is about the subject alone. */
static void test_effects(void **state)
{
	(void)state;
	lab.process->founded = true;
	for (size_t i = 0; i < COUNT(effects); i++) {
		const ms_pair_t *pairs[] = { lab.other, NULL };
		for (size_t k = 0; k < 2; k++) {
			const ms_pair_t *subject = pairs[k], *other = pairs[1 - k];
			(void)lab_step(effects[i].kind, effects[i].step, k == 0 ? B : A);
			lab.other->member = k == 0 ? effects[i].member : true;
			lab.process->member = k == 1 ? effects[i].member : true;
			if (ms_member_ns(lab.zone, subject) != effects[i].ns ||
			    ms_member_cds(lab.zone, subject) != effects[i].cds ||
			    ms_member_keys(lab.zone, subject) != effects[i].keys) {
				fail_msg("%s %s", ms_process_name(effects[i].kind), effects[i].step);
			}
			assert_true(ms_member_ns(lab.zone, other) && ms_member_cds(lab.zone, other) &&
			            ms_member_keys(lab.zone, other));
		}
	}
	lab.process->founded = false;
	assert_false(ms_member_ns(lab.zone, NULL) || ms_member_ns(lab.zone, lab.other));
}

static const struct {
	const char *what;
	ms_process_kind_t kind;
	const char *subject;
	bool member;
	uint8_t state, sign;
	bool takes_part, serves;
} parts[] = {
	{ "a member", MS_PROC_NONE, NULL, true, MS_HSYNC_ON, MS_HSYNC_SIGN, true, true },
	{ "at the door", MS_PROC_NONE, NULL, false, MS_HSYNC_ON, MS_HSYNC_SIGN, false, false },
	{ "comes in", MS_PROC_JOIN, B, false, MS_HSYNC_ON, MS_HSYNC_SIGN, true, true },
	{ "at the door while we come in", MS_PROC_JOIN, A, false, MS_HSYNC_ON, MS_HSYNC_SIGN, false,
	  false },
	{ "leaves (F-15)", MS_PROC_LEAVE, B, true, MS_HSYNC_OFF, MS_HSYNC_SIGN, false, false },
	{ "goes as it is OFF", MS_PROC_UNSERVE, B, true, MS_HSYNC_OFF, MS_HSYNC_NOSIGN, false, false },
	{ "is OFF, its turn will come (F-11)", MS_PROC_ZSK, A, true, MS_HSYNC_OFF, MS_HSYNC_SIGN, false,
	  true },
	{ "does not sign (F-09: signers)", MS_PROC_ZSK, A, true, MS_HSYNC_ON, MS_HSYNC_NOSIGN, false,
	  true },
	{ "rolls its key", MS_PROC_ZSK, B, true, MS_HSYNC_ON, MS_HSYNC_SIGN, true, true },
	{ "an algorithm roll", MS_PROC_ALGORITHM, NULL, true, MS_HSYNC_ON, MS_HSYNC_SIGN, true, true },
};

/* F-09, F-15: whom the barrier waits for, and whose servers are looked at. */
static void test_takes_part(void **state)
{
	(void)state;
	lab.process->founded = lab.process->member = true;
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (parts[i].kind != MS_PROC_NONE) {
			(void)lab_step(parts[i].kind, "agree", parts[i].subject);
		}
		lab.other->member = parts[i].member;
		lab.other->state = parts[i].state;
		lab.other->sign = parts[i].sign;
		if (ms_member_takes_part(lab.zone, lab.other) != parts[i].takes_part ||
		    ms_member_serves(lab.zone, lab.other) != parts[i].serves) {
			fail_msg("%s", parts[i].what);
		}
	}
	/* Where nobody signs, all are as good. */
	lab.zone->self_sign = lab.other->sign = MS_HSYNC_NOSIGN;
	(void)lab_step(MS_PROC_SERVE, "ns", A);
	assert_true(ms_member_takes_part(lab.zone, lab.other) && ms_member_takes_part(lab.zone, NULL));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, lab_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_founding), TEST(test_not_yet), TEST(test_first_signs),
		TEST(test_ds_of_who_does_not_sign), TEST(test_one_key_in_ds), TEST(test_learn),
		TEST(test_effects), TEST(test_takes_part),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
