/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/errand.h"

#include <stdlib.h>

#include <libdnssec/error.h>
#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "agent/childkey.h"
#include "agent/worker.h"
#include "base/name.h"
#include "base/text.h"
#include "io/observe.h"
#include "io/parent.h"
#include "io/tellparent.h"

static int observe(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	ms_seen_t *seen = calloc(1, sizeof(*seen));
	if (seen == NULL) {
		return KNOT_ENOMEM;
	}
	ms_name_copy(seen->name, action->observe.zone);
	ms_name_copy(seen->zone, action->observe.zone);
	seen->type_count = action->observe.type_count;
	for (unsigned i = 0; i < seen->type_count; i++) {
		seen->types[i] = action->observe.types[i];
	}
	int ret = action->observe.parent
	        ? ms_parent_observe(desk->enquirer, seen, ms_clock(), desk->stop, desk->reason,
	                            sizeof(desk->reason))
	        : ms_observe_hosts(desk->enquirer, seen,
	                           (const knot_dname_storage_t *)action->observe.hosts,
	                           action->observe.host_count, ms_clock(), desk->stop, desk->reason,
	                           sizeof(desk->reason));
	if (ret == KNOT_EOK) {
		event->seen = seen;
	} else {
		ms_seen_free(seen);
	}
	return ret;
}

static int discover(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	ms_offers_t *offers = calloc(1, sizeof(*offers));
	if (offers == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = ms_parent_offers(desk->enquirer, action->look.zone, ms_clock(), desk->stop, offers,
	                           desk->reason, sizeof(desk->reason));
	if (ret == KNOT_EOK) {
		event->offers = offers;
	} else {
		free(offers);
	}
	return ret;
}

static int notify(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	uint8_t wire[MS_ENVELOPE_MAX];
	ms_envelope_t e, answer;
	ms_envelope_init(&e, KNOT_OPCODE_NOTIFY, action->inform.zone, action->inform.rrtype);
	if (dnssec_random_buffer((uint8_t *)&e.id, sizeof(e.id)) != DNSSEC_EOK) {
		return KNOT_ERROR;
	}
	if (action->inform.channel != NULL) {
		e.has_channel = true;
		ms_name_copy_lower(e.channel, action->inform.channel);
	}
	int len = ms_envelope_build(&e, MS_KEYSTATE_CODE, NULL, 0, 0, wire, sizeof(wire));
	if (len < 0) {
		return len;
	}
	int ret = ms_tell_parent(desk->enquirer, action->inform.to->target, action->inform.to->port,
	                         false, wire, len, MS_KEYSTATE_CODE, ms_clock(), desk->stop, &answer,
	                         NULL, NULL, desk->reason, sizeof(desk->reason));
	if (ret == KNOT_EOK) {
		event->told.rcode = answer.rcode;
		event->told.ede = answer.ede;
		event->told.keystate = -1;
		ms_childkey_describe(desk, &answer, -1);
	}
	return ret;
}

void ms_errand_do(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event)
{
	desk->reason[0] = '\0';
	if (desk->enquirer == NULL) {
		event->ret = KNOT_ENOMEM;
		return;
	}
	switch (action->kind) {
	case MS_ACT_OBSERVE:
		ms_name_copy(event->zone, action->observe.zone);
		event->ret = observe(desk, action, event);
		break;
	case MS_ACT_DISCOVER:
		ms_name_copy(event->zone, action->look.zone);
		event->ret = discover(desk, action, event);
		break;
	default:
		ms_name_copy(event->zone, action->inform.zone);
		event->ret = action->inform.step == MS_TELL_NOTIFY ? notify(desk, action, event)
		           : ms_childkey_tell(desk, action, event);
		break;
	}
	ms_text_copy(event->reason, desk->reason, sizeof(event->reason));
}
