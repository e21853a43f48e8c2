/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Validators: not some of them, but whatever any of them may have in its cache now. A validator can be
 * led to a server that some delegation names which is served or cached, or an NS RRset of such a server
 * does. What is served there may be cached for its TTL from now on. Where a DS may be known, every DNSKEY RRset
 * that may be known must be signed by a key of every such DS RRset, and all data by a key of every such
 * DNSKEY RRset.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

void sim_caches_free(sim_caches_t *caches)
{
	for (unsigned kind = 0; kind < SIM_CACHE_KINDS; kind++) {
		free(caches->entry[kind]);
	}
}

void sim_tags_add(sim_tags_t *tags, uint32_t tag)
{
	unsigned at = tags->count;
	while (at > 0 && tags->tag[at - 1] >= tag) {
		at--;
	}
	if (tags->count == SIM_TAGS || (at < tags->count && tags->tag[at] == tag)) {
		return;
	}
	memmove(tags->tag + at + 1, tags->tag + at, (tags->count - at) * sizeof(tag));
	tags->tag[at] = tag;
	tags->count++;
}

bool sim_tags_meet(const sim_tags_t *a, const sim_tags_t *b)
{
	for (unsigned i = 0, j = 0; i < a->count && j < b->count;) {
		if (a->tag[i] == b->tag[j]) {
			return true;
		}
		*(a->tag[i] < b->tag[j] ? &i : &j) += 1;
	}
	return false;
}

void sim_tags_of_keys(const ms_rrset_t *keys, sim_tags_t *out)
{
	*out = (sim_tags_t){ 0 };
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_dnskey_t key;
		if (ms_dnskey_decode(rr->data, rr->len, &key) == KNOT_EOK) {
			sim_tags_add(out, SIM_TAG(key.algorithm, key.tag));
		}
	}
}

void sim_tags_of_ds(const ms_rrset_t *ds, sim_tags_t *out)
{
	*out = (sim_tags_t){ 0 };
	knot_rdata_t *rr = ds->rrs.rdata;
	for (uint16_t i = 0; i < ds->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		sim_tags_add(out, SIM_TAG(rr->data[2], knot_wire_read_u16(rr->data)));
	}
}

static bool same_tags(const sim_tags_t *a, const sim_tags_t *b)
{
	return a->count == b->count && memcmp(a->tag, b->tag, a->count * sizeof(a->tag[0])) == 0;
}

static void forget_old(sim_caches_t *caches, int64_t now)
{
	for (unsigned kind = 0; kind < SIM_CACHE_KINDS; kind++) {
		unsigned kept = 0;
		for (unsigned i = 0; i < caches->count[kind]; i++) {
			if (caches->entry[kind][i].until > now) {
				caches->entry[kind][kept++] = caches->entry[kind][i];
			}
		}
		caches->count[kind] = kept;
	}
}

/* \return Whether no cache could have it before. */
static bool expose(sim_world_t *world, unsigned zone, unsigned kind, const sim_cached_t *what,
                   uint32_t ttl)
{
	sim_caches_t *caches = &world->caches[zone];
	int64_t until = world->now + ttl * MS_SEC;
	for (unsigned i = 0; i < caches->count[kind]; i++) {
		sim_cached_t *old = &caches->entry[kind][i];
		if (old->names == what->names && same_tags(&old->keys, &what->keys) &&
		    same_tags(&old->signers, &what->signers)) {
			old->until = old->until > until ? old->until : until;
			return false;
		}
	}
	if (caches->entry[kind] == NULL) {
		caches->entry[kind] = calloc(SIM_CACHED, sizeof(sim_cached_t));
	}
	if (caches->count[kind] == SIM_CACHED) {
		sim_fail(world, "validators have more than the oracle has room for");
		return false;
	}
	sim_cached_t *entry = &caches->entry[kind][caches->count[kind]++];
	*entry = *what;
	entry->since = world->now;
	entry->until = until;
	return true;
}

static bool expose_parent(sim_world_t *world, unsigned zone)
{
	bool news = false;
	for (unsigned p = 0; p < SIM_PARENTS; p++) {
		const ms_rrset_t *set = world->parent[zone].at[p].set;
		sim_cached_t ds = { 0 }, ns = { .names = sim_ns_names(&set[SIM_PARENT_NS]) };
		sim_tags_of_ds(&set[SIM_PARENT_DS], &ds.keys);
		news |= expose(world, zone, SIM_CACHE_DS, &ds, set[SIM_PARENT_DS].ttl);
		news |= expose(world, zone, SIM_CACHE_NS, &ns, set[SIM_PARENT_NS].ttl);
	}
	return news;
}

static unsigned cached_names(const sim_caches_t *caches, unsigned kind)
{
	unsigned names = 0;
	for (unsigned i = 0; i < caches->count[kind]; i++) {
		names |= caches->entry[kind][i].names;
	}
	return names;
}

static bool expose_server(sim_world_t *world, unsigned zone, unsigned name)
{
	const sim_served_t *served = &world->server[zone][name].now;
	const ms_rrset_t *set = served->apex.set;
	sim_cached_t keys = { .signers = served->signers, .from = name };
	sim_cached_t data = { .keys = served->data, .from = name };
	sim_tags_of_keys(&set[MS_APEX_DNSKEY], &keys.keys);
	bool news = expose(world, zone, SIM_CACHE_KEYS, &keys, set[MS_APEX_DNSKEY].ttl);
	news |= expose(world, zone, SIM_CACHE_DATA, &data, served->data_ttl);
	return news;
}

