/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone editing against a real knotd. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "io/zonedit.h"
#include "knotd.h"

/* After every test: nothing may be left open. */
static int no_transaction(void **state)
{
	ms_ctl_zone_t zone = { 0 };
	return lab.pid > 0 && (status("z.example.", &zone) != KNOT_EOK || zone.transaction) ? 1 : 0;
}

static void add_rdata(ms_rrset_t *set, const char *data, size_t len)
{
	uint8_t room[512];
	knot_rdata_t *rdata = (knot_rdata_t *)room;
	knot_rdata_init(rdata, len, (const uint8_t *)data);
	assert_int_equal(knot_rdataset_add(&set->rrs, rdata, NULL), KNOT_EOK);
}

typedef struct {
	const char *owner;
	uint16_t rrtype;
	uint32_t ttl;
	ms_rrset_t add;
	ms_rrset_t remove;
} row_t;

/* Performs the rows and forgets their sets. */
static int edit(const char *zone, row_t *rows, size_t count, ms_zonedit_t *out)
{
	ms_change_t changes[4] = { 0 };
	knot_dname_storage_t owners[4], name;
	for (size_t i = 0; i < count; i++) {
		assert_non_null(knot_dname_from_str(owners[i], rows[i].owner, sizeof(owners[i])));
		changes[i] = (ms_change_t){ .owner = owners[i], .rrtype = rows[i].rrtype,
		                            .ttl = rows[i].ttl, .add = &rows[i].add,
		                            .remove = &rows[i].remove };
	}
	if (zone != NULL) {
		assert_non_null(knot_dname_from_str(name, zone, sizeof(name)));
	}
	int ret = ms_zonedit(lab.sock, NULL, zone != NULL ? name : NULL, changes, count, NULL, out);
	for (size_t i = 0; i < count; i++) {
		knot_rdataset_clear(&rows[i].add.rrs, NULL);
		knot_rdataset_clear(&rows[i].remove.rrs, NULL);
	}
	return ret;
}

/* One record in or out; says "+1", "-1", "=" or "!". */
static const char *edit_one(const char *owner, uint16_t rrtype, uint32_t ttl, bool removal,
                            const char *data, size_t len)
{
	row_t row = { .owner = owner, .rrtype = rrtype, .ttl = ttl };
	add_rdata(removal ? &row.remove : &row.add, data, len);
	ms_zonedit_t out;
	if (edit("z.example.", &row, 1, &out) != KNOT_EOK) {
		fail_msg("%s", out.reason);
	}
	const char *verdict = out.refused_count > 0 ? "!" : out.added > 0 ? "+1" :
	                      out.removed > 0 ? "-1" : "=";
	ms_zonedit_clear(&out);
	return verdict;
}

static int show(void *ctx, knot_ctl_data_t *data)
{
	char *text = ctx;
	sprintf(text + strlen(text), "%s %s ", (*data)[KNOT_CTL_IDX_TTL],
	        (*data)[KNOT_CTL_IDX_DATA]);
	return KNOT_EOK;
}

/* Raw control commands in one connection: begin, one command, end; text gets the data. */
static int raw(const ms_ctl_cmd_t *cmd, const char *end, char *text)
{
	ms_ctl_t ctl;
	char reason[MS_CTL_REASON_MAX];
	assert_int_equal(ms_ctl_open(&ctl, lab.sock, NULL, reason, sizeof(reason)), KNOT_EOK);
	ms_ctl_cmd_t first = { .cmd = "zone-begin", .zone = "z.example." };
	ms_ctl_cmd_t last = { .cmd = end, .zone = "z.example." };
	assert_int_equal(ms_ctl_call(&ctl, &first, NULL, NULL), KNOT_EOK);
	int ret = cmd != NULL ? ms_ctl_call(&ctl, cmd, show, text) : KNOT_EOK;
	if (end != NULL) {
		assert_int_equal(ms_ctl_call(&ctl, &last, NULL, NULL), KNOT_EOK);
	}
	ms_ctl_close(&ctl);
	return ret;
}

