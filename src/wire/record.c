/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/record.h"

#include <string.h>

#include <libknot/errcode.h>

#include "wire/record_parts.h"

/* Version of a value; raised per kind when its form changes. */
#define RECORD_VERSION 1
/* Since 2 it says whether the provider is a member. */
#define MEMBER_VERSION 2

/* Whether the key of a kind holds a first and a second name. */
static bool has_zone(uint8_t kind)
{
	return kind == MS_REC_PEER || kind == MS_REC_CONTRIBUTION || kind == MS_REC_HSYNC ||
	       kind == MS_REC_WRITTEN || kind == MS_REC_OWN || kind == MS_REC_MEMBER ||
	       kind == MS_REC_PROCESS || kind == MS_REC_OWNER;
}

static bool has_origin(uint8_t kind)
{
	return kind == MS_REC_CONTRIBUTION || kind == MS_REC_MEMBER;
}

int ms_rec_key_encode(const ms_rec_key_t *key, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, key->kind);
	if (has_zone(key->kind)) {
		ms_write_name(&w, key->zone);
	}
	if (has_origin(key->kind)) {
		ms_write_name(&w, key->origin);
	}
	if (key->kind == MS_REC_REPLAY) {
		ms_write_bytes(&w, key->hash, MS_SIG_HASH_LEN);
	}
	if (!has_zone(key->kind) && key->kind != MS_REC_REPLAY && key->kind != MS_REC_META) {
		return KNOT_EINVAL;
	}
	return ms_rec_done_writing(&w);
}

int ms_rec_key_decode(const uint8_t *data, size_t len, ms_rec_key_t *out)
{
	ms_reader_t r = ms_reader(data, len);
	ms_rec_key_t key = { .kind = ms_read_u8(&r) };
	if (has_zone(key.kind)) {
		ms_rec_read_name_into(&r, key.zone);
	} else if (key.kind != MS_REC_REPLAY && key.kind != MS_REC_META) {
		return r.ret == KNOT_EOK ? KNOT_ENOTSUP : KNOT_EMALF;
	}
	if (has_origin(key.kind)) {
		ms_rec_read_name_into(&r, key.origin);
	}
	if (key.kind == MS_REC_REPLAY) {
		ms_rec_read_into(&r, key.hash, MS_SIG_HASH_LEN);
	}
	int ret = ms_rec_done_reading(&r);
	if (ret == KNOT_EOK) {
		*out = key;
	}
	return ret;
}

int ms_rec_peer_encode(const ms_rec_peer_t *rec, uint8_t *buf, size_t max)
{
	const ms_locator_t *loc = &rec->locator;
	if (loc->addr_count > MS_ADDRS_MAX || loc->key_count > MS_KEYS_MAX) {
		return KNOT_EINVAL;
	}
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_u64(&w, loc->expires);
	ms_write_name(&w, loc->host);
	ms_write_u8(&w, loc->addr_count);
	for (unsigned i = 0; i < loc->addr_count; i++) {
		ms_write_u8(&w, loc->addr[i].family);
		ms_write_u16(&w, loc->addr[i].port);
		ms_write_bytes(&w, loc->addr[i].ip, sizeof(loc->addr[i].ip));
	}
	ms_write_u8(&w, loc->key_count);
	for (unsigned i = 0; i < loc->key_count; i++) {
		if (loc->key[i].len > MS_KEY_RDATA_MAX) {
			return KNOT_EINVAL;
		}
		ms_write_u16(&w, loc->key[i].len);
		ms_write_bytes(&w, loc->key[i].rdata, loc->key[i].len);
	}
	return ms_rec_done_writing(&w);
}

static void read_keys(ms_reader_t *r, ms_locator_t *loc)
{
	loc->key_count = ms_read_u8(r);
	if (loc->key_count > MS_KEYS_MAX) {
		r->ret = KNOT_EMALF;
	}
	for (unsigned i = 0; r->ret == KNOT_EOK && i < loc->key_count; i++) {
		loc->key[i].len = ms_read_u16(r);
		if (loc->key[i].len > MS_KEY_RDATA_MAX) {
			r->ret = KNOT_EMALF;
			return;
		}
		ms_rec_read_into(r, loc->key[i].rdata, loc->key[i].len);
	}
}

