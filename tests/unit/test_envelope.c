/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "base/cursor.h"
#include "wire/deltas.h"
#include "wire/envelope.h"

static const knot_dname_t *name(const char *text, knot_dname_storage_t out)
{
	assert_non_null(knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)));
	return out;
}

#define CODE MS_KEYSTATE_CODE

static void test_round_trip(void **state)
{
	knot_dname_storage_t child, agent;
	ms_envelope_t sent, got;
	uint8_t wire[MS_ENVELOPE_MAX];
	ms_envelope_init(&sent, KNOT_OPCODE_NOTIFY, name("Child.example.", child), KNOT_RRTYPE_CDS);
	sent.id = 4711;
	sent.dnssec_ok = true;
	sent.has_channel = true;
	memcpy(sent.channel, name("er.ns1.example.", agent), sizeof(agent));
	sent.has_keystate = true;
	sent.keystate = (ms_keystate_t){ .key_id = 7, .state = 2, .text = "why" };
	sent.rcode = KNOT_RCODE_BADKEY;
	sent.ede = MS_EDE_KEY_MANUAL;
	strcpy(sent.ede_text, "by hand");
	int len = ms_envelope_build(&sent, CODE, NULL, 0, 0, wire, sizeof(wire));
	assert_true(len > 0);
	assert_int_equal(ms_envelope_parse(wire, len, CODE, &got), KNOT_EOK);
	assert_int_equal(got.id, 4711);
	assert_true(got.aa && got.edns && got.has_keystate && got.has_channel && !got.bad_keystate);
	assert_true(got.dnssec_ok && got.edns_version == 0);
	assert_int_equal(got.opcode, KNOT_OPCODE_NOTIFY);
	assert_int_equal(got.qtype, KNOT_RRTYPE_CDS);
	assert_int_equal(got.rcode, KNOT_RCODE_BADKEY);
	assert_int_equal(got.ede, MS_EDE_KEY_MANUAL);
	assert_string_equal(got.ede_text, "by hand");
	assert_int_equal(got.keystate.key_id, 7);
	assert_string_equal(got.keystate.text, "why");
	knot_dname_to_lower(child);
	assert_true(knot_dname_is_equal(got.qname, child));
	assert_true(knot_dname_is_equal(got.channel, agent));
	for (int i = 0; i < len; i++) {
		assert_int_equal(ms_envelope_parse(wire, i, CODE, &got), KNOT_EMALF);
	}
	for (size_t max = 0; max < (size_t)len; max++) {
		uint8_t small[MS_ENVELOPE_MAX];
		assert_int_equal(ms_envelope_build(&sent, CODE, NULL, 0, 0, small, max), KNOT_ESPACE);
	}
}

static void test_reply(void **state)
{
	knot_dname_storage_t child;
	ms_envelope_t asked, reply, got;
	uint8_t wire[MS_ENVELOPE_MAX];
	ms_envelope_init(&asked, KNOT_OPCODE_UPDATE, name("example.", child), KNOT_RRTYPE_SOA);
	asked.edns = false;
	ms_envelope_reply(&reply, &asked, KNOT_RCODE_REFUSED);
	int len = ms_envelope_build(&reply, CODE, NULL, 0, 0, wire, sizeof(wire));
	assert_int_equal(ms_envelope_parse(wire, len, CODE, &got), KNOT_EOK);
	assert_true(got.response && !got.edns && !got.aa);
	assert_int_equal(got.rcode, KNOT_RCODE_REFUSED);
}

static void test_odd(void **state)
{
	ms_envelope_t got;
	/* No question at all, and two of them (K-01, P-21). */
	uint8_t wire[64] = { 0 };
	knot_wire_set_opcode(wire, KNOT_OPCODE_NOTIFY);
	assert_int_equal(ms_envelope_parse(wire, 12, CODE, &got), KNOT_EOK);
	assert_int_equal(got.qdcount, 0);
	assert_int_equal(got.qname[0], 0);
	knot_wire_set_qdcount(wire, 2);
	assert_int_equal(ms_envelope_parse(wire, 12, CODE, &got), KNOT_EMALF);
	assert_int_equal(ms_envelope_parse(wire, 22, CODE, &got), KNOT_EOK);
	assert_int_equal(got.qdcount, 2);
	/* Two OPT. */
	static const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	memset(wire, 0, sizeof(wire));
	knot_wire_set_arcount(wire, 2);
	memcpy(wire + 12, opt, 11);
	memcpy(wire + 23, opt, 11);
	assert_int_equal(ms_envelope_parse(wire, 34, CODE, &got), KNOT_EMALF);
	/* KeyState too short: told, not fatal (M-33). */
	static const uint8_t option[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 7, 0xfd, 0xea, 0, 3, 1, 2, 2 };
	memset(wire, 0, sizeof(wire));
	knot_wire_set_arcount(wire, 1);
	memcpy(wire + 12, option, sizeof(option));
	assert_int_equal(ms_envelope_parse(wire, 12 + sizeof(option), CODE, &got), KNOT_EOK);
	assert_true(got.has_keystate && got.bad_keystate);
	/* Another code: not ours. */
	assert_int_equal(ms_envelope_parse(wire, 12 + sizeof(option), 65099, &got), KNOT_EOK);
	assert_false(got.has_keystate);
}

static int update(const ms_deltas_t *deltas, uint8_t *wire, size_t max)
{
	knot_dname_storage_t zone;
	ms_envelope_t e;
	static uint8_t body[MS_DELTAS_MAX * 800];
	ms_envelope_init(&e, KNOT_OPCODE_UPDATE, name("example.", zone), KNOT_RRTYPE_SOA);
	int len = ms_deltas_build(deltas, body, sizeof(body));
	assert_true(len >= 0);
	return ms_envelope_build(&e, CODE, body, len, deltas->count, wire, max);
}

