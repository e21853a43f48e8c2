/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Signatures of messages that were acted upon, until they expire (P-01): the same message once more has
 * no second effect.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/*! Messages in eleven minutes, at the rates that limits allow to a few thousand children. */
#define MS_REPLAY_RING_MAX 8192
#define MS_REPLAY_HASH 16

typedef struct {
	uint8_t hash[MS_REPLAY_HASH];
	uint32_t expiration;
	uint16_t rcode;           /*!< What was answered; MS_REPLAY_OPEN: nothing yet. */
} ms_replay_note_t;

#define MS_REPLAY_OPEN UINT16_MAX

typedef struct {
	size_t count;
	ms_replay_note_t *note;   /*!< Owned; MS_REPLAY_RING_MAX of them. */
} ms_replay_ring_t;

int ms_replay_ring_init(ms_replay_ring_t *ring);
void ms_replay_ring_deinit(ms_replay_ring_t *ring);
/*! Of what the signature covers, not of the signature: that can have a twin. \retval KNOT_ERROR */
int ms_replay_hash(const uint8_t *wire, size_t len, uint8_t out[MS_REPLAY_HASH]);
/*! NULL: not seen. */
const ms_replay_note_t *ms_replay_seen(const ms_replay_ring_t *ring,
                                       const uint8_t hash[MS_REPLAY_HASH]);
/*! Notes a new one, or what was answered to a noted one. \retval KNOT_ELIMIT  Full of those that are
 *  valid still. */
int ms_replay_enter(ms_replay_ring_t *ring, const uint8_t hash[MS_REPLAY_HASH],
                    uint32_t expiration, uint16_t rcode, int64_t now);
