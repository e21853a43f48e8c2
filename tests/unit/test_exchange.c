/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/poll.h"
#include "peers.h"

static void test_udp(void **state)
{
	static const struct {
		const char *what;
		unsigned lose;
		say_t first, then;
		int ret;
		unsigned datagrams;
	} cases[] = {
		{ "answer", 0, GOOD, NOTHING, KNOT_EOK, 1 },
		{ "answer twice", 0, GOOD, GOOD, KNOT_EOK, 1 },
		{ "other case", 0, OTHER_CASE, NOTHING, KNOT_EOK, 1 },
		{ "no question", 0, NO_QUESTION, NOTHING, KNOT_EOK, 1 },
		{ "two lost", 2, GOOD, NOTHING, KNOT_EOK, 3 },
		{ "silent", 9, GOOD, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "wrong id", 0, WRONG_ID, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "wrong id, then answer", 0, WRONG_ID, GOOD, KNOT_EOK, 1 },
		{ "wrong name", 0, WRONG_NAME, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "wrong name, then answer", 0, WRONG_NAME, GOOD, KNOT_EOK, 1 },
		{ "wrong type", 0, WRONG_TYPE, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "wrong class", 0, WRONG_CLASS, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "wrong opcode", 0, WRONG_OPCODE, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "two questions", 0, TWO_QUESTIONS, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "not a response", 0, QUERY, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "cut", 0, SHORT, GOOD, KNOT_EOK, 1 },
		{ "from elsewhere", 0, ELSEWHERE, NOTHING, KNOT_ETIMEOUT, TRIES },
		{ "forged", 0, FORGED, NOTHING, KNOT_EDENIED, TRIES },
		{ "forged, then answer", 0, FORGED, GOOD, KNOT_EOK, 1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		peer_t *peer = &lab.peers[0];
		peer->datagrams = lab.done = 0;
		peer->lose = cases[i].lose;
		peer->first = cases[i].first;
		peer->then = cases[i].then;
		ms_time_t start = lab.now.mono;
		send_to(&peer->addr, 1);
		run(1);
		assert_int_equal(lab.ret, cases[i].ret);
		assert_int_equal(lab.id, 7);
		assert_int_equal(peer->datagrams, cases[i].datagrams);
		for (unsigned k = 0; k < peer->datagrams; k++) { /* after 0, 1, 1 + 2 seconds */
			assert_int_equal(ms_time_diff(start, peer->at[k]), ((1 << k) - 1) * MS_SEC);
		}
		if (cases[i].ret != KNOT_EOK) {
			assert_int_equal(ms_time_diff(start, lab.now.mono), 7 * MS_SEC);
		}
		assert_int_equal(ms_exchange_count(lab.exchange), 0);
		assert_true(ms_time_is_never(ms_exchange_deadline(lab.exchange)));
	}
}

static void test_tcp(void **state)
{
	static const struct {
		const char *what;
		say_t udp;         /* NOTHING: TCP is asked for */
		size_t len;
		say_t tcp;
		int ret;
		int64_t seconds;
	} cases[] = {
		{ "octet by octet", NOTHING, MESSAGE_LEN, GOOD, KNOT_EOK, 0 },
		{ "truncated, then TCP", TRUNCATED, MESSAGE_LEN, GOOD, KNOT_EOK, 0 },
		{ "longest by UDP", GOOD, MS_MESSAGE_UDP_MAX, NOTHING, KNOT_EOK, 0 },
		{ "too long for UDP", GOOD, MS_MESSAGE_UDP_MAX + 1, GOOD, KNOT_EOK, 0 },
		{ "longest", GOOD, MS_MESSAGE_MAX, GOOD, KNOT_EOK, 0 },
		{ "silent", NOTHING, MESSAGE_LEN, NOTHING, KNOT_ETIMEOUT, 4 },
		{ "forged", NOTHING, MESSAGE_LEN, FORGED, KNOT_EDENIED, 0 },
		{ "truncated, then forged", TRUNCATED, MESSAGE_LEN, FORGED, KNOT_EDENIED, 0 },
		{ "wrong id", NOTHING, MESSAGE_LEN, WRONG_ID, KNOT_ETIMEOUT, 0 },
		{ "closed", NOTHING, MESSAGE_LEN, CLOSE, KNOT_ETIMEOUT, 0 },
		{ "half an answer", NOTHING, MESSAGE_LEN, HALF, KNOT_ETIMEOUT, 0 },
		{ "too long an answer", NOTHING, MESSAGE_LEN, TOO_LONG, KNOT_ETIMEOUT, 0 },
		{ "empty answer", NOTHING, MESSAGE_LEN, EMPTY, KNOT_ETIMEOUT, 0 },
		{ "reset after the answer", NOTHING, MESSAGE_LEN, RESET, KNOT_EOK, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		peer_t *peer = &lab.peers[0];
		peer->datagrams = lab.done = 0;
		peer->first = cases[i].udp;
		peer->tcp = cases[i].tcp;
		ms_request_t req = request(&peer->addr, 1);
		req.len = lab.request_len = cases[i].len;
		req.tcp = cases[i].udp == NOTHING;
		ms_time_t start = lab.now.mono;
		assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
		run(1);
		assert_int_equal(lab.ret, cases[i].ret);
		assert_int_equal(ms_time_diff(start, lab.now.mono), cases[i].seconds * MS_SEC);
		bool udp = cases[i].udp != NOTHING && cases[i].len <= MS_MESSAGE_UDP_MAX;
		assert_int_equal(peer->datagrams, udp);
		if (lab.ret == KNOT_EOK) {
			assert_int_equal(lab.len, MESSAGE_LEN);
		}
		close(peer->conn);
		peer->conn = -1;
	}
}

static void test_addresses(void **state)
{
	peer_t *dead = &lab.peers[0], *good = &lab.peers[1];
	close(dead->listener);
	dead->listener = -1;
	dead->tcp = GOOD;
	const ms_addr_t none = { .family = AF_UNSPEC };
	const struct {
		const char *what;
		ms_addr_t addrs[2];
		bool tcp;
		say_t dead_says, good_says;
		int ret;
		int64_t seconds;
	} cases[] = {
		{ "silent, good", { dead->addr, good->addr }, false, NOTHING, GOOD, KNOT_EOK, 7 },
		{ "silent, silent", { dead->addr, good->addr }, false, NOTHING, NOTHING, KNOT_ETIMEOUT,
		  14 },
		{ "forger, silent", { dead->addr, good->addr }, false, FORGED, NOTHING, KNOT_EDENIED,
		  14 },
		{ "no socket, good", { none, good->addr }, false, NOTHING, GOOD, KNOT_EOK, 0 },
		{ "no sockets", { none, none }, false, NOTHING, NOTHING, KNOT_ECONN, 0 },
		{ "TCP refused, good", { dead->addr, good->addr }, true, NOTHING, GOOD, KNOT_EOK, 0 },
		{ "TCP refused twice", { dead->addr, dead->addr }, true, NOTHING, NOTHING, KNOT_ECONN,
		  0 },
		{ "truncated and TCP refused, good", { dead->addr, good->addr }, false, TRUNCATED, GOOD,
		  KNOT_EOK, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		lab.done = 0;
		dead->first = cases[i].dead_says;
		good->first = good->tcp = cases[i].good_says;
		ms_time_t start = lab.now.mono;
		ms_request_t req = request(cases[i].addrs, 2);
		req.tcp = cases[i].tcp;
		assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
		assert_int_equal(lab.done, 0); /* never from within send */
		run(1);
		assert_int_equal(lab.ret, cases[i].ret);
		assert_int_equal(ms_time_diff(start, lab.now.mono), cases[i].seconds * MS_SEC);
		close(good->conn);
		good->conn = -1;
	}
}

static void test_limit(void **state)
{
	ms_request_t req = request(&lab.peers[0].addr, 1);
	req.tries = 1;
	for (uint64_t i = 0; i < MS_EXCHANGE_MAX; i++) {
		req.id = i;
		assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	}
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EBUSY);
	assert_int_equal(ms_exchange_count(lab.exchange), MS_EXCHANGE_MAX);
	run(MS_EXCHANGE_MAX);
	assert_int_equal(ms_exchange_count(lab.exchange), 0);
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
}

/* All answers are there when all timers are due: they count, however many they are. */
static void test_late_look(void **state)
{
	peer_t *peer = &lab.peers[0];
	ms_request_t req = request(&peer->addr, 1);
	req.tries = 1;
	peer->first = GOOD;
	for (req.id = 0; req.id < MS_EXCHANGE_MAX; req.id++) {
		assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
		assert_true(serve(peer));
	}
	lab.now.mono = ms_time_add(lab.now.mono, MS_SEC);
	ms_exchange_work(lab.exchange, lab.now);
	assert_int_equal(lab.good, MS_EXCHANGE_MAX);
}

/* The port is closed (ICMP): that ends nothing and spins nowhere. Then it is open again. */
static void test_restart(void **state)
{
	peer_t *peer = &lab.peers[0];
	struct sockaddr_storage ss;
	socklen_t ss_len = ms_addr_to_sockaddr(&peer->addr, &ss);
	peer->first = GOOD;
	close(peer->udp);
	peer->udp = -1;
	ms_time_t start = lab.now.mono;
	send_to(&peer->addr, 1);
	run(1); /* nobody comes back: like silence */
	assert_int_equal(lab.ret, KNOT_ETIMEOUT);
	assert_int_equal(ms_time_diff(start, lab.now.mono), 7 * MS_SEC);
	lab.done = 0;
	send_to(&peer->addr, 1);
	for (int i = 0; i < TRIES - 1; i++) {
		assert_true(can_read(ms_exchange_fd(lab.exchange), 1000)); /* the error */
		ms_exchange_work(lab.exchange, lab.now);
		assert_false(can_read(ms_exchange_fd(lab.exchange), 0)); /* read: nothing spins */
		assert_int_equal(lab.done, 0);
		lab.now.mono = ms_exchange_deadline(lab.exchange);
		if (i == TRIES - 2) {
			peer->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
			assert_int_equal(bind(peer->udp, (struct sockaddr *)&ss, ss_len), 0);
		}
		ms_exchange_work(lab.exchange, lab.now);
	}
	run(1);
	assert_int_equal(lab.ret, KNOT_EOK);
	assert_int_equal(peer->datagrams, 1);
}

/* Doubling stops at the end of time instead of wrapping. */
static void test_long_timeout(void **state)
{
	ms_request_t req = request(&lab.peers[0].addr, 1);
	req.first_timeout = INT64_MAX / 2 + 1;
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	lab.now.mono = ms_exchange_deadline(lab.exchange);
	ms_exchange_work(lab.exchange, lab.now);
	assert_true(ms_time_is_never(ms_exchange_deadline(lab.exchange)));
}

/* More forged datagrams than one look takes: the look ends, the next one finds the answer. */
static void test_flood(void **state)
{
	peer_t *peer = &lab.peers[0];
	uint8_t wire[MS_MESSAGE_MAX];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	send_to(&peer->addr, 1);
	assert_true(recvfrom(peer->udp, wire, sizeof(wire), 0, (struct sockaddr *)&from,
	                     &from_len) > 0);
	for (int i = 0; i < 100; i++) {
		say_datagram(peer, FORGED, &from);
	}
	say_datagram(peer, GOOD, &from);
	ms_exchange_work(lab.exchange, lab.now);
	assert_int_equal(lab.done, 0);
	run(1);
	assert_int_equal(lab.ret, KNOT_EOK);
}

static void test_refused_requests(void **state)
{
	ms_addr_t addrs[MS_ADDRS_MAX + 1] = { lab.peers[0].addr };
	ms_request_t none = request(addrs, 0), many = request(addrs, MS_ADDRS_MAX + 1);
	ms_request_t cut = request(addrs, 1);
	ms_request_t hasty = request(addrs, 1);
	cut.len = KNOT_WIRE_HEADER_SIZE - 1;
	hasty.first_timeout = 0;
	assert_int_equal(ms_exchange_send(lab.exchange, &none, lab.now), KNOT_EINVAL);
	assert_int_equal(ms_exchange_send(lab.exchange, &many, lab.now), KNOT_EINVAL);
	assert_int_equal(ms_exchange_send(lab.exchange, &cut, lab.now), KNOT_EINVAL);
	assert_int_equal(ms_exchange_send(lab.exchange, &hasty, lab.now), KNOT_EINVAL);
	assert_int_equal(ms_exchange_count(lab.exchange), 0);
}

static void test_cancel(void **state)
{
	ms_request_t req = request(&lab.peers[0].addr, 1);
	lab.peers[0].first = GOOD;
	for (req.id = 1; req.id <= 3; req.id++) {
		assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	}
	ms_exchange_cancel(lab.exchange, 1);
	ms_exchange_cancel(lab.exchange, 3);
	ms_exchange_cancel(lab.exchange, 99);
	assert_int_equal(ms_exchange_count(lab.exchange), 1);
	run(1);
	assert_int_equal(lab.id, 2);
	assert_int_equal(ms_exchange_count(lab.exchange), 0);
}

/* done() may send again: the slot that is ending is still its own. */
static void test_send_from_done(void **state)
{
	lab.peers[0].first = GOOD;
	lab.next = request(&lab.peers[0].addr, 1);
	lab.again = 3;
	send_to(&lab.peers[0].addr, 1);
	run(4);
	assert_int_equal(lab.peers[0].datagrams, 4);
}

/* Nor does it end more than once, or from within send, where not even a socket can be had. */
static void test_resend_without_socket(void **state)
{
	const ms_addr_t none = { .family = AF_UNSPEC };
	lab.next = request(&none, 1);
	lab.again = 3;
	send_to(&none, 1);
	assert_int_equal(lab.done, 0);
	run(4);
	assert_int_equal(lab.ret, KNOT_ECONN);
	assert_int_equal(ms_exchange_count(lab.exchange), 0);
}

/* Freed without a word: what is under way, over UDP and TCP. */
static void test_free_busy(void **state)
{
	ms_request_t req = request(&lab.peers[0].addr, 1);
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	req.tcp = true;
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	ms_exchange_free(lab.exchange);
	lab.exchange = NULL;
	assert_int_equal(lab.done, 0);
	ms_exchange_free(NULL);
}

static void test_sockets(void **state)
{
	unsigned found = 0;
	int copies[2];
	ms_request_t req = request(&lab.peers[0].addr, 1);
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	req.tcp = true;
	assert_int_equal(ms_exchange_send(lab.exchange, &req, lab.now), KNOT_EOK);
	for (int fd = 0; fd < 256; fd++) {
		struct sockaddr_in peer = { 0 };
		socklen_t len = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    ntohs(peer.sin_port) == lab.peers[0].addr.port) {
			assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
			assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
			assert_in_range(found, 0, 1);
			copies[found++] = fcntl(fd, F_DUPFD_CLOEXEC, 256);
		}
	}
	assert_int_equal(found, 2);
	/* What a child between fork and exec still holds is no longer waited for. */
	ms_exchange_cancel(lab.exchange, req.id);
	ms_exchange_cancel(lab.exchange, req.id);
	assert_false(can_read(ms_exchange_fd(lab.exchange), 0));
	close(copies[0]);
	close(copies[1]);
}

/* io/poll.h: a plain SOA query, and answers that nobody reads do no harm. */
static void test_poll(void **state)
{
	ms_poll_t *soa = NULL;
	assert_int_equal(ms_poll_new(&lab.peers[0].addr, &soa), KNOT_EOK);
	for (int i = 0; i < 3; i++) {
		uint8_t wire[512];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ms_poll_ask(soa, (const uint8_t *)"\x01z");
		assert_true(can_read(lab.peers[0].udp, 1000));
		ssize_t len = recvfrom(lab.peers[0].udp, wire, sizeof(wire), 0,
		                       (struct sockaddr *)&from, &from_len);
		const uint8_t query[] = { 0, i, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'z', 0, 0, 6, 0, 1 };
		assert_int_equal(len, sizeof(query));
		assert_memory_equal(wire, query, len);
		say_datagram(&lab.peers[0], GOOD, &from);
		ms_poll_drain(soa);
		ms_poll_drain(soa);
	}
	ms_poll_free(soa);
	ms_poll_free(NULL);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_udp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tcp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late_look, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_timeout, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flood, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_send_from_done, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resend_without_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_free_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sockets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_poll, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
