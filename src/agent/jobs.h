/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What may take a while: zone editing over knotd's control socket and Knot's key manager, each done
 * by a thread of its own so that the worker goes on answering while somebody else holds the socket,
 * and ten thousand lists of keys do not hold up an edit; and, in another instance, errands to other
 * servers (agent/errand.h). Each job ends as one event in the inbox, unless the engine stops before.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "agent/inbox.h"
#include "agent/runtime.h"
#include "core/action.h"
#include "io/enquiry.h"

/*! The core has at most one edit and one question about keys under way per zone. */
#define MS_JOBS_MAX 65536
/*! A busy knotd is asked again after this pause, doubled each time, for that long at most; jobs
 *  of other zones go on meanwhile. Microseconds. */
#define MS_JOBS_PAUSE (50 * MS_MSEC)
#define MS_JOBS_BUSY  (5 * MS_SEC)

struct ms_job;

struct ms_jobs;

/*! Jobs of one kind, in the order in which they came, and who does them. */
typedef struct {
	struct ms_jobs *jobs;
	struct ms_job *first;
	struct ms_job *last;
	pthread_cond_t wake;
	pthread_t thread;
	bool running;
} ms_job_queue_t;

typedef struct ms_jobs {
	pthread_mutex_t lock;
	atomic_bool stop;
	size_t count;
	ms_job_queue_t edits;    /*!< All that goes over the control socket, but what new keys need. */
	ms_job_queue_t keys;
	char *control;           /*!< Paths. */
	char *kasp_db;
	char *parent_key;
	uint16_t keystate_code;
	ms_addr_t combiner;
	ms_tsig_key_t combiner_key;
	ms_enquirer_t *enquirer; /*!< The thread's own … */
	ms_enquirer_t *next;     /*!< … and the one to be used instead, or NULL. */
	ms_inbox_t *inbox;       /*!< Borrowed. */
} ms_jobs_t;

/*! \retval KNOT_ENOMEM */
int ms_jobs_init(ms_jobs_t *jobs, ms_inbox_t *inbox, const ms_settings_t *settings);
/*! Drops what is left; the threads must be joined. */
void ms_jobs_deinit(ms_jobs_t *jobs);
/*! Paths and combiner for the jobs that begin from now on; copied. */
int ms_jobs_configure(ms_jobs_t *jobs, const ms_settings_t *settings);

/*! Starts the threads, with all signals blocked. \retval KNOT_ERROR */
int ms_jobs_start(ms_jobs_t *jobs);
/*! Tells them to end, after the step under way at the latest. Does not wait. */
void ms_jobs_stop(ms_jobs_t *jobs);

/*! Waits for their end. \return false: \a until (civil time) has come before. */
bool ms_jobs_join(ms_jobs_t *jobs, const struct timespec *until);

/*! Kind of the event that an action ends with. */
ms_event_kind_t ms_jobs_result(ms_action_kind_t kind);
/*!
 * Queues an action; takes its content on success (and empties it).
 * \retval KNOT_ELIMIT, KNOT_ENOMEM
 */
int ms_jobs_add(ms_jobs_t *jobs, ms_action_t *action);
