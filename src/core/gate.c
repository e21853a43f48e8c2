/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/gate.h"

#include <stdio.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/wanted.h"

/* An owner's AXFR is combined within 100 ms; a gate that is shut for longer than this needs a
 * human's eye. */
#define SHUT_TOO_LONG (5 * MS_SEC)

static bool set_fits(const ms_wanted_t *wanted, unsigned type, const knot_rdataset_t *set)
{
	const knot_rdataset_t *must = &wanted->data.set[type].rrs;
	if (wanted->exact & (1u << type)) {
		return must->count == set->count &&
		       (must->count == 0 || knot_rdataset_eq(must, set));
	}
	return must->count <= set->count && (must->count == 0 || knot_rdataset_subset(must, set));
}

static bool has_banned(const ms_contribution_t *banned, unsigned type, const knot_rdataset_t *set)
{
	const knot_rdata_t *rr = banned->set[type].rrs.rdata;
	for (uint16_t i = 0; i < banned->set[type].rrs.count;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		if (set->count > 0 && knot_rdataset_member(set, rr)) {
			return true;
		}
	}
	return false;
}

bool ms_gate_open(const ms_wanted_t *wanted, const ms_gate_apex_t *apex)
{
	if (wanted == NULL) {
		return true;
	}
	if ((wanted->is_unsigned && apex->is_signed) ||
	    (wanted->has_serial && wanted->serial != apex->serial)) {
		return false;
	}
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		if ((wanted->managed & (1u << type)) && !set_fits(wanted, type, &apex->set[type])) {
			return false;
		}
		if (wanted->banned != NULL && has_banned(wanted->banned, type, &apex->set[type])) {
			return false;
		}
	}
	return true;
}

bool ms_gate_open_apex(const ms_wanted_t *wanted, const ms_apex_t *apex)
{
	ms_gate_apex_t view = { .serial = apex->serial, .is_signed = apex->is_signed };
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		view.set[type] = apex->set[type].rrs;
	}
	return ms_gate_open(wanted, &view);
}

bool ms_gate_holds(uint16_t qtype)
{
	switch (qtype) {
	case KNOT_RRTYPE_SOA:
	case KNOT_RRTYPE_NS:
	case KNOT_RRTYPE_DNSKEY:
	case KNOT_RRTYPE_CDS:
	case KNOT_RRTYPE_CDNSKEY:
	case KNOT_RRTYPE_CSYNC:
	case KNOT_RRTYPE_KEY:
	case KNOT_RRTYPE_RRSIG:
	case KNOT_RRTYPE_ANY:
		return true;
	default:
		return false;
	}
}

static bool applies(const ms_agent_t *agent)
{
	/* What a combiner elsewhere gives us has passed its own gate. */
	return agent->config.gate && !agent->config.remote_combiner;
}

void ms_gate_seen(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now)
{
	bool shut = applies(agent) && !ms_gate_open_apex(zone->wanted, &zone->apex);
	if (shut && !zone->shut) {
		zone->shut_at = now.mono;
	}
	zone->shut = shut;
}

ms_time_t ms_gate_deadline(const ms_zone_t *zone)
{
	return zone->shut && !ms_zone_alarmed(zone, MS_ALARM_GATE_SHUT)
	       ? ms_time_add(zone->shut_at, SHUT_TOO_LONG) : MS_TIME_NEVER;
}

void ms_gate_watch(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (zone->shut && (!applies(agent) || ms_gate_open_apex(zone->wanted, &zone->apex))) {
		zone->shut = false;
		ms_zone_touch(zone);
		/* It opened without a new version: who was told of this one got SERVFAIL. */
		ms_action_t *notify = ms_action_add(out, MS_ACT_NOTIFY);
		if (notify != NULL) {
			ms_name_copy(notify->look.zone, zone->name);
		}
	}
	bool is_signed = zone->wanted != NULL && zone->wanted->is_unsigned && zone->apex.is_signed;
	bool is_sealed = zone->nsmgmt == MS_HSYNC_AGENT && ms_wanted_sealed(agent, zone);
	ms_zone_alarm(zone, MS_ALARM_SIGNED_INPUT, is_signed || is_sealed,
	              is_sealed ? "NSMgmt is AGENT, but the owner signs the zone: its NS RRset stays as it "
	              "is; make NSMgmt OWNER, or let a provider sign"
	              : "the zone to be combined is signed already: it is not given out; give the combiner "
	              "the unsigned zone", out);
	char why[MS_REASON_MAX + 96] = "";
	bool late = zone->shut && ms_time_diff(zone->shut_at, now.mono) >= SHUT_TOO_LONG;
	if (late) {
		(void)snprintf(why, sizeof(why), "version %u lacks what is wanted (%s); override: "
		               "'gate: off'", zone->apex.serial,
		               zone->edit_reason[0] != '\0' ? zone->edit_reason
		                                            : "the edit is not made yet");
	}
	ms_zone_alarm(zone, MS_ALARM_GATE_SHUT, late, why, out);
}
