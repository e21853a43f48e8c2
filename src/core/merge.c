/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "core/contribution.h"
#include "core/pair.h"
#include "core/step.h"

/* The types that are combined; NS and CSYNC follow their own rules. */
static const ms_apex_type_t merged[] = { MS_APEX_DNSKEY, MS_APEX_CDS, MS_APEX_CDNSKEY };
#define MERGED (sizeof(merged) / sizeof(merged[0]))

/* A committed edit is seen in the next version; until this has passed we wait for that version
 * instead of editing again on the ground of the old one. */
#define EDIT_SEEN_WITHIN (2 * MS_SEC)

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

static bool is_signer(const ms_zone_t *zone)
{
	return zone->shared && zone->self_state == MS_HSYNC_ON && zone->self_sign == MS_HSYNC_SIGN;
}

/* Do we publish what this provider contributes? A leaving one's data stay until the process that
 * removes them; one that was never ON has none. */
static bool counts(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return is_signer(zone) &&
	       (pair->leaving || (ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN));
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

int ms_merge_wanted(const ms_zone_t *zone, ms_contribution_t *out)
{
	int ret = KNOT_EOK;
	ms_contribution_t wanted = { 0 };
	for (size_t m = 0; ret == KNOT_EOK && m < MERGED; m++) {
		ms_apex_type_t type = merged[m];
		wanted.stated |= 1u << type;
		for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
			if (counts(zone, &zone->pairs[i])) {
				ret = ms_rrset_union(&wanted.set[type], &zone->pairs[i].held.set[type]);
			}
		}
		if (ret == KNOT_EOK) {
			ret = ms_rrset_minus(&wanted.set[type], &zone->own.set[type]);
		}
		if (ret == KNOT_EOK) {
			ret = drop_quarantined(zone, type, &wanted.set[type]);
		}
	}
	if (ret != KNOT_EOK) {
		ms_contribution_clear(&wanted);
		return ret;
	}
	*out = wanted;
	return KNOT_EOK;
}

/* add = wanted - apex; remove = what we wrote, is not wanted, and stands in the apex. */
static int difference(const ms_zone_t *zone, const ms_contribution_t *wanted, ms_apex_type_t type,
                      ms_edit_t *edit)
{
	const ms_rrset_t *apex = &zone->apex.set[type];
	edit->rrtype = ms_apex_rrtype(type);
	ms_name_copy(edit->owner, zone->name);
	edit->ttl = apex->rrs.count > 0 ? apex->ttl : wanted->set[type].ttl;
	int ret = ms_rrset_copy(&edit->add, &wanted->set[type]);
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(&edit->add, apex);
	}
	/* As long as we are not (any more) a signer of this zone, nothing is taken out of it: others
	 * may still be answered from what we serve, and a process will say when. */
	knot_rdata_t *rr = zone->written.set[type].rrs.rdata;
	for (uint16_t i = 0; is_signer(zone) && ret == KNOT_EOK && i < zone->written.set[type].rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		if (ms_rrset_has(apex, rr->data, rr->len) &&
		    !ms_rrset_has(&wanted->set[type], rr->data, rr->len) &&
		    !ms_rrset_has(&zone->own.set[type], rr->data, rr->len) &&
		    !(type == MS_APEX_DNSKEY && ms_key_is_own(zone, rr->data, rr->len))) {
			ret = ms_rrset_add(&edit->remove, rr->data, rr->len);
		}
	}
	return ret;
}

static void clear_edits(ms_edit_t *edits, size_t count)
{
	for (size_t i = 0; edits != NULL && i < count; i++) {
		ms_rrset_clear(&edits[i].add);
		ms_rrset_clear(&edits[i].remove);
	}
	free(edits);
}

static int differences(const ms_zone_t *zone, const ms_contribution_t *wanted, ms_edit_t **out,
                       size_t *count)
{
	ms_edit_t *edits = calloc(MERGED, sizeof(*edits));
	if (edits == NULL) {
		return KNOT_ENOMEM;
	}
	size_t used = 0;
	int ret = KNOT_EOK;
	for (size_t m = 0; ret == KNOT_EOK && m < MERGED; m++) {
		ret = difference(zone, wanted, merged[m], &edits[used]);
		used += edits[used].add.rrs.count > 0 || edits[used].remove.rrs.count > 0;
	}
	if (ret != KNOT_EOK || used == 0) {
		clear_edits(edits, MERGED);
		edits = NULL;
	}
	*out = edits;
	*count = ret == KNOT_EOK ? used : 0;
	return ret;
}

