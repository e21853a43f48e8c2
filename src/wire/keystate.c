/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/keystate.h"

#include "base/cursor.h"

static void take_text(ms_reader_t *r, char text[MS_KEYSTATE_TEXT_MAX + 1])
{
	size_t len = ms_reader_left(r);
	len = len < MS_KEYSTATE_TEXT_MAX ? len : MS_KEYSTATE_TEXT_MAX;
	const uint8_t *from = ms_read_bytes(r, len);
	for (size_t i = 0; i < len; i++) {
		text[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	}
	text[len] = '\0';
}

int ms_keystate_decode(const uint8_t *data, size_t len, bool short_form, ms_keystate_t *out)
{
	ms_reader_t r = ms_reader(data, len);
	ms_keystate_t state = { .key_id = ms_read_u16(&r) };
	state.state = ms_read_u8(&r);
	if (!short_form || len > 3) {
		state.data = ms_read_u8(&r);
	}
	if (r.ret != KNOT_EOK) {
		return KNOT_EMALF;
	}
	take_text(&r, state.text);
	*out = state;
	return KNOT_EOK;
}

int ms_keystate_encode(const ms_keystate_t *state, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u16(&w, state->key_id);
	ms_write_u8(&w, state->state);
	ms_write_u8(&w, state->data);
	ms_write_bytes(&w, state->text, strnlen(state->text, MS_KEYSTATE_TEXT_MAX));
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

const char *ms_keystate_name(uint8_t state)
{
	static const char *const names[] = {
		[MS_KEYSTATE_MALFORMED] = "malformed request",
		[MS_KEYSTATE_TEMPORARY] = "temporary failure",
		[MS_KEYSTATE_INQUIRY] = "inquiry",
		[MS_KEYSTATE_TRUSTED] = "trusted",
		[MS_KEYSTATE_UNKNOWN] = "unknown",
		[MS_KEYSTATE_INVALID] = "invalid",
		[MS_KEYSTATE_REFUSED] = "refused",
		[MS_KEYSTATE_FAILED] = "validation failed",
		[MS_KEYSTATE_AUTO] = "automatic bootstrap ongoing",
		[MS_KEYSTATE_MANUAL] = "manual bootstrap required",
		[MS_KEYSTATE_MANUAL_OLD] = "manual bootstrap required",
	};
	return state < sizeof(names) / sizeof(names[0]) && names[state] != NULL ? names[state]
	                                                                       : "unassigned";
}
