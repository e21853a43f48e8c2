/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/answer.h"

#include <string.h>
#include <strings.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "agent/reply.h"
#include "agent/worker.h"
#include "base/compat.h"

/* Status answers change all the time. */
#define STATUS_TTL 0

static const uint8_t STATUS_LABEL[] = "\x08_msigner";
static const uint8_t NS_LABEL[] = "\x02ns";

/* The query and the answer's place; view and key are good inside the read section. */
typedef struct {
	const ms_view_t *view;
	const ms_sig0_key_t *key;
	const uint8_t *wire;
	size_t len;
	bool tcp;
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

/* One line as one record: character-strings of at most 255 octets (RFC 1035 section 3.3.14). */
static int put_line(knot_pkt_t *pkt, const char *line, size_t len)
{
	uint8_t rdata[2 * KNOT_DNAME_MAXLEN + 4 * UINT8_MAX];
	size_t used = 0;
	do {
		size_t part = len < UINT8_MAX ? len : UINT8_MAX;
		if (used + 1 + part > sizeof(rdata)) {
			break;
		}
		rdata[used] = part;
		memcpy(rdata + used + 1, line, part);
		used += 1 + part;
		line += part;
		len -= part;
	} while (len > 0);

	knot_rrset_t rr;
	knot_rrset_init(&rr, (knot_dname_t *)knot_pkt_qname(pkt), KNOT_RRTYPE_TXT, KNOT_CLASS_IN,
	                STATUS_TTL);
	int ret = knot_rrset_add_rdata(&rr, rdata, used, NULL);
	if (ret == KNOT_EOK) {
		ret = knot_pkt_put(pkt, KNOT_COMPR_HINT_QNAME, &rr, 0);
	}
	knot_rdataset_clear(&rr.rrs, NULL);
	return ret;
}

static int put_status(knot_pkt_t *pkt, const char *status)
{
	int ret = knot_pkt_begin(pkt, KNOT_ANSWER);
	while (ret == KNOT_EOK && *status != '\0') {
		size_t len = strcspn(status, "\n");
		ret = put_line(pkt, status, len);
		status += len + (status[len] == '\n');
	}
	/* What does not fit is asked for again over TCP: knot_pkt_put() has set TC. */
	return ret == KNOT_ESPACE ? KNOT_EOK : ret;
}

/* \param status  NULL: the asker may not know. */
static int build_status(const knot_pkt_t *query, const char *status, uint8_t *out, size_t max)
{
	knot_pkt_t *pkt = knot_pkt_new(out, max, NULL);
	if (pkt == NULL) {
		return KNOT_ENOMEM;
	}
	knot_rrset_t opt = { 0 };
	int ret = knot_pkt_init_response(pkt, query);
	bool edns = ret == KNOT_EOK && query->opt_rr != NULL;
	if (edns) {
		ret = knot_edns_init(&opt, MS_MESSAGE_UDP_MAX, 0, 0, NULL);
		edns = ret == KNOT_EOK;
	}
	if (edns) {
		ret = knot_pkt_reserve(pkt, knot_edns_wire_size(&opt));
	}
	if (ret == KNOT_EOK && status != NULL) {
		knot_wire_set_aa(pkt->wire);
		ret = put_status(pkt, status);
	} else if (ret == KNOT_EOK) {
		knot_wire_set_rcode(pkt->wire, KNOT_RCODE_REFUSED);
	}
	if (ret == KNOT_EOK && edns) {
		(void)knot_pkt_reclaim(pkt, knot_edns_wire_size(&opt));
		ret = knot_pkt_begin(pkt, KNOT_ADDITIONAL);
		ret = ret == KNOT_EOK ? knot_pkt_put(pkt, KNOT_COMPR_HINT_NONE, &opt, 0) : ret;
	}
	int len = ret == KNOT_EOK ? (int)pkt->size : ret;
	knot_rrset_clear(&opt, NULL);
	knot_pkt_free(pkt);
	return len;
}

static ms_answer_t answer_status(asked_t *s, const knot_dname_t *name, bool trusted)
{
	knot_dname_storage_t about;
	ms_name_copy(about, ms_compat_next_label(name));
	knot_dname_to_lower(about);
	const ms_view_zone_t *zone = ms_view_zone(s->view, about);
	const char *status = knot_dname_is_equal(about, s->view->identity) ? s->view->status
	                   : zone != NULL ? zone->status : NULL;
	if (status == NULL) {
		return MS_ANSWER_NOT_OURS;
	}
	knot_pkt_t *query = knot_pkt_new((void *)s->wire, s->len, NULL);
	if (query == NULL) {
		return MS_ANSWER_DROP;
	}
	int ret = knot_pkt_parse(query, KNOT_PF_KEEPWIRE);
	if (ret == KNOT_EOK) {
		bool edns = query->opt_rr != NULL;
		uint16_t size = edns ? knot_edns_get_payload(query->opt_rr) : 0;
		ret = build_status(query, trusted ? status : NULL, s->out,
		                   ms_reply_room(edns, size, s->tcp, s->max));
	}
	knot_pkt_free(query);
	return said(s, ret);
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
	                         ms_reply_room(request->edns, request->udp_size, s->tcp, s->max));
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
                            const knot_dname_t *qname, uint16_t qtype, bool trusted, bool tcp,
                            uint8_t *out, size_t max, size_t *out_len)
{
	/* Nearly every query of the server ends here. */
	bool status = qtype == KNOT_RRTYPE_TXT && is_status_name(qname);
	int index = ms_apex_index(qtype);
	if (!status && index < 0) {
		return MS_ANSWER_NOT_OURS;
	}
	ms_publish_begin();
	asked_t asked = {
		.view = ms_publish_view(&runtime->publish),
		.key = ms_publish_key(&runtime->publish),
		.wire = wire, .len = len, .tcp = tcp, .out = out, .max = max, .out_len = out_len,
	};
	ms_answer_t ret = asked.view == NULL || asked.key == NULL ? MS_ANSWER_NOT_OURS
	                : status ? answer_status(&asked, qname, trusted)
	                : answer_contribution(&asked, qname, index);
	ms_publish_end();
	return ret;
}
