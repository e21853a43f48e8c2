/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/limit.h"

#include <stdlib.h>

#include <libknot/errcode.h>

#include "base/rng.h"

/* A token in the unit of the buckets. */
#define TOKEN 1000
/* Octets of an IPv6 address that tell customers apart. */
#define PREFIX6 7
#define PREFIX4 4

int ms_limit_init(ms_limit_t *limit, size_t size, uint32_t per_minute, uint32_t burst,
                  uint64_t seed)
{
	*limit = (ms_limit_t){ .size = size, .seed = seed };
	ms_limit_rate(limit, per_minute, burst);
	limit->buckets = calloc(size, sizeof(*limit->buckets));
	return limit->buckets != NULL ? KNOT_EOK : KNOT_ENOMEM;
}

void ms_limit_rate(ms_limit_t *limit, uint32_t per_minute, uint32_t burst)
{
	limit->per_minute = per_minute;
	limit->burst = burst > 0 ? burst : 1;
}

void ms_limit_deinit(ms_limit_t *limit)
{
	free(limit->buckets);
	*limit = (ms_limit_t){ 0 };
}

/* The seed is secret, so that is enough for telling keys apart. */
static uint64_t hash(const ms_limit_t *limit, const uint8_t *data, size_t len)
{
	ms_rng_t rng = { limit->seed };
	for (size_t i = 0; i < len; i++) {
		rng.state ^= data[i];
		rng.state = ms_rng_next(&rng);
	}
	return ms_rng_next(&rng);
}

static bool take(ms_limit_t *limit, uint64_t key, ms_time_t now)
{
	if (limit->per_minute == 0) {
		return true;
	}
	ms_bucket_t *bucket = &limit->buckets[key % limit->size];
	uint64_t full = (uint64_t)limit->burst * TOKEN;
	int64_t past = ms_time_diff(bucket->at, now);
	/* The tag only tells a bucket that was never used. */
	uint64_t tokens = bucket->tag == 0 ? full : bucket->tokens;
	if (past > 0) {
		uint64_t gained = (uint64_t)(past / MS_MSEC) * limit->per_minute / 60;
		if (gained > 0) {
			bucket->at = now;
			tokens = tokens + gained < full ? tokens + gained : full;
		}
	}
	if (bucket->tag == 0) {
		bucket->at = now;
		bucket->tag = 1;
	}
	bool good = tokens >= TOKEN;
	bucket->tokens = good ? tokens - TOKEN : tokens;
	return good;
}

static uint64_t hash_addr(const ms_limit_t *limit, const ms_addr_t *addr)
{
	return hash(limit, addr->ip, addr->family == AF_INET ? PREFIX4 : PREFIX6);
}

bool ms_limit_addr(ms_limit_t *limit, const ms_addr_t *addr, ms_time_t now)
{
	return take(limit, hash_addr(limit, addr), now);
}

bool ms_limit_name(ms_limit_t *limit, const knot_dname_t *name, ms_time_t now)
{
	return take(limit, hash(limit, name, knot_dname_size(name)), now);
}

bool ms_limit_pair(ms_limit_t *limit, const ms_addr_t *addr, const knot_dname_t *name,
                   ms_time_t now)
{
	ms_rng_t rng = { hash_addr(limit, addr) ^ hash(limit, name, knot_dname_size(name)) };
	return take(limit, ms_rng_next(&rng), now);
}
