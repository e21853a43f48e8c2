/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

/* Civil time at the beginning of every run. */
#define EPOCH 1800000000

static const ms_codes_t codes = { 65006, 65282 };

ms_now_t sim_now(const sim_world_t *world, unsigned node)
{
	return (ms_now_t){ { world->now },
	                   { EPOCH + world->now / MS_SEC + world->node[node].skew } };
}

void sim_node_init(sim_world_t *world, unsigned node)
{
	sim_node_t *n = &world->node[node];
	char name[64];
	n->config = (ms_config_t){
		.codes = codes,
		.transport = MS_TRANSPORT_DNS,
		.sync = MS_SYNC_LEADER | MS_SYNC_PEER,
		.heartbeat = 60 * MS_SEC,
		.hello_retry = 5 * MS_SEC,
		.algorithm = 15,
		.max_ttl = 60,
		.gate = true,
		.parent_count = 1,
		.parent = { MS_DSYNC_NOTIFY },
	};
	snprintf(name, sizeof(name), "agent.%s.", sim_node_name(node));
	(void)knot_dname_from_str(n->config.identity, name, sizeof(n->config.identity));
	snprintf(name, sizeof(name), "ns.agent.%s.", sim_node_name(node));
	(void)knot_dname_from_str(n->config.host, name, sizeof(n->config.host));
	sim_key_make(world, node, 0);
	for (unsigned zone = 0; zone < world->zones; zone++) {
		n->knots[zone].signing = true;
		n->knots[zone].ttl.keys = n->knots[zone].ttl.ns = n->knots[zone].ttl.data = 30;
		sim_owner_init(world, node, zone);
		sim_keys_first(world, node, zone);
	}
}

void sim_node_ns(sim_world_t *world, unsigned node, unsigned names)
{
	sim_node_t *n = &world->node[node];
	n->ns = names;
	ms_rrset_clear(&n->config.ns);
	n->config.ns.ttl = 3600;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t rdata[64];
		uint16_t len = sim_ns(2 * node + i, rdata);
		if ((names & (1u << i)) && ms_rrset_add(&n->config.ns, rdata, len) != KNOT_EOK) {
			sim_fail(world, "an NS record cannot be made");
		}
	}
}

static void forget(sim_node_t *node)
{
	ms_agent_deinit(&node->agent);
	ms_view_free(node->view);
	node->view = NULL;
	ms_replay_deinit(&node->replay);
	for (unsigned i = 0; i < SIM_REPLIES; i++) {
		free(node->replies[i].request);
	}
	for (unsigned i = 0; i < SIM_SENDS; i++) {
		free(node->sends[i].request);
	}
	memset(node->replies, 0, sizeof(node->replies));
	memset(node->sends, 0, sizeof(node->sends));
}

void sim_node_deinit(sim_node_t *node)
{
	if (node->up) {
		forget(node);
	}
	ms_sig0_key_deinit(&node->key);
	ms_rrset_clear(&node->config.ns);
	free(node->config.orders);
	for (unsigned zone = 0; zone < SIM_ZONES; zone++) {
		sim_knot_free(&node->knots[zone]);
		sim_owner_free(&node->owners[zone]);
	}
	sim_disk_free(node);
}

void sim_crash(sim_world_t *world, unsigned node)
{
	sim_node_t *n = &world->node[node];
	if (n->up) {
		sim_trace(world, "%s: *** crash", sim_node_name(node));
		n->up = false;
		forget(n);
	}
}

void sim_reload(sim_world_t *world, unsigned node, bool hold)
{
	sim_node_t *n = &world->node[node];
	n->config.hold = hold;
	if (!n->up) {
		return;
	}
	ms_event_t event = { .kind = MS_EV_RECONCILE, .now = sim_now(world, node) };
	sim_trace(world, "%s: *** reload%s", sim_node_name(node), hold ? ", hold" : "");
	if (ms_agent_configure(&n->agent, &n->config, event.now) != KNOT_EOK) {
		sim_fail(world, "ms_agent_configure");
	}
	sim_feed(world, node, &event);
}

typedef struct {
	unsigned node, life, zone;
} refresh_t;

static void refresh(sim_world_t *world, void *data)
{
	refresh_t *what = data;
	if (world->node[what->node].life == what->life) {
		sim_owner_refresh(world, what->node, what->zone);
	}
	free(what);
}

/* The zone comes from the journal and is served at once, whatever the agent knows already; then
 * knotd asks the owner for news. */
