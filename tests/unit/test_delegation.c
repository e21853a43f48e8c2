/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who tells the parent what, when, and who stays silent. --print: the table for the documentation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/delegation.h"
#include "core/shown.h"
#include "core/tellupdate.h"
#include "core/wanted.h"
#include "make.h"
#include "wire/ds.h"
#include "wire/envelope.h"
#include "wire/keystate.h"

static ms_agent_t agent;
static ms_actions_t out;
static ms_zone_t *zone;

/* Of our key, in two forms and with a wrong digest; and of another one. */
static uint8_t ds1[36], ds1_sha384[52], ds1_wrong[36], ds2[36], zsk[MAKE_KEY_LEN];
static const uint8_t soa[22] = { 0 };

static void make_ds(void)
{
	uint8_t other[MAKE_KEY_LEN];
	make_zsk(1, zsk);
	make_zsk(2, other);
	assert_int_equal(ms_ds_make(zone->name, zsk, sizeof(zsk), 2, ds1, sizeof(ds1)), 36);
	assert_int_equal(ms_ds_make(zone->name, zsk, sizeof(zsk), 4, ds1_sha384, 52), 52);
	assert_int_equal(ms_ds_make(zone->name, other, sizeof(other), 2, ds2, sizeof(ds2)), 36);
	memcpy(ds1_wrong, ds1, sizeof(ds1));
	ds1_wrong[35] ^= 1;
}

static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	agent.config.parent_count = 1;
	agent.config.parent[0] = MS_DSYNC_NOTIFY;
	zone = make_zone(&agent);
	zone->apex.is_signed = true;
	zone->apex.serial = 7;
	make_ds();
	make_add(&zone->apex.set[MS_APEX_SOA], 60, soa, sizeof(soa));
	make_add(&zone->apex.set[MS_APEX_CDS], 60, ds1, sizeof(ds1));
	make_ns(&zone->apex.set[MS_APEX_NS], "ns.a.test.");
	make_add(&zone->apex.set[MS_APEX_DNSKEY], 60, zsk, sizeof(zsk));
	make_own(zone, zsk);
	(void)make_founded(zone);
	make_add(&zone->own.set[MS_APEX_CDS], 60, ds1, sizeof(ds1));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_actions_deinit(&out);
	ms_agent_deinit(&agent);
	return 0;
}

static const ms_action_t *settle(double seconds, ms_action_kind_t kind)
{
	ms_actions_clear(&out);
	assert_int_equal(ms_delegation_settle(&agent, zone, make_now(seconds), &out), KNOT_EOK);
	return make_find(&out, kind, NULL);
}

static ms_seen_t *seen(unsigned count, const uint16_t *types)
{
	ms_seen_t *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	ms_name_copy(s->name, zone->name);
	s->type_count = count;
	memcpy(s->types, types, count * sizeof(*types));
	return s;
}

static ms_seen_server_t *server(ms_seen_t *s, const char *host)
{
	knot_dname_storage_t name;
	const ms_addr_t addr = { .family = AF_INET, .ip = { 127, 0, 0, s->count } };
	ms_seen_server_t *one = ms_seen_add(s, make_name(host, name), &addr);
	assert_non_null(one);
	for (unsigned i = 0; i < MS_SEEN_TYPES; i++) {
		one->ret[i] = KNOT_EOK;
		one->aa[i] = true;
	}
	return one;
}

/* A parent's server with these DS. */
static ms_seen_server_t *parent(ms_seen_t *s, const uint8_t *ds, size_t len)
{
	ms_seen_server_t *one = server(s, "ns.test.");
	if (ds != NULL) {
		make_add(&one->set[0], 60, ds, len);
	}
	make_ns(&one->set[1], "ns.a.test.");
	one->aa[1] = false;
	return one;
}

static ms_seen_t *at_parent(const uint8_t *ds, size_t len)
{
	static const uint16_t types[] = { KNOT_RRTYPE_DS, KNOT_RRTYPE_NS };
	ms_seen_t *s = seen(2, types);
	(void)parent(s, ds, len);
	return s;
}

static ms_seen_t *at_servers(const uint8_t *cds, size_t len)
{
	static const uint16_t types[] = { KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY, KNOT_RRTYPE_CSYNC,
	                                  KNOT_RRTYPE_NS, KNOT_RRTYPE_KEY };
	ms_seen_t *s = seen(5, types);
	ms_seen_server_t *one = server(s, "ns.a.test.");
	make_add(&one->set[0], 60, cds, len);
	make_ns(&one->set[3], "ns.a.test.");
	return s;
}

