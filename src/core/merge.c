/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "core/contribution.h"
#include "core/gate.h"
#include "core/owner.h"
#include "core/pair.h"
#include "core/plan.h"
#include "core/step.h"

/* A committed edit is seen in the next version; until this has passed we wait for that version
 * instead of editing again on the ground of the old one. */
#define EDIT_SEEN_WITHIN (2 * MS_SEC)

/* Longest pause between two attempts while the gate is shut: nobody gets the zone meanwhile. */
#define SHUT_RETRY MS_SEC

/* Written before the edit: everything that may stand in the zone because of us. Afterwards, what
 * still does. */
static int note_written(ms_plan_t *plan, ms_zone_t *zone, ms_actions_t *out)
{
	static const ms_contribution_t nothing;
	ms_contribution_t next = { 0 };
	bool keep_old = plan->count > 0;
	int ret = ms_contribution_copy(&next, zone->wanted != NULL ? &zone->wanted->data : &nothing);
	for (ms_apex_type_t type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		bool settled = ms_plan_managed(zone, type) || ms_plan_restored(plan, type);
		if (keep_old || !settled) {
			ret = ms_rrset_union(&next.set[type], &zone->written.set[type]);
		}
	}
	bool same = ret == KNOT_EOK && ms_contribution_equal(&next, &zone->written);
	if (ret == KNOT_EOK && !same) {
		ret = ms_zone_persist_written(zone, &next, out);
	}
	if (ret == KNOT_EOK && !same) {
		ret = ms_zone_written_next(zone, &next);
	}
	if (ret == KNOT_EOK) {
		ms_wanted_unref(zone->noted);
		zone->noted = ms_wanted_ref(zone->wanted);
	}
	ms_contribution_clear(&next);
	return ret;
}

static int ask_edit(ms_agent_t *agent, ms_zone_t *zone, ms_plan_t *plan, ms_actions_t *out)
{
	bool remote = agent->config.remote_combiner;
	int ret = remote ? ms_plan_whole(plan) : KNOT_EOK;
	ms_action_t *action = ret == KNOT_EOK ? ms_action_add(out, MS_ACT_EDIT) : NULL;
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	action->id = zone->edit_id = ms_agent_id(agent);
	ms_name_copy(action->edit.zone, zone->name);
	action->edit.edits = plan->edits;
	action->edit.count = plan->count;
	action->edit.remote = remote;
	action->edit.has_serial = zone->wanted != NULL && zone->wanted->has_serial;
	action->edit.serial = zone->owner.serial;
	plan->edits = NULL;
	ms_action_count(out, MS_CTR_EDIT);
	return KNOT_EOK;
}

/* What of the others' data stands in the zone: told to them in the next state. */
static int note_applied(ms_zone_t *zone)
{
	static const ms_contribution_t nothing;
	const ms_contribution_t *wanted = zone->wanted != NULL ? &zone->wanted->data : &nothing;
	ms_contribution_t applied = { .stated = wanted->stated };
	int ret = KNOT_EOK;
	for (ms_apex_type_t type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		knot_rdata_t *rr = wanted->set[type].rrs.rdata;
		for (uint16_t i = 0; ret == KNOT_EOK && i < wanted->set[type].rrs.count;
		     i++, rr = knot_rdataset_next(rr)) {
			if (ms_rrset_has(&zone->apex.set[type], rr->data, rr->len)) {
				ret = ms_rrset_add(&applied.set[type], rr->data, rr->len);
			}
		}
	}
	ms_digest_t digest;
	if (ret == KNOT_EOK) {
		ret = ms_contribution_digest(&applied, &digest);
	}
	ms_contribution_clear(&applied);
	if (ret == KNOT_EOK && !ms_digest_equal(&digest, &zone->applied)) {
		zone->applied = digest;
		ms_zone_touch(zone);
		for (size_t i = 0; i < zone->pair_count; i++) {
			zone->pairs[i].state_wanted |= ms_pair_on(&zone->pairs[i]);
		}
	}
	return ret;
}

