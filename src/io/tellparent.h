/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One message to the parent's receiver, and its answer: every address over UDP, then over TCP (J-28;
 * RFC 1996 section 3.4). Blocks, for a thread that may wait. Whether and when to try again is the
 * caller's.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "io/enquiry.h"
#include "wire/envelope.h"

/*! Wait for an answer over UDP. */
#define MS_TELL_UDP_MS 3000

/*!
 * Sends a finished message.
 * \param host, port  The target of a DSYNC record; all its addresses are tried.
 * \param tcp         TCP alone (L-06).
 * \param answer      Read answer. \param raw  Its octets, \a raw_len of them (in: room, out: length):
 *                    what a signature covers. May be NULL.
 * \param error       One sentence, where not KNOT_EOK.
 * \retval KNOT_EOK       There is an answer, whatever it says.
 * \retval KNOT_ENOENT    The target has no address. \retval KNOT_ETIMEOUT, KNOT_ECONN  No answer.
 * \retval KNOT_EBUSY     Stopped. \retval KNOT_E*
 */
int ms_tell_parent(ms_enquirer_t *enquirer, const knot_dname_t *host, uint16_t port, bool tcp,
                   const uint8_t *wire, size_t len, uint16_t keystate_code, ms_now_t now,
                   const atomic_bool *stop, ms_envelope_t *answer, uint8_t *raw, size_t *raw_len,
                   char *error, size_t error_max);
