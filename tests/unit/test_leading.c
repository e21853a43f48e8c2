/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "base/name.h"
#include "core/leading.h"
#include "make.h"

#define A "agent.a.test."
#define B "agent.b.test."
#define C "agent.c.test."
#define STEP 3

typedef struct {
	ms_agent_t agent;
	ms_zone_t *zone;
	ms_pair_t *b, *c;
	ms_actions_t out;
} group_t;

static void tell(group_t *g, ms_pair_t *pair, unsigned step, uint32_t term, const char *leader)
{
	ms_state_t state = { .has_process = true, .process = MS_PROC_LEAVE, .step = step,
	                     .has_election = term != 0, .term = term, .vote = 7 };
	(void)make_name("agent.d.test.", state.subject);
	if (leader != NULL) {
		(void)make_name(leader, state.leader);
	}
	ms_process_learn(&g->agent, g->zone, pair, &state);
}

/* a, b and c are members and let d go; nobody has told anything yet. */
static void make_group(group_t *g, uint8_t sync, unsigned step)
{
	knot_dname_storage_t buf;
	memset(g, 0, sizeof(*g));
	make_agent(&g->agent);
	g->zone = make_zone(&g->agent);
	static const char *const names[] = { B, C };
	for (unsigned i = 0; i < 2; i++) {
		ms_pair_t *pair = make_pair(&g->agent, g->zone, names[i]);
		pair->member = true;
		pair->peer->relation = MS_PEER_OPERATIONAL;
	}
	g->b = ms_pair_find(g->zone, make_name(B, buf));
	g->c = ms_pair_find(g->zone, make_name(C, buf));
	g->zone->group_sync = sync;
	ms_process_t *process = ms_process_get(g->zone);
	assert_non_null(process);
	process->founded = process->member = true;
	process->kind = MS_PROC_LEAVE;
	process->step = step;
	process->subject = knot_dname_copy(make_name("agent.d.test.", buf), NULL);
}

static void free_group(group_t *g)
{
	ms_actions_deinit(&g->out);
	ms_agent_deinit(&g->agent);
}

static void settle(group_t *g, double seconds)
{
	ms_leading_settle(&g->agent, g->zone, make_now(seconds), &g->out);
}

static bool may(const group_t *g)
{
	char why[MS_WHY_MAX] = "";
	const ms_process_t *process = g->zone->process;
	bool yes = ms_leading_may(g->zone, &ms_process_table(process->kind)[process->step], why);
	assert_true(yes || why[0] != '\0');
	return yes;
}

/* Both confirm this one in our term. */
static void elect(group_t *g, const char *leader, unsigned b_step)
{
	settle(g, 1);
	uint32_t term = g->zone->process->election.term;
	assert_true(term != 0);
	tell(g, g->b, b_step, term, leader);
	tell(g, g->c, STEP, term, leader);
	settle(g, 3);
}

/* It goes by its own rules, once all confirm it (F-04). */
static void test_leader(void **state)
{
	(void)state;
	group_t g;
	make_group(&g, MS_SYNC_LEADER, 0);
	settle(&g, 1);
	assert_true(g.zone->process->leading && g.zone->process->votes);
	assert_false(may(&g)); /* nobody is elected */
	g.zone->process->step = STEP;
	elect(&g, A, STEP);
	assert_true(g.zone->process->elected);
	assert_true(may(&g));
	/* Who has not told that it confirms us: the election is not over. */
	tell(&g, g.c, STEP, g.zone->process->election.term, NULL);
	settle(&g, 4);
	assert_false(may(&g));
	free_group(&g);
}

/* Not before the leader, and not by anybody else (F-02). */
static void test_follower(void **state)
{
	(void)state;
	group_t g;
	make_group(&g, MS_SYNC_LEADER, 0);
	settle(&g, 1);
	g.zone->process->step = STEP;
	elect(&g, B, STEP);
	assert_true(g.zone->process->elected);
	assert_false(may(&g));
	tell(&g, g.c, STEP + 1, g.zone->process->election.term, B);
	assert_false(may(&g)); /* C does not lead */
	tell(&g, g.b, STEP + 1, g.zone->process->election.term, B);
	assert_true(may(&g));
	free_group(&g);
}

/* Steps that the subject alone can judge do not wait for the leader. */
static void test_led(void **state)
{
	(void)state;
	group_t g;
	char why[MS_WHY_MAX];
	make_group(&g, MS_SYNC_LEADER, 0);
	settle(&g, 1);
	const ms_step_row_t led = { "led", .led = true }, other = { "other" };
	assert_true(ms_leading_may(g.zone, &led, why));
	assert_false(ms_leading_may(g.zone, &other, why));
	free_group(&g);
}

