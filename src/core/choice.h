/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Which process is wanted (the first of the three questions): by the HSYNC RRset, by rolls that are due or
 * ordered, and by what the others have begun. Everybody comes to the same one: the order is JOIN before
 * LEAVE before rolls, then by the subject's name.
 */
#pragma once

#include "core/process.h"

typedef struct {
	ms_process_kind_t kind;
	const knot_dname_t *subject;  /*!< Borrowed; NULL: the group. */
} ms_choice_t;

typedef enum {
	MS_CHOICE_STAY,   /*!< Go on as it is. */
	MS_CHOICE_DROP,   /*!< The running one is not wanted any more. */
	MS_CHOICE_BEGIN,  /*!< *out is to be begun. */
	MS_CHOICE_NOT,    /*!< Something is wanted, and may not be. */
} ms_verdict_choice_t;

ms_verdict_choice_t ms_choice_make(const ms_agent_t *agent, const ms_zone_t *zone, ms_choice_t *out,
                                   char why[MS_WHY_MAX]);
/*! The running process is given up: what it has changed already. */
int ms_choice_dropped(ms_zone_t *zone, ms_actions_t *out);
/*! The running process has come to its end: what holds from now on. */
int ms_choice_done(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out);
