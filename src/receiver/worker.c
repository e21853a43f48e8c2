/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "receiver/engine.h"

/* Longest sleep, milliseconds; also how late a look may begin. */
#define SLEEP_MAX 100
/* Statistics go to knotd this often. */
#define TICK (500 * MS_MSEC)

static void show_stats(ms_receiver_t *rx)
{
	uint64_t counters[MS_RX_CTRS];
	for (int i = 0; i < MS_RX_CTRS; i++) {
		counters[i] = __atomic_load_n(&rx->counter[i], __ATOMIC_RELAXED);
	}
	pthread_mutex_lock(&rx->sink_lock);
	if (rx->sinks != NULL && rx->sinks->sink.stats != NULL) {
		rx->sinks->sink.stats(rx->sinks->sink.ctx, counters);
	}
	pthread_mutex_unlock(&rx->sink_lock);
}

static void take_setup(ms_receiver_t *rx, ms_now_t now)
{
	pthread_mutex_lock(&rx->lock);
	ms_rx_setup_t *setup = rx->pending;
	rx->pending = NULL;
	pthread_mutex_unlock(&rx->lock);
	if (setup == NULL) {
		return;
	}
	ms_rx_setup_unref(rx->setup);
	rx->setup = setup;
	for (unsigned i = 0; i < rx->own_count; i++) {
		rx->own[i].published = false;
		rx->own[i].publish_at = now.mono;
	}
	ms_zones_hands(rx, now);
}

static void take_message(ms_receiver_t *rx, ms_rx_event_t *event, ms_now_t now)
{
	ms_waiter_t *waiter = event->waiter;
	ms_envelope_t envelope;
	event->waiter = NULL;
	/* The hook has parsed it before: it parses. */
	if (ms_envelope_parse(waiter->request, waiter->request_len,
	                      rx->setup->settings.keystate_code, &envelope) != KNOT_EOK) {
		ms_waiter_free(waiter);
		return;
	}
	if (envelope.opcode == KNOT_OPCODE_UPDATE) {
		ms_update_receive(rx, waiter, &envelope, event->parent, now);
		return;
	}
	if (envelope.opcode == KNOT_OPCODE_QUERY && envelope.has_keystate) {
		ms_inquiry_receive(rx, waiter, &envelope, now);
		return;
	}
	if (envelope.opcode == KNOT_OPCODE_QUERY) {
		ms_status_receive(rx, waiter, &envelope, now);
		return;
	}
	ms_cut_t *cut = ms_cuts_get(rx, envelope.qname, event->parent, now);
	if (cut == NULL) {
		ms_answer_send(rx, waiter, &envelope, KNOT_RCODE_SERVFAIL, NULL, NULL, now);
		return;
	}
	if (envelope.has_channel) {
		memcpy(cut->channel, envelope.channel, sizeof(cut->channel));
	}
	bool within = !cut->confirmed || ms_rx_within(rx, &rx->notify_child, cut->row.child, now);
	if (cut->confirmed) {
		/* Acknowledged in any case (RFC 9859 section 4.3). */
		static const ms_verdict_t blocked = { .ede = MS_EDE_BLOCKED };
		ms_answer_send(rx, waiter, &envelope, KNOT_RCODE_NOERROR, within ? NULL : &blocked, NULL,
		               now);
	} else {
		waiter->next = cut->notifies;
		cut->notifies = waiter;
	}
	if (within) {
		ms_look_hint(rx, cut, now);
	}
}

static void take_task(ms_receiver_t *rx, ms_rx_event_t *event, ms_now_t now)
{
	ms_task_t *task = event->task;
	switch (task->kind) {
	case MS_TASK_SURVEY:
		ms_look_surveyed(rx, task, now);
		break;
	case MS_TASK_APPLY:
		ms_look_applied(rx, task, now);
		break;
	case MS_TASK_PUBLISH:
	case MS_TASK_LIST:
		ms_zones_done(rx, task, now);
		break;
	case MS_TASK_REPORT:
		break;
	}
}

static void take_events(ms_receiver_t *rx, ms_now_t now)
{
	uint64_t count;
	(void)!read(rx->wake, &count, sizeof(count));
	pthread_mutex_lock(&rx->lock);
	ms_rx_event_t *event = rx->first;
	rx->first = NULL;
	rx->last = &rx->first;
	rx->waiting = 0;
	pthread_mutex_unlock(&rx->lock);
	while (event != NULL) {
		ms_rx_event_t *next = event->next;
		if (event->waiter != NULL) {
			take_message(rx, event, now);
		} else {
			take_task(rx, event, now);
		}
		ms_rx_event_free(event);
		event = next;
	}
}

static void run_children(ms_receiver_t *rx, ms_now_t now)
{
	for (size_t i = 0; i < MS_RX_CHAINS; i++) {
		for (ms_cut_t *cut = rx->chains[i], *next; cut != NULL; cut = next) {
			next = cut->chain;
			ms_look_run(rx, cut, now);
		}
	}
}

static void await(ms_receiver_t *rx)
{
	struct pollfd fds[] = {
		{ .fd = rx->wake, .events = POLLIN },
		{ .fd = ms_exchange_fd(rx->exchange), .events = POLLIN },
	};
	(void)poll(fds, 2, SLEEP_MAX);
}

static void *run(void *ctx)
{
	ms_receiver_t *rx = ctx;
	while (!atomic_load(&rx->stop)) {
		ms_now_t now = ms_clock();
		take_setup(rx, now);
		ms_zones_sync(rx, now);
		take_events(rx, now);
		ms_exchange_work(rx->exchange, now);
		ms_zones_run(rx, now);
		run_children(rx, now);
		if (ms_time_due(rx->tick_at, now.mono)) {
			rx->tick_at = ms_time_add(now.mono, TICK);
			show_stats(rx);
		}
		await(rx);
	}
	return NULL;
}

/* Our own server, over an unsigned datagram on loopback: any answer that fits counts. */
static bool on_accept(void *ctx, uint64_t id, const uint8_t *wire, size_t len)
{
	(void)ctx;
	(void)id;
	(void)wire;
	(void)len;
	return true;
}

static void on_done(void *ctx, uint64_t id, int ret, const uint8_t *wire, size_t len)
{
	ms_look_delegation(ctx, id, ret == KNOT_EOK ? wire : NULL, len, ms_clock());
}

int ms_rx_worker_init(ms_receiver_t *rx, char error[MS_RX_ERROR_MAX])
{
	ms_exchange_calls_t calls = { .accept = on_accept, .done = on_done, .ctx = rx };
	int ret = ms_exchange_new(&calls, &rx->exchange);
	if (ret == KNOT_EOK) {
		ret = ms_replay_ring_init(&rx->replay);
	}
	if (ret == KNOT_EOK) {
		ret = ms_cuts_load(rx, error);
	}
	if (ret == KNOT_EOK) {
		ms_zones_hands(rx, ms_clock());
	}
	return ret;
}

void ms_rx_worker_deinit(ms_receiver_t *rx)
{
	ms_cuts_clear(rx);
	ms_exchange_free(rx->exchange);
	ms_replay_ring_deinit(&rx->replay);
	ms_db_close(rx->db);
}

int ms_rx_worker_start(ms_receiver_t *rx)
{
	int ret = ms_thread_start(&rx->thread, run, rx);
	rx->working = ret == KNOT_EOK;
	return ret;
}
