/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inbox, version slots and askers: what knotd's threads and the worker share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu.h>

#include <libknot/libknot.h>

#include "agent/inbox.h"
#include "agent/publish.h"
#include "agent/reply.h"

#define PUSHERS 4
#define PUSHES  2000
#define ZONES   3000

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

static ms_event_t *numbered(uint64_t id)
{
	ms_event_t *event = ms_event_new(MS_EV_TIMER);
	assert_non_null(event);
	event->id = id;
	return event;
}

static void test_order_and_wake(void **state)
{
	(void)state;
	ms_inbox_t inbox;
	ms_batch_t batch = { 0 };
	assert_int_equal(ms_inbox_init(&inbox, 8), KNOT_EOK);
	assert_false(readable(inbox.wake));
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(ms_inbox_push(&inbox, numbered(i)), KNOT_EOK);
	}
	assert_true(readable(inbox.wake));
	ms_inbox_take(&inbox, &batch);
	assert_false(readable(inbox.wake));
	assert_int_equal(batch.count, 3);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(batch.list[i - 1]->id, i);
	}
	ms_batch_deinit(&batch);

	ms_inbox_take(&inbox, &batch);
	assert_int_equal(batch.count, 0);
	assert_int_equal(ms_inbox_push(&inbox, numbered(4)), KNOT_EOK);
	assert_true(readable(inbox.wake));
	ms_inbox_deinit(&inbox);
	ms_batch_deinit(&batch);
}

static void test_full(void **state)
{
	(void)state;
	ms_inbox_t inbox;
	ms_batch_t batch = { 0 };
	assert_int_equal(ms_inbox_init(&inbox, 2), KNOT_EOK);
	assert_int_equal(ms_inbox_push(&inbox, numbered(1)), KNOT_EOK);
	assert_int_equal(ms_inbox_push(&inbox, numbered(2)), KNOT_EOK);
	ms_event_t *late = numbered(3);
	assert_int_equal(ms_inbox_push(&inbox, late), KNOT_ELIMIT);
	assert_int_equal(ms_inbox_push_sure(&inbox, late), KNOT_EOK);
	ms_inbox_take(&inbox, &batch);
	assert_int_equal(batch.count, 3);
	assert_int_equal(ms_inbox_push(&inbox, numbered(4)), KNOT_EOK);
	ms_inbox_deinit(&inbox);
	ms_batch_deinit(&batch);
}

static void *push_many(void *ctx)
{
	for (uint64_t i = 1; i <= PUSHES; i++) {
		ms_event_t *event = ms_event_new(MS_EV_TIMER);
		if (event == NULL) {
			return NULL;
		}
		event->id = i;
		if (ms_inbox_push(ctx, event) != KNOT_EOK) {
			ms_event_free(event);
			return NULL;
		}
	}
	return ctx;
}

static void test_many_threads(void **state)
{
	(void)state;
	ms_inbox_t inbox;
	ms_batch_t batch = { 0 };
	pthread_t thread[PUSHERS];
	assert_int_equal(ms_inbox_init(&inbox, PUSHERS * PUSHES), KNOT_EOK);
	for (int i = 0; i < PUSHERS; i++) {
		assert_int_equal(pthread_create(&thread[i], NULL, push_many, &inbox), 0);
	}
	size_t got = 0;
	uint64_t sum = 0;
	struct pollfd p = { .fd = inbox.wake, .events = POLLIN };
	while (got < PUSHERS * PUSHES) {
		/* Every push is announced: a lost wake-up would end here. */
		assert_int_equal(poll(&p, 1, 20000), 1);
		ms_inbox_take(&inbox, &batch);
		for (size_t i = 0; i < batch.count; i++) {
			sum += batch.list[i]->id;
			ms_event_free(batch.list[i]);
		}
		got += batch.count;
		batch.count = 0;
	}
	for (int i = 0; i < PUSHERS; i++) {
		void *done = NULL;
		assert_int_equal(pthread_join(thread[i], &done), 0);
		assert_ptr_equal(done, &inbox);
	}
	assert_int_equal(sum, (uint64_t)PUSHERS * PUSHES * (PUSHES + 1) / 2);
	ms_batch_deinit(&batch);
	ms_inbox_deinit(&inbox);
}

static void zone_name(unsigned i, knot_dname_storage_t out)
{
	char text[64];
	(void)snprintf(text, sizeof(text), "zone%u.example.", i);
	assert_non_null(knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)));
}

