/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Durable records: the key and the value of each kind, one version octet in front of every value
 * (architecture decision 10). Encoding only; io/db stores them, core decides what to write.
 *
 * Key: kind octet, then the kind's own parts (names uncompressed, lower case).
 * A value of an unknown version is KNOT_ENOTSUP, a damaged one KNOT_EMALF.
 */
#pragma once

#include <stdint.h>
#include <stddef.h>

#include "wire/apex.h"
#include "wire/dnskey.h"
#include "wire/hsync.h"
#include "wire/locator.h"
#include "wire/msopt.h"

typedef enum {
	MS_REC_META         = 'M', /*!< Key: none. Store format, first start. */
	MS_REC_PEER         = 'P', /*!< Key: identity. */
	MS_REC_CONTRIBUTION = 'C', /*!< Key: zone, origin identity; origin ".": nobody's in particular. */
	MS_REC_HSYNC        = 'H', /*!< Key: zone. Last good HSYNC set. */
	MS_REC_WRITTEN      = 'W', /*!< Key: zone. What we wrote into the zone. */
	MS_REC_OWN          = 'O', /*!< Key: zone. Identifiers of our own keys. */
	MS_REC_REPLAY       = 'R', /*!< Key: hash of the signature. */
	MS_REC_MEMBER       = 'J', /*!< Key: zone, identity. History of one provider in one zone. */
	MS_REC_PROCESS      = 'S', /*!< Key: zone. Where its process stands, and what it was seen by. */
	MS_REC_OWNER        = 'Z', /*!< Key: zone. The owner's data that we replaced, our serial. */
} ms_rec_kind_t;

/*! kind + two names. */
#define MS_REC_KEY_MAX (1 + 2 * KNOT_DNAME_MAXLEN)
/*! Largest value: a written apex set of 6 types x 32 records at 600 octets would not fit a sane
 *  zone; the limits of contributions (8 KiB x 16) bound it. */
#define MS_REC_VALUE_MAX (160 * 1024)
/*! Keys of one provider in one zone that we remember by identifier. */
#define MS_OWN_KEYS_MAX 16
#define MS_SIG_HASH_LEN 16

typedef struct {
	uint8_t kind;                  /*!< ms_rec_kind_t. */
	knot_dname_storage_t zone;     /*!< Or identity for PEER. */
	knot_dname_storage_t origin;
	uint8_t hash[MS_SIG_HASH_LEN];
} ms_rec_key_t;

typedef struct {
	ms_locator_t locator;
} ms_rec_peer_t;

typedef struct {
	uint32_t inception;            /*!< Of the SIG(0) it came with: nothing older replaces it. */
	ms_contribution_t data;        /*!< Owned. */
} ms_rec_contribution_t;

typedef struct {
	uint8_t count;
	ms_hsync_t hsync[MS_PROVIDERS_MAX];
} ms_rec_hsync_t;

typedef struct {
	ms_contribution_t data;        /*!< Owned; what stands in the zone because of us. */
} ms_rec_written_t;

typedef struct {
	ms_digest_t dnskey;            /*!< Of the apex DNSKEY RRset the list was made for. */
	uint8_t count;
	char keyid[MS_OWN_KEYS_MAX][MS_KEYID_LEN + 1];
} ms_rec_own_t;

typedef struct {
	uint32_t expiration;           /*!< Of the signature, UNIX seconds. */
	uint16_t rcode;                /*!< The answer that was given. */
} ms_rec_replay_t;

typedef struct {
	uint8_t was_on;                /*!< 1: this provider was ON once (A-14, A-30). */
	uint8_t leaving;               /*!< 1: it was ON and is OFF or gone; data are kept. */
	uint8_t sign;                  /*!< ms_hsync_sign_t, the last one listed; 0 = none yet. */
	uint8_t member;                /*!< 1: a process has brought it in (version 2; of version 1: was_on). */
} ms_rec_member_t;

/*! Facts that are observed (core/process), and TTLs that were seen. */
#define MS_FACTS_MAX 8
#define MS_TTLS_MAX  4
/*! Orders of the operator that are remembered as done. */
#define MS_ORDERS_MAX 16
/*! In \a asked: the process goes by a leader. */
#define MS_REC_LEADING 0x80

