/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "core/view.h"
#include "make.h"

static ms_agent_t agent;
static ms_zone_t *zones[3];
static ms_view_t *view;
static ms_actions_t out;
static const knot_dname_t *const names[] = {
	(const knot_dname_t *)"\x01" "a", (const knot_dname_t *)"\x01" "b",
	(const knot_dname_t *)"\x01" "c",
};

static int set_up(void **state)
{
	make_agent(&agent);
	for (size_t i = 0; i < 3; i++) {
		zones[i] = ms_zone_get(&agent, names[i]);
		assert_non_null(zones[i]);
		zones[i]->opted = i < 2;
	}
	view = ms_view_make(&agent, NULL, make_now(0));
	assert_non_null(view);
	assert_false(ms_view_due(&agent));
	assert_int_equal(view->gauge_zones, 2);
	return 0;
}

static int tear_down(void **state)
{
	ms_view_free(view);
	ms_agent_deinit(&agent);
	ms_actions_deinit(&out);
	return 0;
}

/* A zone that changed has a new row in the same view, and readers of the old one still have it. */
static void test_update(void **state)
{
	const ms_view_zone_t *a = ms_view_zone(view, names[0]), *b = ms_view_zone(view, names[1]);
	ms_view_zone_t *old = NULL;
	zones[0]->shared = true;
	ms_zone_alarm(zones[0], MS_ALARM_NO_SIGNER, true, "none", &out);
	assert_true(ms_view_due(&agent));
	assert_int_equal(ms_view_update(&agent, view, make_now(0), &old), KNOT_EOK);
	assert_false(ms_view_due(&agent));
	assert_ptr_equal(old, a);
	assert_null(old->older);
	assert_false(a->shared);
	assert_true(ms_view_zone(view, names[0])->shared);
	assert_ptr_equal(ms_view_zone(view, names[1]), b);
	assert_int_equal(view->gauge_zones, 2);
	assert_int_equal(view->gauge_shared, 1);
	assert_int_equal(view->gauge_alarms, 1);

	/* Gauges follow downwards, too; what is not shown needs no row. */
	zones[0]->shared = false;
	ms_zone_touch(zones[0]);
	ms_zone_touch(zones[1]);
	ms_zone_touch(zones[2]);
	assert_int_equal(ms_view_update(&agent, view, make_now(0), &old), KNOT_EOK);
	assert_int_equal(view->gauge_shared, 0);
	assert_int_equal(view->gauge_alarms, 1);
	assert_null(ms_view_zone(view, names[2]));
	ms_view_drop(old);
}

/* Another zone, one less, or a peer: that is another view. */
static void test_next(void **state)
{
	ms_view_zone_t *old = NULL;
	zones[2]->opted = true;
	ms_zone_touch(zones[2]);
	assert_int_equal(ms_view_update(&agent, view, make_now(0), &old), KNOT_ENOTSUP);
	assert_true(ms_view_due(&agent));
	ms_view_t *next = ms_view_make(&agent, view, make_now(0));
	assert_non_null(next);
	assert_int_equal(next->gauge_zones, 3);
	assert_ptr_equal(ms_view_zone(next, names[0]), ms_view_zone(view, names[0]));
	ms_view_free(view);
	view = next;

	zones[0]->opted = false;
	ms_zone_touch(zones[0]);
	assert_int_equal(ms_view_update(&agent, view, make_now(0), &old), KNOT_ENOTSUP);
	zones[0]->opted = true;
	assert_int_equal(ms_view_update(&agent, view, make_now(0), &old), KNOT_EOK);
	ms_view_drop(old);
	old = NULL;
	assert_non_null(make_pair(&agent, zones[1], "agent.b.test."));
	assert_int_equal(ms_view_update(&agent, view, make_now(0), &old), KNOT_ENOTSUP);
	assert_null(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_update, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_next, set_up, tear_down),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
