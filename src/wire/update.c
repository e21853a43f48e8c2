/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/update.h"

#include <stdarg.h>
#include <stdio.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "wire/message.h"
#include "wire/rr.h"

/* Room for the name of a type ("TYPE65535"). */
#define TYPE_TEXT_MAX 32
/* A pointer to the zone's name, right behind the header. */
#define APEX_POINTER 0xc00c

typedef struct {
	const uint8_t *wire;
	size_t len;
	const knot_dname_t *zone;
	uint32_t allowed;
	const ms_contribution_t *store;
	ms_contribution_t must;    /* RRsets that must stand in the store just like that. */
	ms_contribution_t next;    /* The store after the update. */
	uint16_t *rcode;
	char *reason;
} update_t;

/* Says why the update is not made and what to answer; yields \a ret. */
static int __attribute__((format(printf, 4, 5)))
refuse(const update_t *u, int ret, uint16_t rcode, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(u->reason, MS_REASON_MAX + 1, fmt, args);
	va_end(args);
	*u->rcode = rcode;
	return ret;
}

static int out_of_memory(const update_t *u)
{
	return refuse(u, KNOT_ENOMEM, KNOT_RCODE_SERVFAIL, "out of memory");
}

static const char *type_text(uint16_t type, char buf[TYPE_TEXT_MAX])
{
	return knot_rrtype_to_string(type, buf, TYPE_TEXT_MAX) > 0 ? buf : "?";
}

/* The name was checked when it was read; a root is what is left if that were wrong. */
static void unpack_name(const update_t *u, const uint8_t *name, knot_dname_storage_t out)
{
	if (knot_dname_unpack(out, name, KNOT_DNAME_MAXLEN, u->wire) <= 0) {
		out[0] = '\0';
	}
	knot_dname_to_lower(out);
}

/* RFC 2136 section 2.3. */
static int check_zone(const update_t *u)
{
	if (u->len < KNOT_WIRE_HEADER_SIZE || knot_wire_get_qr(u->wire) ||
	    knot_wire_get_opcode(u->wire) != KNOT_OPCODE_UPDATE) {
		return refuse(u, KNOT_EMALF, KNOT_RCODE_FORMERR, "not an UPDATE request");
	}
	ms_reader_t r = ms_reader_records(u->wire, u->len, 0);
	const uint8_t *packed = ms_read_packed_name(&r, u->wire);
	uint16_t type = ms_read_u16(&r);
	uint16_t rclass = ms_read_u16(&r);
	if (knot_wire_get_qdcount(u->wire) != 1 || r.ret != KNOT_EOK ||
	    type != KNOT_RRTYPE_SOA || rclass != KNOT_CLASS_IN) {
		return refuse(u, KNOT_EMALF, KNOT_RCODE_FORMERR, "not exactly one zone of class IN");
	}
	knot_dname_storage_t name;
	unpack_name(u, packed, name);
	return knot_dname_is_equal(name, u->zone) ? KNOT_EOK
	     : refuse(u, KNOT_EOUTOFZONE, KNOT_RCODE_NOTZONE, "another zone");
}

/* Owner: the apex, or \a ret with \a rcode where it is another name of the zone. */
static int check_owner(const update_t *u, const ms_rr_t *rr, int ret, uint16_t rcode)
{
	char type[TYPE_TEXT_MAX];
	knot_dname_storage_t owner;
	unpack_name(u, rr->owner, owner);
	if (knot_dname_is_equal(owner, u->zone)) {
		return KNOT_EOK;
	}
	if (knot_dname_in_bailiwick(owner, u->zone) < 0) {
		return refuse(u, KNOT_EOUTOFZONE, KNOT_RCODE_NOTZONE, "%s record outside of the zone",
		              type_text(rr->type, type));
	}
	return refuse(u, ret, rcode, "%s record not at the zone's apex", type_text(rr->type, type));
}

