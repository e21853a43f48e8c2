/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Who is listed: the judgement of a zone's HSYNC RRset and what follows from it for the pairs
 * (A-04..A-10, A-12..A-16, A-25, A-28, A-30..A-32, P-06).
 */
#pragma once

#include "core/model.h"

typedef struct {
	uint8_t count;
	ms_hsync_t hsync[MS_PROVIDERS_MAX];
} ms_listing_t;

/*!
 * Reads the HSYNC RRset of an apex.
 * \retval KNOT_ENOENT  There is none.
 * \retval KNOT_ERANGE  A record has an error or undefined value, or is broken.
 * \retval KNOT_EEXIST  One identity twice, with different roles.
 * \retval KNOT_ELIMIT  More than MS_PROVIDERS_MAX.
 */
int ms_listing_read(const ms_rrset_t *rrs, ms_hsync_dialect_t dialect, ms_listing_t *out);

/*!
 * Judges the zone's current apex against its last good listing: takes it over, or keeps the last
 * good one and raises the alarm.
 */
int ms_listing_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);

/*! Makes the pairs of \a zone agree with \a listing. Also used when a stored listing is restored. */
int ms_listing_apply(ms_agent_t *agent, ms_zone_t *zone, const ms_listing_t *listing,
                     ms_now_t now, ms_actions_t *out);

/*! The alarm that somebody is leaving, as the pairs are now. */
void ms_listing_see_leaving(ms_zone_t *zone, ms_actions_t *out);
/*! The zone's present listing, made from its pairs and our own record. */
void ms_listing_of(const ms_agent_t *agent, const ms_zone_t *zone, ms_listing_t *out);