/* The result of what is under way. */
static void feed(ms_event_kind_t kind, double seconds, int ret, void *what, uint16_t rcode)
{
	ms_event_t event = {
		.kind = kind, .now = make_now(seconds), .id = zone->delegation->id, .ret = ret,
	};
	ms_name_copy(event.zone, zone->name);
	if (kind == MS_EV_TOLD) {
		event.told.rcode = rcode;
		event.told.ede = -1;
	} else if (kind == MS_EV_OBSERVED) {
		event.seen = what;
	} else {
		event.offers = what;
	}
	ms_actions_clear(&out);
	assert_int_equal(ms_step(&agent, &event, &out), KNOT_EOK);
	ms_event_clear(&event);
}

static ms_offers_t *offer(uint16_t rrtype, uint8_t scheme, uint16_t port)
{
	ms_offers_t *offers = calloc(1, sizeof(*offers));
	assert_non_null(offers);
	offers->ttl = 300;
	offers->count = 1;
	offers->list[0] = (ms_dsync_t){ .rrtype = rrtype, .scheme = scheme, .port = port };
	(void)make_name("r.test.", offers->list[0].target);
	return offers;
}

/* From the change up to a message: a parent with \a ds, servers with the right CDS. */
static const ms_action_t *until_told(ms_offers_t *offers)
{
	assert_null(settle(0, MS_ACT_OBSERVE));
	const ms_action_t *look = settle(2, MS_ACT_OBSERVE);
	assert_non_null(look);
	assert_true(look->observe.parent);
	feed(MS_EV_OBSERVED, 2, KNOT_EOK, at_parent(ds2, sizeof(ds2)), 0);
	const ms_action_t *all = make_find(&out, MS_ACT_OBSERVE, NULL);
	assert_non_null(all);
	assert_int_equal(all->observe.host_count, 1);
	feed(MS_EV_OBSERVED, 2, KNOT_EOK, at_servers(ds1, sizeof(ds1)), 0);
	assert_non_null(make_find(&out, MS_ACT_DISCOVER, NULL));
	feed(MS_EV_DISCOVERED, 2, KNOT_EOK, offers, 0);
	return make_find(&out, MS_ACT_TELL_PARENT, NULL);
}

static void test_the_way(void **state)
{
	(void)state;
	const ms_action_t *told = until_told(offer(KNOT_RRTYPE_CDS, 1, 53));
	assert_non_null(told);
	assert_int_equal(told->inform.rrtype, KNOT_RRTYPE_CDS);
	feed(MS_EV_TOLD, 3, KNOT_EOK, NULL, KNOT_RCODE_NOERROR);
	assert_int_equal(zone->delegation->state, MS_DELEG_WATCHING);
	/* Accepted is not done (J-21). */
	assert_non_null(settle(5, MS_ACT_OBSERVE));
	feed(MS_EV_OBSERVED, 5, KNOT_EOK, at_parent(ds2, sizeof(ds2)), 0);
	assert_int_equal(zone->delegation->state, MS_DELEG_WATCHING);
	assert_non_null(settle(3700, MS_ACT_OBSERVE));
	assert_int_equal(zone->delegation->state, MS_DELEG_LOOK);
	feed(MS_EV_OBSERVED, 3700, KNOT_EOK, at_parent(ds1, sizeof(ds1)), 0);
	assert_int_equal(zone->delegation->state, MS_DELEG_DONE);
	assert_true(ms_time_is_never(ms_delegation_deadline(&agent, zone)));
}

