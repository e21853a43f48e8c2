/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "core/arrow.h"
#include "core/choice.h"
#include "core/claims.h"
#include "core/facts.h"
#include "core/founding.h"
#include "core/keyroll.h"
#include "core/leading.h"
#include "core/member.h"
#include "core/orders.h"
#include "core/outlook.h"
#include "core/step.h"
#include "core/timing.h"

int64_t ms_steady(const ms_agent_t *agent, ms_now_t now)
{
	return now.mono.us + agent->steady;
}

void ms_process_free(ms_process_t *process)
{
	if (process == NULL) {
		return;
	}
	for (unsigned i = 0; i < MS_DECISIONS_MAX; i++) {
		free(process->decision[i]);
	}
	ms_rrset_clear(&process->parent_ds);
	ms_rrset_clear(&process->parent_ns);
	knot_dname_free(process->subject, NULL);
	free(process->keys);
	free(process);
}

bool ms_process_about(const ms_zone_t *zone, const ms_pair_t *pair)
{
	const ms_process_t *process = zone->process;
	const knot_dname_t *identity = pair != NULL ? pair->peer->identity
	                                            : zone->agent->config.identity;
	return process->kind != MS_PROC_NONE && process->subject != NULL &&
	       knot_dname_is_equal(process->subject, identity);
}

bool ms_process_same_subject(const knot_dname_t *a, const knot_dname_t *b)
{
	return a == NULL || b == NULL ? a == b : knot_dname_is_equal(a, b);
}

bool ms_process_runs_with(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return zone->process->kind == pair->process &&
	       ms_process_same_subject(zone->process->subject, pair->subject);
}

void ms_process_decide(ms_zone_t *zone, ms_actions_t *out, const char *fmt, ...)
{
	char text[256];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL, "process: %s", text);
	ms_process_t *process = zone->process;
	free(process->decision[0]);
	memmove(process->decision, process->decision + 1,
	        (MS_DECISIONS_MAX - 1) * sizeof(process->decision[0]));
	process->decision[MS_DECISIONS_MAX - 1] = strdup(text);
}

static const char *subject_text(const ms_zone_t *zone, knot_dname_txt_storage_t buf)
{
	const knot_dname_t *subject = zone->process->subject;
	return subject == NULL || knot_dname_to_str(buf, subject, sizeof(knot_dname_txt_storage_t)) == NULL
	       ? "the group" : buf;
}

static void tell_all(ms_zone_t *zone)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].state_wanted = true;
	}
	zone->process->unsaved = zone->process->again = true;
	ms_zone_touch(zone);
}

static void enter(ms_agent_t *agent, ms_zone_t *zone, unsigned step, ms_now_t now)
{
	ms_process_t *process = zone->process;
	const ms_step_row_t *rows = ms_process_table(process->kind);
	bool changes = step > 0 && (rows[step].effects != rows[step - 1].effects ||
	                            rows[step].keys != MS_KEYS_LIST);
	process->step = step;
	process->entered = ms_steady(agent, now);
	process->keys_done = process->free_step = process->skip = false;
	process->over = process->looked = 0;
	process->flaw[0] = '\0';
	process->keys_id = 0;
	process->keys_at = now.mono;
	if (changes) {
		/* What was seen before does not count; of NS, neither what the parent had. */
		ms_facts_forget(process, rows[step].facts);
		if (rows[step].facts & (1u << MS_FACT_NS)) {
			ms_facts_forget(process, 1u << MS_FACT_PARENT_NS);
		}
		ms_outlook_forget(process);
	}
	ms_outlook_anew(process, now);
	tell_all(zone);
}

static int begin(ms_agent_t *agent, ms_zone_t *zone, const ms_choice_t *choice, ms_now_t now,
                 ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	knot_dname_t *subject = choice->subject != NULL ? knot_dname_copy(choice->subject, NULL) : NULL;
	if (choice->subject != NULL && subject == NULL) {
		return KNOT_ENOMEM;
	}
	knot_dname_free(process->subject, NULL);
	process->subject = subject;
	process->kind = choice->kind;
	memset(process->fact, 0, sizeof(process->fact));
	enter(agent, zone, 0, now);
	knot_dname_txt_storage_t buf;
	ms_process_decide(zone, out, "%s of %s is wanted -> agree with the others",
	                  ms_process_name(process->kind), subject_text(zone, buf));
	return KNOT_EOK;
}

