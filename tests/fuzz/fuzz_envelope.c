/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between child and parent: what parses, builds to what parses to the same. */
#include <stdint.h>
#include <string.h>

#include <libknot/libknot.h>

#include "wire/deltas.h"
#include "wire/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t body[UINT16_MAX * 2], wire[UINT16_MAX * 3];
	ms_envelope_t one, two;
	ms_deltas_t first = { 0 }, second = { 0 };
	if (size > UINT16_MAX || ms_envelope_parse(data, size, MS_KEYSTATE_CODE, &one) != KNOT_EOK ||
	    ms_deltas_parse(data, size, &first) != KNOT_EOK || one.qdcount != 1) {
		ms_deltas_clear(&first);
		return 0;
	}
	int len = ms_deltas_build(&first, body, sizeof(body));
	len = ms_envelope_build(&one, MS_KEYSTATE_CODE, body, len, first.count, wire, sizeof(wire));
	if (len <= 0) {
		__builtin_trap();
	}
	if (len <= UINT16_MAX) {
		if (ms_envelope_parse(wire, len, MS_KEYSTATE_CODE, &two) != KNOT_EOK ||
		    ms_deltas_parse(wire, len, &second) != KNOT_EOK || second.count != first.count ||
		    !knot_dname_is_equal(one.qname, two.qname) || one.qtype != two.qtype ||
		    one.has_channel != two.has_channel || one.has_keystate != two.has_keystate) {
			__builtin_trap();
		}
	}
	ms_deltas_clear(&first);
	ms_deltas_clear(&second);
	return 0;
}
