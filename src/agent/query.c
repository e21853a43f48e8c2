/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/answer.h"

#include <string.h>
#include <strings.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "agent/reply.h"
#include "agent/tell.h"
#include "agent/worker.h"
#include "base/compat.h"

static const uint8_t STATUS_LABEL[] = "\x08_msigner";
static const uint8_t NS_LABEL[] = "\x02ns";

/* The query and the answer's place; view and key are good inside the read section. */
typedef struct {
	ms_runtime_t *runtime;
	const ms_origin_t *origin;
	const ms_view_t *view;
	const ms_sig0_key_t *key;
	const uint8_t *wire;
	size_t len;
	uint8_t *out;
	size_t max;
	size_t *out_len;
} asked_t;

static ms_answer_t said(asked_t *s, int len)
{
	if (len <= 0) {
		return MS_ANSWER_DROP;
	}
	*s->out_len = len;
	return MS_ANSWER_NOW;
}

/* The worker makes the text: the state is its own. */
static ms_answer_t ask_worker(asked_t *s, const knot_dname_t *about, size_t room)
{
	static const uint8_t unsigned_hash[MS_SIG_HASH_LEN];
	ms_runtime_t *runtime = s->runtime;
	uint64_t handle = 0;
	ms_event_t *event = s->origin->other ? NULL : ms_event_new(MS_EV_ASKED);
	int ret = event == NULL ? KNOT_ENOMEM
	        : ms_replies_add(&runtime->replies, s->origin, s->wire, s->len, room, unsigned_hash,
	                         NULL, ms_clock().mono, &handle);
	if (ret == KNOT_EOK) {
		ms_name_copy(event->zone, about);
		event->asked = handle;
		ret = ms_inbox_push(&runtime->inbox, event);
	}
	if (ret == KNOT_EOK) {
		return MS_ANSWER_LATER;
	}
	if (handle != 0) {
		ms_asker_free(ms_replies_take(&runtime->replies, handle));
	}
	ms_event_free(event);
	return said(s, ms_tell_build(s->wire, s->len, NULL, KNOT_RCODE_SERVFAIL, s->out, room));
}

static ms_answer_t answer_status(asked_t *s, const knot_dname_t *name, bool trusted)
{
	knot_dname_storage_t about;
	ms_name_copy(about, ms_compat_next_label(name));
	knot_dname_to_lower(about);
	const ms_view_zone_t *zone = ms_view_zone(s->view, about);
	if (!knot_dname_is_equal(about, s->view->identity) && (zone == NULL || !zone->opted)) {
		return MS_ANSWER_NOT_OURS;
	}
	size_t room = ms_tell_room(s->wire, s->len, s->origin->tcp, s->max);
	if (room == 0) {
		return MS_ANSWER_DROP;
	}
	return trusted ? ask_worker(s, about, room)
	     : said(s, ms_tell_build(s->wire, s->len, NULL, KNOT_RCODE_REFUSED, s->out, room));
}

