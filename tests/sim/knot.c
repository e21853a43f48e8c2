/* SPDX-License-Identifier: GPL-3.0-or-later */
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
	ms_rrset_clear(&knot->foreign);
	ms_rrset_clear(&knot->hsync);
}

/* A colliding tag is refused by the others until the signer makes another key (F-16). */
static bool tag_taken(const sim_world_t *world, unsigned zone, const uint8_t *rdata)
{
	ms_dnskey_t key, other;
	(void)ms_dnskey_decode(rdata, SIM_KEY_LEN, &key);
	for (unsigned node = 0; node < world->nodes; node++) {
		const ms_rrset_t *history = &world->node[node].knots[zone].history;
		knot_rdata_t *rr = history->rrs.rdata;
		for (uint16_t i = 0; i < history->rrs.count; i++, rr = knot_rdataset_next(rr)) {
			if (ms_dnskey_decode(rr->data, rr->len, &other) == KNOT_EOK && other.tag == key.tag) {
				return true;
			}
		}
	}
	return false;
}

void sim_knot_add_key(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	if (knot->key_count == SIM_KEYS) {
		return;
	}
	sim_key_t *key = &knot->keys[knot->key_count++];
	memcpy(key->rdata, "\x01\x00\x03\x0f", 4); /* 256 3 15 */
	do {
		for (unsigned i = 4; i < SIM_KEY_LEN; i++) {
			key->rdata[i] = ms_rng_next(&world->rng);
		}
		/* Any octets pass for a public key; the first one tells whose it is. */
		key->rdata[4] = node;
	} while (tag_taken(world, zone, key->rdata));
	if (ms_dnskey_keyid(key->rdata, SIM_KEY_LEN, key->id) != KNOT_EOK ||
	    ms_rrset_add(&knot->history, key->rdata, SIM_KEY_LEN) != KNOT_EOK) {
		sim_fail(world, "a key cannot be made");
	}
	knot->loaded = true;
	knot->serial++;
}

void sim_knot_drop_key(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	if (knot->key_count > 1) {
		knot->key_count--;
		memmove(knot->keys, knot->keys + 1, knot->key_count * sizeof(knot->keys[0]));
		knot->serial++;
	}
}

void sim_knot_seen(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_event_t *event = calloc(1, sizeof(*event));
	ms_apex_t *apex = calloc(1, sizeof(*apex));
	event->kind = MS_EV_APEX;
	event->apex = apex;
	sim_zone_name(zone, event->zone);
	apex->serial = knot->serial;
	int ret = ms_rrset_copy(&apex->set[MS_APEX_DNSKEY], &knot->foreign);
	for (unsigned i = 0; ret == KNOT_EOK && i < knot->key_count; i++) {
		ret = ms_rrset_add(&apex->set[MS_APEX_DNSKEY], knot->keys[i].rdata, SIM_KEY_LEN);
	}
	apex->set[MS_APEX_DNSKEY].ttl = 300;
	if (ret != KNOT_EOK || ms_rrset_copy(&apex->set[MS_APEX_HSYNC], &knot->hsync) != KNOT_EOK ||
	    ms_rrset_add(&apex->set[MS_APEX_SOA], soa, sizeof(soa)) != KNOT_EOK) {
		sim_fail(world, "an apex cannot be made");
	}
	/* The first query that meets a version copies it: in order, within a poll. */
	sim_feed_later(world, 25 * MS_MSEC, node, event);
}

void sim_knot_axfr(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	sim_trace(world, "%s: *** the owner's AXFR takes the edits away", sim_node_name(node));
	ms_rrset_clear(&knot->foreign);
	knot->serial++;
	sim_knot_seen(world, node, zone);
}

