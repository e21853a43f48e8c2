/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/hsync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libknot/errcode.h>

#include "base/name.h"
#include "base/cursor.h"

/* What isspace() takes in the C locale. */
#define BLANK " \t\n\v\f\r"
/* Longest token or number in text: ZONEOWNER is nine characters. */
#define TOKEN_MAX 15

typedef struct {
	const char *text;
	uint8_t value;
} token_t;

/* The first name of a value is the one that is written. */
static const token_t states[] = { { "ON", MS_HSYNC_ON }, { "OFF", MS_HSYNC_OFF }, { NULL, 0 } };
static const token_t nsmgmts[] = {
	{ "OWNER", MS_HSYNC_OWNER }, { "AGENT", MS_HSYNC_AGENT },
	{ "ZONEOWNER", MS_HSYNC_OWNER }, { "MSA", MS_HSYNC_AGENT }, { NULL, 0 },
};
static const token_t signs[] = {
	{ "SIGN", MS_HSYNC_SIGN }, { "NOSIGN", MS_HSYNC_NOSIGN },
	{ "YES", MS_HSYNC_SIGN }, { "NO", MS_HSYNC_NOSIGN }, { NULL, 0 },
};

static bool known(const token_t *tokens, uint8_t value)
{
	for (; tokens->text != NULL; tokens++) {
		if (tokens->value == value) {
			return true;
		}
	}
	return false;
}

static const char *token_of(const token_t *tokens, uint8_t value)
{
	for (; tokens->text != NULL; tokens++) {
		if (tokens->value == value) {
			return tokens->text;
		}
	}
	return NULL;
}

/* All three fields have a defined value. */
static int check(uint8_t state, uint8_t nsmgmt, uint8_t sign)
{
	return known(states, state) && known(nsmgmts, nsmgmt) && known(signs, sign)
	       ? KNOT_EOK : KNOT_ERANGE;
}

int ms_hsync_decode(const uint8_t *rdata, size_t len, ms_hsync_dialect_t dialect, ms_hsync_t *out)
{
	static const uint8_t none[] = { 0 };
	ms_reader_t r = ms_reader(rdata, len);
	uint8_t state = ms_read_u8(&r);
	uint8_t nsmgmt = ms_read_u8(&r);
	uint8_t sign = ms_read_u8(&r);
	const knot_dname_t *identity = ms_read_name(&r);
	const knot_dname_t *upstream = ms_reader_left(&r) > 0 ? ms_read_name(&r) : none;
	if (r.ret != KNOT_EOK || ms_reader_left(&r) > 0 || identity[0] == 0) {
		return KNOT_EMALF;
	}
	if (dialect == MS_HSYNC_TDNS) {
		state = state == 0 ? MS_HSYNC_OFF : state;
		sign = sign == 0 ? MS_HSYNC_NOSIGN : sign;
	}
	int ret = check(state, nsmgmt, sign);
	if (ret != KNOT_EOK) {
		return ret;
	}
	*out = (ms_hsync_t){ .state = state, .nsmgmt = nsmgmt, .sign = sign };
	ms_name_copy(out->identity, identity);
	ms_name_copy(out->upstream, upstream);
	knot_dname_to_lower(out->identity);
	knot_dname_to_lower(out->upstream);
	return KNOT_EOK;
}

int ms_hsync_encode(const ms_hsync_t *hsync, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, hsync->state);
	ms_write_u8(&w, hsync->nsmgmt);
	ms_write_u8(&w, hsync->sign);
	ms_write_name(&w, hsync->identity);
	ms_write_name(&w, hsync->upstream);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

/* A token or an integer; -1 where it is neither. */
static int parse_token(const token_t *tokens, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
		return number <= UINT8_MAX && known(tokens, number) ? (int)number : -1;
	}
	for (; tokens->text != NULL; tokens++) {
		if (strcasecmp(tokens->text, text) == 0) {
			return tokens->value;
		}
	}
	return -1;
}

/*
 * The next word; false where there is none. One that does not fit is longer than anything valid
 * and comes out empty, which no field takes.
 */
static bool next_word(const char **text, char *out, size_t size)
{
	const char *at = *text + strspn(*text, BLANK);
	size_t len = strcspn(at, BLANK);
	*text = at + len;
	size_t take = len < size ? len : 0;
	memcpy(out, at, take);
	out[take] = '\0';
	return len > 0;
}

static int parse_name(const char *text, knot_dname_storage_t out)
{
	if (knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)) == NULL) {
		return KNOT_EMALF;
	}
	knot_dname_to_lower(out);
	return KNOT_EOK;
}

int ms_hsync_from_text(const char *text, ms_hsync_t *out)
{
	char state_txt[TOKEN_MAX + 1], nsmgmt_txt[TOKEN_MAX + 1], sign_txt[TOKEN_MAX + 1];
	knot_dname_txt_storage_t identity, upstream;
	if (!next_word(&text, state_txt, sizeof(state_txt)) ||
	    !next_word(&text, nsmgmt_txt, sizeof(nsmgmt_txt)) ||
	    !next_word(&text, sign_txt, sizeof(sign_txt)) ||
	    !next_word(&text, identity, sizeof(identity))) {
		return KNOT_EMALF;
	}
	if (!next_word(&text, upstream, sizeof(upstream))) {
		strcpy(upstream, "."); /* four fields */
	}
	if (text[strspn(text, BLANK)] != '\0') {
		return KNOT_EMALF;
	}
	ms_hsync_t hsync = { 0 };
	int state = parse_token(states, state_txt);
	int nsmgmt = parse_token(nsmgmts, nsmgmt_txt);
	int sign = parse_token(signs, sign_txt);
	if (state < 0 || nsmgmt < 0 || sign < 0) {
		return KNOT_ERANGE;
	}
	int ret = parse_name(identity, hsync.identity);
	if (ret == KNOT_EOK) {
		ret = parse_name(upstream, hsync.upstream);
	}
	if (ret != KNOT_EOK || hsync.identity[0] == 0) {
		return KNOT_EMALF;
	}
	hsync.state = state;
	hsync.nsmgmt = nsmgmt;
	hsync.sign = sign;
	*out = hsync;
	return KNOT_EOK;
}

int ms_hsync_to_text(const ms_hsync_t *hsync, char *buf, size_t max)
{
	knot_dname_txt_storage_t identity, upstream;
	int ret = check(hsync->state, hsync->nsmgmt, hsync->sign);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (knot_dname_to_str(identity, hsync->identity, sizeof(identity)) == NULL ||
	    knot_dname_to_str(upstream, hsync->upstream, sizeof(upstream)) == NULL) {
		return KNOT_ESPACE;
	}
	int len = snprintf(buf, max, "%s %s %s %s %s", token_of(states, hsync->state),
	                   token_of(nsmgmts, hsync->nsmgmt), token_of(signs, hsync->sign), identity,
	                   upstream);
	return len > 0 && (size_t)len < max ? len : KNOT_ESPACE;
}
