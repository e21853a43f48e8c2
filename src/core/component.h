/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Do all providers serve the same apex? (O-01..O-18, Q-13..Q-15) Each tells the others a digest and
 * a TTL per component of what it serves; SOA serial, RRSIG, NSEC and ZONEMD are everybody's own and
 * no component. Nothing is "fixed": differences are reported.
 *
 *     SOA     MNAME, REFRESH, RETRY, EXPIRE, MINIMUM
 *     RNAME   the contact: pseudo type 0
 *     DNSKEY  the keys that are contributed by somebody: key-signing keys are each provider's own
 *     others  the whole RRset; HSYNC under its configured number
 */
#pragma once

#include "core/model.h"

/*! How long a difference may last before it is an alarm: an owner's change travels, microseconds. */
#define MS_COMPONENT_PATIENCE (60 * MS_SEC)

/*!
 * Makes zone->components anew from the apex. Types that the apex has no room for are taken from
 * \a extra (apex.extra, may be NULL: they stay as they were).
 */
int ms_components_settle(const ms_agent_t *agent, ms_zone_t *zone, const ms_apex_t *extra);
/*! Puts ours into a state. */
void ms_components_tell(const ms_zone_t *zone, ms_state_t *out);
/*! Compares a peer's with ours. */
void ms_components_learn(ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state, ms_now_t now);
/*! Raises and ends the alarm. */
void ms_components_watch(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
ms_time_t ms_components_deadline(const ms_zone_t *zone);

/*! "SOA", "RNAME", "HSYNC", …; \a buf for others. */
const char *ms_component_name(const ms_agent_t *agent, uint16_t type, char buf[16]);
