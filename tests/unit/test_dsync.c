/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "wire/dsync.h"

static const knot_dname_t *name(const char *text, knot_dname_storage_t out)
{
	assert_non_null(knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)));
	return out;
}

/* CDS NOTIFY 5359 ns1.example.com. (J-01) */
static const uint8_t golden[] = "\x00\x3b\x01\x14\xef\x03" "ns1\x07" "example\x03" "com";

static void test_rdata(void **state)
{
	ms_dsync_t dsync;
	uint8_t buf[MS_DSYNC_RDATA_MAX];
	knot_dname_storage_t target;
	assert_int_equal(ms_dsync_decode(golden, sizeof(golden), &dsync), KNOT_EOK);
	assert_int_equal(dsync.rrtype, KNOT_RRTYPE_CDS);
	assert_int_equal(dsync.scheme, MS_DSYNC_NOTIFY);
	assert_int_equal(dsync.port, 5359);
	assert_true(knot_dname_is_equal(dsync.target, name("ns1.example.com.", target)));
	assert_int_equal(ms_dsync_encode(&dsync, buf, sizeof(buf)), sizeof(golden));
	assert_memory_equal(buf, golden, sizeof(golden));
	assert_int_equal(ms_dsync_encode(&dsync, buf, sizeof(golden) - 1), KNOT_ESPACE);
	for (size_t len = 0; len < sizeof(golden); len++) {
		assert_int_equal(ms_dsync_decode(golden, len, &dsync), KNOT_EMALF);
	}
	static const uint8_t behind[] = "\x00\x3b\x01\x14\xef\x00";
	assert_int_equal(ms_dsync_decode(behind, sizeof(behind), &dsync), KNOT_EMALF);
	static const uint8_t pointer[] = { 0, 59, 1, 0, 53, 0xc0, 0 };
	assert_int_equal(ms_dsync_decode(pointer, sizeof(pointer), &dsync), KNOT_EMALF);
}

static void test_fits(void **state)
{
	static const struct {
		const char *what;
		ms_dsync_t dsync;
		uint16_t rrtype;
		uint8_t scheme;
		bool fits;
	} cases[] = {
		{ "NOTIFY for CDS", { 59, 1, 53, "\x01" "t" }, 59, 1, true },
		{ "UPDATE is no NOTIFY", { 59, 2, 53, "\x01" "t" }, 59, 1, false },
		{ "ANY is not CDS (J-30)", { 255, 1, 53, "\x01" "t" }, 59, 1, false },
		{ "ANY UPDATE", { 255, 2, 53, "\x01" "t" }, 255, 2, true },
		{ "port 0 (J-03)", { 59, 1, 0, "\x01" "t" }, 59, 1, false },
		{ "scheme 0 (J-03)", { 59, 0, 53, "\x01" "t" }, 59, 0, false },
		{ "no target", { 59, 1, 53, "" }, 59, 1, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ms_dsync_fits(&cases[i].dsync, cases[i].rrtype, cases[i].scheme) != cases[i].fits) {
			fail_msg("%s", cases[i].what);
		}
	}
}

/* Where a parent publishes (J-05). */
static void test_owner(void **state)
{
	static const struct {
		const char *child, *parent, *owner;
	} cases[] = {
		{ "child.example.", "example.", "child._dsync.example." },
		{ "Sub.Child.example.", "example.", "sub.child._dsync.example." },
		{ "example.", "example.", "_dsync.example." },
		{ "example.", ".", "example._dsync." },
		{ "child.test.", "example.", NULL },
	};
	knot_dname_storage_t child, parent, owner, out;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret = ms_dsync_owner(name(cases[i].child, child), name(cases[i].parent, parent), out);
		if (cases[i].owner == NULL) {
			assert_int_equal(ret, KNOT_EOUTOFZONE);
		} else {
			assert_int_equal(ret, KNOT_EOK);
			assert_true(knot_dname_is_equal(out, name(cases[i].owner, owner)));
		}
	}
	assert_int_equal(ms_dsync_wildcard(name("example.", parent), out), KNOT_EOK);
	assert_true(knot_dname_is_equal(out, name("*._dsync.example.", owner)));
	uint8_t label[64] = { 62 };
	memset(label + 1, 'a', 62);
	knot_dname_storage_t longest;
	size_t len = 0;
	for (int i = 0; i < 4; i++, len += 63) {
		memcpy(longest + len, label, 63);
	}
	longest[len] = 0;
	assert_int_equal(ms_dsync_wildcard(longest, out), KNOT_ESPACE);
}

/* RFC 9859 section 4.1 (J-09, J-11, J-12), with answers that lie (J-13). */
static void test_discovery(void **state)
{
	static const struct {
		const char *child, *soa, *asked[4];
	} cases[] = {
		{ "child.example.", "example.", { "child._dsync.example.", "_dsync.example.", NULL } },
		{ "a.b.example.", "example.",
		  { "a._dsync.b.example.", "a.b._dsync.example.", "_dsync.example.", NULL } },
		/* _dsync is a zone of its own (J-08). */
		{ "child.example.", "_dsync.example.",
		  { "child._dsync.example.", "_dsync.example.", NULL } },
		{ "child.example.", NULL, { "child._dsync.example.", "_dsync.example.", NULL } },
		{ "child.example.", "victim.test.",
		  { "child._dsync.example.", "_dsync.example.", NULL } },
		{ "a.b.example.", "a.b.example.",
		  { "a._dsync.b.example.", "_dsync.b.example.", NULL } },
		{ "a.b.example.", ".",
		  { "a._dsync.b.example.", "a.b.example._dsync.", "_dsync.", NULL } },
		{ "example.", ".", { "example._dsync.", "_dsync.", NULL } },
		{ ".", ".", { NULL } },
	};
	knot_dname_storage_t child, soa, wanted, out = "";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const knot_dname_t *zone = name(cases[i].child, child);
		const knot_dname_t *top = cases[i].soa != NULL ? name(cases[i].soa, soa) : NULL;
		for (unsigned n = 0; n < 4; n++) {
			int ret = ms_dsync_next(zone, n, n > 0 ? top : NULL, out);
			if (cases[i].asked[n] == NULL) {
				assert_int_equal(ret, KNOT_ENOENT);
				break;
			}
			assert_int_equal(ret, KNOT_EOK);
			if (!knot_dname_is_equal(out, name(cases[i].asked[n], wanted))) {
				fail_msg("%s, question %u", cases[i].child, n);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rdata),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_discovery),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
