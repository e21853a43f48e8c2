/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "core/listing.h"
#include "base/name.h"
#include "core/process.h"
#include "core/step.h"
#include "core/wanted.h"

/* Writing. Values of a few kinds are large: one buffer per call, on the heap. */

static int persist(const ms_rec_key_t *key, uint8_t *value, int len, ms_actions_t *out)
{
	int ret = value == NULL ? KNOT_ENOMEM
	        : len < 0 ? len : ms_action_persist(out, key, value, len);
	free(value);
	return ret;
}

static ms_rec_key_t key_of(ms_rec_kind_t kind, const knot_dname_t *zone, const knot_dname_t *origin)
{
	ms_rec_key_t key = { .kind = kind };
	ms_name_copy(key.zone, zone);
	if (origin != NULL) {
		ms_name_copy(key.origin, origin);
	}
	return key;
}

int ms_zone_persist_hsync(const ms_agent_t *agent, const ms_zone_t *zone, ms_actions_t *out)
{
	ms_listing_t listing;
	ms_listing_of(agent, zone, &listing);
	ms_rec_key_t key = key_of(MS_REC_HSYNC, zone->name, NULL);
	if (listing.count == 0) {
		return ms_action_persist(out, &key, NULL, 0);
	}
	ms_rec_hsync_t rec = { .count = listing.count };
	memcpy(rec.hsync, listing.hsync, sizeof(rec.hsync));
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_hsync_encode(&rec, value, MS_REC_VALUE_MAX) : 0, out);
}

int ms_zone_persist_member(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_MEMBER, zone->name, pair->peer->identity);
	ms_rec_member_t rec = { .was_on = pair->was_on, .leaving = pair->leaving,
	                        .sign = pair->sign, .member = pair->member };
	uint8_t *value = malloc(64);
	return persist(&key, value, value != NULL ? ms_rec_member_encode(&rec, value, 64) : 0, out);
}

int ms_zone_forget_member(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_MEMBER, zone->name, pair->peer->identity);
	return ms_action_persist(out, &key, NULL, 0);
}

int ms_zone_persist_held(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_CONTRIBUTION, zone->name, pair->peer->identity);
	ms_rec_contribution_t rec = { .inception = pair->held_inception, .data = pair->held };
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_contribution_encode(&rec, value, MS_REC_VALUE_MAX) : 0, out);
}

int ms_zone_persist_written(const ms_zone_t *zone, const ms_contribution_t *written,
                            ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_WRITTEN, zone->name, NULL);
	ms_rec_written_t rec = { .data = *written };
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_written_encode(&rec, value, MS_REC_VALUE_MAX) : 0, out);
}

int ms_zone_persist_local(const ms_zone_t *zone, const ms_contribution_t *local,
                          ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_CONTRIBUTION, zone->name, NULL);
	if (local == NULL) {
		return ms_action_persist(out, &key, NULL, 0);
	}
	ms_rec_contribution_t rec = { .data = *local };
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_contribution_encode(&rec, value, MS_REC_VALUE_MAX) : 0, out);
}

int ms_zone_persist_owner(const ms_zone_t *zone, const ms_rec_owner_t *owner, ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_OWNER, zone->name, NULL);
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_owner_encode(owner, value, MS_REC_VALUE_MAX) : 0, out);
}

int ms_zone_persist_own(const ms_zone_t *zone, ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_OWN, zone->name, NULL);
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_own_encode(zone->own_keys, value, MS_REC_VALUE_MAX) : 0, out);
}

int ms_peer_persist(const ms_peer_t *peer, ms_actions_t *out)
{
	ms_rec_key_t key = key_of(MS_REC_PEER, peer->identity, NULL);
	ms_rec_peer_t rec = { .locator = peer->locator };
	uint8_t *value = malloc(MS_REC_VALUE_MAX);
	return persist(&key, value, value != NULL
	               ? ms_rec_peer_encode(&rec, value, MS_REC_VALUE_MAX) : 0, out);
}

static int persist_zone(const ms_agent_t *agent, const ms_zone_t *zone, ms_actions_t *out)
{
	int ret = ms_zone_persist_hsync(agent, zone, out);
	if (ret == KNOT_EOK) {
		ret = ms_zone_persist_written(zone, &zone->written, out);
	}
	if (ret == KNOT_EOK) {
		ret = ms_zone_persist_owner(zone, &zone->owner, out);
	}
	if (ret == KNOT_EOK) {
		ret = ms_zone_persist_local(zone, zone->has_local && !zone->adopted_early
		                                  ? &zone->local : NULL, out);
	}
	if (ret == KNOT_EOK && zone->own_keys != NULL && zone->own_listed) {
		ret = ms_zone_persist_own(zone, out);
	}
	if (ret == KNOT_EOK) {
		ret = ms_zone_persist_process(zone, out);
	}
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		ret = ms_zone_persist_member(zone, &zone->pairs[i], out);
		if (ret == KNOT_EOK && zone->pairs[i].has_held) {
			ret = ms_zone_persist_held(zone, &zone->pairs[i], out);
		}
	}
	return ret;
}

