/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include "wire/message.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static bool same(const ms_msg_t *a, const ms_msg_t *b)
{
	return a->kind == b->kind && a->response == b->response && a->aa == b->aa &&
	       a->id == b->id && a->rcode == b->rcode && a->ede == b->ede &&
	       a->qtype == b->qtype && a->edns == b->edns && a->has_option == b->has_option &&
	       a->option.body_len == b->option.body_len && a->answer.ttl == b->answer.ttl &&
	       knot_dname_is_equal(a->qname, b->qname) && !strcmp(a->ede_text, b->ede_text) &&
	       !memcmp(a->body, b->body, a->option.body_len) &&
	       ms_rrset_equal(&a->answer, &b->answer) &&
	       ms_contribution_equal(&a->update, &b->update);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ms_codes_t codes = { .option_code = 65006, .hsync_type = 65282 };
	static ms_msg_t a, b;
	static uint8_t wire[MS_MESSAGE_MAX];
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	(void)ms_message_is_ours(data, size, codes.option_code);
	int len = ms_message_parse(data, size, &codes, &a, &rcode, reason) == KNOT_EOK
	        ? ms_message_build(&a, &codes, wire, sizeof(wire)) : KNOT_ESPACE;
	/* What was compressed may not fit when it is not. */
	bool fits = len != KNOT_ESPACE;
	if (fits && ms_message_parse(wire, len, &codes, &b, &rcode, reason) != KNOT_EOK) {
		__builtin_trap();
	}
	if (fits && a.tc == b.tc && !same(&a, &b)) {
		__builtin_trap();
	}
	return 0;
}
