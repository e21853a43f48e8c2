/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Knot's key manager: which keys a zone has, what each of them does, and what follows from that. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

/* A colliding tag is refused by the others until the signer makes another key (F-16). */
static bool tag_taken(const sim_world_t *world, unsigned zone, uint16_t tag)
{
	ms_dnskey_t other;
	for (unsigned node = 0; node < world->nodes; node++) {
		const ms_rrset_t *history = &world->node[node].knots[zone].history;
		knot_rdata_t *rr = history->rrs.rdata;
		for (uint16_t i = 0; i < history->rrs.count; i++, rr = knot_rdataset_next(rr)) {
			if (ms_dnskey_decode(rr->data, rr->len, &other) == KNOT_EOK && other.tag == tag) {
				return true;
			}
		}
	}
	return false;
}

static void new_version(sim_world_t *world, unsigned node, unsigned zone)
{
	/* Every version that knotd makes by itself has the next serial. */
	world->node[node].knots[zone].serial++;
	sim_new_version(world, node, zone);
}

static uint16_t draw_key(sim_world_t *world, unsigned node, sim_key_t *key)
{
	ms_dnskey_t info = { 0 };
	memcpy(key->rdata, key->ksk ? "\x01\x01\x03" : "\x01\x00\x03", 3);
	key->rdata[3] = key->algorithm;
	for (unsigned i = 4; i < key->len; i++) {
		key->rdata[i] = ms_rng_next(&world->rng);
	}
	/* Any octets pass for a public key; the first one tells whose it is. */
	key->rdata[4] = node;
	key->rdata[5] |= world->wholesome ? 0x80 : 0;
	(void)ms_dnskey_decode(key->rdata, key->len, &info);
	return info.tag;
}

static bool has_tag(const uint16_t *tags, unsigned count, uint16_t tag)
{
	for (unsigned i = 0; i < count; i++) {
		if (tags[i] == tag) {
			return true;
		}
	}
	return false;
}

sim_key_t *sim_keys_make(sim_world_t *world, unsigned node, unsigned zone, ms_key_role_t role,
                         uint8_t algorithm, const uint16_t *taken, unsigned count)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	if (knot->key_count == SIM_KEYS) {
		return NULL;
	}
	sim_key_t *key = &knot->keys[knot->key_count++];
	*key = (sim_key_t){ .ksk = role != MS_ROLE_ZSK, .zsk = role != MS_ROLE_KSK,
	                    .algorithm = algorithm, .len = algorithm == 13 ? SIM_KEY_MAX : SIM_KEY_LEN };
	do {
		key->tag = draw_key(world, node, key);
	} while (tag_taken(world, zone, key->tag) || has_tag(taken, count, key->tag));
	if (ms_dnskey_keyid(key->rdata, key->len, key->id) != KNOT_EOK ||
	    ms_rrset_add(&knot->history, key->rdata, key->len) != KNOT_EOK) {
		sim_fail(world, "a key cannot be made");
	}
	return key;
}

static void use(const sim_world_t *world, unsigned node, sim_key_t *key)
{
	key->active = true;
	key->cds = key->ksk;
	key->active_at = sim_now(world, node).wall.s;
}

void sim_keys_first(sim_world_t *world, unsigned node, unsigned zone)
{
	bool single = world->node[node].config.single_type;
	world->node[node].knots[zone].key_count = 0;
	for (ms_key_role_t role = single ? MS_ROLE_CSK : MS_ROLE_ZSK;
	     role <= (single ? MS_ROLE_CSK : MS_ROLE_KSK); role++) {
		use(world, node, sim_keys_make(world, node, zone, role, 15, NULL, 0));
	}
	new_version(world, node, zone);
}

/* What somebody does by hand, with no thought of the others. */

void sim_knot_add_key(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	sim_key_t *key = knot->signing
	               ? sim_keys_make(world, node, zone,
	                               sim_chance(world, 700) ? MS_ROLE_ZSK : MS_ROLE_KSK, 15, NULL, 0)
	               : NULL;
	if (key != NULL) {
		use(world, node, key);
		new_version(world, node, zone);
	}
}

void sim_keys_forget(sim_knot_t *knot, unsigned at)
{
	if (knot->gone_count == SIM_GONE) {
		knot->gone_count--;
		memmove(knot->gone, knot->gone + 1, knot->gone_count * sizeof(knot->gone[0]));
	}
	knot->gone[knot->gone_count++] = knot->keys[at];
	knot->key_count--;
	memmove(knot->keys + at, knot->keys + at + 1, (knot->key_count - at) * sizeof(knot->keys[0]));
}

