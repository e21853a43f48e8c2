/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/csync.h"

#include <libknot/descriptor.h>

#include "base/cursor.h"

/* RFC 4034 section 4.1.2. */
#define WINDOW_MAX 32

static void take_type(uint16_t type, ms_csync_t *out)
{
	switch (type) {
	case KNOT_RRTYPE_NS:
		out->types |= MS_CSYNC_NS;
		break;
	case KNOT_RRTYPE_A:
		out->types |= MS_CSYNC_A;
		break;
	case KNOT_RRTYPE_AAAA:
		out->types |= MS_CSYNC_AAAA;
		break;
	default:
		out->foreign = out->foreign == 0 ? type : out->foreign;
		break;
	}
}

static void take_window(uint8_t window, const uint8_t *bits, size_t len, ms_csync_t *out)
{
	for (size_t i = 0; i < 8 * len; i++) {
		if ((bits[i / 8] & (0x80 >> i % 8)) != 0) {
			take_type(window * 256 + i, out);
		}
	}
}

int ms_csync_decode(const uint8_t *rdata, size_t len, ms_csync_t *out)
{
	ms_reader_t r = ms_reader(rdata, len);
	ms_csync_t csync = { .serial = ms_read_u32(&r) };
	csync.flags = ms_read_u16(&r);
	int last = -1;
	while (ms_reader_left(&r) > 0) {
		uint8_t window = ms_read_u8(&r);
		uint8_t size = ms_read_u8(&r);
		const uint8_t *bits = ms_read_bytes(&r, size);
		if (r.ret != KNOT_EOK || size == 0 || size > WINDOW_MAX || window <= last) {
			return KNOT_EMALF;
		}
		take_window(window, bits, size, &csync);
		last = window;
	}
	if (r.ret != KNOT_EOK) {
		return KNOT_EMALF;
	}
	*out = csync;
	return KNOT_EOK;
}

static void put_type(uint8_t *bits, uint16_t type, size_t *len)
{
	bits[type / 8] |= 0x80 >> type % 8;
	*len = *len > type / 8u ? *len : type / 8u + 1;
}

int ms_csync_encode(const ms_csync_t *csync, uint8_t *buf, size_t max)
{
	uint8_t bits[WINDOW_MAX] = { 0 };
	size_t len = 0;
	if ((csync->types & MS_CSYNC_NS) != 0) {
		put_type(bits, KNOT_RRTYPE_NS, &len);
	}
	if ((csync->types & MS_CSYNC_A) != 0) {
		put_type(bits, KNOT_RRTYPE_A, &len);
	}
	if ((csync->types & MS_CSYNC_AAAA) != 0) {
		put_type(bits, KNOT_RRTYPE_AAAA, &len);
	}
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u32(&w, csync->serial);
	ms_write_u16(&w, csync->flags);
	if (len > 0) {
		ms_write_u8(&w, 0);
		ms_write_u8(&w, len);
		ms_write_bytes(&w, bits, len);
	}
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}
