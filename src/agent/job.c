/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/job.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "base/name.h"
#include "agent/errand.h"
#include "agent/keyjob.h"
#include "agent/worker.h"
#include "base/text.h"
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
		ms_keyjob_do(desk, action, event);
	}
}