/* The first one of its kind, where there is another. */
void sim_knot_drop_key(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	for (unsigned i = 0; i < knot->key_count; i++) {
		for (unsigned k = i + 1; k < knot->key_count; k++) {
			if (knot->keys[i].ksk == knot->keys[k].ksk) {
				sim_keys_forget(knot, i);
				new_version(world, node, zone);
				return;
			}
		}
	}
}

void sim_knot_toggle_cds(sim_world_t *world, unsigned node, unsigned zone)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	for (unsigned i = knot->key_count; i > 0; i--) {
		sim_key_t *key = &knot->keys[i - 1];
		if (key->ksk) {
			key->cds = !key->cds;
			new_version(world, node, zone);
			return;
		}
	}
}

void sim_cds(const uint8_t *key, uint16_t len, uint8_t out[SIM_CDS_LEN])
{
	ms_dnskey_t info = { 0 };
	(void)ms_dnskey_decode(key, len, &info);
	knot_wire_write_u16(out, info.tag);
	out[2] = info.algorithm;
	out[3] = 250; /* of no known type: the tag is what counts */
	memcpy(out + 4, key + 4, 4);
}

void sim_knot_signers(const sim_knot_t *knot, sim_tags_t *dnskey, sim_tags_t *data)
{
	*dnskey = *data = (sim_tags_t){ 0 };
	for (unsigned i = 0; i < knot->key_count; i++) {
		const sim_key_t *key = &knot->keys[i];
		if (key->ksk && !key->hidden) {
			sim_tags_add(dnskey, SIM_TAG(key->algorithm, key->tag));
		}
		if (key->zsk && (key->active || key->withdrawn)) {
			sim_tags_add(data, SIM_TAG(key->algorithm, key->tag));
		}
	}
}

/* What the agent orders (core/action.h). */

static bool has_role(const sim_key_t *key, ms_key_role_t role)
{
	return key->ksk == (role != MS_ROLE_ZSK) && key->zsk == (role != MS_ROLE_KSK);
}

static sim_key_t *find_new(sim_knot_t *knot, ms_key_role_t role)
{
	for (unsigned i = 0; i < knot->key_count; i++) {
		sim_key_t *key = &knot->keys[i];
		if (has_role(key, role) && !key->active && !key->withdrawn && !key->retired) {
			return key;
		}
	}
	return NULL;
}

/* The active key that was made last. */
static sim_key_t *find_active(sim_knot_t *knot, ms_key_role_t role)
{
	sim_key_t *last = NULL;
	for (unsigned i = 0; i < knot->key_count; i++) {
		if (has_role(&knot->keys[i], role) && knot->keys[i].active) {
			last = &knot->keys[i];
		}
	}
	return last;
}

/* That of the keys there are. */
static uint8_t algorithm_of(const sim_knot_t *knot)
{
	return knot->key_count > 0 ? knot->keys[knot->key_count - 1].algorithm : 15;
}

static bool publish(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	return find_new(&world->node[node].knots[zone], action->keys.role) == NULL &&
	       sim_keys_make(world, node, zone, action->keys.role,
	                     algorithm_of(&world->node[node].knots[zone]), action->keys.taken,
	                     action->keys.taken_count) != NULL;
}

static bool activate(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_key_role_t role = action->keys.role;
	sim_key_t *key = find_new(knot, role), *old;
	while (key != NULL && role == MS_ROLE_ZSK && (old = find_active(knot, role)) != NULL) {
		old->active = false;
		old->retired = true;
	}
	if (key != NULL) {
		use(world, node, key);
	}
	return key != NULL;
}

static bool withdraw(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	sim_key_t *last = find_active(knot, action->keys.role);
	bool changed = false;
	for (unsigned i = 0; i < knot->key_count && action->keys.role != MS_ROLE_ZSK; i++) {
		sim_key_t *key = &knot->keys[i];
		if (has_role(key, action->keys.role) && key->active && key != last) {
			key->active = key->cds = false;
			key->withdrawn = changed = true;
		}
	}
	return changed;
}

static bool retire(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	bool changed = false;
	for (unsigned i = 0; i < knot->key_count && action->keys.role == MS_ROLE_CSK; i++) {
		sim_key_t *key = &knot->keys[i];
		if (has_role(key, MS_ROLE_CSK) && key->withdrawn) {
			key->withdrawn = false;
			key->retired = changed = true;
		}
	}
	return changed;
}

