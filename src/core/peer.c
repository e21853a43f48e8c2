/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/peer.h"

#include <stdlib.h>

#include "base/name.h"
#include "core/model.h"
#include "core/pair.h"
#include "core/step.h"

/* A validated locator is looked up again after this part of its life. */
#define RELOCATE_NUM 3
#define RELOCATE_DEN 4

/* Heartbeats wander by up to a tenth of the interval, so that agents do not march in step. */
#define JITTER_DEN 10

#define BEAT_TRIES   3
#define BEAT_TIMEOUT MS_SEC

/* Every pair of relation and event. What stays as it is stands here, too. */
static const ms_relation_t transitions[MS_PEER_RELATIONS][MS_PEER_EVENTS] = {
	[MS_PEER_NEEDED] = {
		[MS_PEER_LOCATED] = MS_PEER_KNOWN,
		[MS_PEER_EXPIRED] = MS_PEER_NEEDED,
		[MS_PEER_GREETED] = MS_PEER_NEEDED, /* its key has just expired */
		[MS_PEER_HEARD]   = MS_PEER_NEEDED,
		[MS_PEER_SILENT]  = MS_PEER_NEEDED,
		[MS_PEER_LOST]    = MS_PEER_NEEDED,
	},
	[MS_PEER_KNOWN] = {
		[MS_PEER_LOCATED] = MS_PEER_KNOWN,
		[MS_PEER_EXPIRED] = MS_PEER_NEEDED,
		[MS_PEER_GREETED] = MS_PEER_OPERATIONAL,
		[MS_PEER_HEARD]   = MS_PEER_KNOWN, /* only a HELLO opens the relation (C-14) */
		[MS_PEER_SILENT]  = MS_PEER_KNOWN,
		[MS_PEER_LOST]    = MS_PEER_KNOWN,
	},
	[MS_PEER_OPERATIONAL] = {
		[MS_PEER_LOCATED] = MS_PEER_OPERATIONAL,
		[MS_PEER_EXPIRED] = MS_PEER_NEEDED,
		[MS_PEER_GREETED] = MS_PEER_OPERATIONAL,
		[MS_PEER_HEARD]   = MS_PEER_OPERATIONAL,
		[MS_PEER_SILENT]  = MS_PEER_DEGRADED,
		[MS_PEER_LOST]    = MS_PEER_INTERRUPTED,
	},
	[MS_PEER_DEGRADED] = {
		[MS_PEER_LOCATED] = MS_PEER_DEGRADED,
		[MS_PEER_EXPIRED] = MS_PEER_NEEDED,
		[MS_PEER_GREETED] = MS_PEER_OPERATIONAL,
		[MS_PEER_HEARD]   = MS_PEER_OPERATIONAL,
		[MS_PEER_SILENT]  = MS_PEER_DEGRADED,
		[MS_PEER_LOST]    = MS_PEER_INTERRUPTED,
	},
	[MS_PEER_INTERRUPTED] = {
		[MS_PEER_LOCATED] = MS_PEER_INTERRUPTED,
		[MS_PEER_EXPIRED] = MS_PEER_NEEDED,
		[MS_PEER_GREETED] = MS_PEER_OPERATIONAL,
		[MS_PEER_HEARD]   = MS_PEER_OPERATIONAL,
		[MS_PEER_SILENT]  = MS_PEER_INTERRUPTED,
		[MS_PEER_LOST]    = MS_PEER_INTERRUPTED,
	},
};

ms_relation_t ms_peer_next(ms_relation_t relation, ms_peer_event_t event)
{
	return transitions[relation][event];
}

const char *ms_relation_name(ms_relation_t relation)
{
	static const char *const names[MS_PEER_RELATIONS] = {
		[MS_PEER_NEEDED]      = "NEEDED",
		[MS_PEER_KNOWN]       = "KNOWN",
		[MS_PEER_OPERATIONAL] = "OPERATIONAL",
		[MS_PEER_DEGRADED]    = "DEGRADED",
		[MS_PEER_INTERRUPTED] = "INTERRUPTED",
	};
	return names[relation];
}

const char *ms_peer_event_name(ms_peer_event_t event)
{
	static const char *const names[MS_PEER_EVENTS] = {
		[MS_PEER_LOCATED] = "located",
		[MS_PEER_EXPIRED] = "expired",
		[MS_PEER_GREETED] = "greeted",
		[MS_PEER_HEARD]   = "heard",
		[MS_PEER_SILENT]  = "silent",
		[MS_PEER_LOST]    = "lost",
	};
	return names[event];
}

static bool in_contact(const ms_peer_t *peer)
{
	return peer->relation >= MS_PEER_OPERATIONAL;
}

