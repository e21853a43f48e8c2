/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Fake DNS peers for test_exchange.c, served by the test's own thread, and a clock that jumps to
 * the next deadline as soon as nobody has anything to do.
 */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "io/exchange.h"
#include "wire/message.h"

#define ID 0x1234
#define TRIES 3
#define QUIET 30         /* milliseconds of silence after which the clock jumps to the deadline */
#define ROUNDS_MAX 20000
#define PEERS 2
#define QUESTION_LEN 15
#define MESSAGE_LEN (KNOT_WIRE_HEADER_SIZE + QUESTION_LEN)

/* What a peer says. GOOD is the only one that accept() likes; it judges by the RCODE. */
typedef enum {
	NOTHING, GOOD, OTHER_CASE, NO_QUESTION, FORGED, TRUNCATED, WRONG_ID, WRONG_NAME, WRONG_TYPE,
	WRONG_CLASS, WRONG_OPCODE, TWO_QUESTIONS, QUERY, SHORT, ELSEWHERE, /* and over TCP alone: */
	HALF, TOO_LONG, EMPTY, CLOSE, RESET,
} say_t;

typedef struct {
	ms_addr_t addr;
	int udp, listener, conn, elsewhere;
	unsigned lose;             /* datagrams it does not see */
	say_t first, then;         /* over UDP, both in one go */
	say_t tcp;
	unsigned datagrams;
	ms_time_t at[TRIES];
	size_t got;                /* TCP: octets of the request */
	size_t said;               /* TCP: octets of the answer, one in each round */
	uint8_t frame[2 + MS_MESSAGE_MAX];
} peer_t;

static struct {
	ms_exchange_t *exchange;
	ms_now_t now;
	peer_t peers[PEERS];
	uint8_t request[MS_MESSAGE_MAX];
	size_t request_len;
	unsigned done, good;
	uint64_t id;
	int ret;
	size_t len;
	unsigned again;            /* exchanges that done() starts */
	ms_request_t next;
} lab;

static bool on_accept(void *ctx, uint64_t id, const uint8_t *wire, size_t len)
{
	return knot_wire_get_rcode(wire) == KNOT_RCODE_NOERROR;
}

static void on_done(void *ctx, uint64_t id, int ret, const uint8_t *wire, size_t len)
{
	assert_true((ret == KNOT_EOK) == (wire != NULL));
	assert_true(wire == NULL || knot_wire_get_id(wire) == ID); /* not freed yet */
	lab.done++;
	lab.good += ret == KNOT_EOK;
	lab.id = id;
	lab.ret = ret;
	lab.len = len;
	if (lab.again > 0) {
		lab.again--;
		assert_int_equal(ms_exchange_send(lab.exchange, &lab.next, lab.now), KNOT_EOK);
	}
}

/* UDP and TCP on the same free port. */
static void open_peer(peer_t *peer)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int ret = -1; ret != 0;) {
		addr.sin_port = 0;
		socklen_t len = sizeof(addr);
		peer->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_equal(bind(peer->udp, (struct sockaddr *)&addr, len), 0);
		assert_int_equal(getsockname(peer->udp, (struct sockaddr *)&addr, &len), 0);
		ret = bind(peer->listener, (struct sockaddr *)&addr, len);
		if (ret != 0) {
			close(peer->udp);
			close(peer->listener);
		}
	}
	assert_int_equal(listen(peer->listener, 8), 0);
	peer->elsewhere = socket(AF_INET, SOCK_DGRAM, 0);
	peer->conn = -1;
	struct sockaddr_storage ss = { 0 };
	memcpy(&ss, &addr, sizeof(addr));
	assert_int_equal(ms_addr_from_sockaddr(&ss, &peer->addr), KNOT_EOK);
}

static int set_up(void **state)
{
	/* Type 65 in class IN: an octet that looks like a letter without being one. */
	static const uint8_t question[] = "\x01z\x07" "example\x00\x00\x41\x00\x01";
	memset(&lab, 0, sizeof(lab));
	lab.now.mono.us = 1000 * MS_SEC;
	knot_wire_set_id(lab.request, ID);
	knot_wire_set_opcode(lab.request, KNOT_OPCODE_NOTIFY);
	knot_wire_set_qdcount(lab.request, 1);
	memcpy(lab.request + KNOT_WIRE_HEADER_SIZE, question, QUESTION_LEN);
	lab.request_len = MESSAGE_LEN;
	for (int i = 0; i < PEERS; i++) {
		open_peer(&lab.peers[i]);
	}
	const ms_exchange_calls_t calls = { .accept = on_accept, .done = on_done };
	return ms_exchange_new(&calls, &lab.exchange);
}

static int tear_down(void **state)
{
	ms_exchange_free(lab.exchange);
	for (int i = 0; i < PEERS; i++) {
		const int fds[] = { lab.peers[i].udp, lab.peers[i].listener, lab.peers[i].conn,
		                    lab.peers[i].elsewhere };
		for (int k = 0; k < 4; k++) {
			close(fds[k]);
		}
	}
	return 0;
}

