/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers: bare ones, why not, and what is known of a key. */
#include <string.h>

#include <libknot/libknot.h>

#include "base/text.h"
#include "receiver/engine.h"

/* What to say about a key (M-29..M-36, X-33): only to who asked, and only signed. */
static bool add_keystate(ms_envelope_t *reply, const ms_envelope_t *request,
                         const ms_trust_t *trust)
{
	static const ms_trust_t nothing;
	if (!request->has_keystate) {
		return false;
	}
	const ms_keystate_t *asked = &request->keystate;
	trust = trust != NULL ? trust : &nothing;
	reply->has_keystate = true;
	reply->keystate = (ms_keystate_t){ .key_id = asked->key_id };
	/* 0 and 1 come with uploads of older drafts: they are answered like an inquiry there. */
	bool good = !request->bad_keystate &&
	            (asked->state == MS_KEYSTATE_INQUIRY ||
	             (request->opcode == KNOT_OPCODE_UPDATE && asked->state <= MS_KEYSTATE_REQ_MANUAL));
	reply->keystate.state = good ? ms_trust_keystate(trust, asked->key_id)
	                             : MS_KEYSTATE_MALFORMED;
	return true;
}

/* Askers compare the question octet by octet. */
static void restore_case(uint8_t *out, size_t len, const uint8_t *request, size_t request_len)
{
	const size_t at = KNOT_WIRE_HEADER_SIZE;
	if (request_len > at && len > at && knot_wire_get_qdcount(out) == 1 &&
	    knot_dname_wire_check(request + at, request + request_len, NULL) > 0 &&
	    knot_dname_is_case_equal(request + at, out + at)) {
		memcpy(out + at, request + at, knot_dname_size(request + at));
	}
}

int ms_answer_build(const ms_envelope_t *request, const ms_rx_setup_t *setup, uint16_t rcode,
                    int32_t ede, const char *text, const ms_trust_t *trust, bool sign,
                    const uint8_t *wire, size_t len, int64_t now, uint8_t *out, size_t max)
{
	ms_envelope_t reply;
	ms_envelope_reply(&reply, request, rcode);
	/* Without EDNS there is no RCODE above 15, no reason and no option (M-06, X-37). */
	if (!request->edns && rcode > 15) {
		reply.rcode = KNOT_RCODE_REFUSED;
	}
	if (request->edns && ede >= 0) {
		reply.ede = ede;
		ms_text_copy(reply.ede_text, text, sizeof(reply.ede_text));
	}
	sign = (sign && add_keystate(&reply, request, trust)) || sign;
	size_t room = sign ? MS_SIG0_MAX : 0;
	if (max <= room) {
		return KNOT_ESPACE;
	}
	int made = ms_envelope_build(&reply, setup->settings.keystate_code, NULL, 0, 0, out,
	                             max - room);
	if (made == KNOT_ESPACE) {
		/* The code counts; the reason is a courtesy. */
		reply.ede = -1;
		made = ms_envelope_build(&reply, setup->settings.keystate_code, NULL, 0, 0, out,
		                         max - room);
	}
	if (made <= 0) {
		return made;
	}
	restore_case(out, made, wire, len);
	return sign ? ms_sig0_sign(&setup->key, out, made, max, wire, len, now) : made;
}

void ms_answer_send(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *request,
                    uint16_t rcode, const ms_verdict_t *why, const ms_trust_t *trust,
                    ms_now_t now)
{
	/* EXTRA-TEXT of those who signed: strangers get no longer answer than question (P-10). */
	bool sign = request->sig.present;
	int32_t ede = why != NULL ? why->ede : -1;
	int len = ms_answer_build(request, rx->setup, rcode, ede, why != NULL && sign ? why->text : "",
	                          trust, sign, waiter->request, waiter->request_len, now.wall.s, rx->out,
	                          waiter->max < sizeof(rx->out) ? waiter->max : sizeof(rx->out));
	if (len > 0 && ms_time_diff(waiter->since, now.mono) < MS_RX_AGE) {
		(void)ms_waiter_send(waiter, rx->out, len);
	}
	ms_waiter_free(waiter);
}

/* Signed by whom does not matter: the state of a key is no secret, and a child whose key nobody knows
 * asks, too. The answer is signed in any case (M-25). */
void ms_inquiry_receive(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *e,
                        ms_now_t now)
{
	const ms_cut_t *cut = ms_cuts_find(rx, e->qname);
	ms_rx_count(rx, MS_RX_CTR_INQUIRY);
	int len = ms_answer_build(e, rx->setup, KNOT_RCODE_NOERROR, -1, "",
	                          cut != NULL ? &cut->row.trust : NULL, true, waiter->request,
	                          waiter->request_len, now.wall.s, rx->out,
	                          waiter->max < sizeof(rx->out) ? waiter->max : sizeof(rx->out));
	if (len > 0) {
		(void)ms_waiter_send(waiter, rx->out, len);
	}
	ms_waiter_free(waiter);
}
