/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * DNS UPDATE (RFC 2136) between an agent and its combiner: operations on the stored contribution to
 * a zone, not on the zone itself (G-02, G-09). So "delete the RRset NS" at the apex means what it
 * says, which in a zone it does not (RFC 2136 section 3.4.2.3; G-18, X-49).
 *
 * The message comes without its TSIG (wire/tsig.h); signatures are not looked at here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "wire/apex.h"
#include "wire/msopt.h"

/*! Records of one type in a store: two of each of sixteen providers. */
#define MS_UPDATE_RECORDS_MAX 32
/*! Octets of RDATA in a store: with the frame of each record it fits into one UPDATE. */
#define MS_UPDATE_OCTETS_MAX 32768
/*! Longest UPDATE that ms_update_build() makes of such a store: with header, zone, OPT and the
 *  twelve octets in front of each RDATA. */
#define MS_UPDATE_WIRE_MAX (MS_UPDATE_OCTETS_MAX + 512 + \
                            MS_CONTRIB_TYPES * (MS_UPDATE_RECORDS_MAX + 1) * 12)

/*!
 * Applies a request to \a store: all or nothing, its records in their order. Sets that it touches
 * become stated. A prerequisite is judged by the store where it is about the apex and an allowed
 * type, or about the apex being in use, which it always is; no other one can be judged here.
 * \param zone     Lower case.
 * \param allowed  Bits 1 << MS_APEX_x: what may be contributed.
 * \param store    Untouched unless KNOT_EOK is returned.
 * \param rcode    What to answer. \param reason  Why not NOERROR; else empty.
 * \retval KNOT_EMALF      FORMERR: broken, not an UPDATE of one zone of class IN, or a record in a
 *                         form that RFC 2136 does not know.
 * \retval KNOT_EOUTOFZONE NOTZONE: another zone, or a name outside of this one.
 * \retval KNOT_EDENIED    REFUSED: not the apex, a type that may not be contributed, over a limit.
 * \retval KNOT_ENOTSUP    NOTIMP: a prerequisite about anything else.
 * \retval KNOT_EPREREQ    NXRRSET, YXRRSET, YXDOMAIN: a prerequisite is not met.
 * \retval KNOT_ENOMEM     SERVFAIL.
 */
int ms_update_apply(const uint8_t *wire, size_t len, const knot_dname_t *zone, uint32_t allowed,
                    ms_contribution_t *store, uint16_t *rcode, char reason[MS_REASON_MAX + 1]);

/*!
 * Builds the request that makes a store say about every stated type what \a c says: delete the
 * RRset, then add the records. With EDNS, so that the answer can tell why not.
 * \return Length in octets, KNOT_ESPACE.
 */
int ms_update_build(const knot_dname_t *zone, uint16_t id, const ms_contribution_t *c,
                    uint8_t *wire, size_t max);
