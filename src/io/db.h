/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Our durable records: one LMDB environment per directory and process, with one database, through
 * libknot's knot_db.
 *
 * knotd loads new instances before it unloads the old ones, and LMDB must not be opened twice in a
 * process: a second open of the same database gives the same object, counted.
 *
 * Only one thread may call ms_db_apply(); ms_db_each() may be called by any, and sees one
 * consistent state. ms_db_open() and ms_db_close() may be called by any thread.
 *
 * Each error leaves one sentence in the caller's reason buffer: path, fault, remedy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*! LMDB's own limit of a key. */
#define MS_DB_KEY_MAX 511
/*! Ten thousand zones of a few KiB each; address space, not memory or disk. */
#define MS_DB_MAP_SIZE ((size_t)512 * 1024 * 1024)
#define MS_DB_REASON_MAX 384

typedef struct ms_db ms_db_t;

/*! One change of a batch. */
typedef struct {
	const uint8_t *key;     /*!< Borrowed; 1 to MS_DB_KEY_MAX octets. */
	size_t key_len;
	const uint8_t *value;   /*!< Borrowed; NULL deletes, and what is not there is deleted. */
	size_t value_len;
} ms_db_put_t;

/*! Gets one record, valid during the call only. An error ends the iteration. */
typedef int (*ms_db_each_f)(void *ctx, const uint8_t *key, size_t key_len,
                            const uint8_t *value, size_t value_len);

/*!
 * Opens the database in directory \a path, which is made (0700) where only the last part is
 * missing. \a map_size (0: MS_DB_MAP_SIZE) is its largest size; where the database is open already,
 * the first one stays.
 * A database that may only be read is opened for that, with its sentence in \a reason; else that is
 * empty on success.
 * \retval KNOT_EACCES  the directory or the files may not be written.
 * \retval KNOT_EMALF   damaged, or not our kind of file; tried out by a child, since damage may end
 *                      the process that meets it.
 * \retval KNOT_ESPACE  the disk has no room for it.
 * \retval KNOT_E*      KNOT_ENOMEM or that of a system call.
 */
int ms_db_open(ms_db_t **out, const char *path, size_t map_size,
               char *reason, size_t reason_size);
/*!
 * Renames the file of a database that is not open, to data.mdb.damaged (replacing an older one of
 * that name): the next ms_db_open() begins an empty one.
 */
int ms_db_set_aside(const char *path, char *reason, size_t reason_size);

/*! The last close closes it. NULL is fine. */
void ms_db_close(ms_db_t *db);

/*! Calls \a each for all records in the order of their keys. \return its error, or KNOT_E*. */
int ms_db_each(ms_db_t *db, ms_db_each_f each, void *ctx);

/*!
 * Performs the whole batch, in order, in one transaction that is on disk on return; or nothing.
 * \retval KNOT_EINVAL  a key without or with too many octets.
 * \retval KNOT_ESPACE  the map or the disk is full.
 * \retval KNOT_E*      other faults of the disk.
 */
int ms_db_apply(ms_db_t *db, const ms_db_put_t *puts, size_t count,
                char *reason, size_t reason_size);
