/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The text of an operator's order: what one value of a configuration item wants done once
 * (modules/msigner/msigner.rst). The item says what is done; its value is
 *
 *     ZONE [zsk|ksk|csk|algorithm] [WORD]
 *
 * with the second part for "roll" alone. WORD is free: by another one the same order is given again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"

/*! Items that hold orders. */
#define MS_ORDER_ITEMS 4

/*! Longest value, octets: a name as text, and two words. */
#define MS_ORDER_TEXT_MAX (KNOT_DNAME_TXT_MAXLEN + 64)

/*!
 * \param item  "roll", "step", "skip" or "abort".
 * \param out   Untouched on error. The hash is that of item, zone and words, whatever the spaces
 *              between them and the case of their letters.
 * \retval KNOT_EMALF   No zone name, or one that cannot be read.
 * \retval KNOT_ENOENT  What is to be rolled is missing or unknown.
 * \retval KNOT_ELIMIT  More words than there is meaning for.
 * \retval KNOT_EINVAL  No such item.
 */
int ms_order_read(const char *item, const char *text, ms_order_t *out);

/*! dst->orders become a copy of its own, whatever they were. \retval KNOT_ENOMEM  It has none. */
int ms_orders_copy(ms_config_t *dst, const ms_config_t *src);

/*! No zone has more orders than are remembered as done (MS_ORDERS_MAX). Sorts the list. */
bool ms_orders_fit(ms_order_t *list, size_t count);
