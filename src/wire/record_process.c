/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/record.h"

#include <string.h>

#include "wire/record_parts.h"

#define RECORD_VERSION 1

int ms_rec_process_encode(const ms_rec_process_t *rec, uint8_t *buf, size_t max)
{
	if (rec->order_count > MS_ORDERS_MAX) {
		return KNOT_EINVAL;
	}
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_u8(&w, rec->member);
	ms_write_u8(&w, rec->kind);
	ms_write_u8(&w, rec->step);
	ms_write_u8(&w, rec->asked);
	ms_write_name(&w, rec->subject);
	ms_write_u64(&w, rec->noted);
	ms_write_u64(&w, rec->noted_wall);
	ms_write_u64(&w, rec->noted_mono);
	ms_write_u64(&w, rec->entered);
	for (unsigned i = 0; i < MS_FACTS_MAX; i++) {
		ms_write_u64(&w, rec->fact[i].since);
		ms_write_bytes(&w, rec->fact[i].of.octets, MS_DIGEST_LEN);
	}
	for (unsigned i = 0; i < MS_TTLS_MAX; i++) {
		ms_write_u32(&w, rec->ttl[i].ttl);
		ms_write_u64(&w, rec->ttl[i].until);
	}
	ms_write_u32(&w, rec->term);
	ms_write_name(&w, rec->leader);
	ms_write_u8(&w, rec->order_count);
	for (unsigned i = 0; i < rec->order_count; i++) {
		ms_write_u64(&w, rec->order[i]);
	}
	return ms_rec_done_writing(&w);
}

static void read_seen(ms_reader_t *r, ms_rec_process_t *rec)
{
	for (unsigned i = 0; i < MS_FACTS_MAX; i++) {
		rec->fact[i].since = ms_read_u64(r);
		ms_rec_read_into(r, rec->fact[i].of.octets, MS_DIGEST_LEN);
	}
	for (unsigned i = 0; i < MS_TTLS_MAX; i++) {
		rec->ttl[i].ttl = ms_read_u32(r);
		rec->ttl[i].until = ms_read_u64(r);
	}
}

static int read_orders(ms_reader_t *r, ms_rec_process_t *rec)
{
	rec->order_count = ms_read_u8(r);
	if (rec->order_count > MS_ORDERS_MAX) {
		return KNOT_EMALF;
	}
	for (unsigned i = 0; i < rec->order_count; i++) {
		rec->order[i] = ms_read_u64(r);
	}
	return ms_rec_done_reading(r);
}

int ms_rec_process_decode(const uint8_t *data, size_t len, ms_rec_process_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rec_process_t rec;
	memset(&rec, 0, sizeof(rec));
	rec.member = ms_read_u8(&r);
	rec.kind = ms_read_u8(&r);
	rec.step = ms_read_u8(&r);
	rec.asked = ms_read_u8(&r);
	ms_rec_read_name_into(&r, rec.subject);
	rec.noted = ms_read_u64(&r);
	rec.noted_wall = ms_read_u64(&r);
	rec.noted_mono = ms_read_u64(&r);
	rec.entered = ms_read_u64(&r);
	read_seen(&r, &rec);
	rec.term = ms_read_u32(&r);
	ms_rec_read_name_into(&r, rec.leader);
	ret = read_orders(&r, &rec);
	if (ret == KNOT_EOK) {
		*out = rec;
	}
	return ret;
}
