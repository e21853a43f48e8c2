/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/model.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "core/delegation.h"
#include "core/process.h"

/* After so many zones more a peer's row of the view is made anew: a message more or less for each of
 * them does not matter. */
#define PEER_ZONES_STEP 64

static int copy_config(ms_config_t *dst, const ms_config_t *src)
{
	ms_config_t copy = *src;
	copy.ns = (ms_rrset_t){ 0 };
	copy.orders = malloc((src->order_count + 1) * sizeof(*copy.orders));
	int ret = copy.orders != NULL ? ms_rrset_copy(&copy.ns, &src->ns) : KNOT_ENOMEM;
	if (ret != KNOT_EOK) {
		free(copy.orders);
		return ret;
	}
	if (src->order_count > 0) {
		memcpy(copy.orders, src->orders, src->order_count * sizeof(*copy.orders));
	}
	knot_dname_to_lower(copy.identity);
	knot_dname_to_lower(copy.host);
	ms_rrset_clear(&dst->ns);
	free(dst->orders);
	*dst = copy;
	return KNOT_EOK;
}

int ms_agent_init(ms_agent_t *agent, const ms_config_t *config, uint64_t seed, ms_now_t now)
{
	*agent = (ms_agent_t){
		.rng = { seed },
		.save_at = MS_TIME_NEVER,
		.publish_at = config->publish ? now.mono : MS_TIME_NEVER,
		.deadline = now.mono,
		.steady = now.wall.s * MS_SEC - now.mono.us,
		.dirty = true,
	};
	agent->session = ms_rng_next(&agent->rng) | 1;
	return copy_config(&agent->config, config);
}

static void clear_pair(ms_pair_t *pair)
{
	ms_contribution_clear(&pair->held);
	knot_dname_free(pair->subject, NULL);
	knot_dname_free(pair->leader, NULL);
}

static bool has_all(const ms_contribution_t *all, const ms_contribution_t *some)
{
	bool has = true;
	for (unsigned type = 0; type < MS_CONTRIB_TYPES; type++) {
		const knot_rdataset_t *set = &some->set[type].rrs;
		has &= set->count == 0 || knot_rdataset_subset(set, &all->set[type].rrs);
	}
	return has;
}

int ms_zone_written_next(ms_zone_t *zone, ms_contribution_t *next)
{
	/* Of less, the disk may well know more. */
	if (zone->before == NULL && !has_all(&zone->written, next)) {
		zone->before = calloc(1, sizeof(*zone->before));
		if (zone->before == NULL) {
			return KNOT_ENOMEM;
		}
		zone->before->written = zone->written;
		zone->before->noted = ms_wanted_ref(zone->noted);
		zone->written = (ms_contribution_t){ 0 };
	}
	ms_contribution_clear(&zone->written);
	zone->written = *next;
	*next = (ms_contribution_t){ 0 };
	zone->has_written = true;
	return KNOT_EOK;
}

void ms_zone_written_kept(ms_zone_t *zone)
{
	if (zone->before != NULL) {
		ms_contribution_clear(&zone->before->written);
		ms_wanted_unref(zone->before->noted);
		free(zone->before);
		zone->before = NULL;
	}
}

void ms_zone_written_lost(ms_zone_t *zone)
{
	if (zone->before != NULL) {
		ms_contribution_clear(&zone->written);
		ms_wanted_unref(zone->noted);
		zone->written = zone->before->written;
		zone->noted = zone->before->noted;
		free(zone->before);
		zone->before = NULL;
	}
}

static void free_zone(ms_zone_t *zone)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		clear_pair(&zone->pairs[i]);
	}
	free(zone->pairs);
	ms_apex_clear(&zone->apex);
	ms_contribution_clear(&zone->own);
	ms_contribution_clear(&zone->written);
	ms_contribution_clear(&zone->local);
	ms_zone_written_kept(zone);
	ms_rrset_clear(&zone->owner.ns);
	ms_wanted_unref(zone->wanted);
	ms_wanted_unref(zone->noted);
	if (zone->strays != NULL) {
		ms_contribution_clear(zone->strays);
		free(zone->strays);
	}
	for (unsigned i = 0; zone->alarm_why != NULL && i < MS_ALARM_COUNT; i++) {
		free(zone->alarm_why[i]);
	}
	free(zone->alarm_why);
	ms_delegation_free(zone->delegation);
	ms_process_free(zone->process);
	free(zone->components);
	free(zone->own_keys);
	free(zone->quarantine);
	knot_dname_free(zone->name, NULL);
	free(zone);
}

static void free_peer(ms_peer_t *peer)
{
	knot_dname_free(peer->identity, NULL);
	ms_waiters_deinit(&peer->waiters);
	free(peer);
}

