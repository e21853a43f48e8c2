/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One editing transaction of a zone of our knotd: begin, read, set and unset the differences,
 * commit; on one control connection, so that no other client gets in between.
 *
 * Knot 3.2 refuses to add what is there and to remove what is not, and logs both as errors: so
 * the present RRsets are read first. It checks names and lengths of generic RDATA loosely: so
 * RDATA that cannot be parsed and printed is refused here before knotd sees it.
 *
 * Whatever happens, no transaction of ours stays open, and none of others is touched.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "io/ctl.h"
#include "wire/apex.h"

/*! One RRset. A record in both \a add and \a remove is added. */
typedef struct {
	const knot_dname_t *owner;   /*!< Borrowed, and so are the sets. */
	uint16_t rrtype;             /*!< Any but 0 and meta types. */
	uint32_t ttl;                /*!< Used where the zone has no such RRset yet; else the TTL
	                                  there: another would change the whole RRset. */
	const ms_rrset_t *add;       /*!< To be present; NULL: nothing. Their TTL is not used. */
	const ms_rrset_t *remove;    /*!< To be absent; NULL: nothing. */
	bool exact;                  /*!< Whatever is not in \a add is to be absent. */
} ms_change_t;

/*! A record that cannot be brought into, or out of, the zone. */
typedef struct {
	size_t change;               /*!< Index of the change. */
	bool removal;                /*!< Of \a remove, else of \a add. */
	uint16_t rdata;              /*!< Index in that set. */
	int ret;                     /*!< KNOT_E*. */
	char reason[MS_CTL_REASON_MAX];
} ms_zonedit_refusal_t;

typedef struct {
	knot_dname_storage_t zone;   /*!< The zone that was found, in lower case. */
	size_t added;                /*!< Records committed; both 0: unchanged. */
	size_t removed;
	size_t refused_count;
	ms_zonedit_refusal_t *refused; /*!< Owned. */
	char reason[MS_CTL_REASON_MAX]; /*!< Why not KNOT_EOK. */
} ms_zonedit_t;

/*!
 * Edits \a zone, or, where it is NULL, the closest configured zone at or above the owner of the
 * first change. A record that knotd refuses is listed and the others land: at zone-set time in
 * the same transaction; after a failed semantic check at commit the list is halved until the
 * culprits stand alone (additions before removals).
 *
 * A name server of the zone itself, within it, that has no address there is refused like that, too (H-06).
 *
 * \param serial  NULL, or the SOA serial of the version that is made (also without any change):
 *                for zones that knotd does not sign.
 *
 * *out is replaced in any case, and after KNOT_EOK it wants ms_zonedit_clear(). After an error
 * nothing is owned and no refusal is listed; \a added and \a removed tell what an earlier
 * transaction of the call has committed. Doing the same call again is always right.
 *
 * \retval KNOT_EOK          done or nothing to do; see \a refused.
 * \retval KNOT_EBUSY        retry later; also when a commit took too long (it may have landed).
 * \retval KNOT_ENOZONE      no such zone is configured.
 * \retval KNOT_EEMPTYZONE   the zone is configured but has no contents (yet).
 * \retval KNOT_EINVAL       bad call (no changes, or a meta type).
 * \retval KNOT_E*           knotd failed otherwise (ms_ctl_open(), ms_ctl_call()).
 */
int ms_zonedit(const char *path, const atomic_bool *stop, const knot_dname_t *zone,
               const ms_change_t *changes, size_t count, const uint32_t *serial,
               ms_zonedit_t *out);
void ms_zonedit_clear(ms_zonedit_t *out);
