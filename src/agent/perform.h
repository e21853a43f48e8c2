/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * From actions to effects: one synced transaction for everything durable, then the view, then what
 * others will notice. So nothing is confirmed or sent that a crash could forget.
 */
#pragma once

#include "agent/worker.h"

/*! From one commit to the next in a rush: twenty synced ones a second are nothing to a disk, and a
 *  hundred zones share each. */
#define MS_COMMIT_PACE (50 * MS_MSEC)

/*!
 * Performs what one round of events asked for and clears the list. Answers come as events: of
 * what fails at once in the next round, of the rest when they are there.
 */
void ms_perform(ms_runtime_t *runtime, ms_actions_t *actions, ms_now_t now);

/*! Shows the agent's state to the hooks if anything of it has changed. */
void ms_perform_publish(ms_runtime_t *runtime, ms_now_t now);
