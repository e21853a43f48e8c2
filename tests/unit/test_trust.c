/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parentlab.h"
#include "parent/limit.h"
#include "parent/pace.h"
#include "parent/row.h"
#include "parent/trust.h"
#include "wire/sig0.h"

static ms_keyrr_t key(uint8_t number)
{
	ms_keyrr_t rr = { .len = 36, .rdata = { 2, 0, 3, 15 } };
	memset(rr.rdata + 4, number, 32);
	return rr;
}

static const ms_trust_policy_t signed_child = { .at_apex = true, .manual = true, .looks_min = 2,
                                                .keys_max = 1, .roll = true };

static uint8_t state_of(ms_trust_t *t, uint8_t number)
{
	ms_keyrr_t rr = key(number);
	const ms_trust_key_t *found = ms_trust_find(t, rr.rdata, rr.len);
	return found != NULL ? found->state : MS_TRUST_STATES;
}

static void upload(ms_trust_t *t, uint8_t number, const ms_trust_policy_t *how, int64_t now)
{
	ms_keyrr_t rr = key(number);
	assert_int_equal(ms_trust_upload(t, &rr, how, now), KNOT_EOK);
}

static ms_survey_t *with_key(bool secure, uint8_t first, uint8_t second)
{
	ms_survey_t *s = make_survey(secure);
	for (int i = 0; i < 2; i++) {
		ms_keyrr_t rr = key(i == 0 ? first : second);
		if (rr.rdata[4] != 0) {
			add(&s->looks[i].said[MS_LOOK_KEY].set, rr.rdata, rr.len);
		}
	}
	return s;
}

static void look(ms_trust_t *t, ms_survey_t *s, const ms_trust_policy_t *how, int64_t now)
{
	ms_policy_t policy = make_policy();
	(void)ms_trust_look(t, s, &policy, how, now);
	ms_survey_free(s);
}

