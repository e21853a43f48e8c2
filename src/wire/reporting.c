/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/reporting.h"

#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/cursor.h"
#include "base/name.h"

static const uint8_t mark[] = "\x03" "_er";
#define MARK_LEN 4

int ms_report_channel_decode(const uint8_t *data, size_t len, knot_dname_storage_t agent)
{
	ms_reader_t r = ms_reader(data, len);
	const knot_dname_t *name = ms_read_name(&r);
	if (r.ret != KNOT_EOK || ms_reader_left(&r) > 0 || name[0] == '\0') {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(agent, name);
	return KNOT_EOK;
}

int ms_report_channel_encode(const knot_dname_t *agent, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_name(&w, agent);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

static void write_number(ms_writer_t *w, uint16_t number)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "%u", number);
	ms_write_u8(w, len);
	ms_write_bytes(w, text, len);
}

int ms_report_name(uint16_t qtype, const knot_dname_t *qname, uint16_t code,
                   const knot_dname_t *agent, knot_dname_storage_t out)
{
	knot_dname_storage_t name;
	ms_writer_t w = ms_writer(name, sizeof(name));
	ms_write_bytes(&w, mark, MARK_LEN);
	write_number(&w, qtype);
	ms_write_bytes(&w, qname, knot_dname_size(qname) - 1);
	write_number(&w, code);
	ms_write_bytes(&w, mark, MARK_LEN);
	ms_write_name(&w, agent);
	if (w.ret != KNOT_EOK) {
		return KNOT_ESPACE;
	}
	ms_name_copy_lower(out, name);
	return KNOT_EOK;
}

/* Decimal without leading zeros. */
static int read_number(const uint8_t *at, uint16_t *out)
{
	uint32_t number = 0;
	if (at[0] == 0 || at[0] > 5 || (at[0] > 1 && at[1] == '0')) {
		return KNOT_EMALF;
	}
	for (uint8_t i = 1; i <= at[0]; i++) {
		if (at[i] < '0' || at[i] > '9') {
			return KNOT_EMALF;
		}
		number = number * 10 + at[i] - '0';
	}
	if (number > UINT16_MAX) {
		return KNOT_EMALF;
	}
	*out = number;
	return KNOT_EOK;
}

int ms_report_parse(const knot_dname_t *name, const knot_dname_t *agent, uint16_t *qtype,
                    knot_dname_storage_t qname, uint16_t *code)
{
	int labels = knot_dname_in_bailiwick(name, agent);
	if (labels < 0) {
		return KNOT_EOUTOFZONE;
	}
	/* _er QTYPE … CODE _er */
	if (labels < 4 || !ms_label_equal(name, mark)) {
		return KNOT_EMALF;
	}
	const uint8_t *at = ms_compat_next_label(name);
	uint16_t type, number;
	int ret = read_number(at, &type);
	at = ms_compat_next_label(at);
	knot_dname_storage_t asked;
	ms_writer_t w = ms_writer(asked, sizeof(asked));
	for (int i = 0; i < labels - 4; i++, at = ms_compat_next_label(at)) {
		ms_write_bytes(&w, at, 1 + at[0]);
	}
	ms_write_u8(&w, 0);
	if (ret == KNOT_EOK) {
		ret = read_number(at, &number);
	}
	at = ms_compat_next_label(at);
	if (ret != KNOT_EOK || w.ret != KNOT_EOK || !ms_label_equal(at, mark)) {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(qname, asked);
	*qtype = type;
	*code = number;
	return KNOT_EOK;
}
