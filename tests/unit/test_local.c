/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UPDATEs of our own agent: what is said at once, what is queued, and how it is signed later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "agent/answer.h"
#include "agent/worker.h"
#include "wire/update.h"

#define INBOX_MAX 2
#define BEGAN 100          /* Seconds ago. */

static const knot_dname_t ZONE[] = "\x04zone\x07" "example";
static const knot_dname_t NAME[] = "\x05" "agent";

static struct {
	ms_runtime_t *runtime;
	ms_tsig_key_t key;
	ms_origin_t origin;
	struct sockaddr_storage remote;
	int pair[2];
	uint8_t wire[512];       /* The request as it is sent … */
	size_t len;
	uint8_t bare[512];       /* … and as knotd hands it on. */
	size_t bare_len;
	ms_tsig_t tsig;
	uint8_t out[2048];
	size_t out_len;
} lab;

static int set_up(void **state)
{
	memset(&lab, 0, sizeof(lab));
	ms_runtime_t *runtime = lab.runtime = calloc(1, sizeof(*runtime));
	assert_non_null(runtime);
	assert_int_equal(ms_inbox_init(&runtime->inbox, INBOX_MAX), KNOT_EOK);
	assert_int_equal(ms_replies_init(&runtime->replies), KNOT_EOK);
	ms_replay_init(&runtime->replay);
	pthread_mutex_init(&runtime->replay_lock, NULL);
	runtime->began.s = time(NULL) - BEGAN;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, lab.pair), 0);
	lab.remote.ss_family = AF_INET;
	lab.origin = (ms_origin_t){ .fd = lab.pair[0], .tcp = true, .edns = true,
	                            .remote = &lab.remote };
	return ms_tsig_key_set(&lab.key, NAME, DNSSEC_TSIG_HMAC_SHA256, (const uint8_t *)"secret", 6);
}

static int tear_down(void **state)
{
	ms_replies_deinit(&lab.runtime->replies);
	ms_inbox_deinit(&lab.runtime->inbox);
	ms_replay_deinit(&lab.runtime->replay);
	pthread_mutex_destroy(&lab.runtime->replay_lock);
	free(lab.runtime);
	close(lab.pair[0]);
	close(lab.pair[1]);
	return 0;
}

/* A withdrawal of NS, signed \a ago seconds before now. */
static void make(const ms_tsig_key_t *key, uint16_t id, int ago)
{
	const ms_contribution_t c = { .stated = 1u << MS_APEX_NS };
	int len = ms_update_build((const uint8_t *)"\x04zOnE\x07" "example", id, &c, lab.wire,
	                          sizeof(lab.wire));
	assert_true(len > 0);
	lab.len = ms_tsig_sign(key, lab.wire, len, sizeof(lab.wire), NULL, 0, time(NULL) - ago, NULL);
	memcpy(lab.bare, lab.wire, lab.len);
	lab.bare_len = lab.len;
	assert_int_equal(ms_tsig_cut(lab.bare, &lab.bare_len, &lab.tsig), KNOT_EOK);
}

static ms_answer_t ask(bool with_tsig)
{
	lab.out_len = 0;
	return ms_answer_update(lab.runtime, &lab.key, lab.bare, lab.bare_len,
	                        with_tsig ? &lab.tsig : NULL, ZONE, &lab.origin, lab.out,
	                        sizeof(lab.out), &lab.out_len);
}

/* The answer is one to the request, has this RCODE, and a TSIG with this error, or none (-1). */
static void assert_says(const uint8_t *wire, size_t len, uint16_t rcode, int error)
{
	uint8_t copy[2048];
	ms_tsig_t said;
	assert_in_range(len, KNOT_WIRE_HEADER_SIZE, sizeof(copy));
	memcpy(copy, wire, len);
	int ret = ms_tsig_cut(copy, &len, &said);
	assert_int_equal(ret, error < 0 ? KNOT_ENOENT : KNOT_EOK);
	assert_int_equal(knot_wire_get_id(copy), knot_wire_get_id(lab.wire));
	assert_true(knot_wire_get_qr(copy));
	assert_int_equal(knot_wire_get_opcode(copy), KNOT_OPCODE_UPDATE);
	assert_int_equal(knot_wire_get_rcode(copy), rcode);
	assert_int_equal(knot_wire_get_arcount(copy), lab.origin.edns);
	assert_memory_equal(copy + KNOT_WIRE_HEADER_SIZE, "\x04zOnE\x07", 6); /* as it was asked */
	if (error >= 0) {
		bool has_mac = error == 0 || error == KNOT_RCODE_BADTIME;
		assert_int_equal(said.error, error);
		assert_int_equal(ms_tsig_verify(&lab.key, &said, copy, len, &lab.tsig,
		                                said.signed_at) == 0, has_mac);
	}
}

static void assert_inbox(size_t count)
{
	ms_batch_t batch = { 0 };
	ms_inbox_take(&lab.runtime->inbox, &batch);
	assert_int_equal(batch.count, count);
	for (size_t i = 0; i < batch.count; i++) {
		ms_event_free(batch.list[i]);
	}
	batch.count = 0;
	ms_batch_deinit(&batch);
}

