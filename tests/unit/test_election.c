/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/name.h"
#include "core/election.h"

static const uint8_t ROOT[] = "";
static const knot_dname_t *const NAME[] = {
	(const uint8_t *)"\x01" "a\x04test", (const uint8_t *)"\x01" "b\x04test",
	(const uint8_t *)"\x01" "c\x04test", (const uint8_t *)"\x01" "d\x04test",
};
#define A NAME[0]
#define B NAME[1]
#define C NAME[2]

/* What B told, and C; we are A. */
#define TOLD(who, term, vote, leader) { who, true, true, term, vote, leader }
#define SILENT(who, term, vote, leader) { who, false, true, term, vote, leader }
#define NOTHING(who) { who, true, false, 0, 0, ROOT }

static ms_election_t own_of(uint32_t term, uint32_t vote, const knot_dname_t *leader)
{
	ms_election_t own = { .term = term, .vote = vote };
	ms_name_copy(own.leader, leader);
	return own;
}

/* One step of A with B and C; term and leader afterwards, and whether that is the end of it (F-05). */
static const struct {
	const char *what;
	uint32_t term, vote;
	const uint8_t *leader;
	ms_voter_t other[2];
	uint32_t then;
	int confirms; /* Index of NAME; -1: nobody. */
	bool same_vote, changed, over;
} cases[] = {
	{ "first of all", 0, 0, ROOT, { NOTHING(B), NOTHING(C) }, 1, -1, false, true, false },
	{ "not all have told", 1, 5, ROOT, { TOLD(B, 1, 9, ROOT), NOTHING(C) },
	  1, -1, true, false, false },
	{ "one is in an earlier term", 2, 5, ROOT, { TOLD(B, 2, 9, ROOT), TOLD(C, 1, 8, ROOT) },
	  2, -1, true, false, false },
	{ "ours is the highest", 1, 9, ROOT, { TOLD(B, 1, 8, ROOT), TOLD(C, 1, 7, ROOT) },
	  1, 0, true, true, false },
	{ "C has the highest", 1, 7, ROOT, { TOLD(B, 1, 8, ROOT), TOLD(C, 1, 9, ROOT) },
	  1, 2, true, true, false },
	{ "equal, we are smaller", 1, 9, ROOT, { TOLD(B, 1, 8, ROOT), TOLD(C, 1, 9, ROOT) },
	  1, 0, true, true, false },
	{ "equal, B is smaller", 1, 7, ROOT, { TOLD(B, 1, 9, ROOT), TOLD(C, 1, 9, ROOT) },
	  1, 1, true, true, false },
	{ "equal, B is smaller, told last", 1, 7, ROOT, { TOLD(C, 1, 9, ROOT), TOLD(B, 1, 9, ROOT) },
	  1, 1, true, true, false },
	{ "as unsigned numbers", 1, 1, ROOT, { TOLD(B, 1, UINT32_MAX, ROOT), TOLD(C, 1, 2, ROOT) },
	  1, 1, true, true, false },
	{ "two of three are enough", 1, 7, ROOT, { TOLD(B, 1, 8, ROOT), SILENT(C, 1, 9, ROOT) },
	  1, 1, true, true, false },
	{ "one of three is not", 1, 7, ROOT, { SILENT(B, 1, 8, ROOT), SILENT(C, 1, 5, ROOT) },
	  1, -1, true, false, false },
	{ "a later term is joined", 1, 7, A, { TOLD(B, 3, 8, ROOT), TOLD(C, 1, 5, A) },
	  3, -1, false, true, false },
	{ "also of who is silent now", 1, 7, A, { SILENT(B, 3, 8, ROOT), TOLD(C, 1, 5, A) },
	  3, -1, false, true, false },
	{ "the latest of them", 1, 7, A, { TOLD(B, 3, 8, ROOT), TOLD(C, 5, 5, ROOT) },
	  5, -1, false, true, false },
	{ "all confirm", 4, 7, C, { TOLD(B, 4, 8, C), TOLD(C, 4, 9, C) }, 4, 2, true, false, true },
	{ "not all confirm yet", 4, 7, C, { TOLD(B, 4, 8, ROOT), TOLD(C, 4, 9, C) },
	  4, 2, true, false, false },
	{ "B is not in that term yet", 4, 7, C, { TOLD(B, 3, 8, C), TOLD(C, 4, 9, C) },
	  4, 2, true, false, false },
	{ "B confirms another", 4, 7, C, { TOLD(B, 4, 8, B), TOLD(C, 4, 9, C) },
	  5, -1, false, true, false },
	{ "B did in an earlier term", 4, 7, C, { TOLD(B, 3, 8, B), TOLD(C, 4, 9, C) },
	  4, 2, true, false, false },
	{ "they confirm two", 4, 7, ROOT, { TOLD(B, 4, 8, B), TOLD(C, 4, 9, C) },
	  5, -1, false, true, false },
	{ "who is late confirms the same", 4, 99, ROOT, { TOLD(B, 4, 8, C), TOLD(C, 4, 9, C) },
	  4, 2, true, true, true },
	{ "the leader is silent", 4, 7, C, { TOLD(B, 4, 8, C), SILENT(C, 4, 9, C) },
	  5, -1, false, true, false },
	{ "the leader left", 4, 7, NAME[3], { TOLD(B, 4, 8, NAME[3]), TOLD(C, 4, 9, NAME[3]) },
	  5, -1, false, true, false },
	{ "somebody else is silent", 4, 7, C, { SILENT(B, 4, 8, C), TOLD(C, 4, 9, C) },
	  4, 2, true, false, true },
	{ "what silent ones confirm is no matter", 4, 7, C, { SILENT(B, 4, 8, B), TOLD(C, 4, 9, C) },
	  4, 2, true, false, true },
	{ "all are silent", 4, 7, C, { SILENT(B, 4, 8, C), SILENT(C, 4, 9, C) },
	  4, 2, true, false, false },
	{ "we led, and all are silent", 4, 7, A, { SILENT(B, 4, 8, A), SILENT(C, 4, 9, A) },
	  4, 0, true, false, false },
	{ "started again", 4, 0, C, { TOLD(B, 4, 8, C), TOLD(C, 4, 9, C) }, 4, 2, false, true, true },
	{ "terms wrap, without 0", UINT32_MAX, 7, C, { TOLD(B, UINT32_MAX, 8, B), SILENT(C, 0, 0, ROOT) },
	  1, -1, false, true, false },
	{ "and the new ones are later", UINT32_MAX, 7, C, { TOLD(B, 2, 8, ROOT), SILENT(C, 0, 0, ROOT) },
	  2, 0, false, true, false },
	{ "half of all ahead", 1, 7, C, { TOLD(B, 0x80000001, 8, ROOT), SILENT(C, 0, 0, ROOT) },
	  0x80000001, 0, false, true, false },
	{ "half of all behind", 0x80000001, 7, ROOT, { TOLD(B, 1, 8, B), SILENT(C, 0, 0, ROOT) },
	  0x80000001, -1, true, false, false },
};

