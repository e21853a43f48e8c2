/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/clock.h"

#include <time.h>

static ms_time_t monotonic(void)
{
	struct timespec ts = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ms_time_t){ (int64_t)ts.tv_sec * MS_SEC + ts.tv_nsec / 1000 };
}

ms_now_t ms_clock(void)
{
	struct timespec wall = { 0 };
	(void)clock_gettime(CLOCK_REALTIME, &wall);
	return (ms_now_t){ .mono = monotonic(), .wall = { wall.tv_sec } };
}

int64_t ms_clock_ms(void)
{
	return monotonic().us / MS_MSEC;
}
