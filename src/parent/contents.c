/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/contents.h"

#include <string.h>

#include <libknot/libknot.h>

#include "parent/accept_ns.h"

static const ms_verdict_t fine = { .kind = MS_VERDICT_SAME, .ede = MS_EDE_NONE };

#define REFUSE(rule, text) ms_verdict(MS_VERDICT_REFUSE, (rule), MS_EDE_PROHIBITED, text)

static ms_verdict_t check_owner(const ms_delta_t *d, const knot_dname_t *child,
                                const knot_dname_t *parent, uint16_t *rcode)
{
	if (knot_dname_in_bailiwick(d->owner, parent) < 0) {
		*rcode = KNOT_RCODE_NOTZONE;
		return REFUSE(MS_RULE_OWN, "a name outside of the zone");
	}
	if (knot_dname_in_bailiwick(d->owner, child) < 0) {
		return REFUSE(MS_RULE_OWN, "a name that is not the child's");
	}
	return fine;
}

static bool is_address(uint16_t type)
{
	return type == KNOT_RRTYPE_A || type == KNOT_RRTYPE_AAAA;
}

static ms_verdict_t take_key(const ms_delta_t *d, ms_contents_t *out)
{
	if (d->op == MS_DELTA_DEL_RRSET && out->key.len == 0) {
		out->replace = true;
		return fine;
	}
	if (d->op != MS_DELTA_ADD || out->key.len > 0) {
		return REFUSE(MS_RULE_OWN, "KEY: delete all of them, if at all, then add one");
	}
	if (!ms_key_usable(d->rdata, d->rdlen)) {
		return REFUSE(MS_RULE_POLICY, "a KEY that cannot verify SIG(0), or of an algorithm that is "
		              "not supported");
	}
	out->key.len = d->rdlen;
	memcpy(out->key.rdata, d->rdata, d->rdlen);
	return fine;
}

static ms_verdict_t check_type(const ms_delta_t *d, const knot_dname_t *child,
                               const ms_policy_t *policy, ms_contents_t *out)
{
	bool apex = knot_dname_is_equal(d->owner, child);
	if (d->op == MS_DELTA_DEL_NAME) {
		return REFUSE(MS_RULE_OWN, "'delete all RRsets' is not accepted");
	}
	if (apex && d->type == KNOT_RRTYPE_KEY) {
		return take_key(d, out);
	}
	if (is_address(d->type) || (apex && d->type == KNOT_RRTYPE_NS)) {
		out->ns = true;
		return policy->update_ns ? fine : REFUSE(MS_RULE_POLICY, "NS and glue by UPDATE are off");
	}
	if (apex && d->type == KNOT_RRTYPE_DS) {
		out->ds = true;
		return policy->update_ds ? fine : REFUSE(MS_RULE_POLICY, "DS by UPDATE are off");
	}
	return REFUSE(MS_RULE_OWN, "only NS, glue and DS, or KEY, of the child");
}

ms_verdict_t ms_contents_read(const ms_deltas_t *deltas, const knot_dname_t *child,
                              const knot_dname_t *parent, const ms_policy_t *policy,
                              ms_contents_t *out, uint16_t *rcode)
{
	ms_contents_t contents = { 0 };
	*rcode = KNOT_RCODE_REFUSED;
	if (deltas->count == 0) {
		return REFUSE(MS_RULE_OWN, "an UPDATE without operations");
	}
	for (uint16_t i = 0; i < deltas->count; i++) {
		const ms_delta_t *d = &deltas->list[i];
		ms_verdict_t v = check_owner(d, child, parent, rcode);
		if (v.kind == MS_VERDICT_SAME) {
			v = check_type(d, child, policy, &contents);
		}
		if (v.kind != MS_VERDICT_SAME) {
			return v;
		}
	}
	bool about_key = contents.replace || contents.key.len > 0;
	if (about_key && (contents.ns || contents.ds)) {
		return REFUSE(MS_RULE_OWN, "KEY and delegation in one UPDATE: send two");
	}
	if (about_key && contents.key.len == 0) {
		return REFUSE(MS_RULE_WHOLE, "KEYs can be replaced, not deleted");
	}
	contents.kind = about_key ? MS_CONTENTS_KEY : MS_CONTENTS_DELEGATION;
	*out = contents;
	*rcode = KNOT_RCODE_NOERROR;
	return fine;
}

