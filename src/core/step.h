/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The agent's one entry: an event in, actions out. Pure: same agent, same event, same actions.
 *
 * Every handler records what happened and then lets the rows it touched settle: settling asks
 * for whatever is wanted, possible and due, and may be repeated any number of times.
 */
#pragma once

#include "core/action.h"
#include "core/event.h"
#include "core/model.h"

/*!
 * \retval KNOT_ENOMEM  Some wish could not be noted down; the agent is sound and tries again. An
 *                      OPT_IN must be given once more: it may have left nothing behind.
 */
int ms_step(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);

/*! When MS_EV_TIMER is due. */
ms_time_t ms_deadline(const ms_agent_t *agent);

/*! Handlers, one per event: on_zone.c, on_message.c, on_result.c, on_timer.c. */
int ms_on_opt_in(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_opt_out(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_reconcile(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_apex(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_message(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_local(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_asked(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_located(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_answered(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_edited(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_keys(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
/*! What core/delegation asked for. */
int ms_on_parent(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_stored(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);
int ms_on_timer(ms_agent_t *agent, ms_event_t *event, ms_actions_t *out);

/*! Asks for all that a zone wants and may have now: keys, edits, messages to its pairs. */
int ms_zone_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);

/*! Digest of the apex DNSKEYs that may be ours: what the key manager's list was made for. */
int ms_zone_digest_keys(const ms_zone_t *zone, ms_digest_t *out);
/*!
 * Was the list made for this very apex? With an older one a new ZSK would be nobody's, and a KSK
 * that is left alone would pass for the key that signs.
 */
bool ms_zone_list_fits(const ms_zone_t *zone);
/*! Asks for work of the key manager. \param asked  The action, on success; for its further fields. */
int ms_zone_ask_keys(ms_agent_t *agent, ms_zone_t *zone, ms_keys_op_t op, ms_actions_t *out,
                     ms_action_t **asked);
/*! Asks for the first keys of a zone. */
int ms_zone_make_keys(ms_agent_t *agent, ms_zone_t *zone, ms_actions_t *out);

/*! Keeps the store's view of the zone: what was last good, who was ON, what we wrote. */
int ms_zone_persist_hsync(const ms_agent_t *agent, const ms_zone_t *zone, ms_actions_t *out);
int ms_zone_persist_member(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out);
/*! Deletes what is stored of somebody who never was ON. */
int ms_zone_forget_member(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out);
int ms_zone_persist_held(const ms_zone_t *zone, const ms_pair_t *pair, ms_actions_t *out);
int ms_zone_persist_written(const ms_zone_t *zone, const ms_contribution_t *written,
                            ms_actions_t *out);
int ms_zone_persist_own(const ms_zone_t *zone, ms_actions_t *out);
/*! \param local  NULL: there is none any more. */
int ms_zone_persist_local(const ms_zone_t *zone, const ms_contribution_t *local,
                          ms_actions_t *out);
int ms_zone_persist_owner(const ms_zone_t *zone, const ms_rec_owner_t *owner, ms_actions_t *out);
int ms_peer_persist(const ms_peer_t *peer, ms_actions_t *out);
/*! Everything once more, after the store failed. */
int ms_agent_persist_all(const ms_agent_t *agent, ms_actions_t *out);
/*! The same, and where the store is known to work again, that ends ms_agent_t.unsaved; out of memory
 * it is tried once more a second later. */
int ms_agent_save(ms_agent_t *agent, ms_now_t now, ms_actions_t *out);
