/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "wire/hsync.h"

#define A_TEST "\x05" "agent\x01" "a\x04" "test\x00"
#define B_TEST "\x05" "agent\x01" "b\x04" "test\x00"

/* Octets and text of one record; the first two are those of the wire document. */
static const struct {
	const char *rdata;
	size_t len;
	const char *text;
} golden[] = {
	{ "\x01\x02\x01" A_TEST "\x00", 18, "ON AGENT SIGN agent.a.test. ." },
	{ "\x01\x02\x01" B_TEST A_TEST, 31, "ON AGENT SIGN agent.b.test. agent.a.test." },
	{ "\x02\x01\x02" A_TEST "\x00", 18, "OFF OWNER NOSIGN agent.a.test. ." },
};
#define GOLDEN (sizeof(golden) / sizeof(golden[0]))

static void test_golden(void **state)
{
	for (size_t i = 0; i < GOLDEN; i++) {
		ms_hsync_t hsync, read;
		uint8_t rdata[MS_HSYNC_RDATA_MAX];
		char text[MS_HSYNC_TEXT_MAX];
		assert_int_equal(ms_hsync_decode((const uint8_t *)golden[i].rdata, golden[i].len,
		                                 MS_HSYNC_DRAFT, &hsync), KNOT_EOK);
		assert_int_equal(ms_hsync_to_text(&hsync, text, sizeof(text)), strlen(golden[i].text));
		assert_string_equal(text, golden[i].text);
		assert_int_equal(ms_hsync_from_text(golden[i].text, &read), KNOT_EOK);
		assert_int_equal(ms_hsync_encode(&read, rdata, sizeof(rdata)), golden[i].len);
		assert_memory_equal(rdata, golden[i].rdata, golden[i].len);
		assert_int_equal(ms_hsync_encode(&read, rdata, golden[i].len - 1), KNOT_ESPACE);
		assert_int_equal(ms_hsync_to_text(&read, text, strlen(golden[i].text)), KNOT_ESPACE);
	}
}

/* Four fields are read as Upstream "."; any other cut is malformed. */
static void test_truncated(void **state)
{
	for (size_t i = 0; i < GOLDEN; i++) {
		for (size_t len = 0; len < golden[i].len; len++) {
			ms_hsync_t hsync = { .sign = 77 };
			uint8_t *exact = malloc(len + 1);
			memcpy(exact, golden[i].rdata, len);
			uint8_t *at = realloc(exact, len > 0 ? len : 1);
			int ret = ms_hsync_decode(at, len, MS_HSYNC_DRAFT, &hsync);
			if (len == 17) {
				assert_int_equal(ret, KNOT_EOK);
				assert_int_equal(hsync.upstream[0], 0);
			} else {
				assert_int_equal(ret, KNOT_EMALF);
				assert_int_equal(hsync.sign, 77);
			}
			free(at);
		}
	}
}

/* Values that are errors or undefined: State, NSMgmt, Sign. */
static void test_fields(void **state)
{
	static const uint8_t bad[] = { 0, 3, 127, 128, 200, 255 };
	for (unsigned field = 0; field < 3; field++) {
		for (size_t i = 0; i < sizeof(bad); i++) {
			uint8_t rdata[18];
			ms_hsync_t hsync = { .sign = 77 };
			memcpy(rdata, golden[0].rdata, sizeof(rdata));
			rdata[field] = bad[i];
			assert_int_equal(ms_hsync_decode(rdata, sizeof(rdata), MS_HSYNC_DRAFT, &hsync),
			                 KNOT_ERANGE);
			assert_int_equal(hsync.sign, 77);
			/* tdns: 0 is OFF and NOSIGN, but never an NSMgmt. */
			int ret = ms_hsync_decode(rdata, sizeof(rdata), MS_HSYNC_TDNS, &hsync);
			assert_int_equal(ret, bad[i] == 0 && field != 1 ? KNOT_EOK : KNOT_ERANGE);
		}
	}
	ms_hsync_t hsync;
	assert_int_equal(ms_hsync_decode((const uint8_t *)"\x00\x01\x00" A_TEST, 17, MS_HSYNC_TDNS,
	                                 &hsync), KNOT_EOK);
	assert_int_equal(hsync.state, MS_HSYNC_OFF);
	assert_int_equal(hsync.sign, MS_HSYNC_NOSIGN);
}

