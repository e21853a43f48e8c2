/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The inside of an engine, for the files of this folder: what hooks and threads share, and the
 * worker, the one owner of everything that changes.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/inbox.h"
#include "agent/jobs.h"
#include "agent/publish.h"
#include "agent/reply.h"
#include "agent/runtime.h"
#include "agent/sender.h"
#include "core/model.h"
#include "core/replay.h"
#include "io/clock.h"
#include "io/db.h"
#include "io/thread.h"
#include "wire/sig0.h"

/*! A configuration with its key. */
typedef struct {
	ms_settings_t settings;          /*!< Its NS set is owned. */
	ms_sig0_key_t key;
} ms_setup_t;

typedef struct ms_sink_row {
	struct ms_sink_row *next;
	ms_sink_t sink;
} ms_sink_row_t;

struct ms_runtime {
	/* Under the registry's lock. */
	struct ms_runtime *next;
	unsigned refs;
	char storage[MS_PATH_MAX];

	ms_wall_t began;

	/* Between hooks and worker; each part knows how. */
	ms_publish_t publish;
	ms_slots_t slots;                /*!< Changed under \a lock. */
	ms_inbox_t inbox;
	ms_replies_t replies;
	pthread_mutex_t replay_lock;
	ms_replay_cache_t replay;
	uint64_t admitted[MS_ADMIT_VERDICTS]; /*!< Atomic. */
	uint64_t replayed;                    /*!< Atomic. */
	uint64_t gated;                       /*!< Atomic. */

	/* Between instances and worker. */
	pthread_mutex_t lock;
	ms_setup_t *pending;             /*!< Newest settings, not taken over yet; under \a lock. */
	pthread_mutex_t sink_lock;
	ms_sink_row_t *sinks;            /*!< Newest first: that one is used. */
	atomic_bool stop;
	bool working;
	pthread_t thread;
	ms_jobs_t jobs;
	ms_jobs_t errands;               /*!< To other servers. */

	/* The worker's own. */
	ms_setup_t *setup;
	ms_db_t *db;
	bool agent_ready;
	ms_agent_t agent;
	ms_sender_t sender;
	struct ms_remote *remote;        /*!< agent/remote.c. */
	ms_actions_t actions;
	ms_batch_t results;              /*!< Events of our own making, for the next round. */
	bool store_failed;
	ms_time_t commit_at;         /*!< How far ahead of its pace the store is. */
	bool store_lost;               /*!< It was damaged: this one is new. */
	uint64_t counter[MS_CTR_COUNT];
	uint64_t reported[MS_ADMIT_VERDICTS]; /*!< Refusals that the log knows of. */
	ms_time_t tick_at;
	unsigned events_tick;            /*!< Handled since the last tick … */
	unsigned events;                 /*!< … and before it, since memory was last given back. */
	ms_time_t report_at;
};

void ms_setup_free(ms_setup_t *setup);

/*!
 * Reads the store, publishes the first view and opens the sockets; setup and db are there. Called
 * before the threads run. \param error  One sentence.
 */
int ms_worker_init(ms_runtime_t *runtime, uint64_t seed, char error[MS_ERROR_MAX]);
/*! Frees the worker's own, also half-made. No thread runs. */
void ms_worker_deinit(ms_runtime_t *runtime);
int ms_worker_start(ms_runtime_t *runtime);

/*! To whoever listens now. */
void ms_worker_log(ms_runtime_t *runtime, ms_log_level_t level, const char *line);
/*! Puts a result into the next round; takes \a event in any case (NULL is fine). */
void ms_worker_result(ms_runtime_t *runtime, ms_event_t *event);
