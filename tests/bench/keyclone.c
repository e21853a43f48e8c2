/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * keyclone KASP-DIR ZONE < ZONES: gives every zone named on standard input the keys of ZONE, by
 * copying its records in Knot's key database in one transaction. ZONE goes on having them. Ten
 * thousand calls of keymgr would take minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>
#include <libknot/db/db_lmdb.h>

#define RECORDS_MAX 64
#define MAP_SIZE    (500UL * 1024 * 1024)  /* Knot's default of kasp-db-max-size. */
#define DB_NAME     "keys_db"
#define TXN_ZONES   1000

typedef struct {
	size_t count;
	knot_db_val_t key[RECORDS_MAX];
	knot_db_val_t value[RECORDS_MAX];
} records_t;

static void fail(const char *what, int ret)
{
	fprintf(stderr, "keyclone: %s: %s\n", what, knot_strerror(ret));
	exit(1);
}

static knot_db_val_t copy_of(const knot_db_val_t *val)
{
	knot_db_val_t copy = { .data = malloc(val->len + 1), .len = val->len };
	if (copy.data == NULL) {
		fail("copy", KNOT_ENOMEM);
	}
	memcpy(copy.data, val->data, val->len);
	return copy;
}

/* A key of the database is an octet for its class, the zone, and what tells records apart. */
static bool belongs(const knot_db_val_t *key, const knot_dname_t *zone, size_t size)
{
	return key->len > size && memcmp((uint8_t *)key->data + 1, zone, size) == 0;
}

static void collect(knot_db_t *db, const knot_dname_t *zone, records_t *out)
{
	const knot_db_api_t *api = knot_db_lmdb_api();
	knot_db_txn_t txn;
	int ret = api->txn_begin(db, &txn, KNOT_DB_RDONLY);
	if (ret != KNOT_EOK) {
		fail("reading", ret);
	}
	size_t size = knot_dname_size(zone);
	knot_db_iter_t *it = api->iter_begin(&txn, KNOT_DB_FIRST);
	while (it != NULL) {
		knot_db_val_t key, value;
		if (api->iter_key(it, &key) == KNOT_EOK && belongs(&key, zone, size) &&
		    api->iter_val(it, &value) == KNOT_EOK && out->count < RECORDS_MAX) {
			out->key[out->count] = copy_of(&key);
			out->value[out->count++] = copy_of(&value);
		}
		it = api->iter_next(it);
	}
	api->txn_abort(&txn);
}

static void put(knot_db_txn_t *txn, const knot_dname_t *zone, size_t old, const records_t *records)
{
	uint8_t buf[KNOT_DNAME_MAXLEN + 256];
	size_t size = knot_dname_size(zone);
	for (size_t i = 0; i < records->count; i++) {
		const uint8_t *from = records->key[i].data;
		size_t rest = records->key[i].len - 1 - old;
		if (rest > 255) {
			fail("record", KNOT_ERANGE);
		}
		buf[0] = from[0];
		memcpy(buf + 1, zone, size);
		memcpy(buf + 1 + size, from + 1 + old, rest);
		knot_db_val_t key = { .data = buf, .len = 1 + size + rest };
		knot_db_val_t value = records->value[i];
		int ret = knot_db_lmdb_api()->insert(txn, &key, &value, 0);
		if (ret != KNOT_EOK) {
			fail("writing", ret);
		}
	}
}

/* \return Whether there was another zone. */
static bool put_some(knot_db_t *db, size_t old, const records_t *records)
{
	const knot_db_api_t *api = knot_db_lmdb_api();
	char line[KNOT_DNAME_TXT_MAXLEN + 2];
	knot_db_txn_t txn;
	int ret = api->txn_begin(db, &txn, 0);
	unsigned count = 0;
	while (ret == KNOT_EOK && count < TXN_ZONES && fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		knot_dname_storage_t zone;
		if (knot_dname_from_str(zone, line, sizeof(zone)) == NULL) {
			fail(line, KNOT_EMALF);
		}
		put(&txn, zone, old, records);
		count++;
	}
	ret = ret == KNOT_EOK ? api->txn_commit(&txn) : ret;
	if (ret != KNOT_EOK) {
		fail("committing", ret);
	}
	return count == TXN_ZONES;
}

int main(int argc, char **argv)
{
	knot_dname_storage_t zone;
	if (argc != 3 || knot_dname_from_str(zone, argv[2], sizeof(zone)) == NULL) {
		fprintf(stderr, "usage: keyclone KASP-DIR ZONE < ZONES\n");
		return 2;
	}
	struct knot_db_lmdb_opts opts = KNOT_DB_LMDB_OPTS_INITIALIZER;
	opts.path = argv[1];
	opts.dbname = DB_NAME;
	opts.mapsize = MAP_SIZE;
	opts.maxdbs = 2;
	knot_db_t *db = NULL;
	int ret = knot_db_lmdb_api()->init(&db, NULL, &opts);
	if (ret != KNOT_EOK) {
		fail(argv[1], ret);
	}
	records_t records = { 0 };
	collect(db, zone, &records);
	if (records.count == 0) {
		fail(argv[2], KNOT_ENOENT);
	}
	while (put_some(db, knot_dname_size(zone), &records)) {
	}
	knot_db_lmdb_api()->deinit(db);
	for (size_t i = 0; i < records.count; i++) {
		free(records.key[i].data);
		free(records.value[i].data);
	}
	return 0;
}
