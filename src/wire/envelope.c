/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/envelope.h"

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "wire/reporting.h"
#include "wire/rr.h"

void ms_envelope_init(ms_envelope_t *e, uint8_t opcode, const knot_dname_t *qname, uint16_t qtype)
{
	*e = (ms_envelope_t){
		.opcode = opcode,
		.aa = opcode == KNOT_OPCODE_NOTIFY,
		.qdcount = 1,
		.qtype = qtype,
		.qclass = KNOT_CLASS_IN,
		.edns = true,
		.udp_size = MS_ENVELOPE_UDP,
		.ede = -1,
	};
	ms_name_copy_lower(e->qname, qname);
}

void ms_envelope_reply(ms_envelope_t *e, const ms_envelope_t *request, uint16_t rcode)
{
	ms_envelope_init(e, request->opcode, request->qname, request->qtype);
	e->response = true;
	e->aa = request->opcode == KNOT_OPCODE_NOTIFY;
	e->id = request->id;
	e->rcode = rcode;
	e->qclass = request->qclass;
	e->qdcount = request->qdcount;
	e->edns = request->edns;
}

static void take_header(ms_envelope_t *e, const uint8_t *wire)
{
	e->id = knot_wire_get_id(wire);
	e->response = knot_wire_get_qr(wire) != 0;
	e->aa = knot_wire_get_aa(wire) != 0;
	e->tc = knot_wire_get_tc(wire) != 0;
	e->opcode = knot_wire_get_opcode(wire);
	e->rcode = knot_wire_get_rcode(wire);
	e->qdcount = knot_wire_get_qdcount(wire);
	e->ancount = knot_wire_get_ancount(wire);
	e->nscount = knot_wire_get_nscount(wire);
	e->ede = -1;
}

static int take_question(ms_envelope_t *e, const uint8_t *wire, size_t len)
{
	if (e->qdcount != 1) {
		return KNOT_EOK;
	}
	ms_reader_t r = ms_reader_records(wire, len, 0);
	const uint8_t *name = ms_read_packed_name(&r, wire);
	e->qtype = ms_read_u16(&r);
	e->qclass = ms_read_u16(&r);
	if (r.ret != KNOT_EOK || knot_dname_unpack(e->qname, name, KNOT_DNAME_MAXLEN, wire) <= 0) {
		e->qname[0] = '\0';
		return KNOT_EMALF;
	}
	knot_dname_to_lower(e->qname);
	return KNOT_EOK;
}

static void take_error(ms_envelope_t *e, ms_reader_t value)
{
	uint16_t code = ms_read_u16(&value);
	if (value.ret != KNOT_EOK) {
		return;
	}
	e->ede = code;
	size_t len = ms_reader_left(&value);
	len = len < MS_ENVELOPE_TEXT_MAX ? len : MS_ENVELOPE_TEXT_MAX;
	for (size_t i = 0; i < len; i++) {
		e->ede_text[i] = value.pos[i] >= ' ' && value.pos[i] <= '~' ? value.pos[i] : '?';
	}
	e->ede_text[len] = '\0';
}

static void take_keystate(ms_envelope_t *e, const uint8_t *value, uint16_t len)
{
	e->bad_keystate = e->bad_keystate || e->has_keystate ||
	                  ms_keystate_decode(value, len, false, &e->keystate) != KNOT_EOK;
	e->has_keystate = true;
}

static int take_opt(ms_envelope_t *e, const ms_rr_t *rr, uint16_t keystate_code)
{
	if (e->edns || rr->owner[0] != '\0') {
		return KNOT_EMALF;
	}
	e->edns = true;
	e->udp_size = rr->rclass;
	e->rcode |= (rr->ttl >> 24) << 4;
	e->edns_version = rr->ttl >> 16;
	e->dnssec_ok = (rr->ttl & KNOT_EDNS_DO_MASK) != 0;
	ms_reader_t r = ms_reader(rr->rdata, rr->rdlen);
	while (ms_reader_left(&r) > 0) {
		uint16_t code = ms_read_u16(&r);
		uint16_t len = ms_read_u16(&r);
		const uint8_t *value = ms_read_bytes(&r, len);
		if (r.ret != KNOT_EOK) {
			return KNOT_EMALF;
		}
		if (code == KNOT_EDNS_OPTION_EDE && e->ede < 0) {
			take_error(e, ms_reader(value, len));
		} else if (code == MS_REPORT_CHANNEL_CODE && !e->has_channel) {
			e->has_channel = ms_report_channel_decode(value, len, e->channel) == KNOT_EOK;
		} else if (code == keystate_code) {
			take_keystate(e, value, len);
		}
	}
	return KNOT_EOK;
}

