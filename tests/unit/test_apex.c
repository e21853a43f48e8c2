/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "wire/apex.h"

static void add(ms_rrset_t *set, const char *text)
{
	assert_int_equal(ms_rrset_add(set, (const uint8_t *)text, strlen(text)), KNOT_EOK);
}

static bool has(const ms_rrset_t *set, const char *text)
{
	return ms_rrset_has(set, (const uint8_t *)text, strlen(text));
}

static void test_types(void **state)
{
	for (int type = 0; type < MS_CONTRIB_TYPES; type++) {
		assert_int_equal(ms_apex_index(ms_apex_rrtype(type)), type);
		char name[32];
		assert_true(knot_rrtype_to_string(ms_apex_rrtype(type), name, sizeof(name)) > 0);
		assert_string_equal(ms_apex_name(type), name);
	}
	assert_int_equal(ms_apex_rrtype(MS_APEX_HSYNC), 0);
	assert_int_equal(ms_apex_index(KNOT_RRTYPE_SOA), -1);
	assert_int_equal(ms_apex_index(KNOT_RRTYPE_MX), -1);
	assert_int_equal(ms_apex_index(0), -1);
}

static void test_sets(void **state)
{
	ms_rrset_t a = { 0 }, b = { .ttl = 300 }, c = { 0 };
	add(&a, "two");
	add(&a, "one");
	add(&a, "two"); /* no duplicates */
	assert_int_equal(a.rrs.count, 2);
	assert_int_equal(ms_rrset_octets(&a), 6);
	add(&b, "three");
	add(&b, "one");
	assert_int_equal(ms_rrset_union(&c, &b), KNOT_EOK);
	assert_int_equal(c.ttl, 300); /* of the set that fills the empty one */
	assert_true(ms_rrset_equal(&b, &c));
	c.ttl = 60;
	assert_true(ms_rrset_equal(&b, &c)); /* the TTL does not count here */
	assert_int_equal(ms_rrset_union(&c, &a), KNOT_EOK);
	assert_int_equal(c.rrs.count, 3);
	assert_int_equal(c.ttl, 60);
	assert_int_equal(ms_rrset_minus(&c, &a), KNOT_EOK);
	assert_int_equal(c.rrs.count, 1);
	assert_true(has(&c, "three") && !has(&c, "one"));
	assert_int_equal(ms_rrset_remove(&c, (const uint8_t *)"none", 4), KNOT_EOK);
	assert_int_equal(ms_rrset_remove(&c, (const uint8_t *)"three", 5), KNOT_EOK);
	assert_int_equal(c.rrs.count, 0);
	assert_int_equal(ms_rrset_minus(&c, &a), KNOT_EOK);
	assert_int_equal(ms_rrset_copy(&c, &a), KNOT_EOK);
	assert_true(ms_rrset_equal(&c, &a) && c.rrs.rdata == a.rrs.rdata);
	assert_int_equal(ms_rrset_remove(&c, (const uint8_t *)"one", 3), KNOT_EOK);
	assert_true(has(&a, "one") && !has(&c, "one"));
	add(&c, "one");
	assert_true(ms_rrset_equal(&c, &a) && c.rrs.rdata != a.rrs.rdata);
	ms_rrset_share(&c, &a);
	assert_true(c.rrs.rdata == a.rrs.rdata);
	add(&c, "other");
	assert_false(has(&a, "other"));
	ms_rrset_share(&c, &a);
	assert_true(has(&c, "other"));
	ms_rrset_clear(&a);
	ms_rrset_clear(&b);
	ms_rrset_clear(&c);
	assert_true(ms_rrset_equal(&a, &b));
}

