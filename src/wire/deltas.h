/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The update section of a child's UPDATE to its parent (RFC 2136 section 2.5; L-02..L-04, M-09, X-31):
 * a list of operations, as they stand there. What of it is allowed is not judged here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

/*! Operations in one UPDATE: delete and add of 13 name servers with two addresses each and 16 DS. */
#define MS_DELTAS_MAX 128
/*! Largest RDATA taken: a KEY of RSA 4096. */
#define MS_DELTA_RDATA_MAX 528

typedef enum {
	MS_DELTA_ADD,         /*!< Class of the zone. */
	MS_DELTA_DEL_RR,      /*!< Class NONE. */
	MS_DELTA_DEL_RRSET,   /*!< Class ANY. */
	MS_DELTA_DEL_NAME,    /*!< Class ANY, type ANY. */
} ms_delta_op_t;

typedef struct {
	uint8_t op;                     /*!< ms_delta_op_t. */
	uint16_t type;
	uint32_t ttl;
	knot_dname_storage_t owner;     /*!< Lower case. */
	uint16_t rdlen;                 /*!< 0 for MS_DELTA_DEL_RRSET and _NAME. */
	uint8_t rdata[MS_DELTA_RDATA_MAX]; /*!< Canonical form, not compressed. */
} ms_delta_t;

typedef struct {
	uint16_t count;
	ms_delta_t *list;               /*!< Owned. */
} ms_deltas_t;

/*!
 * Reads the update section. The message is well-formed as a whole (ms_envelope_parse()).
 * \retval KNOT_EMALF     FORMERR: an operation in a form that RFC 2136 does not know.
 * \retval KNOT_ELIMIT    Too many operations, or too large a record: refused.
 * \retval KNOT_EPREREQ   It has prerequisites: none can be judged, since the delegation may be
 *                        elsewhere (M-09): NOTIMP.
 * \retval KNOT_ENOMEM
 */
int ms_deltas_parse(const uint8_t *wire, size_t len, ms_deltas_t *out);
void ms_deltas_clear(ms_deltas_t *deltas);

/*! Appends one. \retval KNOT_ELIMIT, KNOT_ENOMEM */
int ms_deltas_add(ms_deltas_t *deltas, ms_delta_op_t op, const knot_dname_t *owner, uint16_t type,
                  uint32_t ttl, const uint8_t *rdata, uint16_t rdlen);
/*! Writes them as records for ms_envelope_build(). \return Length, KNOT_ESPACE. */
int ms_deltas_build(const ms_deltas_t *deltas, uint8_t *buf, size_t max);
