/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/accept_ds.h"

#include <libknot/libknot.h>

#include "parent/consent.h"
#include "parent/wish.h"
#include "wire/dnskey.h"
#include "wire/ds.h"
#include "wire/rrsig.h"

static const ms_verdict_t fine = { .kind = MS_VERDICT_SAME, .ede = MS_EDE_NONE };

static ms_verdict_t no_memory(void)
{
	return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER, "out of memory");
}

/* Is \a type at this server signed by a key in its DNSKEY RRset that \a ds names? */
static bool signed_by(const ms_survey_t *survey, const ms_look_t *look, ms_look_type_t type,
                      const ms_rrset_t *ds, int64_t now)
{
	const ms_said_t *said = &look->said[type];
	for MS_EACH_RDATA(key, &look->said[MS_LOOK_DNSKEY].set) {
		if (ms_ds_names(survey->child, key, ds) &&
		    ms_rrsig_by_key(survey->child, ms_look_rrtype(type), &said->set, &said->sigs,
		                    key->data, key->len, now, NULL)) {
			return true;
		}
	}
	return false;
}

bool ms_ds_path(const ms_survey_t *survey, const ms_look_t *look, const ms_policy_t *policy,
                const ms_rrset_t *ds, int64_t now)
{
	ms_rrset_t usable = { 0 };
	int ret = KNOT_EOK;
	for MS_EACH_RDATA(rd, ds) {
		if (rd->len > 3 && policy->algorithm[rd->data[2]] && ret == KNOT_EOK) {
			ret = ms_rrset_add(&usable, rd->data, rd->len);
		}
	}
	bool path = ret == KNOT_EOK && signed_by(survey, look, MS_LOOK_DNSKEY, &usable, now);
	ms_rrset_clear(&usable);
	return path;
}

/* Will it be asked after an UPDATE that is approved? */
static bool is_to_come(const ms_survey_t *survey, const ms_look_t *look)
{
	return look->is_new && survey->has_proposed &&
	       ms_rrset_has(&survey->proposed.ns, look->host, knot_dname_size(look->host));
}

/* Rule 10, at all servers that count, and at those that are to come. */
static ms_verdict_t check_path(const ms_survey_t *survey, const ms_policy_t *policy,
                               const ms_rrset_t *ds, int64_t now)
{
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if ((ms_look_counts(survey, look, policy) || is_to_come(survey, look)) &&
		    !ms_ds_path(survey, look, policy, ds, now)) {
			char who[MS_LOOK_TEXT_MAX];
			ms_look_text(look, who);
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_PATH, MS_EDE_DNSKEY_MISSING,
			                  "with these DS nobody could validate %s", who);
		}
	}
	return fine;
}

/* Rule 8: what asks for the change is signed by a key that the present DS names. */
static ms_verdict_t check_signer(const ms_survey_t *survey, const ms_policy_t *policy,
                                 const ms_rrset_t *ds, int64_t now)
{
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if (!ms_look_counts(survey, look, policy)) {
			continue;
		}
		for (int type = MS_LOOK_CDS; type <= MS_LOOK_CDNSKEY; type++) {
			if (look->said[type].set.rrs.count > 0 &&
			    !signed_by(survey, look, type, ds, now)) {
				char who[MS_LOOK_TEXT_MAX];
				ms_look_text(look, who);
				return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_SIGNER, MS_EDE_RRSIGS_MISSING,
				                  "%s at %s is not signed by a key that the DS names",
				                  type == MS_LOOK_CDS ? "CDS" : "CDNSKEY", who);
			}
		}
	}
	return fine;
}

typedef void (*signature_f)(void *ctx, uint16_t tag, uint32_t inception);

/* Newest signature of each key over CDS, or else CDNSKEY, at all servers. */
static void each_signature(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                           signature_f call, void *ctx)
{
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		int type = look->said[MS_LOOK_CDS].set.rrs.count > 0 ? MS_LOOK_CDS : MS_LOOK_CDNSKEY;
		const ms_said_t *said = &look->said[type];
		if (!ms_look_counts(survey, look, policy)) {
			continue;
		}
		for MS_EACH_RDATA(key, &look->said[MS_LOOK_DNSKEY].set) {
			uint32_t inception;
			ms_dnskey_t info;
			if (ms_dnskey_decode(key->data, key->len, &info) == KNOT_EOK &&
			    ms_rrsig_by_key(survey->child, ms_look_rrtype(type), &said->set, &said->sigs,
			                    key->data, key->len, now, &inception)) {
				call(ctx, info.tag, inception);
			}
		}
	}
}

typedef struct {
	const ms_memory_t *memory;
	bool older;
} age_t;

