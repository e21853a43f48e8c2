/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * SIG(0) transaction signatures (RFC 2931; D-03..D-08, D-10, P-03), ED25519 and ECDSAP256SHA256.
 *
 * The SIG record is the last of ADDITIONAL, after OPT: owner root, class ANY, TTL 0, covered 0,
 * labels 0. Signed data: SIG RDATA without the signature | for a response the whole request with
 * its SIG | the message with ARCOUNT from before the SIG was added, up to the SIG record.
 * Everything is done on raw octets, never on parsed records.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libdnssec/key.h>
#include <libknot/dname.h>

#include "wire/locator.h"

/*! Seconds before and after now that a signature of ours covers: clocks may be four minutes apart
 *  and must not be six (RFC 2931 section 3.3, D-07). */
#define MS_SIG0_BACK   300
#define MS_SIG0_AHEAD  300
/*! Widest window accepted, seconds: ours, and a minute for those who round generously. */
#define MS_SIG0_WIDTH  660

/*! Octets a SIG(0) record adds at most: 11 fixed + 18 RDATA + signer + 64 signature. */
#define MS_SIG0_MAX (11 + 18 + KNOT_DNAME_MAXLEN + 64)

/*! What a SIG(0) record says about itself. Offsets are into the message. */
typedef struct {
	bool present;
	uint8_t algorithm;
	uint16_t tag;
	uint32_t inception;
	uint32_t expiration;
	knot_dname_storage_t signer;   /*!< Lower case. */
	uint16_t rr_pos;               /*!< First octet of the SIG record. */
	uint16_t rdata_pos;
	uint16_t signature_pos;
	uint16_t signature_len;
} ms_sig0_info_t;

/*! A private key with what is published about it. */
typedef struct {
	dnssec_key_t *key;
	knot_dname_storage_t signer;   /*!< Owner of the KEY record it signs as. */
	ms_keyrr_t rr;                 /*!< KEY RDATA: flags 0x0200, protocol 3. */
	uint16_t tag;                  /*!< Over the true KEY RDATA. */
	uint8_t algorithm;
} ms_sig0_key_t;

/*!
 * Loads a private key from unencrypted PKCS #8 PEM; the algorithm is told by the key.
 * \retval KNOT_EMALF Not such a PEM. KNOT_ENOTSUP: other than ED25519 and ECDSA P-256.
 */
int ms_sig0_key_init(ms_sig0_key_t *out, const uint8_t *pem, size_t len,
                     const knot_dname_t *signer);
void ms_sig0_key_deinit(ms_sig0_key_t *key);

/*!
 * Finds the SIG(0) record in a message by walking it.
 * \retval KNOT_EOK    Also where there is none: out->present tells.
 * \retval KNOT_EMALF  Broken message or octets behind it, SIG(0) not the last record, more than
 *                     one, beside a TSIG, or in another form than owner root, class ANY, TTL 0
 *                     (D-04): the signature does not cover these, so they cannot be free.
 */
int ms_sig0_find(const uint8_t *wire, size_t len, ms_sig0_info_t *out);

/*!
 * Appends a SIG(0) to a complete message.
 * \param wire, len, max  Message, its length, room of the buffer.
 * \param request  Octets of the whole request when \a wire is a response; else NULL, 0.
 * \param now      UNIX seconds.
 * \return New length in octets, KNOT_EMALF (no header), KNOT_ESPACE, or KNOT_ERROR (crypto
 *         library). The message is as before then.
 */
int ms_sig0_sign(const ms_sig0_key_t *key, uint8_t *wire, size_t len, size_t max,
                 const uint8_t *request, size_t request_len, int64_t now);

/*! Why a signature was not accepted (D-18: time and signature are told apart). */
typedef enum {
	MS_SIG0_OK,
	MS_SIG0_EXPIRED,
	MS_SIG0_EARLY,
	MS_SIG0_TOO_LONG,   /*!< Window wider than MS_SIG0_WIDTH. */
	MS_SIG0_KEY,        /*!< None of the keys has this tag and algorithm. */
	MS_SIG0_BAD,        /*!< The signature does not verify. */
} ms_sig0_verdict_t;

/*! Only the time window, by serial arithmetic: cheap, for use before any crypto. */
ms_sig0_verdict_t ms_sig0_time(const ms_sig0_info_t *sig, int64_t now);

/*!
 * Verifies \a wire, whose SIG(0) was found as \a sig, with those of \a keys whose tag and
 * algorithm fit (two may share a tag during a rollover). A key that is not ms_key_usable() never
 * fits. Does not compare the signer's name with anything: the caller chose the keys by it.
 */
ms_sig0_verdict_t ms_sig0_verify(const uint8_t *wire, size_t len, const ms_sig0_info_t *sig,
                                 const ms_keyrr_t *keys, size_t key_count,
                                 const uint8_t *request, size_t request_len, int64_t now);

/*! "expired", "unknown key", … for logs and answers. */
const char *ms_sig0_verdict_text(ms_sig0_verdict_t verdict);

/*! Key tag over true KEY RDATA (libdnssec refuses flags 0x0200, dnssec_keytag() does not). */
uint16_t ms_key_tag(const uint8_t *rdata, size_t len);
