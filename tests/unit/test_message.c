/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/consts.h>
#include <libknot/errcode.h>

#include "wire/message.h"

static const knot_dname_t ZONE[] = "\x04zone\x07""example";
static const ms_codes_t CODES = { .option_code = 65006, .hsync_type = 65282 };

#define QUESTION "047a6f6e65076578616d706c65000006 0001"
#define DNSKEY_QUESTION "047a6f6e65076578616d706c65000030 0001"
#define HELLO_OPT "00 0029 04d0 00000000 0008 fdee 0004 01010300"
#define PLAIN_OPT "00 0029 04d0 00000000 0000"
#define OPT(len) "00 0029 04d0 00000000 00" len
#define SIG0 "00 0018 00ff 00000000 0014 0000 0f 00 00000000 6553f22c 6553f0c4 0f1c 00 aa"
#define TSIG "00 00fa 00ff 00000000 0000"
/* Header and question, by the digits of the counts behind that of the question. */
#define UPDATE(up, ar) "0001 2800 0001 0000 000" #up " 000" #ar QUESTION
#define NOTIFY(an, ns, ar) "0001 2400 0001 000" #an " 000" #ns " 000" #ar QUESTION
/* Of the apex, compressed: delete the RRset; one record. */
#define DEL(type) "c00c " type " 00ff 00000000 0000"
#define NS(ttl, octet) "c00c 0002 0001 " ttl " 0006 02" octet octet " 01 61 00"

static size_t unhex(const char *hex, uint8_t *out, size_t max)
{
	size_t len = 0;
	for (; *hex != '\0'; hex++) {
		if (*hex == ' ') {
			continue;
		}
		char pair[3] = { hex[0], hex[1], '\0' };
		assert_true(len < max);
		out[len++] = strtoul(pair, NULL, 16);
		hex++;
	}
	return len;
}

static int parse_hex(const char *hex, ms_msg_t *out, uint16_t *rcode, char *reason)
{
	uint8_t wire[1024];
	size_t len = unhex(hex, wire, sizeof(wire));
	uint8_t *exact = malloc(len + 1); /* So that a sanitizer sees its end. */
	memcpy(exact + 1, wire, len);
	int ret = ms_message_parse(exact + 1, len, &CODES, out, rcode, reason);
	free(exact);
	return ret;
}

static void assert_wire(const ms_msg_t *msg, const char *hex)
{
	uint8_t want[1024], got[1024];
	size_t want_len = unhex(hex, want, sizeof(want));
	assert_int_equal(ms_message_build(msg, &CODES, got, sizeof(got)), want_len);
	assert_memory_equal(got, want, want_len);
}

static void test_build_notify(void **state)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_NOTIFY, (const uint8_t *)"\x04ZONE\x07""example", 6);
	const ms_msopt_t hello = { .operation = MS_OP_HELLO, .transport = 1, .sync = 3 };
	msg->id = 0x1234;
	assert_int_equal(ms_msg_set_option(msg, &hello), KNOT_EOK);
	assert_wire(msg, "1234 2400 0001 0000 0000 0001" QUESTION HELLO_OPT);

	ms_msg_t *reply = ms_msg_reply(msg, KNOT_RCODE_REFUSED);
	assert_wire(reply, "1234 a405 0001 0000 0000 0001" QUESTION PLAIN_OPT);
	reply->ede = 14;
	strcpy(reply->ede_text, "not ready");
	assert_int_equal(ms_msg_set_option(reply, &hello), KNOT_EOK);
	assert_wire(reply, "1234 a405 0001 0000 0000 0001" QUESTION "00 0029 04d0 00000000 0017"
	            "fdee 0004 01010300 000f 000b 000e 6e6f74207265616479");
	reply->rcode = 23;
	reply->ede = -1;
	reply->has_option = false;
	assert_wire(reply, "1234 a407 0001 0000 0000 0001" QUESTION "00 0029 04d0 01000000 0000");
	ms_msg_free(reply);

	msg->edns = false; /* RFC 6891 section 7. */
	reply = ms_msg_reply(msg, KNOT_RCODE_REFUSED);
	assert_wire(reply, "1234 a405 0001 0000 0000 0000" QUESTION);
	ms_msg_free(reply);
	ms_msg_free(msg);
	ms_msg_free(NULL);
}