/* Known from now on: no version with it leaves, and it is nobody's new key. Without memory it is
 * taken out a moment later next time. */
static void remember_stray(ms_zone_t *zone, ms_apex_type_t type, const knot_rdata_t *rr)
{
	if (type > MS_APEX_CDNSKEY) {
		return;
	}
	if (zone->strays == NULL) {
		zone->strays = calloc(1, sizeof(*zone->strays));
	}
	if (zone->strays != NULL && zone->strays->set[type].rrs.count < MS_COMBINED_MAX) {
		(void)ms_rrset_add(&zone->strays->set[type], rr->data, rr->len);
	}
}

/* The owner's own DNSSEC data: taken out, but somebody should tell the owner. */
static void note_strays(const ms_plan_t *plan, ms_zone_t *zone, ms_actions_t *out)
{
	bool strays = false;
	for (size_t i = 0; i < plan->count; i++) {
		ms_apex_type_t type = ms_apex_index(plan->edits[i].rrtype);
		knot_rdata_t *rr = plan->edits[i].remove.rrs.rdata;
		for (uint16_t k = 0; type != MS_APEX_NS && ms_plan_managed(zone, type) &&
		     k < plan->edits[i].remove.rrs.count; k++, rr = knot_rdataset_next(rr)) {
			if (!ms_rrset_has(&zone->written.set[type], rr->data, rr->len)) {
				strays = true;
				remember_stray(zone, type, rr);
			}
		}
	}
	/* Only a version that came as a whole shows that they are gone at the owner's. */
	if (strays || (zone->whole && plan->keys_fit)) {
		zone->whole = false;
		ms_zone_alarm(zone, MS_ALARM_OWNER_DNSSEC, strays,
		              "the owner's zone holds DNSKEY, CDS, CDNSKEY, CSYNC or KEY of its own: they are "
		              "not used, remove them there", out);
	}
}

/* NSMgmt has just become AGENT: the owner was to see to it that both sets are equal (H-07, H-09). */
static int note_flip(ms_zone_t *zone, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	bool ours = ms_plan_managed(zone, MS_APEX_NS);
	bool first = zone->written.set[MS_APEX_NS].rrs.count == 0;
	if (ours && first && zone->owner.ns.rrs.count == 0) {
		ret = ms_owner_keep_ns(zone, out);
	}
	bool differ = ours && zone->owner.ns.rrs.count > 0 &&
	              !ms_rrset_equal(&zone->owner.ns, &zone->wanted->data.set[MS_APEX_NS]);
	ms_zone_alarm(zone, MS_ALARM_NS_DIFFER, differ,
	              "NSMgmt is AGENT, and the owner's NS RRset is not the providers': theirs is served, "
	              "make the owner's equal", out);
	return ret;
}

static int fetch_again(const ms_zone_t *zone, const char *why, ms_actions_t *out)
{
	ms_action_t *action = ms_action_add(out, MS_ACT_REFETCH);
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	ms_name_copy(action->look.zone, zone->name);
	ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL, "%s -> fetch the zone again", why);
	return KNOT_EOK;
}

static int refetch(ms_zone_t *zone, ms_actions_t *out)
{
	ms_contribution_t next = { 0 };
	int ret = fetch_again(zone, "the owner's NS RRset is not known any more", out);
	if (ret == KNOT_EOK) {
		ret = ms_contribution_copy(&next, &zone->written);
	}
	if (ret == KNOT_EOK) {
		ms_rrset_clear(&next.set[MS_APEX_NS]);
		ret = ms_zone_persist_written(zone, &next, out);
	}
	if (ret != KNOT_EOK) {
		ms_contribution_clear(&next);
		return ret;
	}
	ms_contribution_clear(&zone->written);
	zone->written = next;
	return KNOT_EOK;
}

