/* SPDX-License-Identifier: GPL-3.0-or-later */
/* knotd: the apex it makes of its keys and what was edited. It lives and dies with its agent. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

/* A SOA's RDATA is not read by the core: that there is one is what counts. */
static const uint8_t soa[22] = { 0 };

void sim_knot_free(sim_knot_t *knot)
{
	ms_rrset_clear(&knot->history);
	sim_served_clear(&knot->out);
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		ms_rrset_clear(&knot->set[type]);
	}
	for (unsigned node = 0; node < SIM_NODES; node++) {
		ms_rrset_clear(&knot->memory.confirmed[node]);
	}
	ms_rrset_clear(&knot->memory.shown);
}

void sim_knot_ttl(sim_world_t *world, unsigned node, unsigned zone, uint32_t keys, uint32_t ns,
                  uint32_t data)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	knot->ttl.keys = keys;
	knot->ttl.ns = ns;
	knot->ttl.data = data;
	/* Who does not sign has the owner's serials: one of its own would hide the owner's next version. */
	knot->serial += knot->signing;
	sim_trace(world, "*** %s: TTL of DNSKEY %u, of NS %u, of data %u", sim_node_name(node), keys, ns,
	          data);
	sim_new_version(world, node, zone);
}

void sim_knot_apex(sim_world_t *world, unsigned node, unsigned zone, ms_apex_t *out)
{
	const sim_knot_t *knot = &world->node[node].knots[zone];
	int ret = KNOT_EOK;
	unsigned all = (1u << world->nodes) - 1;
	/* Who does not sign gets the zone from one who does. */
	*out = (ms_apex_t){ .serial = knot->serial, .is_signed = world->nosign[zone] != all };
	for (unsigned type = 0; ret == KNOT_EOK && type < MS_APEX_TYPES; type++) {
		ret = ms_rrset_copy(&out->set[type], &knot->set[type]);
	}
	for (unsigned i = 0; ret == KNOT_EOK && i < knot->key_count; i++) {
		const sim_key_t *key = &knot->keys[i];
		uint8_t cds[SIM_CDS_LEN];
		sim_cds(key->rdata, key->len, cds);
		ret = key->hidden ? KNOT_EOK
		                  : ms_rrset_add(&out->set[MS_APEX_DNSKEY], key->rdata, key->len);
		if (ret == KNOT_EOK && key->cds) {
			ret = ms_rrset_add(&out->set[MS_APEX_CDNSKEY], key->rdata, key->len);
			ret = ret == KNOT_EOK ? ms_rrset_add(&out->set[MS_APEX_CDS], cds, sizeof(cds)) : ret;
		}
	}
	for (ms_apex_type_t type = 0; type < MS_CONTRIB_TYPES; type++) {
		out->set[type].ttl = type == MS_APEX_NS ? knot->ttl.ns : knot->ttl.keys;
	}
	if (ret != KNOT_EOK || ms_rrset_add(&out->set[MS_APEX_SOA], soa, sizeof(soa)) != KNOT_EOK) {
		sim_fail(world, "an apex cannot be made");
	}
}

/* Zone editing. */

typedef struct {
	unsigned node, life;
	int zone;
	uint64_t id;
	int ret;
	bool apply;
	bool has_serial;
	uint32_t serial;
	ms_rrset_t add[MS_CONTRIB_TYPES], remove[MS_CONTRIB_TYPES];
} edit_t;

static void drop_edit(void *data)
{
	edit_t *edit = data;
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		ms_rrset_clear(&edit->add[type]);
		ms_rrset_clear(&edit->remove[type]);
	}
	free(edit);
}

bool sim_is_poison(const uint8_t *rdata, uint16_t len)
{
	return len == SIM_KEY_LEN && rdata[4] < SIM_NODES && rdata[5] < 12;
}

/* knotd's checks: what it does not take is told, the rest is done. */
static void refuse(edit_t *edit, ms_event_t *event)
{
	static const ms_apex_type_t types[] = { MS_APEX_DNSKEY, MS_APEX_CDNSKEY };
	event->edited.refused = calloc(2 * SIM_KEYS * SIM_NODES, sizeof(*event->edited.refused));
	for (unsigned t = 0; t < 2; t++) {
		ms_rrset_t taken = { 0 };
		knot_rdata_t *rr = edit->add[types[t]].rrs.rdata;
		for (uint16_t i = 0; i < edit->add[types[t]].rrs.count; i++, rr = knot_rdataset_next(rr)) {
			if (!sim_is_poison(rr->data, rr->len)) {
				(void)ms_rrset_add(&taken, rr->data, rr->len);
				continue;
			}
			ms_refusal_t *refusal = &event->edited.refused[event->edited.refused_count++];
			*refusal = (ms_refusal_t){ ms_apex_rrtype(types[t]), rr->len, malloc(rr->len),
			                           "semantic check" };
			memcpy(refusal->rdata, rr->data, rr->len);
		}
		ms_rrset_clear(&edit->add[types[t]]);
		edit->add[types[t]] = taken;
	}
}