static void compare_age(void *ctx, uint16_t tag, uint32_t inception)
{
	age_t *age = ctx;
	for (uint8_t i = 0; i < age->memory->count; i++) {
		/* Serial arithmetic, as with signatures. Each signer has a clock and a habit of its own:
		 * only signatures of the same key are compared (X-19, K-16). */
		if (age->memory->applied[i].tag == tag &&
		    (int32_t)(inception - age->memory->applied[i].inception) < 0) {
			age->older = true;
		}
	}
}

static void note_age(void *ctx, uint16_t tag, uint32_t inception)
{
	ms_memory_t *memory = ctx;
	uint8_t at = 0;
	while (at < memory->count && memory->applied[at].tag != tag) {
		at++;
	}
	if (at >= MS_MEMORY_KEYS_MAX) {
		return;
	}
	if (at == memory->count) {
		memory->applied[memory->count].tag = tag;
		memory->applied[memory->count++].inception = inception;
	} else if ((int32_t)(inception - memory->applied[at].inception) > 0) {
		memory->applied[at].inception = inception;
	}
}

void ms_memory_applied(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                       bool deleted, ms_memory_t *memory)
{
	memory->count = 0;
	memory->wishing = false;
	if (deleted) {
		return;
	}
	each_signature(survey, policy, now, note_age, memory);
}

/* Rule 9. */
static ms_verdict_t check_age(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                              const ms_memory_t *memory)
{
	age_t age = { .memory = memory };
	each_signature(survey, policy, now, compare_age, &age);
	return age.older
	     ? ms_verdict(MS_VERDICT_REFUSE, MS_RULE_NEWER, MS_EDE_INVALID,
	                  "the signature is older than that of what was applied last")
	     : fine;
}

/* Every name server outside of the child vouches for the same set in a zone that validates. */
static ms_verdict_t check_signals(const ms_survey_t *survey, const ms_policy_t *policy)
{
	const ms_said_t *cds = NULL, *cdnskey = NULL;
	if (survey->signal_count == 0) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_BOOTSTRAP, MS_EDE_NONE,
		                  "no name server outside of the child could vouch for it");
	}
	(void)ms_consent(survey, policy, MS_LOOK_CDS, &cds);
	(void)ms_consent(survey, policy, MS_LOOK_CDNSKEY, &cdnskey);
	for (uint8_t i = 0; cds != NULL && cdnskey != NULL && i < survey->signal_count; i++) {
		const ms_signal_t *s = &survey->signals[i];
		knot_dname_txt_storage_t ns = "";
		(void)knot_dname_to_str(ns, s->ns, sizeof(ns));
		if (s->cds.saying != MS_SAID_SECURE || s->cdnskey.saying != MS_SAID_SECURE) {
			uint8_t bad = s->cds.saying != MS_SAID_SECURE ? s->cds.saying : s->cdnskey.saying;
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_BOOTSTRAP, MS_EDE_NONE,
			                  "the signal of name server %.80s is not authenticated (%s)", ns,
			                  ms_saying_name(bad));
		}
		if (!ms_rrset_equal(&s->cds.set, &cds->set) ||
		    !ms_rrset_equal(&s->cdnskey.set, &cdnskey->set)) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_BOOTSTRAP, MS_EDE_INVALID,
			                  "the signal of name server %.80s says something else", ns);
		}
	}
	return fine;
}

/* RFC 8078 section 3.3: the same wish for a long time, seen again and again. */
static ms_verdict_t check_hold(const ms_policy_t *policy, const ms_wish_t *wish, int64_t now,
                               ms_memory_t *memory)
{
	const ms_rrset_t *sets[] = { &wish->ds };
	const uint16_t types[] = { KNOT_RRTYPE_DS };
	ms_digest_t digest;
	if (ms_rrsets_digest(sets, types, 1, &digest) != KNOT_EOK) {
		return no_memory();
	}
	if (!memory->wishing || !ms_digest_equal(&memory->wish, &digest)) {
		memory->wishing = true;
		memory->wish = digest;
		memory->since = now;
	}
	int64_t left = memory->since + policy->hold - now;
	return left <= 0 ? fine
	     : ms_verdict(MS_VERDICT_WAIT, MS_RULE_BOOTSTRAP, MS_EDE_NONE,
	                  "a first DS without authentication: %lld seconds to go", (long long)left);
}

static ms_verdict_t check_bootstrap(const ms_survey_t *survey, const ms_policy_t *policy,
                                    const ms_wish_t *wish, int64_t now, ms_memory_t *memory)
{
	ms_verdict_t v = ms_verdict(MS_VERDICT_REFUSE, MS_RULE_BOOTSTRAP, MS_EDE_PROHIBITED,
	                            "a first DS is not taken from the child here");
	if (memory->count > 0) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_BOOTSTRAP, MS_EDE_PROHIBITED,
		                  "the DS were taken out by hand: the next ones come by hand, too");
	}
	if (policy->signals) {
		v = check_signals(survey, policy);
	}
	if (v.kind != MS_VERDICT_SAME && policy->hold > 0) {
		v = check_hold(policy, wish, now, memory);
	}
	/* What is not signed by the key it is about is an accident (K-26). */
	return v.kind == MS_VERDICT_SAME ? check_signer(survey, policy, &wish->ds, now) : v;
}

