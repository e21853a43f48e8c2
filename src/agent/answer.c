/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/answer.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "agent/reply.h"
#include "agent/worker.h"
#include "base/text.h"

/* What an answer needs of the world; the pointers are good inside the read section. */
typedef struct {
	ms_runtime_t *runtime;
	const ms_view_t *view;
	const ms_sig0_key_t *key;
	ms_now_t now;
	const uint8_t *wire;
	size_t len;
	uint8_t *out;
	size_t max;
	size_t *out_len;
} scene_t;

static size_t fit(const scene_t *s, const ms_msg_t *request, bool tcp)
{
	return ms_reply_room(request->edns, request->udp_size, tcp, s->max);
}

static ms_answer_t say(scene_t *s, ms_msg_t *msg, const ms_sig0_key_t *key, size_t max)
{
	int len = msg == NULL ? KNOT_ENOMEM
	        : ms_reply_build(msg, &s->view->codes, key, s->wire, s->len, s->now.wall, s->out,
	                         max);
	ms_msg_free(msg);
	if (len <= 0) {
		return MS_ANSWER_DROP;
	}
	*s->out_len = len;
	return MS_ANSWER_NOW;
}

static ms_msg_t *error_reply(const ms_msg_t *request, uint16_t rcode, int ede, const char *why)
{
	ms_msg_t *msg = ms_msg_reply(request, rcode);
	if (msg != NULL) {
		msg->ede = ede;
		ms_text_copy(msg->ede_text, why, sizeof(msg->ede_text));
	}
	return msg;
}

static ms_answer_t refuse(scene_t *s, const ms_admission_t *adm, bool tcp)
{
	ms_msg_t *bare = NULL;
	const ms_msg_t *request = adm->msg;
	if (request == NULL) {
		uint16_t rcode;
		char reason[MS_REASON_MAX + 1];
		bare = ms_msg_new(MS_MSG_NOTIFY, (const uint8_t *)"", 0);
		if (bare == NULL) {
			return MS_ANSWER_DROP;
		}
		/* Also of a broken message it says what can be read: id, kind, question. */
		(void)ms_message_parse(s->wire, s->len, &s->view->codes, bare, &rcode, reason);
		request = bare;
	}
	/* A peer that proved who it is may read why; strangers get the code alone. */
	int ede = adm->ede < 0 && adm->verified && adm->reason[0] != '\0' ? KNOT_EDNS_EDE_OTHER
	                                                                 : adm->ede;
	ms_msg_t *msg = error_reply(request, adm->rcode, ede, adm->verified ? adm->reason : "");
	ms_answer_t ret = say(s, msg, adm->verified ? s->key : NULL, fit(s, request, tcp));
	ms_msg_free(bare);
	return ret;
}

/* The same octets again or, where they were not kept or do not fit, as much as is known. */
static ms_answer_t say_again(scene_t *s, const ms_replay_entry_t *entry, const ms_msg_t *request,
                             size_t max)
{
	if (entry->answer != NULL && entry->answer_len <= max) {
		memcpy(s->out, entry->answer, entry->answer_len);
		*s->out_len = entry->answer_len;
		return MS_ANSWER_NOW;
	}
	ms_msg_t *msg = ms_msg_reply(request, entry->rcode);
	if (msg != NULL && entry->answer != NULL) {
		msg->rcode = KNOT_RCODE_NOERROR;
		msg->tc = true;
	}
	return say(s, msg, s->key, max);
}

