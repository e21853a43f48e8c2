/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/dsync.h"

#include "base/compat.h"
#include "base/cursor.h"
#include "base/name.h"

static const uint8_t label[] = "\x06" "_dsync";
#define LABEL_LEN 7
/* Questions of a discovery: J-13. */
#define QUESTIONS_MAX 3

int ms_dsync_decode(const uint8_t *rdata, size_t len, ms_dsync_t *out)
{
	ms_reader_t r = ms_reader(rdata, len);
	ms_dsync_t dsync = { .rrtype = ms_read_u16(&r) };
	dsync.scheme = ms_read_u8(&r);
	dsync.port = ms_read_u16(&r);
	const knot_dname_t *target = ms_read_name(&r);
	if (r.ret != KNOT_EOK || ms_reader_left(&r) > 0) {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(dsync.target, target);
	*out = dsync;
	return KNOT_EOK;
}

int ms_dsync_encode(const ms_dsync_t *dsync, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u16(&w, dsync->rrtype);
	ms_write_u8(&w, dsync->scheme);
	ms_write_u16(&w, dsync->port);
	ms_write_name(&w, dsync->target);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

bool ms_dsync_fits(const ms_dsync_t *dsync, uint16_t rrtype, uint8_t scheme)
{
	return scheme != 0 && dsync->scheme == scheme && dsync->port != 0 &&
	       dsync->rrtype == rrtype && dsync->target[0] != '\0';
}

/* The first \a below labels of \a child, `_dsync`, then \a parent. */
static int build(const knot_dname_t *child, size_t below, const knot_dname_t *parent,
                 knot_dname_storage_t out)
{
	knot_dname_storage_t name;
	ms_writer_t w = ms_writer(name, sizeof(name));
	for (size_t i = 0; i < below; i++) {
		ms_write_bytes(&w, child, 1 + child[0]);
		child = ms_compat_next_label(child);
	}
	ms_write_bytes(&w, label, LABEL_LEN);
	ms_write_name(&w, parent);
	if (w.ret != KNOT_EOK) {
		return KNOT_ESPACE;
	}
	ms_name_copy_lower(out, name);
	return KNOT_EOK;
}

int ms_dsync_owner(const knot_dname_t *child, const knot_dname_t *parent, knot_dname_storage_t out)
{
	int below = knot_dname_in_bailiwick(child, parent);
	return below >= 0 ? build(child, below, parent, out) : KNOT_EOUTOFZONE;
}

int ms_dsync_wildcard(const knot_dname_t *parent, knot_dname_storage_t out)
{
	return build((const knot_dname_t *)"\x01" "*", 1, parent, out);
}

/* Labels of \a name in front of `_dsync`; -1 where there is none. */
static int labels_before(const knot_dname_t *name)
{
	for (int i = 0; *name != '\0'; i++, name = ms_compat_next_label(name)) {
		if (ms_label_equal(name, label)) {
			return i;
		}
	}
	return -1;
}

int ms_dsync_next(const knot_dname_t *child, unsigned asked, const knot_dname_t *soa,
                  knot_dname_storage_t out)
{
	if (child[0] == '\0' || asked >= QUESTIONS_MAX) {
		return KNOT_ENOENT;
	}
	const knot_dname_t *first = ms_compat_next_label(child);
	if (asked == 0) {
		return build(child, 1, first, out);
	}
	int before = labels_before(out);
	if (before <= 0) {
		return KNOT_ENOENT;
	}
	/* 3a: the parent is further up than the first question supposed. `_dsync` may be a zone of its
	 * own (section 3), and then its SOA tells nothing about the parent's. */
	int below = soa != NULL ? knot_dname_in_bailiwick(child, soa) : -1;
	if (asked == 1 && below > 1) {
		return build(child, below, soa, out);
	}
	/* 3b: without the labels in front of `_dsync`. */
	const knot_dname_t *rest = out;
	while (before-- > 0) {
		rest = ms_compat_next_label(rest);
	}
	knot_dname_storage_t name;
	ms_name_copy(name, rest);
	ms_name_copy(out, name);
	return KNOT_EOK;
}
