/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups that need a leader: it is lost in every step of a JOIN, and it lies. What is asserted is read from
 * the disks of the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "core/pair.h"
#include "core/process.h"
#include "world.h"

#define ALPHA 1u
#define BETA  2u
#define ALL   7u
#define NODES 3
#define GAMMA_NODE 2

#define LIMIT (1800 * MS_SEC)
/* Two heartbeats of silence, and an election. */
#define BEAT  (2 * MS_SEC)
#define LOST  (60 * MS_SEC)
/* The step "ds" of a JOIN: it waits for the parent. */
#define STEP_DS 3

static unsigned number;
static unsigned failures;

static bool ok(bool good, const char *what, const char *why)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++number, what);
	if (!good) {
		printf("# %s\n", why);
	}
	failures += !good;
	return good;
}

static void list_all(sim_world_t *world, unsigned on)
{
	for (unsigned i = 0; i < world->nodes; i++) {
		sim_owner_hsync(world, i, 0, ALL, on);
	}
}

/* beta alone cannot do without a leader: so nobody does. */
static sim_world_t *begin(unsigned on)
{
	sim_world_t *world = malloc(sizeof(*world));
	sim_init(world, 1, NODES, 1);
	world->wholesome = world->validate = true;
	world->story = calloc(1, 1);
	world->node[1].config.sync = MS_SYNC_LEADER;
	for (unsigned i = 0; i < NODES; i++) {
		world->node[i].config.heartbeat = BEAT;
		sim_node_ns(world, i, 1);
		sim_owner_nsmgmt(world, i, 0, ALL);
		sim_owner_ns(world, i, 0, 1);
		sim_keys_first(world, i, 0);
	}
	sim_parent_begin(world, 0, 1, 0);
	for (unsigned i = 0; i < NODES; i++) {
		sim_start(world, i);
	}
	list_all(world, on);
	return world;
}

static void end(sim_world_t *world, bool good)
{
	if (!good) {
		printf("%s", world->story);
		sim_process_print(world);
	}
	sim_deinit(world);
	free(world);
}

/* Whom this disk names as leader; -1: nobody. */
static int leader_of(const sim_world_t *world, unsigned node, uint32_t *term)
{
	ms_rec_process_t rec;
	if (!sim_process(world, node, 0, &rec)) {
		return -1;
	}
	*term = rec.term;
	return sim_node_index(world, rec.leader);
}

static bool is_leading(const sim_world_t *world, unsigned node, unsigned step)
{
	ms_rec_process_t rec;
	return sim_process(world, node, 0, &rec) && rec.kind == MS_PROC_JOIN && rec.step == step &&
	       (rec.asked & MS_REC_LEADING) != 0 && sim_node_index(world, rec.leader) == (int)node;
}

/* Runs until some leader is in that step. -1: none comes. */
static int run_to_step(sim_world_t *world, unsigned step)
{
	for (int64_t until = world->now + LIMIT; world->now < until && !world->failed;) {
		for (unsigned node = 0; node < NODES; node++) {
			if (is_leading(world, node, step)) {
				return node;
			}
		}
		sim_run(world, world->now + 5 * MS_MSEC);
	}
	return -1;
}

static bool others_agree(const sim_world_t *world, unsigned lost, uint32_t before, char why[128])
{
	int leader = -1;
	uint32_t term = 0;
	for (unsigned node = 0; node < NODES; node++) {
		uint32_t told = 0;
		int confirms = node != lost ? leader_of(world, node, &told) : -1;
		snprintf(why, 128, "%s confirms %d in term %u after %u; the one before %d in %u",
		         sim_node_name(node), confirms, told, before, leader, term);
		if (node == lost) {
			continue;
		}
		if (confirms < 0 || confirms == (int)lost || told <= before ||
		    (leader >= 0 && (confirms != leader || told != term))) {
			return false;
		}
		leader = confirms;
		term = told;
	}
	return true;
}

/* Nobody goes through the steps of gamma's JOIN twice, nor back. */
static bool goes_on(const sim_world_t *world, char why[128])
{
	unsigned next[NODES] = { 0 };
	for (size_t i = 0; i < world->walk_count; i++) {
		const sim_walk_t *walk = &world->walk[i];
		if (walk->kind != MS_PROC_JOIN || walk->subject != GAMMA_NODE) {
			continue;
		}
		snprintf(why, 128, "%s enters step %u again", sim_node_name(walk->node), walk->step);
		if (walk->step < next[walk->node]) {
			return false;
		}
		next[walk->node] = walk->step + 1;
	}
	return true;
}