/* After a minute, then twice that, and so on (J-17, J-29); after the last time only watched. */
static void test_silence_and_refusal(void **state)
{
	(void)state;
	assert_non_null(until_told(offer(KNOT_RRTYPE_CDS, 1, 53)));
	double now = 2, pause = 60;
	for (int i = 1; i < MS_DELEG_TRIES; i++, pause *= 2) {
		feed(MS_EV_TOLD, now, i % 2 ? KNOT_ETIMEOUT : KNOT_EOK, NULL, KNOT_RCODE_REFUSED);
		assert_null(settle(now + pause - 1, MS_ACT_OBSERVE));
		now += pause;
		/* It may have acted without a word. */
		assert_non_null(settle(now, MS_ACT_OBSERVE));
		feed(MS_EV_OBSERVED, now, i == 1 ? KNOT_ETIMEOUT : KNOT_EOK,
		     i == 1 ? NULL : at_parent(ds2, sizeof(ds2)), 0);
		assert_non_null(make_find(&out, MS_ACT_TELL_PARENT, NULL));
		assert_false(ms_zone_alarmed(zone, MS_ALARM_PARENT));
	}
	feed(MS_EV_TOLD, now, KNOT_ETIMEOUT, NULL, 0);
	assert_int_equal(zone->delegation->state, MS_DELEG_FAILED);
	assert_true(ms_zone_alarmed(zone, MS_ALARM_PARENT));
	/* It is still watched. */
	assert_non_null(settle(now + 2, MS_ACT_OBSERVE));
	feed(MS_EV_OBSERVED, now + 2, KNOT_EOK, at_parent(ds1, sizeof(ds1)), 0);
	assert_false(ms_zone_alarmed(zone, MS_ALARM_PARENT));
}