/* F-06: another term without it, in the same step. */
static void test_lost(void **state)
{
	(void)state;
	group_t g;
	make_group(&g, MS_SYNC_LEADER, 0);
	settle(&g, 1);
	g.zone->process->step = STEP;
	elect(&g, B, STEP);
	uint32_t term = g.zone->process->election.term;
	g.b->peer->relation = MS_PEER_DEGRADED;
	settle(&g, 4); /* too early: we have only just started */
	assert_int_equal(g.zone->process->election.term, term);
	settle(&g, 30);
	assert_int_equal(g.zone->process->election.term, term + 1);
	assert_false(may(&g));
	tell(&g, g.c, STEP, term + 1, C);
	settle(&g, 32);
	assert_true(g.zone->process->elected);
	tell(&g, g.c, STEP + 1, term + 1, C);
	assert_true(may(&g));
	assert_int_equal(g.zone->process->step, STEP); /* and not from the beginning */
	/* Without C, too, we are a minority: no further term. */
	g.c->peer->relation = MS_PEER_INTERRUPTED;
	settle(&g, 60);
	assert_int_equal(g.zone->process->election.term, term + 1);
	assert_false(g.zone->process->elected);
	free_group(&g);
}

/* The mode of the first step is the mode of all (C-21). */
static void test_mode(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t before, after;
		bool asked, leading;
	} cases[] = {
		{ "peer", MS_SYNC_PEER, MS_SYNC_PEER, false, false },
		{ "peer, then one comes who needs a leader", MS_SYNC_PEER, MS_SYNC_LEADER, false, false },
		{ "leader", MS_SYNC_LEADER, MS_SYNC_LEADER, false, true },
		{ "leader, then it goes", MS_SYNC_LEADER, MS_SYNC_PEER, false, true },
		{ "another one goes by a leader", MS_SYNC_PEER, MS_SYNC_PEER, true, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		group_t g;
		make_group(&g, cases[i].before, 0);
		if (cases[i].asked) {
			tell(&g, g.b, 0, 1, NULL);
		}
		settle(&g, 1);
		g.zone->process->step = 1;
		g.zone->group_sync = cases[i].after;
		settle(&g, 3);
		if (g.zone->process->leading != cases[i].leading) {
			fail_msg("%s: %d", cases[i].what, g.zone->process->leading);
		}
		free_group(&g);
	}
}

/* No process begins before all have answered HELLO (C-18); what runs goes on. */
static void test_undecided(void **state)
{
	(void)state;
	group_t g;
	make_group(&g, 0, 0);
	settle(&g, 1);
	assert_false(may(&g));
	g.zone->process->step = 1;
	assert_true(may(&g));
	free_group(&g);
}

/* Mode, term and leader are on disk before they are told, and come back from there. */
static void test_disk(void **state)
{
	(void)state;
	group_t g;
	make_group(&g, MS_SYNC_LEADER, 0);
	elect(&g, B, STEP);
	ms_state_t told = { 0 };
	ms_process_tell(&g.agent, g.zone, &told);
	assert_true(told.has_process && !told.has_election);
	assert_int_equal(ms_zone_persist_process(g.zone, &g.out), KNOT_EOK);
	g.zone->process->unsaved = g.zone->process->vote_new = false;
	memset(&told, 0, sizeof(told));
	ms_process_tell(&g.agent, g.zone, &told);
	assert_true(told.has_election && told.term == g.zone->process->election.term);

	const ms_action_t *action = make_find(&g.out, MS_ACT_PERSIST, NULL);
	assert_non_null(action);
	ms_election_t before = g.zone->process->election;
	g.zone->process->asked = 0xff;
	assert_int_equal(ms_process_restore(&g.agent, g.zone, action->persist.value,
	                                    action->persist.value_len, make_now(5)), KNOT_EOK);
	const ms_process_t *after = g.zone->process;
	assert_true(after->leading && after->asked == 0);
	assert_int_equal(after->election.term, before.term);
	assert_true(knot_dname_is_equal(after->election.leader, before.leader));
	free_group(&g);
}

/* Of two states that crossed, the older one came last: it is asked for again. */
static void test_crossed(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		unsigned step;
		uint32_t term;
		const char *leader;
		bool wanted;
	} cases[] = {
		{ "the same", STEP, 2, B, false },
		{ "a later step", STEP + 1, 2, B, false },
		{ "an earlier step", STEP - 1, 2, B, true },
		{ "an earlier term", STEP, 1, B, true },
		{ "a later term", STEP, 3, NULL, false },
		{ "the leader is gone", STEP, 2, NULL, true },
		{ "the election is gone", STEP, 0, NULL, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		group_t g;
		make_group(&g, MS_SYNC_LEADER, STEP);
		tell(&g, g.b, STEP, 2, B);
		g.b->state_wanted = false;
		tell(&g, g.b, cases[i].step, cases[i].term, cases[i].leader);
		if (g.b->state_wanted != cases[i].wanted) {
			fail_msg("%s: %d", cases[i].what, g.b->state_wanted);
		}
		free_group(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leader),
		cmocka_unit_test(test_follower),
		cmocka_unit_test(test_led),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_crossed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
