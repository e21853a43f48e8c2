/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The DSYNC record: where a parent wants to hear of its children (RFC 9859 sections 2 to 4; J-01..J-13,
 * J-30, X-28, X-36).
 *
 *     RRtype u16 | Scheme u8 | Port u16 | Target name, not compressed
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

/*! Knot knows the name of the type from 3.5.2 on only. */
#define MS_RRTYPE_DSYNC 66

typedef enum {
	MS_DSYNC_NOTIFY  = 1,
	MS_DSYNC_UPDATE  = 2, /*!< Not assigned yet, so configurable (X-36). */
	MS_DSYNC_SCANNER = 3, /*!< Likewise; port 0 and target "." are good there (X-28). */
} ms_dsync_scheme_t;

typedef struct {
	uint16_t rrtype;             /*!< CDS, CSYNC or, for UPDATE, ANY. */
	uint8_t scheme;
	uint16_t port;
	knot_dname_storage_t target; /*!< Lower case. */
} ms_dsync_t;

/*! Largest RDATA. */
#define MS_DSYNC_RDATA_MAX (5 + KNOT_DNAME_MAXLEN)

/*! \retval KNOT_EMALF  Truncated, a bad or compressed name, octets behind it. */
int ms_dsync_decode(const uint8_t *rdata, size_t len, ms_dsync_t *out);
/*! \return Length, or KNOT_ESPACE. */
int ms_dsync_encode(const ms_dsync_t *dsync, uint8_t *buf, size_t max);

/*! May it be used for this purpose? Scheme and port 0 never may (J-03); \a rrtype and \a scheme
 *  must be those of the record: ANY matches ANY only (J-30). */
bool ms_dsync_fits(const ms_dsync_t *dsync, uint16_t rrtype, uint8_t scheme);

/*!
 * The owner at which a parent speaks to \a child: its labels below \a parent, `_dsync`, \a parent.
 * With child == parent this is `_dsync.PARENT`.
 * \retval KNOT_EOUTOFZONE  \a child is not at or below \a parent. KNOT_ESPACE: over 255 octets.
 */
int ms_dsync_owner(const knot_dname_t *child, const knot_dname_t *parent, knot_dname_storage_t out);
/*! `*._dsync.PARENT`. \retval KNOT_ESPACE */
int ms_dsync_wildcard(const knot_dname_t *parent, knot_dname_storage_t out);

/*!
 * Discovery (RFC 9859 section 4.1): which owner to ask next.
 * \param child  Lower case, not the root.
 * \param asked  What was asked before, 0 to 2: nothing yet, once, twice.
 * \param soa    Owner of the SOA in the last, negative answer; NULL for the first question.
 * \param out    The owner to ask; before the second call it still holds the first one.
 * \retval KNOT_ENOENT  Nothing is left to ask: no DSYNC for this child. Three questions at most.
 */
int ms_dsync_next(const knot_dname_t *child, unsigned asked, const knot_dname_t *soa,
                  knot_dname_storage_t out);