/* Index of a type that may be contributed, else -1. */
static int index_of(const update_t *u, uint16_t rrtype)
{
	int index = ms_apex_index(rrtype);
	return index >= 0 && (u->allowed & 1u << index) != 0 ? index : -1;
}

static int malformed(const update_t *u, const ms_rr_t *rr)
{
	char type[TYPE_TEXT_MAX];
	return refuse(u, KNOT_EMALF, KNOT_RCODE_FORMERR, "malformed %s record of class %u",
	              type_text(rr->type, type), rr->rclass);
}

/* RDATA, decompressed and in canonical form, goes into \a set or leaves it. */
static int take_rdata(const update_t *u, const ms_rr_t *rr, ms_rrset_t *set, bool removal)
{
	size_t pos = rr->owner - u->wire;
	knot_rrset_t rrset = { 0 };
	if (rr->rdlen == 0) {
		return malformed(u, rr);
	}
	int ret = knot_rrset_rr_from_wire(u->wire, &pos, u->len, &rrset, NULL,
	                                  MS_COMPAT_RR_CANONICAL);
	if (ret != KNOT_EOK) {
		return ret == KNOT_ENOMEM ? out_of_memory(u) : malformed(u, rr);
	}
	const knot_rdata_t *rdata = rrset.rrs.rdata;
	ret = removal ? ms_rrset_remove(set, rdata->data, rdata->len)
	              : ms_rrset_add(set, rdata->data, rdata->len);
	knot_rrset_clear(&rrset, NULL);
	return ret == KNOT_EOK ? KNOT_EOK : out_of_memory(u);
}

/* RFC 2136 section 2.4. \a index -1: type ANY, the name itself. */
static int judge(update_t *u, const ms_rr_t *rr, int index)
{
	const char *name = index >= 0 ? ms_apex_name(index) : "ANY";
	bool there = index < 0 || u->store->set[index].rrs.count > 0;
	switch (rr->rclass) {
	case KNOT_CLASS_ANY:
		return rr->rdlen != 0 ? malformed(u, rr) : there ? KNOT_EOK
		     : refuse(u, KNOT_EPREREQ, KNOT_RCODE_NXRRSET, "no %s is contributed", name);
	case KNOT_CLASS_NONE:
		return rr->rdlen != 0 ? malformed(u, rr) : !there ? KNOT_EOK
		     : index < 0 ? refuse(u, KNOT_EPREREQ, KNOT_RCODE_YXDOMAIN, "the apex exists")
		     : refuse(u, KNOT_EPREREQ, KNOT_RCODE_YXRRSET, "%s is contributed", name);
	case KNOT_CLASS_IN:
		if (index >= 0) {
			u->must.stated |= 1u << index;
			return take_rdata(u, rr, &u->must.set[index], false);
		}
		break;
	}
	return malformed(u, rr);
}

