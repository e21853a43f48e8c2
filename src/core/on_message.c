/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/text.h"
#include "core/contribution.h"
#include "core/member.h"
#include "core/pair.h"
#include "core/step.h"

/* EDE 18: the sender is known, and may not do this. */
#define EDE_PROHIBITED 18
/* EDE 14: it may, but not now. */
#define EDE_NOT_READY  14

/* Appends the answer; the message itself stays with the caller. */
static int reply(ms_event_t *event, uint16_t rcode, int ede, const char *why, ms_msg_t **answer,
                 ms_actions_t *out)
{
	ms_msg_t *msg = ms_msg_reply(event->message.msg, rcode);
	ms_action_t *action = msg != NULL ? ms_action_add(out, MS_ACT_REPLY) : NULL;
	if (action == NULL) {
		ms_msg_free(msg);
		return KNOT_ENOMEM;
	}
	msg->ede = ede;
	ms_text_copy(msg->ede_text, why, sizeof(msg->ede_text));
	action->reply.handle = event->message.reply;
	action->reply.msg = msg;
	if (answer != NULL) {
		*answer = msg;
	}
	return KNOT_EOK;
}

/* A peer that is refused for one reason again and again shall not fill the log with it. */
#define SAME_REFUSAL (60 * MS_SEC)

static bool worth_a_line(ms_pair_t *pair, const char *why, ms_now_t now)
{
	uint32_t text = 2166136261u;
	for (const char *c = why; *c != '\0'; c++) {
		text = (text ^ (uint8_t)*c) * 16777619u;
	}
	if (pair == NULL ||
	    (pair->refused_text == text && ms_time_diff(pair->refused_at, now.mono) < SAME_REFUSAL)) {
		return false;
	}
	pair->refused_text = text;
	pair->refused_at = now.mono;
	return true;
}

static int refuse(ms_event_t *event, const ms_zone_t *zone, ms_pair_t *pair, int ede,
                  const char *why, ms_actions_t *out)
{
	if (worth_a_line(pair, why, event->now)) {
		ms_action_log(out, MS_LOG_WARNING, zone->name, event->message.from,
		              "%s -> REFUSED (%s)",
		              event->message.msg->kind == MS_MSG_UPDATE ? "UPDATE" : "NOTIFY", why);
	}
	return reply(event, KNOT_RCODE_REFUSED, ede, why, NULL, out);
}

static int on_notify(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_event_t *event,
                     ms_actions_t *out)
{
	const ms_msg_t *msg = event->message.msg;
	ms_op_t op = msg->option.operation;
	ms_state_t *state = NULL;
	bool state_asked = false;
	switch (op) {
	case MS_OP_HELLO:
		ms_action_count(out, MS_CTR_HELLO_RECEIVED);
		ms_peer_event(agent, pair->peer, MS_PEER_GREETED, event->now, out);
		ms_pair_greeted_by(agent, zone, pair, msg, event->now, out);
		break;
	case MS_OP_HEARTBEAT:
		ms_action_count(out, MS_CTR_HEARTBEAT_RECEIVED);
		ms_peer_event(agent, pair->peer, MS_PEER_HEARD, event->now, out);
		break;
	default:
		ms_action_count(out, MS_CTR_STATE_RECEIVED);
		state = malloc(sizeof(*state));
		if (state == NULL) {
			return KNOT_ENOMEM;
		}
		if (ms_state_decode(msg->option.body, msg->option.body_len, state) != KNOT_EOK) {
			free(state);
			return reply(event, KNOT_RCODE_FORMERR, -1, "malformed state", NULL, out);
		}
		ms_peer_event(agent, pair->peer, MS_PEER_HEARD, event->now, out);
		ms_pair_learn(agent, zone, pair, state, event->now, out);
		free(state);
		state_asked = true;
	}
	ms_msg_t *answer;
	int ret = reply(event, KNOT_RCODE_NOERROR, -1, "", &answer, out);
	if (ret == KNOT_EOK) {
		ret = ms_pair_option(agent, zone, op, answer);
	}
	if (ret == KNOT_EOK && state_asked) {
		ms_pair_told(agent, pair, event->now);
	}
	return ret;
}

/* The full statement: what is not talked about in this message stays as it was. */
static int combine(const ms_pair_t *pair, const ms_contribution_t *update, ms_contribution_t *out)
{
	int ret = ms_contribution_copy(out, &pair->held);
	for (unsigned type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		if (update->stated & (1u << type)) {
			ret = ms_rrset_copy(&out->set[type], &update->set[type]);
			out->stated |= 1u << type;
		}
	}
	return ret;
}

/* "The first answer again" must hold after a restart, too (D-08). */
static int note_replay(ms_agent_t *agent, const ms_event_t *event, ms_actions_t *out)
{
	ms_rec_key_t key = { .kind = MS_REC_REPLAY };
	memcpy(key.hash, event->message.hash, sizeof(key.hash));
	ms_rec_replay_t rec = { .expiration = event->message.msg->sig.expiration };
	uint8_t value[64];
	int len = ms_rec_replay_encode(&rec, value, sizeof(value));
	int ret = len < 0 ? len : ms_action_persist(out, &key, value, len);
	return ret == KNOT_EOK ? ms_spent_add(agent, key.hash, rec.expiration) : ret;
}

