/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Safety: what every version that leaves a server must have, whatever happens around it. */
#include "world.h"

#include <string.h>

#include <libknot/libknot.h>

#include "core/wanted.h"

/* What was confirmed to the others must not vanish from what is served. */

void sim_forget_shown(sim_knot_t *knot)
{
	ms_rrset_clear(&knot->memory.shown);
	knot->memory.combined = false;
}

/* A statement that has arrived may be acted upon before it is confirmed. */
void sim_note_statement(sim_world_t *world, unsigned node, const ms_event_t *event)
{
	const ms_msg_t *msg = event->message.msg;
	int zone = msg->kind == MS_MSG_UPDATE ? sim_zone_index(world, msg->qname) : -1;
	int from = sim_node_index(world, event->message.from);
	if (zone < 0 || from < 0 || !(msg->update.stated & (1u << MS_APEX_DNSKEY))) {
		return;
	}
	ms_rrset_t *owed = &world->node[node].knots[zone].memory.confirmed[from];
	ms_rrset_t gone = { 0 };
	if (ms_rrset_copy(&gone, owed) != KNOT_EOK ||
	    ms_rrset_minus(&gone, &msg->update.set[MS_APEX_DNSKEY]) != KNOT_EOK ||
	    ms_rrset_minus(owed, &gone) != KNOT_EOK) {
		sim_fail(world, "the oracle has no memory");
	}
	ms_rrset_clear(&gone);
}

void sim_note_confirmed(sim_world_t *world, unsigned node, unsigned from, const ms_msg_t *msg)
{
	int zone = sim_zone_index(world, msg->qname);
	if (zone >= 0 && (msg->update.stated & (1u << MS_APEX_DNSKEY)) &&
	    ms_rrset_copy(&world->node[node].knots[zone].memory.confirmed[from],
	                  &msg->update.set[MS_APEX_DNSKEY]) != KNOT_EOK) {
		sim_fail(world, "the oracle has no memory");
	}
}

/* Who leaves takes its keys along: what that does to validators is not judged here. */
static bool is_owed(const sim_world_t *world, const ms_zone_t *row, unsigned from)
{
	const ms_pair_t *pair = ms_pair_find(row, world->node[from].config.identity);
	return !world->processes || (pair != NULL && ms_pair_on(pair) && pair->has_held);
}

/* A key that was confirmed and shown once stays, until it is withdrawn. */
static void check_keys(sim_world_t *world, unsigned node, const ms_zone_t *row, sim_knot_t *knot,
                       const ms_apex_t *apex)
{
	sim_memory_t *memory = &knot->memory;
	const ms_rrset_t *keys = &apex->set[MS_APEX_DNSKEY];
	for (unsigned from = 0; from < world->nodes && knot->signing && row->shared; from++) {
		knot_rdata_t *rr = memory->confirmed[from].rrs.rdata;
		for (uint16_t i = 0; i < memory->confirmed[from].rrs.count;
		     i++, rr = knot_rdataset_next(rr)) {
			if (is_owed(world, row, from) && ms_rrset_has(&memory->shown, rr->data, rr->len) &&
			    !ms_rrset_has(keys, rr->data, rr->len)) {
				sim_fail(world, "%s lets version %u out without a confirmed key of %s",
				         sim_node_name(node), apex->serial, sim_node_name(from));
			}
		}
	}
	(void)ms_rrset_union(&memory->shown, keys);
}

/* NS under AGENT. */

void sim_union(sim_world_t *world, unsigned node, unsigned zone, ms_rrset_t *out)
{
	const sim_node_t *n = &world->node[node];
	knot_dname_storage_t buf;
	const ms_zone_t *row = ms_zone_find(&n->agent, sim_zone_name(zone, buf));
	int ret = ms_rrset_copy(out, &n->config.ns);
	for (size_t i = 0; ret == KNOT_EOK && row != NULL && i < row->pair_count; i++) {
		const ms_pair_t *pair = &row->pairs[i];
		if (pair->leaving || ms_pair_on(pair)) {
			ret = ms_rrset_union(out, &pair->held.set[MS_APEX_NS]);
		}
	}
	if (ret != KNOT_EOK) {
		sim_fail(world, "the oracle has no memory");
	}
}

static ms_digest_t digest_of(sim_world_t *world, const ms_rrset_t *ns)
{
	ms_rrset_t bare = { .rrs = ns->rrs };
	const ms_rrset_t *sets[] = { &bare };
	const uint16_t types[] = { KNOT_RRTYPE_NS };
	ms_digest_t digest = { { 0 } };
	if (ms_rrsets_digest(sets, types, 1, &digest) != KNOT_EOK) {
		sim_fail(world, "the oracle has no memory");
	}
	return digest;
}

static bool remembers(const sim_memory_t *memory, const ms_digest_t *digest)
{
	for (size_t i = 0; i < memory->union_count; i++) {
		if (ms_digest_equal(&memory->unions[i], digest)) {
			return true;
		}
	}
	return false;
}

