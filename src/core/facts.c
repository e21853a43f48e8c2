/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/facts.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "core/gate.h"
#include "core/member.h"
#include "core/shown.h"
#include "wire/dnskey.h"

/* What is wanted now, and how one look at all servers judged it. */
typedef struct {
	const ms_agent_t *agent;
	const ms_zone_t *zone;
	const ms_seen_t *seen;
	ms_rrset_t keys;      /* every contributed DNSKEY */
	ms_rrset_t ns;        /* host names */
	ms_rrset_t ours;      /* of our servers, lower case */
	bool is[MS_FACT_COUNT];
	uint8_t asked;        /* facts that the step is about */
	char *why;
} judge_t;

static void flaw(judge_t *j, ms_fact_t fact, const ms_seen_server_t *server, const char *what)
{
	if ((j->asked & (1u << fact)) && j->why[0] == '\0') {
		knot_dname_txt_storage_t host = "?";
		(void)knot_dname_to_str(host, server->host, sizeof(host));
		(void)snprintf(j->why, MS_WHY_MAX, "%.70s %s", host, what);
	}
	j->is[fact] = false;
}

/* Every DNSKEY that somebody contributes and that counts. */
static int contributed(const ms_zone_t *zone, ms_rrset_t *out)
{
	int ret = ms_rrset_copy(out, &zone->own.set[MS_APEX_DNSKEY]);
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		/* Who goes without having come in is in nobody's cache. */
		bool counts = pair->has_held && ((pair->leaving && pair->member) || ms_pair_on(pair)) &&
		              ms_member_keys(zone, pair);
		if (counts) {
			ret = ms_rrset_union(out, &pair->held.set[MS_APEX_DNSKEY]);
		}
	}
	return ret;
}

static bool includes(const ms_rrset_t *all, const ms_rrset_t *some)
{
	return some->rrs.count == 0 || knot_rdataset_subset(&some->rrs, &all->rrs);
}

/* Ours, and the key manager has taken it out: of a CSK nothing else tells. */
static bool is_removed(const ms_process_t *process, const knot_rdata_t *key)
{
	char id[MS_KEYID_LEN + 1];
	bool removed = false;
	if (process->key_count > 0 && ms_dnskey_keyid(key->data, key->len, id) == KNOT_EOK) {
		for (size_t i = 0; i < process->key_count; i++) {
			removed |= process->keys[i].removed && strcmp(process->keys[i].id, id) == 0;
		}
	}
	return removed;
}

/* Of somebody whose data are still combined here, whatever is to become of it. */
static bool is_held(const ms_zone_t *zone, const knot_rdata_t *key)
{
	bool held = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		held |= pair->has_held && ms_member_keys(zone, pair) &&
		        ms_rrset_has(&pair->held.set[MS_APEX_DNSKEY], key->data, key->len);
	}
	return held;
}

/* Keys of zone data that nobody contributes: who rolled has not taken its old one out everywhere. Others'
 * KSKs are not known to us; of who leaves all keys are. */
static bool has_old_key(const judge_t *j, const ms_rrset_t *keys)
{
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		bool zsk = rr->len > 2 && !(knot_wire_read_u16(rr->data) & MS_DNSKEY_SEP);
		if (is_removed(j->zone->process, rr)) {
			return true;
		}
		if (zsk && !ms_rrset_has(&j->keys, rr->data, rr->len) && !is_held(j->zone, rr)) {
			return true;
		}
		for (size_t k = 0; k < j->zone->pair_count; k++) {
			const ms_pair_t *pair = &j->zone->pairs[k];
			if (pair->has_held && !ms_member_keys(j->zone, pair) &&
			    ms_rrset_has(&pair->held.set[MS_APEX_DNSKEY], rr->data, rr->len)) {
				return true;
			}
		}
	}
	return false;
}

static bool is_ours(const judge_t *j, const ms_seen_server_t *server)
{
	return ms_rrset_has(&j->ours, server->host, knot_dname_size(server->host));
}

