/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Option and state body: what decodes, encodes to what decodes to the same. */
#include <stdint.h>
#include <string.h>

#include <libknot/errcode.h>

#include "wire/msopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[65536 + 4], body[MS_STATE_BODY_MAX];
	static ms_state_t state, again;
	ms_msopt_t opt, same;
	if (size > UINT16_MAX || ms_msopt_decode(data, size, &opt) == KNOT_EMALF) {
		return 0;
	}
	int len = ms_msopt_encode(&opt, buf, sizeof(buf));
	if (len < 4 || ms_msopt_decode(buf, len, &same) == KNOT_EMALF ||
	    same.operation != opt.operation || same.transport != opt.transport ||
	    same.sync != opt.sync || same.body_len != opt.body_len ||
	    (opt.body_len > 0 && memcmp(same.body, opt.body, opt.body_len) != 0)) {
		__builtin_trap();
	}
	if (ms_state_decode(opt.body, opt.body_len, &state) == KNOT_EOK) {
		len = ms_state_encode(&state, body, sizeof(body));
		if (len <= 0 || ms_state_decode(body, len, &again) != KNOT_EOK ||
		    memcmp(&state, &again, sizeof(state)) != 0) {
			__builtin_trap();
		}
	}
	return 0;
}
