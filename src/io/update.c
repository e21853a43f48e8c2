/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/update.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libdnssec/error.h>
#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "io/clock.h"
#include "wire/message.h"
#include "wire/update.h"

/* How late the stop flag may be noticed. */
#define SLICE_MS 100

typedef struct {
	int fd;
	int64_t deadline;          /* Milliseconds; of the step under way. */
	const atomic_bool *stop;
	const ms_tsig_key_t *key;
	ms_wall_t now;
	ms_tsig_t asked;           /* TSIG of the request. */
	char where[MS_ADDR_TEXT_MAX];
	char *reason;
	size_t reason_max;
	size_t len;
	size_t max;
	uint8_t *wire;             /* Owned: the request, then the answer. */
} call_t;

/* Yields \a ret. */
__attribute__((format(printf, 3, 4)))
static int say(call_t *call, int ret, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(call->reason, call->reason_max, fmt, args);
	va_end(args);
	return ret;
}

static bool stopped(const call_t *call)
{
	return call->stop != NULL && atomic_load_explicit(call->stop, memory_order_relaxed);
}

static int lost(call_t *call)
{
	return say(call, KNOT_ECONN, "no connection to the combiner %s (%s)", call->where,
	           strerror(errno));
}

/* Waits until the socket is ready for \a events or has failed. */
static int await(call_t *call, short events)
{
	struct pollfd pfd = { .fd = call->fd, .events = events };
	for (;;) {
		int64_t left = call->deadline - ms_clock_ms();
		if (stopped(call)) {
			return say(call, KNOT_EBUSY, "shutting down, nothing more is sent");
		}
		if (left <= 0) {
			return say(call, KNOT_ETIMEOUT, "the combiner %s does not answer", call->where);
		}
		int ready = poll(&pfd, 1, left < SLICE_MS ? left : SLICE_MS);
		if (ready > 0) {
			return KNOT_EOK;
		}
		if (ready < 0 && errno != EINTR) {
			return lost(call);
		}
	}
}

static int open_connection(call_t *call, const ms_addr_t *to)
{
	struct sockaddr_storage ss;
	socklen_t ss_len = ms_addr_to_sockaddr(to, &ss);
	if (ss_len == 0) {
		return say(call, KNOT_EINVAL, "the combiner has no address");
	}
	call->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (call->fd < 0) {
		return lost(call);
	}
	call->deadline = ms_clock_ms() + MS_UPDATE_STEP_MS;
	if (connect(call->fd, (struct sockaddr *)&ss, ss_len) == 0) {
		return KNOT_EOK;
	}
	if (errno != EINPROGRESS) {
		return lost(call);
	}
	int ret = await(call, POLLOUT);
	int error = 0;
	socklen_t size = sizeof(error);
	if (ret == KNOT_EOK && getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0) {
		errno = error;
		ret = error == 0 ? KNOT_EOK : lost(call);
	}
	return ret;
}

static int write_all(call_t *call, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(call->fd, data, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			return lost(call);
		}
		data += sent > 0 ? sent : 0;
		len -= sent > 0 ? sent : 0;
		int ret = len > 0 ? await(call, POLLOUT) : KNOT_EOK;
		if (ret != KNOT_EOK) {
			return ret;
		}
	}
	return KNOT_EOK;
}

static int read_all(call_t *call, uint8_t *data, size_t len)
{
	while (len > 0) {
		int ret = await(call, POLLIN);
		if (ret != KNOT_EOK) {
			return ret;
		}
		ssize_t got = recv(call->fd, data, len, 0);
		if (got == 0) {
			return say(call, KNOT_ECONN, "the combiner %s has closed the connection",
			           call->where);
		}
		if (got < 0 && errno != EAGAIN && errno != EINTR) {
			return lost(call);
		}
		data += got > 0 ? got : 0;
		len -= got > 0 ? got : 0;
	}
	return KNOT_EOK;
}

/* The request goes, the answer takes its place. */
static int exchange(call_t *call)
{
	uint8_t prefix[2];
	knot_wire_write_u16(prefix, call->len);
	call->deadline = ms_clock_ms() + MS_UPDATE_STEP_MS;
	int ret = write_all(call, prefix, sizeof(prefix));
	if (ret == KNOT_EOK) {
		ret = write_all(call, call->wire, call->len);
	}
	call->deadline = ms_clock_ms() + MS_UPDATE_STEP_MS;
	if (ret == KNOT_EOK) {
		ret = read_all(call, prefix, sizeof(prefix));
	}
	call->len = knot_wire_read_u16(prefix);
	return ret == KNOT_EOK ? read_all(call, call->wire, call->len) : ret;
}

