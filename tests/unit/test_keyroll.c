/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the key manager is asked in which step, by whom; and when that is done and to be seen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/choice.h"
#include "core/keyroll.h"
#include "looks.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define A "agent.a.test."
#define B "agent.b.test."

static int setup(void **state)
{
	lab_setup(state);
	lab.zone->managed = true;
	return 0;
}

static const ms_action_t *settle(double now)
{
	ms_actions_clear(&lab.out);
	assert_int_equal(ms_keyroll_settle(&lab.agent, lab.zone, make_now(now), &lab.out), KNOT_EOK);
	return make_find(&lab.out, MS_ACT_KEYS, NULL);
}

/* The answer with this id: the list as it is. */
static void answer(double now, uint64_t id, int ret, const char *reason)
{
	ms_event_t event = { .kind = MS_EV_KEYS, .now = make_now(now), .id = id, .ret = ret };
	ms_name_copy(event.zone, lab.zone->name);
	strcpy(event.reason, reason);
	if (ret == KNOT_EOK) {
		event.keys.count = lab.process->key_count;
		event.keys.list = calloc(event.keys.count + 1, sizeof(*event.keys.list));
		assert_non_null(event.keys.list);
		memcpy(event.keys.list, lab.process->keys, event.keys.count * sizeof(*event.keys.list));
	}
	lab.zone->keys_id = 0; /* as ms_on_keys() does */
	ms_process_keys(lab.zone, &event);
	ms_event_clear(&event);
}

/* F-60..F-71, F-75..F-78: each operation in its step, by the subject; in an algorithm roll by all. */
static void test_operations(void **state)
{
	for (ms_process_kind_t kind = MS_PROC_JOIN; kind < MS_PROC_KINDS; kind++) {
		for (const ms_step_row_t *row = ms_process_table(kind); row->name != NULL; row++) {
			for (unsigned ours = 0; ours < 2; ours++) {
				bool all = kind == MS_PROC_ALGORITHM;
				lab_teardown(state);
				setup(state);
				(void)lab_step(kind, row->name, all ? NULL : ours ? A : B);
				const ms_action_t *asked = settle(0);
				bool wanted = row->keys != MS_KEYS_LIST && (ours || all);
				if ((asked != NULL) != wanted) {
					fail_msg("%s %s", ms_process_name(kind), row->name);
				}
				if (asked != NULL) {
					assert_int_equal(asked->keys.op, row->keys);
					assert_int_equal(asked->keys.role, ms_keyroll_role(kind));
					assert_int_equal(asked->keys.algorithm, lab.agent.config.algorithm);
				}
				assert_int_equal(ms_keyroll_done(lab.zone, row), !wanted);
			}
		}
	}
}

static void test_roles(void **state)
{
	(void)state;
	assert_int_equal(ms_keyroll_role(MS_PROC_ZSK), MS_ROLE_ZSK);
	assert_int_equal(ms_keyroll_role(MS_PROC_KSK), MS_ROLE_KSK);
	assert_int_equal(ms_keyroll_role(MS_PROC_CSK), MS_ROLE_CSK);
}

/* F-16: the tags of all keys of the group, those that only the other one has, too. */
static void test_taken(void **state)
{
	(void)state;
	uint8_t new[MAKE_KEY_LEN];
	ms_dnskey_t info;
	make_zsk(9, new);
	make_add(&lab.other->held.set[MS_APEX_DNSKEY], LOOK_TTL, new, sizeof(new));
	(void)lab_step(MS_PROC_ZSK, "publish", A);
	const ms_action_t *asked = settle(0);
	assert_non_null(asked);
	const uint8_t *keys[] = { lab.zsk, lab.ksk, lab.other_zsk, new };
	for (size_t i = 0; i < COUNT(keys); i++) {
		bool taken = false;
		assert_int_equal(ms_dnskey_decode(keys[i], MAKE_KEY_LEN, &info), KNOT_EOK);
		for (unsigned k = 0; k < asked->keys.taken_count; k++) {
			taken |= asked->keys.taken[k] == info.tag;
		}
		assert_true(taken);
	}
}

/* Keys that are not ours to roll; one question at a time. */
static void test_not_asked(void **state)
{
	(void)state;
	(void)lab_step(MS_PROC_ZSK, "publish", A);
	lab.zone->signing = false;
	assert_null(settle(0));
	lab.zone->signing = true;
	lab.zone->managed = false;
	assert_null(settle(0));
	lab.zone->managed = true;
	lab.zone->keys_id = 7;
	assert_null(settle(0));
	lab.zone->keys_id = 0;
	lab.process->keys_at = make_now(5).mono;
	assert_null(settle(4));
	assert_non_null(settle(5));
	assert_null(settle(5));
}