static ms_verdict_t judge(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                          ms_memory_t *memory, ms_wish_t *wish)
{
	const ms_rrset_t *have = &survey->deleg.ds;
	ms_verdict_t v = ms_wish_read(survey, policy, wish);
	if (v.kind != MS_VERDICT_SAME || !wish->any) {
		return v.kind != MS_VERDICT_SAME ? v
		     : ms_verdict(MS_VERDICT_SAME, MS_RULE_NONE, MS_EDE_NONE, "no CDS, no CDNSKEY");
	}
	if (ms_rrset_equal(&wish->ds, have)) {
		return ms_verdict(MS_VERDICT_SAME, MS_RULE_NONE, MS_EDE_NONE, "the DS are right");
	}
	if (have->rrs.count == 0) {
		v = check_bootstrap(survey, policy, wish, now, memory);
	} else {
		v = check_signer(survey, policy, have, now);
		if (v.kind == MS_VERDICT_SAME) {
			v = check_age(survey, policy, now, memory);
		}
	}
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	if (wish->delete) {
		return policy->ds_delete
		     ? ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "the DS RRset goes")
		     : ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED,
		                  "the delete signal is not accepted here");
	}
	v = check_path(survey, policy, &wish->ds, now);
	return v.kind != MS_VERDICT_SAME ? v
	     : ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "%u DS", wish->ds.rrs.count);
}

ms_verdict_t ms_accept_ds(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                          ms_memory_t *memory, ms_rrset_t *out)
{
	ms_wish_t wish = { 0 };
	ms_verdict_t v = judge(survey, policy, now, memory, &wish);
	if (v.kind == MS_VERDICT_CHANGE) {
		ms_rrset_clear(out);
		*out = wish.ds;
	} else {
		ms_rrset_clear(&wish.ds);
	}
	/* The hold is about a wish without a break (RFC 8078 section 3.3). */
	if (v.kind == MS_VERDICT_SAME || v.kind == MS_VERDICT_REFUSE) {
		memory->wishing = false;
	}
	return v;
}

/* Each DS belongs to a key that some server has. */
static ms_verdict_t check_keys(const ms_survey_t *survey, const ms_rrset_t *ds)
{
	for MS_EACH_RDATA(rd, ds) {
		bool found = false;
		for (uint8_t i = 0; i < survey->look_count && !found; i++) {
			for MS_EACH_RDATA(key, &survey->looks[i].said[MS_LOOK_DNSKEY].set) {
				found = found || ms_cds_of_key(rd->data, rd->len, survey->child, key->data,
				                               key->len);
			}
		}
		if (!found) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_PATH, MS_EDE_DNSKEY_MISSING,
			                  "no server has the DNSKEY of DS %u", knot_wire_read_u16(rd->data));
		}
	}
	return fine;
}

static ms_verdict_t check_forms(const ms_policy_t *policy, const ms_rrset_t *ds)
{
	for MS_EACH_RDATA(rd, ds) {
		ms_ds_t info;
		if (ms_ds_decode(rd->data, rd->len, &info) != KNOT_EOK ||
		    info.digest_type >= sizeof(policy->digest) || !policy->digest[info.digest_type]) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED,
			                  "a DS has a digest type that is not accepted");
		}
	}
	return ms_wish_algorithms(policy, ds);
}

ms_verdict_t ms_accept_ds_update(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                                 const ms_rrset_t *ds, ms_memory_t *memory)
{
	ms_wish_t wish = { 0 };
	if (ms_rrset_equal(ds, &survey->deleg.ds)) {
		return fine;
	}
	ms_verdict_t v = check_forms(policy, ds);
	if (v.kind == MS_VERDICT_SAME) {
		v = ms_wish_read(survey, policy, &wish);
	}
	if (v.kind == MS_VERDICT_SAME && wish.any && !ms_rrset_equal(&wish.ds, ds)) {
		v = ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID,
		               "the servers publish CDS or CDNSKEY that ask for other DS");
	}
	ms_rrset_clear(&wish.ds);
	if (v.kind == MS_VERDICT_SAME && wish.any && survey->deleg.ds.rrs.count > 0) {
		v = check_age(survey, policy, now, memory);
	}
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	if (ds->rrs.count == 0) {
		return wish.any && wish.delete && policy->ds_delete
		     ? ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "the DS RRset goes")
		     : ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED,
		                  "DS go only where every server publishes the delete signal");
	}
	v = check_keys(survey, ds);
	if (v.kind == MS_VERDICT_SAME) {
		v = check_path(survey, policy, ds, now);
	}
	return v.kind != MS_VERDICT_SAME ? v
	     : ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "%u DS", ds->rrs.count);
}
