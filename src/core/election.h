/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The election of a leader among the providers that take part (F-04..F-06). The drafts want one and
 * do not say how; this is ours, and doc/protocol.rst has it as others would have to do it.
 *
 * In a term everybody draws a vote and tells it. Who hears a strict majority, all of it in the same
 * term, confirms who has the highest vote, of equal ones the canonically smallest identity; or whom
 * somebody has confirmed already. One confirms once in a term. All who are heard must confirm the
 * same, else there is a new term. Since any two majorities have somebody in common, a term has one
 * leader at most (as long as all go by the same list of who takes part), and a minority has none.
 *
 * Pure: what the others told goes in, what we tell comes out. It must be on disk (term and leader)
 * before it is told: who forgot whom it confirmed could confirm another one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "base/rng.h"

/*! Another one that takes part, with what it told last. */
typedef struct {
	const knot_dname_t *identity; /*!< Lower case, borrowed. */
	bool heard;                   /*!< It answers; or it is too early to say that it does not:
	                                   then nothing is decided without it. */
	bool has;                     /*!< It told the rest. */
	uint32_t term;
	uint32_t vote;
	const knot_dname_t *leader;   /*!< Lower case, borrowed; root: none yet. */
} ms_voter_t;

/*! Our own part. All zero: never took part. From disk: term and leader, vote 0. */
typedef struct {
	uint32_t term;                /*!< 0: none. Compared in serial arithmetic: it may wrap. */
	uint32_t vote;                /*!< 0: none drawn. */
	knot_dname_storage_t leader;  /*!< Whom we confirm; root: nobody yet. */
} ms_election_t;

/*!
 * What follows from what the others tell, as far as it goes. To be called when something of that
 * changed. While not all hear all, terms may follow each other as fast as states are exchanged: the
 * caller paces.
 *
 * \return Whether *own changed and must be told.
 */
bool ms_election_step(ms_election_t *own, const knot_dname_t *self, const ms_voter_t *others,
                      size_t count, ms_rng_t *rng);

/*! Is own->leader elected: do we hear a strict majority with the leader in it, and does all of it
 *  confirm? */
bool ms_election_over(const ms_election_t *own, const knot_dname_t *self, const ms_voter_t *others,
                      size_t count);