static int build(call_t *call, const knot_dname_t *zone, const ms_contribution_t *c)
{
	uint16_t id = 0;
	if (dnssec_random_buffer((uint8_t *)&id, sizeof(id)) != DNSSEC_EOK) {
		return say(call, KNOT_ERROR, "no random number");
	}
	call->max = UINT16_MAX;
	call->wire = malloc(call->max);
	if (call->wire == NULL) {
		return KNOT_ENOMEM;
	}
	int len = ms_update_build(zone, id, c, call->wire, call->max);
	if (len > 0) {
		len = ms_tsig_sign(call->key, call->wire, len, call->max, NULL, 0, call->now.s,
		                   &call->asked);
	}
	if (len <= 0) {
		return say(call, len, "the update cannot be made (%s)", knot_strerror(len));
	}
	call->len = len;
	return KNOT_EOK;
}

/* What is wrong with the signature of the answer; NULL: nothing. */
static const char *flaw(call_t *call)
{
	ms_tsig_t tsig;
	int ret = ms_tsig_cut(call->wire, &call->len, &tsig);
	if (ret != KNOT_EOK) {
		return ret == KNOT_ENOENT ? "unsigned" : "malformed";
	}
	if (tsig.error != 0) {
		return ms_tsig_error_name(tsig.error);
	}
	uint16_t error = ms_tsig_verify(call->key, &tsig, call->wire, call->len, &call->asked,
	                                call->now.s);
	return error != 0 ? ms_tsig_error_name(error) : NULL;
}

static int judge(call_t *call, const ms_msg_t *msg, const char *wrong)
{
	const char *name = ms_rcode_name(msg->rcode);
	if (wrong != NULL) {
		return say(call, KNOT_EDENIED, "%s (%s) from the combiner %s; compare keys and clocks",
		           name, wrong, call->where);
	}
	if (msg->rcode == KNOT_RCODE_NOERROR) {
		return KNOT_EOK;
	}
	return say(call, msg->rcode == KNOT_RCODE_SERVFAIL ? KNOT_EBUSY : KNOT_EDENIED,
	           "%s from the combiner %s%s%s", name, call->where,
	           msg->ede_text[0] != '\0' ? ": " : "", msg->ede_text);
}

static int check_answer(call_t *call, uint16_t id)
{
	static const ms_codes_t none = { 0 };
	uint16_t rcode;
	char why[MS_REASON_MAX + 1];
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, (const uint8_t *)"", 0);
	if (msg == NULL) {
		return KNOT_ENOMEM;
	}
	const char *wrong = flaw(call);
	int ret = ms_message_parse(call->wire, call->len, &none, msg, &rcode, why);
	if (ret != KNOT_EOK || !msg->response || msg->kind != MS_MSG_UPDATE || msg->id != id) {
		ret = say(call, KNOT_EMALF, "what listens on %s does not answer as a combiner",
		          call->where);
	} else {
		ret = judge(call, msg, wrong);
	}
	ms_msg_free(msg);
	return ret;
}

int ms_update_send(const ms_addr_t *to, const ms_tsig_key_t *key, const knot_dname_t *zone,
                   const ms_contribution_t *c, ms_wall_t now, const atomic_bool *stop,
                   char *reason, size_t reason_max)
{
	call_t call = {
		.fd = -1, .stop = stop, .key = key, .now = now,
		.reason = reason, .reason_max = reason_max,
	};
	ms_addr_to_text(to, call.where);
	int ret = c->stated != 0 ? build(&call, zone, c) : say(&call, KNOT_EINVAL,
	                                                       "nothing is stated");
	uint16_t id = ret == KNOT_EOK ? knot_wire_get_id(call.wire) : 0;
	if (ret == KNOT_EOK) {
		ret = open_connection(&call, to);
	}
	if (ret == KNOT_EOK) {
		ret = exchange(&call);
	}
	if (ret == KNOT_EOK) {
		ret = check_answer(&call, id);
	}
	if (call.fd >= 0) {
		close(call.fd);
	}
	free(call.wire);
	return ret;
}