/* What is built is what a strict receiver takes (L-04). */
static void test_deltas(void **state)
{
	static uint8_t wire[65535];
	knot_dname_storage_t child, ns;
	ms_deltas_t sent = { 0 }, got = { 0 };
	name("child.example.", child);
	name("NS1.child.example.", ns);
	assert_int_equal(ms_deltas_add(&sent, MS_DELTA_DEL_RRSET, child, KNOT_RRTYPE_NS, 0, NULL, 0), 0);
	assert_int_equal(ms_deltas_add(&sent, MS_DELTA_ADD, child, KNOT_RRTYPE_NS, 60, ns,
	                               knot_dname_size(ns)), 0);
	assert_int_equal(ms_deltas_add(&sent, MS_DELTA_DEL_RR, ns, KNOT_RRTYPE_A, 0,
	                               (const uint8_t *)"\x7f\0\0\1", 4), 0);
	assert_int_equal(ms_deltas_add(&sent, MS_DELTA_DEL_NAME, child, KNOT_RRTYPE_ANY, 0, NULL, 0), 0);
	int len = update(&sent, wire, sizeof(wire));
	assert_int_equal(ms_deltas_parse(wire, len, &got), KNOT_EOK);
	assert_int_equal(got.count, 4);
	assert_int_equal(got.list[0].op, MS_DELTA_DEL_RRSET);
	assert_int_equal(got.list[1].ttl, 60);
	knot_dname_to_lower(ns);
	assert_true(knot_dname_is_equal(got.list[1].rdata, ns));
	assert_int_equal(got.list[2].op, MS_DELTA_DEL_RR);
	assert_true(knot_dname_is_equal(got.list[2].owner, ns));
	assert_int_equal(got.list[3].op, MS_DELTA_DEL_NAME);
	ms_deltas_clear(&got);
	ms_deltas_clear(&sent);
	for (unsigned i = 0; i < MS_DELTAS_MAX; i++) {
		assert_int_equal(ms_deltas_add(&sent, MS_DELTA_DEL_RRSET, child, 2, 0, NULL, 0), 0);
	}
	assert_int_equal(ms_deltas_add(&sent, MS_DELTA_DEL_RRSET, child, 2, 0, NULL, 0), KNOT_ELIMIT);
	ms_deltas_clear(&sent);
}

/* Forms that RFC 2136 does not know (M-09, X-31). */
static void test_bad_deltas(void **state)
{
	static const struct {
		const char *what;
		uint16_t type, rclass;
		uint32_t ttl;
		const char *rdata;
		uint16_t rdlen;
		int ret;
	} cases[] = {
		{ "add an address", KNOT_RRTYPE_A, 1, 60, "\1\2\3\4", 4, KNOT_EOK },
		{ "address of five octets", KNOT_RRTYPE_A, 1, 60, "\1\2\3\4\5", 5, KNOT_EMALF },
		{ "add of nothing", KNOT_RRTYPE_A, 1, 60, "", 0, KNOT_EMALF },
		{ "delete with a TTL", KNOT_RRTYPE_A, 254, 60, "\1\2\3\4", 4, KNOT_EMALF },
		{ "delete of nothing", KNOT_RRTYPE_A, 254, 0, "", 0, KNOT_EMALF },
		{ "delete of a set with RDATA", KNOT_RRTYPE_A, 255, 0, "\1\2\3\4", 4, KNOT_EMALF },
		{ "delete of a set with a TTL", KNOT_RRTYPE_A, 255, 9, "", 0, KNOT_EMALF },
		{ "delete of all", KNOT_RRTYPE_ANY, 255, 0, "", 0, KNOT_EOK },
		{ "add of ANY", KNOT_RRTYPE_ANY, 1, 0, "\1", 1, KNOT_EMALF },
		{ "delete of AXFR", KNOT_RRTYPE_AXFR, 255, 0, "", 0, KNOT_EMALF },
		{ "class CHAOS", KNOT_RRTYPE_A, 3, 60, "\1\2\3\4", 4, KNOT_EMALF },
		{ "negative TTL", KNOT_RRTYPE_A, 1, 0x80000000, "\1\2\3\4", 4, KNOT_EMALF },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t wire[512], body[128];
		knot_dname_storage_t zone;
		ms_envelope_t e;
		ms_deltas_t got = { 0 };
		ms_writer_t w = ms_writer(body, sizeof(body));
		ms_envelope_init(&e, KNOT_OPCODE_UPDATE, name("example.", zone), KNOT_RRTYPE_SOA);
		ms_envelope_record(&w, zone, cases[i].type, cases[i].rclass, cases[i].ttl,
		                   (const uint8_t *)cases[i].rdata, cases[i].rdlen);
		int len = ms_envelope_build(&e, CODE, body, ms_writer_len(&w), 1, wire, sizeof(wire));
		int ret = ms_deltas_parse(wire, len, &got);
		ms_deltas_clear(&got);
		if (ret != cases[i].ret) {
			fail_msg("%s: %d", cases[i].what, ret);
		}
		/* The same as a prerequisite. */
		knot_wire_set_ancount(wire, 1);
		knot_wire_set_nscount(wire, 0);
		assert_int_equal(ms_deltas_parse(wire, len, &got), KNOT_EPREREQ);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_deltas),
		cmocka_unit_test(test_bad_deltas),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
