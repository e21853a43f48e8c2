/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/listing.h"

#include <string.h>

#include <libknot/errcode.h>

#include "base/name.h"
#include "core/step.h"

static bool same_role(const ms_hsync_t *a, const ms_hsync_t *b)
{
	return a->state == b->state && a->nsmgmt == b->nsmgmt && a->sign == b->sign &&
	       knot_dname_is_equal(a->upstream, b->upstream);
}

int ms_listing_read(const ms_rrset_t *rrs, ms_hsync_dialect_t dialect, ms_listing_t *out)
{
	if (rrs->rrs.count == 0) {
		return KNOT_ENOENT;
	}
	memset(out, 0, sizeof(*out));
	knot_rdata_t *rr = rrs->rrs.rdata;
	for (uint16_t i = 0; i < rrs->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_hsync_t hsync;
		if (ms_hsync_decode(rr->data, rr->len, dialect, &hsync) != KNOT_EOK) {
			return KNOT_ERANGE;
		}
		bool known = false;
		for (unsigned k = 0; k < out->count; k++) {
			if (!knot_dname_is_equal(out->hsync[k].identity, hsync.identity)) {
				continue;
			}
			/* The same record in another spelling says nothing new. */
			if (!same_role(&out->hsync[k], &hsync)) {
				return KNOT_EEXIST;
			}
			known = true;
		}
		if (known) {
			continue;
		}
		if (out->count == MS_PROVIDERS_MAX) {
			return KNOT_ELIMIT;
		}
		out->hsync[out->count++] = hsync;
	}
	return KNOT_EOK;
}

static const ms_hsync_t *find(const ms_listing_t *listing, const knot_dname_t *identity)
{
	for (unsigned i = 0; i < listing->count; i++) {
		if (knot_dname_is_equal(listing->hsync[i].identity, identity)) {
			return &listing->hsync[i];
		}
	}
	return NULL;
}

/* Following Upstream from any record must end at "." within the RRset. */
static bool upstreams_sound(const ms_listing_t *listing)
{
	for (unsigned i = 0; i < listing->count; i++) {
		const ms_hsync_t *at = &listing->hsync[i];
		for (unsigned hops = 0; at != NULL && at->upstream[0] != 0; hops++) {
			at = hops < listing->count ? find(listing, at->upstream) : NULL;
		}
		if (at == NULL) {
			return false;
		}
	}
	return true;
}

static unsigned signers(const ms_listing_t *listing)
{
	unsigned count = 0;
	for (unsigned i = 0; i < listing->count; i++) {
		count += listing->hsync[i].state == MS_HSYNC_ON && listing->hsync[i].sign == MS_HSYNC_SIGN;
	}
	return count;
}

static unsigned others_on(const ms_zone_t *zone)
{
	unsigned count = 0;
	for (size_t i = 0; i < zone->pair_count; i++) {
		count += ms_pair_on(&zone->pairs[i]);
	}
	return count;
}

static void log_role(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out)
{
	static const char *const reasons[] = { "is OFF and never was ON -> its data are not used",
		"is leaving -> its data are kept", "is ON -> exchange contributions" };
	unsigned index = ms_pair_on(pair) ? 2 : pair->leaving ? 1 : 0;
	ms_action_log(out, MS_LOG_NOTICE, zone->name, pair->peer->identity, "HSYNC: %s%s", reasons[index],
	              pair->sign == MS_HSYNC_SIGN ? "" : " (NOSIGN)");
}

/* One record of somebody else. */
static int apply_record(ms_agent_t *agent, ms_zone_t *zone, const ms_hsync_t *hsync, ms_now_t now,
                        ms_actions_t *out)
{
	bool is_new = ms_pair_find(zone, hsync->identity) == NULL;
	ms_pair_t *pair = ms_pair_get(agent, zone, hsync->identity, now);
	if (pair == NULL) {
		return KNOT_ENOMEM;
	}
	bool changed = is_new || !pair->listed || pair->state != hsync->state ||
	               pair->sign != hsync->sign;
	if (!pair->listed) {
		pair->hello_at = now.mono;
		pair->greeted = false;
	}
	pair->listed = true;
	pair->state = hsync->state;
	pair->nsmgmt = hsync->nsmgmt;
	/* Who goes, goes as what it was: what it has in caches does not change with its record. */
	bool goes = pair->was_on && hsync->state != MS_HSYNC_ON && pair->sign != 0;
	pair->sign = goes ? pair->sign : hsync->sign;
	pair->was_on |= hsync->state == MS_HSYNC_ON;
	pair->leaving = pair->was_on && hsync->state != MS_HSYNC_ON;
	if (changed) {
		log_role(zone, pair, out);
		pair->state_wanted = true;
	}
	/* Changed or not: what failed half-way is done once more, and then nothing has changed. */
	return ms_zone_persist_member(zone, pair, out);
}

