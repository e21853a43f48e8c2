/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The begin of a group: who its members are where nobody can have told yet, or where they disagree.
 */
#pragma once

#include "core/process.h"

/*!
 * Finds out who the members are where nobody has told: at a secure parent those whose key is in DS, else
 * those it delegates to, else the first one by name of those that sign.
 * \param why  What it waits for, where it cannot be known yet.
 */
void ms_founding_settle(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out, char why[MS_WHY_MAX]);
