/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record of a child: what decodes, encodes to what decodes to the same. */
#include <stdint.h>
#include <string.h>

#include <libknot/libknot.h>

#include "parent/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[] = "D\x05" "child\x04" "test";
	static uint8_t buf[256 * 1024];
	ms_row_t one, two;
	/* The name too: whatever it is, it is read as a whole or not at all. */
	if (ms_row_decode(data, size, data, size, &one) == KNOT_EOK) {
		ms_row_clear(&one);
	}
	if (ms_row_decode(key, sizeof(key), data, size, &one) != KNOT_EOK) {
		return 0;
	}
	int len = ms_row_encode(&one, buf, sizeof(buf));
	if (len <= 0 || ms_row_decode(key, sizeof(key), buf, len, &two) != KNOT_EOK ||
	    one.trust.count != two.trust.count || one.todo != two.todo ||
	    memcmp(&one.memory, &two.memory, sizeof(one.memory)) != 0 ||
	    !ms_deleg_equal(&one.wanted, &two.wanted)) {
		__builtin_trap();
	}
	ms_row_clear(&one);
	ms_row_clear(&two);
	return 0;
}
