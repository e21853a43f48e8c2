/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

/* Safety: what is put into a zone was some time a key of a provider that contributed it under its
 * signature, or stood there before anybody spoke, and never is one of the zone's own. */
void sim_check_added(sim_world_t *world, unsigned node, unsigned zone, const ms_rrset_t *keys)
{
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		unsigned origin = rr->data[4];
		if (origin == node) {
			sim_fail(world, "%s: its own key is written as a foreign one", sim_node_name(node));
		} else if (!sim_is_stray(zone, rr->data, rr->len) &&
		           (origin >= world->nodes ||
		            !ms_rrset_has(&world->node[origin].knots[zone].history, rr->data, rr->len))) {
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

/* What a provider has to say about a zone. */
static void statement(sim_world_t *world, unsigned node, unsigned zone, ms_contribution_t *out)
{
	const sim_knot_t *knot = &world->node[node].knots[zone];
	int ret = ms_rrset_copy(&out->set[MS_APEX_NS], &world->node[node].config.ns);
	for (unsigned i = 0; ret == KNOT_EOK && i < knot->key_count; i++) {
		const sim_key_t *key = &knot->keys[i];
		uint8_t cds[SIM_CDS_LEN];
		sim_cds(key->rdata, key->len, cds);
		/* Of a KSK the others need its CDS alone. */
		ret = key->zsk && !key->hidden
		    ? ms_rrset_add(&out->set[MS_APEX_DNSKEY], key->rdata, key->len) : KNOT_EOK;
		if (ret == KNOT_EOK && key->cds) {
			ret = ms_rrset_add(&out->set[MS_APEX_CDNSKEY], key->rdata, key->len);
			ret = ret == KNOT_EOK ? ms_rrset_add(&out->set[MS_APEX_CDS], cds, sizeof(cds)) : ret;
		}
	}
	if (ret != KNOT_EOK) {
		sim_fail(world, "the oracle has no memory");
	}
}

static bool says(const ms_contribution_t *a, const ms_contribution_t *b)
{
	bool same = true;
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		same &= ms_rrset_equal(&a->set[type], &b->set[type]);
	}
	return same;
}

static bool on_disk(const sim_node_t *node, const ms_zone_t *zone, const ms_pair_t *pair,
                    const ms_contribution_t *data)
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
	bool same = says(&rec.data, data);
	ms_contribution_clear(&rec.data);
	return same;
}

/* What node \a a knows of node \a b. \return NULL or what is wrong. */
static const char *check_pair(sim_world_t *world, unsigned a, unsigned b, unsigned zone)
{
	knot_dname_storage_t buf;
	sim_node_t *node = &world->node[a];
	const ms_zone_t *row = ms_zone_find(&node->agent, sim_zone_name(zone, buf));
	const ms_pair_t *pair = row != NULL ? ms_pair_find(row, world->node[b].config.identity) : NULL;
	if (pair == NULL || !ms_pair_on(pair) || !row->shared || row->self_state != MS_HSYNC_ON) {
		return NULL; /* they do not list each other */
	}
	if (pair->peer->relation != MS_PEER_OPERATIONAL) {
		return ms_relation_name(pair->peer->relation);
	}
	ms_contribution_t data = { 0 };
	statement(world, b, zone, &data);
	const char *wrong = !pair->has_held || !says(&pair->held, &data)
	                  ? "does not hold the current contribution"
	                  : !on_disk(node, row, pair, &data)
	                  ? "the current contribution is not on disk" : NULL;
	ms_contribution_clear(&data);
	return wrong;
}

/* What knotd does not take is not combined. */
static void drop_poison(ms_contribution_t *data)
{
	for (ms_apex_type_t type = MS_APEX_DNSKEY; type <= MS_APEX_CDNSKEY; type += 2) {
		ms_rrset_t *set = &data->set[type];
		for (uint16_t i = set->rrs.count; i > 0; i--) {
			const knot_rdata_t *rr = knot_rdataset_at(&set->rrs, i - 1);
			if (sim_is_poison(rr->data, rr->len)) {
				uint8_t rdata[SIM_KEY_LEN];
				memcpy(rdata, rr->data, sizeof(rdata));
				(void)ms_rrset_remove(set, rdata, sizeof(rdata));
			}
		}
	}
}

