/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

/* Safety: what stands in a zone by editing was some time a key of a provider that contributed it
 * under its signature, and never one of the zone's own. */
void sim_check_foreign(sim_world_t *world, unsigned node, unsigned zone)
{
	const sim_knot_t *knot = &world->node[node].knots[zone];
	knot_rdata_t *rr = knot->foreign.rrs.rdata;
	for (uint16_t i = 0; i < knot->foreign.rrs.count; i++, rr = knot_rdataset_next(rr)) {
		unsigned origin = rr->data[4];
		if (origin == node) {
			sim_fail(world, "%s: its own key is written as a foreign one", sim_node_name(node));
		} else if (origin >= world->nodes ||
		           !ms_rrset_has(&world->node[origin].knots[zone].history, rr->data, rr->len)) {
			sim_fail(world, "%s: a key that nobody ever had", sim_node_name(node));
		}
	}
}

/* "Nothing confirmed is lost": what is answered NOERROR is on disk, or something newer. */
void sim_check_confirmed(sim_world_t *world, unsigned node, const sim_reply_t *reply)
{
	ms_rec_key_t key = { .kind = MS_REC_CONTRIBUTION };
	ms_rec_contribution_t rec;
	memcpy(key.zone, reply->zone, sizeof(key.zone));
	memcpy(key.origin, world->node[reply->from].config.identity, sizeof(key.origin));
	const sim_record_t *found = sim_disk_find(&world->node[node], &key);
	if (found == NULL ||
	    ms_rec_contribution_decode(found->value, found->value_len, &rec) != KNOT_EOK) {
		sim_fail(world, "%s confirms what is not on disk", sim_node_name(node));
		return;
	}
	if ((int32_t)(rec.inception - reply->inception) < 0) {
		sim_fail(world, "%s confirms what is newer than the disk", sim_node_name(node));
	}
	ms_contribution_clear(&rec.data);
}

static bool holds(const ms_rrset_t *set, const sim_knot_t *origin)
{
	bool all = set->rrs.count == origin->key_count;
	for (unsigned i = 0; all && i < origin->key_count; i++) {
		all = ms_rrset_has(set, origin->keys[i].rdata, SIM_KEY_LEN);
	}
	return all;
}

static bool on_disk(const sim_node_t *node, const ms_zone_t *zone, const ms_pair_t *pair,
                    const sim_knot_t *origin)
{
	ms_rec_key_t key = { .kind = MS_REC_CONTRIBUTION };
	ms_rec_contribution_t rec;
	memcpy(key.zone, zone->name, knot_dname_size(zone->name));
	memcpy(key.origin, pair->peer->identity, knot_dname_size(pair->peer->identity));
	const sim_record_t *found = sim_disk_find(node, &key);
	if (found == NULL ||
	    ms_rec_contribution_decode(found->value, found->value_len, &rec) != KNOT_EOK) {
		return false;
	}
	bool same = holds(&rec.data.set[MS_APEX_DNSKEY], origin);
	ms_contribution_clear(&rec.data);
	return same;
}

/* What node \a a knows and serves of node \a b. \return NULL or what is wrong. */
static const char *check_pair(sim_world_t *world, unsigned a, unsigned b, unsigned zone)
{
	knot_dname_storage_t buf;
	sim_node_t *node = &world->node[a];
	const sim_knot_t *origin = &world->node[b].knots[zone];
	const ms_zone_t *row = ms_zone_find(&node->agent, sim_zone_name(zone, buf));
	const ms_pair_t *pair = row != NULL ? ms_pair_find(row, world->node[b].config.identity) : NULL;
	if (pair == NULL || !ms_pair_on(pair) || !row->shared || row->self_state != MS_HSYNC_ON) {
		return NULL; /* they do not list each other */
	}
	if (pair->peer->relation != MS_PEER_OPERATIONAL) {
		return ms_relation_name(pair->peer->relation);
	}
	if (!pair->has_held || !holds(&pair->held.set[MS_APEX_DNSKEY], origin)) {
		return "does not hold the current contribution";
	}
	if (!on_disk(node, row, pair, origin)) {
		return "the current contribution is not on disk";
	}
	for (unsigned i = 0; i < origin->key_count; i++) {
		if (!ms_rrset_has(&node->knots[zone].foreign, origin->keys[i].rdata, SIM_KEY_LEN)) {
			return "does not serve a key";
		}
	}
	/* And none that was withdrawn. */
	knot_rdata_t *rr = node->knots[zone].foreign.rrs.rdata;
	for (uint16_t i = 0; i < node->knots[zone].foreign.rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		bool current = rr->data[4] != b;
		for (unsigned k = 0; k < origin->key_count; k++) {
			current |= memcmp(origin->keys[k].rdata, rr->data, SIM_KEY_LEN) == 0;
		}
		if (!current) {
			return "serves a key that was withdrawn";
		}
	}
	return NULL;
}

bool sim_converged(sim_world_t *world, char why[128])
{
	for (unsigned a = 0; a < world->nodes; a++) {
		for (unsigned b = 0; b < world->nodes; b++) {
			for (unsigned zone = 0; zone < world->zones && a != b; zone++) {
				const char *wrong = world->node[a].up ? check_pair(world, a, b, zone) : "is down";
				if (wrong != NULL) {
					snprintf(why, 128, "%s of %s: %s", sim_node_name(a), sim_node_name(b), wrong);
					return false;
				}
			}
		}
	}
	return true;
}