static void load(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_OPT_IN;
	event->opt.signing = event->opt.managed = knot->signing;
	sim_zone_name(zone, event->zone);
	sim_feed_later(world, 0, node, event);
	knot->seen = knot->open = 0;
	if (sim_chance(world, world->faults.journal)) {
		sim_owner_axfr(world, node, zone);
	}
	sim_new_version(world, node, zone);
	if (sim_chance(world, 500)) {
		(void)sim_query(world, node, zone);
	}
	refresh_t *what = malloc(sizeof(*what));
	*what = (refresh_t){ node, world->node[node].life, zone };
	sim_later(world, sim_between(world, 0, 500) * MS_MSEC, refresh, what, free);
}

void sim_start(sim_world_t *world, unsigned node)
{
	sim_node_t *n = &world->node[node];
	if (n->up) {
		return;
	}
	n->life++;
	n->up = true;
	n->store_failed = false;
	n->next_handle = 1;
	sim_trace(world, "%s: *** start", sim_node_name(node));
	if (ms_agent_init(&n->agent, &n->config, ms_rng_next(&world->rng),
	                  sim_now(world, node)) != KNOT_EOK) {
		sim_fail(world, "ms_agent_init");
	}
	ms_replay_init(&n->replay);
	sim_disk_restore(world, node);
	if (ms_agent_restored(&n->agent) != KNOT_EOK) {
		sim_fail(world, "ms_agent_restored");
	}
	n->view = ms_view_make(&n->agent, NULL, sim_now(world, node));
	for (unsigned zone = 0; zone < world->zones; zone++) {
		sim_note_restored(world, node, zone);
		load(world, node, zone);
	}
}

typedef struct {
	unsigned node;
	unsigned life;
	ms_event_t *event;
} fed_t;

static void drop_fed(void *data)
{
	fed_t *fed = data;
	ms_event_clear(fed->event);
	if (fed->event->kind == MS_EV_LOCATED) {
		free(fed->event->locator);
	}
	free(fed->event);
	free(fed);
}

static void run_fed(sim_world_t *world, void *data)
{
	fed_t *fed = data;
	sim_node_t *node = &world->node[fed->node];
	if (node->up && node->life == fed->life) {
		fed->event->now = sim_now(world, fed->node);
		sim_feed(world, fed->node, fed->event);
	}
	drop_fed(fed);
}

void sim_feed_later(sim_world_t *world, int64_t delay, unsigned node, ms_event_t *event)
{
	fed_t *fed = malloc(sizeof(*fed));
	*fed = (fed_t){ node, world->node[node].life, event };
	sim_later(world, delay, run_fed, fed, drop_fed);
}

static void locate(sim_world_t *world, unsigned node, const ms_action_t *action)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_LOCATED;
	event->id = action->id;
	event->ret = KNOT_ENOENT;
	for (unsigned i = 0; i < world->nodes; i++) {
		if (knot_dname_is_equal(world->node[i].config.identity, action->locate.identity) &&
		    !sim_chance(world, world->faults.locate)) {
			event->locator = malloc(sizeof(ms_locator_t));
			sim_locator(world, i, sim_now(world, node).wall.s, event->locator);
			event->ret = KNOT_EOK;
		}
	}
	sim_feed_later(world, sim_between(world, 1, 20) * MS_MSEC, node, event);
}

/* An edit that could not be noted down is not made. */
static void fail_edit(sim_world_t *world, unsigned node, ms_action_t *action)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_EDITED;
	event->id = action->id;
	event->ret = KNOT_ESPACE;
	memcpy(event->zone, action->edit.zone, sizeof(event->zone));
	sim_feed_later(world, 0, node, event);
}

static void fail_send(sim_world_t *world, unsigned node, ms_action_t *action)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_ANSWERED;
	event->id = action->id;
	event->ret = KNOT_ESPACE;
	sim_feed_later(world, 0, node, event);
}

static void perform(sim_world_t *world, unsigned node, ms_action_t *action)
{
	switch (action->kind) {
	case MS_ACT_LOCATE:
		locate(world, node, action);
		break;
	case MS_ACT_SEND:
		(world->node[node].withheld ? fail_send : sim_net_send)(world, node, action);
		break;
	case MS_ACT_REPLY:
		sim_net_reply(world, node, action);
		break;
	case MS_ACT_EDIT:
		(world->node[node].withheld ? fail_edit : sim_knot_edit)(world, node, action);
		break;
	case MS_ACT_KEYS:
		sim_knot_keys(world, node, action);
		break;
	case MS_ACT_REFETCH:
		sim_knot_refetch(world, node, action);
		break;
	case MS_ACT_OBSERVE:
	case MS_ACT_DISCOVER:
	case MS_ACT_TELL_PARENT:
		sim_errand(world, node, action);
		break;
	case MS_ACT_LOG:
		sim_trace(world, "%s: %s", sim_node_name(node), action->log.line);
		break;
	default:
		break;
	}
}

