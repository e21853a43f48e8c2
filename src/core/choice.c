/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/choice.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/claims.h"
#include "core/listing.h"
#include "core/member.h"
#include "core/safety.h"
#include "core/step.h"
#include "core/wanted.h"

/* What HSYNC and history want of this provider. */
static ms_process_kind_t wanted_of(const ms_pair_t *pair)
{
	bool signs = pair->sign == MS_HSYNC_SIGN;
	if (ms_pair_on(pair)) {
		return pair->member ? MS_PROC_NONE : signs ? MS_PROC_JOIN : MS_PROC_SERVE;
	}
	return pair->leaving ? (signs ? MS_PROC_LEAVE : MS_PROC_UNSERVE) : MS_PROC_NONE;
}

static ms_process_kind_t wanted_of_us(const ms_zone_t *zone)
{
	bool signs = zone->self_sign == MS_HSYNC_SIGN;
	if (zone->self_state == MS_HSYNC_ON) {
		return zone->process->member ? MS_PROC_NONE : signs ? MS_PROC_JOIN : MS_PROC_SERVE;
	}
	/* Our own keys stay in our zone; what we owe the others is our part of NS. */
	return ms_member_stays(zone) ? MS_PROC_UNSERVE : MS_PROC_NONE;
}

/* Who is OFF begins nothing of its own. As long as it is still asked it walks with the others: with who comes
 * in, and with who goes; and when it is its own turn, it does its part of that. */
static bool is_ours(const ms_zone_t *zone, ms_process_kind_t kind)
{
	return zone->self_state == MS_HSYNC_ON || kind <= MS_PROC_UNSERVE;
}

static void offer(const ms_zone_t *zone, ms_choice_t *best, ms_process_kind_t kind,
                  const knot_dname_t *subject)
{
	bool better = best->kind == MS_PROC_NONE || kind < best->kind ||
	              (kind == best->kind && subject != NULL && best->subject != NULL &&
	               knot_dname_cmp(subject, best->subject) < 0);
	if (kind != MS_PROC_NONE && better && is_ours(zone, kind)) {
		*best = (ms_choice_t){ kind, subject };
	}
}

static void offer_rolls(const ms_zone_t *zone, ms_choice_t *best)
{
	for (ms_process_kind_t kind = MS_PROC_ZSK; kind < MS_PROC_KINDS; kind++) {
		bool ours = zone->process->member && (zone->process->asked & ms_process_asked_bit(kind)) != 0;
		if (ours) {
			offer(zone, best, kind, kind == MS_PROC_ALGORITHM ? NULL : zone->agent->config.identity);
		}
	}
}

/* A roll is the subject's own affair: nobody else can ask for it (F-07). */
static bool acceptable(const ms_zone_t *zone, const ms_pair_t *from)
{
	ms_process_kind_t kind = from->process;
	if (kind == MS_PROC_NONE || kind >= MS_PROC_KINDS || !ms_pair_on(from)) {
		return false;
	}
	if (kind == MS_PROC_ALGORITHM) {
		/* Only where our operator wants it, too. */
		return from->subject == NULL && from->member && from->step == 0 &&
		       (zone->process->asked & ms_process_asked_bit(kind)) != 0;
	}
	if (from->subject == NULL) {
		return false;
	}
	if (ms_process_is_roll(kind)) {
		return from->member && knot_dname_is_equal(from->subject, from->peer->identity);
	}
	const ms_pair_t *pair = ms_pair_find(zone, from->subject);
	bool us = knot_dname_is_equal(from->subject, zone->agent->config.identity);
	/* Others may have begun to let a member go before it was ON again: it comes in anew. Who is further
	 * than that is only about to end what we have ended. */
	bool on = us ? zone->self_state == MS_HSYNC_ON : pair != NULL && ms_pair_on(pair);
	bool member = us ? zone->process->member : pair != NULL && pair->member;
	uint8_t sign = us ? zone->self_sign : pair != NULL ? pair->sign : 0;
	if (ms_process_brings(kind)) {
		return on && (kind == MS_PROC_JOIN) == (sign == MS_HSYNC_SIGN) &&
		       (!member || from->step == 0 || ms_process_runs_with(zone, from));
	}
	/* Of us it is our part of it; of others it may be that we never knew them, or know no more. */
	return us ? wanted_of_us(zone) == MS_PROC_UNSERVE
	     : (pair != NULL && wanted_of(pair) == kind) ||
	       (!on && (from->step == 0 || ms_process_runs_with(zone, from)));
}

