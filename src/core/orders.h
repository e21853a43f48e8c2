/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What an operator orders once, and keys whose life is over.
 */
#pragma once

#include "core/process.h"

/*! Orders of the operator that were not done yet, and lifetimes that are over. */
int ms_orders_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
