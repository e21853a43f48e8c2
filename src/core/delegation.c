/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delegation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/pair.h"
#include "core/process.h"
#include "core/shown.h"
#include "core/step.h"
#include "core/tellupdate.h"
#include "core/wanted.h"
#include "wire/csync.h"
#include "wire/ds.h"

#define STAY 0xff

static const uint8_t table[MS_DELEG_STATES][MS_DELEG_EVENTS] = {
#define ROW(changed, shown, differs, agreed, offered, prepare, no_way, accepted, gave_up, lasts) \
	{ changed, shown, differs, agreed, offered, prepare, no_way, accepted, gave_up, lasts }
#define L MS_DELEG_LOOK
#define C MS_DELEG_CONFIRM_ALL
#define S MS_DELEG_DISCOVER
#define T MS_DELEG_TELL
#define W MS_DELEG_WATCHING
#define D MS_DELEG_DONE
#define M MS_DELEG_MANUAL
#define F MS_DELEG_FAILED
#define _ STAY
	/*                            chg shn dif agr off prp no  acc gup lasts */
	[MS_DELEG_LOOK]        = ROW( L,  D,  C,  _,  _,  _,  M,  _,  _,  _ ),
	[MS_DELEG_CONFIRM_ALL] = ROW( L,  D,  _,  S,  _,  _,  _,  _,  _,  _ ),
	[MS_DELEG_DISCOVER]    = ROW( L,  D,  _,  _,  T,  C,  M,  _,  _,  _ ),
	[MS_DELEG_TELL]        = ROW( L,  D,  _,  _,  _,  _,  _,  W,  F,  _ ),
	[MS_DELEG_WATCHING]    = ROW( L,  D,  _,  _,  _,  _,  _,  _,  _,  L ),
	[MS_DELEG_DONE]        = ROW( L,  _,  _,  _,  _,  _,  _,  _,  _,  _ ),
	[MS_DELEG_MANUAL]      = ROW( L,  D,  _,  _,  _,  _,  _,  _,  _,  L ),
	[MS_DELEG_FAILED]      = ROW( L,  D,  _,  _,  _,  _,  _,  _,  _,  L ),
#undef ROW
#undef L
#undef C
#undef S
#undef T
#undef W
#undef D
#undef M
#undef F
#undef _
};

ms_deleg_state_t ms_delegation_next(ms_deleg_state_t state, ms_deleg_event_t event)
{
	return table[state][event] == STAY ? state : table[state][event];
}

const char *ms_delegation_name(ms_deleg_state_t state)
{
	static const char *const names[] = {
		"look", "confirm", "discover", "tell", "watch", "done", "manual", "failed",
	};
	return names[state];
}

const char *ms_delegation_event_name(ms_deleg_event_t event)
{
	static const char *const names[] = {
		"changed", "shown", "differs", "agreed", "offered", "prepare", "no-way", "accepted",
		"gave-up", "lasts",
	};
	return names[event];
}

void ms_delegation_free(ms_delegation_t *delegation)
{
	if (delegation != NULL) {
		free(delegation->offers);
		free(delegation->reason);
		free(delegation);
	}
}

__attribute__((format(printf, 2, 3)))
static void because(ms_delegation_t *d, const char *fmt, ...)
{
	char text[2 * MS_REASON_MAX + 1] = "";
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	free(d->reason);
	/* Without memory there is no reason. */
	d->reason = text[0] != '\0' ? strdup(text) : NULL;
}

static bool may_update(const ms_agent_t *agent)
{
	bool may = false;
	for (unsigned i = 0; i < agent->config.parent_count; i++) {
		may |= agent->config.parent[i] == MS_DSYNC_UPDATE;
	}
	return may && agent->config.parent_key.len > 0 && agent->config.apex_key;
}

static bool key_stands(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_keyrr_t *key = &agent->config.parent_key;
	return ms_rrset_has(&zone->apex.set[MS_APEX_KEY], key->rdata, key->len);
}

/* Another provider's KEY is the group's at the parent: a second one would evict it. Where two
 * claim it at once, the first one by identity keeps it. */
