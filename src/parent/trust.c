/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/trust.h"

#include <string.h>

#include <libknot/libknot.h>

#include "parent/consent.h"
#include "wire/sig0.h"

ms_trust_key_t *ms_trust_find(ms_trust_t *trust, const uint8_t *rdata, size_t len)
{
	for (uint8_t i = 0; i < trust->count; i++) {
		if (trust->key[i].rr.len == len && memcmp(trust->key[i].rr.rdata, rdata, len) == 0) {
			return &trust->key[i];
		}
	}
	return NULL;
}

const ms_trust_key_t *ms_trust_tagged(const ms_trust_t *trust, uint16_t tag)
{
	const ms_trust_key_t *found = NULL;
	for (uint8_t i = 0; i < trust->count; i++) {
		if (trust->key[i].tag == tag &&
		    (found == NULL || trust->key[i].state == MS_TRUST_TRUSTED)) {
			found = &trust->key[i];
		}
	}
	return found;
}

bool ms_trust_any(const ms_trust_t *trust)
{
	for (uint8_t i = 0; i < trust->count; i++) {
		if (trust->key[i].state == MS_TRUST_TRUSTED) {
			return true;
		}
	}
	return false;
}

static void drop(ms_trust_t *trust, uint8_t at)
{
	memmove(&trust->key[at], &trust->key[at + 1], (trust->count - at - 1) * sizeof(trust->key[0]));
	trust->count--;
}

/* Index of the oldest key that is, or is not, trusted; -1: there is none. */
static int oldest(const ms_trust_t *trust, bool trusted, const ms_trust_key_t *but)
{
	int found = -1;
	for (uint8_t i = 0; i < trust->count; i++) {
		const ms_trust_key_t *key = &trust->key[i];
		if ((key->state == MS_TRUST_TRUSTED) == trusted && key != but &&
		    (found < 0 || key->since < trust->key[found].since)) {
			found = i;
		}
	}
	return found;
}

/* Who makes room for one more key: what failed first; never what is being validated already. */
static int victim(const ms_trust_t *trust)
{
	int found = -1;
	bool failed = false;
	for (uint8_t i = 0; i < trust->count; i++) {
		const ms_trust_key_t *key = &trust->key[i];
		if (key->state == MS_TRUST_TRUSTED ||
		    (key->state == MS_TRUST_KNOWN && key->looks > 0)) {
			continue;
		}
		bool better = key->state == MS_TRUST_FAILED && !failed;
		bool same = (key->state == MS_TRUST_FAILED) == failed;
		if (found < 0 || better || (same && key->since < trust->key[found].since)) {
			found = i;
			failed = key->state == MS_TRUST_FAILED;
		}
	}
	return found;
}

static ms_trust_key_t *add(ms_trust_t *trust, const ms_keyrr_t *rr, int64_t now)
{
	if (trust->count == MS_TRUST_KEYS_MAX) {
		int stale = victim(trust);
		if (stale < 0) {
			return NULL;
		}
		drop(trust, stale);
	}
	ms_trust_key_t *key = &trust->key[trust->count++];
	*key = (ms_trust_key_t){ .tag = ms_key_tag(rr->rdata, rr->len), .since = now, .rr = *rr };
	return key;
}

static uint8_t first_state(const ms_trust_policy_t *policy)
{
	return policy->at_apex || policy->at_ns || policy->looks ? MS_TRUST_KNOWN : MS_TRUST_MANUAL;
}

int ms_trust_upload(ms_trust_t *trust, const ms_keyrr_t *rr, const ms_trust_policy_t *policy,
                    int64_t now)
{
	ms_trust_key_t *key = ms_trust_find(trust, rr->rdata, rr->len);
	if (key == NULL) {
		key = add(trust, rr, now);
	} else if (key->state == MS_TRUST_TRUSTED || key->state == MS_TRUST_KNOWN) {
		return KNOT_EOK;
	}
	if (key == NULL) {
		return KNOT_ELIMIT;
	}
	key->state = first_state(policy);
	key->looks = 0;
	return KNOT_EOK;
}

static unsigned count_trusted(const ms_trust_t *trust)
{
	unsigned count = 0;
	for (uint8_t i = 0; i < trust->count; i++) {
		count += trust->key[i].state == MS_TRUST_TRUSTED;
	}
	return count;
}

bool ms_trust_room(const ms_trust_t *trust, const ms_trust_policy_t *policy)
{
	return count_trusted(trust) < (policy->keys_max > 0 ? policy->keys_max : 1);
}

int ms_trust_promote(ms_trust_t *trust, const ms_keyrr_t *rr, ms_trust_by_t by,
                     const ms_trust_policy_t *policy, int64_t now)
{
	ms_trust_key_t *key = ms_trust_find(trust, rr->rdata, rr->len);
	if (key == NULL && trust->count == MS_TRUST_KEYS_MAX && victim(trust) < 0) {
		/* The oldest goes, and the new one comes, in one step. */
		int stale = oldest(trust, false, NULL);
		drop(trust, stale >= 0 ? stale : oldest(trust, true, NULL));
	}
	key = key != NULL ? key : add(trust, rr, now);
	if (key == NULL) {
		return KNOT_ELIMIT;
	}
	if (key->state != MS_TRUST_TRUSTED) {
		key->state = MS_TRUST_TRUSTED;
		key->by = by;
		key->since = now;
	}
	while (count_trusted(trust) > (policy->keys_max > 0 ? policy->keys_max : 1)) {
		const ms_trust_key_t *kept = ms_trust_find(trust, rr->rdata, rr->len);
		drop(trust, oldest(trust, true, kept));
	}
	return KNOT_EOK;
}

