/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/owner.h"

#include <libknot/libknot.h>

#include "core/step.h"

static bool is_missing(const ms_rrset_t *here, const ms_rrset_t *there)
{
	return here->rrs.count > there->rrs.count ||
	       (here->rrs.count > 0 && !knot_rdataset_subset(&here->rrs, &there->rrs));
}

/* What stood in the version before by our doing, and must stand: what an edit under way is to bring
 * was never there, what is not wanted any more may have gone by one. */
static int standing(const ms_zone_t *zone, ms_apex_type_t type, ms_rrset_t *out)
{
	const ms_rrset_t *before = zone->loaded ? &zone->apex.set[type] : &zone->written.set[type];
	const ms_rrset_t *written = &zone->written.set[type];
	bool managed = zone->wanted != NULL && (zone->wanted->managed & (1u << type));
	int ret = KNOT_EOK;
	knot_rdata_t *rr = written->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < written->rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		bool must = !managed || ms_rrset_has(&zone->wanted->data.set[type], rr->data, rr->len);
		if (must && ms_rrset_has(before, rr->data, rr->len)) {
			ret = ms_rrset_add(out, rr->data, rr->len);
		}
	}
	return ret;
}

static int lost(const ms_zone_t *zone, ms_apex_type_t type, const ms_apex_t *next, bool *out)
{
	ms_rrset_t ours = { 0 };
	int ret = standing(zone, type, &ours);
	if (ret == KNOT_EOK && type == MS_APEX_NS) {
		ret = ms_rrset_minus(&ours, &zone->owner.ns);
	}
	*out |= ret == KNOT_EOK && is_missing(&ours, &next->set[type]);
	ms_rrset_clear(&ours);
	return ret;
}

/* Was something lost that stood there by our doing alone? Then the owner sent the whole zone. And so
 * it is where serials are of our making, and this one is not. */
static int came_whole(const ms_zone_t *zone, const ms_apex_t *next, bool *out)
{
	bool counted = zone->wanted != NULL && zone->wanted->has_serial && zone->owner.has_serial;
	bool whole = counted && (int32_t)(next->serial - zone->owner.serial) > 0;
	int ret = lost(zone, MS_APEX_NS, next, &whole);
	for (ms_apex_type_t type = MS_APEX_DNSKEY; ret == KNOT_EOK && type <= MS_APEX_CDNSKEY; type++) {
		if (zone->wanted != NULL && (zone->wanted->managed & (1u << type))) {
			ret = lost(zone, type, next, &whole);
		}
	}
	*out = whole;
	return ret;
}

/* The differences that are not of our making. */
static int follow(const ms_zone_t *zone, const ms_apex_t *next, ms_rrset_t *ns)
{
	const ms_rrset_t *now = &next->set[MS_APEX_NS];
	const ms_rrset_t *ours = &zone->written.set[MS_APEX_NS];
	const ms_rrset_t *before = zone->loaded ? &zone->apex.set[MS_APEX_NS] : ours;
	ms_rrset_t news = { 0 }, gone = { 0 };
	int ret = standing(zone, MS_APEX_NS, &gone);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&gone, now);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_copy(&news, now);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&news, before);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&news, ours);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_union(ns, &news);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(ns, &gone);
	}
	ms_rrset_clear(&news);
	ms_rrset_clear(&gone);
	return ret;
}

/* Takes \a ns over when it is on its way to the disk. */
static int take_ns(ms_zone_t *zone, ms_rrset_t *ns, ms_actions_t *out)
{
	ms_rec_owner_t next = zone->owner;
	next.ns = *ns;
	int ret = ms_zone_persist_owner(zone, &next, out);
	if (ret == KNOT_EOK) {
		ms_rrset_clear(&zone->owner.ns);
		zone->owner = next;
		*ns = (ms_rrset_t){ 0 };
	}
	return ret;
}

int ms_owner_observe(ms_zone_t *zone, const ms_apex_t *next, ms_actions_t *out)
{
	bool whole;
	ms_rrset_t ns = { 0 };
	int ret = came_whole(zone, next, &whole);
	zone->whole |= ret == KNOT_EOK && whole;
	if (zone->written.set[MS_APEX_NS].rrs.count == 0 || zone->owner.ns.rrs.count == 0 ||
	    next->set[MS_APEX_NS].rrs.count == 0) {
		return ret;
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_copy(&ns, whole ? &next->set[MS_APEX_NS] : &zone->owner.ns);
	}
	if (ret == KNOT_EOK && !whole) {
		ret = follow(zone, next, &ns);
	}
	if (ret == KNOT_EOK && ns.rrs.count > 0 && !ms_rrset_equal(&ns, &zone->owner.ns)) {
		ret = take_ns(zone, &ns, out);
	}
	ms_rrset_clear(&ns);
	return ret;
}

int ms_owner_keep_ns(ms_zone_t *zone, ms_actions_t *out)
{
	if (zone->owner.ns.rrs.count > 0) {
		return KNOT_EOK;
	}
	ms_rrset_t ns = { 0 };
	int ret = ms_rrset_copy(&ns, &zone->apex.set[MS_APEX_NS]);
	if (ret == KNOT_EOK) {
		ret = take_ns(zone, &ns, out);
	}
	ms_rrset_clear(&ns);
	return ret;
}

int ms_owner_drop_ns(ms_zone_t *zone, ms_actions_t *out)
{
	ms_rrset_t none = { 0 };
	return zone->owner.ns.rrs.count > 0 ? take_ns(zone, &none, out) : KNOT_EOK;
}

int ms_owner_next_serial(ms_zone_t *zone, ms_actions_t *out)
{
	ms_rec_owner_t next = zone->owner;
	next.serial = zone->owner.has_serial ? zone->owner.serial + 1
	                                     : zone->apex.serial - MS_SERIAL_BEHIND;
	next.has_serial = true;
	int ret = ms_zone_persist_owner(zone, &next, out);
	if (ret == KNOT_EOK) {
		zone->owner = next;
	}
	return ret;
}
