/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One short connection to knotd's control socket: open, a few calls back to back, close.
 *
 * knotd 3.2 serves one connection at a time in its main thread: whoever keeps one open blocks
 * every knotc, and a reload. So no call waits longer than MS_CTL_STEP_MS, and none begins once
 * the stop flag is up. Never send blocking flags (knotc -b) or zone-read: the first can deadlock
 * knotd < 3.4 on an open transaction, the second can crash knotd < 3.2.7.
 *
 * KNOT_EBUSY always means "retry later": no socket (yet), refused connection, no answer in time,
 * connection lost, a transaction of somebody else, knotd says busy, or the stop flag.
 * Each error leaves one sentence in the caller's reason buffer.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/control/control.h>
#include <libknot/dname.h>

/*! Longest wait for one answer: with the last abort a stop stays below 1.5 s. */
#define MS_CTL_STEP_MS 1000
/*! Wait for the answer to a parting zone-abort; knotd executes it also when nobody waits. */
#define MS_CTL_PARTING_MS 300
/*! Most data units taken from one answer; no RRset or zone status we ask for comes near. */
#define MS_CTL_ITEMS_MAX 4096
/*! Enough for one sentence with a path or a name in it. */
#define MS_CTL_REASON_MAX 384

typedef struct {
	knot_ctl_t *raw;          /*!< NULL: not open. */
	const char *path;         /*!< Borrowed. */
	const atomic_bool *stop;  /*!< Borrowed; NULL: never stops. */
	char *reason;             /*!< Borrowed, of reason_size octets. */
	size_t reason_size;
	bool broken;              /*!< Out of step after an I/O error: no further call. */
	bool lost;                /*!< Broken because the other side has closed. */
} ms_ctl_t;

/*! A command; NULL for what it does not have. Names in presentation form with final dot. */
typedef struct {
	const char *cmd;
	const char *zone;
	const char *owner;
	const char *ttl;
	const char *type;
	const char *data;
} ms_ctl_cmd_t;

/*! Gets one data unit, valid during the call only. An error ends the delivery, not the reading. */
typedef int (*ms_ctl_item_f)(void *ctx, knot_ctl_data_t *data);

/*! What zone-status says. */
typedef struct {
	bool loaded;       /*!< Has contents. */
	uint32_t serial;   /*!< Of the contents. */
	bool transaction;  /*!< Somebody holds a zone transaction. */
} ms_ctl_zone_t;

/*!
 * Connects to \a path. ms_ctl_close() is due only after KNOT_EOK.
 * \retval KNOT_EBUSY, KNOT_EACCES (may not write to the socket), KNOT_EINVAL (path too long),
 *         KNOT_ENOMEM or another libknot error.
 */
int ms_ctl_open(ms_ctl_t *ctl, const char *path, const atomic_bool *stop,
                char *reason, size_t reason_size);
void ms_ctl_close(ms_ctl_t *ctl);

/*!
 * Sends one command and reads the whole answer; \a item may be NULL.
 * \retval KNOT_EBUSY; what knotd said as a KNOT_E* where it is a known one (KNOT_ENOZONE,
 *         KNOT_ENONODE, KNOT_ENORECORD, KNOT_EISRECORD, KNOT_EPARSEFAIL, KNOT_ESEMCHECK,
 *         KNOT_TXN_ENOTEXISTS, …), KNOT_ERROR where not; KNOT_EMALF (answer is not understood);
 *         KNOT_ELIMIT (answer too long); the error of \a item.
 */
int ms_ctl_call(ms_ctl_t *ctl, const ms_ctl_cmd_t *cmd, ms_ctl_item_f item, void *ctx);

/*! zone-status. \retval KNOT_ENOZONE when knotd has no such zone; else as ms_ctl_call(). */
int ms_ctl_zone_status(ms_ctl_t *ctl, const char *zone, ms_ctl_zone_t *out);

/*!
 * Ends a transaction that is known to be ours, also when the stop flag is up, and also when we gave
 * up waiting for an answer: knotd executes what is queued on a connection in order, even when
 * nobody waits any more and before it serves anybody else, so this abort can hit only what we
 * began. Where knotd has closed, on a new connection. Afterwards only ms_ctl_close() makes sense.
 */
void ms_ctl_abort(ms_ctl_t *ctl, const char *zone);

/*!
 * A whole connection for one command on one zone: "zone-keys-load", "zone-retransfer",
 * "zone-refresh". They only start the work.
 */
int ms_ctl_zone_do(const char *path, const atomic_bool *stop, const char *cmd,
                   const knot_dname_t *zone, char *reason, size_t reason_size);
