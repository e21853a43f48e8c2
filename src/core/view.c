/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/name.h"

static void unref_peer(ms_view_peer_t *row)
{
	if (row != NULL && --row->refs == 0) {
		free(row);
	}
}

static void unref_zone(ms_view_zone_t *row)
{
	if (row == NULL || --row->refs > 0) {
		return;
	}
	for (size_t i = 0; i < row->member_count; i++) {
		knot_dname_free(row->members[i].identity, NULL);
		ms_contribution_clear(&row->members[i].data);
	}
	free(row->members);
	ms_contribution_clear(&row->own);
	ms_wanted_unref(row->wanted);
	knot_dname_free(row->name, NULL);
	free(row);
}

void ms_view_free(ms_view_t *view)
{
	if (view == NULL) {
		return;
	}
	for (size_t i = 0; i < view->peer_count; i++) {
		unref_peer(view->peers[i]);
	}
	for (size_t i = 0; i < view->zone_count; i++) {
		unref_zone(view->zones[i]);
	}
	free(view->peers);
	free(view->zones);
	free(view);
}

static const ms_view_peer_t *find_peer(const ms_view_t *view, const knot_dname_t *identity)
{
	size_t low = 0, high = view->peer_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int cmp = knot_dname_cmp(view->peers[mid]->identity, identity);
		if (cmp == 0) {
			return view->peers[mid];
		}
		if (cmp < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return NULL;
}

const ms_view_zone_t *ms_view_zone(const ms_view_t *view, const knot_dname_t *name)
{
	size_t low = 0, high = view->zone_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int cmp = knot_dname_cmp(view->zones[mid]->name, name);
		if (cmp == 0) {
			return view->zones[mid];
		}
		if (cmp < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return NULL;
}

/* Does the signer's name belong to this member, and how surely? A host is bound to an identity only
 * by what that identity publishes: anybody may point at somebody else's host, so a host at or
 * below the identity counts more. 0 = not at all. */
static unsigned belongs(const ms_view_peer_t *peer, const knot_dname_t *signer)
{
	if (knot_dname_is_equal(peer->identity, signer)) {
		return 3;
	}
	/* The root is no host name: it marks a peer that was not located. */
	if (peer->host[0] == 0 || !knot_dname_is_equal(peer->host, signer)) {
		return 0;
	}
	return knot_dname_in_bailiwick(signer, peer->identity) >= 0 ? 2 : 1;
}

const ms_view_peer_t *ms_view_signer(const ms_view_t *view, const ms_view_zone_t *zone,
                                     const knot_dname_t *signer)
{
	const ms_view_peer_t *best = NULL;
	unsigned sure = 0, ties = 0;
	for (size_t i = 0; i < zone->member_count; i++) {
		const ms_view_peer_t *peer = zone->members[i].listed
		                           ? find_peer(view, zone->members[i].identity) : NULL;
		unsigned here = peer != NULL ? belongs(peer, signer) : 0;
		ties = here > sure ? 1 : ties + (here > 0 && here == sure);
		if (here > sure) {
			sure = here;
			best = peer;
		}
	}
	/* Two that are equally sure: whose it is cannot be told, so it is nobody's. */
	return ties == 1 ? best : NULL;
}

static ms_view_peer_t *make_peer(const ms_peer_t *peer)
{
	ms_view_peer_t *row = calloc(1, sizeof(*row));
	if (row == NULL) {
		return NULL;
	}
	row->refs = 1;
	ms_name_copy(row->identity, peer->identity);
	row->zones = peer->refs;
	if (peer->has_locator) {
		ms_name_copy(row->host, peer->locator.host);
		row->expires = peer->locator.expires;
		row->key_count = peer->locator.key_count;
		memcpy(row->key, peer->locator.key, sizeof(row->key));
	}
	return row;
}

static ms_view_zone_t *make_zone(const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now)
{
	ms_view_zone_t *row = calloc(1, sizeof(*row));
	if (row == NULL) {
		return NULL;
	}
	row->refs = 1;
	row->opted = zone->opted;
	row->shared = zone->opted && zone->shared;
	/* What a combiner elsewhere gives us has passed its gate. */
	row->wanted = ms_wanted_ref(agent->config.gate && !agent->config.remote_combiner
	                            ? zone->wanted : NULL);
	row->name = knot_dname_copy(zone->name, NULL);
	row->members = calloc(zone->pair_count > 0 ? zone->pair_count : 1, sizeof(*row->members));
	bool ok = row->name != NULL && row->members != NULL &&
	          ms_contribution_copy(&row->own, &zone->own) == KNOT_EOK;
	for (size_t i = 0; ok && i < zone->pair_count; i++) {
		ms_view_member_t *member = &row->members[row->member_count++];
		member->listed = zone->pairs[i].listed;
		member->identity = knot_dname_copy(zone->pairs[i].peer->identity, NULL);
		ok = member->identity != NULL &&
		     ms_contribution_copy(&member->data, &zone->pairs[i].held) == KNOT_EOK;
	}
	if (!ok) {
		unref_zone(row);
		return NULL;
	}
	return row;
}

/* Takes the old row where nothing changed. */
static ms_view_peer_t *next_peer(const ms_peer_t *peer, const ms_view_t *old)
{
	const ms_view_peer_t *found = old != NULL && !peer->dirty
	                            ? find_peer(old, peer->identity) : NULL;
	ms_view_peer_t *row = (ms_view_peer_t *)found;
	if (row == NULL) {
		return make_peer(peer);
	}
	row->refs++;
	return row;
}

static ms_view_zone_t *next_zone(const ms_agent_t *agent, const ms_zone_t *zone,
                                 const ms_view_t *old, size_t *at, ms_now_t now)
{
	/* Both arrays are sorted: the old row is found by walking along. */
	while (old != NULL && *at < old->zone_count &&
	       knot_dname_cmp(old->zones[*at]->name, zone->name) < 0) {
		(*at)++;
	}
	if (zone->dirty || old == NULL || *at == old->zone_count ||
	    !knot_dname_is_equal(old->zones[*at]->name, zone->name)) {
		return make_zone(agent, zone, now);
	}
	old->zones[*at]->refs++;
	return old->zones[*at];
}

static bool fill_peers(const ms_agent_t *agent, const ms_view_t *old, ms_view_t *view)
{
	for (size_t i = 0; i < agent->peer_count; i++) {
		ms_view_peer_t *row = next_peer(agent->peers[i], old);
		if (row == NULL) {
			return false;
		}
		view->peers[view->peer_count++] = row;
		view->gauge_peers[agent->peers[i]->relation]++;
	}
	return true;
}

static void count_differences(const ms_zone_t *zone, ms_view_t *view)
{
	uint16_t differs = 0;
	for (size_t i = 0; i < zone->pair_count; i++) {
		differs |= ms_pair_on(&zone->pairs[i]) ? zone->pairs[i].differs : 0;
	}
	for (unsigned i = 0; differs != 0 && i < MS_COMPONENTS_MAX; i++) {
		view->gauge_differs[i] += (differs >> i) & 1;
	}
}

static bool fill_zones(const ms_agent_t *agent, const ms_view_t *old, ms_view_t *view,
                       ms_now_t now)
{
	size_t at = 0;
	for (size_t i = 0; i < agent->zone_count; i++) {
		const ms_zone_t *zone = agent->zones[i];
		/* Before the operator's word has reached us after a start, the gate is right already. */
		if (!zone->opted && zone->wanted == NULL) {
			continue;
		}
		ms_view_zone_t *row = next_zone(agent, zone, old, &at, now);
		if (row == NULL) {
			return false;
		}
		view->zones[view->zone_count++] = row;
		view->gauge_zones += zone->opted;
		view->gauge_shared += zone->opted && zone->shared;
		view->gauge_alarms += zone->opted && zone->alarms != 0;
		view->gauge_shut += zone->opted && zone->shut;
		count_differences(zone, view);
	}
	return true;
}

ms_view_t *ms_view_make(ms_agent_t *agent, const ms_view_t *old, ms_now_t now)
{
	ms_view_t *view = calloc(1, sizeof(*view));
	if (view == NULL) {
		return NULL;
	}
	view->codes = agent->config.codes;
	ms_name_copy(view->identity, agent->config.identity);
	view->strict = agent->config.gate && agent->config.combiner_role;
	view->peers = calloc(agent->peer_count + 1, sizeof(*view->peers));
	view->zones = calloc(agent->zone_count + 1, sizeof(*view->zones));
	if (view->peers == NULL || view->zones == NULL ||
	    !fill_peers(agent, old, view) || !fill_zones(agent, old, view, now)) {
		ms_view_free(view);
		return NULL;
	}
	for (size_t i = 0; i < agent->peer_count; i++) {
		agent->peers[i]->dirty = false;
	}
	ms_agent_shown(agent);
	agent->dirty = false;
	return view;
}

bool ms_view_due(const ms_agent_t *agent)
{
	bool due = agent->dirty || agent->dirty_zones != NULL;
	for (size_t i = 0; !due && i < agent->peer_count; i++) {
		due = agent->peers[i]->dirty;
	}
	return due;
}
