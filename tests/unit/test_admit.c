/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/admit.h"
#include "core/listing.h"
#include "make.h"

/* The keys of RFC 8080 section 6.1 and RFC 6605 section 6.1. */
static const char B_PEM[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIDgyMjYwMzg0NjI4MDgwMTIyNjQ1MTkwMjA0MTQyMjYy\n"
	"-----END PRIVATE KEY-----\n";
static const char C_PEM[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGU6SnQ/Ou+xC5Rum\n"
	"uIUIuJZteXT2z0O/ok1s38Et6mShRANCAAQaiMiGFdQ3+7i/nhlCoZKfKFYnBq5s\n"
	"K9OZ57G/ttHp51uStKpCkXrhxhtwHvA1w/574wCcuv5aL3ExbJAtzw0A\n"
	"-----END PRIVATE KEY-----\n";

static ms_agent_t agent;
static ms_view_t *view;

static void load(ms_sig0_key_t *key, const char *pem, const char *signer)
{
	knot_dname_storage_t name;
	assert_int_equal(ms_sig0_key_init(key, (const uint8_t *)pem, strlen(pem),
	                                  make_name(signer, name)), KNOT_EOK);
}

/* A member with this key at this host; without a key it is only listed. */
static void member(ms_zone_t *zone, const char *identity, const char *host, const char *pem)
{
	knot_dname_storage_t name;
	ms_pair_t *pair = ms_pair_get(&agent, zone, make_name(identity, name), make_now(0));
	pair->listed = true;
	pair->state = MS_HSYNC_ON;
	if (pem != NULL) {
		ms_sig0_key_t key;
		load(&key, pem, host);
		ms_peer_t *peer = pair->peer;
		peer->has_locator = true;
		peer->locator = (ms_locator_t){ .key_count = 1, .expires = make_now(1000).wall.s };
		make_name(host, peer->locator.host);
		peer->locator.key[0] = key.rr;
		ms_sig0_key_deinit(&key);
	}
}

/* b and c are members; d has no key; e's URI points at c's host, with c's key. */
static int setup(void **state)
{
	knot_dname_storage_t name;
	make_agent(&agent);
	for (unsigned i = 0; i < 2; i++) {
		ms_zone_t *zone = ms_zone_get(&agent, make_name(i ? "other.test." : "zone.test.", name));
		zone->opted = true;
		zone->shared = i == 0;
		member(zone, "agent.b.test.", "ns.agent.b.test.", B_PEM);
		member(zone, "agent.c.test.", "ns.agent.c.test.", C_PEM);
		member(zone, "agent.d.test.", NULL, NULL);
		member(zone, "agent.e.test.", "ns.agent.c.test.", C_PEM);
	}
	view = ms_view_make(&agent, NULL, make_now(0));
	assert_non_null(view);
	return 0;
}

static int teardown(void **state)
{
	ms_view_free(view);
	ms_agent_deinit(&agent);
	return 0;
}

static int hello(const char *zone, const char *signer, const char *pem, int shift, uint8_t *wire,
                 size_t max)
{
	knot_dname_storage_t name;
	const ms_codes_t codes = { 65006, 65282 };
	ms_msopt_t opt = { .operation = MS_OP_HELLO, .transport = 1, .sync = 3 };
	ms_msg_t *msg = ms_msg_new(MS_MSG_NOTIFY, make_name(zone, name), KNOT_RRTYPE_SOA);
	msg->id = 7;
	assert_int_equal(ms_msg_set_option(msg, &opt), KNOT_EOK);
	int len = ms_message_build(msg, &codes, wire, max);
	ms_msg_free(msg);
	if (len > 0 && pem != NULL) {
		ms_sig0_key_t key;
		load(&key, pem, signer);
		len = ms_sig0_sign(&key, wire, len, max, NULL, 0, make_now(0).wall.s + shift);
		ms_sig0_key_deinit(&key);
	}
	assert_true(len > 0);
	return len;
}

static const struct {
	const char *what;
	const char *zone, *signer, *pem;
	int shift;                 /* of the signer's clock, seconds */
	ms_admit_verdict_t verdict;
	int ede;
	const char *sender;
} cases[] = {
	{ "by its host", "zone.test.", "ns.agent.b.test.", B_PEM, 0, MS_ADMIT_ACCEPT, -1,
	  "agent.b.test." },
	{ "by its identity", "zone.test.", "agent.b.test.", B_PEM, 0, MS_ADMIT_ACCEPT, -1,
	  "agent.b.test." },
	{ "ECDSA", "zone.test.", "agent.c.test.", C_PEM, 0, MS_ADMIT_ACCEPT, -1, "agent.c.test." },
	{ "a host that two claim is its owner's", "zone.test.", "ns.agent.c.test.", C_PEM, 0,
	  MS_ADMIT_ACCEPT, -1, "agent.c.test." },
	{ "four minutes slow", "zone.test.", "agent.b.test.", B_PEM, -240, MS_ADMIT_ACCEPT, -1,
	  "agent.b.test." },
	{ "four minutes fast", "zone.test.", "agent.b.test.", B_PEM, 240, MS_ADMIT_ACCEPT, -1,
	  "agent.b.test." },
	{ "six minutes slow", "zone.test.", "agent.b.test.", B_PEM, -360, MS_ADMIT_TIME, 7 },
	{ "six minutes fast", "zone.test.", "agent.b.test.", B_PEM, 360, MS_ADMIT_TIME, 8 },
	{ "unsigned", "zone.test.", NULL, NULL, 0, MS_ADMIT_UNSIGNED, 18 },
	{ "not shared here", "other.test.", "agent.b.test.", B_PEM, 0, MS_ADMIT_NOT_SHARED, 18 },
	{ "unknown zone", "no.test.", "agent.b.test.", B_PEM, 0, MS_ADMIT_NOT_SHARED, 18 },
	{ "a stranger", "zone.test.", "agent.x.test.", B_PEM, 0, MS_ADMIT_STRANGER, 18 },
	{ "the root", "zone.test.", ".", B_PEM, 0, MS_ADMIT_STRANGER, 18 },
	{ "listed, not located", "zone.test.", "agent.d.test.", B_PEM, 0, MS_ADMIT_NO_KEY, 18 },
	{ "somebody else's key", "zone.test.", "agent.c.test.", B_PEM, 0, MS_ADMIT_SIGNATURE, 18 },
};

static void test_requests(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t wire[1024];
		ms_admission_t adm;
		knot_dname_storage_t sender;
		int len = hello(cases[i].zone, cases[i].signer, cases[i].pem, cases[i].shift, wire,
		                sizeof(wire));
		assert_int_equal(ms_admit(view, wire, len, make_now(0).wall, &adm), KNOT_EOK);
		bool accept = cases[i].verdict == MS_ADMIT_ACCEPT;
		if (adm.verdict != cases[i].verdict || adm.ede != cases[i].ede ||
		    adm.verified != accept || (!accept && adm.rcode != KNOT_RCODE_REFUSED) ||
		    (accept && !knot_dname_is_equal(adm.peer->identity,
		                                    make_name(cases[i].sender, sender)))) {
			fail_msg("%s: %s, EDE %d, %s", cases[i].what, ms_admit_name(adm.verdict), adm.ede,
			         adm.reason);
		}
		ms_msg_free(adm.msg);
	}
}

/* A validated key whose time is over is not used (B-20). */
static void test_expired_key(void **state)
{
	uint8_t wire[1024];
	ms_admission_t adm;
	int len = hello("zone.test.", "agent.b.test.", B_PEM, 1000, wire, sizeof(wire));
	assert_int_equal(ms_admit(view, wire, len, make_now(999).wall, &adm), KNOT_EOK);
	assert_int_equal(adm.verdict, MS_ADMIT_ACCEPT);
	ms_msg_free(adm.msg);
	assert_int_equal(ms_admit(view, wire, len, make_now(1000).wall, &adm), KNOT_EOK);
	assert_int_equal(adm.verdict, MS_ADMIT_NO_KEY);
	ms_msg_free(adm.msg);
}

/* Cut anywhere, or with any bit turned, nothing is let in. */
static void test_mutations(void **state)
{
	uint8_t wire[1024], copy[1024];
	ms_admission_t adm;
	int len = hello("zone.test.", "agent.b.test.", B_PEM, 0, wire, sizeof(wire));
	for (int cut = 0; cut < len; cut++) {
		assert_int_equal(ms_admit(view, wire, cut, make_now(0).wall, &adm), KNOT_EOK);
		assert_int_not_equal(adm.verdict, MS_ADMIT_ACCEPT);
		ms_msg_free(adm.msg);
	}
	for (int bit = 0; bit < 8 * len; bit++) {
		memcpy(copy, wire, len);
		copy[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(ms_admit(view, copy, len, make_now(0).wall, &adm), KNOT_EOK);
		if (adm.verdict == MS_ADMIT_ACCEPT) {
			fail_msg("bit %d of octet %d may be turned", bit % 8, bit / 8);
		}
		ms_msg_free(adm.msg);
	}
}

/* Only the answer to this very request, by this very peer (D-06, P-03). */
static void test_answers(void **state)
{
	uint8_t first[1024], second[1024], answer[1024];
	const ms_codes_t codes = { 65006, 65282 };
	knot_dname_storage_t identity;
	ms_locator_t locator = { .key_count = 1 };
	ms_sig0_key_t b, c;
	load(&b, B_PEM, "ns.agent.b.test.");
	load(&c, C_PEM, "ns.agent.b.test.");
	make_name("ns.agent.b.test.", locator.host);
	locator.key[0] = b.rr;
	int first_len = hello("zone.test.", "agent.c.test.", C_PEM, 0, first, sizeof(first));
	int second_len = hello("zone.test.", "agent.c.test.", C_PEM, 1, second, sizeof(second));
	ms_wall_t now = make_now(0).wall;
	static const struct {
		const char *what;
		bool by_b, is_signed, bound, swapped;
		int ret;
	} answers[] = {
		{ "good", true, true, true, false, KNOT_EOK },
		{ "by another key", false, true, true, false, KNOT_EDENIED },
		{ "unsigned", true, false, true, false, KNOT_EDENIED },
		{ "over the answer alone", true, true, false, false, KNOT_EDENIED },
		{ "to another request", true, true, true, true, KNOT_EDENIED },
	};
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		ms_msg_t *msg = ms_msg_new(MS_MSG_NOTIFY, make_name("zone.test.", identity), 6), *out = NULL;
		msg->response = true;
		msg->id = 7;
		int len = ms_message_build(msg, &codes, answer, sizeof(answer));
		ms_msg_free(msg);
		if (answers[i].is_signed) {
			len = ms_sig0_sign(answers[i].by_b ? &b : &c, answer, len, sizeof(answer),
			                   answers[i].bound ? first : NULL, answers[i].bound ? first_len : 0,
			                   now.s);
		}
		int ret = ms_admit_answer(&locator, make_name("agent.b.test.", identity), &codes,
		                          answers[i].swapped ? second : first,
		                          answers[i].swapped ? second_len : first_len, answer, len, now,
		                          &out);
		if (ret != answers[i].ret) {
			fail_msg("%s: %d", answers[i].what, ret);
		}
		ms_msg_free(out);
	}
	ms_sig0_key_deinit(&b);
	ms_sig0_key_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_expired_key),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_answers),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
