/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What an operator reads with kdig: lines of `key=value …`, '\n' separated, one TXT record each
 * (names in doc/operation.rst). A value with blanks stands in double quotes.
 */
#pragma once

#include "core/model.h"

/*! Lines about the agent and its peers. \return Owned by the caller; NULL on ENOMEM. */
char *ms_status_agent(const ms_agent_t *agent, ms_now_t now);
/*! Lines about one zone and its providers. \return Owned by the caller; NULL on ENOMEM. */
char *ms_status_zone(const ms_agent_t *agent, const ms_zone_t *zone, ms_now_t now);