/* Signed child: published everywhere and validated (M-17), or not (M-18). */
static void test_apex(void **state)
{
	static const struct {
		const char *what;
		uint8_t first, second, silent;
		uint8_t state;
	} cases[] = {
		{ "published", 1, 1, 0, MS_TRUST_TRUSTED },
		{ "another one is published", 2, 2, 0, MS_TRUST_FAILED },
		{ "none is published", 0, 0, 0, MS_TRUST_FAILED },
		{ "servers differ", 1, 2, 0, MS_TRUST_FAILED },
		{ "one server has none", 1, 0, 0, MS_TRUST_FAILED },
		{ "one server is silent", 1, 1, MS_SAID_SILENT, MS_TRUST_KNOWN },
		{ "one server is bogus", 1, 1, MS_SAID_BOGUS, MS_TRUST_FAILED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_trust_t t = { 0 };
		upload(&t, 1, &signed_child, NOW);
		ms_survey_t *s = with_key(true, cases[i].first, cases[i].second);
		if (cases[i].silent != 0) {
			s->looks[1].said[MS_LOOK_KEY].saying = cases[i].silent;
		}
		look(&t, s, &signed_child, NOW);
		if (state_of(&t, 1) != cases[i].state) {
			fail_msg("%s: %s", cases[i].what, ms_trust_name(state_of(&t, 1)));
		}
	}
}

/* M-15, M-40, P-07: an upload takes nothing away; the old key goes when the new one is trusted. */
static void test_replacement(void **state)
{
	ms_trust_t t = { 0 };
	upload(&t, 1, &signed_child, NOW);
	look(&t, with_key(true, 1, 1), &signed_child, NOW);
	upload(&t, 2, &signed_child, NOW + 1);
	assert_int_equal(state_of(&t, 1), MS_TRUST_TRUSTED);
	assert_int_equal(state_of(&t, 2), MS_TRUST_KNOWN);
	look(&t, with_key(true, 1, 1), &signed_child, NOW + 2);
	assert_int_equal(state_of(&t, 1), MS_TRUST_TRUSTED);
	assert_int_equal(state_of(&t, 2), MS_TRUST_FAILED);
	upload(&t, 2, &signed_child, NOW + 3);
	look(&t, with_key(true, 2, 2), &signed_child, NOW + 4);
	assert_int_equal(state_of(&t, 2), MS_TRUST_TRUSTED);
	assert_int_equal(state_of(&t, 1), MS_TRUST_STATES);
	/* Two race, and both are published: one is left, never none. */
	upload(&t, 3, &signed_child, NOW + 5);
	upload(&t, 4, &signed_child, NOW + 5);
	ms_survey_t *s = with_key(true, 3, 3);
	ms_keyrr_t rr = key(4);
	add(&s->looks[0].said[MS_LOOK_KEY].set, rr.rdata, rr.len);
	add(&s->looks[1].said[MS_LOOK_KEY].set, rr.rdata, rr.len);
	look(&t, s, &signed_child, NOW + 6);
	assert_true(ms_trust_any(&t));
	assert_int_equal((state_of(&t, 3) == MS_TRUST_TRUSTED) + (state_of(&t, 4) == MS_TRUST_TRUSTED), 1);
}

/* M-23: noise finds no room that a trusted key has, and is forgotten. */
static void test_noise(void **state)
{
	ms_trust_t t = { 0 };
	upload(&t, 1, &signed_child, NOW);
	look(&t, with_key(true, 1, 1), &signed_child, NOW);
	for (int i = 2; i < 200; i++) {
		upload(&t, i, &signed_child, NOW + i);
	}
	assert_int_equal(t.count, MS_TRUST_KEYS_MAX);
	assert_int_equal(state_of(&t, 1), MS_TRUST_TRUSTED);
	assert_false(ms_trust_expire(&t, NOW + MS_TRUST_AGE));
	assert_true(ms_trust_expire(&t, NOW + MS_TRUST_AGE + 1000));
	assert_int_equal(t.count, 1);
	assert_int_equal(state_of(&t, 1), MS_TRUST_TRUSTED);
	/* All room is trusted: policy may allow more keys than one (M-42). */
	ms_trust_policy_t many = signed_child;
	many.keys_max = MS_TRUST_KEYS_MAX;
	for (int i = 2; i < 20; i++) {
		ms_keyrr_t rr = key(i);
		assert_int_equal(ms_trust_promote(&t, &rr, MS_BY_HAND, &many, NOW + i), KNOT_EOK);
	}
	assert_int_equal(t.count, MS_TRUST_KEYS_MAX);
	assert_int_equal(state_of(&t, 19), MS_TRUST_TRUSTED);
	ms_keyrr_t rr = key(77);
	assert_int_equal(ms_trust_upload(&t, &rr, &many, NOW), KNOT_ELIMIT);
}

/* M-20, P-20: an unsigned child, many times the same; one other answer begins anew. */
static void test_looks(void **state)
{
	ms_trust_policy_t how = { .looks = true, .looks_min = 3, .keys_max = 1 };
	ms_trust_t t = { 0 };
	upload(&t, 1, &how, NOW);
	look(&t, with_key(false, 1, 1), &how, NOW);
	look(&t, with_key(false, 1, 1), &how, NOW);
	assert_int_equal(state_of(&t, 1), MS_TRUST_KNOWN);
	look(&t, with_key(false, 1, 1), &how, NOW);
	assert_int_equal(state_of(&t, 1), MS_TRUST_TRUSTED);
	upload(&t, 2, &how, NOW);
	look(&t, with_key(false, 2, 2), &how, NOW);
	look(&t, with_key(false, 2, 1), &how, NOW);
	assert_int_equal(state_of(&t, 2), MS_TRUST_FAILED);
	/* Not for a child that could prove it. */
	upload(&t, 3, &how, NOW);
	look(&t, with_key(true, 3, 3), &how, NOW);
	assert_int_equal(state_of(&t, 3), MS_TRUST_FAILED);
	/* And not where policy does not allow it. */
	t = (ms_trust_t){ 0 };
	upload(&t, 4, &signed_child, NOW);
	look(&t, with_key(false, 4, 4), &signed_child, NOW);
	assert_int_equal(state_of(&t, 4), MS_TRUST_MANUAL);
}

/* What the child's name servers publish, if it validates (M-19). */
static void test_signal(void **state)
{
	ms_trust_policy_t how = { .at_ns = true, .keys_max = 1 };
	static const uint8_t sayings[] = { MS_SAID_SECURE, MS_SAID_INSECURE, MS_SAID_BOGUS };
	for (size_t i = 0; i < sizeof(sayings); i++) {
		ms_trust_t t = { 0 };
		ms_keyrr_t rr = key(1);
		upload(&t, 1, &how, NOW);
		ms_survey_t *s = with_key(false, 0, 0);
		s->signal_count = 1;
		s->signals[0].key.saying = sayings[i];
		add(&s->signals[0].key.set, rr.rdata, rr.len);
		look(&t, s, &how, NOW);
		assert_int_equal(state_of(&t, 1), sayings[i] == MS_SAID_SECURE ? MS_TRUST_TRUSTED
		                                                               : MS_TRUST_FAILED);
	}
}

/* The code of each state (M-32). */
static void test_keystate(void **state)
{
	ms_trust_t t = { 0 };
	ms_keyrr_t rr = key(1);
	uint16_t tag = ms_key_tag(rr.rdata, rr.len);
	assert_int_equal(ms_trust_keystate(&t, tag), MS_KEYSTATE_UNKNOWN);
	upload(&t, 1, &signed_child, NOW);
	static const uint8_t states[][2] = {
		{ MS_TRUST_KNOWN, MS_KEYSTATE_AUTO }, { MS_TRUST_TRUSTED, MS_KEYSTATE_TRUSTED },
		{ MS_TRUST_FAILED, MS_KEYSTATE_FAILED }, { MS_TRUST_MANUAL, MS_KEYSTATE_MANUAL },
	};
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		t.key[0].state = states[i][0];
		assert_int_equal(ms_trust_keystate(&t, tag), states[i][1]);
	}
	assert_int_equal(ms_trust_keystate(&t, tag + 1), MS_KEYSTATE_UNKNOWN);
}

