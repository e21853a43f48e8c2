/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What providers tell each other about process and members; and what of it is kept on disk. */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/facts.h"
#include "core/leading.h"
#include "core/claims.h"
#include "core/member.h"
#include "core/step.h"

/* Kind octet, names and numbers: MS_REC_PROCESS is at most so long. */
#define RECORD_MAX 1536

void ms_process_tell(const ms_agent_t *agent, const ms_zone_t *zone, ms_state_t *out)
{
	const ms_process_t *process = zone->process;
	if (process == NULL || agent->unsaved) {
		return;
	}
	out->has_process = true;
	out->process = process->kind;
	out->step = process->step;
	if (process->subject != NULL) {
		ms_name_copy(out->subject, process->subject);
	}
	if (!process->founded) {
		return;
	}
	ms_leading_tell(zone, out);
	if (process->member) {
		ms_name_copy(out->member[out->member_count++], agent->config.identity);
	}
	for (size_t i = 0; i < zone->pair_count && out->member_count < MS_PROVIDERS_MAX; i++) {
		if (zone->pairs[i].member) {
			ms_name_copy(out->member[out->member_count++], zone->pairs[i].peer->identity);
		}
	}
}

/* Nobody goes back by itself, but for what is given up: of two states that crossed, the older one came last. */
static bool went_back(const ms_pair_t *pair, const ms_state_t *state)
{
	if (!pair->process_known || pair->process == MS_PROC_NONE) {
		return false;
	}
	bool unsure = pair->votes && state->process != MS_PROC_NONE &&
	              (!state->has_election || (int32_t)(state->term - pair->term) < 0 ||
	               (state->term == pair->term && pair->leader != NULL && state->leader[0] == '\0'));
	return unsure || (state->process == pair->process && state->step < pair->step) ||
	       (state->process == MS_PROC_NONE && pair->step + 1u < ms_process_steps(pair->process));
}

void ms_process_learn(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state)
{
	if (!state->has_process || ms_process_get(zone) == NULL) {
		return;
	}
	/* States cross on their way: for one that goes back no process is given up, until it comes again. */
	bool back = went_back(pair, state);
	pair->state_wanted |= back;
	pair->doubted = back && !pair->doubted;
	bool same = pair->process_known && pair->process == state->process && pair->step == state->step;
	knot_dname_t *subject = state->subject[0] != '\0' ? knot_dname_copy(state->subject, NULL) : NULL;
	if (state->subject[0] != '\0' && subject == NULL) {
		return;
	}
	knot_dname_free(pair->subject, NULL);
	pair->subject = subject;
	pair->process = state->process;
	pair->step = state->step;
	pair->process_known = true;
	/* Who is outside says nothing about who is inside. */
	pair->group = ms_claims_lists(state, pair->peer->identity) ? ms_claims_group(state) : 0;
	pair->has_ended = ms_claims_ended(zone, state);
	ms_leading_learn(zone, pair, state);
	ms_claims_learn(agent, zone, pair, state);
	for (unsigned i = 0; i < state->component_count; i++) {
		if (state->component[i].type == KNOT_RRTYPE_DNSKEY) {
			pair->dnskey_ttl = state->component[i].ttl;
			ms_facts_at_least(zone, MS_TTL_DNSKEY, state->component[i].ttl);
		}
	}
	zone->process->again |= !same;
}