static bool key_taken(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_keyrr_t *key = &agent->config.parent_key;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		const ms_rrset_t *theirs = &pair->held.set[MS_APEX_KEY];
		if ((ms_pair_on(pair) || pair->leaving) && theirs->rrs.count > 0 &&
		    !ms_rrset_has(theirs, key->rdata, key->len) &&
		    knot_dname_cmp(pair->peer->identity, agent->config.identity) < 0) {
			return true;
		}
	}
	bool claimed = zone->delegation != NULL && zone->delegation->key;
	return !claimed && !key_stands(agent, zone) && zone->apex.set[MS_APEX_KEY].rrs.count > 0;
}

int ms_delegation_key(const ms_agent_t *agent, const ms_zone_t *zone, ms_rrset_t *out)
{
	bool wants = zone->delegation != NULL && zone->delegation->key;
	if (!may_update(agent) || (!wants && !key_stands(agent, zone)) || key_taken(agent, zone)) {
		return KNOT_EOK;
	}
	const ms_rrset_t *keys = &zone->apex.set[MS_APEX_DNSKEY];
	out->ttl = keys->ttl;
	return ms_rrset_add(out, agent->config.parent_key.rdata, agent->config.parent_key.len);
}

/* Has this provider contributed a KEY that stands at the apex? */
static bool has_key(const ms_zone_t *zone, const ms_pair_t *pair)
{
	const ms_rrset_t *keys = &pair->held.set[MS_APEX_KEY];
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (ms_rrset_has(&zone->apex.set[MS_APEX_KEY], rr->data, rr->len)) {
			return true;
		}
	}
	return false;
}

/* Who has the key that stands at the apex, by which the parent knows the group, is in front of who
 * has not; among equals goes the order. Everybody sees the same, so one is the first. */
unsigned ms_delegation_rank(const ms_agent_t *agent, const ms_zone_t *zone)
{
	bool ours = may_update(agent) && key_stands(agent, zone) && !key_taken(agent, zone);
	unsigned rank = 0;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		bool theirs = has_key(zone, pair);
		bool first = theirs != ours ? theirs
		           : knot_dname_cmp(pair->peer->identity, agent->config.identity) < 0;
		rank += first && ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN &&
		        pair->peer->relation == MS_PEER_OPERATIONAL;
	}
	return rank;
}

/* Is the parent our business at all? */
static bool wanted(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return agent->config.parent_count > 0 && !agent->config.hold && !agent->config.combiner_role &&
	       zone->opted && zone->signing && zone->loaded && zone->shared &&
	       zone->self_state == MS_HSYNC_ON && zone->self_sign == MS_HSYNC_SIGN &&
	       zone->apex.is_signed && zone->name[0] != '\0' &&
	       (ms_shown_ds_ours(zone) || ms_shown_ns_ours(zone));
}

/* Is this apex a combined one? An owner's version that is still to be edited says nothing. */
static bool combined(const ms_zone_t *zone)
{
	return zone->edit_id == 0 && !zone->shut && zone->own_known;
}

/* Is the apex what the group wants, as far as we know? Nothing is judged in the middle of a change. */
static bool calm(const ms_agent_t *agent, const ms_zone_t *zone)
{
	if (!combined(zone) || !zone->delegation->known || agent->unsaved ||
	    ms_combine_of(agent, zone) != MS_COMBINE_YES || zone->sheds) {
		return false;
	}
	for (size_t i = 0; i < zone->pair_count; i++) {
		if (ms_pair_on(&zone->pairs[i]) && !zone->pairs[i].has_held) {
			return false;
		}
	}
	/* Our CSYNC is to be seen at all servers, so first at ours. */
	const ms_delegation_t *d = zone->delegation;
	bool csync = !d->csync || zone->apex.set[MS_APEX_CSYNC].rrs.count > 0;
	return csync && (!d->key || key_stands(agent, zone));
}

static void set_alarm(ms_zone_t *zone, ms_actions_t *out)
{
	const ms_delegation_t *d = zone->delegation;
	bool on = d != NULL && d->state == MS_DELEG_FAILED;
	ms_zone_alarm(zone, MS_ALARM_PARENT, on, on && d->reason != NULL ? d->reason : "", out);
}

