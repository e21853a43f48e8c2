/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Asks for the observations a process lives on: all servers of all providers, all servers of the parent,
 * with pauses that grow while nothing changes (F-13).
 */
#pragma once

#include "core/process.h"

int ms_outlook_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
ms_time_t ms_outlook_deadline(const ms_zone_t *zone);
/*! Was all that \a row is about seen at \a when or later? */
bool ms_outlook_fresh(const ms_process_t *process, const ms_step_row_t *row, int64_t when);
/*! What is under way is of before a change: its result does not count. */
void ms_outlook_forget(ms_process_t *process);
/*! Something has changed: look at once. */
void ms_outlook_anew(ms_process_t *process, ms_now_t now);