int ms_envelope_parse(const uint8_t *wire, size_t len, uint16_t keystate_code, ms_envelope_t *out)
{
	*out = (ms_envelope_t){ .ede = -1 };
	if (len < KNOT_WIRE_HEADER_SIZE) {
		return KNOT_EMALF;
	}
	take_header(out, wire);
	int ret = take_question(out, wire, len);
	ms_reader_t r = ms_reader_records(wire, len, out->qdcount);
	uint32_t before = out->ancount + out->nscount;
	uint32_t total = before + knot_wire_get_arcount(wire);
	for (uint32_t i = 0; ret == KNOT_EOK && i < total; i++) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret != KNOT_EOK || (rr.type == KNOT_RRTYPE_OPT && i < before)) {
			return KNOT_EMALF;
		}
		out->tsig = out->tsig || rr.type == KNOT_RRTYPE_TSIG;
		if (rr.type == KNOT_RRTYPE_OPT) {
			ret = take_opt(out, &rr, keystate_code);
		}
	}
	if (ret != KNOT_EOK || r.ret != KNOT_EOK || ms_reader_left(&r) > 0) {
		return KNOT_EMALF;
	}
	return ms_sig0_find(wire, len, &out->sig) == KNOT_EOK ? KNOT_EOK : KNOT_EMALF;
}

void ms_envelope_record(ms_writer_t *w, const knot_dname_t *owner, uint16_t type, uint16_t rclass,
                        uint32_t ttl, const uint8_t *rdata, uint16_t rdlen)
{
	ms_write_name(w, owner);
	ms_write_u16(w, type);
	ms_write_u16(w, rclass);
	ms_write_u32(w, ttl);
	ms_write_u16(w, rdlen);
	ms_write_bytes(w, rdata, rdlen);
}

static void write_header(ms_writer_t *w, const ms_envelope_t *e, uint16_t records)
{
	uint8_t *header = ms_write_room(w, KNOT_WIRE_HEADER_SIZE);
	if (header == NULL) {
		return;
	}
	memset(header, 0, KNOT_WIRE_HEADER_SIZE);
	knot_wire_set_id(header, e->id);
	knot_wire_set_opcode(header, e->opcode);
	knot_wire_set_rcode(header, KNOT_EDNS_RCODE_LO(e->rcode));
	knot_wire_set_nscount(header, records);
	knot_wire_set_arcount(header, e->edns);
	if (e->response) {
		knot_wire_set_qr(header);
	}
	if (e->aa) {
		knot_wire_set_aa(header);
	}
	if (e->tc) {
		knot_wire_set_tc(header);
	}
	if (e->qdcount == 1) {
		knot_wire_set_qdcount(header, 1);
		ms_write_name(w, e->qname);
		ms_write_u16(w, e->qtype);
		ms_write_u16(w, e->qclass);
	}
}

/* Code and value; \a len is negative where the value did not fit. */
static void write_option(ms_writer_t *w, uint16_t code, const uint8_t *value, int len)
{
	if (len < 0) {
		w->ret = KNOT_ESPACE;
		return;
	}
	ms_write_u16(w, code);
	ms_write_u16(w, len);
	ms_write_bytes(w, value, len);
}

static void write_opt(ms_writer_t *w, const ms_envelope_t *e, uint16_t keystate_code)
{
	uint8_t value[KNOT_DNAME_MAXLEN + MS_KEYSTATE_MAX + MS_ENVELOPE_TEXT_MAX];
	ms_write_u8(w, 0);
	ms_write_u16(w, KNOT_RRTYPE_OPT);
	ms_write_u16(w, MS_ENVELOPE_UDP);
	ms_write_u32(w, (uint32_t)KNOT_EDNS_RCODE_HI(e->rcode) << 24 |
	                (e->dnssec_ok ? KNOT_EDNS_DO_MASK : 0));
	uint8_t *len = ms_write_room(w, sizeof(uint16_t));
	if (e->ede >= 0) {
		size_t text = strnlen(e->ede_text, MS_ENVELOPE_TEXT_MAX);
		knot_wire_write_u16(value, e->ede);
		memcpy(value + 2, e->ede_text, text);
		write_option(w, KNOT_EDNS_OPTION_EDE, value, 2 + text);
	}
	if (e->has_keystate) {
		write_option(w, keystate_code, value,
		             ms_keystate_encode(&e->keystate, value, sizeof(value)));
	}
	if (e->has_channel) {
		write_option(w, MS_REPORT_CHANNEL_CODE, value,
		             ms_report_channel_encode(e->channel, value, sizeof(value)));
	}
	if (w->ret == KNOT_EOK) {
		knot_wire_write_u16(len, w->pos - len - sizeof(uint16_t));
	}
}

int ms_envelope_build(const ms_envelope_t *e, uint16_t keystate_code, const uint8_t *body,
                      size_t body_len, uint16_t records, uint8_t *wire, size_t max)
{
	ms_writer_t w = ms_writer(wire, max);
	write_header(&w, e, records);
	ms_write_bytes(&w, body, body_len);
	if (e->edns) {
		write_opt(&w, e, keystate_code);
	}
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}
