/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Bounded reader and writer over octets, with a sticky error: read or write a run of fields,
 * then look at \a ret once. Network byte order. Nothing here allocates.
 *
 * After an error every read returns zero (or NULL) and every write does nothing.
 * Errors: KNOT_EMALF (reader ran over the end, or a bad name), KNOT_ESPACE (writer is full).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libknot/dname.h>
#include <libknot/errcode.h>
#include <libknot/wire.h>

typedef struct {
	const uint8_t *pos;
	const uint8_t *end;
	int ret; /*!< KNOT_EOK or the first error. */
} ms_reader_t;

typedef struct {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	int ret; /*!< KNOT_EOK or the first error. */
} ms_writer_t;

static inline ms_reader_t ms_reader(const uint8_t *data, size_t len)
{
	/* NULL stands for "nothing", and C knows no NULL + 0. */
	return (ms_reader_t){ .pos = data, .end = len > 0 ? data + len : data };
}

static inline size_t ms_reader_left(const ms_reader_t *r)
{
	return r->ret == KNOT_EOK ? (size_t)(r->end - r->pos) : 0;
}

/*! Borrows \a len octets of the input; NULL on error. */
static inline const uint8_t *ms_read_bytes(ms_reader_t *r, size_t len)
{
	if (r->ret != KNOT_EOK || (size_t)(r->end - r->pos) < len) {
		r->ret = KNOT_EMALF;
		return NULL;
	}
	const uint8_t *at = r->pos;
	r->pos = len > 0 ? at + len : at;
	return at;
}

static inline uint8_t ms_read_u8(ms_reader_t *r)
{
	const uint8_t *at = ms_read_bytes(r, 1);
	return at != NULL ? *at : 0;
}

static inline uint16_t ms_read_u16(ms_reader_t *r)
{
	const uint8_t *at = ms_read_bytes(r, 2);
	return at != NULL ? knot_wire_read_u16(at) : 0;
}

static inline uint32_t ms_read_u32(ms_reader_t *r)
{
	const uint8_t *at = ms_read_bytes(r, 4);
	return at != NULL ? knot_wire_read_u32(at) : 0;
}

static inline uint64_t ms_read_u64(ms_reader_t *r)
{
	const uint8_t *at = ms_read_bytes(r, 8);
	return at != NULL ? knot_wire_read_u64(at) : 0;
}

/*! Borrows an uncompressed name of the input; NULL on error (a pointer label is one). */
static inline const knot_dname_t *ms_read_name(ms_reader_t *r)
{
	int len = r->ret == KNOT_EOK && r->pos < r->end
	        ? knot_dname_wire_check(r->pos, r->end, NULL) : 0;
	if (len <= 0) {
		r->ret = KNOT_EMALF;
		return NULL;
	}
	return ms_read_bytes(r, len);
}

static inline ms_writer_t ms_writer(uint8_t *data, size_t len)
{
	return (ms_writer_t){ .start = data, .pos = data, .end = data + len };
}

/*! Octets written so far. */
static inline size_t ms_writer_len(const ms_writer_t *w)
{
	return w->pos - w->start;
}

/*! Claims \a len octets and returns where they begin; NULL on error. */
static inline uint8_t *ms_write_room(ms_writer_t *w, size_t len)
{
	if (w->ret != KNOT_EOK || (size_t)(w->end - w->pos) < len) {
		w->ret = KNOT_ESPACE;
		return NULL;
	}
	uint8_t *at = w->pos;
	w->pos += len;
	return at;
}

static inline void ms_write_bytes(ms_writer_t *w, const void *data, size_t len)
{
	uint8_t *at = ms_write_room(w, len);
	if (at != NULL && len > 0) {
		memcpy(at, data, len);
	}
}

static inline void ms_write_u8(ms_writer_t *w, uint8_t v)
{
	ms_write_bytes(w, &v, 1);
}

static inline void ms_write_u16(ms_writer_t *w, uint16_t v)
{
	uint8_t *at = ms_write_room(w, 2);
	if (at != NULL) {
		knot_wire_write_u16(at, v);
	}
}

static inline void ms_write_u32(ms_writer_t *w, uint32_t v)
{
	uint8_t *at = ms_write_room(w, 4);
	if (at != NULL) {
		knot_wire_write_u32(at, v);
	}
}

static inline void ms_write_u64(ms_writer_t *w, uint64_t v)
{
	uint8_t *at = ms_write_room(w, 8);
	if (at != NULL) {
		knot_wire_write_u64(at, v);
	}
}

static inline void ms_write_name(ms_writer_t *w, const knot_dname_t *name)
{
	ms_write_bytes(w, name, knot_dname_size(name));
}