int ms_rec_peer_decode(const uint8_t *data, size_t len, ms_rec_peer_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_locator_t loc = { .expires = ms_read_u64(&r) };
	ms_rec_read_name_into(&r, loc.host);
	loc.addr_count = ms_read_u8(&r);
	if (loc.addr_count > MS_ADDRS_MAX) {
		return KNOT_EMALF;
	}
	for (unsigned i = 0; i < loc.addr_count; i++) {
		loc.addr[i].family = ms_read_u8(&r);
		loc.addr[i].port = ms_read_u16(&r);
		ms_rec_read_into(&r, loc.addr[i].ip, sizeof(loc.addr[i].ip));
	}
	read_keys(&r, &loc);
	ret = ms_rec_done_reading(&r);
	if (ret == KNOT_EOK) {
		out->locator = loc;
	}
	return ret;
}

static void write_rrset(ms_writer_t *w, const ms_rrset_t *set)
{
	ms_write_u32(w, set->ttl);
	ms_write_u16(w, set->rrs.count);
	const knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		ms_write_u16(w, rr->len);
		ms_write_bytes(w, rr->data, rr->len);
	}
}

static int read_rrset(ms_reader_t *r, ms_rrset_t *out)
{
	int ret = KNOT_EOK;
	out->ttl = ms_read_u32(r);
	uint16_t count = ms_read_u16(r);
	for (uint16_t i = 0; ret == KNOT_EOK && i < count; i++) {
		uint16_t len = ms_read_u16(r);
		const uint8_t *rdata = ms_read_bytes(r, len);
		ret = rdata != NULL ? ms_rrset_add(out, rdata, len) : KNOT_EMALF;
	}
	return ret;
}

static void write_contribution(ms_writer_t *w, const ms_contribution_t *data)
{
	ms_write_u32(w, data->stated);
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		write_rrset(w, &data->set[type]);
	}
}

static int read_contribution(ms_reader_t *r, ms_contribution_t *out)
{
	ms_contribution_t data = { .stated = ms_read_u32(r) };
	int ret = KNOT_EOK;
	for (unsigned type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		ret = read_rrset(r, &data.set[type]);
	}
	ret = ret == KNOT_EOK ? ms_rec_done_reading(r) : ret;
	if (ret != KNOT_EOK) {
		ms_contribution_clear(&data);
		return ret;
	}
	*out = data;
	return KNOT_EOK;
}

int ms_rec_contribution_encode(const ms_rec_contribution_t *rec, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_u32(&w, rec->inception);
	write_contribution(&w, &rec->data);
	return ms_rec_done_writing(&w);
}

int ms_rec_contribution_decode(const uint8_t *data, size_t len, ms_rec_contribution_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	uint32_t inception = ms_read_u32(&r);
	ms_contribution_t content;
	ret = read_contribution(&r, &content);
	if (ret == KNOT_EOK) {
		*out = (ms_rec_contribution_t){ inception, content };
	}
	return ret;
}

int ms_rec_written_encode(const ms_rec_written_t *rec, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	write_contribution(&w, &rec->data);
	return ms_rec_done_writing(&w);
}

int ms_rec_written_decode(const uint8_t *data, size_t len, ms_rec_written_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	return ret == KNOT_EOK ? read_contribution(&r, &out->data) : ret;
}

int ms_rec_hsync_encode(const ms_rec_hsync_t *rec, uint8_t *buf, size_t max)
{
	if (rec->count > MS_PROVIDERS_MAX) {
		return KNOT_EINVAL;
	}
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_u8(&w, rec->count);
	for (unsigned i = 0; i < rec->count; i++) {
		uint8_t rdata[MS_HSYNC_RDATA_MAX];
		int len = ms_hsync_encode(&rec->hsync[i], rdata, sizeof(rdata));
		if (len < 0) {
			return len;
		}
		ms_write_u16(&w, len);
		ms_write_bytes(&w, rdata, len);
	}
	return ms_rec_done_writing(&w);
}

int ms_rec_hsync_decode(const uint8_t *data, size_t len, ms_rec_hsync_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rec_hsync_t rec = { .count = ms_read_u8(&r) };
	if (r.ret != KNOT_EOK || rec.count > MS_PROVIDERS_MAX) {
		return KNOT_EMALF;
	}
	for (unsigned i = 0; i < rec.count; i++) {
		uint16_t rdata_len = ms_read_u16(&r);
		const uint8_t *rdata = ms_read_bytes(&r, rdata_len);
		if (rdata == NULL ||
		    ms_hsync_decode(rdata, rdata_len, MS_HSYNC_DRAFT, &rec.hsync[i]) != KNOT_EOK) {
			return KNOT_EMALF;
		}
	}
	ret = ms_rec_done_reading(&r);
	if (ret == KNOT_EOK) {
		*out = rec;
	}
	return ret;
}

