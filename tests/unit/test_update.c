/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/consts.h>
#include <libknot/errcode.h>
#include <libknot/wire.h>

#include "wire/message.h"
#include "wire/update.h"

static const knot_dname_t ZONE[] = "\x04zone\x07" "example";
/* All but KEY. */
#define ALLOWED ((1u << MS_CONTRIB_TYPES) - 1 - (1u << MS_APEX_KEY))

#define QUESTION "047a6f6e65076578616d706c6500 0006 0001"
/* Header and zone, by the digits of the counts of prerequisites, updates, additionals. */
#define UPDATE(pre, up, ar) "0001 2800 0001 000" #pre " 000" #up " 000" #ar QUESTION
#define APEX "c00c"
#define WWW "03777777 c00c"
#define OUTSIDE "03777777 c011"
/* Class, TTL, length of RDATA. */
#define ANY "00ff 00000000 0000"
#define NONE "00fe 00000000 0000"
#define NS_A "0006 026161 0161 00"
#define NS_B "0006 026262 0161 00"
#define CDS_A "0005 aaaa 0d 02 aa"
#define CDS_B "0005 bbbb 0d 02 bb"
#define ADD "0001 00000064"
#define TAKE "00fe 00000000"
#define VALUE "0001 00000000"

/* What the store says before, in show()'s words. */
#define BEFORE "CDS 60 aaaa0d02aa; NS 60 026161016100 026262016100;"

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

static void add(ms_contribution_t *c, ms_apex_type_t type, uint32_t ttl, const char *hex)
{
	uint8_t rdata[256];
	size_t len = unhex(hex, rdata, sizeof(rdata));
	assert_int_equal(ms_rrset_add(&c->set[type], rdata, len), KNOT_EOK);
	c->set[type].ttl = ttl;
	c->stated |= 1u << type;
}

static void set_up(ms_contribution_t *store)
{
	memset(store, 0, sizeof(*store));
	add(store, MS_APEX_CDS, 60, "aaaa 0d 02 aa");
	add(store, MS_APEX_NS, 60, "026161 0161 00");
	add(store, MS_APEX_NS, 60, "026262 0161 00");
}

/* "CDS 60 aaaa0d02aa; NS 60;" for what is stated. */
static void show(const ms_contribution_t *c, char *out, size_t max)
{
	size_t at = 0;
	out[0] = '\0';
	for (ms_apex_type_t type = 0; type < MS_CONTRIB_TYPES; type++) {
		const ms_rrset_t *set = &c->set[type];
		if ((c->stated & 1u << type) == 0) {
			assert_int_equal(set->rrs.count, 0);
			continue;
		}
		at += snprintf(out + at, max - at, "%s%s", at > 0 ? " " : "", ms_apex_name(type));
		if (set->rrs.count > 0) {
			at += snprintf(out + at, max - at, " %u", set->ttl);
		}
		knot_rdata_t *rd = set->rrs.rdata;
		for (uint16_t i = 0; i < set->rrs.count; i++, rd = knot_rdataset_next(rd)) {
			at += snprintf(out + at, max - at, " ");
			for (uint16_t k = 0; k < rd->len; k++) {
				at += snprintf(out + at, max - at, "%02x", rd->data[k]);
			}
		}
		at += snprintf(out + at, max - at, ";");
	}
}

static void assert_shows(const ms_contribution_t *c, const char *want)
{
	char got[2048];
	show(c, got, sizeof(got));
	assert_string_equal(got, want);
}

/* An exact copy, so that a sanitizer sees its end. */
static int apply(const uint8_t *wire, size_t len, uint32_t allowed, ms_contribution_t *store,
                 uint16_t *rcode, char *reason)
{
	uint8_t *exact = malloc(len + 1);
	memcpy(exact + 1, wire, len);
	int ret = ms_update_apply(exact + 1, len, ZONE, allowed, store, rcode, reason);
	free(exact);
	return ret;
}