/* So many per address, and one address has nothing of another's (K-05, P-08). */
static void test_limit(void **state)
{
	ms_limit_t limit;
	ms_addr_t a = { .family = AF_INET, .ip = { 192, 0, 2, 1 } };
	ms_addr_t b = { .family = AF_INET, .ip = { 192, 0, 2, 2 } };
	ms_time_t now = { 1000 * MS_SEC };
	assert_int_equal(ms_limit_init(&limit, 4096, 60, 5, 42), KNOT_EOK);
	for (int i = 0; i < 5; i++) {
		assert_true(ms_limit_addr(&limit, &a, now));
	}
	assert_false(ms_limit_addr(&limit, &a, now));
	assert_true(ms_limit_addr(&limit, &b, now));
	now = ms_time_add(now, 1 * MS_SEC);
	assert_true(ms_limit_addr(&limit, &a, now));
	assert_false(ms_limit_addr(&limit, &a, now));
	/* Small steps add up. */
	for (int i = 0; i < 99; i++) {
		now = ms_time_add(now, 10 * MS_MSEC);
		assert_false(ms_limit_addr(&limit, &a, now));
	}
	now = ms_time_add(now, 10 * MS_MSEC);
	assert_true(ms_limit_addr(&limit, &a, now));
	/* A long rest fills it once. */
	now = ms_time_add(now, 3600 * MS_SEC);
	int passed = 0;
	for (int i = 0; i < 50; i++) {
		passed += ms_limit_addr(&limit, &a, now);
	}
	assert_int_equal(passed, 5);
	ms_limit_rate(&limit, 0, 1);
	assert_true(ms_limit_addr(&limit, &a, now));
	ms_limit_deinit(&limit);
	/* A table of one bucket limits all together. */
	assert_int_equal(ms_limit_init(&limit, 1, 60, 2, 42), KNOT_EOK);
	assert_true(ms_limit_addr(&limit, &a, now) && ms_limit_addr(&limit, &b, now));
	assert_false(ms_limit_addr(&limit, &b, now));
	ms_limit_deinit(&limit);
}

