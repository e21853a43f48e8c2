/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "core/component.h"
#include "core/contribution.h"
#include "base/name.h"
#include "core/gate.h"
#include "core/delegation.h"
#include "core/group.h"
#include "core/listing.h"
#include "core/merge.h"
#include "core/owner.h"
#include "core/pair.h"
#include "core/process.h"
#include "core/step.h"

/* How long a zone without content may take to load before its keys are looked at. */
#define EMPTY_GRACE (500 * MS_MSEC)

int ms_zone_ask_keys(ms_agent_t *agent, ms_zone_t *zone, ms_keys_op_t op, ms_actions_t *out,
                     ms_action_t **asked)
{
	/* Of now: when the answer comes the apex may be another one, and the list too old for it. */
	ms_digest_t digest;
	int ret = ms_zone_digest_keys(zone, &digest);
	ms_action_t *action = ret == KNOT_EOK ? ms_action_add(out, MS_ACT_KEYS) : NULL;
	if (action == NULL) {
		return ret != KNOT_EOK ? ret : KNOT_ENOMEM;
	}
	zone->keys_asked = digest;
	action->id = zone->keys_id = ms_agent_id(agent);
	ms_name_copy(action->keys.zone, zone->name);
	action->keys.op = op;
	action->keys.algorithm = agent->config.algorithm;
	action->keys.single_type = agent->config.single_type;
	*asked = action;
	return KNOT_EOK;
}

static int ask_keys(ms_agent_t *agent, ms_zone_t *zone, ms_keys_op_t op, ms_actions_t *out)
{
	ms_action_t *action;
	return ms_zone_ask_keys(agent, zone, op, out, &action);
}

int ms_zone_make_keys(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL, "the zone has no keys -> make the first ones");
	return ask_keys(agent, zone, MS_KEYS_MAKE, out);
}

/* The DNSKEYs that may be ours. */
static int rest_of_keys(const ms_zone_t *zone, ms_rrset_t *rest)
{
	int ret = ms_rrset_copy(rest, &zone->apex.set[MS_APEX_DNSKEY]);
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		ret = ms_rrset_minus(rest, &zone->pairs[i].held.set[MS_APEX_DNSKEY]);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_minus(rest, &zone->written.set[MS_APEX_DNSKEY]);
	}
	if (ret == KNOT_EOK && zone->strays != NULL) {
		ret = ms_rrset_minus(rest, &zone->strays->set[MS_APEX_DNSKEY]);
	}
	return ret;
}

int ms_zone_digest_keys(const ms_zone_t *zone, ms_digest_t *out)
{
	ms_rrset_t rest = { 0 };
	int ret = rest_of_keys(zone, &rest);
	if (ret == KNOT_EOK) {
		const ms_rrset_t *sets[] = { &rest };
		const uint16_t types[] = { ms_apex_rrtype(MS_APEX_DNSKEY) };
		ret = ms_rrsets_digest(sets, types, 1, out);
	}
	ms_rrset_clear(&rest);
	return ret;
}

/* Does the list name every DNSKEY that may be ours? Then to ask again would tell nothing more,
 * whatever stood in the zone when it was asked for: ten thousand new zones are asked about once. */
static bool explained(const ms_zone_t *zone)
{
	ms_rrset_t rest = { 0 };
	bool all = rest_of_keys(zone, &rest) == KNOT_EOK && rest.rrs.count > 0;
	knot_rdata_t *rr = rest.rrs.rdata;
	for (uint16_t i = 0; all && i < rest.rrs.count; i++, rr = knot_rdataset_next(rr)) {
		all = ms_key_is_own(zone, rr->data, rr->len);
	}
	ms_rrset_clear(&rest);
	return all;
}

/* Is the key manager's list wanted now? It is asked only when the DNSKEYs that may be ours are
 * others than those the last list was made for (decision 11). */
static int keys_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (!zone->opted || !zone->signing || zone->keys_id != 0 ||
	    !ms_time_due(zone->keys_at, now.mono)) {
		return KNOT_EOK;
	}
	if (!zone->loaded) {
		/* The first keys of a zone that never had any. Known zones are only still loading. */
		return zone->managed && zone->own_keys == NULL
		       ? ask_keys(agent, zone, MS_KEYS_LIST, out) : KNOT_EOK;
	}
	ms_digest_t digest;
	int ret = zone->shared ? ms_zone_digest_keys(zone, &digest) : KNOT_ENOENT;
	if (ret != KNOT_EOK) {
		return ret == KNOT_ENOENT ? KNOT_EOK : ret;
	}
	if (zone->list_new && zone->own_keys != NULL && explained(zone)) {
		zone->own_keys->dnskey = digest;
		zone->own_listed = true;
		ret = ms_zone_persist_own(zone, out);
	}
	zone->list_new = zone->list_new && ret != KNOT_EOK;
	if (zone->own_listed && zone->own_keys != NULL &&
	    ms_digest_equal(&digest, &zone->own_keys->dnskey)) {
		zone->keys_at = ret == KNOT_EOK ? MS_TIME_NEVER : now.mono;
		return ret;
	}
	return ask_keys(agent, zone, MS_KEYS_LIST, out);
}

