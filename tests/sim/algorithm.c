/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key manager's part in a roll to another algorithm: signatures first, keys, DS; and back. */
#include "world.h"

#include <libknot/libknot.h>

static bool is_old(const sim_key_t *key, const ms_action_t *action)
{
	return key->algorithm != action->keys.algorithm;
}

/* New keys sign the zone, unpublished. */
static bool sign(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	bool single = world->node[node].config.single_type;
	for (unsigned i = 0; i < knot->key_count; i++) {
		if (!is_old(&knot->keys[i], action)) {
			return false;
		}
	}
	ms_key_role_t last = single ? MS_ROLE_CSK : MS_ROLE_KSK;
	for (ms_key_role_t role = single ? MS_ROLE_CSK : MS_ROLE_ZSK; role <= last; role++) {
		sim_key_t *key = sim_keys_make(world, node, zone, role, action->keys.algorithm,
		                               action->keys.taken, action->keys.taken_count);
		if (key == NULL) {
			sim_fail(world, "%s has too many keys", sim_node_name(node));
			return false;
		}
		key->hidden = true;
		key->active = key->zsk;
		key->active_at = sim_now(world, node).wall.s;
	}
	return true;
}

/* What an operation makes of a key. \return Whether that is another state. */
static bool turn(sim_key_t *key, const ms_action_t *action)
{
	const sim_key_t before = *key;
	bool old = is_old(key, action);
	switch (action->keys.op) {
	case MS_KEYS_ALG_PUBLISH:
		key->hidden &= old;
		break;
	case MS_KEYS_ALG_ACTIVATE:
		key->active |= !old;
		key->cds |= !old && key->ksk;
		break;
	case MS_KEYS_ALG_WITHDRAW:
		key->withdrawn |= old && key->ksk;
		key->active &= !(old && key->ksk && !key->zsk);
		key->cds &= !old;
		break;
	default:
		key->hidden |= old;
		break;
	}
	return before.hidden != key->hidden || before.cds != key->cds ||
	       before.active != key->active || before.withdrawn != key->withdrawn;
}

bool sim_keys_algorithm(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	bool changed = false;
	if (action->keys.op == MS_KEYS_ALG_SIGN) {
		return sign(world, node, zone, action);
	}
	for (unsigned i = knot->key_count; i > 0; i--) {
		if (action->keys.op != MS_KEYS_ALG_REMOVE) {
			changed |= turn(&knot->keys[i - 1], action);
		} else if (is_old(&knot->keys[i - 1], action)) {
			sim_keys_forget(knot, i - 1);
			changed = true;
		}
	}
	return changed;
}
