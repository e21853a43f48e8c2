/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

static int compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int cmp = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return cmp != 0 ? cmp : (a_len > b_len) - (a_len < b_len);
}

static size_t place(const sim_node_t *node, const uint8_t *key, size_t len, bool *found)
{
	size_t at = 0;
	int cmp = 1;
	while (at < node->record_count &&
	       (cmp = compare(node->records[at].key, node->records[at].key_len, key, len)) < 0) {
		at++;
	}
	*found = at < node->record_count && cmp == 0;
	return at;
}

/* A contribution never goes back in its sender's time: neither by replay nor by reordering. */
static void check_order(sim_world_t *world, unsigned node, const sim_record_t *old,
                        const ms_action_t *action)
{
	ms_rec_contribution_t before, after;
	if (action->persist.key[0] != MS_REC_CONTRIBUTION || action->persist.value == NULL) {
		return;
	}
	if (ms_rec_contribution_decode(old->value, old->value_len, &before) != KNOT_EOK ||
	    ms_rec_contribution_decode(action->persist.value, action->persist.value_len,
	                               &after) != KNOT_EOK) {
		sim_fail(world, "%s: a contribution on disk is damaged", sim_node_name(node));
		return;
	}
	if ((int32_t)(after.inception - before.inception) < 0) {
		sim_fail(world, "%s: an older contribution replaces a newer one", sim_node_name(node));
	}
	ms_contribution_clear(&before.data);
	ms_contribution_clear(&after.data);
}

static uint8_t *copy(const uint8_t *data, size_t len)
{
	uint8_t *out = malloc(len + 1);
	memcpy(out, data, len);
	return out;
}

static void apply(sim_world_t *world, unsigned node, const ms_action_t *action)
{
	sim_node_t *n = &world->node[node];
	bool found;
	size_t at = place(n, action->persist.key, action->persist.key_len, &found);
	if (found) {
		check_order(world, node, &n->records[at], action);
		free(n->records[at].value);
		n->records[at].value = NULL;
	}
	if (action->persist.value == NULL) {
		if (found) {
			free(n->records[at].key);
			n->record_count--;
			memmove(n->records + at, n->records + at + 1,
			        (n->record_count - at) * sizeof(*n->records));
		}
		return;
	}
	if (!found) {
		n->records = realloc(n->records, (n->record_count + 1) * sizeof(*n->records));
		memmove(n->records + at + 1, n->records + at,
		        (n->record_count - at) * sizeof(*n->records));
		n->record_count++;
		n->records[at].key = copy(action->persist.key, action->persist.key_len);
		n->records[at].key_len = action->persist.key_len;
	}
	n->records[at].value = copy(action->persist.value, action->persist.value_len);
	n->records[at].value_len = action->persist.value_len;
}

bool sim_disk_commit(sim_world_t *world, unsigned node, const ms_actions_t *actions)
{
	sim_node_t *n = &world->node[node];
	if (sim_chance(world, world->faults.store)) {
		n->store_bad_until = world->now + sim_between(world, 1, 20) * MS_SEC;
	}
	if (world->now < n->store_bad_until) {
		return false;
	}
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->list[i].kind == MS_ACT_PERSIST) {
			apply(world, node, &actions->list[i]);
		}
	}
	return true;
}

void sim_disk_restore(sim_world_t *world, unsigned node)
{
	sim_node_t *n = &world->node[node];
	ms_now_t now = sim_now(world, node);
	for (size_t i = 0; i < n->record_count; i++) {
		const sim_record_t *rec = &n->records[i];
		if (ms_agent_restore(&n->agent, rec->key, rec->key_len, rec->value, rec->value_len,
		                     now) != KNOT_EOK) {
			sim_fail(world, "%s: record '%c' cannot be restored", sim_node_name(node),
			         rec->key[0]);
		}
		ms_rec_key_t key;
		ms_rec_replay_t replay;
		if (rec->key[0] == MS_REC_REPLAY &&
		    ms_rec_key_decode(rec->key, rec->key_len, &key) == KNOT_EOK &&
		    ms_rec_replay_decode(rec->value, rec->value_len, &replay) == KNOT_EOK) {
			(void)ms_replay_restore(&n->replay, key.hash, replay.expiration, replay.rcode,
			                        now.wall.s);
		}
	}
}

const sim_record_t *sim_disk_find(const sim_node_t *node, const ms_rec_key_t *key)
{
	uint8_t data[MS_REC_KEY_MAX];
	int len = ms_rec_key_encode(key, data, sizeof(data));
	bool found = false;
	size_t at = len > 0 ? place(node, data, len, &found) : 0;
	return found ? &node->records[at] : NULL;
}

void sim_disk_free(sim_node_t *node)
{
	for (size_t i = 0; i < node->record_count; i++) {
		free(node->records[i].key);
		free(node->records[i].value);
	}
	free(node->records);
}
