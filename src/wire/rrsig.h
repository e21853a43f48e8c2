/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Which key made a signature over an RRset (RFC 4034 section 3; K-13, K-16, K-26)? A validator tells
 * whether some chain is good; a parent must know whether a certain key has signed, and when.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/apex.h"

typedef struct {
	uint16_t covered;
	uint8_t algorithm;
	uint8_t labels;
	uint32_t original_ttl;
	uint32_t expiration;
	uint32_t inception;
	uint16_t tag;
	knot_dname_storage_t signer;   /*!< Lower case. */
	uint16_t fixed_len;            /*!< Octets before the signature. */
} ms_rrsig_t;

/*! \retval KNOT_EMALF */
int ms_rrsig_decode(const uint8_t *rdata, size_t len, ms_rrsig_t *out);

/*!
 * Is one of \a sigs a good and current signature over \a set at the apex \a owner, made by \a dnskey?
 * \param type       Of \a set: one without names in its RDATA.
 * \param now        UNIX seconds.
 * \param inception  Where not NULL: of the newest such signature.
 */
bool ms_rrsig_by_key(const knot_dname_t *owner, uint16_t type, const ms_rrset_t *set,
                     const ms_rrset_t *sigs, const uint8_t *dnskey, size_t dnskey_len, int64_t now,
                     uint32_t *inception);
