/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/message.h"

#include <stdlib.h>

#include <libknot/consts.h>
#include <libknot/descriptor.h>
#include <libknot/packet/wire.h>
#include <libknot/rrtype/opt.h>

#include "base/cursor.h"

/* The option's fixed part (C-02). */
#define OPTION_FIXED 4

ms_msg_t *ms_msg_new(ms_msg_kind_t kind, const knot_dname_t *qname, uint16_t qtype)
{
	ms_msg_t *msg = calloc(1, sizeof(*msg));
	if (msg == NULL) {
		return NULL;
	}
	msg->kind = kind;
	msg->aa = kind == MS_MSG_NOTIFY; /* RFC 1996 section 4.5, requests too. */
	msg->ede = -1;
	msg->qtype = qtype;
	msg->edns = true;
	msg->udp_size = MS_MESSAGE_UDP_MAX;
	knot_dname_copy_lower(msg->qname, qname);
	return msg;
}

void ms_msg_clear(ms_msg_t *msg)
{
	ms_contribution_clear(&msg->update);
	ms_rrset_clear(&msg->answer);
	memset(msg, 0, sizeof(*msg));
	msg->ede = -1;
}

void ms_msg_free(ms_msg_t *msg)
{
	if (msg != NULL) {
		ms_msg_clear(msg);
		free(msg);
	}
}

int ms_msg_set_option(ms_msg_t *msg, const ms_msopt_t *opt)
{
	if (opt->body_len > sizeof(msg->body)) {
		return KNOT_ESPACE;
	}
	if (opt->body_len > 0) {
		memmove(msg->body, opt->body, opt->body_len);
	}
	msg->option = *opt;
	msg->option.body = opt->body_len > 0 ? msg->body : NULL;
	msg->has_option = true;
	return KNOT_EOK;
}

ms_msg_t *ms_msg_reply(const ms_msg_t *request, uint16_t rcode)
{
	ms_msg_t *msg = ms_msg_new(request->kind, request->qname, request->qtype);
	if (msg != NULL) {
		msg->response = true;
		msg->id = request->id;
		msg->edns = request->edns;
		msg->aa = request->kind != MS_MSG_UPDATE;
		msg->rcode = rcode;
	}
	return msg;
}

static uint8_t opcode(ms_msg_kind_t kind)
{
	switch (kind) {
	case MS_MSG_NOTIFY: return KNOT_OPCODE_NOTIFY;
	case MS_MSG_UPDATE: return KNOT_OPCODE_UPDATE;
	default:            return KNOT_OPCODE_QUERY;
	}
}

static void write_header(ms_writer_t *w, const ms_msg_t *msg)
{
	uint8_t *header = ms_write_room(w, KNOT_WIRE_HEADER_SIZE);
	if (header == NULL) {
		return;
	}
	memset(header, 0, KNOT_WIRE_HEADER_SIZE);
	knot_wire_set_id(header, msg->id);
	knot_wire_set_opcode(header, opcode(msg->kind));
	knot_wire_set_rcode(header, KNOT_EDNS_RCODE_LO(msg->rcode));
	if (msg->response) {
		knot_wire_set_qr(header);
	}
	if (msg->aa) {
		knot_wire_set_aa(header);
	}
	if (msg->tc) {
		knot_wire_set_tc(header);
	}
	if (msg->qtype != 0) {
		knot_wire_set_qdcount(header, 1);
		ms_write_name(w, msg->qname);
		ms_write_u16(w, msg->qtype);
		ms_write_u16(w, KNOT_CLASS_IN);
	}
}

static void write_rr_fixed(ms_writer_t *w, const knot_dname_t *owner, uint16_t type,
                           uint16_t rclass, uint32_t ttl, uint16_t rdlen)
{
	ms_write_name(w, owner);
	ms_write_u16(w, type);
	ms_write_u16(w, rclass);
	ms_write_u32(w, ttl);
	ms_write_u16(w, rdlen);
}

/* \return How many records. */
static uint16_t write_rrset(ms_writer_t *w, const knot_dname_t *owner, uint16_t type,
                            const ms_rrset_t *set)
{
	knot_rdata_t *rd = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count && w->ret == KNOT_EOK; i++) {
		write_rr_fixed(w, owner, type, KNOT_CLASS_IN, set->ttl, rd->len);
		ms_write_bytes(w, rd->data, rd->len);
		rd = knot_rdataset_next(rd);
	}
	return set->rrs.count;
}

