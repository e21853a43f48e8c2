/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * How an instance reads knot.conf: its own section and what it takes from the server's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <knot/module.h>

#include "agent/runtime.h"

/*!
 * Reads the section of a global instance. Relative paths are below `storage`, which is itself
 * below the server's database.storage; `control` is below server.rundir.
 * \a out is to be released by ms_settings_deinit() on success.
 * \param error  One sentence.
 * \retval KNOT_ESPACE (a path is too long), KNOT_ENOMEM.
 */
int ms_settings_read(knotd_mod_t *mod, ms_settings_t *out, char error[MS_ERROR_MAX]);
void ms_settings_deinit(ms_settings_t *settings);

/*! The storage path of this instance's section: the name of its engine. \retval KNOT_ESPACE. */
int ms_settings_storage(knotd_mod_t *mod, char *path, size_t max);

/*!
 * Who may read the state, ready for knotd_conf_addr_range_match(). Released by knotd_conf_free().
 * \retval KNOT_ENOMEM.
 */
int ms_settings_status_acl(knotd_mod_t *mod, knotd_conf_t *out);

/*! Reads what the configuration of a zone means for us, and warns in the zone's log about settings that lose or fight what we write. */
void ms_settings_zone(knotd_mod_t *mod, const knot_dname_t *zone, ms_opt_t *out);
