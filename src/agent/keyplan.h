/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What is still to be done for an operation on keys (ms_keys_op_t), one move at a time: from the
 * list of keys as it is, so that an operation that was interrupted goes on where it was, and one that
 * is done already asks for nothing. Pure.
 *
 * "Old" and "new" are seen in the list: the newest of a role is the active key whose `active` is the
 * latest; a key that has no `active` is a new one.
 */
#pragma once

#include "core/action.h"
#include "io/keymgr.h"

typedef enum {
	MS_MOVE_NONE,        /*!< All is as it shall be. */
	MS_MOVE_GENERATE,
	MS_MOVE_SET,
	MS_MOVE_DELETE,
} ms_move_kind_t;

/*! Timers, bits of \a timers: all that one move sets get the same moment. */
typedef enum {
	MS_TIMER_PRE_ACTIVE    = 1 << 0,
	MS_TIMER_PUBLISH       = 1 << 1,
	MS_TIMER_ACTIVE        = 1 << 2,
	MS_TIMER_RETIRE_ACTIVE = 1 << 3,
	MS_TIMER_RETIRE        = 1 << 4,
	MS_TIMER_POST_ACTIVE   = 1 << 5,
	MS_TIMER_REMOVE        = 1 << 6,
} ms_timer_t;
#define MS_TIMERS 7

typedef struct {
	ms_move_kind_t kind;
	ms_keymgr_new_t make;     /*!< GENERATE. */
	char id[MS_KEYID_ROOM];   /*!< SET, DELETE. */
	unsigned timers;          /*!< SET: bits MS_TIMER_x, set to now. */
} ms_move_t;

/*!
 * \param action  MS_ACT_KEYS.
 * \param why     Set where not KNOT_EOK: why it is not possible, a phrase.
 * \retval KNOT_ENOENT  A key that would have to be there first is not.
 * \retval KNOT_EINVAL  The action makes no sense.
 */
int ms_keyplan_next(const ms_action_t *action, const ms_keys_t *have, ms_move_t *out,
                    const char **why);
