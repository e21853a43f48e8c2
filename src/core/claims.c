/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/claims.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "core/member.h"
#include "core/wanted.h"

bool ms_claims_lists(const ms_state_t *state, const knot_dname_t *identity)
{
	for (unsigned i = 0; i < state->member_count; i++) {
		if (knot_dname_is_equal(state->member[i], identity)) {
			return true;
		}
	}
	return false;
}

/* The sum of the names' hashes (FNV-1a): no order, and nobody twice. */
static uint64_t hash(const knot_dname_t *name)
{
	uint64_t sum = 14695981039346656037u;
	for (size_t i = 0, len = knot_dname_size(name); i < len; i++) {
		sum = (sum ^ name[i]) * 1099511628211u;
	}
	return sum;
}

uint64_t ms_claims_our_group(const ms_zone_t *zone, const knot_dname_t *without)
{
	const knot_dname_t *self = zone->agent->config.identity;
	uint64_t sum = 0;
	if (ms_member_founded(zone)) {
		bool out = without != NULL && knot_dname_is_equal(without, self);
		sum = zone->process->member && !out ? hash(self) : 0;
		for (size_t i = 0; i < zone->pair_count; i++) {
			const ms_pair_t *pair = &zone->pairs[i];
			out = without != NULL && knot_dname_is_equal(without, pair->peer->identity);
			sum += pair->member && !out ? hash(pair->peer->identity) : 0;
		}
	}
	return sum;
}

/* Who comes in or goes just now is in the one's list already, and not yet in the other's. */
static bool moves_somebody(uint8_t kind)
{
	return ms_process_brings(kind) || ms_process_parts(kind);
}

bool ms_claims_agree(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return pair->group == 0 ||
	       pair->group == ms_claims_our_group(zone, moves_somebody(pair->process) ? pair->subject : NULL);
}

uint64_t ms_claims_group(const ms_state_t *state)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < state->member_count; i++) {
		bool without = moves_somebody(state->process) && knot_dname_is_equal(state->member[i], state->subject);
		sum += without ? 0 : hash(state->member[i]);
	}
	return sum;
}

/* Between processes, or before one has begun. */
static bool is_quiet(uint8_t kind, uint8_t step)
{
	return kind == MS_PROC_NONE || step == 0;
}

static bool disagrees(const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	bool any = false;
	for (size_t i = 0; is_quiet(process->kind, process->step) && i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		any |= ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN && pair->process_known &&
		       !ms_claims_agree(zone, pair);
	}
	return any && process->founded && zone->self_state == MS_HSYNC_ON &&
	       zone->self_sign == MS_HSYNC_SIGN;
}

void ms_claims_watch(ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	if (!disagrees(zone)) {
		process->apart_at = MS_TIME_NEVER;
		return;
	}
	if (ms_time_is_never(process->apart_at)) {
		process->apart_at = ms_time_add(now.mono, MS_CLAIMS_GRACE);
	}
	if (!ms_time_due(process->apart_at, now.mono)) {
		return;
	}
	process->apart_at = MS_TIME_NEVER;
	process->founded = process->parent_known = false;
	process->anew = true;
	process->kind = MS_PROC_NONE;
	process->step = 0;
	knot_dname_free(process->subject, NULL);
	process->subject = NULL;
	ms_process_decide(zone, out, "providers disagree about the members -> found the group anew");
}

ms_time_t ms_claims_deadline(const ms_zone_t *zone)
{
	return zone->process->apart_at;
}

bool ms_claims_ended(const ms_zone_t *zone, const ms_state_t *state)
{
	const ms_process_t *process = zone->process;
	bool same = process->subject != NULL && state->process == process->kind &&
	            knot_dname_is_equal(process->subject, state->subject);
	if (same || process->kind == MS_PROC_NONE || state->member_count == 0) {
		return false;
	}
	return ms_member_comes(zone) ? ms_claims_lists(state, process->subject)
	     : ms_member_goes(zone) ? !ms_claims_lists(state, process->subject) : true;
}

/* By the word of those who let us go. */
static bool owes_its_part(const ms_agent_t *agent, const ms_zone_t *zone, const ms_state_t *state)
{
	bool leaves = ms_process_parts(state->process) &&
	              knot_dname_is_equal(state->subject, agent->config.identity);
	return zone->shared && zone->self_state != MS_HSYNC_ON && !zone->process->left &&
	       (leaves || ms_claims_lists(state, agent->config.identity));
}

/* Nobody is a member against its own word, but who is only about to end its JOIN. */
static bool has_left(const ms_zone_t *zone, const ms_pair_t *from, const ms_state_t *state)
{
	bool joins = ms_process_brings(state->process) &&
	             knot_dname_is_equal(state->subject, from->peer->identity);
	return from->member && from->sign == MS_HSYNC_SIGN && !joins &&
	       is_quiet(zone->process->kind, zone->process->step);
}

void ms_claims_learn(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *from,
                     const ms_state_t *state)
{
	ms_process_t *process = zone->process;
	if (state->member_count == 0) {
		return;
	}
	/* Who is outside itself knows no more than we do. */
	if (!ms_claims_lists(state, from->peer->identity)) {
		bool left = has_left(zone, from, state);
		process->news |= left;
		from->member &= !left;
		return;
	}
	if (!process->founded) {
		process->claimed_any = true;
		process->claimed = ms_claims_lists(state, agent->config.identity);
		for (size_t i = 0; i < zone->pair_count; i++) {
			zone->pairs[i].claimed = ms_claims_lists(state, zone->pairs[i].peer->identity);
		}
		return;
	}
	/* Who waits at the door takes the members' word for who is inside; and who signs nothing walks
	 * through no process. */
	bool member = ms_claims_lists(state, agent->config.identity);
	if (zone->self_sign != MS_HSYNC_SIGN && !ms_wanted_nobody_signs(zone) &&
	    member != process->member) {
		process->member = member;
		process->unsaved = true;
	}
	/* Who is OFF owes the others its part of LEAVE. */
	process->owes |= owes_its_part(agent, zone, state);
	/* They have let us go while we were away. */
	if (zone->self_state != MS_HSYNC_ON && process->member && !member && !process->owes) {
		process->member = false;
		process->unsaved = true;
	}
	bool follows = !process->member || (process->kind == MS_PROC_NONE &&
	                                    !ms_member_takes_part(zone, NULL));
	for (size_t i = 0; follows && i < zone->pair_count; i++) {
		if (ms_process_about(zone, &zone->pairs[i])) {
			continue;
		}
		member = ms_claims_lists(state, zone->pairs[i].peer->identity);
		process->news |= member != zone->pairs[i].member;
		zone->pairs[i].member = member;
	}
}