static int list_fits(const ms_zone_t *zone, bool *fits)
{
	ms_digest_t digest;
	*fits = false;
	if (!zone->own_listed || zone->own_keys == NULL) {
		return KNOT_EOK;
	}
	int ret = ms_zone_digest_keys(zone, &digest);
	*fits = ret == KNOT_EOK && ms_digest_equal(&digest, &zone->own_keys->dnskey);
	return ret;
}

bool ms_zone_list_fits(const ms_zone_t *zone)
{
	bool fits;
	return list_fits(zone, &fits) == KNOT_EOK && fits;
}

/* Our contribution follows our keys; a new one goes to everybody at once. */
static int own_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	bool guess = !zone->own_listed && ms_zone_alarmed(zone, MS_ALARM_KEYS_FAILING);
	bool fits;
	if (!zone->loaded || !zone->shared) {
		return KNOT_EOK;
	}
	/* An error is none of both answers: what follows would go by keys that are not ours any more. */
	int ret = list_fits(zone, &fits);
	if (ret != KNOT_EOK ||
	    (zone->signing && zone->self_sign == MS_HSYNC_SIGN && !guess && !fits)) {
		return ret;
	}
	ms_contribution_t own = { 0 };
	ret = ms_contribution_own(agent, zone, &own);
	if (ret == KNOT_EAGAIN) {
		return KNOT_EOK;
	}
	ms_digest_t digest;
	if (ret == KNOT_EOK) {
		ret = ms_contribution_digest(&own, &digest);
	}
	if (ret != KNOT_EOK || (zone->own_known && ms_digest_equal(&digest, &zone->own_digest))) {
		ms_contribution_clear(&own);
		return ret;
	}
	ms_contribution_clear(&zone->own);
	zone->own = own;
	zone->own_digest = digest;
	zone->own_known = true;
	ms_zone_touch(zone);
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].send_at = now.mono;
		zone->pairs[i].failures = 0;
	}
	ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
	              "our contribution is %u DNSKEY, %u CDS, %u NS -> tell the others",
	              own.set[MS_APEX_DNSKEY].rrs.count, own.set[MS_APEX_CDS].rrs.count,
	              own.set[MS_APEX_NS].rrs.count);
	return KNOT_EOK;
}

/* What the parent is asked for, by CSYNC and KEY, is contributed by one of us. */
static int delegation_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	bool had = zone->delegation != NULL;
	int ret = ms_delegation_settle(agent, zone, now, out);
	bool has = zone->delegation != NULL;
	if (ret == KNOT_EOK && (has ? zone->delegation->news : had)) {
		ret = own_settle(agent, zone, now, out);
	}
	if (has && ret == KNOT_EOK) {
		zone->delegation->news = false;
	}
	return ret;
}

static ms_time_t zone_deadline(const ms_agent_t *agent, const ms_zone_t *zone)
{
	ms_time_t when = MS_TIME_NEVER;
	if (!zone->opted) {
		return when;
	}
	bool keys = zone->loaded ? zone->shared : zone->managed && zone->own_keys == NULL;
	if (zone->keys_id == 0 && zone->signing && keys) {
		when = ms_time_min(when, zone->keys_at);
	}
	for (size_t i = 0; i < zone->pair_count; i++) {
		when = ms_time_min(when, ms_pair_deadline(agent, zone, &zone->pairs[i]));
	}
	return when;
}

/* What stands in the apex is mostly what is wanted there. */
static void share_rdata(ms_zone_t *zone)
{
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		ms_rrset_share(&zone->apex.set[type], &zone->own.set[type]);
		if (zone->wanted != NULL) {
			ms_rrset_share(&zone->apex.set[type], &zone->wanted->data.set[type]);
			ms_rrset_share(&zone->written.set[type], &zone->wanted->data.set[type]);
		}
	}
}

int ms_zone_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (!zone->opted) {
		ms_zone_wake_at(zone, MS_TIME_NEVER);
		return KNOT_EOK;
	}
	int ret = KNOT_EOK;
	if (zone->loaded && zone->listing_due) {
		ret = ms_listing_settle(agent, zone, now, out);
		zone->listing_due = ret != KNOT_EOK;
	}
	if (ret == KNOT_EOK) {
		ret = keys_settle(agent, zone, now, out);
	}
	if (ret == KNOT_EOK) {
		ret = own_settle(agent, zone, now, out);
	}
	if (ret == KNOT_EOK) {
		ret = ms_merge_settle(agent, zone, now, out);
	}
	if (ret == KNOT_EOK && zone->loaded) {
		ret = ms_components_settle(agent, zone, &zone->apex);
	}
	ms_apex_drop_extra(&zone->apex);
	ms_components_watch(agent, zone, now, out);
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		ret = ms_pair_settle(agent, zone, &zone->pairs[i], now, out);
	}
	ms_group_settle(agent, zone, out);
	if (ret == KNOT_EOK) {
		ret = ms_process_settle(agent, zone, now, out);
	}
	if (ret == KNOT_EOK) {
		ret = delegation_settle(agent, zone, now, out);
	}
	share_rdata(zone);
	ms_time_t wake = ms_time_min(zone_deadline(agent, zone), ms_merge_deadline(zone, now));
	wake = ms_time_min(wake, ms_components_deadline(zone));
	wake = ms_time_min(wake, ms_delegation_deadline(agent, zone));
	wake = ms_time_min(wake, ms_process_deadline(agent, zone));
	ms_zone_wake_at(zone, ret == KNOT_EOK ? wake : ms_time_add(now.mono, MS_SEC));
	ms_agent_wake(agent, zone->wake);
	return ret;
}

