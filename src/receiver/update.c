/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UPDATE of a child: who is it, what may it, what becomes of it. */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "receiver/engine.h"

#define REFUSE(ede, text) ms_verdict(MS_VERDICT_REFUSE, MS_RULE_OWN, (ede), text)

/* Answers without having changed anything; the same message again may be another matter. */
static void refuse(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *e, uint16_t rcode,
                   const ms_verdict_t *why, const ms_cut_t *cut, ms_now_t now)
{
	ms_rx_count(rx, MS_RX_CTR_REFUSE);
	ms_answer_send(rx, waiter, e, rcode, why, cut != NULL ? &cut->row.trust : NULL, now);
}

/* RFC 2136 section 3.1, and what we do not take at all. \return 0: go on. */
static uint16_t check_form(const ms_envelope_t *e, const knot_dname_t *parent, ms_verdict_t *why)
{
	*why = REFUSE(MS_EDE_PROHIBITED, "an UPDATE needs SIG(0) here");
	if (e->qdcount != 1 || e->qtype != KNOT_RRTYPE_SOA || e->qclass != KNOT_CLASS_IN) {
		*why = REFUSE(MS_EDE_NONE, "not one zone of class IN");
		return KNOT_RCODE_FORMERR;
	}
	if (!knot_dname_is_equal(e->qname, parent)) {
		return KNOT_RCODE_NOTAUTH;
	}
	if (!e->sig.present) {
		return KNOT_RCODE_REFUSED;
	}
	if (knot_dname_in_bailiwick(e->sig.signer, parent) <= 0) {
		*why = REFUSE(MS_EDE_PROHIBITED, "the signer is no child of this zone");
		return KNOT_RCODE_REFUSED;
	}
	return 0;
}

static uint16_t rcode_of(ms_sig0_verdict_t verdict)
{
	switch (verdict) {
	case MS_SIG0_EXPIRED:
	case MS_SIG0_EARLY:
	case MS_SIG0_TOO_LONG:
		return KNOT_RCODE_BADTIME;
	case MS_SIG0_KEY:
		return KNOT_RCODE_BADKEY;
	default:
		return KNOT_RCODE_BADSIG;
	}
}

static size_t trusted_keys(const ms_trust_t *trust, ms_keyrr_t out[MS_TRUST_KEYS_MAX])
{
	size_t count = 0;
	for (uint8_t i = 0; i < trust->count; i++) {
		if (trust->key[i].state == MS_TRUST_TRUSTED) {
			out[count++] = trust->key[i].rr;
		}
	}
	return count;
}

/* M-07: who is known and not trusted hears so; who is not known hears BADKEY. */
static uint16_t untrusted(const ms_trust_t *trust, uint16_t tag, ms_verdict_t *why)
{
	const ms_trust_key_t *key = ms_trust_tagged(trust, tag);
	if (key == NULL) {
		*why = REFUSE(MS_EDE_NONE, "unknown key");
		return KNOT_RCODE_BADKEY;
	}
	switch (key->state) {
	case MS_TRUST_MANUAL:
		*why = REFUSE(MS_EDE_KEY_MANUAL, "only the operator can make this key trusted");
		return KNOT_RCODE_REFUSED;
	case MS_TRUST_FAILED:
		*why = REFUSE(MS_EDE_KEY_FAILED, "the key could not be validated");
		return KNOT_RCODE_REFUSED;
	default:
		*why = REFUSE(MS_EDE_KEY_NOT_TRUSTED, "the key is known, not trusted yet");
		return KNOT_RCODE_REFUSED;
	}
}

/* Verifies by trusted keys, or, where it brings a key, by that one. \return 0: good. */
static uint16_t verify(const ms_waiter_t *waiter, const ms_envelope_t *e, const ms_trust_t *trust,
                       const ms_contents_t *contents, bool *self, ms_now_t now, ms_verdict_t *why)
{
	ms_keyrr_t keys[MS_TRUST_KEYS_MAX];
	size_t count = trusted_keys(trust, keys);
	*self = false;
	ms_sig0_verdict_t verdict = ms_sig0_verify(waiter->request, waiter->request_len, &e->sig, keys,
	                                           count, NULL, 0, now.wall.s);
	if (verdict != MS_SIG0_OK && contents->kind == MS_CONTENTS_KEY) {
		*self = true;
		ms_sig0_verdict_t by_itself = ms_sig0_verify(waiter->request, waiter->request_len,
		                                             &e->sig, &contents->key, 1, NULL, 0,
		                                             now.wall.s);
		verdict = by_itself == MS_SIG0_KEY && verdict == MS_SIG0_BAD ? verdict : by_itself;
	}
	if (verdict == MS_SIG0_OK) {
		return 0;
	}
	if (verdict == MS_SIG0_KEY) {
		return untrusted(trust, e->sig.tag, why);
	}
	*why = ms_verdict(MS_VERDICT_REFUSE, MS_RULE_OWN, MS_EDE_NONE, "SIG(0): %s",
	                  ms_sig0_verdict_text(verdict));
	return rcode_of(verdict);
}