static void assert_shown(const char *owner, const char *type, const char *expected)
{
	char text[1024] = "";
	ms_ctl_cmd_t get = { .cmd = "zone-get", .zone = "z.example.", .owner = owner,
	                     .type = type };
	int ret = raw(&get, "zone-abort", text);
	assert_true(ret == KNOT_EOK || ret == KNOT_ENONODE);
	assert_string_equal(text, expected);
}

static void test_status(void **state)
{
	need_knotd();
	ms_ctl_zone_t zone = { 0 };
	assert_int_equal(status("z.example.", &zone), KNOT_EOK);
	assert_true(zone.loaded && zone.serial >= 1 && !zone.transaction);
	assert_int_equal(status("empty.example.", &zone), KNOT_EOK);
	assert_false(zone.loaded);
	assert_int_equal(status("nowhere.example.", &zone), KNOT_ENOZONE);
	assert_int_equal(raw(NULL, NULL, NULL), KNOT_EOK);
	assert_int_equal(status("z.example.", &zone), KNOT_EOK);
	assert_true(zone.transaction);

	row_t row = { .owner = "text.z.example.", .rrtype = KNOT_RRTYPE_TXT };
	add_rdata(&row.add, "\x01x", 2);
	ms_zonedit_t out;
	assert_int_equal(edit("z.example.", &row, 1, &out), KNOT_EBUSY);
	assert_int_equal(status("z.example.", &zone), KNOT_EOK);
	assert_true(zone.transaction); /* not ours, still there */
	ms_ctl_t ctl;
	assert_int_equal(ms_ctl_open(&ctl, lab.sock, NULL, NULL, 0), KNOT_EOK);
	ms_ctl_abort(&ctl, "z.example.");
	ms_ctl_close(&ctl);
}

#define KEY32 "01234567890123456789012345678901"
static const struct {
	const char *what;
	const char *owner;
	uint16_t rrtype;
	const char *data;
	size_t len;
} TYPES[] = {
	{ "DNSKEY", "z.example.", 48, "\x01\x01\x03\x0f" KEY32, 36 },
	{ "CDS", "z.example.", 59, "\x12\x34\x0f\x02" KEY32, 36 },
	{ "CDNSKEY", "z.example.", 60, "\x01\x01\x03\x0f" KEY32, 36 },
	{ "NS", "z.example.", 2, "\x02" "Ns\x05" "oTher\x07" "exAmple\0", 18 },
	{ "CSYNC", "z.example.", 62, "\0\0\0\x01\0\x03\0\x01\x20", 9 },
	{ "KEY", "z.example.", 25, "\x02\0\x03\x0f" KEY32, 36 },
	{ "URI", "_dns._tcp.a.z.example.", 256, "\0\x01\0\x02" "dns://a\"b\\c", 15 },
	{ "SVCB", "_dns.a.z.example.", 64,
	  "\0\x01\x02Ns\x01z\0" "\0\x01\0\x04\x03" "dot" "\0\x03\0\x02\x14\xe9", 22 },
	{ "TXT", "*.odd\\.name.z.example.", 16, "\x05\"\\;\x01\xff\x01x", 8 },
	{ "HSYNC", "z.example.", 65282, "\x01\0\x02" "ab\x01" "c\0", 8 },
	{ "unknown, empty", "e.z.example.", 65283, "", 0 },
	{ "TLSA", "_853._tcp.a.z.example.", 52, "\x03\x01\x01" KEY32, 35 },
};

/* What was added is recognised again, in whatever form knotd prints it; likewise the removal. */
static void test_types(void **state)
{
	need_knotd();
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(*TYPES); i++) {
		print_message("# %s\n", TYPES[i].what);
		for (int step = 0; step < 4; step++) {
			static const char *const VERDICTS[] = { "+1", "=", "-1", "=" };
			assert_string_equal(edit_one(TYPES[i].owner, TYPES[i].rrtype, 300, step > 1,
			                             TYPES[i].data, TYPES[i].len), VERDICTS[step]);
		}
	}
}

