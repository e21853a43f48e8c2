/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/component.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

/* SOA: two names and five numbers (RFC 1035 section 3.3.13). */
#define SOA_NUMBERS 20

static int digest_of(const ms_rrset_t *set, ms_component_t *out)
{
	/* The TTL is compared apart. */
	ms_rrset_t bare = { .rrs = set->rrs };
	const ms_rrset_t *sets[] = { &bare };
	ms_digest_t digest;
	int ret = ms_rrsets_digest(sets, &out->type, 1, &digest);
	if (ret == KNOT_EOK) {
		memcpy(out->digest, digest.octets, sizeof(out->digest));
		out->ttl = set->rrs.count > 0 ? set->ttl : 0;
	}
	return ret;
}

/* One half of the SOA; its names cannot be broken, they come from knotd's own memory. */
static int digest_soa(const ms_rrset_t *soa, bool contact, ms_component_t *out)
{
	ms_rrset_t part = { .ttl = soa->ttl };
	uint8_t rdata[KNOT_DNAME_MAXLEN + SOA_NUMBERS] = { 0 };
	const knot_rdata_t *rr = soa->rrs.rdata;
	size_t mname = rr->len > 0 ? knot_dname_size(rr->data) : 0;
	size_t names = mname > 0 && mname < rr->len
	             ? mname + knot_dname_size(rr->data + mname) : rr->len;
	if (names + SOA_NUMBERS != rr->len) {
		return KNOT_EMALF;
	}
	size_t len = contact ? names - mname : mname;
	memcpy(rdata, contact ? rr->data + mname : rr->data, len);
	if (!contact) {
		/* The serial is each provider's own. */
		memcpy(rdata + len, rr->data + names + 4, SOA_NUMBERS - 4);
		len += SOA_NUMBERS - 4;
	}
	int ret = ms_rrset_add(&part, rdata, len);
	if (ret == KNOT_EOK) {
		ret = digest_of(&part, out);
	}
	ms_rrset_clear(&part);
	return ret;
}

/* Key-signing keys that nobody contributes stand only where they sign. */
static int digest_dnskey(const ms_zone_t *zone, ms_component_t *out)
{
	const ms_rrset_t *apex = &zone->apex.set[MS_APEX_DNSKEY];
	ms_rrset_t shared = { .ttl = apex->ttl };
	int ret = KNOT_EOK;
	knot_rdata_t *rr = apex->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < apex->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		bool ours = ms_rrset_has(&zone->own.set[MS_APEX_DNSKEY], rr->data, rr->len);
		bool theirs = zone->wanted != NULL &&
		              ms_rrset_has(&zone->wanted->data.set[MS_APEX_DNSKEY], rr->data, rr->len);
		if (ours || theirs) {
			ret = ms_rrset_add(&shared, rr->data, rr->len);
		}
	}
	if (ret == KNOT_EOK) {
		ret = digest_of(&shared, out);
	}
	ms_rrset_clear(&shared);
	return ret;
}

static const ms_rrset_t *find_set(const ms_agent_t *agent, const ms_zone_t *zone,
                                  const ms_apex_t *extra, uint16_t type)
{
	int index = type == agent->config.codes.hsync_type ? MS_APEX_HSYNC : ms_apex_index(type);
	if (index >= 0) {
		return &zone->apex.set[index];
	}
	for (size_t i = 0; extra != NULL && i < extra->extra_count; i++) {
		if (extra->extra[i].rrtype == type) {
			return &extra->extra[i].rrs;
		}
	}
	return NULL;
}

static int make_one(const ms_agent_t *agent, const ms_zone_t *zone, const ms_apex_t *extra,
                    ms_component_t *out)
{
	const ms_rrset_t *soa = &zone->apex.set[MS_APEX_SOA];
	if (out->type == MS_COMPONENT_RNAME || out->type == KNOT_RRTYPE_SOA) {
		return soa->rrs.count > 0 ? digest_soa(soa, out->type == MS_COMPONENT_RNAME, out)
		                          : KNOT_EOK;
	}
	if (out->type == KNOT_RRTYPE_DNSKEY) {
		return digest_dnskey(zone, out);
	}
	const ms_rrset_t *set = find_set(agent, zone, extra, out->type);
	if (set != NULL) {
		return digest_of(set, out);
	}
	/* Only a new version brings it: until then it is what it was. */
	for (unsigned i = 0; i < zone->component_count; i++) {
		if (zone->components[i].type == out->type) {
			*out = zone->components[i];
		}
	}
	return KNOT_EOK;
}

