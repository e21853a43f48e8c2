/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The owner's data behind what we put in their place (G-05, G-14, G-16).
 *
 * NS: knotd has one set only, so the owner's is followed by what each new version shows. A version
 * without a record that stands there by our doing alone came as a whole from the owner; otherwise
 * what appeared that we did not write is new, and what vanished though we want it was taken away.
 *
 * Serials: knotd tells the owner's serial from its own only in zones that it signs. In others ours
 * stay 2^30 behind the owner's: the owner's next version is newer to knotd whatever we did in
 * between, and what we serve only grows.
 */
#pragma once

#include "core/model.h"

/*! How far our serials stay behind. RFC 1982: anything below 2^31 compares as older. */
#define MS_SERIAL_BEHIND (1u << 30)

/*! Learns from a version before it becomes zone->apex. */
int ms_owner_observe(ms_zone_t *zone, const ms_apex_t *next, ms_actions_t *out);
/*! Notes the owner's NS down before the first edit replaces them. */
int ms_owner_keep_ns(ms_zone_t *zone, ms_actions_t *out);
/*! Forgets them: they stand in the zone again. */
int ms_owner_drop_ns(ms_zone_t *zone, ms_actions_t *out);
/*! Takes the next serial of ours; on disk before the edit. */
int ms_owner_next_serial(ms_zone_t *zone, ms_actions_t *out);
