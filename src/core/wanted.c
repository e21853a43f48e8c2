/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/wanted.h"

#include <stdlib.h>

#include <libknot/libknot.h>

#include "core/contribution.h"
#include "core/member.h"
#include "core/step.h"

#define BIT(type) (1u << (type))

/* Types that knotd itself publishes for its own keys: others' records stand beside them. */
static const ms_apex_type_t key_types[] = { MS_APEX_DNSKEY, MS_APEX_CDS, MS_APEX_CDNSKEY };
#define KEY_TYPES (sizeof(key_types) / sizeof(key_types[0]))

int ms_record_digest(uint16_t rrtype, const uint8_t *rdata, uint16_t len, ms_digest_t *out)
{
	ms_rrset_t set = { 0 };
	int ret = ms_rrset_add(&set, rdata, len);
	if (ret == KNOT_EOK) {
		const ms_rrset_t *sets[] = { &set };
		ret = ms_rrsets_digest(sets, &rrtype, 1, out);
	}
	ms_rrset_clear(&set);
	return ret;
}

bool ms_wanted_nobody_signs(const ms_zone_t *zone)
{
	bool nobody = zone->self_sign != MS_HSYNC_SIGN;
	for (size_t i = 0; i < zone->pair_count; i++) {
		/* Who leaves signs on until its process ends that. */
		bool counts = ms_pair_on(&zone->pairs[i]) || zone->pairs[i].leaving;
		nobody &= !counts || zone->pairs[i].sign != MS_HSYNC_SIGN;
	}
	return nobody;
}

bool ms_wanted_sealed(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return zone->shared && zone->loaded && zone->apex.is_signed && !zone->signing &&
	       !agent->config.combiner_role && ms_wanted_nobody_signs(zone);
}

/* 'mode: hold': a process that an operator lets go on goes on, nothing else does. */
static bool held_back(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return agent->config.hold && (zone->process == NULL || zone->process->kind == MS_PROC_NONE);
}

ms_combine_t ms_combine_of(const ms_agent_t *agent, const ms_zone_t *zone)
{
	if (!zone->shared) {
		/* Unlisted is not ordinary: while the RRset names others, nothing is touched. */
		if (zone->loaded && zone->apex.set[MS_APEX_HSYNC].rrs.count == 0) {
			return MS_COMBINE_RESTORE;
		}
		/* Taken out of the RRset without having been OFF: who is sent here still must find what was
		 * there. */
		bool member = ms_member_founded(zone) && zone->process->member;
		return member && zone->has_written ? MS_COMBINE_FROZEN : MS_COMBINE_KEEP;
	}
	if (zone->sheds) {
		/* Each edit would be undone by the next signature: the gate would never open. */
		return MS_COMBINE_KEEP;
	}
	/* Others may still be answered from what we serve: until a process says so, nothing is taken
	 * out of a zone in which we are not ON any more. */
	if (zone->self_state != MS_HSYNC_ON && !ms_member_stays(zone)) {
		return zone->has_written ? MS_COMBINE_FROZEN : MS_COMBINE_KEEP;
	}
	/* Before the operator's word has reached us after a start, it is as it was. */
	bool may_sign = zone->signing || !zone->opted || agent->config.combiner_role;
	bool signer = zone->self_sign == MS_HSYNC_SIGN && may_sign;
	bool editor = ms_wanted_nobody_signs(zone) && !zone->signing && !ms_wanted_sealed(agent, zone);
	return !signer && !editor ? MS_COMBINE_KEEP
	     : held_back(agent, zone) || agent->unsaved ? MS_COMBINE_FROZEN : MS_COMBINE_YES;
}

/* Do we publish the keys of this provider? A leaving one's data stay until the process that
 * removes them; one that was never ON has none. */
static bool keys_count(const ms_pair_t *pair)
{
	return pair->has_held &&
	       (pair->leaving || (ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN));
}

/* What is asked of the parent is asked by those who are ON: who leaves asks for nothing more. */
static bool asks_count(const ms_pair_t *pair)
{
	return pair->has_held && ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN;
}

