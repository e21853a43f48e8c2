/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/member.h"
#include "wire/ds.h"

/* Tag and algorithm of a DS or CDS, its digest type, at least one octet of digest. */
#define DS_KEY 3
#define DS_MIN 5

bool ms_shown_ns_ours(const ms_zone_t *zone)
{
	return zone->wanted != NULL && (zone->wanted->managed & (1u << MS_APEX_NS)) != 0;
}

bool ms_shown_ds_ours(const ms_zone_t *zone)
{
	bool all = zone->apex.set[MS_APEX_CDS].rrs.count > 0;
	all &= zone->self_sign != MS_HSYNC_SIGN || zone->own.set[MS_APEX_CDS].rrs.count > 0;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		/* Who never came in is asked by nobody: it goes without having been missed. */
		bool stays = pair->leaving && (pair->member || !ms_member_founded(zone));
		bool signs = pair->sign == MS_HSYNC_SIGN && (ms_pair_on(pair) || stays) &&
		             ms_member_cds(zone, pair);
		all &= !signs || pair->held.set[MS_APEX_CDS].rrs.count > 0;
	}
	return all;
}

int ms_shown_lower_ns(const ms_rrset_t *ns, ms_rrset_t *out)
{
	int ret = KNOT_EOK;
	knot_rdata_t *rr = ns->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < ns->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		knot_dname_storage_t name;
		ms_name_copy_lower(name, rr->data);
		ret = ms_rrset_add(out, name, knot_dname_size(name));
	}
	return ret;
}

unsigned ms_shown_hosts_in(const ms_rrset_t *ns, const ms_rrset_t *among)
{
	unsigned count = 0;
	knot_rdata_t *rr = ns->rrs.rdata;
	for (uint16_t i = 0; i < ns->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		knot_dname_storage_t host;
		ms_name_copy_lower(host, rr->data);
		count += ms_rrset_has(among, host, knot_dname_size(host));
	}
	return count;
}

/* Is there a record of this key; and, where the digest types are equal, this very record? */
static bool names_key(const ms_rrset_t *set, const knot_rdata_t *wanted)
{
	bool key = false, type = false, same = false;
	knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (rr->len < DS_MIN || memcmp(rr->data, wanted->data, DS_KEY) != 0) {
			continue;
		}
		key = true;
		type |= rr->data[DS_KEY] == wanted->data[DS_KEY];
		same |= rr->len == wanted->len && memcmp(rr->data, wanted->data, rr->len) == 0;
	}
	return key && (same || !type);
}

bool ms_shown_all_named(const ms_rrset_t *keys, const ms_rrset_t *by)
{
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (rr->len < DS_MIN || !names_key(by, rr)) {
			return false;
		}
	}
	return true;
}

bool ms_shown_any_named(const ms_rrset_t *keys, const ms_rrset_t *by)
{
	bool any = false;
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		any |= rr->len >= DS_MIN && names_key(by, rr);
	}
	return any;
}

/* The parent may choose digest types of its own (RFC 7344 section 6), but not keys. */
bool ms_shown_same_ds(const ms_rrset_t *cds, const ms_rrset_t *ds)
{
	if (ms_cds_set_is_delete(cds)) {
		return ds->rrs.count == 0;
	}
	return ms_shown_all_named(cds, ds) && ms_shown_all_named(ds, cds);
}

static bool has_said(uint16_t rcode)
{
	return rcode == KNOT_RCODE_NOERROR || rcode == KNOT_RCODE_NXDOMAIN;
}

bool ms_shown_parent_says(const ms_seen_server_t *server, int ds, int ns)
{
	return server->ret[ds] == KNOT_EOK && server->ret[ns] == KNOT_EOK &&
	       has_said(server->rcode[ds]) && has_said(server->rcode[ns]);
}

