/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/msopt.h"

#include <string.h>

#include <libknot/errcode.h>

#include "base/name.h"
#include "base/cursor.h"

#define STATE_VERSION 1

typedef enum {
	ITEM_INTERVAL = 1,
	ITEM_SESSION  = 2,
	ITEM_PROCESS  = 3,
	ITEM_OWN      = 4,
	ITEM_APPLIED  = 5,
	ITEM_HELD     = 6,
	ITEM_REFUSED  = 7,
	ITEM_COMPONENT = 8,
	ITEM_MEMBER   = 9,
	ITEM_ELECTION = 10,
	ITEMS,
} item_t;

static void read_digest(ms_reader_t *r, ms_digest_t *out)
{
	const uint8_t *at = ms_read_bytes(r, MS_DIGEST_LEN);
	if (at != NULL) {
		memcpy(out->octets, at, MS_DIGEST_LEN);
	}
}

static int read_name(ms_reader_t *r, knot_dname_storage_t out)
{
	const knot_dname_t *name = ms_read_name(r);
	if (name == NULL) {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(out, name);
	return KNOT_EOK;
}

static int read_interval(ms_reader_t *r, ms_state_t *state)
{
	state->interval = ms_read_u32(r);
	return KNOT_EOK;
}

static int read_session(ms_reader_t *r, ms_state_t *state)
{
	state->session = ms_read_u64(r);
	return KNOT_EOK;
}

static int read_process(ms_reader_t *r, ms_state_t *state)
{
	state->has_process = true;
	state->process = ms_read_u8(r);
	state->step = ms_read_u8(r);
	/* Without a subject, as it was first defined: of nobody in particular. */
	return ms_reader_left(r) > 0 ? read_name(r, state->subject) : KNOT_EOK;
}

static int read_own(ms_reader_t *r, ms_state_t *state)
{
	state->has_own = true;
	read_digest(r, &state->own);
	return KNOT_EOK;
}

static int read_applied(ms_reader_t *r, ms_state_t *state)
{
	state->has_applied = true;
	read_digest(r, &state->applied);
	return KNOT_EOK;
}

static int read_held(ms_reader_t *r, ms_state_t *state)
{
	if (state->held_count == MS_PROVIDERS_MAX) {
		return KNOT_EMALF;
	}
	ms_held_t *held = &state->held[state->held_count++];
	read_digest(r, &held->digest);
	return read_name(r, held->origin);
}

static int read_refused(ms_reader_t *r, ms_state_t *state)
{
	if (state->refused_count == MS_REFUSED_MAX) {
		return KNOT_EMALF;
	}
	ms_refused_t *refused = &state->refused[state->refused_count++];
	refused->rrtype = ms_read_u16(r);
	read_digest(r, &refused->digest);
	size_t len = ms_reader_left(r);
	const uint8_t *text = ms_read_bytes(r, len);
	if (text == NULL || len > MS_REASON_MAX) {
		return KNOT_EMALF;
	}
	/* It ends up in logs, like the text of an EDE: printable ASCII only. */
	for (size_t i = 0; i < len; i++) {
		refused->reason[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	}
	refused->reason[len] = '\0';
	return KNOT_EOK;
}

static int read_component(ms_reader_t *r, ms_state_t *state)
{
	if (state->component_count == MS_COMPONENTS_MAX) {
		return KNOT_EMALF;
	}
	ms_component_t *component = &state->component[state->component_count++];
	component->type = ms_read_u16(r);
	component->ttl = ms_read_u32(r);
	const uint8_t *digest = ms_read_bytes(r, sizeof(component->digest));
	if (digest == NULL) {
		return KNOT_EMALF;
	}
	memcpy(component->digest, digest, sizeof(component->digest));
	return KNOT_EOK;
}

static int read_member(ms_reader_t *r, ms_state_t *state)
{
	if (state->member_count == MS_PROVIDERS_MAX) {
		return KNOT_EMALF;
	}
	return read_name(r, state->member[state->member_count++]);
}

static int read_election(ms_reader_t *r, ms_state_t *state)
{
	state->has_election = true;
	state->term = ms_read_u32(r);
	state->vote = ms_read_u32(r);
	return read_name(r, state->leader);
}

static const struct {
	int (*read)(ms_reader_t *r, ms_state_t *state);
	bool repeated;
} items[ITEMS] = {
	[ITEM_INTERVAL]  = { read_interval },
	[ITEM_SESSION]   = { read_session },
	[ITEM_PROCESS]   = { read_process },
	[ITEM_OWN]       = { read_own },
	[ITEM_APPLIED]   = { read_applied },
	[ITEM_HELD]      = { read_held, true },
	[ITEM_REFUSED]   = { read_refused, true },
	[ITEM_COMPONENT] = { read_component, true },
	[ITEM_MEMBER]    = { read_member, true },
	[ITEM_ELECTION]  = { read_election },
};

/* \param seen  Bits of the items that there were already. */
static int read_item(uint8_t item, ms_reader_t *r, uint32_t *seen, ms_state_t *state)
{
	if (item >= ITEMS || items[item].read == NULL) {
		return KNOT_EOK; /* Somebody newer says more. */
	}
	if (!items[item].repeated && (*seen & (1u << item))) {
		return KNOT_EMALF;
	}
	*seen |= 1u << item;
	int ret = items[item].read(r, state);
	return ret == KNOT_EOK && r->ret == KNOT_EOK && ms_reader_left(r) == 0 ? KNOT_EOK : KNOT_EMALF;
}

int ms_state_decode(const uint8_t *body, size_t len, ms_state_t *out)
{
	ms_reader_t r = ms_reader(body, len);
	ms_state_t state = { 0 };
	uint8_t version = ms_read_u8(&r);
	if (r.ret == KNOT_EOK && version != STATE_VERSION) {
		return KNOT_ENOTSUP;
	}
	uint32_t seen = 0;
	while (r.ret == KNOT_EOK && ms_reader_left(&r) > 0) {
		uint8_t item = ms_read_u8(&r);
		uint16_t item_len = ms_read_u16(&r);
		const uint8_t *value = ms_read_bytes(&r, item_len);
		if (value == NULL) {
			return KNOT_EMALF;
		}
		ms_reader_t part = ms_reader(value, item_len);
		if (read_item(item, &part, &seen, &state) != KNOT_EOK) {
			return KNOT_EMALF;
		}
	}
	if (r.ret != KNOT_EOK) {
		return KNOT_EMALF;
	}
	*out = state;
	return KNOT_EOK;
}

static void head(ms_writer_t *w, item_t item, uint16_t len)
{
	ms_write_u8(w, item);
	ms_write_u16(w, len);
}

static void write_digest(ms_writer_t *w, item_t item, const ms_digest_t *digest)
{
	head(w, item, MS_DIGEST_LEN);
	ms_write_bytes(w, digest->octets, MS_DIGEST_LEN);
}

static void write_lists(ms_writer_t *w, const ms_state_t *state)
{
	for (unsigned i = 0; i < state->held_count; i++) {
		const ms_held_t *held = &state->held[i];
		head(w, ITEM_HELD, MS_DIGEST_LEN + knot_dname_size(held->origin));
		ms_write_bytes(w, held->digest.octets, MS_DIGEST_LEN);
		ms_write_name(w, held->origin);
	}
	for (unsigned i = 0; i < state->refused_count; i++) {
		const ms_refused_t *refused = &state->refused[i];
		size_t len = strnlen(refused->reason, MS_REASON_MAX);
		head(w, ITEM_REFUSED, 2 + MS_DIGEST_LEN + len);
		ms_write_u16(w, refused->rrtype);
		ms_write_bytes(w, refused->digest.octets, MS_DIGEST_LEN);
		ms_write_bytes(w, refused->reason, len);
	}
}

static void write_components(ms_writer_t *w, const ms_state_t *state)
{
	for (unsigned i = 0; i < state->component_count; i++) {
		const ms_component_t *component = &state->component[i];
		head(w, ITEM_COMPONENT, 6 + sizeof(component->digest));
		ms_write_u16(w, component->type);
		ms_write_u32(w, component->ttl);
		ms_write_bytes(w, component->digest, sizeof(component->digest));
	}
}

static void write_process(ms_writer_t *w, const ms_state_t *state)
{
	head(w, ITEM_PROCESS, 2 + knot_dname_size(state->subject));
	ms_write_u8(w, state->process);
	ms_write_u8(w, state->step);
	ms_write_name(w, state->subject);
}

static void write_group(ms_writer_t *w, const ms_state_t *state)
{
	for (unsigned i = 0; i < state->member_count; i++) {
		head(w, ITEM_MEMBER, knot_dname_size(state->member[i]));
		ms_write_name(w, state->member[i]);
	}
	if (state->has_election) {
		head(w, ITEM_ELECTION, 8 + knot_dname_size(state->leader));
		ms_write_u32(w, state->term);
		ms_write_u32(w, state->vote);
		ms_write_name(w, state->leader);
	}
}

int ms_state_encode(const ms_state_t *state, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, STATE_VERSION);
	if (state->interval != 0) {
		head(&w, ITEM_INTERVAL, 4);
		ms_write_u32(&w, state->interval);
	}
	if (state->session != 0) {
		head(&w, ITEM_SESSION, 8);
		ms_write_u64(&w, state->session);
	}
	if (state->has_process) {
		write_process(&w, state);
	}
	if (state->has_own) {
		write_digest(&w, ITEM_OWN, &state->own);
	}
	if (state->has_applied) {
		write_digest(&w, ITEM_APPLIED, &state->applied);
	}
	write_lists(&w, state);
	write_components(&w, state);
	write_group(&w, state);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}