/* The list alone: in a roll of ours, or where keys have a lifetime, once in a run. */
static void test_list(void **state)
{
	(void)state;
	lab.process->keys_known = false;
	assert_null(settle(0));
	(void)lab_step(MS_PROC_ZSK, "hold", B);
	assert_null(settle(0));
	(void)lab_step(MS_PROC_ZSK, "hold", A);
	const ms_action_t *asked = settle(0);
	assert_non_null(asked);
	assert_int_equal(asked->keys.op, MS_KEYS_LIST);
	answer(1, asked->id, KNOT_EOK, "");
	assert_true(lab.process->keys_known);
	assert_null(settle(100));
	lab.process->keys_known = false;
	lab.process->kind = MS_PROC_NONE;
	lab.process->step = 0;
	lab.agent.config.ksk_lifetime = 1;
	assert_non_null(settle(200));
}

/* Done when the key manager says so and the apex shows it; what was seen before does not count. */
static void test_done(void **state)
{
	(void)state;
	const ms_step_row_t *row = lab_step(MS_PROC_ZSK, "publish", A);
	lab.process->fact[MS_FACT_KEYS].since = lab.process->fact[MS_FACT_DS].since = 5;
	lab.process->look[MS_LOOK_CHILDREN].failures = 9;
	uint64_t id = settle(0)->id;
	answer(1, id + 1, KNOT_EOK, ""); /* somebody else's question */
	assert_false(lab.process->keys_done);
	assert_int_equal(lab.process->fact[MS_FACT_KEYS].since, 5);
	answer(2, id, KNOT_EOK, "");
	assert_true(lab.process->keys_done && lab.process->again);
	assert_true(ms_keyroll_done(lab.zone, row));
	assert_int_equal(lab.process->fact[MS_FACT_KEYS].since, 0);
	assert_int_equal(lab.process->fact[MS_FACT_DS].since, 5); /* the step is not about it */
	assert_int_equal(lab.process->look[MS_LOOK_CHILDREN].failures, 0);
	assert_int_equal(lab.process->look[MS_LOOK_CHILDREN].at.us, make_now(2).mono.us);
	assert_null(settle(100));
	/* Not to be seen in the apex: not done. */
	assert_int_equal(ms_rrset_remove(&lab.zone->apex.set[MS_APEX_DNSKEY], lab.zsk, MAKE_KEY_LEN),
	                 KNOT_EOK);
	assert_false(ms_keyroll_done(lab.zone, row));
}

/* What fails is tried again, and the state says why. */
static void test_failure(void **state)
{
	(void)state;
	const ms_step_row_t *row = lab_step(MS_PROC_KSK, "cds", A);
	uint64_t id = settle(0)->id;
	answer(1, id, KNOT_ERROR, "no such key");
	assert_string_equal(lab.process->flaw, "no such key");
	assert_false(ms_keyroll_done(lab.zone, row));
	assert_null(settle(1 + MS_PROC_KEYS_RETRY / MS_SEC - 1));
	assert_int_equal(ms_keyroll_deadline(&lab.agent, lab.zone).us,
	                 make_now(1).mono.us + MS_PROC_KEYS_RETRY);
	const ms_action_t *again = settle(1 + MS_PROC_KEYS_RETRY / MS_SEC);
	assert_non_null(again);
	assert_int_equal(again->keys.op, MS_KEYS_ACTIVATE);
	/* Without an answer it is asked for again as well. */
	lab.zone->keys_id = 0;
	assert_non_null(settle(100));
}

/* An answer that comes after the step is over is of the step before. */
static void test_late_answer(void **state)
{
	(void)state;
	(void)lab_step(MS_PROC_KSK, "cds", A);
	uint64_t id = settle(0)->id;
	const ms_step_row_t *row = lab_step(MS_PROC_KSK, "cds-new", A);
	answer(1, id, KNOT_EOK, "");
	assert_false(ms_keyroll_done(lab.zone, row));
	const ms_action_t *asked = settle(1);
	assert_non_null(asked);
	assert_int_equal(asked->keys.op, MS_KEYS_WITHDRAW);
}

static const struct {
	const char *what;
	bool zsk_published, zsk_removed, ksk_published, ksk_active, ksk_withdrawn;
	bool in_dnskey, has_cds, any_cds;   /* our ZSK, our KSK's CDS, any CDS at all */
	bool shown;
} views[] = {
	{ "as it is", true, false, true, true, false, true, true, true, true },
	{ "a published key is not there yet", true, false, true, true, false, false, true, true, false },
	{ "a removed key is still there", true, true, true, true, false, true, true, true, false },
	{ "a removed key is gone", true, true, true, true, false, false, true, true, true },
	{ "a key that signs unpublished (F-76)", false, false, true, true, false, false, true, true, true },
	{ "… and stands there", false, false, true, true, false, true, true, true, false },
	{ "CDS is not there yet", true, false, true, true, false, true, false, true, false },
	{ "a withdrawn KSK has CDS still (F-69)", true, false, true, true, true, true, true, true, false },
	{ "a withdrawn KSK has none", true, false, true, true, true, true, false, true, true },
	{ "a new KSK has no CDS (F-65)", true, false, true, false, false, true, false, true, true },
	{ "a new KSK has CDS already", true, false, true, false, false, true, true, true, false },
	{ "CDS is published for nobody", true, false, true, true, false, true, false, false, true },
};

