/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/accept_ns.h"

#include <libknot/libknot.h>

#include "base/name.h"
#include "parent/consent.h"
#include "wire/csync.h"

static const ms_verdict_t fine = { .kind = MS_VERDICT_SAME, .ede = MS_EDE_NONE };

static ms_verdict_t no_memory(void)
{
	return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER, "out of memory");
}

ms_verdict_t ms_accept_shape(const knot_dname_t *child, const ms_deleg_t *deleg,
                             const ms_policy_t *policy)
{
	const knot_rdata_t *rd = deleg->ns.rrs.rdata;
	if (deleg->ns.rrs.count == 0 || deleg->ns.rrs.count < policy->ns_min) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_WHOLE, MS_EDE_PROHIBITED,
		                  "%u name servers are fewer than %u", deleg->ns.rrs.count,
		                  policy->ns_min > 0 ? policy->ns_min : 1);
	}
	for (uint8_t i = 0; i < deleg->glue_count; i++) {
		if (deleg->glue[i].a.rrs.count > MS_GLUE_ADDRS_MAX ||
		    deleg->glue[i].aaaa.rrs.count > MS_GLUE_ADDRS_MAX) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_GLUE, MS_EDE_PROHIBITED,
			                  "a name server with more than %u addresses of a kind",
			                  MS_GLUE_ADDRS_MAX);
		}
	}
	for (uint16_t i = 0; i < deleg->ns.rrs.count; i++) {
		const ms_glue_t *glue = ms_deleg_find(deleg, rd->data);
		if (knot_dname_in_bailiwick(rd->data, child) >= 0 &&
		    (glue == NULL || glue->a.rrs.count + glue->aaaa.rrs.count == 0)) {
			knot_dname_txt_storage_t host = "";
			(void)knot_dname_to_str(host, rd->data, sizeof(host));
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_GLUE, MS_EDE_INVALID,
			                  "name server %.100s would have no address", host);
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	return fine;
}

/* Rules 2, 3 and 11 at those servers of \a ns that the delegation does not have yet. */
static ms_verdict_t check_new(const ms_survey_t *survey, const ms_rrset_t *ns)
{
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if (!look->is_new || !ms_rrset_has(ns, look->host, knot_dname_size(look->host))) {
			continue;
		}
		uint8_t wanted = survey->deleg.ds.rrs.count > 0 ? MS_SAID_SECURE : MS_SAID_INSECURE;
		const ms_said_t *soa = &look->said[MS_LOOK_SOA];
		if (soa->saying < wanted || soa->set.rrs.count == 0 ||
		    look->said[MS_LOOK_DNSKEY].saying < wanted) {
			char who[MS_LOOK_TEXT_MAX];
			ms_look_text(look, who);
			return ms_verdict(soa->saying == MS_SAID_SILENT ? MS_VERDICT_WAIT
			                                                : MS_VERDICT_REFUSE,
			                  MS_RULE_SERVES, MS_EDE_UNREACHABLE,
			                  "new name server %s does not serve the zone (%s)", who,
			                  ms_saying_name(soa->saying));
		}
		const ms_rrset_t *theirs = &look->said[MS_LOOK_NS].set;
		if (!ms_rrset_equal(theirs, ns)) {
			char who[MS_LOOK_TEXT_MAX];
			ms_look_text(look, who);
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID,
			                  "new name server %s has another NS RRset", who);
		}
	}
	return fine;
}

/* Addresses of one name server below the child as all servers have them; types that are not in
 * \a types are left as they are at the parent (RFC 7477 section 3.2.2). */
static ms_verdict_t take_glue(const ms_survey_t *survey, const ms_policy_t *policy, uint8_t types,
                              const knot_dname_t *host, ms_deleg_t *out)
{
	const ms_rrset_t *a = NULL, *aaaa = NULL;
	ms_verdict_t v = ms_consent_host(survey, policy, host,
	                                 (types & MS_CSYNC_A) != 0 ? &a : NULL,
	                                 (types & MS_CSYNC_AAAA) != 0 ? &aaaa : NULL);
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	const ms_glue_t *old = ms_deleg_find(&survey->deleg, host);
	a = (types & MS_CSYNC_A) != 0 ? a : old != NULL ? &old->a : NULL;
	aaaa = (types & MS_CSYNC_AAAA) != 0 ? aaaa : old != NULL ? &old->aaaa : NULL;
	ms_glue_t *glue = ms_deleg_glue(out, host, true);
	if (glue == NULL || (a != NULL && ms_rrset_copy(&glue->a, a) != KNOT_EOK) ||
	    (aaaa != NULL && ms_rrset_copy(&glue->aaaa, aaaa) != KNOT_EOK)) {
		return no_memory();
	}
	return fine;
}

