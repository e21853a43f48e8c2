/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/arrow.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "core/claims.h"
#include "core/keyroll.h"
#include "core/leading.h"
#include "core/member.h"
#include "core/outlook.h"
#include "core/safety.h"
#include "core/timing.h"

bool ms_process_reached(const ms_zone_t *zone, const ms_pair_t *pair, unsigned step)
{
	const ms_process_t *process = zone->process;
	bool same = pair->process_known && ms_process_runs_with(zone, pair);
	bool last = process->step + 1u >= ms_process_steps(process->kind);
	return same ? pair->step >= step : last && pair->process_known && pair->has_ended;
}

static void because(ms_process_t *process, const char *question, const char *why)
{
	char text[MS_WHY_MAX];
	(void)snprintf(text, sizeof(text), "%s: %.100s", question, why);
	memcpy(process->why, text, sizeof(text));
}

/* The barrier (F-09). Who leaves waits for nobody, and nobody for it (F-15). */
static bool barrier(const ms_zone_t *zone, ms_process_t *process)
{
	for (size_t i = 0; ms_member_takes_part(zone, NULL) && i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		bool agrees = process->step > 0 || ms_claims_agree(zone, pair);
		if (!ms_member_takes_part(zone, pair) ||
		    (agrees && ms_process_reached(zone, pair, process->step))) {
			continue;
		}
		knot_dname_txt_storage_t name = "?";
		char text[MS_WHY_MAX];
		(void)knot_dname_to_str(name, pair->peer->identity, sizeof(name));
		(void)snprintf(text, sizeof(text), "%.80s %s", name,
		               agrees ? "is not as far" : "has other members");
		because(process, "others", text);
		return false;
	}
	return true;
}

/* Steps that only the subject can judge: the others are led. */
static bool is_led(const ms_zone_t *zone, const ms_step_row_t *row)
{
	return row->led && !ms_process_about(zone, NULL);
}

static bool follows(const ms_zone_t *zone, ms_process_t *process)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (ms_process_about(zone, pair)) {
			bool on = ms_process_reached(zone, pair, process->step + 1);
			because(process, "others", on ? "" : "the subject is not as far");
			return on;
		}
	}
	because(process, "others", "the subject is not known");
	return false;
}

static bool is_time(const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now)
{
	ms_process_t *process = zone->process;
	const ms_step_row_t *row = ms_process_row(zone);
	int64_t steady = ms_steady(agent, now);
	/* Without DS, too: the parent may follow CDS at any moment. */
	if (row->waits == 0) {
		return true;
	}
	int64_t over = ms_timing_over(agent, zone, row);
	process->over = over > steady && over != INT64_MAX ? over : 0;
	if (over > steady) {
		because(process, "time", "a wait is not over");
		return false;
	}
	/* Seen once more at the end: what was lost meanwhile begins anew. */
	bool fresh = ms_outlook_fresh(process, row, over);
	if (!fresh && process->looked != over) {
		ms_outlook_anew(process, now);
		process->looked = over;
	}
	if (!fresh) {
		because(process, "safe", "to be seen once more");
	}
	return fresh;
}

/* Of who begins, what is now is to be seen first: TTLs before the change count, too. */
static bool has_begun(ms_process_t *process)
{
	bool seen = process->look[MS_LOOK_CHILDREN].seen_at >= process->entered &&
	            process->look[MS_LOOK_PARENT].seen_at >= process->entered;
	if (process->step == 0 && !seen) {
		because(process, "safe", "servers and parent were not seen yet");
	}
	return process->step > 0 || seen;
}

/* Wanted was asked before: by ms_choice_make(). */
int ms_arrow_may(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, bool *may)
{
	ms_process_t *process = zone->process;
	const ms_step_row_t *row = ms_process_row(zone);
	*may = false;
	process->over = 0;
	process->why[0] = '\0';
	if (agent->config.hold && !process->free_step) {
		because(process, "wanted", "'mode: hold' and no 'step'");
		return KNOT_EOK;
	}
	if (agent->unsaved) {
		because(process, "safe", "the store fails");
		return KNOT_EOK;
	}
	if (is_led(zone, row)) {
		*may = barrier(zone, process) && follows(zone, process);
		return KNOT_EOK;
	}
	if (!has_begun(process)) {
		return KNOT_EOK;
	}
	if (!ms_keyroll_done(zone, row)) {
		because(process, "safe", "the key manager is not done");
		return KNOT_EOK;
	}
	bool safe;
	char why[MS_WHY_MAX] = "";
	int ret = ms_safety_leave(zone, process->step, &safe, why);
	if (ret != KNOT_EOK || !safe) {
		because(process, "safe", process->flaw[0] != '\0' ? process->flaw : why);
		return ret;
	}
	*may = is_time(agent, zone, now) && barrier(zone, process);
	if (*may && !ms_leading_may(zone, row, why)) {
		*may = false;
		because(process, "others", why);
	}
	return KNOT_EOK;
}