void ms_agent_deinit(ms_agent_t *agent)
{
	for (size_t i = 0; i < agent->zone_count; i++) {
		free_zone(agent->zones[i]);
	}
	for (size_t i = 0; i < agent->peer_count; i++) {
		free_peer(agent->peers[i]);
	}
	free(agent->zones);
	ms_wakes_deinit(&agent->wakes);
	free(agent->peers);
	free(agent->spent);
	free(agent->sent);
	ms_rrset_clear(&agent->config.ns);
	free(agent->config.orders);
	*agent = (ms_agent_t){ 0 };
}

int ms_agent_configure(ms_agent_t *agent, const ms_config_t *config, ms_now_t now)
{
	int ret = copy_config(&agent->config, config);
	if (ret == KNOT_EOK) {
		agent->published = false;
		agent->publish_at = config->publish ? now.mono : MS_TIME_NEVER;
		agent->dirty = true;
		for (size_t i = 0; i < agent->zone_count; i++) {
			ms_zone_touch(agent->zones[i]);
		}
		ms_agent_wake(agent, now.mono);
	}
	return ret;
}

uint64_t ms_agent_id(ms_agent_t *agent)
{
	return ++agent->next_id;
}

void ms_agent_wake(ms_agent_t *agent, ms_time_t when)
{
	agent->deadline = ms_time_min(agent->deadline, when);
}

/*
 * Both tables are arrays of pointers sorted by the name their rows begin with; this finds the
 * place of a name. \return true where it is there already.
 */
static bool find_place(void *const *rows, size_t count, const knot_dname_t *(*name_of)(const void *),
                       const knot_dname_t *name, size_t *place)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int cmp = knot_dname_cmp(name_of(rows[mid]), name);
		if (cmp == 0) {
			*place = mid;
			return true;
		}
		if (cmp < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	*place = low;
	return false;
}

static void **insert_row(void **rows, size_t *count, size_t place, void *row)
{
	void **grown = rows;
	/* Room is a power of two, so that ten thousand zones do not mean ten thousand copies. */
	if ((*count & (*count - 1)) == 0) {
		grown = realloc(rows, (*count > 0 ? 2 * *count : 1) * sizeof(*rows));
		if (grown == NULL) {
			return NULL;
		}
	}
	memmove(grown + place + 1, grown + place, (*count - place) * sizeof(*grown));
	grown[place] = row;
	(*count)++;
	return grown;
}

static const knot_dname_t *peer_name(const void *row)
{
	return ((const ms_peer_t *)row)->identity;
}

static const knot_dname_t *zone_name(const void *row)
{
	return ((const ms_zone_t *)row)->name;
}

ms_peer_t *ms_peer_get(ms_agent_t *agent, const knot_dname_t *identity, ms_now_t now)
{
	size_t place;
	if (find_place((void *const *)agent->peers, agent->peer_count, peer_name, identity, &place)) {
		return agent->peers[place];
	}
	ms_peer_t *peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		return NULL;
	}
	peer->identity = knot_dname_copy(identity, NULL);
	void **grown = peer->identity == NULL ? NULL
	             : insert_row((void **)agent->peers, &agent->peer_count, place, peer);
	if (grown == NULL) {
		free_peer(peer);
		return NULL;
	}
	agent->peers = (ms_peer_t **)grown;
	peer->locate_at = now.mono;
	peer->expire_at = MS_TIME_NEVER;
	peer->heard_at = now.mono;
	peer->beat_at = MS_TIME_NEVER;
	peer->dirty = true;
	agent->dirty = true;
	ms_agent_wake(agent, now.mono);
	return peer;
}

void ms_peer_unref(ms_agent_t *agent, ms_peer_t *peer)
{
	if (--peer->refs == 0) {
		ms_agent_wake(agent, (ms_time_t){ 0 });
	}
}

void ms_peer_remove(ms_agent_t *agent, ms_peer_t *peer)
{
	size_t place;
	if (!find_place((void *const *)agent->peers, agent->peer_count, peer_name, peer->identity,
	                &place)) {
		return;
	}
	agent->peer_count--;
	memmove(agent->peers + place, agent->peers + place + 1,
	        (agent->peer_count - place) * sizeof(*agent->peers));
	free_peer(peer);
	agent->dirty = true;
}

/* The list with room for one more item behind the \a count that are there; doubles from 64 on.
 * NULL when memory is out: the old list stays. */
static void *grow(void *list, size_t *room, size_t count, size_t item)
{
	if (count < *room) {
		return list;
	}
	size_t more = *room > 0 ? 2 * *room : 64;
	void *grown = realloc(list, more * item);
	*room = grown != NULL ? more : *room;
	return grown;
}

