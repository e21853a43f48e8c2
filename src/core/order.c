/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/order.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libknot/errcode.h>

#define SPACES    " \t"
#define WORDS_MAX 3 /* Zone, what is rolled, the free one. */

static const struct {
	const char *item;
	const char *word; /* NULL: the item alone says what is done. */
	uint8_t order;
} table[] = {
	{ "roll",  "zsk",       MS_ORDER_ROLL_ZSK },
	{ "roll",  "ksk",       MS_ORDER_ROLL_KSK },
	{ "roll",  "csk",       MS_ORDER_ROLL_CSK },
	{ "roll",  "algorithm", MS_ORDER_ROLL_ALGORITHM },
	{ "step",  NULL,        MS_ORDER_STEP },
	{ "skip",  NULL,        MS_ORDER_SKIP },
	{ "abort", NULL,        MS_ORDER_ABORT },
};

/* FNV-1a, as its authors define it for 64 bits; the NUL keeps the parts apart. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		uint8_t c = *text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text;
		hash = (hash ^ c) * 0x100000001b3ULL;
	} while (*text++ != '\0');
	return hash;
}

static uint64_t hash_order(const char *item, const knot_dname_t *zone, char *const words[], size_t count)
{
	uint64_t hash = hash_text(0xcbf29ce484222325ULL, item);
	knot_dname_txt_storage_t name;
	(void)knot_dname_to_str(name, zone, sizeof(name));
	hash = hash_text(hash, name);
	for (size_t i = 0; i < count; i++) {
		hash = hash_text(hash, words[i]);
	}
	return hash;
}

/*! Cuts the text into words. \return How many; more than WORDS_MAX are not kept. */
static size_t cut(char *text, char *words[WORDS_MAX])
{
	size_t count = 0;
	char *rest = NULL;
	for (char *word = strtok_r(text, SPACES, &rest); word != NULL;
	     word = strtok_r(NULL, SPACES, &rest)) {
		if (count < WORDS_MAX) {
			words[count] = word;
		}
		count++;
	}
	return count;
}

/*! The row that item and second word name. \retval KNOT_ENOENT, KNOT_EINVAL */
static int find_row(const char *item, const char *word)
{
	int ret = KNOT_EINVAL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].item, item) != 0) {
			continue;
		}
		if (table[i].word == NULL || (word != NULL && strcasecmp(table[i].word, word) == 0)) {
			return i;
		}
		ret = KNOT_ENOENT;
	}
	return ret;
}

int ms_order_read(const char *item, const char *text, ms_order_t *out)
{
	char copy[MS_ORDER_TEXT_MAX + 1];
	size_t len = strlen(text);
	if (len >= sizeof(copy)) {
		return KNOT_ELIMIT;
	}
	memcpy(copy, text, len + 1);
	char *words[WORDS_MAX] = { NULL };
	size_t count = cut(copy, words);
	ms_order_t order = { .word = 0 };
	if (count == 0 || knot_dname_from_str(order.zone, words[0], sizeof(order.zone)) == NULL) {
		return KNOT_EMALF;
	}
	knot_dname_to_lower(order.zone);
	int row = find_row(item, words[1]);
	if (row < 0) {
		return row;
	}
	if (count > (table[row].word != NULL ? WORDS_MAX : WORDS_MAX - 1)) {
		return KNOT_ELIMIT;
	}
	order.word = table[row].order;
	order.hash = hash_order(item, order.zone, words + 1, count - 1);
	*out = order;
	return KNOT_EOK;
}

int ms_orders_copy(ms_config_t *dst, const ms_config_t *src)
{
	size_t count = src->order_count;
	dst->order_count = 0;
	dst->orders = count > 0 ? malloc(count * sizeof(*dst->orders)) : NULL;
	if (count > 0 && dst->orders == NULL) {
		return KNOT_ENOMEM;
	}
	if (count > 0) {
		memcpy(dst->orders, src->orders, count * sizeof(*dst->orders));
		dst->order_count = count;
	}
	return KNOT_EOK;
}

static int by_zone(const void *a, const void *b)
{
	return knot_dname_cmp(((const ms_order_t *)a)->zone, ((const ms_order_t *)b)->zone);
}

bool ms_orders_fit(ms_order_t *list, size_t count)
{
	if (count > 1) {
		qsort(list, count, sizeof(*list), by_zone);
	}
	for (size_t i = MS_ORDERS_MAX; i < count; i++) {
		if (by_zone(&list[i], &list[i - MS_ORDERS_MAX]) == 0) {
			return false;
		}
	}
	return true;
}
