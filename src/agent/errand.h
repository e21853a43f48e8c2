/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One job outside of our own server: asking name servers, the parent and its DSYNC, and telling the
 * parent. Blocks; runs in the errand thread, so that dead servers hold up no edit.
 */
#pragma once

#include "agent/job.h"

/*! Does an OBSERVE, DISCOVER or TELL_PARENT; fills everything but the id of \a event. */
void ms_errand_do(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event);
