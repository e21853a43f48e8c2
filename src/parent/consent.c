/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/consent.h"

#include <stdio.h>

#include <libknot/libknot.h>

void ms_look_text(const ms_look_t *look, char out[MS_LOOK_TEXT_MAX])
{
	knot_dname_txt_storage_t host = "";
	char addr[MS_ADDR_TEXT_MAX];
	(void)knot_dname_to_str(host, look->host, sizeof(host));
	ms_addr_to_text(&look->addr, addr);
	(void)snprintf(out, MS_LOOK_TEXT_MAX, "%.60s (%s)", host, addr);
}

/* Silent to everything: about DNSKEY and SOA, too. */
static bool is_silent(const ms_look_t *look)
{
	return look->said[MS_LOOK_SOA].saying <= MS_SAID_SILENT &&
	       look->said[MS_LOOK_DNSKEY].saying <= MS_SAID_SILENT;
}

static bool all_silent(const ms_survey_t *survey)
{
	for (uint8_t i = 0; i < survey->look_count; i++) {
		if (!survey->looks[i].is_new && !is_silent(&survey->looks[i])) {
			return false;
		}
	}
	return true;
}

bool ms_look_counts(const ms_survey_t *survey, const ms_look_t *look, const ms_policy_t *policy)
{
	/* A first DS is nobody's but all servers' together. */
	bool drop = policy->drop_silent && survey->deleg.ds.rrs.count > 0;
	return !look->is_new && !(drop && is_silent(look) && !all_silent(survey));
}

static ms_verdict_t check_one(const ms_survey_t *survey, const ms_look_t *look,
                              const ms_said_t *said, const char *type)
{
	char who[MS_LOOK_TEXT_MAX];
	ms_look_text(look, who);
	switch (said->saying) {
	case MS_SAID_SECURE:
		return (ms_verdict_t){ .ede = MS_EDE_NONE };
	case MS_SAID_INSECURE:
		if (survey->deleg.ds.rrs.count == 0) {
			return (ms_verdict_t){ .ede = MS_EDE_NONE };
		}
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_VALID, MS_EDE_RRSIGS_MISSING,
		                  "%s at %s is insecure: no DS of the child can be used", type, who);
	case MS_SAID_BOGUS:
		return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_VALID, MS_EDE_BOGUS,
		                  "%s at %s is bogus", type, who);
	default:
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_ANSWER, MS_EDE_UNREACHABLE,
		                  "no usable answer about %s from %s", type, who);
	}
}

static const char *type_name(ms_look_type_t type)
{
	static const char *const names[MS_LOOKS_TYPES] = {
		"SOA", "DNSKEY", "CDS", "CDNSKEY", "CSYNC", "NS", "KEY", "SOA",
	};
	return names[type];
}

/* What refuses counts more than what waits: it is told first. */
ms_verdict_t ms_consent_heard(const ms_survey_t *survey, const ms_policy_t *policy,
                              ms_look_type_t type)
{
	ms_verdict_t result = { .ede = MS_EDE_NONE };
	if (survey->ret != KNOT_EOK) {
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_UNREACHABLE, "%s",
		                  survey->text);
	}
	unsigned heard = 0;
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if (!ms_look_counts(survey, look, policy)) {
			continue;
		}
		heard++;
		ms_verdict_t v = check_one(survey, look, &look->said[type], type_name(type));
		if (v.kind == MS_VERDICT_REFUSE) {
			return v;
		}
		if (v.kind != MS_VERDICT_SAME) {
			result = v;
		}
	}
	return heard > 0 ? result
	     : ms_verdict(MS_VERDICT_WAIT, MS_RULE_ANSWER, MS_EDE_UNREACHABLE,
	                  "the delegation has no server that could be asked");
}

static ms_verdict_t differ(const ms_look_t *a, const ms_look_t *b, const char *type)
{
	char first[MS_LOOK_TEXT_MAX], second[MS_LOOK_TEXT_MAX];
	ms_look_text(a, first);
	ms_look_text(b, second);
	return ms_verdict(MS_VERDICT_REFUSE, MS_RULE_AGREE, MS_EDE_INVALID, "%s differs: %.75s, %.75s",
	                  type, first, second);
}

ms_verdict_t ms_consent(const ms_survey_t *survey, const ms_policy_t *policy, ms_look_type_t type,
                        const ms_said_t **out)
{
	ms_verdict_t heard = ms_consent_heard(survey, policy, type);
	const ms_look_t *first = NULL;
	if (heard.kind == MS_VERDICT_REFUSE) {
		return heard;
	}
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if (!ms_look_counts(survey, look, policy) ||
		    look->said[type].saying < MS_SAID_INSECURE) {
			continue;
		}
		first = first != NULL ? first : look;
		if (!ms_rrset_equal(&first->said[type].set, &look->said[type].set)) {
			return differ(first, look, type_name(type));
		}
	}
	if (heard.kind == MS_VERDICT_SAME) {
		*out = &first->said[type];
	}
	return heard;
}

static const ms_look_host_t *find_host(const ms_look_t *look, const knot_dname_t *host)
{
	for (uint8_t i = 0; i < look->host_count; i++) {
		if (knot_dname_is_equal(look->hosts[i].host, host)) {
			return &look->hosts[i];
		}
	}
	return NULL;
}

static ms_verdict_t agree_host(const ms_survey_t *survey, const ms_look_t *look,
                               const ms_said_t *said, const ms_rrset_t **common,
                               const ms_look_t *first, const char *type)
{
	ms_verdict_t v = check_one(survey, look, said, type);
	if (v.kind != MS_VERDICT_SAME) {
		return v;
	}
	if (*common == NULL) {
		*common = &said->set;
	}
	return ms_rrset_equal(*common, &said->set) ? v : differ(first, look, type);
}

ms_verdict_t ms_consent_host(const ms_survey_t *survey, const ms_policy_t *policy,
                             const knot_dname_t *host, const ms_rrset_t **a,
                             const ms_rrset_t **aaaa)
{
	static const ms_look_host_t unasked;
	ms_verdict_t v = { .ede = MS_EDE_NONE };
	const ms_look_t *first = NULL;
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		if (!ms_look_counts(survey, look, policy)) {
			continue;
		}
		first = first != NULL ? first : look;
		const ms_look_host_t *found = find_host(look, host);
		found = found != NULL ? found : &unasked;
		if (a != NULL) {
			v = agree_host(survey, look, &found->a, a, first, "A of a name server");
		}
		if (v.kind == MS_VERDICT_SAME && aaaa != NULL) {
			v = agree_host(survey, look, &found->aaaa, aaaa, first, "AAAA of a name server");
		}
		if (v.kind != MS_VERDICT_SAME) {
			return v;
		}
	}
	return v;
}
