/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/message.h"

#include <stdarg.h>
#include <stdio.h>

#include <libknot/codes.h>
#include <libknot/consts.h>
#include <libknot/descriptor.h>
#include <libknot/packet/rrset-wire.h>
#include <libknot/rrset.h>
#include <libknot/rrtype/opt.h>

#include "base/compat.h"
#include "wire/rr.h"

/* Room for the name of a type ("TYPE65535"). */
#define TYPE_TEXT_MAX 32

typedef struct {
	const uint8_t *wire;
	size_t len;
	const ms_codes_t *codes;
	ms_msg_t *out;
	uint16_t *rcode;
	char *reason;
} parse_t;

typedef struct {
	uint16_t code;
	uint16_t len;
	const uint8_t *data;
} option_t;

const char *ms_rcode_name(uint16_t rcode)
{
	const knot_lookup_t *item = knot_lookup_by_id(knot_rcode_names, rcode);
	return item != NULL ? item->name : "unassigned";
}

static bool next_option(ms_reader_t *r, option_t *out)
{
	if (ms_reader_left(r) == 0) {
		return false;
	}
	out->code = ms_read_u16(r);
	out->len = ms_read_u16(r);
	out->data = ms_read_bytes(r, out->len);
	return r->ret == KNOT_EOK;
}

static bool opt_has(const ms_rr_t *opt, uint16_t code)
{
	ms_reader_t r = ms_reader(opt->rdata, opt->rdlen);
	option_t option;
	while (next_option(&r, &option)) {
		if (option.code == code) {
			return true;
		}
	}
	return false;
}

bool ms_message_is_ours(const uint8_t *wire, size_t len, uint16_t option_code)
{
	if (len < KNOT_WIRE_HEADER_SIZE || knot_wire_get_qr(wire)) {
		return false;
	}
	uint8_t opcode = knot_wire_get_opcode(wire);
	if (opcode != KNOT_OPCODE_NOTIFY && opcode != KNOT_OPCODE_UPDATE) {
		return false;
	}
	uint32_t count = knot_wire_get_ancount(wire) + knot_wire_get_nscount(wire);
	count += knot_wire_get_arcount(wire);
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	bool option = false, sig0 = false;
	while (count-- > 0) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret != KNOT_EOK) {
			return false;
		}
		option = option || (rr.type == KNOT_RRTYPE_OPT && opt_has(&rr, option_code));
		sig0 = sig0 || (rr.type == KNOT_RRTYPE_SIG && rr.rdlen >= 2 &&
		                knot_wire_read_u16(rr.rdata) == 0);
	}
	return option || (sig0 && opcode == KNOT_OPCODE_UPDATE);
}

/* Says why the message is not taken and what to answer; yields \a ret. */
static int __attribute__((format(printf, 3, 4)))
refuse(parse_t *p, int ret, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(p->reason, MS_REASON_MAX + 1, fmt, args);
	va_end(args);
	switch (ret) {
	case KNOT_EMALF:   *p->rcode = KNOT_RCODE_FORMERR; break;
	case KNOT_ENOTSUP: *p->rcode = KNOT_RCODE_NOTIMPL; break;
	case KNOT_EDENIED: *p->rcode = KNOT_RCODE_REFUSED; break;
	default:           *p->rcode = KNOT_RCODE_SERVFAIL; break;
	}
	return ret;
}

static const char *type_text(uint16_t type, char buf[TYPE_TEXT_MAX])
{
	return knot_rrtype_to_string(type, buf, TYPE_TEXT_MAX) > 0 ? buf : "?";
}