typedef struct {
	int64_t since;                 /*!< 0: is not so. */
	ms_digest_t of;                /*!< What it is that was seen. */
} ms_rec_fact_t;

typedef struct {
	uint32_t ttl;                  /*!< Seconds; the largest that a cache may still have. */
	int64_t until;                 /*!< So long a smaller one does not replace it; 0: it is still served. */
} ms_rec_ttl_t;

typedef struct {
	uint8_t member;                /*!< 1: we are a member of the group. */
	uint8_t kind;                  /*!< ms_process_kind_t; 0: none runs. */
	uint8_t step;
	uint8_t asked;                 /*!< Rolls wanted: bits of ms_key_role_t, and 8: algorithm; MS_REC_LEADING. */
	knot_dname_storage_t subject;  /*!< Of the process; root: the group. */
	int64_t noted;                 /*!< When this was written: microseconds, as all that follow … */
	int64_t noted_wall;            /*!< … by the civil clock, seconds … */
	int64_t noted_mono;            /*!< … and since the machine's start, microseconds. */
	int64_t entered;               /*!< Since when it is in this step. */
	ms_rec_fact_t fact[MS_FACTS_MAX];
	ms_rec_ttl_t ttl[MS_TTLS_MAX];
	uint32_t term;                 /*!< Of the last election. */
	knot_dname_storage_t leader;   /*!< Root: none. */
	uint8_t order_count;
	uint64_t order[MS_ORDERS_MAX]; /*!< Hashes. */
} ms_rec_process_t;

typedef struct {
	bool has_serial;               /*!< The zone's serials are of our making … */
	uint32_t serial;               /*!< … and this one is the last. */
	ms_rrset_t ns;                 /*!< Owned. The owner's NS RRset; empty = not replaced. */
} ms_rec_owner_t;

/*! \return Length in octets, or KNOT_ESPACE / KNOT_EINVAL (unknown kind, a count or length over
 *  its limit); so with every *_encode() below. */
int ms_rec_key_encode(const ms_rec_key_t *key, uint8_t *buf, size_t max);
int ms_rec_key_decode(const uint8_t *data, size_t len, ms_rec_key_t *out);

int ms_rec_peer_encode(const ms_rec_peer_t *rec, uint8_t *buf, size_t max);
int ms_rec_peer_decode(const uint8_t *data, size_t len, ms_rec_peer_t *out);
int ms_rec_contribution_encode(const ms_rec_contribution_t *rec, uint8_t *buf, size_t max);
/*! *out owns memory afterwards: ms_contribution_clear(&out->data). */
int ms_rec_contribution_decode(const uint8_t *data, size_t len, ms_rec_contribution_t *out);
int ms_rec_hsync_encode(const ms_rec_hsync_t *rec, uint8_t *buf, size_t max);
int ms_rec_hsync_decode(const uint8_t *data, size_t len, ms_rec_hsync_t *out);
int ms_rec_written_encode(const ms_rec_written_t *rec, uint8_t *buf, size_t max);
int ms_rec_written_decode(const uint8_t *data, size_t len, ms_rec_written_t *out);
int ms_rec_own_encode(const ms_rec_own_t *rec, uint8_t *buf, size_t max);
int ms_rec_own_decode(const uint8_t *data, size_t len, ms_rec_own_t *out);
int ms_rec_replay_encode(const ms_rec_replay_t *rec, uint8_t *buf, size_t max);
int ms_rec_replay_decode(const uint8_t *data, size_t len, ms_rec_replay_t *out);
int ms_rec_member_encode(const ms_rec_member_t *rec, uint8_t *buf, size_t max);
int ms_rec_member_decode(const uint8_t *data, size_t len, ms_rec_member_t *out);
int ms_rec_process_encode(const ms_rec_process_t *rec, uint8_t *buf, size_t max);
int ms_rec_process_decode(const uint8_t *data, size_t len, ms_rec_process_t *out);
int ms_rec_owner_encode(const ms_rec_owner_t *rec, uint8_t *buf, size_t max);
/*! *out owns memory afterwards: ms_rrset_clear(&out->ns). */
int ms_rec_owner_decode(const uint8_t *data, size_t len, ms_rec_owner_t *out);
