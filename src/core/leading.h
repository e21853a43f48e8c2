/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Leader/follower: the mode of a process in a group in which not all can do without a leader (C-20, F-02,
 * F-04, F-06, F-07). It is chosen before the first step is left and kept until the process ends (C-21).
 *
 * All that take part vote, as core/election has it. The leader leaves a step as in peer mode, once it is
 * elected; the others leave it after the leader has, and only if their own questions say yes, too: a leader
 * can hold a process up, and cannot push anybody past a wait, or to what HSYNC does not say (P-25). Steps
 * that only the subject can judge go by the subject in both modes.
 *
 * One member votes also where it runs no process in this mode, as long as another one asks: so nobody waits
 * for a vote that does not come.
 */
#pragma once

#include "core/process.h"

/*! Between two terms that we enter: who does not hear whom is not found out faster. */
#define MS_LEADING_PACE  MS_SEC
/*! While there is a leader, it is looked at so often whether it is still heard. */
#define MS_LEADING_WATCH (5 * MS_SEC)
/*! After a start, time for the others to be heard before one of them counts as lost. */
#define MS_LEADING_GRACE (15 * MS_SEC)

/*! Chooses the mode, votes. Level-triggered, safe to call any time; before ms_leading_may(). */
void ms_leading_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
/*! Earliest moment at which ms_leading_settle() would do something. */
ms_time_t ms_leading_deadline(const ms_zone_t *zone);
/*! May this step be left, as far as the leader is concerned? \param why  Out, if not. */
bool ms_leading_may(const ms_zone_t *zone, const ms_step_row_t *row, char why[MS_WHY_MAX]);
/*! Item 10 of a state: what another one tells, … */
void ms_leading_learn(ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state);
/*! … and ours. */
void ms_leading_tell(const ms_zone_t *zone, ms_state_t *out);
