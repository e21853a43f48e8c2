/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Time as a type, so that seconds, microseconds, clocks and durations cannot mix.
 *
 * ms_time_t is a point on a monotonic clock (microseconds since an unknown start): timers.
 * ms_wall_t is a point of civil time (seconds since 1970): signatures, TTLs kept over a restart.
 * Nothing below src/agent reads a clock: `now` always comes with the event.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	int64_t us;
} ms_time_t;

typedef struct {
	int64_t s;
} ms_wall_t;

/*! Both clocks, read at the same moment. */
typedef struct {
	ms_time_t mono;
	ms_wall_t wall;
} ms_now_t;

#define MS_MSEC ((int64_t)1000)
#define MS_SEC  ((int64_t)1000000)

/*! A deadline that never comes. */
#define MS_TIME_NEVER ((ms_time_t){ INT64_MAX })

static inline bool ms_time_is_never(ms_time_t t)
{
	return t.us == INT64_MAX;
}

/*! \a t plus \a us microseconds; "never" stays "never". */
static inline ms_time_t ms_time_add(ms_time_t t, int64_t us)
{
	return ms_time_is_never(t) || us > INT64_MAX - t.us ? MS_TIME_NEVER
	                                                      : (ms_time_t){ t.us + us };
}

/*! Microseconds from \a from to \a to (negative when \a to is earlier). */
static inline int64_t ms_time_diff(ms_time_t from, ms_time_t to)
{
	return to.us - from.us;
}

static inline bool ms_time_due(ms_time_t deadline, ms_time_t now)
{
	return deadline.us <= now.us;
}

static inline ms_time_t ms_time_min(ms_time_t a, ms_time_t b)
{
	return a.us < b.us ? a : b;
}