/* Without its key nothing it said before counts: every zone needs a new HELLO. */
static void forget_greetings(ms_agent_t *agent, const ms_peer_t *peer)
{
	for (size_t i = 0; i < agent->zone_count; i++) {
		ms_zone_t *zone = agent->zones[i];
		for (size_t k = 0; k < zone->pair_count; k++) {
			ms_pair_t *pair = &zone->pairs[k];
			if (pair->peer == peer) {
				pair->greeted = pair->greeted_by = false;
				ms_zone_touch(zone);
			}
		}
	}
}

/* All zones of the peer have something new to say, or may say it again. */
static void wake_zones(ms_agent_t *agent, const ms_peer_t *peer, ms_time_t when)
{
	for (size_t i = 0; i < agent->zone_count; i++) {
		ms_zone_t *zone = agent->zones[i];
		for (size_t k = 0; k < zone->pair_count; k++) {
			if (zone->pairs[k].peer == peer) {
				ms_zone_wake_by(zone, when);
				ms_zone_touch(zone);
				break;
			}
		}
	}
	ms_agent_wake(agent, when);
}

void ms_peer_free_place(ms_agent_t *agent, ms_peer_t *peer)
{
	peer->window -= peer->window > 0;
	if (peer->waiters.count > 0) {
		ms_agent_wake(agent, (ms_time_t){ 0 });
	}
}

void ms_peer_event(ms_agent_t *agent, ms_peer_t *peer, ms_peer_event_t event, ms_now_t now,
                   ms_actions_t *out)
{
	if (event == MS_PEER_GREETED || event == MS_PEER_HEARD) {
		/* Shown to the second; more often is not worth a new view. */
		agent->dirty |= ms_time_diff(peer->heard_at, now.mono) > MS_SEC;
		peer->heard_at = now.mono;
	}
	ms_relation_t next = ms_peer_next(peer->relation, event);
	if (next == peer->relation) {
		return;
	}
	ms_action_log(out, next > MS_PEER_OPERATIONAL ? MS_LOG_WARNING : MS_LOG_NOTICE, NULL,
	              peer->identity, "%s -> %s (was %s)%s%s", ms_peer_event_name(event),
	              ms_relation_name(next), ms_relation_name(peer->relation),
	              next == MS_PEER_NEEDED && peer->reason[0] != '\0' ? ": " : "",
	              next == MS_PEER_NEEDED ? peer->reason : "");
	bool back = next == MS_PEER_OPERATIONAL;
	peer->relation = next;
	peer->dirty = true;
	agent->dirty = true;

	switch (next) {
	case MS_PEER_NEEDED:
		peer->has_locator = false;
		peer->locate_at = now.mono;
		peer->beat_at = MS_TIME_NEVER;
		forget_greetings(agent, peer);
		break;
	case MS_PEER_DEGRADED:
	case MS_PEER_INTERRUPTED:
		/* It may have moved or changed its key: what is cached is not good enough now. */
		peer->locate_fresh = true;
		peer->locate_at = now.mono;
		break;
	default:
		break;
	}
	if (back && ms_time_is_never(peer->beat_at)) {
		peer->beat_at = ms_time_add(now.mono, agent->config.heartbeat);
	}
	wake_zones(agent, peer, now.mono);
}

static int locate(ms_agent_t *agent, ms_peer_t *peer, ms_actions_t *out)
{
	ms_action_t *action = ms_action_add(out, MS_ACT_LOCATE);
	if (action == NULL) {
		return KNOT_ENOMEM;
	}
	action->id = peer->locate_id = ms_agent_id(agent);
	ms_name_copy(action->locate.identity, peer->identity);
	action->locate.fresh = peer->locate_fresh;
	peer->locate_fresh = false;
	ms_action_count(out, MS_CTR_LOCATE);
	return KNOT_EOK;
}

/* Any zone that both sides are known to share will do: a heartbeat is about the peer. */
static ms_zone_t *beat_zone(const ms_agent_t *agent, const ms_peer_t *peer)
{
	for (size_t i = 0; i < agent->zone_count; i++) {
		ms_zone_t *zone = agent->zones[i];
		for (size_t k = 0; zone->opted && zone->shared && k < zone->pair_count; k++) {
			const ms_pair_t *pair = &zone->pairs[k];
			if (pair->peer == peer && pair->listed && (pair->greeted || pair->greeted_by)) {
				return zone;
			}
		}
	}
	return NULL;
}

static int beat(ms_agent_t *agent, ms_peer_t *peer, ms_now_t now, ms_actions_t *out)
{
	int64_t interval = agent->config.heartbeat;
	peer->beat_at = ms_time_add(now.mono, interval - (int64_t)ms_rng_below(&agent->rng,
	                                                            interval / JITTER_DEN + 1));
	ms_zone_t *zone = beat_zone(agent, peer);
	if (zone == NULL) {
		return KNOT_EOK;
	}
	uint64_t id;
	int ret = ms_pair_send(agent, zone, ms_pair_find(zone, peer->identity), MS_OP_HEARTBEAT,
	                       BEAT_TRIES, BEAT_TIMEOUT, out, &id);
	if (ret == KNOT_EOK) {
		peer->beat_id = id;
		ms_action_count(out, MS_CTR_HEARTBEAT_SENT);
	}
	return ret;
}

