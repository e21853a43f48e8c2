/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Asks every address of every name server of a child, each one by itself, over TCP, and lets
 * libunbound validate what it says with the DS that the parent has now (K-19, K-23, K-50..K-55).
 *
 * Each address has a libunbound context of its own: a stub for the child that leads there alone, an
 * empty cache, and the parent's DS as its only trust anchor. So nothing of one server is mixed up
 * with another's, and no other server is asked.
 *
 * Blocks, for the threads of the pool; ends within the time given or soon after \a stop is raised.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/resolver.h"
#include "wire/survey.h"

typedef struct {
	ms_resolver_options_t resolver;  /*!< For addresses outside of the child, and for `_signal`. */
	int64_t timeout;                 /*!< For each of the three rounds, microseconds. */
	bool local;                      /*!< Name servers may be on loopback: a laboratory. */
	bool udp;                        /*!< Over UDP for once (M-20). */
	bool want_key;                   /*!< KEY at the apex as well. */
	bool want_signals;               /*!< What stands below `_signal`. */
} ms_probe_options_t;

/*!
 * Fills \a survey, of which child, deleg and proposed are there. survey->ret tells whether it is
 * about the child at all: KNOT_EOK, KNOT_ELIMIT (too many addresses), KNOT_ECONN (an address cannot
 * be looked up), KNOT_ENOMEM, KNOT_EBUSY (stopped); survey->text says why not.
 */
void ms_probe(const ms_probe_options_t *options, const atomic_bool *stop, ms_survey_t *survey);

/*!
 * One ordinary validated look-up, for error reports and keys. \a out gets the answer.
 * \retval KNOT_EOK (look at out->saying), KNOT_ENOMEM, KNOT_ERROR
 */
int ms_probe_one(const ms_resolver_options_t *options, const knot_dname_t *name, uint16_t type,
                 int64_t timeout, const atomic_bool *stop, ms_said_t *out);
