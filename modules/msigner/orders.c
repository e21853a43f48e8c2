/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders.h"

#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "core/order.h"

static const yp_name_t *const items[MS_ORDER_ITEMS] = {
	MS_ITEM_ROLL, MS_ITEM_STEP, MS_ITEM_SKIP, MS_ITEM_ABORT,
};

static const char *order_error(const yp_name_t *item, int ret)
{
	if (ret == KNOT_EMALF) {
		return "'roll', 'step', 'skip' or 'abort' has a value that does not begin with a zone's "
		       "name: begin it with one that can be read";
	}
	if (ret == KNOT_ENOENT) {
		return "'roll' does not say what to roll: after the zone's name give zsk, ksk, csk or "
		       "algorithm";
	}
	if (ret == KNOT_ENOMEM) {
		return "out of memory while 'roll', 'step', 'skip' and 'abort' are read: try again";
	}
	return strcmp(item, MS_ITEM_ROLL) == 0
	     ? "'roll' has too many words: give a zone's name, what to roll, and at most one word"
	     : "'step', 'skip' or 'abort' has too many words: give a zone's name and at most one word";
}

/*! Appends the values of one item. \retval KNOT_ENOMEM, and what ms_order_read() says. */
static int add_orders(const yp_name_t *item, const knotd_conf_t *conf, ms_order_t **list,
                      size_t *count)
{
	ms_order_t *more = realloc(*list, (*count + conf->count + 1) * sizeof(*more));
	int ret = more != NULL ? KNOT_EOK : KNOT_ENOMEM;
	*list = more != NULL ? more : *list;
	for (size_t i = 0; i < conf->count && ret == KNOT_EOK; i++) {
		ret = ms_order_read(item + 1, conf->multi[i].string, &more[*count]);
		*count += ret == KNOT_EOK;
	}
	return ret;
}

const char *ms_orders_check(knotd_conf_check_args_t *args)
{
	ms_order_t *list = NULL;
	size_t count = 0;
	const char *error = NULL;
	for (size_t i = 0; i < MS_ORDER_ITEMS && error == NULL; i++) {
		knotd_conf_t conf = knotd_conf_check_item(args, items[i]);
		int ret = add_orders(items[i], &conf, &list, &count);
		knotd_conf_free(&conf);
		if (ret != KNOT_EOK) {
			error = order_error(items[i], ret);
		}
	}
	if (error == NULL && !ms_orders_fit(list, count)) {
		error = "a zone has more than sixteen orders in 'roll', 'step', 'skip' and 'abort': take "
		        "out those that are done";
	}
	free(list);
	return error;
}

int ms_orders_take(knotd_mod_t *mod, ms_config_t *out)
{
	int ret = KNOT_EOK;
	for (size_t i = 0; i < MS_ORDER_ITEMS && ret == KNOT_EOK; i++) {
		knotd_conf_t conf = knotd_conf_mod(mod, items[i]);
		ret = add_orders(items[i], &conf, &out->orders, &out->order_count);
		knotd_conf_free(&conf);
	}
	return ret;
}
