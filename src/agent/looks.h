/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * When which zone is asked for its SOA (architecture decision 6): all in turn, those where a new
 * version is expected first, and never more than the budget allows.
 */
#pragma once

#include "agent/publish.h"
#include "base/time.h"
#include "io/poll.h"

/*! A handful of zones is seen within this, however few they are (microseconds). */
#define MS_LOOKS_INTERVAL (20 * MS_MSEC)
/*! Looks for an expected version: soon, then with pauses that double, for five seconds. */
#define MS_LOOKS_FIRST (1 * MS_MSEC)
#define MS_LOOKS_TIMES 9

/*! A zone where a new version is expected. */
typedef struct {
	ms_slot_t *slot;
	ms_time_t at;
	unsigned left;
} ms_look_t;

typedef struct {
	ms_poll_t *poll;         /*!< NULL: nothing is asked. */
	uint32_t budget;         /*!< Queries a second; 0: nothing is asked. */
	double tokens;           /*!< Queries that may be sent now. */
	ms_time_t filled_at;
	ms_time_t turn_at;       /*!< Next zone of the round. */
	size_t next;
	size_t count;            /*!< Zones in the round. */
	size_t room;
	ms_slot_t **zones;
	size_t look_count;
	size_t look_room;
	ms_look_t *looks;        /*!< In no order; few. */
} ms_looks_t;

/*! Empties; \a looks may be zeroed. */
void ms_looks_deinit(ms_looks_t *looks);
/*! New server and budget; the zones stay. \retval KNOT_E* of ms_poll_new(): nothing is asked. */
int ms_looks_configure(ms_looks_t *looks, const ms_addr_t *server, uint32_t budget, ms_time_t now);

/*! This zone takes part; it leaves the round by itself when its slot is no longer live. */
void ms_looks_add(ms_looks_t *looks, ms_slot_t *slot);
/*! A new version is expected here. */
void ms_looks_expect(ms_looks_t *looks, ms_slot_t *slot, ms_time_t now);
/*! It is there. */
void ms_looks_seen(ms_looks_t *looks, const ms_slot_t *slot);

ms_time_t ms_looks_deadline(const ms_looks_t *looks);
void ms_looks_work(ms_looks_t *looks, ms_time_t now);