/* The contents by themselves; deltas are owned by the caller. \return 0: good. */
static uint16_t read_contents(ms_receiver_t *rx, const ms_waiter_t *waiter, const ms_envelope_t *e,
                              const knot_dname_t *parent, ms_deltas_t *deltas,
                              ms_contents_t *contents, ms_verdict_t *why)
{
	uint16_t rcode = KNOT_RCODE_NOERROR;
	int ret = ms_deltas_parse(waiter->request, waiter->request_len, deltas);
	*why = REFUSE(MS_EDE_NONE, "malformed, or with prerequisites, or too long");
	switch (ret) {
	case KNOT_EOK:
		break;
	case KNOT_EPREREQ:
		return KNOT_RCODE_NOTIMPL;
	case KNOT_ENOMEM:
		return KNOT_RCODE_SERVFAIL;
	case KNOT_ELIMIT:
		return KNOT_RCODE_REFUSED;
	default:
		return KNOT_RCODE_FORMERR;
	}
	*why = ms_contents_read(deltas, e->sig.signer, parent, &rx->setup->settings.policy, contents,
	                        &rcode);
	return why->kind == MS_VERDICT_SAME ? 0 : rcode;
}

static bool take_replay(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *e,
                        const ms_cut_t *cut, ms_now_t now)
{
	uint8_t hash[MS_REPLAY_HASH];
	const ms_replay_note_t *note = NULL;
	if (ms_replay_hash(waiter->request, e->sig.signature_pos, hash) == KNOT_EOK) {
		note = ms_replay_seen(&rx->replay, hash);
	}
	if (note == NULL) {
		return false;
	}
	if (note->rcode == MS_REPLAY_OPEN) {
		ms_waiter_free(waiter); /* The first one gets the answer. */
	} else {
		ms_answer_send(rx, waiter, e, note->rcode, NULL, &cut->row.trust, now);
	}
	return true;
}

static void note_answer(ms_receiver_t *rx, const ms_waiter_t *waiter, const ms_envelope_t *e,
                        uint16_t rcode, ms_now_t now)
{
	uint8_t hash[MS_REPLAY_HASH];
	if (ms_replay_hash(waiter->request, e->sig.signature_pos, hash) == KNOT_EOK) {
		(void)ms_replay_enter(&rx->replay, hash, e->sig.expiration, rcode, now.wall.s);
	}
}

static bool is_same(const ms_waiter_t *a, const ms_waiter_t *b)
{
	return a->request_len == b->request_len && memcmp(a->request, b->request, a->request_len) == 0;
}

static int enter(ms_receiver_t *rx, const ms_waiter_t *waiter, const ms_envelope_t *e, ms_now_t now)
{
	uint8_t hash[MS_REPLAY_HASH];
	int ret = ms_replay_hash(waiter->request, e->sig.signature_pos, hash);
	return ret != KNOT_EOK ? ret
	     : ms_replay_enter(&rx->replay, hash, e->sig.expiration, MS_REPLAY_OPEN, now.wall.s);
}

/* Verified: it waits for the look that it causes. */
static void queue(ms_receiver_t *rx, ms_cut_t *cut, ms_waiter_t *waiter, const ms_envelope_t *e,
                  ms_deltas_t *deltas, const ms_contents_t *contents, bool self, ms_now_t now)
{
	ms_verdict_t why = REFUSE(KNOT_EDNS_EDE_NOT_READY, "another UPDATE is being checked");
	if (cut->update != NULL && self && is_same(cut->update->waiter, waiter)) {
		ms_waiter_free(waiter); /* The first one gets the answer. */
		return;
	}
	/* Anybody can sign for himself: that keeps no child waiting. */
	if (cut->update != NULL && !self && cut->update->self_signed) {
		ms_update_finish(rx, cut, KNOT_RCODE_SERVFAIL, &why, now);
	}
	if (cut->update != NULL || (!self && enter(rx, waiter, e, now) != KNOT_EOK) ||
	    (cut->update = calloc(1, sizeof(*cut->update))) == NULL) {
		refuse(rx, waiter, e, KNOT_RCODE_SERVFAIL, &why, cut, now);
		return;
	}
	cut->update->waiter = waiter;
	cut->update->envelope = *e;
	cut->update->contents = *contents;
	cut->update->self_signed = self;
	cut->update->deltas = *deltas;
	*deltas = (ms_deltas_t){ 0 };
	ms_look_hint(rx, cut, now);
	/* Rate limits have let it in: no further gap. */
	if (cut->phase == MS_CUT_IDLE) {
		cut->pace.due = now.mono;
	}
}

