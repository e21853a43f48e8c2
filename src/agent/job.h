/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One attempt at a job: an edit of a zone, here or by our combiner, or a question or order to
 * Knot's key manager. Blocks; runs in a job thread. A further attempt goes on where the one before
 * had to stop.
 */
#pragma once

#include <stdatomic.h>

#include "core/action.h"
#include "core/event.h"
#include "io/ctl.h"
#include "io/enquiry.h"
#include "wire/locator.h"
#include "wire/tsig.h"

/*! A job's surroundings: the paths do not change under it. */
typedef struct {
	const atomic_bool *stop;
	char *control;
	char *kasp_db;
	ms_addr_t combiner;
	ms_tsig_key_t combiner_key;
	char *parent_key;                /*!< Path. */
	uint16_t keystate_code;
	ms_enquirer_t *enquirer;         /*!< Borrowed. */
	char reason[MS_CTL_REASON_MAX];  /*!< Of the last failure. */
} ms_desk_t;

/*!
 * Does an action of those that take a while; fills everything but the id of \a event, which is new or from an
 * attempt that ended with KNOT_EBUSY.
 */
void ms_job_do(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event);