static void end(ms_zone_t *zone)
{
	ms_process_t *process = zone->process;
	knot_dname_free(process->subject, NULL);
	process->subject = NULL;
	process->kind = MS_PROC_NONE;
	process->step = 0;
	process->why[0] = '\0';
	process->keys_done = process->free_step = process->skip = false;
	process->keys_id = 0;
	tell_all(zone);
}

static int drop(ms_zone_t *zone, const char *why, ms_actions_t *out)
{
	knot_dname_txt_storage_t buf;
	ms_process_decide(zone, out, "%s of %s: %s -> given up in step %s",
	                  ms_process_name(zone->process->kind), subject_text(zone, buf), why,
	                  ms_process_row(zone)->name);
	int ret = ms_choice_dropped(zone, out);
	if (ret == KNOT_EOK) {
		end(zone);
	}
	return ret;
}

static int finish(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	knot_dname_txt_storage_t buf;
	ms_process_decide(zone, out, "%s of %s is done", ms_process_name(process->kind),
	                  subject_text(zone, buf));
	int ret = ms_choice_done(agent, zone, out);
	if (ret == KNOT_EOK) {
		end(zone);
	}
	return ret;
}

static int advance(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	bool may = false;
	int ret = process->kind != MS_PROC_NONE ? ms_arrow_may(agent, zone, now, &may) : KNOT_EOK;
	if (ret != KNOT_EOK || !may) {
		return ret;
	}
	const ms_step_row_t *rows = ms_process_table(process->kind);
	if (rows[process->step + 1].name == NULL) {
		return finish(agent, zone, out);
	}
	knot_dname_txt_storage_t buf;
	ms_process_decide(zone, out, "%s of %s: %s -> %s", ms_process_name(process->kind),
	                  subject_text(zone, buf), rows[process->step].name,
	                  rows[process->step + 1].name);
	enter(agent, zone, process->step + 1, now);
	return KNOT_EOK;
}

/* Is there anything of ours to do in this zone? */
static bool eligible(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return zone->opted && zone->loaded && zone->shared && !zone->sheds &&
	       !agent->config.combiner_role &&
	       (zone->self_state == MS_HSYNC_ON || ms_member_stays(zone));
}

static int choose(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_choice_t choice = { 0 };
	char why[MS_WHY_MAX] = "";
	ms_process_t *process = zone->process;
	ms_verdict_choice_t verdict = ms_choice_make(agent, zone, &choice, why);
	switch (verdict) {
	case MS_CHOICE_STAY:
		return KNOT_EOK;
	case MS_CHOICE_DROP:
		return drop(zone, why, out);
	case MS_CHOICE_BEGIN:
		return begin(agent, zone, &choice, now, out);
	case MS_CHOICE_NOT:
		memcpy(process->why, why, sizeof(process->why));
	}
	return KNOT_EOK;
}

void ms_process_note(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now)
{
	zone->process->noted = ms_steady(agent, now);
	zone->process->noted_wall = now.wall.s;
	zone->process->noted_mono = now.mono.us;
}

ms_process_t *ms_process_get(ms_zone_t *zone)
{
	if (zone->process == NULL) {
		zone->process = calloc(1, sizeof(*zone->process));
		if (zone->process != NULL) {
			zone->process->apart_at = MS_TIME_NEVER;
		}
		for (size_t i = 0; zone->process != NULL && i < zone->pair_count; i++) {
			zone->pairs[i].state_wanted = true;
		}
	}
	return zone->process;
}

/* Somebody who has nothing to say any more holds up nobody. */
static int leave_off(ms_zone_t *zone, ms_actions_t *out)
{
	bool off = zone->opted && zone->loaded && zone->shared && zone->self_state != MS_HSYNC_ON;
	if (!off || zone->process == NULL || zone->process->kind == MS_PROC_NONE) {
		return KNOT_EOK;
	}
	int ret = drop(zone, "we are not ON any more", out);
	return ret == KNOT_EOK ? ms_zone_persist_process(zone, out) : ret;
}

