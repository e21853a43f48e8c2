/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/pace.h"

/* What was notified about and is in order is scanned so much less often (K-10). */
#define PATIENCE 7

void ms_pace_init(ms_pace_t *pace, ms_time_t now, int64_t delay)
{
	*pace = (ms_pace_t){ .due = ms_time_add(now, delay) };
	pace->planned = pace->due;
}

void ms_pace_hint(ms_pace_t *pace, const ms_pace_policy_t *policy, ms_time_t now)
{
	if (pace->running) {
		pace->again = true;
		return;
	}
	ms_time_t at = pace->seen ? ms_time_add(pace->began, policy->gap) : now;
	at = at.us > now.us ? at : now;
	pace->due = ms_time_min(pace->due, at);
}

bool ms_pace_due(const ms_pace_t *pace, ms_time_t now)
{
	return !pace->running && ms_time_due(pace->due, now);
}

void ms_pace_begin(ms_pace_t *pace, ms_time_t now)
{
	pace->running = true;
	pace->again = false;
	pace->seen = true;
	pace->scheduled = ms_time_due(pace->planned, now);
	pace->began = now;
	pace->due = MS_TIME_NEVER;
}

static ms_time_t scan_at(const ms_pace_t *pace, const ms_pace_policy_t *policy, ms_time_t now)
{
	return policy->scan == 0 ? MS_TIME_NEVER
	     : ms_time_add(now, pace->patient ? policy->scan * PATIENCE : policy->scan);
}

/* The first one may be for a hint: those that follow are not. */
static void count_silence(ms_pace_t *pace, ms_pace_end_t end)
{
	if (end == MS_PACE_SILENT) {
		bool counts = (pace->scheduled || pace->silent == 0) && pace->silent < UINT8_MAX;
		pace->silent += counts ? 1 : 0;
	} else if (end != MS_PACE_WAITS) {
		pace->silent = 0;
	}
}

void ms_pace_end(ms_pace_t *pace, const ms_pace_policy_t *policy, ms_pace_end_t end, bool hinted,
                 ms_time_t now)
{
	pace->running = false;
	if (end == MS_PACE_CHANGED) {
		pace->patient = hinted;
	}
	count_silence(pace, end);
	/* Inconsistency heals, too (K-22). */
	bool heals = end == MS_PACE_WAITS || end == MS_PACE_SILENT || end == MS_PACE_REFUSED;
	bool between = heals && pace->tried > 0 && !pace->scheduled;
	if (!between && heals && pace->tried < policy->retries) {
		pace->planned = ms_time_add(now, policy->retry << pace->tried);
		pace->tried++;
	} else if (!between) {
		pace->planned = scan_at(pace, policy, now);
		pace->tried = heals && end != MS_PACE_REFUSED ? pace->tried : 0;
	}
	pace->due = pace->planned;
	if (pace->again) {
		pace->again = false;
		ms_pace_hint(pace, policy, now);
	}
}

bool ms_pace_exhausted(const ms_pace_t *pace, const ms_pace_policy_t *policy)
{
	return pace->silent >= policy->retries;
}
