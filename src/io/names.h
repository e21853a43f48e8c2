/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The delegations of a zone, read by AXFR from our own server: without holding its control socket, and
 * for zones of any size. Blocks, for the threads of the pool.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "wire/locator.h"

/*! Longest wait for connecting, and for each message, milliseconds. */
#define MS_NAMES_STEP_MS 2000

typedef struct {
	size_t count;
	size_t len;
	size_t last;        /*!< Where the last one begins. */
	size_t room;
	uint8_t *names;     /*!< Owned: names in lower case, one after the other. */
} ms_names_t;

/*! Appends a name that is not the last one already. \retval KNOT_ENOMEM, KNOT_ELIMIT (over \a max) */
int ms_names_add(ms_names_t *list, const knot_dname_t *name, size_t max);
void ms_names_clear(ms_names_t *list);

/*!
 * \param max  Most names.
 * \retval KNOT_EDENIED  The server's ACL does not let us transfer the zone.
 * \retval KNOT_ECONN, KNOT_ETIMEOUT, KNOT_EMALF, KNOT_EBUSY (stopped), KNOT_ENOMEM, KNOT_ELIMIT
 */
int ms_names_axfr(const ms_addr_t *server, const knot_dname_t *zone, size_t max,
                 const atomic_bool *stop, ms_names_t *out);