/* Which set of the delegation an operation is about; NULL: too many name servers with glue. */
static ms_rrset_t *target(const ms_delta_t *d, ms_deleg_t *deleg)
{
	if (d->type == KNOT_RRTYPE_NS) {
		return &deleg->ns;
	}
	if (d->type == KNOT_RRTYPE_DS) {
		return &deleg->ds;
	}
	ms_glue_t *glue = ms_deleg_glue(deleg, d->owner, true);
	return glue == NULL ? NULL : d->type == KNOT_RRTYPE_A ? &glue->a : &glue->aaaa;
}

static int apply(const ms_delta_t *d, ms_rrset_t *set)
{
	switch (d->op) {
	case MS_DELTA_ADD:
		set->ttl = d->ttl;
		return ms_rrset_add(set, d->rdata, d->rdlen);
	case MS_DELTA_DEL_RR:
		return ms_rrset_remove(set, d->rdata, d->rdlen);
	default:
		ms_rrset_clear(set);
		return KNOT_EOK;
	}
}

static uint16_t limit_of(uint16_t type)
{
	return type == KNOT_RRTYPE_NS ? MS_NS_MAX
	     : type == KNOT_RRTYPE_DS ? MS_DS_COUNT_MAX : MS_GLUE_ADDRS_MAX;
}

/* Glue of what is no name server any more goes with it; of what never was one it is refused. */
static ms_verdict_t drop_glue(const ms_deleg_t *before, ms_deleg_t *deleg)
{
	for (uint8_t i = 0; i < deleg->glue_count; i++) {
		ms_glue_t *glue = &deleg->glue[i];
		size_t len = knot_dname_size(glue->host);
		if (ms_rrset_has(&deleg->ns, glue->host, len)) {
			continue;
		}
		if (glue->a.rrs.count + glue->aaaa.rrs.count > 0 &&
		    !ms_rrset_has(&before->ns, glue->host, len)) {
			return REFUSE(MS_RULE_OWN, "an address of what is no name server");
		}
		ms_rrset_clear(&glue->a);
		ms_rrset_clear(&glue->aaaa);
	}
	return fine;
}

ms_verdict_t ms_contents_apply(const ms_deltas_t *deltas, const knot_dname_t *child,
                               const ms_policy_t *policy, ms_deleg_t *deleg)
{
	ms_deleg_t next = { 0 };
	ms_verdict_t v = fine;
	if (ms_deleg_copy(&next, deleg) != KNOT_EOK) {
		return ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER, "out of memory");
	}
	for (uint16_t i = 0; i < deltas->count && v.kind == MS_VERDICT_SAME; i++) {
		const ms_delta_t *d = &deltas->list[i];
		ms_rrset_t *set = target(d, &next);
		if (set == NULL || apply(d, set) != KNOT_EOK || set->rrs.count > limit_of(d->type)) {
			v = REFUSE(MS_RULE_POLICY, "too many records");
		}
	}
	if (v.kind == MS_VERDICT_SAME) {
		v = drop_glue(deleg, &next);
	}
	if (v.kind == MS_VERDICT_SAME) {
		v = ms_accept_shape(child, &next, policy);
	}
	if (v.kind != MS_VERDICT_SAME) {
		ms_deleg_clear(&next);
		return v;
	}
	ms_deleg_clear(deleg);
	*deleg = next;
	return ms_verdict(MS_VERDICT_CHANGE, MS_RULE_NONE, MS_EDE_NONE, "well-formed");
}