int ms_agent_persist_all(const ms_agent_t *agent, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	for (size_t i = 0; ret == KNOT_EOK && i < agent->peer_count; i++) {
		if (agent->peers[i]->has_locator) {
			ret = ms_peer_persist(agent->peers[i], out);
		}
	}
	for (size_t i = 0; ret == KNOT_EOK && i < agent->zone_count; i++) {
		ret = persist_zone(agent, agent->zones[i], out);
	}
	/* Not a single record? The store must be tried even so. */
	ms_rec_key_t key = { .kind = MS_REC_META };
	const uint8_t version[] = { 1 };
	return ret == KNOT_EOK ? ms_action_persist(out, &key, version, sizeof(version)) : ret;
}

/* Reading. */

static int restore_peer(ms_agent_t *agent, const ms_rec_key_t *key, const uint8_t *value,
                        size_t len, ms_now_t now, ms_actions_t *out)
{
	ms_rec_peer_t rec;
	int ret = ms_rec_peer_decode(value, len, &rec);
	if (ret != KNOT_EOK || rec.locator.expires <= now.wall.s) {
		return ret;
	}
	ms_peer_t *peer = ms_peer_get(agent, key->zone, now);
	if (peer == NULL) {
		return KNOT_ENOMEM;
	}
	ms_peer_located(agent, peer, &rec.locator, now, out);
	return KNOT_EOK;
}

static ms_pair_t *restore_pair(ms_agent_t *agent, ms_zone_t *zone, const ms_rec_key_t *key,
                               ms_now_t now, int *ret)
{
	ms_pair_t *pair = ms_pair_get(agent, zone, key->origin, now);
	if (pair == NULL) {
		*ret = zone->pair_count == MS_PAIRS_MAX ? KNOT_ELIMIT : KNOT_ENOMEM;
	}
	return pair;
}

static int restore_local(ms_zone_t *zone, ms_contribution_t *data)
{
	ms_contribution_clear(&zone->local);
	zone->local = *data;
	zone->has_local = true;
	return KNOT_EOK;
}

static int restore_contribution(ms_agent_t *agent, ms_zone_t *zone, const ms_rec_key_t *key,
                                const uint8_t *value, size_t len, ms_now_t now)
{
	ms_rec_contribution_t rec;
	int ret = ms_rec_contribution_decode(value, len, &rec);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (key->origin[0] == '\0') {
		return restore_local(zone, &rec.data);
	}
	ms_digest_t digest;
	ms_pair_t *pair = restore_pair(agent, zone, key, now, &ret);
	ret = pair != NULL ? ms_contribution_digest(&rec.data, &digest) : ret;
	if (ret != KNOT_EOK) {
		ms_contribution_clear(&rec.data);
		return ret;
	}
	ms_contribution_clear(&pair->held);
	pair->held = rec.data;
	pair->held_digest = digest;
	pair->held_inception = rec.inception;
	pair->has_held = true;
	return KNOT_EOK;
}

static int restore_member(ms_agent_t *agent, ms_zone_t *zone, const ms_rec_key_t *key,
                          const uint8_t *value, size_t len, ms_now_t now)
{
	ms_rec_member_t rec;
	int ret = ms_rec_member_decode(value, len, &rec);
	if (ret != KNOT_EOK || (!rec.was_on && ms_pair_find(zone, key->origin) == NULL)) {
		return ret;
	}
	ms_pair_t *pair = restore_pair(agent, zone, key, now, &ret);
	if (pair == NULL) {
		return ret;
	}
	pair->was_on = rec.was_on != 0;
	pair->leaving = rec.leaving != 0;
	pair->member = rec.member != 0;
	if (!pair->listed) {
		pair->sign = rec.sign;
	}
	return KNOT_EOK;
}

static int restore_hsync(ms_agent_t *agent, ms_zone_t *zone, const uint8_t *value, size_t len,
                         ms_now_t now, ms_actions_t *out)
{
	ms_rec_hsync_t rec;
	int ret = ms_rec_hsync_decode(value, len, &rec);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_listing_t listing = { .count = rec.count };
	memcpy(listing.hsync, rec.hsync, sizeof(listing.hsync));
	return ms_listing_apply(agent, zone, &listing, now, out);
}

