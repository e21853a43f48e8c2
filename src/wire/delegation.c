/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/delegation.h"

#include <libknot/libknot.h>

#include "base/compat.h"
#include "base/name.h"
#include "wire/rr.h"

void ms_deleg_clear(ms_deleg_t *deleg)
{
	ms_rrset_clear(&deleg->ns);
	ms_rrset_clear(&deleg->ds);
	for (uint8_t i = 0; i < deleg->glue_count; i++) {
		ms_rrset_clear(&deleg->glue[i].a);
		ms_rrset_clear(&deleg->glue[i].aaaa);
	}
	deleg->glue_count = 0;
}

int ms_deleg_copy(ms_deleg_t *dst, const ms_deleg_t *src)
{
	ms_deleg_t copy = { 0 };
	int ret = ms_rrset_copy(&copy.ns, &src->ns);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_copy(&copy.ds, &src->ds);
	}
	for (uint8_t i = 0; i < src->glue_count && ret == KNOT_EOK; i++) {
		ms_glue_t *glue = &copy.glue[copy.glue_count++];
		ms_name_copy(glue->host, src->glue[i].host);
		ret = ms_rrset_copy(&glue->a, &src->glue[i].a);
		if (ret == KNOT_EOK) {
			ret = ms_rrset_copy(&glue->aaaa, &src->glue[i].aaaa);
		}
	}
	if (ret != KNOT_EOK) {
		ms_deleg_clear(&copy);
		return ret;
	}
	ms_deleg_clear(dst);
	*dst = copy;
	return KNOT_EOK;
}

const ms_glue_t *ms_deleg_find(const ms_deleg_t *deleg, const knot_dname_t *host)
{
	for (uint8_t i = 0; i < deleg->glue_count; i++) {
		if (knot_dname_is_equal(deleg->glue[i].host, host)) {
			return &deleg->glue[i];
		}
	}
	return NULL;
}

ms_glue_t *ms_deleg_glue(ms_deleg_t *deleg, const knot_dname_t *host, bool make)
{
	ms_glue_t *found = (ms_glue_t *)ms_deleg_find(deleg, host);
	if (found != NULL || !make || deleg->glue_count >= MS_NS_MAX) {
		return found;
	}
	found = &deleg->glue[deleg->glue_count++];
	*found = (ms_glue_t){ 0 };
	ms_name_copy_lower(found->host, host);
	return found;
}

/* All glue of \a a is in \a b. */
static bool glue_in(const ms_deleg_t *a, const ms_deleg_t *b)
{
	static const ms_glue_t none;
	for (uint8_t i = 0; i < a->glue_count; i++) {
		const ms_glue_t *other = ms_deleg_find(b, a->glue[i].host);
		other = other != NULL ? other : &none;
		if (!ms_rrset_equal(&a->glue[i].a, &other->a) ||
		    !ms_rrset_equal(&a->glue[i].aaaa, &other->aaaa)) {
			return false;
		}
	}
	return true;
}

bool ms_deleg_equal(const ms_deleg_t *a, const ms_deleg_t *b)
{
	return ms_rrset_equal(&a->ns, &b->ns) && ms_rrset_equal(&a->ds, &b->ds) &&
	       glue_in(a, b) && glue_in(b, a);
}