/* Do all servers, secure where the child is, have exactly this KEY among theirs? */
static ms_verdict_t at_apex(const ms_survey_t *survey, const ms_policy_t *policy,
                            const ms_trust_key_t *key)
{
	const ms_said_t *said = NULL;
	ms_verdict_t v = ms_consent(survey, policy, MS_LOOK_KEY, &said);
	return v.kind != MS_VERDICT_SAME || ms_rrset_has(&said->set, key->rr.rdata, key->rr.len) ? v
	     : ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID, "the key is not published");
}

static bool at_signals(const ms_survey_t *survey, const ms_trust_key_t *key)
{
	for (uint8_t i = 0; i < survey->signal_count; i++) {
		const ms_said_t *said = &survey->signals[i].key;
		if (said->saying != MS_SAID_SECURE ||
		    !ms_rrset_has(&said->set, key->rr.rdata, key->rr.len)) {
			return false;
		}
	}
	return survey->signal_count > 0;
}

/* \return Whether it became trusted; its state changes otherwise. */
static bool look(ms_trust_key_t *key, const ms_survey_t *survey, const ms_policy_t *policy,
                 const ms_trust_policy_t *how, int64_t now, ms_trust_by_t *by)
{
	bool secure = survey->deleg.ds.rrs.count > 0;
	ms_verdict_t v = at_apex(survey, policy, key);
	if (v.kind == MS_VERDICT_WAIT) {
		return false;
	}
	if (v.kind == MS_VERDICT_SAME && secure && how->at_apex) {
		*by = MS_BY_APEX;
		return true;
	}
	if (how->at_ns && at_signals(survey, key)) {
		*by = MS_BY_SIGNAL;
		return true;
	}
	if (v.kind == MS_VERDICT_SAME && !secure && how->looks) {
		*by = MS_BY_LOOKS;
		/* Hints do not make the time shorter over which they are spread. */
		if (key->looks > 0 && now - key->looked < how->look_interval) {
			return false;
		}
		key->looked = now;
		return ++key->looks >= how->looks_min;
	}
	key->looks = 0;
	key->state = v.kind == MS_VERDICT_SAME && how->manual ? MS_TRUST_MANUAL : MS_TRUST_FAILED;
	return false;
}

bool ms_trust_look(ms_trust_t *trust, const ms_survey_t *survey, const ms_policy_t *policy,
                   const ms_trust_policy_t *how, int64_t now)
{
	ms_keyrr_t good[MS_TRUST_KEYS_MAX];
	ms_trust_by_t by[MS_TRUST_KEYS_MAX];
	uint8_t count = 0;
	bool changed = false;
	/* A key is for long: all servers vouch for it. */
	ms_policy_t all = *policy;
	all.drop_silent = false;
	for (uint8_t i = 0; i < trust->count; i++) {
		ms_trust_key_t *key = &trust->key[i];
		if (key->state != MS_TRUST_KNOWN) {
			continue;
		}
		uint8_t looks = key->looks;
		if (look(key, survey, &all, how, now, &by[count])) {
			good[count++] = key->rr;
		}
		changed = changed || key->looks != looks || key->state != MS_TRUST_KNOWN;
	}
	for (uint8_t i = 0; i < count; i++) {
		(void)ms_trust_promote(trust, &good[i], by[i], how, now);
	}
	return changed || count > 0;
}

bool ms_trust_pending(const ms_trust_t *trust)
{
	for (uint8_t i = 0; i < trust->count; i++) {
		if (trust->key[i].state == MS_TRUST_KNOWN) {
			return true;
		}
	}
	return false;
}

bool ms_trust_expire(ms_trust_t *trust, int64_t now)
{
	uint8_t before = trust->count;
	for (uint8_t i = trust->count; i > 0; i--) {
		const ms_trust_key_t *key = &trust->key[i - 1];
		if (key->state != MS_TRUST_TRUSTED && now - key->since > MS_TRUST_AGE) {
			drop(trust, i - 1);
		}
	}
	return trust->count != before;
}

uint8_t ms_trust_keystate(const ms_trust_t *trust, uint16_t tag)
{
	static const uint8_t states[MS_TRUST_STATES] = {
		[MS_TRUST_KNOWN] = MS_KEYSTATE_AUTO, [MS_TRUST_TRUSTED] = MS_KEYSTATE_TRUSTED,
		[MS_TRUST_FAILED] = MS_KEYSTATE_FAILED, [MS_TRUST_MANUAL] = MS_KEYSTATE_MANUAL,
	};
	const ms_trust_key_t *key = ms_trust_tagged(trust, tag);
	return key == NULL ? MS_KEYSTATE_UNKNOWN : states[key->state];
}

const char *ms_trust_name(uint8_t state)
{
	static const char *const names[MS_TRUST_STATES] = {
		[MS_TRUST_KNOWN] = "known", [MS_TRUST_TRUSTED] = "trusted",
		[MS_TRUST_FAILED] = "failed", [MS_TRUST_MANUAL] = "manual",
	};
	return state < MS_TRUST_STATES ? names[state] : "unknown";
}