/* The slower of both sides sets the pace at which silence is noticed. */
static int64_t pace(const ms_agent_t *agent, const ms_peer_t *peer)
{
	return peer->interval > agent->config.heartbeat ? peer->interval : agent->config.heartbeat;
}

static void check_silence(ms_agent_t *agent, ms_peer_t *peer, ms_now_t now, ms_actions_t *out)
{
	int64_t silence = ms_time_diff(peer->heard_at, now.mono);
	if (peer->relation < MS_PEER_OPERATIONAL || peer->relation == MS_PEER_INTERRUPTED) {
		return;
	}
	if (silence > MS_LOST_BEATS * pace(agent, peer)) {
		ms_peer_event(agent, peer, MS_PEER_LOST, now, out);
	} else if (silence > MS_SILENT_BEATS * pace(agent, peer)) {
		ms_peer_event(agent, peer, MS_PEER_SILENT, now, out);
	}
}

/* As many as there is room for, and those among them that have nothing to say any more. */
static int serve_waiters(ms_agent_t *agent, ms_peer_t *peer, ms_now_t now, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	while (peer->window < MS_PEER_WINDOW && peer->waiters.count > 0) {
		ms_zone_t *zone = ms_waiters_take(&peer->waiters);
		ms_pair_t *pair = ms_pair_find(zone, peer->identity);
		if (pair != NULL) {
			pair->waits = false;
		}
		peer->turn = zone;
		int one = ms_zone_settle(agent, zone, now, out);
		peer->turn = NULL;
		ret = ret == KNOT_EOK ? one : ret;
	}
	return ret;
}

int ms_peer_settle(ms_agent_t *agent, ms_peer_t *peer, ms_now_t now, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	/* A combiner talks to its agent alone. */
	if (agent->config.combiner_role) {
		return KNOT_EOK;
	}
	/* Both clocks: a jump of civil time must not stretch the life of a key (P-30). */
	if (peer->has_locator && (ms_time_due(peer->expire_at, now.mono) ||
	                          peer->locator.expires <= now.wall.s)) {
		ms_peer_event(agent, peer, MS_PEER_EXPIRED, now, out);
	}
	if (peer->locate_id == 0 && ms_time_due(peer->locate_at, now.mono)) {
		ret = locate(agent, peer, out);
	}
	check_silence(agent, peer, now, out);
	if (ret == KNOT_EOK && in_contact(peer) && peer->beat_id == 0 &&
	    ms_time_due(peer->beat_at, now.mono)) {
		ret = beat(agent, peer, now, out);
	}
	int served = serve_waiters(agent, peer, now, out);
	return ret == KNOT_EOK ? served : ret;
}

ms_time_t ms_peer_deadline(const ms_agent_t *agent, const ms_peer_t *peer)
{
	ms_time_t when = MS_TIME_NEVER;
	if (agent->config.combiner_role) {
		return when;
	}
	if (peer->locate_id == 0) {
		when = ms_time_min(when, peer->locate_at);
	}
	if (peer->has_locator) {
		when = ms_time_min(when, peer->expire_at);
	}
	if (in_contact(peer) && peer->beat_id == 0) {
		when = ms_time_min(when, peer->beat_at);
	}
	if (peer->waiters.count > 0 && peer->window < MS_PEER_WINDOW) {
		when = (ms_time_t){ 0 };
	}
	/* One microsecond later: silence counts when it is *more* than so many intervals. */
	if (peer->relation == MS_PEER_OPERATIONAL) {
		when = ms_time_min(when, ms_time_add(peer->heard_at,
		                                     MS_SILENT_BEATS * pace(agent, peer) + 1));
	} else if (peer->relation == MS_PEER_DEGRADED) {
		when = ms_time_min(when, ms_time_add(peer->heard_at,
		                                     MS_LOST_BEATS * pace(agent, peer) + 1));
	}
	return when;
}

void ms_peer_located(ms_agent_t *agent, ms_peer_t *peer, const ms_locator_t *locator,
                     ms_now_t now, ms_actions_t *out)
{
	int64_t life = (locator->expires - now.wall.s) * MS_SEC;
	peer->locator = *locator;
	peer->has_locator = true;
	peer->expire_at = ms_time_add(now.mono, life);
	int64_t part = life / RELOCATE_DEN * RELOCATE_NUM;
	peer->locate_at = ms_time_add(now.mono, part > MS_SEC ? part : MS_SEC);
	peer->locate_failures = 0;
	/* What is cached would expire at the same moment, and every zone would need a new HELLO. */
	peer->locate_fresh = true;
	peer->reason[0] = '\0';
	peer->dirty = true;
	agent->dirty = true;
	ms_agent_wake(agent, ms_time_min(peer->locate_at, peer->expire_at));
	ms_peer_event(agent, peer, MS_PEER_LOCATED, now, out);
}
