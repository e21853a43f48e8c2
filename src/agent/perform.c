/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/perform.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "agent/remote.h"
#include "agent/tell.h"
#include "base/text.h"
#include "core/step.h"

void ms_perform_publish(ms_runtime_t *runtime, ms_now_t now)
{
	if (!ms_view_due(&runtime->agent)) {
		return;
	}
	/* Zones come and go seldom: mostly some have other rows, and the view stays the same one. */
	ms_view_t *view = (ms_view_t *)ms_publish_view(&runtime->publish);
	ms_view_zone_t *replaced = NULL;
	if (ms_view_update(&runtime->agent, view, now, &replaced) == KNOT_ENOTSUP) {
		const ms_view_t *next = ms_view_make(&runtime->agent, view, now);
		if (next != NULL) {
			ms_publish_view_swap(&runtime->publish, next);
		}
	}
	ms_publish_view_drop(replaced);
}

static void report_store(ms_runtime_t *runtime, int ret, const char *why)
{
	if (ret != KNOT_EOK && !runtime->store_failed) {
		/* The whole sentence: an event has no room for path and remedy. */
		ms_worker_log(runtime, MS_LOG_ERROR, why[0] != '\0' ? why : knot_strerror(ret));
	}
	runtime->store_failed = ret != KNOT_EOK;
	ms_event_t *event = ms_event_new(MS_EV_STORED);
	if (event != NULL) {
		event->ret = ret;
		ms_text_copy(event->reason, why, sizeof(event->reason));
	}
	ms_worker_result(runtime, event);
}

/* All PERSISTs of the round in one transaction. \return Whether they are on disk. */
static bool store(ms_runtime_t *runtime, const ms_actions_t *actions, ms_now_t now)
{
	size_t count = 0;
	for (size_t i = 0; i < actions->count; i++) {
		count += actions->list[i].kind == MS_ACT_PERSIST;
	}
	if (count == 0) {
		return true;
	}
	char reason[MS_DB_REASON_MAX] = "";
	ms_db_put_t *puts = calloc(count, sizeof(*puts));
	size_t at = 0;
	for (size_t i = 0; puts != NULL && i < actions->count; i++) {
		const ms_action_t *action = &actions->list[i];
		if (action->kind == MS_ACT_PERSIST) {
			puts[at++] = (ms_db_put_t){
				.key = action->persist.key, .key_len = action->persist.key_len,
				.value = action->persist.value, .value_len = action->persist.value_len,
			};
		}
	}
	int ret = puts == NULL ? KNOT_ENOMEM
	        : ms_db_apply(runtime->db, puts, count, reason, sizeof(reason));
	free(puts);
	bool ahead = ms_time_diff(now.mono, runtime->commit_at) > 0;
	runtime->commit_at = ms_time_add(ahead ? runtime->commit_at : now.mono, MS_COMMIT_PACE);
	if (ret != KNOT_EOK || runtime->store_failed) {
		report_store(runtime, ret, reason);
	}
	return ret == KNOT_EOK;
}

/* What is not on disk is not confirmed. */
static void take_back(ms_msg_t *msg)
{
	if (msg->rcode == KNOT_RCODE_NOERROR) {
		msg->rcode = KNOT_RCODE_SERVFAIL;
		msg->ede = KNOT_EDNS_EDE_NOT_READY;
		ms_text_copy(msg->ede_text, "it could not be stored, ask again", sizeof(msg->ede_text));
		msg->has_option = false;
	}
}

/*
 * The answer is remembered for a second sight of the same signature. SERVFAIL is not: whoever asks
 * again shall get another try.
 */
static void remember(ms_runtime_t *runtime, const ms_asker_t *asker, uint16_t rcode,
                     const uint8_t *wire, size_t len)
{
	bool keep = len <= MS_MESSAGE_UDP_MAX;
	pthread_mutex_lock(&runtime->replay_lock);
	if (rcode == KNOT_RCODE_SERVFAIL) {
		ms_replay_forget(&runtime->replay, asker->hash);
	} else {
		ms_replay_answered(&runtime->replay, asker->hash, rcode, keep ? wire : NULL,
		                   keep ? len : 0);
	}
	pthread_mutex_unlock(&runtime->replay_lock);
}

/* Signed as the request was. */
static int build_reply(ms_runtime_t *runtime, const ms_asker_t *asker, const ms_msg_t *msg,
                       ms_now_t now, uint8_t *wire, size_t max)
{
	const ms_codes_t *codes = &runtime->agent.config.codes;
	return asker->tsig != NULL
	     ? ms_reply_build_tsig(msg, codes, asker->tsig, 0, asker->request, asker->request_len,
	                           now.wall, wire, max)
	     : ms_reply_build(msg, codes, ms_publish_key(&runtime->publish), asker->request,
	                      asker->request_len, now.wall, wire, max);
}

