/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sim_node_name(unsigned node)
{
	static const char *const names[SIM_NODES] = { "alpha", "beta", "gamma", "delta", "eps", "zeta" };
	return names[node];
}

const knot_dname_t *sim_zone_name(unsigned zone, knot_dname_storage_t buf)
{
	static const char *const names[SIM_ZONES] = { "zone.test.", "other.test." };
	return knot_dname_from_str(buf, names[zone], sizeof(knot_dname_storage_t));
}

int sim_zone_index(const sim_world_t *world, const knot_dname_t *name)
{
	for (unsigned zone = 0; zone < world->zones; zone++) {
		knot_dname_storage_t buf;
		if (knot_dname_is_equal(sim_zone_name(zone, buf), name)) {
			return zone;
		}
	}
	return -1;
}

int sim_node_index(const sim_world_t *world, const knot_dname_t *identity)
{
	for (unsigned node = 0; node < world->nodes; node++) {
		if (knot_dname_is_equal(world->node[node].config.identity, identity)) {
			return node;
		}
	}
	return -1;
}

void sim_init(sim_world_t *world, uint64_t seed, unsigned nodes, unsigned zones)
{
	memset(world, 0, sizeof(*world));
	world->seed = seed;
	world->rng.state = seed;
	world->nodes = nodes;
	world->zones = zones;
	world->trace_hash = 0xcbf29ce484222325ULL;
	for (unsigned i = 0; i < nodes; i++) {
		sim_node_init(world, i);
	}
	sim_outside_init(world);
}

void sim_deinit(sim_world_t *world)
{
	for (size_t i = 0; i < world->count; i++) {
		world->queue[i].drop(world->queue[i].data);
	}
	free(world->queue);
	for (unsigned i = 0; i < world->nodes; i++) {
		sim_node_deinit(&world->node[i]);
	}
	sim_outside_deinit(world);
	free(world->walk);
	free(world->story);
}

void sim_nosign(sim_world_t *world, unsigned zone, unsigned nodes)
{
	world->nosign[zone] = nodes;
	for (unsigned i = 0; i < world->nodes; i++) {
		if (nodes & (1u << i)) {
			world->node[i].knots[zone].signing = false;
			world->node[i].knots[zone].key_count = 0;
		}
	}
}

