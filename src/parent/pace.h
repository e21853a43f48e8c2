/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * When a child is looked at: once for many hints, again after what could heal, and slowly without any
 * hint (K-02, K-08, K-10, K-20, K-22).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef struct {
	int64_t scan;          /*!< Microseconds between looks without a hint; 0: never. */
	int64_t retry;         /*!< First repetition of what waits; doubled with each. */
	uint8_t retries;       /*!< So many; afterwards silent servers may be dropped. */
	int64_t gap;           /*!< Least time between the beginnings of two looks at one child. */
} ms_pace_policy_t;

typedef struct {
	bool running;
	bool again;            /*!< Hinted at while a look was running. */
	bool patient;          /*!< The last look was for a hint, and changed something. */
	bool scheduled;        /*!< The running look began when it was planned, not for a hint. */
	uint8_t tried;         /*!< Planned looks in a row that shall be repeated. */
	uint8_t silent;        /*!< Planned looks in a row that found a silent server. */
	bool seen;             /*!< There was a look … */
	ms_time_t began;       /*!< … and it began then. */
	ms_time_t due;         /*!< Of the next one. */
	ms_time_t planned;     /*!< Of the next one without any hint. */
} ms_pace_t;

/*! A child that was not seen before: due after \a delay. */
void ms_pace_init(ms_pace_t *pace, ms_time_t now, int64_t delay);
/*! Somebody says that there is something to see. */
void ms_pace_hint(ms_pace_t *pace, const ms_pace_policy_t *policy, ms_time_t now);
bool ms_pace_due(const ms_pace_t *pace, ms_time_t now);
void ms_pace_begin(ms_pace_t *pace, ms_time_t now);

typedef enum {
	MS_PACE_SAME,
	MS_PACE_CHANGED,
	MS_PACE_WAITS,
	MS_PACE_SILENT,        /*!< Waits for a server that did not answer. */
	MS_PACE_REFUSED,
} ms_pace_end_t;

/*! A look is over. \param hinted  It was for a hint. */
void ms_pace_end(ms_pace_t *pace, const ms_pace_policy_t *policy, ms_pace_end_t end, bool hinted,
                 ms_time_t now);
/*! Was some server silent in all repetitions? Then silent servers may stop counting (K-20). Looks
 *  for hints do not count: whoever sends NOTIFY could shorten the time that a server has to come back. */
bool ms_pace_exhausted(const ms_pace_t *pace, const ms_pace_policy_t *policy);
