/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parent: takes DS from CDS and NS from CSYNC where all servers that it delegates to agree, and
 * no DS RRset without a way to a key that signs at each of them (RFC 7344 section 4.1). It knows no
 * more than they show, and waits for nothing.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "wire/csync.h"

/* A child without DS is believed when it says the same for so long, longer than any TTL of a DNSKEY
 * RRset that may be in a cache unvalidated (RFC 8078 section 3.3). */
#define FIRST_DS (90 * MS_SEC)

static const char *const names[] = { "DS", "NS" };

void sim_parent_free(sim_parent_t *parent)
{
	ms_rrset_clear(&parent->first);
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		ms_rrset_clear(&parent->set[which]);
		for (unsigned p = 0; p < SIM_PARENTS; p++) {
			ms_rrset_clear(&parent->at[p].set[which]);
		}
	}
}

/* When it looks at the child by itself. */
static int64_t pause(sim_world_t *world, sim_parent_way_t way)
{
	switch (way) {
	case SIM_PARENT_FOLLOWS:
		return sim_draw(world, 5, 15) * MS_SEC;
	case SIM_PARENT_LATE:
		return sim_draw(world, 60, 120) * MS_SEC;
	case SIM_PARENT_HAND:
		return sim_draw(world, 60, 300) * MS_SEC;
	default:
		return INT64_MAX / 2;
	}
}

void sim_parent_ways(sim_world_t *world, unsigned zone, sim_parent_way_t ds, sim_parent_way_t ns)
{
	sim_parent_t *parent = &world->parent[zone];
	parent->way[SIM_PARENT_DS] = ds;
	parent->way[SIM_PARENT_NS] = ns;
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		parent->look_at[which] = world->now + pause(world, parent->way[which]);
	}
}

/* To its servers, each in its time. */

typedef struct {
	unsigned zone, server;
} fetch_t;

static void run_fetch(sim_world_t *world, void *data)
{
	fetch_t fetch = *(fetch_t *)data;
	sim_parent_t *parent = &world->parent[fetch.zone];
	free(data);
	if (world->now < parent->at[fetch.server].still_until) {
		return;
	}
	sim_validate(world, fetch.zone);
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		(void)ms_rrset_copy(&parent->at[fetch.server].set[which], &parent->set[which]);
	}
	sim_validate(world, fetch.zone);
}

static void fetch_later(sim_world_t *world, unsigned zone, unsigned server, int64_t delay)
{
	fetch_t *fetch = malloc(sizeof(*fetch));
	*fetch = (fetch_t){ zone, server };
	sim_later(world, delay, run_fetch, fetch, free);
}

void sim_parent_still(sim_world_t *world, unsigned zone, unsigned server, int64_t duration)
{
	world->parent[zone].at[server].still_until = world->now + duration;
	fetch_later(world, zone, server, duration);
}

static void announce(sim_world_t *world, unsigned zone)
{
	for (unsigned p = 0; p < SIM_PARENTS; p++) {
		fetch_later(world, zone, p, sim_draw(world, 1, 4 * world->lag) * MS_MSEC);
	}
}

void sim_parent_ttl(sim_world_t *world, unsigned zone, uint32_t ds, uint32_t ns)
{
	world->parent[zone].set[SIM_PARENT_DS].ttl = ds;
	world->parent[zone].set[SIM_PARENT_NS].ttl = ns;
	sim_trace(world, "*** parent of zone %u: TTL of DS %u, of NS %u", zone, ds, ns);
	announce(world, zone);
}

void sim_parent_set(sim_world_t *world, unsigned zone, unsigned which, const ms_rrset_t *set)
{
	ms_rrset_t *mine = &world->parent[zone].set[which];
	uint32_t ttl = mine->ttl;
	(void)ms_rrset_copy(mine, set);
	mine->ttl = ttl;
	sim_trace(world, "*** parent of zone %u: %u %s", zone, set->rrs.count, names[which]);
	announce(world, zone);
}