static bool answers(const judge_t *j, const ms_seen_server_t *server, uint16_t rrtype, int *type)
{
	*type = ms_seen_index(j->seen, rrtype);
	return *type >= 0 && server->ret[*type] == KNOT_EOK &&
	       server->rcode[*type] == KNOT_RCODE_NOERROR && server->aa[*type];
}

static void judge_keys(judge_t *j, const ms_seen_server_t *server)
{
	int type;
	if (!answers(j, server, KNOT_RRTYPE_DNSKEY, &type)) {
		flaw(j, MS_FACT_KEYS, server, "has no answer about DNSKEY");
		flaw(j, MS_FACT_GONE, server, "has no answer about DNSKEY");
		return;
	}
	const ms_rrset_t *keys = &server->set[type];
	bool ours = is_ours(j, server);
	if (!includes(keys, &j->keys) ||
	    (ours && !includes(keys, &j->zone->apex.set[MS_APEX_DNSKEY]))) {
		flaw(j, MS_FACT_KEYS, server, "lacks a DNSKEY");
	}
	if (has_old_key(j, keys) || (ours && !includes(&j->zone->apex.set[MS_APEX_DNSKEY], keys))) {
		flaw(j, MS_FACT_GONE, server, "has an old DNSKEY");
	}
}

static void judge_set(judge_t *j, const ms_seen_server_t *server, ms_fact_t fact, uint16_t rrtype,
                      const ms_rrset_t *wanted, const char *what)
{
	int type;
	if (!answers(j, server, rrtype, &type) || !ms_rrset_equal(wanted, &server->set[type])) {
		flaw(j, fact, server, what);
	}
}

/* Do our servers' signatures come from our active keys, all of them and no others? */
static bool signed_by_active(const judge_t *j, const ms_seen_server_t *server)
{
	const ms_process_t *process = j->zone->process;
	unsigned active = 0, found = 0;
	for (size_t i = 0; i < process->key_count; i++) {
		const ms_own_key_t *key = &process->keys[i];
		bool signs = key->zsk && key->active && !key->removed;
		bool seen = false;
		for (unsigned k = 0; k < server->signer_count; k++) {
			seen |= server->signer[k].tag == key->tag &&
			        server->signer[k].algorithm == key->algorithm;
		}
		active += signs;
		found += signs && seen;
	}
	return active > 0 && found == active && server->signer_count == active;
}

static void judge_signatures(judge_t *j, const ms_seen_server_t *server)
{
	int type;
	if (!is_ours(j, server)) {
		return;
	}
	if (!j->zone->process->keys_known || !answers(j, server, KNOT_RRTYPE_SOA, &type) ||
	    !signed_by_active(j, server)) {
		flaw(j, MS_FACT_SIGNED, server, "has signatures by another key");
	}
}

/* The owner names the servers: those of who comes must be there, of who goes must not. */
static bool ns_as_owner(const ms_zone_t *zone, const ms_rrset_t *ns)
{
	bool leaves = ms_member_goes(zone);
	bool known = ms_process_about(zone, NULL);
	const ms_rrset_t *theirs = known ? &zone->agent->config.ns : NULL;
	for (size_t i = 0; i < zone->pair_count; i++) {
		if (ms_process_about(zone, &zone->pairs[i])) {
			known = true;
			theirs = zone->pairs[i].has_held ? &zone->pairs[i].held.set[MS_APEX_NS] : NULL;
		}
	}
	bool moves = leaves || ms_member_comes(zone);
	/* Who has named no server: nobody can tell whether it is asked. */
	if (theirs == NULL || theirs->rrs.count == 0) {
		return !(moves && known);
	}
	return ms_shown_hosts_in(theirs, ns) == (leaves ? 0 : theirs->rrs.count);
}