int ms_on_opt_in(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_zone_t *zone = ms_zone_get(agent, event->zone);
	if (zone == NULL) {
		return KNOT_ENOMEM;
	}
	zone->opted = true;
	zone->signing = event->opt.signing;
	zone->managed = event->opt.managed;
	zone->sheds = event->opt.signing && event->opt.sheds;
	ms_zone_touch(zone);
	if (!zone->loaded) {
		zone->keys_at = ms_time_add(event->now.mono, EMPTY_GRACE);
	}
	ms_zone_alarm(zone, MS_ALARM_KEYS_SHED, zone->sheds,
	              "the policy is not 'dnskey-management: incremental': nothing is combined", out);
	ms_zone_alarm(zone, MS_ALARM_KEYS_AUTOMATIC, zone->signing && !zone->managed,
	              "the policy is not 'manual: on': rolls follow Knot's timers alone", out);
	return ms_zone_settle(agent, zone, event->now, out);
}

int ms_on_opt_out(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_zone_t *zone = ms_zone_find(agent, event->zone);
	if (zone != NULL && zone->opted) {
		zone->opted = false;
		ms_zone_touch(zone);
		ms_zone_wake_at(zone, MS_TIME_NEVER);
	}
	return KNOT_EOK;
}

/* Everything is looked at again, whatever was tried before; refused records get another chance. */
static void reconsider(ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (zone->strays != NULL) {
		ms_contribution_clear(zone->strays);
	}
	zone->listing_due = true;
	zone->own_listed = zone->list_new = false;
	zone->keys_at = now.mono;
	zone->edit_at = now.mono;
	zone->edit_failures = zone->keys_failures = 0;
	zone->quarantine_count = 0;
	ms_zone_alarm(zone, MS_ALARM_RECORD_REFUSED, false, "", out);
	ms_zone_alarm(zone, MS_ALARM_OWNER_DNSSEC, false, "", out);
	for (size_t i = 0; i < zone->pair_count; i++) {
		ms_pair_t *pair = &zone->pairs[i];
		pair->acked_known = false;
		pair->state_wanted = true;
		pair->send_at = pair->hello_at = now.mono;
		pair->failures = pair->hello_failures = 0;
	}
	ms_delegation_again(zone, now);
	ms_process_again(zone, now);
	ms_zone_touch(zone);
}

int ms_on_reconcile(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_action_log(out, MS_LOG_NOTICE, NULL, agent->config.identity,
	              "reload -> look at everything again");
	for (size_t i = 0; i < agent->peer_count; i++) {
		ms_peer_t *peer = agent->peers[i];
		if (peer->locate_id == 0 && !peer->has_locator) {
			peer->locate_at = event->now.mono;
			peer->locate_fresh = true;
		}
	}
	int ret = KNOT_EOK;
	for (size_t i = 0; i < agent->zone_count; i++) {
		ms_zone_t *zone = agent->zones[i];
		if (zone->opted) {
			reconsider(zone, event->now, out);
			int one = ms_zone_settle(agent, zone, event->now, out);
			ret = ret == KNOT_EOK ? one : ret;
		}
	}
	if (agent->config.publish) {
		agent->publish_at = event->now.mono;
	}
	ms_agent_wake(agent, event->now.mono);
	return ret;
}

int ms_on_apex(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_zone_t *zone = ms_zone_find(agent, event->zone);
	if (zone == NULL || !zone->opted || event->apex == NULL) {
		return KNOT_EOK;
	}
	ms_action_count(out, MS_CTR_APEX_SEEN);
	if (event->apex->set[MS_APEX_SOA].rrs.count == 0) {
		/* Expired, or never there: what was known stays, nothing is done until it is back. */
		zone->loaded = false;
		zone->keys_at = ms_time_add(event->now.mono, EMPTY_GRACE);
		return ms_zone_settle(agent, zone, event->now, out);
	}
	int ret = ms_owner_observe(zone, event->apex, out);
	ms_apex_clear(&zone->apex);
	zone->apex = *event->apex;
	*event->apex = (ms_apex_t){ 0 };
	zone->loaded = true;
	ms_gate_seen(agent, zone, event->now);
	zone->edit_at = ms_time_min(zone->edit_at, event->now.mono);
	if (zone->keys_failures == 0) {
		zone->keys_at = event->now.mono;
	}
	zone->listing_due = true;
	ms_process_again(zone, event->now);
	ms_zone_touch(zone);
	int settled = ms_zone_settle(agent, zone, event->now, out);
	return ret != KNOT_EOK ? ret : settled;
}
