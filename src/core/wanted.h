/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What a zone's apex must contain because of us: owner's data with DNSKEY, CDS, CDNSKEY, CSYNC
 * (KEY by configuration) replaced by the union of the contributions (G-12), and NS by that of the
 * NS contributions when every ON record says AGENT (A-10, H-01), never empty (G-13, H-05).
 */
#pragma once

#include "core/model.h"

/*! What we may do to a zone now. */
typedef enum {
	MS_COMBINE_KEEP,     /*!< Nothing is added and nothing taken out. */
	MS_COMBINE_FROZEN,   /*!< What we wrote stays, whatever anybody says: hold, or we are OFF. */
	MS_COMBINE_YES,      /*!< We are ON, and its signer or, where nobody signs, its editor. */
	MS_COMBINE_RESTORE,  /*!< It is an ordinary zone again: the owner's data come back. */
} ms_combine_t;

ms_combine_t ms_combine_of(const ms_agent_t *agent, const ms_zone_t *zone);

/*! No provider that counts signs: everybody edits. */
bool ms_wanted_nobody_signs(const ms_zone_t *zone);
/*!
 * None of the providers signs, and yet the zone is signed, by its owner: whatever we change in it
 * would be bogus.
 */
bool ms_wanted_sealed(const ms_agent_t *agent, const ms_zone_t *zone);

/*! Makes zone->wanted anew where it has changed. \retval KNOT_ENOMEM, KNOT_ERROR */
int ms_wanted_settle(const ms_agent_t *agent, ms_zone_t *zone);

/*!
 * Records of nobody in particular: keys that stand in the zone, are not ours, and whose provider
 * has not contributed yet (it was served by hand before, or our store is lost). They are wanted
 * until every provider has spoken.
 */
int ms_wanted_adopt(const ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out);

/*! Does everything that may stand in the apex have somebody who answers for it? */
bool ms_wanted_complete(const ms_zone_t *zone);

/*! Digest of a record alone, as refusals and quarantine name it. */
int ms_record_digest(uint16_t rrtype, const uint8_t *rdata, uint16_t len, ms_digest_t *out);
