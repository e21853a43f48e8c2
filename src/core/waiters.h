/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Zones that wait, in the order in which they came, until one peer may be sent something more. The
 * pair of zone and peer knows that it stands here, so that none stands here twice: there are never
 * more than zones.
 */
#pragma once

#include <stddef.h>

struct ms_zone;

typedef struct {
	size_t count;
	size_t head;               /*!< The first one; behind the last slot it goes on at the first. */
	size_t room;
	struct ms_zone **zones;    /*!< Borrowed rows. NULL while nobody waits. */
} ms_waiters_t;

/*! At the end. \retval KNOT_ENOMEM  Nothing has changed. */
int ms_waiters_add(ms_waiters_t *waiters, struct ms_zone *zone);
/*! The first one leaves. \return NULL: nobody waits. */
struct ms_zone *ms_waiters_take(ms_waiters_t *waiters);
/*! A zone that no longer waits leaves from where it stands, if it stands here. */
void ms_waiters_drop(ms_waiters_t *waiters, const struct ms_zone *zone);
void ms_waiters_deinit(ms_waiters_t *waiters);