/* First pause in each state. */
static ms_time_t first_step(ms_deleg_state_t state, ms_now_t now)
{
	static const int64_t pauses[MS_DELEG_STATES] = {
		[MS_DELEG_LOOK]     = MS_DELEG_CALM,
		[MS_DELEG_WATCHING] = MS_DELEG_WATCH,
		[MS_DELEG_MANUAL]   = MS_DELEG_WATCH,
		[MS_DELEG_FAILED]   = MS_DELEG_WATCH,
	};
	return state == MS_DELEG_DONE ? MS_TIME_NEVER : ms_time_add(now.mono, pauses[state]);
}

static ms_time_t begin_again(const ms_delegation_t *d, ms_now_t now)
{
	switch (d->state) {
	case MS_DELEG_WATCHING:
		return ms_time_add(now.mono, MS_DELEG_AGAIN);
	case MS_DELEG_MANUAL:
		return d->offers != NULL && !ms_time_due(d->offers_until, now.mono)
		     ? d->offers_until : ms_time_add(now.mono, MS_DELEG_AGAIN);
	case MS_DELEG_FAILED:
		return ms_time_add(now.mono, MS_DELEG_AGAIN_FAILED);
	default:
		return MS_TIME_NEVER;
	}
}

static void happens(ms_zone_t *zone, ms_deleg_event_t event, ms_now_t now, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	ms_deleg_state_t next = ms_delegation_next(d->state, event);
	if (next == d->state && event != MS_DELEG_CHANGED) {
		return;
	}
	if (next != d->state) {
		ms_action_log(out, next == MS_DELEG_FAILED ? MS_LOG_WARNING : next == MS_DELEG_MANUAL
		              ? MS_LOG_NOTICE : MS_LOG_INFO, zone->name, NULL, "parent: %s%s%s -> %s",
		              ms_delegation_event_name(event), d->reason != NULL ? ", " : "",
		              d->reason != NULL ? d->reason : "", ms_delegation_name(next));
	}
	d->state = next;
	d->failures = 0;
	d->at = first_step(next, now);
	d->again_at = begin_again(d, now);
	if (next == MS_DELEG_DONE) {
		because(d, "%s", "");
		ms_action_count(out, MS_CTR_PARENT_DONE);
	}
	set_alarm(zone, out);
}

/* \a pause doubled with every failure, up to \a most. */
static void again_after(ms_delegation_t *d, int64_t pause, int64_t most, ms_now_t now)
{
	for (unsigned i = 0; i < d->failures && pause < most; i++) {
		pause *= 2;
	}
	d->failures++;
	d->at = ms_time_add(now.mono, pause < most ? pause : most);
}

/* The wish of this apex; the request for a copy (CSYNC) is none. */
static int see_wish(ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	ms_digest_t digest;
	bool ds = ms_shown_ds_ours(zone);
	if (!combined(zone) || (d->known && d->serial == zone->apex.serial && d->ds == ds)) {
		return KNOT_EOK;
	}
	int ret = ms_shown_digest(zone, &digest);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (!d->known || !ms_digest_equal(&digest, &d->wish)) {
		/* Who reads "immediate" would take a set that is not confirmed yet. */
		if (d->csync && !ms_digest_equal(&digest, &d->wish)) {
			d->csync = false;
			d->news = true;
		}
		d->wish = digest;
		d->since = now.mono;
		d->id = 0;
		d->told = d->left = d->bootstraps = 0;
		because(d, "%s", "");
		happens(zone, MS_DELEG_CHANGED, now, out);
	}
	d->known = true;
	d->ds = ds;
	d->serial = zone->apex.serial;
	return KNOT_EOK;
}

static int ask_servers(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	static const uint16_t types[] = {
		KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY, KNOT_RRTYPE_CSYNC, KNOT_RRTYPE_NS, KNOT_RRTYPE_KEY,
	};
	return ms_shown_ask_servers(agent, zone, types, sizeof(types) / sizeof(types[0]), out,
	                            &zone->delegation->id);
}

static int ask_offers(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	ms_action_t *action = ms_action_add(out, MS_ACT_DISCOVER);
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	ms_name_copy(action->look.zone, zone->name);
	action->id = zone->delegation->id = ms_agent_id(agent);
	return KNOT_EOK;
}

