/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Ordinary SOA queries to our own knotd, so that every new zone version meets a query soon and the
 * hook sees it (architecture decision 6). Only the asking matters; answers are thrown away.
 */
#pragma once

#include <stdint.h>

#include <libknot/dname.h>

#include "wire/locator.h"

typedef struct ms_poll ms_poll_t;

/*! \param server  Where knotd listens. \retval KNOT_ECONN no socket can be connected to it. */
int ms_poll_new(const ms_addr_t *server, ms_poll_t **out);
void ms_poll_free(ms_poll_t *poll);
/*! Sends one SOA query. Never blocks; a full buffer loses the query, the next round asks again. */
void ms_poll_ask(ms_poll_t *poll, const knot_dname_t *zone);
/*! Throws waiting answers away. */
void ms_poll_drain(ms_poll_t *poll);
