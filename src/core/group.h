/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What all ON agents of a zone can do (drafts section 8.4.3; C-18..C-21, X-17, X-18): API only if
 * all can, peer-to-peer only if all can; nothing is decided before all have answered a HELLO.
 */
#pragma once

#include "core/model.h"

/*! Evaluates the group anew; logs a change. */
void ms_group_settle(const ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out);
