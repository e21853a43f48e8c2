/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UPDATEs of our own agent, which is in another server; core/local.c acts on them. */
#include "agent/answer.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "agent/reply.h"
#include "agent/worker.h"
#include "base/name.h"
#include "base/text.h"

/* The answer needs no option of ours. */
static const ms_codes_t no_codes;

typedef struct {
	ms_runtime_t *runtime;
	ms_reply_tsig_t tsig;       /* Wiped at the end. */
	const knot_dname_t *zone;
	const ms_origin_t *origin;
	uint8_t hash[MS_SIG_HASH_LEN];
	ms_now_t now;
	const uint8_t *wire;
	size_t len;
	uint8_t *out;
	size_t max;
	size_t *out_len;
} scene_t;

static ms_msg_t *make_reply(const scene_t *s, uint16_t rcode, int ede, const char *why)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, s->zone, KNOT_RRTYPE_SOA);
	if (msg != NULL) {
		msg->response = true;
		msg->id = s->len >= KNOT_WIRE_HEADER_SIZE ? knot_wire_get_id(s->wire) : 0;
		msg->edns = s->origin->edns;
		msg->rcode = rcode;
		msg->ede = ede;
		ms_text_copy(msg->ede_text, why, sizeof(msg->ede_text));
	}
	return msg;
}

static ms_answer_t said(const scene_t *s, int len)
{
	if (len <= 0) {
		return MS_ANSWER_DROP;
	}
	*s->out_len = len;
	return MS_ANSWER_NOW;
}

static ms_answer_t say(const scene_t *s, uint16_t rcode, int ede, const char *why, uint16_t error)
{
	ms_msg_t *msg = make_reply(s, rcode, ede, why);
	int len = msg == NULL ? KNOT_ENOMEM
	        : ms_reply_build_tsig(msg, &no_codes, &s->tsig, error, s->wire, s->len, s->now.wall,
	                              s->out, s->max);
	ms_msg_free(msg);
	return said(s, len);
}

static ms_answer_t refuse(const scene_t *s, ms_admit_verdict_t verdict, uint16_t error)
{
	__atomic_fetch_add(&s->runtime->admitted[verdict], 1, __ATOMIC_RELAXED);
	if (verdict != MS_ADMIT_UNSIGNED) {
		return say(s, KNOT_RCODE_NOTAUTH, -1, "", error);
	}
	ms_msg_t *msg = make_reply(s, KNOT_RCODE_REFUSED, KNOT_EDNS_EDE_PROHIBITED, "");
	int len = msg == NULL ? KNOT_ENOMEM
	        : ms_reply_build(msg, &no_codes, NULL, s->wire, s->len, s->now.wall, s->out, s->max);
	ms_msg_free(msg);
	return said(s, len);
}

static ms_answer_t not_now(const scene_t *s, const char *why)
{
	return say(s, KNOT_RCODE_SERVFAIL, KNOT_EDNS_EDE_NOT_READY, why, 0);
}

static ms_event_t *make_event(const scene_t *s, uint64_t handle)
{
	ms_event_t *event = ms_event_new(MS_EV_LOCAL);
	if (event == NULL) {
		return NULL;
	}
	event->local.wire = malloc(s->len);
	if (event->local.wire == NULL) {
		ms_event_free(event);
		return NULL;
	}
	memcpy(event->local.wire, s->wire, s->len);
	event->local.len = s->len;
	event->local.reply = handle;
	ms_name_copy_lower(event->zone, s->zone);
	return event;
}

static ms_answer_t queue(const scene_t *s)
{
	ms_runtime_t *runtime = s->runtime;
	uint64_t handle = 0;
	int ret = s->origin->other ? KNOT_ENOTSUP
	        : ms_replies_add(&runtime->replies, s->origin, s->wire, s->len, s->max, s->hash,
	                         &s->tsig, s->now.mono, &handle);
	if (ret == KNOT_EOK) {
		ms_event_t *event = make_event(s, handle);
		ret = event != NULL ? ms_inbox_push(&runtime->inbox, event) : KNOT_ENOMEM;
		if (ret == KNOT_EOK) {
			return MS_ANSWER_LATER;
		}
		ms_event_free(event);
		ms_asker_free(ms_replies_take(&runtime->replies, handle));
	}
	pthread_mutex_lock(&runtime->replay_lock);
	ms_replay_forget(&runtime->replay, s->hash);
	pthread_mutex_unlock(&runtime->replay_lock);
	return not_now(s, ret == KNOT_ENOTSUP ? "ask over plain UDP or TCP"
	                                      : "overloaded, ask again");
}