static uint8_t take_addrs(const ms_rrset_t *set, uint8_t family, size_t len, ms_addr_t *out,
                          uint8_t count, uint8_t max)
{
	const knot_rdata_t *rd = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count && count < max; i++) {
		if (rd->len == len) {
			out[count] = (ms_addr_t){ .family = family, .port = 53 };
			memcpy(out[count++].ip, rd->data, len);
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	return count;
}

uint8_t ms_glue_addrs(const ms_rrset_t *a, const ms_rrset_t *aaaa, ms_addr_t *out, uint8_t max)
{
	uint8_t count = take_addrs(a, AF_INET, 4, out, 0, max);
	return take_addrs(aaaa, AF_INET6, 16, out, count, max);
}

/* One record of a message, decompressed, lower case. */
static int add_record(const uint8_t *wire, size_t len, const ms_rr_t *rr, ms_rrset_t *set,
                      uint16_t limit)
{
	size_t pos = rr->owner - wire;
	knot_rrset_t rrset = { 0 };
	if (set->rrs.count >= limit) {
		return KNOT_ELIMIT;
	}
	int ret = knot_rrset_rr_from_wire(wire, &pos, len, &rrset, NULL, MS_COMPAT_RR_CANONICAL);
	if (ret != KNOT_EOK || rrset.rrs.count != 1) {
		knot_rrset_clear(&rrset, NULL);
		return KNOT_EMALF;
	}
	set->ttl = rr->ttl;
	ret = ms_rrset_add(set, rrset.rrs.rdata->data, rrset.rrs.rdata->len);
	knot_rrset_clear(&rrset, NULL);
	return ret;
}

static bool owner_is(const uint8_t *wire, const ms_rr_t *rr, const knot_dname_t *name,
                     knot_dname_storage_t owner)
{
	if (knot_dname_unpack(owner, rr->owner, KNOT_DNAME_MAXLEN, wire) <= 0) {
		return false;
	}
	knot_dname_to_lower(owner);
	return name == NULL || knot_dname_is_equal(owner, name);
}

/* Addresses of name servers below the child, out of ADDITIONAL. */
static int take_glue(ms_deleg_t *deleg, const uint8_t *wire, size_t len, const ms_rr_t *rr,
                     const knot_dname_t *child)
{
	knot_dname_storage_t owner;
	if ((rr->type != KNOT_RRTYPE_A && rr->type != KNOT_RRTYPE_AAAA) ||
	    !owner_is(wire, rr, NULL, owner) || knot_dname_in_bailiwick(owner, child) < 0) {
		return KNOT_EOK;
	}
	ms_glue_t *glue = ms_deleg_glue(deleg, owner, true);
	return glue == NULL ? KNOT_ELIMIT
	     : add_record(wire, len, rr, rr->type == KNOT_RRTYPE_A ? &glue->a : &glue->aaaa,
	                  MS_GLUE_ADDRS_MAX);
}

static int check_answer(const uint8_t *wire, size_t len)
{
	if (len < KNOT_WIRE_HEADER_SIZE || !knot_wire_get_qr(wire) || knot_wire_get_tc(wire)) {
		return KNOT_EMALF;
	}
	uint8_t rcode = knot_wire_get_rcode(wire);
	return rcode == KNOT_RCODE_NXDOMAIN ? KNOT_ENOENT
	     : rcode != KNOT_RCODE_NOERROR ? KNOT_EMALF : KNOT_EOK;
}

int ms_deleg_take_referral(ms_deleg_t *deleg, const uint8_t *wire, size_t len,
                           const knot_dname_t *child, const knot_dname_t *parent)
{
	int ret = check_answer(wire, len);
	bool aa = ret != KNOT_EMALF && knot_wire_get_aa(wire), denied = false;
	if (ret == KNOT_EMALF) {
		return ret;
	}
	ret = KNOT_EOK;
	uint32_t before = knot_wire_get_ancount(wire);
	uint32_t middle = before + knot_wire_get_nscount(wire);
	uint32_t total = middle + knot_wire_get_arcount(wire);
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	knot_dname_storage_t owner;
	for (uint32_t i = 0; ret == KNOT_EOK && i < total; i++) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret != KNOT_EOK) {
			return KNOT_EMALF;
		}
		if (i >= middle) {
			ret = take_glue(deleg, wire, len, &rr, child);
		} else if (rr.type == KNOT_RRTYPE_NS && owner_is(wire, &rr, child, owner)) {
			if (aa) {
				return KNOT_EDENIED;
			}
			ret = add_record(wire, len, &rr, &deleg->ns, MS_NS_MAX);
		} else if (rr.type == KNOT_RRTYPE_SOA && i >= before) {
			denied = aa && owner_is(wire, &rr, parent, owner);
		} else if (rr.type == KNOT_RRTYPE_NS && !aa && i >= before &&
		           owner_is(wire, &rr, NULL, owner)) {
			/* Delegated further up: nothing of ours is below that. */
			denied = knot_dname_in_bailiwick(owner, parent) > 0 &&
			         knot_dname_in_bailiwick(child, owner) > 0;
		}
	}
	return ret != KNOT_EOK ? ret : deleg->ns.rrs.count > 0 ? KNOT_EOK
	     : denied ? KNOT_ENOENT : KNOT_EMALF;
}

/* Is it the answer to that question? */
static bool answers(const uint8_t *wire, size_t len, const knot_dname_t *name, uint16_t type)
{
	knot_dname_storage_t qname;
	const uint8_t *pos = wire + KNOT_WIRE_HEADER_SIZE;
	int size = knot_wire_get_qdcount(wire) == 1 ? knot_dname_wire_check(pos, wire + len, NULL) : 0;
	if (size <= 0 || len < KNOT_WIRE_HEADER_SIZE + (size_t)size + 4 ||
	    knot_dname_unpack(qname, pos, sizeof(qname), wire) <= 0) {
		return false;
	}
	return knot_dname_is_case_equal(qname, name) && knot_wire_read_u16(pos + size) == type;
}

int ms_deleg_take_ds(ms_deleg_t *deleg, const uint8_t *wire, size_t len, const knot_dname_t *child)
{
	int ret = check_answer(wire, len);
	if (ret != KNOT_EOK || !knot_wire_get_aa(wire) || !answers(wire, len, child, KNOT_RRTYPE_DS)) {
		return KNOT_EMALF;
	}
	knot_dname_storage_t owner;
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	for (uint16_t i = knot_wire_get_ancount(wire); ret == KNOT_EOK && i > 0; i--) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret != KNOT_EOK) {
			return KNOT_EMALF;
		}
		if (rr.type == KNOT_RRTYPE_DS && owner_is(wire, &rr, child, owner)) {
			ret = add_record(wire, len, &rr, &deleg->ds, MS_DS_COUNT_MAX);
		}
	}
	return ret;
}