/* Records that say nothing to us: J-03, J-30, another scheme. */
static void test_no_way(void **state)
{
	static const struct {
		uint16_t rrtype;
		uint8_t scheme;
		uint16_t port;
	} cases[] = { { KNOT_RRTYPE_CDS, 1, 0 }, { KNOT_RRTYPE_CDS, 0, 53 }, { KNOT_RRTYPE_CSYNC, 1, 53 },
	              { KNOT_RRTYPE_ANY, 2, 53 }, { KNOT_RRTYPE_CDS, 200, 53 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(until_told(offer(cases[i].rrtype, cases[i].scheme, cases[i].port)));
		assert_int_equal(zone->delegation->state, MS_DELEG_MANUAL);
		teardown(state);
		setup(state);
	}
}

/* Old offers, or a full window, are no reason to be awake all the time. */
static void test_patience(void **state)
{
	(void)state;
	(void)settle(0, MS_ACT_OBSERVE);
	assert_non_null(settle(2, MS_ACT_OBSERVE));
	zone->delegation->offers = offer(KNOT_RRTYPE_CDS, 1, 53);
	zone->delegation->offers_until = make_now(1).mono;
	ms_seen_t *s = at_parent(NULL, 0);
	ms_rrset_clear(&s->servers[0].set[1]);
	feed(MS_EV_OBSERVED, 2, KNOT_EOK, s, 0);
	assert_int_equal(zone->delegation->state, MS_DELEG_MANUAL);
	assert_true(zone->delegation->again_at.us >= make_now(3600).mono.us);
	agent.errands = MS_DELEG_WINDOW;
	zone->delegation->at = zone->delegation->again_at = make_now(4).mono;
	assert_null(settle(5, MS_ACT_OBSERVE));
	assert_true(ms_delegation_deadline(&agent, zone).us >= make_now(6).mono.us);
	/* A result that never comes makes room again. */
	agent.errands = 0;
	assert_non_null(settle(10, MS_ACT_OBSERVE));
	assert_int_equal(agent.errands, 1);
	assert_int_equal(ms_delegation_deadline(&agent, zone).us, make_now(610).mono.us);
	assert_null(settle(600, MS_ACT_OBSERVE));
	assert_non_null(settle(610, MS_ACT_OBSERVE));
	assert_int_equal(agent.errands, 1);
}

/* The first by name tells; the others wait, and take over (J-23). */
static void test_one_tells(void **state)
{
	(void)state;
	ms_pair_t *first = make_pair(&agent, zone, "agent.0.test.");
	first->peer->relation = MS_PEER_OPERATIONAL;
	assert_int_equal(ms_delegation_rank(&agent, zone), 1);
	/* A signer without CDS would be cut off: there is nothing to say about DS (I-06). */
	assert_null(settle(0, MS_ACT_OBSERVE));
	assert_null(zone->delegation);
	make_add(&first->held.set[MS_APEX_CDS], 60, ds2, sizeof(ds2));
	assert_null(settle(0, MS_ACT_OBSERVE));
	assert_null(settle(899, MS_ACT_OBSERVE));
	assert_non_null(settle(900, MS_ACT_OBSERVE));
	/* Somebody who is away tells nothing. */
	zone->delegation->id = 0;
	first->peer->relation = MS_PEER_INTERRUPTED;
	assert_int_equal(ms_delegation_rank(&agent, zone), 0);
	first->peer->relation = MS_PEER_OPERATIONAL;
	first->sign = MS_HSYNC_NOSIGN;
	assert_int_equal(ms_delegation_rank(&agent, zone), 0);
}

/* After a start the others are heard first, for a while. */
static void test_heard_first(void **state)
{
	(void)state;
	ms_pair_t *pair = make_pair(&agent, zone, "agent.z.test.");
	make_add(&pair->held.set[MS_APEX_CDS], 60, ds2, sizeof(ds2));
	assert_null(settle(0, MS_ACT_OBSERVE));
	assert_null(settle(29, MS_ACT_OBSERVE));
	assert_int_equal(ms_delegation_deadline(&agent, zone).us, make_now(30).mono.us);
	pair->peer->relation = MS_PEER_OPERATIONAL;
	assert_non_null(settle(29, MS_ACT_OBSERVE));
}

/* Not before all servers agree, whatever is wrong with one (J-16, L-14). */
static void test_confirm(void **state)
{
	(void)state;
	(void)settle(0, MS_ACT_OBSERVE);
	(void)settle(2, MS_ACT_OBSERVE);
	feed(MS_EV_OBSERVED, 2, KNOT_EOK, at_parent(NULL, 0), 0);
	for (int wrong = 0; wrong < 4; wrong++) {
		ms_seen_t *s = at_servers(wrong == 0 ? ds2 : ds1, sizeof(ds1));
		s->servers[0].ret[1] = wrong == 1 ? KNOT_ETIMEOUT : KNOT_EOK;
		s->servers[0].rcode[1] = wrong == 2 ? KNOT_RCODE_REFUSED : 0;
		s->servers[0].aa[0] = wrong != 3;
		feed(MS_EV_OBSERVED, 100 * wrong + 3, KNOT_EOK, s, 0);
		assert_int_equal(zone->delegation->state, MS_DELEG_CONFIRM_ALL);
		assert_non_null(settle(100 * wrong + 90, MS_ACT_OBSERVE));
	}
	/* Now and then the parent is looked at: perhaps it has it already. */
	zone->delegation->id = 0;
	zone->delegation->failures = MS_DELEG_GLANCE - 1;
	assert_true(settle(470, MS_ACT_OBSERVE)->observe.parent);
	feed(MS_EV_OBSERVED, 470, KNOT_EOK, at_parent(NULL, 0), 0);
	assert_int_equal(zone->delegation->state, MS_DELEG_CONFIRM_ALL);
	/* A change in the middle begins anew, and the old answer counts for nothing. */
	make_add(&zone->apex.set[MS_APEX_CDS], 60, ds2, sizeof(ds2));
	zone->apex.serial++;
	uint64_t id = zone->delegation->id;
	assert_null(settle(500, MS_ACT_OBSERVE));
	assert_int_equal(zone->delegation->state, MS_DELEG_LOOK);
	zone->delegation->id = id + 1;
	ms_event_t old = { .kind = MS_EV_OBSERVED, .id = id, .now = make_now(500) };
	ms_name_copy(old.zone, zone->name);
	old.seen = at_parent(ds1, sizeof(ds1));
	assert_int_equal(ms_step(&agent, &old, &out), KNOT_EOK);
	ms_event_clear(&old);
	assert_int_equal(zone->delegation->state, MS_DELEG_LOOK);
}

/* DS of the parent's choice of digest are good; another key or digest is not. */
static void test_shown(void **state)
{
	(void)state;
	static const struct {
		const uint8_t *ds;
		size_t len;
		bool shown;
	} cases[] = { { ds1, sizeof(ds1), true }, { ds1_sha384, sizeof(ds1_sha384), true },
	              { ds1_wrong, sizeof(ds1_wrong), false }, { ds2, sizeof(ds2), false },
	              { NULL, 0, false } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		(void)settle(0, MS_ACT_OBSERVE);
		assert_non_null(settle(2, MS_ACT_OBSERVE));
		feed(MS_EV_OBSERVED, 2, KNOT_EOK, at_parent(cases[i].ds, cases[i].len), 0);
		assert_int_equal(zone->delegation->state == MS_DELEG_DONE, cases[i].shown);
		teardown(state);
		setup(state);
	}
	/* All servers of the parent must. */
	(void)settle(0, MS_ACT_OBSERVE);
	(void)settle(2, MS_ACT_OBSERVE);
	ms_seen_t *s = at_parent(ds1, sizeof(ds1));
	(void)parent(s, ds2, sizeof(ds2));
	feed(MS_EV_OBSERVED, 2, KNOT_EOK, s, 0);
	assert_int_equal(zone->delegation->lacks, 1);
}

/* What comes after which answer (L-08..L-12, L-22, X-30, X-32, X-33). */
static void test_answers(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		ms_tell_step_t step;
		bool silent;
		uint16_t rcode;
		int32_t ede;
		int16_t keystate;
		unsigned bootstraps;
		ms_tell_verdict_t verdict;
	} cases[] = {
		{ "NOTIFY: good", MS_TELL_NOTIFY, 0, 0, -1, -1, 0, MS_TOLD_ACCEPTED },
		{ "NOTIFY: blocked", MS_TELL_NOTIFY, 0, 0, 15, -1, 0, MS_TOLD_RETRY },
		{ "NOTIFY: FORMERR", MS_TELL_NOTIFY, 0, 1, -1, -1, 0, MS_TOLD_RETRY },
		{ "silence", MS_TELL_UPDATE, 1, 0, -1, -1, 0, MS_TOLD_RETRY },
		{ "trusted", MS_TELL_INQUIRE, 0, 0, -1, MS_KEYSTATE_TRUSTED, 0, MS_TOLD_UPDATE },
		{ "unknown", MS_TELL_INQUIRE, 0, 0, -1, MS_KEYSTATE_UNKNOWN, 0, MS_TOLD_BOOTSTRAP },
		{ "unknown again", MS_TELL_INQUIRE, 0, 0, -1, MS_KEYSTATE_UNKNOWN, 1, MS_TOLD_STOP },
		{ "at work", MS_TELL_INQUIRE, 0, 0, -1, MS_KEYSTATE_AUTO, 1, MS_TOLD_WAIT },
		{ "by hand", MS_TELL_INQUIRE, 0, 0, -1, MS_KEYSTATE_MANUAL, 0, MS_TOLD_STOP },
		{ "by hand, older draft", MS_TELL_INQUIRE, 0, 0, -1, 11, 0, MS_TOLD_STOP },
		{ "0 is an error in an answer (M-34)", MS_TELL_INQUIRE, 0, 0, -1, 0, 0, MS_TOLD_RETRY },
		{ "temporary", MS_TELL_INQUIRE, 0, 0, -1, 1, 0, MS_TOLD_RETRY },
		{ "no KeyState there (M-31)", MS_TELL_INQUIRE, 0, 5, -1, -1, 0, MS_TOLD_UPDATE },
		{ "key taken", MS_TELL_BOOTSTRAP, 0, 0, -1, -1, 0, MS_TOLD_INQUIRE },
		{ "key refused for now", MS_TELL_BOOTSTRAP, 0, 5, -1, -1, 0, MS_TOLD_RETRY },
		{ "key needs a person", MS_TELL_BOOTSTRAP, 0, 5, -1, 10, 0, MS_TOLD_STOP },
		{ "UPDATE: good", MS_TELL_UPDATE, 0, 0, -1, -1, 0, MS_TOLD_ACCEPTED },
		{ "UPDATE: refused once", MS_TELL_UPDATE, 0, 5, -1, -1, 0, MS_TOLD_RETRY },
		{ "UPDATE: BADKEY", MS_TELL_UPDATE, 0, 17, -1, -1, 0, MS_TOLD_BOOTSTRAP },
		{ "UPDATE: BADKEY again", MS_TELL_UPDATE, 0, 17, -1, -1, 1, MS_TOLD_STOP },
		{ "UPDATE: not trusted yet", MS_TELL_UPDATE, 0, 5, MS_EDE_KEY_NOT_TRUSTED, -1, 1,
		  MS_TOLD_WAIT },
		{ "UPDATE: key failed", MS_TELL_UPDATE, 0, 5, MS_EDE_KEY_FAILED, -1, 0, MS_TOLD_STOP },
		{ "UPDATE: by hand", MS_TELL_UPDATE, 0, 5, MS_EDE_KEY_MANUAL, -1, 0, MS_TOLD_STOP },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const ms_tell_answer_t answer = { !cases[i].silent, cases[i].rcode, cases[i].ede,
		                                  cases[i].keystate };
		if (ms_tell_judge(cases[i].step, &answer, cases[i].bootstraps) != cases[i].verdict) {
			fail_msg("%s", cases[i].what);
		}
	}
}