static void test_contributions(void **state)
{
	ms_contribution_t a = { .stated = 1 }, b = { 0 };
	ms_digest_t x, y, zero = { { 0 } };
	assert_true(ms_contribution_empty(&a));
	assert_true(ms_contribution_equal(&a, &b)); /* stated empty is not stated */
	assert_int_equal(ms_contribution_digest(&a, &x), KNOT_EOK);
	assert_true(ms_digest_equal(&x, &zero));

	a.set[MS_APEX_DNSKEY].ttl = b.set[MS_APEX_DNSKEY].ttl = 300;
	add(&a.set[MS_APEX_DNSKEY], "k1");
	add(&a.set[MS_APEX_DNSKEY], "k2");
	add(&b.set[MS_APEX_DNSKEY], "k2");
	assert_false(ms_contribution_equal(&a, &b));
	add(&b.set[MS_APEX_DNSKEY], "k1");
	assert_true(ms_contribution_equal(&a, &b)); /* in whatever order they came */
	assert_int_equal(ms_contribution_digest(&a, &x), KNOT_EOK);
	assert_int_equal(ms_contribution_digest(&b, &y), KNOT_EOK);
	assert_true(ms_digest_equal(&x, &y) && !ms_digest_equal(&x, &zero));

	b.set[MS_APEX_DNSKEY].ttl = 301;
	assert_false(ms_contribution_equal(&a, &b));
	assert_int_equal(ms_contribution_digest(&b, &y), KNOT_EOK);
	assert_false(ms_digest_equal(&x, &y));

	/* The same RDATA under another type is something else. */
	ms_contribution_clear(&b);
	b.set[MS_APEX_CDNSKEY].ttl = 300;
	add(&b.set[MS_APEX_CDNSKEY], "k1");
	add(&b.set[MS_APEX_CDNSKEY], "k2");
	assert_int_equal(ms_contribution_digest(&b, &y), KNOT_EOK);
	assert_false(ms_digest_equal(&x, &y));

	assert_int_equal(ms_contribution_copy(&b, &a), KNOT_EOK);
	assert_true(ms_contribution_equal(&a, &b));
	assert_int_equal(b.stated, 1);
	ms_contribution_clear(&a);
	ms_contribution_clear(&b);
}

/* The example of doc/protocol.rst: NS ns1.a.test. with TTL 3600. */
static void test_digest_golden(void **state)
{
	static const uint8_t golden[] = {
		0x45, 0xdd, 0x5e, 0x92, 0x95, 0x24, 0xc0, 0xb1, 0xc7, 0xfd, 0x9e, 0xf2, 0x09, 0x69,
		0x72, 0x0b,
	};
	/* DNSKEY (48) and NS (2): hashed by type number, though not kept in that order. */
	static const uint8_t golden_two[] = {
		0x7f, 0xda, 0x29, 0xd5, 0xc7, 0x28, 0x19, 0x80, 0x35, 0x8f, 0x93, 0x19, 0x74, 0x5c,
		0x31, 0xd8,
	};
	ms_contribution_t c = { 0 };
	ms_digest_t digest;
	c.set[MS_APEX_NS].ttl = 3600;
	static const uint8_t ns1[] = "\x03ns1\x01" "a\x04test"; /* ends with the root label */
	assert_int_equal(ms_rrset_add(&c.set[MS_APEX_NS], ns1, sizeof(ns1)), KNOT_EOK);
	assert_int_equal(ms_contribution_digest(&c, &digest), KNOT_EOK);
	assert_memory_equal(digest.octets, golden, MS_DIGEST_LEN);
	c.set[MS_APEX_DNSKEY].ttl = 300;
	add(&c.set[MS_APEX_DNSKEY], "k2");
	add(&c.set[MS_APEX_DNSKEY], "k1");
	assert_int_equal(ms_contribution_digest(&c, &digest), KNOT_EOK);
	assert_memory_equal(digest.octets, golden_two, MS_DIGEST_LEN);
	ms_contribution_clear(&c);
}

/* Where one record ends and the next begins is part of the digest. */
static void test_digest_frames(void **state)
{
	ms_contribution_t a = { 0 }, b = { 0 };
	ms_digest_t x, y;
	add(&a.set[MS_APEX_NS], "ab");
	add(&a.set[MS_APEX_NS], "c");
	add(&b.set[MS_APEX_NS], "a");
	add(&b.set[MS_APEX_NS], "bc");
	assert_int_equal(ms_contribution_digest(&a, &x), KNOT_EOK);
	assert_int_equal(ms_contribution_digest(&b, &y), KNOT_EOK);
	assert_false(ms_digest_equal(&x, &y));
	ms_contribution_clear(&a);
	ms_contribution_clear(&b);
}

static void test_apex(void **state)
{
	ms_apex_t a = { .serial = 7 }, b = { 0 };
	add(&a.set[MS_APEX_SOA], "soa");
	add(&a.set[MS_APEX_HSYNC], "hsync");
	assert_int_equal(ms_apex_copy(&b, &a), KNOT_EOK);
	assert_int_equal(b.serial, 7);
	assert_true(has(&b.set[MS_APEX_HSYNC], "hsync"));
	ms_apex_clear(&a);
	assert_int_equal(a.set[MS_APEX_SOA].rrs.count, 0);
	assert_true(has(&b.set[MS_APEX_SOA], "soa"));
	ms_apex_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_contributions),
		cmocka_unit_test(test_digest_golden),
		cmocka_unit_test(test_digest_frames),
		cmocka_unit_test(test_apex),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