/* Each stated RRset as "delete the RRset" (RFC 2136 section 2.5.2) and adds; none = withdrawal. */
static uint16_t write_update(ms_writer_t *w, const knot_dname_t *zone, const ms_contribution_t *c)
{
	uint16_t count = 0;
	for (ms_apex_type_t i = 0; i < MS_CONTRIB_TYPES; i++) {
		if ((c->stated & (1U << i)) == 0) {
			continue;
		}
		write_rr_fixed(w, zone, ms_apex_rrtype(i), KNOT_CLASS_ANY, 0, 0);
		count += 1 + write_rrset(w, zone, ms_apex_rrtype(i), &c->set[i]);
	}
	return count;
}

static void write_option(ms_writer_t *w, const ms_msopt_t *opt, uint16_t code)
{
	size_t len = OPTION_FIXED + opt->body_len;
	ms_write_u16(w, code);
	ms_write_u16(w, len);
	uint8_t *room = ms_write_room(w, len);
	if (room != NULL && ms_msopt_encode(opt, room, len) != (int)len) {
		w->ret = KNOT_ESPACE;
	}
}

static void write_opt(ms_writer_t *w, const ms_msg_t *msg, uint16_t option_code)
{
	static const knot_dname_t root[] = "";
	write_rr_fixed(w, root, KNOT_RRTYPE_OPT, MS_MESSAGE_UDP_MAX,
	               (uint32_t)KNOT_EDNS_RCODE_HI(msg->rcode) << 24, 0);
	uint8_t *start = w->pos;
	if (msg->has_option) {
		write_option(w, &msg->option, option_code);
	}
	if (msg->ede >= 0) {
		size_t len = strlen(msg->ede_text);
		ms_write_u16(w, KNOT_EDNS_OPTION_EDE);
		ms_write_u16(w, sizeof(uint16_t) + len);
		ms_write_u16(w, msg->ede);
		ms_write_bytes(w, msg->ede_text, len);
	}
	if (w->ret == KNOT_EOK) {
		knot_wire_write_u16(start - sizeof(uint16_t), w->pos - start);
	}
}

static int build(const ms_msg_t *msg, const ms_codes_t *codes, uint8_t *wire, size_t max)
{
	ms_writer_t w = ms_writer(wire, max);
	uint16_t ancount = 0, nscount = 0;
	write_header(&w, msg);
	if (msg->kind == MS_MSG_QUERY && msg->response) {
		ancount = write_rrset(&w, msg->qname, msg->qtype, &msg->answer);
	} else if (msg->kind == MS_MSG_UPDATE && !msg->response) {
		nscount = write_update(&w, msg->qname, &msg->update);
	}
	if (msg->edns) {
		write_opt(&w, msg, codes->option_code);
	}
	if (w.ret != KNOT_EOK) {
		return w.ret;
	}
	knot_wire_set_ancount(wire, ancount);
	knot_wire_set_nscount(wire, nscount);
	knot_wire_set_arcount(wire, msg->edns ? 1 : 0);
	return ms_writer_len(&w);
}

/* RFC 2931 section 3: what stays of a response that does not fit. */
static int build_truncated(const ms_msg_t *msg, const ms_codes_t *codes, uint8_t *wire, size_t max)
{
	ms_msg_t *bare = ms_msg_reply(msg, KNOT_RCODE_NOERROR);
	if (bare == NULL) {
		return KNOT_ENOMEM;
	}
	bare->aa = msg->aa;
	bare->tc = true;
	int ret = build(bare, codes, wire, max);
	ms_msg_free(bare);
	return ret;
}

int ms_message_build(const ms_msg_t *msg, const ms_codes_t *codes, uint8_t *wire, size_t max)
{
	max = max < MS_MESSAGE_MAX ? max : MS_MESSAGE_MAX;
	int ret = build(msg, codes, wire, max);
	return ret == KNOT_ESPACE && msg->response ? build_truncated(msg, codes, wire, max) : ret;
}