/* The first one in canonical order is the same one at every provider (J-06). */
static const ms_dsync_t *find_offer(const ms_agent_t *agent, const ms_delegation_t *d,
                                    uint16_t rrtype, uint8_t way)
{
	uint8_t scheme = way == MS_DSYNC_UPDATE ? agent->config.update_scheme : way;
	for (unsigned i = 0; d->offers != NULL && i < d->offers->count; i++) {
		if (ms_dsync_fits(&d->offers->list[i], rrtype, scheme)) {
			return &d->offers->list[i];
		}
	}
	return NULL;
}

static uint16_t notify_type(uint8_t lack)
{
	return lack == MS_LACKS_DS ? KNOT_RRTYPE_CDS : KNOT_RRTYPE_CSYNC;
}

/* What of \a lacks can be told by this scheme. */
static uint8_t tellable(const ms_agent_t *agent, const ms_delegation_t *d, uint8_t scheme)
{
	if (scheme == MS_DSYNC_UPDATE) {
		return may_update(agent) && find_offer(agent, d, KNOT_RRTYPE_ANY, scheme) != NULL ? d->lacks : 0;
	}
	uint8_t bits = 0;
	for (uint8_t lack = MS_LACKS_DS; lack <= MS_LACKS_NS; lack <<= 1) {
		/* Nothing is announced that is not there: CSYNC comes after the DS (I-17). */
		bool there = lack == MS_LACKS_DS || d->csync;
		bits |= there && find_offer(agent, d, notify_type(lack), scheme) != NULL
		      ? d->lacks & lack : 0;
	}
	return bits;
}

/* J-19: never a domain outside of the servers that the delegation names. */
static bool channel_fits(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const knot_rdata_t *rr = zone->apex.set[MS_APEX_NS].rrs.rdata;
	for (uint16_t i = 0; i < zone->apex.set[MS_APEX_NS].rrs.count;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		knot_dname_storage_t host;
		ms_name_copy_lower(host, rr->data);
		if (knot_dname_in_bailiwick(agent->config.channel, host) >= 0) {
			return true;
		}
	}
	return false;
}

static int copy_to(ms_rrset_t **out, const ms_rrset_t *set)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? ms_rrset_copy(*out, set) : KNOT_ENOMEM;
}

/* RDATA of DS and CDS are the same; the delete record means none (RFC 8078 section 4). */
static int copy_ds(ms_rrset_t **out, const ms_rrset_t *cds)
{
	static const ms_rrset_t none;
	return copy_to(out, ms_cds_set_is_delete(cds) ? &none : cds);
}

static int fill_notify(ms_agent_t *agent, const ms_zone_t *zone, ms_action_t *action)
{
	action->inform.rrtype = notify_type(zone->delegation->telling);
	if (agent->config.channel[0] == '\0' || !channel_fits(agent, zone)) {
		return KNOT_EOK;
	}
	action->inform.channel = knot_dname_copy(agent->config.channel, NULL);
	return action->inform.channel != NULL ? KNOT_EOK : KNOT_ENOMEM;
}

static int fill_update(const ms_zone_t *zone, ms_action_t *action)
{
	int ret = KNOT_EOK;
	if (zone->delegation->telling & MS_LACKS_DS) {
		ret = copy_ds(&action->inform.ds, &zone->apex.set[MS_APEX_CDS]);
	}
	if (ret == KNOT_EOK && (zone->delegation->telling & MS_LACKS_NS)) {
		ret = copy_to(&action->inform.ns, &zone->apex.set[MS_APEX_NS]);
	}
	return ret;
}