/* Those that are nobody else's business. */
static void add_ksks(sim_world_t *world, const sim_knot_t *knot, ms_rrset_t *out)
{
	for (unsigned i = 0; i < knot->key_count; i++) {
		const sim_key_t *key = &knot->keys[i];
		if (!key->zsk && !key->hidden &&
		    ms_rrset_add(out, key->rdata, key->len) != KNOT_EOK) {
			sim_fail(world, "the oracle has no memory");
		}
	}
}

/* What node \a node has to serve when everybody knows everything. */
static void expect(sim_world_t *world, unsigned node, unsigned zone, const ms_zone_t *row,
                   ms_contribution_t *out)
{
	const sim_owner_t *owner = &world->node[node].owners[zone];
	bool signing = world->node[node].knots[zone].signing;
	bool agent = (owner->agent & owner->listed) == owner->listed;
	bool edits = row->shared && row->self_state == MS_HSYNC_ON && sim_edits(world, node, zone);
	/* Where nobody signs, DNSSEC data are the owner's: it may sign by itself. */
	for (unsigned type = 0; type < MS_CONTRIB_TYPES && !signing; type++) {
		(void)ms_rrset_copy(&out->set[type], &owner->set[type]);
	}
	if (!edits || !agent) {
		(void)ms_rrset_copy(&out->set[MS_APEX_NS], &owner->set[MS_APEX_NS]);
	} else {
		ms_rrset_clear(&out->set[MS_APEX_NS]);
	}
	for (unsigned i = 0; i < world->nodes; i++) {
		const ms_pair_t *pair = ms_pair_find(row, world->node[i].config.identity);
		bool other = edits && pair != NULL && ms_pair_on(pair);
		ms_contribution_t data = { 0 };
		statement(world, i, zone, &data);
		if (i != node) {
			drop_poison(&data);
		} else {
			add_ksks(world, &world->node[i].knots[zone], &data.set[MS_APEX_DNSKEY]);
		}
		for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
			bool counts = type == MS_APEX_NS ? edits && agent && (other || i == node)
			                                 : other || i == node;
			if (counts && ms_rrset_union(&out->set[type], &data.set[type]) != KNOT_EOK) {
				sim_fail(world, "the oracle has no memory");
			}
		}
		ms_contribution_clear(&data);
	}
}

/* What some knotd never takes is never everywhere: nobody joins then, and nobody leaves. And of a zone that
 * nobody signs no parent is told: that waits for a person. */
static bool is_blocked(const sim_world_t *world, unsigned zone)
{
	bool blocked = world->nosign[zone] == (1u << world->nodes) - 1;
	for (unsigned i = 0; i < world->nodes && world->processes; i++) {
		const sim_knot_t *knot = &world->node[i].knots[zone];
		for (unsigned k = 0; k < knot->key_count; k++) {
			blocked |= sim_is_poison(knot->keys[k].rdata, knot->keys[k].len);
		}
	}
	return blocked;
}

static const char *check_apex(sim_world_t *world, unsigned node, unsigned zone,
                              const ms_zone_t *row)
{
	static const char *const wrong[MS_CONTRIB_TYPES] = { "DNSKEY", "CDS", "CDNSKEY", "NS", "CSYNC",
	                                                     "KEY" };
	ms_contribution_t want = { 0 };
	ms_apex_t apex = { 0 };
	const char *ret = NULL;
	expect(world, node, zone, row, &want);
	sim_knot_apex(world, node, zone, &apex);
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		bool free = type == MS_APEX_NS && is_blocked(world, zone);
		if (!free && !ms_rrset_equal(&apex.set[type], &want.set[type])) {
			ret = wrong[type];
		}
	}
	ms_contribution_clear(&want);
	ms_apex_clear(&apex);
	return ret;
}

