/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/deltas.h"

#include <stdlib.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "base/name.h"
#include "wire/envelope.h"
#include "wire/rr.h"

/* The list grows by so many. */
#define STEP 16

void ms_deltas_clear(ms_deltas_t *deltas)
{
	free(deltas->list);
	*deltas = (ms_deltas_t){ 0 };
}

int ms_deltas_add(ms_deltas_t *deltas, ms_delta_op_t op, const knot_dname_t *owner, uint16_t type,
                  uint32_t ttl, const uint8_t *rdata, uint16_t rdlen)
{
	if (deltas->count >= MS_DELTAS_MAX || rdlen > MS_DELTA_RDATA_MAX) {
		return KNOT_ELIMIT;
	}
	if (deltas->count % STEP == 0) {
		ms_delta_t *list = realloc(deltas->list, (deltas->count + STEP) * sizeof(*list));
		if (list == NULL) {
			return KNOT_ENOMEM;
		}
		deltas->list = list;
	}
	ms_delta_t *delta = &deltas->list[deltas->count++];
	*delta = (ms_delta_t){ .op = op, .type = type, .ttl = ttl, .rdlen = rdlen };
	ms_name_copy_lower(delta->owner, owner);
	if (rdlen > 0) {
		memcpy(delta->rdata, rdata, rdlen);
	}
	return KNOT_EOK;
}

/* With RDATA: decompressed and in canonical form. */
static int take_record(const uint8_t *wire, size_t len, const ms_rr_t *rr, ms_delta_op_t op,
                       const knot_dname_t *owner, ms_deltas_t *out)
{
	size_t pos = rr->owner - wire;
	knot_rrset_t rrset = { 0 };
	if (rr->rdlen == 0 || knot_rrtype_is_metatype(rr->type)) {
		return KNOT_EMALF;
	}
	int ret = knot_rrset_rr_from_wire(wire, &pos, len, &rrset, NULL, MS_COMPAT_RR_CANONICAL);
	if (ret != KNOT_EOK) {
		return ret == KNOT_ENOMEM ? KNOT_ENOMEM : KNOT_EMALF;
	}
	const knot_rdata_t *rd = rrset.rrs.rdata;
	ret = ms_deltas_add(out, op, owner, rr->type, rr->ttl, rd->data, rd->len);
	knot_rrset_clear(&rrset, NULL);
	return ret;
}

static int take_delta(const uint8_t *wire, size_t len, const ms_rr_t *rr, ms_deltas_t *out)
{
	knot_dname_storage_t owner;
	if (knot_dname_unpack(owner, rr->owner, sizeof(owner), wire) <= 0) {
		return KNOT_EMALF;
	}
	switch (rr->rclass) {
	case KNOT_CLASS_IN:
		return rr->ttl > INT32_MAX ? KNOT_EMALF
		     : take_record(wire, len, rr, MS_DELTA_ADD, owner, out);
	case KNOT_CLASS_NONE:
		return rr->ttl != 0 ? KNOT_EMALF
		     : take_record(wire, len, rr, MS_DELTA_DEL_RR, owner, out);
	case KNOT_CLASS_ANY:
		if (rr->ttl != 0 || rr->rdlen != 0 ||
		    (rr->type != KNOT_RRTYPE_ANY && knot_rrtype_is_metatype(rr->type))) {
			return KNOT_EMALF;
		}
		return ms_deltas_add(out, rr->type == KNOT_RRTYPE_ANY ? MS_DELTA_DEL_NAME
		                                                     : MS_DELTA_DEL_RRSET,
		                     owner, rr->type, 0, NULL, 0);
	default:
		return KNOT_EMALF;
	}
}

int ms_deltas_parse(const uint8_t *wire, size_t len, ms_deltas_t *out)
{
	ms_deltas_t deltas = { 0 };
	if (len < KNOT_WIRE_HEADER_SIZE) {
		return KNOT_EMALF;
	}
	if (knot_wire_get_ancount(wire) > 0) {
		return KNOT_EPREREQ;
	}
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	int ret = KNOT_EOK;
	for (uint16_t i = knot_wire_get_nscount(wire); i > 0 && ret == KNOT_EOK; i--) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		ret = r.ret == KNOT_EOK ? take_delta(wire, len, &rr, &deltas) : KNOT_EMALF;
	}
	if (ret != KNOT_EOK) {
		ms_deltas_clear(&deltas);
		return ret;
	}
	*out = deltas;
	return KNOT_EOK;
}

int ms_deltas_build(const ms_deltas_t *deltas, uint8_t *buf, size_t max)
{
	static const uint16_t rclass[] = {
		[MS_DELTA_ADD] = KNOT_CLASS_IN, [MS_DELTA_DEL_RR] = KNOT_CLASS_NONE,
		[MS_DELTA_DEL_RRSET] = KNOT_CLASS_ANY, [MS_DELTA_DEL_NAME] = KNOT_CLASS_ANY,
	};
	ms_writer_t w = ms_writer(buf, max);
	for (uint16_t i = 0; i < deltas->count; i++) {
		const ms_delta_t *d = &deltas->list[i];
		ms_envelope_record(&w, d->owner, d->type, rclass[d->op],
		                   d->op == MS_DELTA_ADD ? d->ttl : 0, d->rdata, d->rdlen);
	}
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}