static ms_answer_t queue(scene_t *s, ms_admission_t *adm, const ms_origin_t *origin, size_t max)
{
	ms_runtime_t *runtime = s->runtime;
	uint64_t handle = 0;
	ms_event_t *event = ms_event_new(MS_EV_MESSAGE);
	int ret = event == NULL ? KNOT_ENOMEM : origin->other ? KNOT_ENOTSUP
	        : ms_replies_add(&runtime->replies, origin, s->wire, s->len, max, adm->hash, NULL,
	                         s->now.mono, &handle);
	if (ret == KNOT_EOK) {
		event->message.msg = adm->msg;
		event->message.reply = handle;
		ms_name_copy(event->message.from, adm->peer->identity);
		memcpy(event->message.hash, adm->hash, sizeof(adm->hash));
		ret = ms_inbox_push(&runtime->inbox, event);
	}
	if (ret == KNOT_EOK) {
		adm->msg = NULL;
		return MS_ANSWER_LATER;
	}
	if (handle != 0) {
		event->message.msg = NULL;
		ms_asker_free(ms_replies_take(&runtime->replies, handle));
	}
	ms_event_free(event);
	pthread_mutex_lock(&runtime->replay_lock);
	ms_replay_forget(&runtime->replay, adm->hash);
	pthread_mutex_unlock(&runtime->replay_lock);
	const char *why = ret == KNOT_ENOTSUP ? "ask over plain UDP or TCP" : "overloaded, ask again";
	return say(s, error_reply(adm->msg, KNOT_RCODE_SERVFAIL, KNOT_EDNS_EDE_NOT_READY, why),
	           s->key, max);
}

static ms_answer_t accept_message(scene_t *s, ms_admission_t *adm, const ms_origin_t *origin)
{
	ms_runtime_t *runtime = s->runtime;
	const ms_replay_entry_t *entry = NULL;
	size_t max = fit(s, adm->msg, origin->tcp);
	ms_answer_t ret = MS_ANSWER_DROP;
	pthread_mutex_lock(&runtime->replay_lock);
	ms_replay_t seen = ms_replay_see(&runtime->replay, adm->hash,
	                                 ms_replay_group(adm->peer->identity), adm->peer->zones,
	                                 adm->msg->sig.expiration, s->now.wall.s, &entry);
	if (seen == MS_REPLAY_ANSWERED) {
		ret = say_again(s, entry, adm->msg, max);
	}
	pthread_mutex_unlock(&runtime->replay_lock);

	switch (seen) {
	case MS_REPLAY_NEW:
		return queue(s, adm, origin, max);
	case MS_REPLAY_FULL:
		return say(s, error_reply(adm->msg, KNOT_RCODE_SERVFAIL, KNOT_EDNS_EDE_NOT_READY,
		                          "too many messages, ask again"), s->key, max);
	default:
		__atomic_fetch_add(&runtime->replayed, 1, __ATOMIC_RELAXED);
		return ret;
	}
}

static ms_answer_t answer_message(scene_t *s, const ms_origin_t *origin)
{
	ms_admission_t adm = { .verdict = MS_ADMIT_MALFORMED, .ede = -1 };
	int ret = ms_admit(s->view, s->wire, s->len, s->now.wall, &adm);
	if (ret != KNOT_EOK) {
		ms_msg_free(adm.msg);
		adm = (ms_admission_t){ .verdict = MS_ADMIT_MALFORMED, .ede = -1,
		                        .rcode = KNOT_RCODE_SERVFAIL };
	}
	__atomic_fetch_add(&s->runtime->admitted[adm.verdict], 1, __ATOMIC_RELAXED);
	ms_answer_t answer = adm.verdict == MS_ADMIT_ACCEPT ? accept_message(s, &adm, origin)
	                                                    : refuse(s, &adm, origin->tcp);
	ms_msg_free(adm.msg);
	return answer;
}

ms_answer_t ms_answer_message(ms_runtime_t *runtime, const uint8_t *wire, size_t len,
                              const ms_origin_t *origin, uint8_t *out, size_t max,
                              size_t *out_len)
{
	ms_publish_begin();
	scene_t scene = {
		.runtime = runtime,
		.view = ms_publish_view(&runtime->publish),
		.key = ms_publish_key(&runtime->publish),
		.now = ms_clock(),
		.wire = wire, .len = len, .out = out, .max = max, .out_len = out_len,
	};
	ms_answer_t ret = scene.view != NULL && scene.key != NULL
	                ? answer_message(&scene, origin) : MS_ANSWER_NOT_OURS;
	ms_publish_end();
	return ret;
}
