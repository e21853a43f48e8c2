/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/founding.h"

#include <stdio.h>

#include <libknot/libknot.h>

#include "core/member.h"
#include "core/shown.h"

/* Does the parent's DS name a key of this contribution? In the middle of a roll it need not name all. */
static bool in_ds(const ms_zone_t *zone, const ms_contribution_t *data)
{
	const ms_rrset_t *cds = &data->set[MS_APEX_CDS];
	return ms_shown_any_named(cds, &zone->process->parent_ds);
}

static bool in_ns(const ms_zone_t *zone, const ms_rrset_t *ns)
{
	return ns->rrs.count > 0 &&
	       ms_shown_hosts_in(ns, &zone->process->parent_ns) == ns->rrs.count;
}

/* Everybody ON has told, in this run, what it knows of the group. */
static bool all_heard(const ms_zone_t *zone)
{
	bool all = zone->pair_count == 0 || zone->group_ready;
	for (size_t i = 0; i < zone->pair_count; i++) {
		all &= !ms_pair_on(&zone->pairs[i]) || zone->pairs[i].process_known;
	}
	return all;
}

/* Who is in DS and in NS of the parent is asked, and may be: it has come in, or was always there. In DS alone is
 * also who comes in just now. Who does not sign is known by its NS. */
static bool at_parent(const ms_zone_t *zone, uint8_t sign, const ms_contribution_t *data, bool ns)
{
	bool signs = sign == MS_HSYNC_SIGN;
	bool none = data->set[MS_APEX_NS].rrs.count == 0;
	return signs ? in_ds(zone, data) && (!ns || none || in_ns(zone, &data->set[MS_APEX_NS]))
	             : ns && in_ns(zone, &data->set[MS_APEX_NS]);
}

/* Whose DS we cannot tell may be the one that is asked. */
static bool all_ds_known(const ms_zone_t *zone)
{
	ms_rrset_t known = { 0 };
	int ret = ms_rrset_copy(&known, &zone->own.set[MS_APEX_CDS]);
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		ret = ms_rrset_union(&known, &zone->pairs[i].held.set[MS_APEX_CDS]);
	}
	bool all = ret == KNOT_EOK && ms_shown_all_named(&zone->process->parent_ds, &known);
	ms_rrset_clear(&known);
	return all;
}

static unsigned by_ds(ms_zone_t *zone, bool ns)
{
	unsigned count = zone->process->member = at_parent(zone, zone->self_sign, &zone->own, ns);
	for (size_t i = 0; i < zone->pair_count; i++) {
		ms_pair_t *pair = &zone->pairs[i];
		pair->member = (ms_pair_on(pair) || pair->leaving) && pair->has_held &&
		               at_parent(zone, pair->sign, &pair->held, ns);
		count += pair->member;
	}
	return count;
}

static unsigned by_ns(const ms_agent_t *agent, ms_zone_t *zone)
{
	unsigned count = zone->process->member = in_ns(zone, &agent->config.ns);
	for (size_t i = 0; i < zone->pair_count; i++) {
		ms_pair_t *pair = &zone->pairs[i];
		pair->member = ms_pair_on(pair) && pair->has_held &&
		               in_ns(zone, &pair->held.set[MS_APEX_NS]);
		count += pair->member;
	}
	return count;
}

/* Signers come before those who do not sign. */
static bool before(const knot_dname_t *a, uint8_t a_sign, const knot_dname_t *b, uint8_t b_sign)
{
	return a_sign != b_sign ? a_sign == MS_HSYNC_SIGN : knot_dname_cmp(a, b) < 0;
}

static void by_name(const ms_agent_t *agent, ms_zone_t *zone)
{
	const knot_dname_t *first = agent->config.identity;
	uint8_t sign = zone->self_sign;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (ms_pair_on(pair) && before(pair->peer->identity, pair->sign, first, sign)) {
			first = pair->peer->identity;
			sign = pair->sign;
		}
	}
	zone->process->member = first == agent->config.identity;
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].member = zone->pairs[i].peer->identity == first;
	}
}

/* Claims are believed of those who are told, and of a secure zone only where the parent agrees: nobody
 * comes in by its own word. */
static void by_claims(ms_zone_t *zone)
{
	bool secure = zone->process->secure;
	zone->process->member = zone->process->claimed && (!secure || in_ds(zone, &zone->own));
	for (size_t i = 0; i < zone->pair_count; i++) {
		ms_pair_t *pair = &zone->pairs[i];
		pair->member = pair->claimed && (!secure || pair->sign != MS_HSYNC_SIGN ||
		                                 (pair->has_held && in_ds(zone, &pair->held)));
		/* History as the others know it. */
		pair->was_on |= pair->member;
		pair->leaving |= pair->member && !ms_pair_on(pair);
	}
}

static unsigned count_members(const ms_zone_t *zone)
{
	unsigned count = zone->process->member;
	for (size_t i = 0; i < zone->pair_count; i++) {
		count += zone->pairs[i].member;
	}
	return count;
}

static bool all_contributed(const ms_zone_t *zone)
{
	bool all = zone->own_known;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		all &= !(ms_pair_on(pair) || pair->claimed) || pair->has_held;
	}
	return all;
}

static void founded(ms_zone_t *zone, const char *how, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	process->founded = process->unsaved = true;
	process->anew = false;
	process->news = true;
	ms_rrset_clear(&process->parent_ds);
	ms_rrset_clear(&process->parent_ns);
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].claimed = false;
		zone->pairs[i].state_wanted = true;
	}
	ms_process_decide(zone, out, "%u member(s), %s -> the group is founded%s", count_members(zone),
	                  how, process->member ? ", we are one" : "");
}

void ms_founding_settle(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out, char why[MS_WHY_MAX])
{
	ms_process_t *process = zone->process;
	if (!all_heard(zone)) {
		(void)snprintf(why, MS_WHY_MAX, "not every provider has told its state");
	} else if (!all_contributed(zone)) {
		(void)snprintf(why, MS_WHY_MAX, "not every provider has contributed");
	} else if (!process->parent_known) {
		(void)snprintf(why, MS_WHY_MAX, "the parent was not seen yet");
	} else if (process->claimed_any && !process->anew) {
		by_claims(zone);
		if (count_members(zone) > 0) {
			founded(zone, "as others tell", out);
		} else {
			(void)snprintf(why, MS_WHY_MAX, "the parent's DS names none of those told to be members");
		}
	} else if (process->secure) {
		if (by_ds(zone, true) > 0 || (all_ds_known(zone) && by_ds(zone, false) > 0)) {
			founded(zone, "by the parent's DS", out);
		} else {
			(void)snprintf(why, MS_WHY_MAX, "the parent's DS names no provider's key");
		}
	} else if (by_ns(agent, zone) > 0) {
		founded(zone, "by the parent's NS", out);
	} else {
		by_name(agent, zone);
		founded(zone, "the first by name", out);
	}
}
