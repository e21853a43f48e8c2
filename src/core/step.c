/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/step.h"

#include <libknot/errcode.h>

int ms_step(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	int ret = KNOT_EOK;
	switch (event->kind) {
	case MS_EV_TIMER:
		ret = ms_on_timer(agent, event, out);
		break;
	case MS_EV_OPT_IN:
		ret = ms_on_opt_in(agent, event, out);
		break;
	case MS_EV_OPT_OUT:
		ret = ms_on_opt_out(agent, event, out);
		break;
	case MS_EV_RECONCILE:
		ret = ms_on_reconcile(agent, event, out);
		break;
	case MS_EV_APEX:
		ret = ms_on_apex(agent, event, out);
		break;
	case MS_EV_MESSAGE:
		ret = ms_on_message(agent, event, out);
		break;
	case MS_EV_LOCAL:
		ret = ms_on_local(agent, event, out);
		break;
	case MS_EV_ASKED:
		ret = ms_on_asked(agent, event, out);
		break;
	case MS_EV_LOCATED:
		ret = ms_on_located(agent, event, out);
		break;
	case MS_EV_ANSWERED:
		ret = ms_on_answered(agent, event, out);
		break;
	case MS_EV_EDITED:
		ret = ms_on_edited(agent, event, out);
		break;
	case MS_EV_KEYS:
		ret = ms_on_keys(agent, event, out);
		break;
	case MS_EV_OBSERVED:
	case MS_EV_DISCOVERED:
	case MS_EV_TOLD:
		ret = ms_on_parent(agent, event, out);
		break;
	case MS_EV_STORED:
		ret = ms_on_stored(agent, event, out);
		break;
	}
	if (ret != KNOT_EOK) {
		ms_agent_wake(agent, ms_time_add(event->now.mono, MS_SEC));
	}
	return ret;
}

ms_time_t ms_deadline(const ms_agent_t *agent)
{
	return agent->deadline;
}