static void add(ms_msg_t *msg, ms_apex_type_t type, uint32_t ttl, const char *hex)
{
	uint8_t rdata[256];
	size_t len = unhex(hex, rdata, sizeof(rdata));
	assert_int_equal(ms_rrset_add(&msg->update.set[type], rdata, len), KNOT_EOK);
	msg->update.set[type].ttl = ttl;
	msg->update.stated |= 1U << type;
}

static void test_update(void **state)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, ZONE, 6);
	msg->id = 0x1234;
	add(msg, MS_APEX_DNSKEY, 3600, "0100 03 0f aabb");
	add(msg, MS_APEX_DNSKEY, 3600, "0101 03 0f ccdd");
	msg->update.stated |= 1U << MS_APEX_CDS; /* Withdrawn. */
	assert_wire(msg, "1234 2800 0001 0000 0004 0001" QUESTION
	            "047a6f6e65076578616d706c6500 0030 00ff 00000000 0000"
	            "047a6f6e65076578616d706c6500 0030 0001 00000e10 0006 0100030faabb"
	            "047a6f6e65076578616d706c6500 0030 0001 00000e10 0006 0101030fccdd"
	            "047a6f6e65076578616d706c6500 003b 00ff 00000000 0000" PLAIN_OPT);
	add(msg, MS_APEX_CDNSKEY, 1, "0101 03 0f ccdd");
	add(msg, MS_APEX_NS, 86400, "026e73 0161 0474657374 00");
	add(msg, MS_APEX_CSYNC, 0, "00000001 0003 0001 60");
	add(msg, MS_APEX_KEY, 300, "0200 03 0f aabb");

	uint8_t wire[1024];
	int len = ms_message_build(msg, &CODES, wire, sizeof(wire));
	ms_msg_t *back = ms_msg_new(MS_MSG_QUERY, ZONE, 1);
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	assert_int_equal(ms_message_parse(wire, len, &CODES, back, &rcode, reason), KNOT_EOK);
	assert_int_equal(rcode, KNOT_RCODE_NOERROR);
	assert_int_equal(back->kind, MS_MSG_UPDATE);
	assert_int_equal(back->id, 0x1234);
	assert_true(knot_dname_is_equal(back->qname, ZONE));
	assert_int_equal(back->update.stated, (1U << MS_CONTRIB_TYPES) - 1);
	assert_int_equal(back->update.set[MS_APEX_CDS].rrs.count, 0);
	assert_true(ms_contribution_equal(&back->update, &msg->update));
	for (int cut = 0; cut < len; cut++) {
		assert_int_equal(ms_message_parse(wire, cut, &CODES, back, &rcode, reason),
		                 KNOT_EMALF);
		assert_int_equal(rcode, KNOT_RCODE_FORMERR);
	}
	for (int max = 0; max < len; max++) {
		assert_int_equal(ms_message_build(msg, &CODES, wire, max), KNOT_ESPACE);
	}
	ms_msg_free(back);
	ms_msg_free(msg);
}

