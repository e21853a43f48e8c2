/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/keylife.h"

static bool reached(int64_t moment, ms_wall_t now)
{
	return moment != 0 && moment <= now.s;
}

static void judge(ms_key_t *key, ms_wall_t now)
{
	const ms_key_times_t *times = &key->times;
	bool withdrawn = reached(times->retire_active, now);
	key->removed = reached(times->remove, now);
	key->retired = reached(times->retire, now);
	key->active = reached(times->active, now) && !withdrawn && !key->retired && !key->removed;
	key->withdrawn = withdrawn && !key->retired && !key->removed;
	/* A KSK that signs nothing any more is of no use there; what a ZSK has signed lives on. */
	key->published = reached(times->publish, now) && !reached(times->post_active, now) &&
	                 !key->removed && (key->zsk || !key->retired);
}

static bool has_active_zsk(const ms_keys_t *keys, uint8_t algorithm)
{
	for (size_t i = 0; i < keys->count; i++) {
		const ms_key_t *key = &keys->list[i];
		if (key->zsk && key->active && key->algorithm == algorithm) {
			return true;
		}
	}
	return false;
}

static bool signs(const ms_keys_t *keys, const ms_key_t *key, ms_wall_t now)
{
	const ms_key_times_t *times = &key->times;
	if (!key->zsk || key->removed || key->public_only) {
		return false;
	}
	bool early = reached(times->pre_active, now) && !reached(times->active, now);
	bool late = reached(times->post_active, now);
	/* A withdrawn CSK gives way where another key of its algorithm can do it. */
	return key->active || early || late ||
	       (key->withdrawn && !has_active_zsk(keys, key->algorithm));
}

void ms_keys_judge(ms_keys_t *keys, ms_wall_t now)
{
	for (size_t i = 0; i < keys->count; i++) {
		judge(&keys->list[i], now);
	}
	for (size_t i = 0; i < keys->count; i++) {
		keys->list[i].signs = signs(keys, &keys->list[i], now);
	}
}