static int tell(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	bool notify = d->scheme == MS_DSYNC_NOTIFY;
	d->telling = !notify ? d->left : d->left & MS_LACKS_DS ? MS_LACKS_DS : MS_LACKS_NS;
	const ms_dsync_t *offer = find_offer(agent, d, notify ? notify_type(d->telling)
	                                     : KNOT_RRTYPE_ANY, d->scheme);
	size_t before = out->count;
	ms_action_t *action = offer != NULL ? ms_action_add(out, MS_ACT_TELL_PARENT) : NULL;
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	ms_name_copy(action->inform.zone, zone->name);
	action->inform.step = d->step;
	action->inform.to = malloc(sizeof(*action->inform.to));
	int ret = action->inform.to == NULL ? KNOT_ENOMEM
	        : notify ? fill_notify(agent, zone, action)
	        : d->step == MS_TELL_UPDATE ? fill_update(zone, action) : KNOT_EOK;
	if (ret != KNOT_EOK) {
		ms_actions_cut(out, before);
		return ret;
	}
	*action->inform.to = *offer;
	action->id = d->id = ms_agent_id(agent);
	ms_action_count(out, !notify ? MS_CTR_PARENT_UPDATE : d->telling == MS_LACKS_DS
	                ? MS_CTR_PARENT_CDS : MS_CTR_PARENT_CSYNC);
	return KNOT_EOK;
}

/* The first way, in the configured order, by which something can be told. */
static void choose(const ms_agent_t *agent, const ms_zone_t *zone)
{
	ms_delegation_t *d = zone->delegation;
	d->left = 0;
	for (unsigned i = 0; d->left == 0 && i < agent->config.parent_count; i++) {
		d->scheme = agent->config.parent[i];
		d->left = tellable(agent, d, d->scheme);
		if (d->scheme == MS_DSYNC_UPDATE && d->left != 0 && key_taken(agent, zone)) {
			d->left = 0;
			because(d, "the zone has another KEY than ours: share 'parent-key'");
		}
	}
}

static int discover(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	if (d->offers == NULL || ms_time_due(d->offers_until, now.mono)) {
		return ask_offers(agent, zone, out);
	}
	because(d, d->offers->count == 0 ? "the parent publishes no DSYNC"
	        : "the parent's DSYNC offers no way that we use");
	choose(agent, zone);
	if (d->left == 0) {
		happens(zone, MS_DELEG_NO_WAY, now, out);
		return KNOT_EOK;
	}
	because(d, "%s", d->scheme == MS_DSYNC_UPDATE ? "UPDATE" : "NOTIFY");
	if (d->scheme == MS_DSYNC_UPDATE && !key_stands(agent, zone)) {
		d->key = d->news = true;
		happens(zone, MS_DELEG_PREPARE, now, out);
		return KNOT_EOK;
	}
	d->step = d->scheme == MS_DSYNC_UPDATE ? MS_TELL_INQUIRE : MS_TELL_NOTIFY;
	happens(zone, MS_DELEG_OFFERED, now, out);
	return tell(agent, zone, out);
}

static int act(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	if (ms_time_due(d->again_at, now.mono)) {
		happens(zone, MS_DELEG_LASTS, now, out);
		d->at = now.mono;
	}
	switch (d->state) {
	case MS_DELEG_CONFIRM_ALL:
		/* A server that never agrees must not hide what the parent does meanwhile. */
		return d->failures % MS_DELEG_GLANCE == MS_DELEG_GLANCE - 1
		     ? ms_shown_ask_parent(agent, zone, out, &zone->delegation->id) : ask_servers(agent, zone, out);
	case MS_DELEG_DISCOVER:
		return discover(agent, zone, now, out);
	case MS_DELEG_TELL:
		/* Perhaps it has acted without a word meanwhile. */
		d->looked = d->failures > 0 && !d->looked;
		return d->looked ? ms_shown_ask_parent(agent, zone, out, &zone->delegation->id) : tell(agent, zone, out);
	case MS_DELEG_DONE:
		return KNOT_EOK;
	default:
		return ms_shown_ask_parent(agent, zone, out, &zone->delegation->id);
	}
}

/* Whose turn is it? */
static ms_time_t our_turn(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return ms_time_add(zone->delegation->since,
	                   ms_delegation_rank(agent, zone) * MS_DELEG_TAKEOVER);
}

/* After a start nobody has been heard, and everybody would be the first one. */
static bool all_heard(const ms_zone_t *zone)
{
	bool heard = true;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		heard &= !ms_pair_on(pair) || pair->peer->relation == MS_PEER_OPERATIONAL;
	}
	return heard;
}