static void test_limits(void **state)
{
	static uint8_t wire[2 * MS_MESSAGE_MAX], rdata[1000];
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, ZONE, 6);
	msg->update.stated = 1U << MS_APEX_DNSKEY;
	for (int i = 0; i < 17; i++) {
		rdata[0] = i;
		assert_int_equal(ms_rrset_add(&msg->update.set[MS_APEX_DNSKEY], rdata,
		                              sizeof(rdata)), 0);
	}
	assert_int_equal(ms_message_build(msg, &CODES, wire, sizeof(wire)), KNOT_ESPACE);

	/* As an answer: question and bare OPT, TC, no RCODE. */
	msg->kind = MS_MSG_QUERY;
	msg->qtype = 48;
	msg->response = msg->aa = true;
	msg->rcode = KNOT_RCODE_REFUSED;
	assert_int_equal(ms_rrset_copy(&msg->answer, &msg->update.set[MS_APEX_DNSKEY]), KNOT_EOK);
	assert_wire(msg, "0000 8600 0001 0000 0000 0001" DNSKEY_QUESTION PLAIN_OPT);
	assert_int_equal(ms_message_build(msg, &CODES, wire, 20), KNOT_ESPACE);

	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	size_t len = unhex("1234 2400 0001 0000 0000 0001" QUESTION
	                   "00 0029 04d0 00000000 3fd7 0000 3fd3", wire, sizeof(wire));
	assert_int_equal(ms_message_parse(wire, MS_MESSAGE_MAX, &CODES, msg, &rcode, reason),
	                 KNOT_EOK);
	assert_int_equal(len + 0x3fd3, MS_MESSAGE_MAX);
	assert_int_equal(ms_message_parse(wire, MS_MESSAGE_MAX + 1, &CODES, msg, &rcode, reason),
	                 KNOT_EMALF);

	static uint8_t body[MS_STATE_BODY_MAX + 1];
	ms_msopt_t opt = { .operation = MS_OP_STATE, .body = body, .body_len = sizeof(body) };
	assert_int_equal(ms_msg_set_option(msg, &opt), KNOT_ESPACE);
	opt.body_len--;
	body[0] = 1;
	assert_int_equal(ms_msg_set_option(msg, &opt), KNOT_EOK);
	assert_ptr_equal(msg->option.body, msg->body);
	/* The longest state fits a message with a reason and a signature. */
	ms_msg_free(msg);
	msg = ms_msg_new(MS_MSG_NOTIFY, ZONE, 6);
	assert_int_equal(ms_msg_set_option(msg, &opt), KNOT_EOK);
	msg->ede = 18;
	memset(msg->ede_text, 'r', MS_REASON_MAX);
	assert_true(ms_message_build(msg, &CODES, wire, MS_MESSAGE_MAX - MS_SIG0_MAX -
	                             KNOT_DNAME_MAXLEN) > MS_STATE_BODY_MAX);
	ms_msg_free(msg);
}

/* What `nsupdate -k` sends: compressed owners, no OPT. */
static void test_parse_nsupdate(void **state)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_QUERY, ZONE, 1);
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	assert_int_equal(parse_hex("29c7 2800 0001 0000 0003 0001" QUESTION DEL("0002")
	                           "c00c 0002 0001 00000e10 000c 036e7331 0141 0474657374 00"
	                           "c00c 0002 0001 00000e10 0006 036e7332 c00c" SIG0,
	                           msg, &rcode, reason), KNOT_EOK);
	assert_true(msg->sig.present);
	assert_false(msg->edns);
	assert_int_equal(msg->update.stated, 1U << MS_APEX_NS);
	const ms_rrset_t *ns = &msg->update.set[MS_APEX_NS];
	assert_int_equal(ns->rrs.count, 2);
	assert_int_equal(ns->ttl, 3600);
	assert_true(ms_rrset_has(ns, (const uint8_t *)"\x03ns1\x01""a\x04test", 12));
	assert_true(ms_rrset_has(ns, (const uint8_t *)"\x03ns2\x04zone\x07""example", 18));
	ms_msg_free(msg);
}