void sim_parent_begin(sim_world_t *world, unsigned zone, unsigned ns, int signer)
{
	sim_parent_t *parent = &world->parent[zone];
	const sim_knot_t *knot = signer >= 0 ? &world->node[signer].knots[zone] : NULL;
	ms_rrset_clear(&parent->set[SIM_PARENT_DS]);
	ms_rrset_clear(&parent->set[SIM_PARENT_NS]);
	ms_rrset_clear(&parent->first);
	parent->set[SIM_PARENT_DS].ttl = 30;
	parent->set[SIM_PARENT_NS].ttl = 30;
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		uint8_t rdata[64];
		uint16_t len = sim_ns(name, rdata);
		if (ns & (1u << name)) {
			(void)ms_rrset_add(&parent->set[SIM_PARENT_NS], rdata, len);
		}
	}
	for (unsigned i = 0; knot != NULL && i < knot->key_count; i++) {
		uint8_t cds[SIM_CDS_LEN];
		sim_cds(knot->keys[i].rdata, knot->keys[i].len, cds);
		if (knot->keys[i].ksk) {
			(void)ms_rrset_add(&parent->set[SIM_PARENT_DS], cds, sizeof(cds));
		}
	}
	for (unsigned p = 0; p < SIM_PARENTS; p++) {
		for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
			(void)ms_rrset_copy(&parent->at[p].set[which], &parent->set[which]);
		}
	}
}

void sim_parent_init(sim_world_t *world, unsigned zone)
{
	sim_parent_begin(world, zone, 1u << 2 * SIM_NODES, -1);
	sim_parent_ways(world, zone, SIM_PARENT_FOLLOWS, SIM_PARENT_FOLLOWS);
}

/* What it sees. */

/* The RRset of all servers of these names; NULL where they do not agree, or one has none. */
static const ms_rrset_t *agreed(const sim_world_t *world, unsigned zone, ms_apex_type_t type)
{
	unsigned ns = sim_ns_names(&world->parent[zone].set[SIM_PARENT_NS]);
	const ms_rrset_t *set = NULL;
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		const ms_rrset_t *its = &world->server[zone][name].now.apex.set[type];
		if (!(ns & (1u << name))) {
			continue;
		}
		if (!sim_server_answers(world, zone, name) || its->rrs.count == 0 ||
		    (set != NULL && !ms_rrset_equal(set, its))) {
			return NULL;
		}
		set = its;
	}
	return set;
}

/* Would each server's DNSKEY RRset have a way from these DS? */
static bool leads_on(const sim_world_t *world, unsigned zone, unsigned ns, const ms_rrset_t *ds)
{
	sim_tags_t named;
	sim_tags_of_ds(ds, &named);
	for (unsigned name = 0; name < SIM_NS_NAMES && named.count > 0; name++) {
		if ((ns & (1u << name)) &&
		    (!sim_server_answers(world, zone, name) ||
		     !sim_tags_meet(&named, &world->server[zone][name].now.signers))) {
			return false;
		}
	}
	return true;
}

static bool is_believed(sim_world_t *world, sim_parent_t *parent, const ms_rrset_t *cds)
{
	if (parent->set[SIM_PARENT_DS].rrs.count > 0) {
		return true;
	}
	if (!ms_rrset_equal(cds, &parent->first)) {
		(void)ms_rrset_copy(&parent->first, cds);
		parent->first_since = world->now;
	}
	return world->now - parent->first_since >= FIRST_DS;
}

static void take_ds(sim_world_t *world, unsigned zone)
{
	sim_parent_t *parent = &world->parent[zone];
	const ms_rrset_t *cds = agreed(world, zone, MS_APEX_CDS);
	if (cds == NULL || ms_rrset_equal(cds, &parent->set[SIM_PARENT_DS]) ||
	    !is_believed(world, parent, cds)) {
		return;
	}
	if (leads_on(world, zone, sim_ns_names(&parent->set[SIM_PARENT_NS]), cds)) {
		sim_parent_set(world, zone, SIM_PARENT_DS, cds);
	} else {
		sim_trace(world, "*** parent of zone %u: CDS would break it", zone);
	}
}

