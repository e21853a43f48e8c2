/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The DS RRset that a child's servers ask for by CDS and CDNSKEY, whether it gets it or not.
 */
#pragma once

#include "parent/verdict.h"

/*! Iterates over the RDATA of a set: for MS_EACH_RDATA(rd, set) { … } */
#define MS_EACH_RDATA(rd, s) \
	(const knot_rdata_t *rd = (s)->rrs.rdata, *end_##rd = \
	 (const knot_rdata_t *)((const uint8_t *)rd + (s)->rrs.size); \
	 (s)->rrs.count > 0 && rd < end_##rd; rd = knot_rdataset_next((knot_rdata_t *)rd))

typedef struct {
	bool any;            /*!< Something is published. */
	bool delete;         /*!< The end of DNSSEC is asked for. */
	ms_rrset_t ds;       /*!< Owned. */
} ms_wish_t;

/*! Rules 1 to 7: what all servers ask for. SAME: \a out tells, and wants ms_rrset_clear(&out->ds); so
 *  it does after any other verdict. */
ms_verdict_t ms_wish_read(const ms_survey_t *survey, const ms_policy_t *policy, ms_wish_t *out);

/*! Rule 7: accepted algorithms only, and not too many DS. */
ms_verdict_t ms_wish_algorithms(const ms_policy_t *policy, const ms_rrset_t *ds);

/*! Is this DNSKEY (or CDNSKEY) named by one of \a ds (or CDS)? */
bool ms_ds_names(const knot_dname_t *zone, const knot_rdata_t *key, const ms_rrset_t *ds);
