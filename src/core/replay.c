/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/replay.h"

#include <stdlib.h>
#include <string.h>

#include <libdnssec/digest.h>
#include <libdnssec/error.h>
#include <libknot/libknot.h>

/* First size of the table; it doubles when it is three quarters full. */
#define FIRST_SIZE 256

/* Expired entries are swept at most this often, where room is short, and at least this often: what
 * a rush has left shall not stay. Seconds. */
#define SWEEP_EVERY 10
#define TIDY_EVERY  300

int ms_replay_hash(const uint8_t *wire, const ms_sig0_info_t *sig, uint8_t out[MS_SIG_HASH_LEN])
{
	/* All that is signed, but not the signature: an ECDSA signature has a twin that verifies, too,
	 * and must not pass for another message. */
	dnssec_binary_t data = { .size = sig->signature_pos, .data = (uint8_t *)wire };
	dnssec_digest_ctx_t *ctx = NULL;
	dnssec_binary_t digest = { 0 };
	if (dnssec_digest_init(DNSSEC_DIGEST_SHA384, &ctx) != DNSSEC_EOK) {
		return KNOT_ERROR;
	}
	int ret = dnssec_digest(ctx, &data);
	/* A failure has released the context already. */
	if (ret != DNSSEC_EOK || dnssec_digest_finish(ctx, &digest) != DNSSEC_EOK) {
		dnssec_binary_free(&digest);
		return KNOT_ERROR;
	}
	memcpy(out, digest.data, MS_SIG_HASH_LEN);
	dnssec_binary_free(&digest);
	return KNOT_EOK;
}

uint8_t ms_replay_group(const knot_dname_t *identity)
{
	uint32_t sum = 0;
	for (size_t i = 0, size = knot_dname_size(identity); i < size; i++) {
		sum = sum * 31 + identity[i];
	}
	return sum % MS_REPLAY_GROUPS;
}

void ms_replay_init(ms_replay_cache_t *cache)
{
	*cache = (ms_replay_cache_t){ 0 };
}

void ms_replay_deinit(ms_replay_cache_t *cache)
{
	for (size_t i = 0; i < cache->size; i++) {
		free(cache->slots[i].answer);
	}
	free(cache->slots);
	*cache = (ms_replay_cache_t){ 0 };
}

static bool used(const ms_replay_entry_t *entry)
{
	return entry->expiration != 0;
}

/* Serial arithmetic: signature times are 32 bits (RFC 2535 section 4.1.5). */
static bool expired(const ms_replay_entry_t *entry, uint32_t now)
{
	return (int32_t)(now - entry->expiration) > 0;
}

/* The slot of a hash, or the free one where it belongs. The hash is uniform already. */
static ms_replay_entry_t *probe(ms_replay_entry_t *slots, size_t size, const uint8_t *hash)
{
	size_t at;
	memcpy(&at, hash, sizeof(at));
	for (at &= size - 1; used(&slots[at]); at = (at + 1) & (size - 1)) {
		if (memcmp(slots[at].hash, hash, MS_SIG_HASH_LEN) == 0) {
			break;
		}
	}
	return &slots[at];
}

/* Moves what is still alive into a table of \a size slots. */
static int rebuild(ms_replay_cache_t *cache, size_t size, uint32_t now)
{
	ms_replay_entry_t *slots = calloc(size, sizeof(*slots));
	if (slots == NULL) {
		return KNOT_ENOMEM;
	}
	size_t count = 0;
	cache->answers = 0;
	memset(cache->group, 0, sizeof(cache->group));
	for (size_t i = 0; i < cache->size; i++) {
		ms_replay_entry_t *entry = &cache->slots[i];
		if (!used(entry)) {
			continue;
		}
		if (expired(entry, now)) {
			free(entry->answer);
			continue;
		}
		*probe(slots, size, entry->hash) = *entry;
		cache->answers += entry->answer != NULL;
		cache->group[entry->group]++;
		count++;
	}
	free(cache->slots);
	cache->slots = slots;
	cache->size = size;
	cache->count = count;
	cache->swept = now;
	return KNOT_EOK;
}

/* Drops what has expired; the table is as large then as the rest needs. */
static int sweep(ms_replay_cache_t *cache, uint32_t now)
{
	size_t alive = 0, size = FIRST_SIZE;
	for (size_t i = 0; i < cache->size; i++) {
		alive += used(&cache->slots[i]) && !expired(&cache->slots[i], now);
	}
	while (alive >= size / 2 && size < cache->size) {
		size *= 2;
	}
	return rebuild(cache, size, now);
}

