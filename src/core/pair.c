/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/pair.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "core/component.h"
#include "core/member.h"
#include "core/step.h"

/* HELLO is answered within milliseconds or not at all (the other side does not know us yet). */
#define HELLO_TRIES    4
#define HELLO_TIMEOUT  (250 * MS_MSEC)
#define STATE_TRIES    4
#define STATE_TIMEOUT  (500 * MS_MSEC)
#define UPDATE_TIMEOUT (4 * MS_SEC)

/* A HELLO under way for longer than this was not understood when it arrived: when the other side
 * says HELLO itself, a new one is worth sending. Shorter, and two HELLOs have only crossed. */
#define HELLO_CROSSING (50 * MS_MSEC)

int64_t ms_backoff(int64_t base, unsigned failures)
{
	int64_t pause = base;
	for (unsigned i = 1; i < failures && pause < MS_RETRY_MAX; i++) {
		pause *= 2;
	}
	return pause < MS_RETRY_MAX ? pause : MS_RETRY_MAX;
}

void ms_pair_state(const ms_agent_t *agent, const ms_zone_t *zone, ms_state_t *out)
{
	memset(out, 0, sizeof(*out));
	out->interval = agent->config.heartbeat / MS_MSEC;
	out->session = agent->session;
	out->has_own = zone->own_known;
	out->own = zone->own_digest;
	out->has_applied = zone->loaded;
	out->applied = zone->applied;
	for (size_t i = 0; i < zone->pair_count && out->held_count < MS_PROVIDERS_MAX; i++) {
		const ms_pair_t *held = &zone->pairs[i];
		/* "Held" is a promise: not while the store fails. */
		if (!held->has_held || agent->unsaved) {
			continue;
		}
		ms_held_t *item = &out->held[out->held_count++];
		ms_name_copy(item->origin, held->peer->identity);
		item->digest = held->held_digest;
	}
	ms_components_tell(zone, out);
	ms_process_tell(agent, zone, out);
	for (size_t i = 0; i < zone->quarantine_count && out->refused_count < MS_REFUSED_MAX; i++) {
		ms_refused_t *item = &out->refused[out->refused_count++];
		item->rrtype = zone->quarantine[i].rrtype;
		item->digest = zone->quarantine[i].digest;
		memcpy(item->reason, zone->quarantine[i].reason, sizeof(item->reason));
	}
}

int ms_pair_option(const ms_agent_t *agent, const ms_zone_t *zone, ms_op_t op, ms_msg_t *msg)
{
	uint8_t body[MS_STATE_BODY_MAX];
	ms_msopt_t opt = {
		.operation = op,
		.transport = agent->config.transport,
		.sync = agent->config.sync,
	};
	if (op == MS_OP_STATE || op == MS_OP_SYNC) {
		ms_state_t *state = malloc(sizeof(*state));
		if (state == NULL) {
			return KNOT_ENOMEM;
		}
		ms_pair_state(agent, zone, state);
		int len = ms_state_encode(state, body, sizeof(body));
		free(state);
		if (len < 0) {
			return len;
		}
		opt.body = body;
		opt.body_len = len;
	}
	return ms_msg_set_option(msg, &opt);
}

static int send_message(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_msg_t *msg,
                        bool tcp, unsigned tries, int64_t first_timeout, ms_actions_t *out,
                        uint64_t *id)
{
	uint64_t new_id = ms_agent_id(agent);
	ms_locator_t *to = malloc(sizeof(*to));
	int ret = to != NULL ? ms_sent_add(agent, new_id, zone) : KNOT_ENOMEM;
	ms_action_t *action = ret == KNOT_EOK ? ms_action_add(out, MS_ACT_SEND) : NULL;
	if (action == NULL) {
		ms_sent_t forgotten;
		(void)ms_sent_take(agent, new_id, &forgotten);
		free(to);
		ms_msg_free(msg);
		return KNOT_ENOMEM;
	}
	*to = pair->peer->locator;
	action->id = new_id;
	ms_name_copy(action->send.identity, pair->peer->identity);
	action->send.to = to;
	action->send.msg = msg;
	action->send.tcp = tcp;
	action->send.tries = tries;
	action->send.first_timeout = first_timeout;
	*id = new_id;
	return KNOT_EOK;
}

int ms_pair_send(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_op_t op,
                 unsigned tries, int64_t first_timeout, ms_actions_t *out, uint64_t *id)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_NOTIFY, zone->name, KNOT_RRTYPE_SOA);
	if (msg == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = ms_pair_option(agent, zone, op, msg);
	if (ret != KNOT_EOK) {
		ms_msg_free(msg);
		return ret;
	}
	return send_message(agent, zone, pair, msg, false, tries, first_timeout, out, id);
}