static int parse_header(parse_t *p)
{
	if (p->len < KNOT_WIRE_HEADER_SIZE) {
		return refuse(p, KNOT_EMALF, "shorter than a DNS header");
	}
	ms_msg_t *out = p->out;
	out->id = knot_wire_get_id(p->wire);
	out->response = knot_wire_get_qr(p->wire);
	out->aa = knot_wire_get_aa(p->wire);
	out->tc = knot_wire_get_tc(p->wire);
	out->rcode = knot_wire_get_rcode(p->wire);
	switch (knot_wire_get_opcode(p->wire)) {
	case KNOT_OPCODE_QUERY:  out->kind = MS_MSG_QUERY; break;
	case KNOT_OPCODE_NOTIFY: out->kind = MS_MSG_NOTIFY; break;
	case KNOT_OPCODE_UPDATE: out->kind = MS_MSG_UPDATE; break;
	default:
		return refuse(p, KNOT_ENOTSUP, "opcode %u is not supported",
		              knot_wire_get_opcode(p->wire));
	}
	if (p->len > MS_MESSAGE_MAX) {
		return refuse(p, KNOT_EMALF, "longer than %u octets", MS_MESSAGE_MAX);
	}
	return KNOT_EOK;
}

static void unpack_name(const parse_t *p, const uint8_t *name, knot_dname_storage_t out)
{
	/* The name was checked when it was read; a root is what is left if that were wrong. */
	if (knot_dname_unpack(out, name, KNOT_DNAME_MAXLEN, p->wire) <= 0) {
		out[0] = '\0';
	}
	knot_dname_to_lower(out);
}

static int parse_question(parse_t *p)
{
	uint16_t count = knot_wire_get_qdcount(p->wire);
	if (count == 0 && p->out->response) {
		return KNOT_EOK;
	}
	ms_reader_t r = ms_reader_records(p->wire, p->len, 0);
	const uint8_t *name = ms_read_packed_name(&r, p->wire);
	uint16_t type = ms_read_u16(&r);
	uint16_t rclass = ms_read_u16(&r);
	if (count != 1 || r.ret != KNOT_EOK) {
		return refuse(p, KNOT_EMALF, "not exactly one readable question");
	}
	unpack_name(p, name, p->out->qname);
	p->out->qtype = type;
	if (type == 0 || rclass != KNOT_CLASS_IN) {
		return refuse(p, KNOT_EMALF, "question of type %u, class %u", type, rclass);
	}
	if (p->out->kind != MS_MSG_QUERY && type != KNOT_RRTYPE_SOA) {
		return refuse(p, KNOT_EMALF, "question of type %u instead of SOA", type);
	}
	return KNOT_EOK;
}

static int take_option(parse_t *p, const option_t *option)
{
	if (p->out->has_option) {
		return refuse(p, KNOT_EMALF, "two Multi-Signer options");
	}
	ms_msopt_t opt = { 0 };
	int ret = ms_msopt_decode(option->data, option->len, &opt);
	if (ret != KNOT_EOK && ret != KNOT_ENOTSUP) {
		return refuse(p, KNOT_EMALF, "malformed Multi-Signer option");
	}
	if (ms_msg_set_option(p->out, &opt) != KNOT_EOK) {
		return refuse(p, KNOT_EMALF, "Multi-Signer option longer than %u octets",
		              MS_STATE_BODY_MAX);
	}
	return ret == KNOT_EOK ? KNOT_EOK : refuse(p, KNOT_ENOTSUP, "operation %u is not assigned",
	                                           opt.operation);
}

/* The text ends up in logs: printable ASCII only, without the NULs some append (RFC 8914). */
static int take_ede(parse_t *p, const option_t *option)
{
	ms_reader_t r = ms_reader(option->data, option->len);
	uint16_t code = ms_read_u16(&r);
	if (r.ret != KNOT_EOK) {
		return refuse(p, KNOT_EMALF, "malformed Extended DNS Error");
	}
	if (p->out->ede >= 0) {
		return KNOT_EOK; /* The first one is as good as any. */
	}
	size_t len = ms_reader_left(&r);
	while (len > 0 && r.pos[len - 1] == '\0') {
		len--;
	}
	len = len < MS_REASON_MAX ? len : MS_REASON_MAX;
	for (size_t i = 0; i < len; i++) {
		p->out->ede_text[i] = r.pos[i] >= 0x20 && r.pos[i] < 0x7f ? r.pos[i] : '?';
	}
	p->out->ede_text[len] = '\0';
	p->out->ede = code;
	return KNOT_EOK;
}

