/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The HSYNC record: which provider serves the zone, in which role (draft-leon-dnsop-signaling-
 * zone-owner-intent section 8, requirements A-02..A-09, X-01..X-04).
 *
 *     State u8 | NSMgmt u8 | Sign u8 | Identity name | [Upstream name]
 *
 * Four-field records (February 2025) are read as Upstream ".". Identity and Upstream come out
 * in lower case.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

typedef enum { MS_HSYNC_ON = 1, MS_HSYNC_OFF = 2 } ms_hsync_state_t;
typedef enum { MS_HSYNC_OWNER = 1, MS_HSYNC_AGENT = 2 } ms_hsync_nsmgmt_t;
typedef enum { MS_HSYNC_SIGN = 1, MS_HSYNC_NOSIGN = 2 } ms_hsync_sign_t;

/*! Dialects of the wire form: tdns writes OFF and NOSIGN as 0. */
typedef enum { MS_HSYNC_DRAFT, MS_HSYNC_TDNS } ms_hsync_dialect_t;

/*! State (1) + NSMgmt (1) + Sign (1) + two names. */
#define MS_HSYNC_RDATA_MAX (3 + 2 * KNOT_DNAME_MAXLEN)
/*! Presentation: three tokens, two names (an octet may need four characters), NUL. */
#define MS_HSYNC_TEXT_MAX (3 * 8 + 2 * (KNOT_DNAME_TXT_MAXLEN + 1) + 1)

typedef struct {
	ms_hsync_state_t state;
	ms_hsync_nsmgmt_t nsmgmt;
	ms_hsync_sign_t sign;
	knot_dname_storage_t identity;
	knot_dname_storage_t upstream; /*!< "." = none, or configured by hand (A-24). */
} ms_hsync_t;

/*!
 * Reads RDATA.
 * \retval KNOT_EMALF  Truncated, trailing octets, bad or compressed name, root identity.
 * \retval KNOT_ERANGE A field has an error or undefined value; *out is untouched.
 */
int ms_hsync_decode(const uint8_t *rdata, size_t len, ms_hsync_dialect_t dialect, ms_hsync_t *out);

/*!
 * Writes the five-field RDATA (dialect draft) into \a buf.
 * \return Length in octets, or KNOT_ESPACE.
 */
int ms_hsync_encode(const ms_hsync_t *hsync, uint8_t *buf, size_t max);

/*!
 * Reads presentation format: "ON AGENT SIGN agent.a.test. [.]". Accepts integers, YES/NO,
 * ZONEOWNER/MSA, any case.
 * \retval KNOT_EMALF  Not five (four) fields, bad name.
 * \retval KNOT_ERANGE Unknown token or value.
 */
int ms_hsync_from_text(const char *text, ms_hsync_t *out);

/*!
 * Writes presentation format with the tokens ON/OFF OWNER/AGENT SIGN/NOSIGN.
 * \return Length without NUL, or KNOT_ESPACE.
 */
int ms_hsync_to_text(const ms_hsync_t *hsync, char *buf, size_t max);