static ms_time_t turn(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_delegation_t *d = zone->delegation;
	ms_time_t at = ms_time_min(d->at, d->again_at);
	ms_time_t ours = our_turn(agent, zone);
	ours = !all_heard(zone) && d->born.us > ours.us ? d->born : ours;
	return at.us > ours.us ? at : ours;
}

ms_time_t ms_delegation_deadline(const ms_agent_t *agent, const ms_zone_t *zone)
{
	const ms_delegation_t *d = zone->delegation;
	if (d != NULL && d->id != 0 && wanted(agent, zone)) {
		return d->lost_at;
	}
	/* What is not calm yet becomes so by an event. */
	return d != NULL && d->id == 0 && wanted(agent, zone) && calm(agent, zone)
	     ? turn(agent, zone) : MS_TIME_NEVER;
}

/* Somebody in front of us is back, or has claimed the key while ours was on its way. */
static void give_way(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	if (d->csync && d->id == 0 && !ms_time_due(our_turn(agent, zone), now.mono)) {
		d->csync = false;
		d->news = true;
		happens(zone, MS_DELEG_CHANGED, now, out);
	}
	if (d->key && d->id == 0 && key_taken(agent, zone)) {
		d->key = false;
		d->news = true;
	}
}

int ms_delegation_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	if (!wanted(agent, zone)) {
		/* A zone that is only being loaded keeps what is known. */
		if (zone->delegation != NULL && (!zone->opted || zone->loaded)) {
			ms_delegation_free(zone->delegation);
			zone->delegation = NULL;
			set_alarm(zone, out);
		}
		return KNOT_EOK;
	}
	if (zone->delegation == NULL) {
		zone->delegation = calloc(1, sizeof(*zone->delegation));
		if (zone->delegation == NULL) {
			return KNOT_ENOMEM;
		}
		zone->delegation->again_at = MS_TIME_NEVER;
		zone->delegation->born = ms_time_add(now.mono, MS_DELEG_HEAR);
	}
	if (zone->delegation->id != 0 && ms_time_due(zone->delegation->lost_at, now.mono)) {
		zone->delegation->id = 0;
		agent->errands -= agent->errands > 0;
	}
	int ret = see_wish(zone, now, out);
	give_way(agent, zone, now, out);
	if (ret != KNOT_EOK || zone->delegation->id != 0 || !calm(agent, zone) ||
	    !ms_time_due(turn(agent, zone), now.mono)) {
		return ret;
	}
	if (agent->errands >= MS_DELEG_WINDOW) {
		/* Some at a time; the more zones there are, the longer each one waits. */
		uint64_t spread = 1 + agent->zone_count / MS_DELEG_WINDOW;
		ms_delegation_t *d = zone->delegation;
		d->at = ms_time_add(now.mono, MS_SEC + ms_rng_below(&agent->rng, spread * MS_SEC));
		d->again_at = ms_time_due(d->again_at, now.mono) ? d->at : d->again_at;
		return KNOT_EOK;
	}
	ret = act(agent, zone, now, out);
	agent->errands += zone->delegation->id != 0;
	zone->delegation->lost_at = ms_time_add(now.mono, MS_DELEG_LOST);
	return ret;
}

void ms_delegation_again(ms_zone_t *zone, ms_now_t now)
{
	ms_delegation_t *d = zone->delegation;
	if (d != NULL) {
		d->known = false;
		free(d->offers);
		d->offers = NULL;
	}
}

int ms_delegation_csync(const ms_zone_t *zone, ms_rrset_t *out)
{
	static const ms_csync_t csync = {
		.flags = MS_CSYNC_IMMEDIATE, .types = MS_CSYNC_NS | MS_CSYNC_A | MS_CSYNC_AAAA,
	};
	if (zone->delegation == NULL || !zone->delegation->csync) {
		return KNOT_EOK;
	}
	uint8_t rdata[MS_CSYNC_RDATA_MAX];
	int len = ms_csync_encode(&csync, rdata, sizeof(rdata));
	out->ttl = zone->apex.set[MS_APEX_NS].ttl;
	return len < 0 ? len : ms_rrset_add(out, rdata, len);
}

