/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/job.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "base/name.h"
#include "agent/errand.h"
#include "agent/worker.h"
#include "base/text.h"
#include "io/keymgr.h"
#include "io/update.h"
#include "io/zonedit.h"

static int control(ms_desk_t *desk, const char *cmd, const knot_dname_t *zone)
{
	return ms_ctl_zone_do(desk->control, desk->stop, cmd, zone, desk->reason,
	                      sizeof(desk->reason));
}

/* Additions that knotd refuses are the core's business; what cannot be removed is a failure. */
static int take_refusals(const ms_action_t *action, const ms_zonedit_t *done, ms_event_t *event)
{
	event->edited.refused = calloc(done->refused_count + 1, sizeof(ms_refusal_t));
	if (event->edited.refused == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = KNOT_EOK;
	for (size_t i = 0; i < done->refused_count; i++) {
		const ms_zonedit_refusal_t *from = &done->refused[i];
		const ms_edit_t *edit = &action->edit.edits[from->change];
		if (from->removal) {
			ret = from->ret;
			ms_text_copy(event->reason, from->reason, sizeof(event->reason));
			continue;
		}
		knot_rdata_t *rdata = knot_rdataset_at(&edit->add.rrs, from->rdata);
		ms_refusal_t *to = &event->edited.refused[event->edited.refused_count];
		to->rdata = malloc(rdata->len + 1);
		if (to->rdata == NULL) {
			return KNOT_ENOMEM;
		}
		event->edited.refused_count++;
		memcpy(to->rdata, rdata->data, rdata->len);
		to->len = rdata->len;
		to->rrtype = edit->rrtype;
		ms_text_copy(to->reason, from->reason, sizeof(to->reason));
	}
	return ret;
}

static void do_edit(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	size_t count = action->edit.count;
	ms_change_t *changes = calloc(count + 1, sizeof(*changes));
	if (changes == NULL) {
		event->ret = KNOT_ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const ms_edit_t *edit = &action->edit.edits[i];
		changes[i] = (ms_change_t){
			.owner = edit->owner, .rrtype = edit->rrtype, .ttl = edit->ttl,
			.exact = edit->exact, .add = &edit->add, .remove = &edit->remove,
		};
	}
	const knot_dname_t *zone = action->edit.closest ? NULL : action->edit.zone;
	ms_zonedit_t done = { 0 };
	event->ret = ms_zonedit(desk->control, desk->stop, zone, changes, count,
	                       action->edit.has_serial ? &action->edit.serial : NULL, &done);
	/* Also by an earlier attempt. */
	event->edited.changed = event->edited.changed || done.added + done.removed > 0 ||
	                        (event->ret == KNOT_EOK && action->edit.has_serial);
	free(changes);

	ms_name_copy(event->zone, action->edit.closest ? done.zone : action->edit.zone);
	ms_text_copy(event->reason, done.reason, sizeof(event->reason));
	if (event->ret == KNOT_EOK) {
		event->ret = take_refusals(action, &done, event);
	}
	ms_zonedit_clear(&done);
}

/* Each edit is the whole RRset. \param out  Empty. */
static int collect(const ms_action_t *action, ms_contribution_t *out)
{
	int ret = KNOT_EOK;
	for (size_t i = 0; ret == KNOT_EOK && i < action->edit.count; i++) {
		const ms_edit_t *edit = &action->edit.edits[i];
		int type = ms_apex_index(edit->rrtype);
		if (type < 0) {
			continue;
		}
		ret = ms_rrset_copy(&out->set[type], &edit->add);
		out->set[type].ttl = edit->ttl;
		out->stated |= 1u << type;
	}
	return ret;
}

static void tell_combiner(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	ms_contribution_t whole = { 0 };
	ms_name_copy(event->zone, action->edit.zone);
	event->ret = collect(action, &whole);
	if (event->ret == KNOT_EOK && whole.stated != 0) {
		event->ret = ms_update_send(&desk->combiner, &desk->combiner_key, event->zone, &whole,
		                            ms_clock().wall, desk->stop, event->reason,
		                            sizeof(event->reason));
		event->edited.changed = event->edited.changed || event->ret == KNOT_EOK;
	}
	ms_contribution_clear(&whole);
}

static int list_keys(ms_desk_t *desk, const knot_dname_t *zone, ms_keys_t *out)
{
	const ms_keymgr_t km = { .kasp_dir = desk->kasp_db, .stop = desk->stop };
	return ms_keymgr_list(&km, zone, ms_clock().wall, out, desk->reason, sizeof(desk->reason));
}

/* Makes what is missing of the first keys: a crash may have come between the two. */
static int make_keys(ms_desk_t *desk, const ms_action_t *action)
{
	const knot_dname_t *zone = action->keys.zone;
	bool single = action->keys.single_type, ksk = false, zsk = false;
	ms_keys_t have = { 0 };
	int ret = list_keys(desk, zone, &have);
	for (size_t i = 0; i < have.count; i++) {
		ksk = ksk || (have.list[i].ksk && !have.list[i].removed);
		zsk = zsk || (have.list[i].zsk && !have.list[i].removed);
	}
	ms_keys_clear(&have);

	const ms_keymgr_t km = { .kasp_dir = desk->kasp_db, .stop = desk->stop };
	ms_keymgr_new_t new_key = {
		.algorithm = action->keys.algorithm, .publish = true, .active = true,
	};
	char id[MS_KEYID_ROOM];
	if (ret == KNOT_EOK && !ksk) {
		new_key.ksk = true;
		new_key.zsk = single && !zsk;
		ret = ms_keymgr_generate(&km, zone, &new_key, id, desk->reason, sizeof(desk->reason));
		zsk = zsk || new_key.zsk;
	}
	if (ret == KNOT_EOK && !zsk) {
		new_key.ksk = false;
		new_key.zsk = true;
		ret = ms_keymgr_generate(&km, zone, &new_key, id, desk->reason, sizeof(desk->reason));
	}
	return ret;
}

/* Without keys knotd could not sign what it got: the zone is fetched, or read, once more. */
static int load_keys(ms_desk_t *desk, const knot_dname_t *zone)
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

static int take_keys(ms_desk_t *desk, const knot_dname_t *zone, ms_event_t *event)
{
	ms_keys_t keys = { 0 };
	int ret = list_keys(desk, zone, &keys);
	if (ret != KNOT_EOK) {
		return ret;
	}
	event->keys.list = calloc(keys.count + 1, sizeof(*event->keys.list));
	for (size_t i = 0; event->keys.list != NULL && i < keys.count; i++) {
		const ms_key_t *from = &keys.list[i];
		ms_own_key_t *to = &event->keys.list[event->keys.count++];
		ms_text_copy(to->id, from->id, sizeof(to->id));
		to->ksk = from->ksk;
		to->zsk = from->zsk;
		to->removed = from->removed;
		to->algorithm = from->algorithm;
		to->tag = from->tag;
	}
	ms_keys_clear(&keys);
	return event->keys.list != NULL ? KNOT_EOK : KNOT_ENOMEM;
}

static void do_keys(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	const knot_dname_t *zone = action->keys.zone;
	ms_name_copy(event->zone, zone);
	event->keys.made = action->keys.op == MS_KEYS_MAKE;
	int ret = KNOT_EOK;
	if (event->keys.made) {
		ret = make_keys(desk, action);
		ret = ret == KNOT_EOK ? load_keys(desk, zone) : ret;
	}
	event->ret = ret == KNOT_EOK ? take_keys(desk, zone, event) : ret;
	if (event->ret != KNOT_EOK) {
		ms_text_copy(event->reason, desk->reason, sizeof(event->reason));
	}
}

void ms_job_do(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	ms_event_clear(event);
	switch (action->kind) {
	case MS_ACT_EDIT:
		if (action->edit.remote) {
			tell_combiner(desk, action, event);
		} else {
			do_edit(desk, action, event);
		}
		break;
	case MS_ACT_REFETCH:
		event->ret = control(desk, "zone-retransfer", action->look.zone);
		break;
	case MS_ACT_NOTIFY:
		event->ret = control(desk, "zone-notify", action->look.zone);
		break;
	case MS_ACT_OBSERVE:
	case MS_ACT_DISCOVER:
	case MS_ACT_TELL_PARENT:
		ms_errand_do(desk, action, event);
		break;
	default:
		do_keys(desk, action, event);
	}
}