/* Rules 2 to 4, 7, 11 and 12 about NS and glue; \a out gets them. */
static ms_verdict_t build(const ms_survey_t *survey, const ms_policy_t *policy, uint8_t types,
                          ms_deleg_t *out)
{
	const ms_said_t *ns = NULL;
	const ms_rrset_t *wanted = &survey->deleg.ns;
	if ((types & MS_CSYNC_NS) != 0) {
		ms_verdict_t v = ms_consent(survey, policy, MS_LOOK_NS, &ns);
		if (v.kind != MS_VERDICT_SAME) {
			return v;
		}
		wanted = &ns->set;
	}
	if (wanted->rrs.count > MS_NS_MAX) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED,
		                  "more than %u name servers", MS_NS_MAX);
	}
	if (ms_rrset_copy(&out->ns, wanted) != KNOT_EOK ||
	    ms_rrset_copy(&out->ds, &survey->deleg.ds) != KNOT_EOK) {
		return no_memory();
	}
	const knot_rdata_t *rd = wanted->rrs.rdata;
	for (uint16_t i = 0; i < wanted->rrs.count; i++) {
		if (knot_dname_in_bailiwick(rd->data, survey->child) >= 0) {
			ms_verdict_t v = take_glue(survey, policy, types, rd->data, out);
			if (v.kind != MS_VERDICT_SAME) {
				return v;
			}
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	ms_verdict_t v = ms_accept_shape(survey->child, out, policy);
	return v.kind == MS_VERDICT_SAME ? check_new(survey, &out->ns) : v;
}

static ms_verdict_t soa_serial(const ms_said_t *said, uint32_t *out)
{
	if (said->saying < MS_SAID_INSECURE || said->set.rrs.count != 1 ||
	    said->set.rrs.rdata->len < 22) {
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_ANSWER, MS_EDE_UNREACHABLE,
		                  "no usable answer about SOA");
	}
	*out = knot_soa_serial(said->set.rrs.rdata);
	return fine;
}

/* Rule 13, at each server with its own serial: they are not comparable (X-19, K-35..K-38). */
static ms_verdict_t check_settled(const ms_look_t *look, const ms_csync_t *csync)
{
	uint32_t first, last;
	char who[MS_LOOK_TEXT_MAX];
	ms_verdict_t v = soa_serial(&look->said[MS_LOOK_SOA], &first);
	if (v.kind == MS_VERDICT_SAME) {
		v = soa_serial(&look->said[MS_LOOK_SOA_AGAIN], &last);
	}
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	ms_look_text(look, who);
	if (first != last) {
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SETTLED, MS_EDE_NONE,
		                  "the zone at %s changed while it was looked at", who);
	}
	if ((csync->flags & MS_CSYNC_SOAMINIMUM) != 0 && (int32_t)(first - csync->serial) < 0) {
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SETTLED, MS_EDE_NONE,
		                  "serial %u at %s is below that of CSYNC", first, who);
	}
	return fine;
}

/* Serial and soaminimum may differ between servers, since they are about each one's own SOA; what
 * counts is that no verdict differs (RFC 9975 section 3.2, X-19). */
static ms_verdict_t read_csync(const ms_look_t *look, ms_csync_t *out)
{
	const ms_rrset_t *set = &look->said[MS_LOOK_CSYNC].set;
	char who[MS_LOOK_TEXT_MAX];
	ms_look_text(look, who);
	if (set->rrs.count != 1) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID,
		                  "%u CSYNC records at %s", set->rrs.count, who);
	}
	if (ms_csync_decode(set->rrs.rdata->data, set->rrs.rdata->len, out) != KNOT_EOK) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID,
		                  "malformed CSYNC at %s", who);
	}
	if ((out->flags & ~(MS_CSYNC_IMMEDIATE | MS_CSYNC_SOAMINIMUM)) != 0) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID,
		                  "CSYNC at %s has an unknown flag", who);
	}
	if (out->foreign != 0) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID,
		                  "CSYNC at %s lists type %u, which cannot be copied", who, out->foreign);
	}
	return fine;
}

