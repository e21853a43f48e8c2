/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/keyroll.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/text.h"
#include "core/facts.h"
#include "core/outlook.h"
#include "core/step.h"

ms_key_role_t ms_keyroll_role(ms_process_kind_t kind)
{
	return kind == MS_PROC_CSK ? MS_ROLE_CSK : kind == MS_PROC_KSK ? MS_ROLE_KSK : MS_ROLE_ZSK;
}

static bool acts(const ms_zone_t *zone, const ms_step_row_t *row)
{
	return row->keys != MS_KEYS_LIST &&
	       (zone->process->kind == MS_PROC_ALGORITHM || ms_process_about(zone, NULL));
}

static bool is_roll(const ms_zone_t *zone)
{
	return zone->process->kind == MS_PROC_ALGORITHM ||
	       (zone->process->kind >= MS_PROC_ZSK && ms_process_about(zone, NULL));
}

/* The operation that is due, or the list: of a roll, or where keys have a lifetime. */
static bool is_due(const ms_agent_t *agent, const ms_zone_t *zone, ms_keys_op_t *op)
{
	const ms_process_t *process = zone->process;
	const ms_step_row_t *row = ms_process_row(zone);
	bool lives = agent->config.zsk_lifetime > 0 || agent->config.ksk_lifetime > 0;
	if (!zone->signing || !zone->managed || zone->keys_id != 0) {
		return false;
	}
	if (process->discard != 0) {
		*op = MS_KEYS_DISCARD;
		return true;
	}
	if (process->kind != MS_PROC_NONE && acts(zone, row) && !process->keys_done) {
		*op = row->keys;
		return true;
	}
	*op = MS_KEYS_LIST;
	return !process->keys_known && (lives || (process->kind != MS_PROC_NONE && is_roll(zone)));
}

/* Tags of all keys of the group: a new one must have another (F-16). */
static void take_tags(const ms_rrset_t *keys, ms_action_t *action)
{
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count && action->keys.taken_count < MS_TAKEN_MAX;
	     i++, rr = knot_rdataset_next(rr)) {
		ms_dnskey_t info;
		if (ms_dnskey_decode(rr->data, rr->len, &info) == KNOT_EOK) {
			action->keys.taken[action->keys.taken_count++] = info.tag;
		}
	}
}

int ms_keyroll_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	ms_keys_op_t op;
	if (!ms_time_due(process->keys_at, now.mono) || !is_due(agent, zone, &op)) {
		return KNOT_EOK;
	}
	ms_action_t *action = NULL;
	int ret = ms_zone_ask_keys(agent, zone, op, out, &action);
	if (ret != KNOT_EOK) {
		return ret;
	}
	action->keys.role = op == MS_KEYS_DISCARD ? process->discard - 1u : ms_keyroll_role(process->kind);
	take_tags(&zone->apex.set[MS_APEX_DNSKEY], action);
	for (size_t i = 0; i < zone->pair_count; i++) {
		take_tags(&zone->pairs[i].held.set[MS_APEX_DNSKEY], action);
	}
	process->keys_id = action->id;
	process->keys_op = op;
	/* Without an answer it is asked for again. */
	process->keys_at = ms_time_add(now.mono, MS_PROC_KEYS_RETRY);
	return KNOT_EOK;
}

int64_t ms_keyroll_end_of_life(const ms_config_t *config, const ms_own_key_t *key)
{
	int64_t zsk = config->zsk_lifetime, ksk = config->ksk_lifetime;
	bool as_ksk = key->ksk && (!key->zsk || zsk == 0 || (ksk > 0 && ksk < zsk));
	int64_t life = as_ksk ? ksk : zsk;
	bool lives = life > 0 && key->active && !key->removed && !key->withdrawn && key->active_at > 0;
	return lives ? (key->active_at + life) * MS_SEC : INT64_MAX;
}

ms_time_t ms_keyroll_deadline(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	ms_time_t when = MS_TIME_NEVER;
	ms_keys_op_t op;
	if (process->founded && is_due(agent, zone, &op)) {
		when = process->keys_at;
	}
	bool may = zone->managed && process->member && !process->discard;
	for (size_t i = 0; may && i < process->key_count; i++) {
		const ms_own_key_t *key = &process->keys[i];
		int64_t end = ms_keyroll_end_of_life(&agent->config, key);
		if (end != INT64_MAX && process->asked == 0) {
			when = ms_time_min(when, (ms_time_t){ end - agent->steady });
		}
	}
	return when;
}

static bool in_apex(const ms_zone_t *zone, const char *id)
{
	const ms_rrset_t *keys = &zone->apex.set[MS_APEX_DNSKEY];
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		char other[MS_KEYID_LEN + 1];
		if (ms_dnskey_keyid(rr->data, rr->len, other) == KNOT_EOK && strcmp(other, id) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_cds(const ms_zone_t *zone, const ms_own_key_t *key)
{
	const ms_rrset_t *cds = &zone->apex.set[MS_APEX_CDS];
	knot_rdata_t *rr = cds->rrs.rdata;
	for (uint16_t i = 0; i < cds->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (rr->len > 3 && knot_wire_read_u16(rr->data) == key->tag && rr->data[2] == key->algorithm) {
			return true;
		}
	}
	return false;
}

bool ms_keyroll_shown(const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	bool cds = zone->apex.set[MS_APEX_CDS].rrs.count > 0;
	for (size_t i = 0; process->keys_known && i < process->key_count; i++) {
		const ms_own_key_t *key = &process->keys[i];
		bool published = key->published && !key->removed;
		bool named = published && key->ksk && key->active && !key->withdrawn;
		if (in_apex(zone, key->id) != published || (cds && key->ksk && has_cds(zone, key) != named)) {
			return false;
		}
	}
	return true;
}

bool ms_keyroll_done(const ms_zone_t *zone, const ms_step_row_t *row)
{
	return !acts(zone, row) || (zone->process->keys_done && ms_keyroll_shown(zone));
}

static int copy_keys(ms_process_t *process, const ms_event_t *event)
{
	ms_own_key_t *keys = calloc(event->keys.count + 1, sizeof(*keys));
	if (keys == NULL) {
		return KNOT_ENOMEM;
	}
	if (event->keys.count > 0) {
		memcpy(keys, event->keys.list, event->keys.count * sizeof(*keys));
	}
	free(process->keys);
	process->keys = keys;
	process->key_count = event->keys.count;
	process->keys_known = true;
	return KNOT_EOK;
}

void ms_process_keys(ms_zone_t *zone, const ms_event_t *event)
{
	ms_process_t *process = zone->process;
	if (process == NULL) {
		return;
	}
	int ret = event->ret == KNOT_EOK ? copy_keys(process, event) : event->ret;
	process->again = true;
	if (process->keys_id == 0 || process->keys_id != event->id) {
		return;
	}
	process->keys_id = 0;
	if (ret != KNOT_EOK) {
		process->keys_at = ms_time_add(event->now.mono, MS_PROC_KEYS_RETRY);
		ms_text_copy(process->flaw, event->reason[0] != '\0' ? event->reason : knot_strerror(ret),
		             sizeof(process->flaw));
		return;
	}
	process->keys_at = event->now.mono;
	if (process->keys_op == MS_KEYS_DISCARD) {
		process->discard = 0;
	}
	if (process->kind != MS_PROC_NONE && process->keys_op == ms_process_row(zone)->keys &&
	    acts(zone, ms_process_row(zone))) {
		process->keys_done = true;
		/* What was seen before is of the keys before. */
		ms_facts_forget(process, ms_process_row(zone)->facts);
		ms_outlook_anew(process, event->now);
	}
}