int ms_rec_own_encode(const ms_rec_own_t *rec, uint8_t *buf, size_t max)
{
	if (rec->count > MS_OWN_KEYS_MAX) {
		return KNOT_EINVAL;
	}
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_bytes(&w, rec->dnskey.octets, MS_DIGEST_LEN);
	ms_write_u8(&w, rec->count);
	for (unsigned i = 0; i < rec->count; i++) {
		ms_write_bytes(&w, rec->keyid[i], MS_KEYID_LEN);
	}
	return ms_rec_done_writing(&w);
}

int ms_rec_own_decode(const uint8_t *data, size_t len, ms_rec_own_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rec_own_t rec = { 0 };
	ms_rec_read_into(&r, rec.dnskey.octets, MS_DIGEST_LEN);
	rec.count = ms_read_u8(&r);
	if (rec.count > MS_OWN_KEYS_MAX) {
		return KNOT_EMALF;
	}
	for (unsigned i = 0; i < rec.count; i++) {
		ms_rec_read_into(&r, rec.keyid[i], MS_KEYID_LEN);
	}
	ret = ms_rec_done_reading(&r);
	if (ret == KNOT_EOK) {
		*out = rec;
	}
	return ret;
}

int ms_rec_replay_encode(const ms_rec_replay_t *rec, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_u32(&w, rec->expiration);
	ms_write_u16(&w, rec->rcode);
	return ms_rec_done_writing(&w);
}

int ms_rec_replay_decode(const uint8_t *data, size_t len, ms_rec_replay_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rec_replay_t rec;
	rec.expiration = ms_read_u32(&r);
	rec.rcode = ms_read_u16(&r);
	ret = ms_rec_done_reading(&r);
	if (ret == KNOT_EOK) {
		*out = rec;
	}
	return ret;
}

int ms_rec_member_encode(const ms_rec_member_t *rec, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_rec_start_writing(buf, max, MEMBER_VERSION);
	ms_write_u8(&w, rec->was_on);
	ms_write_u8(&w, rec->leaving);
	ms_write_u8(&w, rec->sign);
	ms_write_u8(&w, rec->member);
	return ms_rec_done_writing(&w);
}

int ms_rec_member_decode(const uint8_t *data, size_t len, ms_rec_member_t *out)
{
	ms_reader_t r;
	uint8_t version;
	int ret = ms_rec_start_reading(&r, data, len, MEMBER_VERSION, &version);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rec_member_t rec = { 0 };
	rec.was_on = ms_read_u8(&r);
	rec.leaving = ms_read_u8(&r);
	rec.sign = ms_read_u8(&r);
	/* Before there were processes, who was listed was in. */
	rec.member = version >= MEMBER_VERSION ? ms_read_u8(&r) : rec.was_on;
	ret = ms_rec_done_reading(&r);
	if (ret == KNOT_EOK) {
		*out = rec;
	}
	return ret;
}

int ms_rec_owner_encode(const ms_rec_owner_t *rec, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_rec_start_writing(buf, max, RECORD_VERSION);
	ms_write_u8(&w, rec->has_serial);
	ms_write_u32(&w, rec->serial);
	write_rrset(&w, &rec->ns);
	return ms_rec_done_writing(&w);
}

int ms_rec_owner_decode(const uint8_t *data, size_t len, ms_rec_owner_t *out)
{
	ms_reader_t r;
	int ret = ms_rec_start_reading(&r, data, len, RECORD_VERSION, NULL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rec_owner_t rec = { .has_serial = ms_read_u8(&r) != 0 };
	rec.serial = ms_read_u32(&r);
	ret = read_rrset(&r, &rec.ns);
	ret = ret == KNOT_EOK ? ms_rec_done_reading(&r) : ret;
	if (ret != KNOT_EOK) {
		ms_rrset_clear(&rec.ns);
		return ret;
	}
	*out = rec;
	return KNOT_EOK;
}
