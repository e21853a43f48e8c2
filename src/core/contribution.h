/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What a provider may contribute (architecture decision 9; D-15, D-21, F-16, P-26), and what we
 * contribute ourselves.
 */
#pragma once

#include "core/model.h"

/*! Limits of one contribution: a provider has 1-2 keys of each kind, rolls double that. */
#define MS_CONTRIB_KEYS_MAX   8
#define MS_CONTRIB_OCTETS_MAX 8192
/*! Records in one combined RRset: 16 providers with two records each. */
#define MS_COMBINED_MAX       32

/*!
 * Judges the contribution of \a pair to \a zone as a whole.
 * \retval KNOT_EOK
 * \retval KNOT_EDENIED  Refused; \a reason says which record and which rule.
 */
int ms_contribution_check(const ms_zone_t *zone, const ms_pair_t *pair,
                          const ms_contribution_t *c, char reason[MS_REASON_MAX + 1]);

/*!
 * Makes our own contribution from the zone's apex and our key list: the keys that sign zone data,
 * CDS and CDNSKEY of our own keys, NS by configuration; NS alone where we do not sign.
 * \retval KNOT_EAGAIN  Our keys are not known yet.
 */
int ms_contribution_own(const ms_agent_t *agent, const ms_zone_t *zone, ms_contribution_t *out);

/*! Is this DNSKEY one of ours, by the key manager's list? */
bool ms_key_is_own(const ms_zone_t *zone, const uint8_t *rdata, uint16_t len);
