/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries and the gate, as modules/msigner and src/agent/publish have them: the query that meets a
 * version first judges it by the view of that moment and brings the news; a version that was let
 * out stays so, one that was kept back is judged again with every query.
 */
#include "world.h"

#include <stdlib.h>

#include <libknot/errcode.h>

#include "core/gate.h"

/* An own round of queries, at the latest, meets a version that clients do not ask for. */
#define ROUND (25 * MS_MSEC)

static bool judge(sim_world_t *world, unsigned node, unsigned zone, const ms_apex_t *apex)
{
	sim_node_t *n = &world->node[node];
	sim_knot_t *knot = &n->knots[zone];
	knot_dname_storage_t buf;
	const ms_view_zone_t *row = ms_view_zone(n->view, sim_zone_name(zone, buf));
	bool known = row != NULL && row->wanted != NULL;
	if (known ? !ms_gate_open_apex(row->wanted, apex) : n->view->strict) {
		return false;
	}
	knot->open = knot->version;
	sim_check_let_out(world, node, zone, apex);
	sim_server_news(world, node, zone, apex);
	return true;
}

static void bring_news(sim_world_t *world, unsigned node, unsigned zone, ms_apex_t *apex)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_APEX;
	event->apex = apex;
	sim_zone_name(zone, event->zone);
	/* The inbox keeps the order. */
	sim_feed_later(world, MS_MSEC, node, event);
}

bool sim_query(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	bool is_new = knot->seen != knot->version;
	bool open = knot->open == knot->version;
	if (!world->node[node].up || !knot->loaded || (open && !is_new)) {
		return open;
	}
	ms_apex_t *apex = calloc(1, sizeof(*apex));
	sim_knot_apex(world, node, zone, apex);
	knot->seen = knot->version;
	open = open || judge(world, node, zone, apex);
	if (is_new) {
		bring_news(world, node, zone, apex);
	} else {
		ms_apex_clear(apex);
		free(apex);
	}
	return open;
}

typedef struct {
	unsigned node, life, zone;
} look_t;

static void look(sim_world_t *world, void *data)
{
	look_t *what = data;
	if (world->node[what->node].life == what->life) {
		(void)sim_query(world, what->node, what->zone);
	}
	free(what);
}

void sim_new_version(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_node_t *n = &world->node[node];
	n->knots[zone].version++;
	if (!(n->knots[zone].listed & (1u << node))) {
		sim_forget_shown(&n->knots[zone]);
	}
	if (n->up) {
		look_t *what = malloc(sizeof(*what));
		*what = (look_t){ node, n->life, zone };
		/* Some are met at once. */
		int64_t delay = sim_chance(world, 300) ? 0 : sim_between(world, 0, ROUND);
		sim_later(world, delay, look, what, free);
	}
}

void sim_queries(sim_world_t *world, unsigned node)
{
	for (unsigned zone = 0; zone < world->zones; zone++) {
		const sim_knot_t *knot = &world->node[node].knots[zone];
		if (knot->seen == knot->version && knot->open != knot->version) {
			(void)sim_query(world, node, zone);
		}
	}
}
