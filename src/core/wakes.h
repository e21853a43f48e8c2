/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * When which zone has something to do: a heap of all zones of an agent by their time, so that a
 * timer looks at those that are due and at no others.
 */
#pragma once

#include <stddef.h>

#include "base/time.h"

struct ms_zone;

typedef struct {
	size_t count;
	size_t room;
	struct ms_zone **heap;     /*!< Borrowed rows; none before the one at (its place - 1) / 2. */
	struct ms_zone **due;      /*!< As much room. */
} ms_wakes_t;

/*! Makes room for one zone more. \retval KNOT_ENOMEM  Nothing has changed. */
int ms_wakes_room(ms_wakes_t *wakes);
/*! \a zone is new, its time is set, and there is room. */
void ms_wakes_add(ms_wakes_t *wakes, struct ms_zone *zone);
/*! Its time has become another one. */
void ms_wakes_moved(ms_wakes_t *wakes, struct ms_zone *zone);
/*! Collects those that are due in wakes->due, which stays while times change. \return How many. */
size_t ms_wakes_due(ms_wakes_t *wakes, ms_time_t now);
/*! The earliest time of all. */
ms_time_t ms_wakes_first(const ms_wakes_t *wakes);
void ms_wakes_deinit(ms_wakes_t *wakes);