int ms_components_settle(const ms_agent_t *agent, ms_zone_t *zone, const ms_apex_t *extra)
{
	ms_component_t made[MS_COMPONENTS_MAX] = { 0 };
	unsigned count = zone->shared ? agent->config.compare_count : 0;
	int ret = KNOT_EOK;
	for (unsigned i = 0; ret == KNOT_EOK && i < count; i++) {
		made[i].type = agent->config.compare[i];
		ret = make_one(agent, zone, extra, &made[i]);
		ret = ret == KNOT_EMALF ? KNOT_EOK : ret;
	}
	if (ret != KNOT_EOK || (count == zone->component_count &&
	                        (count == 0 || memcmp(made, zone->components, count * sizeof(*made)) == 0))) {
		return ret;
	}
	ms_component_t *list = realloc(zone->components, (count + 1) * sizeof(*list));
	if (list == NULL) {
		return KNOT_ENOMEM;
	}
	memcpy(list, made, count * sizeof(*list));
	zone->components = list;
	zone->component_count = count;
	/* The answer will tell whether theirs has followed. */
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].state_wanted |= ms_pair_on(&zone->pairs[i]);
	}
	return KNOT_EOK;
}

void ms_components_tell(const ms_zone_t *zone, ms_state_t *out)
{
	out->component_count = zone->component_count;
	if (zone->component_count > 0) {
		memcpy(out->component, zone->components,
		       zone->component_count * sizeof(out->component[0]));
	}
}

void ms_components_learn(ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state, ms_now_t now)
{
	uint16_t differs = 0, ttl_differs = 0, known = 0;
	for (unsigned i = 0; i < zone->component_count; i++) {
		const ms_component_t *ours = &zone->components[i];
		for (unsigned k = 0; k < state->component_count; k++) {
			const ms_component_t *theirs = &state->component[k];
			if (ours->type != theirs->type) {
				continue;
			}
			bool same = memcmp(ours->digest, theirs->digest, sizeof(ours->digest)) == 0;
			known |= 1u << i;
			differs |= same ? 0 : 1u << i;
			ttl_differs |= same && ours->ttl != theirs->ttl ? 1u << i : 0;
		}
	}
	if (differs != 0 && pair->differs == 0) {
		pair->differs_at = now.mono;
	}
	if (differs != pair->differs || ttl_differs != pair->ttl_differs || known != pair->compared) {
		pair->differs = differs;
		pair->ttl_differs = ttl_differs;
		pair->compared = known;
		ms_zone_touch(zone);
	}
}

void ms_components_watch(const ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	char why[96] = "", buf[16];
	bool late = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (pair->differs == 0 || !ms_pair_on(pair) ||
		    ms_time_diff(pair->differs_at, now.mono) < MS_COMPONENT_PATIENCE) {
			continue;
		}
		knot_dname_txt_storage_t name;
		unsigned first = __builtin_ctz(pair->differs);
		if (!late && first < zone->component_count &&
		    knot_dname_to_str(name, pair->peer->identity, sizeof(name)) != NULL) {
			(void)snprintf(why, sizeof(why), "%s at %.48s is not what is served here",
			               ms_component_name(agent, zone->components[first].type, buf), name);
		}
		late = true;
	}
	ms_zone_alarm(zone, MS_ALARM_APEX_DIFFERS, late, why, out);
}

ms_time_t ms_components_deadline(const ms_zone_t *zone)
{
	ms_time_t when = MS_TIME_NEVER;
	for (size_t i = 0; i < zone->pair_count && !ms_zone_alarmed(zone, MS_ALARM_APEX_DIFFERS); i++) {
		if (zone->pairs[i].differs != 0 && ms_pair_on(&zone->pairs[i])) {
			when = ms_time_min(when, ms_time_add(zone->pairs[i].differs_at,
			                                     MS_COMPONENT_PATIENCE));
		}
	}
	return when;
}

const char *ms_component_name(const ms_agent_t *agent, uint16_t type, char buf[16])
{
	if (type == MS_COMPONENT_RNAME) {
		return "RNAME";
	}
	if (type == agent->config.codes.hsync_type) {
		return "HSYNC";
	}
	return knot_rrtype_to_string(type, buf, 16) > 0 ? buf : "?";
}
