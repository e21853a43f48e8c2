/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/childkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdnssec/error.h>
#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "agent/worker.h"
#include "base/name.h"
#include "io/keyring.h"
#include "io/parent.h"
#include "io/tellparent.h"
#include "wire/deltas.h"

/* TTL of NS, glue and DS at the parent, where the parent takes it from us. */
#define DELEGATION_TTL 3600

typedef struct {
	ms_desk_t *desk;
	const ms_action_t *action;
	ms_sig0_key_t key;
	knot_dname_storage_t parent;
	unsigned key_count;
	ms_keyrr_t keys[MS_KEYS_MAX];   /* The receiver's, validated. */
	size_t len;
	uint8_t wire[UINT16_MAX];
	size_t raw_len;
	uint8_t raw[UINT16_MAX];
} talk_t;

void ms_childkey_describe(ms_desk_t *desk, const ms_envelope_t *answer, int16_t keystate)
{
	char ede[24] = "", state[48] = "";
	if (answer->ede >= 0) {
		(void)snprintf(ede, sizeof(ede), " (EDE %d)", (int)answer->ede);
	}
	if (keystate >= 0) {
		(void)snprintf(state, sizeof(state), ", key %u is %s", answer->keystate.key_id,
		               ms_keystate_name(keystate));
	}
	(void)snprintf(desk->reason, sizeof(desk->reason), "%s%s%s%s%s",
	               answer->rcode == KNOT_RCODE_BADKEY ? "BADKEY" : ms_rcode_name(answer->rcode), ede,
	               state, answer->ede_text[0] != '\0' ? ": " : "", answer->ede_text);
}

static int load_key(talk_t *talk)
{
	ms_pem_t pem = { 0 };
	bool made = false;
	int ret = ms_keyring_load_or_make(talk->desk->parent_key, MS_KEYRING_ED25519, &pem, &made,
	                                  talk->desk->reason, sizeof(talk->desk->reason));
	if (ret == KNOT_EOK) {
		ret = ms_sig0_key_init(&talk->key, (const uint8_t *)pem.data, pem.len,
		                       talk->action->inform.zone);
	}
	ms_pem_clear(&pem);
	return ret;
}

/* Only validated keys prove anything (L-24); without them the answers' KeyState does not count. */
static int find_receiver_keys(talk_t *talk)
{
	ms_enquiry_t keys = { .type = KNOT_RRTYPE_KEY };
	ms_name_copy_lower(keys.name, talk->action->inform.to->target);
	int ret = ms_enquire(talk->desk->enquirer, &keys, 1, ms_clock(), talk->desk->stop,
	                     talk->desk->reason, sizeof(talk->desk->reason));
	const knot_rdata_t *rr = keys.set.rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && keys.ret == KNOT_EOK && keys.secure &&
	     i < keys.set.rrs.count; i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		if (talk->key_count < MS_KEYS_MAX && rr->len <= MS_KEY_RDATA_MAX &&
		    ms_key_usable(rr->data, rr->len)) {
			ms_keyrr_t *key = &talk->keys[talk->key_count++];
			key->len = rr->len;
			memcpy(key->rdata, rr->data, rr->len);
		}
	}
	ms_enquiries_clear(&keys, 1);
	return ret;
}

static int add_all(ms_deltas_t *deltas, const knot_dname_t *owner, uint16_t type, uint32_t ttl,
                   const ms_rrset_t *set)
{
	int ret = ms_deltas_add(deltas, MS_DELTA_DEL_RRSET, owner, type, 0, NULL, 0);
	const knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < set->rrs.count;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		ret = ms_deltas_add(deltas, MS_DELTA_ADD, owner, type, ttl, rr->data, rr->len);
	}
	return ret;
}

/* Addresses of the name servers below the child. */
static int add_glue(talk_t *talk, const knot_dname_t *host, ms_deltas_t *deltas)
{
	if (knot_dname_in_bailiwick(host, talk->action->inform.zone) < 0) {
		return KNOT_EOK;
	}
	ms_enquiry_t list[] = { { .type = KNOT_RRTYPE_A }, { .type = KNOT_RRTYPE_AAAA } };
	ms_name_copy(list[0].name, host);
	ms_name_copy(list[1].name, host);
	int ret = ms_enquire(talk->desk->enquirer, list, 2, ms_clock(), talk->desk->stop,
	                     talk->desk->reason, sizeof(talk->desk->reason));
	for (unsigned i = 0; ret == KNOT_EOK && i < 2; i++) {
		ret = list[i].ret == KNOT_EOK
		    ? add_all(deltas, host, list[i].type, DELEGATION_TTL, &list[i].set) : list[i].ret;
	}
	if (ret == KNOT_EOK && list[0].set.rrs.count + list[1].set.rrs.count == 0) {
		(void)snprintf(talk->desk->reason, sizeof(talk->desk->reason),
		               "a name server below the zone has no address");
		ret = KNOT_ENOENT;
	}
	ms_enquiries_clear(list, 2);
	return ret;
}

/* Whole RRsets, so that nothing hangs on what the parent has now (L-13). */
static int list_changes(talk_t *talk, ms_deltas_t *deltas)
{
	const knot_dname_t *child = talk->action->inform.zone;
	const ms_rrset_t *ds = talk->action->inform.ds, *ns = talk->action->inform.ns;
	int ret = ds != NULL ? add_all(deltas, child, KNOT_RRTYPE_DS, DELEGATION_TTL, ds) : KNOT_EOK;
	if (ret == KNOT_EOK && ns != NULL) {
		ret = add_all(deltas, child, KNOT_RRTYPE_NS, ns->ttl, ns);
	}
	const knot_rdata_t *rr = ns != NULL ? ns->rrs.rdata : NULL;
	for (uint16_t i = 0; ret == KNOT_EOK && ns != NULL && i < ns->rrs.count;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		knot_dname_storage_t host;
		ms_name_copy_lower(host, rr->data);
		ret = add_glue(talk, host, deltas);
	}
	return ret;
}

