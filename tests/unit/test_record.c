/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "wire/record.h"

#define ZONE "\x04" "zone\x04" "test\x00"
#define PEER "\x05" "agent\x01" "b\x04" "test\x00"

static uint8_t buf[MS_REC_VALUE_MAX];

static void test_keys(void **state)
{
	static const struct {
		uint8_t kind;
		const char *octets;
		size_t len;
	} cases[] = {
		{ MS_REC_META, "M", 1 },
		{ MS_REC_PEER, "P" ZONE, 12 },
		{ MS_REC_HSYNC, "H" ZONE, 12 },
		{ MS_REC_WRITTEN, "W" ZONE, 12 },
		{ MS_REC_OWN, "O" ZONE, 12 },
		{ MS_REC_CONTRIBUTION, "C" ZONE PEER, 26 },
		{ MS_REC_MEMBER, "J" ZONE PEER, 26 },
		{ MS_REC_REPLAY, "R" "hhhhhhhhhhhhhhhh", 17 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_rec_key_t key = { .kind = cases[i].kind }, again;
		memcpy(key.zone, ZONE, 11);
		memcpy(key.origin, PEER, 14);
		memset(key.hash, 'h', sizeof(key.hash));
		assert_int_equal(ms_rec_key_encode(&key, buf, sizeof(buf)), cases[i].len);
		assert_memory_equal(buf, cases[i].octets, cases[i].len);
		assert_int_equal(ms_rec_key_decode(buf, cases[i].len, &again), KNOT_EOK);
		assert_int_equal(again.kind, cases[i].kind);
		for (size_t len = 0; len < cases[i].len; len++) {
			assert_int_equal(ms_rec_key_decode(buf, len, &again), KNOT_EMALF);
			assert_int_equal(ms_rec_key_encode(&key, buf, len), KNOT_ESPACE);
		}
		buf[cases[i].len] = 0;
		assert_int_equal(ms_rec_key_decode(buf, cases[i].len + 1, &again), KNOT_EMALF);
	}
	ms_rec_key_t key = { .kind = 'Y' };
	assert_int_equal(ms_rec_key_encode(&key, buf, sizeof(buf)), KNOT_EINVAL);
	assert_int_equal(ms_rec_key_decode((const uint8_t *)"Y", 1, &key), KNOT_ENOTSUP);
}

static void fill_contribution(ms_contribution_t *c)
{
	c->stated = 0x0f;
	c->set[MS_APEX_DNSKEY].ttl = 300;
	assert_int_equal(ms_rrset_add(&c->set[MS_APEX_DNSKEY], (const uint8_t *)"first", 5), KNOT_EOK);
	assert_int_equal(ms_rrset_add(&c->set[MS_APEX_DNSKEY], (const uint8_t *)"second", 6), KNOT_EOK);
	c->set[MS_APEX_NS].ttl = 3600;
	assert_int_equal(ms_rrset_add(&c->set[MS_APEX_NS], (const uint8_t *)"\x02ns\x00", 4), KNOT_EOK);
}

/* Encoded into buf; every cut, an octet too many and another version must be refused. */
#define CHECK_CUTS(kind, len, cleanup) do { \
		for (int cut = 0; cut <= (len) + 1; cut++) { \
			ms_rec_##kind##_t cut_rec; \
			memset(&cut_rec, 0, sizeof(cut_rec)); \
			uint8_t *exact = calloc(1, cut > 0 ? cut : 1); \
			memcpy(exact, buf, cut <= (len) ? cut : (len)); \
			int cut_ret = ms_rec_##kind##_decode(exact, cut, &cut_rec); \
			assert_int_equal(cut_ret, cut == (len) ? KNOT_EOK : KNOT_EMALF); \
			cleanup; \
			free(exact); \
		} \
		ms_rec_##kind##_t cut_rec; \
		buf[0] = 2; \
		assert_int_equal(ms_rec_##kind##_decode(buf, len, &cut_rec), KNOT_ENOTSUP); \
		buf[0] = 1; \
		assert_int_equal(ms_rec_##kind##_encode(&rec, buf, (len) - 1), KNOT_ESPACE); \
	} while (0)

static void test_contribution(void **state)
{
	ms_rec_contribution_t rec = { .inception = 1800000000 }, again;
	fill_contribution(&rec.data);
	int len = ms_rec_contribution_encode(&rec, buf, sizeof(buf));
	assert_true(len > 0);
	/* Version, inception, stated. */
	assert_memory_equal(buf, "\x01\x6b\x49\xd2\x00\x00\x00\x00\x0f", 9);
	assert_int_equal(ms_rec_contribution_decode(buf, len, &again), KNOT_EOK);
	assert_int_equal(again.inception, 1800000000);
	assert_int_equal(again.data.stated, 0x0f);
	assert_true(ms_contribution_equal(&rec.data, &again.data));
	ms_contribution_clear(&again.data);
	CHECK_CUTS(contribution, len, ms_contribution_clear(&cut_rec.data));
	ms_contribution_clear(&rec.data);
}

static void test_written(void **state)
{
	ms_rec_written_t rec = { .data.stated = 0 }, again;
	fill_contribution(&rec.data);
	int len = ms_rec_written_encode(&rec, buf, sizeof(buf));
	assert_int_equal(ms_rec_written_decode(buf, len, &again), KNOT_EOK);
	assert_true(ms_contribution_equal(&rec.data, &again.data));
	ms_contribution_clear(&again.data);
	CHECK_CUTS(written, len, ms_contribution_clear(&cut_rec.data));
	ms_contribution_clear(&rec.data);
}

static void test_peer(void **state)
{
	ms_rec_peer_t rec = { .locator = { .expires = 1800000000, .addr_count = 2, .key_count = 1 } };
	ms_rec_peer_t again;
	memcpy(rec.locator.host, PEER, 14);
	rec.locator.addr[0] = (ms_addr_t){ .family = 2, .port = 5399, .ip = { 192, 0, 2, 1 } };
	rec.locator.addr[1] = (ms_addr_t){ .family = 10, .port = 53, .ip = { 0x20, 1, 13, 0xb8 } };
	rec.locator.key[0].len = 5;
	memcpy(rec.locator.key[0].rdata, "\x02\x00\x03\x0fk", 5);
	int len = ms_rec_peer_encode(&rec, buf, sizeof(buf));
	assert_int_equal(ms_rec_peer_decode(buf, len, &again), KNOT_EOK);
	assert_int_equal(again.locator.expires, 1800000000);
	assert_memory_equal(again.locator.host, PEER, 14);
	assert_true(ms_addr_equal(&again.locator.addr[0], &rec.locator.addr[0]));
	assert_true(ms_addr_equal(&again.locator.addr[1], &rec.locator.addr[1]));
	assert_int_equal(again.locator.key[0].len, 5);
	assert_memory_equal(again.locator.key[0].rdata, "\x02\x00\x03\x0fk", 5);
	CHECK_CUTS(peer, len, (void)0);
	/* More addresses or keys than there is room for. */
	(void)ms_rec_peer_encode(&rec, buf, sizeof(buf));
	buf[1 + 8 + 14] = MS_ADDRS_MAX + 1;
	assert_int_equal(ms_rec_peer_decode(buf, sizeof(buf), &again), KNOT_EMALF);
	rec.locator.addr_count = 0;
	(void)ms_rec_peer_encode(&rec, buf, sizeof(buf));
	buf[1 + 8 + 14 + 1] = MS_KEYS_MAX + 1;
	assert_int_equal(ms_rec_peer_decode(buf, sizeof(buf), &again), KNOT_EMALF);
}

static void test_small(void **state)
{
	{
		ms_rec_hsync_t rec = { .count = 2 }, again;
		assert_int_equal(ms_hsync_from_text("ON OWNER SIGN agent.b.test. .", &rec.hsync[0]), KNOT_EOK);
		assert_int_equal(ms_hsync_from_text("OFF AGENT NOSIGN agent.c.test. agent.b.test.",
		                                    &rec.hsync[1]), KNOT_EOK);
		int len = ms_rec_hsync_encode(&rec, buf, sizeof(buf));
		assert_int_equal(ms_rec_hsync_decode(buf, len, &again), KNOT_EOK);
		assert_memory_equal(&rec, &again, sizeof(rec));
		CHECK_CUTS(hsync, len, (void)0);
		buf[1] = MS_PROVIDERS_MAX + 1;
		assert_int_equal(ms_rec_hsync_decode(buf, len, &again), KNOT_EMALF);
	}
	{
		ms_rec_own_t rec = { .count = 1 }, again;
		memset(rec.dnskey.octets, 7, MS_DIGEST_LEN);
		memset(rec.keyid[0], 'a', MS_KEYID_LEN);
		int len = ms_rec_own_encode(&rec, buf, sizeof(buf));
		assert_int_equal(ms_rec_own_decode(buf, len, &again), KNOT_EOK);
		assert_memory_equal(&rec, &again, sizeof(rec));
		CHECK_CUTS(own, len, (void)0);
	}
	{
		ms_rec_replay_t rec = { 1800000000, 5 }, again = { 0 };
		int len = ms_rec_replay_encode(&rec, buf, sizeof(buf));
		assert_int_equal(ms_rec_replay_decode(buf, len, &again), KNOT_EOK);
		assert_int_equal(again.expiration, 1800000000);
		assert_int_equal(again.rcode, 5);
		CHECK_CUTS(replay, len, (void)0);
	}
	{
		ms_rec_member_t rec = { 1, 0, 1 }, again = { 0 };
		int len = ms_rec_member_encode(&rec, buf, sizeof(buf));
		assert_memory_equal(buf, "\x01\x01\x00\x01", len);
		assert_int_equal(ms_rec_member_decode(buf, len, &again), KNOT_EOK);
		assert_memory_equal(&rec, &again, sizeof(rec));
		CHECK_CUTS(member, len, (void)0);
	}
}

/* Nothing is written that could not be read again. */
static void test_limits(void **state)
{
	static ms_rec_peer_t peer;
	peer.locator.addr_count = MS_ADDRS_MAX;
	peer.locator.key_count = MS_KEYS_MAX;
	peer.locator.key[MS_KEYS_MAX - 1].len = MS_KEY_RDATA_MAX;
	assert_true(ms_rec_peer_encode(&peer, buf, sizeof(buf)) > 0);
	peer.locator.key[MS_KEYS_MAX - 1].len++;
	assert_int_equal(ms_rec_peer_encode(&peer, buf, sizeof(buf)), KNOT_EINVAL);
	peer.locator.key_count = MS_KEYS_MAX + 1;
	assert_int_equal(ms_rec_peer_encode(&peer, buf, sizeof(buf)), KNOT_EINVAL);
	peer.locator.key_count = 0;
	peer.locator.addr_count = MS_ADDRS_MAX + 1;
	assert_int_equal(ms_rec_peer_encode(&peer, buf, sizeof(buf)), KNOT_EINVAL);
	static ms_rec_hsync_t hsync = { .count = MS_PROVIDERS_MAX };
	assert_true(ms_rec_hsync_encode(&hsync, buf, sizeof(buf)) > 0);
	hsync.count++;
	assert_int_equal(ms_rec_hsync_encode(&hsync, buf, sizeof(buf)), KNOT_EINVAL);
	static ms_rec_own_t own = { .count = MS_OWN_KEYS_MAX };
	assert_true(ms_rec_own_encode(&own, buf, sizeof(buf)) > 0);
	own.count++;
	assert_int_equal(ms_rec_own_encode(&own, buf, sizeof(buf)), KNOT_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_contribution),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_limits),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
