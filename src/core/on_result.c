/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/text.h"
#include "core/contribution.h"
#include "core/merge.h"
#include "core/pair.h"
#include "core/process.h"
#include "core/step.h"

/* Pause after which a failing store is tried again. */
#define SAVE_RETRY (5 * MS_SEC)

/* How often an empty zone with keys is asked for again. */
#define EMPTY_RETRY (30 * MS_SEC)

/* A list that is newer than the apex: the version it is for should be there by then. */
#define AHEAD_RETRY MS_SEC

/* Published identity records are compared again after this: the zone may have been replaced. */
#define PUBLISH_AGAIN (600 * MS_SEC)

static ms_peer_t *find_locating(const ms_agent_t *agent, uint64_t id)
{
	for (size_t i = 0; i < agent->peer_count; i++) {
		if (agent->peers[i]->locate_id == id) {
			return agent->peers[i];
		}
	}
	return NULL;
}

static bool same_locator(const ms_locator_t *a, const ms_locator_t *b)
{
	bool same = knot_dname_is_equal(a->host, b->host) && a->addr_count == b->addr_count &&
	            a->key_count == b->key_count;
	for (unsigned i = 0; same && i < a->addr_count; i++) {
		same = ms_addr_equal(&a->addr[i], &b->addr[i]);
	}
	for (unsigned i = 0; same && i < a->key_count; i++) {
		same = a->key[i].len == b->key[i].len &&
		       memcmp(a->key[i].rdata, b->key[i].rdata, a->key[i].len) == 0;
	}
	return same;
}

static void located(ms_agent_t *agent, ms_peer_t *peer, const ms_event_t *event,
                    ms_actions_t *out)
{
	bool news = !peer->has_locator || !same_locator(&peer->locator, event->locator);
	ms_peer_located(agent, peer, event->locator, event->now, out);
	if (news && event->locator->addr_count > 0) {
		char addr[MS_ADDR_TEXT_MAX];
		ms_addr_to_text(&event->locator->addr[0], addr);
		ms_action_log(out, MS_LOG_INFO, NULL, peer->identity,
		              "address %s and %u key(s) are validated -> say HELLO", addr,
		              event->locator->key_count);
		/* What failed before may work at the new place. */
		for (size_t i = 0; i < agent->zone_count; i++) {
			ms_zone_t *zone = agent->zones[i];
			ms_pair_t *pair = ms_pair_find(zone, peer->identity);
			if (pair != NULL) {
				pair->hello_at = pair->send_at = event->now.mono;
				ms_zone_wake_at(zone, event->now.mono);
			}
		}
	}
}

int ms_on_located(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_peer_t *peer = find_locating(agent, event->id);
	if (peer == NULL) {
		return KNOT_EOK;
	}
	peer->locate_id = 0;
	peer->dirty = true;
	agent->dirty = true;
	if (event->ret == KNOT_EOK && event->locator != NULL) {
		located(agent, peer, event, out);
		int ret = ms_peer_persist(peer, out);
		ms_agent_wake(agent, event->now.mono);
		return ret;
	}
	peer->locate_failures++;
	int64_t pause = ms_backoff(agent->config.hello_retry, peer->locate_failures);
	peer->locate_at = ms_time_add(event->now.mono, pause);
	peer->locate_fresh = true;
	ms_agent_wake(agent, peer->locate_at);
	const char *why = event->reason[0] != '\0' ? event->reason : knot_strerror(event->ret);
	if (strcmp(why, peer->reason) != 0) {
		ms_action_log(out, MS_LOG_WARNING, NULL, peer->identity,
		              "look-up failed: %s -> stays %s, again in %d s", why,
		              ms_relation_name(peer->relation), (int)(pause / MS_SEC));
	}
	ms_text_copy(peer->reason, why, sizeof(peer->reason));
	ms_action_count(out, MS_CTR_LOCATE_FAILED);
	return KNOT_EOK;
}

static void heartbeat_answered(ms_agent_t *agent, ms_peer_t *peer, const ms_event_t *event,
                               ms_actions_t *out)
{
	peer->beat_id = 0;
	if (event->ret == KNOT_EOK) {
		ms_peer_event(agent, peer, MS_PEER_HEARD, event->now, out);
	} else {
		ms_action_count(out, MS_CTR_TIMEOUT);
		if (event->ret == KNOT_EDENIED) {
			peer->locate_fresh = true;
			peer->locate_at = ms_time_min(peer->locate_at, event->now.mono);
		}
	}
	ms_agent_wake(agent, ms_peer_deadline(agent, peer));
}

