/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/bootstrap.h"

#include <string.h>

#include "base/cursor.h"

static const struct {
	unsigned bit;
	const char *word;
} words[] = {
	{ MS_BOOTSTRAP_APEX, "at-apex" },
	{ MS_BOOTSTRAP_NS, "at-ns" },
	{ MS_BOOTSTRAP_UNSIGNED, "unsigned" },
	{ MS_BOOTSTRAP_MANUAL, "manual" },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

int ms_bootstrap_encode(unsigned ways, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	for (size_t i = 0; i < WORDS; i++) {
		if ((ways & words[i].bit) != 0) {
			if (ms_writer_len(&w) > 0) {
				ms_write_u8(&w, ',');
			}
			ms_write_bytes(&w, words[i].word, strlen(words[i].word));
		}
	}
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

static unsigned bit_of(const uint8_t *word, size_t len)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0) {
			return words[i].bit;
		}
	}
	return 0;
}

unsigned ms_bootstrap_decode(const uint8_t *value, size_t len)
{
	unsigned ways = 0;
	size_t start = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || value[i] == ',') {
			ways |= bit_of(value + start, i - start);
			start = i + 1;
		}
	}
	return ways;
}

int ms_bootstrap_of_svcb(const uint8_t *rdata, size_t len, uint16_t param, bool alias_too,
                         unsigned *ways)
{
	ms_reader_t r = ms_reader(rdata, len);
	uint16_t priority = ms_read_u16(&r);
	(void)ms_read_name(&r);
	int32_t last = -1;
	while (ms_reader_left(&r) > 0) {
		uint16_t key = ms_read_u16(&r);
		uint16_t size = ms_read_u16(&r);
		const uint8_t *value = ms_read_bytes(&r, size);
		if (r.ret != KNOT_EOK || key <= last) {
			return KNOT_EMALF;
		}
		last = key;
		if (key == param && (priority > 0 || alias_too)) {
			*ways = ms_bootstrap_decode(value, size);
			return KNOT_EOK;
		}
	}
	return r.ret == KNOT_EOK ? KNOT_ENOENT : KNOT_EMALF;
}
