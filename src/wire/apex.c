/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/apex.h"

#include <stdlib.h>
#include <string.h>

#include <libdnssec/digest.h>
#include <libdnssec/error.h>
#include <libknot/libknot.h>

#include "base/cursor.h"

/* In the order of ms_apex_type_t. */
static const struct {
	uint16_t rrtype;
	const char *name;
} types[MS_APEX_TYPES] = {
	[MS_APEX_DNSKEY]  = { KNOT_RRTYPE_DNSKEY, "DNSKEY" },
	[MS_APEX_CDS]     = { KNOT_RRTYPE_CDS, "CDS" },
	[MS_APEX_CDNSKEY] = { KNOT_RRTYPE_CDNSKEY, "CDNSKEY" },
	[MS_APEX_NS]      = { KNOT_RRTYPE_NS, "NS" },
	[MS_APEX_CSYNC]   = { KNOT_RRTYPE_CSYNC, "CSYNC" },
	[MS_APEX_KEY]     = { KNOT_RRTYPE_KEY, "KEY" },
	[MS_APEX_HSYNC]   = { 0, "HSYNC" },
	[MS_APEX_SOA]     = { KNOT_RRTYPE_SOA, "SOA" },
};

uint16_t ms_apex_rrtype(ms_apex_type_t type)
{
	return types[type].rrtype;
}

const char *ms_apex_name(ms_apex_type_t type)
{
	return types[type].name;
}

int ms_apex_index(uint16_t rrtype)
{
	for (int type = 0; type < MS_CONTRIB_TYPES; type++) {
		if (types[type].rrtype == rrtype) {
			return type;
		}
	}
	return -1;
}

/* RDATA is shared by copies and counted: thousands of zones hold each set in several places. What
 * libknot changes is one's own at that time. The count stands before the RDATA. */
typedef struct {
	size_t refs; /* Atomic: a view's is copied by knotd's threads, too. */
} shared_t;

static void *shared_alloc(void *ctx, size_t len)
{
	(void)ctx;
	shared_t *shared = malloc(sizeof(*shared) + len);
	if (shared == NULL) {
		return NULL;
	}
	shared->refs = 1;
	return shared + 1;
}

static void shared_free(void *rdata)
{
	shared_t *shared = rdata != NULL ? (shared_t *)rdata - 1 : NULL;
	if (shared != NULL && __atomic_sub_fetch(&shared->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		free(shared);
	}
}

static knot_mm_t shared_mm = { .alloc = shared_alloc, .free = shared_free };

static int unshare(ms_rrset_t *set)
{
	if (set->rrs.rdata == NULL ||
	    __atomic_load_n(&((shared_t *)set->rrs.rdata - 1)->refs, __ATOMIC_ACQUIRE) == 1) {
		return KNOT_EOK;
	}
	knot_rdataset_t own = { 0 };
	int ret = knot_rdataset_copy(&own, &set->rrs, &shared_mm);
	if (ret == KNOT_EOK) {
		shared_free(set->rrs.rdata);
		set->rrs = own;
	}
	return ret;
}

void ms_rrset_clear(ms_rrset_t *set)
{
	knot_rdataset_clear(&set->rrs, &shared_mm);
	*set = (ms_rrset_t){ 0 };
}

int ms_rrset_copy(ms_rrset_t *dst, const ms_rrset_t *src)
{
	ms_rrset_t copy = *src;
	if (copy.rrs.rdata != NULL) {
		(void)__atomic_add_fetch(&((shared_t *)copy.rrs.rdata - 1)->refs, 1, __ATOMIC_RELAXED);
	}
	ms_rrset_clear(dst);
	*dst = copy;
	return KNOT_EOK;
}

void ms_rrset_share(ms_rrset_t *set, const ms_rrset_t *with)
{
	if (set->rrs.count > 0 && set->rrs.rdata != with->rrs.rdata && ms_rrset_equal(set, with)) {
		ms_rrset_t one = { 0 };
		(void)ms_rrset_copy(&one, with);
		one.ttl = set->ttl;
		ms_rrset_clear(set);
		*set = one;
	}
}

int ms_rrset_take(ms_rrset_t *dst, uint32_t ttl, const knot_rdataset_t *src)
{
	ms_rrset_t copy = { .ttl = ttl };
	int ret = knot_rdataset_copy(&copy.rrs, src, &shared_mm);
	if (ret == KNOT_EOK) {
		ms_rrset_clear(dst);
		*dst = copy;
	}
	return ret;
}

/* A knot_rdata_t on the stack: RDATA of 64 KiB would be too much for a thread's stack, so it is
 * borrowed from the heap. */
static knot_rdata_t *make_rdata(const uint8_t *rdata, uint16_t len)
{
	knot_rdata_t *rr = malloc(knot_rdata_size(len));
	if (rr != NULL) {
		knot_rdata_init(rr, len, rdata);
	}
	return rr;
}

int ms_rrset_add(ms_rrset_t *set, const uint8_t *rdata, uint16_t len)
{
	knot_rdata_t *rr = make_rdata(rdata, len);
	int ret = rr != NULL ? unshare(set) : KNOT_ENOMEM;
	if (ret == KNOT_EOK) {
		ret = knot_rdataset_add(&set->rrs, rr, &shared_mm);
	}
	free(rr);
	return ret;
}

int ms_rrset_remove(ms_rrset_t *set, const uint8_t *rdata, uint16_t len)
{
	ms_rrset_t what = { 0 };
	int ret = ms_rrset_add(&what, rdata, len);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(set, &what);
	}
	ms_rrset_clear(&what);
	return ret;
}