static void remember(sim_memory_t *memory, const ms_digest_t *digest)
{
	if (memory->union_count == SIM_UNIONS) {
		memory->union_count--;
		memmove(memory->unions, memory->unions + 1,
		        memory->union_count * sizeof(memory->unions[0]));
	}
	memory->unions[memory->union_count++] = *digest;
}

void sim_note_union(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_memory_t *memory = &world->node[node].knots[zone].memory;
	ms_rrset_t ns = { 0 };
	sim_union(world, node, zone, &ns);
	ms_digest_t digest = digest_of(world, &ns);
	ms_rrset_clear(&ns);
	if (!remembers(memory, &digest)) {
		remember(memory, &digest);
	}
}

void sim_note_restored(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_node_t *n = &world->node[node];
	knot_dname_storage_t buf;
	const ms_zone_t *row = ms_zone_find(&n->agent, sim_zone_name(zone, buf));
	static const ms_rrset_t none;
	n->knots[zone].memory.restored = digest_of(world, row != NULL ? &row->written.set[MS_APEX_NS]
	                                                              : &none);
}

/* A change was under way before the start: where nothing may be changed any more, before and after
 * both stay. */
static bool is_restored(const sim_node_t *node, const sim_memory_t *memory, const ms_zone_t *row,
                        const ms_digest_t *digest)
{
	return ms_combine_of(&node->agent, row) == MS_COMBINE_FROZEN &&
	       ms_digest_equal(digest, &memory->restored);
}

bool sim_edits(const sim_world_t *world, unsigned node, unsigned zone)
{
	unsigned all = (1u << world->nodes) - 1;
	return !(world->nosign[zone] & (1u << node)) || world->nosign[zone] == all;
}

/* The owner says so in this version, and the agent knows. */
static bool is_agents(const sim_world_t *world, unsigned node, unsigned zone, const ms_zone_t *row)
{
	const sim_knot_t *knot = &world->node[node].knots[zone];
	return sim_edits(world, node, zone) && row->shared && row->nsmgmt == MS_HSYNC_AGENT &&
	       (knot->listed & (1u << node)) && (knot->agent & knot->listed) == knot->listed;
}

/* With processes it is that of some of them; none of the owner's own names. */
static bool is_providers(const ms_rrset_t *ns)
{
	return sim_ns_names(ns) >> 2 * SIM_NODES == 0;
}

/* Once the union was shown it is always one of the unions since, never the owner's set. */
static void check_ns(sim_world_t *world, unsigned node, unsigned zone, const ms_zone_t *row,
                     const ms_apex_t *apex)
{
	sim_memory_t *memory = &world->node[node].knots[zone].memory;
	ms_digest_t digest = digest_of(world, &apex->set[MS_APEX_NS]);
	if (apex->set[MS_APEX_NS].rrs.count == 0) {
		sim_fail(world, "%s lets version %u out without NS", sim_node_name(node), apex->serial);
	}
	bool is_union = remembers(memory, &digest) ||
	                is_restored(&world->node[node], memory, row, &digest);
	bool is_right = is_union || (world->processes && is_providers(&apex->set[MS_APEX_NS]));
	if (!is_agents(world, node, zone, row)) {
		memory->combined = false;
	} else if (memory->combined && !is_right) {
		sim_fail(world, "%s lets version %u out with an NS RRset that is not the union's",
		         sim_node_name(node), apex->serial);
	} else if (is_union && row->self_state == MS_HSYNC_ON) {
		/* While we are OFF, an owner's set that equals the union is still the owner's. */
		memory->combined = true;
	}
	memory->union_count = 0;
	sim_note_union(world, node, zone);
	if (memory->combined && !remembers(memory, &digest)) {
		/* What is shown may stay while we are OFF. */
		remember(memory, &digest);
	}
}

/* Once serials are of our making they only grow (RFC 1982), while the zone is shared. */
static void check_serial(sim_world_t *world, unsigned node, unsigned zone, const ms_zone_t *row,
                         const ms_apex_t *apex)
{
	sim_node_t *n = &world->node[node];
	sim_memory_t *memory = &n->knots[zone].memory;
	knot_dname_storage_t buf;
	const ms_view_zone_t *seen = ms_view_zone(n->view, sim_zone_name(zone, buf));
	bool counted = seen != NULL && seen->wanted != NULL && seen->wanted->has_serial;
	memory->counted = memory->counted && row->shared && row->self_state == MS_HSYNC_ON;
	if (memory->counted && (int32_t)(apex->serial - memory->serial) < 0) {
		sim_fail(world, "%s lets version %u out after %u", sim_node_name(node), apex->serial,
		         memory->serial);
	}
	memory->counted |= counted;
	memory->serial = apex->serial;
}

void sim_check_let_out(sim_world_t *world, unsigned node, unsigned zone, const ms_apex_t *apex)
{
	sim_node_t *n = &world->node[node];
	knot_dname_storage_t buf;
	const ms_zone_t *row = ms_zone_find(&n->agent, sim_zone_name(zone, buf));
	if (row != NULL) {
		check_keys(world, node, row, &n->knots[zone], apex);
		check_ns(world, node, zone, row, apex);
		check_serial(world, node, zone, row, apex);
	}
}