void ms_update_receive(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *e,
                       const knot_dname_t *parent, ms_now_t now)
{
	ms_verdict_t why;
	ms_deltas_t deltas = { 0 };
	ms_contents_t contents = { 0 };
	bool self = false;
	ms_rx_count(rx, MS_RX_CTR_UPDATE);
	uint16_t rcode = check_form(e, parent, &why);
	if (rcode != 0) {
		refuse(rx, waiter, e, rcode, &why, NULL, now);
		return;
	}
	ms_cut_t *cut = ms_cuts_find(rx, e->sig.signer);
	static const ms_trust_t nothing;
	const ms_trust_t *trust = cut != NULL ? &cut->row.trust : &nothing;
	if (cut != NULL && take_replay(rx, waiter, e, cut, now)) {
		return;
	}
	/* Who it is comes first; what it wants is only read before where that tells the key. */
	uint16_t bad = read_contents(rx, waiter, e, parent, &deltas, &contents, &why);
	if (bad != 0) {
		contents.kind = MS_CONTENTS_DELEGATION;
	}
	ms_verdict_t who;
	rcode = verify(waiter, e, trust, &contents, &self, now, &who);
	if (rcode != 0) {
		bad = rcode;
		why = who;
	} else if (!self && cut != NULL && (int32_t)(e->sig.inception - cut->row.inception) < 0 &&
	           cut->row.inception != 0) {
		bad = KNOT_RCODE_REFUSED;
		why = REFUSE(MS_EDE_INVALID, "older than an UPDATE that came before");
	}
	if (bad == 0 && !self && !ms_rx_within(rx, &rx->update_child, e->sig.signer, now)) {
		bad = KNOT_RCODE_REFUSED;
		why = REFUSE(MS_EDE_BLOCKED, "too many UPDATEs of this child");
	}
	if (bad == 0 && cut == NULL) {
		cut = ms_cuts_get(rx, e->sig.signer, parent, now);
		bad = cut == NULL ? KNOT_RCODE_SERVFAIL : 0;
		why = REFUSE(KNOT_EDNS_EDE_NOT_READY, "too many children");
	}
	if (bad != 0) {
		refuse(rx, waiter, e, bad, &why, cut, now);
	} else {
		queue(rx, cut, waiter, e, &deltas, &contents, self, now);
	}
	ms_deltas_clear(&deltas);
}

void ms_update_finish(ms_receiver_t *rx, ms_cut_t *cut, uint16_t rcode, const ms_verdict_t *why,
                      ms_now_t now)
{
	ms_rx_update_t *u = cut->update;
	if (u == NULL) {
		return;
	}
	/* Nothing was done where it is only too early: the same message may come again. */
	if (!u->self_signed) {
		note_answer(rx, u->waiter, &u->envelope, rcode, now);
	}
	if (rcode == KNOT_RCODE_NOERROR && !u->self_signed) {
		cut->row.inception = u->envelope.sig.inception;
		(void)ms_cuts_store(rx, cut);
	}
	ms_answer_send(rx, u->waiter, &u->envelope, rcode, why, &cut->row.trust, now);
	ms_deltas_clear(&u->deltas);
	ms_deleg_clear(&u->proposed);
	free(u);
	cut->update = NULL;
}

void ms_update_superseded(ms_receiver_t *rx, ms_cut_t *cut, const ms_trust_t *before)
{
	char name[MS_RX_NAME_MAX];
	for (uint8_t i = 0; i < before->count; i++) {
		const ms_trust_key_t *old = &before->key[i];
		if (old->state == MS_TRUST_TRUSTED &&
		    ms_trust_find(&cut->row.trust, old->rr.rdata, old->rr.len) == NULL) {
			ms_rx_log(rx, MS_LOG_WARNING, "%s: key %u is superseded by a newer one -> no longer "
			          "trusted ('keys-per-child' allows %u)", ms_rx_name(cut->row.child, name),
			          old->tag, rx->setup->settings.trust.keys_max);
		}
	}
}

void ms_update_key(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	ms_rx_update_t *u = cut->update;
	const ms_trust_policy_t *policy = &rx->setup->settings.trust;
	const ms_keyrr_t *rr = &u->contents.key;
	uint16_t tag = ms_key_tag(rr->rdata, rr->len);
	char name[MS_RX_NAME_MAX];
	/* By itself it proves no more than that somebody has the private key (M-15, P-07). */
	bool roll = !u->self_signed && policy->roll;
	ms_trust_t before = cut->row.trust;
	int ret = roll ? ms_trust_promote(&cut->row.trust, rr, MS_BY_ROLL, policy, now.wall.s)
	               : ms_trust_upload(&cut->row.trust, rr, policy, now.wall.s);
	if (ret == KNOT_EOK) {
		ret = ms_cuts_store(rx, cut);
	}
	if (ret != KNOT_EOK) {
		cut->row.trust = before;
		ms_verdict_t why = REFUSE(MS_EDE_PROHIBITED, "no room for another key");
		ms_update_finish(rx, cut, KNOT_RCODE_REFUSED, &why, now);
		return;
	}
	ms_update_superseded(rx, cut, &before);
	const ms_trust_key_t *key = ms_trust_find(&cut->row.trust, rr->rdata, rr->len);
	ms_rx_log(rx, MS_LOG_NOTICE, "%s: key %u came, signed by %s -> %s",
	          ms_rx_name(cut->row.child, name), tag, roll ? "a trusted key" : "itself",
	          ms_trust_name(key != NULL ? key->state : MS_TRUST_STATES));
	cut->by_udp = false;
	ms_update_finish(rx, cut, KNOT_RCODE_NOERROR, NULL, now);
}
