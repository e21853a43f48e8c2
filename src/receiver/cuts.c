/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The children that are known at the moment: those with a record, and those looked at. */
#include <stdio.h>
#include <stdlib.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "receiver/engine.h"

/* Children are first scanned within that time of a start, spread over it. */
#define SPREAD (30 * MS_SEC)

static size_t chain_of(const knot_dname_t *name)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0, len = knot_dname_size(name); i < len; i++) {
		hash = (hash ^ name[i]) * 16777619u;
	}
	return hash % MS_RX_CHAINS;
}

ms_cut_t *ms_cuts_find(ms_receiver_t *rx, const knot_dname_t *name)
{
	ms_cut_t *cut = rx->chains[chain_of(name)];
	while (cut != NULL && !knot_dname_is_equal(cut->row.child, name)) {
		cut = cut->chain;
	}
	return cut;
}

ms_cut_t *ms_cuts_by_id(ms_receiver_t *rx, uint64_t id)
{
	for (size_t i = 0; i < MS_RX_CHAINS; i++) {
		for (ms_cut_t *cut = rx->chains[i]; cut != NULL; cut = cut->chain) {
			if (cut->id == id) {
				return cut;
			}
		}
	}
	return NULL;
}

ms_cut_t *ms_cuts_get(ms_receiver_t *rx, const knot_dname_t *name, const knot_dname_t *parent,
                      ms_now_t now)
{
	ms_cut_t *cut = ms_cuts_find(rx, name);
	if (cut != NULL) {
		/* It may have come without one, by hand. */
		if (cut->phase == MS_CUT_IDLE) {
			ms_name_copy_lower(cut->row.parent, parent);
		}
		return cut;
	}
	if (rx->child_count >= rx->setup->settings.children_max ||
	    (cut = calloc(1, sizeof(*cut))) == NULL) {
		return NULL;
	}
	cut->id = ++rx->serial;
	ms_name_copy_lower(cut->row.child, name);
	ms_name_copy_lower(cut->row.parent, parent);
	cut->ds.ede = cut->ns.ede = cut->told.ede = MS_EDE_NONE;
	ms_pace_init(&cut->pace, now.mono, cut->id * 7919 % (SPREAD / MS_MSEC) * MS_MSEC);
	ms_cut_t **chain = &rx->chains[chain_of(cut->row.child)];
	cut->chain = *chain;
	*chain = cut;
	rx->child_count++;
	return cut;
}

static void free_cut(ms_cut_t *cut)
{
	while (cut->notifies != NULL) {
		ms_waiter_t *waiter = cut->notifies;
		cut->notifies = waiter->next;
		ms_waiter_free(waiter);
	}
	if (cut->update != NULL) {
		ms_waiter_free(cut->update->waiter);
		ms_deltas_clear(&cut->update->deltas);
		ms_deleg_clear(&cut->update->proposed);
		free(cut->update);
	}
	ms_deleg_clear(&cut->deleg);
	ms_row_clear(&cut->row);
	free(cut);
}

void ms_cuts_drop(ms_receiver_t *rx, ms_cut_t *cut)
{
	ms_cut_t **at = &rx->chains[chain_of(cut->row.child)];
	while (*at != cut) {
		at = &(*at)->chain;
	}
	*at = cut->chain;
	rx->child_count--;
	free_cut(cut);
}

void ms_cuts_clear(ms_receiver_t *rx)
{
	for (size_t i = 0; i < MS_RX_CHAINS; i++) {
		while (rx->chains[i] != NULL) {
			ms_cut_t *cut = rx->chains[i];
			rx->chains[i] = cut->chain;
			free_cut(cut);
		}
	}
	rx->child_count = 0;
}

int ms_cuts_store(ms_receiver_t *rx, ms_cut_t *cut)
{
	uint8_t key[MS_ROW_KEY_MAX];
	char reason[MS_DB_REASON_MAX] = "";
	bool empty = ms_row_empty(&cut->row);
	if (empty && !cut->stored) {
		return KNOT_EOK;
	}
	int key_len = ms_row_key(cut->row.child, key, sizeof(key));
	int len = empty ? 0 : ms_row_encode(&cut->row, rx->record, sizeof(rx->record));
	int ret = key_len < 0 ? key_len : len < 0 ? len : KNOT_EOK;
	if (ret == KNOT_EOK) {
		ms_db_put_t put = {
			.key = key, .key_len = key_len, .value = empty ? NULL : rx->record, .value_len = len,
		};
		ret = ms_db_apply(rx->db, &put, 1, reason, sizeof(reason));
	}
	if (ret != KNOT_EOK) {
		char name[MS_RX_NAME_MAX];
		ms_rx_log(rx, MS_LOG_ERROR, "%s: its record cannot be written (%s) -> nothing is promised",
		          ms_rx_name(cut->row.child, name), reason[0] != '\0' ? reason : knot_strerror(ret));
		return ret;
	}
	cut->stored = !empty;
	return KNOT_EOK;
}

typedef struct {
	ms_receiver_t *rx;
	ms_now_t now;
	size_t skipped;
} loading_t;

static int load(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                size_t value_len)
{
	loading_t *l = ctx;
	ms_row_t row;
	int ret = ms_row_decode(key, key_len, value, value_len, &row);
	if (ret == KNOT_EMALF || ret == KNOT_ENOTSUP) {
		l->skipped++;
		return KNOT_EOK;
	}
	ms_cut_t *cut = ret == KNOT_EOK ? ms_cuts_get(l->rx, row.child, row.parent, l->now) : NULL;
	if (cut == NULL) {
		l->skipped += ret == KNOT_EOK;
		if (ret == KNOT_EOK) {
			ms_row_clear(&row);
		}
		return ret;
	}
	cut->row = row;
	cut->stored = true;
	/* A restart brings no look forward. */
	for (uint8_t i = 0; i < row.trust.count; i++) {
		cut->row.trust.key[i].looked = l->now.wall.s;
	}
	/* What was approved is finished first. */
	if (row.todo != MS_TODO_NONE || ms_trust_pending(&row.trust)) {
		cut->pace.due = l->now.mono;
	}
	return KNOT_EOK;
}

int ms_cuts_load(ms_receiver_t *rx, char error[MS_RX_ERROR_MAX])
{
	loading_t l = { .rx = rx, .now = ms_clock() };
	int ret = ms_db_each(rx->db, load, &l);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_RX_ERROR_MAX, "the store in '%.256s' cannot be read (%s); restore "
		               "it from a copy or remove it: children upload their keys again",
		               rx->storage, knot_strerror(ret));
	} else if (l.skipped > 0) {
		ms_rx_log(rx, MS_LOG_WARNING, "%zu damaged or newer record(s) of the store are not used",
		          l.skipped);
	}
	return ret;
}
