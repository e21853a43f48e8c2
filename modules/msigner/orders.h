/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The items `roll`, `step`, `skip` and `abort`: orders of the operator, each done once while it stands
 * in the configuration. core/order.h reads their texts.
 */
#pragma once

#include <knot/module.h>

#include "core/model.h"

/*! \return A static sentence, or NULL where all is well. */
const char *ms_orders_check(knotd_conf_check_args_t *args);

/*! Fills out->orders, which is the caller's also on error. \retval KNOT_ENOMEM */
int ms_orders_take(knotd_mod_t *mod, ms_config_t *out);
