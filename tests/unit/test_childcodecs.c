/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "wire/bootstrap.h"
#include "wire/csync.h"
#include "wire/ds.h"
#include "wire/keystate.h"
#include "wire/reporting.h"

static const knot_dname_t *name(const char *text, knot_dname_storage_t out)
{
	assert_non_null(knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)));
	return out;
}

static void test_csync(void **state)
{
	static const struct {
		const char *what;
		const char *rdata;
		size_t len;
		int ret;
		uint8_t types;
		uint16_t foreign;
	} cases[] = {
		/* RFC 7477 section 2.1.1: serial 66, immediate, A NS AAAA. */
		{ "example of the RFC", "\0\0\0\x42\0\1\0\4\x60\0\0\x08", 12, KNOT_EOK, 7, 0 },
		{ "no types", "\0\0\0\0\0\1", 6, KNOT_EOK, 0, 0 },
		{ "MX", "\0\0\0\0\0\1\0\2\0\1", 10, KNOT_EOK, 0, KNOT_RRTYPE_MX },
		{ "DS beside NS", "\0\0\0\0\0\1\0\6\x20\0\0\0\0\x10", 14, KNOT_EOK, MS_CSYNC_NS,
		  KNOT_RRTYPE_DS },
		{ "second window", "\0\0\0\0\0\1\0\1\x20\1\1\x80", 12, KNOT_EOK, MS_CSYNC_NS, 256 },
		{ "windows in disorder", "\0\0\0\0\0\1\1\1\x80\0\1\x20", 12, KNOT_EMALF, 0, 0 },
		{ "same window twice", "\0\0\0\0\0\1\0\1\x20\0\1\x20", 12, KNOT_EMALF, 0, 0 },
		{ "empty window", "\0\0\0\0\0\1\0\0", 8, KNOT_EMALF, 0, 0 },
		{ "window over the end", "\0\0\0\0\0\1\0\4\x60\0\0", 11, KNOT_EMALF, 0, 0 },
		{ "window of 33", "\0\0\0\0\0\1\0\x21\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
		  "\1\1\1\1\1\1", 41, KNOT_EMALF, 0, 0 },
		{ "half a window", "\0\0\0\0\0\1\0", 7, KNOT_EMALF, 0, 0 },
		{ "no flags", "\0\0\0\0\0", 5, KNOT_EMALF, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_csync_t out = { 0 };
		uint8_t buf[MS_CSYNC_RDATA_MAX];
		int ret = ms_csync_decode((const uint8_t *)cases[i].rdata, cases[i].len, &out);
		if (ret != cases[i].ret || out.types != cases[i].types ||
		    out.foreign != cases[i].foreign) {
			fail_msg("%s", cases[i].what);
		}
		if (ret == KNOT_EOK && out.foreign == 0) {
			assert_int_equal(ms_csync_encode(&out, buf, sizeof(buf)), cases[i].len);
			assert_memory_equal(buf, cases[i].rdata, cases[i].len);
		}
	}
}

/* Payload (M-28) and text (M-38). */
static void test_keystate(void **state)
{
	ms_keystate_t out;
	uint8_t buf[MS_KEYSTATE_MAX];
	/* Inquiry for tag 12345. */
	static const uint8_t inquiry[] = { 0x30, 0x39, 2, 0 };
	assert_int_equal(ms_keystate_decode(inquiry, 4, false, &out), KNOT_EOK);
	assert_int_equal(out.key_id, 12345);
	assert_int_equal(out.state, MS_KEYSTATE_INQUIRY);
	assert_string_equal(out.text, "");
	assert_int_equal(ms_keystate_encode(&out, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, inquiry, 4);
	/* Draft -00 had three octets. */
	assert_int_equal(ms_keystate_decode(inquiry, 3, false, &out), KNOT_EMALF);
	assert_int_equal(ms_keystate_decode(inquiry, 3, true, &out), KNOT_EOK);
	assert_int_equal(ms_keystate_decode(inquiry, 2, true, &out), KNOT_EMALF);
	assert_int_equal(ms_keystate_decode((const uint8_t *)"", 0, true, &out), KNOT_EMALF);
	static uint8_t longest[60004] = { 0, 1, 4, 0 };
	memset(longest + 4, 'x', 60000);
	longest[5] = '\n';
	assert_int_equal(ms_keystate_decode(longest, sizeof(longest), false, &out), KNOT_EOK);
	assert_int_equal(strlen(out.text), MS_KEYSTATE_TEXT_MAX);
	assert_int_equal(out.text[1], '?');
	assert_int_equal(ms_keystate_encode(&out, buf, sizeof(buf)), MS_KEYSTATE_MAX);
	assert_int_equal(ms_keystate_encode(&out, buf, 10), KNOT_ESPACE);
	assert_string_equal(ms_keystate_name(10), "manual bootstrap required");
	assert_string_equal(ms_keystate_name(3), "unassigned");
	assert_string_equal(ms_keystate_name(255), "unassigned");
}

/* A key that Knot's keymgr made for zone.test., and its DS. */
static const uint8_t key[] = {
	0x01, 0x01, 0x03, 0x0f, 0x4f, 0x05, 0x7d, 0xdc, 0x1b, 0x02, 0x0c, 0x29, 0x9a, 0xad, 0x2a, 0x03,
	0x6d, 0x2f, 0x97, 0xa0, 0xbc, 0x89, 0x5a, 0x8d, 0xc7, 0x45, 0x63, 0x70, 0x73, 0x5f, 0x63, 0x7e,
	0x1d, 0xfa, 0x47, 0x3a,
};
static const uint8_t sha256[] = {
	0x3f, 0x7d, 0x0f, 0x02, 0x8c, 0x83, 0xfe, 0xb9, 0x78, 0x45, 0x74, 0x30, 0xbc, 0x45, 0x44, 0xf1,
	0x90, 0x46, 0x96, 0x87, 0x9c, 0x92, 0x6a, 0xe9, 0xec, 0x4d, 0x70, 0x5f, 0x02, 0xb5, 0x17, 0xbd,
	0x3f, 0x81, 0xe3, 0xae,
};

static void test_ds(void **state)
{
	knot_dname_storage_t zone;
	uint8_t buf[MS_DS_MAX];
	ms_ds_t ds;
	name("zone.test.", zone);
	assert_int_equal(ms_ds_make(zone, key, sizeof(key), MS_DIGEST_SHA256, buf, sizeof(buf)),
	                 sizeof(sha256));
	assert_memory_equal(buf, sha256, sizeof(sha256));
	assert_int_equal(ms_ds_make(zone, key, sizeof(key), MS_DIGEST_SHA384, buf, sizeof(buf)), 52);
	assert_int_equal(ms_ds_make(zone, key, sizeof(key), 9, buf, sizeof(buf)), KNOT_ENOTSUP);
	assert_int_equal(ms_ds_make(zone, key, 4, 2, buf, sizeof(buf)), KNOT_EMALF);
	assert_int_equal(ms_ds_make(zone, key, sizeof(key) - 1, 2, buf, sizeof(buf)), KNOT_ENOTSUP);
	assert_int_equal(ms_ds_make(zone, key, sizeof(key), 2, buf, 35), KNOT_ESPACE);
	assert_int_equal(ms_ds_decode(sha256, sizeof(sha256), &ds), KNOT_EOK);
	assert_int_equal(ds.tag, 16253);
	for (size_t len = 0; len < sizeof(sha256); len++) {
		assert_int_equal(ms_ds_decode(sha256, len, &ds), KNOT_EMALF);
	}
	/* The delete signal in both of its forms, and nothing else (I-09, K-24). */
	assert_true(ms_cds_is_delete((const uint8_t *)"\0\0\0\0\0", 5));
	assert_true(ms_cds_is_delete((const uint8_t *)"\0\0\0\0", 4));
	assert_false(ms_cds_is_delete((const uint8_t *)"\0\0\0\0\0\0", 6));
	assert_false(ms_cds_is_delete((const uint8_t *)"\0\0\0\0\1", 5));
	assert_false(ms_cds_is_delete((const uint8_t *)"\0\1\0\0\0", 5));
	assert_true(ms_cdnskey_is_delete((const uint8_t *)"\0\0\3\0\0", 5));
	assert_false(ms_cdnskey_is_delete((const uint8_t *)"\0\0\0\0\0", 5));
	assert_false(ms_cds_is_delete((const uint8_t *)"\0\0\3\0\0", 5));

	ms_rrset_t set = { 0 };
	assert_false(ms_cds_set_is_delete(&set));
	assert_int_equal(ms_rrset_add(&set, (const uint8_t *)"\0\0\0\0\0", 5), KNOT_EOK);
	assert_true(ms_cds_set_is_delete(&set));
	assert_int_equal(ms_rrset_add(&set, sha256, sizeof(sha256)), KNOT_EOK);
	assert_false(ms_cds_set_is_delete(&set));
	assert_true(ms_cds_set_has_delete(&set));
	ms_rrset_clear(&set);
}

static void test_report(void **state)
{
	knot_dname_storage_t zone, agent, wanted, out, back;
	uint8_t buf[KNOT_DNAME_MAXLEN];
	uint16_t qtype, code;
	name("child.example.", zone);
	name("Reports.ns1.Alpha.example.", agent);
	assert_int_equal(ms_report_name(KNOT_RRTYPE_CDS, zone, 6, agent, out), KNOT_EOK);
	name("_er.59.child.example.6._er.reports.ns1.alpha.example.", wanted);
	assert_true(knot_dname_is_equal(out, wanted));
	knot_dname_to_lower(agent);
	assert_int_equal(ms_report_parse(out, agent, &qtype, back, &code), KNOT_EOK);
	assert_int_equal(qtype, KNOT_RRTYPE_CDS);
	assert_int_equal(code, 6);
	assert_true(knot_dname_is_equal(back, zone));
	assert_int_equal(ms_report_parse(out, zone, &qtype, back, &code), KNOT_EOUTOFZONE);
	static const char *const bad[] = {
		"_er.59.6._er.", "_er.59.child.example.6.", "59.child.example.6._er.",
		"_er.059.child.6._er.", "_er.65536.child.6._er.", "_er.x.child.6._er.", "_er._er.", "",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "%sreports.ns1.alpha.example.", bad[i]);
		/* The root is a name that can be asked about: the first one is good. */
		assert_int_equal(ms_report_parse(name(text, out), agent, &qtype, back, &code),
		                 i == 0 ? KNOT_EOK : KNOT_EMALF);
	}
	memset(zone, 0, sizeof(zone));
	for (size_t i = 0; i < 4; i++) {
		zone[i * 60] = 59;
		memset(zone + i * 60 + 1, 'a', 59);
	}
	assert_int_equal(ms_report_name(59, zone, 6, agent, out), KNOT_ESPACE);

	int len = ms_report_channel_encode(agent, buf, sizeof(buf));
	assert_true(len > 0);
	assert_int_equal(ms_report_channel_decode(buf, len, out), KNOT_EOK);
	assert_true(knot_dname_is_equal(out, agent));
	for (int i = 0; i < len; i++) {
		assert_int_equal(ms_report_channel_decode(buf, i, out), KNOT_EMALF);
	}
	assert_int_equal(ms_report_channel_decode((const uint8_t *)"", 1, out), KNOT_EMALF);
}

static void test_bootstrap(void **state)
{
	uint8_t buf[MS_BOOTSTRAP_MAX];
	unsigned ways = 0;
	for (unsigned bits = 0; bits < 16; bits++) {
		int len = ms_bootstrap_encode(bits, buf, sizeof(buf));
		assert_true(len >= 0 && (len > 0) == (bits > 0));
		assert_int_equal(ms_bootstrap_decode(buf, len), bits);
	}
	assert_int_equal(ms_bootstrap_encode(15, buf, 10), KNOT_ESPACE);
	static const char odd[] = ",future,at-ns,,at-apexx,manual";
	assert_int_equal(ms_bootstrap_decode((const uint8_t *)odd, sizeof(odd) - 1),
	                 MS_BOOTSTRAP_NS | MS_BOOTSTRAP_MANUAL);
	/* 1 . port=53 bootstrap=manual; then in AliasMode (J-27, X-29). */
	uint8_t svcb[] = "\0\1\0\0\3\0\2\0\x35\xff\2\0\6" "manual";
	size_t len = sizeof(svcb) - 1;
	assert_int_equal(ms_bootstrap_of_svcb(svcb, len, 65282, false, &ways), KNOT_EOK);
	assert_int_equal(ways, MS_BOOTSTRAP_MANUAL);
	assert_int_equal(ms_bootstrap_of_svcb(svcb, len, 65283, false, &ways), KNOT_ENOENT);
	for (size_t i = 0; i < len; i++) {
		int ret = ms_bootstrap_of_svcb(svcb, i, 65282, false, &ways);
		assert_true(ret == KNOT_EMALF || ((i == 3 || i == 9) && ret == KNOT_ENOENT));
	}
	svcb[1] = 0;
	assert_int_equal(ms_bootstrap_of_svcb(svcb, len, 65282, false, &ways), KNOT_ENOENT);
	assert_int_equal(ms_bootstrap_of_svcb(svcb, len, 65282, true, &ways), KNOT_EOK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bootstrap),
		cmocka_unit_test(test_csync),
		cmocka_unit_test(test_keystate),
		cmocka_unit_test(test_ds),
		cmocka_unit_test(test_report),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
