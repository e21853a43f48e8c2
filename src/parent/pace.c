/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parent/pace.h"

/* What was notified about and is in order is scanned so much less often (K-10). */
#define PATIENCE 7

void ms_pace_init(ms_pace_t *pace, ms_time_t now, int64_t delay)
{
	*pace = (ms_pace_t){ .due = ms_time_add(now, delay) };
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
	pace->began = now;
	pace->due = MS_TIME_NEVER;
}

static ms_time_t scan_at(const ms_pace_t *pace, const ms_pace_policy_t *policy, ms_time_t now)
{
	return policy->scan == 0 ? MS_TIME_NEVER
	     : ms_time_add(now, pace->patient ? policy->scan * PATIENCE : policy->scan);
}

void ms_pace_end(ms_pace_t *pace, const ms_pace_policy_t *policy, ms_pace_end_t end, bool hinted,
                 ms_time_t now)
{
	pace->running = false;
	if (end == MS_PACE_CHANGED) {
		pace->patient = hinted;
	}
	/* Inconsistency heals, too (K-22). */
	if ((end == MS_PACE_WAITS || end == MS_PACE_REFUSED) && pace->tried < policy->retries) {
		pace->due = ms_time_add(now, policy->retry << pace->tried);
		pace->tried++;
	} else {
		pace->due = scan_at(pace, policy, now);
		pace->tried = end == MS_PACE_WAITS ? pace->tried : 0;
	}
	if (pace->again) {
		pace->again = false;
		ms_pace_hint(pace, policy, now);
	}
}

bool ms_pace_exhausted(const ms_pace_t *pace, const ms_pace_policy_t *policy)
{
	return pace->tried >= policy->retries;
}