static int take_opt(parse_t *p, const ms_rr_t *opt)
{
	uint8_t ext_rcode = opt->ttl >> 24;
	uint8_t version = opt->ttl >> 16;
	p->out->edns = true;
	p->out->udp_size = opt->rclass;
	p->out->rcode = knot_edns_whole_rcode(ext_rcode, p->out->rcode);
	if (version > 0 && !p->out->response) {
		refuse(p, KNOT_ENOTSUP, "EDNS version %u is not supported", version);
		*p->rcode = KNOT_RCODE_BADVERS;
		return KNOT_ENOTSUP;
	}
	ms_reader_t r = ms_reader(opt->rdata, opt->rdlen);
	option_t option;
	int ret = KNOT_EOK;
	while (ret == KNOT_EOK && next_option(&r, &option)) {
		if (option.code == p->codes->option_code) {
			ret = take_option(p, &option);
		} else if (option.code == KNOT_EDNS_OPTION_EDE) {
			ret = take_ede(p, &option);
		}
	}
	return ret == KNOT_EOK && r.ret != KNOT_EOK
	     ? refuse(p, KNOT_EMALF, "truncated EDNS option") : ret;
}

/* Finds OPT first, so that an error in other sections can be answered with EDNS. */
static int parse_opt(parse_t *p)
{
	uint32_t before = knot_wire_get_ancount(p->wire) + knot_wire_get_nscount(p->wire);
	uint32_t total = before + knot_wire_get_arcount(p->wire);
	ms_reader_t r = ms_reader_records(p->wire, p->len, knot_wire_get_qdcount(p->wire));
	ms_rr_t opt = { 0 };
	for (uint32_t i = 0; i < total; i++) {
		ms_rr_t rr = ms_read_rr(&r, p->wire);
		if (r.ret != KNOT_EOK || rr.type != KNOT_RRTYPE_OPT) {
			continue;
		}
		if (i < before || *rr.owner != '\0' || opt.type != 0) {
			return refuse(p, KNOT_EMALF, "misplaced or second OPT record");
		}
		opt = rr;
	}
	return opt.type != 0 ? take_opt(p, &opt) : KNOT_EOK;
}

/* Adds a record of the message to \a set, decompressed and in canonical form. */
static int take_rr(parse_t *p, const ms_rr_t *rr, ms_rrset_t *set)
{
	char type[TYPE_TEXT_MAX];
	size_t pos = rr->owner - p->wire;
	knot_rrset_t rrset = { 0 };
	int ret = KNOT_EMALF;
	if (rr->rdlen > 0) {
		ret = knot_rrset_rr_from_wire(p->wire, &pos, p->len, &rrset, NULL,
		                              MS_COMPAT_RR_CANONICAL);
	}
	if (ret != KNOT_EOK) {
		return refuse(p, ret == KNOT_ENOMEM ? ret : KNOT_EMALF, "malformed %s record",
		              type_text(rr->type, type));
	}
	/* RFC 2181 section 8: a TTL with the top bit set is zero. */
	uint32_t ttl = rr->ttl <= INT32_MAX ? rr->ttl : 0;
	bool first = set->rrs.count == 0;
	ret = ms_rrset_add(set, rrset.rrs.rdata->data, rrset.rrs.rdata->len);
	knot_rrset_clear(&rrset, NULL);
	if (ret != KNOT_EOK) {
		return refuse(p, KNOT_ENOMEM, "out of memory");
	}
	set->ttl = first || ttl < set->ttl ? ttl : set->ttl;
	return KNOT_EOK;
}

static bool at_qname(const parse_t *p, const ms_rr_t *rr)
{
	knot_dname_storage_t owner;
	unpack_name(p, rr->owner, owner);
	return knot_dname_is_equal(owner, p->out->qname);
}

