/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The CSYNC record (RFC 7477 section 2.1; I-11..I-14, K-31..K-36, X-19): serial, flags, and which types
 * the parent shall copy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define MS_CSYNC_IMMEDIATE  0x0001
#define MS_CSYNC_SOAMINIMUM 0x0002

/*! Types that can be copied. */
#define MS_CSYNC_NS   0x01
#define MS_CSYNC_A    0x02
#define MS_CSYNC_AAAA 0x04

/*! serial, flags, one window of the bitmap */
#define MS_CSYNC_RDATA_MAX (4 + 2 + 2 + 32)

typedef struct {
	uint32_t serial;
	uint16_t flags;
	uint8_t types;     /*!< Bits MS_CSYNC_x. */
	uint16_t foreign;  /*!< The first other type of the bitmap, which must not be processed (K-33); 0: none. */
} ms_csync_t;

/*! \retval KNOT_EMALF  Truncated, or a broken bitmap. */
int ms_csync_decode(const uint8_t *rdata, size_t len, ms_csync_t *out);
/*! \a foreign is not written. \return Length, or KNOT_ESPACE. */
int ms_csync_encode(const ms_csync_t *csync, uint8_t *buf, size_t max);