/* Those whose record is gone: who was ON leaves, who never was is forgotten. */
static int drop_unlisted(ms_agent_t *agent, ms_zone_t *zone, const ms_listing_t *listing,
                         ms_actions_t *out)
{
	int ret = KNOT_EOK;
	for (size_t i = zone->pair_count; ret == KNOT_EOK && i > 0; i--) {
		ms_pair_t *pair = &zone->pairs[i - 1];
		if (find(listing, pair->peer->identity) != NULL) {
			continue;
		}
		if (!pair->was_on && !pair->has_held) {
			ms_action_log(out, MS_LOG_NOTICE, zone->name, pair->peer->identity,
			              "HSYNC: is gone and never was ON -> forget it");
			ret = ms_zone_forget_member(zone, pair, out);
			ms_pair_remove(agent, zone, pair);
			continue;
		}
		bool changed = pair->listed || !pair->leaving;
		pair->listed = false;
		pair->leaving = true;
		if (changed) {
			log_role(zone, pair, out);
		}
		ret = ms_zone_persist_member(zone, pair, out);
	}
	return ret;
}

/* Those who left are remembered until a process removes them; there is an end to that, too. */
static bool fits(const ms_agent_t *agent, const ms_zone_t *zone, const ms_listing_t *listing)
{
	size_t count = zone->pair_count;
	for (unsigned i = 0; i < listing->count; i++) {
		count += !knot_dname_is_equal(listing->hsync[i].identity, agent->config.identity) &&
		         ms_pair_find(zone, listing->hsync[i].identity) == NULL;
	}
	return count <= MS_PAIRS_MAX;
}

static bool agreed(const ms_listing_t *listing)
{
	bool agree = true;
	for (unsigned i = 1; i < listing->count; i++) {
		agree &= listing->hsync[i].nsmgmt == listing->hsync[0].nsmgmt;
	}
	return agree;
}

/* What is wrong with the records beyond their form; nothing here keeps a listing from being used. */
static void judge(ms_zone_t *zone, const ms_listing_t *listing, ms_actions_t *out)
{
	ms_zone_alarm(zone, MS_ALARM_NSMGMT, !agreed(listing),
	              "HSYNC records disagree about NSMgmt: OWNER", out);
	ms_zone_alarm(zone, MS_ALARM_UPSTREAM, !upstreams_sound(listing),
	              "Upstream names nobody in the RRset, or itself in a circle", out);
}

void ms_listing_see_leaving(ms_zone_t *zone, ms_actions_t *out)
{
	bool leaving = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		leaving |= zone->pairs[i].leaving;
	}
	ms_zone_alarm(zone, MS_ALARM_LEAVING, leaving, "a provider left: its data are kept", out);
}