/* What the store could not take must not be confirmed. */
static void withhold(sim_world_t *world, unsigned node, ms_actions_t *actions)
{
	world->node[node].withheld = true;
	for (size_t i = 0; i < actions->count; i++) {
		ms_action_t *action = &actions->list[i];
		if (action->kind == MS_ACT_REPLY && action->reply.msg->rcode == KNOT_RCODE_NOERROR) {
			action->reply.msg->rcode = KNOT_RCODE_SERVFAIL;
		}
	}
}

static void stored(sim_world_t *world, unsigned node, bool ok)
{
	sim_node_t *n = &world->node[node];
	if (ok && !n->store_failed) {
		return;
	}
	n->store_failed = !ok;
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_STORED;
	event->ret = ok ? KNOT_EOK : KNOT_ESPACE;
	sim_feed_later(world, 0, node, event);
}

static bool persists(const ms_actions_t *actions)
{
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->list[i].kind == MS_ACT_PERSIST) {
			return true;
		}
	}
	return false;
}

/* The hooks see what is known now. */
static void show(sim_world_t *world, unsigned node)
{
	sim_node_t *n = &world->node[node];
	if (ms_view_due(&n->agent)) {
		ms_view_zone_t *replaced = NULL;
		ms_now_t now = sim_now(world, node);
		if (ms_view_update(&n->agent, n->view, now, &replaced) == KNOT_ENOTSUP) {
			ms_view_t *view = ms_view_make(&n->agent, n->view, now);
			ms_view_free(n->view);
			n->view = view;
		}
		ms_view_drop(replaced);
	}
	for (unsigned zone = 0; zone < world->zones; zone++) {
		sim_note_union(world, node, zone);
	}
	sim_queries(world, node);
}

static void revive(sim_world_t *world, void *data)
{
	sim_start(world, (unsigned)(uintptr_t)data);
}

static void nothing(void *data)
{
}

void sim_feed(sim_world_t *world, unsigned node, ms_event_t *event)
{
	sim_node_t *n = &world->node[node];
	ms_actions_t actions = { 0 };
	if (event->kind == MS_EV_MESSAGE) {
		sim_note_statement(world, node, event);
	}
	/* A step makes some forty allocations at the most. */
	bool short_of = sim_chance(world, world->faults.memory);
	sim_memory_fails_after(short_of ? sim_between(world, 1, 40) : 0);
	int ret = ms_step(&n->agent, event, &actions);
	sim_memory_fails_after(0);
	if (ret != KNOT_EOK && !(short_of && ret == KNOT_ENOMEM)) {
		sim_fail(world, "%s: step %s: %s", sim_node_name(node), ms_event_name(event->kind),
		         knot_strerror(ret));
	}
	if (ret == KNOT_ENOMEM && event->kind == MS_EV_OPT_IN) {
		ms_event_t *again = calloc(1, sizeof(*again));
		*again = *event;
		sim_feed_later(world, MS_MSEC, node, again);
	}
	/* -1: no crash; 0: before the commit; k: behind the commit and k - 1 actions. */
	int64_t crash = actions.count > 0 && sim_chance(world, world->faults.crash)
	              ? sim_between(world, 0, actions.count) : -1;
	n->withheld = false;
	if (crash != 0 && persists(&actions)) {
		bool ok = sim_disk_commit(world, node, &actions);
		if (!ok) {
			withhold(world, node, &actions);
		}
		stored(world, node, ok);
		sim_process_note(world, node);
	}
	if (crash != 0) {
		show(world, node);
	}
	for (size_t i = 0; i < actions.count && (crash < 0 || (int64_t)i < crash); i++) {
		perform(world, node, &actions.list[i]);
	}
	ms_actions_deinit(&actions);
	if (crash >= 0) {
		sim_crash(world, node);
		sim_later(world, sim_between(world, 10, 5000) * MS_MSEC, revive,
		          (void *)(uintptr_t)node, nothing);
	}
}
