/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/db.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libknot/libknot.h>
#include <libknot/db/db_lmdb.h>

#include "io/place.h"
#include "io/trial.h"

/* LMDB's own codes, which libknot hands through. */
#define LMDB_CODE_MIN (-30799)
#define LMDB_CODE_MAX (-30700)

/* A store of ten thousand zones is read in less than one. */
#define TRIAL_SECONDS 10

/* Beside data.mdb: what was wrong with it may be of use to somebody. */
#define ASIDE ".damaged"

struct ms_db {
	knot_db_t *raw;
	char *path;
	dev_t dev;      /* Of its file, which stays open: so the pair is not used again. */
	ino_t ino;
	unsigned users;
	ms_db_t *next;
};

/* All that this process has open. */
static ms_db_t *registry;
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;

/* One sentence and one KNOT_E* for what libknot or LMDB said. */
static int fail_db(const ms_place_t *place, const char *doing, int ret)
{
	const char *why = knot_strerror(ret);
	switch (ret) {
	case KNOT_ESPACE:
		/* libknot says the same of both. */
		return ms_place_fail(place, ret, "%s: the disk, or its map of %zu MiB, is full; make room",
		                     doing, MS_DB_MAP_SIZE >> 20);
	case -ENOSPC:
	case -EDQUOT:
		return ms_place_fail(place, KNOT_ESPACE, "%s: the disk is full; make room", doing);
	case -EIO:
		return ms_place_fail(place, ret, "%s: %s; the disk is full or failing: make room, or "
		                     "replace it", doing, why);
	case KNOT_EACCES:
	case -EPERM:
	case -EROFS:
		return ms_place_fail(place, KNOT_EACCES, "%s: %s; the user of knotd must be able to write "
		            "there", doing, why);
	case KNOT_EEXIST:
	case KNOT_ENOTDIR:
		return ms_place_fail(place, ret, "%s: there is something that is no directory; move it away",
		            doing);
	case KNOT_ENOENT:
		return ms_place_fail(place, ret, "%s: the directory above does not exist; make it", doing);
	default:
		return ret >= LMDB_CODE_MIN && ret <= LMDB_CODE_MAX
		       ? ms_place_fail(place, KNOT_EMALF, "%s: damaged or foreign file (%s); restore it, "
		              "or move it away to begin anew", doing, why)
		       : ms_place_fail(place, ret, "%s: %s", doing, why);
	}
}

static int stat_file(const char *path, struct stat *st)
{
	char name[PATH_MAX];
	int len = snprintf(name, sizeof(name), "%s/data.mdb", path);
	if (len < 0 || (size_t)len >= sizeof(name)) {
		return KNOT_EINVAL;
	}
	return stat(name, st) == 0 ? KNOT_EOK : knot_map_errno();
}

static ms_db_t *find_open(const struct stat *st)
{
	for (ms_db_t *db = registry; db != NULL; db = db->next) {
		if (db->dev == st->st_dev && db->ino == st->st_ino) {
			return db;
		}
	}
	return NULL;
}

static int init_raw(const ms_place_t *place, size_t map_size, unsigned flags, knot_db_t **out)
{
	struct knot_db_lmdb_opts opts = KNOT_DB_LMDB_OPTS_INITIALIZER;
	opts.path = place->path;
	opts.mapsize = map_size > 0 ? map_size : MS_DB_MAP_SIZE;
	opts.flags.env = KNOT_DB_LMDB_NOTLS | flags;
	return knot_db_lmdb_api()->init(out, NULL, &opts);
}

/* What cannot be written is read at least: what must not leave without a record is known then. */
static int open_raw(const ms_place_t *place, size_t map_size, knot_db_t **out)
{
	if (mkdir(place->path, 0700) != 0 && errno != EEXIST) {
		return fail_db(place, "cannot be made", -errno);
	}
	knot_db_t *raw = NULL;
	int ret = init_raw(place, map_size, 0, &raw);
	if (ret != KNOT_EOK) {
		(void)fail_db(place, "cannot be opened for writing", ret);
		bool denied = ret == KNOT_EACCES || ret == -EROFS || ret == -EPERM;
		if (!denied || init_raw(place, map_size, KNOT_DB_LMDB_RDONLY, &raw) != KNOT_EOK) {
			return fail_db(place, "cannot be opened", ret);
		}
	}
	*out = raw;
	return KNOT_EOK;
}