/* LEAVE of us is UNSERVE here: our keys stay in our own zone. */
static ms_process_kind_t as_ours(const ms_zone_t *zone, const ms_pair_t *from)
{
	bool us = from->subject != NULL &&
	          knot_dname_is_equal(from->subject, zone->agent->config.identity);
	return us && from->process == MS_PROC_LEAVE ? MS_PROC_UNSERVE : from->process;
}

static void offer_theirs(const ms_zone_t *zone, ms_choice_t *best, bool begun)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *from = &zone->pairs[i];
		if (from->process_known && (from->step > 0) == begun && acceptable(zone, from)) {
			offer(zone, best, as_ours(zone, from), from->subject);
		}
	}
}

static ms_choice_t best_of(const ms_agent_t *agent, const ms_zone_t *zone, char why[MS_WHY_MAX])
{
	ms_choice_t begun = { 0 }, best = { 0 };
	offer_theirs(zone, &begun, true);
	if (begun.kind != MS_PROC_NONE) {
		return begun;
	}
	for (size_t i = 0; zone->self_state == MS_HSYNC_ON && i < zone->pair_count; i++) {
		ms_process_kind_t kind = wanted_of(&zone->pairs[i]);
		if (kind == MS_PROC_NONE || ms_safety_begin(zone, kind, &zone->pairs[i], why)) {
			offer(zone, &best, kind, zone->pairs[i].peer->identity);
		}
	}
	/* Who is OFF goes when the others let it go: somebody may have to come in before. */
	if (zone->self_state == MS_HSYNC_ON) {
		offer(zone, &best, wanted_of_us(zone), agent->config.identity);
	}
	offer_rolls(zone, &best);
	offer_theirs(zone, &best, false);
	return best;
}

/* Does anybody walk through this process with us? */
static bool others_run(const ms_zone_t *zone)
{
	bool any = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *from = &zone->pairs[i];
		any |= from->process_known && ms_process_runs_with(zone, from);
	}
	return any;
}

/* Somebody who was in it with us, or we should not be so far, is so no more: it begins anew. */
static bool is_abandoned(const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	bool last = process->step + 1u >= ms_process_steps(process->kind);
	bool any = false;
	for (size_t i = 0; process->step > 0 && ms_member_takes_part(zone, NULL) && i < zone->pair_count;
	     i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		bool with = ms_process_runs_with(zone, pair) && ms_claims_agree(zone, pair);
		any |= ms_member_takes_part(zone, pair) && pair->process_known && !pair->doubted && !with &&
		       !(last && pair->has_ended);
	}
	return any;
}

/* Once begun, is it still wanted? What HSYNC takes back is dropped wherever it is: to put keys and CDS back
 * harms nobody, and NS come only at the end of a new JOIN. */
static bool still_wanted(const ms_zone_t *zone, char why[MS_WHY_MAX])
{
	const ms_process_t *process = zone->process;
	const ms_pair_t *pair = process->subject != NULL ? ms_pair_find(zone, process->subject) : NULL;
	bool us = ms_process_about(zone, NULL);
	switch (process->kind) {
	case MS_PROC_JOIN:
	case MS_PROC_SERVE:
		(void)snprintf(why, MS_WHY_MAX, "HSYNC does not say ON any more");
		if (us ? process->member && zone->self_state == MS_HSYNC_ON
		       : pair != NULL && pair->member && ms_pair_on(pair)) {
			return others_run(zone);
		}
		return us ? wanted_of_us(zone) == process->kind
		          : pair != NULL && wanted_of(pair) == process->kind;
	case MS_PROC_LEAVE:
	case MS_PROC_UNSERVE:
		(void)snprintf(why, MS_WHY_MAX, "HSYNC says ON again");
		return us ? wanted_of_us(zone) == process->kind
		     : pair != NULL && wanted_of(pair) == process->kind ? true
		     : (pair == NULL || !ms_pair_on(pair)) && others_run(zone);
	case MS_PROC_ALGORITHM:
		return true;
	default:
		(void)snprintf(why, MS_WHY_MAX, "the subject does not ask for it any more");
		if (us) {
			return (process->asked & ms_process_asked_bit(process->kind)) != 0;
		}
		bool last = process->step + 1u >= ms_process_steps(process->kind);
		return pair != NULL && ms_pair_on(pair) &&
		       (last || !pair->process_known ||
		        ms_process_runs_with(zone, pair));
	}
}

