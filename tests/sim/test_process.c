/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces of the processes with nothing going wrong: three providers, one after the other comes in, rolls
 * its keys, goes. What is asserted is read from the disks and from what servers and parent have, not
 * from the words of a log; SHOW=1 prints every step with its times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "core/process.h"
#include "world.h"

#define ALPHA 1u
#define BETA  2u
#define GAMMA 4u

/* The longest process of one provider, with TTLs of 30 s and looks at every server in between. */
#define LIMIT (1800 * MS_SEC)

static unsigned number;
static unsigned failures;
static bool leaders;     /* nobody can do without a leader */

static bool ok(bool good, const char *what, const char *why)
{
	printf("%s %u - %s%s\n", good ? "ok" : "not ok", ++number, leaders ? "leader: " : "", what);
	if (!good) {
		printf("# %s\n", why);
	}
	failures += !good;
	return good;
}

static void list_all(sim_world_t *world, unsigned on)
{
	for (unsigned i = 0; i < world->nodes; i++) {
		sim_owner_hsync(world, i, 0, 7, on);
	}
}

/* alpha serves a signed zone alone; \a on are ON from the first second. */
static sim_world_t *begin(unsigned on, bool single)
{
	sim_world_t *world = malloc(sizeof(*world));
	sim_init(world, 1, 3, 1);
	world->wholesome = world->validate = true;
	world->story = calloc(1, 1);
	for (unsigned i = 0; i < 3; i++) {
		world->node[i].config.single_type = single;
		world->node[i].config.sync = MS_SYNC_LEADER | (leaders ? 0 : MS_SYNC_PEER);
		sim_node_ns(world, i, 1);
		sim_owner_nsmgmt(world, i, 0, 7);
		sim_owner_ns(world, i, 0, 1);
		sim_keys_first(world, i, 0);
	}
	sim_parent_begin(world, 0, 1, 0);
	for (unsigned i = 0; i < 3; i++) {
		sim_start(world, i);
	}
	list_all(world, on);
	return world;
}

static void end(sim_world_t *world, bool good)
{
	if (!good) {
		printf("%s", world->story);
	}
	if (!good || getenv("SHOW") != NULL) {
		sim_process_print(world);
	}
	sim_deinit(world);
	free(world);
}

/* How many times this node went through the steps of such a process; -1: not in their order. */
static int walked(const sim_world_t *world, unsigned node, ms_process_kind_t kind)
{
	int times = 0;
	unsigned next = 0;
	for (size_t i = 0; i < world->walk_count; i++) {
		const sim_walk_t *walk = &world->walk[i];
		if (walk->node != node) {
			continue;
		}
		if (next > 0 && walk->kind != kind) {
			/* A tick may miss the last steps, when nothing is to be waited for. */
			times++;
			next = 0;
		}
		if (walk->kind == kind && walk->step < next) {
			return -1;
		}
		next = walk->kind == kind ? walk->step + 1 : 0;
	}
	return times;
}

/* Nobody is more than one step ahead of anybody else in the same process (F-09). */
static bool is_barred(const sim_world_t *world, char why[128])
{
	sim_walk_t at[SIM_NODES] = { 0 };
	for (size_t i = 0; i < world->walk_count; i++) {
		const sim_walk_t *walk = &world->walk[i];
		at[walk->node] = *walk;
		for (unsigned other = 0; other < world->nodes; other++) {
			if (at[other].kind == walk->kind && at[other].subject == walk->subject &&
			    walk->kind != MS_PROC_NONE && walk->step > at[other].step + 1) {
				snprintf(why, 128, "%s is in step %u of %s, %s in step %u",
				         sim_node_name(walk->node), walk->step, ms_process_name(walk->kind),
				         sim_node_name(other), at[other].step);
				return false;
			}
		}
	}
	return true;
}

static bool all_walked(const sim_world_t *world, unsigned nodes, ms_process_kind_t kind, int times,
                       char why[128])
{
	for (unsigned node = 0; node < world->nodes; node++) {
		int did = walked(world, node, kind);
		if ((nodes & (1u << node)) && did != times) {
			snprintf(why, 128, "%s went through %s %d times, not %d", sim_node_name(node),
			         ms_process_name(kind), did, times);
			return false;
		}
	}
	return true;
}

static bool parent_has(const sim_world_t *world, unsigned names, unsigned ds, char why[128])
{
	const ms_rrset_t *set = world->parent[0].set;
	unsigned has = sim_ns_names(&set[SIM_PARENT_NS]);
	unsigned count = set[SIM_PARENT_DS].rrs.count;
	snprintf(why, 128, "the parent has NS %x, DS of %u; not %x, %u", has, count, names, ds);
	return has == names && count == ds;
}

static void test_join(void)
{
	char why[128] = "";
	sim_world_t *world = begin(ALPHA, false);
	bool good = ok(sim_process_run(world, 0, ALPHA, LIMIT, why), "the first one is a member", why);
	good &= ok(parent_has(world, 1, 1, why), "and the parent has what it had", why);
	list_all(world, ALPHA | BETA);
	good &= ok(sim_process_run(world, 0, ALPHA | BETA, LIMIT, why), "a second one joins", why);
	good &= ok(parent_has(world, 5, 2, why), "the parent has NS and DS of both", why);
	list_all(world, ALPHA | BETA | GAMMA);
	good &= ok(sim_process_run(world, 0, 7, LIMIT, why), "a third one joins", why);
	good &= ok(parent_has(world, 0x15, 3, why), "the parent has NS and DS of all", why);
	good &= ok(all_walked(world, ALPHA | BETA, MS_PROC_JOIN, 2, why), "two joins, each in order", why);
	good &= ok(is_barred(world, why), "nobody ran ahead", why);
	end(world, good);
}

