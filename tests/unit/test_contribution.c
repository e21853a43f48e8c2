/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/contribution.h"
#include "make.h"

#define ZSK { 256, 3, 15, 1, 2, 9 }

/* One contribution of agent.b.test. each, beside: our own key 1, agent.c.test.'s key 2. */
static const struct {
	const char *what;
	const char *reason;        /* NULL = accepted */
	make_key_t keys[3];
	uint8_t key_count;
	uint8_t fill_keys;         /* so many distinct keys on top */
	bool nosign;
	const char *cds;           /* octets */
	uint16_t cds_len;
	const char *ns;
	uint16_t ns_len;
} cases[] = {
	{ "one ZSK", NULL, { ZSK }, 1 },
	{ "a CSK", NULL, { { 257, 3, 13, 1, 2, 9 } }, 1 },
	{ "nothing", NULL, { { 0 } }, 0 },
	{ "eight keys", NULL, { { 0 } }, 0, 8 },
	{ "nine keys", "more than 8 DNSKEYs", { { 0 } }, 0, 9 },
	{ "REVOKE (P-26)", "revoked", { { 256 | 0x80, 3, 15, 1, 2, 9 } }, 1 },
	{ "protocol 2 (P-26)", "protocol 2", { { 256, 2, 15, 1, 2, 9 } }, 1 },
	{ "no zone flag (P-26)", "zone key flag", { { 0, 3, 15, 1, 2, 9 } }, 1 },
	{ "RSAMD5 (P-26)", "algorithm 1", { { 256, 3, 1, 1, 2, 9 } }, 1 },
	{ "RSASHA1", "algorithm 5", { { 256, 3, 5, 1, 2, 9 } }, 1 },
	{ "private algorithm", "algorithm 253", { { 256, 3, 253, 1, 2, 9 } }, 1 },
	{ "our key (P-14)", "is ours", { { 256, 3, 15, 1, 0, 1 } }, 1 },
	{ "somebody's key (P-14)", "another provider's", { { 256, 3, 15, 2, 0, 2 } }, 1 },
	{ "tag of our key (F-16)", "tag of another key", { { 256, 3, 15, 0, 1, 1 } }, 1 },
	{ "tag of somebody's key (F-16)", "tag of another key", { { 256, 3, 15, 0, 2, 2 } }, 1 },
	{ "same tag twice", "tag of another key",
	  { { 256, 3, 15, 5, 6, 9 }, { 256, 3, 15, 6, 5, 9 } }, 2 },
	{ "same tag, other algorithm", NULL,
	  { { 256, 3, 15, 5, 6, 9 }, { 256, 3, 13, 6, 7, 9 } }, 2 },
	{ "good and bad together", "revoked", { ZSK, { 384, 3, 15, 1, 3, 9 } }, 2 },
	{ "NOSIGN with a key", "NOSIGN", { ZSK }, 1, 0, true },
	{ "NOSIGN with CDS", "NOSIGN", { { 0 } }, 0, 0, true, "\x00\x01\x0f\x02xxxx", 8 },
	{ "NOSIGN with NS (H-03)", NULL, { { 0 } }, 0, 0, true, NULL, 0, "\x02ns\x01" "b", 6 },
	{ "CDS", NULL, { ZSK }, 1, 0, false, "\x00\x01\x0f\x02xxxx", 8 },
	{ "CDS delete", "algorithm 0", { { 0 } }, 0, 0, false, "\x00\x00\x00\x00\x00", 5 },
	{ "CDS too short", "CDS is malformed", { { 0 } }, 0, 0, false, "\x00\x01\x0f", 3 },
	{ "NS root", "NS is malformed", { { 0 } }, 0, 0, false, NULL, 0, "", 1 },
	{ "NS with garbage behind", "NS is malformed", { { 0 } }, 0, 0, false, NULL, 0,
	  "\x02ns\x01" "b\x00zz", 8 },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void fill(ms_contribution_t *c, size_t i)
{
	uint8_t rdata[MAKE_KEY_LEN];
	for (unsigned k = 0; k < cases[i].key_count; k++) {
		make_key(&cases[i].keys[k], rdata);
		make_add(&c->set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	}
	for (unsigned k = 0; k < cases[i].fill_keys; k++) {
		make_zsk(100 + k, rdata);
		make_add(&c->set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	}
	if (cases[i].cds != NULL) {
		make_add(&c->set[MS_APEX_CDS], 0, (const uint8_t *)cases[i].cds, cases[i].cds_len);
	}
	if (cases[i].ns != NULL) {
		make_add(&c->set[MS_APEX_NS], 300, (const uint8_t *)cases[i].ns, cases[i].ns_len);
	}
}

static void test_check(void **state)
{
	(void)state;
	ms_agent_t agent;
	make_agent(&agent);
	knot_dname_storage_t buf;
	uint8_t rdata[MAKE_KEY_LEN];
	ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
	make_zsk(1, rdata);
	make_add(&zone->own.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	ms_pair_t *other = ms_pair_get(&agent, zone, make_name("agent.c.test.", buf), make_now(0));
	make_zsk(2, rdata);
	make_add(&other->held.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	ms_pair_t *pair = ms_pair_get(&agent, zone, make_name("agent.b.test.", buf), make_now(0));

	for (size_t i = 0; i < CASES; i++) {
		ms_contribution_t c = { 0 };
		char reason[MS_REASON_MAX + 1] = "";
		fill(&c, i);
		pair->sign = cases[i].nosign ? MS_HSYNC_NOSIGN : MS_HSYNC_SIGN;
		int ret = ms_contribution_check(zone, pair, &c, reason);
		if (cases[i].reason == NULL && ret != KNOT_EOK) {
			fail_msg("%s: refused: %s", cases[i].what, reason);
		}
		if (cases[i].reason != NULL &&
		    (ret != KNOT_EDENIED || strstr(reason, cases[i].reason) == NULL)) {
			fail_msg("%s: %d '%s'", cases[i].what, ret, reason);
		}
		ms_contribution_clear(&c);
	}
	ms_agent_deinit(&agent);
}

/* Without the key manager's word own keys are the apex minus what others contribute and what we
 * wrote; with a ZSK beside it a KSK stays at home. */
static void test_own(void **state)
{
	(void)state;
	ms_agent_t agent;
	make_agent(&agent);
	knot_dname_storage_t buf;
	uint8_t rdata[MAKE_KEY_LEN];
	ms_zone_t *zone = ms_zone_get(&agent, make_name("zone.test.", buf));
	zone->self_sign = MS_HSYNC_SIGN;
	ms_contribution_t own = { 0 };
	assert_int_equal(ms_contribution_own(&agent, zone, &own), KNOT_EAGAIN);

	make_key(&(make_key_t){ 257, 3, 15, 50, 0, 50 }, rdata);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	make_add(&zone->apex.set[MS_APEX_CDNSKEY], 0, rdata, sizeof(rdata));
	assert_int_equal(ms_contribution_own(&agent, zone, &own), KNOT_EOK);
	assert_int_equal(own.set[MS_APEX_DNSKEY].rrs.count, 1); /* the only one: it signs data */
	assert_int_equal(own.set[MS_APEX_CDNSKEY].rrs.count, 1);

	make_zsk(1, rdata);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	make_zsk(2, rdata);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	ms_pair_t *pair = ms_pair_get(&agent, zone, make_name("agent.b.test.", buf), make_now(0));
	make_add(&pair->held.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	make_zsk(3, rdata);
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	make_add(&zone->written.set[MS_APEX_DNSKEY], 300, rdata, sizeof(rdata));
	assert_int_equal(ms_contribution_own(&agent, zone, &own), KNOT_EOK);
	assert_int_equal(own.set[MS_APEX_DNSKEY].rrs.count, 1);
	make_zsk(1, rdata);
	assert_true(ms_rrset_has(&own.set[MS_APEX_DNSKEY], rdata, sizeof(rdata)));

	zone->self_sign = MS_HSYNC_NOSIGN;
	assert_int_equal(ms_contribution_own(&agent, zone, &own), KNOT_EOK);
	assert_true(ms_contribution_empty(&own));
	ms_contribution_clear(&own);
	ms_agent_deinit(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_own),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
