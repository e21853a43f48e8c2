/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/event.h"

#include <stdlib.h>

void ms_event_clear(ms_event_t *event)
{
	switch (event->kind) {
	case MS_EV_APEX:
		if (event->apex != NULL) {
			ms_apex_clear(event->apex);
			free(event->apex);
			event->apex = NULL;
		}
		break;
	case MS_EV_MESSAGE:
		ms_msg_free(event->message.msg);
		event->message.msg = NULL;
		break;
	case MS_EV_LOCAL:
		free(event->local.wire);
		event->local.wire = NULL;
		break;
	case MS_EV_ANSWERED:
		ms_msg_free(event->answer);
		event->answer = NULL;
		break;
	case MS_EV_EDITED:
		for (size_t i = 0; i < event->edited.refused_count; i++) {
			free(event->edited.refused[i].rdata);
		}
		free(event->edited.refused);
		event->edited.refused = NULL;
		event->edited.refused_count = 0;
		break;
	case MS_EV_KEYS:
		free(event->keys.list);
		event->keys.list = NULL;
		event->keys.count = 0;
		break;
	case MS_EV_OBSERVED:
		ms_seen_free(event->seen);
		event->seen = NULL;
		break;
	case MS_EV_DISCOVERED:
		free(event->offers);
		event->offers = NULL;
		break;
	default:
		break;
	}
}

const char *ms_event_name(ms_event_kind_t kind)
{
	static const char *const names[] = {
		[MS_EV_TIMER]     = "timer",
		[MS_EV_OPT_IN]    = "opt-in",
		[MS_EV_OPT_OUT]   = "opt-out",
		[MS_EV_RECONCILE] = "reconcile",
		[MS_EV_APEX]      = "apex",
		[MS_EV_MESSAGE]   = "message",
		[MS_EV_LOCAL]     = "local",
		[MS_EV_ASKED]     = "asked",
		[MS_EV_LOCATED]   = "located",
		[MS_EV_ANSWERED]  = "answered",
		[MS_EV_EDITED]    = "edited",
		[MS_EV_KEYS]      = "keys",
		[MS_EV_OBSERVED]  = "observed",
		[MS_EV_DISCOVERED] = "discovered",
		[MS_EV_TOLD]      = "told",
		[MS_EV_STORED]    = "stored",
	};
	return names[kind];
}