/* Names are not compressed, and are compared without case. */
static void test_names(void **state)
{
	static const struct {
		const char *what;
		const char *rdata;
		size_t len;
		int ret;
	} cases[] = {
		{ "upper case", "\x01\x01\x01\x05" "AGENT\x01" "A\x04" "TeSt\x00\x00", 18, KNOT_EOK },
		{ "root identity", "\x01\x01\x01\x00\x00", 5, KNOT_EMALF },
		{ "compressed identity", "\x01\x01\x01\xc0\x00\x00", 6, KNOT_EMALF },
		{ "octets behind", "\x01\x01\x01" A_TEST "\x00\x00", 19, KNOT_EMALF },
		{ "label of 64", "\x01\x01\x01\x40", 4, KNOT_EMALF },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_hsync_t hsync;
		int ret = ms_hsync_decode((const uint8_t *)cases[i].rdata, cases[i].len, MS_HSYNC_DRAFT,
		                          &hsync);
		if (ret != cases[i].ret) {
			fail_msg("%s: %d", cases[i].what, ret);
		}
		if (ret == KNOT_EOK) {
			assert_memory_equal(hsync.identity, A_TEST, 14);
		}
	}
}

/* Tokens and all of their aliases. */
static void test_text(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint8_t fields[3];
	} cases[] = {
		{ "1 2 1 agent.a.test. .", KNOT_EOK, { 1, 2, 1 } },
		{ "on agent yes AGENT.a.test. .", KNOT_EOK, { 1, 2, 1 } },
		{ "OFF ZONEOWNER NO agent.a.test.", KNOT_EOK, { 2, 1, 2 } },
		{ "ON MSA SIGN agent.a.test. .", KNOT_EOK, { 1, 2, 1 } },
		{ "  ON\tAGENT  SIGN agent.a.test. . ", KNOT_EOK, { 1, 2, 1 } },
		{ "0 2 1 agent.a.test. .", KNOT_ERANGE },
		{ "ON 3 1 agent.a.test. .", KNOT_ERANGE },
		{ "ON OWNER 257 agent.a.test. .", KNOT_ERANGE },
		{ "YES OWNER SIGN agent.a.test. .", KNOT_ERANGE },
		{ "ON OWNER SIGN", KNOT_EMALF },
		{ "ON OWNER SIGN agent.a.test. . more", KNOT_EMALF },
		{ "ON OWNER SIGN . .", KNOT_EMALF },
		{ "ON OWNER SIGN a..b. .", KNOT_EMALF },
		{ "", KNOT_EMALF },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_hsync_t hsync;
		int ret = ms_hsync_from_text(cases[i].text, &hsync);
		if (ret != cases[i].ret ||
		    (ret == KNOT_EOK && (hsync.state != cases[i].fields[0] ||
		                         hsync.nsmgmt != cases[i].fields[1] ||
		                         hsync.sign != cases[i].fields[2] ||
		                         memcmp(hsync.identity, A_TEST, 14) != 0))) {
			fail_msg("'%s': %d", cases[i].text, ret);
		}
	}
}

/* A word too long for its field is refused as a whole; its end is never the next field. */
static void test_long_words(void **state)
{
	ms_hsync_t hsync = { .sign = 77 };
	/* Cut after 15 digits it would read as 1, 2, 1. */
	assert_int_equal(ms_hsync_from_text("0000000000000012 1 agent.a.test. .", &hsync),
	                 KNOT_ERANGE);
	assert_int_equal(hsync.sign, 77);
	/* 250 octets as \DDD: the 1004 characters that the longest name has; then one label more. */
	static char text[2048] = "ON AGENT SIGN ";
	size_t len = strlen(text);
	for (unsigned i = 1; i <= 250; i++) {
		memcpy(text + len, "\\097", 5);
		len += 4;
		if (i % 63 == 0 || i == 250) {
			text[len++] = '.';
		}
	}
	assert_int_equal(ms_hsync_from_text(text, &hsync), KNOT_EOK);
	hsync.sign = 77;
	strcpy(text + len, "b.");
	assert_int_equal(ms_hsync_from_text(text, &hsync), KNOT_EMALF);
	assert_int_equal(hsync.sign, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long_words),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