/* What cannot be written is not held either: the next state would promise it. */
static int store_held(ms_agent_t *agent, const ms_zone_t *zone, ms_pair_t *pair,
                      const ms_event_t *event, ms_contribution_t *next, ms_actions_t *out)
{
	size_t before = out->count;
	ms_contribution_t old = pair->held;
	uint32_t old_inception = pair->held_inception;
	pair->held = *next;
	pair->held_inception = event->message.msg->sig.inception;
	int ret = ms_zone_persist_held(zone, pair, out);
	if (ret == KNOT_EOK) {
		ret = note_replay(agent, event, out);
	}
	if (ret != KNOT_EOK) {
		/* Neither in memory nor on disk: half of it would let an older one in later. */
		ms_actions_cut(out, before);
		pair->held = old;
		pair->held_inception = old_inception;
		return ret;
	}
	ms_contribution_clear(&old);
	*next = (ms_contribution_t){ 0 };
	return KNOT_EOK;
}

/* Takes the contribution over; it is on disk before the answer leaves. */
static int accept_update(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_event_t *event,
                         ms_contribution_t *next, ms_actions_t *out)
{
	ms_digest_t digest;
	int ret = ms_contribution_digest(next, &digest);
	if (ret != KNOT_EOK) {
		return ret;
	}
	bool same = pair->has_held && ms_digest_equal(&digest, &pair->held_digest);
	ret = store_held(agent, zone, pair, event, next, out);
	if (ret != KNOT_EOK) {
		return ret;
	}
	pair->held_digest = digest;
	pair->has_held = true;
	ms_zone_touch(zone);
	if (!same) {
		ms_action_log(out, MS_LOG_INFO, zone->name, pair->peer->identity,
		              "UPDATE: %u DNSKEY, %u CDS, %u NS -> stored, combine",
		              pair->held.set[MS_APEX_DNSKEY].rrs.count,
		              pair->held.set[MS_APEX_CDS].rrs.count,
		              pair->held.set[MS_APEX_NS].rrs.count);
		/* Everybody hears whose contributions we hold. */
		for (size_t i = 0; i < zone->pair_count; i++) {
			zone->pairs[i].state_wanted |= &zone->pairs[i] != pair &&
			                               ms_pair_on(&zone->pairs[i]);
		}
		zone->edit_at = event->now.mono;
	}
	return KNOT_EOK;
}

static int on_update(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_event_t *event,
                     ms_actions_t *out)
{
	const ms_msg_t *msg = event->message.msg;
	char reason[MS_REASON_MAX + 1] = "";
	ms_action_count(out, MS_CTR_UPDATE_RECEIVED);
	ms_peer_event(agent, pair->peer, MS_PEER_HEARD, event->now, out);
	if (!ms_member_talks(zone, pair)) {
		ms_action_count(out, MS_CTR_UPDATE_REFUSED);
		return refuse(event, zone, pair, EDE_PROHIBITED, "the sender is not ON in this zone", out);
	}
	if (!ms_member_talks(zone, NULL)) {
		/* What is confirmed is combined, and nothing is combined here any more. */
		ms_action_count(out, MS_CTR_UPDATE_REFUSED);
		return refuse(event, zone, pair, EDE_PROHIBITED, "we are not ON in this zone", out);
	}
	if (agent->unsaved) {
		return reply(event, KNOT_RCODE_SERVFAIL, EDE_NOT_READY, "the store is failing", NULL, out);
	}
	/* The sender's own clock orders its statements; a delayed one must not undo a newer one. */
	if (pair->has_held && (int32_t)(msg->sig.inception - pair->held_inception) < 0) {
		ms_action_count(out, MS_CTR_UPDATE_REFUSED);
		return refuse(event, zone, pair, EDE_PROHIBITED, "older than the contribution held", out);
	}
	ms_contribution_t next = { 0 };
	int ret = combine(pair, &msg->update, &next);
	if (ret == KNOT_EOK) {
		ret = ms_contribution_check(zone, pair, &next, reason);
	}
	if (ret == KNOT_EDENIED) {
		ms_contribution_clear(&next);
		ms_action_count(out, MS_CTR_UPDATE_REFUSED);
		return refuse(event, zone, pair, EDE_PROHIBITED, reason, out);
	}
	if (ret == KNOT_EOK) {
		ret = accept_update(agent, zone, pair, event, &next, out);
	}
	ms_contribution_clear(&next);
	return ret == KNOT_EOK ? reply(event, KNOT_RCODE_NOERROR, -1, "", NULL, out) : ret;
}

int ms_on_message(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_msg_t *msg = event->message.msg;
	if (msg == NULL) {
		return KNOT_EOK;
	}
	/* The view that let it in may be older than what we know now. */
	ms_zone_t *zone = ms_zone_find(agent, msg->qname);
	ms_pair_t *pair = zone != NULL ? ms_pair_find(zone, event->message.from) : NULL;
	if (pair == NULL || !zone->opted || !zone->shared || !pair->listed) {
		return refuse(event, zone, pair, EDE_PROHIBITED,
		              "the sender is not listed in this zone", out);
	}
	int ret = msg->kind == MS_MSG_UPDATE ? on_update(agent, zone, pair, event, out)
	                                     : on_notify(agent, zone, pair, event, out);
	if (ret != KNOT_EOK) {
		(void)reply(event, KNOT_RCODE_SERVFAIL, -1, "", NULL, out);
	}
	int settled = ms_zone_settle(agent, zone, event->now, out);
	return ret != KNOT_EOK ? ret : settled;
}
