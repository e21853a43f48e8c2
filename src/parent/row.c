/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/row.h"

#include <string.h>

#include <libknot/errcode.h>

#include "base/cursor.h"
#include "base/name.h"
#include "wire/sig0.h"

#define KIND 'D'
#define RECORD_VERSION 1

bool ms_row_empty(const ms_row_t *row)
{
	return row->trust.count == 0 && row->memory.count == 0 && !row->memory.wishing &&
	       row->inception == 0 && row->todo == MS_TODO_NONE;
}

void ms_row_clear(ms_row_t *row)
{
	ms_deleg_clear(&row->wanted);
	row->todo = MS_TODO_NONE;
}

int ms_row_key(const knot_dname_t *child, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, KIND);
	ms_write_name(&w, child);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

static void write_set(ms_writer_t *w, const ms_rrset_t *set)
{
	ms_write_u32(w, set->ttl);
	ms_write_u16(w, set->rrs.count);
	knot_rdata_t *rd = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rd = knot_rdataset_next(rd)) {
		ms_write_u16(w, rd->len);
		ms_write_bytes(w, rd->data, rd->len);
	}
}

static int read_set(ms_reader_t *r, ms_rrset_t *set)
{
	set->ttl = ms_read_u32(r);
	for (uint16_t count = ms_read_u16(r); count > 0 && r->ret == KNOT_EOK; count--) {
		uint16_t len = ms_read_u16(r);
		const uint8_t *rdata = ms_read_bytes(r, len);
		if (rdata != NULL && ms_rrset_add(set, rdata, len) != KNOT_EOK) {
			return KNOT_ENOMEM;
		}
	}
	return r->ret;
}

static void write_deleg(ms_writer_t *w, const ms_deleg_t *deleg)
{
	write_set(w, &deleg->ns);
	write_set(w, &deleg->ds);
	ms_write_u8(w, deleg->glue_count);
	for (uint8_t i = 0; i < deleg->glue_count; i++) {
		ms_write_name(w, deleg->glue[i].host);
		write_set(w, &deleg->glue[i].a);
		write_set(w, &deleg->glue[i].aaaa);
	}
}

static int read_deleg(ms_reader_t *r, ms_deleg_t *deleg)
{
	int ret = read_set(r, &deleg->ns);
	if (ret == KNOT_EOK) {
		ret = read_set(r, &deleg->ds);
	}
	for (uint8_t count = ms_read_u8(r); count > 0 && ret == KNOT_EOK; count--) {
		const knot_dname_t *host = ms_read_name(r);
		ms_glue_t *glue = host != NULL ? ms_deleg_glue(deleg, host, true) : NULL;
		ret = glue == NULL ? KNOT_EMALF : read_set(r, &glue->a);
		if (ret == KNOT_EOK) {
			ret = read_set(r, &glue->aaaa);
		}
	}
	return ret != KNOT_EOK ? ret : r->ret;
}

static void write_trust(ms_writer_t *w, const ms_trust_t *trust)
{
	ms_write_u8(w, trust->count);
	for (uint8_t i = 0; i < trust->count; i++) {
		const ms_trust_key_t *key = &trust->key[i];
		ms_write_u8(w, key->state);
		ms_write_u8(w, key->by);
		ms_write_u8(w, key->looks);
		ms_write_u64(w, key->since);
		ms_write_u16(w, key->rr.len);
		ms_write_bytes(w, key->rr.rdata, key->rr.len);
	}
}