static void test_ttl(void **state)
{
	need_knotd();
	assert_string_equal(edit_one("text.z.example.", 16, 999, false, "\x03new", 4), "+1");
	assert_shown("text.z.example.", "TXT", "120 \"new\" 120 \"old\" ");
	assert_string_equal(edit_one("text.z.example.", 16, 999, true, "\x03new", 4), "-1");
	assert_string_equal(edit_one("fresh.z.example.", 16, 999, false, "\x03new", 4), "+1");
	assert_shown("fresh.z.example.", "TXT", "999 \"new\" ");
	assert_string_equal(edit_one("fresh.z.example.", 16, 999, true, "\x03new", 4), "-1");
	assert_shown("fresh.z.example.", "TXT", "");
}

/* A name that somebody stored in another case (possible before Knot 3.4.7) is the same name. */
static void test_case(void **state)
{
	need_knotd();
	static const char *const LOWER = "\x02ns\x01x\0", *const UPPER = "\x02NS\x01X\0";
	ms_ctl_cmd_t set = { .cmd = "zone-set", .zone = "z.example.", .owner = "sub.z.example.",
	                     .ttl = "300", .type = "NS", .data = "Ns.X." };
	assert_int_equal(raw(&set, "zone-commit", NULL), KNOT_EOK);
	assert_string_equal(edit_one("sub.z.example.", 2, 300, false, LOWER, 6), "=");
	assert_string_equal(edit_one("sub.z.example.", 2, 300, false, UPPER, 6), "=");
	assert_string_equal(edit_one("sub.z.example.", 2, 300, true, UPPER, 6), "-1");
	assert_shown("sub.z.example.", "NS", "");
}

/* A record both to be added and to be removed is added; the rest of a replacement goes. */
static void test_replace(void **state)
{
	need_knotd();
	row_t rows[] = {
		{ .owner = "r.z.example.", .rrtype = 16, .ttl = 300 },
		{ .owner = "r.z.example.", .rrtype = 65282, .ttl = 300 },
	};
	add_rdata(&rows[0].add, "\x01" "a", 2);
	add_rdata(&rows[0].add, "\x01" "b", 2);
	add_rdata(&rows[1].add, "x", 1);
	ms_zonedit_t out;
	assert_int_equal(edit(NULL, rows, 2, &out), KNOT_EOK);
	assert_int_equal(out.added, 3);
	add_rdata(&rows[0].add, "\x01" "b", 2);
	add_rdata(&rows[0].add, "\x01" "c", 2);
	add_rdata(&rows[0].remove, "\x01" "a", 2);
	add_rdata(&rows[0].remove, "\x01" "b", 2);
	add_rdata(&rows[1].remove, "x", 1);
	assert_int_equal(edit(NULL, rows, 2, &out), KNOT_EOK);
	assert_int_equal(out.added, 1);
	assert_int_equal(out.removed, 2);
	assert_shown("r.z.example.", "TXT", "300 \"b\" 300 \"c\" ");
	assert_shown("r.z.example.", "TYPE65282", "");
}

static void test_closest(void **state)
{
	need_knotd();
	const struct {
		const char *owner;
		const char *zone;
		int ret;
	} cases[] = {
		{ "a.b.c.Z.example.", "\x01z\x07" "example", KNOT_EOK },
		{ "z.example.", "\x01z\x07" "example", KNOT_EOK },
		{ "a.empty.example.", "\x05" "empty\x07" "example", KNOT_EEMPTYZONE },
		{ "z.nowhere.", NULL, KNOT_ENOZONE },
		{ ".", NULL, KNOT_ENOZONE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].owner);
		row_t row = { .owner = cases[i].owner, .rrtype = 16, .ttl = 5 };
		add_rdata(&row.remove, "\x01x", 2);
		ms_zonedit_t out;
		assert_int_equal(edit(NULL, &row, 1, &out), cases[i].ret);
		assert_true((out.reason[0] == '\0') == (cases[i].ret == KNOT_EOK));
		if (cases[i].zone != NULL) {
			assert_memory_equal(out.zone, cases[i].zone, strlen(cases[i].zone) + 1);
		}
		ms_zonedit_clear(&out);
	}
	row_t row = { .owner = "a.z.example.", .rrtype = 16 };
	ms_zonedit_t out;
	assert_int_equal(edit("a.z.example.", &row, 1, &out), KNOT_ENOZONE);
	row.rrtype = KNOT_RRTYPE_ANY;
	assert_int_equal(edit("z.example.", &row, 1, &out), KNOT_EINVAL);
}

