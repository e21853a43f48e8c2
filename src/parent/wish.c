/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/wish.h"

#include <libknot/libknot.h>

#include "parent/consent.h"
#include "wire/dnskey.h"
#include "wire/ds.h"

static const ms_verdict_t fine = { .kind = MS_VERDICT_SAME, .ede = MS_EDE_NONE };

static ms_verdict_t no_memory(void)
{
	return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER, "out of memory");
}

bool ms_ds_names(const knot_dname_t *zone, const knot_rdata_t *key, const ms_rrset_t *ds)
{
	for MS_EACH_RDATA(rd, ds) {
		if (ms_cds_of_key(rd->data, rd->len, zone, key->data, key->len)) {
			return true;
		}
	}
	return false;
}

/* Rule 6. */
static ms_verdict_t check_match(const ms_survey_t *survey, const ms_rrset_t *cds,
                                const ms_rrset_t *cdnskey)
{
	static const char text[] = "CDS and CDNSKEY do not name the same keys";
	if (cds->rrs.count == 0 || cdnskey->rrs.count == 0) {
		return fine;
	}
	if (ms_cds_set_has_delete(cds) || ms_cdnskey_set_has_delete(cdnskey)) {
		return ms_cds_set_is_delete(cds) && ms_cdnskey_set_is_delete(cdnskey) ? fine
		     : ms_verdict(MS_VERDICT_REFUSE, MS_RULE_MATCH, MS_EDE_INVALID, text);
	}
	for MS_EACH_RDATA(key, cdnskey) {
		if (!ms_ds_names(survey->child, key, cds)) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_MATCH, MS_EDE_INVALID, text);
		}
	}
	for MS_EACH_RDATA(rd, cds) {
		bool found = false;
		for MS_EACH_RDATA(key, cdnskey) {
			found = found || ms_cds_of_key(rd->data, rd->len, survey->child, key->data,
			                               key->len);
		}
		if (!found) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_MATCH, MS_EDE_INVALID, text);
		}
	}
	return fine;
}

static bool same_key(const knot_rdata_t *a, const ms_rrset_t *set)
{
	for MS_EACH_RDATA(b, set) {
		if (b->data[0] == a->data[0] && b->data[1] == a->data[1] && b->data[2] == a->data[2]) {
			return true;
		}
	}
	return false;
}

/* DS out of CDS: those digests that policy allows; every key must be left with one (K-27). */
static ms_verdict_t take_cds(const ms_policy_t *policy, const ms_rrset_t *cds, ms_rrset_t *out)
{
	for MS_EACH_RDATA(rd, cds) {
		ms_ds_t ds;
		if (ms_ds_decode(rd->data, rd->len, &ds) != KNOT_EOK) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID, "malformed CDS");
		}
		if (ds.digest_type < sizeof(policy->digest) && policy->digest[ds.digest_type] &&
		    ms_rrset_add(out, rd->data, rd->len) != KNOT_EOK) {
			return no_memory();
		}
	}
	for MS_EACH_RDATA(rd, cds) {
		if (!same_key(rd, out)) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED,
			                  "no accepted digest type for key %u",
			                  knot_wire_read_u16(rd->data));
		}
	}
	return fine;
}

static ms_verdict_t take_cdnskey(const ms_survey_t *survey, const ms_policy_t *policy,
                                 const ms_rrset_t *cdnskey, ms_rrset_t *out)
{
	uint8_t ds[MS_DS_MAX];
	uint8_t type = policy->digest[MS_DIGEST_SHA256] ? MS_DIGEST_SHA256 : MS_DIGEST_SHA384;
	for MS_EACH_RDATA(key, cdnskey) {
		int len = ms_ds_make(survey->child, key->data, key->len, type, ds, sizeof(ds));
		if (len < 0) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID,
			                  "a CDNSKEY cannot be made a DS");
		}
		if (ms_rrset_add(out, ds, len) != KNOT_EOK) {
			return no_memory();
		}
	}
	return fine;
}

ms_verdict_t ms_wish_algorithms(const ms_policy_t *policy, const ms_rrset_t *ds)
{
	for MS_EACH_RDATA(rd, ds) {
		if (!policy->algorithm[rd->data[2]]) {
			return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED,
			                  "algorithm %u of key %u is not accepted", rd->data[2],
			                  knot_wire_read_u16(rd->data));
		}
	}
	return ds->rrs.count <= MS_DS_COUNT_MAX ? fine
	     : ms_verdict(MS_VERDICT_REFUSE, MS_RULE_POLICY, MS_EDE_PROHIBITED, "too many DS");
}

ms_verdict_t ms_wish_read(const ms_survey_t *survey, const ms_policy_t *policy, ms_wish_t *out)
{
	const ms_said_t *cds = NULL, *cdnskey = NULL;
	ms_verdict_t v = ms_consent(survey, policy, MS_LOOK_CDS, &cds);
	if (v.kind == MS_VERDICT_SAME) {
		v = ms_consent(survey, policy, MS_LOOK_CDNSKEY, &cdnskey);
	}
	if (v.kind == MS_VERDICT_SAME) {
		v = ms_consent_heard(survey, policy, MS_LOOK_DNSKEY);
	}
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	out->any = cds->set.rrs.count > 0 || cdnskey->set.rrs.count > 0;
	v = check_match(survey, &cds->set, &cdnskey->set);
	if (!out->any || v.kind != MS_VERDICT_SAME) {
		return v;
	}
	out->delete = ms_cds_set_is_delete(&cds->set) || ms_cdnskey_set_is_delete(&cdnskey->set);
	if (out->delete) {
		return fine;
	}
	if (ms_cds_set_has_delete(&cds->set) || ms_cdnskey_set_has_delete(&cdnskey->set)) {
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_FORM, MS_EDE_INVALID,
		                  "the delete form beside other records");
	}
	v = cds->set.rrs.count > 0 ? take_cds(policy, &cds->set, &out->ds)
	                           : take_cdnskey(survey, policy, &cdnskey->set, &out->ds);
	return v.kind == MS_VERDICT_SAME ? ms_wish_algorithms(policy, &out->ds) : v;
}
