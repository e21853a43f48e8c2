/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/admit.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/cursor.h"
#include "base/text.h"
#include "core/replay.h"

#define EDE_NONE              (-1)
#define EDE_SIGNATURE_EXPIRED 7
#define EDE_SIGNATURE_EARLY   8
#define EDE_PROHIBITED        18

static int reject(ms_admission_t *out, ms_admit_verdict_t verdict, uint16_t rcode, int ede,
                  const char *reason)
{
	out->verdict = verdict;
	out->rcode = rcode;
	out->ede = ede;
	ms_text_copy(out->reason, reason, sizeof(out->reason));
	return KNOT_EOK;
}

/* The zone in the question, lower case; compressed or missing names are malformed. */
static bool read_zone(const uint8_t *wire, size_t len, knot_dname_storage_t zone)
{
	if (len < KNOT_WIRE_HEADER_SIZE || knot_wire_get_qdcount(wire) != 1) {
		return false;
	}
	ms_reader_t r = ms_reader(wire + KNOT_WIRE_HEADER_SIZE, len - KNOT_WIRE_HEADER_SIZE);
	const knot_dname_t *name = ms_read_name(&r);
	if (name == NULL) {
		return false;
	}
	ms_name_copy(zone, name);
	knot_dname_to_lower(zone);
	return true;
}

/* Rules 2 to 4: who says this, and may anything be done with it? No crypto up to here. */
static int find_signer(const ms_view_t *view, const knot_dname_t *zone_name,
                       const ms_sig0_info_t *sig, ms_wall_t now, ms_admission_t *out)
{
	const ms_view_zone_t *zone = ms_view_zone(view, zone_name);
	if (zone == NULL || !zone->shared) {
		return reject(out, MS_ADMIT_NOT_SHARED, KNOT_RCODE_REFUSED, EDE_PROHIBITED,
		              "the zone is not shared here");
	}
	const ms_view_peer_t *peer = ms_view_signer(view, zone, sig->signer);
	if (peer == NULL) {
		return reject(out, MS_ADMIT_STRANGER, KNOT_RCODE_REFUSED, EDE_PROHIBITED,
		              "the signer is not listed in the zone's HSYNC RRset");
	}
	if (peer->key_count == 0 || peer->expires <= now.s) {
		return reject(out, MS_ADMIT_NO_KEY, KNOT_RCODE_REFUSED, EDE_PROHIBITED,
		              "the signer's key is not validated (yet)");
	}
	out->peer = peer;
	return KNOT_EOK;
}

/* Rules 5 and 6. */
static int check_signature(const uint8_t *wire, size_t len, const ms_sig0_info_t *sig,
                           ms_wall_t now, ms_admission_t *out)
{
	ms_sig0_verdict_t time = ms_sig0_time(sig, now.s);
	if (time != MS_SIG0_OK) {
		return reject(out, MS_ADMIT_TIME, KNOT_RCODE_REFUSED,
		              time == MS_SIG0_EARLY ? EDE_SIGNATURE_EARLY : EDE_SIGNATURE_EXPIRED,
		              ms_sig0_verdict_text(time));
	}
	ms_sig0_verdict_t verdict = ms_sig0_verify(wire, len, sig, out->peer->key,
	                                           out->peer->key_count, NULL, 0, now.s);
	if (verdict != MS_SIG0_OK) {
		return reject(out, MS_ADMIT_SIGNATURE, KNOT_RCODE_REFUSED, EDE_PROHIBITED,
		              ms_sig0_verdict_text(verdict));
	}
	out->verified = true;
	return ms_replay_hash(wire, sig, out->hash);
}