void sim_owner_hsync(sim_world_t *world, unsigned node, unsigned zone, unsigned listed, unsigned on)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_rrset_clear(&knot->hsync);
	for (unsigned i = 0; i < world->nodes; i++) {
		if (!(listed & (1u << i))) {
			continue;
		}
		char text[96];
		uint8_t rdata[MS_HSYNC_RDATA_MAX];
		ms_hsync_t hsync;
		snprintf(text, sizeof(text), "%s OWNER SIGN agent.%s. .",
		         on & (1u << i) ? "ON" : "OFF", sim_node_name(i));
		int len = ms_hsync_from_text(text, &hsync) == KNOT_EOK
		        ? ms_hsync_encode(&hsync, rdata, sizeof(rdata)) : -1;
		if (len < 0 || ms_rrset_add(&knot->hsync, rdata, len) != KNOT_EOK) {
			sim_fail(world, "an HSYNC record cannot be made");
		}
	}
	knot->serial++;
	sim_knot_seen(world, node, zone);
}

typedef struct {
	unsigned node, life;
	int zone;
	uint64_t id;
	int ret;
	bool apply;
	ms_rrset_t add, remove;
} edit_t;

static void drop_edit(void *data)
{
	edit_t *edit = data;
	ms_rrset_clear(&edit->add);
	ms_rrset_clear(&edit->remove);
	free(edit);
}

static void run_edit(sim_world_t *world, void *data)
{
	edit_t *edit = data;
	sim_knot_t *knot = &world->node[edit->node].knots[edit->zone];
	if (edit->apply) {
		(void)ms_rrset_union(&knot->foreign, &edit->add);
		(void)ms_rrset_minus(&knot->foreign, &edit->remove);
		knot->serial++;
		sim_trace(world, "%s: knotd commits +%u -%u", sim_node_name(edit->node),
		          edit->add.rrs.count, edit->remove.rrs.count);
		sim_check_foreign(world, edit->node, edit->zone);
		sim_knot_seen(world, edit->node, edit->zone);
	}
	if (world->node[edit->node].up && world->node[edit->node].life == edit->life) {
		ms_event_t *event = calloc(1, sizeof(*event));
		event->kind = MS_EV_EDITED;
		event->id = edit->id;
		event->ret = edit->ret;
		event->edited.changed = edit->apply;
		sim_zone_name(edit->zone, event->zone);
		sim_feed_later(world, 0, edit->node, event);
	}
	drop_edit(edit);
}

void sim_knot_edit(sim_world_t *world, unsigned node, ms_action_t *action)
{
	edit_t *edit = calloc(1, sizeof(*edit));
	*edit = (edit_t){ .node = node, .life = world->node[node].life, .id = action->id,
	                  .zone = sim_zone_index(world, action->edit.zone), .apply = true };
	if (edit->zone < 0 || action->edit.count != 1 ||
	    action->edit.edits[0].rrtype != KNOT_RRTYPE_DNSKEY) {
		sim_fail(world, "%s: an edit that nobody wants", sim_node_name(node));
		free(edit);
		return;
	}
	const sim_knot_t *knot = &world->node[node].knots[edit->zone];
	for (unsigned i = 0; i < knot->key_count; i++) {
		if (ms_rrset_has(&action->edit.edits[0].remove, knot->keys[i].rdata, SIM_KEY_LEN)) {
			sim_fail(world, "%s: an edit removes an own key", sim_node_name(node));
		}
	}
	(void)ms_rrset_copy(&edit->add, &action->edit.edits[0].add);
	(void)ms_rrset_copy(&edit->remove, &action->edit.edits[0].remove);
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

void sim_knot_keys(sim_world_t *world, unsigned node, const ms_action_t *action)
{
	int zone = sim_zone_index(world, action->keys.zone);
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_KEYS;
	event->id = action->id;
	sim_zone_name(zone, event->zone);
	event->keys.made = action->keys.op == MS_KEYS_MAKE;
	event->keys.count = knot->key_count;
	event->keys.list = calloc(SIM_KEYS, sizeof(*event->keys.list));
	for (unsigned i = 0; i < knot->key_count; i++) {
		memcpy(event->keys.list[i].id, knot->keys[i].id, sizeof(knot->keys[i].id));
		event->keys.list[i].zsk = true;
		event->keys.list[i].algorithm = 15;
	}
	sim_feed_later(world, sim_between(world, 5, 15) * MS_MSEC, node, event);
}
