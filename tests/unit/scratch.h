/* SPDX-License-Identifier: GPL-3.0-or-later */
/*! A folder of a test's own, and a clock to bound its waits. After <cmocka.h>. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SCRATCH_LEN 64

/*! Makes a new folder; \a name tells whose it is. */
static inline void scratch_make(char dir[SCRATCH_LEN], const char *name)
{
	snprintf(dir, SCRATCH_LEN, "/tmp/ms-%s.XXXXXX", name);
	assert_non_null(mkdtemp(dir));
}

/*! \return 0, as a teardown does. */
static inline int scratch_remove(const char *dir)
{
	char cmd[SCRATCH_LEN + 16];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static inline int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
