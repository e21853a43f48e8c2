/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

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

/* Where a zone's row stands; NULL: nowhere. */
static ms_view_zone_t **place_of(const ms_view_t *view, const knot_dname_t *name)
{
	size_t low = 0, high = view->zone_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		const ms_view_zone_t *row = __atomic_load_n(&view->zones[mid], __ATOMIC_ACQUIRE);
		int cmp = knot_dname_cmp(row->name, name);
		if (cmp == 0) {
			return &view->zones[mid];
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
	ms_view_zone_t **place = place_of(view, name);
	return place != NULL ? __atomic_load_n(place, __ATOMIC_ACQUIRE) : NULL;
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

static uint16_t differences(const ms_zone_t *zone)
{
	uint16_t differs = 0;
	for (size_t i = 0; i < zone->pair_count; i++) {
		differs |= ms_pair_on(&zone->pairs[i]) ? zone->pairs[i].differs : 0;
	}
	return differs;
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
	row->alarmed = zone->opted && zone->alarms != 0;
	row->shut = zone->opted && zone->shut;
	row->differs = differences(zone);
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

/* \a one: 1 for a row that comes, -1 for one that goes. */
static void count_zone(ms_view_t *view, const ms_view_zone_t *row, int one)
{
	view->gauge_zones += one * row->opted;
	view->gauge_shared += one * row->shared;
	view->gauge_alarms += one * row->alarmed;
	view->gauge_shut += one * row->shut;
	for (unsigned i = 0; row->differs != 0 && i < MS_COMPONENTS_MAX; i++) {
		view->gauge_differs[i] += one * ((row->differs >> i) & 1);
	}
}

/* Before the operator's word has reached us after a start, the gate is right already. */
static bool is_shown(const ms_zone_t *zone)
{
	return zone->opted || zone->wanted != NULL;
}

static bool fill_zones(const ms_agent_t *agent, const ms_view_t *old, ms_view_t *view,
                       ms_now_t now)
{
	size_t at = 0;
	for (size_t i = 0; i < agent->zone_count; i++) {
		const ms_zone_t *zone = agent->zones[i];
		if (!is_shown(zone)) {
			continue;
		}
		ms_view_zone_t *row = next_zone(agent, zone, old, &at, now);
		if (row == NULL) {
			return false;
		}
		view->zones[view->zone_count++] = row;
		count_zone(view, row, 1);
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

/* Does anything but zones need another look? */
static bool is_rest_due(const ms_agent_t *agent)
{
	bool due = agent->dirty;
	for (size_t i = 0; !due && i < agent->peer_count; i++) {
		due = agent->peers[i]->dirty;
	}
	return due;
}

bool ms_view_due(const ms_agent_t *agent)
{
	return agent->dirty_zones != NULL || is_rest_due(agent);
}

static int replace(const ms_agent_t *agent, ms_view_t *view, const ms_zone_t *zone, ms_now_t now,
                   ms_view_zone_t **old)
{
	ms_view_zone_t **place = place_of(view, zone->name);
	if ((place != NULL) != is_shown(zone)) {
		return KNOT_ENOTSUP;
	}
	if (place == NULL) {
		return KNOT_EOK;
	}
	ms_view_zone_t *row = make_zone(agent, zone, now), *before = *place;
	if (row == NULL) {
		return KNOT_ENOMEM;
	}
	__atomic_store_n(place, row, __ATOMIC_RELEASE);
	count_zone(view, before, -1);
	count_zone(view, row, 1);
	before->older = *old;
	*old = before;
	return KNOT_EOK;
}

int ms_view_update(ms_agent_t *agent, ms_view_t *view, ms_now_t now, ms_view_zone_t **old)
{
	if (is_rest_due(agent)) {
		return KNOT_ENOTSUP;
	}
	while (agent->dirty_zones != NULL) {
		ms_zone_t *zone = agent->dirty_zones;
		int ret = replace(agent, view, zone, now, old);
		if (ret != KNOT_EOK) {
			return ret;
		}
		zone->dirty = false;
		agent->dirty_zones = zone->dirty_next;
	}
	return KNOT_EOK;
}

void ms_view_drop(ms_view_zone_t *old)
{
	while (old != NULL) {
		ms_view_zone_t *older = old->older;
		unref_zone(old);
		old = older;
	}
}