int ms_sent_add(ms_agent_t *agent, uint64_t id, ms_zone_t *zone)
{
	ms_sent_t *list = grow(agent->sent, &agent->sent_room, agent->sent_count, sizeof(*list));
	if (list == NULL) {
		return KNOT_ENOMEM;
	}
	agent->sent = list;
	agent->sent[agent->sent_count++] = (ms_sent_t){ id, zone };
	return KNOT_EOK;
}

bool ms_sent_take(ms_agent_t *agent, uint64_t id, ms_sent_t *out)
{
	for (size_t i = 0; i < agent->sent_count; i++) {
		if (agent->sent[i].id == id) {
			*out = agent->sent[i];
			agent->sent[i] = agent->sent[--agent->sent_count];
			return true;
		}
	}
	return false;
}

int ms_spent_add(ms_agent_t *agent, const uint8_t hash[MS_SIG_HASH_LEN], uint32_t expiration)
{
	ms_spent_t *list = grow(agent->spent, &agent->spent_room, agent->spent_count, sizeof(*list));
	if (list == NULL) {
		return KNOT_ENOMEM;
	}
	agent->spent = list;
	ms_spent_t *spent = &agent->spent[agent->spent_count++];
	memcpy(spent->hash, hash, sizeof(spent->hash));
	spent->expiration = expiration;
	return KNOT_EOK;
}

ms_zone_t *ms_zone_find(const ms_agent_t *agent, const knot_dname_t *name)
{
	size_t place;
	return find_place((void *const *)agent->zones, agent->zone_count, zone_name, name, &place)
	       ? agent->zones[place] : NULL;
}

ms_zone_t *ms_zone_get(ms_agent_t *agent, const knot_dname_t *name)
{
	size_t place;
	if (find_place((void *const *)agent->zones, agent->zone_count, zone_name, name, &place)) {
		return agent->zones[place];
	}
	ms_zone_t *zone = calloc(1, sizeof(*zone));
	if (zone == NULL) {
		return NULL;
	}
	zone->name = knot_dname_copy(name, NULL);
	zone->wake = MS_TIME_NEVER;
	void **grown = zone->name == NULL || ms_wakes_room(&agent->wakes) != KNOT_EOK ? NULL
	             : insert_row((void **)agent->zones, &agent->zone_count, place, zone);
	if (grown == NULL) {
		free_zone(zone);
		return NULL;
	}
	agent->zones = (ms_zone_t **)grown;
	ms_wakes_add(&agent->wakes, zone);
	zone->agent = agent;
	zone->nsmgmt = MS_HSYNC_OWNER;
	zone->keys_at = MS_TIME_NEVER;
	ms_zone_touch(zone);
	return zone;
}

void ms_zone_wake_at(ms_zone_t *zone, ms_time_t when)
{
	if (when.us != zone->wake.us) {
		zone->wake = when;
		ms_wakes_moved(&zone->agent->wakes, zone);
	}
}

void ms_agent_shown(ms_agent_t *agent)
{
	for (ms_zone_t *zone = agent->dirty_zones; zone != NULL; zone = zone->dirty_next) {
		zone->dirty = false;
	}
	agent->dirty_zones = NULL;
}

int ms_zone_set_own_keys(ms_zone_t *zone, ms_rec_own_t *own)
{
	ms_rec_own_t *fit = NULL;
	if (own != NULL) {
		/* Ten thousand zones have two keys each, not sixteen. */
		size_t size = offsetof(ms_rec_own_t, keyid) + own->count * sizeof(own->keyid[0]);
		fit = malloc(size);
		if (fit != NULL) {
			memcpy(fit, own, size);
		}
		free(own);
		if (fit == NULL) {
			return KNOT_ENOMEM;
		}
	}
	free(zone->own_keys);
	zone->own_keys = fit;
	return KNOT_EOK;
}

ms_pair_t *ms_pair_find(const ms_zone_t *zone, const knot_dname_t *identity)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		if (knot_dname_is_equal(zone->pairs[i].peer->identity, identity)) {
			return &zone->pairs[i];
		}
	}
	return NULL;
}

