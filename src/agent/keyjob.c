/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/keyjob.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <libknot/libknot.h>

#include "agent/keyplan.h"
#include "base/name.h"
#include "base/text.h"
#include "io/clock.h"

/* No operation takes more: three for each key that one provider may have, and for each try. */
#define MOVES_MAX (3 * (MS_OWN_KEYS_MAX + 2 * MS_KEYJOB_TRIES))
/* How late the next second may be noticed. */
#define SLICE_MS 50
#define PARAM_ROOM 48

static ms_keymgr_t manager(const ms_desk_t *desk)
{
	return (ms_keymgr_t){ .kasp_dir = desk->kasp_db, .stop = desk->stop };
}

static int list(ms_desk_t *desk, const knot_dname_t *zone, ms_keys_t *out)
{
	const ms_keymgr_t km = manager(desk);
	return ms_keymgr_list(&km, zone, ms_clock().wall, out, desk->reason, sizeof(desk->reason));
}

static int set_timers(ms_desk_t *desk, const knot_dname_t *zone, const ms_move_t *move,
                      ms_wall_t now)
{
	static const char *const names[MS_TIMERS] = {
		"pre_active", "publish", "active", "retire_active", "retire", "post_active", "remove",
	};
	char text[MS_TIMERS][PARAM_ROOM];
	const char *params[MS_TIMERS + 1] = { NULL };
	unsigned count = 0;
	for (unsigned i = 0; i < MS_TIMERS; i++) {
		if ((move->timers & (1u << i)) != 0) {
			(void)snprintf(text[count], PARAM_ROOM, "%s=%" PRId64, names[i], (int64_t)now.s);
			params[count] = text[count];
			count++;
		}
	}
	const ms_keymgr_t km = manager(desk);
	return ms_keymgr_set(&km, zone, move->id, params, desk->reason, sizeof(desk->reason));
}

/* Keys are told apart by the second in which they became active: two must not have the same. */
static int wait_for_second(const ms_desk_t *desk, const ms_keys_t *have, ms_wall_t *now)
{
	for (size_t i = 0; i < have->count; i++) {
		while (have->list[i].times.active == now->s) {
			if (desk->stop != NULL && atomic_load_explicit(desk->stop, memory_order_relaxed)) {
				return KNOT_EBUSY;
			}
			(void)poll(NULL, 0, SLICE_MS);
			*now = ms_clock().wall;
		}
	}
	return KNOT_EOK;
}

/* \param now  Moment of all moves of this operation; 0: not chosen yet. */
static int perform(ms_desk_t *desk, const knot_dname_t *zone, const ms_move_t *move,
                   const ms_keys_t *have, ms_wall_t *now)
{
	const ms_keymgr_t km = manager(desk);
	char id[MS_KEYID_ROOM];
	switch (move->kind) {
	case MS_MOVE_GENERATE:
		return ms_keymgr_generate(&km, zone, &move->make, id, desk->reason,
		                          sizeof(desk->reason));
	case MS_MOVE_DELETE:
		return ms_keymgr_delete(&km, zone, move->id, desk->reason, sizeof(desk->reason));
	default:
		break;
	}
	int ret = KNOT_EOK;
	if (now->s == 0) {
		*now = ms_clock().wall;
		ret = wait_for_second(desk, have, now);
	}
	return ret == KNOT_EOK ? set_timers(desk, zone, move, *now) : ret;
}

static int explain(ms_desk_t *desk, int ret, const char *why)
{
	(void)snprintf(desk->reason, sizeof(desk->reason), "the keys cannot be changed as asked: %s; "
	               "`keymgr -D %s ... list` shows them", why, desk->kasp_db);
	return ret;
}

