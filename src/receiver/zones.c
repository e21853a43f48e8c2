/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parent zones: what they publish, and which children they have. */
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "receiver/engine.h"

/* After a failure: the zone is not loaded yet, or somebody edits it. */
#define RETRY (1 * MS_SEC)
/* A zone may lose edits (a new zone file): looked after so often. */
#define AGAIN (600 * MS_SEC)

/* Zones come and go by opt-in and opt-out. */
void ms_zones_sync(ms_receiver_t *rx, ms_now_t now)
{
	knot_dname_storage_t names[MS_RX_ZONES_MAX];
	pthread_mutex_lock(&rx->lock);
	unsigned count = rx->zone_count;
	for (unsigned i = 0; i < count; i++) {
		ms_name_copy(names[i], rx->zones[i].name);
	}
	pthread_mutex_unlock(&rx->lock);
	for (unsigned i = rx->own_count; i > 0; i--) {
		unsigned at = 0;
		while (at < count && !knot_dname_is_equal(names[at], rx->own[i - 1].name)) {
			at++;
		}
		if (at == count) {
			rx->own[i - 1] = rx->own[--rx->own_count];
		}
	}
	for (unsigned i = 0; i < count; i++) {
		unsigned at = 0;
		while (at < rx->own_count && !knot_dname_is_equal(names[i], rx->own[at].name)) {
			at++;
		}
		if (at == rx->own_count && at < MS_RX_ZONES_MAX) {
			rx->own[rx->own_count++] = (ms_rx_zone_t){ .publish_at = now.mono,
			                                           .list_at = now.mono };
			ms_name_copy(rx->own[at].name, names[i]);
		}
	}
}

bool ms_zones_own(const ms_receiver_t *rx, const knot_dname_t *parent)
{
	for (unsigned i = 0; i < rx->own_count; i++) {
		if (knot_dname_is_equal(rx->own[i].name, parent)) {
			return true;
		}
	}
	return false;
}

static void start(ms_receiver_t *rx, ms_rx_zone_t *zone, ms_task_kind_t kind)
{
	ms_task_t *task = ms_task_new(kind, rx->setup);
	if (task == NULL) {
		return;
	}
	ms_name_copy(task->parent, zone->name);
	zone->busy = ms_pool_add(&rx->pool, task) == KNOT_EOK;
	if (!zone->busy) {
		ms_task_free(task);
	}
}

void ms_zones_run(ms_receiver_t *rx, ms_now_t now)
{
	const ms_rx_settings_t *s = &rx->setup->settings;
	for (unsigned i = 0; i < rx->own_count; i++) {
		ms_rx_zone_t *zone = &rx->own[i];
		if (zone->busy) {
			continue;
		}
		if (s->publish && ms_time_due(zone->publish_at, now.mono)) {
			start(rx, zone, MS_TASK_PUBLISH);
		} else if (s->pace.scan > 0 && ms_time_due(zone->list_at, now.mono)) {
			start(rx, zone, MS_TASK_LIST);
		}
	}
}

static void published(ms_receiver_t *rx, ms_rx_zone_t *zone, const ms_task_t *task, ms_now_t now)
{
	char name[MS_RX_NAME_MAX];
	bool good = task->ret == KNOT_EOK;
	bool later = task->ret == KNOT_EBUSY || task->ret == KNOT_EEMPTYZONE;
	if (good && !zone->published) {
		ms_rx_log(rx, MS_LOG_INFO, "%s: DSYNC is published", ms_rx_name(zone->name, name));
	}
	if ((!good && !later) || (good && task->text[0] != '\0')) {
		ms_rx_log(rx, MS_LOG_WARNING, "%s: DSYNC cannot be published -> will retry (%s)",
		          ms_rx_name(zone->name, name),
		          task->text[0] != '\0' ? task->text : knot_strerror(task->ret));
	}
	zone->published = good;
	zone->publish_at = ms_time_add(now.mono, good || !later ? AGAIN : RETRY);
}

static void listed(ms_receiver_t *rx, ms_rx_zone_t *zone, const ms_task_t *task, ms_now_t now)
{
	char name[MS_RX_NAME_MAX];
	if (task->ret == KNOT_EBUSY) {
		zone->list_at = ms_time_add(now.mono, RETRY);
		return;
	}
	zone->list_at = ms_time_add(now.mono, rx->setup->settings.pace.scan);
	if (task->ret != KNOT_EOK) {
		ms_rx_log(rx, MS_LOG_WARNING, "%s: its children cannot be listed -> only those known by "
		          "NOTIFY and UPDATE are scanned; allow AXFR to this server's own address (%s)", ms_rx_name(zone->name, name),
		          task->text[0] != '\0' ? task->text : knot_strerror(task->ret));
		return;
	}
	const uint8_t *at = task->names.names;
	for (size_t i = 0; i < task->names.count; i++, at += knot_dname_size(at)) {
		(void)ms_cuts_get(rx, at, zone->name, now);
	}
}

void ms_zones_done(ms_receiver_t *rx, ms_task_t *task, ms_now_t now)
{
	for (unsigned i = 0; i < rx->own_count; i++) {
		ms_rx_zone_t *zone = &rx->own[i];
		if (knot_dname_is_equal(zone->name, task->parent)) {
			zone->busy = false;
			if (task->kind == MS_TASK_PUBLISH) {
				published(rx, zone, task, now);
			} else {
				listed(rx, zone, task, now);
			}
		}
	}
}

/* Keys that the operator trusts. */
void ms_zones_hands(ms_receiver_t *rx, ms_now_t now)
{
	const ms_rx_settings_t *s = &rx->setup->settings;
	char name[MS_RX_NAME_MAX];
	for (uint8_t i = 0; i < s->hand_count; i++) {
		const ms_rx_hand_t *hand = &s->hand[i];
		const knot_dname_t *parent = ms_cuts_find(rx, hand->child) != NULL
		                           ? ms_cuts_find(rx, hand->child)->row.parent
		                           : hand->child + 1 + hand->child[0];
		ms_cut_t *cut = ms_cuts_get(rx, hand->child, parent, now);
		ms_trust_key_t *key = cut == NULL ? NULL
		                    : ms_trust_find(&cut->row.trust, hand->rr.rdata, hand->rr.len);
		if (cut == NULL || (key != NULL && key->state == MS_TRUST_TRUSTED)) {
			continue;
		}
		/* What has superseded it since must not be driven out by every reload. */
		if (!ms_trust_room(&cut->row.trust, &s->trust)) {
			ms_rx_log(rx, MS_LOG_WARNING, "%s: key %u of 'trust' is not taken: the child has "
			          "as many others as 'keys-per-child' allows -> take it out of the "
			          "configuration",
			          ms_rx_name(hand->child, name), ms_key_tag(hand->rr.rdata, hand->rr.len));
			continue;
		}
		if (ms_trust_promote(&cut->row.trust, &hand->rr, MS_BY_HAND, &s->trust, now.wall.s) ==
		    KNOT_EOK && ms_cuts_store(rx, cut) == KNOT_EOK) {
			ms_rx_log(rx, MS_LOG_NOTICE, "%s: key %u is trusted by hand",
			          ms_rx_name(hand->child, name), ms_key_tag(hand->rr.rdata, hand->rr.len));
		}
	}
}