static void test_pace(void **state)
{
	const ms_pace_policy_t policy = { .scan = 3600 * MS_SEC, .retry = 300 * MS_SEC, .retries = 4,
	                                  .gap = 10 * MS_SEC };
	ms_time_t now = { 1000 * MS_SEC };
	ms_pace_t pace;
	ms_pace_init(&pace, now, 60 * MS_SEC);
	assert_false(ms_pace_due(&pace, now));
	ms_pace_hint(&pace, &policy, now);
	assert_true(ms_pace_due(&pace, now));
	ms_pace_begin(&pace, now);
	assert_false(ms_pace_due(&pace, now));
	/* K-08: many hints meanwhile are one look afterwards, and not at once. */
	for (int i = 0; i < 10; i++) {
		ms_pace_hint(&pace, &policy, now);
	}
	ms_pace_end(&pace, &policy, MS_PACE_SAME, true, now);
	assert_false(ms_pace_due(&pace, now));
	now = ms_time_add(now, policy.gap);
	assert_true(ms_pace_due(&pace, now));
	ms_pace_begin(&pace, now);
	/* K-20: 5, 10, 20, 40 minutes; then silent servers do not count. */
	for (int i = 0; i < 4; i++) {
		assert_false(ms_pace_exhausted(&pace, &policy));
		ms_pace_end(&pace, &policy, MS_PACE_SILENT, true, now);
		ms_time_t planned = pace.due;
		assert_int_equal(ms_time_diff(now, planned), policy.retry << i);
		/* Strangers' hints in between count nothing, and put nothing off. */
		for (int j = 0; j < 3; j++) {
			now = ms_time_add(now, policy.gap);
			ms_pace_hint(&pace, &policy, now);
			ms_pace_begin(&pace, now);
			ms_pace_end(&pace, &policy, MS_PACE_SILENT, true, now);
			assert_int_equal(ms_time_diff(planned, pace.due), 0);
		}
		now = planned;
		ms_pace_begin(&pace, now);
	}
	assert_true(ms_pace_exhausted(&pace, &policy));
	ms_pace_end(&pace, &policy, MS_PACE_SILENT, true, now);
	assert_int_equal(ms_time_diff(now, pace.due), policy.scan);
	/* K-10: who tells about changes is scanned less often; who does not, as before. */
	ms_pace_begin(&pace, now);
	ms_pace_end(&pace, &policy, MS_PACE_CHANGED, true, now);
	assert_true(ms_time_diff(now, pace.due) > policy.scan);
	ms_pace_begin(&pace, now);
	ms_pace_end(&pace, &policy, MS_PACE_CHANGED, false, now);
	assert_int_equal(ms_time_diff(now, pace.due), policy.scan);
	assert_false(ms_pace_exhausted(&pace, &policy));
}

/* The record of a child: what goes in comes out, and no part of it passes for a whole. */
static void test_row(void **state)
{
	static uint8_t value[MS_ROW_VALUE_MAX];
	uint8_t name_key[MS_ROW_KEY_MAX];
	ms_row_t row = { .inception = 7, .todo = MS_TODO_APPLY }, out;
	name(CHILD, row.child);
	name("test.", row.parent);
	assert_false(ms_row_empty(&row));
	upload(&row.trust, 1, &signed_child, NOW);
	row.trust.key[0].state = MS_TRUST_TRUSTED;
	row.memory = (ms_memory_t){ .count = 1, .wishing = true, .since = NOW };
	row.memory.applied[0].tag = 4711;
	ms_survey_t *s = make_survey(true);
	assert_int_equal(ms_deleg_copy(&row.wanted, &s->deleg), KNOT_EOK);
	int key_len = ms_row_key(row.child, name_key, sizeof(name_key));
	int len = ms_row_encode(&row, value, sizeof(value));
	assert_true(key_len > 0 && len > 0);
	assert_int_equal(ms_row_decode(name_key, key_len, value, len, &out), KNOT_EOK);
	assert_true(knot_dname_is_equal(out.child, row.child));
	assert_true(ms_deleg_equal(&out.wanted, &row.wanted));
	assert_int_equal(out.trust.count, 1);
	assert_int_equal(out.trust.key[0].tag, row.trust.key[0].tag);
	assert_memory_equal(&out.memory, &row.memory, sizeof(row.memory));
	assert_int_equal(out.inception, 7);
	ms_row_clear(&out);
	for (int i = 0; i < len; i++) {
		assert_int_not_equal(ms_row_decode(name_key, key_len, value, i, &out), KNOT_EOK);
	}
	value[0] = 2;
	assert_int_equal(ms_row_decode(name_key, key_len, value, len, &out), KNOT_ENOTSUP);
	value[0] = 1;
	name_key[0] = 'X';
	assert_int_equal(ms_row_decode(name_key, key_len, value, len, &out), KNOT_EMALF);
	ms_row_clear(&row);
	ms_survey_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apex),
		cmocka_unit_test(test_replacement),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_keystate),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_row),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, load_keys, free_keys);
}
