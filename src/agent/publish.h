/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the worker lets knotd's threads see: the view, the key that signs answers, and which
 * version of each zone was seen last.
 *
 * View and key are swapped under liburcu (the flavour and library that knotd itself uses, so its
 * threads are registered and a hook is inside a read section already). A thread that is not
 * knotd's must call rcu_register_thread() before it reads.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/view.h"
#include "wire/sig0.h"

/*! One zone that was ever opted in. Lives as long as the table, so that readers need no lock. */
typedef struct ms_slot {
	knot_dname_t *name;          /*!< Owned, lower case. */
	uint64_t hash;
	uint64_t version;            /*!< Atomic; last one seen, 0 = none. */
	uint64_t open[2];            /*!< Atomic; versions that the gate lets out, newest first. The
	                                  older one may still be on its way in an AXFR. */
	bool live;                   /*!< Atomic; opted in now. */
	unsigned opts;               /*!< Zone instances; who opts in and out locks it. */
	ms_opt_t opt;
	bool watched;                /*!< The worker's: in the round of SOA queries. */
	bool expected;               /*!< The worker's: a new version is expected. */
} ms_slot_t;

struct ms_slot_table;

/*! Hash from zone to slot. Reading: a hash, a compare, a relaxed load. Writing: one at a time. */
typedef struct {
	struct ms_slot_table *table; /*!< Atomic. */
	size_t count;
} ms_slots_t;

typedef struct {
	const ms_view_t *view;       /*!< Atomic. */
	const ms_sig0_key_t *key;    /*!< Atomic; freed by who swaps it out. */
} ms_publish_t;

/*! Read section; may be nested. Never blocks. */
void ms_publish_begin(void);
void ms_publish_end(void);
/*! Borrowed until ms_publish_end(). NULL before the first one. */
const ms_view_t *ms_publish_view(const ms_publish_t *publish);
const ms_sig0_key_t *ms_publish_key(const ms_publish_t *publish);

/*! Shows \a view from now on (taken) and frees the one before once nobody looks at it. */
void ms_publish_view_swap(ms_publish_t *publish, const ms_view_t *view);
/*! Drops rows that the view showed until now, once nobody looks at them. NULL is fine. */
void ms_publish_view_drop(ms_view_zone_t *old);
/*! The same as with a view, for the key: \return the one before, which nobody uses any more. */
const ms_sig0_key_t *ms_publish_key_swap(ms_publish_t *publish, const ms_sig0_key_t *key);

/*! \retval KNOT_ENOMEM */
int ms_slots_init(ms_slots_t *slots);
/*! Nobody may read any more. */
void ms_slots_deinit(ms_slots_t *slots);
/*! Without a lock. \a zone in lower case. NULL: never opted in. */
ms_slot_t *ms_slots_find(const ms_slots_t *slots, const knot_dname_t *zone);
/*! Finds or makes a slot. Callers exclude each other. NULL: no memory. */
ms_slot_t *ms_slots_get(ms_slots_t *slots, const knot_dname_t *zone);

/*! All of them; callers exclude each other as above. */
void ms_slots_each(ms_slots_t *slots, void (*each)(ms_slot_t *slot, void *ctx), void *ctx);

/*! Is it opted in? */
static inline bool ms_slot_live(const ms_slot_t *slot)
{
	return __atomic_load_n(&slot->live, __ATOMIC_RELAXED);
}

/*! Was this version found complete? Then it stays so. */
static inline bool ms_slot_open(const ms_slot_t *slot, uint64_t version)
{
	return __atomic_load_n(&slot->open[0], __ATOMIC_RELAXED) == version ||
	       __atomic_load_n(&slot->open[1], __ATOMIC_RELAXED) == version;
}

void ms_slot_set_open(ms_slot_t *slot, uint64_t version);
/*! Is \a version new here? Marks it seen. */
bool ms_slot_version_new(ms_slot_t *slot, uint64_t version);
/*! Forgets what was seen: the next query brings the snapshot again. */
void ms_slot_forget(ms_slot_t *slot);