static bool expose_child_ns(sim_world_t *world, unsigned zone, unsigned name)
{
	const ms_rrset_t *set = &world->server[zone][name].now.apex.set[MS_APEX_NS];
	sim_cached_t ns = { .names = sim_ns_names(set) };
	return expose(world, zone, SIM_CACHE_CHILD_NS, &ns, set->ttl);
}

/* What a delegation leads to, and what that leads to: a resolver that goes on from there without the
 * parent would follow a child that is gone for ever, and none does so any more. */
static bool expose_all(sim_world_t *world, unsigned zone)
{
	const sim_caches_t *caches = &world->caches[zone];
	bool news = expose_parent(world, zone);
	unsigned delegated = cached_names(caches, SIM_CACHE_NS);
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		if ((delegated & (1u << name)) && sim_server_answers(world, zone, name)) {
			news |= expose_child_ns(world, zone, name);
		}
	}
	unsigned named = delegated | cached_names(caches, SIM_CACHE_CHILD_NS);
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		if ((named & (1u << name)) && sim_server_answers(world, zone, name)) {
			news |= expose_server(world, zone, name);
		}
	}
	return news;
}

static const char *words(const sim_tags_t *tags, char buf[64])
{
	size_t len = 0;
	buf[0] = '\0';
	for (unsigned i = 0; i < tags->count && len < 56; i++) {
		len += snprintf(buf + len, 64 - len, "%s%u", i > 0 ? "+" : "",
		                tags->tag[i] & UINT16_MAX);
	}
	return tags->count > 0 ? buf : "nobody";
}

static const char *host(unsigned name, char buf[64])
{
	uint8_t rdata[64];
	(void)sim_ns(name, rdata);
	return knot_dname_to_str(buf, rdata, 64) != NULL ? buf : "?";
}

static void bogus_keys(sim_world_t *world, const sim_cached_t *ds, const sim_cached_t *keys)
{
	char by[64], has[64], of[64], from[64];
	sim_fail(world, "a validator with DS of %s (since %.1f, until %.1f) and DNSKEY of %s, %s signed "
	         "by %s (since %.1f, until %.1f) finds it bogus", words(&ds->keys, of), ds->since / 1e6,
	         ds->until / 1e6, host(keys->from, from), words(&keys->keys, has),
	         words(&keys->signers, by), keys->since / 1e6, keys->until / 1e6);
}

static void bogus_data(sim_world_t *world, const sim_cached_t *keys, const sim_cached_t *data)
{
	char by[64], has[64], of[64], from[64];
	sim_fail(world, "a validator with DNSKEY of %s, %s (since %.1f, until %.1f) and data of %s by %s "
	         "(since %.1f, until %.1f) finds it bogus", host(keys->from, of), words(&keys->keys, has),
	         keys->since / 1e6, keys->until / 1e6, host(data->from, from), words(&data->keys, by),
	         data->since / 1e6, data->until / 1e6);
}

/* Has each algorithm of these one among the others, too? Validators should not insist on that (RFC 6840
 * section 5.11), but some do; signers must do so (RFC 4035 section 2.2). */
static bool covers(const sim_tags_t *have, const sim_tags_t *want)
{
	for (unsigned i = 0; i < want->count; i++) {
		bool found = false;
		for (unsigned k = 0; k < have->count; k++) {
			found |= have->tag[k] >> 16 == want->tag[i] >> 16;
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

/* A key that is in the RRset signed it, and DS is about that key. */
static bool trusts(const sim_cached_t *ds, const sim_cached_t *keys)
{
	if (!covers(&keys->signers, &ds->keys)) {
		return false;
	}
	for (unsigned i = 0; i < keys->signers.count; i++) {
		sim_tags_t one = { 1, { keys->signers.tag[i] } };
		if (sim_tags_meet(&one, &ds->keys) && sim_tags_meet(&one, &keys->keys)) {
			return true;
		}
	}
	return false;
}

static bool check_keys(sim_world_t *world, const sim_caches_t *caches, const sim_cached_t *ds)
{
	for (unsigned i = 0; i < caches->count[SIM_CACHE_KEYS]; i++) {
		const sim_cached_t *keys = &caches->entry[SIM_CACHE_KEYS][i];
		if (!trusts(ds, keys)) {
			if (world->validate) {
				bogus_keys(world, ds, keys);
			}
			return false;
		}
	}
	return true;
}

static bool check_data(sim_world_t *world, const sim_caches_t *caches, const sim_cached_t *keys)
{
	for (unsigned i = 0; i < caches->count[SIM_CACHE_DATA]; i++) {
		const sim_cached_t *data = &caches->entry[SIM_CACHE_DATA][i];
		if (!sim_tags_meet(&data->keys, &keys->keys) || !covers(&data->keys, &keys->keys)) {
			if (world->validate) {
				bogus_data(world, keys, data);
			}
			return false;
		}
	}
	return true;
}

static bool is_fine(sim_world_t *world, const sim_caches_t *caches)
{
	bool good = true, secure = false;
	for (unsigned i = 0; i < caches->count[SIM_CACHE_DS]; i++) {
		const sim_cached_t *ds = &caches->entry[SIM_CACHE_DS][i];
		secure |= ds->keys.count > 0;
		good = good && (ds->keys.count == 0 || check_keys(world, caches, ds));
	}
	for (unsigned i = 0; secure && i < caches->count[SIM_CACHE_KEYS]; i++) {
		good = good && check_data(world, caches, &caches->entry[SIM_CACHE_KEYS][i]);
	}
	return good;
}

void sim_validate(sim_world_t *world, unsigned zone)
{
	sim_caches_t *caches = &world->caches[zone];
	forget_old(caches, world->now);
	if (expose_all(world, zone) && !is_fine(world, caches)) {
		caches->bogus++;
	}
}
