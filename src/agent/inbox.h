/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * How other threads tell the worker something: a bounded queue of events. Locked to push and to
 * take only; events are worked on outside the lock. A readable eventfd says that there are some.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "core/event.h"

/*! Messages and snapshots waiting: six of each for 10,000 zones, some 50 MB at worst. */
#define MS_INBOX_MAX 65536

/*! Events in the order in which they came. Zero-initialised = empty. */
typedef struct {
	size_t count;
	size_t room;
	ms_event_t **list;
} ms_batch_t;

typedef struct {
	pthread_mutex_t lock;
	int wake;                 /*!< eventfd, for poll(POLLIN). */
	size_t limit;
	ms_batch_t waiting;
} ms_inbox_t;

/*! An empty event of \a kind on the heap; NULL: no memory. */
ms_event_t *ms_event_new(ms_event_kind_t kind);
/*! Frees it and what it still owns. NULL is fine. */
void ms_event_free(ms_event_t *event);

/*! Appends; takes \a event on success only. \retval KNOT_ENOMEM */
int ms_batch_add(ms_batch_t *batch, ms_event_t *event);
/*! Frees the events and the list. */
void ms_batch_deinit(ms_batch_t *batch);

/*! \retval KNOT_ENOMEM, KNOT_ERROR (no eventfd) */
int ms_inbox_init(ms_inbox_t *inbox, size_t limit);
/*! Frees what nobody took. No other thread may use it any more. */
void ms_inbox_deinit(ms_inbox_t *inbox);

/*!
 * For what may be lost: somebody will ask again. Takes \a event on success only.
 * \retval KNOT_ELIMIT  The inbox is full.
 * \retval KNOT_ENOMEM
 */
int ms_inbox_push(ms_inbox_t *inbox, ms_event_t *event);
/*! For what must not be lost and is bounded elsewhere (zones, jobs): knows no limit. */
int ms_inbox_push_sure(ms_inbox_t *inbox, ms_event_t *event);
/*! Wakes the worker without an event. */
void ms_inbox_wake(ms_inbox_t *inbox);

/*! Moves all events into \a batch, which must hold none (its list is reused), and calms wake. */
void ms_inbox_take(ms_inbox_t *inbox, ms_batch_t *batch);
