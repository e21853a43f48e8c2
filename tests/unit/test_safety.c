/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must be so before a step may end; and that the last signer stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/safety.h"
#include "looks.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define OF_PARENT (1u << MS_FACT_DS | 1u << MS_FACT_PARENT_NS)

static const struct {
	ms_process_kind_t kind;
	const char *subject;
} kinds[] = {
	{ MS_PROC_JOIN, "agent.b.test." }, { MS_PROC_SERVE, "agent.b.test." },
	{ MS_PROC_LEAVE, "agent.c.test." }, { MS_PROC_UNSERVE, "agent.c.test." },
	{ MS_PROC_ZSK, "agent.a.test." }, { MS_PROC_KSK, "agent.a.test." },
	{ MS_PROC_CSK, "agent.a.test." }, { MS_PROC_ALGORITHM, NULL },
};

static bool may_leave(unsigned step)
{
	bool safe = false;
	lab.why[0] = '\0';
	assert_int_equal(ms_safety_leave(lab.zone, step, &safe, lab.why), KNOT_EOK);
	return safe;
}

/* F-13: each fact of each step is asked for, and no other. */
static void test_every_fact(void **state)
{
	(void)state;
	lab_look(LOOK_NOW);
	lab_look_up(LOOK_NOW);
	for (size_t k = 0; k < COUNT(kinds); k++) {
		(void)lab_step(kinds[k].kind, "agree", kinds[k].subject);
		const ms_step_row_t *rows = ms_process_table(kinds[k].kind);
		for (unsigned i = 0; rows[i].name != NULL; i++) {
			assert_true(may_leave(i));
			for (ms_fact_t fact = 0; fact < MS_FACT_COUNT; fact++) {
				int64_t since = lab.process->fact[fact].since;
				bool asked = rows[i].facts & (1u << fact);
				lab.process->fact[fact].since = 0;
				if (may_leave(i) == asked || (lab.why[0] != '\0') != asked) {
					fail_msg("%s %s, without %s: %s", ms_process_name(kinds[k].kind), rows[i].name,
					         ms_fact_name(fact), lab.why);
				}
				lab.process->fact[fact].since = since;
			}
		}
	}
}

/* F-14, F-18: the operator answers for the parent, and for nobody else. */
static void test_skip(void **state)
{
	(void)state;
	static const struct {
		const char *step;
		ms_fact_t fact;
		bool safe;
	} cases[] = {
		{ "ds", MS_FACT_DS, true },
		{ "parent-ns", MS_FACT_PARENT_NS, true },
		{ "hold", MS_FACT_DS, true },
		{ "hold", MS_FACT_KEYS, false },
		{ "cds", MS_FACT_CDS, false },
		{ "ns", MS_FACT_NS, false },
	};
	lab_look(LOOK_NOW);
	lab_look_up(LOOK_NOW);
	lab.process->skip = true;
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)lab_step(MS_PROC_JOIN, cases[i].step, "agent.b.test.");
		int64_t since = lab.process->fact[cases[i].fact].since;
		lab.process->fact[cases[i].fact].since = 0;
		if (may_leave(lab.process->step) != cases[i].safe) {
			fail_msg("%s without %s", cases[i].step, ms_fact_name(cases[i].fact));
		}
		lab.process->fact[cases[i].fact].since = since;
	}
}

/* What was seen was of other keys than what is wanted now. */
static void test_of_other_keys(void **state)
{
	(void)state;
	uint8_t key[MAKE_KEY_LEN];
	(void)lab_step(MS_PROC_JOIN, "keys", "agent.b.test.");
	lab_look(LOOK_NOW);
	assert_true(may_leave(lab.process->step));
	make_zsk(7, key);
	make_add(&lab.other->held.set[MS_APEX_DNSKEY], LOOK_TTL, key, sizeof(key));
	assert_false(may_leave(lab.process->step));
	assert_string_equal(lab.why, "not every server has every DNSKEY");
}

/* A-32, F-57: the last signer stays. */
static void test_last_signer(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		bool self_member;
		uint8_t self_state, self_sign;
		bool third;                          /* is a member, too … */
		uint8_t third_state, third_sign;
		bool may;
	} cases[] = {
		{ "we stay", true, MS_HSYNC_ON, MS_HSYNC_SIGN, false, MS_HSYNC_ON, MS_HSYNC_SIGN, true },
		{ "we are no member yet", false, MS_HSYNC_ON, MS_HSYNC_SIGN, false, MS_HSYNC_ON,
		  MS_HSYNC_SIGN, false },
		{ "we go, too", true, MS_HSYNC_OFF, MS_HSYNC_SIGN, false, MS_HSYNC_ON, MS_HSYNC_SIGN, false },
		{ "we do not sign", true, MS_HSYNC_ON, MS_HSYNC_NOSIGN, false, MS_HSYNC_ON, MS_HSYNC_SIGN,
		  false },
		{ "a third one stays", true, MS_HSYNC_OFF, MS_HSYNC_SIGN, true, MS_HSYNC_ON, MS_HSYNC_SIGN,
		  true },
		{ "the third one is OFF", true, MS_HSYNC_OFF, MS_HSYNC_SIGN, true, MS_HSYNC_OFF,
		  MS_HSYNC_SIGN, false },
		{ "the third one does not sign", true, MS_HSYNC_OFF, MS_HSYNC_SIGN, true, MS_HSYNC_ON,
		  MS_HSYNC_NOSIGN, false },
	};
	(void)make_pair(&lab.agent, lab.zone, "agent.c.test.");
	ms_pair_t *goes = &lab.zone->pairs[0], *third = &lab.zone->pairs[1];
	goes->state = MS_HSYNC_OFF;
	goes->leaving = goes->member = true;
	for (size_t i = 0; i < COUNT(cases); i++) {
		lab.process->member = cases[i].self_member;
		lab.zone->self_state = cases[i].self_state;
		lab.zone->self_sign = cases[i].self_sign;
		third->member = cases[i].third;
		third->state = cases[i].third_state;
		third->sign = cases[i].third_sign;
		if (ms_safety_begin(lab.zone, MS_PROC_LEAVE, goes, lab.why) != cases[i].may) {
			fail_msg("%s", cases[i].what);
		}
		/* Who does not sign may go even so, and anybody may come. */
		assert_true(ms_safety_begin(lab.zone, MS_PROC_UNSERVE, goes, lab.why));
		assert_true(ms_safety_begin(lab.zone, MS_PROC_JOIN, goes, lab.why));
	}
	assert_string_equal(lab.why, "no signer would be left");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_fact), TEST(test_skip), TEST(test_of_other_keys), TEST(test_last_signer),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
