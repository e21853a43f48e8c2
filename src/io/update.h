/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The agent's side of the two-process role: tells the combiner, by UPDATE with TSIG over TCP, what
 * a zone's apex shall contain (G-02). One connection for one message; blocks, for a job thread.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "base/time.h"
#include "wire/apex.h"
#include "wire/locator.h"
#include "wire/tsig.h"

/*! Longest wait for connecting, for sending, and for the answer, each. */
#define MS_UPDATE_STEP_MS 1000

/*!
 * Makes the combiner at \a to hold of every stated type what \a c says, and waits until that is on
 * its disk. The same call again is always right.
 * \param now     For the signature.
 * \param stop    Ends it within a tenth of a second; may be NULL.
 * \param reason  One sentence, where not KNOT_EOK.
 * \retval KNOT_EBUSY     SERVFAIL, or stopped: later.
 * \retval KNOT_EDENIED   Another RCODE, or an answer whose TSIG is missing or wrong.
 * \retval KNOT_ECONN     Nobody listens there. \retval KNOT_ETIMEOUT  Nobody answers.
 * \retval KNOT_EMALF     What answers is no combiner.
 * \retval KNOT_ESPACE, KNOT_EINVAL (nothing is stated, no address), KNOT_ENOMEM, KNOT_ERROR
 */
int ms_update_send(const ms_addr_t *to, const ms_tsig_key_t *key, const knot_dname_t *zone,
                   const ms_contribution_t *c, ms_wall_t now, const atomic_bool *stop,
                   char *reason, size_t reason_max);