static void test_rules(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_rng_t rng = { 1 };
		ms_election_t own = own_of(cases[i].term, cases[i].vote, cases[i].leader);
		bool changed = ms_election_step(&own, A, cases[i].other, 2, &rng);
		const knot_dname_t *confirms = cases[i].confirms < 0 ? ROOT : NAME[cases[i].confirms];
		if (own.term != cases[i].then || !knot_dname_is_equal(own.leader, confirms) ||
		    (own.vote == cases[i].vote) != cases[i].same_vote || own.vote == 0 ||
		    changed != cases[i].changed ||
		    ms_election_over(&own, A, cases[i].other, 2) != cases[i].over) {
			fail_msg("%s: term %u, vote %u, changed %d", cases[i].what, own.term, own.vote, changed);
		}
	}
}

/* Whoever confirms it, a leader that is silent or left does not lead (F-06): before any step is taken. */
static void test_over(void **state)
{
	const ms_voter_t silent[] = { TOLD(B, 4, 8, C), SILENT(C, 4, 9, C) };
	const ms_voter_t left[] = { TOLD(B, 4, 8, C) };
	const ms_voter_t there[] = { TOLD(C, 4, 9, C), SILENT(B, 4, 8, C) };
	ms_election_t own = own_of(4, 7, C);
	assert_true(ms_election_over(&own, A, there, 2));
	assert_false(ms_election_over(&own, A, silent, 2));
	assert_false(ms_election_over(&own, A, left, 1));
}

/* A group of one leads itself (F-28). */
static void test_alone(void **state)
{
	ms_rng_t rng = { 1 };
	ms_election_t own = { 0 };
	assert_true(ms_election_step(&own, A, NULL, 0, &rng));
	assert_true(knot_dname_is_equal(own.leader, A));
	assert_true(ms_election_over(&own, A, NULL, 0));
	assert_false(ms_election_step(&own, A, NULL, 0, &rng));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_alone),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
