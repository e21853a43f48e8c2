/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/leading.h"

#include <stdio.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/member.h"

static bool is_nobody(const knot_dname_t *name)
{
	return name[0] == '\0';
}

static bool is_ours(const ms_zone_t *zone)
{
	return knot_dname_is_equal(zone->process->election.leader, zone->agent->config.identity);
}

/* Does somebody need a leader for this process; or, when we run none, for one that we have ended? Before we
 * begin we might go by another list of who takes part. */
static bool is_asked(const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		bool same = process->kind != MS_PROC_NONE ? pair->process == process->kind
		                                          : pair->process != MS_PROC_NONE && pair->step > 0;
		if (same && pair->votes && ms_member_takes_part(zone, pair)) {
			return true;
		}
	}
	return false;
}

/* Before the first step is left; afterwards it stays as it is (C-21). */
static void choose_mode(ms_zone_t *zone, bool asked)
{
	ms_process_t *process = zone->process;
	bool before = process->leading;
	if (process->kind == MS_PROC_NONE) {
		process->leading = false;
	} else if (process->step == 0) {
		process->leading |= zone->group_sync == MS_SYNC_LEADER || asked;
	}
	process->unsaved |= process->leading != before;
}

static size_t collect(const ms_zone_t *zone, ms_now_t now, ms_voter_t voters[MS_PAIRS_MAX])
{
	const ms_process_t *process = zone->process;
	bool early = now.mono.us < process->vote_since.us + MS_LEADING_GRACE;
	size_t count = 0;
	for (size_t i = 0; i < zone->pair_count && count < MS_PAIRS_MAX; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (!ms_member_takes_part(zone, pair)) {
			continue;
		}
		voters[count++] = (ms_voter_t){
			.identity = pair->peer->identity,
			.heard = early || pair->peer->relation == MS_PEER_OPERATIONAL,
			.has = pair->votes,
			.term = pair->term,
			.vote = pair->vote,
			.leader = pair->leader != NULL ? pair->leader : (const knot_dname_t *)"",
		};
	}
	return count;
}

static void tell_all(ms_zone_t *zone)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].state_wanted = true;
	}
	zone->process->unsaved = zone->process->again = true;
	ms_zone_touch(zone);
}

static void note_elected(ms_zone_t *zone, bool elected, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	if (process->elected == elected) {
		return;
	}
	process->elected = elected;
	ms_zone_touch(zone);
	/* Between two processes not all vote at all times: that is no news. */
	if (elected && process->vote_said != process->election.term) {
		knot_dname_txt_storage_t name = "?";
		(void)knot_dname_to_str(name, process->election.leader, sizeof(name));
		process->vote_said = process->election.term;
		ms_process_decide(zone, out, "term %u: all that are heard confirm %s -> it leads",
		                  process->election.term, name);
	}
}

static void note_term(ms_zone_t *zone, uint32_t before, ms_now_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	if (process->election.term == before) {
		return;
	}
	process->vote_at = ms_time_add(now.mono, MS_LEADING_PACE);
	if (before != 0) {
		ms_process_decide(zone, out, "term %u: the leader is lost, or not all confirm one -> elect again",
		                  process->election.term);
	}
}

static void take_part(ms_zone_t *zone, bool votes, ms_now_t now)
{
	ms_process_t *process = zone->process;
	if (votes && process->vote_since.us == 0) {
		process->vote_since = now.mono;
	}
	if (votes != process->votes) {
		process->votes = votes;
		tell_all(zone);
	}
}

void ms_leading_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	bool asked = is_asked(zone);
	choose_mode(zone, asked);
	take_part(zone, (process->leading || asked) && ms_member_takes_part(zone, NULL), now);
	if (!process->votes) {
		note_elected(zone, false, out);
		return;
	}
	const knot_dname_t *self = agent->config.identity;
	ms_election_t *own = &process->election;
	ms_voter_t voters[MS_PAIRS_MAX];
	size_t count = collect(zone, now, voters);
	uint32_t term = own->term;
	if (ms_time_due(process->vote_at, now.mono) &&
	    ms_election_step(own, self, voters, count, &agent->rng)) {
		process->vote_new = true;
		tell_all(zone);
	}
	note_term(zone, term, now, out);
	note_elected(zone, ms_election_over(own, self, voters, count), out);
	process->vote_look = ms_time_add(now.mono, process->elected ? MS_LEADING_WATCH : MS_LEADING_PACE);
}

ms_time_t ms_leading_deadline(const ms_zone_t *zone)
{
	return zone->process->votes ? zone->process->vote_look : MS_TIME_NEVER;
}

/* Nobody leads us where we have no say, or before it is known what the group can do (C-18). Who is not ON
 * any more is not asked to evaluate it. */
static bool is_undecided(const ms_zone_t *zone)
{
	return !zone->process->leading && zone->process->step == 0 && zone->group_sync == 0 &&
	       zone->self_state == MS_HSYNC_ON;
}

bool ms_leading_may(const ms_zone_t *zone, const ms_step_row_t *row, char why[MS_WHY_MAX])
{
	const ms_process_t *process = zone->process;
	if (!ms_member_takes_part(zone, NULL) || row->led) {
		return true;
	}
	if (is_undecided(zone)) {
		(void)snprintf(why, MS_WHY_MAX, "not every provider has answered HELLO");
		return false;
	}
	if (!process->leading) {
		return true;
	}
	if (is_nobody(process->election.leader)) {
		(void)snprintf(why, MS_WHY_MAX, "no leader is elected");
		return false;
	}
	if (is_ours(zone)) {
		(void)snprintf(why, MS_WHY_MAX, "not all confirm us as leader");
		return process->elected;
	}
	const ms_pair_t *leader = ms_pair_find(zone, process->election.leader);
	(void)snprintf(why, MS_WHY_MAX, "the leader is not as far");
	return leader != NULL && ms_process_reached(zone, leader, process->step + 1);
}

void ms_leading_learn(ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state)
{
	bool named = state->has_election && !is_nobody(state->leader);
	bool same = pair->votes == state->has_election &&
	            (!pair->votes || (pair->term == state->term && pair->vote == state->vote)) &&
	            (pair->leader != NULL) == named &&
	            (!named || knot_dname_is_equal(pair->leader, state->leader));
	if (same) {
		return;
	}
	knot_dname_t *leader = named ? knot_dname_copy(state->leader, NULL) : NULL;
	if (named && leader == NULL) {
		return;
	}
	knot_dname_free(pair->leader, NULL);
	pair->leader = leader;
	pair->votes = state->has_election;
	pair->term = state->term;
	pair->vote = state->vote;
	zone->process->again = true;
}

/* Not before it is on its way to the disk. */
void ms_leading_tell(const ms_zone_t *zone, ms_state_t *out)
{
	const ms_process_t *process = zone->process;
	if (!process->votes || process->vote_new || process->election.term == 0) {
		return;
	}
	out->has_election = true;
	out->term = process->election.term;
	out->vote = process->election.vote;
	ms_name_copy(out->leader, process->election.leader);
}