static void failed_look(ms_zone_t *zone, const char *why, ms_now_t now, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	if (d->reason == NULL || strcmp(d->reason, why) != 0) {
		ms_action_log(out, MS_LOG_INFO, zone->name, NULL, "parent: %s: %s -> again",
		              ms_delegation_name(d->state), why);
	}
	if (d->state == MS_DELEG_TELL) {
		d->at = now.mono;
		return;
	}
	because(d, "%s", why);
	again_after(d, MS_DELEG_CONFIRM, MS_DELEG_WATCH_MAX, now);
}

/* The DS has come: NS, of which nothing could be said before (I-17), is a round of its own. */
static bool may_speak_of_ns(const ms_delegation_t *d)
{
	return (d->state == MS_DELEG_WATCHING || d->state == MS_DELEG_MANUAL) &&
	       d->lacks == MS_LACKS_NS && d->secure && !d->csync;
}

static void parent_seen(ms_zone_t *zone, const ms_event_t *event, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	bool delegated;
	int ret = ms_shown_by_parent(zone, event->seen, &d->lacks, &delegated, &d->secure);
	if (ret != KNOT_EOK) {
		failed_look(zone, ret == KNOT_ECONN ? "no server of the parent answers"
		            : knot_strerror(ret), event->now, out);
		return;
	}
	/* I-16: the parent has it, the request goes; where the DS is missing still, too. */
	d->news |= d->csync && !(d->lacks & MS_LACKS_NS);
	d->csync &= (d->lacks & MS_LACKS_NS) != 0;
	if (d->lacks == 0 && delegated) {
		happens(zone, MS_DELEG_SHOWN, event->now, out);
	} else if (d->state == MS_DELEG_MANUAL && delegated && d->offers == NULL) {
		/* It was not delegated before, so nobody has looked for DSYNC yet. */
		happens(zone, MS_DELEG_LASTS, event->now, out);
	} else if (may_speak_of_ns(d)) {
		happens(zone, MS_DELEG_LASTS, event->now, out);
		d->at = event->now.mono;
	} else if (d->state == MS_DELEG_TELL) {
		d->at = event->now.mono;
	} else if (d->state == MS_DELEG_CONFIRM_ALL) {
		again_after(d, MS_DELEG_CONFIRM, MS_DELEG_CONFIRM_MAX, event->now);
	} else if (d->state != MS_DELEG_LOOK) {
		again_after(d, MS_DELEG_WATCH, MS_DELEG_WATCH_MAX, event->now);
	} else if (!delegated) {
		because(d, "the parent does not delegate the zone");
		happens(zone, MS_DELEG_NO_WAY, event->now, out);
	} else {
		because(d, "%s%s%s", d->lacks & MS_LACKS_DS ? "DS" : "",
		        d->lacks == (MS_LACKS_DS | MS_LACKS_NS) ? " and " : "",
		        d->lacks & MS_LACKS_NS ? "NS" : "");
		happens(zone, MS_DELEG_DIFFERS, event->now, out);
	}
}

static void servers_seen(ms_zone_t *zone, const ms_event_t *event, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	char why[MS_REASON_MAX + 1] = "";
	if (!ms_shown_everywhere(zone, event->seen, why)) {
		because(d, "%s", why);
		again_after(d, MS_DELEG_CONFIRM, MS_DELEG_CONFIRM_MAX, event->now);
	} else if ((d->lacks & MS_LACKS_NS) && d->secure && !d->csync) {
		/* NS agrees everywhere, so it may be spoken of (I-15, I-17, I-18); seen once more then. */
		d->csync = d->news = true;
		d->failures = 0;
		d->at = ms_time_add(event->now.mono, MS_DELEG_CONFIRM);
		ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
		              "parent: all servers serve our NS, the parent another -> publish CSYNC");
	} else {
		because(d, "%zu addresses", event->seen->count);
		happens(zone, MS_DELEG_AGREED, event->now, out);
	}
}