static void test_parse_response(void **state)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_QUERY, ZONE, 1);
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	/* Two records of the RRset; an RRSIG, another name and AUTHORITY do not count. */
	assert_int_equal(parse_hex("0001 8400 0001 0004 0001 0001" DNSKEY_QUESTION
	                           "c00c 0030 0001 00000e10 0005 0100030faa"
	                           "c00c 0030 0001 0000003c 0005 0101030fbb"
	                           "c00c 002e 0001 00000001 0014 0030 0f02 0000000a"
	                           "6553f22c 6553f0c4 0f1c 00 aa"
	                           "c011 0030 0001 00000001 0005 0100030fcc"
	                           "c00c 0030 0001 00000001 0005 0100030fdd" PLAIN_OPT,
	                           msg, &rcode, reason), KNOT_EOK);
	assert_true(msg->response && msg->aa && !msg->tc);
	assert_int_equal(msg->answer.rrs.count, 2);
	assert_int_equal(msg->answer.ttl, 60);

	assert_int_equal(parse_hex("0001 ac05 0000 0000 0000 0000", msg, &rcode, reason), KNOT_EOK);
	assert_int_equal(msg->qtype, 0);
	assert_int_equal(msg->rcode, KNOT_RCODE_REFUSED);
	assert_int_equal(msg->answer.rrs.count, 0); /* Nothing is left of the message before. */

	assert_int_equal(parse_hex("0001 a600 0001 0000 0000 0001" QUESTION
	                           "00 0029 0200 01000000 0017"
	                           "000f 0008 0012 61 0a 62 ff 63 00 000f 0002 0003 0003 0001 78",
	                           msg, &rcode, reason), KNOT_EOK);
	assert_true(msg->tc);
	assert_int_equal(msg->rcode, 16);
	assert_int_equal(msg->ede, 18);
	assert_string_equal(msg->ede_text, "a?b?c");
	assert_int_equal(msg->udp_size, 512);
	ms_msg_free(msg);
}

