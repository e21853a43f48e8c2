/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * DS records and their forms at the child, CDS and CDNSKEY (RFC 4034 section 5, RFC 7344, RFC 8078
 * section 4; I-02, I-09, K-18, K-24, K-27).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/apex.h"

#define MS_DIGEST_SHA1   1
#define MS_DIGEST_SHA256 2
#define MS_DIGEST_SHA384 4

/*! tag, algorithm, digest type, SHA-384 */
#define MS_DS_MAX (4 + 48)

typedef struct {
	uint16_t tag;
	uint8_t algorithm;
	uint8_t digest_type;
} ms_ds_t;

/*! \retval KNOT_EMALF  Shorter than five octets, or a digest whose length is not its type's. */
int ms_ds_decode(const uint8_t *rdata, size_t len, ms_ds_t *out);

/*!
 * The DS of a DNSKEY (or CDNSKEY) of \a zone.
 * \return Length, KNOT_ESPACE, KNOT_EMALF (no key), KNOT_ENOTSUP (algorithm or digest type).
 */
int ms_ds_make(const knot_dname_t *zone, const uint8_t *dnskey, size_t len, uint8_t digest_type,
               uint8_t *buf, size_t max);

/*! `0 0 0 00`: the child asks for its DS RRset to go. The digest may have one octet, or, as old
 *  software has it, none. */
bool ms_cds_is_delete(const uint8_t *rdata, size_t len);
/*! `0 3 0 AA==`, likewise. */
bool ms_cdnskey_is_delete(const uint8_t *rdata, size_t len);
/*! Whole set is exactly one delete record. */
bool ms_cds_set_is_delete(const ms_rrset_t *cds);
bool ms_cdnskey_set_is_delete(const ms_rrset_t *cdnskey);
/*! Some record of the set is a delete record. */
bool ms_cds_set_has_delete(const ms_rrset_t *cds);
bool ms_cdnskey_set_has_delete(const ms_rrset_t *cdnskey);
