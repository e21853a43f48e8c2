/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What providers say about who belongs to the group, and whether they agree: a process runs only among those
 * who do.
 */
#pragma once

#include "core/process.h"

/*! Providers may disagree about the members for so long: states are under way. */
#define MS_CLAIMS_GRACE (10 * MS_SEC)

/*! Members as one number, whatever their order; 0: nobody, or not known. \param without  NULL: nobody. */
uint64_t ms_claims_our_group(const ms_zone_t *zone, const knot_dname_t *without);
/*! Of the told ones, but who comes in or goes just now. */
uint64_t ms_claims_group(const ms_state_t *state);
/*!
 * Providers that take part and have nothing under way must agree about who belongs to them; where they do not for
 * some time, the group is founded anew, by what the parent has.
 */
void ms_claims_watch(ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
ms_time_t ms_claims_deadline(const ms_zone_t *zone);
/*! Is this one among the members of \a state? */
bool ms_claims_lists(const ms_state_t *state, const knot_dname_t *identity);
/*! Does this provider take the same ones for members, as far as it has told? */
bool ms_claims_agree(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Do the members of \a state say that the running process has come to its end there? */
bool ms_claims_ended(const ms_zone_t *zone, const ms_state_t *state);
/*! Members as others tell them; taken where we are none ourselves. */
void ms_claims_learn(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *from,
                     const ms_state_t *state);
