/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces: short stories in the words of the log, with times. Read them to learn the protocol. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "world.h"

static unsigned number;
static unsigned failures;

static void ok(bool good, const char *what)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++number, what);
	failures += !good;
}

/* Do these pieces stand in the story, in this order? */
static bool tells(const sim_world_t *world, const char *const *pieces)
{
	const char *at = world->story;
	for (; *pieces != NULL; pieces++) {
		const char *found = strstr(at, *pieces);
		if (found == NULL) {
			printf("# missing: %s\n%s", *pieces, world->story);
			return false;
		}
		at = found + 1;
	}
	return true;
}

static void begin(sim_world_t *world, unsigned nodes)
{
	sim_init(world, 1, nodes, 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	world->story = calloc(1, 1);
	for (unsigned i = 0; i < nodes; i++) {
		sim_start(world, i);
	}
}

static void list_all(sim_world_t *world, unsigned listed, unsigned on)
{
	for (unsigned i = 0; i < world->nodes; i++) {
		sim_owner_hsync(world, i, 0, listed, on);
	}
}

static void test_meet(void)
{
	sim_world_t world;
	char why[128] = "";
	begin(&world, 2);
	sim_run(&world, 1 * MS_SEC);
	list_all(&world, 3, 3);
	sim_run(&world, 1 * MS_SEC + 300 * MS_MSEC);
	bool operational = true;
	for (unsigned i = 0; i < 2; i++) {
		operational &= world.node[i].agent.peer_count == 1 &&
		               world.node[i].agent.peers[0]->relation == MS_PEER_OPERATIONAL;
	}
	ok(operational, "both are OPERATIONAL within 0.3 s");
	sim_run(&world, 5 * MS_SEC);
	ok(sim_converged(&world, false, why) && !world.failed, "both hold and serve each other's keys");
	static const char *const story[] = {
		"alpha: zone.test./agent.beta.: HSYNC: is ON -> exchange contributions",
		"alpha: agent.beta.: located -> KNOWN (was NEEDED)",
		"alpha: agent.beta.: greeted -> OPERATIONAL (was KNOWN)",
		"UPDATE: 1 DNSKEY, 1 CDS, 0 NS -> stored, combine",
		"-> edit (DNSKEY +1 -0, CDS +1 -0, CDNSKEY +1 -0)",
		"knotd commits +3 -0",
		NULL,
	};
	ok(tells(&world, story), "the log tells the story");
	sim_deinit(&world);
}

/* The zone reaches beta two minutes later: REFUSED, then NOERROR, with no operator (C-12, C-13). */
static void test_late_transfer(void)
{
	sim_world_t world;
	char why[128] = "";
	begin(&world, 2);
	sim_owner_hsync(&world, 0, 0, 3, 3);
	sim_run(&world, 120 * MS_SEC);
	ok(world.node[0].agent.peers[0]->relation == MS_PEER_KNOWN, "who is not answered stays KNOWN");
	sim_owner_hsync(&world, 1, 0, 3, 3);
	sim_run(&world, 120 * MS_SEC + 300 * MS_MSEC);
	ok(world.node[0].agent.peers[0]->relation == MS_PEER_OPERATIONAL &&
	   world.node[1].agent.peers[0]->relation == MS_PEER_OPERATIONAL,
	   "both are OPERATIONAL within 0.3 s of the late transfer");
	sim_run(&world, 125 * MS_SEC);
	ok(sim_converged(&world, false, why) && !world.failed, "and converge");
	static const char *const story[] = {
		"beta: from alpha: the zone is not shared here -> REFUSED",
		"HELLO received -> NOERROR",
		NULL,
	};
	ok(tells(&world, story), "the log says REFUSED, then NOERROR");
	sim_deinit(&world);
}

/* A new OFF is inert, its communication is verified all the same. */
static void test_off(void)
{
	sim_world_t world;
	begin(&world, 2);
	list_all(&world, 3, 1);
	sim_run(&world, 300 * MS_SEC);
	ok(world.node[0].agent.peers[0]->relation == MS_PEER_OPERATIONAL, "OFF says HELLO");
	ok(world.node[0].knots[0].set[MS_APEX_DNSKEY].rrs.count == 0 &&
	   world.node[1].knots[0].set[MS_APEX_DNSKEY].rrs.count == 0 && !world.failed,
	   "but none of its data are used");
	sim_deinit(&world);
}

/* A lone record changes nothing and makes no traffic (A-26, B-21). */
static void test_alone(void)
{
	sim_world_t world;
	begin(&world, 2);
	sim_owner_hsync(&world, 0, 0, 1, 1);
	uint32_t serial = world.node[0].knots[0].serial;
	sim_run(&world, 300 * MS_SEC);
	ok(world.messages == 0, "a lone provider sends nothing");
	ok(world.node[0].knots[0].serial == serial && !world.failed, "and edits nothing");
	sim_deinit(&world);
}

/* Silence: DEGRADED after two heartbeats, INTERRUPTED after ten, back with the next (C-25). */
static void test_silence(void)
{
	sim_world_t world;
	begin(&world, 2);
	list_all(&world, 3, 3);
	sim_run(&world, 10 * MS_SEC);
	sim_crash(&world, 1);
	sim_run(&world, 200 * MS_SEC);
	ok(world.node[0].agent.peers[0]->relation == MS_PEER_DEGRADED, "DEGRADED");
	/* Its locator is renewed meanwhile, so that this is about silence alone. */
	sim_run(&world, 700 * MS_SEC);
	ok(world.node[0].agent.peers[0]->relation == MS_PEER_INTERRUPTED, "INTERRUPTED");
	sim_start(&world, 1);
	sim_run(&world, 710 * MS_SEC);
	ok(world.node[0].agent.peers[0]->relation == MS_PEER_OPERATIONAL && !world.failed, "and back");
	sim_deinit(&world);
}

/* Only heartbeats, and a state now and then, when nothing happens. */
static void test_quiet(void)
{
	sim_world_t world;
	begin(&world, 2);
	list_all(&world, 3, 3);
	sim_run(&world, 60 * MS_SEC);
	uint64_t before = world.messages;
	sim_run(&world, 660 * MS_SEC);
	/* Ten minutes: 2 x 11 heartbeats and 2 states, each with its answer. */
	ok(world.messages - before <= 2 * (22 + 4) && world.messages - before >= 2 * 18 && !world.failed,
	   "ten quiet minutes are heartbeats alone");
	sim_deinit(&world);
}

static void test_determinism(void)
{
	uint64_t hash[2];
	for (unsigned i = 0; i < 2; i++) {
		sim_world_t world;
		begin(&world, 3);
		world.faults = (sim_faults_t){ .loss = 100, .dup = 100, .crash = 20 };
		list_all(&world, 7, 7);
		sim_run(&world, 60 * MS_SEC);
		hash[i] = world.trace_hash;
		sim_deinit(&world);
	}
	ok(hash[0] == hash[1], "one seed, one run");
}

int main(void)
{
	test_meet();
	test_late_transfer();
	test_off();
	test_alone();
	test_silence();
	test_quiet();
	test_determinism();
	printf("1..%u\n", number);
	return failures > 0;
}
