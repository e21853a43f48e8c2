/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/contribution.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/delegation.h"
#include "core/pair.h"
#include "core/process.h"

#include <libknot/libknot.h>

#define DNSKEY_PROTOCOL 3

static int refuse(char reason[MS_REASON_MAX + 1], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(char reason[MS_REASON_MAX + 1], const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(reason, MS_REASON_MAX + 1, fmt, args);
	va_end(args);
	return KNOT_EDENIED;
}

/* Algorithms that RFC 8624 lets a signer use (and validators can check). */
static bool algorithm_allowed(uint8_t algorithm)
{
	switch (algorithm) {
	case 8: case 10: case 13: case 14: case 15: case 16:
		return true;
	default:
		return false;
	}
}

bool ms_key_is_own(const ms_zone_t *zone, const uint8_t *rdata, uint16_t len)
{
	char id[MS_KEYID_LEN + 1];
	if (zone->own_keys == NULL || ms_dnskey_keyid(rdata, len, id) != KNOT_EOK) {
		return false;
	}
	for (unsigned i = 0; i < zone->own_keys->count; i++) {
		if (strcmp(zone->own_keys->keyid[i], id) == 0) {
			return true;
		}
	}
	return false;
}

static int check_limits(const ms_contribution_t *c, char *reason)
{
	size_t octets = 0;
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		octets += ms_rrset_octets(&c->set[type]);
	}
	if (octets > MS_CONTRIB_OCTETS_MAX) {
		return refuse(reason, "more than %u octets", MS_CONTRIB_OCTETS_MAX);
	}
	if (c->set[MS_APEX_DNSKEY].rrs.count > MS_CONTRIB_KEYS_MAX) {
		return refuse(reason, "more than %u DNSKEYs", MS_CONTRIB_KEYS_MAX);
	}
	/* Each key may have CDS records of two digest types. */
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		if (c->set[type].rrs.count > 2 * MS_CONTRIB_KEYS_MAX) {
			return refuse(reason, "more than %u %s records", 2 * MS_CONTRIB_KEYS_MAX,
			              ms_apex_name(type));
		}
	}
	return KNOT_EOK;
}

static int check_entitled(const ms_pair_t *pair, const ms_contribution_t *c, char *reason)
{
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		if (pair->sign != MS_HSYNC_SIGN && type != MS_APEX_NS && c->set[type].rrs.count > 0) {
			return refuse(reason, "%s from a NOSIGN provider", ms_apex_name(type));
		}
	}
	return KNOT_EOK;
}

static int check_combined(const ms_zone_t *zone, const ms_pair_t *pair, const ms_contribution_t *c,
                          char *reason)
{
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		unsigned sum = zone->own.set[type].rrs.count + c->set[type].rrs.count;
		for (size_t i = 0; i < zone->pair_count; i++) {
			if (&zone->pairs[i] != pair) {
				sum += zone->pairs[i].held.set[type].rrs.count;
			}
		}
		if (c->set[type].rrs.count > 0 && sum > MS_COMBINED_MAX) {
			return refuse(reason, "the combined %s RRset would have more than %u records",
			              ms_apex_name(type), MS_COMBINED_MAX);
		}
	}
	return KNOT_EOK;
}

/* Is there another key with this tag and algorithm in the set? (F-16) */
static bool collides(const ms_rrset_t *set, const ms_dnskey_t *key, const uint8_t *rdata,
                     uint16_t len)
{
	knot_rdata_t *other = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, other = knot_rdataset_next(other)) {
		ms_dnskey_t info;
		bool same = other->len == len && memcmp(other->data, rdata, len) == 0;
		if (!same && ms_dnskey_decode(other->data, other->len, &info) == KNOT_EOK &&
		    info.tag == key->tag && info.algorithm == key->algorithm) {
			return true;
		}
	}
	return false;
}

static int check_key(const char *type, const uint8_t *rdata, uint16_t len, ms_dnskey_t *key,
                     char *reason)
{
	if (ms_dnskey_decode(rdata, len, key) != KNOT_EOK) {
		return refuse(reason, "%s is malformed", type);
	}
	if (key->protocol != DNSKEY_PROTOCOL) {
		return refuse(reason, "%s %u has protocol %u", type, key->tag, key->protocol);
	}
	if (!(key->flags & MS_DNSKEY_ZONE)) {
		return refuse(reason, "%s %u lacks the zone key flag", type, key->tag);
	}
	if (key->flags & MS_DNSKEY_REVOKE) {
		return refuse(reason, "%s %u is revoked", type, key->tag);
	}
	if (!algorithm_allowed(key->algorithm)) {
		return refuse(reason, "%s %u has algorithm %u", type, key->tag, key->algorithm);
	}
	return KNOT_EOK;
}

/* One more algorithm needs signatures by all of us before anybody sees it (F-17, F-80): only their process
 * brings it. */
static bool is_foreign_algorithm(const ms_zone_t *zone, uint8_t algorithm)
{
	const ms_rrset_t *keys = &zone->own.set[MS_APEX_DNSKEY];
	bool rolls = zone->process != NULL && zone->process->kind == MS_PROC_ALGORITHM;
	bool known = false;
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		known |= rr->len > 3 && rr->data[3] == algorithm;
	}
	return zone->own_known && keys->rrs.count > 0 && !known && !rolls;
}