/* Room for one more entry. */
static int make_room(ms_replay_cache_t *cache, uint32_t now)
{
	if (cache->size > 0 && cache->count < cache->size / 4 * 3) {
		return KNOT_EOK;
	}
	bool may_sweep = cache->size == 0 || now - cache->swept >= SWEEP_EVERY;
	int ret = may_sweep ? sweep(cache, now) : KNOT_EOK;
	if (ret == KNOT_EOK && cache->count >= cache->size / 2) {
		ret = cache->size < MS_REPLAY_MAX ? rebuild(cache, 2 * cache->size, now) : ret;
	}
	if (ret == KNOT_EOK && cache->count >= cache->size / 4 * 3) {
		ret = KNOT_ELIMIT;
	}
	return ret;
}

static ms_replay_entry_t *find(ms_replay_cache_t *cache, const uint8_t *hash)
{
	ms_replay_entry_t *entry = cache->size > 0 ? probe(cache->slots, cache->size, hash) : NULL;
	return entry != NULL && used(entry) ? entry : NULL;
}

/* What is granted once stays: the peer had its reasons, and may still have most of those zones. */
static void grant(ms_replay_cache_t *cache, uint8_t group, size_t zones)
{
	size_t most = MS_REPLAY_SHARE_MAX;
	size_t share = zones < (most - MS_REPLAY_SHARE) / MS_REPLAY_PER_ZONE
	             ? MS_REPLAY_SHARE + zones * MS_REPLAY_PER_ZONE : most;
	if (share > cache->share[group]) {
		cache->share[group] = share;
	}
}

/* May the group have one more? */
static bool has_share(ms_replay_cache_t *cache, uint8_t group, size_t zones, uint32_t now)
{
	grant(cache, group, zones);
	bool full = cache->group[group] >= cache->share[group];
	if (cache->size > 0 && now - cache->swept >= (full ? SWEEP_EVERY : TIDY_EVERY)) {
		(void)sweep(cache, now);
	}
	return cache->group[group] < cache->share[group];
}

static ms_replay_entry_t *enter(ms_replay_cache_t *cache, const uint8_t *hash, uint8_t group,
                                uint32_t expiration, uint32_t now)
{
	if (make_room(cache, now) != KNOT_EOK) {
		return NULL;
	}
	ms_replay_entry_t *entry = probe(cache->slots, cache->size, hash);
	if (!used(entry)) {
		cache->count++;
		cache->group[group]++;
		entry->group = group;
	}
	memcpy(entry->hash, hash, MS_SIG_HASH_LEN);
	entry->expiration = expiration != 0 ? expiration : 1;
	return entry;
}

ms_replay_t ms_replay_see(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN],
                          uint8_t group, size_t zones, uint32_t expiration, uint32_t now,
                          const ms_replay_entry_t **entry)
{
	ms_replay_entry_t *seen = find(cache, hash);
	if (seen == NULL) {
		bool entered = has_share(cache, group, zones, now) &&
		               enter(cache, hash, group, expiration, now) != NULL;
		return entered ? MS_REPLAY_NEW : MS_REPLAY_FULL;
	}
	if (!seen->answered) {
		return MS_REPLAY_PENDING;
	}
	*entry = seen;
	return MS_REPLAY_ANSWERED;
}

int ms_replay_restore(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN],
                      uint32_t expiration, uint16_t rcode, uint32_t now)
{
	/* Whose it was is not stored. */
	ms_replay_entry_t *entry = enter(cache, hash, MS_REPLAY_GROUPS, expiration, now);
	if (entry == NULL) {
		return KNOT_ELIMIT;
	}
	entry->answered = true;
	entry->rcode = rcode;
	return KNOT_EOK;
}

static void drop_answer(ms_replay_cache_t *cache, ms_replay_entry_t *entry)
{
	cache->answers -= entry->answer != NULL;
	free(entry->answer);
	entry->answer = NULL;
	entry->answer_len = 0;
}

void ms_replay_answered(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN],
                        uint16_t rcode, const uint8_t *answer, uint16_t len)
{
	ms_replay_entry_t *entry = find(cache, hash);
	if (entry == NULL) {
		return;
	}
	drop_answer(cache, entry);
	entry->answer = answer != NULL && cache->answers < MS_REPLAY_ANSWERS ? malloc(len) : NULL;
	cache->answers += entry->answer != NULL;
	if (entry->answer != NULL) {
		memcpy(entry->answer, answer, len);
		entry->answer_len = len;
	}
	entry->rcode = rcode;
	entry->answered = true;
}

void ms_replay_forget(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN])
{
	ms_replay_entry_t *entry = find(cache, hash);
	if (entry != NULL) {
		/* The slot must stay in its probe chain: it just counts as expired from now on. */
		drop_answer(cache, entry);
		*entry = (ms_replay_entry_t){ .expiration = cache->swept != 0 ? cache->swept : 1,
		                              .group = entry->group };
	}
}