/* Rule 7. */
static int check_content(const ms_view_t *view, const uint8_t *wire, size_t len,
                         ms_admission_t *out)
{
	char reason[MS_REASON_MAX + 1] = "";
	uint16_t rcode = KNOT_RCODE_SERVFAIL;
	out->msg = ms_msg_new(MS_MSG_NOTIFY, (const knot_dname_t *)"", 0);
	if (out->msg == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = ms_message_parse(wire, len, &view->codes, out->msg, &rcode, reason);
	if (ret == KNOT_ENOMEM) {
		return ret;
	}
	if (ret != KNOT_EOK) {
		return reject(out, MS_ADMIT_CONTENT, rcode,
		              rcode == KNOT_RCODE_REFUSED ? EDE_PROHIBITED : EDE_NONE, reason);
	}
	/* NOTIFY without the option is an ordinary one and never gets here by way of the hook. */
	if (out->msg->response || out->msg->kind == MS_MSG_QUERY ||
	    (out->msg->kind == MS_MSG_NOTIFY && !out->msg->has_option)) {
		return reject(out, MS_ADMIT_CONTENT, KNOT_RCODE_FORMERR, EDE_NONE, "not an agent's message");
	}
	return KNOT_EOK;
}

int ms_admit(const ms_view_t *view, const uint8_t *wire, size_t len, ms_wall_t now,
             ms_admission_t *out)
{
	memset(out, 0, sizeof(*out));
	out->verdict = MS_ADMIT_ACCEPT;
	out->ede = EDE_NONE;

	ms_sig0_info_t sig;
	knot_dname_storage_t zone;
	if (!read_zone(wire, len, zone) || ms_sig0_find(wire, len, &sig) != KNOT_EOK) {
		return reject(out, MS_ADMIT_MALFORMED, KNOT_RCODE_FORMERR, EDE_NONE, "malformed message");
	}
	if (!sig.present) {
		return reject(out, MS_ADMIT_UNSIGNED, KNOT_RCODE_REFUSED, EDE_PROHIBITED, "not signed");
	}
	int ret = find_signer(view, zone, &sig, now, out);
	if (ret == KNOT_EOK && out->verdict == MS_ADMIT_ACCEPT) {
		ret = check_signature(wire, len, &sig, now, out);
	}
	if (ret == KNOT_EOK && out->verdict == MS_ADMIT_ACCEPT) {
		ret = check_content(view, wire, len, out);
	}
	return ret;
}

int ms_admit_answer(const ms_locator_t *peer, const knot_dname_t *identity,
                    const ms_codes_t *codes, const uint8_t *request, size_t request_len,
                    const uint8_t *wire, size_t len, ms_wall_t now, ms_msg_t **out)
{
	ms_sig0_info_t sig;
	if (len < KNOT_WIRE_HEADER_SIZE || request_len < KNOT_WIRE_HEADER_SIZE ||
	    knot_wire_get_id(wire) != knot_wire_get_id(request) || !knot_wire_get_qr(wire) ||
	    ms_sig0_find(wire, len, &sig) != KNOT_EOK || !sig.present) {
		return KNOT_EDENIED;
	}
	if (!knot_dname_is_equal(sig.signer, peer->host) &&
	    !knot_dname_is_equal(sig.signer, identity)) {
		return KNOT_EDENIED;
	}
	if (ms_sig0_verify(wire, len, &sig, peer->key, peer->key_count, request, request_len,
	                   now.s) != MS_SIG0_OK) {
		return KNOT_EDENIED;
	}
	char reason[MS_REASON_MAX + 1];
	uint16_t rcode;
	ms_msg_t *msg = ms_msg_new(MS_MSG_NOTIFY, (const knot_dname_t *)"", 0);
	int ret = msg != NULL ? ms_message_parse(wire, len, codes, msg, &rcode, reason) : KNOT_ENOMEM;
	if (ret != KNOT_EOK) {
		ms_msg_free(msg);
		return ret == KNOT_ENOMEM ? ret : KNOT_EMALF;
	}
	*out = msg;
	return KNOT_EOK;
}

const char *ms_admit_name(ms_admit_verdict_t verdict)
{
	static const char *const names[MS_ADMIT_VERDICTS] = {
		[MS_ADMIT_ACCEPT]     = "accepted",
		[MS_ADMIT_UNSIGNED]   = "unsigned",
		[MS_ADMIT_MALFORMED]  = "malformed",
		[MS_ADMIT_NOT_SHARED] = "not-shared",
		[MS_ADMIT_STRANGER]   = "stranger",
		[MS_ADMIT_NO_KEY]     = "no-key",
		[MS_ADMIT_TIME]       = "time",
		[MS_ADMIT_SIGNATURE]  = "signature",
		[MS_ADMIT_CONTENT]    = "content",
	};
	return names[verdict];
}