bool ms_rrset_has(const ms_rrset_t *set, const uint8_t *rdata, uint16_t len)
{
	const knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		if (rr->len == len && memcmp(rr->data, rdata, len) == 0) {
			return true;
		}
	}
	return false;
}

int ms_rrset_union(ms_rrset_t *dst, const ms_rrset_t *src)
{
	bool was_empty = dst->rrs.count == 0;
	if (src->rrs.count == 0) {
		return KNOT_EOK;
	}
	if (was_empty) {
		return ms_rrset_copy(dst, src);
	}
	int ret = unshare(dst);
	return ret == KNOT_EOK ? knot_rdataset_merge(&dst->rrs, &src->rrs, &shared_mm) : ret;
}

int ms_rrset_minus(ms_rrset_t *dst, const ms_rrset_t *what)
{
	if (dst->rrs.count == 0 || what->rrs.count == 0) {
		return KNOT_EOK;
	}
	uint8_t *left = shared_alloc(NULL, dst->rrs.size);
	if (left == NULL) {
		return KNOT_ENOMEM;
	}
	knot_rdataset_t rest = { .rdata = (knot_rdata_t *)left };
	const knot_rdata_t *rr = dst->rrs.rdata;
	for (uint16_t i = 0; i < dst->rrs.count; i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		if (!knot_rdataset_member(&what->rrs, rr)) {
			memcpy(left + rest.size, rr, knot_rdata_size(rr->len));
			rest.size += knot_rdata_size(rr->len);
			rest.count++;
		}
	}
	if (rest.count == 0 || rest.count == dst->rrs.count) {
		shared_free(left);
	}
	if (rest.count == 0) {
		rest.rdata = NULL;
	} else if (rest.count == dst->rrs.count) {
		return KNOT_EOK;
	}
	shared_free(dst->rrs.rdata);
	dst->rrs = rest;
	return KNOT_EOK;
}

bool ms_rrset_equal(const ms_rrset_t *a, const ms_rrset_t *b)
{
	return a->rrs.count == b->rrs.count &&
	       (a->rrs.rdata == b->rrs.rdata || knot_rdataset_eq(&a->rrs, &b->rrs));
}

size_t ms_rrset_octets(const ms_rrset_t *set)
{
	size_t octets = 0;
	const knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		octets += rr->len;
	}
	return octets;
}

void ms_contribution_clear(ms_contribution_t *c)
{
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		ms_rrset_clear(&c->set[type]);
	}
	c->stated = 0;
}

int ms_contribution_copy(ms_contribution_t *dst, const ms_contribution_t *src)
{
	ms_contribution_t copy = { .stated = src->stated };
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		int ret = ms_rrset_copy(&copy.set[type], &src->set[type]);
		if (ret != KNOT_EOK) {
			ms_contribution_clear(&copy);
			return ret;
		}
	}
	ms_contribution_clear(dst);
	*dst = copy;
	return KNOT_EOK;
}

bool ms_contribution_equal(const ms_contribution_t *a, const ms_contribution_t *b)
{
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		const ms_rrset_t *x = &a->set[type], *y = &b->set[type];
		if (!ms_rrset_equal(x, y) || (x->rrs.count > 0 && x->ttl != y->ttl)) {
			return false;
		}
	}
	return true;
}