/* The same octets again or, where they were not kept or do not fit, the same RCODE. */
static ms_answer_t say_again(const scene_t *s, const ms_replay_entry_t *entry)
{
	if (entry->answer == NULL || entry->answer_len > s->max) {
		return say(s, entry->rcode, -1, "", 0);
	}
	memcpy(s->out, entry->answer, entry->answer_len);
	return said(s, entry->answer_len);
}

/* Our agent's zones are all of ours. */
static size_t zone_count(ms_runtime_t *runtime)
{
	const ms_view_t *view = ms_runtime_view_begin(runtime);
	size_t count = view != NULL ? view->zone_count : 0;
	ms_runtime_view_end(runtime);
	return count;
}

static ms_answer_t accept_update(const scene_t *s)
{
	ms_runtime_t *runtime = s->runtime;
	const ms_replay_entry_t *entry = NULL;
	ms_answer_t ret = MS_ANSWER_DROP;
	size_t zones = zone_count(runtime);
	pthread_mutex_lock(&runtime->replay_lock);
	ms_replay_t seen = ms_replay_see(&runtime->replay, s->hash, ms_replay_group(s->tsig.key.name),
	                                 zones, s->tsig.request.signed_at + MS_TSIG_FUDGE,
	                                 s->now.wall.s, &entry);
	if (seen == MS_REPLAY_ANSWERED) {
		ret = say_again(s, entry);
	}
	pthread_mutex_unlock(&runtime->replay_lock);

	switch (seen) {
	case MS_REPLAY_NEW:
		__atomic_fetch_add(&runtime->admitted[MS_ADMIT_ACCEPT], 1, __ATOMIC_RELAXED);
		return queue(s);
	case MS_REPLAY_FULL:
		return not_now(s, "too many messages, ask again");
	default:
		__atomic_fetch_add(&runtime->replayed, 1, __ATOMIC_RELAXED);
		return ret;
	}
}

/*
 * Signatures seen are remembered in memory only: what was signed before this run may have been
 * answered by the one before.
 */
static uint16_t verify(const scene_t *s)
{
	uint16_t error = ms_tsig_verify(&s->tsig.key, &s->tsig.request, s->wire, s->len, NULL,
	                                s->now.wall.s);
	return error == 0 && (int64_t)s->tsig.request.signed_at <= s->runtime->began.s
	     ? KNOT_RCODE_BADTIME : error;
}

static ms_answer_t answer_signed(scene_t *s)
{
	uint16_t error = verify(s);
	switch (error) {
	case 0:
		/* The MAC is a hash of the message, and no other one of it is accepted. */
		memcpy(s->hash, s->tsig.request.mac, sizeof(s->hash));
		return accept_update(s);
	case KNOT_RCODE_BADKEY:
		return refuse(s, MS_ADMIT_NO_KEY, error);
	case KNOT_RCODE_BADTIME:
		return refuse(s, MS_ADMIT_TIME, error);
	default:
		return refuse(s, MS_ADMIT_SIGNATURE, error);
	}
}

ms_answer_t ms_answer_update(ms_runtime_t *runtime, const ms_tsig_key_t *key, const uint8_t *wire,
                             size_t len, const ms_tsig_t *tsig, const knot_dname_t *zone,
                             const ms_origin_t *origin, uint8_t *out, size_t max,
                             size_t *out_len)
{
	scene_t scene = {
		.runtime = runtime, .zone = zone, .origin = origin, .now = ms_clock(),
		.wire = wire, .len = len, .out = out, .out_len = out_len,
		.max = ms_reply_room(origin->edns, origin->udp_size, origin->tcp, max),
	};
	if (tsig == NULL) {
		return refuse(&scene, MS_ADMIT_UNSIGNED, 0);
	}
	scene.tsig.key = *key;
	scene.tsig.request = *tsig;
	ms_answer_t ret = answer_signed(&scene);
	ms_tsig_key_wipe(&scene.tsig.key);
	return ret;
}
