/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A combiner that says what a case wants it to, in a thread of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "io/update.h"
#include "wire/message.h"
#include "wire/update.h"

#define NOW ((ms_wall_t){ 1800000000 })
#define SKEW 1000          /* More than a fudge. */

static const knot_dname_t ZONE[] = "\x04zone\x07" "example";
static const knot_dname_t NAME[] = "\x05" "agent";

typedef enum {
	GOOD, SLOW, REFUSED, SERVFAIL, UNSIGNED, UNSIGNED_REFUSED, OTHER_SECRET, OTHER_REQUEST, BADKEY,
	BADTIME, OTHER_ID, A_QUERY, JUNK, EMPTY, /* and without a whole answer: */
	HALF, CLOSE, SILENT,
} say_t;

static struct {
	say_t say;
	int listener;
	ms_addr_t addr;
	ms_tsig_key_t key;
	atomic_bool stop;
	ms_contribution_t store;   /* What it took in. */
	bool verified;
} lab;

static void read_whole(int fd, uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t got = recv(fd, data, len, 0);
		assert_true(got > 0);
		data += got;
		len -= got;
	}
}

static ms_msg_t *make_reply(uint16_t id)
{
	ms_msg_t *msg = ms_msg_new(lab.say == A_QUERY ? MS_MSG_QUERY : MS_MSG_UPDATE, ZONE,
	                           KNOT_RRTYPE_SOA);
	msg->response = true;
	msg->id = lab.say == OTHER_ID ? id ^ 1 : id;
	if (lab.say == REFUSED || lab.say == UNSIGNED_REFUSED) {
		msg->rcode = KNOT_RCODE_REFUSED;
		msg->ede = 18;
		strcpy(msg->ede_text, "type A cannot be contributed");
	} else if (lab.say == SERVFAIL) {
		msg->rcode = KNOT_RCODE_SERVFAIL;
	} else if (lab.say == BADKEY || lab.say == BADTIME) {
		msg->rcode = KNOT_RCODE_NOTAUTH;
	}
	return msg;
}

static size_t sign(uint8_t *wire, size_t len, const ms_tsig_t *asked)
{
	ms_tsig_key_t key = lab.key;
	ms_tsig_t request = *asked;
	key.secret[0] ^= lab.say == OTHER_SECRET;
	request.mac[0] ^= lab.say == OTHER_REQUEST;
	uint16_t error = lab.say == BADKEY ? KNOT_RCODE_BADKEY
	               : lab.say == BADTIME ? KNOT_RCODE_BADTIME : 0;
	return lab.say == UNSIGNED || lab.say == UNSIGNED_REFUSED ? len
	     : (size_t)ms_tsig_sign(&key, wire, len, UINT16_MAX, &request, error,
	                            NOW.s + (lab.say == BADTIME ? SKEW : 0), NULL);
}

static size_t answer(uint8_t *wire, size_t len)
{
	static const ms_codes_t none = { 0 };
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	ms_tsig_t asked;
	assert_int_equal(ms_tsig_cut(wire, &len, &asked), KNOT_EOK);
	lab.verified = ms_tsig_verify(&lab.key, &asked, wire, len, NULL, NOW.s) == 0;
	assert_int_equal(ms_update_apply(wire, len, ZONE, UINT32_MAX, &lab.store, &rcode, reason),
	                 KNOT_EOK);
	ms_msg_t *msg = make_reply(knot_wire_get_id(wire));
	int made = ms_message_build(msg, &none, wire, UINT16_MAX);
	assert_true(made > 0);
	ms_msg_free(msg);
	len = sign(wire, made, &asked);
	return lab.say == JUNK ? 13 : lab.say == EMPTY ? 0 : len;
}

static void *serve(void *ctx)
{
	static uint8_t frame[2 + UINT16_MAX];
	int fd = accept(lab.listener, NULL, NULL);
	assert_true(fd >= 0);
	read_whole(fd, frame, 2);
	size_t len = knot_wire_read_u16(frame);
	read_whole(fd, frame + 2, len);
	len = answer(frame + 2, len);
	knot_wire_write_u16(frame, len);
	len = lab.say == HALF ? len / 2 : lab.say == CLOSE || lab.say == SILENT ? 0 : len + 2;
	for (size_t at = 0; at < len; at++) { /* the other side has to put it together */
		if (lab.say == SLOW || at == 0) {
			(void)poll(NULL, 0, 2);
		}
		assert_int_equal(send(fd, frame + at, 1, MSG_NOSIGNAL), 1);
	}
	/* Until the other side has gone. */
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	(void)poll(&pfd, 1, lab.say == CLOSE || lab.say == HALF ? 0 : 5000);
	close(fd);
	return NULL;
}

static int set_up(void **state)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t len = sizeof(addr);
	struct sockaddr_storage ss = { 0 };
	memset(&lab, 0, sizeof(lab));
	lab.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(lab.listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(lab.listener, 1), 0);
	assert_int_equal(getsockname(lab.listener, (struct sockaddr *)&addr, &len), 0);
	memcpy(&ss, &addr, sizeof(addr));
	assert_int_equal(ms_addr_from_sockaddr(&ss, &lab.addr), KNOT_EOK);
	return ms_tsig_key_set(&lab.key, NAME, DNSSEC_TSIG_HMAC_SHA256, (const uint8_t *)"secret", 6);
}

