/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hook's side: is it for us, may it come in, and who waits for the answer. Never blocks but for
 * the engine's lock, which is held for table look-ups only. */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "base/name.h"
#include "receiver/engine.h"
#include "wire/rr.h"

/* Datagrams without EDNS (RFC 1035 section 2.3.4). */
#define UDP_MIN 512

typedef enum { NOT_OURS, NOTIFY, UPDATE, INQUIRY, STATUS } kind_t;

/* The deepest zone of ours at or above \a name. \param strict  Above only. */
static bool find_parent(ms_receiver_t *rx, const knot_dname_t *name, bool strict,
                        knot_dname_storage_t out)
{
	int best = -1;
	size_t depth = 0;
	for (unsigned i = 0; i < rx->zone_count; i++) {
		int below = knot_dname_in_bailiwick(name, rx->zones[i].name);
		size_t labels = knot_dname_labels(rx->zones[i].name, NULL);
		if (below >= (strict ? 1 : 0) && (best < 0 || labels > depth)) {
			best = i;
			depth = labels;
		}
	}
	if (best >= 0) {
		ms_name_copy(out, rx->zones[best].name);
	}
	return best >= 0;
}

static kind_t kind_of(const ms_envelope_t *e, const ms_rx_origin_t *origin, const knot_dname_t **zone,
                      bool *strict)
{
	*zone = e->qname;
	*strict = true;
	if (e->response || e->qdcount != 1) {
		return NOT_OURS;
	}
	switch (e->opcode) {
	case KNOT_OPCODE_NOTIFY:
		return e->qtype == KNOT_RRTYPE_CDS || e->qtype == KNOT_RRTYPE_CSYNC ||
		       e->qtype == KNOT_RRTYPE_CDNSKEY ? NOTIFY : NOT_OURS;
	case KNOT_OPCODE_UPDATE:
		*strict = false;
		return UPDATE;
	case KNOT_OPCODE_QUERY:
		if (e->has_keystate && (e->qtype == KNOT_RRTYPE_KEY || e->qtype == KNOT_RRTYPE_ANY)) {
			return INQUIRY;
		}
		if (e->qtype == KNOT_RRTYPE_TXT && e->qname[0] != '\0' &&
		    ms_label_equal(e->qname, ms_status_label) && origin->trusted) {
			*zone = ms_compat_next_label(e->qname);
			*strict = false;
			return STATUS;
		}
		break;
	}
	return NOT_OURS;
}

/* A NOTIFY is about one child (K-01). What stands in its sections is not looked at otherwise. */
static bool one_child(const ms_envelope_t *e, const uint8_t *wire, size_t len)
{
	knot_dname_storage_t owner;
	ms_reader_t r = ms_reader_records(wire, len, 1);
	for (uint32_t i = e->ancount + e->nscount; i > 0 && r.ret == KNOT_EOK; i--) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret != KNOT_EOK || knot_dname_unpack(owner, rr.owner, sizeof(owner), wire) <= 0 ||
		    !knot_dname_is_case_equal(owner, e->qname)) {
			return false;
		}
	}
	return true;
}

static bool within_limits(ms_receiver_t *rx, kind_t kind, const ms_envelope_t *e,
                          const ms_rx_origin_t *origin)
{
	ms_addr_t addr;
	ms_time_t now = ms_clock().mono;
	if (kind == STATUS || ms_addr_from_sockaddr(origin->remote, &addr) != KNOT_EOK) {
		return kind == STATUS;
	}
	/* A child's share is counted by the worker, where it is known to be the child's: what strangers
	 * send in its name must not use it up. */
	if (kind == NOTIFY) {
		return ms_limit_addr(&rx->notify_source, &addr, now);
	}
	bool source = ms_limit_addr(&rx->update_source, &addr, now);
	return source && (kind != UPDATE || !e->sig.present ||
	                  ms_limit_pair(&rx->update_child, &addr, e->sig.signer, now));
}