bool ms_contribution_empty(const ms_contribution_t *c)
{
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		if (c->set[type].rrs.count > 0) {
			return false;
		}
	}
	return true;
}

/* One RRset as (type u16, TTL u32, count u16, { length u16, RDATA }…). */
static int digest_rrset(dnssec_digest_ctx_t *ctx, uint16_t rrtype, const ms_rrset_t *set)
{
	uint8_t head[8];
	knot_wire_write_u16(head, rrtype);
	knot_wire_write_u32(head + 2, set->ttl);
	knot_wire_write_u16(head + 6, set->rrs.count);
	dnssec_binary_t part = { .size = sizeof(head), .data = head };
	int ret = dnssec_digest(ctx, &part);
	const knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; ret == DNSSEC_EOK && i < set->rrs.count;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		uint8_t len[2];
		knot_wire_write_u16(len, rr->len);
		part = (dnssec_binary_t){ .size = sizeof(len), .data = len };
		ret = dnssec_digest(ctx, &part);
		part = (dnssec_binary_t){ .size = rr->len, .data = (uint8_t *)rr->data };
		if (ret == DNSSEC_EOK && rr->len > 0) {
			ret = dnssec_digest(ctx, &part);
		}
	}
	return ret;
}

int ms_rrsets_digest(const ms_rrset_t *const *sets, const uint16_t *rrtypes, size_t count,
                     ms_digest_t *out)
{
	bool empty = true;
	for (size_t i = 0; i < count; i++) {
		empty &= sets[i]->rrs.count == 0;
	}
	if (empty) {
		*out = (ms_digest_t){ { 0 } };
		return KNOT_EOK;
	}
	dnssec_digest_ctx_t *ctx = NULL;
	dnssec_binary_t digest = { 0 };
	if (dnssec_digest_init(DNSSEC_DIGEST_SHA384, &ctx) != DNSSEC_EOK) {
		return KNOT_ERROR;
	}
	int ret = DNSSEC_EOK;
	for (size_t i = 0; ret == DNSSEC_EOK && i < count; i++) {
		if (sets[i]->rrs.count > 0) {
			ret = digest_rrset(ctx, rrtypes[i], sets[i]);
		}
	}
	/* A failure has released the context already. */
	if (ret != DNSSEC_EOK || dnssec_digest_finish(ctx, &digest) != DNSSEC_EOK) {
		dnssec_binary_free(&digest);
		return KNOT_ERROR;
	}
	memcpy(out->octets, digest.data, MS_DIGEST_LEN);
	dnssec_binary_free(&digest);
	return KNOT_EOK;
}

int ms_contribution_digest(const ms_contribution_t *c, ms_digest_t *out)
{
	/* By type number: both sides must hash in one order. */
	static const ms_apex_type_t order[MS_CONTRIB_TYPES] = {
		MS_APEX_NS, MS_APEX_KEY, MS_APEX_DNSKEY, MS_APEX_CDS, MS_APEX_CDNSKEY, MS_APEX_CSYNC,
	};
	const ms_rrset_t *sets[MS_CONTRIB_TYPES];
	uint16_t rrtypes[MS_CONTRIB_TYPES];
	for (unsigned i = 0; i < MS_CONTRIB_TYPES; i++) {
		sets[i] = &c->set[order[i]];
		rrtypes[i] = types[order[i]].rrtype;
	}
	return ms_rrsets_digest(sets, rrtypes, MS_CONTRIB_TYPES, out);
}

void ms_apex_drop_extra(ms_apex_t *apex)
{
	for (size_t i = 0; i < apex->extra_count; i++) {
		ms_rrset_clear(&apex->extra[i].rrs);
	}
	free(apex->extra);
	apex->extra = NULL;
	apex->extra_count = 0;
}

void ms_apex_clear(ms_apex_t *apex)
{
	ms_apex_drop_extra(apex);
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		ms_rrset_clear(&apex->set[type]);
	}
	apex->serial = 0;
	apex->is_signed = false;
}

int ms_apex_copy(ms_apex_t *dst, const ms_apex_t *src)
{
	ms_apex_t copy = { .serial = src->serial, .is_signed = src->is_signed };
	for (unsigned type = 0; type < MS_APEX_TYPES; type++) {
		int ret = ms_rrset_copy(&copy.set[type], &src->set[type]);
		if (ret != KNOT_EOK) {
			ms_apex_clear(&copy);
			return ret;
		}
	}
	ms_apex_clear(dst);
	*dst = copy;
	return KNOT_EOK;
}