static size_t answer(say_t say, uint8_t *wire)
{
	size_t len = MESSAGE_LEN;
	uint8_t *question = wire + KNOT_WIRE_HEADER_SIZE;
	memcpy(wire, lab.request, len);
	knot_wire_set_qr(wire);
	switch (say) {
	case OTHER_CASE:    question[3] = 'E'; break;
	case NO_QUESTION:   knot_wire_set_qdcount(wire, 0); len = KNOT_WIRE_HEADER_SIZE; break;
	case FORGED:        knot_wire_set_rcode(wire, KNOT_RCODE_REFUSED); break;
	case TRUNCATED:     knot_wire_set_tc(wire); break;
	case WRONG_ID:      knot_wire_set_id(wire, ID + 1); break;
	case WRONG_NAME:    question[1] = 'y'; break;
	case WRONG_TYPE:    question[12] ^= 0x20; break;
	case WRONG_CLASS:   question[14] = 3; break;
	case WRONG_OPCODE:  knot_wire_set_opcode(wire, KNOT_OPCODE_UPDATE); break;
	case TWO_QUESTIONS: knot_wire_set_qdcount(wire, 2); break;
	case QUERY:         knot_wire_clear_qr(wire); break;
	case SHORT:         len--; break;
	default: break;
	}
	return len;
}

static void say_datagram(const peer_t *peer, say_t say, const struct sockaddr_in *to)
{
	uint8_t wire[512];
	size_t len = answer(say, wire);
	if (say != NOTHING) {
		int fd = say == ELSEWHERE ? peer->elsewhere : peer->udp;
		assert_int_equal(sendto(fd, wire, len, 0, (struct sockaddr *)to, sizeof(*to)), len);
	}
}

static void serve_udp(peer_t *peer)
{
	uint8_t wire[MS_MESSAGE_MAX];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(peer->udp, wire, sizeof(wire), 0, (struct sockaddr *)&from, &from_len);
	assert_int_equal(len, lab.request_len);
	assert_memory_equal(wire, lab.request, len); /* each time the same octets */
	if (peer->datagrams < TRIES) {
		peer->at[peer->datagrams] = lab.now.mono;
	}
	if (peer->datagrams++ >= peer->lose) {
		say_datagram(peer, peer->first, &from);
		say_datagram(peer, peer->then, &from);
	}
}

/* One octet of the answer in each round: the other side has to put it together. */
static void serve_tcp(peer_t *peer)
{
	ssize_t got = recv(peer->conn, peer->frame + peer->got, sizeof(peer->frame) - peer->got,
	                   MSG_DONTWAIT);
	peer->got += got > 0 ? got : 0;
	bool whole = peer->got == 2 + lab.request_len;
	if (!whole || peer->tcp == NOTHING) {
		return;
	}
	assert_int_equal(knot_wire_read_u16(peer->frame), lab.request_len);
	assert_memory_equal(peer->frame + 2, lab.request, lab.request_len);
	uint8_t wire[512];
	size_t len = answer(peer->tcp, wire + 2);
	knot_wire_write_u16(wire, peer->tcp == TOO_LONG ? MS_MESSAGE_MAX + 1
	                        : peer->tcp == EMPTY ? 0 : len);
	if (peer->tcp == CLOSE || (peer->tcp == HALF && peer->said == len / 2)) {
		close(peer->conn);
		peer->conn = -1;
	} else if (peer->tcp == RESET) { /* right after a whole answer */
		const struct linger hard = { .l_onoff = 1 };
		assert_int_equal(send(peer->conn, wire, len + 2, MSG_NOSIGNAL), len + 2);
		(void)setsockopt(peer->conn, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(peer->conn);
		peer->conn = -1;
	} else if (peer->said < len + 2) {
		(void)send(peer->conn, wire + peer->said++, 1, MSG_NOSIGNAL);
	}
}

static bool can_read(int fd, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	return fd >= 0 && poll(&pfd, 1, timeout) == 1;
}

static bool serve(peer_t *peer)
{
	bool busy = false;
	if (can_read(peer->udp, 0)) {
		serve_udp(peer);
		busy = true;
	}
	if (peer->conn < 0 && can_read(peer->listener, 0)) {
		peer->conn = accept(peer->listener, NULL, NULL);
		peer->got = peer->said = 0;
		busy = true;
	}
	if (peer->conn >= 0) {
		size_t before = peer->got + peer->said;
		serve_tcp(peer);
		busy |= peer->conn < 0 || peer->got + peer->said != before;
	}
	return busy;
}

static ms_request_t request(const ms_addr_t *addrs, uint8_t addr_count)
{
	return (ms_request_t){
		.id = 7, .wire = lab.request, .len = lab.request_len,
		.addrs = addrs, .addr_count = addr_count, .tries = TRIES, .first_timeout = MS_SEC,
	};
}

static void send_to(const ms_addr_t *addrs, uint8_t addr_count)
{
	ms_request_t req = request(addrs, addr_count);
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
}

/* Until \a count exchanges are over. Where nobody has anything to do, time passes. */
static void run(unsigned count)
{
	for (int i = 0; i < ROUNDS_MAX && lab.done < count; i++) {
		bool busy = false;
		for (int k = 0; k < PEERS; k++) {
			busy |= serve(&lab.peers[k]);
		}
		if (!can_read(ms_exchange_fd(lab.exchange), busy ? 0 : QUIET) && !busy) {
			lab.now.mono = ms_exchange_deadline(lab.exchange);
			assert_false(ms_time_is_never(lab.now.mono));
		}
		ms_exchange_work(lab.exchange, lab.now);
	}
	assert_int_equal(lab.done, count);
}
