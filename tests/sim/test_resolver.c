/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is the oracle of the validators one? Histories that are done right, and their twins that lack one
 * wait or one step: these must be found bogus, those must not. There are no agents here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "world.h"

/* Longer than any TTL and any lag in here, seconds. */
#define LONG 40

static unsigned number;
static unsigned failures;

static void ok(bool good, const char *what)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++number, what);
	failures += !good;
}

static void pass(sim_world_t *world, unsigned seconds)
{
	sim_run(world, world->now + seconds * MS_SEC);
}

static void let_out(sim_world_t *world, unsigned node)
{
	ms_apex_t apex = { 0 };
	sim_knot_apex(world, node, 0, &apex);
	sim_server_news(world, node, 0, &apex);
	ms_apex_clear(&apex);
	pass(world, 1);
}

/* One's ZSKs are added to the other's zone. */
static void give(sim_world_t *world, unsigned from, unsigned to)
{
	const sim_knot_t *knot = &world->node[from].knots[0];
	for (unsigned i = 0; i < knot->key_count; i++) {
		const sim_key_t *key = &knot->keys[i];
		if (key->zsk) {
			(void)ms_rrset_add(&world->node[to].knots[0].set[MS_APEX_DNSKEY], key->rdata,
			                   key->len);
		}
	}
	let_out(world, to);
}

static void take_away(sim_world_t *world, unsigned from)
{
	ms_rrset_clear(&world->node[from].knots[0].set[MS_APEX_DNSKEY]);
	let_out(world, from);
}

/* The zone's NS at these providers. */
static void ns_at(sim_world_t *world, unsigned nodes, unsigned names)
{
	for (unsigned node = 0; node < world->nodes; node++) {
		ms_rrset_t *set = &world->node[node].knots[0].set[MS_APEX_NS];
		if (!(nodes & (1u << node))) {
			continue;
		}
		ms_rrset_clear(set);
		for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
			uint8_t rdata[64];
			uint16_t len = sim_ns(name, rdata);
			if (names & (1u << name)) {
				(void)ms_rrset_add(set, rdata, len);
			}
		}
		let_out(world, node);
	}
}

static void zone_ns(sim_world_t *world, unsigned names)
{
	ns_at(world, 3, names);
}

/* The parent takes what alpha's zone has. */
static void parent_ns(sim_world_t *world)
{
	sim_parent_set(world, 0, SIM_PARENT_NS, &world->node[0].knots[0].set[MS_APEX_NS]);
	pass(world, 1);
}

/* DS of all KSKs with CDS of these providers. */
static void parent_ds(sim_world_t *world, unsigned nodes)
{
	ms_rrset_t ds = { 0 };
	for (unsigned node = 0; node < world->nodes; node++) {
		const sim_knot_t *knot = &world->node[node].knots[0];
		for (unsigned i = 0; (nodes & (1u << node)) && i < knot->key_count; i++) {
			uint8_t cds[SIM_CDS_LEN];
			sim_cds(knot->keys[i].rdata, knot->keys[i].len, cds);
			if (knot->keys[i].cds) {
				(void)ms_rrset_add(&ds, cds, sizeof(cds));
			}
		}
	}
	sim_parent_set(world, 0, SIM_PARENT_DS, &ds);
	ms_rrset_clear(&ds);
	pass(world, 1);
}

static void keymgr(sim_world_t *world, ms_keys_op_t op, ms_key_role_t role)
{
	ms_action_t action = { .keys = { .op = op, .role = role } };
	(void)sim_keys_do(world, 0, 0, &action);
	let_out(world, 0);
}

#define ALPHA 0x3u
#define BETA  0xcu

/* alpha serves alone; beta signs, but nothing leads to it. */
static sim_world_t *begin(bool secure)
{
	sim_world_t *world = malloc(sizeof(*world));
	sim_init(world, 7, 2, 1);
	sim_parent_begin(world, 0, ALPHA, secure ? 0 : -1);
	sim_parent_ways(world, 0, SIM_PARENT_NEVER, SIM_PARENT_NEVER);
	zone_ns(world, ALPHA);
	pass(world, LONG);
	return world;
}

static bool is_bogus(sim_world_t *world)
{
	pass(world, LONG);
	bool bogus = world->caches[0].bogus > 0;
	sim_deinit(world);
	free(world);
	return bogus;
}

/* Each omission is one bit. */
enum {
	NO_KEYS = 1, NO_DS = 2, NO_KEY_WAIT = 4, NO_DS_WAIT = 8, NO_DS_AT_ALL = 16,
};

static bool join(unsigned without)
{
	sim_world_t *world = begin(!(without & NO_DS_AT_ALL));
	if (!(without & NO_KEYS)) {
		give(world, 0, 1);
		give(world, 1, 0);
	}
	pass(world, without & NO_KEY_WAIT ? 0 : LONG);
	if (!(without & (NO_DS | NO_DS_AT_ALL))) {
		parent_ds(world, 3);
	}
	pass(world, without & (NO_DS_WAIT | NO_KEY_WAIT) ? 0 : LONG);
	zone_ns(world, ALPHA | BETA);
	parent_ns(world);
	return is_bogus(world);
}

static void test_join(void)
{
	ok(!join(0), "a join in order is right");
	ok(!join(NO_DS_AT_ALL), "without DS nothing is bogus");
	ok(!join(NO_DS_AT_ALL | NO_KEYS), "even without each other's keys");
	ok(join(NO_DS), "a new provider's NS before its DS");
	ok(join(NO_KEYS), "a new provider's NS before its keys are everywhere");
	ok(join(NO_KEY_WAIT), "a new provider's NS while caches have DNSKEY without its keys");
	ok(join(NO_DS_WAIT), "a new provider's NS while caches have DS without its own");
}