/* Whoever is in it, signing or not, or was. */
static bool counts(const ms_pair_t *pair)
{
	return pair->has_held && (pair->leaving || ms_pair_on(pair));
}

static bool says(const ms_zone_t *zone, const ms_pair_t *pair, ms_apex_type_t type)
{
	switch (type) {
	case MS_APEX_DNSKEY:
		return keys_count(pair) && ms_member_keys(zone, pair);
	case MS_APEX_CDS:
	case MS_APEX_CDNSKEY:
		return keys_count(pair) && ms_member_cds(zone, pair);
	case MS_APEX_NS:
		/* From the step on in which its servers may be asked. */
		return counts(pair) && ms_member_ns(zone, pair);
	default:
		return asks_count(pair);
	}
}

static int drop_quarantined(const ms_zone_t *zone, ms_apex_type_t type, ms_rrset_t *set)
{
	if (zone->quarantine_count == 0) {
		return KNOT_EOK;
	}
	ms_rrset_t kept = { .ttl = set->ttl };
	knot_rdata_t *rr = set->rrs.rdata;
	int ret = KNOT_EOK;
	for (uint16_t i = 0; ret == KNOT_EOK && i < set->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_digest_t digest;
		bool out = false;
		ret = ms_record_digest(ms_apex_rrtype(type), rr->data, rr->len, &digest);
		for (size_t k = 0; ret == KNOT_EOK && k < zone->quarantine_count; k++) {
			out |= ms_digest_equal(&digest, &zone->quarantine[k].digest);
		}
		if (ret == KNOT_EOK && !out) {
			ret = ms_rrset_add(&kept, rr->data, rr->len);
		}
	}
	if (ret != KNOT_EOK) {
		ms_rrset_clear(&kept);
		return ret;
	}
	ms_rrset_clear(set);
	*set = kept;
	return KNOT_EOK;
}

/* The union of what all say about one type. */
static int unite(const ms_zone_t *zone, ms_apex_type_t type, bool with_own, ms_rrset_t *out)
{
	int ret = with_own ? ms_rrset_union(out, &zone->own.set[type]) : KNOT_EOK;
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		if (says(zone, &zone->pairs[i], type)) {
			ret = ms_rrset_union(out, &zone->pairs[i].held.set[type]);
		}
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_union(out, &zone->local.set[type]);
	}
	return ret == KNOT_EOK ? drop_quarantined(zone, type, out) : ret;
}

/* Two CSYNC records would be an error of the zone (RFC 7477 section 2): the first in canonical
 * order is the same one at every provider. */
static int keep_first(ms_rrset_t *set)
{
	if (set->rrs.count < 2) {
		return KNOT_EOK;
	}
	ms_rrset_t first = { .ttl = set->ttl };
	int ret = ms_rrset_add(&first, set->rrs.rdata->data, set->rrs.rdata->len);
	if (ret == KNOT_EOK) {
		ms_rrset_clear(set);
		*set = first;
	}
	return ret;
}

static bool anybody(const ms_zone_t *zone)
{
	bool any = zone->has_local;
	for (size_t i = 0; i < zone->pair_count; i++) {
		any |= counts(&zone->pairs[i]);
	}
	return any;
}