static void under_way(ms_pair_t *pair, uint64_t id, uint8_t op, ms_now_t now)
{
	pair->sent_id = id;
	pair->sent_op = op;
	pair->sent_at = now.mono;
	pair->peer->window++;
}

/* They are a safety net: many zones must not make it heavy, nor come all at once because they met at
 * once. */
static int64_t state_pause(ms_agent_t *agent, const ms_peer_t *peer)
{
	int64_t by_beats = MS_STATE_BEATS * agent->config.heartbeat;
	int64_t by_zones = peer->refs * MS_STATE_PACE;
	bool many = by_zones > by_beats;
	return (many ? by_zones : by_beats) +
	       (int64_t)ms_rng_below(&agent->rng, (many ? by_zones : agent->config.heartbeat) + 1);
}

void ms_pair_told(ms_agent_t *agent, ms_pair_t *pair, ms_now_t now)
{
	pair->state_wanted = false;
	pair->state_at = ms_time_add(now.mono, state_pause(agent, pair->peer));
}

static int send_notify(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_op_t op,
                       ms_now_t now, ms_actions_t *out)
{
	uint64_t id;
	bool hello = op == MS_OP_HELLO;
	int ret = ms_pair_send(agent, zone, pair, op, hello ? HELLO_TRIES : STATE_TRIES,
	                       hello ? HELLO_TIMEOUT : STATE_TIMEOUT, out, &id);
	if (ret != KNOT_EOK) {
		return ret;
	}
	under_way(pair, id, op, now);
	ms_action_count(out, hello ? MS_CTR_HELLO_SENT : MS_CTR_STATE_SENT);
	if (!hello) {
		ms_pair_told(agent, pair, now);
	}
	return KNOT_EOK;
}

static int send_update(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_now_t now,
                       ms_actions_t *out)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, zone->name, KNOT_RRTYPE_SOA);
	if (msg == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = ms_contribution_copy(&msg->update, &zone->own);
	if (ret != KNOT_EOK) {
		ms_msg_free(msg);
		return ret;
	}
	uint64_t id;
	ret = send_message(agent, zone, pair, msg, true, 1, UPDATE_TIMEOUT, out, &id);
	if (ret == KNOT_EOK) {
		under_way(pair, id, 0, now);
		pair->sent_digest = zone->own_digest;
		ms_action_count(out, MS_CTR_UPDATE_SENT);
	}
	return ret;
}

/* We are an ON provider that has something to say, it is one that may hear it, and what it says
 * it holds of ours is something else. */
static bool update_wanted(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return ms_member_talks(zone, pair) && ms_member_talks(zone, NULL) && zone->own_known &&
	       pair->acked_known && !ms_digest_equal(&pair->acked, &zone->own_digest);
}

static bool state_wanted(const ms_pair_t *pair, ms_now_t now)
{
	return pair->state_wanted || !pair->acked_known || ms_time_due(pair->state_at, now.mono);
}

static bool reachable(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return zone->opted && zone->shared && pair->listed && pair->sent_id == 0 &&
	       pair->peer->has_locator;
}

/* States and contributions go only where a HELLO was understood, and not to somebody who has not
 * been heard for long: its heartbeats will tell when it is back. */
static bool in_touch(const ms_pair_t *pair)
{
	return (pair->greeted || pair->greeted_by) &&
	       (pair->peer->relation == MS_PEER_OPERATIONAL ||
	        pair->peer->relation == MS_PEER_DEGRADED);
}

/* Nobody passes those who wait already. */
static bool has_place(const ms_zone_t *zone, const ms_pair_t *pair)
{
	const ms_peer_t *peer = pair->peer;
	return peer->window < MS_PEER_WINDOW && (peer->waiters.count == 0 || peer->turn == zone);
}

static int stand_in_line(ms_zone_t *zone, ms_pair_t *pair)
{
	int ret = pair->waits ? KNOT_EOK : ms_waiters_add(&pair->peer->waiters, zone);
	pair->waits = ret == KNOT_EOK;
	return ret;
}

int ms_pair_settle(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_now_t now,
                   ms_actions_t *out)
{
	if (!reachable(zone, pair)) {
		return KNOT_EOK;
	}
	bool hello = !pair->greeted && ms_time_due(pair->hello_at, now.mono);
	bool talk = in_touch(pair) && ms_time_due(pair->send_at, now.mono);
	bool update = talk && update_wanted(zone, pair);
	bool state = talk && state_wanted(pair, now);
	if (!hello && !update && !state) {
		return KNOT_EOK;
	}
	if (!has_place(zone, pair)) {
		return stand_in_line(zone, pair);
	}
	if (hello) {
		return send_notify(agent, zone, pair, MS_OP_HELLO, now, out);
	}
	return update ? send_update(agent, zone, pair, now, out)
	              : send_notify(agent, zone, pair, MS_OP_STATE, now, out);
}