int ms_shown_by_parent(const ms_zone_t *zone, const ms_seen_t *seen, uint8_t *lacks,
                       bool *delegated, bool *secure)
{
	int ds = ms_seen_index(seen, KNOT_RRTYPE_DS), ns = ms_seen_index(seen, KNOT_RRTYPE_NS);
	bool answered = false;
	ms_rrset_t wanted = { 0 };
	int ret = ds >= 0 && ns >= 0 ? ms_shown_lower_ns(&zone->apex.set[MS_APEX_NS], &wanted) : KNOT_EINVAL;
	*lacks = 0;
	*delegated = *secure = false;
	for (size_t i = 0; ret == KNOT_EOK && i < seen->count; i++) {
		const ms_seen_server_t *server = &seen->servers[i];
		if (!ms_shown_parent_says(server, ds, ns)) {
			continue;
		}
		answered = true;
		*delegated |= server->set[ns].rrs.count > 0;
		*secure |= server->set[ds].rrs.count > 0;
		*lacks |= !ms_shown_ds_ours(zone) ||
		          ms_shown_same_ds(&zone->apex.set[MS_APEX_CDS], &server->set[ds]) ? 0 : MS_LACKS_DS;
		/* One that serves the child, too, answers with the child's NS and shows nothing. */
		*lacks |= !ms_shown_ns_ours(zone) || server->aa[ns] ||
		          ms_rrset_equal(&wanted, &server->set[ns]) ? 0 : MS_LACKS_NS;
	}
	ms_rrset_clear(&wanted);
	return ret != KNOT_EOK || answered ? ret : KNOT_ECONN;
}

static const char *flaw(const ms_seen_server_t *server, int type, const ms_rrset_t *wanted)
{
	return server->ret[type] != KNOT_EOK ? "does not answer about"
	     : server->rcode[type] != KNOT_RCODE_NOERROR || !server->aa[type] ? "has no answer about"
	     : !ms_rrset_equal(wanted, &server->set[type]) ? "has another" : NULL;
}

static bool serves(const ms_seen_t *seen, uint16_t rrtype, const ms_rrset_t *wanted,
                   char why[MS_REASON_MAX + 1])
{
	int type = ms_seen_index(seen, rrtype);
	for (size_t i = 0; type >= 0 && i < seen->count; i++) {
		const char *wrong = flaw(&seen->servers[i], type, wanted);
		if (wrong != NULL) {
			char name[16] = "?";
			knot_dname_txt_storage_t host = "?";
			(void)knot_rrtype_to_string(rrtype, name, sizeof(name));
			(void)knot_dname_to_str(host, seen->servers[i].host, sizeof(host));
			(void)snprintf(why, MS_REASON_MAX + 1, "%.40s %s %.15s", host, wrong, name);
			return false;
		}
	}
	return type >= 0;
}

bool ms_shown_everywhere(const ms_zone_t *zone, const ms_seen_t *seen, char why[MS_REASON_MAX + 1])
{
	ms_rrset_t ns = { 0 };
	if (seen->count == 0) {
		(void)snprintf(why, MS_REASON_MAX + 1, "no server was asked");
		return false;
	}
	if (ms_shown_lower_ns(&zone->apex.set[MS_APEX_NS], &ns) != KNOT_EOK) {
		(void)snprintf(why, MS_REASON_MAX + 1, "no memory");
		ms_rrset_clear(&ns);
		return false;
	}
	bool all = serves(seen, KNOT_RRTYPE_CDS, &zone->apex.set[MS_APEX_CDS], why) &&
	           serves(seen, KNOT_RRTYPE_CDNSKEY, &zone->apex.set[MS_APEX_CDNSKEY], why) &&
	           serves(seen, KNOT_RRTYPE_CSYNC, &zone->apex.set[MS_APEX_CSYNC], why) &&
	           serves(seen, KNOT_RRTYPE_KEY, &zone->apex.set[MS_APEX_KEY], why) &&
	           serves(seen, KNOT_RRTYPE_NS, &ns, why);
	ms_rrset_clear(&ns);
	return all;
}