/* What is there is not added, what is not there is not removed; nothing to do is no new version. */
static bool commit(sim_world_t *world, edit_t *edit)
{
	sim_knot_t *knot = &world->node[edit->node].knots[edit->zone];
	unsigned added = 0, removed = 0;
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		ms_rrset_t *set = &knot->set[type];
		unsigned count = set->rrs.count;
		(void)ms_rrset_minus(set, &edit->remove[type]);
		removed += count - set->rrs.count;
		count = set->rrs.count;
		(void)ms_rrset_union(set, &edit->add[type]);
		added += set->rrs.count - count;
	}
	sim_check_added(world, edit->node, edit->zone, &edit->add[MS_APEX_DNSKEY]);
	if (knot->set[MS_APEX_NS].rrs.count == 0) {
		sim_fail(world, "%s: an edit leaves no NS", sim_node_name(edit->node));
	}
	if (added + removed == 0 && !edit->has_serial) {
		return false;
	}
	knot->serial = edit->has_serial ? edit->serial : knot->serial + 1;
	sim_trace(world, "%s: knotd commits +%u -%u", sim_node_name(edit->node), added, removed);
	sim_new_version(world, edit->node, edit->zone);
	return true;
}

static void run_edit(sim_world_t *world, void *data)
{
	edit_t *edit = data;
	/* Neither commit nor answer outlives the process. */
	if (world->node[edit->node].up && world->node[edit->node].life == edit->life) {
		ms_event_t *event = calloc(1, sizeof(*event));
		event->kind = MS_EV_EDITED;
		event->id = edit->id;
		event->ret = edit->ret;
		if (edit->apply) {
			refuse(edit, event);
			event->edited.changed = commit(world, edit);
		}
		sim_zone_name(edit->zone, event->zone);
		sim_feed_later(world, 0, edit->node, event);
	}
	drop_edit(edit);
}

static void check_own(sim_world_t *world, unsigned node, const edit_t *edit)
{
	const sim_knot_t *knot = &world->node[node].knots[edit->zone];
	for (unsigned i = 0; i < knot->key_count; i++) {
		const uint8_t *key = knot->keys[i].rdata;
		uint16_t len = knot->keys[i].len;
		uint8_t cds[SIM_CDS_LEN];
		sim_cds(key, len, cds);
		if (ms_rrset_has(&edit->remove[MS_APEX_DNSKEY], key, len) ||
		    (knot->keys[i].cds &&
		     (ms_rrset_has(&edit->remove[MS_APEX_CDNSKEY], key, len) ||
		      ms_rrset_has(&edit->remove[MS_APEX_CDS], cds, sizeof(cds))))) {
			sim_fail(world, "%s: an edit removes what is its own", sim_node_name(node));
		}
	}
}

static bool take(const ms_action_t *action, edit_t *edit)
{
	for (size_t i = 0; i < action->edit.count; i++) {
		const ms_edit_t *one = &action->edit.edits[i];
		int type = ms_apex_index(one->rrtype);
		if (type < 0 || one->exact || !knot_dname_is_equal(one->owner, action->edit.zone) ||
		    ms_rrset_copy(&edit->add[type], &one->add) != KNOT_EOK ||
		    ms_rrset_copy(&edit->remove[type], &one->remove) != KNOT_EOK) {
			return false;
		}
	}
	return true;
}

void sim_knot_edit(sim_world_t *world, unsigned node, ms_action_t *action)
{
	edit_t *edit = calloc(1, sizeof(*edit));
	*edit = (edit_t){ .node = node, .life = world->node[node].life, .id = action->id,
	                  .zone = sim_zone_index(world, action->edit.zone), .apply = true,
	                  .has_serial = action->edit.has_serial, .serial = action->edit.serial };
	if (edit->zone < 0 || !take(action, edit)) {
		sim_fail(world, "%s: an edit that nobody wants", sim_node_name(node));
		drop_edit(edit);
		return;
	}
	check_own(world, node, edit);
	if (edit->has_serial && world->node[node].knots[edit->zone].signing) {
		sim_fail(world, "%s: a serial for a signed zone", sim_node_name(node));
	}
	if (sim_chance(world, world->faults.busy)) {
		edit->apply = false;
		edit->ret = KNOT_EBUSY;
	} else if (sim_chance(world, world->faults.lost_edit)) {
		/* The answer is lost, the edit may have landed or not. */
		edit->apply = sim_chance(world, 500);
		edit->ret = KNOT_ETIMEOUT;
	}
	sim_later(world, sim_between(world, 1, 20) * MS_MSEC, run_edit, edit, drop_edit);
}

typedef struct {
	unsigned node, life;
	int zone;
} refetch_t;

static void run_refetch(sim_world_t *world, void *data)
{
	refetch_t *refetch = data;
	if (world->node[refetch->node].life == refetch->life) {
		sim_owner_axfr(world, refetch->node, refetch->zone);
	}
	free(refetch);
}

void sim_knot_refetch(sim_world_t *world, unsigned node, const ms_action_t *action)
{
	refetch_t *refetch = malloc(sizeof(*refetch));
	*refetch = (refetch_t){ node, world->node[node].life,
	                        sim_zone_index(world, action->look.zone) };
	sim_later(world, sim_between(world, 5, 50) * MS_MSEC, run_refetch, refetch, free);
}