/* Nothing is done about it here: a person is told. */
static void watch(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	const ms_process_t *process = zone->process;
	bool stuck = process->kind != MS_PROC_NONE && process->over == 0 &&
	             ms_steady(agent, now) - process->entered > MS_PROC_LONG;
	bool runs = process->kind != MS_PROC_NONE;
	ms_zone_alarm(zone, MS_ALARM_PROCESS, (runs && process->early) || stuck,
	              process->early ? "the parent delegates to a provider that has not joined"
	                             : "a process waits for more than an hour: its reason says for what",
	              out);
}

int ms_process_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (!eligible(agent, zone)) {
		return leave_off(zone, out);
	}
	ms_process_t *process = ms_process_get(zone);
	if (process == NULL) {
		return KNOT_ENOMEM;
	}
	process->again = false;
	process->left = process->left && zone->self_state != MS_HSYNC_ON;
	process->owes = process->owes && !process->left && zone->self_state != MS_HSYNC_ON;
	ms_process_note(agent, zone, now);
	/* Before anything begins there are no looks: the TTLs of before count even so (F-24). */
	ms_facts_at_least(zone, MS_TTL_DNSKEY, zone->apex.set[MS_APEX_DNSKEY].ttl);
	ms_facts_at_least(zone, MS_TTL_NS, zone->apex.set[MS_APEX_NS].ttl);
	int ret = KNOT_EOK;
	if (!process->founded) {
		ms_founding_settle(agent, zone, out, process->why);
		process->again = process->founded;
	} else {
		ms_claims_watch(zone, now, out);
	}
	if (process->founded) {
		ret = ms_orders_settle(agent, zone, now, out);
		ret = ret == KNOT_EOK ? choose(agent, zone, now, out) : ret;
		ms_leading_settle(agent, zone, now, out);
		ret = ret == KNOT_EOK ? advance(agent, zone, now, out) : ret;
	}
	if (ret == KNOT_EOK) {
		ret = ms_outlook_settle(agent, zone, now, out);
	}
	for (size_t i = 0; ret == KNOT_EOK && process->news && i < zone->pair_count; i++) {
		ret = ms_zone_persist_member(zone, &zone->pairs[i], out);
	}
	process->news = process->news && ret != KNOT_EOK;
	if (ret == KNOT_EOK && process->founded && process->unsaved) {
		ret = ms_zone_persist_process(zone, out);
		process->unsaved = ret != KNOT_EOK;
		process->vote_new &= process->unsaved;
	}
	/* What is done to keys comes after where the process stands is written. */
	if (ret == KNOT_EOK && process->founded) {
		ret = ms_keyroll_settle(agent, zone, now, out);
	}
	watch(agent, zone, now, out);
	return ret;
}

ms_time_t ms_process_deadline(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	if (process == NULL || !eligible(agent, zone)) {
		return MS_TIME_NEVER;
	}
	if (process->again) {
		return (ms_time_t){ 0 };
	}
	ms_time_t when = ms_time_min(ms_outlook_deadline(zone), ms_keyroll_deadline(agent, zone));
	if (process->founded) {
		when = ms_time_min(when, ms_claims_deadline(zone));
		when = ms_time_min(when, ms_leading_deadline(zone));
	}
	return process->kind == MS_PROC_NONE || process->over == 0 ? when
	     : ms_time_min(when, (ms_time_t){ process->over - agent->steady });
}

void ms_process_again(ms_zone_t *zone, ms_now_t now)
{
	if (zone->process != NULL) {
		ms_outlook_anew(zone->process, now);
	}
}

int64_t ms_process_wait_over(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_step_row_t *row = ms_process_row(zone);
	if (zone->process->kind == MS_PROC_NONE || row->waits == 0) {
		return 0;
	}
	int64_t over = ms_timing_over(agent, zone, row);
	return over == INT64_MAX ? 0 : over;
}