static bool drop(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	unsigned count = knot->key_count;
	for (unsigned i = knot->key_count; i > 0; i--) {
		const sim_key_t *key = &knot->keys[i - 1];
		bool old = key->retired || (key->withdrawn && action->keys.role == MS_ROLE_KSK);
		if (has_role(key, action->keys.role) && old) {
			sim_keys_forget(knot, i - 1);
		}
	}
	return knot->key_count < count;
}

static bool discard(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	const sim_key_t *key = find_new(knot, action->keys.role);
	if (key != NULL) {
		sim_keys_forget(knot, key - knot->keys);
	}
	return key != NULL;
}

typedef bool (*op_f)(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action);

static const struct {
	const char *name;
	op_f run;
} ops[] = {
	[MS_KEYS_PUBLISH]  = { "publish", publish },
	[MS_KEYS_ACTIVATE] = { "activate", activate },
	[MS_KEYS_WITHDRAW] = { "withdraw", withdraw },
	[MS_KEYS_RETIRE]   = { "retire", retire },
	[MS_KEYS_REMOVE]   = { "remove", drop },
	[MS_KEYS_DISCARD]  = { "discard", discard },
	[MS_KEYS_ALG_SIGN] = { "new algorithm: sign", sim_keys_algorithm },
	[MS_KEYS_ALG_PUBLISH]  = { "new algorithm: publish", sim_keys_algorithm },
	[MS_KEYS_ALG_ACTIVATE] = { "new algorithm: activate", sim_keys_algorithm },
	[MS_KEYS_ALG_WITHDRAW] = { "old algorithm: withdraw", sim_keys_algorithm },
	[MS_KEYS_ALG_HIDE]     = { "old algorithm: hide", sim_keys_algorithm },
	[MS_KEYS_ALG_REMOVE]   = { "old algorithm: remove", sim_keys_algorithm },
};

bool sim_keys_do(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	static const char *const roles[] = { " ZSK", " KSK", " CSK" };
	unsigned op = action->keys.op;
	if (op >= sizeof(ops) / sizeof(ops[0]) || ops[op].run == NULL) {
		return op <= MS_KEYS_MAKE;
	}
	bool changed = ops[op].run(world, node, zone, action);
	sim_trace(world, "%s: keymgr: %s%s%s", sim_node_name(node), ops[op].name,
	          op < MS_KEYS_ALG_SIGN ? roles[action->keys.role] : "", changed ? "" : ", as it is");
	if (changed) {
		new_version(world, node, zone);
	}
	return true;
}

static ms_own_key_t shown(const sim_key_t *key, bool removed)
{
	bool early = key->ksk && key->zsk && key->active && !key->cds;
	ms_own_key_t own = { .ksk = key->ksk, .zsk = key->zsk, .removed = removed,
	                     .published = !removed && !key->hidden, .active = key->active && !removed,
	                     .withdrawn = (key->withdrawn || early) && !removed,
	                     .retired = key->retired && !removed, .algorithm = key->algorithm,
	                     .tag = key->tag,
	                     .active_at = key->active && !removed ? key->active_at : 0 };
	memcpy(own.id, key->id, sizeof(own.id));
	return own;
}

void sim_knot_keys(sim_world_t *world, unsigned node, const ms_action_t *action)
{
	int zone = sim_zone_index(world, action->keys.zone);
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_event_t *event = calloc(1, sizeof(*event));
	event->kind = MS_EV_KEYS;
	event->id = action->id;
	sim_zone_name(zone, event->zone);
	bool fails = sim_chance(world, world->faults.keymgr);
	/* It may have been done, or not. */
	bool done = !(fails && sim_chance(world, 500)) && sim_keys_do(world, node, zone, action);
	event->ret = fails ? KNOT_ETIMEOUT : done ? KNOT_EOK : KNOT_ENOTSUP;
	if (event->ret == KNOT_EOK) {
		event->keys.made = action->keys.op == MS_KEYS_MAKE;
		event->keys.list = calloc(SIM_KEYS + SIM_GONE, sizeof(*event->keys.list));
		for (unsigned i = 0; i < knot->key_count; i++) {
			event->keys.list[event->keys.count++] = shown(&knot->keys[i], false);
		}
		for (unsigned i = 0; i < knot->gone_count; i++) {
			event->keys.list[event->keys.count++] = shown(&knot->gone[i], true);
		}
	}
	sim_feed_later(world, sim_between(world, 5, 15) * MS_MSEC, node, event);
}
