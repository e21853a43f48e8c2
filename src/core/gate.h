/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * May this version leave the server? (architecture decision 8; G-06, G-12) Compares what stands in
 * the apex under a query with what must stand there; allocates nothing.
 *
 *  1. nothing is wanted                                        open
 *  2. the zone is to be unsigned, and the version is signed    shut (G-25)
 *  3. serials are of our making, and this is another one       shut (G-16)
 *  4. a record that is wanted is missing                       shut
 *  5. a type that is ours alone holds something else           shut
 *  6. a key or CDS that is known to be the owner's own is there shut (G-12)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"

/*! An apex as the gate looks at it; borrowed from the zone. */
typedef struct {
	knot_rdataset_t set[MS_CONTRIB_TYPES];
	uint32_t serial;
	bool is_signed;
} ms_gate_apex_t;

bool ms_gate_open(const ms_wanted_t *wanted, const ms_gate_apex_t *apex);
/*! The same for a snapshot. */
bool ms_gate_open_apex(const ms_wanted_t *wanted, const ms_apex_t *apex);
/*! Is this the type of a question that is held back at the apex while the gate is shut? */
bool ms_gate_holds(uint16_t qtype);

/*! A version was seen and is zone->apex now; later wishes do not shut it again, as in the hooks. */
void ms_gate_seen(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now);
/*! Opens when nothing is missing any more; raises an alarm when that takes too long. */
void ms_gate_watch(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
ms_time_t ms_gate_deadline(const ms_zone_t *zone);