/* Every octet of a record, so that all its pages are touched. */
static int touch(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                 size_t value_len)
{
	volatile uint8_t *sum = ctx;
	for (size_t i = 0; i < key_len; i++) {
		*sum += key[i];
	}
	for (size_t i = 0; i < value_len; i++) {
		*sum += value[i];
	}
	return KNOT_EOK;
}

typedef struct {
	const ms_place_t *place;
	size_t map_size;
} trial_t;

/* Reads all and writes something, in a child. 0: nothing is damaged; other faults are told later. */
static int try_all(void *ctx)
{
	const trial_t *trial = ctx;
	ms_db_t db = { .path = (char *)trial->place->path };
	int ret = open_raw(trial->place, trial->map_size, &db.raw);
	volatile uint8_t sum = 0;
	if (ret == KNOT_EOK) {
		ret = ms_db_each(&db, touch, (void *)&sum);
	}
	if (ret == KNOT_EOK) {
		static const uint8_t key[] = { 0 }, value[] = { 0 };
		ms_db_put_t puts[] = { { key, sizeof(key), value, sizeof(value) },
		                       { key, sizeof(key), NULL, 0 } };
		ret = ms_db_apply(&db, puts, 2, trial->place->reason, trial->place->reason_size);
	}
	if (db.raw != NULL) {
		knot_db_lmdb_api()->deinit(db.raw);
	}
	return ret == KNOT_EMALF || (ret >= LMDB_CODE_MIN && ret <= LMDB_CODE_MAX);
}

/*
 * LMDB trusts its file: pages that are missing or wrong end the process that meets them, and so
 * does a lock file that a full disk has no room for. Better a child than knotd.
 */
static int try_out(const ms_place_t *place, size_t map_size)
{
	struct stat st;
	bool had = stat_file(place->path, &st) == KNOT_EOK && st.st_size > 0;
	trial_t trial = { place, map_size };
	int code = 0;
	int ret = ms_trial(try_all, &trial, TRIAL_SECONDS, &code);
	if (ret != KNOT_EOK && ret != KNOT_ETIMEOUT) {
		return KNOT_EOK;
	}
	if (ret == KNOT_EOK && code == 0) {
		return KNOT_EOK;
	}
	return had ? ms_place_fail(place, KNOT_EMALF, "is damaged; restore it, or move it away to begin "
	                           "anew")
	           : ms_place_fail(place, KNOT_ESPACE, "cannot be made: the disk is full; make room");
}

