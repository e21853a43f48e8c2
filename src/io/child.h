/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A program run as a child to its end: no shell, no descriptors but its three (standard input is
 * /dev/null), default signals, a process group of its own. At the deadline, when the stop flag is
 * raised, or when it prints without end, the whole group is killed. It is always reaped.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

/*! Most of its standard error kept; the rest is dropped. */
#define MS_CHILD_ERR_MAX 4096

typedef struct {
	char *out;    /*!< What it printed; owned, ends with NUL; NULL: nothing. */
	char *err;    /*!< Likewise standard error. */
	int status;   /*!< As from waitpid(). */
} ms_child_t;

/*!
 * Runs args[0], an absolute path; \a args ends with NULL. \a stop may be NULL. *out is replaced on
 * success only, and success says nothing about its exit status.
 * \retval KNOT_ETIMEOUT  not finished within \a timeout_ms.
 * \retval KNOT_EBUSY     stop flag.
 * \retval KNOT_ESPACE    more than \a out_max octets of output, or no memory for them.
 * \retval KNOT_E*        it could not be started (KNOT_ENOENT, KNOT_EACCES, …).
 */
int ms_child_run(const char *const *args, int timeout_ms, const atomic_bool *stop,
                 size_t out_max, ms_child_t *out);
void ms_child_clear(ms_child_t *child);
