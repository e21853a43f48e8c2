/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/publish.h"

#include <stdlib.h>
#include <urcu.h>

#include <libknot/errcode.h>

/* Slots of the first table; it doubles at three quarters. */
#define SLOTS_FIRST 64

struct ms_slot_table {
	struct ms_slot_table *older; /* Readers may still be in it; freed at the end. */
	size_t mask;
	ms_slot_t *entry[];          /* Atomic. */
};

/*
 * ThreadSanitizer does not see into liburcu. This counter shows it the order that
 * synchronize_rcu() makes between the end of a read section and the free that follows.
 */
#if defined(__SANITIZE_THREAD__)
#define SHOW_ORDER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHOW_ORDER 1
#endif
#endif
#ifdef SHOW_ORDER
static unsigned order;
#define READ_ENDS()  __atomic_fetch_add(&order, 1, __ATOMIC_RELEASE)
#define READS_OVER() __atomic_load_n(&order, __ATOMIC_ACQUIRE)
#else
#define READ_ENDS()  ((void)0)
#define READS_OVER() ((void)0)
#endif

void ms_publish_begin(void)
{
	rcu_read_lock();
}

void ms_publish_end(void)
{
	READ_ENDS();
	rcu_read_unlock();
}

const ms_view_t *ms_publish_view(const ms_publish_t *publish)
{
	return __atomic_load_n(&publish->view, __ATOMIC_ACQUIRE);
}

const ms_sig0_key_t *ms_publish_key(const ms_publish_t *publish)
{
	return __atomic_load_n(&publish->key, __ATOMIC_ACQUIRE);
}

void ms_publish_view_swap(ms_publish_t *publish, const ms_view_t *view)
{
	const ms_view_t *old = __atomic_exchange_n(&publish->view, view, __ATOMIC_ACQ_REL);
	if (old != NULL) {
		synchronize_rcu();
		READS_OVER();
		ms_view_free((ms_view_t *)old);
	}
}

void ms_publish_view_drop(ms_view_zone_t *old)
{
	if (old != NULL) {
		synchronize_rcu();
		READS_OVER();
		ms_view_drop(old);
	}
}

const ms_sig0_key_t *ms_publish_key_swap(ms_publish_t *publish, const ms_sig0_key_t *key)
{
	const ms_sig0_key_t *old = __atomic_exchange_n(&publish->key, key, __ATOMIC_ACQ_REL);
	if (old != NULL) {
		synchronize_rcu();
		READS_OVER();
	}
	return old;
}

/* FNV-1a: names come from the operator's configuration, nobody else can choose them. */
static uint64_t hash_name(const knot_dname_t *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	for (const uint8_t *end = name + knot_dname_size(name); name < end; name++) {
		hash = (hash ^ *name) * 0x100000001b3ULL;
	}
	return hash ^ hash >> 32;
}

static struct ms_slot_table *new_table(size_t size)
{
	struct ms_slot_table *table = calloc(1, sizeof(*table) + size * sizeof(table->entry[0]));
	if (table != NULL) {
		table->mask = size - 1;
	}
	return table;
}

static void put_slot(struct ms_slot_table *table, ms_slot_t *slot)
{
	size_t at = slot->hash & table->mask;
	while (table->entry[at] != NULL) {
		at = (at + 1) & table->mask;
	}
	__atomic_store_n(&table->entry[at], slot, __ATOMIC_RELEASE);
}

int ms_slots_init(ms_slots_t *slots)
{
	struct ms_slot_table *table = new_table(SLOTS_FIRST);
	if (table == NULL) {
		return KNOT_ENOMEM;
	}
	*slots = (ms_slots_t){ .table = table };
	return KNOT_EOK;
}

void ms_slots_deinit(ms_slots_t *slots)
{
	struct ms_slot_table *table = slots->table;
	for (size_t i = 0; table != NULL && i <= table->mask; i++) {
		if (table->entry[i] != NULL) {
			knot_dname_free(table->entry[i]->name, NULL);
			free(table->entry[i]);
		}
	}
	while (table != NULL) {
		struct ms_slot_table *older = table->older;
		free(table);
		table = older;
	}
	*slots = (ms_slots_t){ 0 };
}

static ms_slot_t *find(const ms_slots_t *slots, const knot_dname_t *zone, uint64_t hash)
{
	const struct ms_slot_table *table = __atomic_load_n(&slots->table, __ATOMIC_ACQUIRE);
	ms_slot_t *slot;
	size_t at = hash & table->mask;
	while ((slot = __atomic_load_n(&table->entry[at], __ATOMIC_ACQUIRE)) != NULL) {
		if (slot->hash == hash && knot_dname_is_equal(slot->name, zone)) {
			return slot;
		}
		at = (at + 1) & table->mask;
	}
	return NULL;
}

ms_slot_t *ms_slots_find(const ms_slots_t *slots, const knot_dname_t *zone)
{
	return find(slots, zone, hash_name(zone));
}

/* A table twice as large; the old one stays for those who are reading in it. */
static int grow(ms_slots_t *slots)
{
	struct ms_slot_table *old = slots->table;
	struct ms_slot_table *table = new_table(2 * (old->mask + 1));
	if (table == NULL) {
		return KNOT_ENOMEM;
	}
	for (size_t i = 0; i <= old->mask; i++) {
		if (old->entry[i] != NULL) {
			put_slot(table, old->entry[i]);
		}
	}
	table->older = old;
	__atomic_store_n(&slots->table, table, __ATOMIC_RELEASE);
	return KNOT_EOK;
}

ms_slot_t *ms_slots_get(ms_slots_t *slots, const knot_dname_t *zone)
{
	uint64_t hash = hash_name(zone);
	ms_slot_t *slot = find(slots, zone, hash);
	if (slot != NULL) {
		return slot;
	}
	if (4 * (slots->count + 1) > 3 * (slots->table->mask + 1) && grow(slots) != KNOT_EOK) {
		return NULL;
	}
	slot = calloc(1, sizeof(*slot));
	knot_dname_t *name = knot_dname_copy(zone, NULL);
	if (slot == NULL || name == NULL) {
		free(slot);
		knot_dname_free(name, NULL);
		return NULL;
	}
	slot->name = name;
	slot->hash = hash;
	put_slot(slots->table, slot);
	slots->count++;
	return slot;
}

void ms_slots_each(ms_slots_t *slots, void (*each)(ms_slot_t *slot, void *ctx), void *ctx)
{
	struct ms_slot_table *table = slots->table;
	for (size_t i = 0; i <= table->mask; i++) {
		if (table->entry[i] != NULL) {
			each(table->entry[i], ctx);
		}
	}
}

void ms_slot_set_open(ms_slot_t *slot, uint64_t version)
{
	/* Two at once may both move the older one down: a version is judged again then. */
	uint64_t before = __atomic_exchange_n(&slot->open[0], version, __ATOMIC_RELAXED);
	if (before != version) {
		__atomic_store_n(&slot->open[1], before, __ATOMIC_RELAXED);
	}
}

bool ms_slot_version_new(ms_slot_t *slot, uint64_t version)
{
	/* Every query of the server comes by here: the exclusive access is for the rare case. */
	return __atomic_load_n(&slot->version, __ATOMIC_RELAXED) != version &&
	       __atomic_exchange_n(&slot->version, version, __ATOMIC_RELAXED) != version;
}

void ms_slot_forget(ms_slot_t *slot)
{
	__atomic_store_n(&slot->version, 0, __ATOMIC_RELAXED);
}