static bool serial_due(const ms_zone_t *zone)
{
	return zone->wanted != NULL && zone->wanted->has_serial &&
	       (!zone->owner.has_serial || zone->apex.serial != zone->owner.serial);
}

/* Nothing is left to do: a commit whose answer was lost has landed. */
static int all_done(const ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	zone->edit_failures = 0;
	zone->edit_reason[0] = '\0';
	ms_zone_alarm(zone, MS_ALARM_EDIT_FAILING, false, "", out);
	if (ms_plan_managed(zone, MS_APEX_NS) || zone->owner.ns.rrs.count == 0) {
		return KNOT_EOK;
	}
	/* What was followed is a good guess: knotd does not tell how a version came. */
	int ret = ms_owner_drop_ns(zone, out);
	return ret == KNOT_EOK && zone->shared && !agent->config.remote_combiner
	       ? fetch_again(zone, "the owner's NS RRset is back, as far as we know it", out) : ret;
}

/* The first steps into a zone's NS and serial are noted down with it. */
static int edit(ms_agent_t *agent, ms_zone_t *zone, ms_plan_t *plan, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	if (zone->wanted != NULL && zone->wanted->has_serial) {
		ret = ms_owner_next_serial(zone, out);
		ret = ret == KNOT_EOK ? ms_wanted_settle(agent, zone) : ret;
	}
	if (ret == KNOT_EOK) {
		char what[160];
		ms_plan_describe(plan, what, sizeof(what));
		ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
		              "apex of version %u is not what is wanted -> edit (%s)", zone->apex.serial,
		              plan->count > 0 ? what : "serial");
		ret = ask_edit(agent, zone, plan, out);
	}
	return ret;
}

static int compare(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_plan_t plan = {
		.zone = zone, .mode = ms_combine_of(agent, zone), .keys_fit = ms_zone_list_fits(zone),
	};
	if (plan.mode == MS_COMBINE_KEEP && !serial_due(zone)) {
		/* Nobody will look again: what was wrong with our edits does not matter any more. */
		ms_zone_alarm(zone, MS_ALARM_EDIT_FAILING, false, "", out);
		ms_zone_alarm(zone, MS_ALARM_NS_DIFFER, false, "", out);
		return KNOT_EOK;
	}
	int ret = note_flip(zone, out);
	ret = ret == KNOT_EOK ? ms_plan_make(&plan) : ret;
	if (ret == KNOT_EOK) {
		note_strays(&plan, zone, out);
		ret = note_written(&plan, zone, out);
	}
	if (ret == KNOT_EOK && plan.refetch) {
		zone->edit_at = ms_time_add(now.mono, EDIT_SEEN_WITHIN);
		ret = refetch(zone, out);
	} else if (ret == KNOT_EOK && (plan.count > 0 || serial_due(zone))) {
		ret = edit(agent, zone, &plan, out);
	} else if (ret == KNOT_EOK) {
		ret = all_done(agent, zone, out);
	}
	ms_plan_clear(&plan);
	return ret;
}

/* Our own data must be known, or one of them might be taken for something we wrote. */
static bool is_due(const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now)
{
	bool known = zone->own_known || agent->config.combiner_role || !zone->shared;
	/* While the store fails, only what is noted down already may be put back. */
	bool noted = !agent->unsaved || (zone->before == NULL && zone->wanted != NULL &&
	                                 !zone->wanted->has_serial);
	return known && noted && zone->edit_id == 0 && ms_time_due(zone->edit_at, now.mono) &&
	       !(zone->wanted != NULL && zone->wanted->is_unsigned && zone->apex.is_signed);
}

ms_time_t ms_merge_deadline(const ms_zone_t *zone, ms_now_t now)
{
	ms_time_t when = ms_gate_deadline(zone);
	if (zone->loaded && zone->edit_id == 0 && zone->edit_at.us > now.mono.us) {
		when = ms_time_min(when, zone->edit_at);
	}
	return when;
}