static void test_apply(void **state)
{
	static const struct { const char *what, *wire, *after; } cases[] = {
		{ "nothing", UPDATE(0, 0, 0), BEFORE },
		{ "EDNS and glue are passed over", UPDATE(0, 0, 2) "00 0029 04d0 00000000 0000"
		  WWW "0001 0001 00000001 0004 7f000001", BEFORE },
		{ "one more, and the TTL of all", UPDATE(0, 1, 0) APEX "003b" ADD CDS_B,
		  "CDS 100 aaaa0d02aa bbbb0d02bb; NS 60 026161016100 026262016100;" },
		{ "what is there", UPDATE(0, 1, 0) APEX "003b 0001 0000003c" CDS_A, BEFORE },
		{ "a new set", UPDATE(0, 1, 0) APEX "003c" ADD "0006 0101030d0102",
		  "CDS 60 aaaa0d02aa; CDNSKEY 100 0101030d0102; NS 60 026161016100 026262016100;" },
		{ "TTL with the top bit", UPDATE(0, 1, 0) APEX "003b 0001 80000000" CDS_B,
		  "CDS 0 aaaa0d02aa bbbb0d02bb; NS 60 026161016100 026262016100;" },
		{ "delete the RRset NS, G-18", UPDATE(0, 1, 0) APEX "0002" ANY,
		  "CDS 60 aaaa0d02aa; NS;" },
		{ "replace NS, X-49", UPDATE(0, 2, 0) APEX "0002" ANY APEX "0002" ADD NS_B,
		  "CDS 60 aaaa0d02aa; NS 100 026262016100;" },
		{ "the order counts", UPDATE(0, 2, 0) APEX "0002" ADD NS_B APEX "0002" ANY,
		  "CDS 60 aaaa0d02aa; NS;" },
		{ "one record", UPDATE(0, 1, 0) APEX "0002" TAKE NS_A,
		  "CDS 60 aaaa0d02aa; NS 60 026262016100;" },
		{ "the last record", UPDATE(0, 1, 0) APEX "003b" TAKE CDS_A,
		  "CDS; NS 60 026161016100 026262016100;" },
		{ "one that is not there", UPDATE(0, 1, 0) APEX "003b" TAKE CDS_B, BEFORE },
		{ "withdraw what was not stated", UPDATE(0, 1, 0) APEX "0030" ANY,
		  "DNSKEY; CDS 60 aaaa0d02aa; NS 60 026161016100 026262016100;" },
		{ "everything", UPDATE(0, 1, 0) APEX "00ff" ANY, "DNSKEY; CDS; CDNSKEY; NS; CSYNC;" },
		{ "names in full and capitals (H-13)", UPDATE(0, 1, 0) "045a4f4e45074558414d504c4500"
		  "0002" ADD "0006 024141 0141 00",
		  "CDS 60 aaaa0d02aa; NS 100 026161016100 026262016100;" },
		{ "compressed RDATA", UPDATE(0, 2, 0) APEX "0002" ANY APEX "0002" ADD
		  "0006 036e7331 c00c",
		  "CDS 60 aaaa0d02aa; NS 100 036e7331047a6f6e65076578616d706c6500;" },
		{ "a CDS that takes the zone insecure, G-08", UPDATE(0, 2, 0) APEX "003b" ANY
		  APEX "003b" ADD "0005 0000 00 00 00",
		  "CDS 100 0000000000; NS 60 026161016100 026262016100;" },
		{ "RRset exists", UPDATE(1, 1, 0) APEX "0002" ANY APEX "0002" ANY,
		  "CDS 60 aaaa0d02aa; NS;" },
		{ "RRset does not exist", UPDATE(1, 1, 0) APEX "0030" NONE APEX "0002" ANY,
		  "CDS 60 aaaa0d02aa; NS;" },
		{ "RRset is this", UPDATE(2, 1, 0) APEX "0002" VALUE NS_B APEX "0002" VALUE NS_A
		  APEX "0002" ANY, "CDS 60 aaaa0d02aa; NS;" },
		{ "name is in use", UPDATE(1, 1, 0) APEX "00ff" ANY APEX "0002" ANY,
		  "CDS 60 aaaa0d02aa; NS;" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[512];
		uint16_t rcode = 99;
		char reason[MS_REASON_MAX + 1] = "?";
		ms_contribution_t store;
		set_up(&store);
		size_t len = unhex(cases[i].wire, wire, sizeof(wire));
		assert_int_equal(apply(wire, len, ALLOWED, &store, &rcode, reason), KNOT_EOK);
		assert_int_equal(rcode, KNOT_RCODE_NOERROR);
		assert_string_equal(reason, "");
		assert_shows(&store, cases[i].after);
		ms_contribution_clear(&store);
	}
}

/* All of them change something first: nothing of it may stay. */
static void test_refused(void **state)
{
	#define FIRST APEX "0002" ANY
	#define MALF KNOT_EMALF, KNOT_RCODE_FORMERR
	#define DENIED KNOT_EDENIED, KNOT_RCODE_REFUSED
	#define NOTZONE KNOT_EOUTOFZONE, KNOT_RCODE_NOTZONE
	#define NOTIMP KNOT_ENOTSUP, KNOT_RCODE_NOTIMPL
	#define NX KNOT_EPREREQ, KNOT_RCODE_NXRRSET
	#define YX KNOT_EPREREQ, KNOT_RCODE_YXRRSET
	static const struct {
		const char *what, *wire;
		int ret;
		uint16_t rcode;
		const char *reason;
	} cases[] = {
		{ "NS and A (G-09)", UPDATE(0, 2, 0) FIRST APEX "0001" ADD "0004 7f000001", DENIED,
		  "type A cannot" },
		{ "SOA", UPDATE(0, 2, 0) FIRST APEX "0006" ANY, DENIED, "type SOA cannot" },
		{ "KEY, not allowed (G-04)", UPDATE(0, 2, 0) FIRST APEX "0019" ADD "0006 0200030f0102",
		  DENIED, "type KEY cannot" },
		{ "private type", UPDATE(0, 2, 0) FIRST APEX "ff02" ANY, DENIED, "type TYPE65282" },
		{ "NS below the apex (G-09)", UPDATE(0, 2, 0) FIRST WWW "0002" ADD NS_A, DENIED,
		  "NS record not at" },
		{ "outside of the zone (G-09)", UPDATE(0, 2, 0) FIRST OUTSIDE "0002" ADD NS_A, NOTZONE,
		  "NS record outside" },
		{ "above the zone", UPDATE(0, 2, 0) FIRST "c011 0002" ANY, NOTZONE, "outside" },
		{ "class CH", UPDATE(0, 2, 0) FIRST APEX "0002 0003 00000000 0000", MALF,
		  "malformed NS record of class 3" },
		{ "delete with a TTL", UPDATE(0, 2, 0) FIRST APEX "0002 00ff 00000001 0000", MALF,
		  "malformed NS" },
		{ "delete with RDATA", UPDATE(0, 2, 0) FIRST APEX "0002 00ff 00000000" NS_A, MALF,
		  "malformed NS" },
		{ "delete of a record with a TTL", UPDATE(0, 2, 0) FIRST APEX "0002 00fe 00000001"
		  NS_A, MALF, "malformed NS" },
		{ "delete of no record", UPDATE(0, 2, 0) FIRST APEX "0002 00fe 00000000 0000", MALF,
		  "malformed NS" },
		{ "add of no record", UPDATE(0, 2, 0) FIRST APEX "0002" ADD "0000", MALF,
		  "malformed NS" },
		{ "add of ANY", UPDATE(0, 2, 0) FIRST APEX "00ff" ADD "0000", MALF, "malformed ANY" },
		{ "delete of AXFR", UPDATE(0, 2, 0) FIRST APEX "00fc" ANY, MALF, "malformed AXFR" },
		{ "NS that is no name", UPDATE(0, 2, 0) FIRST APEX "0002" ADD "0002 3f 00", MALF,
		  "malformed NS" },
		{ "NS and more", UPDATE(0, 2, 0) FIRST APEX "0002" ADD "0004 0161 00 00", MALF,
		  "malformed NS" },
		{ "broken record", UPDATE(0, 2, 0) FIRST APEX "0002" ADD "0006 0161", MALF, "broken" },
		{ "broken additional", UPDATE(0, 1, 1) FIRST "00 0029 04d0 00000000 0009", MALF,
		  "broken" },
		{ "fewer records than promised", UPDATE(0, 2, 0) FIRST, MALF, "broken" },
		{ "more records than promised", UPDATE(0, 1, 0) FIRST FIRST, MALF, "octets behind" },
		{ "another zone", "0001 2800 0001 0000 0001 0000" "046f7468650765 78616d706c6500"
		  "0006 0001" FIRST, NOTZONE, "another zone" },
		{ "zone of type NS", "0001 2800 0001 0000 0001 0000" "047a6f6e65076578616d706c6500"
		  "0002 0001" FIRST, MALF, "not exactly one zone" },
		{ "zone of class CH", "0001 2800 0001 0000 0001 0000" "047a6f6e65076578616d706c6500"
		  "0006 0003" FIRST, MALF, "not exactly one zone" },
		{ "two zones", "0001 2800 0002 0000 0001 0000" QUESTION QUESTION FIRST, MALF,
		  "not exactly one zone" },
		{ "no zone", "0001 2800 0000 0000 0000 0000", MALF, "not exactly one zone" },
		{ "an answer", "0001 a800 0001 0000 0001 0000" QUESTION FIRST, MALF, "not an UPDATE" },
		{ "NOTIFY", "0001 2400 0001 0000 0000 0000" QUESTION, MALF, "not an UPDATE" },
		{ "short", "0001 2800", MALF, "not an UPDATE" },
		{ "RRset should exist", UPDATE(1, 1, 0) APEX "0030" ANY FIRST, NX, "no DNSKEY" },
		{ "RRset should not", UPDATE(1, 1, 0) APEX "0002" NONE FIRST, YX, "NS is" },
		{ "another value", UPDATE(1, 1, 0) APEX "003b" VALUE CDS_B FIRST, NX, "CDS is another" },
		{ "not all values", UPDATE(1, 1, 0) APEX "0002" VALUE NS_A FIRST, NX, "NS is another" },
		{ "value of nothing", UPDATE(1, 0, 0) APEX "003c" VALUE "0006 0101030d0102", NX,
		  "CDNSKEY is another" },
		{ "the apex should not exist", UPDATE(1, 1, 0) APEX "00ff" NONE FIRST, KNOT_EPREREQ,
		  KNOT_RCODE_YXDOMAIN, "the apex exists" },
		{ "prerequisite about A", UPDATE(1, 1, 0) APEX "0001" ANY FIRST, NOTIMP, "known of A" },
		{ "about another name", UPDATE(1, 1, 0) WWW "0002" ANY FIRST, NOTIMP, "not at" },
		{ "about another zone", UPDATE(1, 1, 0) OUTSIDE "0002" ANY FIRST, NOTZONE, "outside" },
		{ "with a TTL", UPDATE(1, 1, 0) APEX "0002 00ff 00000001 0000" FIRST, MALF,
		  "malformed NS" },
		{ "exists, with RDATA", UPDATE(1, 1, 0) APEX "0002 00ff 00000000" NS_A FIRST, MALF,
		  "malformed NS" },
		{ "does not exist, with RDATA", UPDATE(1, 1, 0) APEX "0002 00fe 00000000" NS_A FIRST,
		  MALF, "malformed NS" },
		{ "value of ANY", UPDATE(1, 1, 0) APEX "00ff" VALUE "0000" FIRST, MALF,
		  "malformed ANY" },
		{ "value without one", UPDATE(1, 1, 0) APEX "0002" VALUE "0000" FIRST, MALF,
		  "malformed NS" },
		{ "prerequisite of class CH", UPDATE(1, 1, 0) APEX "0002 0003 00000000 0000" FIRST,
		  MALF, "of class 3" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[512];
		uint16_t rcode = 99;
		char reason[MS_REASON_MAX + 1] = "?";
		ms_contribution_t store;
		set_up(&store);
		size_t len = unhex(cases[i].wire, wire, sizeof(wire));
		assert_int_equal(apply(wire, len, ALLOWED, &store, &rcode, reason), cases[i].ret);
		assert_int_equal(rcode, cases[i].rcode);
		assert_non_null(strstr(reason, cases[i].reason));
		assert_shows(&store, BEFORE);
		ms_contribution_clear(&store);
	}
}

static void test_allowed(void **state)
{
	uint8_t wire[512];
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	ms_contribution_t store;
	set_up(&store);
	/* KEY, where it is allowed (G-04). */
	size_t len = unhex(UPDATE(0, 1, 0) APEX "0019" ADD "0006 0200030f0102", wire, sizeof(wire));
	assert_int_equal(apply(wire, len, ALLOWED | 1u << MS_APEX_KEY, &store, &rcode, reason),
	                 KNOT_EOK);
	assert_int_equal(store.set[MS_APEX_KEY].rrs.count, 1);
	/* What may not be said cannot be taken back either. */
	len = unhex(UPDATE(0, 1, 0) APEX "00ff" ANY, wire, sizeof(wire));
	assert_int_equal(apply(wire, len, 1u << MS_APEX_CDS, &store, &rcode, reason), KNOT_EOK);
	assert_int_equal(store.set[MS_APEX_CDS].rrs.count, 0);
	assert_int_equal(store.set[MS_APEX_NS].rrs.count, 2);
	assert_int_equal(store.set[MS_APEX_KEY].rrs.count, 1);
	ms_contribution_clear(&store);
}

/* Built, applied to what is there, and the same comes out; and of every part of it nothing. */
static void test_build(void **state)
{
	uint8_t wire[1024], want[1024];
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	ms_contribution_t c = { .stated = 1u << MS_APEX_CDS }, store;
	add(&c, MS_APEX_NS, 3600, "026e73 0161 0474657374 00");
	add(&c, MS_APEX_CSYNC, 0, "00000001 0003 0001 60");
	int len = ms_update_build(ZONE, 0x1234, &c, wire, sizeof(wire));
	size_t want_len = unhex("1234 2800 0001 0000 0005 0001" QUESTION
	                        APEX "003b" ANY
	                        APEX "0002" ANY APEX "0002 0001 00000e10 000b 026e73 0161 0474657374 00"
	                        APEX "003e" ANY APEX "003e 0001 00000000 0009 00000001 0003 0001 60"
	                        "00 0029 04d0 00000000 0000", want, sizeof(want));
	assert_int_equal(len, want_len);
	assert_memory_equal(wire, want, want_len);
	for (size_t max = 0; max < want_len; max++) {
		assert_int_equal(ms_update_build(ZONE, 1, &c, want, max), KNOT_ESPACE);
	}
	for (size_t cut = 0; cut < want_len; cut++) {
		set_up(&store);
		assert_int_equal(apply(wire, cut, ALLOWED, &store, &rcode, reason), KNOT_EMALF);
		assert_shows(&store, BEFORE);
		ms_contribution_clear(&store);
	}
	set_up(&store);
	assert_int_equal(apply(wire, len, ALLOWED, &store, &rcode, reason), KNOT_EOK);
	assert_int_equal(store.stated, c.stated);
	assert_true(ms_contribution_equal(&store, &c));
	ms_contribution_clear(&store);
	ms_contribution_clear(&c);
}

/* DNSKEYs of \a octets in all, \a count of them. */
static ms_contribution_t keys(unsigned count, size_t octets)
{
	static uint8_t rdata[UINT16_MAX];
	ms_contribution_t c = { .stated = 1u << MS_APEX_DNSKEY };
	for (unsigned i = 0; i < count; i++) {
		size_t len = octets / (count - i);
		knot_wire_write_u16(rdata + 4, i);
		assert_int_equal(ms_rrset_add(&c.set[MS_APEX_DNSKEY], rdata, len), KNOT_EOK);
		octets -= len;
	}
	return c;
}

static void test_limits(void **state)
{
	static const struct {
		const char *what;
		unsigned count;
		size_t octets;
		int ret;
		const char *reason;
	} cases[] = {
		{ "as many as may be", MS_UPDATE_RECORDS_MAX, 32 * 100, KNOT_EOK, "" },
		{ "one more", MS_UPDATE_RECORDS_MAX + 1, 33 * 100, KNOT_EDENIED,
		  "more than 32 DNSKEY records" },
		{ "as much as may be", MS_UPDATE_RECORDS_MAX, MS_UPDATE_OCTETS_MAX, KNOT_EOK, "" },
		{ "an octet more", MS_UPDATE_RECORDS_MAX, MS_UPDATE_OCTETS_MAX + 1, KNOT_EDENIED,
		  "more than 32768 octets" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		static uint8_t wire[MS_UPDATE_WIRE_MAX + 1024];
		uint16_t rcode;
		char reason[MS_REASON_MAX + 1];
		ms_contribution_t store = { 0 }, c = keys(cases[i].count, cases[i].octets);
		int len = ms_update_build(ZONE, 1, &c, wire, sizeof(wire));
		assert_true(len > 0 && (cases[i].ret != KNOT_EOK || len <= MS_UPDATE_WIRE_MAX));
		assert_int_equal(apply(wire, len, ALLOWED, &store, &rcode, reason), cases[i].ret);
		assert_non_null(strstr(reason, cases[i].reason));
		assert_int_equal(ms_contribution_empty(&store), cases[i].ret != KNOT_EOK);
		ms_contribution_clear(&store);
		ms_contribution_clear(&c);
	}
	assert_true(MS_UPDATE_WIRE_MAX + 1024 <= UINT16_MAX); /* and a TSIG */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_limits),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
