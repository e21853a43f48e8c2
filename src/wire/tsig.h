/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Transaction signatures by a shared secret (TSIG, RFC 8945) between an agent and its combiner
 * (G-02, G-20).
 *
 * TSIG is the last record of ADDITIONAL. knotd cuts it off before a hook sees the message: the
 * record is gone from the octets and from ARCOUNT. So a message and its TSIG are two things here,
 * and ms_tsig_cut() does to raw octets what knotd does. Signed data: in an answer, length and MAC
 * of the request | the message without TSIG under its original id | the TSIG without its MAC.
 * Time is the caller's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <libdnssec/tsig.h>
#include <libknot/consts.h>
#include <libknot/dname.h>

/*! How far clocks may be apart, seconds (RFC 8945 section 10); more is not granted to anybody. */
#define MS_TSIG_FUDGE 300
/*! Longest secret, octets: twice what HMAC-SHA-512 takes without hashing it first. */
#define MS_TSIG_SECRET_MAX 256
/*! Longest MAC: HMAC-SHA-512. */
#define MS_TSIG_MAC_MAX 64
/*! Other data: the server's time in an answer with BADTIME. */
#define MS_TSIG_OTHER_MAX 6
/*! Octets that a TSIG adds at most: names of key and algorithm, and the rest. */
#define MS_TSIG_REST (10 + 16 + MS_TSIG_MAC_MAX + MS_TSIG_OTHER_MAX)
#define MS_TSIG_MAX  (2 * KNOT_DNAME_MAXLEN + MS_TSIG_REST)

/*! A shared secret. Plain memory, copied by assignment; every copy wants ms_tsig_key_wipe(). */
typedef struct {
	knot_dname_storage_t name;      /*!< Lower case. */
	dnssec_tsig_algorithm_t algorithm;
	uint16_t secret_len;
	uint8_t secret[MS_TSIG_SECRET_MAX];
} ms_tsig_key_t;

/*! What a TSIG record says. Plain memory. */
typedef struct {
	knot_dname_storage_t key;       /*!< Name of the key, lower case. */
	knot_dname_storage_t algorithm; /*!< Its name, lower case. */
	uint64_t signed_at;             /*!< UNIX seconds. */
	uint16_t fudge;
	uint16_t id;                    /*!< Of the message when it was signed. */
	uint16_t error;                 /*!< KNOT_RCODE_BADSIG, BADKEY, BADTIME, BADTRUNC, or 0. */
	uint8_t mac_len;
	uint8_t mac[MS_TSIG_MAC_MAX];
	uint8_t other_len;
	uint8_t other[MS_TSIG_OTHER_MAX];
} ms_tsig_t;

/*! \retval KNOT_EINVAL no secret or no such algorithm. KNOT_ESPACE: the secret is too long. */
int ms_tsig_key_set(ms_tsig_key_t *key, const knot_dname_t *name,
                    dnssec_tsig_algorithm_t algorithm, const uint8_t *secret, size_t len);
/*! Leaves zeros. */
void ms_tsig_key_wipe(ms_tsig_key_t *key);

/*! Reads a record. \retval KNOT_EMALF, also for a MAC or other data longer than there can be. */
int ms_tsig_read(const knot_dname_t *owner, const uint8_t *rdata, size_t len, ms_tsig_t *out);

/*!
 * Cuts the TSIG off a message.
 * \retval KNOT_ENOENT  There is none. KNOT_EMALF: broken message, TSIG not the last record (RFC
 *                      8945 section 5.1), not of class ANY and TTL 0. Nothing is changed then.
 */
int ms_tsig_cut(uint8_t *wire, size_t *len, ms_tsig_t *out);

/*!
 * Verifies a message whose TSIG was cut off: key, MAC, time, in this order.
 * \param request  TSIG of the request when \a wire is an answer, else NULL.
 * \param now      UNIX seconds.
 * \return KNOT_RCODE_NOERROR, BADKEY, BADSIG, BADTIME or, for a MAC that is right but shortened,
 *         BADTRUNC: the error of a TSIG in the answer.
 */
uint16_t ms_tsig_verify(const ms_tsig_key_t *key, const ms_tsig_t *tsig, const uint8_t *wire,
                        size_t len, const ms_tsig_t *request, int64_t now);

/*!
 * Appends a TSIG to a complete message.
 * \param key      May be NULL with BADKEY.
 * \param wire, len, max  Message, its length, room of the buffer; \a wire is as before on error.
 * \param request  TSIG of the request when \a wire is an answer, else NULL.
 * \param error    0 or what ms_tsig_verify() found. BADKEY and BADSIG are told without a MAC,
 *                 under the names that the request used (RFC 8945 section 5.2).
 * \param out      What was written; may be NULL.
 * \return New length in octets, KNOT_EMALF (no header), KNOT_ESPACE, KNOT_ERROR (crypto library).
 */
int ms_tsig_sign(const ms_tsig_key_t *key, uint8_t *wire, size_t len, size_t max,
                 const ms_tsig_t *request, uint16_t error, int64_t now, ms_tsig_t *out);

/*! "BADSIG", …; for logs and answers. */
const char *ms_tsig_error_name(uint16_t error);