static int read_trust(ms_reader_t *r, ms_trust_t *trust)
{
	uint8_t count = ms_read_u8(r);
	if (count > MS_TRUST_KEYS_MAX) {
		return KNOT_EMALF;
	}
	for (uint8_t i = 0; i < count; i++) {
		ms_trust_key_t *key = &trust->key[i];
		key->state = ms_read_u8(r);
		key->by = ms_read_u8(r);
		key->looks = ms_read_u8(r);
		key->since = ms_read_u64(r);
		key->rr.len = ms_read_u16(r);
		const uint8_t *rdata = ms_read_bytes(r, key->rr.len);
		if (rdata == NULL || key->rr.len > MS_KEY_RDATA_MAX || key->state >= MS_TRUST_STATES ||
		    !ms_key_usable(rdata, key->rr.len)) {
			return KNOT_EMALF;
		}
		memcpy(key->rr.rdata, rdata, key->rr.len);
		key->tag = ms_key_tag(rdata, key->rr.len);
	}
	trust->count = count;
	return r->ret;
}

static void write_memory(ms_writer_t *w, const ms_memory_t *memory)
{
	ms_write_u8(w, memory->count);
	for (uint8_t i = 0; i < memory->count; i++) {
		ms_write_u16(w, memory->applied[i].tag);
		ms_write_u32(w, memory->applied[i].inception);
	}
	ms_write_u8(w, memory->wishing);
	ms_write_u64(w, memory->since);
	ms_write_bytes(w, memory->wish.octets, MS_DIGEST_LEN);
}

static int read_memory(ms_reader_t *r, ms_memory_t *memory)
{
	uint8_t count = ms_read_u8(r);
	if (count > MS_MEMORY_KEYS_MAX) {
		return KNOT_EMALF;
	}
	for (uint8_t i = 0; i < count; i++) {
		memory->applied[i].tag = ms_read_u16(r);
		memory->applied[i].inception = ms_read_u32(r);
	}
	memory->count = count;
	memory->wishing = ms_read_u8(r) != 0;
	memory->since = ms_read_u64(r);
	const uint8_t *wish = ms_read_bytes(r, MS_DIGEST_LEN);
	if (wish != NULL) {
		memcpy(memory->wish.octets, wish, MS_DIGEST_LEN);
	}
	return r->ret;
}

int ms_row_encode(const ms_row_t *row, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, RECORD_VERSION);
	ms_write_name(&w, row->parent);
	write_trust(&w, &row->trust);
	write_memory(&w, &row->memory);
	ms_write_u32(&w, row->inception);
	ms_write_u8(&w, row->todo);
	if (row->todo != MS_TODO_NONE) {
		write_deleg(&w, &row->wanted);
	}
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

static int read_row(ms_reader_t *r, ms_row_t *row)
{
	const knot_dname_t *parent = ms_read_name(r);
	if (parent == NULL) {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(row->parent, parent);
	int ret = read_trust(r, &row->trust);
	if (ret == KNOT_EOK) {
		ret = read_memory(r, &row->memory);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	row->inception = ms_read_u32(r);
	row->todo = ms_read_u8(r);
	if (row->todo > MS_TODO_APPLY) {
		return KNOT_EMALF;
	}
	if (row->todo != MS_TODO_NONE) {
		ret = read_deleg(r, &row->wanted);
	}
	return ret != KNOT_EOK ? ret : ms_reader_left(r) > 0 ? KNOT_EMALF : r->ret;
}

int ms_row_decode(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                  ms_row_t *out)
{
	ms_reader_t name = ms_reader(key, key_len);
	uint8_t kind = ms_read_u8(&name);
	const knot_dname_t *child = ms_read_name(&name);
	if (name.ret != KNOT_EOK || kind != KIND || ms_reader_left(&name) > 0) {
		return KNOT_EMALF;
	}
	ms_reader_t r = ms_reader(data, len);
	if (ms_read_u8(&r) != RECORD_VERSION) {
		return r.ret == KNOT_EOK ? KNOT_ENOTSUP : KNOT_EMALF;
	}
	ms_row_t row = { 0 };
	ms_name_copy_lower(row.child, child);
	int ret = read_row(&r, &row);
	if (ret != KNOT_EOK) {
		ms_deleg_clear(&row.wanted);
		return ret;
	}
	*out = row;
	return KNOT_EOK;
}
