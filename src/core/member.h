/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Who belongs to the group of a zone, and whose data stand in it. HSYNC says who shall; a member is who
 * does: JOIN has brought it in, or it was there when the group was founded.
 */
#pragma once

#include "core/process.h"

/*! Is the running process one that brings its subject in, or lets it go? */
bool ms_member_comes(const ms_zone_t *zone);
bool ms_member_goes(const ms_zone_t *zone);
/*! Are this provider's NS in the zone? NULL: ours. */
bool ms_member_ns(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Its CDS and CDNSKEY? */
bool ms_member_cds(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Its DNSKEYs? */
bool ms_member_keys(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Is it known who the members are? */
bool ms_member_founded(const ms_zone_t *zone);
/*! We are not ON, and who asks may still be sent to us: what we are to others is not over yet. */
bool ms_member_stays(const ms_zone_t *zone);
/*! Do its servers count for the running process? Not those of who leaves, or waits at the door. */
bool ms_member_serves(const ms_zone_t *zone, const ms_pair_t *pair);
/*!
 * May it contribute? Who is ON, and who was before it became OFF: until its process has let it go the others'
 * keys must be in its zone, and its keys in theirs. NULL: we.
 */
bool ms_member_talks(const ms_zone_t *zone, const ms_pair_t *pair);
/*! Does it take part in the barrier of the running process? */
bool ms_member_takes_part(const ms_zone_t *zone, const ms_pair_t *pair);
