/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/exchange.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "base/cursor.h"
#include "wire/message.h"

/* All that is ready, so that no timer overtakes an answer that has come. */
#define EVENTS MS_EXCHANGE_MAX

/* Datagrams read from one socket in one go: a flood must not hold the thread. */
#define DATAGRAMS 64

/* Octets of an answer over TCP: the largest message and its length. */
#define FRAME_MAX (2 + MS_MESSAGE_MAX)

typedef enum { FREE, UDP, TCP } transport_t;

typedef struct {
	transport_t mode;
	int fd;
	uint64_t id;
	uint8_t *request;          /* length (2) and message */
	size_t request_len;        /* of the message */
	uint8_t addr_count;
	uint8_t addr_now;
	ms_addr_t addrs[MS_ADDRS_MAX];
	bool want_tcp;
	bool denied;               /* an answer came that was not accepted */
	bool reached;              /* a socket could be opened and used */
	unsigned tries;
	unsigned tries_left;
	int64_t first_timeout;
	int64_t timeout;
	ms_time_t deadline;
	size_t sent;               /* TCP: octets of the frame */
	size_t received;
	uint8_t *frame;            /* TCP: FRAME_MAX octets */
} slot_t;

struct ms_exchange {
	ms_exchange_calls_t calls;
	int epoll;
	unsigned count;
	slot_t slots[MS_EXCHANGE_MAX];
};

int ms_exchange_new(const ms_exchange_calls_t *calls, ms_exchange_t **out)
{
	ms_exchange_t *exchange = calloc(1, sizeof(*exchange));
	if (exchange == NULL) {
		return KNOT_ENOMEM;
	}
	exchange->calls = *calls;
	exchange->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (exchange->epoll < 0) {
		int ret = knot_map_errno();
		free(exchange);
		return ret;
	}
	*out = exchange;
	return KNOT_EOK;
}

static void close_socket(ms_exchange_t *exchange, slot_t *slot)
{
	if (slot->fd >= 0) {
		/* A child between fork and exec has it too: closing may leave it registered. */
		(void)epoll_ctl(exchange->epoll, EPOLL_CTL_DEL, slot->fd, NULL);
		close(slot->fd);
		slot->fd = -1;
	}
}

static void clear(ms_exchange_t *exchange, slot_t *slot)
{
	close_socket(exchange, slot);
	free(slot->request);
	free(slot->frame);
	*slot = (slot_t){ .mode = FREE, .fd = -1 };
	exchange->count--;
}

void ms_exchange_free(ms_exchange_t *exchange)
{
	if (exchange == NULL) {
		return;
	}
	for (size_t i = 0; i < MS_EXCHANGE_MAX; i++) {
		if (exchange->slots[i].mode != FREE) {
			clear(exchange, &exchange->slots[i]);
		}
	}
	close(exchange->epoll);
	free(exchange);
}

static void finish(ms_exchange_t *exchange, slot_t *slot, int ret, const uint8_t *wire, size_t len)
{
	uint64_t id = slot->id;
	/* The octets may lie in the slot's own frame: they go after the call. */
	exchange->calls.done(exchange->calls.ctx, id, ret, wire, len);
	clear(exchange, slot);
}

