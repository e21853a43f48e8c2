/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The edits that make an apex what it is wanted to be. Computed from a snapshot; io/zonedit compares
 * once more within its transaction.
 */
#pragma once

#include "core/wanted.h"

typedef struct {
	const ms_zone_t *zone;    /*!< Borrowed. */
	ms_combine_t mode;
	bool keys_fit;            /*!< The list of our own keys is of this very apex. */
	size_t count;
	ms_edit_t *edits;         /*!< Owned; one per type at most. */
	bool refetch;             /*!< The owner's NS RRset is to come back and is not known any more. */
} ms_plan_t;

/*! \param plan  zone, mode and keys_fit are set. \retval KNOT_ENOMEM, KNOT_ERROR */
int ms_plan_make(ms_plan_t *plan);
void ms_plan_clear(ms_plan_t *plan);

/*!
 * Makes it the whole statement of what is wanted: a combiner elsewhere keeps that as one
 * contribution.
 */
int ms_plan_whole(ms_plan_t *plan);

/*! Is the type ours to fill in this zone? */
bool ms_plan_managed(const ms_zone_t *zone, ms_apex_type_t type);
/*! Is it one that goes back to the owner when it is not? */
bool ms_plan_restored(const ms_plan_t *plan, ms_apex_type_t type);

/*! "DNSKEY +1 -0, CDS +1 -0" */
void ms_plan_describe(const ms_plan_t *plan, char *out, size_t max);
