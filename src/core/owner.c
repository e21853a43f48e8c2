/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/owner.h"

#include <libknot/libknot.h>

#include "core/step.h"

static bool is_missing(const ms_rrset_t *here, const ms_rrset_t *there)
{
	return here->rrs.count > there->rrs.count ||
	       (here->rrs.count > 0 && !knot_rdataset_subset(&here->rrs, &there->rrs));
}

/* What must stand there by our doing. What we wrote and do not want any more may go by it, too. */
static int standing_ns(const ms_zone_t *zone, ms_rrset_t *out)
{
	const ms_rrset_t *written = &zone->written.set[MS_APEX_NS];
	bool managed = zone->wanted != NULL && (zone->wanted->managed & (1u << MS_APEX_NS));
	knot_rdata_t *rr = written->rrs.rdata;
	int ret = KNOT_EOK;
	for (uint16_t i = 0; ret == KNOT_EOK && i < written->rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		if (!managed || ms_rrset_has(&zone->wanted->data.set[MS_APEX_NS], rr->data, rr->len)) {
			ret = ms_rrset_add(out, rr->data, rr->len);
		}
	}
	return ret;
}

/* Was something lost that stood there by our doing alone? Then the owner sent the whole zone. */
static int came_whole(const ms_zone_t *zone, const ms_apex_t *next, bool *out)
{
	ms_rrset_t ours = { 0 };
	int ret = standing_ns(zone, &ours);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&ours, &zone->owner.ns);
	}
	bool whole = ret == KNOT_EOK && is_missing(&ours, &next->set[MS_APEX_NS]);
	for (ms_apex_type_t type = MS_APEX_DNSKEY; type <= MS_APEX_CDNSKEY; type++) {
		whole |= zone->wanted != NULL && (zone->wanted->managed & (1u << type)) &&
		         is_missing(&zone->wanted->data.set[type], &next->set[type]);
	}
	ms_rrset_clear(&ours);
	*out = whole;
	return ret;
}

/* The differences that are not of our making. */
static int follow(const ms_zone_t *zone, const ms_apex_t *next, ms_rrset_t *ns)
{
	const ms_rrset_t *now = &next->set[MS_APEX_NS];
	const ms_rrset_t *ours = &zone->written.set[MS_APEX_NS];
	const ms_rrset_t *before = zone->loaded ? &zone->apex.set[MS_APEX_NS] : ours;
	ms_rrset_t news = { 0 }, gone = { 0 }, kept = { 0 };
	int ret = standing_ns(zone, &kept);
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
	knot_rdata_t *rr = before->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < before->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (ms_rrset_has(&kept, rr->data, rr->len) && !ms_rrset_has(now, rr->data, rr->len)) {
			ret = ms_rrset_add(&gone, rr->data, rr->len);
		}
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(ns, &gone);
	}
	ms_rrset_clear(&news);
	ms_rrset_clear(&gone);
	ms_rrset_clear(&kept);
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
	if (zone->written.set[MS_APEX_NS].rrs.count == 0 || zone->owner.ns.rrs.count == 0 ||
	    next->set[MS_APEX_NS].rrs.count == 0) {
		return KNOT_EOK;
	}
	bool whole;
	ms_rrset_t ns = { 0 };
	int ret = came_whole(zone, next, &whole);
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