int ms_listing_apply(ms_agent_t *agent, ms_zone_t *zone, const ms_listing_t *listing,
                     ms_now_t now, ms_actions_t *out)
{
	const ms_hsync_t *self = find(listing, agent->config.identity);
	int ret = fits(agent, zone, listing) ? KNOT_EOK : KNOT_ELIMIT;
	for (unsigned i = 0; ret == KNOT_EOK && i < listing->count; i++) {
		if (&listing->hsync[i] != self) {
			ret = apply_record(agent, zone, &listing->hsync[i], now, out);
		}
	}
	if (ret == KNOT_EOK) {
		ret = drop_unlisted(agent, zone, listing, out);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	judge(zone, listing, out);
	zone->nsmgmt = listing->count > 0 && agreed(listing) ? listing->hsync[0].nsmgmt
	                                                     : MS_HSYNC_OWNER;
	zone->shared = self != NULL;
	zone->self_state = self != NULL ? self->state : 0;
	zone->self_sign = self != NULL ? self->sign : 0;
	zone->self_nsmgmt = self != NULL ? self->nsmgmt : 0;
	ms_zone_touch(zone);

	bool refuses = false;
	for (size_t i = 0; i < zone->pair_count; i++) {
		/* Who is not ON is told nothing that it could refuse. */
		zone->pairs[i].refuses &= ms_pair_on(&zone->pairs[i]);
		refuses |= zone->pairs[i].refuses;
	}
	if (!refuses || zone->self_state != MS_HSYNC_ON) {
		ms_zone_alarm(zone, MS_ALARM_PEER_REFUSES, false, "", out);
	}
	ms_zone_alarm(zone, MS_ALARM_NOT_LISTED, self == NULL,
	              "no HSYNC record names us: nothing is done for this zone", out);
	ms_listing_see_leaving(zone, out);
	return KNOT_EOK;
}

void ms_listing_of(const ms_agent_t *agent, const ms_zone_t *zone, ms_listing_t *out)
{
	memset(out, 0, sizeof(*out));
	if (zone->shared) {
		ms_hsync_t *self = &out->hsync[out->count++];
		*self = (ms_hsync_t){ zone->self_state, zone->self_nsmgmt, zone->self_sign, "", "" };
		ms_name_copy(self->identity, agent->config.identity);
	}
	for (size_t i = 0; i < zone->pair_count && out->count < MS_PROVIDERS_MAX; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (pair->listed) {
			ms_hsync_t *hsync = &out->hsync[out->count++];
			*hsync = (ms_hsync_t){ pair->state, pair->nsmgmt, pair->sign, "", "" };
			ms_name_copy(hsync->identity, pair->peer->identity);
		}
	}
}

/* Same providers in the same roles? Upstream is not acted upon yet. */
static bool unchanged(const ms_agent_t *agent, const ms_zone_t *zone, const ms_listing_t *listing)
{
	ms_listing_t now;
	ms_listing_of(agent, zone, &now);
	bool same = now.count == listing->count;
	for (unsigned i = 0; same && i < now.count; i++) {
		const ms_hsync_t *other = find(listing, now.hsync[i].identity);
		same = other != NULL && other->state == now.hsync[i].state &&
		       other->sign == now.hsync[i].sign && other->nsmgmt == now.hsync[i].nsmgmt;
	}
	/* A crash between the two: its own record was newer than the listing on disk. */
	for (size_t i = 0; same && i < zone->pair_count; i++) {
		same = !ms_pair_on(&zone->pairs[i]) || !zone->pairs[i].leaving;
	}
	return same;
}

static int apply_and_keep(ms_agent_t *agent, ms_zone_t *zone, const ms_listing_t *listing,
                          ms_now_t now, ms_actions_t *out)
{
	zone->listing_unsaved = true;
	int ret = ms_listing_apply(agent, zone, listing, now, out);
	if (ret == KNOT_EOK) {
		ret = ms_zone_persist_hsync(agent, zone, out);
	}
	zone->listing_unsaved = ret != KNOT_EOK;
	return ret;
}

int ms_listing_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_listing_t listing;
	int ret = ms_listing_read(&zone->apex.set[MS_APEX_HSYNC], agent->config.dialect, &listing);
	if (ret == KNOT_EOK && !fits(agent, zone, &listing)) {
		ret = KNOT_ELIMIT;
	}
	bool gone = ret == KNOT_ENOENT && others_on(zone) > 0;
	bool none = ret == KNOT_EOK && signers(&listing) == 0 && zone->signing;
	ms_zone_alarm(zone, MS_ALARM_HSYNC_INVALID, ret == KNOT_ERANGE,
	              "an HSYNC record has an error value: the last good RRset is kept", out);
	ms_zone_alarm(zone, MS_ALARM_HSYNC_CONFLICT, ret == KNOT_EEXIST || ret == KNOT_ELIMIT,
	              "one identity in two roles, or too many: the last good RRset is kept", out);
	ms_zone_alarm(zone, MS_ALARM_HSYNC_GONE, gone,
	              "the HSYNC RRset is gone while others are ON: the last good RRset is kept", out);
	ms_zone_alarm(zone, MS_ALARM_NO_SIGNER, none,
	              "no provider is SIGN: the last good RRset is kept", out);
	if (ret == KNOT_ENOENT) {
		/* Never shared, or we were alone in it: an ordinary zone again. */
		if (gone || (!zone->shared && !zone->listing_unsaved)) {
			return KNOT_EOK;
		}
		memset(&listing, 0, sizeof(listing));
		ret = apply_and_keep(agent, zone, &listing, now, out);
		ms_zone_alarm(zone, MS_ALARM_NOT_LISTED, false, "", out);
		return ret;
	}
	if (ret != KNOT_EOK) {
		return KNOT_EOK;
	}
	judge(zone, &listing, out);
	if (none || (!zone->listing_unsaved && unchanged(agent, zone, &listing))) {
		return KNOT_EOK;
	}
	return apply_and_keep(agent, zone, &listing, now, out);
}