static void test_shown(void **state)
{
	(void)state;
	ms_own_key_t *zsk = &lab.process->keys[0], *ksk = &lab.process->keys[1];
	ms_rrset_t *dnskey = &lab.zone->apex.set[MS_APEX_DNSKEY], *cds = &lab.zone->apex.set[MS_APEX_CDS];
	for (size_t i = 0; i < COUNT(views); i++) {
		zsk->published = views[i].zsk_published;
		zsk->removed = views[i].zsk_removed;
		ksk->published = views[i].ksk_published;
		ksk->active = views[i].ksk_active;
		ksk->withdrawn = views[i].ksk_withdrawn;
		ms_rrset_clear(dnskey);
		ms_rrset_clear(cds);
		make_add(dnskey, LOOK_TTL, lab.ksk, MAKE_KEY_LEN);
		if (views[i].in_dnskey) {
			make_add(dnskey, LOOK_TTL, lab.zsk, MAKE_KEY_LEN);
		}
		if (views[i].any_cds) {
			make_add(cds, LOOK_TTL, lab.other_ds, LOOK_DS_LEN);
		}
		if (views[i].has_cds) {
			make_add(cds, LOOK_TTL, lab.ds, LOOK_DS_LEN);
		}
		if (ms_keyroll_shown(lab.zone) != views[i].shown) {
			fail_msg("%s", views[i].what);
		}
	}
	/* Nothing is known: nothing is wrong. */
	lab.process->keys_known = false;
	assert_true(ms_keyroll_shown(lab.zone));
}

/* A key's life ends at its moment; one roll at a time is asked for. */
static void test_deadline(void **state)
{
	(void)state;
	const ms_now_t now = make_now(1000);
	assert_true(ms_time_is_never(ms_keyroll_deadline(&lab.agent, lab.zone)));
	lab.agent.config.zsk_lifetime = 100;
	lab.agent.config.ksk_lifetime = 1000;
	lab.process->keys[0].active_at = lab.process->keys[1].active_at = now.wall.s;
	assert_int_equal(ms_keyroll_deadline(&lab.agent, lab.zone).us, make_now(1100).mono.us);
	lab.process->keys[0].removed = true;
	assert_int_equal(ms_keyroll_deadline(&lab.agent, lab.zone).us, make_now(2000).mono.us);
	lab.process->asked = 1;
	assert_true(ms_time_is_never(ms_keyroll_deadline(&lab.agent, lab.zone)));
}

/* F-14: the new key that is thrown away is of the role of the roll, though that is over. */
static void test_discard(void **state)
{
	static const ms_process_kind_t kinds[] = { MS_PROC_ZSK, MS_PROC_KSK, MS_PROC_CSK };
	for (size_t i = 0; i < COUNT(kinds); i++) {
		lab_teardown(state);
		setup(state);
		ms_order_t order = { .word = MS_ORDER_ABORT, .hash = 1 };
		ms_name_copy(order.zone, lab.zone->name);
		(void)lab_step(kinds[i], "publish", A);
		lab.process->asked = 1 << ms_keyroll_role(kinds[i]);
		lab.process->keys_done = true;
		free(lab.agent.config.orders);
		lab.agent.config.orders = &order;
		lab.agent.config.order_count = 1;
		int ret = ms_process_settle(&lab.agent, lab.zone, make_now(0), &lab.out);
		lab.agent.config.orders = NULL;
		lab.agent.config.order_count = 0;
		assert_int_equal(ret, KNOT_EOK);
		assert_int_equal(lab.process->kind, MS_PROC_NONE);
		const ms_action_t *asked = make_find(&lab.out, MS_ACT_KEYS, NULL);
		assert_non_null(asked);
		assert_int_equal(asked->keys.op, MS_KEYS_DISCARD);
		assert_int_equal(asked->keys.role, ms_keyroll_role(kinds[i]));
		answer(1, asked->id, KNOT_EOK, "");
		assert_false(lab.process->discard);
	}
}

/* A roll that is due and given up does not go on without its key: it begins anew when that is gone. */
static void test_discard_of_due(void **state)
{
	(void)state;
	ms_order_t order = { .word = MS_ORDER_ABORT, .hash = 1 };
	ms_name_copy(order.zone, lab.zone->name);
	(void)lab_step(MS_PROC_ZSK, "hold", A);
	lab.process->asked = 1 << MS_ROLE_ZSK;
	lab.process->keys[0].active_at = make_now(0).wall.s;
	lab.agent.config.zsk_lifetime = 100;
	free(lab.agent.config.orders);
	lab.agent.config.orders = &order;
	lab.agent.config.order_count = 1;
	int ret = ms_process_settle(&lab.agent, lab.zone, make_now(200), &lab.out);
	lab.agent.config.orders = NULL;
	lab.agent.config.order_count = 0;
	assert_int_equal(ret, KNOT_EOK);
	assert_int_equal(lab.process->kind, MS_PROC_NONE);
	assert_int_not_equal(lab.process->discard, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, lab_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_operations), TEST(test_roles), TEST(test_taken), TEST(test_not_asked),
		TEST(test_list), TEST(test_done), TEST(test_failure), TEST(test_late_answer),
		TEST(test_shown), TEST(test_deadline), TEST(test_discard),
		TEST(test_discard_of_due),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