/* One record of the Update section (RFC 2136 section 2.5), of which we take two forms only. */
static int take_update(parse_t *p, const ms_rr_t *rr)
{
	char type[TYPE_TEXT_MAX];
	int index = ms_apex_index(rr->type);
	if (index < 0) {
		return refuse(p, KNOT_EDENIED, "type %s cannot be contributed",
		              type_text(rr->type, type));
	}
	if (!at_qname(p, rr)) {
		return refuse(p, KNOT_EDENIED, "%s record not at the zone's apex",
		              type_text(rr->type, type));
	}
	ms_contribution_t *update = &p->out->update;
	switch (rr->rclass) {
	case KNOT_CLASS_ANY:
		if (rr->ttl != 0 || rr->rdlen != 0) {
			return refuse(p, KNOT_EMALF, "malformed delete of %s",
			              type_text(rr->type, type));
		}
		ms_rrset_clear(&update->set[index]);
		update->stated |= 1U << index;
		return KNOT_EOK;
	case KNOT_CLASS_IN:
		if ((update->stated & (1U << index)) == 0) {
			return refuse(p, KNOT_EDENIED,
			              "%s added without a delete of the RRset before",
			              type_text(rr->type, type));
		}
		return take_rr(p, rr, &update->set[index]);
	case KNOT_CLASS_NONE:
		return refuse(p, KNOT_EDENIED, "delete of a single %s record",
		              type_text(rr->type, type));
	default:
		return refuse(p, KNOT_EMALF, "record of class %u", rr->rclass);
	}
}

static int take_record(parse_t *p, const ms_rr_t *rr, bool answer)
{
	const ms_msg_t *out = p->out;
	if (out->kind == MS_MSG_UPDATE && !out->response) {
		return take_update(p, rr);
	}
	if (out->kind == MS_MSG_QUERY && out->response && answer && rr->type == out->qtype &&
	    rr->rclass == KNOT_CLASS_IN && at_qname(p, rr)) {
		return take_rr(p, rr, &p->out->answer);
	}
	return KNOT_EOK;
}

/* RFC 1996 section 3.7 lets a NOTIFY carry the new SOA; we do not look at it. */
static bool counts_fit(const ms_msg_t *msg, uint16_t ancount, uint16_t nscount)
{
	if (msg->response) {
		return true;
	}
	switch (msg->kind) {
	case MS_MSG_NOTIFY: return ancount <= 1 && nscount == 0;
	case MS_MSG_UPDATE: return ancount == 0;
	default:            return ancount == 0 && nscount == 0;
	}
}

static int parse_sections(parse_t *p)
{
	uint16_t ancount = knot_wire_get_ancount(p->wire);
	uint16_t nscount = knot_wire_get_nscount(p->wire);
	if (!counts_fit(p->out, ancount, nscount)) {
		return refuse(p, KNOT_EMALF, p->out->kind == MS_MSG_UPDATE
		              ? "UPDATE with prerequisites" : "records where there can be none");
	}
	ms_reader_t r = ms_reader_records(p->wire, p->len, knot_wire_get_qdcount(p->wire));
	int ret = KNOT_EOK;
	for (uint32_t i = 0; i < (uint32_t)ancount + nscount && ret == KNOT_EOK; i++) {
		ms_rr_t rr = ms_read_rr(&r, p->wire);
		ret = r.ret != KNOT_EOK ? refuse(p, KNOT_EMALF, "broken record")
		                        : take_record(p, &rr, i < ancount);
	}
	return ret;
}

int ms_message_parse(const uint8_t *wire, size_t len, const ms_codes_t *codes, ms_msg_t *out,
                     uint16_t *rcode, char reason[MS_REASON_MAX + 1])
{
	parse_t p = {
		.wire = wire, .len = len, .codes = codes,
		.out = out, .rcode = rcode, .reason = reason,
	};
	ms_msg_clear(out);
	*rcode = KNOT_RCODE_NOERROR;
	reason[0] = '\0';

	int ret = parse_header(&p);
	if (ret == KNOT_EOK) {
		ret = parse_question(&p);
	}
	/* This walks over every record, so what follows finds none that runs over the end. */
	if (ret == KNOT_EOK && ms_sig0_find(wire, len, &out->sig) != KNOT_EOK) {
		ret = refuse(&p, KNOT_EMALF, "broken record or misplaced SIG(0)");
	}
	if (ret == KNOT_EOK) {
		ret = parse_opt(&p);
	}
	if (ret == KNOT_EOK) {
		ret = parse_sections(&p);
	}
	return ret;
}
