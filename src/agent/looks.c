/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/looks.h"

#include <stdlib.h>

#include <libknot/errcode.h>

/* Unused budget is kept for this part of a second. */
#define BURST_PARTS 10
/* When the round is late by more than this, it does not catch up. */
#define LATE (100 * MS_MSEC)

void ms_looks_deinit(ms_looks_t *looks)
{
	ms_poll_free(looks->poll);
	free(looks->zones);
	free(looks->looks);
	*looks = (ms_looks_t){ 0 };
}

int ms_looks_configure(ms_looks_t *looks, const ms_addr_t *server, uint32_t budget, ms_time_t now)
{
	ms_poll_free(looks->poll);
	looks->poll = NULL;
	looks->budget = budget;
	looks->tokens = 0;
	looks->filled_at = now;
	looks->turn_at = now;
	return budget > 0 ? ms_poll_new(server, &looks->poll) : KNOT_EOK;
}

void ms_looks_add(ms_looks_t *looks, ms_slot_t *slot)
{
	if (slot->watched) {
		return;
	}
	if (looks->count == looks->room) {
		size_t room = looks->room > 0 ? 2 * looks->room : 16;
		ms_slot_t **zones = realloc(looks->zones, room * sizeof(*zones));
		if (zones == NULL) {
			return;
		}
		looks->zones = zones;
		looks->room = room;
	}
	looks->zones[looks->count++] = slot;
	slot->watched = true;
}

static ms_look_t *find_look(const ms_looks_t *looks, const ms_slot_t *slot)
{
	for (size_t i = 0; i < looks->look_count; i++) {
		if (looks->looks[i].slot == slot) {
			return &looks->looks[i];
		}
	}
	return NULL;
}

static void drop_look(ms_looks_t *looks, ms_look_t *look)
{
	look->slot->expected = false;
	*look = looks->looks[--looks->look_count];
}

void ms_looks_expect(ms_looks_t *looks, ms_slot_t *slot, ms_time_t now)
{
	ms_look_t *look = slot->expected ? find_look(looks, slot) : NULL;
	if (look == NULL) {
		if (looks->look_count == looks->look_room) {
			size_t room = looks->look_room > 0 ? 2 * looks->look_room : 16;
			ms_look_t *list = realloc(looks->looks, room * sizeof(*list));
			if (list == NULL) {
				return;
			}
			looks->looks = list;
			looks->look_room = room;
		}
		look = &looks->looks[looks->look_count++];
		look->slot = slot;
		slot->expected = true;
	}
	look->at = ms_time_add(now, MS_LOOKS_FIRST);
	look->left = MS_LOOKS_TIMES;
}

void ms_looks_seen(ms_looks_t *looks, const ms_slot_t *slot)
{
	ms_look_t *look = slot->expected ? find_look(looks, slot) : NULL;
	if (look != NULL) {
		drop_look(looks, look);
	}
}

/* The round goes in bursts: waking up, here and in knotd's thread, costs more than a query. */
static size_t burst(const ms_looks_t *looks)
{
	size_t size = (size_t)looks->budget * MS_LOOKS_INTERVAL / MS_SEC;
	size = size > 0 ? size : 1;
	return size < looks->count ? size : looks->count;
}

/* Microseconds from one to the next. */
static int64_t pace(const ms_looks_t *looks)
{
	int64_t by_budget = MS_SEC / looks->budget;
	return by_budget > MS_LOOKS_INTERVAL ? by_budget : MS_LOOKS_INTERVAL;
}

static bool ask(ms_looks_t *looks, const ms_slot_t *slot)
{
	if (looks->tokens < 1) {
		return false;
	}
	looks->tokens -= 1;
	ms_poll_ask(looks->poll, slot->name);
	return true;
}

static bool is_live(const ms_slot_t *slot)
{
	return __atomic_load_n(&slot->live, __ATOMIC_RELAXED);
}

static void look_expected(ms_looks_t *looks, ms_time_t now)
{
	for (size_t i = looks->look_count; i > 0; i--) {
		ms_look_t *look = &looks->looks[i - 1];
		if (!is_live(look->slot)) {
			drop_look(looks, look);
		} else if (ms_time_due(look->at, now) && ask(looks, look->slot)) {
			int64_t pause = MS_LOOKS_INTERVAL << (MS_LOOKS_TIMES - look->left);
			look->at = ms_time_add(now, pause);
			if (--look->left == 0) {
				drop_look(looks, look);
			}
		}
	}
}

static void look_in_turn(ms_looks_t *looks, ms_time_t now)
{
	if (!ms_time_due(looks->turn_at, now)) {
		return;
	}
	bool late = ms_time_diff(looks->turn_at, now) > LATE;
	looks->turn_at = ms_time_add(late ? now : looks->turn_at, pace(looks));
	for (size_t left = burst(looks); left > 0 && looks->count > 0; ) {
		looks->next = looks->next < looks->count ? looks->next : 0;
		ms_slot_t *slot = looks->zones[looks->next];
		if (!is_live(slot)) {
			slot->watched = false;
			looks->zones[looks->next] = looks->zones[--looks->count];
			continue;
		}
		if (!ask(looks, slot)) {
			break;
		}
		looks->next++;
		left--;
	}
}

ms_time_t ms_looks_deadline(const ms_looks_t *looks)
{
	if (looks->poll == NULL) {
		return MS_TIME_NEVER;
	}
	ms_time_t at = looks->count > 0 ? looks->turn_at : MS_TIME_NEVER;
	for (size_t i = 0; i < looks->look_count; i++) {
		at = ms_time_min(at, looks->looks[i].at);
	}
	return at;
}

void ms_looks_work(ms_looks_t *looks, ms_time_t now)
{
	if (looks->poll == NULL) {
		return;
	}
	double most = looks->budget > BURST_PARTS ? (double)looks->budget / BURST_PARTS : 1;
	looks->tokens += (double)ms_time_diff(looks->filled_at, now) * looks->budget / MS_SEC;
	looks->tokens = looks->tokens < most ? looks->tokens : most;
	looks->filled_at = now;
	if (ms_time_due(ms_looks_deadline(looks), now)) {
		ms_poll_drain(looks->poll);
		look_expected(looks, now);
		look_in_turn(looks, now);
	}
}