static void reply(ms_runtime_t *runtime, const ms_action_t *action, bool stored, ms_now_t now)
{
	ms_asker_t *asker = ms_replies_take(&runtime->replies, action->reply.handle);
	if (asker == NULL) {
		return;
	}
	ms_msg_t *msg = action->reply.msg;
	msg->edns = msg->edns && asker->edns;
	if (!stored) {
		take_back(msg);
	}
	uint8_t wire[MS_MESSAGE_MAX];
	int len = build_reply(runtime, asker, msg, now, wire, sizeof(wire));
	if (len > 0) {
		remember(runtime, asker, msg->rcode, wire, len);
	}
	if (len > 0 && (size_t)len > asker->max) {
		len = build_reply(runtime, asker, msg, now, wire, asker->max);
	}
	if (len > 0) {
		/* Who does not get it asks again. */
		(void)ms_asker_send(asker, wire, len);
	}
	ms_asker_free(asker);
}

static void tell(ms_runtime_t *runtime, const ms_action_t *action)
{
	ms_asker_t *asker = ms_replies_take(&runtime->replies, action->tell.handle);
	if (asker == NULL) {
		return;
	}
	const char *text = action->tell.text;
	uint8_t *wire = malloc(UINT16_MAX);
	int len = wire == NULL ? KNOT_ENOMEM
	        : ms_tell_build(asker->request, asker->request_len, text,
	                        text != NULL ? KNOT_RCODE_NOERROR : KNOT_RCODE_SERVFAIL, wire,
	                        asker->max < UINT16_MAX ? asker->max : UINT16_MAX);
	if (len > 0) {
		(void)ms_asker_send(asker, wire, len);
	}
	free(wire);
	ms_asker_free(asker);
}

/* An edit that is not noted down would leave records behind that nobody knows to be ours. */
static void queue_job(ms_runtime_t *runtime, ms_action_t *action, bool stored)
{
	bool edit = action->kind == MS_ACT_EDIT;
	ms_event_kind_t kind = ms_jobs_result(action->kind);
	bool errand = kind == MS_EV_OBSERVED || kind == MS_EV_DISCOVERED || kind == MS_EV_TOLD;
	int ret = edit && !stored ? KNOT_ESPACE
	        : ms_jobs_add(errand ? &runtime->errands : &runtime->jobs, action);
	if (ret == KNOT_EOK || kind == MS_EV_TIMER) {
		return;
	}
	ms_event_t *event = ms_event_new(kind);
	if (event != NULL) {
		event->id = action->id;
		event->ret = ret;
		ms_name_copy(event->zone, edit ? action->edit.zone
		             : kind == MS_EV_KEYS ? action->keys.zone
		             : kind == MS_EV_OBSERVED ? action->observe.zone
		             : kind == MS_EV_TOLD ? action->inform.zone : action->look.zone);
		ms_text_copy(event->reason, ret == KNOT_ESPACE ? "the store failed" : "too many jobs wait",
		             sizeof(event->reason));
	}
	ms_worker_result(runtime, event);
}

/* Persist comes before send: what a message says may be what could not be written. */
static void fail_send(ms_runtime_t *runtime, const ms_action_t *action)
{
	ms_event_t *event = ms_event_new(MS_EV_ANSWERED);
	if (event != NULL) {
		event->id = action->id;
		event->ret = KNOT_ESPACE;
		ms_text_copy(event->reason, "the store failed", sizeof(event->reason));
	}
	ms_worker_result(runtime, event);
}

static void perform(ms_runtime_t *runtime, ms_action_t *action, bool stored, ms_now_t now)
{
	switch (action->kind) {
	case MS_ACT_PERSIST:
		break;
	case MS_ACT_LOCATE:
		ms_remote_locate(runtime, action, now);
		break;
	case MS_ACT_SEND:
		if (stored) {
			ms_sender_send(runtime, action, now);
		} else {
			fail_send(runtime, action);
		}
		break;
	case MS_ACT_REPLY:
		reply(runtime, action, stored, now);
		break;
	case MS_ACT_TELL:
		tell(runtime, action);
		break;
	case MS_ACT_EDIT:
	case MS_ACT_KEYS:
	case MS_ACT_REFETCH:
	case MS_ACT_NOTIFY:
	case MS_ACT_OBSERVE:
	case MS_ACT_DISCOVER:
	case MS_ACT_TELL_PARENT:
		queue_job(runtime, action, stored);
		break;
	case MS_ACT_LOOK:
		ms_remote_look(runtime, action->look.zone, now);
		break;
	case MS_ACT_LOG:
		ms_worker_log(runtime, action->log.level, action->log.line);
		break;
	case MS_ACT_COUNT:
		runtime->counter[action->counter]++;
		break;
	}
}

void ms_perform(ms_runtime_t *runtime, ms_actions_t *actions, ms_now_t now)
{
	bool stored = store(runtime, actions, now);
	ms_perform_publish(runtime, now);
	for (size_t i = 0; i < actions->count; i++) {
		perform(runtime, &actions->list[i], stored, now);
	}
	ms_actions_clear(actions);
}
