/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "core/model.h"
#include "core/waiters.h"

#define ZONES 1000

static ms_zone_t zones[ZONES];

/* Some leave while others come: the ring turns around and grows in the middle of a turn. */
static void test_order(void **state)
{
	ms_waiters_t waiters = { 0 };
	size_t in = 0, out = 0;
	assert_null(ms_waiters_take(&waiters));
	while (in < ZONES) {
		for (unsigned i = 0; i < 5 && in < ZONES; i++) {
			assert_int_equal(ms_waiters_add(&waiters, &zones[in++]), KNOT_EOK);
		}
		for (unsigned i = 0; i < 2; i++) {
			assert_ptr_equal(ms_waiters_take(&waiters), &zones[out++]);
		}
		assert_int_equal(waiters.count, in - out);
	}
	while (out < ZONES) {
		assert_ptr_equal(ms_waiters_take(&waiters), &zones[out++]);
	}
	assert_null(ms_waiters_take(&waiters));
	assert_null(waiters.zones);
}

/* Whoever is dropped, first, last or between, leaves the others in their order. */
static void test_drop(void **state)
{
	ms_waiters_t waiters = { 0 };
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(ms_waiters_add(&waiters, &zones[i]), KNOT_EOK);
	}
	for (size_t i = 0; i < 30; i++) {
		assert_ptr_equal(ms_waiters_take(&waiters), &zones[i]);
	}
	for (size_t i = 40; i < 80; i++) {
		assert_int_equal(ms_waiters_add(&waiters, &zones[i]), KNOT_EOK);
	}
	ms_waiters_drop(&waiters, &zones[30]);
	ms_waiters_drop(&waiters, &zones[64]);
	ms_waiters_drop(&waiters, &zones[79]);
	ms_waiters_drop(&waiters, &zones[99]);
	assert_int_equal(waiters.count, 47);
	for (size_t i = 31; i < 79; i++) {
		if (i != 64) {
			assert_ptr_equal(ms_waiters_take(&waiters), &zones[i]);
		}
	}
	assert_int_equal(waiters.count, 0);
	ms_waiters_drop(&waiters, &zones[0]);
	ms_waiters_deinit(&waiters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_drop),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
