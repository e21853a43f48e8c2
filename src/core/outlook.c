/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/outlook.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/text.h"
#include "core/delegation.h"
#include "core/facts.h"
#include "core/shown.h"

/* All places are taken: again after this. */
#define LOOK_FULL (100 * MS_MSEC)

#define FACT(fact) (1u << (fact))
#define OF_PARENT  (FACT(MS_FACT_DS) | FACT(MS_FACT_PARENT_NS))

static bool about(const ms_step_row_t *row, ms_look_t look)
{
	return (row->facts & (look == MS_LOOK_PARENT ? OF_PARENT : ~OF_PARENT)) != 0;
}

bool ms_outlook_fresh(const ms_process_t *process, const ms_step_row_t *row, int64_t when)
{
	bool fresh = true;
	for (unsigned look = 0; look < MS_LOOKS; look++) {
		bool counts = about(row, look) && !(look == MS_LOOK_PARENT && process->skip);
		fresh &= !counts || process->look[look].seen_at >= when;
	}
	return fresh;
}

static bool is_needed(const ms_zone_t *zone, ms_look_t look)
{
	const ms_process_t *process = zone->process;
	if (!process->founded) {
		return look == MS_LOOK_PARENT;
	}
	if (process->kind == MS_PROC_NONE) {
		return false;
	}
	const ms_step_row_t *row = ms_process_row(zone);
	bool led = row->led && !ms_process_about(zone, NULL);
	return process->step == 0 || (!led && about(row, look));
}

static int ask(ms_agent_t *agent, ms_zone_t *zone, ms_look_t look, ms_actions_t *out)
{
	static const uint16_t types[] = {
		KNOT_RRTYPE_DNSKEY, KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY, KNOT_RRTYPE_NS, KNOT_RRTYPE_SOA,
	};
	uint64_t *id = &zone->process->look[look].id;
	return look == MS_LOOK_PARENT ? ms_shown_ask_parent(agent, zone, out, id)
	     : ms_shown_ask_servers(agent, zone, types, sizeof(types) / sizeof(types[0]), out, id);
}

static int settle_look(ms_agent_t *agent, ms_zone_t *zone, ms_look_t look, ms_now_t now,
                       ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	if (process->look[look].id != 0 && ms_time_due(process->look[look].lost_at, now.mono)) {
		process->look[look].id = 0;
	}
	if (!is_needed(zone, look) || process->look[look].id != 0 ||
	    !ms_time_due(process->look[look].at, now.mono)) {
		return KNOT_EOK;
	}
	if (agent->errands >= MS_DELEG_WINDOW) {
		process->look[look].at = ms_time_add(now.mono, LOOK_FULL);
		return KNOT_EOK;
	}
	int ret = ask(agent, zone, look, out);
	process->look[look].lost_at = ms_time_add(now.mono, MS_DELEG_LOST);
	agent->errands += ret == KNOT_EOK;
	if (ret == KNOT_ELIMIT) {
		ms_text_copy(process->flaw, "more name servers than can be asked", sizeof(process->flaw));
		process->look[look].at = ms_time_add(now.mono, MS_PROC_LOOK_MAX);
		ret = KNOT_EOK;
	}
	return ret;
}

int ms_outlook_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	for (unsigned look = 0; ret == KNOT_EOK && look < MS_LOOKS; look++) {
		ret = settle_look(agent, zone, look, now, out);
	}
	return ret;
}

ms_time_t ms_outlook_deadline(const ms_zone_t *zone)
{
	ms_time_t when = MS_TIME_NEVER;
	for (unsigned look = 0; look < MS_LOOKS; look++) {
		if (is_needed(zone, look)) {
			when = ms_time_min(when, zone->process->look[look].id != 0
			                   ? zone->process->look[look].lost_at : zone->process->look[look].at);
		}
	}
	return when;
}

static int64_t pause(ms_process_t *process, ms_look_t look)
{
	int64_t pause = MS_PROC_LOOK;
	for (unsigned i = 0; i < process->look[look].failures && pause < MS_PROC_LOOK_MAX; i++) {
		pause *= 2;
	}
	process->look[look].failures++;
	return pause < MS_PROC_LOOK_MAX ? pause : MS_PROC_LOOK_MAX;
}

bool ms_process_observed(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event)
{
	ms_process_t *process = zone->process;
	ms_look_t look = MS_LOOKS;
	for (unsigned i = 0; process != NULL && event->kind == MS_EV_OBSERVED && i < MS_LOOKS; i++) {
		look = process->look[i].id != 0 && process->look[i].id == event->id ? i : look;
	}
	if (look == MS_LOOKS) {
		return false;
	}
	int64_t now = ms_steady(agent, event->now);
	char flaw[MS_WHY_MAX] = "";
	process->look[look].id = 0;
	process->look[look].at = ms_time_add(event->now.mono, pause(process, look));
	int ret = event->ret;
	if (ret == KNOT_EOK) {
		ret = look == MS_LOOK_PARENT ? ms_facts_parent(agent, zone, event->seen, now, flaw)
		                             : ms_facts_children(agent, zone, event->seen, now, flaw);
		process->look[look].seen_at = ret == KNOT_EOK ? now : process->look[look].seen_at;
	} else {
		(void)snprintf(flaw, sizeof(flaw), "%s", event->reason[0] != '\0' ? event->reason
		               : knot_strerror(ret));
	}
	/* The parent's flaw is not what a step about the servers waits for. */
	const ms_step_row_t *row = ms_process_row(zone);
	if (process->kind == MS_PROC_NONE || process->step == 0 || about(row, look)) {
		memcpy(process->flaw, flaw, sizeof(flaw));
	}
	process->again = true;
	return true;
}

void ms_outlook_anew(ms_process_t *process, ms_now_t now)
{
	for (unsigned i = 0; i < MS_LOOKS; i++) {
		process->look[i].failures = 0;
		process->look[i].at = now.mono;
	}
}

void ms_outlook_forget(ms_process_t *process)
{
	for (unsigned i = 0; i < MS_LOOKS; i++) {
		process->look[i].id = 0;
	}
}
