/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Knot's own key manager, run as a child: `keymgr -D KASP-DIR ZONE …`, some 10 ms a call. It may
 * work beside a running knotd, which notices after zone-keys-load.
 *
 * The child gets no shell, no descriptors but its three, default signals and a process group of
 * its own; it is killed at the deadline or when the stop flag is raised, and always reaped. A
 * killed keymgr leaves the KASP database as it was or as it shall be (LMDB transactions).
 *
 * Each error leaves one sentence in the caller's reason buffer.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "base/time.h"

/*! Longest run of one keymgr: five hundred times the usual, yet an end. */
#define MS_KEYMGR_TIMEOUT_MS 5000
/*! Most output taken; a key is 400 octets of JSON. */
#define MS_KEYMGR_OUTPUT_MAX (512 * 1024)
/*! Parameters of one call of ms_keymgr_set(). */
#define MS_KEYMGR_PARAMS_MAX 12
/*! Hexadecimal key id and its end. */
#define MS_KEYID_ROOM 41
#define MS_KEYMGR_REASON_MAX 384

typedef struct {
	const char *program;      /*!< Borrowed; NULL: ms_keymgr_find(). */
	const char *kasp_dir;     /*!< Borrowed. keymgr makes the directory where it is missing. */
	const atomic_bool *stop;  /*!< Borrowed; NULL: never stops. */
	int timeout_ms;           /*!< 0: MS_KEYMGR_TIMEOUT_MS. */
} ms_keymgr_t;

/*! Moments of a key's life, seconds since 1970; 0: not set. */
typedef struct {
	int64_t pre_active;
	int64_t publish;
	int64_t ready;
	int64_t active;
	int64_t retire_active;
	int64_t retire;
	int64_t post_active;
	int64_t remove;
} ms_key_times_t;

typedef struct {
	char id[MS_KEYID_ROOM];
	uint16_t tag;
	uint8_t algorithm;
	bool ksk;                 /*!< Both bits: a CSK. */
	bool zsk;
	bool public_only;         /*!< Known, but the private part is elsewhere. */
	ms_key_times_t times;
	bool published;           /*!< States at the given moment (io/keylife). In the DNSKEY RRset. */
	bool active;              /*!< `active` was reached and nothing that ends it; of a KSK: has CDS. */
	bool signs;               /*!< Signs the zone's data; also unpublished. */
	bool withdrawn;           /*!< `retire-active` was reached, nothing later: signs, has no CDS. */
	bool retired;             /*!< `retire` was reached. */
	bool removed;             /*!< `remove` was reached; only the KASP database has it still. */
} ms_key_t;

typedef struct {
	size_t count;
	ms_key_t *list;           /*!< Owned. */
} ms_keys_t;

/*! How ms_keymgr_generate() makes a key. */
typedef struct {
	uint8_t algorithm;        /*!< DNSSEC algorithm number. */
	bool ksk;
	bool zsk;
	bool publish;             /*!< Now; else hidden until ms_keymgr_set(). */
	bool active;              /*!< Now. */
} ms_keymgr_new_t;

/*! Absolute path of keymgr, from the usual directories or PATH; false: not installed. */
bool ms_keymgr_find(char *path, size_t size);

/*!
 * All keys of \a zone with their states at \a now; none is KNOT_EOK with count 0, also where the
 * zone is unknown. *out is replaced on success only.
 *
 * Errors of all that follow: KNOT_ENOENT (no keymgr), KNOT_ETIMEOUT, KNOT_EBUSY (stop flag),
 * KNOT_ESPACE (too much output), KNOT_EMALF (output not understood), KNOT_EINVAL (bad argument),
 * KNOT_ENOMEM, KNOT_ERROR (keymgr failed; the reason has its first line of complaint), or that of
 * a system call.
 */
int ms_keymgr_list(const ms_keymgr_t *km, const knot_dname_t *zone, ms_wall_t now, ms_keys_t *out,
                   char *reason, size_t reason_size);
void ms_keys_clear(ms_keys_t *keys);

/*! Does the zone have any key that is not removed? *out is set on success only. */
int ms_keymgr_has_keys(const ms_keymgr_t *km, const knot_dname_t *zone, ms_wall_t now, bool *out,
                       char *reason, size_t reason_size);

/*! Makes a key; its id is written on success only. */
int ms_keymgr_generate(const ms_keymgr_t *km, const knot_dname_t *zone,
                       const ms_keymgr_new_t *what, char id[MS_KEYID_ROOM],
                       char *reason, size_t reason_size);

/*!
 * Sets timers: "NAME=[+|-]NUMBER[unit]" ("active=+0", "retire=1735689600"), \a params ends with
 * NULL. All or none: other forms are KNOT_EINVAL, because keymgr would skip them and do the rest.
 */
int ms_keymgr_set(const ms_keymgr_t *km, const knot_dname_t *zone, const char *id,
                  const char *const *params, char *reason, size_t reason_size);

/*! Deletes a key from the KASP database. */
int ms_keymgr_delete(const ms_keymgr_t *km, const knot_dname_t *zone, const char *id,
                     char *reason, size_t reason_size);