static bool is_known(const ms_view_t *view, const knot_dname_t *identity)
{
	if (knot_dname_is_equal(identity, view->identity)) {
		return true;
	}
	size_t low = 0, high = view->peer_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int cmp = knot_dname_cmp(view->peers[mid]->identity, identity);
		if (cmp == 0) {
			return true;
		}
		if (cmp < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return false;
}

static const ms_contribution_t *data_of(const ms_view_t *view, const ms_view_zone_t *zone,
                                        const knot_dname_t *identity)
{
	if (knot_dname_is_equal(identity, view->identity)) {
		return &zone->own;
	}
	for (size_t i = 0; i < zone->member_count; i++) {
		if (knot_dname_is_equal(zone->members[i].identity, identity)) {
			return &zone->members[i].data;
		}
	}
	return NULL;
}

/* Labels of \a name before \a end become a name of their own; "ns" at the end counts or not. */
static const ms_view_zone_t *zone_before(const ms_view_t *view, const knot_dname_t *name,
                                         const knot_dname_t *end)
{
	knot_dname_storage_t zone;
	size_t len = end - name;
	memcpy(zone, name, len);
	zone[len] = '\0';
	const ms_view_zone_t *found = ms_view_zone(view, zone);
	knot_dname_t *last = zone;
	while (*ms_compat_next_label(last) != '\0') {
		last = (knot_dname_t *)ms_compat_next_label(last);
	}
	if (found == NULL && knot_dname_is_equal(last, NS_LABEL)) {
		*last = '\0';
		found = ms_view_zone(view, zone);
	}
	return found;
}

static const ms_contribution_t *find_contribution(const ms_view_t *view, const knot_dname_t *name)
{
	for (const knot_dname_t *id = ms_compat_next_label(name); *id != '\0';
	     id = ms_compat_next_label(id)) {
		const ms_view_zone_t *zone = is_known(view, id) ? zone_before(view, name, id) : NULL;
		const ms_contribution_t *data = zone != NULL && zone->shared
		                              ? data_of(view, zone, id) : NULL;
		if (data != NULL) {
			return data;
		}
	}
	return NULL;
}

static ms_answer_t answer_contribution(asked_t *s, const knot_dname_t *qname, int index)
{
	knot_dname_storage_t name;
	ms_name_copy(name, qname);
	knot_dname_to_lower(name);
	const ms_contribution_t *data = *name != '\0' ? find_contribution(s->view, name) : NULL;
	if (data == NULL) {
		return MS_ANSWER_NOT_OURS;
	}
	ms_msg_t *request = ms_msg_new(MS_MSG_QUERY, name, 0);
	if (request == NULL) {
		return MS_ANSWER_DROP;
	}
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	if (ms_message_parse(s->wire, s->len, &s->view->codes, request, &rcode, reason) != KNOT_EOK) {
		ms_msg_free(request);
		return MS_ANSWER_NOT_OURS;
	}
	ms_msg_t *msg = ms_msg_reply(request, KNOT_RCODE_NOERROR);
	if (msg != NULL && ms_rrset_copy(&msg->answer, &data->set[index]) != KNOT_EOK) {
		ms_msg_free(msg);
		msg = NULL;
	}
	int len = msg == NULL ? KNOT_ENOMEM
	        : ms_reply_build(msg, &s->view->codes, request->sig.present ? s->key : NULL,
	                         s->wire, s->len, ms_clock().wall, s->out,
	                         ms_reply_room(request->edns, request->udp_size, s->origin->tcp, s->max));
	ms_msg_free(msg);
	ms_msg_free(request);
	return said(s, len);
}

static bool is_status_name(const knot_dname_t *name)
{
	return name[0] == STATUS_LABEL[0] &&
	       strncasecmp((const char *)name + 1, (const char *)STATUS_LABEL + 1, name[0]) == 0;
}

ms_answer_t ms_answer_query(ms_runtime_t *runtime, const uint8_t *wire, size_t len,
                            const knot_dname_t *qname, uint16_t qtype, bool trusted,
                            const ms_origin_t *origin, uint8_t *out, size_t max, size_t *out_len)
{
	/* Nearly every query of the server ends here. */
	bool status = qtype == KNOT_RRTYPE_TXT && is_status_name(qname);
	int index = ms_apex_index(qtype);
	if (!status && index < 0) {
		return MS_ANSWER_NOT_OURS;
	}
	ms_publish_begin();
	asked_t asked = {
		.runtime = runtime, .origin = origin,
		.view = ms_publish_view(&runtime->publish),
		.key = ms_publish_key(&runtime->publish),
		.wire = wire, .len = len, .out = out, .max = max, .out_len = out_len,
	};
	ms_answer_t ret = asked.view == NULL || asked.key == NULL ? MS_ANSWER_NOT_OURS
	                : status ? answer_status(&asked, qname, trusted)
	                : answer_contribution(&asked, qname, index);
	ms_publish_end();
	return ret;
}