ms_time_t ms_pair_deadline(const ms_agent_t *agent, const ms_zone_t *zone, const ms_pair_t *pair)
{
	if (!reachable(zone, pair) || pair->waits) {
		return MS_TIME_NEVER;
	}
	ms_time_t when = pair->greeted ? MS_TIME_NEVER : pair->hello_at;
	if (in_touch(pair)) {
		bool now = update_wanted(zone, pair) || pair->state_wanted || !pair->acked_known;
		ms_time_t talk = now ? pair->send_at
		               : (pair->state_at.us > pair->send_at.us ? pair->state_at : pair->send_at);
		when = ms_time_min(when, talk);
	}
	return when;
}

static void learn_refusals(const ms_zone_t *zone, const ms_pair_t *pair, const ms_state_t *state,
                           ms_actions_t *out)
{
	for (unsigned i = 0; i < state->refused_count; i++) {
		const ms_refused_t *refused = &state->refused[i];
		ms_action_log(out, MS_LOG_WARNING, zone->name, pair->peer->identity,
		              "its knotd refuses a record of type %u -> it is not combined there (%s)",
		              refused->rrtype, refused->reason);
	}
}

/* The alarm is about the zone, the refusal about one provider. */
static void note_refusal(ms_zone_t *zone, ms_pair_t *pair, bool refuses, const char *reason,
                         ms_actions_t *out)
{
	bool any = false;
	pair->refuses = refuses;
	for (size_t i = 0; i < zone->pair_count; i++) {
		any |= zone->pairs[i].refuses;
	}
	ms_zone_alarm(zone, MS_ALARM_PEER_REFUSES, any, reason, out);
}

void ms_pair_learn(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state,
                   ms_now_t now, ms_actions_t *out)
{
	ms_digest_t acked = { { 0 } };
	for (unsigned i = 0; i < state->held_count; i++) {
		if (knot_dname_is_equal(state->held[i].origin, agent->config.identity)) {
			acked = state->held[i].digest;
		}
	}
	if (!pair->acked_known || !ms_digest_equal(&acked, &pair->acked)) {
		pair->acked = acked;
		pair->acked_known = true;
		ms_zone_touch(zone);
	}
	if (pair->refuses && zone->own_known && ms_digest_equal(&acked, &zone->own_digest)) {
		note_refusal(zone, pair, false, "", out);
	}
	if (state->has_applied && (!pair->applied_known ||
	                           !ms_digest_equal(&state->applied, &pair->applied))) {
		pair->applied = state->applied;
		pair->applied_known = true;
		ms_zone_touch(zone);
		learn_refusals(zone, pair, state, out);
	}
	ms_components_learn(zone, pair, state, now);
	ms_process_learn(agent, zone, pair, state);
	if (state->interval > 0) {
		pair->peer->interval = (int64_t)state->interval * MS_MSEC;
	}
	if (state->session != 0) {
		pair->peer->session = state->session;
	}
	ms_zone_wake_by(zone, now.mono);
}

static void learn_capabilities(ms_pair_t *pair, const ms_msg_t *msg)
{
	ms_peer_t *peer = pair->peer;
	if (msg->has_option && msg->option.operation == MS_OP_HELLO) {
		peer->transport = msg->option.transport | MS_TRANSPORT_DNS;
		peer->sync = msg->option.sync | MS_SYNC_LEADER; /* both are mandatory (C-07, X-17) */
		peer->introduced = true;
	}
}

static const char *what(const ms_pair_t *pair)
{
	return pair->sent_op == MS_OP_HELLO ? "HELLO"
	     : pair->sent_op == MS_OP_STATE ? "STATE" : "UPDATE";
}

static void on_failure(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, int ret,
                       const char *reason, ms_now_t now, ms_actions_t *out)
{
	bool hello = pair->sent_op == MS_OP_HELLO;
	unsigned failures = hello ? ++pair->hello_failures : ++pair->failures;
	ms_time_t again = ms_time_add(now.mono, ms_backoff(agent->config.hello_retry, failures));
	if (hello) {
		pair->hello_at = again;
	} else {
		pair->send_at = again;
		pair->state_wanted |= pair->sent_op == MS_OP_STATE;
	}
	if (strcmp(pair->reason, reason) != 0 || failures == 1) {
		ms_action_log(out, MS_LOG_INFO, zone->name, pair->peer->identity,
		              "%s: %s -> again in %d s", what(pair), reason,
		              (int)(ms_time_diff(now.mono, again) / MS_SEC));
	}
	ms_text_copy(pair->reason, reason, sizeof(pair->reason));
	ms_action_count(out, ret == KNOT_ETIMEOUT ? MS_CTR_TIMEOUT : MS_CTR_REFUSED_BY_PEER);
	if (ret == KNOT_EDENIED || ret == KNOT_ETIMEOUT) {
		/* Its key or address may be another one by now. */
		pair->peer->locate_fresh = true;
		if (pair->peer->locate_id == 0) {
			pair->peer->locate_at = ms_time_min(pair->peer->locate_at, again);
		}
	}
}

