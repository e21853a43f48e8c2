/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Walking the records of a raw message: the reader of base/cursor.h for names that may be
 * compressed and for the ten fixed octets of a record. Nothing is copied or decompressed.
 */
#pragma once

#include <libknot/packet/wire.h>

#include "base/cursor.h"

/*! One record as it stands in the message. */
typedef struct {
	const uint8_t *owner;  /*!< Maybe compressed: knot_dname_unpack() reads it. */
	uint16_t type;
	uint16_t rclass;
	uint32_t ttl;
	uint16_t rdlen;
	const uint8_t *rdata;
} ms_rr_t;

/*! Borrows a name whose pointers, if any, were checked to stay inside \a wire and to end. */
static inline const uint8_t *ms_read_packed_name(ms_reader_t *r, const uint8_t *wire)
{
	int len = r->ret == KNOT_EOK && r->pos < r->end
	        ? knot_dname_wire_check(r->pos, r->end, wire) : 0;
	if (len <= 0) {
		r->ret = KNOT_EMALF;
		return NULL;
	}
	return ms_read_bytes(r, len);
}

/*! Reads one record of \a wire; r->ret tells. */
static inline ms_rr_t ms_read_rr(ms_reader_t *r, const uint8_t *wire)
{
	ms_rr_t rr = { .owner = ms_read_packed_name(r, wire) };
	rr.type = ms_read_u16(r);
	rr.rclass = ms_read_u16(r);
	rr.ttl = ms_read_u32(r);
	rr.rdlen = ms_read_u16(r);
	rr.rdata = ms_read_bytes(r, rr.rdlen);
	return rr;
}

/*! Passes over the header and \a questions entries of the question section. */
static inline ms_reader_t ms_reader_records(const uint8_t *wire, size_t len, unsigned questions)
{
	ms_reader_t r = ms_reader(wire, len);
	(void)ms_read_bytes(&r, KNOT_WIRE_HEADER_SIZE);
	while (questions-- > 0 && r.ret == KNOT_EOK) {
		(void)ms_read_packed_name(&r, wire);
		(void)ms_read_u32(&r);
	}
	return r;
}
