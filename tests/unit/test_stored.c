/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "make.h"

static int step(ms_agent_t *agent, ms_event_kind_t kind, int ret, double seconds, ms_actions_t *out)
{
	ms_event_t event = { .kind = kind, .now = make_now(seconds), .ret = ret };
	ms_actions_clear(out);
	return ms_step(agent, &event, out);
}

/* Between the failure and the word that it works again, everything is tried, and nothing promised. */
static void test_again(void **state)
{
	(void)state;
	ms_agent_t agent;
	ms_actions_t out = { 0 };
	make_agent(&agent);
	assert_int_equal(step(&agent, MS_EV_STORED, KNOT_ESPACE, 1, &out), KNOT_EOK);
	assert_true(agent.unsaved);
	assert_int_equal(step(&agent, MS_EV_TIMER, KNOT_EOK, 60, &out), KNOT_EOK);
	assert_non_null(make_find(&out, MS_ACT_PERSIST, NULL));
	assert_true(agent.unsaved);
	assert_int_equal(step(&agent, MS_EV_STORED, KNOT_EOK, 61, &out), KNOT_EOK);
	assert_non_null(make_find(&out, MS_ACT_PERSIST, NULL));
	assert_false(agent.unsaved);
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
}

/* It works, but memory was out when everything was to be written: nobody tells that once more. */
static void test_half(void **state)
{
	(void)state;
	ms_agent_t agent;
	ms_actions_t out = { 0 };
	make_agent(&agent);
	agent.unsaved = agent.store_works = true;
	agent.save_at = make_now(5).mono;
	assert_int_equal(step(&agent, MS_EV_TIMER, KNOT_EOK, 4, &out), KNOT_EOK);
	assert_true(agent.unsaved);
	assert_true(ms_deadline(&agent).us <= make_now(5).mono.us);
	assert_int_equal(step(&agent, MS_EV_TIMER, KNOT_EOK, 5, &out), KNOT_EOK);
	assert_non_null(make_find(&out, MS_ACT_PERSIST, NULL));
	assert_false(agent.unsaved);
	assert_int_equal(step(&agent, MS_EV_STORED, KNOT_ESPACE, 6, &out), KNOT_EOK);
	assert_true(agent.unsaved);
	assert_false(agent.store_works);
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_half),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
