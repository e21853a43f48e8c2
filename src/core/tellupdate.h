/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the answer of a parent's receiver means (J-29, L-08..L-12, L-22, X-30, X-32, X-33): the conversation
 * of inquiry, bootstrap and UPDATE, and the single NOTIFY, without clock and counters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"

typedef struct {
	bool answered;       /*!< Something came. */
	uint16_t rcode;
	int32_t ede;         /*!< -1: none. */
	int16_t keystate;    /*!< With the receiver's good signature; -1: none. */
} ms_tell_answer_t;

typedef enum {
	MS_TOLD_INQUIRE,     /*!< Next: inquire … */
	MS_TOLD_BOOTSTRAP,   /*!< … give it our key … */
	MS_TOLD_UPDATE,      /*!< … tell it the change. */
	MS_TOLD_NEXT_LAST = MS_TOLD_UPDATE,
	MS_TOLD_ACCEPTED,
	MS_TOLD_WAIT,        /*!< The same later: it is at work, without end. */
	MS_TOLD_RETRY,       /*!< The same later, some times. */
	MS_TOLD_STOP,        /*!< Only a person can go on. */
} ms_tell_verdict_t;

/*! \param bootstraps  Done already in this round: one more is the most (L-10). */
ms_tell_verdict_t ms_tell_judge(ms_tell_step_t step, const ms_tell_answer_t *answer,
                                unsigned bootstraps);
/*! "NOTIFY", "KeyState inquiry", … */
const char *ms_tell_step_name(ms_tell_step_t step);
const char *ms_tell_verdict_name(ms_tell_verdict_t verdict);