static int take_prerequisite(update_t *u, const ms_rr_t *rr)
{
	char type[TYPE_TEXT_MAX];
	int index = index_of(u, rr->type);
	int ret = check_owner(u, rr, KNOT_ENOTSUP, KNOT_RCODE_NOTIMPL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (rr->ttl != 0) {
		return malformed(u, rr);
	}
	return index >= 0 || rr->type == KNOT_RRTYPE_ANY ? judge(u, rr, index)
	     : refuse(u, KNOT_ENOTSUP, KNOT_RCODE_NOTIMPL, "nothing is known of %s here",
	              type_text(rr->type, type));
}

/* RFC 2136 section 3.2.3: sets named by value must be those of the store. */
static int compare_values(const update_t *u)
{
	for (unsigned i = 0; i < MS_CONTRIB_TYPES; i++) {
		if ((u->must.stated & 1u << i) != 0 &&
		    !ms_rrset_equal(&u->must.set[i], &u->store->set[i])) {
			return refuse(u, KNOT_EPREREQ, KNOT_RCODE_NXRRSET, "%s is another set",
			              ms_apex_name(i));
		}
	}
	return KNOT_EOK;
}

static int check_limits(const update_t *u, int index)
{
	size_t octets = 0;
	for (unsigned i = 0; i < MS_CONTRIB_TYPES; i++) {
		octets += ms_rrset_octets(&u->next.set[i]);
	}
	if (octets > MS_UPDATE_OCTETS_MAX) {
		return refuse(u, KNOT_EDENIED, KNOT_RCODE_REFUSED, "more than %u octets",
		              MS_UPDATE_OCTETS_MAX);
	}
	return u->next.set[index].rrs.count <= MS_UPDATE_RECORDS_MAX ? KNOT_EOK
	     : refuse(u, KNOT_EDENIED, KNOT_RCODE_REFUSED, "more than %u %s records",
	              MS_UPDATE_RECORDS_MAX, ms_apex_name(index));
}

static void delete_set(update_t *u, int index)
{
	for (int i = 0; i < MS_CONTRIB_TYPES; i++) {
		if ((u->allowed & 1u << i) != 0 && (index == i || index < 0)) {
			ms_rrset_clear(&u->next.set[i]);
			u->next.stated |= 1u << i;
		}
	}
}

static int add_record(update_t *u, const ms_rr_t *rr, int index)
{
	ms_rrset_t *set = &u->next.set[index];
	int ret = take_rdata(u, rr, set, false);
	if (ret == KNOT_EOK) {
		/* RFC 2181 section 8: a TTL with the top bit set is zero. */
		set->ttl = rr->ttl <= INT32_MAX ? rr->ttl : 0;
		u->next.stated |= 1u << index;
		ret = check_limits(u, index);
	}
	return ret;
}

static int delete_record(update_t *u, const ms_rr_t *rr, int index)
{
	u->next.stated |= 1u << index;
	return rr->ttl == 0 ? take_rdata(u, rr, &u->next.set[index], true) : malformed(u, rr);
}

/* RFC 2136 section 2.5. */
static int take_update(update_t *u, const ms_rr_t *rr)
{
	char type[TYPE_TEXT_MAX];
	bool whole = rr->type == KNOT_RRTYPE_ANY && rr->rclass == KNOT_CLASS_ANY;
	int index = index_of(u, rr->type);
	int ret = check_owner(u, rr, KNOT_EDENIED, KNOT_RCODE_REFUSED);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (knot_rrtype_is_metatype(rr->type) && !whole) {
		return malformed(u, rr);
	}
	if (index < 0 && !whole) {
		return refuse(u, KNOT_EDENIED, KNOT_RCODE_REFUSED, "type %s cannot be contributed",
		              type_text(rr->type, type));
	}
	switch (rr->rclass) {
	case KNOT_CLASS_IN:
		return add_record(u, rr, index);
	case KNOT_CLASS_NONE:
		return delete_record(u, rr, index);
	case KNOT_CLASS_ANY:
		if (rr->ttl == 0 && rr->rdlen == 0) {
			delete_set(u, index);
			return KNOT_EOK;
		}
		break;
	}
	return malformed(u, rr);
}

/* Of ADDITIONAL, OPT and glue, nothing is used (RFC 2136 section 2.6). */
static int pass_over(update_t *u, const ms_rr_t *rr)
{
	(void)u;
	(void)rr;
	return KNOT_EOK;
}

static int walk(update_t *u, ms_reader_t *r, uint16_t count,
                int (*take)(update_t *, const ms_rr_t *))
{
	int ret = KNOT_EOK;
	while (ret == KNOT_EOK && count-- > 0) {
		ms_rr_t rr = ms_read_rr(r, u->wire);
		ret = r->ret == KNOT_EOK ? take(u, &rr)
		    : refuse(u, KNOT_EMALF, KNOT_RCODE_FORMERR, "broken record");
	}
	return ret;
}

static int take_sections(update_t *u)
{
	ms_reader_t r = ms_reader_records(u->wire, u->len, 1);
	int ret = walk(u, &r, knot_wire_get_ancount(u->wire), take_prerequisite);
	if (ret == KNOT_EOK) {
		ret = compare_values(u);
	}
	if (ret == KNOT_EOK) {
		ret = walk(u, &r, knot_wire_get_nscount(u->wire), take_update);
	}
	if (ret == KNOT_EOK) {
		ret = walk(u, &r, knot_wire_get_arcount(u->wire), pass_over);
	}
	return ret == KNOT_EOK && ms_reader_left(&r) > 0
	     ? refuse(u, KNOT_EMALF, KNOT_RCODE_FORMERR, "octets behind the last record") : ret;
}

int ms_update_apply(const uint8_t *wire, size_t len, const knot_dname_t *zone, uint32_t allowed,
                    ms_contribution_t *store, uint16_t *rcode, char reason[MS_REASON_MAX + 1])
{
	update_t u = {
		.wire = wire, .len = len, .zone = zone, .allowed = allowed, .store = store,
		.rcode = rcode, .reason = reason,
	};
	*rcode = KNOT_RCODE_NOERROR;
	reason[0] = '\0';
	int ret = check_zone(&u);
	if (ret == KNOT_EOK && ms_contribution_copy(&u.next, store) != KNOT_EOK) {
		ret = out_of_memory(&u);
	}
	if (ret == KNOT_EOK) {
		ret = take_sections(&u);
	}
	ms_contribution_clear(&u.must);
	if (ret != KNOT_EOK) {
		ms_contribution_clear(&u.next);
		return ret;
	}
	ms_contribution_clear(store);
	*store = u.next;
	return KNOT_EOK;
}

static void write_fixed(ms_writer_t *w, uint16_t type, uint16_t rclass, uint32_t ttl,
                        uint16_t rdlen)
{
	ms_write_u16(w, type);
	ms_write_u16(w, rclass);
	ms_write_u32(w, ttl);
	ms_write_u16(w, rdlen);
}

/* \return How many records. */
static uint16_t write_set(ms_writer_t *w, uint16_t type, const ms_rrset_t *set)
{
	ms_write_u16(w, APEX_POINTER);
	write_fixed(w, type, KNOT_CLASS_ANY, 0, 0);
	knot_rdata_t *rd = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rd = knot_rdataset_next(rd)) {
		ms_write_u16(w, APEX_POINTER);
		write_fixed(w, type, KNOT_CLASS_IN, set->ttl, rd->len);
		ms_write_bytes(w, rd->data, rd->len);
	}
	return 1 + set->rrs.count;
}