/* Written before the edit: everything that may stand in the zone because of us. */
static int note_written(ms_zone_t *zone, const ms_contribution_t *wanted, bool keep_old,
                        ms_actions_t *out)
{
	ms_contribution_t next = { 0 };
	int ret = ms_contribution_copy(&next, wanted);
	for (size_t m = 0; ret == KNOT_EOK && keep_old && m < MERGED; m++) {
		ret = ms_rrset_union(&next.set[merged[m]], &zone->written.set[merged[m]]);
	}
	bool same = ret == KNOT_EOK && ms_contribution_equal(&next, &zone->written);
	if (ret == KNOT_EOK && !same) {
		ret = ms_zone_persist_written(zone, &next, out);
	}
	if (ret != KNOT_EOK || same) {
		ms_contribution_clear(&next);
		return ret;
	}
	ms_contribution_clear(&zone->written);
	zone->written = next;
	return KNOT_EOK;
}

static void describe(const ms_zone_t *zone, const ms_edit_t *edits, size_t count, ms_actions_t *out)
{
	char what[160] = "";
	for (size_t i = 0; i < count; i++) {
		char part[48];
		snprintf(part, sizeof(part), "%s%s +%u -%u", i > 0 ? ", " : "",
		         ms_apex_name(ms_apex_index(edits[i].rrtype)), edits[i].add.rrs.count,
		         edits[i].remove.rrs.count);
		ms_text_append(what, part, sizeof(what));
	}
	ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
	              "apex of version %u is not what is wanted -> edit (%s)", zone->apex.serial, what);
}

static int ask_edit(ms_agent_t *agent, ms_zone_t *zone, ms_edit_t *edits, size_t count,
                    ms_actions_t *out)
{
	ms_action_t *action = ms_action_add(out, MS_ACT_EDIT);
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	action->id = zone->edit_id = ms_agent_id(agent);
	ms_name_copy(action->edit.zone, zone->name);
	action->edit.edits = edits;
	action->edit.count = count;
	ms_action_count(out, MS_CTR_EDIT);
	return KNOT_EOK;
}

/* What of the others' data stands in the zone: told to them in the next state. */
static int note_applied(ms_zone_t *zone, const ms_contribution_t *wanted)
{
	ms_contribution_t applied = { .stated = wanted->stated };
	int ret = KNOT_EOK;
	for (size_t m = 0; ret == KNOT_EOK && m < MERGED; m++) {
		ms_apex_type_t type = merged[m];
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
		zone->dirty = true;
		for (size_t i = 0; i < zone->pair_count; i++) {
			zone->pairs[i].state_wanted |= ms_pair_on(&zone->pairs[i]);
		}
	}
	return ret;
}

int ms_merge_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (!zone->opted || !zone->loaded || !zone->shared) {
		return KNOT_EOK;
	}
	ms_contribution_t wanted = { 0 };
	int ret = ms_merge_wanted(zone, &wanted);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = note_applied(zone, &wanted);
	bool due = zone->edit_id == 0 && ms_time_due(zone->edit_at, now.mono) &&
	           !agent->config.hold && !agent->unsaved;
	/* Our own keys must be known, or one of them might be taken for something we wrote. */
	if (ret == KNOT_EOK && due && zone->own_known) {
		ms_edit_t *edits = NULL;
		size_t count = 0;
		ret = differences(zone, &wanted, &edits, &count);
		if (ret == KNOT_EOK) {
			/* What stays in the zone is still what we wrote. */
			ret = note_written(zone, &wanted, count > 0 || !is_signer(zone), out);
		}
		if (ret == KNOT_EOK && count == 0) {
			/* Nothing is left to do: a commit whose answer was lost has landed. */
			zone->edit_failures = 0;
			ms_zone_alarm(zone, MS_ALARM_EDIT_FAILING, false, "", out);
		}
		if (ret == KNOT_EOK && count > 0) {
			describe(zone, edits, count, out);
			ret = ask_edit(agent, zone, edits, count, out);
		}
		if (ret != KNOT_EOK) {
			clear_edits(edits, count);
		}
	}
	ms_contribution_clear(&wanted);
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

void ms_merge_edited(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event, ms_actions_t *out)
{
	zone->edit_id = 0;
	zone->dirty = true;
	for (size_t i = 0; i < event->edited.refused_count; i++) {
		quarantine(zone, &event->edited.refused[i], out);
	}
	if (event->edited.refused_count > 0) {
		for (size_t i = 0; i < zone->pair_count; i++) {
			zone->pairs[i].state_wanted = true;
		}
	}
	if (event->ret == KNOT_EOK) {
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
		ms_action_t *look = ms_action_add(out, MS_ACT_LOOK);
		if (look != NULL) {
			ms_name_copy(look->look.zone, zone->name);
		}
		return;
	}
	zone->edit_failures++;
	int64_t pause = ms_backoff(agent->config.hello_retry, zone->edit_failures);
	zone->edit_at = ms_time_add(event->now.mono, pause);
	const char *why = event->reason[0] != '\0' ? event->reason : knot_strerror(event->ret);
	ms_zone_alarm(zone, MS_ALARM_EDIT_FAILING, true, why, out);
	ms_action_log(out, MS_LOG_WARNING, zone->name, NULL, "edit failed: %s -> again in %d s", why,
	              (int)(pause / MS_SEC));
	ms_action_count(out, MS_CTR_EDIT_FAILED);
}
