/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdnssec/error.h>
#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "agent/worker.h"
#include "base/text.h"
#include "core/admit.h"

/* A message of ours on its way, or waiting for a free exchange. */
struct ms_sending {
	struct ms_sending *next;
	uint64_t id;
	knot_dname_storage_t identity;
	ms_locator_t *to;
	ms_msg_t *msg;           /* NULL once it is sent. */
	bool tcp;
	unsigned tries;
	int64_t first_timeout;
	uint8_t *request;        /* As sent: the answer's signature covers it. */
	size_t request_len;
	uint16_t unsigned_rcode; /* What somebody said without proof. */
	int verdict;             /* On the answer that counts. */
	ms_msg_t *answer;
};

typedef struct ms_sending sending_t;

static void append(ms_sendings_t *list, sending_t *sending)
{
	sending->next = NULL;
	*list->end = sending;
	list->end = &sending->next;
}

static void unlink_from(ms_sendings_t *list, sending_t *sending)
{
	sending_t **at = &list->first;
	while (*at != sending) {
		at = &(*at)->next;
	}
	*at = sending->next;
	if (list->end == &sending->next) {
		list->end = at;
	}
}

static void free_sending(sending_t *sending)
{
	free(sending->to);
	ms_msg_free(sending->msg);
	ms_msg_free(sending->answer);
	free(sending->request);
	free(sending);
}

static void free_list(ms_sendings_t *list)
{
	while (list->first != NULL) {
		sending_t *next = list->first->next;
		free_sending(list->first);
		list->first = next;
	}
}

static sending_t *find(const ms_runtime_t *runtime, uint64_t id)
{
	sending_t *sending = runtime->sender.under_way.first;
	while (sending != NULL && sending->id != id) {
		sending = sending->next;
	}
	return sending;
}

/* Says how it went; \a sending is gone then. */
static void report(ms_runtime_t *runtime, sending_t *sending, int ret, const char *why)
{
	ms_event_t *event = ms_event_new(MS_EV_ANSWERED);
	if (event != NULL) {
		event->id = sending->id;
		event->ret = ret;
		ms_text_copy(event->reason, why, sizeof(event->reason));
		if (ret == KNOT_EOK) {
			event->answer = sending->answer;
			sending->answer = NULL;
		}
	}
	ms_worker_result(runtime, event);
	free_sending(sending);
}

static bool on_accept(void *ctx, uint64_t id, const uint8_t *wire, size_t len)
{
	ms_runtime_t *runtime = ctx;
	sending_t *sending = find(runtime, id);
	if (sending == NULL) {
		return false;
	}
	ms_msg_t *answer = NULL;
	int ret = ms_admit_answer(sending->to, sending->identity, &runtime->agent.config.codes,
	                          sending->request, sending->request_len, wire, len,
	                          ms_clock().wall, &answer);
	if (ret == KNOT_EDENIED) {
		sending->unsigned_rcode = knot_wire_get_rcode(wire);
		return false;
	}
	ms_msg_free(sending->answer);
	sending->answer = answer;
	sending->verdict = ret;
	return true;
}

static void on_done(void *ctx, uint64_t id, int ret, const uint8_t *wire, size_t len)
{
	ms_runtime_t *runtime = ctx;
	sending_t *sending = find(runtime, id);
	if (sending == NULL) {
		return;
	}
	unlink_from(&runtime->sender.under_way, sending);
	char why[MS_REASON_MAX + 1] = "";
	switch (ret) {
	case KNOT_EOK:
		ret = sending->verdict;
		ms_text_copy(why, ret == KNOT_EMALF ? "the answer is malformed" : "", sizeof(why));
		break;
	case KNOT_ETIMEOUT:
		ms_text_copy(why, "no answer", sizeof(why));
		break;
	case KNOT_EDENIED:
		(void)snprintf(why, sizeof(why), "%s (unsigned answer)",
		               sending->unsigned_rcode == KNOT_RCODE_REFUSED
		               ? "refused" : ms_rcode_name(sending->unsigned_rcode));
		break;
	default:
		ms_text_copy(why, "no address can be reached", sizeof(why));
		break;
	}
	report(runtime, sending, ret, why);
}