/* A connected socket: the kernel drops what comes from another address. */
static int open_socket(ms_exchange_t *exchange, slot_t *slot, int type)
{
	struct sockaddr_storage ss;
	socklen_t ss_len = ms_addr_to_sockaddr(&slot->addrs[slot->addr_now], &ss);
	close_socket(exchange, slot);
	slot->fd = socket(ss.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (slot->fd < 0) {
		return KNOT_ECONN;
	}
	if (type == SOCK_STREAM) {
		int one = 1;
		(void)setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	/* TCP writes first: what comes before the request is written is not looked at. */
	struct epoll_event event = {
		.events = type == SOCK_STREAM ? EPOLLOUT : EPOLLIN,
		.data.u32 = slot - exchange->slots,
	};
	if ((connect(slot->fd, (struct sockaddr *)&ss, ss_len) != 0 && errno != EINPROGRESS) ||
	    epoll_ctl(exchange->epoll, EPOLL_CTL_ADD, slot->fd, &event) != 0) {
		close_socket(exchange, slot);
		return KNOT_ECONN;
	}
	return KNOT_EOK;
}

static int start_tcp(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	if (slot->frame == NULL) {
		slot->frame = malloc(FRAME_MAX);
		if (slot->frame == NULL) {
			return KNOT_ENOMEM;
		}
	}
	slot->mode = TCP;
	slot->sent = slot->received = 0;
	slot->deadline = ms_time_add(now.mono, MS_EXCHANGE_TCP_TIMEOUT);
	return open_socket(exchange, slot, SOCK_STREAM);
}

static int send_datagram(slot_t *slot, ms_now_t now)
{
	slot->tries_left--;
	slot->deadline = ms_time_add(now.mono, slot->timeout);
	slot->timeout = slot->timeout > INT64_MAX / 2 ? INT64_MAX : slot->timeout * 2;
	ssize_t sent = send(slot->fd, slot->request + 2, slot->request_len, MSG_NOSIGNAL);
	/* A full buffer is like a lost datagram; a refused port may be a restart: both come again. */
	return sent >= 0 || errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED
	       ? KNOT_EOK : KNOT_ECONN;
}

static int start_udp(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	slot->mode = UDP;
	slot->tries_left = slot->tries;
	slot->timeout = slot->first_timeout;
	int ret = open_socket(exchange, slot, SOCK_DGRAM);
	return ret == KNOT_EOK ? send_datagram(slot, now) : ret;
}

static int start_address(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	return slot->want_tcp ? start_tcp(exchange, slot, now) : start_udp(exchange, slot, now);
}

/* This address is of no use: the next one, or the end. */
static void next_address(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	while (++slot->addr_now < slot->addr_count) {
		if (start_address(exchange, slot, now) == KNOT_EOK) {
			return;
		}
	}
	finish(exchange, slot, slot->denied ? KNOT_EDENIED
	                     : slot->reached ? KNOT_ETIMEOUT : KNOT_ECONN, NULL, 0);
}

int ms_exchange_send(ms_exchange_t *exchange, const ms_request_t *request, ms_now_t now)
{
	if (request->addr_count == 0 || request->addr_count > MS_ADDRS_MAX ||
	    request->len < KNOT_WIRE_HEADER_SIZE || request->first_timeout <= 0) {
		return KNOT_EINVAL;
	}
	slot_t *slot = exchange->slots;
	while (slot < exchange->slots + MS_EXCHANGE_MAX && slot->mode != FREE) {
		slot++;
	}
	if (slot == exchange->slots + MS_EXCHANGE_MAX) {
		return KNOT_EBUSY;
	}
	uint8_t *copy = malloc(2 + request->len);
	if (copy == NULL) {
		return KNOT_ENOMEM;
	}
	knot_wire_write_u16(copy, request->len);
	memcpy(copy + 2, request->wire, request->len);
	*slot = (slot_t){
		.mode = UDP,
		.fd = -1,
		.id = request->id,
		.request = copy,
		.request_len = request->len,
		.addr_count = request->addr_count,
		.want_tcp = request->tcp || request->len > MS_MESSAGE_UDP_MAX,
		.tries = request->tries > 0 ? request->tries : 1,
		.first_timeout = request->first_timeout,
	};
	memcpy(slot->addrs, request->addrs, request->addr_count * sizeof(*request->addrs));
	exchange->count++;
	if (start_address(exchange, slot, now) != KNOT_EOK) {
		/* The end is told from ms_exchange_work() only. */
		close_socket(exchange, slot);
		slot->tries_left = 0;
		slot->deadline = now.mono;
	}
	return KNOT_EOK;
}

void ms_exchange_cancel(ms_exchange_t *exchange, uint64_t id)
{
	for (size_t i = 0; i < MS_EXCHANGE_MAX; i++) {
		slot_t *slot = &exchange->slots[i];
		if (slot->mode != FREE && slot->id == id) {
			clear(exchange, slot);
			return;
		}
	}
}

/* Same id, QR, opcode and question: the rest is for accept() to judge. */
static bool matches(const slot_t *slot, const uint8_t *wire, size_t len)
{
	const uint8_t *request = slot->request + 2;
	if (len < KNOT_WIRE_HEADER_SIZE || !knot_wire_get_qr(wire) ||
	    knot_wire_get_id(wire) != knot_wire_get_id(request) ||
	    knot_wire_get_opcode(wire) != knot_wire_get_opcode(request)) {
		return false;
	}
	uint16_t questions = knot_wire_get_qdcount(wire);
	if (questions != 1) {
		return questions == 0; /* an error answer may leave it out (RFC 2136 section 3.8) */
	}
	ms_reader_t ours = ms_reader(request, slot->request_len), theirs = ms_reader(wire, len);
	(void)ms_read_bytes(&ours, KNOT_WIRE_HEADER_SIZE);
	(void)ms_read_bytes(&theirs, KNOT_WIRE_HEADER_SIZE);
	const knot_dname_t *asked = ms_read_name(&ours), *answered = ms_read_name(&theirs);
	uint32_t asked_type = ms_read_u32(&ours), answered_type = ms_read_u32(&theirs);
	return ours.ret == KNOT_EOK && theirs.ret == KNOT_EOK && asked_type == answered_type &&
	       knot_dname_is_case_equal(asked, answered);
}

/* \return true where the exchange is over or has moved on. */
static bool take_answer(ms_exchange_t *exchange, slot_t *slot, const uint8_t *wire, size_t len,
                        ms_now_t now)
{
	if (!matches(slot, wire, len)) {
		return false;
	}
	if (!exchange->calls.accept(exchange->calls.ctx, slot->id, wire, len)) {
		slot->denied = true;
		return false;
	}
	if (slot->mode == UDP && knot_wire_get_tc(wire)) {
		if (start_tcp(exchange, slot, now) != KNOT_EOK) {
			next_address(exchange, slot, now);
		}
		return true;
	}
	finish(exchange, slot, KNOT_EOK, wire, len);
	return true;
}

static void work_udp(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	uint8_t wire[MS_MESSAGE_MAX];
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		ssize_t len = recv(slot->fd, wire, sizeof(wire), 0);
		if (len < 0 && errno == EAGAIN) {
			return;
		}
		/* An ICMP error is a hint anybody can forge: the timer decides. */
		if (len >= 0 && take_answer(exchange, slot, wire, len, now)) {
			return;
		}
	}
}

static int write_frame(ms_exchange_t *exchange, slot_t *slot)
{
	size_t whole = 2 + slot->request_len;
	while (slot->sent < whole) {
		ssize_t sent = send(slot->fd, slot->request + slot->sent, whole - slot->sent,
		                    MSG_NOSIGNAL);
		if (sent < 0) {
			return errno == EAGAIN ? KNOT_EOK : KNOT_ECONN;
		}
		slot->sent += sent;
	}
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = slot - exchange->slots };
	return epoll_ctl(exchange->epoll, EPOLL_CTL_MOD, slot->fd, &event) == 0 ? KNOT_EOK
	                                                                       : KNOT_ECONN;
}