ms_verdict_choice_t ms_choice_make(const ms_agent_t *agent, const ms_zone_t *zone, ms_choice_t *out,
                                   char why[MS_WHY_MAX])
{
	const ms_process_t *process = zone->process;
	if (process->kind != MS_PROC_NONE && !is_ours(zone, process->kind)) {
		(void)snprintf(why, MS_WHY_MAX, "we are not ON any more");
		return MS_CHOICE_DROP;
	}
	if (process->kind != MS_PROC_NONE && !still_wanted(zone, why)) {
		return MS_CHOICE_DROP;
	}
	if (process->kind != MS_PROC_NONE && is_abandoned(zone)) {
		(void)snprintf(why, MS_WHY_MAX, "another provider is not in it any more");
		return MS_CHOICE_DROP;
	}
	why[0] = '\0';
	if (process->kind != MS_PROC_NONE && process->step > 0) {
		return MS_CHOICE_STAY;
	}
	ms_choice_t best = best_of(agent, zone, why);
	/* Who neither is a member nor comes in now has no say: it hears who the members are. */
	bool ours = best.subject != NULL && knot_dname_is_equal(best.subject, agent->config.identity);
	bool signs = zone->self_sign == MS_HSYNC_SIGN || ms_wanted_nobody_signs(zone);
	if (best.kind == MS_PROC_NONE || (!process->member && !ours) || !signs ||
	    (ours && best.kind == MS_PROC_SERVE && !ms_wanted_nobody_signs(zone))) {
		return process->kind != MS_PROC_NONE ? MS_CHOICE_DROP
		     : why[0] != '\0' ? MS_CHOICE_NOT : MS_CHOICE_STAY;
	}
	if (best.kind == process->kind && ms_process_same_subject(best.subject, process->subject)) {
		return MS_CHOICE_STAY;
	}
	if (agent->config.hold && !process->free_step) {
		(void)snprintf(why, MS_WHY_MAX, "wanted: 'mode: hold' and no 'step'");
		return MS_CHOICE_NOT;
	}
	*out = best;
	return MS_CHOICE_BEGIN;
}

/* What it contributed goes with it. */
static int forget(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_actions_t *out)
{
	ms_rec_key_t key = { .kind = MS_REC_CONTRIBUTION };
	ms_name_copy(key.zone, zone->name);
	ms_name_copy(key.origin, pair->peer->identity);
	int ret = ms_action_persist(out, &key, NULL, 0);
	ret = ret == KNOT_EOK ? ms_zone_forget_member(zone, pair, out) : ret;
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (!pair->listed) {
		ms_pair_remove(agent, zone, pair);
		return KNOT_EOK;
	}
	ms_contribution_clear(&pair->held);
	pair->has_held = pair->was_on = pair->leaving = pair->member = false;
	return KNOT_EOK;
}

int ms_choice_dropped(ms_zone_t *zone, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	if (!ms_member_goes(zone) || process->step == 0) {
		return KNOT_EOK;
	}
	/* Its NS may be gone already: it is a member no more, and comes in anew. */
	if (ms_process_about(zone, NULL)) {
		process->member = false;
		return KNOT_EOK;
	}
	ms_pair_t *pair = ms_pair_find(zone, process->subject);
	if (pair == NULL) {
		return KNOT_EOK;
	}
	pair->member = false;
	return ms_zone_persist_member(zone, pair, out);
}

int ms_choice_done(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	bool us = ms_process_about(zone, NULL);
	ms_pair_t *pair = process->subject != NULL ? ms_pair_find(zone, process->subject) : NULL;
	bool comes = ms_member_comes(zone);
	int ret = KNOT_EOK;
	if (ms_process_is_roll(process->kind)) {
		process->asked &= us || process->subject == NULL ? ~ms_process_asked_bit(process->kind) : 0xff;
	} else if (us) {
		process->member = comes;
		process->left = !comes;
	} else if (pair != NULL && (comes || ms_pair_on(pair))) {
		pair->member = comes;
		ret = ms_zone_persist_member(zone, pair, out);
	} else if (pair != NULL) {
		ret = forget(agent, zone, pair, out);
	}
	ms_listing_see_leaving(zone, out);
	return ret;
}
