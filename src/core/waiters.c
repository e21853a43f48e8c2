/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/waiters.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

/* Places of the first ring; it doubles when it is full. */
#define FIRST_ROOM 64

static struct ms_zone **place(const ms_waiters_t *waiters, size_t i)
{
	return &waiters->zones[(waiters->head + i) % waiters->room];
}

/* A ring twice as large, straightened. */
static int widen(ms_waiters_t *waiters)
{
	size_t room = waiters->room > 0 ? 2 * waiters->room : FIRST_ROOM;
	struct ms_zone **zones = malloc(room * sizeof(*zones));
	if (zones == NULL) {
		return KNOT_ENOMEM;
	}
	for (size_t i = 0; i < waiters->count; i++) {
		zones[i] = *place(waiters, i);
	}
	free(waiters->zones);
	*waiters = (ms_waiters_t){ .count = waiters->count, .room = room, .zones = zones };
	return KNOT_EOK;
}

int ms_waiters_add(ms_waiters_t *waiters, struct ms_zone *zone)
{
	if (waiters->count == waiters->room && widen(waiters) != KNOT_EOK) {
		return KNOT_ENOMEM;
	}
	*place(waiters, waiters->count++) = zone;
	return KNOT_EOK;
}

struct ms_zone *ms_waiters_take(ms_waiters_t *waiters)
{
	if (waiters->count == 0) {
		return NULL;
	}
	struct ms_zone *first = *place(waiters, 0);
	waiters->head = (waiters->head + 1) % waiters->room;
	if (--waiters->count == 0) {
		ms_waiters_deinit(waiters);
	}
	return first;
}

void ms_waiters_drop(ms_waiters_t *waiters, const struct ms_zone *zone)
{
	size_t kept = 0;
	for (size_t i = 0; i < waiters->count; i++) {
		struct ms_zone *here = *place(waiters, i);
		*place(waiters, kept) = here;
		kept += here != zone;
	}
	waiters->count = kept;
}

void ms_waiters_deinit(ms_waiters_t *waiters)
{
	free(waiters->zones);
	*waiters = (ms_waiters_t){ 0 };
}
