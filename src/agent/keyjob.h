/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One attempt at an operation on the keys of a zone (MS_ACT_KEYS): keymgr lists and changes, knotd
 * loads. What is done at each moment is decided by agent/keyplan from a fresh list, so a further
 * attempt goes on where the one before had to stop, even if that was between keymgr and knotd.
 */
#pragma once

#include "agent/job.h"

/*! New keys that are made and thrown away because their tags are taken, before we give up: by
 *  chance one in eight hundred is. */
#define MS_KEYJOB_TRIES 8

/*! As ms_job_do(). Blocks some 20 ms for a move, a second where a key became active in this one. */
void ms_keyjob_do(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event);