/* As an agent: contributions of peers beside our own data. */
static int want_as_agent(const ms_agent_t *agent, const ms_zone_t *zone, ms_wanted_t *out)
{
	int ret = KNOT_EOK;
	bool signer = zone->self_sign == MS_HSYNC_SIGN;
	bool others = anybody(zone);
	for (size_t i = 0; ret == KNOT_EOK && signer && i < KEY_TYPES; i++) {
		ms_apex_type_t type = key_types[i];
		ret = unite(zone, type, false, &out->data.set[type]);
		if (ret == KNOT_EOK) {
			ret = ms_rrset_minus(&out->data.set[type], &zone->own.set[type]);
		}
		out->managed |= BIT(type);
	}
	if (ret == KNOT_EOK && signer && (others || zone->own.set[MS_APEX_CSYNC].rrs.count > 0)) {
		ret = unite(zone, MS_APEX_CSYNC, true, &out->data.set[MS_APEX_CSYNC]);
		ret = ret == KNOT_EOK ? keep_first(&out->data.set[MS_APEX_CSYNC]) : ret;
		out->managed |= BIT(MS_APEX_CSYNC);
	}
	if (ret == KNOT_EOK && signer && agent->config.apex_key) {
		ret = unite(zone, MS_APEX_KEY, true, &out->data.set[MS_APEX_KEY]);
	}
	if (ret == KNOT_EOK && zone->nsmgmt == MS_HSYNC_AGENT) {
		/* Until our own data and the members are known it is what we wrote. */
		ret = zone->own_known && ms_member_founded(zone)
		    ? unite(zone, MS_APEX_NS, ms_member_ns(zone, NULL), &out->data.set[MS_APEX_NS])
		    : ms_rrset_copy(&out->data.set[MS_APEX_NS], &zone->written.set[MS_APEX_NS]);
	}
	return ret;
}

/* As a combiner: what our agent said, and nothing else. */
static int want_as_combiner(const ms_agent_t *agent, const ms_zone_t *zone, ms_wanted_t *out)
{
	int ret = KNOT_EOK;
	for (unsigned type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		bool ours = (type != MS_APEX_NS || zone->nsmgmt == MS_HSYNC_AGENT) &&
		            (type != MS_APEX_KEY || agent->config.apex_key);
		if (!zone->has_local || !ours) {
			continue;
		}
		ret = ms_rrset_copy(&out->data.set[type], &zone->local.set[type]);
		ret = ret == KNOT_EOK ? drop_quarantined(zone, type, &out->data.set[type]) : ret;
		if (type != MS_APEX_NS && type != MS_APEX_KEY) {
			out->managed |= BIT(type);
		}
		out->exact |= BIT(type);
	}
	return ret;
}

/* What was noted down last stays, less what knotd refuses: what may stand there by our doing is more
 * than that while a change is under way, and after a start all that is known. */
static int want_as_noted(const ms_zone_t *zone, ms_wanted_t *out)
{
	const ms_wanted_t *noted = zone->noted;
	int ret = ms_contribution_copy(&out->data, noted != NULL ? &noted->data : &zone->written);
	for (ms_apex_type_t type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		out->managed |= out->data.set[type].rrs.count > 0 ? BIT(type) : 0;
		ret = drop_quarantined(zone, type, &out->data.set[type]);
	}
	if (noted != NULL) {
		out->managed = noted->managed & ~(BIT(MS_APEX_NS) | BIT(MS_APEX_KEY));
		out->exact = noted->exact;
	}
	return ret;
}

static int want(const ms_agent_t *agent, const ms_zone_t *zone, ms_wanted_t *out)
{
	return ms_combine_of(agent, zone) == MS_COMBINE_FROZEN ? want_as_noted(zone, out)
	     : agent->config.combiner_role ? want_as_combiner(agent, zone, out)
	     : want_as_agent(agent, zone, out);
}

/* Zones that knotd does not sign have no serial of their own: the rule is in core/owner. */
static bool own_serials(const ms_agent_t *agent, const ms_zone_t *zone, const ms_wanted_t *wanted)
{
	bool unsigned_here = zone->opted ? !zone->signing : zone->owner.has_serial;
	/* Once it is so it stays so: the owner's serial in between would make the next one of ours older
	 * than what the secondaries have. */
	return unsigned_here && (agent->config.combiner_role || wanted->managed != 0 ||
	                         zone->owner.has_serial);
}

