/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The Multi-Signer EDNS option (draft-leon-distributed-multi-signer section 8.5; C-01..C-07,
 * C-26, C-27, X-08, X-13) and the bodies of our own operations 128-132.
 *
 *     OPERATION u8 | TRANSPORT u8 | SYNCHRONIZATION u8 | reserved 0 | body
 *
 * Four octets and the body are sent; three octets are accepted. The body of operations 128-132:
 * version u8 (1), then items { type u8, length u16, value }. Unknown items are skipped, a
 * repeated single item is an error. doc/protocol.rst defines every item bit by bit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/apex.h"

typedef enum {
	MS_OP_HELLO     = 1,
	MS_OP_HEARTBEAT = 2,
	MS_OP_SYNC      = 128, /*!< "Look at my state for this zone": body is a state, too. */
	MS_OP_STATE     = 129,
} ms_op_t;

#define MS_TRANSPORT_DNS 0x01
#define MS_TRANSPORT_API 0x02
#define MS_SYNC_LEADER   0x01 /*!< Leader/follower. */
#define MS_SYNC_PEER     0x02 /*!< Peer-to-peer. */

/*! Providers in one zone (limit of the architecture): also the most HELD items in a state. */
#define MS_PROVIDERS_MAX 16
/*! Records one state may report as refused by the sender's knotd; further ones wait. */
#define MS_REFUSED_MAX 8
/*! Longest reason text in a state, octets. */
#define MS_REASON_MAX 80
/*! Longest encoded state body: version + 16 HELD (3 + 16 + 255) + 16 MEMBER (3 + 255) +
 *  8 REFUSED (3 + 98) + 16 COMPONENT (3 + 14) + ELECTION (3 + 8 + 255) + PROCESS (3 + 2 + 255) +
 *  the small ones (56) = 10175. */
#define MS_STATE_BODY_MAX 10240

/*! "I hold this contribution of that provider." */
typedef struct {
	knot_dname_storage_t origin; /*!< Identity, lower case. */
	ms_digest_t digest;
} ms_held_t;

/*! "My knotd would not take this record of yours" (architecture decision 7). */
typedef struct {
	uint16_t rrtype;
	ms_digest_t digest;            /*!< Of the single record, as ms_rrsets_digest() with TTL 0. */
	char reason[MS_REASON_MAX + 1]; /*!< Read: other than printable ASCII became '?'. */
} ms_refused_t;

/*! Components of an apex that are compared (core/component.h). */
#define MS_COMPONENTS_MAX 16
#define MS_COMPONENT_RNAME 0

/*! "This is what I serve": digest over the RDATA, SHA-384 cut to 8 octets; all zero = nothing. */
typedef struct {
	uint16_t type;
	uint32_t ttl;                  /*!< Seconds. */
	uint8_t digest[8];
} ms_component_t;

/*! The body of STATE and SYNC: the sender's state for the zone in QNAME. */
typedef struct {
	uint32_t interval;         /*!< Item 1: the sender's heartbeat interval, ms; 0 = not said. */
	uint64_t session;          /*!< Item 2: changes with every start of the sender; 0 = not said. */
	bool has_process;          /*!< Item 3: process u8 (0: none), step u8, subject name. */
	uint8_t process;
	uint8_t step;
	knot_dname_storage_t subject; /*!< Lower case. */
	bool has_own;              /*!< Item 4: digest of the sender's own contribution. */
	ms_digest_t own;
	bool has_applied;          /*!< Item 5: digest of the apex set the sender has applied. */
	ms_digest_t applied;
	uint8_t held_count;        /*!< Item 6, repeated: digest (16), origin name. */
	ms_held_t held[MS_PROVIDERS_MAX];
	uint8_t refused_count;     /*!< Item 7, repeated: rrtype (2), digest (16), reason text. */
	ms_refused_t refused[MS_REFUSED_MAX];
	uint8_t component_count;   /*!< Item 8, repeated: type (2), TTL (4), digest (8). */
	ms_component_t component[MS_COMPONENTS_MAX];
	uint8_t member_count;      /*!< Item 9, repeated: identity of a member of the group. */
	knot_dname_storage_t member[MS_PROVIDERS_MAX];
	bool has_election;         /*!< Item 10: term u32, vote u32, leader name (root: none yet). */
	uint32_t term;
	uint32_t vote;
	knot_dname_storage_t leader;
} ms_state_t;

/*! The option's fixed part and its raw body. */
typedef struct {
	uint8_t operation;
	uint8_t transport;         /*!< Bits MS_TRANSPORT_x, unknown bits cleared. */
	uint8_t sync;              /*!< Bits MS_SYNC_x, unknown bits cleared. */
	const uint8_t *body;       /*!< Borrowed; NULL when empty. */
	uint16_t body_len;
} ms_msopt_t;

/*!
 * Reads the option's payload.
 * \retval KNOT_EMALF   Shorter than three octets or OPERATION 0 (answer: FORMERR).
 * \retval KNOT_ENOTSUP Unassigned OPERATION: 3-127, or 128-255 but not ours (answer: NOTIMP);
 *                      *out is filled even so.
 */
int ms_msopt_decode(const uint8_t *data, size_t len, ms_msopt_t *out);

/*! Writes the payload. \return Length in octets, or KNOT_ESPACE. */
int ms_msopt_encode(const ms_msopt_t *opt, uint8_t *buf, size_t max);

/*! Reads a state body. \retval KNOT_EMALF; *out is untouched then. KNOT_ENOTSUP: other version. */
int ms_state_decode(const uint8_t *body, size_t len, ms_state_t *out);

/*! Writes a state body. \return Length in octets, or KNOT_ESPACE. */
int ms_state_encode(const ms_state_t *state, uint8_t *buf, size_t max);

/*! Name of an operation ("hello", …, "unknown"). */
const char *ms_op_name(uint8_t operation);