/* With nobody else's keys in a signed zone, no version of it shows what the owner has: an alarm that
 * is about the owner's data cannot end by itself. */
static bool is_veiled(const sim_world_t *world, unsigned node, unsigned zone)
{
	const sim_knot_t *knot = &world->node[node].knots[zone];
	bool veiled = knot->signing;
	knot_rdata_t *rr = knot->set[MS_APEX_DNSKEY].rrs.rdata;
	for (uint16_t i = 0; i < knot->set[MS_APEX_DNSKEY].rrs.count; i++, rr = knot_rdataset_next(rr)) {
		veiled &= sim_is_stray(zone, rr->data, rr->len);
	}
	return veiled;
}

/* Is this alarm right, as the owner's zone is now? */
static bool may_alarm(sim_world_t *world, unsigned node, unsigned zone, ms_alarm_t alarm)
{
	const sim_owner_t *owner = &world->node[node].owners[zone];
	ms_rrset_t ns = { 0 };
	bool right = is_veiled(world, node, zone);
	switch (alarm) {
	case MS_ALARM_OWNER_DNSSEC:
		for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
			right |= type != MS_APEX_NS && owner->set[type].rrs.count > 0;
		}
		return right;
	case MS_ALARM_NS_DIFFER:
		sim_union(world, node, zone, &ns);
		right |= owner->agent != 0 && !ms_rrset_equal(&ns, &owner->set[MS_APEX_NS]);
		right |= is_blocked(world, zone);
		ms_rrset_clear(&ns);
		return right;
	case MS_ALARM_PROCESS:
	case MS_ALARM_RECORD_REFUSED:
		/* Until the next reload. */
		return true;
	default:
		return false;
	}
}

static const char *check_zone(sim_world_t *world, unsigned node, unsigned zone, bool fetched,
                              char buf[64])
{
	const sim_knot_t *knot = &world->node[node].knots[zone];
	knot_dname_storage_t name;
	const ms_zone_t *row = ms_zone_find(&world->node[node].agent, sim_zone_name(zone, name));
	const char *type = row != NULL ? check_apex(world, node, zone, row) : "zone";
	if (type != NULL) {
		snprintf(buf, 64, "its %s is not what it should be", type);
		return buf;
	}
	if (knot->seen != knot->version || knot->open != knot->version) {
		return "the gate is shut";
	}
	for (ms_alarm_t alarm = 0; alarm < MS_ALARM_COUNT; alarm++) {
		bool owners = alarm == MS_ALARM_OWNER_DNSSEC || alarm == MS_ALARM_NS_DIFFER;
		if (ms_zone_alarmed(row, alarm) && (fetched || !owners) && !may_alarm(world, node, zone, alarm)) {
			snprintf(buf, 64, "alarm %s should be over", ms_alarm_name(alarm));
			return buf;
		}
	}
	return NULL;
}

bool sim_converged(sim_world_t *world, bool fetched, char why[128])
{
	for (unsigned a = 0; a < world->nodes; a++) {
		for (unsigned zone = 0; zone < world->zones; zone++) {
			char buf[64];
			const char *wrong = world->node[a].up ? NULL : "is down";
			for (unsigned b = 0; b < world->nodes && wrong == NULL; b++) {
				wrong = a != b ? check_pair(world, a, b, zone) : NULL;
				if (wrong != NULL) {
					snprintf(why, 128, "%s of %s: %s", sim_node_name(a), sim_node_name(b), wrong);
					return false;
				}
			}
			wrong = wrong == NULL ? check_zone(world, a, zone, fetched, buf) : wrong;
			if (wrong != NULL) {
				snprintf(why, 128, "%s, zone %u: %s", sim_node_name(a), zone, wrong);
				return false;
			}
		}
	}
	return true;
}