static void *read_slots(void *ctx)
{
	ms_slots_t *slots = ctx;
	knot_dname_storage_t last;
	(void)knot_dname_from_str(last, "zone2999.example.", sizeof(last));
	while (ms_slots_find(slots, last) == NULL) {
		/* Grows under our eyes. */
	}
	return ctx;
}

static void test_slots(void **state)
{
	(void)state;
	ms_slots_t slots;
	pthread_t reader;
	knot_dname_storage_t name;
	assert_int_equal(ms_slots_init(&slots), KNOT_EOK);
	assert_int_equal(pthread_create(&reader, NULL, read_slots, &slots), 0);
	for (unsigned i = 0; i < ZONES; i++) {
		zone_name(i, name);
		assert_null(ms_slots_find(&slots, name));
		ms_slot_t *slot = ms_slots_get(&slots, name);
		assert_non_null(slot);
		assert_ptr_equal(ms_slots_get(&slots, name), slot);
	}
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(slots.count, ZONES);
	for (unsigned i = 0; i < ZONES; i++) {
		zone_name(i, name);
		ms_slot_t *slot = ms_slots_find(&slots, name);
		assert_non_null(slot);
		assert_true(knot_dname_is_equal(slot->name, name));
	}
	ms_slots_deinit(&slots);
}

static void test_versions(void **state)
{
	(void)state;
	ms_slots_t slots;
	knot_dname_storage_t name;
	assert_int_equal(ms_slots_init(&slots), KNOT_EOK);
	zone_name(1, name);
	ms_slot_t *slot = ms_slots_get(&slots, name);
	assert_non_null(slot);
	assert_true(ms_slot_version_new(slot, 7));
	assert_false(ms_slot_version_new(slot, 7));
	assert_true(ms_slot_version_new(slot, 8));
	assert_true(ms_slot_version_new(slot, 7));
	ms_slot_forget(slot);
	assert_true(ms_slot_version_new(slot, 7));

	/* The last two that were found complete go out. */
	for (uint64_t version = 1; version <= 3; version++) {
		assert_false(ms_slot_open(slot, version));
		ms_slot_set_open(slot, version);
		ms_slot_set_open(slot, version);
	}
	assert_false(ms_slot_open(slot, 1));
	assert_true(ms_slot_open(slot, 2));
	assert_true(ms_slot_open(slot, 3));
	ms_slots_deinit(&slots);
}

static void *read_view(void *ctx)
{
	ms_publish_t *publish = ctx;
	rcu_register_thread();
	uint32_t seen;
	do {
		ms_publish_begin();
		const ms_view_t *view = ms_publish_view(publish);
		seen = view != NULL ? view->gauge_zones : 0;
		ms_publish_end();
	} while (seen < 200);
	rcu_unregister_thread();
	return ctx;
}

static void test_view_swap(void **state)
{
	(void)state;
	ms_publish_t publish = { 0 };
	pthread_t reader;
	rcu_register_thread();
	assert_int_equal(pthread_create(&reader, NULL, read_view, &publish), 0);
	for (uint32_t i = 1; i <= 200; i++) {
		ms_view_t *view = calloc(1, sizeof(*view));
		assert_non_null(view);
		view->gauge_zones = i;
		ms_publish_view_swap(&publish, view);
	}
	assert_int_equal(pthread_join(reader, NULL), 0);
	ms_publish_view_swap(&publish, NULL);
	assert_null(ms_publish_view(&publish));
	rcu_unregister_thread();
}

static struct sockaddr_storage loopback(const char *ip)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	assert_int_equal(inet_pton(AF_INET, ip, &((struct sockaddr_in *)&ss)->sin_addr), 1);
	return ss;
}

static int bind_to(int type, struct sockaddr_storage *addr)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*addr);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)addr, sizeof(struct sockaddr_in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	return fd;
}

