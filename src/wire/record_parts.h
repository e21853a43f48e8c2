/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the codecs of durable records have in common: the version in front, the end, and parts that
 * are read into fixed room.
 */
#pragma once

#include <libknot/errcode.h>

#include "base/cursor.h"
#include "base/name.h"

static inline ms_writer_t ms_rec_start_writing(uint8_t *buf, size_t max, uint8_t version)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, version);
	return w;
}

/*!
 * \param newest   Versions 1 up to this one are read.
 * \param version  The one it is; may be NULL.
 * \retval KNOT_EMALF    Empty.
 * \retval KNOT_ENOTSUP  Another version.
 */
static inline int ms_rec_start_reading(ms_reader_t *r, const uint8_t *data, size_t len,
                                       uint8_t newest, uint8_t *version)
{
	*r = ms_reader(data, len);
	uint8_t found = ms_read_u8(r);
	if (r->ret != KNOT_EOK) {
		return KNOT_EMALF;
	}
	if (found == 0 || found > newest) {
		return KNOT_ENOTSUP;
	}
	if (version != NULL) {
		*version = found;
	}
	return KNOT_EOK;
}

/*! \return Length in octets, or KNOT_ESPACE. */
static inline int ms_rec_done_writing(const ms_writer_t *w)
{
	return w->ret == KNOT_EOK ? (int)ms_writer_len(w) : w->ret;
}

/*! \retval KNOT_EMALF  Something is missing or left over. */
static inline int ms_rec_done_reading(const ms_reader_t *r)
{
	return r->ret == KNOT_EOK && ms_reader_left(r) == 0 ? KNOT_EOK : KNOT_EMALF;
}

static inline void ms_rec_read_name_into(ms_reader_t *r, knot_dname_storage_t out)
{
	const knot_dname_t *name = ms_read_name(r);
	if (name != NULL) {
		ms_name_copy(out, name);
	}
}

static inline void ms_rec_read_into(ms_reader_t *r, void *out, size_t len)
{
	const uint8_t *at = ms_read_bytes(r, len);
	if (at != NULL) {
		memcpy(out, at, len);
	}
}