static int digest_of(const ms_zone_t *zone, ms_fact_t fact, ms_digest_t *out)
{
	ms_rrset_t keys = { 0 }, bare = { 0 }, shown = { 0 };
	const ms_rrset_t *sets[2] = { &bare, &shown };
	uint16_t types[2] = { KNOT_RRTYPE_DNSKEY, KNOT_RRTYPE_CDNSKEY };
	int ret = KNOT_EOK;
	switch (fact) {
	case MS_FACT_KEYS:
	case MS_FACT_GONE:
	case MS_FACT_SIGNED:
		ret = contributed(zone, &keys);
		bare.rrs = keys.rrs;
		/* Our KSKs are in no contribution. */
		shown.rrs = zone->apex.set[MS_APEX_DNSKEY].rrs;
		break;
	case MS_FACT_CDS:
	case MS_FACT_DS:
		types[0] = KNOT_RRTYPE_CDS;
		bare.rrs = zone->apex.set[MS_APEX_CDS].rrs;
		break;
	default:
		types[0] = KNOT_RRTYPE_NS;
		bare.rrs = zone->apex.set[MS_APEX_NS].rrs;
	}
	ret = ret == KNOT_EOK ? ms_rrsets_digest(sets, types, 2, out) : ret;
	ms_rrset_clear(&keys);
	return ret;
}

static int note(ms_zone_t *zone, ms_fact_t fact, bool is, int64_t now)
{
	ms_rec_fact_t *row = &zone->process->fact[fact];
	ms_digest_t digest;
	int ret = digest_of(zone, fact, &digest);
	if (ret != KNOT_EOK) {
		return ret;
	}
	bool same = row->since != 0 && ms_digest_equal(&row->of, &digest);
	if (is && same) {
		return KNOT_EOK;
	}
	if (is || row->since != 0) {
		*row = (ms_rec_fact_t){ .since = is ? now : 0, .of = digest };
		zone->process->unsaved = true;
	}
	return KNOT_EOK;
}

/* An apex that is still to be edited says nothing. */
static bool combined(const ms_zone_t *zone)
{
	return zone->loaded && zone->own_known && zone->edit_id == 0 && zone->wanted != NULL &&
	       ms_gate_open_apex(zone->wanted, &zone->apex);
}

void ms_facts_forget(ms_process_t *process, uint8_t facts)
{
	for (unsigned fact = 0; fact < MS_FACT_COUNT; fact++) {
		if (facts & (1u << fact)) {
			process->fact[fact].since = 0;
		}
	}
}

int ms_facts_hold(const ms_zone_t *zone, ms_fact_t fact, bool *holds)
{
	const ms_rec_fact_t *row = &zone->process->fact[fact];
	ms_digest_t digest;
	*holds = false;
	if (row->since == 0 || !combined(zone)) {
		return KNOT_EOK;
	}
	int ret = digest_of(zone, fact, &digest);
	*holds = ret == KNOT_EOK && ms_digest_equal(&row->of, &digest);
	return ret;
}

/* The larger one of old and new, until no cache can have the old one: it may have been served until a moment
 * before the first smaller one was seen. */
static void note_ttl(ms_zone_t *zone, ms_ttl_t which, uint32_t ttl, int64_t now)
{
	ms_rec_ttl_t *row = &zone->process->ttl[which];
	const ms_rec_ttl_t before = *row;
	if (ttl >= row->ttl || (row->until != 0 && row->until <= now)) {
		*row = (ms_rec_ttl_t){ .ttl = ttl };
	} else if (row->until == 0) {
		row->until = now + (int64_t)row->ttl * MS_SEC;
	}
	zone->process->unsaved |= row->ttl != before.ttl || row->until != before.until;
}

void ms_facts_at_least(ms_zone_t *zone, ms_ttl_t which, uint32_t ttl)
{
	ms_rec_ttl_t *row = &zone->process->ttl[which];
	uint32_t most = zone->agent->config.max_ttl;
	ttl = ttl < most ? ttl : most;
	if (ttl > row->ttl) {
		*row = (ms_rec_ttl_t){ .ttl = ttl };
		zone->process->unsaved = true;
	}
}

static uint32_t longest(const ms_seen_t *seen, uint16_t rrtype)
{
	int type = ms_seen_index(seen, rrtype);
	uint32_t ttl = 0;
	for (size_t i = 0; type >= 0 && i < seen->count; i++) {
		const ms_rrset_t *set = &seen->servers[i].set[type];
		ttl = set->rrs.count > 0 && set->ttl > ttl ? set->ttl : ttl;
	}
	return ttl;
}

