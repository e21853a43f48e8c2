/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What is said to one provider about one zone: HELLO until it is answered (C-32), our contribution
 * until it confirms holding it (D-20..D-22), our state when it changed. One request at a time.
 */
#pragma once

#include "core/model.h"

/*! Longest pause between two attempts, microseconds. */
#define MS_RETRY_MAX    (60 * MS_SEC)
/*! Pause between two states that nobody asked for, in heartbeat intervals; where a peer has many
 *  zones with us, as long as it takes to go through them at this pace (microseconds): two signatures
 *  made and two verified in each, that is a hundredth of a core. */
#define MS_STATE_BEATS  10
#define MS_STATE_PACE   (250 * MS_MSEC)

/*! Sends what is wanted and due. */
int ms_pair_settle(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_now_t now,
                   ms_actions_t *out);
ms_time_t ms_pair_deadline(const ms_agent_t *agent, const ms_zone_t *zone,
                           const ms_pair_t *pair);

/*!
 * Sends a NOTIFY with the option of \a op about \a zone to the peer of \a pair.
 * \param id  Set on success; noted in the agent's table of requests under way.
 */
int ms_pair_send(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, ms_op_t op,
                 unsigned tries, int64_t first_timeout, ms_actions_t *out, uint64_t *id);

/*! Our state is in a message or an answer: it need not be sent again for a while. */
void ms_pair_told(ms_agent_t *agent, ms_pair_t *pair, ms_now_t now);

/*! The answer to HELLO, STATE or UPDATE came, or none. */
void ms_pair_answered(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, int ret,
                      const ms_msg_t *answer, const char *reason, ms_now_t now,
                      ms_actions_t *out);

/*! It said HELLO for this zone: it knows us and the zone, and may have been restarted (C-30). */
void ms_pair_greeted_by(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, const ms_msg_t *msg,
                        ms_now_t now, ms_actions_t *out);

/*! Fills the state of \a zone as \a agent tells it to the others. */
void ms_pair_state(const ms_agent_t *agent, const ms_zone_t *zone, ms_state_t *out);
/*! Learns from the other side's state (sent by it, or in its answer). */
void ms_pair_learn(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair, const ms_state_t *state,
                   ms_now_t now, ms_actions_t *out);
/*! Puts the option of \a op, with our capabilities (and our state for STATE), into \a msg. */
int ms_pair_option(const ms_agent_t *agent, const ms_zone_t *zone, ms_op_t op, ms_msg_t *msg);
/*! Base pause doubled \a failures times, at most MS_RETRY_MAX. */
int64_t ms_backoff(int64_t base, unsigned failures);