/* DNSKEY: valid, nobody else's, no colliding tag. */
static int check_dnskey(const ms_zone_t *zone, const ms_pair_t *pair, const ms_contribution_t *c,
                        const uint8_t *rdata, uint16_t len, char *reason)
{
	ms_dnskey_t key;
	int ret = check_key("DNSKEY", rdata, len, &key, reason);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (is_foreign_algorithm(zone, key.algorithm)) {
		return refuse(reason, "DNSKEY %u has algorithm %u, the group has another", key.tag,
		              key.algorithm);
	}
	if (ms_key_is_own(zone, rdata, len) || ms_rrset_has(&zone->own.set[MS_APEX_DNSKEY], rdata, len)) {
		return refuse(reason, "DNSKEY %u is ours", key.tag);
	}
	if (collides(&zone->own.set[MS_APEX_DNSKEY], &key, rdata, len) ||
	    collides(&zone->apex.set[MS_APEX_DNSKEY], &key, rdata, len) ||
	    collides(&c->set[MS_APEX_DNSKEY], &key, rdata, len)) {
		return refuse(reason, "DNSKEY %u has the tag of another key", key.tag);
	}
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *other = &zone->pairs[i];
		if (other == pair) {
			continue;
		}
		if (ms_rrset_has(&other->held.set[MS_APEX_DNSKEY], rdata, len)) {
			return refuse(reason, "DNSKEY %u is another provider's", key.tag);
		}
		if (collides(&other->held.set[MS_APEX_DNSKEY], &key, rdata, len)) {
			return refuse(reason, "DNSKEY %u has the tag of another key", key.tag);
		}
	}
	return KNOT_EOK;
}

/* CDS: tag u16, algorithm u8, digest type u8, digest. The delete form (algorithm 0) would take
 * the whole zone insecure: no single provider may say that (RFC 8078 section 4). */
static int check_cds(const ms_zone_t *zone, const uint8_t *rdata, uint16_t len, char *reason)
{
	if (len < 5) {
		return refuse(reason, "CDS is malformed");
	}
	if (!algorithm_allowed(rdata[2])) {
		return refuse(reason, "CDS %u has algorithm %u", knot_wire_read_u16(rdata), rdata[2]);
	}
	if (is_foreign_algorithm(zone, rdata[2])) {
		return refuse(reason, "CDS %u has algorithm %u, the group has another",
		              knot_wire_read_u16(rdata), rdata[2]);
	}
	if (ms_rrset_has(&zone->own.set[MS_APEX_CDS], rdata, len)) {
		return refuse(reason, "CDS %u is ours", knot_wire_read_u16(rdata));
	}
	return KNOT_EOK;
}

static int check_cdnskey(const ms_zone_t *zone, const uint8_t *rdata, uint16_t len, char *reason)
{
	ms_dnskey_t key;
	int ret = check_key("CDNSKEY", rdata, len, &key, reason);
	if (ret == KNOT_EOK && ms_key_is_own(zone, rdata, len)) {
		ret = refuse(reason, "CDNSKEY %u is ours", key.tag);
	}
	return ret;
}

/* Nobody else says which servers are ours (H-10). */
static int check_ns(const ms_zone_t *zone, const uint8_t *rdata, uint16_t len, char *reason)
{
	if (knot_dname_wire_check(rdata, rdata + len, NULL) != len || len == 1) {
		return refuse(reason, "NS is malformed");
	}
	if (ms_rrset_has(&zone->own.set[MS_APEX_NS], rdata, len)) {
		return refuse(reason, "NS is ours");
	}
	return KNOT_EOK;
}

static int check_records(const ms_zone_t *zone, const ms_pair_t *pair, const ms_contribution_t *c,
                         ms_apex_type_t type, char *reason)
{
	int ret = KNOT_EOK;
	knot_rdata_t *rr = c->set[type].rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < c->set[type].rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		switch (type) {
		case MS_APEX_DNSKEY:
			ret = check_dnskey(zone, pair, c, rr->data, rr->len, reason);
			break;
		case MS_APEX_CDS:
			ret = check_cds(zone, rr->data, rr->len, reason);
			break;
		case MS_APEX_CDNSKEY:
			ret = check_cdnskey(zone, rr->data, rr->len, reason);
			break;
		case MS_APEX_NS:
			ret = check_ns(zone, rr->data, rr->len, reason);
			break;
		default:
			break;
		}
	}
	return ret;
}

int ms_contribution_check(const ms_zone_t *zone, const ms_pair_t *pair, const ms_contribution_t *c,
                          char reason[MS_REASON_MAX + 1])
{
	int ret = check_limits(c, reason);
	if (ret == KNOT_EOK) {
		ret = check_entitled(pair, c, reason);
	}
	if (ret == KNOT_EOK) {
		ret = check_combined(zone, pair, c, reason);
	}
	for (unsigned type = 0; ret == KNOT_EOK && type < MS_CONTRIB_TYPES; type++) {
		ret = check_records(zone, pair, c, type, reason);
	}
	return ret;
}

