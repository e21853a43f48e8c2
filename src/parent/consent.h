/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Do all servers of a delegation say the same about one type (RFC 9975; K-19..K-23, P-12, P-27)? One
 * that differs, or that cannot be heard, is named in the verdict.
 */
#pragma once

#include "parent/verdict.h"

/*! Does the server count? Not a new one, and not a silent one where policy drops those. */
bool ms_look_counts(const ms_survey_t *survey, const ms_look_t *look, const ms_policy_t *policy);

/*! Rules 1 to 3: the survey is whole, every server has answered about \a type, and validates where
 *  the child has a DS. \return SAME: yes. */
ms_verdict_t ms_consent_heard(const ms_survey_t *survey, const ms_policy_t *policy,
                              ms_look_type_t type);

/*! Rules 1 to 4. \param out  What all say; borrowed. \return SAME: they do. */
ms_verdict_t ms_consent(const ms_survey_t *survey, const ms_policy_t *policy, ms_look_type_t type,
                        const ms_said_t **out);

/*!
 * The same about the addresses of a name server below the child, of all servers that count.
 * \param a, aaaa  Borrowed; NULL: not asked for, so not compared.
 */
ms_verdict_t ms_consent_host(const ms_survey_t *survey, const ms_policy_t *policy,
                             const knot_dname_t *host, const ms_rrset_t **a,
                             const ms_rrset_t **aaaa);

/*! "ns1.alpha.example. (192.0.2.1@53)". */
#define MS_LOOK_TEXT_MAX 128
void ms_look_text(const ms_look_t *look, char out[MS_LOOK_TEXT_MAX]);
