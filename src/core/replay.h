/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Memory of signatures already seen, until they expire (D-08, P-01): the second sight of a message
 * gets the first answer again and nothing is acted on. Plain data; who shares it locks it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "wire/record.h"
#include "wire/sig0.h"

/*! Only authenticated peers get in, and each as far as its zones go; this many (64 octets each) are
 *  enough for two peers with 30,000 zones each, and an end for all together. */
#define MS_REPLAY_MAX (1024 * 1024)
/*! Peers are counted in so many groups: a member that floods us silences itself, and those few who
 *  share its group. */
#define MS_REPLAY_GROUPS 64
/*! What a peer may say while its signatures live (ten minutes): a change every second, and for each
 *  zone both greetings, contributions, states, and all of that once more after a restart. */
#define MS_REPLAY_SHARE    4096
#define MS_REPLAY_PER_ZONE 16
/*! But nobody more than half of all. */
#define MS_REPLAY_SHARE_MAX (MS_REPLAY_MAX / 2)
/*! Answers kept to be repeated to the octet; further ones are repeated by their RCODE. */
#define MS_REPLAY_ANSWERS 8192

typedef enum {
	MS_REPLAY_NEW,       /*!< Not seen before; now it is. */
	MS_REPLAY_PENDING,   /*!< Seen, its answer is not given yet. */
	MS_REPLAY_ANSWERED,  /*!< Seen and answered. */
	MS_REPLAY_FULL,      /*!< No room: do not act (answer SERVFAIL). */
} ms_replay_t;

typedef struct {
	uint8_t hash[MS_SIG_HASH_LEN];
	uint32_t expiration;       /*!< UNIX seconds; 0 = free. */
	uint16_t rcode;
	bool answered;
	uint8_t group;
	uint16_t answer_len;
	uint8_t *answer;           /*!< The signed answer, owned; NULL = only the rcode is known. */
} ms_replay_entry_t;

typedef struct {
	size_t count;
	size_t size;               /*!< Slots, a power of two. */
	ms_replay_entry_t *slots;
	uint32_t swept;            /*!< When expired entries were last dropped. */
	size_t answers;            /*!< Entries with the octets of an answer. */
	uint32_t group[MS_REPLAY_GROUPS + 1]; /*!< Entries by group (the last is nobody's) … */
	uint32_t share[MS_REPLAY_GROUPS]; /*!< … and how many it may have, by its largest peer. */
} ms_replay_cache_t;

/*! Hash of a signed message without its signature. \retval KNOT_ERROR crypto library. */
int ms_replay_hash(const uint8_t *wire, const ms_sig0_info_t *sig, uint8_t out[MS_SIG_HASH_LEN]);

void ms_replay_init(ms_replay_cache_t *cache);
void ms_replay_deinit(ms_replay_cache_t *cache);

/*! The group of a peer. */
uint8_t ms_replay_group(const knot_dname_t *identity);

/*!
 * Looks a signature up and enters it if it is new.
 * \param group  Of the sender, from ms_replay_group().
 * \param zones  How many it shares with us.
 * \param entry  Set for ANSWERED; borrowed, valid until the next call.
 */
ms_replay_t ms_replay_see(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN],
                          uint8_t group, size_t zones, uint32_t expiration, uint32_t now,
                          const ms_replay_entry_t **entry);
/*! Remembers the answer; copies it. \a answer may be NULL. Unknown hash: nothing happens. */
void ms_replay_answered(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN],
                        uint16_t rcode, const uint8_t *answer, uint16_t len);
/*! Forgets a signature that could not be queued after all. */
void ms_replay_forget(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN]);
/*! Restores an entry after a start. */
int ms_replay_restore(ms_replay_cache_t *cache, const uint8_t hash[MS_SIG_HASH_LEN],
                      uint32_t expiration, uint16_t rcode, uint32_t now);