/* The apex DNSKEYs that are ours: by the key manager's list, or, where it cannot be asked, all
 * that nobody else contributes and that we did not write. */
static int own_dnskeys(const ms_zone_t *zone, ms_rrset_t *out)
{
	const ms_rrset_t *apex = &zone->apex.set[MS_APEX_DNSKEY];
	if (!zone->own_listed) {
		int ret = ms_rrset_copy(out, apex);
		if (ret == KNOT_EOK) {
			ret = ms_rrset_minus(out, &zone->written.set[MS_APEX_DNSKEY]);
		}
		for (size_t i = 0; ret == KNOT_EOK && i < zone->pair_count; i++) {
			ret = ms_rrset_minus(out, &zone->pairs[i].held.set[MS_APEX_DNSKEY]);
		}
		return ret;
	}
	int ret = KNOT_EOK;
	knot_rdata_t *rr = apex->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < apex->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (ms_key_is_own(zone, rr->data, rr->len)) {
			ret = ms_rrset_add(out, rr->data, rr->len);
		}
	}
	out->ttl = apex->ttl;
	return ret;
}

/* Contributed are the keys that sign zone data: flags 256, or, where there is none, all. */
static int contribute_dnskeys(const ms_agent_t *agent, const ms_rrset_t *own, ms_rrset_t *out)
{
	bool have_zsk = false;
	knot_rdata_t *rr = own->rrs.rdata;
	for (uint16_t i = 0; i < own->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		have_zsk |= !(knot_wire_read_u16(rr->data) & MS_DNSKEY_SEP);
	}
	int ret = KNOT_EOK;
	rr = own->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < own->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		bool sep = knot_wire_read_u16(rr->data) & MS_DNSKEY_SEP;
		if (!sep || !have_zsk || agent->config.single_type) {
			ret = ms_rrset_add(out, rr->data, rr->len);
		}
	}
	out->ttl = own->ttl;
	return ret;
}

static bool cds_of_any(const ms_zone_t *zone, const ms_rrset_t *keys, const knot_rdata_t *cds)
{
	knot_rdata_t *key = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, key = knot_rdataset_next(key)) {
		if (ms_cds_of_key(cds->data, cds->len, zone->name, key->data, key->len)) {
			return true;
		}
	}
	return false;
}

static int contribute_cds(const ms_zone_t *zone, const ms_rrset_t *keys, ms_contribution_t *out)
{
	int ret = KNOT_EOK;
	const ms_rrset_t *cds = &zone->apex.set[MS_APEX_CDS];
	knot_rdata_t *rr = cds->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < cds->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (cds_of_any(zone, keys, rr)) {
			ret = ms_rrset_add(&out->set[MS_APEX_CDS], rr->data, rr->len);
		}
	}
	out->set[MS_APEX_CDS].ttl = cds->ttl;
	const ms_rrset_t *cdnskey = &zone->apex.set[MS_APEX_CDNSKEY];
	rr = cdnskey->rrs.rdata;
	for (uint16_t i = 0; ret == KNOT_EOK && i < cdnskey->rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		if (ms_rrset_has(keys, rr->data, rr->len)) {
			ret = ms_rrset_add(&out->set[MS_APEX_CDNSKEY], rr->data, rr->len);
		}
	}
	out->set[MS_APEX_CDNSKEY].ttl = cdnskey->ttl;
	return ret;
}

int ms_contribution_own(const ms_agent_t *agent, const ms_zone_t *zone, ms_contribution_t *out)
{
	ms_contribution_t own = {
		.stated = 1u << MS_APEX_DNSKEY | 1u << MS_APEX_CDS | 1u << MS_APEX_CDNSKEY |
		          1u << MS_APEX_NS | 1u << MS_APEX_CSYNC | 1u << MS_APEX_KEY,
	};
	ms_rrset_t keys = { 0 };
	int ret = ms_rrset_copy(&own.set[MS_APEX_NS], &agent->config.ns);
	if (ret == KNOT_EOK && zone->self_sign == MS_HSYNC_SIGN) {
		ret = own_dnskeys(zone, &keys);
		if (ret == KNOT_EOK && keys.rrs.count == 0) {
			ret = KNOT_EAGAIN;
		}
		if (ret == KNOT_EOK) {
			ret = contribute_dnskeys(agent, &keys, &own.set[MS_APEX_DNSKEY]);
		}
		if (ret == KNOT_EOK) {
			ret = contribute_cds(zone, &keys, &own);
		}
		if (ret == KNOT_EOK) {
			ret = ms_delegation_csync(zone, &own.set[MS_APEX_CSYNC]);
		}
		if (ret == KNOT_EOK) {
			ret = ms_delegation_key(agent, zone, &own.set[MS_APEX_KEY]);
		}
	}
	ms_rrset_clear(&keys);
	if (ret != KNOT_EOK) {
		ms_contribution_clear(&own);
		return ret;
	}
	ms_contribution_clear(out);
	*out = own;
	return KNOT_EOK;
}