int ms_zone_persist_process(const ms_zone_t *zone, ms_actions_t *out)
{
	const ms_process_t *process = zone->process;
	if (process == NULL || !process->founded) {
		return KNOT_EOK;
	}
	ms_rec_process_t *rec = calloc(1, sizeof(*rec));
	uint8_t *value = malloc(RECORD_MAX);
	if (rec == NULL || value == NULL) {
		free(rec);
		free(value);
		return KNOT_ENOMEM;
	}
	rec->member = process->member;
	rec->kind = process->kind;
	rec->step = process->step;
	rec->noted = process->noted;
	rec->noted_wall = process->noted_wall;
	rec->noted_mono = process->noted_mono;
	rec->asked = process->asked | (process->leading ? MS_REC_LEADING : 0);
	rec->term = process->election.term;
	ms_name_copy(rec->leader, process->election.leader);
	rec->entered = process->entered;
	if (process->subject != NULL) {
		ms_name_copy(rec->subject, process->subject);
	}
	memcpy(rec->fact, process->fact, sizeof(rec->fact));
	memcpy(rec->ttl, process->ttl, sizeof(rec->ttl));
	rec->order_count = process->order_count;
	memcpy(rec->order, process->order, sizeof(rec->order));
	ms_rec_key_t key = { .kind = MS_REC_PROCESS };
	ms_name_copy(key.zone, zone->name);
	int len = ms_rec_process_encode(rec, value, RECORD_MAX);
	int ret = len < 0 ? len : ms_action_persist(out, &key, value, len);
	free(rec);
	free(value);
	return ret;
}

/* Microseconds from then to now, by the clock that says less: a wait may be too long, never too short. After a
 * start of the machine its own clock says nothing. */
static int64_t passed(const ms_rec_process_t *rec, ms_now_t now)
{
	int64_t wall = (now.wall.s - rec->noted_wall) * MS_SEC;
	int64_t mono = now.mono.us - rec->noted_mono;
	int64_t less = mono < 0 || wall < mono ? wall : mono;
	return less > 0 ? less : 0;
}

/* All times of the record in the time of this run. */
static int64_t shifted(int64_t when, int64_t by, int64_t now)
{
	return when == 0 ? 0 : when + by > now ? now : when + by;
}

static int take(ms_zone_t *zone, const ms_rec_process_t *rec, int64_t by, int64_t now)
{
	ms_process_t *process = calloc(1, sizeof(*process));
	bool known = rec->kind < MS_PROC_KINDS && rec->step < ms_process_steps(rec->kind);
	if (process != NULL && known && rec->subject[0] != '\0') {
		process->subject = knot_dname_copy(rec->subject, NULL);
	}
	if (process == NULL || (known && rec->subject[0] != '\0' && process->subject == NULL)) {
		free(process);
		return KNOT_ENOMEM;
	}
	process->founded = true;
	process->apart_at = MS_TIME_NEVER;
	process->member = rec->member != 0;
	process->kind = known ? rec->kind : MS_PROC_NONE;
	process->step = known ? rec->step : 0;
	process->entered = shifted(rec->entered, by, now);
	process->asked = rec->asked & ~MS_REC_LEADING;
	process->leading = process->kind != MS_PROC_NONE && (rec->asked & MS_REC_LEADING) != 0;
	process->election.term = rec->term;
	ms_name_copy(process->election.leader, rec->leader);
	memcpy(process->fact, rec->fact, sizeof(process->fact));
	for (unsigned i = 0; i < MS_FACTS_MAX; i++) {
		process->fact[i].since = shifted(process->fact[i].since, by, now);
	}
	memcpy(process->ttl, rec->ttl, sizeof(process->ttl));
	for (unsigned i = 0; i < MS_TTLS_MAX; i++) {
		process->ttl[i].until += process->ttl[i].until != 0 ? by : 0;
	}
	process->order_count = rec->order_count;
	memcpy(process->order, rec->order, sizeof(process->order));
	ms_process_free(zone->process);
	zone->process = process;
	return KNOT_EOK;
}

int ms_process_restore(const ms_agent_t *agent, ms_zone_t *zone, const uint8_t *value, size_t len,
                       ms_now_t now)
{
	ms_rec_process_t *rec = calloc(1, sizeof(*rec));
	int ret = rec != NULL ? ms_rec_process_decode(value, len, rec) : KNOT_ENOMEM;
	if (ret == KNOT_EOK) {
		int64_t steady = ms_steady(agent, now);
		int64_t by = steady - (rec->noted + passed(rec, now));
		ret = take(zone, rec, by, steady);
		if (ret == KNOT_EOK) {
			ms_process_note(agent, zone, now);
		}
	}
	free(rec);
	return ret;
}
