/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Asks single servers what they serve, each address by itself and without recursion (J-16; RFC 9975):
 * UDP, a second time where there is no answer, TCP where it is truncated. Nothing is validated: it is
 * about whether a change has arrived, at servers whose answers the zone's own keys prove to others.
 *
 * Blocks, for a thread that may wait: at most MS_OBSERVE_UDP_MS times three for dead servers, whatever
 * their number up to MS_OBSERVE_WINDOW questions.
 */
#pragma once

#include <stdatomic.h>

#include "base/time.h"
#include "io/enquiry.h"
#include "wire/seen.h"

/*! Questions under way at a time. */
#define MS_OBSERVE_WINDOW 64
/*! Wait for an answer, doubled once. */
#define MS_OBSERVE_UDP_MS 1000

/*!
 * Asks every server of \a seen for every type at \a seen->name, and fills in what they say. SOA is
 * asked for with the DO bit: the keys that signed it are those that sign the zone's data.
 * \param port  Of all of them.
 * \retval KNOT_EOK    Look at each one's \a ret. \retval KNOT_EBUSY  Stopped. \retval KNOT_ENOMEM
 */
int ms_observe(ms_seen_t *seen, uint16_t port, const atomic_bool *stop);

/*!
 * The same for all addresses of these hosts; \a seen has name and types and gets the servers.
 * \param error  One sentence, where not KNOT_EOK.
 * \retval KNOT_ENOENT  A host has no address. \retval KNOT_ELIMIT  More than MS_SEEN_MAX addresses.
 */
int ms_observe_hosts(ms_enquirer_t *enquirer, ms_seen_t *seen, const knot_dname_storage_t *hosts,
                     size_t count, ms_now_t now, const atomic_bool *stop, char *error,
                     size_t error_max);
