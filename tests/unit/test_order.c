/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "core/order.h"
#include "make.h"

static const struct {
	const char *item;
	const char *text;
	int ret;
	uint8_t word;
} cases[] = {
	{ "roll",  "zone.test. zsk",         KNOT_EOK,    MS_ORDER_ROLL_ZSK },
	{ "roll",  "Zone.TEST\tKSK",         KNOT_EOK,    MS_ORDER_ROLL_KSK },
	{ "roll",  "  zone.test  csk  2 ",   KNOT_EOK,    MS_ORDER_ROLL_CSK },
	{ "roll",  "zone.test. algorithm x", KNOT_EOK,    MS_ORDER_ROLL_ALGORITHM },
	{ "step",  "zone.test.",             KNOT_EOK,    MS_ORDER_STEP },
	{ "step",  "zone.test. zsk",         KNOT_EOK,    MS_ORDER_STEP },
	{ "skip",  "zone.test. 2026-11-24",  KNOT_EOK,    MS_ORDER_SKIP },
	{ "abort", "zone.test.",             KNOT_EOK,    MS_ORDER_ABORT },
	{ "roll",  "",                       KNOT_EMALF,  0 },
	{ "roll",  " \t ",                   KNOT_EMALF,  0 },
	{ "roll",  "zone..test. zsk",        KNOT_EMALF,  0 },
	{ "step",  ".zone.test.",            KNOT_EMALF,  0 },
	{ "roll",  "zone.test.",             KNOT_ENOENT, 0 },
	{ "roll",  "zone.test. key",         KNOT_ENOENT, 0 },
	{ "roll",  "zsk zone.test.",         KNOT_ENOENT, 0 },
	{ "roll",  "zone.test. zsk 2 3",     KNOT_ELIMIT, 0 },
	{ "step",  "zone.test. 2 3",         KNOT_ELIMIT, 0 },
	{ "halt",  "zone.test.",             KNOT_EINVAL, 0 },
};

static void test_text(void **state)
{
	(void)state;
	knot_dname_storage_t buf;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_order_t order = { .hash = 7 };
		int ret = ms_order_read(cases[i].item, cases[i].text, &order);
		if (ret != cases[i].ret) {
			fail_msg("%s: %s: %i", cases[i].item, cases[i].text, ret);
		}
		assert_int_equal(order.word, cases[i].word);
		if (ret == KNOT_EOK) {
			assert_true(knot_dname_is_equal(order.zone, make_name("zone.test.", buf)));
		} else {
			assert_true(order.hash == 7);
		}
	}
}

static void test_length(void **state)
{
	(void)state;
	char text[MS_ORDER_TEXT_MAX + 2];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ms_order_t order;
	assert_int_equal(ms_order_read("step", text, &order), KNOT_ELIMIT);
	text[sizeof(text) - 2] = '\0';
	assert_int_equal(ms_order_read("step", text, &order), KNOT_EMALF);
	memcpy(text, "zone.test. ", 11);
	assert_int_equal(ms_order_read("step", text, &order), KNOT_EOK);
}

static uint64_t hash_of(const char *item, const char *text)
{
	ms_order_t order;
	assert_int_equal(ms_order_read(item, text, &order), KNOT_EOK);
	return order.hash;
}

static void test_hash(void **state)
{
	(void)state;
	uint64_t hash = hash_of("roll", "zone.test. zsk");
	assert_true(hash == hash_of("roll", " Zone.test  ZSK "));
	assert_true(hash == hash_of("roll", "zone.test zsk"));
	assert_true(hash != hash_of("roll", "zone.test. zsk 2"));
	assert_true(hash != hash_of("roll", "zone.test. ksk"));
	assert_true(hash != hash_of("roll", "zone2.test. zsk"));
	assert_true(hash != hash_of("step", "zone.test. zsk"));
	assert_true(hash_of("step", "zone.test.") != hash_of("skip", "zone.test."));
	/* Kept on disk: must be the same in all versions. */
	assert_true(hash_of("step", "a.") == 0x249c855b939046aaULL);
}

static void test_fit(void **state)
{
	(void)state;
	ms_order_t list[3 * MS_ORDERS_MAX];
	size_t count = 0;
	for (unsigned i = 0; i < MS_ORDERS_MAX; i++) {
		for (unsigned zone = 0; zone < 2; zone++) {
			char text[64];
			(void)snprintf(text, sizeof(text), "zone%u.test. %u", zone, i);
			assert_int_equal(ms_order_read("step", text, &list[count++]), KNOT_EOK);
		}
	}
	assert_true(ms_orders_fit(list, 0));
	assert_true(ms_orders_fit(list, 1));
	assert_true(ms_orders_fit(list, count));
	assert_int_equal(ms_order_read("skip", "zone0.test.", &list[count++]), KNOT_EOK);
	assert_false(ms_orders_fit(list, count));
}

static void test_copy(void **state)
{
	(void)state;
	ms_order_t list[2];
	assert_int_equal(ms_order_read("step", "zone.test.", &list[0]), KNOT_EOK);
	assert_int_equal(ms_order_read("skip", "zone.test.", &list[1]), KNOT_EOK);
	ms_config_t src = { .orders = list, .order_count = 2 }, dst = src;
	assert_int_equal(ms_orders_copy(&dst, &src), KNOT_EOK);
	assert_ptr_not_equal(dst.orders, list);
	assert_int_equal(dst.order_count, 2);
	assert_memory_equal(dst.orders, list, sizeof(list));
	free(dst.orders);
	src.order_count = 0;
	assert_int_equal(ms_orders_copy(&dst, &src), KNOT_EOK);
	assert_null(dst.orders);
	assert_int_equal(dst.order_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
