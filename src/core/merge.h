/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Wanted apex minus apex = edits. This stage adds the other providers' DNSKEY, CDS and CDNSKEY to
 * what knotd itself publishes and removes again what they withdraw (F-25, G-05..G-07).
 */
#pragma once

#include "core/model.h"

/*!
 * The union of what the others contribute and we are to publish, per type; quarantined records
 * and our own are left out. \a out must be empty; owned by the caller on success.
 */
int ms_merge_wanted(const ms_zone_t *zone, ms_contribution_t *out);

/*!
 * Asks for an edit if the zone lacks something wanted or keeps something we wrote that is no
 * longer wanted, unless one is under way or not due.
 */
int ms_merge_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);

/*! The edit was made, refused in part, or failed. */
void ms_merge_edited(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event,
                     ms_actions_t *out);

/*! Digest of a record alone, as refusals and quarantine name it. */
int ms_record_digest(uint16_t rrtype, const uint8_t *rdata, uint16_t len, ms_digest_t *out);
