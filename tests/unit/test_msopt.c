/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/errcode.h>

#include "wire/msopt.h"

static void test_option(void **state)
{
	static const struct {
		const char *what;
		const char *data;
		size_t len;
		int ret;
		uint8_t operation, transport, sync;
		uint16_t body_len;
	} cases[] = {
		{ "HELLO, both and both", "\x01\x03\x03\x00", 4, KNOT_EOK, 1, 3, 3, 0 },
		{ "HEARTBEAT", "\x02\x01\x03\x00", 4, KNOT_EOK, 2, 1, 3, 0 },
		{ "three octets (X-08)", "\x01\x03\x03", 3, KNOT_EOK, 1, 3, 3, 0 },
		{ "a body of one octet", "\x01\x03\x03\x00\x09", 5, KNOT_EOK, 1, 3, 3, 1 },
		{ "unknown bits are dropped (C-06)", "\x01\xff\xff\xff", 4, KNOT_EOK, 1, 3, 3, 0 },
		{ "STATE", "\x81\x01\x01\x00\x01", 5, KNOT_EOK, 129, 1, 1, 1 },
		{ "SYNC", "\x80\x01\x01\x00\x01", 5, KNOT_EOK, 128, 1, 1, 1 },
		{ "OPERATION 0", "\x00\x01\x01\x00", 4, KNOT_EMALF },
		{ "two octets", "\x01\x03", 2, KNOT_EMALF },
		{ "nothing", "", 0, KNOT_EMALF },
		{ "unassigned 3", "\x03\x01\x01\x00", 4, KNOT_ENOTSUP, 3, 1, 1, 0 },
		{ "unassigned 127", "\x7f\x01\x01\x00", 4, KNOT_ENOTSUP, 127, 1, 1, 0 },
		{ "private, not ours", "\xff\x01\x01\x00", 4, KNOT_ENOTSUP, 255, 1, 1, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_msopt_t opt = { 0 };
		int ret = ms_msopt_decode((const uint8_t *)cases[i].data, cases[i].len, &opt);
		if (ret != cases[i].ret || opt.operation != cases[i].operation ||
		    opt.transport != cases[i].transport || opt.sync != cases[i].sync ||
		    opt.body_len != cases[i].body_len) {
			fail_msg("%s: %d", cases[i].what, ret);
		}
	}
	uint8_t buf[8];
	ms_msopt_t hello = { .operation = MS_OP_HELLO, .transport = 3, .sync = 3 };
	assert_int_equal(ms_msopt_encode(&hello, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "\x01\x03\x03\x00", 4);
	assert_int_equal(ms_msopt_encode(&hello, buf, 3), KNOT_ESPACE);
	ms_msopt_t with_body = { MS_OP_STATE, 1, 2, (const uint8_t *)"\x01z", 2 };
	assert_int_equal(ms_msopt_encode(&with_body, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "\x81\x01\x02\x00\x01z", 6);
	assert_int_equal(ms_msopt_encode(&with_body, buf, 5), KNOT_ESPACE);
}

static void test_op_names(void **state)
{
	assert_string_equal(ms_op_name(MS_OP_HELLO), "hello");
	assert_string_equal(ms_op_name(MS_OP_HEARTBEAT), "heartbeat");
	assert_string_equal(ms_op_name(MS_OP_SYNC), "sync");
	assert_string_equal(ms_op_name(MS_OP_STATE), "state");
	assert_string_equal(ms_op_name(0), "unknown");
	assert_string_equal(ms_op_name(130), "unknown");
}

static void fill(ms_state_t *s)
{
	memset(s, 0, sizeof(*s));
	s->interval = 60000;
	s->session = 0x0102030405060708;
	s->has_process = s->has_election = true;
	s->process = 1;
	s->step = 2;
	memcpy(s->subject, "\x01" "c\x04" "test\x00", 8);
	s->has_own = s->has_applied = true;
	memset(s->own.octets, 0xaa, MS_DIGEST_LEN);
	memset(s->applied.octets, 0xbb, MS_DIGEST_LEN);
	s->held_count = 2;
	memcpy(s->held[0].origin, "\x01" "b\x04" "test\x00", 8);
	memset(s->held[0].digest.octets, 0xcc, MS_DIGEST_LEN);
	memcpy(s->held[1].origin, "\x01" "c\x04" "test\x00", 8);
	s->refused_count = 1;
	s->refused[0].rrtype = 48;
	strcpy(s->refused[0].reason, "semantic check");
	s->component_count = 2;
	s->component[0] = (ms_component_t){ .type = 6, .ttl = 3600, .digest = "\x01\x02\x03" };
	s->component[1] = (ms_component_t){ .type = MS_COMPONENT_RNAME };
	s->member_count = 2;
	memcpy(s->member[0], "\x01" "b\x04" "test\x00", 8);
	memcpy(s->member[1], "\x01" "c\x04" "test\x00", 8);
	s->term = 7;
	s->vote = 0x89abcdef;
	memcpy(s->leader, "\x01" "b\x04" "test\x00", 8);
}

static void test_state(void **state)
{
	static ms_state_t full, again;
	static uint8_t buf[MS_STATE_BODY_MAX];
	fill(&full);
	int len = ms_state_encode(&full, buf, sizeof(buf));
	assert_true(len > 0);
	/* Version 1, then item 1 of four octets: 60000. */
	assert_memory_equal(buf, "\x01\x01\x00\x04\x00\x00\xea\x60\x02\x00\x08\x01", 12);
	assert_int_equal(ms_state_decode(buf, len, &again), KNOT_EOK);
	assert_memory_equal(&full, &again, sizeof(full));
	for (int cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut > 0 ? cut : 1);
		memcpy(exact, buf, cut);
		int ret = ms_state_decode(exact, cut, &again);
		assert_true(ret == KNOT_EOK || ret == KNOT_EMALF);
		/* Between two items a shorter state stands by itself; within one it does not. */
		if (ret == KNOT_EOK) {
			assert_int_equal(ms_state_encode(&again, buf + MS_STATE_BODY_MAX - 1024, 1024), cut);
		}
		free(exact);
	}
	assert_int_equal(ms_state_encode(&full, buf, len - 1), KNOT_ESPACE);
}

static void test_state_fields(void **state)
{
	static const struct {
		const char *what;
		const char *body;
		size_t len;
		int ret;
	} cases[] = {
		{ "empty state", "\x01", 1, KNOT_EOK },
		{ "nothing", "", 0, KNOT_EMALF },
		{ "version 2", "\x02", 1, KNOT_ENOTSUP },
		{ "unknown item is skipped", "\x01\x63\x00\x02zz\x01\x00\x04\x00\x00\x00\x01", 13, KNOT_EOK },
		{ "interval twice", "\x01\x01\x00\x04\x00\x00\x00\x01\x01\x00\x04\x00\x00\x00\x01", 15,
		  KNOT_EMALF },
		{ "interval of three octets", "\x01\x01\x00\x03\x00\x00\x01", 7, KNOT_EMALF },
		{ "interval of five octets", "\x01\x01\x00\x05\x00\x00\x00\x01\x00", 9, KNOT_EMALF },
		{ "item longer than the body", "\x01\x01\x00\x04\x00", 5, KNOT_EMALF },
		{ "process without a subject", "\x01\x03\x00\x02\x00\x00", 6, KNOT_EOK },
		{ "process without a step", "\x01\x03\x00\x01\x01", 5, KNOT_EMALF },
		{ "process of half a subject", "\x01\x03\x00\x04\x01\x02\x01" "c", 8, KNOT_EMALF },
		{ "process with more than a subject", "\x01\x03\x00\x04\x01\x02\x00\x00", 8, KNOT_EMALF },
		{ "process twice", "\x01\x03\x00\x02\x01\x02\x03\x00\x03\x01\x02\x00", 12, KNOT_EMALF },
		{ "the same member twice", "\x01\x09\x00\x01\x00\x09\x00\x01\x00", 9, KNOT_EOK },
		{ "member without a name", "\x01\x09\x00\x00", 4, KNOT_EMALF },
		{ "member with more than a name", "\x01\x09\x00\x02\x00\x00", 6, KNOT_EMALF },
		{ "member by a pointer", "\x01\x09\x00\x02\xc0\x00", 6, KNOT_EMALF },
		{ "election", "\x01\x0a\x00\x09\x00\x00\x00\x01\x00\x00\x00\x02\x00", 13, KNOT_EOK },
		{ "election without a leader", "\x01\x0a\x00\x08\x00\x00\x00\x01\x00\x00\x00\x02", 12,
		  KNOT_EMALF },
		{ "election twice", "\x01\x0a\x00\x09\x00\x00\x00\x01\x00\x00\x00\x02\x00"
		  "\x0a\x00\x09\x00\x00\x00\x01\x00\x00\x00\x02\x00", 25, KNOT_EMALF },
		{ "a newer item may be repeated", "\x01\x0b\x00\x00\x0b\x00\x00", 7, KNOT_EOK },
		{ "held without a name", "\x01\x06\x00\x10" "0123456789abcdef", 20, KNOT_EMALF },
	};
	static ms_state_t out;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret = ms_state_decode((const uint8_t *)cases[i].body, cases[i].len, &out);
		if (ret != cases[i].ret) {
			fail_msg("%s: %d", cases[i].what, ret);
		}
	}
}

/* Octet by octet; names are compared in lower case, so that is how they are read. */
static void test_state_group(void **state)
{
	static const uint8_t told[] =
		"\x01"
		"\x03\x00\x0a\x01\x05\x01" "c\x04" "test\x00"
		"\x09\x00\x08\x01" "b\x04" "test\x00"
		"\x0a\x00\x10\x00\x00\x00\x07\x89\xab\xcd\xef\x01" "b\x04" "test";
	static const uint8_t shouted[] =
		"\x01"
		"\x09\x00\x08\x01" "B\x04" "TEST\x00"
		"\x0a\x00\x10\x00\x00\x00\x07\x89\xab\xcd\xef\x01" "B\x04" "Test\x00"
		"\x03\x00\x0a\x01\x05\x01" "C\x04" "tEST";
	static ms_state_t out, again;
	uint8_t buf[sizeof(told)];
	assert_int_equal(ms_state_decode(told, sizeof(told), &out), KNOT_EOK);
	assert_true(out.has_process && out.has_election);
	assert_int_equal(out.process, 1);
	assert_int_equal(out.step, 5);
	assert_string_equal(out.subject, "\x01" "c\x04" "test");
	assert_int_equal(out.member_count, 1);
	assert_string_equal(out.member[0], "\x01" "b\x04" "test");
	assert_int_equal(out.term, 7);
	assert_int_equal(out.vote, 0x89abcdef);
	assert_string_equal(out.leader, "\x01" "b\x04" "test");
	assert_int_equal(ms_state_encode(&out, buf, sizeof(buf)), sizeof(told));
	assert_memory_equal(buf, told, sizeof(told));
	assert_int_equal(ms_state_decode(shouted, sizeof(shouted), &again), KNOT_EOK);
	assert_memory_equal(&again, &out, sizeof(out));
}

/* No process at all, told as such, is another thing than nothing told. */
static void test_state_no_process(void **state)
{
	static const uint8_t old[] = { 1, 3, 0, 2, 0, 0 };
	static ms_state_t out;
	uint8_t buf[16];
	assert_int_equal(ms_state_decode(old, 1, &out), KNOT_EOK);
	assert_false(out.has_process);
	assert_int_equal(ms_state_encode(&out, buf, sizeof(buf)), 1);
	assert_int_equal(ms_state_decode(old, sizeof(old), &out), KNOT_EOK);
	assert_true(out.has_process);
	assert_int_equal(ms_state_encode(&out, buf, sizeof(buf)), 7);
	assert_memory_equal(buf, "\x01\x03\x00\x03\x00\x00\x00", 7);
}

/* What a peer says about a record goes into our log: no line ends, escapes or hidden octets. */
static void test_reason(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
		const char *reason;
	} cases[] = {
		{ "semantic check", 14, "semantic check" },
		{ "", 0, "" },
		{ "a\0b", 3, "a?b" },
		{ "a\0", 2, "a?" },
		{ "x\nkilled\r\t\x1b[0m\x7f", 15, "x?killed???[0m?" },
		{ "\xc3\xa4 ~", 4, "?? ~" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static ms_state_t first, again;
		uint8_t buf[64] = "\x01\x07\x00\x00\x00\x30" "0123456789abcdef";
		buf[3] = 18 + cases[i].len;
		memcpy(buf + 22, cases[i].octets, cases[i].len);
		assert_int_equal(ms_state_decode(buf, 22 + cases[i].len, &first), KNOT_EOK);
		assert_int_equal(first.refused_count, 1);
		assert_string_equal(first.refused[0].reason, cases[i].reason);
		assert_int_equal(ms_state_encode(&first, buf, sizeof(buf)), 22 + cases[i].len);
		assert_int_equal(ms_state_decode(buf, 22 + cases[i].len, &again), KNOT_EOK);
		assert_memory_equal(&first, &again, sizeof(first));
	}
}

/* A name of 255 octets that nothing else is equal to. */
static void longest(knot_dname_storage_t out, unsigned i)
{
	static const uint8_t sizes[] = { 63, 63, 63, 61 };
	uint8_t *pos = out;
	for (size_t k = 0; k < sizeof(sizes); k++) {
		*pos++ = sizes[k];
		memset(pos, 'a' + i, sizes[k]);
		pos += sizes[k];
	}
	*pos = 0;
}

/* The longest there is has room in a body, and one more of any list is refused, not cut. */
static void test_state_limits(void **state)
{
	static ms_state_t full, out;
	static uint8_t buf[2 * MS_STATE_BODY_MAX];
	fill(&full);
	full.held_count = full.member_count = MS_PROVIDERS_MAX;
	full.component_count = MS_COMPONENTS_MAX;
	longest(full.subject, 1);
	longest(full.leader, 1);
	full.refused_count = MS_REFUSED_MAX;
	for (unsigned i = 0; i < MS_PROVIDERS_MAX; i++) {
		longest(full.held[i].origin, i);
		longest(full.member[i], i);
	}
	for (unsigned i = 0; i < MS_REFUSED_MAX; i++) {
		memset(full.refused[i].reason, 'r', MS_REASON_MAX);
	}
	int len = ms_state_encode(&full, buf, MS_STATE_BODY_MAX);
	assert_int_equal(len, 10175);
	assert_int_equal(ms_state_decode(buf, len, &out), KNOT_EOK);
	assert_memory_equal(&full, &out, sizeof(full));
	memcpy(buf + len, "\x09\x00\x01\x00", 4);
	assert_int_equal(ms_state_decode(buf, len + 4, &out), KNOT_EMALF);
	memcpy(buf + len, "\x06\x00\x13" "0123456789abcdef" "\x01" "y\x00", 22);
	assert_int_equal(ms_state_decode(buf, len + 22, &out), KNOT_EMALF);
	memcpy(buf + len, "\x07\x00\x12\x00\x30" "0123456789abcdef", 21);
	assert_int_equal(ms_state_decode(buf, len + 21, &out), KNOT_EMALF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option),
		cmocka_unit_test(test_op_names),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_state_fields),
		cmocka_unit_test(test_state_group),
		cmocka_unit_test(test_state_no_process),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_state_limits),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
