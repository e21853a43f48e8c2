/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes as their disks tell of them, whatever the agents say. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "core/process.h"

/* Where this is not linked there are no processes. */
#pragma weak ms_rec_process_decode

/* Agreement that passes is none. */
#define STAYS (5 * MS_SEC)

bool sim_process_exists(void)
{
	return ms_rec_process_decode != NULL;
}

bool sim_process(const sim_world_t *world, unsigned node, unsigned zone, ms_rec_process_t *out)
{
	ms_rec_key_t key = { .kind = MS_REC_PROCESS };
	sim_zone_name(zone, key.zone);
	const sim_record_t *found = sim_disk_find(&world->node[node], &key);
	return found != NULL && sim_process_exists() &&
	       ms_rec_process_decode(found->value, found->value_len, out) == KNOT_EOK;
}

unsigned sim_members(const sim_world_t *world, unsigned node, unsigned zone)
{
	ms_rec_process_t own;
	unsigned members = sim_process(world, node, zone, &own) && own.member ? 1u << node : 0;
	for (unsigned i = 0; i < world->nodes; i++) {
		ms_rec_key_t key = { .kind = MS_REC_MEMBER };
		ms_rec_member_t rec;
		sim_zone_name(zone, key.zone);
		memcpy(key.origin, world->node[i].config.identity, sizeof(key.origin));
		const sim_record_t *found = i != node ? sim_disk_find(&world->node[node], &key) : NULL;
		if (found != NULL && ms_rec_member_decode(found->value, found->value_len, &rec) == KNOT_EOK &&
		    rec.member) {
			members |= 1u << i;
		}
	}
	return members;
}

static const char *step_name(const sim_walk_t *walk)
{
	return walk->step < ms_process_steps(walk->kind) ? ms_process_table(walk->kind)[walk->step].name
	                                                 : "over";
}

static void note(sim_world_t *world, unsigned node, unsigned zone)
{
	ms_rec_process_t rec = { 0 };
	sim_walk_t *last = &world->at[node][zone];
	world->processes |= sim_process(world, node, zone, &rec);
	int subject = rec.kind != MS_PROC_NONE ? sim_node_index(world, rec.subject) : -1;
	if (rec.kind == last->kind && rec.step == last->step && (!rec.kind || subject == last->subject)) {
		return;
	}
	*last = (sim_walk_t){ world->now, node, zone, rec.kind, rec.step, subject };
	sim_trace(world, "%s: *** zone %u: process %s %s, step %u, %s", sim_node_name(node), zone,
	          ms_process_name(rec.kind), subject >= 0 ? sim_node_name(subject) : "-", rec.step,
	          step_name(last));
	world->walk = realloc(world->walk, (world->walk_count + 1) * sizeof(*world->walk));
	world->walk[world->walk_count++] = *last;
}

void sim_process_note(sim_world_t *world, unsigned node)
{
	for (unsigned zone = 0; zone < world->zones; zone++) {
		note(world, node, zone);
	}
}

bool sim_process_over(const sim_world_t *world, unsigned zone, unsigned on, char why[128])
{
	for (unsigned node = 0; node < world->nodes; node++) {
		ms_rec_process_t rec;
		/* Who does not edit the zone walks through nothing. */
		if (!(on & (1u << node)) || !sim_edits(world, node, zone)) {
			continue;
		}
		bool found = sim_process(world, node, zone, &rec);
		unsigned members = sim_members(world, node, zone);
		if (!found || rec.kind != MS_PROC_NONE || members != on) {
			snprintf(why, 128, "%s, zone %u: process %s, step %u; members %x instead of %x",
			         sim_node_name(node), zone, found ? ms_process_name(rec.kind) : "unknown",
			         found ? rec.step : 0, members, on);
			return false;
		}
	}
	return true;
}

bool sim_process_run(sim_world_t *world, unsigned zone, unsigned on, int64_t limit, char why[128])
{
	int64_t end = world->now + limit;
	while (!world->failed && world->now < end) {
		sim_run(world, world->now + MS_SEC);
		if (sim_process_over(world, zone, on, why)) {
			sim_run(world, world->now + STAYS);
			if (sim_process_over(world, zone, on, why)) {
				return !world->failed;
			}
		}
	}
	return false;
}

void sim_process_print(const sim_world_t *world)
{
	for (size_t i = 0; i < world->walk_count; i++) {
		const sim_walk_t *walk = &world->walk[i], *next = walk + 1;
		while (next < world->walk + world->walk_count &&
		       (next->node != walk->node || next->zone != walk->zone)) {
			next++;
		}
		int64_t until = next < world->walk + world->walk_count ? next->time : world->now;
		printf("# %8.2f %-5s zone %u: %-9s %-5s %-10s %7.2f s\n", walk->time / 1e6,
		       sim_node_name(walk->node), walk->zone, ms_process_name(walk->kind),
		       walk->subject >= 0 ? sim_node_name(walk->subject) : "-", step_name(walk),
		       (until - walk->time) / 1e6);
	}
}

void sim_order(sim_world_t *world, unsigned node, unsigned zone, ms_order_word_t word)
{
	ms_config_t *config = &world->node[node].config;
	config->orders = realloc(config->orders, (config->order_count + 1) * sizeof(*config->orders));
	ms_order_t *order = &config->orders[config->order_count++];
	*order = (ms_order_t){ .word = word, .hash = ++world->orders };
	sim_zone_name(zone, order->zone);
	sim_trace(world, "%s: *** order %u for zone %u", sim_node_name(node), word, zone);
	sim_reload(world, node, config->hold);
}

void sim_process_waits(sim_world_t *world)
{
	for (unsigned i = 0; i < world->nodes; i++) {
		for (unsigned z = 0; z < world->node[i].agent.zone_count; z++) {
			const ms_zone_t *zone = world->node[i].agent.zones[z];
			if (zone->process != NULL) {
				sim_trace(world, "%s: zone %u: %s %u%s: waits: %s", sim_node_name(i), z,
				          ms_process_name(zone->process->kind), zone->process->step,
				          zone->process->member ? " member" : "", zone->process->why);
			}
		}
	}
}