static void test_refused(void **state)
{
	static const struct {
		const char *what;
		bool with_tsig, other_name, other_secret;
		int ago;
		uint16_t rcode;
		int error;
		ms_admit_verdict_t verdict;
	} cases[] = {
		{ "unsigned", false, false, false, 0, KNOT_RCODE_REFUSED, -1, MS_ADMIT_UNSIGNED },
		{ "another key", true, true, false, 0, KNOT_RCODE_NOTAUTH, KNOT_RCODE_BADKEY,
		  MS_ADMIT_NO_KEY },
		{ "another secret", true, false, true, 0, KNOT_RCODE_NOTAUTH, KNOT_RCODE_BADSIG,
		  MS_ADMIT_SIGNATURE },
		{ "late", true, false, false, 400, KNOT_RCODE_NOTAUTH, KNOT_RCODE_BADTIME,
		  MS_ADMIT_TIME },
		{ "early", true, false, false, -400, KNOT_RCODE_NOTAUTH, KNOT_RCODE_BADTIME,
		  MS_ADMIT_TIME },
		{ "from before the start", true, false, false, BEGAN + 10, KNOT_RCODE_NOTAUTH,
		  KNOT_RCODE_BADTIME, MS_ADMIT_TIME },
	};
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = i / 2;
		print_message("# %s, %s EDNS\n", cases[at].what, i % 2 == 0 ? "with" : "without");
		ms_tsig_key_t key = lab.key;
		key.name[1] ^= cases[at].other_name;
		key.secret[0] ^= cases[at].other_secret;
		make(&key, 7 + i, cases[at].ago);
		lab.origin.edns = i % 2 == 0;
		uint64_t before = lab.runtime->admitted[cases[at].verdict];
		assert_int_equal(ask(cases[at].with_tsig), MS_ANSWER_NOW);
		assert_says(lab.out, lab.out_len, cases[at].rcode, cases[at].error);
		assert_int_equal(lab.runtime->admitted[cases[at].verdict], before + 1);
	}
	assert_inbox(0);
	assert_int_equal(lab.runtime->replies.count, 0);
}

static uint64_t assert_queued(void)
{
	ms_batch_t batch = { 0 };
	ms_inbox_take(&lab.runtime->inbox, &batch);
	assert_int_equal(batch.count, 1);
	const ms_event_t *event = batch.list[0];
	assert_int_equal(event->kind, MS_EV_LOCAL);
	assert_true(knot_dname_is_equal(event->zone, ZONE));
	assert_int_equal(event->local.len, lab.bare_len);
	assert_memory_equal(event->local.wire, lab.bare, lab.bare_len);
	uint64_t handle = event->local.reply;
	assert_true(handle != 0);
	ms_event_free(batch.list[0]);
	batch.count = 0;
	ms_batch_deinit(&batch);
	return handle;
}

static void test_accepted(void **state)
{
	static const ms_codes_t none = { 0 };
	uint8_t answer[512];
	make(&lab.key, 7, 0);
	assert_int_equal(ask(true), MS_ANSWER_LATER);
	uint64_t handle = assert_queued();
	/* The same octets again, while the first ones are waiting: nothing. */
	assert_int_equal(ask(true), MS_ANSWER_DROP);
	assert_inbox(0);

	ms_asker_t *asker = ms_replies_take(&lab.runtime->replies, handle);
	assert_non_null(asker);
	assert_true(asker->tsig != NULL && asker->edns);
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, ZONE, KNOT_RRTYPE_SOA);
	msg->response = true;
	msg->id = 7;
	msg->rcode = KNOT_RCODE_NOERROR;
	int len = ms_reply_build_tsig(msg, &none, asker->tsig, 0, asker->request, asker->request_len,
	                              ms_clock().wall, answer, sizeof(answer));
	assert_says(answer, len, KNOT_RCODE_NOERROR, 0);
	/* Not an octet less than it needs. */
	for (int max = 0; max < len; max++) {
		assert_true(ms_reply_build_tsig(msg, &none, asker->tsig, 0, asker->request,
		                                asker->request_len, ms_clock().wall, lab.out,
		                                max) <= max);
	}
	ms_replay_answered(&lab.runtime->replay, asker->hash, KNOT_RCODE_NOERROR, answer, len);
	ms_msg_free(msg);
	ms_asker_free(asker);

	assert_int_equal(ask(true), MS_ANSWER_NOW);
	assert_int_equal(lab.out_len, len);
	assert_memory_equal(lab.out, answer, len);
	assert_inbox(0);
	assert_int_equal(lab.runtime->replayed, 2);
	/* Another id on the same signature is the same message (RFC 8945 section 5.3.2). */
	knot_wire_set_id(lab.bare, 9);
	assert_int_equal(ask(true), MS_ANSWER_NOW);
	assert_inbox(0);
}

/* What could not be queued may come again. */
static void test_overload(void **state)
{
	for (uint16_t id = 1; id <= INBOX_MAX; id++) {
		make(&lab.key, id, 0);
		assert_int_equal(ask(true), MS_ANSWER_LATER);
	}
	make(&lab.key, 100, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(true), MS_ANSWER_NOW);
		assert_says(lab.out, lab.out_len, KNOT_RCODE_SERVFAIL, 0);
	}
	assert_int_equal(lab.runtime->replies.count, INBOX_MAX);
	assert_inbox(INBOX_MAX);
	assert_int_equal(ask(true), MS_ANSWER_LATER);
	(void)assert_queued();

	/* Neither plain UDP nor TCP: there is no socket to answer by later. */
	make(&lab.key, 101, 0);
	lab.origin.other = true;
	assert_int_equal(ask(true), MS_ANSWER_NOW);
	assert_says(lab.out, lab.out_len, KNOT_RCODE_SERVFAIL, 0);
	assert_inbox(0);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overload, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