static bool asks_for_ns(const ms_rrset_t *csync)
{
	ms_csync_t sync;
	return csync != NULL && csync->rrs.count == 1 &&
	       ms_csync_decode(csync->rrs.rdata->data, csync->rrs.rdata->len, &sync) == KNOT_EOK &&
	       (sync.types & MS_CSYNC_NS) != 0;
}

static void take_ns(sim_world_t *world, unsigned zone)
{
	const sim_parent_t *parent = &world->parent[zone];
	const ms_rrset_t *ns = agreed(world, zone, MS_APEX_NS);
	bool asked = parent->way[SIM_PARENT_NS] == SIM_PARENT_HAND ||
	             asks_for_ns(agreed(world, zone, MS_APEX_CSYNC));
	if (ns == NULL || !asked || ms_rrset_equal(ns, &parent->set[SIM_PARENT_NS])) {
		return;
	}
	if (leads_on(world, zone, sim_ns_names(ns), &parent->set[SIM_PARENT_DS])) {
		sim_parent_set(world, zone, SIM_PARENT_NS, ns);
	} else {
		sim_trace(world, "*** parent of zone %u: NS would break it", zone);
	}
}

void sim_parent_step(sim_world_t *world, unsigned zone)
{
	static void (*const take[])(sim_world_t *, unsigned) = { take_ds, take_ns };
	sim_parent_t *parent = &world->parent[zone];
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		if (world->now >= parent->look_at[which]) {
			take[which](world, zone);
			parent->look_at[which] = world->now + pause(world, parent->way[which]);
		}
	}
}

/* What it is told. */

bool sim_parent_told(sim_world_t *world, unsigned zone, uint16_t rrtype)
{
	sim_parent_t *parent = &world->parent[zone];
	unsigned which = rrtype == KNOT_RRTYPE_CDS ? SIM_PARENT_DS : SIM_PARENT_NS;
	int64_t at = world->now + (parent->way[which] == SIM_PARENT_FOLLOWS
	                           ? sim_draw(world, 100, 3000) * MS_MSEC
	                           : sim_draw(world, 20, 60) * MS_SEC);
	if (!parent->silent && parent->way[which] <= SIM_PARENT_LATE && at < parent->look_at[which]) {
		parent->look_at[which] = at;
	}
	return !parent->silent;
}

static ms_offers_t *offers(void)
{
	static const ms_dsync_t list[] = {
		{ KNOT_RRTYPE_CDS, MS_DSYNC_NOTIFY, 53, "\x01x" },
		{ KNOT_RRTYPE_CSYNC, MS_DSYNC_NOTIFY, 53, "\x01x" },
	};
	ms_offers_t *found = calloc(1, sizeof(*found));
	found->count = 2;
	memcpy(found->list, list, sizeof(list));
	return found;
}

void sim_errand(sim_world_t *world, unsigned node, const ms_action_t *action)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	bool fails = sim_chance(world, world->faults.errand);
	const uint8_t *name = action->kind == MS_ACT_OBSERVE ? action->observe.zone
	                    : action->kind == MS_ACT_DISCOVER ? action->look.zone : action->inform.zone;
	int zone = sim_zone_index(world, name);
	event->id = action->id;
	if (action->kind == MS_ACT_OBSERVE) {
		event->kind = MS_EV_OBSERVED;
		event->seen = fails ? NULL : sim_observe(world, zone, action);
	} else if (action->kind == MS_ACT_DISCOVER) {
		event->kind = MS_EV_DISCOVERED;
		event->offers = fails ? NULL : offers();
	} else {
		event->kind = MS_EV_TOLD;
		event->told.ede = event->told.keystate = -1;
		fails = fails || !sim_parent_told(world, zone, action->inform.rrtype);
	}
	event->ret = fails ? KNOT_ETIMEOUT : KNOT_EOK;
	memcpy(event->zone, name, sizeof(event->zone));
	sim_feed_later(world, sim_between(world, 1, 5000) * MS_MSEC, node, event);
}