/* Move by move, until the list is as it shall be. */
static int change(ms_desk_t *desk, const ms_action_t *action)
{
	const knot_dname_t *zone = action->keys.zone;
	unsigned thrown = 0;
	ms_wall_t now = { 0 };
	for (unsigned i = 0; i < MOVES_MAX; i++) {
		ms_keys_t have = { 0 };
		ms_move_t move = { 0 };
		const char *why = "";
		int ret = list(desk, zone, &have);
		if (ret != KNOT_EOK) {
			return ret;
		}
		ret = ms_keyplan_next(action, &have, &move, &why);
		ret = ret != KNOT_EOK ? explain(desk, ret, why)
		    : move.kind == MS_MOVE_NONE ? KNOT_EOK
		    : perform(desk, zone, &move, &have, &now);
		ms_keys_clear(&have);
		if (ret != KNOT_EOK || move.kind == MS_MOVE_NONE) {
			return ret;
		}
		thrown += move.kind == MS_MOVE_DELETE && action->keys.op != MS_KEYS_DISCARD;
		if (thrown == MS_KEYJOB_TRIES) {
			return explain(desk, KNOT_ELIMIT, "new keys always have a tag that is taken");
		}
	}
	return explain(desk, KNOT_ELIMIT, "there are too many of them");
}

static int control(ms_desk_t *desk, const char *cmd, const knot_dname_t *zone)
{
	return ms_ctl_zone_do(desk->control, desk->stop, cmd, zone, desk->reason,
	                      sizeof(desk->reason));
}

/* Without keys knotd could not sign what it got: the zone is fetched, or read, once more. */
static int load(ms_desk_t *desk, const knot_dname_t *zone)
{
	int ret = control(desk, "zone-keys-load", zone);
	if (ret == KNOT_EBUSY) {
		return ret;
	}
	knot_dname_txt_storage_t name;
	if (knot_dname_to_str(name, zone, sizeof(name)) == NULL) {
		return KNOT_EINVAL;
	}
	ms_ctl_t ctl;
	ms_ctl_zone_t status = { 0 };
	int opened = ms_ctl_open(&ctl, desk->control, desk->stop, desk->reason,
	                         sizeof(desk->reason));
	if (opened == KNOT_EOK) {
		opened = ms_ctl_zone_status(&ctl, name, &status);
		ms_ctl_close(&ctl);
	}
	if (opened == KNOT_EOK && status.loaded) {
		return ret;
	}
	ret = control(desk, "zone-retransfer", zone);
	if (ret != KNOT_EOK && ret != KNOT_EBUSY) {
		ret = control(desk, "zone-reload", zone);
	}
	return ret;
}

static ms_own_key_t own_key(const ms_key_t *key)
{
	bool early = key->ksk && key->signs && key->times.active == 0;
	ms_own_key_t own = {
		.ksk = key->ksk, .zsk = key->zsk, .removed = key->removed, .published = key->published,
		.active = key->zsk ? key->signs : key->active, .withdrawn = early || (key->ksk && key->withdrawn),
		.retired = key->retired && !key->removed, .algorithm = key->algorithm, .tag = key->tag,
	};
	if (own.active) {
		bool since_early = key->zsk && key->times.pre_active != 0;
		own.active_at = since_early ? key->times.pre_active : key->times.active;
	}
	ms_text_copy(own.id, key->id, sizeof(own.id));
	return own;
}

static int tell(ms_desk_t *desk, const knot_dname_t *zone, ms_event_t *event)
{
	ms_keys_t keys = { 0 };
	int ret = list(desk, zone, &keys);
	if (ret != KNOT_EOK) {
		return ret;
	}
	event->keys.list = calloc(keys.count + 1, sizeof(*event->keys.list));
	for (size_t i = 0; event->keys.list != NULL && i < keys.count; i++) {
		event->keys.list[event->keys.count++] = own_key(&keys.list[i]);
	}
	ms_keys_clear(&keys);
	return event->keys.list != NULL ? KNOT_EOK : KNOT_ENOMEM;
}

void ms_keyjob_do(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	const knot_dname_t *zone = action->keys.zone;
	ms_name_copy(event->zone, zone);
	event->keys.made = action->keys.op == MS_KEYS_MAKE;
	int ret = KNOT_EOK;
	if (action->keys.op != MS_KEYS_LIST) {
		ret = change(desk, action);
		ret = ret == KNOT_EOK ? load(desk, zone) : ret;
	}
	event->ret = ret == KNOT_EOK ? tell(desk, zone, event) : ret;
	if (event->ret != KNOT_EOK) {
		ms_text_copy(event->reason, desk->reason, sizeof(event->reason));
	}
}
