/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The parent as a child sees it: which zone it is, what its servers say about the child, and where it
 * wants to hear of changes (RFC 9859 section 4.1; J-08..J-13). Blocks, for a thread that may wait.
 *
 * Answers that do not validate are never used; those of a parent that is not signed are.
 */
#pragma once

#include <stdatomic.h>

#include "base/time.h"
#include "io/enquiry.h"
#include "wire/seen.h"

/*!
 * The zone above \a child.
 * \param error  One sentence, where not KNOT_EOK.
 * \retval KNOT_ENOENT  \a child is the root, or no zone above it is found.
 * \retval KNOT_DNSSEC_ENOSIG  The answer is bogus. KNOT_ETIMEOUT, KNOT_EBUSY, KNOT_E*
 */
int ms_parent_zone(ms_enquirer_t *enquirer, const knot_dname_t *child, ms_now_t now,
                   const atomic_bool *stop, knot_dname_storage_t out, char *error,
                   size_t error_max);

/*!
 * Asks all servers of the parent about \a seen->name; \a seen has name and types and gets zone and
 * servers. Errors as above and as of ms_observe_hosts().
 */
int ms_parent_observe(ms_enquirer_t *enquirer, ms_seen_t *seen, ms_now_t now,
                      const atomic_bool *stop, char *error, size_t error_max);

/*! Looks for DSYNC records. No record at all is KNOT_EOK, too, with out->count 0. */
int ms_parent_offers(ms_enquirer_t *enquirer, const knot_dname_t *child, ms_now_t now,
                     const atomic_bool *stop, ms_offers_t *out, char *error, size_t error_max);
