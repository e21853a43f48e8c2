/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "base/rng.h"
#include "core/model.h"

#define ZONES 500
#define TURNS 20000
#define SPAN  1000

static ms_zone_t zones[ZONES];

/* What the heap says against what a walk over all zones says. */
static void check(ms_wakes_t *wakes, size_t count, ms_time_t now)
{
	ms_time_t first = MS_TIME_NEVER;
	size_t expected = 0, sum = 0, got = 0;
	for (size_t i = 0; i < count; i++) {
		first = ms_time_min(first, zones[i].wake);
		if (ms_time_due(zones[i].wake, now)) {
			expected++;
			sum += i;
		}
	}
	assert_int_equal(ms_wakes_first(wakes).us, first.us);
	assert_int_equal(ms_wakes_due(wakes, now), expected);
	for (size_t i = 0; i < expected; i++) {
		assert_true(ms_time_due(wakes->due[i]->wake, now));
		got += wakes->due[i] - zones;
	}
	assert_int_equal(got, sum);
}

static void test_wakes(void **state)
{
	ms_wakes_t wakes = { 0 };
	ms_rng_t rng = { 7 };
	size_t count = 0;
	check(&wakes, count, (ms_time_t){ SPAN });
	for (size_t turn = 0; turn < TURNS; turn++) {
		ms_time_t when = { ms_rng_below(&rng, SPAN) };
		if (count < ZONES && ms_rng_below(&rng, 4) == 0) {
			assert_int_equal(ms_wakes_room(&wakes), KNOT_EOK);
			zones[count].wake = when;
			ms_wakes_add(&wakes, &zones[count++]);
		} else if (count > 0) {
			ms_zone_t *zone = &zones[ms_rng_below(&rng, count)];
			zone->wake = ms_rng_below(&rng, 8) == 0 ? MS_TIME_NEVER : when;
			ms_wakes_moved(&wakes, zone);
		}
		if (turn % 16 == 0) {
			check(&wakes, count, (ms_time_t){ ms_rng_below(&rng, SPAN / 4) });
		}
	}
	assert_int_equal(count, ZONES);
	check(&wakes, count, (ms_time_t){ SPAN });
	ms_wakes_deinit(&wakes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wakes),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