static void test_found(void)
{
	char why[128] = "";
	sim_world_t *world = begin(7, false);
	bool good = ok(sim_process_run(world, 0, 7, 2 * LIMIT, why), "all are ON at once: two join", why);
	good &= ok(parent_has(world, 0x15, 3, why), "the parent has NS and DS of all", why);
	good &= ok(is_barred(world, why), "nobody ran ahead", why);
	end(world, good);
}

static void test_leave(void)
{
	char why[128] = "";
	sim_world_t *world = begin(7, false);
	bool good = ok(sim_process_run(world, 0, 7, 2 * LIMIT, why), "three are members", why);
	list_all(world, ALPHA | GAMMA);
	good &= ok(sim_process_run(world, 0, ALPHA | GAMMA, LIMIT, why), "one is OFF, and leaves", why);
	good &= ok(parent_has(world, 0x11, 2, why), "the parent has NS and DS of two", why);
	good &= ok(all_walked(world, ALPHA | GAMMA, MS_PROC_LEAVE, 1, why), "a leave in order", why);
	good &= ok(world->node[0].knots[0].set[MS_APEX_DNSKEY].rrs.count == 1,
	           "its keys are gone", "alpha has another number of foreign keys");
	good &= ok(is_barred(world, why), "nobody ran ahead", why);
	end(world, good);
}

/* The active key of a role; 0 where there is not just one. */
static uint16_t tag_of(const sim_world_t *world, unsigned node, bool ksk)
{
	const sim_knot_t *knot = &world->node[node].knots[0];
	uint16_t tag = 0;
	unsigned count = 0;
	for (unsigned i = 0; i < knot->key_count; i++) {
		if (knot->keys[i].ksk == ksk) {
			tag = knot->keys[i].active ? knot->keys[i].tag : 0;
			count++;
		}
	}
	return count == 1 ? tag : 0;
}

static void test_roll(ms_order_word_t word, ms_process_kind_t kind, bool single, const char *name)
{
	char what[64], why[128] = "";
	sim_world_t *world = begin(7, single);
	bool ksk = word != MS_ORDER_ROLL_ZSK;
	snprintf(what, sizeof(what), "%s: three are members", name);
	bool good = ok(sim_process_run(world, 0, 7, 2 * LIMIT, why), what, why);
	uint16_t before = tag_of(world, 1, ksk);
	sim_order(world, 1, 0, word);
	sim_run(world, world->now + 60 * MS_SEC);
	snprintf(what, sizeof(what), "%s: a roll comes to its end", name);
	good &= ok(sim_process_run(world, 0, 7, LIMIT, why), what, why);
	uint16_t after = tag_of(world, 1, ksk);
	snprintf(what, sizeof(what), "%s: another key, and only that", name);
	snprintf(why, sizeof(why), "%u before, %u after", before, after);
	good &= ok(before != 0 && after != 0 && before != after, what, why);
	snprintf(what, sizeof(what), "%s: in order", name);
	good &= ok(all_walked(world, 7, kind, 1, why) && is_barred(world, why), what, why);
	snprintf(what, sizeof(what), "%s: the parent has a DS of each", name);
	good &= ok(parent_has(world, 0x15, 3, why), what, why);
	end(world, good);
}

static bool all_have(const sim_world_t *world, uint8_t algorithm, char why[128])
{
	for (unsigned node = 0; node < world->nodes; node++) {
		const sim_knot_t *knot = &world->node[node].knots[0];
		for (unsigned i = 0; i < knot->key_count; i++) {
			if (knot->keys[i].algorithm != algorithm || knot->keys[i].hidden) {
				snprintf(why, 128, "%s has a key of algorithm %u", sim_node_name(node),
				         knot->keys[i].algorithm);
				return false;
			}
		}
	}
	return true;
}

/* Everybody is to have another algorithm, and everybody's operator orders it. */
static void test_algorithm(void)
{
	char why[128] = "";
	sim_world_t *world = begin(7, false);
	bool good = ok(sim_process_run(world, 0, 7, 2 * LIMIT, why), "algorithm: three are members", why);
	for (unsigned i = 0; i < 3; i++) {
		world->node[i].config.algorithm = 13;
		sim_order(world, i, 0, MS_ORDER_ROLL_ALGORITHM);
	}
	sim_run(world, world->now + 60 * MS_SEC);
	good &= ok(sim_process_run(world, 0, 7, LIMIT, why), "algorithm: a roll comes to its end", why);
	good &= ok(all_have(world, 13, why), "algorithm: all keys are of the new one", why);
	good &= ok(all_walked(world, 7, MS_PROC_ALGORITHM, 1, why) && is_barred(world, why),
	           "algorithm: in order", why);
	good &= ok(parent_has(world, 0x15, 3, why), "algorithm: the parent has a DS of each", why);
	end(world, good);
}

static void test_all(void)
{
	test_join();
	test_found();
	test_leave();
	test_roll(MS_ORDER_ROLL_ZSK, MS_PROC_ZSK, false, "ZSK");
	test_roll(MS_ORDER_ROLL_KSK, MS_PROC_KSK, false, "KSK");
	test_roll(MS_ORDER_ROLL_CSK, MS_PROC_CSK, true, "CSK");
	test_algorithm();
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!sim_process_exists()) {
		printf("1..0 # SKIP the agents have no processes\n");
		return 0;
	}
	test_all();
	leaders = true;
	test_all();
	printf("1..%u\n", number);
	return failures > 0;
}
