/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/replay.h"

static void hash_of(uint32_t n, uint8_t out[MS_SIG_HASH_LEN])
{
	memset(out, 0, MS_SIG_HASH_LEN);
	n *= 2654435761u;
	memcpy(out, &n, sizeof(n));
}

static void test_life(void **state)
{
	(void)state;
	ms_replay_cache_t cache;
	const ms_replay_entry_t *entry = NULL;
	uint8_t hash[MS_SIG_HASH_LEN];
	ms_replay_init(&cache);
	hash_of(1, hash);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 1300, 1000, &entry), MS_REPLAY_NEW);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 1300, 1001, &entry), MS_REPLAY_PENDING);
	ms_replay_answered(&cache, hash, 5, (const uint8_t *)"answer", 6);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 1300, 1002, &entry), MS_REPLAY_ANSWERED);
	assert_int_equal(entry->rcode, 5);
	assert_int_equal(entry->answer_len, 6);
	assert_memory_equal(entry->answer, "answer", 6);

	ms_replay_forget(&cache, hash);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 1300, 1003, &entry), MS_REPLAY_NEW);

	hash_of(2, hash);
	assert_int_equal(ms_replay_restore(&cache, hash, 1300, 0, 1003), KNOT_EOK);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 1300, 1004, &entry), MS_REPLAY_ANSWERED);
	assert_null(entry->answer);
	ms_replay_deinit(&cache);
}

/* Ten thousand signatures: each is known until it expires, and the table does not keep the dead. */
static void test_many(void **state)
{
	(void)state;
	ms_replay_cache_t cache;
	const ms_replay_entry_t *entry;
	uint8_t hash[MS_SIG_HASH_LEN];
	ms_replay_init(&cache);
	for (uint32_t n = 1; n <= 10000; n++) {
		hash_of(n, hash);
		assert_int_equal(ms_replay_see(&cache, hash, n % 8, 0, 1300, 1000, &entry), MS_REPLAY_NEW);
	}
	for (uint32_t n = 1; n <= 10000; n++) {
		hash_of(n, hash);
		assert_int_equal(ms_replay_see(&cache, hash, n % 8, 0, 1300, 1300, &entry), MS_REPLAY_PENDING);
	}
	size_t size = cache.size;
	for (uint32_t n = 10001; n <= 30000; n++) {
		hash_of(n, hash);
		assert_int_equal(ms_replay_see(&cache, hash, n % 8, 0, 2300, 2000, &entry), MS_REPLAY_NEW);
	}
	assert_true(cache.size <= 4 * size);
	assert_true(cache.count <= 30000 - 10000 + 1);
	ms_replay_deinit(&cache);
}

/* A member that floods us fills its own share, and nobody else's; room comes back in time. */
static void test_share(void **state)
{
	(void)state;
	ms_replay_cache_t cache;
	const ms_replay_entry_t *entry;
	uint8_t hash[MS_SIG_HASH_LEN];
	ms_replay_t last = MS_REPLAY_NEW;
	uint32_t n = 0;
	ms_replay_init(&cache);
	while (last == MS_REPLAY_NEW && n < 2 * MS_REPLAY_MAX) {
		hash_of(++n, hash);
		last = ms_replay_see(&cache, hash, 1, 0, 1300, 1000, &entry);
	}
	assert_int_equal(last, MS_REPLAY_FULL);
	assert_int_equal(n, MS_REPLAY_SHARE + 1);
	assert_int_equal(ms_replay_see(&cache, hash, 2, 0, 1300, 1000, &entry), MS_REPLAY_NEW);
	hash_of(++n, hash);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 2300, 2000, &entry), MS_REPLAY_NEW);
	ms_replay_deinit(&cache);
}

/* Whoever has many zones with us says more; but nobody says more than half of all. */
static void test_zones(void **state)
{
	static const struct { size_t zones; uint32_t share; } cases[] = {
		{ 1, MS_REPLAY_SHARE + MS_REPLAY_PER_ZONE },
		{ 10000, MS_REPLAY_SHARE + 10000 * MS_REPLAY_PER_ZONE },
		{ 10000000, MS_REPLAY_SHARE_MAX },
		{ SIZE_MAX, MS_REPLAY_SHARE_MAX },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_replay_cache_t cache;
		const ms_replay_entry_t *entry;
		uint8_t hash[MS_SIG_HASH_LEN];
		ms_replay_t last = MS_REPLAY_NEW;
		uint32_t n = 0;
		ms_replay_init(&cache);
		while (last == MS_REPLAY_NEW) {
			hash_of(++n, hash);
			last = ms_replay_see(&cache, hash, 1, cases[i].zones, 1300, 1000, &entry);
		}
		assert_int_equal(last, MS_REPLAY_FULL);
		assert_int_equal(n, cases[i].share + 1);
		assert_int_equal(ms_replay_see(&cache, hash, 2, 0, 1300, 1000, &entry), MS_REPLAY_NEW);
		/* What the rush needed is given back. */
		hash_of(1, hash);
		assert_int_equal(ms_replay_see(&cache, hash, 2, 0, 2300, 2000, &entry),
		                 MS_REPLAY_PENDING);
		hash_of(n + 1, hash);
		assert_int_equal(ms_replay_see(&cache, hash, 2, 0, 2300, 2000, &entry), MS_REPLAY_NEW);
		assert_int_equal(cache.count, 1);
		assert_true(cache.size <= 1024);
		ms_replay_deinit(&cache);
	}
}

/* All groups together still have an end. */
static void test_full(void **state)
{
	(void)state;
	ms_replay_cache_t cache;
	const ms_replay_entry_t *entry;
	uint8_t hash[MS_SIG_HASH_LEN];
	ms_replay_t last = MS_REPLAY_NEW;
	uint32_t n = 0;
	ms_replay_init(&cache);
	while (last == MS_REPLAY_NEW && n < 2 * MS_REPLAY_MAX) {
		hash_of(++n, hash);
		last = ms_replay_see(&cache, hash, n % MS_REPLAY_GROUPS, SIZE_MAX, 1300, 1000, &entry);
	}
	assert_int_equal(last, MS_REPLAY_FULL);
	assert_true(n > MS_REPLAY_MAX / 2);
	assert_int_equal(ms_replay_see(&cache, hash, 1, 0, 2300, 2000, &entry), MS_REPLAY_NEW);
	ms_replay_deinit(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_full),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
