/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What blocks, done by a pool of threads: surveys of children, edits of parent zones, programs, error
 * reports. Each task ends as an event in the engine's inbox.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "io/names.h"
#include "io/probe.h"
#include "wire/survey.h"

/*! Tasks that wait, some ten kilobytes each. */
#define MS_TASKS_MAX 4096
#define MS_TASK_TEXT_MAX 256
/*! Longest run of the operator's program, milliseconds. */
#define MS_TASK_COMMAND_MS 30000

struct ms_rx_setup;

typedef enum {
	MS_TASK_SURVEY,
	MS_TASK_APPLY,
	MS_TASK_PUBLISH,
	MS_TASK_LIST,
	MS_TASK_REPORT,
} ms_task_kind_t;

typedef struct ms_task {
	struct ms_task *next;
	uint8_t kind;                  /*!< ms_task_kind_t. */
	uint64_t id;                   /*!< Of the child; 0: none. */
	struct ms_rx_setup *setup;     /*!< Counted. */
	knot_dname_storage_t parent;
	knot_dname_storage_t child;    /*!< REPORT: the name to ask. */
	bool want_key, want_signals, udp;
	ms_survey_t *survey;           /*!< SURVEY: owned. */
	ms_deleg_t before, after;      /*!< APPLY: owned. */
	ms_names_t names;              /*!< LIST: owned. */
	int ret;
	char text[MS_TASK_TEXT_MAX];   /*!< Why not KNOT_EOK. */
} ms_task_t;

typedef struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop;
	unsigned thread_count;
	pthread_t *threads;
	size_t count;
	ms_task_t *first, **last;
	void (*done)(void *ctx, ms_task_t *task); /*!< Takes the task; called by the threads. */
	void *ctx;
} ms_pool_t;

/*! NULL: no memory. */
ms_task_t *ms_task_new(ms_task_kind_t kind, struct ms_rx_setup *setup);
void ms_task_free(ms_task_t *task);
/*! Does it, whatever it is. */
void ms_task_do(ms_task_t *task, const atomic_bool *stop);

int ms_pool_init(ms_pool_t *pool, void (*done)(void *, ms_task_t *), void *ctx);
int ms_pool_start(ms_pool_t *pool, unsigned threads);
/*! How many wait. */
size_t ms_pool_waiting(ms_pool_t *pool);
/*! Takes \a task on success. \retval KNOT_ELIMIT */
int ms_pool_add(ms_pool_t *pool, ms_task_t *task);
void ms_pool_stop(ms_pool_t *pool);
/*! Waits for the threads until then. \return false: one hangs; nothing may be freed. */
bool ms_pool_join(ms_pool_t *pool, const struct timespec *until);
void ms_pool_deinit(ms_pool_t *pool);