/* One KEY for the group: nobody puts a second one beside it. */
static void test_one_key(void **state)
{
	(void)state;
	ms_rrset_t key = { 0 };
	static const uint8_t theirs[] = { 2, 0, 3, 15, 9 };
	agent.config.apex_key = true;
	agent.config.parent[0] = MS_DSYNC_UPDATE;
	agent.config.parent_key.len = 5;
	memcpy(agent.config.parent_key.rdata, "\x02\x00\x03\x0f\x01", 5);
	ms_pair_t *pair = make_pair(&agent, zone, "agent.z.test.");
	make_add(&pair->held.set[MS_APEX_CDS], 60, ds2, sizeof(ds2));
	(void)settle(0, MS_ACT_OBSERVE);
	assert_int_equal(ms_delegation_key(&agent, zone, &key), KNOT_EOK);
	assert_int_equal(key.rrs.count, 0);
	zone->delegation->key = true;
	assert_int_equal(ms_delegation_key(&agent, zone, &key), KNOT_EOK);
	assert_int_equal(key.rrs.count, 1);
	ms_rrset_clear(&key);
	/* Claimed at once by one behind us: ours stays. By one in front of us: it goes. */
	make_add(&pair->held.set[MS_APEX_KEY], 60, theirs, sizeof(theirs));
	make_add(&zone->apex.set[MS_APEX_KEY], 60, theirs, sizeof(theirs));
	assert_int_equal(ms_delegation_key(&agent, zone, &key), KNOT_EOK);
	assert_int_equal(key.rrs.count, 1);
	ms_rrset_clear(&key);
	pair = make_pair(&agent, zone, "agent.0.test.");
	make_add(&pair->held.set[MS_APEX_KEY], 60, theirs, sizeof(theirs));
	assert_int_equal(ms_delegation_key(&agent, zone, &key), KNOT_EOK);
	assert_int_equal(key.rrs.count, 0);
	/* One that was there before us is never joined by ours. */
	ms_rrset_clear(&pair->held.set[MS_APEX_KEY]);
	zone->delegation->key = false;
	assert_int_equal(ms_delegation_key(&agent, zone, &key), KNOT_EOK);
	assert_int_equal(key.rrs.count, 0);
	/* Who has it tells, whatever its place. */
	pair->peer->relation = MS_PEER_OPERATIONAL;
	assert_int_equal(ms_delegation_rank(&agent, zone), 1);
	make_add(&zone->apex.set[MS_APEX_KEY], 60, agent.config.parent_key.rdata, 5);
	assert_int_equal(ms_delegation_rank(&agent, zone), 0);
}