static int open_new(const ms_place_t *place, size_t map_size, ms_db_t **out)
{
	knot_db_t *raw = NULL;
	int ret = try_out(place, map_size);
	if (ret == KNOT_EOK) {
		ret = open_raw(place, map_size, &raw);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	struct stat st;
	ret = stat_file(place->path, &st);
	ms_db_t *db = ret == KNOT_EOK ? calloc(1, sizeof(*db)) : NULL;
	char *path = db != NULL ? strdup(place->path) : NULL;
	if (path == NULL) {
		free(db);
		knot_db_lmdb_api()->deinit(raw);
		return fail_db(place, "cannot be opened", ret != KNOT_EOK ? ret : KNOT_ENOMEM);
	}
	*db = (ms_db_t){ .raw = raw, .path = path, .dev = st.st_dev, .ino = st.st_ino,
	                 .next = registry };
	registry = db;
	*out = db;
	return KNOT_EOK;
}

int ms_db_open(ms_db_t **out, const char *path, size_t map_size,
               char *reason, size_t reason_size)
{
	ms_place_t place = { "database", path, reason, reason_size };
	int ret = KNOT_EOK;
	struct stat st;
	if (reason_size > 0) {
		reason[0] = '\0';
	}
	pthread_mutex_lock(&registry_lock);
	ms_db_t *db = stat_file(path, &st) == KNOT_EOK ? find_open(&st) : NULL;
	if (db == NULL) {
		ret = open_new(&place, map_size, &db);
	}
	if (ret == KNOT_EOK) {
		db->users++;
		*out = db;
	}
	pthread_mutex_unlock(&registry_lock);
	return ret;
}

static void forget(const ms_db_t *db)
{
	ms_db_t **link = &registry;
	while (*link != db) {
		link = &(*link)->next;
	}
	*link = db->next;
}

void ms_db_close(ms_db_t *db)
{
	if (db == NULL) {
		return;
	}
	pthread_mutex_lock(&registry_lock);
	if (--db->users == 0) {
		forget(db);
		/* Under the lock: nobody may open it before it is closed. */
		knot_db_lmdb_api()->deinit(db->raw);
		free(db->path);
		free(db);
	}
	pthread_mutex_unlock(&registry_lock);
}

static int visit(const knot_db_api_t *api, knot_db_iter_t *iter, ms_db_each_f each, void *ctx)
{
	knot_db_val_t key, value;
	int ret = api->iter_key(iter, &key);
	if (ret == KNOT_EOK) {
		ret = api->iter_val(iter, &value);
	}
	return ret == KNOT_EOK ? each(ctx, key.data, key.len, value.data, value.len) : ret;
}

int ms_db_each(ms_db_t *db, ms_db_each_f each, void *ctx)
{
	const knot_db_api_t *api = knot_db_lmdb_api();
	knot_db_txn_t txn;
	int ret = api->txn_begin(db->raw, &txn, KNOT_DB_RDONLY);
	if (ret != KNOT_EOK) {
		return ret;
	}
	knot_db_iter_t *iter = api->iter_begin(&txn, KNOT_DB_FIRST);
	while (iter != NULL && ret == KNOT_EOK) {
		ret = visit(api, iter, each, ctx);
		if (ret == KNOT_EOK) {
			iter = api->iter_next(iter);
		}
	}
	if (iter != NULL) {
		api->iter_finish(iter);
	}
	api->txn_abort(&txn);
	return ret;
}

static int perform(const knot_db_api_t *api, knot_db_txn_t *txn, const ms_db_put_t *put)
{
	knot_db_val_t key = { (void *)put->key, put->key_len };
	if (put->value == NULL) {
		int ret = api->del(txn, &key);
		return ret == KNOT_ENOENT ? KNOT_EOK : ret;
	}
	knot_db_val_t value = { (void *)put->value, put->value_len };
	return api->insert(txn, &key, &value, 0);
}

int ms_db_apply(ms_db_t *db, const ms_db_put_t *puts, size_t count,
                char *reason, size_t reason_size)
{
	ms_place_t place = { "database", db->path, reason, reason_size };
	for (size_t i = 0; i < count; i++) {
		const ms_db_put_t *put = &puts[i];
		if (put->key == NULL || put->key_len == 0 || put->key_len > MS_DB_KEY_MAX) {
			return ms_place_fail(&place, KNOT_EINVAL, "takes keys of 1 to %d octets",
			            MS_DB_KEY_MAX);
		}
	}
	const knot_db_api_t *api = knot_db_lmdb_api();
	knot_db_txn_t txn;
	int ret = api->txn_begin(db->raw, &txn, 0);
	if (ret != KNOT_EOK) {
		return fail_db(&place, "cannot be written", ret);
	}
	for (size_t i = 0; i < count && ret == KNOT_EOK; i++) {
		ret = perform(api, &txn, &puts[i]);
	}
	if (ret == KNOT_EOK) {
		ret = api->txn_commit(&txn);
	} else {
		api->txn_abort(&txn);
	}
	return ret == KNOT_EOK ? KNOT_EOK : fail_db(&place, "cannot be written", ret);
}

int ms_db_set_aside(const char *path, char *reason, size_t reason_size)
{
	ms_place_t place = { "database", path, reason, reason_size };
	char file[PATH_MAX], aside[PATH_MAX], lock[PATH_MAX];
	int len = snprintf(file, sizeof(file), "%s/data.mdb", path);
	if (len < 0 || (size_t)len + sizeof(ASIDE) > sizeof(file)) {
		return fail_db(&place, "cannot be set aside", KNOT_EINVAL);
	}
	(void)snprintf(aside, sizeof(aside), "%s/data.mdb" ASIDE, path);
	(void)snprintf(lock, sizeof(lock), "%s/lock.mdb", path);
	if (rename(file, aside) != 0) {
		return fail_db(&place, "cannot be set aside", knot_map_errno());
	}
	/* Belongs to the old one; LMDB makes it anew. */
	(void)unlink(lock);
	return KNOT_EOK;
}