/* Signed at the last moment: the time window of the signature begins now. */
static int build(ms_runtime_t *runtime, sending_t *sending, ms_now_t now)
{
	uint8_t wire[MS_MESSAGE_MAX];
	int ret = dnssec_random_buffer((uint8_t *)&sending->msg->id, sizeof(sending->msg->id));
	if (ret != DNSSEC_EOK) {
		return knot_error_from_libdnssec(ret);
	}
	int len = ms_message_build(sending->msg, &runtime->agent.config.codes, wire,
	                           sizeof(wire) - MS_SIG0_MAX);
	if (len > 0) {
		len = ms_sig0_sign(&runtime->setup->key, wire, len, sizeof(wire), NULL, 0, now.wall.s);
	}
	if (len <= 0) {
		return len;
	}
	sending->request = malloc(len);
	if (sending->request == NULL) {
		return KNOT_ENOMEM;
	}
	memcpy(sending->request, wire, len);
	sending->request_len = len;
	ms_msg_free(sending->msg);
	sending->msg = NULL;
	return KNOT_EOK;
}

static void start(ms_runtime_t *runtime, sending_t *sending, ms_now_t now)
{
	int ret = build(runtime, sending, now);
	if (ret == KNOT_EOK) {
		ms_request_t request = {
			.id = sending->id,
			.wire = sending->request, .len = sending->request_len,
			.addrs = sending->to->addr, .addr_count = sending->to->addr_count,
			.tcp = sending->tcp, .tries = sending->tries,
			.first_timeout = sending->first_timeout,
		};
		ret = ms_exchange_send(runtime->sender.exchange, &request, now);
	}
	if (ret == KNOT_EOK) {
		append(&runtime->sender.under_way, sending);
	} else {
		report(runtime, sending, ret, knot_strerror(ret));
	}
}

static void start_waiting(ms_runtime_t *runtime, ms_now_t now)
{
	ms_sender_t *sender = &runtime->sender;
	while (sender->waiting.first != NULL &&
	       ms_exchange_count(sender->exchange) < MS_EXCHANGE_MAX) {
		sending_t *sending = sender->waiting.first;
		unlink_from(&sender->waiting, sending);
		start(runtime, sending, now);
	}
}

void ms_sender_send(ms_runtime_t *runtime, ms_action_t *action, ms_now_t now)
{
	sending_t *sending = calloc(1, sizeof(*sending));
	if (sending == NULL) {
		ms_event_t *event = ms_event_new(MS_EV_ANSWERED);
		if (event != NULL) {
			event->id = action->id;
			event->ret = KNOT_ENOMEM;
		}
		ms_worker_result(runtime, event);
		return;
	}
	sending->id = action->id;
	ms_name_copy(sending->identity, action->send.identity);
	sending->to = action->send.to;
	sending->msg = action->send.msg;
	sending->tcp = action->send.tcp;
	sending->tries = action->send.tries;
	sending->first_timeout = action->send.first_timeout;
	action->send.to = NULL;
	action->send.msg = NULL;
	append(&runtime->sender.waiting, sending);
	start_waiting(runtime, now);
}

int ms_sender_init(ms_runtime_t *runtime)
{
	ms_sender_t *sender = &runtime->sender;
	const ms_exchange_calls_t calls = { .accept = on_accept, .done = on_done, .ctx = runtime };
	sender->under_way.end = &sender->under_way.first;
	sender->waiting.end = &sender->waiting.first;
	return ms_exchange_new(&calls, &sender->exchange);
}

void ms_sender_deinit(ms_runtime_t *runtime)
{
	ms_sender_t *sender = &runtime->sender;
	ms_exchange_free(sender->exchange);
	free_list(&sender->under_way);
	free_list(&sender->waiting);
	*sender = (ms_sender_t){ 0 };
}

int ms_sender_fd(const ms_runtime_t *runtime)
{
	return ms_exchange_fd(runtime->sender.exchange);
}

ms_time_t ms_sender_deadline(const ms_runtime_t *runtime)
{
	return ms_exchange_deadline(runtime->sender.exchange);
}

void ms_sender_work(ms_runtime_t *runtime, bool readable, ms_now_t now)
{
	if (readable || ms_time_due(ms_sender_deadline(runtime), now.mono)) {
		ms_exchange_work(runtime->sender.exchange, now);
	}
	start_waiting(runtime, now);
}