static void test_parse_errors(void **state)
{
	enum { OK = KNOT_EOK, MALF = KNOT_EMALF, NOTSUP = KNOT_ENOTSUP, DENIED = KNOT_EDENIED };
	static const struct {
		const char *what, *wire;
		int ret, rcode;
		const char *reason;
	} cases[] = {
		{ "plain NOTIFY with SOA", NOTIFY(1, 0, 0)
		  "c00c 0006 0001 00000000 0016 00 00 00000001 00000001 00000001 00000001 00000001",
		  OK, 0, "" },
		{ "NOTIFY without question", "0001 2400 0000 0000 0000 0000", MALF, 1, "question" },
		{ "two", "0001 2400 0002 0000 0000 0000" QUESTION QUESTION, MALF, 1, "one" },
		{ "class CH", "0001 2400 0001 0000 0000 0000 00 0006 0003", MALF, 1, "class 3" },
		{ "NOTIFY of CDS", "0001 2400 0001 0000 0000 0000 00 003b 0001", MALF, 1, "SOA" },
		{ "type 0", "0001 0000 0001 0000 0000 0000 00 0000 0001", MALF, 1, "type 0" },
		{ "NOTIFY with AUTHORITY", NOTIFY(0, 1, 0) NS("00000001", "62"),
		  MALF, 1, "can be none" },
		{ "QUERY with answer", "0001 0000 0001 0001 0000 0000" QUESTION DEL("0002"),
		  MALF, 1, "can be none" },
		{ "STATUS", "0001 1000 0001 0000 0000 0000" QUESTION, NOTSUP, 4, "opcode 2" },
		{ "octets behind", NOTIFY(0, 0, 0) "00", MALF, 1, "broken" },
		{ "SIG(0) and TSIG", NOTIFY(0, 0, 2) SIG0 TSIG, MALF, 1, "SIG(0)" },
		{ "two OPTs", NOTIFY(0, 0, 2) PLAIN_OPT PLAIN_OPT, MALF, 1, "OPT" },
		{ "OPT in ANSWER", NOTIFY(1, 0, 0) PLAIN_OPT, MALF, 1, "OPT" },
		{ "OPT with owner", NOTIFY(0, 0, 1)
		  "c00c 0029 04d0 00000000 0000", MALF, 1, "OPT" },
		{ "EDNS version 1", NOTIFY(0, 0, 1) "00 0029 04d0 00010000 0000",
		  NOTSUP, 16, "version 1" },
		{ "cut option", NOTIFY(0, 0, 1) OPT("05") "0003 0002 78", MALF, 1, "truncated" },
		{ "short EDE", NOTIFY(0, 0, 1)
		  OPT("05") "000f 0001 00", MALF, 1, "Extended DNS Error" },
		{ "two of our options", NOTIFY(0, 0, 1) "00 0029 04d0 00000000 0010"
		  "fdee 0004 01010300 fdee 0004 01010300", MALF, 1, "two" },
		{ "our option too short", NOTIFY(0, 0, 1)
		  OPT("06") "fdee 0002 0101", MALF, 1, "malformed Multi-Signer" },
		{ "OPERATION 0", NOTIFY(0, 0, 1) OPT("08") "fdee 0004 00010300", MALF, 1, "mal" },
		{ "OPERATION 3", NOTIFY(0, 0, 1) OPT("08") "fdee 0004 03010300", NOTSUP, 4, "3" },
		{ "prerequisite", "0001 2800 0001 0001 0000 0000" QUESTION DEL("0002"),
		  MALF, 1, "prerequisites" },
		{ "add without delete", UPDATE(1, 0) NS("00000001", "62"),
		  DENIED, 5, "NS added without" },
		{ "delete of another type", UPDATE(2, 0) DEL("0030")
		  NS("00000001", "62"), DENIED, 5, "NS added without" },
		{ "MX", UPDATE(1, 0) DEL("000f"), DENIED, 5, "type MX" },
		{ "SOA", UPDATE(1, 0) DEL("0006"), DENIED, 5, "type SOA" },
		{ "HSYNC", UPDATE(1, 0) DEL("ff02"), DENIED, 5, "TYPE65282" },
		{ "delete all", UPDATE(1, 0) DEL("00ff"), DENIED, 5, "type ANY" },
		{ "below the apex", UPDATE(1, 0)
		  "0161 c00c 0002 00ff 00000000 0000", DENIED, 5, "apex" },
		{ "above the apex", UPDATE(1, 0)
		  "c011 0002 00ff 00000000 0000", DENIED, 5, "apex" },
		{ "delete of one record", UPDATE(1, 0)
		  "c00c 0002 00fe 00000000 0003 0161 00", DENIED, 5, "single NS" },
		{ "delete with RDATA", UPDATE(1, 0)
		  "c00c 0002 00ff 00000000 0003 0161 00", MALF, 1, "delete of NS" },
		{ "delete with TTL", UPDATE(1, 0)
		  "c00c 0002 00ff 00000001 0000", MALF, 1, "delete of NS" },
		{ "class CH in UPDATE", UPDATE(1, 0)
		  "c00c 0002 0003 00000000 0000", MALF, 1, "class 3" },
		{ "empty CDS", UPDATE(2, 0) DEL("003b")
		  "c00c 003b 0001 00000001 0000", MALF, 1, "malformed CDS" },
		{ "NS that is no name", UPDATE(2, 0) DEL("0002")
		  "c00c 0002 0001 00000001 0002 3f 00", MALF, 1, "malformed NS" },
		{ "NS and more", UPDATE(2, 0) DEL("0002")
		  "c00c 0002 0001 00000001 0002 00 00", MALF, 1, "malformed NS" },
	};
	ms_msg_t *msg = ms_msg_new(MS_MSG_QUERY, ZONE, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint16_t rcode = 99;
		char reason[MS_REASON_MAX + 1] = "?";
		assert_int_equal(parse_hex(cases[i].wire, msg, &rcode, reason), cases[i].ret);
		assert_int_equal(rcode, cases[i].rcode);
		assert_non_null(strstr(reason, cases[i].reason));
		assert_int_equal(reason[0] == '\0', cases[i].ret == KNOT_EOK);
		assert_int_equal(msg->id, 1);
	}
	ms_msg_free(msg);
}