static int list_hosts(const ms_rrset_t *all, knot_dname_storage_t **hosts, size_t *count)
{
	if (all->rrs.count > MS_SEEN_HOSTS_MAX) {
		return KNOT_ELIMIT;
	}
	knot_dname_storage_t *list = calloc(all->rrs.count + 1u, sizeof(*list));
	if (list == NULL) {
		return KNOT_ENOMEM;
	}
	knot_rdata_t *rr = all->rrs.rdata;
	for (uint16_t i = 0; i < all->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_name_copy(list[i], rr->data);
	}
	*hosts = list;
	*count = all->rrs.count;
	return KNOT_EOK;
}

int ms_shown_hosts(const ms_agent_t *agent, const ms_zone_t *zone, knot_dname_storage_t **hosts,
                   size_t *count)
{
	/* Whoever waits at the door is not asked by anybody else either. */
	bool all_count = !ms_member_founded(zone);
	ms_rrset_t all = { 0 };
	int ret = ms_shown_lower_ns(&zone->apex.set[MS_APEX_NS], &all);
	if (ret == KNOT_EOK && (all_count || ms_member_serves(zone, NULL))) {
		ret = ms_shown_lower_ns(&agent->config.ns, &all);
	}
	for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (ms_member_talks(zone, pair) && pair->has_held && (all_count || ms_member_serves(zone, pair))) {
			ret = ms_shown_lower_ns(&pair->held.set[MS_APEX_NS], &all);
		}
	}
	ret = ret == KNOT_EOK ? list_hosts(&all, hosts, count) : ret;
	ms_rrset_clear(&all);
	return ret;
}

static int ask(ms_agent_t *agent, const ms_zone_t *zone, const uint16_t *types, unsigned count,
               ms_actions_t *out, ms_action_t **asked)
{
	ms_action_t *action = ms_action_add(out, MS_ACT_OBSERVE);
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	ms_name_copy(action->observe.zone, zone->name);
	action->observe.type_count = count;
	memcpy(action->observe.types, types, count * sizeof(*types));
	action->id = ms_agent_id(agent);
	*asked = action;
	return KNOT_EOK;
}

int ms_shown_ask_parent(ms_agent_t *agent, const ms_zone_t *zone, ms_actions_t *out, uint64_t *id)
{
	static const uint16_t types[] = { KNOT_RRTYPE_DS, KNOT_RRTYPE_NS };
	ms_action_t *action;
	int ret = ask(agent, zone, types, 2, out, &action);
	if (ret == KNOT_EOK) {
		action->observe.parent = true;
		*id = action->id;
	}
	return ret;
}

int ms_shown_ask_servers(ms_agent_t *agent, const ms_zone_t *zone, const uint16_t *types,
                         unsigned count, ms_actions_t *out, uint64_t *id)
{
	knot_dname_storage_t *hosts = NULL;
	size_t host_count = 0;
	ms_action_t *action;
	int ret = ms_shown_hosts(agent, zone, &hosts, &host_count);
	ret = ret == KNOT_EOK ? ask(agent, zone, types, count, out, &action) : ret;
	if (ret != KNOT_EOK) {
		free(hosts);
		return ret;
	}
	action->observe.hosts = hosts;
	action->observe.host_count = host_count;
	*id = action->id;
	return KNOT_EOK;
}

int ms_shown_digest(const ms_zone_t *zone, ms_digest_t *out)
{
	static const ms_rrset_t nothing;
	const ms_apex_t *apex = &zone->apex;
	/* The TTL is not the parent's business. */
	bool ds = ms_shown_ds_ours(zone);
	const ms_rrset_t cds = { .rrs = ds ? apex->set[MS_APEX_CDS].rrs : nothing.rrs };
	const ms_rrset_t cdnskey = { .rrs = ds ? apex->set[MS_APEX_CDNSKEY].rrs : nothing.rrs };
	const ms_rrset_t ns = { .rrs = ms_shown_ns_ours(zone) ? apex->set[MS_APEX_NS].rrs
	                                                      : nothing.rrs };
	const ms_rrset_t *sets[] = { &ns, &cds, &cdnskey };
	const uint16_t types[] = { KNOT_RRTYPE_NS, KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY };
	return ms_rrsets_digest(sets, types, 3, out);
}