static void judge_child(judge_t *j, const ms_seen_server_t *server)
{
	const ms_apex_t *apex = &j->zone->apex;
	judge_keys(j, server);
	judge_signatures(j, server);
	judge_set(j, server, MS_FACT_CDS, KNOT_RRTYPE_CDS, &apex->set[MS_APEX_CDS], "has another CDS");
	judge_set(j, server, MS_FACT_CDS, KNOT_RRTYPE_CDNSKEY, &apex->set[MS_APEX_CDNSKEY],
	          "has another CDNSKEY");
	judge_set(j, server, MS_FACT_NS, KNOT_RRTYPE_NS, &j->ns, "has another NS");
}

int ms_facts_children(const ms_agent_t *agent, ms_zone_t *zone, const ms_seen_t *seen, int64_t now,
                      char why[MS_WHY_MAX])
{
	static const ms_fact_t facts[] = {
		MS_FACT_KEYS, MS_FACT_GONE, MS_FACT_SIGNED, MS_FACT_CDS, MS_FACT_NS,
	};
	judge_t j = { .agent = agent, .zone = zone, .seen = seen, .why = why, .asked = ms_process_row(zone)->facts };
	int ret = contributed(zone, &j.keys);
	ret = ret == KNOT_EOK ? ms_shown_lower_ns(&zone->apex.set[MS_APEX_NS], &j.ns) : ret;
	ret = ret == KNOT_EOK ? ms_shown_lower_ns(&agent->config.ns, &j.ours) : ret;
	bool some = seen->count > 0 && combined(zone);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		j.is[facts[i]] = some;
	}
	why[0] = '\0';
	j.is[MS_FACT_CDS] = some && (ms_shown_ds_ours(zone) || ms_facts_insecure(zone, now));
	if (some && !j.is[MS_FACT_CDS] && (j.asked & (1u << MS_FACT_CDS))) {
		(void)snprintf(why, MS_WHY_MAX, "not every signer has CDS");
	}
	if (zone->nsmgmt != MS_HSYNC_AGENT && ret == KNOT_EOK && !ns_as_owner(zone, &j.ns)) {
		j.is[MS_FACT_NS] = false;
		if (j.asked & (1u << MS_FACT_NS)) {
			(void)snprintf(why, MS_WHY_MAX, "the owner's NS RRset is still to follow");
		}
	}
	/* Where no server is ours, nothing of ours was seen. */
	bool ours = false;
	for (size_t i = 0; i < seen->count; i++) {
		ours |= is_ours(&j, &seen->servers[i]);
	}
	bool acts = ms_process_is_roll(zone->process->kind) &&
	            (zone->process->subject == NULL || ms_process_about(zone, NULL));
	j.is[MS_FACT_SIGNED] &= ours;
	j.is[MS_FACT_KEYS] &= ours || !acts;
	j.is[MS_FACT_GONE] &= ours || !acts;
	for (size_t i = 0; ret == KNOT_EOK && i < seen->count; i++) {
		judge_child(&j, &seen->servers[i]);
	}
	for (size_t i = 0; ret == KNOT_EOK && i < sizeof(facts) / sizeof(facts[0]); i++) {
		ret = note(zone, facts[i], j.is[facts[i]], now);
	}
	note_ttl(zone, MS_TTL_DNSKEY, longest(seen, KNOT_RRTYPE_DNSKEY), now);
	note_ttl(zone, MS_TTL_NS, longest(seen, KNOT_RRTYPE_NS), now);
	ms_rrset_clear(&j.keys);
	ms_rrset_clear(&j.ns);
	ms_rrset_clear(&j.ours);
	return ret;
}

static int keep_parent(ms_process_t *process, const ms_seen_server_t *server, int ds, int ns)
{
	if (process->founded) {
		return KNOT_EOK;
	}
	int ret = ms_rrset_copy(&process->parent_ds, &server->set[ds]);
	return ret == KNOT_EOK ? ms_rrset_copy(&process->parent_ns, &server->set[ns]) : ret;
}

