/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The owner's zone: HSYNC, NS, and what the owner should not have; how it comes to a provider. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint16_t sim_ns(unsigned name, uint8_t rdata[64])
{
	char text[64];
	if (name < 2 * SIM_NODES) {
		snprintf(text, sizeof(text), "ns%u.%s.", 1 + name % 2, sim_node_name(name / 2));
	} else {
		snprintf(text, sizeof(text), "ns%u.owner.", name - 2 * SIM_NODES);
	}
	(void)knot_dname_from_str(rdata, text, 64);
	return knot_dname_size(rdata);
}

/* One stray DNSKEY per zone, the same at every provider. */
static void stray_key(unsigned zone, uint8_t rdata[SIM_KEY_LEN])
{
	memset(rdata, SIM_STRAY, SIM_KEY_LEN);
	memcpy(rdata, "\x01\x01\x03\x0f", 4); /* 257 3 15 */
	rdata[5] = zone;
}

bool sim_is_stray(unsigned zone, const uint8_t *rdata, uint16_t len)
{
	uint8_t key[SIM_KEY_LEN];
	stray_key(zone, key);
	return len == sizeof(key) && memcmp(rdata, key, len) == 0;
}

void sim_owner_free(sim_owner_t *owner)
{
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		ms_rrset_clear(&owner->set[type]);
		ms_rrset_clear(&owner->before[type]);
	}
}

static void add_ns(sim_world_t *world, ms_rrset_t *set, unsigned name)
{
	uint8_t rdata[64];
	uint16_t len = sim_ns(name, rdata);
	if (ms_rrset_add(set, rdata, len) != KNOT_EOK) {
		sim_fail(world, "an NS record cannot be made");
	}
	set->ttl = 3600;
}

static void copy_sets(sim_world_t *world, ms_rrset_t *to, const ms_rrset_t *from)
{
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		if (ms_rrset_copy(&to[type], &from[type]) != KNOT_EOK) {
			sim_fail(world, "a version cannot be copied");
		}
	}
}

void sim_owner_init(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_owner_t *owner = &world->node[node].owners[zone];
	sim_knot_t *knot = &world->node[node].knots[zone];
	/* Near the end of the numbers, so that some go round. */
	owner->serial = owner->since = UINT32_MAX - 20 * zone;
	add_ns(world, &owner->set[MS_APEX_NS], 2 * SIM_NODES);
	copy_sets(world, owner->before, owner->set);
	copy_sets(world, knot->set, owner->set);
	knot->fetched = knot->serial = owner->serial;
	knot->loaded = true;
	knot->version++;
}

/* Transfers. */

static void fetched(sim_world_t *world, unsigned node, unsigned zone)
{
	const sim_owner_t *owner = &world->node[node].owners[zone];
	sim_knot_t *knot = &world->node[node].knots[zone];
	knot->fetched = owner->serial;
	knot->listed = owner->listed;
	knot->agent = owner->agent;
	knot->serial = knot->signing ? knot->serial + 1 : owner->serial;
	sim_new_version(world, node, zone);
}

static void whole(sim_world_t *world, unsigned node, unsigned zone)
{
	const sim_owner_t *owner = &world->node[node].owners[zone];
	sim_knot_t *knot = &world->node[node].knots[zone];
	sim_trace(world, "%s: *** AXFR of version %u takes the edits away", sim_node_name(node),
	          owner->serial);
	copy_sets(world, knot->set, owner->set);
	fetched(world, node, zone);
}

/* Differences against the contents as they are, all or nothing: what is to go must be there, what
 * is to come must not. */
static bool differences(sim_world_t *world, unsigned node, unsigned zone)
{
	const sim_owner_t *owner = &world->node[node].owners[zone];
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_rrset_t next[MS_APEX_TYPES] = { 0 };
	bool good = true;
	copy_sets(world, next, knot->set);
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		ms_rrset_t gone = { 0 }, come = { 0 };
		(void)ms_rrset_copy(&gone, &owner->before[type]);
		(void)ms_rrset_minus(&gone, &owner->set[type]);
		(void)ms_rrset_copy(&come, &owner->set[type]);
		(void)ms_rrset_minus(&come, &owner->before[type]);
		unsigned count = next[type].rrs.count;
		(void)ms_rrset_minus(&next[type], &gone);
		good &= next[type].rrs.count + gone.rrs.count == count;
		count = next[type].rrs.count;
		(void)ms_rrset_union(&next[type], &come);
		good &= next[type].rrs.count == count + come.rrs.count;
		ms_rrset_clear(&gone);
		ms_rrset_clear(&come);
	}
	if (good) {
		copy_sets(world, knot->set, next);
		sim_trace(world, "%s: *** IXFR to version %u", sim_node_name(node), owner->serial);
		fetched(world, node, zone);
	}
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		ms_rrset_clear(&next[type]);
	}
	return good;
}