int ms_on_answered(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_sent_t sent;
	if (!ms_sent_take(agent, event->id, &sent)) {
		return KNOT_EOK;
	}
	for (size_t i = 0; i < agent->peer_count; i++) {
		if (agent->peers[i]->beat_id == event->id) {
			heartbeat_answered(agent, agent->peers[i], event, out);
			return KNOT_EOK;
		}
	}
	for (size_t i = 0; i < sent.zone->pair_count; i++) {
		ms_pair_t *pair = &sent.zone->pairs[i];
		if (pair->sent_id == event->id) {
			ms_pair_answered(agent, sent.zone, pair, event->ret, event->answer, event->reason,
			                 event->now, out);
			break;
		}
	}
	return ms_zone_settle(agent, sent.zone, event->now, out);
}

static void published(ms_agent_t *agent, const ms_event_t *event, ms_actions_t *out)
{
	const char *why = event->reason[0] != '\0' ? event->reason : knot_strerror(event->ret);
	bool was = agent->published;
	agent->publish_id = 0;
	agent->dirty = true;
	if (event->ret == KNOT_EOK && event->edited.refused_count == 0) {
		agent->publish_failures = 0;
		agent->publish_at = ms_time_add(event->now.mono, PUBLISH_AGAIN);
		agent->published = true;
		agent->publish_reason[0] = '\0';
		if (event->edited.changed || !was) {
			ms_action_log(out, MS_LOG_NOTICE, NULL, agent->config.identity,
			              "URI, SVCB, KEY are published in the identity zone%s",
			              event->edited.changed ? "" : " (unchanged)");
		}
	} else {
		if (event->ret == KNOT_EOK) {
			why = event->edited.refused[0].reason;
		}
		agent->publish_failures++;
		int64_t pause = ms_backoff(MS_SEC, agent->publish_failures);
		agent->publish_at = ms_time_add(event->now.mono, pause);
		if (strcmp(agent->publish_reason, why) != 0) {
			ms_action_log(out, MS_LOG_WARNING, NULL, agent->config.identity,
			              "publication failed: %s -> again in %d s", why,
			              (int)(pause / MS_SEC));
		}
		agent->published = false;
		ms_text_copy(agent->publish_reason, why, sizeof(agent->publish_reason));
	}
	ms_agent_wake(agent, agent->publish_at);
}

int ms_on_edited(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	if (event->id == agent->publish_id && event->id != 0) {
		published(agent, event, out);
		return KNOT_EOK;
	}
	ms_zone_t *zone = ms_zone_find(agent, event->zone);
	if (zone == NULL || zone->edit_id != event->id) {
		return KNOT_EOK;
	}
	ms_merge_edited(agent, zone, event, out);
	return ms_zone_settle(agent, zone, event->now, out);
}

static void keys_failed(ms_agent_t *agent, ms_zone_t *zone, const ms_event_t *event,
                        ms_actions_t *out)
{
	const char *why = event->reason[0] != '\0' ? event->reason : knot_strerror(event->ret);
	zone->keys_failures++;
	zone->keys_at = ms_time_add(event->now.mono,
	                            ms_backoff(agent->config.hello_retry, zone->keys_failures));
	ms_zone_alarm(zone, MS_ALARM_KEYS_FAILING, true, why, out);
}

/* Remembers the keys that are not withdrawn (those go on being listed for the delete-delay). */
static int take_keys(ms_zone_t *zone, const ms_event_t *event, bool *any, bool *all)
{
	ms_rec_own_t *own = calloc(1, sizeof(*own));
	if (own == NULL) {
		return KNOT_ENOMEM;
	}
	*all = true;
	for (size_t i = 0; i < event->keys.count; i++) {
		const ms_own_key_t *key = &event->keys.list[i];
		if (key->removed) {
			continue;
		}
		if (own->count == MS_OWN_KEYS_MAX) {
			*all = false;
			break;
		}
		memcpy(own->keyid[own->count++], key->id, sizeof(key->id));
	}
	*any = own->count > 0;
	ms_zone_touch(zone);
	return ms_zone_set_own_keys(zone, own);
}

static bool is_listed(const ms_event_t *event, const char *id)
{
	for (size_t i = 0; i < event->keys.count; i++) {
		if (!event->keys.list[i].removed && strcmp(event->keys.list[i].id, id) == 0) {
			return true;
		}
	}
	return false;
}

/* A key that was ours until now stands in the apex: the list is newer than what we know of the zone.
 * Taken for one that fits, it would make that key somebody else's, who gets it back. */
static bool is_ahead(const ms_zone_t *zone, const ms_event_t *event)
{
	knot_rdata_t *rr = zone->apex.set[MS_APEX_DNSKEY].rrs.rdata;
	for (uint16_t i = 0; i < zone->apex.set[MS_APEX_DNSKEY].rrs.count;
	     i++, rr = knot_rdataset_next(rr)) {
		char id[MS_KEYID_LEN + 1];
		if (ms_key_is_own(zone, rr->data, rr->len) &&
		    ms_dnskey_keyid(rr->data, rr->len, id) == KNOT_EOK && !is_listed(event, id)) {
			return true;
		}
	}
	return false;
}

