/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Messages to a parent under the child's SIG(0) key: KeyState inquiry, key bootstrap, UPDATE (L-02..L-07,
 * L-17, L-20..L-24). Signer is the child zone; the key file may be shared by the providers of a group.
 */
#pragma once

#include "agent/job.h"
#include "wire/envelope.h"

/*! One step of the conversation. \return What TELL_PARENT ends with; desk->reason says why or what. */
int ms_childkey_tell(ms_desk_t *desk, const ms_action_t *action, ms_event_t *event);
/*! What the receiver said, in words, into desk->reason. */
void ms_childkey_describe(ms_desk_t *desk, const ms_envelope_t *answer, int16_t keystate);