/* The owner's own keys and CDS, once they are known: a version that has them is not combined. */
static int ban(const ms_zone_t *zone, ms_wanted_t *out)
{
	if (zone->strays == NULL || ms_contribution_empty(zone->strays) || out->managed == 0) {
		return KNOT_EOK;
	}
	out->banned = calloc(1, sizeof(*out->banned));
	int ret = out->banned != NULL ? ms_contribution_copy(out->banned, zone->strays) : KNOT_ENOMEM;
	for (size_t k = 0; ret == KNOT_EOK && k < KEY_TYPES; k++) {
		ms_rrset_t *set = &out->banned->set[key_types[k]];
		ret = ms_rrset_minus(set, &out->data.set[key_types[k]]);
		if (ret == KNOT_EOK) {
			ret = ms_rrset_minus(set, &zone->own.set[key_types[k]]);
		}
	}
	return ret;
}

static bool combines(const ms_agent_t *agent, const ms_zone_t *zone)
{
	ms_combine_t mode = ms_combine_of(agent, zone);
	return mode == MS_COMBINE_YES || mode == MS_COMBINE_FROZEN;
}

static int make(const ms_agent_t *agent, const ms_zone_t *zone, ms_wanted_t *out)
{
	int ret = combines(agent, zone) ? want(agent, zone, out) : KNOT_EOK;
	/* Never an empty NS RRset; and KEY is the owner's until somebody contributes one. */
	for (ms_apex_type_t type = MS_APEX_NS; type <= MS_APEX_KEY; type++) {
		out->exact |= BIT(type);
		if (type != MS_APEX_CSYNC && out->data.set[type].rrs.count > 0) {
			out->managed |= BIT(type);
		}
	}
	if (ret == KNOT_EOK && ms_combine_of(agent, zone) == MS_COMBINE_YES) {
		ret = ban(zone, out);
	}
	out->data.stated = out->managed;
	out->is_unsigned = agent->config.combiner_role;
	out->has_serial = own_serials(agent, zone, out);
	out->serial = zone->owner.serial;
	return ret;
}

static bool same_banned(const ms_wanted_t *a, const ms_wanted_t *b)
{
	static const ms_contribution_t nothing;
	return ms_contribution_equal(a->banned != NULL ? a->banned : &nothing,
	                             b->banned != NULL ? b->banned : &nothing);
}

static bool same(const ms_wanted_t *a, const ms_wanted_t *b)
{
	return a != NULL && a->managed == b->managed && a->exact == b->exact &&
	       a->has_serial == b->has_serial && a->serial == b->serial &&
	       a->is_unsigned == b->is_unsigned && ms_contribution_equal(&a->data, &b->data) &&
	       same_banned(a, b);
}

int ms_wanted_settle(const ms_agent_t *agent, ms_zone_t *zone)
{
	/* A combiner's zones have serials of its making from the first version on: what it gives out
	 * later must never be older. */
	if (!combines(agent, zone) && !agent->config.combiner_role) {
		if (zone->wanted != NULL) {
			ms_zone_touch(zone);
		}
		ms_wanted_unref(zone->wanted);
		zone->wanted = NULL;
		return KNOT_EOK;
	}
	ms_wanted_t *wanted = calloc(1, sizeof(*wanted));
	if (wanted == NULL) {
		return KNOT_ENOMEM;
	}
	wanted->refs = 1;
	int ret = make(agent, zone, wanted);
	if (ret != KNOT_EOK || same(zone->wanted, wanted)) {
		ms_wanted_unref(wanted);
		return ret;
	}
	ms_wanted_unref(zone->wanted);
	zone->wanted = wanted;
	ms_zone_touch(zone);
	return KNOT_EOK;
}

bool ms_wanted_complete(const ms_zone_t *zone)
{
	bool complete = true, any = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (pair->sign == MS_HSYNC_SIGN && (pair->listed || pair->leaving)) {
			complete &= pair->has_held;
		}
		any |= counts(pair);
	}
	return complete && any;
}

