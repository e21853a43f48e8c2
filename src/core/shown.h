/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Judges what was observed: do all servers serve what we do (J-16), and what of it does the parent
 * not show yet (J-21: success is the observed change alone)?
 */
#pragma once

#include "core/model.h"

/*! What a parent does not have as the child wants it. */
#define MS_LACKS_DS 0x1
#define MS_LACKS_NS 0x2

/*!
 * Every signer has contributed CDS, so that the set may be spoken of: a parent that followed an
 * incomplete one would cut off the servers of whoever is missing (I-03, I-06, L-27).
 */
bool ms_shown_ds_ours(const ms_zone_t *zone);
/*! NS is the providers' business, so that CSYNC and UPDATE may speak of it (F, H). */
bool ms_shown_ns_ours(const ms_zone_t *zone);

/*!
 * \param lacks      Bits MS_LACKS_x, by any of the servers that answer.
 * \param delegated  Some server delegates the zone. \param secure  Some server has a DS.
 * \retval KNOT_ECONN  None of the servers answers. KNOT_ENOMEM
 */
int ms_shown_by_parent(const ms_zone_t *zone, const ms_seen_t *seen, uint8_t *lacks,
                       bool *delegated, bool *secure);

/*!
 * Does each server serve our CDS, CDNSKEY, CSYNC and, where it is ours, NS?
 * \param why  "CDS at ns1.beta.example. (192.0.2.7@0) is another one", where not.
 */
bool ms_shown_everywhere(const ms_zone_t *zone, const ms_seen_t *seen,
                         char why[MS_REASON_MAX + 1]);

/*! Does DS say the same as CDS? Digest types are the parent's choice, keys are not. */
bool ms_shown_same_ds(const ms_rrset_t *cds, const ms_rrset_t *ds);
/*! Are all of these keys (CDS, DS) named by the others, or one? */
bool ms_shown_all_named(const ms_rrset_t *keys, const ms_rrset_t *by);
bool ms_shown_any_named(const ms_rrset_t *keys, const ms_rrset_t *by);
/*! Host names of NS RDATA, lower case. */
int ms_shown_lower_ns(const ms_rrset_t *ns, ms_rrset_t *out);
/*! Names of all servers of all members, and of who comes in now, as the zone and the contributions name them.
 *  \retval KNOT_ELIMIT, KNOT_ENOMEM */
int ms_shown_hosts(const ms_agent_t *agent, const ms_zone_t *zone, knot_dname_storage_t **hosts,
                   size_t *count);
/*!
 * Asks all these servers, or those of the parent, for these types (at most MS_SEEN_TYPES).
 * \param id  Of the action, on success. \retval KNOT_ELIMIT  More servers than can be asked. KNOT_ENOMEM
 */
int ms_shown_ask_servers(ms_agent_t *agent, const ms_zone_t *zone, const uint16_t *types,
                         unsigned count, ms_actions_t *out, uint64_t *id);
/*! For DS and NS. */
int ms_shown_ask_parent(ms_agent_t *agent, const ms_zone_t *zone, ms_actions_t *out, uint64_t *id);
/*! Has this server of a parent said anything about the child? */
bool ms_shown_parent_says(const ms_seen_server_t *server, int ds, int ns);
/*! Host names of NS RDATA that are in \a among (lower case). */
unsigned ms_shown_hosts_in(const ms_rrset_t *ns, const ms_rrset_t *among);
/*! Digest of what the parent is to have. */
int ms_shown_digest(const ms_zone_t *zone, ms_digest_t *out);