/* RFC 2136 goes through the section in order; RFC 2181 sections 5.2 and 8 on TTLs. */
static void test_update_order(void **state)
{
	static const struct { const char *what, *wire; uint16_t count; uint32_t ttl; } cases[] = {
		{ "two", UPDATE(3, 0) DEL("0002") NS("00000064", "61")
		  NS("00000064", "62"), 2, 100 },
		{ "the same twice", UPDATE(3, 0) DEL("0002") NS("00000064", "61")
		  NS("00000064", "61"), 1, 100 },
		{ "smaller TTL last", UPDATE(3, 0) DEL("0002")
		  NS("00000064", "61") NS("00000032", "62"), 2, 50 },
		{ "smaller TTL first", UPDATE(3, 0) DEL("0002")
		  NS("00000032", "61") NS("00000064", "62"), 2, 50 },
		{ "TTL with top bit", UPDATE(2, 0) DEL("0002")
		  NS("80000000", "61"), 1, 0 },
		{ "deleted again", UPDATE(4, 0) DEL("0002") NS("00000032", "61")
		  DEL("0002") NS("00000064", "62"), 1, 100 },
		{ "withdrawn in the end", UPDATE(3, 0) DEL("0002")
		  NS("00000032", "61") DEL("0002"), 0, 0 },
	};
	ms_msg_t *msg = ms_msg_new(MS_MSG_QUERY, ZONE, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint16_t rcode;
		char reason[MS_REASON_MAX + 1];
		assert_int_equal(parse_hex(cases[i].wire, msg, &rcode, reason), KNOT_EOK);
		assert_int_equal(msg->update.stated, 1U << MS_APEX_NS);
		assert_int_equal(msg->update.set[MS_APEX_NS].rrs.count, cases[i].count);
		assert_int_equal(msg->update.set[MS_APEX_NS].ttl, cases[i].ttl);
	}
	ms_msg_free(msg);
}

static void test_is_ours(void **state)
{
	static const struct { const char *what, *wire; bool want; } cases[] = {
		{ "HELLO", NOTIFY(0, 0, 1) HELLO_OPT, true },
		{ "HELLO, signed", NOTIFY(0, 0, 2) HELLO_OPT SIG0, true },
		{ "another option", NOTIFY(0, 0, 1)
		  "00 0029 04d0 00000000 0008 fdef 0004 01010300", false },
		{ "plain NOTIFY", NOTIFY(0, 0, 0), false },
		{ "plain NOTIFY, signed", NOTIFY(0, 0, 1) SIG0, false },
		{ "answer to HELLO", "0001 a400 0001 0000 0000 0001" QUESTION HELLO_OPT, false },
		{ "UPDATE", UPDATE(1, 0) DEL("0002"), false },
		{ "UPDATE, TSIG", UPDATE(1, 1) DEL("0002") TSIG, false },
		{ "UPDATE, SIG(0)", UPDATE(1, 1) DEL("0002") SIG0, true },
		{ "UPDATE, option", UPDATE(1, 1) DEL("0002") HELLO_OPT, true },
		{ "QUERY, option", "0001 0000 0001 0000 0000 0002" QUESTION HELLO_OPT SIG0, false },
		{ "no question", "0001 2400 0000 0000 0000 0001" HELLO_OPT, true },
		{ "broken", NOTIFY(0, 0, 2) HELLO_OPT, false },
		{ "short", "0001 2400", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[512];
		size_t len = unhex(cases[i].wire, wire, sizeof(wire));
		assert_int_equal(ms_message_is_ours(wire, len, 65006), cases[i].want);
	}
	assert_string_equal(ms_rcode_name(5), "REFUSED");
	assert_string_equal(ms_rcode_name(4000), "unassigned");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_notify),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_parse_nsupdate),
		cmocka_unit_test(test_parse_response),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_update_order),
		cmocka_unit_test(test_is_ours),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