/* F-06: the next leader goes on from the step that is recorded. */
static void test_loss(unsigned step)
{
	char what[64], why[128] = "";
	sim_world_t *world = begin(ALPHA | BETA);
	const char *name = ms_process_table(MS_PROC_JOIN)[step].name;
	snprintf(what, sizeof(what), "%s: two are members", name);
	bool good = ok(sim_process_run(world, 0, ALPHA | BETA, LIMIT, why), what, why);
	list_all(world, ALL);
	int lost = run_to_step(world, step);
	uint32_t term = 0;
	snprintf(what, sizeof(what), "%s: there is a leader", name);
	good &= ok(lost >= 0 && leader_of(world, lost, &term) == lost, what, "none came");
	if (good) {
		sim_crash(world, lost);
		sim_run(world, world->now + LOST);
		snprintf(what, sizeof(what), "%s: without it, the others elect another one", name);
		good &= ok(others_agree(world, lost, term, why), what, why);
		sim_start(world, lost);
		snprintf(what, sizeof(what), "%s: it is back, the third one joins", name);
		good &= ok(sim_process_run(world, 0, ALL, LIMIT, why), what, why);
		snprintf(what, sizeof(what), "%s: nobody began anew", name);
		good &= ok(goes_on(world, why), what, why);
	}
	end(world, good);
}

/* As if the leader had sent this to everybody. */
static bool lie(sim_world_t *world, unsigned liar, ms_process_kind_t kind, unsigned step)
{
	ms_state_t *state = malloc(sizeof(*state));
	knot_dname_storage_t name;
	sim_zone_name(0, name);
	ms_pair_state(&world->node[liar].agent, ms_zone_find(&world->node[liar].agent, name), state);
	state->has_process = true;
	state->process = kind;
	state->step = step;
	memcpy(state->subject, world->node[GAMMA_NODE].config.identity, sizeof(state->subject));
	bool heard = true;
	for (unsigned node = 0; node < NODES; node++) {
		ms_agent_t *agent = &world->node[node].agent;
		ms_zone_t *zone = ms_zone_find(agent, name);
		ms_pair_t *pair = node != liar ? ms_pair_find(zone, world->node[liar].config.identity) : NULL;
		if (pair != NULL) {
			ms_actions_t out = { 0 };
			ms_event_t event = { .kind = MS_EV_TIMER, .now = sim_now(world, node) };
			ms_pair_learn(agent, zone, pair, state, event.now, &out);
			ms_actions_deinit(&out);
			heard &= pair->process == kind && pair->step == step;
			sim_feed(world, node, &event);
		}
	}
	free(state);
	return heard;
}

/* It says that the parent is past what nobody sees there (P-25). */
static void test_ahead(void)
{
	char why[128] = "";
	sim_world_t *world = begin(ALPHA | BETA);
	bool good = ok(sim_process_run(world, 0, ALPHA | BETA, LIMIT, why), "ahead: two are members", why);
	sim_parent_ways(world, 0, SIM_PARENT_NEVER, SIM_PARENT_NEVER);
	list_all(world, ALL);
	int liar = run_to_step(world, STEP_DS);
	good &= ok(liar >= 0, "ahead: all wait for DS", "none came as far");
	bool heard = liar >= 0, stays = true;
	sim_run(world, world->now + 10 * MS_SEC);
	for (unsigned i = 0; heard && i < 120; i++) {
		heard = lie(world, liar, MS_PROC_JOIN, STEP_DS + 1 + i % 4);
		sim_run(world, world->now + MS_SEC);
		for (unsigned node = 0; node < NODES; node++) {
			stays &= world->at[node][0].kind == MS_PROC_JOIN && world->at[node][0].step == STEP_DS;
		}
	}
	good &= ok(heard, "ahead: the others hear the leader say that it is further", "they do not");
	good &= ok(stays, "ahead: nobody follows it past DS that is not there", "somebody did");
	sim_parent_ways(world, 0, SIM_PARENT_FOLLOWS, SIM_PARENT_FOLLOWS);
	good &= ok(sim_process_run(world, 0, ALL, LIMIT, why), "ahead: DS comes, and all go on", why);
	end(world, good);
}

/* It says that somebody joins, or leaves, of whom HSYNC says something else (F-07). */
static void test_against_hsync(unsigned on, ms_process_kind_t kind, const char *name)
{
	char what[64], why[128] = "";
	sim_world_t *world = begin(on);
	snprintf(what, sizeof(what), "%s: there are members", name);
	bool good = ok(sim_process_run(world, 0, on, 2 * LIMIT, why), what, why);
	uint32_t term;
	int liar = leader_of(world, 0, &term);
	bool heard = liar >= 0, none = true;
	for (unsigned i = 0; heard && i < 60; i++) {
		heard = lie(world, liar, kind, i % 5);
		sim_run(world, world->now + MS_SEC);
		none &= sim_process_over(world, 0, on, why);
	}
	snprintf(what, sizeof(what), "%s: the others hear the leader ask for it", name);
	good &= ok(heard, what, "they do not");
	snprintf(what, sizeof(what), "%s: nobody begins it", name);
	good &= ok(none, what, why);
	end(world, good);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned step = 0; step < ms_process_steps(MS_PROC_JOIN); step++) {
		test_loss(step);
	}
	test_ahead();
	test_against_hsync(ALPHA | BETA, MS_PROC_JOIN, "join of who is OFF");
	test_against_hsync(ALL, MS_PROC_LEAVE, "leave of who is ON");
	printf("1..%u\n", number);
	return failures > 0;
}