static int list_key(talk_t *talk, ms_deltas_t *deltas)
{
	const ms_keyrr_t *key = &talk->key.rr;
	const ms_rrset_t none = { 0 };
	int ret = add_all(deltas, talk->action->inform.zone, KNOT_RRTYPE_KEY, 0, &none);
	return ret != KNOT_EOK ? ret : ms_deltas_add(deltas, MS_DELTA_ADD, talk->action->inform.zone,
	                                             KNOT_RRTYPE_KEY, DELEGATION_TTL, key->rdata,
	                                             key->len);
}

static int build(talk_t *talk)
{
	ms_tell_step_t step = talk->action->inform.step;
	ms_deltas_t deltas = { 0 };
	uint8_t *body = malloc(UINT16_MAX / 2);
	int len = 0, ret = body == NULL ? KNOT_ENOMEM : step == MS_TELL_UPDATE
	        ? list_changes(talk, &deltas) : step == MS_TELL_BOOTSTRAP ? list_key(talk, &deltas)
	        : KNOT_EOK;
	if (ret == KNOT_EOK && deltas.count > 0) {
		len = ms_deltas_build(&deltas, body, UINT16_MAX / 2);
	}
	ms_envelope_t e;
	bool query = step == MS_TELL_INQUIRE;
	/* Inquiry: QTYPE KEY, since many answer ANY with less. */
	ms_envelope_init(&e, query ? KNOT_OPCODE_QUERY : KNOT_OPCODE_UPDATE,
	                 query ? talk->action->inform.zone : talk->parent,
	                 query ? KNOT_RRTYPE_KEY : KNOT_RRTYPE_SOA);
	e.has_keystate = true;
	e.keystate = (ms_keystate_t){
		.key_id = talk->key.tag,
		.state = step == MS_TELL_BOOTSTRAP ? MS_KEYSTATE_REQ_AUTO : MS_KEYSTATE_INQUIRY,
	};
	if (ret == KNOT_EOK && dnssec_random_buffer((uint8_t *)&e.id, sizeof(e.id)) != DNSSEC_EOK) {
		ret = KNOT_ERROR;
	}
	ret = ret == KNOT_EOK && len < 0 ? len : ret;
	if (ret == KNOT_EOK) {
		ret = ms_envelope_build(&e, talk->desk->keystate_code, body, len, deltas.count, talk->wire,
		                        sizeof(talk->wire) - MS_SIG0_MAX);
	}
	if (ret > 0) {
		ret = ms_sig0_sign(&talk->key, talk->wire, ret, sizeof(talk->wire), NULL, 0,
		                   ms_clock().wall.s);
	}
	ms_deltas_clear(&deltas);
	free(body);
	talk->len = ret > 0 ? ret : 0;
	return ret > 0 ? KNOT_EOK : ret;
}

static int exchange(talk_t *talk, ms_event_t *event)
{
	const ms_dsync_t *to = talk->action->inform.to;
	ms_envelope_t answer;
	talk->raw_len = sizeof(talk->raw);
	int ret = ms_tell_parent(talk->desk->enquirer, to->target, to->port, true, talk->wire,
	                         talk->len, talk->desk->keystate_code, ms_clock(), talk->desk->stop, &answer,
	                         talk->raw, &talk->raw_len, talk->desk->reason,
	                         sizeof(talk->desk->reason));
	if (ret != KNOT_EOK) {
		return ret;
	}
	bool proven = answer.sig.present && talk->raw_len > 0 &&
	              knot_dname_is_equal(answer.sig.signer, to->target) &&
	              ms_sig0_verify(talk->raw, talk->raw_len, &answer.sig, talk->keys,
	                             talk->key_count, talk->wire, talk->len,
	                             ms_clock().wall.s) == MS_SIG0_OK;
	bool ours = proven && answer.has_keystate && !answer.bad_keystate &&
	            answer.keystate.key_id == talk->key.tag;
	event->told.rcode = answer.rcode;
	event->told.ede = answer.ede;
	event->told.keystate = ours ? answer.keystate.state : -1;
	ms_childkey_describe(talk->desk, &answer, event->told.keystate);
	return KNOT_EOK;
}

int ms_childkey_tell(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	/* Two whole messages: too much for a thread's stack. */
	talk_t *talk = calloc(1, sizeof(*talk));
	if (talk == NULL) {
		return KNOT_ENOMEM;
	}
	talk->desk = desk;
	talk->action = action;
	int ret = load_key(talk);
	if (ret == KNOT_EOK) {
		ret = ms_parent_zone(desk->enquirer, action->inform.zone, ms_clock(), desk->stop,
		                     talk->parent, desk->reason, sizeof(desk->reason));
	}
	if (ret == KNOT_EOK) {
		ret = find_receiver_keys(talk);
	}
	if (ret == KNOT_EOK) {
		ret = build(talk);
	}
	if (ret == KNOT_EOK) {
		ret = exchange(talk, event);
	}
	ms_sig0_key_deinit(&talk->key);
	free(talk);
	return ret;
}
