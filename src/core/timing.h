/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * When a step's waits are over (part II section 3 of the requirements: DSW, KW, NSW, SigW). Each begins when
 * its change was observed at every server, and lasts as long as any cache may have what was before.
 */
#pragma once

#include "core/process.h"

/*! \return The moment (ms_steady()) at which all waits of \a row are over; INT64_MAX: not known, since
 *  what they count from is not so. */
int64_t ms_timing_over(const ms_agent_t *agent, const ms_zone_t *zone, const ms_step_row_t *row);
/*! DNSKEY-Wait-Time and so on, microseconds. */
int64_t ms_timing_wait(const ms_agent_t *agent, const ms_zone_t *zone, ms_wait_t wait);
