/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/wakes.h"

#include <stdlib.h>

#include <libknot/errcode.h>

#include "core/model.h"

/* Room of the first heap; it doubles when it is full. */
#define FIRST_ROOM 16

static bool before(const ms_zone_t *a, const ms_zone_t *b)
{
	return a->wake.us < b->wake.us;
}

static void put(ms_wakes_t *wakes, size_t place, ms_zone_t *zone)
{
	wakes->heap[place] = zone;
	zone->wake_place = place;
}

static void up(ms_wakes_t *wakes, ms_zone_t *zone)
{
	size_t at = zone->wake_place;
	while (at > 0 && before(zone, wakes->heap[(at - 1) / 2])) {
		put(wakes, at, wakes->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(wakes, at, zone);
}

static void down(ms_wakes_t *wakes, ms_zone_t *zone)
{
	size_t at = zone->wake_place, below;
	while ((below = 2 * at + 1) < wakes->count) {
		if (below + 1 < wakes->count && before(wakes->heap[below + 1], wakes->heap[below])) {
			below++;
		}
		if (!before(wakes->heap[below], zone)) {
			break;
		}
		put(wakes, at, wakes->heap[below]);
		at = below;
	}
	put(wakes, at, zone);
}

int ms_wakes_room(ms_wakes_t *wakes)
{
	if (wakes->count < wakes->room) {
		return KNOT_EOK;
	}
	size_t room = wakes->room > 0 ? 2 * wakes->room : FIRST_ROOM;
	ms_zone_t **heap = realloc(wakes->heap, room * sizeof(ms_zone_t *));
	if (heap == NULL) {
		return KNOT_ENOMEM;
	}
	wakes->heap = heap;
	ms_zone_t **due = realloc(wakes->due, room * sizeof(ms_zone_t *));
	if (due == NULL) {
		return KNOT_ENOMEM;
	}
	wakes->due = due;
	wakes->room = room;
	return KNOT_EOK;
}

void ms_wakes_add(ms_wakes_t *wakes, ms_zone_t *zone)
{
	put(wakes, wakes->count++, zone);
	up(wakes, zone);
}

void ms_wakes_moved(ms_wakes_t *wakes, ms_zone_t *zone)
{
	up(wakes, zone);
	down(wakes, zone);
}

size_t ms_wakes_due(ms_wakes_t *wakes, ms_time_t now)
{
	/* What is due stands together at the top: below one that is not, none is. */
	size_t count = 0;
	if (wakes->count > 0 && ms_time_due(wakes->heap[0]->wake, now)) {
		wakes->due[count++] = wakes->heap[0];
	}
	for (size_t i = 0; i < count; i++) {
		size_t below = 2 * wakes->due[i]->wake_place + 1;
		for (size_t k = below; k < below + 2 && k < wakes->count; k++) {
			if (ms_time_due(wakes->heap[k]->wake, now)) {
				wakes->due[count++] = wakes->heap[k];
			}
		}
	}
	return count;
}

ms_time_t ms_wakes_first(const ms_wakes_t *wakes)
{
	return wakes->count > 0 ? wakes->heap[0]->wake : MS_TIME_NEVER;
}

void ms_wakes_deinit(ms_wakes_t *wakes)
{
	free(wakes->heap);
	free(wakes->due);
	*wakes = (ms_wakes_t){ 0 };
}
