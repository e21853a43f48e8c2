/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver/replay.h"

#include <stdlib.h>
#include <string.h>

#include <libdnssec/digest.h>
#include <libdnssec/error.h>
#include <libknot/errcode.h>

int ms_replay_ring_init(ms_replay_ring_t *ring)
{
	*ring = (ms_replay_ring_t){ .note = calloc(MS_REPLAY_RING_MAX, sizeof(*ring->note)) };
	return ring->note != NULL ? KNOT_EOK : KNOT_ENOMEM;
}

void ms_replay_ring_deinit(ms_replay_ring_t *ring)
{
	free(ring->note);
	*ring = (ms_replay_ring_t){ 0 };
}

int ms_replay_hash(const uint8_t *wire, size_t len, uint8_t out[MS_REPLAY_HASH])
{
	dnssec_digest_ctx_t *ctx = NULL;
	dnssec_binary_t data = { .size = len, .data = (uint8_t *)wire }, digest = { 0 };
	int ret = dnssec_digest_init(DNSSEC_DIGEST_SHA384, &ctx);
	if (ret == DNSSEC_EOK) {
		ret = dnssec_digest(ctx, &data);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_digest_finish(ctx, &digest);
	}
	if (ret == DNSSEC_EOK && digest.size >= MS_REPLAY_HASH) {
		memcpy(out, digest.data, MS_REPLAY_HASH);
	}
	dnssec_binary_free(&digest);
	return ret == DNSSEC_EOK ? KNOT_EOK : KNOT_ERROR;
}

static ms_replay_note_t *find(const ms_replay_ring_t *ring, const uint8_t hash[MS_REPLAY_HASH])
{
	for (size_t i = 0; i < ring->count; i++) {
		if (memcmp(ring->note[i].hash, hash, MS_REPLAY_HASH) == 0) {
			return &ring->note[i];
		}
	}
	return NULL;
}

const ms_replay_note_t *ms_replay_seen(const ms_replay_ring_t *ring,
                                       const uint8_t hash[MS_REPLAY_HASH])
{
	return find(ring, hash);
}

static void sweep(ms_replay_ring_t *ring, int64_t now)
{
	size_t kept = 0;
	for (size_t i = 0; i < ring->count; i++) {
		if ((int32_t)(ring->note[i].expiration - (uint32_t)now) >= 0) {
			ring->note[kept++] = ring->note[i];
		}
	}
	ring->count = kept;
}

int ms_replay_enter(ms_replay_ring_t *ring, const uint8_t hash[MS_REPLAY_HASH],
                    uint32_t expiration, uint16_t rcode, int64_t now)
{
	ms_replay_note_t *note = find(ring, hash);
	if (note != NULL) {
		note->rcode = rcode;
		return KNOT_EOK;
	}
	if (ring->count == MS_REPLAY_RING_MAX) {
		sweep(ring, now);
	}
	if (ring->count == MS_REPLAY_RING_MAX) {
		return KNOT_ELIMIT;
	}
	note = &ring->note[ring->count++];
	*note = (ms_replay_note_t){ .expiration = expiration, .rcode = rcode };
	memcpy(note->hash, hash, MS_REPLAY_HASH);
	return KNOT_EOK;
}
