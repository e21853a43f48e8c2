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
		{ MS_REC_PROCESS, "S" ZONE, 12 },
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
		uint8_t version = buf[0]; \
		buf[0] = version + 1; \
		assert_int_equal(ms_rec_##kind##_decode(buf, len, &cut_rec), KNOT_ENOTSUP); \
		buf[0] = 0; \
		assert_int_equal(ms_rec_##kind##_decode(buf, len, &cut_rec), KNOT_ENOTSUP); \
		buf[0] = version; \
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
}

static void test_member(void **state)
{
	ms_rec_member_t rec = { .was_on = 1, .leaving = 0, .sign = 2, .member = 1 }, again = { 0 };
	int len = ms_rec_member_encode(&rec, buf, sizeof(buf));
	assert_int_equal(len, 5);
	assert_memory_equal(buf, "\x02\x01\x00\x02\x01", 5);
	assert_int_equal(ms_rec_member_decode(buf, len, &again), KNOT_EOK);
	assert_memory_equal(&rec, &again, sizeof(rec));
	CHECK_CUTS(member, len, (void)0);
	/* Version 1 did not know members: who was ON once is one. */
	static const struct { const char *old; int ret; uint8_t was_on, leaving, sign, member; } cases[] = {
		{ "\x01\x01\x00\x01", KNOT_EOK, 1, 0, 1, 1 },
		{ "\x01\x01\x01\x01", KNOT_EOK, 1, 1, 1, 1 },
		{ "\x01\x00\x00\x00", KNOT_EOK, 0, 0, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *old = (const uint8_t *)cases[i].old;
		assert_int_equal(ms_rec_member_decode(old, 4, &again), cases[i].ret);
		assert_int_equal(again.was_on, cases[i].was_on);
		assert_int_equal(again.leaving, cases[i].leaving);
		assert_int_equal(again.sign, cases[i].sign);
		assert_int_equal(again.member, cases[i].member);
	}
	assert_int_equal(ms_rec_member_decode((const uint8_t *)"\x01\x01\x00", 3, &again), KNOT_EMALF);
	assert_int_equal(ms_rec_member_decode((const uint8_t *)"\x01\x01\x00\x01\x01", 5, &again),
	                 KNOT_EMALF);
}

static void fill_process(ms_rec_process_t *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->member = 1;
	rec->kind = 2;
	rec->step = 3;
	rec->asked = 9;
	memcpy(rec->subject, PEER, 14);
	rec->noted = 1800000002;
	rec->noted_wall = 1800;
	rec->noted_mono = 55;
	rec->entered = 1800000000;
	rec->fact[0].since = 1800000001;
	memset(rec->fact[0].of.octets, 0xaa, MS_DIGEST_LEN);
	rec->fact[MS_FACTS_MAX - 1].since = 1;
	rec->ttl[0] = (ms_rec_ttl_t){ 3600, 1800003600 };
	rec->ttl[MS_TTLS_MAX - 1] = (ms_rec_ttl_t){ 86400, 1800086400 };
	rec->term = 7;
	memcpy(rec->leader, PEER, 14);
	rec->order_count = 2;
	rec->order[0] = 0x0102030405060708;
	rec->order[1] = UINT64_MAX;
}

static void test_process(void **state)
{
	static ms_rec_process_t rec, again;
	fill_process(&rec);
	int len = ms_rec_process_encode(&rec, buf, sizeof(buf));
	assert_int_equal(len, 5 + 14 + 32 + MS_FACTS_MAX * 24 + MS_TTLS_MAX * 12 + 4 + 14 + 1 + 16);
	/* Version, member, kind, step, asked, subject, what the clocks said, entered, first fact. */
	assert_memory_equal(buf, "\x01\x01\x02\x03\x09" PEER, 19);
	assert_memory_equal(buf + 19, "\x00\x00\x00\x00\x6b\x49\xd2\x02", 8);
	assert_memory_equal(buf + 27, "\x00\x00\x00\x00\x00\x00\x07\x08", 8);
	assert_memory_equal(buf + 35, "\x00\x00\x00\x00\x00\x00\x00\x37", 8);
	assert_memory_equal(buf + 43, "\x00\x00\x00\x00\x6b\x49\xd2\x00", 8);
	assert_memory_equal(buf + 51, "\x00\x00\x00\x00\x6b\x49\xd2\x01\xaa\xaa", 10);
	const uint8_t *ttls = buf + 51 + MS_FACTS_MAX * 24;
	assert_memory_equal(ttls, "\x00\x00\x0e\x10\x00\x00\x00\x00\x6b\x49\xe0\x10", 12);
	const uint8_t *end = ttls + MS_TTLS_MAX * 12;
	assert_memory_equal(end, "\x00\x00\x00\x07" PEER, 18);
	assert_memory_equal(end + 18, "\x02\x01\x02\x03\x04\x05\x06\x07\x08\xff\xff\xff\xff", 13);
	assert_int_equal(ms_rec_process_decode(buf, len, &again), KNOT_EOK);
	assert_memory_equal(&rec, &again, sizeof(rec));
	CHECK_CUTS(process, len, (void)0);
	assert_int_equal(ms_rec_process_encode(&rec, buf, sizeof(buf)), len);
	buf[len - 17] = MS_ORDERS_MAX + 1;
	assert_int_equal(ms_rec_process_decode(buf, sizeof(buf), &again), KNOT_EMALF);
	assert_memory_equal(&rec, &again, sizeof(rec));
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
	static ms_rec_process_t process = { .order_count = MS_ORDERS_MAX };
	assert_true(ms_rec_process_encode(&process, buf, sizeof(buf)) > 0);
	process.order_count++;
	assert_int_equal(ms_rec_process_encode(&process, buf, sizeof(buf)), KNOT_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_contribution),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_member),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_limits),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