static bool earlier(const sim_happening_t *a, const sim_happening_t *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void sim_later(sim_world_t *world, int64_t delay, sim_run_f run, void *data, sim_drop_f drop)
{
	if (world->count == world->room) {
		world->room = world->room > 0 ? 2 * world->room : 256;
		world->queue = realloc(world->queue, world->room * sizeof(*world->queue));
	}
	sim_happening_t item = { world->now + delay, world->order++, run, drop, data };
	size_t at = world->count++;
	while (at > 0 && earlier(&item, &world->queue[(at - 1) / 2])) {
		world->queue[at] = world->queue[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	world->queue[at] = item;
}

static sim_happening_t pop(sim_world_t *world)
{
	sim_happening_t top = world->queue[0];
	sim_happening_t last = world->queue[--world->count];
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child + 1 < world->count && earlier(&world->queue[child + 1], &world->queue[child])) {
			child++;
		}
		if (child >= world->count || !earlier(&world->queue[child], &last)) {
			break;
		}
		world->queue[at] = world->queue[child];
		at = child;
	}
	if (world->count > 0) {
		world->queue[at] = last;
	}
	return top;
}

/* The agent whose timer is due first; -1 where none is before \a limit. */
static int first_timer(const sim_world_t *world, int64_t limit, int64_t *at)
{
	int first = -1;
	for (unsigned i = 0; i < world->nodes; i++) {
		const sim_node_t *node = &world->node[i];
		int64_t when = node->up ? ms_deadline(&node->agent).us : INT64_MAX;
		if (when <= limit) {
			limit = when - 1;
			first = i;
			*at = when;
		}
	}
	return first;
}

/* Timers of the same moment, again and again: an agent that spins. */
#define SPIN_MAX 1000

void sim_run(sim_world_t *world, int64_t until)
{
	unsigned spins = 0;
	while (!world->failed) {
		int64_t limit = world->count > 0 && world->queue[0].at < until ? world->queue[0].at : until;
		int64_t at = 0;
		int timer = first_timer(world, limit, &at);
		if (timer >= 0) {
			spins = at > world->now ? 0 : spins + 1;
			world->now = at > world->now ? at : world->now;
			ms_event_t event = { .kind = MS_EV_TIMER, .now = sim_now(world, timer) };
			sim_feed(world, timer, &event);
			if (spins > SPIN_MAX) {
				sim_fail(world, "%s spins on its timer", sim_node_name(timer));
			}
		} else if (world->count > 0 && world->queue[0].at <= until) {
			sim_happening_t next = pop(world);
			world->now = next.at > world->now ? next.at : world->now;
			next.run(world, next.data);
		} else {
			world->now = until;
			return;
		}
	}
}

bool sim_chance(sim_world_t *world, unsigned permille)
{
	return permille > 0 && ms_rng_below(&world->rng, 1000) < permille;
}

int64_t sim_between(sim_world_t *world, int64_t low, int64_t high)
{
	return low + (int64_t)ms_rng_below(&world->rng, high - low + 1);
}

void sim_trace(sim_world_t *world, const char *fmt, ...)
{
	char *line = world->trace[world->trace_count++ % SIM_TRACE];
	int len = snprintf(line, sizeof(world->trace[0]), "[%9.3f] ", world->now / 1e6);
	va_list args;
	va_start(args, fmt);
	vsnprintf(line + len, sizeof(world->trace[0]) - len, fmt, args);
	va_end(args);
	for (const char *c = line; *c != '\0'; c++) {
		world->trace_hash = (world->trace_hash ^ (uint8_t)*c) * 0x100000001b3ULL;
	}
	if (world->print) {
		printf("# %s\n", line);
	}
	if (world->story != NULL) {
		size_t more = strlen(line);
		world->story = realloc(world->story, world->story_len + more + 2);
		memcpy(world->story + world->story_len, line, more);
		world->story_len += more;
		memcpy(world->story + world->story_len++, "\n", 2);
	}
}

void sim_fail(sim_world_t *world, const char *fmt, ...)
{
	if (world->failed) {
		return;
	}
	world->failed = true;
	va_list args;
	va_start(args, fmt);
	vsnprintf(world->why, sizeof(world->why), fmt, args);
	va_end(args);
	unsigned first = world->trace_count > SIM_TRACE ? world->trace_count - SIM_TRACE : 0;
	for (unsigned i = first; i < world->trace_count && !world->print; i++) {
		printf("# %s\n", world->trace[i % SIM_TRACE]);
	}
	printf("# [%9.3f] FAILED: %s\n# again: SEED=%llu make check-sim\n", world->now / 1e6, world->why,
	       (unsigned long long)world->seed);
}

int sim_one_seed(sim_seed_f run)
{
	const char *one = getenv("SEED");
	if (one == NULL) {
		return -1;
	}
	bool good = run(strtoull(one, NULL, 10), true);
	printf("%s 1 - seed %s\n1..1\n", good ? "ok" : "not ok", one);
	return !good;
}

unsigned long sim_seeds(sim_seed_f run, unsigned long *seeds, unsigned long most)
{
	const char *many = getenv("SEEDS"), *from = getenv("FIRST");
	*seeds = many != NULL ? strtoul(many, NULL, 10) : *seeds;
	unsigned long first = from != NULL ? strtoul(from, NULL, 10) : 1, bad = 0;
	for (unsigned long seed = first; seed < first + *seeds && bad < most; seed++) {
		bad += !run(seed, false);
	}
	return bad;
}