/* Of what stands in the apex, or did at first sight, that which is neither ours nor a provider's. */
static int collect(const ms_zone_t *zone, ms_contribution_t *out)
{
	int ret = KNOT_EOK;
	for (size_t k = 0; ret == KNOT_EOK && k < KEY_TYPES; k++) {
		ms_apex_type_t type = key_types[k];
		const ms_rrset_t *from = zone->adopted_early ? &zone->local.set[type] : &zone->apex.set[type];
		ms_rrset_t *set = &out->set[type];
		ret = ms_rrset_copy(set, from);
		if (ret == KNOT_EOK) {
			ret = ms_rrset_minus(set, &zone->own.set[type]);
		}
		for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
			ret = ms_rrset_minus(set, &zone->pairs[i].held.set[type]);
		}
		knot_rdata_t *rr = from->rrs.rdata;
		for (uint16_t i = 0; ret == KNOT_EOK && type == MS_APEX_DNSKEY && i < from->rrs.count;
		     i++, rr = knot_rdataset_next(rr)) {
			if (ms_key_is_own(zone, rr->data, rr->len)) {
				ret = ms_rrset_remove(set, rr->data, rr->len);
			}
		}
		out->stated |= BIT(type);
	}
	return ret;
}

static int keep_local(ms_zone_t *zone, ms_contribution_t *local, ms_actions_t *out)
{
	bool has = !ms_contribution_empty(local);
	/* Nothing of our own may be taken for somebody else's after a crash. */
	int ret = out != NULL ? ms_zone_persist_local(zone, has ? local : NULL, out) : KNOT_EOK;
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_contribution_clear(&zone->local);
	zone->local = *local;
	*local = (ms_contribution_t){ 0 };
	zone->has_local = has;
	ms_zone_touch(zone);
	return KNOT_EOK;
}

/* What nobody spoke up for is the owner's. Without memory it is known a moment later next time. */
static void remember_strays(ms_zone_t *zone)
{
	if (zone->strays == NULL) {
		zone->strays = calloc(1, sizeof(*zone->strays));
	}
	for (size_t k = 0; zone->strays != NULL && k < KEY_TYPES; k++) {
		ms_apex_type_t type = key_types[k];
		ms_rrset_t *set = &zone->strays->set[type];
		(void)ms_rrset_union(set, &zone->local.set[type]);
		(void)ms_rrset_minus(set, &zone->own.set[type]);
		for (size_t i = 0; i < zone->pair_count; i++) {
			(void)ms_rrset_minus(set, &zone->pairs[i].held.set[type]);
		}
	}
}

int ms_wanted_adopt(const ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	if (agent->config.combiner_role || ms_combine_of(agent, zone) != MS_COMBINE_YES ||
	    zone->self_sign != MS_HSYNC_SIGN) {
		return KNOT_EOK;
	}
	bool complete = ms_wanted_complete(zone);
	/* Where the store is lost, at first sight, before the owner sends the zone anew; which of them
	 * are ours is told a moment later. */
	bool fits = ms_zone_list_fits(zone);
	bool adopt = (fits || agent->store_lost) && (!zone->has_local || zone->adopted_early) &&
	             !zone->has_written && !complete && zone->pair_count > 0;
	if (!adopt && !(zone->has_local && complete)) {
		return KNOT_EOK;
	}
	ms_contribution_t local = { 0 };
	int ret = adopt ? collect(zone, &local) : KNOT_EOK;
	bool none = ms_contribution_empty(&local);
	if (ret == KNOT_EOK && adopt && !fits && !none) {
		ret = keep_local(zone, &local, NULL);
		zone->adopted_early = ret == KNOT_EOK;
	} else if (ret == KNOT_EOK && adopt && (!none || zone->adopted_early)) {
		ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL,
		              "%u DNSKEY and %u CDS in the zone are nobody's yet -> kept until every "
		              "provider has contributed", local.set[MS_APEX_DNSKEY].rrs.count,
		              local.set[MS_APEX_CDS].rrs.count);
		ret = keep_local(zone, &local, out);
		zone->adopted_early &= ret != KNOT_EOK;
	} else if (ret == KNOT_EOK && !adopt) {
		remember_strays(zone);
		ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL,
		              "every provider has contributed -> what is nobody's goes");
		ret = keep_local(zone, &local, out);
		zone->adopted_early &= ret != KNOT_EOK;
	}
	ms_contribution_clear(&local);
	return ret;
}
