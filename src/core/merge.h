/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Wanted apex minus apex = edits (F-25, G-05..G-07): what is wanted and missing is added, what may
 * not stand there is removed. What we may have written is persisted before the edit, so that it is
 * known to be ours after a crash.
 */
#pragma once

#include "core/model.h"

/*!
 * Asks for an edit if the zone lacks something wanted or keeps something that it should not, unless
 * one is under way or not due; tells when the gate is shut for too long.
 */
int ms_merge_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
/*! When it wants to look again. */
ms_time_t ms_merge_deadline(const ms_zone_t *zone, ms_now_t now);

/*! The edit was made, refused in part, or failed. */
void ms_merge_edited(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event,
                     ms_actions_t *out);
