/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UPDATEs of our agent to its combiner: on disk before NOERROR, and only what it may say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "core/gate.h"
#include "make.h"
#include "wire/update.h"

#define BIT(type) (1u << MS_APEX_##type)
#define HANDLE 7
#define ID 4711

static ms_agent_t agent;
static ms_actions_t out;
static ms_zone_t *zone;
static ms_contribution_t said;
static uint8_t k1[MAKE_KEY_LEN];

static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	agent.config.combiner_role = agent.config.gate = true;
	zone = make_zone(&agent);
	zone->signing = false;
	zone->nsmgmt = MS_HSYNC_AGENT;
	make_ns(&zone->apex.set[MS_APEX_NS], "o.");
	make_zsk(1, k1);
	make_add(&said.set[MS_APEX_DNSKEY], 300, k1, sizeof(k1));
	said.stated = BIT(DNSKEY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_contribution_clear(&said);
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	return 0;
}

/* Has the agent say \a said about a zone. \return The answer. */
static const ms_msg_t *update(const knot_dname_t *name)
{
	ms_event_t event = { .kind = MS_EV_LOCAL, .now = make_now(1) };
	memcpy(event.zone, name, knot_dname_size(name));
	event.local.wire = malloc(MS_UPDATE_WIRE_MAX);
	assert_non_null(event.local.wire);
	int len = ms_update_build(name, ID, &said, event.local.wire, MS_UPDATE_WIRE_MAX);
	assert_true(len > 0);
	event.local.len = len;
	event.local.reply = HANDLE;
	ms_actions_clear(&out);
	assert_int_equal(ms_step(&agent, &event, &out), KNOT_EOK);
	ms_event_clear(&event);
	const ms_action_t *reply = make_find(&out, MS_ACT_REPLY, NULL);
	assert_non_null(reply);
	assert_int_equal(reply->reply.handle, HANDLE);
	assert_int_equal(reply->reply.msg->id, ID);
	assert_true(reply->reply.msg->response);
	return reply->reply.msg;
}

/* The place of what is written down of this zone, by kind; -1 = nothing. */
static int place_of(ms_rec_kind_t kind)
{
	for (size_t i = 0; i < out.count; i++) {
		ms_rec_key_t key;
		if (out.list[i].kind == MS_ACT_PERSIST &&
		    ms_rec_key_decode(out.list[i].persist.key, out.list[i].persist.key_len,
		                      &key) == KNOT_EOK && key.kind == kind) {
			return i;
		}
	}
	return -1;
}

static void test_taken(void **state)
{
	(void)state;
	size_t reply, edit;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
	assert_non_null(make_find(&out, MS_ACT_REPLY, &reply));
	assert_true(place_of(MS_REC_CONTRIBUTION) >= 0);
	assert_true(place_of(MS_REC_CONTRIBUTION) < (int)reply); /* G-19 */
	assert_true(zone->has_local);
	assert_true(ms_rrset_has(&zone->local.set[MS_APEX_DNSKEY], k1, sizeof(k1)));
	/* It is combined at once (G-07), what is written is noted down before. */
	const ms_action_t *action = make_find(&out, MS_ACT_EDIT, &edit);
	assert_non_null(action);
	assert_true(place_of(MS_REC_WRITTEN) >= 0 && place_of(MS_REC_WRITTEN) < (int)edit);
	assert_true(action->edit.has_serial && !action->edit.remote);
	assert_false(ms_gate_open_apex(zone->wanted, &zone->apex));

	/* Once more the same: on disk it is already. */
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
	assert_int_equal(place_of(MS_REC_CONTRIBUTION), -1);
	assert_null(make_find(&out, MS_ACT_EDIT, NULL));
}

/* Each set stands for itself (G-02). */
static void test_partly(void **state)
{
	(void)state;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
	/* What is not talked about stays; what is said to be empty goes. */
	make_ns(&said.set[MS_APEX_NS], "a.");
	said.stated = BIT(NS);
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
	assert_true(ms_rrset_has(&zone->local.set[MS_APEX_DNSKEY], k1, sizeof(k1)));
	assert_true(make_ns_equal(&zone->local.set[MS_APEX_NS], "a."));
	ms_rrset_clear(&said.set[MS_APEX_DNSKEY]);
	said.stated = BIT(DNSKEY);
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
	assert_int_equal(zone->local.set[MS_APEX_DNSKEY].rrs.count, 0);
	assert_true(make_ns_equal(&zone->local.set[MS_APEX_NS], "a."));
}

/* Nothing is held, written down, or changed. */
static void assert_nothing(void)
{
	assert_int_equal(place_of(MS_REC_CONTRIBUTION), -1);
	assert_false(zone->has_local);
	assert_int_equal(zone->local.set[MS_APEX_DNSKEY].rrs.count, 0);
}

static void test_refused(void **state)
{
	(void)state;
	knot_dname_storage_t buf;
	/* NS under OWNER (G-15): the whole message. */
	make_ns(&said.set[MS_APEX_NS], "a.");
	said.stated |= BIT(NS);
	zone->nsmgmt = MS_HSYNC_OWNER;
	const ms_msg_t *answer = update(zone->name);
	assert_int_equal(answer->rcode, KNOT_RCODE_REFUSED);
	assert_true(answer->ede >= 0 && answer->ede_text[0] != '\0');
	assert_nothing();
	/* Whether it is shared at all is not known yet. */
	zone->nsmgmt = MS_HSYNC_AGENT;
	zone->shared = false;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_REFUSED);
	zone->shared = true;
	said.stated = BIT(DNSKEY);

	assert_int_equal(update(make_name("nobody.test.", buf))->rcode, KNOT_RCODE_REFUSED);
	zone->opted = false;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_REFUSED);
	zone->opted = true;
	agent.config.combiner_role = false;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_REFUSED);
	assert_nothing();
}

static void test_apex_key(void **state)
{
	(void)state;
	static const uint8_t key[] = "\x02\x00\x03\x0fkey";
	make_add(&said.set[MS_APEX_KEY], 300, key, sizeof(key));
	said.stated = BIT(KEY);
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_REFUSED);
	assert_nothing();
	agent.config.apex_key = true;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
	assert_true(zone->has_local);
}

/* What cannot be stored is not confirmed (G-19). */
static void test_unsaved(void **state)
{
	(void)state;
	agent.unsaved = true;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_SERVFAIL);
	assert_nothing();
	agent.unsaved = false;
	assert_int_equal(update(zone->name)->rcode, KNOT_RCODE_NOERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partly, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apex_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unsaved, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
