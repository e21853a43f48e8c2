/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The engine's numbers as `knotc stats mod-msigner` shows them. The names are an interface: they
 * are kept, and monitoring builds on them.
 */
#pragma once

#include <knot/module.h>

#include "agent/runtime.h"

/*! Registers the counters of a global instance; before any thread may show numbers. */
int ms_stats_add(knotd_mod_t *mod);

/*! Names the components that are compared; knotd asks for the names when it shows the numbers. */
void ms_stats_name(const ms_config_t *config);

/*! Shows them; \a ctx is the knotd_mod_t. Callable from any thread between load and unload. */
void ms_stats_show(void *ctx, const ms_stats_t *stats);
