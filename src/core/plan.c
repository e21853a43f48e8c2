/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "core/contribution.h"

void ms_plan_clear(ms_plan_t *plan)
{
	for (size_t i = 0; plan->edits != NULL && i < MS_CONTRIB_TYPES; i++) {
		ms_rrset_clear(&plan->edits[i].add);
		ms_rrset_clear(&plan->edits[i].remove);
	}
	free(plan->edits);
	plan->edits = NULL;
}

bool ms_plan_managed(const ms_zone_t *zone, ms_apex_type_t type)
{
	return zone->wanted != NULL && (zone->wanted->managed & (1u << type));
}

/* Published by knotd itself: never ours to take out. */
static bool is_own(const ms_zone_t *zone, ms_apex_type_t type, const knot_rdata_t *rr)
{
	if (type > MS_APEX_CDNSKEY) {
		return false;
	}
	return ms_rrset_has(&zone->own.set[type], rr->data, rr->len) ||
	       (type == MS_APEX_DNSKEY && ms_key_is_own(zone, rr->data, rr->len));
}

/* Beside our own keys stand those that are wanted. Of the rest goes what we wrote, and, where
 * everybody has spoken and our own keys are known for sure, what is the owner's (G-12). */
static int surplus_keys(const ms_plan_t *plan, ms_apex_type_t type, ms_rrset_t *out)
{
	const ms_zone_t *zone = plan->zone;
	const ms_rrset_t *apex = &zone->apex.set[type];
	bool strays = plan->mode == MS_COMBINE_YES && plan->keys_fit && ms_wanted_complete(zone);
	int ret = KNOT_EOK;
	knot_rdata_t *rr = apex->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < apex->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		bool written = ms_rrset_has(&zone->written.set[type], rr->data, rr->len);
		bool wanted = ms_rrset_has(&zone->wanted->data.set[type], rr->data, rr->len);
		if ((written || strays) && !wanted && !is_own(zone, type, rr)) {
			ret = ms_rrset_add(out, rr->data, rr->len);
		}
	}
	return ret;
}

/* At the commit the zone may be another one, and knotd takes one without NS, too: who only takes out
 * brings once more what must stay. */
static int keep_ns(ms_edit_t *edit, const ms_rrset_t *rest)
{
	bool bare = edit->rrtype == KNOT_RRTYPE_NS && edit->remove.rrs.count > 0 &&
	            edit->add.rrs.count == 0;
	return bare ? ms_rrset_copy(&edit->add, rest) : KNOT_EOK;
}

static int edit_managed(const ms_plan_t *plan, ms_apex_type_t type, ms_edit_t *edit)
{
	const ms_zone_t *zone = plan->zone;
	const ms_rrset_t *apex = &zone->apex.set[type], *want = &zone->wanted->data.set[type];
	edit->ttl = apex->rrs.count > 0 ? apex->ttl : want->ttl;
	int ret = ms_rrset_copy(&edit->add, want);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&edit->add, apex);
	}
	if (ret != KNOT_EOK || !(zone->wanted->exact & (1u << type))) {
		return ret == KNOT_EOK ? surplus_keys(plan, type, &edit->remove) : ret;
	}
	ret = ms_rrset_copy(&edit->remove, apex);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&edit->remove, want);
	}
	return ret == KNOT_EOK ? keep_ns(edit, want) : ret;
}

/* What we wrote goes, what was the owner's comes back. */
static int edit_restored(ms_plan_t *plan, ms_apex_type_t type, ms_edit_t *edit)
{
	const ms_zone_t *zone = plan->zone;
	const ms_rrset_t *apex = &zone->apex.set[type];
	ms_rrset_t none = { 0 };
	const ms_rrset_t *owner = type == MS_APEX_NS ? &zone->owner.ns : &none;
	if (zone->written.set[type].rrs.count == 0) {
		return KNOT_EOK;
	}
	if (type == MS_APEX_NS && owner->rrs.count == 0) {
		plan->refetch = true;
		return KNOT_EOK;
	}
	edit->ttl = apex->rrs.count > 0 ? apex->ttl : owner->ttl;
	int ret = ms_rrset_copy(&edit->add, owner);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&edit->add, apex);
	}
	knot_rdata_t *rr = apex->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < apex->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (ms_rrset_has(&zone->written.set[type], rr->data, rr->len) &&
		    !ms_rrset_has(owner, rr->data, rr->len) && !is_own(zone, type, rr)) {
			ret = ms_rrset_add(&edit->remove, rr->data, rr->len);
		}
	}
	return ret == KNOT_EOK ? keep_ns(edit, owner) : ret;
}

bool ms_plan_restored(const ms_plan_t *plan, ms_apex_type_t type)
{
	/* Providers' keys stay in a zone that is not ours to edit: only their process takes them out. */
	return plan->mode == MS_COMBINE_YES ||
	       (plan->mode == MS_COMBINE_RESTORE && type >= MS_APEX_NS);
}

int ms_plan_make(ms_plan_t *plan)
{
	const ms_zone_t *zone = plan->zone;
	plan->edits = calloc(MS_CONTRIB_TYPES, sizeof(*plan->edits));
	if (plan->edits == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = KNOT_EOK;
	for (ms_apex_type_t type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		ms_edit_t *edit = &plan->edits[plan->count];
		edit->rrtype = ms_apex_rrtype(type);
		ms_name_copy(edit->owner, zone->name);
		if (ms_plan_managed(zone, type)) {
			ret = edit_managed(plan, type, edit);
		} else if (ms_plan_restored(plan, type)) {
			ret = edit_restored(plan, type, edit);
		}
		plan->count += edit->add.rrs.count > 0 || edit->remove.rrs.count > 0;
	}
	return ret;
}

/* A combiner elsewhere is told the whole of what is wanted: it keeps that as one statement. */
int ms_plan_whole(ms_plan_t *plan)
{
	const ms_zone_t *zone = plan->zone;
	ms_plan_clear(plan);
	plan->count = 0;
	plan->edits = calloc(MS_CONTRIB_TYPES, sizeof(*plan->edits));
	if (plan->edits == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = KNOT_EOK;
	for (ms_apex_type_t type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		if (!ms_plan_managed(zone, type)) {
			continue;
		}
		ms_edit_t *edit = &plan->edits[plan->count++];
		edit->rrtype = ms_apex_rrtype(type);
		edit->exact = true;
		edit->ttl = zone->wanted->data.set[type].ttl;
		ms_name_copy(edit->owner, zone->name);
		ret = ms_rrset_copy(&edit->add, &zone->wanted->data.set[type]);
	}
	return ret;
}

void ms_plan_describe(const ms_plan_t *plan, char *out, size_t max)
{
	out[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		const ms_edit_t *edit = &plan->edits[i];
		char part[48];
		(void)snprintf(part, sizeof(part), "%s%s +%u -%u", i > 0 ? ", " : "",
		               ms_apex_name(ms_apex_index(edit->rrtype)), edit->add.rrs.count,
		               edit->remove.rrs.count);
		ms_text_append(out, part, max);
	}
}
