/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the fields of DNSKEY, CDNSKEY and CDS RDATA say (RFC 4034 sections 2 and 5, RFC 7344).
 * Reading only: no judgement about policy is made here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#define MS_DNSKEY_ZONE   0x0100
#define MS_DNSKEY_REVOKE 0x0080
#define MS_DNSKEY_SEP    0x0001

/*! Length of Knot's key identifier in hexadecimal characters (without NUL). */
#define MS_KEYID_LEN 40

typedef struct {
	uint16_t flags;
	uint8_t protocol;
	uint8_t algorithm;
	uint16_t tag; /*!< RFC 4034 appendix B, over the RDATA as it stands. */
} ms_dnskey_t;

/*! \retval KNOT_EMALF shorter than the four fixed octets plus one of key. */
int ms_dnskey_decode(const uint8_t *rdata, size_t len, ms_dnskey_t *out);

/*!
 * Knot's key identifier of a DNSKEY (what `keymgr list` prints), lower-case hexadecimal.
 * \retval KNOT_EMALF or KNOT_ENOTSUP (unknown algorithm, broken key).
 */
int ms_dnskey_keyid(const uint8_t *rdata, size_t len, char out[MS_KEYID_LEN + 1]);

/*!
 * Does this CDS belong to this DNSKEY of \a zone? The delete form belongs to none.
 * Digest types 2 and 4 are computed; an unknown one compares tag and algorithm only.
 */
bool ms_cds_of_key(const uint8_t *cds, size_t cds_len, const knot_dname_t *zone,
                   const uint8_t *dnskey, size_t dnskey_len);
