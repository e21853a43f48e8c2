/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The SIG(0) keys of one child, and how far each one is trusted (M-03, M-14..M-24, M-40, M-42, P-07).
 * A key that is trusted goes only when another one has become trusted.
 */
#pragma once

#include "parent/verdict.h"
#include "wire/keystate.h"
#include "wire/locator.h"

/*! Keys kept of one child, of whatever state: two, their successors, and noise (M-23). */
#define MS_TRUST_KEYS_MAX 6
/*! A key that nobody could validate is forgotten after so many seconds. */
#define MS_TRUST_AGE (7 * 86400)

typedef enum {
	MS_TRUST_KNOWN,      /*!< Signed for itself, is being validated. */
	MS_TRUST_TRUSTED,
	MS_TRUST_FAILED,     /*!< Could not be validated. */
	MS_TRUST_MANUAL,     /*!< Only an operator can make it trusted. */
	MS_TRUST_STATES,
} ms_trust_state_t;

typedef enum {
	MS_BY_NONE,
	MS_BY_APEX,          /*!< KEY at the apex, DNSSEC-validated at every server. */
	MS_BY_SIGNAL,        /*!< `_sig0key.CHILD._signal.NS` of every name server. */
	MS_BY_LOOKS,         /*!< The same KEY everywhere, many times over a long time. */
	MS_BY_ROLL,          /*!< Introduced by a trusted key. */
	MS_BY_HAND,
} ms_trust_by_t;

typedef struct {
	uint16_t tag;
	uint8_t state;       /*!< ms_trust_state_t. */
	uint8_t by;          /*!< ms_trust_by_t. */
	uint8_t looks;       /*!< KNOWN: good looks so far. */
	int64_t since;       /*!< When it came, UNIX seconds. */
	int64_t looked;      /*!< When a look was counted last; not stored. */
	ms_keyrr_t rr;
} ms_trust_key_t;

typedef struct {
	uint8_t count;
	ms_trust_key_t key[MS_TRUST_KEYS_MAX];
} ms_trust_t;

/*! What the operator allows. */
typedef struct {
	bool at_apex, at_ns, looks, manual;
	uint8_t looks_min;   /*!< Good looks for MS_BY_LOOKS; alternately by TCP and UDP. */
	int64_t look_interval; /*!< Seconds between looks that count. */
	uint8_t keys_max;    /*!< Trusted keys at a time; 1: a new one replaces the old one (X-25). */
	bool roll;           /*!< A trusted key may introduce the next one. */
} ms_trust_policy_t;

/*! The key with this RDATA, or this tag; NULL: none. A tag may fit several: a trusted one first. */
ms_trust_key_t *ms_trust_find(ms_trust_t *trust, const uint8_t *rdata, size_t len);
const ms_trust_key_t *ms_trust_tagged(const ms_trust_t *trust, uint16_t tag);
bool ms_trust_any(const ms_trust_t *trust);
/*! Can one more key become trusted without driving another one out? */
bool ms_trust_room(const ms_trust_t *trust, const ms_trust_policy_t *policy);

/*!
 * A key that has signed for itself comes. Nothing else changes (M-15). Of those that are not trusted
 * the oldest one makes room, FAILED ones first, and none that has good looks already.
 * \retval KNOT_EOK     It is there, now or since long.
 * \retval KNOT_ELIMIT  All room is taken by such.
 */
int ms_trust_upload(ms_trust_t *trust, const ms_keyrr_t *rr, const ms_trust_policy_t *policy,
                    int64_t now);

/*! Makes a key trusted (adding it where needed), and drops trusted ones over keys_max, oldest first:
 *  only now (M-40). \retval KNOT_ELIMIT */
int ms_trust_promote(ms_trust_t *trust, const ms_keyrr_t *rr, ms_trust_by_t by,
                     const ms_trust_policy_t *policy, int64_t now);

/*!
 * A survey that asked for KEY, too: promotes, fails or counts the keys that are KNOWN.
 * \return Something changed.
 */
bool ms_trust_look(ms_trust_t *trust, const ms_survey_t *survey, const ms_policy_t *policy,
                   const ms_trust_policy_t *how, int64_t now);

/*! Is a key waiting for a look? */
bool ms_trust_pending(const ms_trust_t *trust);
/*! Drops what is too old. \return Something went. */
bool ms_trust_expire(ms_trust_t *trust, int64_t now);

/*! What to tell about a tag: MS_KEYSTATE_TRUSTED, _UNKNOWN, _AUTO, _MANUAL, _FAILED. */
uint8_t ms_trust_keystate(const ms_trust_t *trust, uint16_t tag);
const char *ms_trust_name(uint8_t state);