static void discovered(ms_zone_t *zone, ms_event_t *event, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	int64_t ttl = (int64_t)event->offers->ttl * MS_SEC;
	ttl = ttl < MS_DELEG_OFFER_MIN ? MS_DELEG_OFFER_MIN
	    : ttl > MS_DELEG_OFFER_MAX ? MS_DELEG_OFFER_MAX : ttl;
	free(d->offers);
	d->offers = event->offers;
	event->offers = NULL;
	d->offers_until = ms_time_add(event->now.mono, ttl);
	d->at = event->now.mono;
}

/* What comes after an answer, or none: core/tellupdate. */
static void told(ms_zone_t *zone, const ms_event_t *event, ms_actions_t *out)
{
	ms_delegation_t *d = zone->delegation;
	bool answered = event->ret == KNOT_EOK;
	const ms_tell_answer_t answer = {
		.answered = answered, .rcode = event->told.rcode, .ede = event->told.ede,
		.keystate = event->told.keystate,
	};
	ms_tell_verdict_t verdict = ms_tell_judge(d->step, &answer, d->bootstraps);
	bool good = verdict == MS_TOLD_ACCEPTED || verdict <= MS_TOLD_NEXT_LAST;
	ms_action_log(out, good ? MS_LOG_INFO : MS_LOG_WARNING, zone->name, NULL,
	              "parent: %s%s: %s -> %s", ms_tell_step_name(d->step),
	              d->step != MS_TELL_NOTIFY ? "" : d->telling == MS_LACKS_DS ? "(CDS)" : "(CSYNC)",
	              event->reason, ms_tell_verdict_name(verdict));
	if (!good) {
		ms_action_count(out, answered ? MS_CTR_PARENT_REFUSED : MS_CTR_PARENT_SILENT);
		because(d, "%s", event->reason);
	}
	if (verdict <= MS_TOLD_NEXT_LAST) {
		d->bootstraps += d->step == MS_TELL_BOOTSTRAP;
		d->failures = 0;
		/* A parent looks at our key before it trusts it. */
		d->at = ms_time_add(event->now.mono, d->step == MS_TELL_BOOTSTRAP ? MS_DELEG_WATCH : 0);
		d->step = verdict == MS_TOLD_INQUIRE ? MS_TELL_INQUIRE
		        : verdict == MS_TOLD_BOOTSTRAP ? MS_TELL_BOOTSTRAP : MS_TELL_UPDATE;
	} else if (verdict == MS_TOLD_ACCEPTED) {
		d->told++;
		d->left &= ~d->telling;
		d->failures = 0;
		d->at = event->now.mono;
		if (d->left == 0) {
			because(d, "%u message(s) accepted", d->told);
			happens(zone, MS_DELEG_ACCEPTED, event->now, out);
		}
	} else if (verdict == MS_TOLD_WAIT) {
		again_after(d, MS_DELEG_PATIENCE, MS_DELEG_WATCH_MAX, event->now);
	} else if (verdict == MS_TOLD_STOP || d->failures + 1 >= MS_DELEG_TRIES) {
		happens(zone, MS_DELEG_GAVE_UP, event->now, out);
	} else {
		again_after(d, MS_DELEG_RETRY, MS_DELEG_AGAIN, event->now);
	}
}

int ms_on_parent(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_zone_t *zone = ms_zone_find(agent, event->zone);
	ms_delegation_t *d = zone != NULL ? zone->delegation : NULL;
	agent->errands -= agent->errands > 0;
	if (zone != NULL && ms_process_observed(agent, zone, event)) {
		return ms_zone_settle(agent, zone, event->now, out);
	}
	if (d == NULL || d->id == 0 || d->id != event->id) {
		return KNOT_EOK;
	}
	d->id = 0;
	if (event->kind == MS_EV_TOLD) {
		told(zone, event, out);
	} else if (event->ret != KNOT_EOK) {
		failed_look(zone, event->reason[0] != '\0' ? event->reason : knot_strerror(event->ret),
		            event->now, out);
	} else if (event->kind == MS_EV_DISCOVERED) {
		discovered(zone, event, out);
	} else if (ms_seen_index(event->seen, KNOT_RRTYPE_DS) < 0) {
		servers_seen(zone, event, out);
	} else {
		parent_seen(zone, event, out);
	}
	return ms_zone_settle(agent, zone, event->now, out);
}