/* Answers to strangers are no longer than what they sent, but for the OPT record (P-10). */
static ms_rx_answer_t say(const ms_envelope_t *request, uint16_t rcode, int32_t ede, bool tc,
                          uint8_t *out, size_t max, size_t *out_len)
{
	ms_envelope_t reply;
	ms_envelope_reply(&reply, request, rcode);
	reply.ede = ede;
	reply.tc = tc;
	int len = ms_envelope_build(&reply, 0, NULL, 0, 0, out, max);
	if (len <= 0) {
		return MS_RX_DROP;
	}
	*out_len = len;
	return MS_RX_NOW;
}

static size_t room(const ms_envelope_t *e, const ms_rx_origin_t *origin, size_t max)
{
	size_t fits = e->edns && e->udp_size > UDP_MIN ? e->udp_size : UDP_MIN;
	fits = fits < MS_ENVELOPE_UDP ? fits : MS_ENVELOPE_UDP;
	return origin->tcp || max < fits ? max : fits;
}

static ms_rx_answer_t queue(ms_receiver_t *rx, const ms_envelope_t *e, const knot_dname_t *parent,
                            const uint8_t *wire, size_t len, const ms_rx_origin_t *origin,
                            uint8_t *out, size_t max, size_t *out_len)
{
	ms_rx_event_t *event = origin->other ? NULL : calloc(1, sizeof(*event));
	ms_waiter_from_t from = {
		.fd = origin->fd, .tcp = origin->tcp, .remote = origin->remote, .local = origin->local,
		.max = room(e, origin, max),
	};
	if (event != NULL) {
		ms_name_copy(event->parent, parent);
		event->waiter = ms_waiter_new(&from, wire, len, ms_clock().mono);
	}
	if (event != NULL && event->waiter != NULL && ms_rx_push(rx, event, false) == KNOT_EOK) {
		return MS_RX_LATER;
	}
	ms_rx_event_free(event);
	return say(e, KNOT_RCODE_SERVFAIL, KNOT_EDNS_EDE_NOT_READY, false, out, max, out_len);
}

ms_rx_answer_t ms_receiver_message(ms_receiver_t *rx, const uint8_t *wire, size_t len,
                                   const ms_rx_origin_t *origin, uint8_t *out, size_t max,
                                   size_t *out_len)
{
	ms_envelope_t e;
	const knot_dname_t *name;
	knot_dname_storage_t parent;
	bool strict, good = false;
	int ret = ms_envelope_parse(wire, len, rx->keystate_code, &e);
	kind_t kind = kind_of(&e, origin, &name, &strict);
	pthread_mutex_lock(&rx->lock);
	/* The dynamic updates of a zone below ours are that zone's. */
	bool ours = kind != NOT_OURS && find_parent(rx, name, strict, parent) &&
	            (kind != UPDATE || knot_dname_is_equal(name, parent));
	if (ours && ret == KNOT_EOK) {
		good = within_limits(rx, kind, &e, origin);
	}
	pthread_mutex_unlock(&rx->lock);
	if (!ours || (kind == UPDATE && origin->tsig && !e.sig.present && ret == KNOT_EOK)) {
		return MS_RX_NOT_OURS; /* With TSIG: the operator's, by knotd's own rules. */
	}
	if (ret != KNOT_EOK) {
		return say(&e, KNOT_RCODE_FORMERR, -1, false, out, max, out_len);
	}
	if (origin->tsig) {
		return say(&e, KNOT_RCODE_REFUSED, -1, false, out, max, out_len);
	}
	if (kind == NOTIFY) {
		ms_rx_count(rx, MS_RX_CTR_NOTIFY);
		if (!one_child(&e, wire, len)) {
			return MS_RX_DROP;
		}
	}
	if (!good) {
		/* It is still acknowledged (RFC 9859 section 4.3). */
		ms_rx_count(rx, MS_RX_CTR_LIMITED);
		return say(&e, kind == NOTIFY ? KNOT_RCODE_NOERROR : KNOT_RCODE_REFUSED, MS_EDE_BLOCKED,
		           false, out, max, out_len);
	}
	/* An unsigned inquiry gets a longer answer: only where the address is proven (P-10). */
	if (kind == INQUIRY && !origin->tcp && !e.sig.present) {
		return say(&e, KNOT_RCODE_NOERROR, -1, true, out, max, out_len);
	}
	return queue(rx, &e, parent, wire, len, origin, out, max, out_len);
}