/* \retval KNOT_EAGAIN more octets are needed. */
static int read_frame(slot_t *slot)
{
	for (;;) {
		size_t whole = slot->received < 2 ? 2 : 2 + (size_t)knot_wire_read_u16(slot->frame);
		if (whole > FRAME_MAX) {
			return KNOT_EMALF;
		}
		if (slot->received >= 2 && slot->received == whole) {
			return KNOT_EOK;
		}
		ssize_t got = recv(slot->fd, slot->frame + slot->received, whole - slot->received, 0);
		if (got <= 0) {
			return got < 0 && errno == EAGAIN ? KNOT_EAGAIN : KNOT_ECONN;
		}
		slot->received += got;
	}
}

static void work_tcp(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	/* Not SO_ERROR: recv() tells a reset too, but only after the answer that came before it. */
	int ret = slot->sent < 2 + slot->request_len ? write_frame(exchange, slot) : KNOT_EOK;
	if (ret == KNOT_EOK && slot->sent == 2 + slot->request_len) {
		slot->reached = true;
		ret = read_frame(slot);
		if (ret == KNOT_EOK && take_answer(exchange, slot, slot->frame + 2,
		                                   slot->received - 2, now)) {
			return;
		}
		ret = ret == KNOT_EAGAIN ? KNOT_EOK : KNOT_ECONN;
	}
	if (ret != KNOT_EOK) {
		next_address(exchange, slot, now);
	}
}

static void on_deadline(ms_exchange_t *exchange, slot_t *slot, ms_now_t now)
{
	slot->reached |= slot->fd >= 0;
	if (slot->mode == UDP && slot->fd >= 0 && slot->tries_left > 0 &&
	    send_datagram(slot, now) == KNOT_EOK) {
		return;
	}
	next_address(exchange, slot, now);
}

void ms_exchange_work(ms_exchange_t *exchange, ms_now_t now)
{
	struct epoll_event events[EVENTS];
	int count = exchange->count > 0 ? epoll_wait(exchange->epoll, events, EVENTS, 0) : 0;
	for (int i = 0; i < count; i++) {
		slot_t *slot = &exchange->slots[events[i].data.u32];
		if (slot->mode == UDP && slot->fd >= 0) {
			work_udp(exchange, slot, now);
		} else if (slot->mode == TCP && slot->fd >= 0) {
			work_tcp(exchange, slot, now);
		}
	}
	for (size_t i = 0; exchange->count > 0 && i < MS_EXCHANGE_MAX; i++) {
		slot_t *slot = &exchange->slots[i];
		if (slot->mode != FREE && ms_time_due(slot->deadline, now.mono)) {
			on_deadline(exchange, slot, now);
		}
	}
}

int ms_exchange_fd(const ms_exchange_t *exchange)
{
	return exchange->epoll;
}

ms_time_t ms_exchange_deadline(const ms_exchange_t *exchange)
{
	ms_time_t when = MS_TIME_NEVER;
	for (size_t i = 0; exchange->count > 0 && i < MS_EXCHANGE_MAX; i++) {
		if (exchange->slots[i].mode != FREE) {
			when = ms_time_min(when, exchange->slots[i].deadline);
		}
	}
	return when;
}

unsigned ms_exchange_count(const ms_exchange_t *exchange)
{
	return exchange->count;
}