/* The whole join, and back: what is left out on the way back? */
enum { NO_NS_WAIT = 1, DS_FIRST = 2, NO_SIG_WAIT = 4 };

static bool leave(unsigned without)
{
	sim_world_t *world = begin(true);
	give(world, 0, 1);
	give(world, 1, 0);
	pass(world, LONG);
	parent_ds(world, 3);
	pass(world, LONG);
	zone_ns(world, ALPHA | BETA);
	parent_ns(world);
	pass(world, LONG);
	if (without & DS_FIRST) {
		parent_ds(world, 1);
	}
	zone_ns(world, ALPHA);
	parent_ns(world);
	pass(world, without & NO_NS_WAIT ? 0 : LONG);
	/* What was fetched from it at the last moment stays for a TTL more. */
	pass(world, without & (NO_NS_WAIT | NO_SIG_WAIT) ? 0 : LONG);
	parent_ds(world, 1);
	take_away(world, 0);
	return is_bogus(world);
}

static void test_leave(void)
{
	ok(!leave(0), "a leave in order is right");
	ok(leave(DS_FIRST), "DS gone while delegations lead there");
	ok(leave(NO_NS_WAIT), "keys gone while caches have the old NS");
	ok(leave(NO_SIG_WAIT), "keys gone while caches have its data");
}

static bool roll_zsk(unsigned hold, unsigned hold_sig)
{
	sim_world_t *world = begin(true);
	keymgr(world, MS_KEYS_PUBLISH, MS_ROLE_ZSK);
	pass(world, hold);
	keymgr(world, MS_KEYS_ACTIVATE, MS_ROLE_ZSK);
	pass(world, hold_sig);
	keymgr(world, MS_KEYS_REMOVE, MS_ROLE_ZSK);
	return is_bogus(world);
}

static bool roll_ksk(unsigned hold, unsigned hold_ds, bool ds)
{
	sim_world_t *world = begin(true);
	keymgr(world, MS_KEYS_PUBLISH, MS_ROLE_KSK);
	pass(world, hold);
	keymgr(world, MS_KEYS_ACTIVATE, MS_ROLE_KSK);
	parent_ds(world, 1);
	pass(world, hold_ds);
	keymgr(world, MS_KEYS_WITHDRAW, MS_ROLE_KSK);
	if (ds) {
		parent_ds(world, 1);
	}
	pass(world, hold_ds);
	keymgr(world, MS_KEYS_REMOVE, MS_ROLE_KSK);
	parent_ds(world, 1);
	return is_bogus(world);
}

/* alpha's keys become those of another algorithm; HIDE may be left out. */
static bool roll_algorithm(unsigned hold, bool in_order)
{
	static const ms_keys_op_t ops[] = {
		MS_KEYS_ALG_SIGN, MS_KEYS_ALG_PUBLISH, MS_KEYS_ALG_ACTIVATE, MS_KEYS_ALG_WITHDRAW,
		MS_KEYS_ALG_HIDE, MS_KEYS_ALG_REMOVE,
	};
	sim_world_t *world = begin(true);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		ms_action_t action = { .keys = { .op = ops[i], .algorithm = 13 } };
		if (in_order || ops[i] != MS_KEYS_ALG_HIDE) {
			(void)sim_keys_do(world, 0, 0, &action);
			let_out(world, 0);
			parent_ds(world, 1);
			pass(world, hold);
		}
	}
	return is_bogus(world);
}

static void test_rolls(void)
{
	ok(!roll_zsk(LONG, LONG), "a ZSK roll in order is right");
	ok(roll_zsk(0, LONG), "a ZSK that signs before it is in all caches");
	ok(roll_zsk(LONG, 0), "a ZSK that goes while caches have its signatures");
	ok(!roll_ksk(LONG, LONG, true), "a KSK roll in order is right");
	ok(!roll_algorithm(LONG, true), "an algorithm roll in order is right");
	ok(roll_algorithm(0, true), "an algorithm roll without waits");
	ok(roll_algorithm(LONG, false), "an old algorithm that leaves DNSKEY and data at once");
	ok(roll_ksk(LONG, 0, true), "a KSK that goes while caches have its DS alone");
}

/* The parent alone counts for ever: what a child that has been left says of itself leads there for as
 * long as its delegation and its NS may be cached. */
static void test_child_ns(void)
{
	sim_world_t *world = begin(true);
	zone_ns(world, ALPHA | BETA);
	ok(world->caches[0].bogus > 0, "the child's own NS lead somewhere, too");
	ns_at(world, 1, ALPHA);
	pass(world, 2 * LONG);
	uint64_t before = world->caches[0].bogus;
	sim_keys_first(world, 1, 0);
	let_out(world, 1);
	ok(world->caches[0].bogus == before, "but not for ever");
	sim_deinit(world);
	free(world);
}

static void test_failure(void)
{
	sim_world_t *world = begin(true);
	world->validate = true;
	zone_ns(world, ALPHA | BETA);
	ok(world->failed && strstr(world->why, "bogus") != NULL, "what is bogus ends a storm");
	sim_deinit(world);
	free(world);
}

int main(void)
{
	test_join();
	test_leave();
	test_rolls();
	test_child_ns();
	test_failure();
	printf("1..%u\n", number);
	return failures > 0;
}