static void transfer(sim_world_t *world, unsigned node, unsigned zone, bool axfr)
{
	const sim_node_t *n = &world->node[node];
	const sim_owner_t *owner = &n->owners[zone];
	const sim_knot_t *knot = &n->knots[zone];
	/* Where it signs, knotd keeps the owner's serial apart from its own. */
	uint32_t at = knot->signing ? knot->fetched : knot->serial;
	if (!n->up || (int32_t)(owner->serial - at) <= 0) {
		return;
	}
	if (axfr || at != owner->since || !differences(world, node, zone)) {
		whole(world, node, zone);
	}
}

void sim_owner_refresh(sim_world_t *world, unsigned node, unsigned zone)
{
	transfer(world, node, zone, false);
}

void sim_owner_axfr(sim_world_t *world, unsigned node, unsigned zone)
{
	if (world->node[node].up) {
		whole(world, node, zone);
	}
}

/* Changes: the version before is kept for an IXFR. */

static sim_owner_t *change(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_owner_t *owner = &world->node[node].owners[zone];
	copy_sets(world, owner->before, owner->set);
	owner->since = owner->serial++;
	return owner;
}

static void publish(sim_world_t *world, unsigned node, unsigned zone)
{
	transfer(world, node, zone, sim_chance(world, 300));
}

static void make_hsync(sim_world_t *world, unsigned zone, sim_owner_t *owner)
{
	ms_rrset_clear(&owner->set[MS_APEX_HSYNC]);
	for (unsigned i = 0; i < world->nodes; i++) {
		if (!(owner->listed & (1u << i))) {
			continue;
		}
		char text[96];
		uint8_t rdata[MS_HSYNC_RDATA_MAX];
		ms_hsync_t hsync;
		snprintf(text, sizeof(text), "%s %s %s agent.%s. .",
		         owner->on & (1u << i) ? "ON" : "OFF",
		         owner->agent & (1u << i) ? "AGENT" : "OWNER",
		         world->nosign[zone] & (1u << i) ? "NOSIGN" : "SIGN", sim_node_name(i));
		int len = ms_hsync_from_text(text, &hsync) == KNOT_EOK
		        ? ms_hsync_encode(&hsync, rdata, sizeof(rdata)) : -1;
		if (len < 0 || ms_rrset_add(&owner->set[MS_APEX_HSYNC], rdata, len) != KNOT_EOK) {
			sim_fail(world, "an HSYNC record cannot be made");
		}
	}
}

void sim_owner_hsync(sim_world_t *world, unsigned node, unsigned zone, unsigned listed, unsigned on)
{
	sim_owner_t *owner = change(world, node, zone);
	owner->listed = listed;
	owner->on = on;
	make_hsync(world, zone, owner);
	publish(world, node, zone);
}

void sim_owner_nsmgmt(sim_world_t *world, unsigned node, unsigned zone, unsigned agent)
{
	sim_owner_t *owner = change(world, node, zone);
	owner->agent = agent;
	make_hsync(world, zone, owner);
	publish(world, node, zone);
}

void sim_owner_ns(sim_world_t *world, unsigned node, unsigned zone, unsigned names)
{
	sim_owner_t *owner = change(world, node, zone);
	ms_rrset_clear(&owner->set[MS_APEX_NS]);
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		if (names & (1u << name)) {
			add_ns(world, &owner->set[MS_APEX_NS], name);
		}
	}
	publish(world, node, zone);
}

void sim_owner_strays(sim_world_t *world, unsigned node, unsigned zone, unsigned types)
{
	sim_owner_t *owner = change(world, node, zone);
	uint8_t key[SIM_KEY_LEN], cds[SIM_CDS_LEN];
	stray_key(zone, key);
	sim_cds(key, sizeof(key), cds);
	const struct {
		ms_apex_type_t type;
		const uint8_t *rdata;
		uint16_t len;
	} strays[] = {
		{ MS_APEX_DNSKEY, key, sizeof(key) },
		{ MS_APEX_CDS, cds, sizeof(cds) },
		{ MS_APEX_CDNSKEY, key, sizeof(key) },
		{ MS_APEX_CSYNC, (const uint8_t *)"\0\0\0\1\0\1\0\1\x20", 9 },
	};
	for (unsigned i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		ms_rrset_t *set = &owner->set[strays[i].type];
		ms_rrset_clear(set);
		if ((types & (1u << strays[i].type)) &&
		    ms_rrset_add(set, strays[i].rdata, strays[i].len) != KNOT_EOK) {
			sim_fail(world, "a stray cannot be made");
		}
	}
	publish(world, node, zone);
}

void sim_owner_touch(sim_world_t *world, unsigned node, unsigned zone)
{
	(void)change(world, node, zone);
	publish(world, node, zone);
}