/* A server bound to any address answers from the one that was asked. */
static void test_datagram(void **state)
{
	(void)state;
	static ms_replies_t replies;
	struct sockaddr_storage any = loopback("0.0.0.0"), client = loopback("127.0.0.1");
	int server_fd = bind_to(SOCK_DGRAM, &any), client_fd = bind_to(SOCK_DGRAM, &client);
	struct sockaddr_storage local = loopback("127.99.1.2");
	const ms_origin_t origin = { .fd = server_fd, .remote = &client, .local = &local };
	const uint8_t hash[MS_SIG_HASH_LEN] = { 5 };
	uint64_t handle = 0;
	assert_int_equal(ms_replies_init(&replies), KNOT_EOK);
	assert_int_equal(ms_replies_add(&replies, &origin, (const uint8_t *)"ask", 3, 512, hash,
	                                NULL, (ms_time_t){ 0 }, &handle), KNOT_EOK);
	close(server_fd);

	ms_asker_t *asker = ms_replies_take(&replies, handle);
	assert_non_null(asker);
	assert_null(ms_replies_take(&replies, handle));
	assert_int_equal(asker->request_len, 3);
	assert_memory_equal(asker->request, "ask", 3);
	assert_memory_equal(asker->hash, hash, sizeof(hash));
	assert_int_equal(ms_asker_send(asker, (const uint8_t *)"answer", 6), KNOT_EOK);
	ms_asker_free(asker);

	char buf[16];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	struct pollfd p = { .fd = client_fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(recvfrom(client_fd, buf, sizeof(buf), 0, (struct sockaddr *)&from,
	                          &from_len), 6);
	assert_memory_equal(buf, "answer", 6);
	assert_int_equal(from.sin_addr.s_addr, ((struct sockaddr_in *)&local)->sin_addr.s_addr);
	close(client_fd);
	ms_replies_deinit(&replies);
}

static void test_stream(void **state)
{
	(void)state;
	static ms_replies_t replies;
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct sockaddr_storage remote = loopback("127.0.0.1");
	const ms_origin_t origin = { .fd = pair[0], .tcp = true, .remote = &remote };
	const uint8_t hash[MS_SIG_HASH_LEN] = { 0 };
	uint64_t handle = 0;
	assert_int_equal(ms_replies_init(&replies), KNOT_EOK);
	assert_int_equal(ms_replies_add(&replies, &origin, (const uint8_t *)"ask", 3, 512, hash,
	                                NULL, (ms_time_t){ 0 }, &handle), KNOT_EOK);
	ms_asker_t *asker = ms_replies_take(&replies, handle);
	assert_non_null(asker);
	assert_int_equal(ms_asker_send(asker, (const uint8_t *)"answer", 6), KNOT_EOK);
	char buf[16];
	assert_int_equal(read(pair[1], buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "\0\6answer", 8);
	close(pair[1]);
	assert_int_equal(ms_asker_send(asker, (const uint8_t *)"answer", 6), KNOT_ECONN);
	ms_asker_free(asker);
	close(pair[0]);
	ms_replies_deinit(&replies);
}

static void test_askers_bounded(void **state)
{
	(void)state;
	static ms_replies_t replies;
	int pair[2];
	assert_int_equal(pipe(pair), 0);
	struct sockaddr_storage remote = loopback("127.0.0.1");
	const ms_origin_t origin = { .fd = pair[0], .remote = &remote };
	const uint8_t hash[MS_SIG_HASH_LEN] = { 0 };
	assert_int_equal(ms_replies_init(&replies), KNOT_EOK);
	uint64_t first = 0, handle = 0;
	int ret = KNOT_EOK;
	size_t count = 0;
	while (ret == KNOT_EOK) {
		ret = ms_replies_add(&replies, &origin, (const uint8_t *)"x", 1, 512, hash,
		                     NULL, (ms_time_t){ (int64_t)count }, &handle);
		first = first == 0 ? handle : first;
		count += ret == KNOT_EOK;
	}
	assert_true(count > 0 && count <= MS_REPLIES_MAX);
	assert_int_equal(ret, count == MS_REPLIES_MAX ? KNOT_ELIMIT : KNOT_ERROR);

	ms_replies_expire(&replies, (ms_time_t){ MS_REPLY_AGE });
	assert_int_equal(replies.count, count);
	ms_replies_expire(&replies, (ms_time_t){ MS_REPLY_AGE + 1 });
	assert_int_equal(replies.count, count - 1);
	assert_null(ms_replies_take(&replies, first));
	ms_asker_t *asker = ms_replies_take(&replies, handle);
	assert_int_equal(asker != NULL, count > 1);
	ms_asker_free(asker);
	ms_replies_deinit(&replies);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_wake),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_view_swap),
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_askers_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