/* Bad records are named, good ones land; at zone-set time and at commit time. */
static void test_refused(void **state)
{
	need_knotd();
	row_t rows[] = {
		{ .owner = "_dns.b.z.example.", .rrtype = 64, .ttl = 5 },
		{ .owner = "x.other.example.", .rrtype = 16, .ttl = 5 },
		{ .owner = "alias.z.example.", .rrtype = 16, .ttl = 5 },
		{ .owner = "good.z.example.", .rrtype = 16, .ttl = 5 },
	};
	add_rdata(&rows[0].add, "\0\x01\x01" "a\0\0\0", 7); /* a parameter without its length */
	add_rdata(&rows[1].add, "\x01x", 2);                  /* not in this zone */
	add_rdata(&rows[2].add, "\x01x", 2);                  /* beside a CNAME */
	add_rdata(&rows[3].add, "\x01" "1", 2);
	add_rdata(&rows[3].add, "\x01" "2", 2);
	ms_zonedit_t out;
	assert_int_equal(edit("z.example.", rows, 4, &out), KNOT_EOK);
	assert_int_equal(out.added, 2);
	assert_int_equal(out.refused_count, 3);
	static const int RETS[] = { KNOT_EMALF, KNOT_EOUTOFZONE, KNOT_ESEMCHECK };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(out.refused[i].change, i);
		assert_int_equal(out.refused[i].ret, RETS[i]);
		assert_int_equal(out.refused[i].rdata, 0);
		assert_false(out.refused[i].removal);
		assert_string_not_equal(out.refused[i].reason, "");
	}
	ms_zonedit_clear(&out);
	assert_shown("good.z.example.", "TXT", "5 \"1\" 5 \"2\" ");
	assert_shown("alias.z.example.", "TXT", "");

	/* A bad addition does not keep a removal back. */
	row_t two[] = {
		{ .owner = "good.z.example.", .rrtype = 16, .ttl = 5 },
		{ .owner = "alias.z.example.", .rrtype = 16, .ttl = 5 },
	};
	add_rdata(&two[0].remove, "\x01" "1", 2);
	add_rdata(&two[1].add, "\x01x", 2);
	assert_int_equal(edit("z.example.", two, 2, &out), KNOT_EOK);
	assert_int_equal(out.removed, 1);
	assert_int_equal(out.refused_count, 1);
	assert_int_equal(out.refused[0].change, 1);
	ms_zonedit_clear(&out);
	assert_shown("good.z.example.", "TXT", "5 \"2\" ");
}

/* A knotd that sleeps costs one step, and finds nothing of ours when it wakes up. */
static void test_asleep(void **state)
{
	need_knotd();
	row_t row = { .owner = "text.z.example.", .rrtype = 16 };
	add_rdata(&row.add, "\x01x", 2);
	ms_zonedit_t out;
	assert_int_equal(kill(lab.pid, SIGSTOP), 0);
	int ret = edit("z.example.", &row, 1, &out);
	assert_int_equal(kill(lab.pid, SIGCONT), 0);
	assert_int_equal(ret, KNOT_EBUSY);
	assert_non_null(strstr(out.reason, "did not answer"));
	assert_shown("text.z.example.", "TXT", "120 \"old\" ");
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_status, no_transaction),
		cmocka_unit_test_teardown(test_types, no_transaction),
		cmocka_unit_test_teardown(test_ttl, no_transaction),
		cmocka_unit_test_teardown(test_case, no_transaction),
		cmocka_unit_test_teardown(test_replace, no_transaction),
		cmocka_unit_test_teardown(test_closest, no_transaction),
		cmocka_unit_test_teardown(test_refused, no_transaction),
		cmocka_unit_test_teardown(test_asleep, no_transaction),
	};
	return cmocka_run_group_tests(tests, start_knotd, stop_knotd);
}