static void on_refused(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair,
                       const ms_msg_t *answer, ms_now_t now, ms_actions_t *out)
{
	char reason[MS_REASON_MAX + 1];
	ms_text_copy(reason, ms_rcode_name(answer->rcode), sizeof(reason));
	if (answer->ede_text[0] != '\0') {
		ms_text_append(reason, ": ", sizeof(reason));
		ms_text_append(reason, answer->ede_text, sizeof(reason));
	}
	bool update = pair->sent_op == 0;
	on_failure(agent, zone, pair, KNOT_EOK, reason, now, out);
	if (update && answer->rcode == KNOT_RCODE_REFUSED) {
		pair->acked_known = false; /* what does it hold, then? */
		note_refusal(zone, pair, true, reason, out);
	}
}

static void on_success(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair,
                       const ms_msg_t *answer, ms_now_t now, ms_actions_t *out)
{
	ms_state_t *state;
	pair->reason[0] = '\0';
	switch (pair->sent_op) {
	case MS_OP_HELLO:
		learn_capabilities(pair, answer);
		pair->greeted = true;
		pair->hello_failures = 0;
		pair->state_wanted = true;
		ms_action_log(out, MS_LOG_INFO, zone->name, pair->peer->identity,
		              "HELLO answered NOERROR -> exchange state");
		return;
	case MS_OP_STATE:
		state = malloc(sizeof(*state));
		if (state == NULL || !answer->has_option ||
		    ms_state_decode(answer->option.body, answer->option.body_len, state) != KNOT_EOK) {
			free(state);
			on_failure(agent, zone, pair, KNOT_EMALF, "the answer holds no state", now, out);
			return;
		}
		ms_pair_learn(agent, zone, pair, state, now, out);
		free(state);
		/* A refused contribution goes on backing off: that it is heard was never in doubt. */
		pair->failures = update_wanted(zone, pair) ? pair->failures : 0;
		return;
	default:
		pair->failures = 0;
		pair->acked = pair->sent_digest;
		pair->acked_known = true;
		note_refusal(zone, pair, false, "", out);
		ms_action_log(out, MS_LOG_INFO, zone->name, pair->peer->identity,
		              "UPDATE answered NOERROR -> it holds our contribution");
	}
}

void ms_pair_answered(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, int ret,
                      const ms_msg_t *answer, const char *reason, ms_now_t now,
                      ms_actions_t *out)
{
	pair->sent_id = 0;
	ms_peer_free_place(agent, pair->peer);
	ms_zone_touch(zone);
	if (ret != KNOT_EOK) {
		on_failure(agent, zone, pair, ret, reason[0] != '\0' ? reason : knot_strerror(ret),
		           now, out);
		return;
	}
	bool accepted = answer->rcode == KNOT_RCODE_NOERROR;
	ms_peer_event(agent, pair->peer, accepted && pair->sent_op == MS_OP_HELLO
	              ? MS_PEER_GREETED : MS_PEER_HEARD, now, out);
	if (accepted) {
		on_success(agent, zone, pair, answer, now, out);
	} else {
		on_refused(agent, zone, pair, answer, now, out);
	}
}

void ms_pair_greeted_by(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, const ms_msg_t *msg,
                        ms_now_t now, ms_actions_t *out)
{
	bool news = !pair->greeted_by || !pair->greeted || pair->failures > 0;
	learn_capabilities(pair, msg);
	pair->greeted_by = true;
	pair->acked_known = false;
	pair->state_wanted = true;
	pair->send_at = now.mono;
	pair->failures = 0;
	ms_zone_touch(zone);
	if (!pair->greeted && pair->sent_id != 0 && pair->sent_op == MS_OP_HELLO &&
	    ms_time_diff(pair->sent_at, now.mono) > HELLO_CROSSING) {
		ms_sent_t forgotten;
		(void)ms_sent_take(agent, pair->sent_id, &forgotten);
		pair->sent_id = 0;
		ms_peer_free_place(agent, pair->peer);
	}
	if (!pair->greeted) {
		pair->hello_at = now.mono;
		pair->hello_failures = 0;
	}
	/* Of a peer in good standing it is a restart at most, and must not fill the log. */
	ms_action_log(out, news ? MS_LOG_INFO : MS_LOG_DEBUG, zone->name, pair->peer->identity,
	              "HELLO received -> NOERROR%s", pair->greeted ? ", state is sent again" : "");
}