ms_pair_t *ms_pair_get(ms_agent_t *agent, ms_zone_t *zone, const knot_dname_t *identity,
                       ms_now_t now)
{
	ms_pair_t *pair = ms_pair_find(zone, identity);
	if (pair != NULL || zone->pair_count == MS_PAIRS_MAX) {
		return pair;
	}
	ms_peer_t *peer = ms_peer_get(agent, identity, now);
	if (peer == NULL) {
		return NULL;
	}
	/* Hooks know roughly how many zones it has with us. */
	peer->dirty |= peer->refs++ % PEER_ZONES_STEP == 0;
	ms_pair_t *pairs = realloc(zone->pairs, (zone->pair_count + 1) * sizeof(*pairs));
	if (pairs == NULL) {
		ms_peer_unref(agent, peer);
		return NULL;
	}
	zone->pairs = pairs;
	pair = &pairs[zone->pair_count++];
	*pair = (ms_pair_t){ .peer = peer, .state_at = MS_TIME_NEVER };
	ms_zone_touch(zone);
	return pair;
}

void ms_pair_remove(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair)
{
	ms_peer_t *peer = pair->peer;
	if (pair->sent_id != 0) {
		ms_peer_free_place(agent, peer);
	}
	if (pair->waits) {
		ms_waiters_drop(&peer->waiters, zone);
	}
	clear_pair(pair);
	size_t place = pair - zone->pairs;
	zone->pair_count--;
	memmove(pair, pair + 1, (zone->pair_count - place) * sizeof(*pair));
	ms_zone_touch(zone);
	ms_peer_unref(agent, peer);
}

ms_wanted_t *ms_wanted_ref(ms_wanted_t *wanted)
{
	if (wanted != NULL) {
		wanted->refs++;
	}
	return wanted;
}

void ms_wanted_unref(ms_wanted_t *wanted)
{
	if (wanted != NULL && --wanted->refs == 0) {
		ms_contribution_clear(&wanted->data);
		if (wanted->banned != NULL) {
			ms_contribution_clear(wanted->banned);
			free(wanted->banned);
		}
		free(wanted);
	}
}

const char *ms_alarm_name(ms_alarm_t alarm)
{
	static const char *const names[MS_ALARM_COUNT] = {
		[MS_ALARM_HSYNC_INVALID]  = "hsync-invalid",
		[MS_ALARM_HSYNC_CONFLICT] = "hsync-conflict",
		[MS_ALARM_HSYNC_GONE]     = "hsync-gone",
		[MS_ALARM_NSMGMT]         = "nsmgmt-disagreement",
		[MS_ALARM_UPSTREAM]       = "upstream-loop",
		[MS_ALARM_NOT_LISTED]     = "not-listed",
		[MS_ALARM_NO_SIGNER]      = "no-signer",
		[MS_ALARM_KEYS_AUTOMATIC] = "keys-automatic",
		[MS_ALARM_KEYS_SHED]      = "keys-shed",
		[MS_ALARM_KEYS_FAILING]   = "keys-failing",
		[MS_ALARM_EDIT_FAILING]   = "edit-failing",
		[MS_ALARM_RECORD_REFUSED] = "record-refused",
		[MS_ALARM_PEER_REFUSES]   = "peer-refuses",
		[MS_ALARM_LEAVING]        = "leaving",
		[MS_ALARM_GATE_SHUT]      = "gate-shut",
		[MS_ALARM_OWNER_DNSSEC]   = "owner-dnssec",
		[MS_ALARM_SIGNED_INPUT]   = "signed-input",
		[MS_ALARM_APEX_DIFFERS]   = "apex-differs",
		[MS_ALARM_NS_DIFFER]      = "ns-differ",
		[MS_ALARM_PROCESS]        = "process",
		[MS_ALARM_PARENT]         = "parent",
	};
	return names[alarm];
}

const char *ms_alarm_reason(const ms_zone_t *zone, ms_alarm_t alarm)
{
	return zone->alarm_why != NULL && zone->alarm_why[alarm] != NULL ? zone->alarm_why[alarm] : "";
}

/* For the state; without memory the log alone has it. */
static void note_reason(ms_zone_t *zone, ms_alarm_t alarm, const char *why)
{
	if (zone->alarm_why == NULL) {
		zone->alarm_why = calloc(MS_ALARM_COUNT, sizeof(*zone->alarm_why));
	}
	if (zone->alarm_why != NULL) {
		free(zone->alarm_why[alarm]);
		zone->alarm_why[alarm] = why != NULL ? strdup(why) : NULL;
	}
}

void ms_zone_alarm(ms_zone_t *zone, ms_alarm_t alarm, bool on, const char *why, ms_actions_t *out)
{
	if (ms_zone_alarmed(zone, alarm) == on) {
		return;
	}
	zone->alarms ^= 1u << alarm;
	note_reason(zone, alarm, on ? why : NULL);
	ms_zone_touch(zone);
	if (on) {
		ms_action_log(out, MS_LOG_WARNING, zone->name, NULL, "ALARM %s: %s",
		              ms_alarm_name(alarm), why);
	} else {
		ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL, "alarm %s is over",
		              ms_alarm_name(alarm));
	}
}
