/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Makes facts out of observations (F-13, F-20, F-24): since when is it so at every address, and which TTLs
 * may caches still have.
 */
#pragma once

#include "core/process.h"

/*! Judges a look at the servers of the providers, or of the parent. \param why  The first flaw. */
int ms_facts_children(const ms_agent_t *agent, ms_zone_t *zone, const ms_seen_t *seen, int64_t now,
                      char why[MS_WHY_MAX]);
int ms_facts_parent(const ms_agent_t *agent, ms_zone_t *zone, const ms_seen_t *seen, int64_t now,
                    char why[MS_WHY_MAX]);
/*! Somebody serves such a TTL, whoever looks at it: what is remembered is that long at least. */
void ms_facts_at_least(ms_zone_t *zone, ms_ttl_t which, uint32_t ttl);
/*! What was seen of these (bits 1 << MS_FACT_x) was of before a change. */
void ms_facts_forget(ms_process_t *process, uint8_t facts);
/*! Is it so, of what is wanted now? \retval KNOT_ENOMEM, KNOT_ERROR */
int ms_facts_hold(const ms_zone_t *zone, ms_fact_t fact, bool *holds);
/*! No validator can have a DS of the zone: nothing can be bogus. */
bool ms_facts_insecure(const ms_zone_t *zone, int64_t now);
