/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include <libknot/libknot.h>

#include "base/text.h"
#include "core/step.h"
#include "wire/update.h"

/* EDE 18: the sender is known, and may not do this. */
#define EDE_PROHIBITED 18
/* EDE 14: it may, but not now. */
#define EDE_NOT_READY  14

static int reply(const ms_event_t *event, uint16_t rcode, int ede, const char *why,
                 ms_actions_t *out)
{
	ms_msg_t *msg = ms_msg_new(MS_MSG_UPDATE, event->zone, KNOT_RRTYPE_SOA);
	ms_action_t *action = msg != NULL ? ms_action_add(out, MS_ACT_REPLY) : NULL;
	if (action == NULL) {
		ms_msg_free(msg);
		return KNOT_ENOMEM;
	}
	msg->response = true;
	msg->id = event->local.len >= KNOT_WIRE_HEADER_SIZE ? knot_wire_get_id(event->local.wire) : 0;
	msg->rcode = rcode;
	msg->ede = ede;
	ms_text_copy(msg->ede_text, why, sizeof(msg->ede_text));
	action->reply.handle = event->local.reply;
	action->reply.msg = msg;
	return KNOT_EOK;
}

/* What our agent may say now: NS only when every provider says AGENT (G-15). */
static uint32_t allowed(const ms_agent_t *agent, const ms_zone_t *zone)
{
	uint32_t types = 1u << MS_APEX_DNSKEY | 1u << MS_APEX_CDS | 1u << MS_APEX_CDNSKEY |
	                 1u << MS_APEX_CSYNC;
	types |= zone->shared && zone->nsmgmt == MS_HSYNC_AGENT ? 1u << MS_APEX_NS : 0;
	return types | (agent->config.apex_key ? 1u << MS_APEX_KEY : 0);
}

/* The statement is on disk before the answer leaves (G-19); what is on disk already needs no more. */
static int take(ms_zone_t *zone, ms_contribution_t *next, ms_now_t now, ms_actions_t *out)
{
	if (zone->has_local && zone->local.stated == next->stated &&
	    ms_contribution_equal(&zone->local, next)) {
		return KNOT_EOK;
	}
	int ret = ms_zone_persist_local(zone, next, out);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_contribution_clear(&zone->local);
	zone->local = *next;
	*next = (ms_contribution_t){ 0 };
	zone->has_local = true;
	zone->edit_at = now.mono;
	ms_zone_touch(zone);
	ms_action_log(out, MS_LOG_INFO, zone->name, NULL,
	              "UPDATE of our agent: %u DNSKEY, %u CDS, %u NS -> stored, combine",
	              zone->local.set[MS_APEX_DNSKEY].rrs.count,
	              zone->local.set[MS_APEX_CDS].rrs.count, zone->local.set[MS_APEX_NS].rrs.count);
	return KNOT_EOK;
}

static int on_update(ms_agent_t *agent, ms_zone_t *zone, ms_event_t *event, ms_actions_t *out)
{
	uint16_t rcode = KNOT_RCODE_SERVFAIL;
	char reason[MS_REASON_MAX + 1] = "";
	ms_contribution_t next = { 0 };
	int ret = ms_contribution_copy(&next, &zone->local);
	if (ret == KNOT_EOK) {
		ret = ms_update_apply(event->local.wire, event->local.len, zone->name,
		                      allowed(agent, zone), &next, &rcode, reason);
	}
	if (ret != KNOT_EOK && ret != KNOT_ENOMEM) {
		ms_contribution_clear(&next);
		ms_action_count(out, MS_CTR_UPDATE_REFUSED);
		ms_action_log(out, MS_LOG_WARNING, zone->name, NULL, "UPDATE of our agent -> %s (%s)",
		              ms_rcode_name(rcode), reason);
		return reply(event, rcode, EDE_PROHIBITED, reason, out);
	}
	ret = ret == KNOT_EOK ? take(zone, &next, event->now, out) : ret;
	ms_contribution_clear(&next);
	return ret == KNOT_EOK ? reply(event, KNOT_RCODE_NOERROR, -1, "", out) : ret;
}

int ms_on_local(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out)
{
	ms_zone_t *zone = ms_zone_find(agent, event->zone);
	if (zone == NULL || !zone->opted || !agent->config.combiner_role) {
		return reply(event, KNOT_RCODE_REFUSED, EDE_PROHIBITED, "the zone is not combined here", out);
	}
	ms_action_count(out, MS_CTR_UPDATE_RECEIVED);
	if (agent->unsaved) {
		return reply(event, KNOT_RCODE_SERVFAIL, EDE_NOT_READY, "the store is failing", out);
	}
	size_t before = out->count;
	int ret = on_update(agent, zone, event, out);
	if (ret != KNOT_EOK) {
		ms_actions_cut(out, before);
		(void)reply(event, KNOT_RCODE_SERVFAIL, EDE_NOT_READY, "", out);
	}
	int settled = ms_zone_settle(agent, zone, event->now, out);
	return ret != KNOT_EOK ? ret : settled;
}
