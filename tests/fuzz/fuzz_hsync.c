/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What decodes, encodes to what decodes to the same; text likewise. */
#include <stdint.h>
#include <string.h>

#include <libknot/errcode.h>

#include "wire/hsync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ms_hsync_t first, again, read;
	uint8_t rdata[MS_HSYNC_RDATA_MAX];
	char text[MS_HSYNC_TEXT_MAX];
	for (ms_hsync_dialect_t dialect = MS_HSYNC_DRAFT; dialect <= MS_HSYNC_TDNS; dialect++) {
		if (ms_hsync_decode(data, size, dialect, &first) != KNOT_EOK) {
			continue;
		}
		int len = ms_hsync_encode(&first, rdata, sizeof(rdata));
		if (len <= 0 || ms_hsync_decode(rdata, len, MS_HSYNC_DRAFT, &again) != KNOT_EOK ||
		    memcmp(&first, &again, sizeof(first)) != 0 ||
		    ms_hsync_to_text(&first, text, sizeof(text)) <= 0 ||
		    ms_hsync_from_text(text, &read) != KNOT_EOK ||
		    memcmp(&first, &read, sizeof(first)) != 0) {
			__builtin_trap();
		}
	}
	return 0;
}