/* What is still to be combined is no wish; one that changes takes CSYNC back. */
static void test_combined_only(void **state)
{
	(void)state;
	(void)settle(0, MS_ACT_OBSERVE);
	zone->delegation->csync = true;
	zone->apex.serial++;
	make_add(&zone->apex.set[MS_APEX_CDS], 60, ds2, sizeof(ds2));
	zone->edit_id = 5;
	(void)settle(1, MS_ACT_OBSERVE);
	assert_int_equal(zone->delegation->since.us, make_now(0).mono.us);
	zone->edit_id = 0;
	zone->shut = true;
	(void)settle(1, MS_ACT_OBSERVE);
	assert_int_equal(zone->delegation->since.us, make_now(0).mono.us);
	zone->shut = false;
	(void)settle(1, MS_ACT_OBSERVE);
	assert_int_equal(zone->delegation->since.us, make_now(1).mono.us);
	assert_false(zone->delegation->csync);
	assert_true(zone->delegation->news);
}

/* With one key for all, one is first. */
static void test_one_of_many_with_key(void **state)
{
	(void)state;
	static const uint8_t rdata[] = { 2, 0, 3, 15, 1 };
	agent.config.apex_key = true;
	agent.config.parent[0] = MS_DSYNC_UPDATE;
	agent.config.parent_key.len = sizeof(rdata);
	memcpy(agent.config.parent_key.rdata, rdata, sizeof(rdata));
	make_add(&zone->apex.set[MS_APEX_KEY], 60, rdata, sizeof(rdata));
	ms_pair_t *pair = make_pair(&agent, zone, "agent.0.test.");
	pair->peer->relation = MS_PEER_OPERATIONAL;
	assert_int_equal(ms_delegation_rank(&agent, zone), 0);
	make_add(&pair->held.set[MS_APEX_KEY], 60, rdata, sizeof(rdata));
	assert_int_equal(ms_delegation_rank(&agent, zone), 1);
	agent.config.parent_key.rdata[4] = 2;
	ms_rrset_clear(&pair->held.set[MS_APEX_KEY]);
	ms_pair_t *last = make_pair(&agent, zone, "agent.z.test.");
	last->peer->relation = MS_PEER_OPERATIONAL;
	make_add(&last->held.set[MS_APEX_KEY], 60, rdata, sizeof(rdata));
	assert_int_equal(ms_delegation_rank(&agent, zone), 2);
}

