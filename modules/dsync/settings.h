/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * How an instance reads knot.conf: its own section and what it takes from the server's.
 */
#pragma once

#include <knot/module.h>

#include "receiver/receiver.h"

/*!
 * Reads the section of a global instance. Relative paths are below `storage`, which is itself below
 * the server's database.storage; `control` is below server.rundir.
 * \param error  One sentence. \retval KNOT_ESPACE (a path is too long), KNOT_EINVAL.
 */
int ms_dsync_settings(knotd_mod_t *mod, ms_rx_settings_t *out, char error[MS_RX_ERROR_MAX]);

/*! The storage path of this instance's section: the name of its engine. \retval KNOT_ESPACE. */
int ms_dsync_storage(knotd_mod_t *mod, char *path, size_t max);

/*! Who may read the state. Released by knotd_conf_free(). \retval KNOT_ENOMEM. */
int ms_dsync_status_acl(knotd_mod_t *mod, knotd_conf_t *out);

/*! Warns in the zone's log about settings that lose or fight what is edited. */
void ms_dsync_warn(knotd_mod_t *mod, const knot_dname_t *zone);