/* Does the parent send anybody to a provider whose servers others' answers do not fit yet? */
static bool points_too_early(const ms_zone_t *zone, const ms_rrset_t *ns)
{
	for (size_t i = 0; zone->process->founded && i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		bool outside = ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN && !ms_member_ns(zone, pair);
		if (outside && ms_shown_hosts_in(&pair->held.set[MS_APEX_NS], ns) > 0) {
			return true;
		}
	}
	return false;
}

int ms_facts_parent(const ms_agent_t *agent, ms_zone_t *zone, const ms_seen_t *seen, int64_t now,
                    char why[MS_WHY_MAX])
{
	ms_process_t *process = zone->process;
	int ds = ms_seen_index(seen, KNOT_RRTYPE_DS), ns = ms_seen_index(seen, KNOT_RRTYPE_NS);
	judge_t j = { .agent = agent, .zone = zone, .seen = seen, .why = why, .asked = ms_process_row(zone)->facts };
	bool all = seen->count > 0 && ds >= 0 && ns >= 0, delegated = false, secure = false;
	bool early = false;
	int ret = ms_shown_lower_ns(&zone->apex.set[MS_APEX_NS], &j.ns);
	why[0] = '\0';
	j.is[MS_FACT_DS] = all && combined(zone) && ms_shown_ds_ours(zone);
	j.is[MS_FACT_PARENT_NS] = all && combined(zone);
	for (size_t i = 0; all && ret == KNOT_EOK && i < seen->count; i++) {
		const ms_seen_server_t *server = &seen->servers[i];
		if (!ms_shown_parent_says(server, ds, ns)) {
			flaw(&j, MS_FACT_DS, server, "of the parent does not answer");
			flaw(&j, MS_FACT_PARENT_NS, server, "of the parent does not answer");
			all = false;
			break;
		}
		delegated |= server->set[ns].rrs.count > 0;
		secure |= server->set[ds].rrs.count > 0;
		early |= points_too_early(zone, &server->set[ns]);
		if (!ms_shown_same_ds(&zone->apex.set[MS_APEX_CDS], &server->set[ds])) {
			flaw(&j, MS_FACT_DS, server, "of the parent has another DS");
		}
		/* One that serves the child, too, answers with the child's NS and shows nothing. */
		if (!server->aa[ns] && !ms_rrset_equal(&j.ns, &server->set[ns])) {
			flaw(&j, MS_FACT_PARENT_NS, server, "of the parent has another NS");
		}
		ret = keep_parent(process, server, ds, ns);
	}
	if (ret == KNOT_EOK && all) {
		process->parent_known = true;
		process->delegated = delegated;
		process->secure = secure;
		process->early = early && secure;
		note_ttl(zone, MS_TTL_DS, longest(seen, KNOT_RRTYPE_DS), now);
		note_ttl(zone, MS_TTL_PARENT_NS, longest(seen, KNOT_RRTYPE_NS), now);
		/* Nobody is led anywhere, or nobody can find anything bogus. */
		j.is[MS_FACT_PARENT_NS] |= !delegated;
		j.is[MS_FACT_DS] |= ms_facts_insecure(zone, now);
	}
	ret = ret == KNOT_EOK ? note(zone, MS_FACT_DS, j.is[MS_FACT_DS], now) : ret;
	ret = ret == KNOT_EOK ? note(zone, MS_FACT_PARENT_NS, j.is[MS_FACT_PARENT_NS], now) : ret;
	ms_rrset_clear(&j.ns);
	return ret;
}

bool ms_facts_insecure(const ms_zone_t *zone, int64_t now)
{
	const ms_process_t *process = zone->process;
	const ms_rec_ttl_t *ttl = &process->ttl[MS_TTL_DS];
	return process->parent_known && !process->secure &&
	       (ttl->ttl == 0 || (ttl->until != 0 && ttl->until <= now));
}