int ms_on_keys(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_zone_t *zone = ms_zone_find(agent, event->zone);
	if (zone == NULL || zone->keys_id != event->id) {
		return KNOT_EOK;
	}
	zone->keys_id = 0;
	ms_process_keys(zone, event);
	if (event->ret != KNOT_EOK) {
		keys_failed(agent, zone, event, out);
		return ms_zone_settle(agent, zone, event->now, out);
	}
	zone->keys_failures = 0;
	zone->list_new = false;
	bool any, all, ahead = is_ahead(zone, event);
	int ret = take_keys(zone, event, &any, &all);
	ms_zone_alarm(zone, MS_ALARM_KEYS_FAILING, ret == KNOT_EOK && !all,
	              "the zone has too many keys: withdraw some with keymgr", out);
	if (ret != KNOT_EOK) {
		zone->keys_at = ms_time_add(event->now.mono, MS_SEC);
		return ret;
	}
	if (zone->loaded && zone->shared) {
		zone->own_listed = all;
		/* Of no apex, then: the next version comes soon, or that key stays as it is. */
		zone->keys_at = ms_time_add(event->now.mono, ahead ? AHEAD_RETRY : 0);
		zone->own_keys->dnskey = ahead ? (ms_digest_t){ { 0 } } : zone->keys_asked;
		zone->list_new = all;
		ret = ms_zone_persist_own(zone, out);
	} else if (!any && !event->keys.made && zone->managed) {
		/* An empty list is none: if making them fails, they are asked for again. */
		(void)ms_zone_set_own_keys(zone, NULL);
		ret = ms_zone_make_keys(agent, zone, out);
	} else if (!any) {
		zone->keys_at = ms_time_add(event->now.mono, EMPTY_RETRY);
		(void)ms_zone_set_own_keys(zone, NULL);
	} else {
		zone->keys_at = ms_time_add(event->now.mono, EMPTY_RETRY);
		zone->list_new = all;
		ms_action_log(out, MS_LOG_NOTICE, zone->name, NULL, "%s -> wait for the zone to load",
		              event->keys.made ? "the first keys are made and loaded"
		                               : "the zone has keys but no content");
	}
	int settled = ms_zone_settle(agent, zone, event->now, out);
	return ret != KNOT_EOK ? ret : settled;
}

/* What may be done to a zone depends on the store. */
static void wake_zones(ms_agent_t *agent, ms_now_t now)
{
	for (size_t i = 0; i < agent->zone_count; i++) {
		ms_zone_wake_at(agent->zones[i], now.mono);
	}
	ms_agent_wake(agent, now.mono);
}

/* What could not be told while it was not on disk. */
static void tell_positions(ms_agent_t *agent)
{
	for (size_t i = 0; i < agent->zone_count; i++) {
		const ms_zone_t *zone = agent->zones[i];
		bool open = zone->process != NULL &&
		            (zone->process->kind != MS_PROC_NONE || !zone->process->founded);
		for (size_t k = 0; open && k < zone->pair_count; k++) {
			zone->pairs[k].state_wanted = true;
		}
	}
}

/* What failed before must follow, all of it, even if some later record got through. */
int ms_agent_save(ms_agent_t *agent, ms_now_t now, ms_actions_t *out)
{
	int ret = ms_agent_persist_all(agent, out);
	agent->save_at = ret == KNOT_EOK ? MS_TIME_NEVER : ms_time_add(now.mono, MS_SEC);
	if (ret != KNOT_EOK || !agent->store_works) {
		ms_agent_wake(agent, agent->save_at);
		return ret;
	}
	agent->unsaved = false;
	agent->dirty = true;
	wake_zones(agent, now);
	tell_positions(agent);
	ms_action_log(out, MS_LOG_NOTICE, NULL, agent->config.identity,
	              "the store works again -> everything is written");
	return KNOT_EOK;
}

int ms_on_stored(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	if (event->ret != KNOT_EOK) {
		if (!agent->unsaved) {
			ms_action_log(out, MS_LOG_ERROR, NULL, agent->config.identity,
			              "the store failed: %s -> nothing is confirmed until it works again",
			              event->reason[0] != '\0' ? event->reason
			                                       : knot_strerror(event->ret));
		}
		agent->unsaved = true;
		agent->store_works = false;
		wake_zones(agent, event->now);
		agent->save_at = ms_time_add(event->now.mono, SAVE_RETRY);
		ms_agent_wake(agent, agent->save_at);
		agent->dirty = true;
		return KNOT_EOK;
	}
	agent->store_works = true;
	agent->dirty = true;
	return agent->unsaved ? ms_agent_save(agent, event->now, out) : KNOT_EOK;
}
