/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/inbox.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libknot/errcode.h>

/* Most batches are small; the list grows by doubling from here. */
#define BATCH_ROOM 64

ms_event_t *ms_event_new(ms_event_kind_t kind)
{
	ms_event_t *event = calloc(1, sizeof(*event));
	if (event != NULL) {
		event->kind = kind;
	}
	return event;
}

void ms_event_free(ms_event_t *event)
{
	if (event != NULL) {
		ms_event_clear(event);
		free(event);
	}
}

int ms_batch_add(ms_batch_t *batch, ms_event_t *event)
{
	if (batch->count == batch->room) {
		size_t room = batch->room > 0 ? 2 * batch->room : BATCH_ROOM;
		ms_event_t **list = realloc(batch->list, room * sizeof(*list));
		if (list == NULL) {
			return KNOT_ENOMEM;
		}
		batch->list = list;
		batch->room = room;
	}
	batch->list[batch->count++] = event;
	return KNOT_EOK;
}

void ms_batch_deinit(ms_batch_t *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		ms_event_free(batch->list[i]);
	}
	free(batch->list);
	*batch = (ms_batch_t){ 0 };
}

int ms_inbox_init(ms_inbox_t *inbox, size_t limit)
{
	int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wake < 0) {
		return KNOT_ERROR;
	}
	if (pthread_mutex_init(&inbox->lock, NULL) != 0) {
		close(wake);
		return KNOT_ENOMEM;
	}
	inbox->wake = wake;
	inbox->limit = limit;
	inbox->waiting = (ms_batch_t){ 0 };
	return KNOT_EOK;
}

void ms_inbox_deinit(ms_inbox_t *inbox)
{
	ms_batch_deinit(&inbox->waiting);
	pthread_mutex_destroy(&inbox->lock);
	close(inbox->wake);
	inbox->wake = -1;
}

void ms_inbox_wake(ms_inbox_t *inbox)
{
	/* Fails only where the counter is full, and then the worker is awake anyway. */
	uint64_t one = 1;
	ssize_t written = write(inbox->wake, &one, sizeof(one));
	(void)written;
}

static int push(ms_inbox_t *inbox, ms_event_t *event, size_t limit)
{
	pthread_mutex_lock(&inbox->lock);
	bool first = inbox->waiting.count == 0;
	int ret = inbox->waiting.count < limit ? ms_batch_add(&inbox->waiting, event)
	                                       : KNOT_ELIMIT;
	pthread_mutex_unlock(&inbox->lock);
	if (ret == KNOT_EOK && first) {
		ms_inbox_wake(inbox);
	}
	return ret;
}

int ms_inbox_push(ms_inbox_t *inbox, ms_event_t *event)
{
	return push(inbox, event, inbox->limit);
}

int ms_inbox_push_sure(ms_inbox_t *inbox, ms_event_t *event)
{
	return push(inbox, event, SIZE_MAX);
}

void ms_inbox_take(ms_inbox_t *inbox, ms_batch_t *batch)
{
	/* Calmed first: what is pushed from here on either comes along or wakes again. */
	uint64_t pushed;
	ssize_t got = read(inbox->wake, &pushed, sizeof(pushed));
	(void)got;

	pthread_mutex_lock(&inbox->lock);
	ms_batch_t taken = inbox->waiting;
	inbox->waiting = *batch;
	inbox->waiting.count = 0;
	pthread_mutex_unlock(&inbox->lock);
	*batch = taken;
}