int ms_merge_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (!zone->opted || !zone->loaded) {
		return KNOT_EOK;
	}
	int ret = ms_wanted_adopt(agent, zone, out);
	if (ret == KNOT_EOK) {
		ret = ms_wanted_settle(agent, zone);
	}
	if (ret == KNOT_EOK && zone->shared) {
		ret = note_applied(zone);
	}
	if (ret == KNOT_EOK && is_due(agent, zone, now)) {
		ret = compare(agent, zone, now, out);
	}
	ms_gate_watch(agent, zone, now, out);
	return ret;
}

static void quarantine(ms_zone_t *zone, const ms_refusal_t *refusal, ms_actions_t *out)
{
	ms_quarantine_t entry = { .rrtype = refusal->rrtype };
	if (ms_record_digest(refusal->rrtype, refusal->rdata, refusal->len, &entry.digest) != KNOT_EOK) {
		return;
	}
	ms_text_copy(entry.reason, refusal->reason, sizeof(entry.reason));
	if (zone->quarantine_count == MS_QUARANTINE_MAX) {
		zone->quarantine_count--;
		memmove(zone->quarantine, zone->quarantine + 1,
		        zone->quarantine_count * sizeof(entry));
	}
	ms_quarantine_t *grown = realloc(zone->quarantine,
	                                 (zone->quarantine_count + 1) * sizeof(entry));
	if (grown == NULL) {
		return;
	}
	zone->quarantine = grown;
	grown[zone->quarantine_count++] = entry;
	ms_zone_alarm(zone, MS_ALARM_RECORD_REFUSED, true, refusal->reason, out);
}

static void landed(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event, ms_actions_t *out)
{
	/* Nothing changed, or not all: doing the same at once would change nothing either. A new
	 * version of the zone ends the pause. */
	bool whole = event->edited.changed && event->edited.refused_count == 0;
	zone->edit_failures = whole ? 0 : zone->edit_failures + 1;
	zone->edit_at = ms_time_add(event->now.mono, EDIT_SEEN_WITHIN);
	if (!whole) {
		zone->edit_at = ms_time_add(event->now.mono, ms_backoff(agent->config.hello_retry,
		                                                        zone->edit_failures));
	}
	ms_zone_alarm(zone, MS_ALARM_EDIT_FAILING, false, "", out);
	zone->edit_reason[0] = '\0';
	ms_action_t *look = ms_action_add(out, MS_ACT_LOOK);
	if (look != NULL) {
		ms_name_copy(look->look.zone, zone->name);
	}
}

void ms_merge_edited(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event, ms_actions_t *out)
{
	zone->edit_id = 0;
	ms_zone_touch(zone);
	if (event->ret == KNOT_ESPACE) {
		ms_zone_written_lost(zone);
	} else {
		ms_zone_written_kept(zone);
	}
	for (size_t i = 0; i < event->edited.refused_count; i++) {
		quarantine(zone, &event->edited.refused[i], out);
	}
	if (event->edited.refused_count > 0) {
		for (size_t i = 0; i < zone->pair_count; i++) {
			zone->pairs[i].state_wanted = true;
		}
	}
	if (event->ret == KNOT_EOK) {
		landed(agent, zone, event, out);
		return;
	}
	zone->edit_failures++;
	int64_t pause = ms_backoff(agent->config.hello_retry, zone->edit_failures);
	pause = zone->shut && pause > SHUT_RETRY ? SHUT_RETRY : pause;
	zone->edit_at = ms_time_add(event->now.mono, pause);
	const char *why = event->reason[0] != '\0' ? event->reason : knot_strerror(event->ret);
	ms_text_copy(zone->edit_reason, why, sizeof(zone->edit_reason));
	ms_zone_alarm(zone, MS_ALARM_EDIT_FAILING, true, why, out);
	ms_action_log(out, MS_LOG_WARNING, zone->name, NULL, "edit failed: %s -> again in %d s", why,
	              (int)(pause / MS_SEC));
	ms_action_count(out, MS_CTR_EDIT_FAILED);
}