static int restore_own(ms_zone_t *zone, const uint8_t *value, size_t len)
{
	ms_rec_own_t *own = calloc(1, sizeof(*own));
	int ret = own != NULL ? ms_rec_own_decode(value, len, own) : KNOT_ENOMEM;
	if (ret != KNOT_EOK) {
		free(own);
		return ret;
	}
	ret = ms_zone_set_own_keys(zone, own);
	zone->own_listed = ret == KNOT_EOK;
	return ret;
}

static int restore_written(ms_zone_t *zone, const uint8_t *value, size_t len)
{
	ms_rec_written_t rec;
	int ret = ms_rec_written_decode(value, len, &rec);
	if (ret == KNOT_EOK) {
		ms_contribution_clear(&zone->written);
		zone->written = rec.data;
		zone->has_written = true;
	}
	return ret;
}

static int restore_owner(ms_zone_t *zone, const uint8_t *value, size_t len)
{
	ms_rec_owner_t rec;
	int ret = ms_rec_owner_decode(value, len, &rec);
	if (ret == KNOT_EOK) {
		ms_rrset_clear(&zone->owner.ns);
		zone->owner = rec;
	}
	return ret;
}

static int restore_replay(ms_agent_t *agent, const ms_rec_key_t *key, const uint8_t *value,
                          size_t len)
{
	ms_rec_replay_t rec;
	int ret = ms_rec_replay_decode(value, len, &rec);
	return ret == KNOT_EOK ? ms_spent_add(agent, key->hash, rec.expiration) : ret;
}

int ms_agent_restore(ms_agent_t *agent, const uint8_t *key_data, size_t key_len,
                     const uint8_t *value, size_t value_len, ms_now_t now)
{
	ms_rec_key_t key;
	int ret = ms_rec_key_decode(key_data, key_len, &key);
	if (ret != KNOT_EOK) {
		return ret;
	}
	bool of_zone = key.kind != MS_REC_META && key.kind != MS_REC_PEER && key.kind != MS_REC_REPLAY;
	ms_zone_t *zone = of_zone ? ms_zone_get(agent, key.zone) : NULL;
	if (of_zone && zone == NULL) {
		return KNOT_ENOMEM;
	}
	/* What is only read back is neither written nor told again. */
	ms_actions_t silent = { 0 };
	switch (key.kind) {
	case MS_REC_PEER:
		ret = restore_peer(agent, &key, value, value_len, now, &silent);
		break;
	case MS_REC_CONTRIBUTION:
		ret = restore_contribution(agent, zone, &key, value, value_len, now);
		break;
	case MS_REC_MEMBER:
		ret = restore_member(agent, zone, &key, value, value_len, now);
		break;
	case MS_REC_HSYNC:
		ret = restore_hsync(agent, zone, value, value_len, now, &silent);
		break;
	case MS_REC_WRITTEN:
		ret = restore_written(zone, value, value_len);
		break;
	case MS_REC_OWNER:
		ret = restore_owner(zone, value, value_len);
		break;
	case MS_REC_OWN:
		ret = restore_own(zone, value, value_len);
		break;
	case MS_REC_PROCESS:
		ret = ms_process_restore(agent, zone, value, value_len, now);
		break;
	case MS_REC_REPLAY:
		ret = restore_replay(agent, &key, value, value_len);
		break;
	default:
		break;
	}
	ms_actions_deinit(&silent);
	return ret;
}

/* A store from before there were processes: who was ON was combined, so it is a member. */
static int found_again(ms_zone_t *zone)
{
	bool members = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		members |= zone->pairs[i].member;
	}
	if (zone->process != NULL || !members || !zone->shared) {
		return KNOT_EOK;
	}
	zone->process = calloc(1, sizeof(*zone->process));
	if (zone->process == NULL) {
		return KNOT_ENOMEM;
	}
	zone->process->apart_at = MS_TIME_NEVER;
	zone->process->founded = zone->process->member = zone->process->unsaved = true;
	return KNOT_EOK;
}

int ms_agent_restored(ms_agent_t *agent)
{
	int ret = KNOT_EOK;
	for (size_t i = 0; ret == KNOT_EOK && i < agent->zone_count; i++) {
		ms_zone_t *zone = agent->zones[i];
		ms_actions_t silent = { 0 };
		for (size_t k = 0; k < zone->pair_count; k++) {
			ms_pair_t *pair = &zone->pairs[k];
			/* Whatever its own record says: its keys may stand in the zone. */
			pair->leaving |= !ms_pair_on(pair) &&
			                 (pair->was_on || (pair->has_held && !pair->listed));
		}
		/* History is read after the listing that judged it. */
		ms_listing_see_leaving(zone, &silent);
		ms_actions_deinit(&silent);
		ret = found_again(zone);
		ret = ret == KNOT_EOK ? ms_wanted_settle(agent, zone) : ret;
	}
	return ret;
}
