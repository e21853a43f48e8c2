/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Reading and checking items of knot.conf that several modules have in the same form: paths,
 * addresses, options with several values.
 */
#pragma once

#include <knot/module.h>

#include "wire/locator.h"

/*! A value of an address item; false for socket paths. */
bool ms_item_addr(const knotd_conf_val_t *val, ms_addr_t *out);
/*! "0.0.0.0" or "::". */
bool ms_addr_is_wildcard(const ms_addr_t *addr);

/*! \a name as it is when it begins with '/', else below \a dir. \retval KNOT_ESPACE */
int ms_path_join(const char *dir, const char *name, char *out, size_t max);
/*! A string of the server's own configuration, borrowed from it; never NULL. */
const char *ms_server_string(knotd_mod_t *mod, const yp_name_t *section, const yp_name_t *item);
/*! Where our own knotd answers, loopback for a wildcard; family 0: nowhere. */
ms_addr_t ms_server_listen(knotd_mod_t *mod);

/*! A path of our section: below \a dir where relative; \a dflt (may be NULL) where not set.
 *  \retval KNOT_ESPACE */
int ms_item_path(knotd_mod_t *mod, const yp_name_t *item, const char *dir, const char *dflt,
                 char *out, size_t max);
/*! The IP addresses of an item, at most \a max. \return How many. */
uint8_t ms_item_addrs(knotd_mod_t *mod, const yp_name_t *item, ms_addr_t *out, uint8_t max);
/*! All bits of an item with several options; \a dflt where it is not set. */
unsigned ms_item_bits(knotd_mod_t *mod, const yp_name_t *item, unsigned dflt);
/*! Networks; 127.0.0.0/8 and ::1 where it is not set. Released by knotd_conf_free().
 *  \retval KNOT_ENOMEM */
int ms_item_acl(knotd_mod_t *mod, const yp_name_t *item, knotd_conf_t *out);

/*! Checks an item with several values. \return What \a check says. */
const char *ms_item_check(knotd_conf_check_args_t *args, const yp_name_t *item,
                          const char *(*check)(const knotd_conf_t *));
/*! A \a check: addresses of resolvers. */
const char *ms_check_forward(const knotd_conf_t *conf);