int ms_update_build(const knot_dname_t *zone, uint16_t id, const ms_contribution_t *c,
                    uint8_t *wire, size_t max)
{
	ms_writer_t w = ms_writer(wire, max);
	uint8_t *header = ms_write_room(&w, KNOT_WIRE_HEADER_SIZE);
	if (header == NULL) {
		return w.ret;
	}
	memset(header, 0, KNOT_WIRE_HEADER_SIZE);
	knot_wire_set_id(header, id);
	knot_wire_set_opcode(header, KNOT_OPCODE_UPDATE);
	knot_wire_set_qdcount(header, 1);
	ms_write_name(&w, zone);
	ms_write_u16(&w, KNOT_RRTYPE_SOA);
	ms_write_u16(&w, KNOT_CLASS_IN);
	uint16_t count = 0;
	for (ms_apex_type_t i = 0; i < MS_CONTRIB_TYPES; i++) {
		if ((c->stated & 1u << i) != 0) {
			count += write_set(&w, ms_apex_rrtype(i), &c->set[i]);
		}
	}
	knot_wire_set_nscount(header, count);
	ms_write_u8(&w, 0);
	write_fixed(&w, KNOT_RRTYPE_OPT, MS_MESSAGE_UDP_MAX, 0, 0);
	knot_wire_set_arcount(header, 1);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}
