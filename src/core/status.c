/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libknot/libknot.h>

#include "core/component.h"
#include "core/delegation.h"
#include "core/process.h"
#include "core/shown.h"
#include "core/step.h"

/* Room for one line without its lists of tags; names are cut beyond that. */
#define LINE_MAX_OCTETS 1024

/* A text that grows; a failure sticks. */
typedef struct {
	char *text;
	size_t len;
	size_t room;
	bool failed;
} text_t;

static void put(text_t *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(text_t *t, const char *fmt, ...)
{
	if (t->room - t->len < LINE_MAX_OCTETS) {
		char *grown = realloc(t->text, t->room + 4 * LINE_MAX_OCTETS);
		if (grown == NULL) {
			t->failed = true;
			return;
		}
		t->text = grown;
		t->room += 4 * LINE_MAX_OCTETS;
	}
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(t->text + t->len, t->room - t->len, fmt, args);
	va_end(args);
	if (len > 0) {
		size_t left = t->room - t->len - 1;
		t->len += (size_t)len < left ? (size_t)len : left;
	}
}

static char *finish(text_t *t)
{
	if (t->failed) {
		free(t->text);
		return NULL;
	}
	return t->text;
}

static const char *name(const knot_dname_t *dname, knot_dname_txt_storage_t buf)
{
	return knot_dname_to_str(buf, dname, sizeof(knot_dname_txt_storage_t)) != NULL ? buf : "?";
}

/* A monotonic moment as civil time (UTC). */
static void put_time(text_t *t, const char *key, ms_time_t when, ms_now_t now)
{
	time_t wall = now.wall.s + ms_time_diff(now.mono, when) / MS_SEC;
	struct tm tm;
	char buf[32] = "?";
	if (gmtime_r(&wall, &tm) != NULL) {
		(void)strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	put(t, " %s=%s", key, buf);
}

/* Reasons come from peers and from knotd: no quote or line end may break the line. */
static void put_reason(text_t *t, const char *reason)
{
	char clean[2 * MS_REASON_MAX + 1];
	size_t i = 0;
	for (; reason[i] != '\0' && i < sizeof(clean) - 1; i++) {
		clean[i] = reason[i] == '"' || (unsigned char)reason[i] < ' ' ? '\'' : reason[i];
	}
	clean[i] = '\0';
	if (i > 0) {
		put(t, " reason=\"%s\"", clean);
	}
}

static void put_tags(text_t *t, const char *key, const ms_rrset_t *keys)
{
	put(t, " %s=", key);
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_dnskey_t info = { 0 };
		(void)ms_dnskey_decode(rr->data, rr->len, &info);
		put(t, "%s%u", i > 0 ? "," : "", info.tag);
	}
	if (keys->rrs.count == 0) {
		put(t, "none");
	}
}

static const char *capabilities(uint8_t transport, uint8_t sync)
{
	static const char *const names[2][2] = {
		{ "dns,leader-follower", "dns,leader-follower,peer-to-peer" },
		{ "dns,api,leader-follower", "dns,api,leader-follower,peer-to-peer" },
	};
	return names[(transport & MS_TRANSPORT_API) != 0][(sync & MS_SYNC_PEER) != 0];
}

static void put_peer(text_t *t, const ms_peer_t *peer, ms_now_t now)
{
	knot_dname_txt_storage_t buf;
	put(t, "\npeer=%s state=%s", name(peer->identity, buf), ms_relation_name(peer->relation));
	if (peer->has_locator) {
		char addr[MS_ADDR_TEXT_MAX] = "none";
		if (peer->locator.addr_count > 0) {
			ms_addr_to_text(&peer->locator.addr[0], addr);
		}
		put(t, " address=%s host=%s key=", addr, name(peer->locator.host, buf));
		for (unsigned i = 0; i < peer->locator.key_count; i++) {
			put(t, "%s%u", i > 0 ? "," : "",
			    ms_key_tag(peer->locator.key[i].rdata, peer->locator.key[i].len));
		}
		put_time(t, "valid-until", peer->expire_at, now);
	}
	if (peer->relation >= MS_PEER_OPERATIONAL) {
		put_time(t, "heard", peer->heard_at, now);
	}
	if (peer->introduced) {
		put(t, " capabilities=%s", capabilities(peer->transport, peer->sync));
	}
	put_reason(t, peer->reason);
}

char *ms_status_agent(const ms_agent_t *agent, ms_now_t now)
{
	text_t t = { 0 };
	knot_dname_txt_storage_t buf;
	unsigned opted = 0, shared = 0, alarmed = 0;
	for (size_t i = 0; i < agent->zone_count; i++) {
		const ms_zone_t *zone = agent->zones[i];
		opted += zone->opted;
		shared += zone->opted && zone->shared;
		alarmed += zone->opted && zone->alarms != 0;
	}
	put(&t, "agent=%s", name(agent->config.identity, buf));
	put(&t, " signer=%s key=%u", name(agent->config.host, buf),
	    agent->config.key.len > 0 ? ms_key_tag(agent->config.key.rdata, agent->config.key.len) : 0);
	put(&t, " zones=%u shared=%u alarmed=%u peers=%zu mode=%s role=%s gate=%s store=%s published=%s", opted,
	    shared, alarmed, agent->peer_count, agent->config.hold ? "hold" : "auto",
	    agent->config.combiner_role ? "combiner" : "agent", agent->config.gate ? "on" : "off",
	    agent->unsaved ? "failing" : "ok",
	    !agent->config.publish ? "off" : agent->published ? "yes" : "no");
	put_reason(&t, agent->publish_reason);
	for (size_t i = 0; i < agent->peer_count; i++) {
		put_peer(&t, agent->peers[i], now);
	}
	return finish(&t);
}

static const char *state_name(uint8_t state)
{
	return state == MS_HSYNC_ON ? "ON" : state == MS_HSYNC_OFF ? "OFF" : "absent";
}

static const char *sign_name(uint8_t sign)
{
	return sign == MS_HSYNC_SIGN ? "SIGN" : sign == MS_HSYNC_NOSIGN ? "NOSIGN" : "none";
}

static const char *ours_at(const ms_zone_t *zone, const ms_pair_t *pair)
{
	if (!pair->acked_known) {
		return "unknown";
	}
	return zone->own_known && ms_digest_equal(&pair->acked, &zone->own_digest) ? "current" : "old";
}

/* What is compared, by name: only those whose bit is set. */
static void put_components(text_t *t, const char *key, const ms_agent_t *agent,
                           const ms_zone_t *zone, uint16_t bits)
{
	char buf[16];
	const char *comma = "";
	put(t, " %s=", key);
	for (unsigned i = 0; i < zone->component_count; i++) {
		if (bits & (1u << i)) {
			put(t, "%s%s", comma, ms_component_name(agent, zone->components[i].type, buf));
			comma = ",";
		}
	}
	if (bits == 0) {
		put(t, "none");
	}
}

static void put_consistency(text_t *t, const ms_agent_t *agent, const ms_zone_t *zone,
                            const ms_pair_t *pair)
{
	put_components(t, "agrees", agent, zone, pair->compared & ~pair->differs);
	put_components(t, "differs", agent, zone, pair->differs);
	put_components(t, "ttl-differs", agent, zone, pair->ttl_differs);
}

static void put_pair(text_t *t, const ms_agent_t *agent, const ms_zone_t *zone,
                     const ms_pair_t *pair, ms_now_t now)
{
	knot_dname_txt_storage_t buf;
	put(t, "\nprovider=%s hsync=%s,%s state=%s hello=%s ours=%s", name(pair->peer->identity, buf),
	    state_name(pair->listed ? pair->state : 0), sign_name(pair->sign),
	    ms_relation_name(pair->peer->relation),
	    pair->greeted ? "answered" : pair->greeted_by ? "received" : "no", ours_at(zone, pair));
	put_tags(t, "dnskey", &pair->held.set[MS_APEX_DNSKEY]);
	put(t, " cds=%u ns=%u", pair->held.set[MS_APEX_CDS].rrs.count,
	    pair->held.set[MS_APEX_NS].rrs.count);
	put_consistency(t, agent, zone, pair);
	put(t, " member=%s", pair->member ? "yes" : "no");
	if (pair->leaving) {
		put(t, " leaving=yes");
	}
	if (!pair->greeted && pair->sent_id == 0 && pair->hello_at.us > now.mono.us) {
		put_time(t, "next-hello", pair->hello_at, now);
	} else if (pair->failures > 0 && pair->send_at.us > now.mono.us) {
		put_time(t, "next-try", pair->send_at, now);
	}
	put_reason(t, pair->reason);
}

/* "parent=watch lacks=DS turn=yes told=1 next=…": what the parent has, and what is done about it. */
static void put_parent(text_t *t, const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now)
{
	static const char *const lacks[] = { "nothing", "DS", "NS", "DS,NS" };
	const ms_delegation_t *d = zone->delegation;
	if (d == NULL) {
		put(t, "\nparent=%s cds=%s", agent->config.parent_count == 0 ? "off" : "idle",
		    ms_shown_ds_ours(zone) ? "complete" : "incomplete");
		return;
	}
	put(t, "\nparent=%s cds=%s lacks=%s turn=%s told=%u csync=%s", ms_delegation_name(d->state),
	    d->ds ? "complete" : "incomplete",
	    lacks[d->lacks & (MS_LACKS_DS | MS_LACKS_NS)],
	    ms_delegation_rank(agent, zone) == 0 ? "yes" : "no", d->told, d->csync ? "yes" : "no");
	if (d->offers != NULL) {
		knot_dname_txt_storage_t buf;
		put(t, " dsync=%u", d->offers->count);
		if (d->offers->count > 0) {
			put(t, " at=%s secure=%s", name(d->offers->owner, buf),
			    d->offers->secure ? "yes" : "no");
		}
	}
	ms_time_t when = ms_delegation_deadline(agent, zone);
	if (!ms_time_is_never(when)) {
		put_time(t, "next", when, now);
	}
	put_reason(t, d->reason != NULL ? d->reason : "");
}

static const char *gate_name(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return !agent->config.gate ? "off" : agent->config.remote_combiner ? "combiner"
	     : zone->shut ? "shut" : "open";
}

/* Whose NS RRset is served, and, where it is the owner's, whether the providers' would be equal:
 * what an owner wants to know before NSMgmt becomes AGENT (H-07). */
static const char *ns_name(const ms_zone_t *zone)
{
	bool agents = zone->wanted != NULL && (zone->wanted->managed & (1u << MS_APEX_NS));
	return agents ? "agents" : "owner";
}

static const char *waiting(const ms_agent_t *agent, const ms_zone_t *zone)
{
	return agent->config.hold  ? "operator"
	     : !zone->loaded       ? "zone-content"
	     : !zone->shared       ? "hsync"
	     : zone->edit_id != 0 || zone->shut ? "edit"
	     : !zone->own_known    ? "own-keys"
	     : !zone->group_ready  ? "hello-answers"
	     : zone->process != NULL && zone->process->why[0] != '\0' ? "process" : "nothing";
}

/* "leader=agent.beta.example. term=3": while there is an election, or somebody was elected. */
static void put_leader(text_t *t, const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	if (process == NULL || process->election.term == 0) {
		return;
	}
	knot_dname_txt_storage_t buf;
	bool none = process->election.leader[0] == '\0';
	put(t, " leader=%s term=%u", none ? "none" : name(process->election.leader, buf),
	    process->election.term);
}

/* "process=join step=ds subject=agent.beta.example. member=yes": where it stands … */
static void put_process(text_t *t, const ms_zone_t *zone)
{
	const ms_process_t *process = zone->process;
	if (process == NULL || process->kind == MS_PROC_NONE) {
		put(t, " process=none member=%s", process == NULL || !process->founded ? "unknown"
		    : process->member ? "yes" : "no");
		return;
	}
	knot_dname_txt_storage_t buf;
	put(t, " process=%s step=%s subject=%s member=%s", ms_process_name(process->kind),
	    ms_process_row(zone)->name,
	    process->subject != NULL ? name(process->subject, buf) : "group",
	    process->member ? "yes" : "no");
}

/* … and "waits=…": what for, and until when; the last decisions. */
static void put_decisions(text_t *t, const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now)
{
	const ms_process_t *process = zone->process;
	if (process == NULL) {
		return;
	}
	if (process->why[0] != '\0') {
		put(t, "\nwaits");
		int64_t over = ms_process_wait_over(agent, zone);
		if (over > 0) {
			put_time(t, "until", (ms_time_t){ over - agent->steady }, now);
		}
		put_reason(t, process->why);
	}
	for (unsigned i = 0; i < MS_DECISIONS_MAX; i++) {
		if (process->decision[i] != NULL) {
			put(t, "\ndecision");
			put_reason(t, process->decision[i]);
		}
	}
}

char *ms_status_zone(const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now)
{
	text_t t = { 0 };
	knot_dname_txt_storage_t buf;
	put(&t, "zone=%s agent=", name(zone->name, buf));
	put(&t, "%s shared=%s hsync=%s,%s nsmgmt=%s", name(agent->config.identity, buf),
	    zone->shared ? "yes" : "no", state_name(zone->self_state), sign_name(zone->self_sign),
	    zone->nsmgmt == MS_HSYNC_AGENT ? "AGENT" : "OWNER");
	put(&t, " serial=%u", zone->loaded ? zone->apex.serial : 0);
	put_tags(&t, "dnskey", &zone->own.set[MS_APEX_DNSKEY]);
	put_tags(&t, "apex", &zone->apex.set[MS_APEX_DNSKEY]);
	put(&t, " gate=%s ns=%s", gate_name(agent, zone), ns_name(zone));
	put(&t, " group=%s transport=%s model=%s",
	    zone->group_ready ? "ready" : "incomplete",
	    zone->group_transport == 0 ? "none"
	    : zone->group_transport == MS_TRANSPORT_API ? "api" : "dns",
	    zone->group_sync == 0 ? "none"
	    : zone->group_sync == MS_SYNC_PEER ? "peer-to-peer" : "leader-follower");
	put_leader(&t, zone);
	put_process(&t, zone);
	put(&t, " waits-for=%s", waiting(agent, zone));
	for (size_t i = 0; i < zone->pair_count; i++) {
		put_pair(&t, agent, zone, &zone->pairs[i], now);
	}
	put_parent(&t, agent, zone, now);
	put_decisions(&t, agent, zone, now);
	for (unsigned alarm = 0; alarm < MS_ALARM_COUNT; alarm++) {
		if (ms_zone_alarmed(zone, alarm)) {
			put(&t, "\nalarm=%s", ms_alarm_name(alarm));
			put_reason(&t, ms_alarm_reason(zone, alarm));
		}
	}
	for (size_t i = 0; i < zone->quarantine_count; i++) {
		put(&t, "\nrefused-record=TYPE%u", zone->quarantine[i].rrtype);
		put_reason(&t, zone->quarantine[i].reason);
	}
	return finish(&t);
}

int ms_on_asked(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_action_t *action = ms_action_add(out, MS_ACT_TELL);
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	const ms_zone_t *zone = ms_zone_find(agent, event->zone);
	action->tell.handle = event->asked;
	action->tell.text = zone != NULL && zone->opted ? ms_status_zone(agent, zone, event->now)
	                                                : ms_status_agent(agent, event->now);
	return KNOT_EOK;
}