static ms_seen_t *with_ns(ms_seen_t *s, const char *name)
{
	ms_rrset_clear(&s->servers[0].set[1]);
	make_ns(&s->servers[0].set[1], name);
	return s;
}

/* No NOTIFY(CSYNC) without CSYNC: NS waits for the DS, and is a round of its own then. */
static void test_ns_after_ds(void **state)
{
	(void)state;
	ms_wanted_t *wanted = calloc(1, sizeof(*wanted));
	assert_non_null(wanted);
	wanted->refs = 1;
	wanted->managed = wanted->exact = 1u << MS_APEX_NS;
	make_ns(&wanted->data.set[MS_APEX_NS], "ns.a.test.");
	zone->wanted = wanted;
	zone->nsmgmt = MS_HSYNC_AGENT;
	make_ns(&agent.config.ns, "ns.a.test.");
	make_ns(&zone->own.set[MS_APEX_NS], "ns.a.test.");
	(void)settle(0, MS_ACT_OBSERVE);
	ms_delegation_t *d = zone->delegation;
	d->lacks = MS_LACKS_DS | MS_LACKS_NS;
	d->state = MS_DELEG_DISCOVER;
	d->at = make_now(2).mono;
	d->offers = offer(KNOT_RRTYPE_CSYNC, 1, 53);
	d->offers_until = make_now(300).mono;
	assert_null(settle(2, MS_ACT_TELL_PARENT));
	assert_int_equal(d->state, MS_DELEG_MANUAL);
	assert_non_null(settle(5, MS_ACT_OBSERVE));
	/* What is the child's own answer, or none at all, shows nothing. */
	ms_seen_t *s = with_ns(at_parent(ds1, sizeof(ds1)), "ns.b.test.");
	uint8_t lacks;
	bool delegated, secure;
	char why[MS_REASON_MAX + 1];
	s->servers[0].aa[1] = true;
	assert_int_equal(ms_shown_by_parent(zone, s, &lacks, &delegated, &secure), KNOT_EOK);
	assert_int_equal(lacks, 0);
	s->servers[0].aa[1] = false;
	s->servers[0].rcode[1] = KNOT_RCODE_REFUSED;
	assert_int_equal(ms_shown_by_parent(zone, s, &lacks, &delegated, &secure), KNOT_ECONN);
	s->servers[0].rcode[1] = KNOT_RCODE_NOERROR;
	s->count = 0;
	assert_false(ms_shown_everywhere(zone, s, why));
	s->count = 1;
	feed(MS_EV_OBSERVED, 5, KNOT_EOK, s, 0);
	assert_int_equal(d->state, MS_DELEG_LOOK);
}

static void test_off(void **state)
{
	(void)state;
	(void)settle(0, MS_ACT_OBSERVE);
	assert_non_null(zone->delegation);
	agent.config.parent_count = 0;
	assert_null(settle(100, MS_ACT_OBSERVE));
	assert_null(zone->delegation);
	agent.config.parent_count = 1;
	zone->self_sign = MS_HSYNC_NOSIGN;
	assert_null(settle(100, MS_ACT_OBSERVE));
	assert_null(zone->delegation);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		for (int from = 0; from < MS_DELEG_STATES; from++) {
			for (int event = 0; event < MS_DELEG_EVENTS; event++) {
				ms_deleg_state_t to = ms_delegation_next(from, event);
				if ((int)to != from) {
					printf("   %-8s  %-8s  %s\n", ms_delegation_name(from),
					       ms_delegation_event_name(event), ms_delegation_name(to));
				}
			}
		}
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence_and_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_heard_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_patience, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_confirm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shown, setup, teardown),
		cmocka_unit_test(test_answers),
		cmocka_unit_test_setup_teardown(test_one_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_combined_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_of_many_with_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ns_after_ds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
