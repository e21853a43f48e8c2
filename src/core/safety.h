/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Would any validator that holds any mix of what may still be cached fail after this step? Numbered rules;
 * the first one that says no gives the reason.
 */
#pragma once

#include "core/process.h"

/*! May the process leave \a step? \param why  "not all servers have every DNSKEY". \retval KNOT_EOK  Look at
 *  *safe. KNOT_ENOMEM */
int ms_safety_leave(const ms_zone_t *zone, unsigned step, bool *safe,
                    char why[MS_WHY_MAX]);
/*! May a process of this kind begin about this provider at all? (F-17, F-57) */
bool ms_safety_begin(const ms_zone_t *zone, ms_process_kind_t kind,
                     const ms_pair_t *pair, char why[MS_WHY_MAX]);