/* Rules 1 to 5, 13 and 14. SAME: \a out says which types; nothing published: out->types is 0. */
static ms_verdict_t read_wish(const ms_survey_t *survey, const ms_policy_t *policy, ms_csync_t *out)
{
	ms_verdict_t v = ms_consent_heard(survey, policy, MS_LOOK_CSYNC);
	const ms_look_t *first = NULL;
	unsigned with = 0, counted = 0;
	for (uint8_t i = 0; v.kind == MS_VERDICT_SAME && i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if (!ms_look_counts(survey, look, policy)) {
			continue;
		}
		counted++;
		if (look->said[MS_LOOK_CSYNC].set.rrs.count == 0) {
			continue;
		}
		ms_csync_t csync;
		v = read_csync(look, &csync);
		if (v.kind == MS_VERDICT_SAME && with++ == 0) {
			first = look;
			*out = csync;
		} else if (v.kind == MS_VERDICT_SAME &&
		           (csync.types != out->types ||
		            ((csync.flags ^ out->flags) & MS_CSYNC_IMMEDIATE) != 0)) {
			v = ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID,
			               "the servers have different CSYNC records");
		}
		if (v.kind == MS_VERDICT_SAME) {
			v = check_settled(look, &csync);
		}
	}
	if (v.kind != MS_VERDICT_SAME || with == 0) {
		return v;
	}
	if (with < counted) {
		char who[MS_LOOK_TEXT_MAX];
		ms_look_text(first, who);
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID,
		                  "CSYNC at %s, and not at every server", who);
	}
	if ((out->flags & MS_CSYNC_IMMEDIATE) == 0) {
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_IMMEDIATE, MS_EDE_NONE,
		                  "CSYNC without 'immediate': an operator must approve");
	}
	return fine;
}

ms_verdict_t ms_accept_csync(const ms_survey_t *survey, const ms_policy_t *policy, ms_deleg_t *out)
{
	ms_csync_t csync = { 0 };
	ms_deleg_t made = { 0 };
	ms_verdict_t v = read_wish(survey, policy, &csync);
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	if (csync.types == 0) {
		return ms_verdict(MS_VERDICT_SAME, MS_RULE_NONE, MS_EDE_NONE, "no CSYNC");
	}
	if (survey->deleg.ds.rrs.count == 0) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_VALID, MS_EDE_NONE,
		                  "CSYNC of a child without DS counts nothing");
	}
	v = build(survey, policy, csync.types, &made);
	if (v.kind == MS_VERDICT_SAME && ms_deleg_equal(&made, &survey->deleg)) {
		v = ms_verdict(MS_VERDICT_SAME, MS_RULE_NONE, MS_EDE_NONE, "NS and glue are right");
	} else if (v.kind == MS_VERDICT_SAME) {
		v = ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "%u NS, %u with glue",
		               made.ns.rrs.count, made.glue_count);
	}
	if (v.kind != MS_VERDICT_CHANGE) {
		ms_deleg_clear(&made);
		return v;
	}
	ms_deleg_clear(out);
	*out = made;
	return v;
}

ms_verdict_t ms_accept_ns_update(const ms_survey_t *survey, const ms_policy_t *policy)
{
	const uint8_t all = MS_CSYNC_NS | MS_CSYNC_A | MS_CSYNC_AAAA;
	ms_deleg_t theirs = { 0 }, wanted = { 0 };
	if (ms_deleg_copy(&wanted, &survey->proposed) != KNOT_EOK ||
	    ms_rrset_copy(&wanted.ds, &survey->deleg.ds) != KNOT_EOK) {
		ms_deleg_clear(&wanted);
		return no_memory();
	}
	ms_verdict_t v = fine;
	if (!ms_deleg_equal(&wanted, &survey->deleg)) {
		v = build(survey, policy, all, &theirs);
		if (v.kind == MS_VERDICT_SAME) {
			v = ms_deleg_equal(&wanted, &theirs)
			  ? ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "%u NS",
			               wanted.ns.rrs.count)
			  : ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID,
			               "the child's servers have other NS or addresses");
		}
	}
	ms_deleg_clear(&theirs);
	ms_deleg_clear(&wanted);
	return v;
}