static int tear_down(void **state)
{
	ms_contribution_clear(&lab.store);
	close(lab.listener);
	return 0;
}

static ms_contribution_t statement(void)
{
	static const uint8_t ns[] = "\x02ns\x01" "a";
	ms_contribution_t c = { .stated = 1u << MS_APEX_NS | 1u << MS_APEX_CDS };
	assert_int_equal(ms_rrset_add(&c.set[MS_APEX_NS], ns, sizeof(ns)), KNOT_EOK);
	return c;
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_send(void **state)
{
	static const struct {
		const char *what;
		say_t say;
		int ret;
		const char *reason;
	} cases[] = {
		{ "taken", GOOD, KNOT_EOK, "" },
		{ "octet by octet", SLOW, KNOT_EOK, "" },
		{ "refused", REFUSED, KNOT_EDENIED, "REFUSED from the combiner" },
		{ "refused, and why", REFUSED, KNOT_EDENIED, ": type A cannot be contributed" },
		{ "busy", SERVFAIL, KNOT_EBUSY, "SERVFAIL from the combiner" },
		{ "unsigned", UNSIGNED, KNOT_EDENIED, "NOERROR (unsigned) from" },
		{ "refused, unsigned", UNSIGNED_REFUSED, KNOT_EDENIED, "REFUSED (unsigned) from" },
		{ "another secret", OTHER_SECRET, KNOT_EDENIED, "NOERROR (BADSIG) from" },
		{ "answer to something else", OTHER_REQUEST, KNOT_EDENIED, "(BADSIG)" },
		{ "key not known there", BADKEY, KNOT_EDENIED, "NOTAUTH (BADKEY) from" },
		{ "clocks apart", BADTIME, KNOT_EDENIED, "compare keys and clocks" },
		{ "another id", OTHER_ID, KNOT_EMALF, "does not answer as a combiner" },
		{ "answer to a query", A_QUERY, KNOT_EMALF, "does not answer as a combiner" },
		{ "broken", JUNK, KNOT_EMALF, "does not answer as a combiner" },
		{ "empty", EMPTY, KNOT_EMALF, "does not answer as a combiner" },
		{ "half an answer", HALF, KNOT_ECONN, "has closed the connection" },
		{ "none", CLOSE, KNOT_ECONN, "has closed the connection" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		pthread_t thread;
		char reason[256] = "";
		ms_contribution_t c = statement();
		set_up(NULL);
		lab.say = cases[i].say;
		assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
		assert_int_equal(ms_update_send(&lab.addr, &lab.key, ZONE, &c, NOW, &lab.stop, reason,
		                                sizeof(reason)), cases[i].ret);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_non_null(strstr(reason, cases[i].reason));
		assert_int_equal(reason[0] == '\0', cases[i].ret == KNOT_EOK);
		assert_true(lab.verified);
		assert_true(ms_contribution_equal(&lab.store, &c));
		assert_int_equal(lab.store.stated, c.stated);
		ms_contribution_clear(&c);
		tear_down(NULL);
	}
}

static void *stop_soon(void *ctx)
{
	(void)poll(NULL, 0, 100);
	atomic_store(&lab.stop, true);
	return NULL;
}

static void test_patience(void **state)
{
	pthread_t server, stopper;
	char reason[256];
	ms_contribution_t c = statement();
	lab.say = SILENT;
	assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
	int64_t start = now_ms();
	assert_int_equal(ms_update_send(&lab.addr, &lab.key, ZONE, &c, NOW, NULL, reason,
	                                sizeof(reason)), KNOT_ETIMEOUT);
	assert_in_range(now_ms() - start, MS_UPDATE_STEP_MS, 2 * MS_UPDATE_STEP_MS);
	assert_non_null(strstr(reason, "does not answer"));
	pthread_join(server, NULL);

	assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
	assert_int_equal(pthread_create(&stopper, NULL, stop_soon, NULL), 0);
	start = now_ms();
	assert_int_equal(ms_update_send(&lab.addr, &lab.key, ZONE, &c, NOW, &lab.stop, reason,
	                                sizeof(reason)), KNOT_EBUSY);
	assert_in_range(now_ms() - start, 0, MS_UPDATE_STEP_MS - 100);
	assert_non_null(strstr(reason, "shutting down"));
	pthread_join(server, NULL);
	pthread_join(stopper, NULL);
	ms_contribution_clear(&c);
}

static void test_nowhere(void **state)
{
	char reason[256];
	ms_addr_t none = { 0 };
	ms_contribution_t c = statement(), nothing = { 0 };
	close(lab.listener);
	assert_int_equal(ms_update_send(&lab.addr, &lab.key, ZONE, &c, NOW, &lab.stop, reason,
	                                sizeof(reason)), KNOT_ECONN);
	assert_non_null(strstr(reason, "no connection to the combiner 127.0.0.1@"));
	assert_int_equal(ms_update_send(&none, &lab.key, ZONE, &c, NOW, &lab.stop, reason,
	                                sizeof(reason)), KNOT_EINVAL);
	assert_int_equal(ms_update_send(&lab.addr, &lab.key, ZONE, &nothing, NOW, &lab.stop, reason,
	                                sizeof(reason)), KNOT_EINVAL);
	ms_contribution_clear(&c);
	lab.listener = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send),
		cmocka_unit_test_setup_teardown(test_patience, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nowhere, set_up, tear_down),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
