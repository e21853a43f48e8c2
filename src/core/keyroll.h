/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the subject of a roll does with its keys, and what of them is to be seen in the zone before a step
 * may end. Knot's key manager does it (architecture decision 11).
 */
#pragma once

#include "core/process.h"

/*! Asks the key manager for what this step needs, or for its list. */
int ms_keyroll_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
ms_time_t ms_keyroll_deadline(const ms_agent_t *agent, const ms_zone_t *zone);
/*! Is what we were to do in this step done? */
bool ms_keyroll_done(const ms_zone_t *zone, const ms_step_row_t *row);
/*! Does the apex show our keys and their CDS as the key manager has them? */
bool ms_keyroll_shown(const ms_zone_t *zone);
/*! When (ms_steady()) this key is to be rolled: of a CSK the shorter lifetime counts, what signs nothing any more, or
 *  not yet, has none. INT64_MAX: never. */
int64_t ms_keyroll_end_of_life(const ms_config_t *config, const ms_own_key_t *key);
/*! Role of the keys that a process is about. */
ms_key_role_t ms_keyroll_role(ms_process_kind_t kind);
