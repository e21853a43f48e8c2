/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * NS and glue of a delegation: what a child wants by CSYNC (RFC 7477 with RFC 9975) or by UPDATE, and
 * whether it gets it (K-31..K-45, M-04).
 */
#pragma once

#include "parent/verdict.h"

/*! Judges CSYNC of all servers. \param out  For CHANGE: the new delegation, replaced then; its DS are
 *  those of the survey. */
ms_verdict_t ms_accept_csync(const ms_survey_t *survey, const ms_policy_t *policy, ms_deleg_t *out);

/*! Judges NS and glue that came by UPDATE (survey->proposed): it must be what all servers say.
 *  SAME: the delegation has it. */
ms_verdict_t ms_accept_ns_update(const ms_survey_t *survey, const ms_policy_t *policy);

/*! A whole delegation by itself: enough servers, and glue for those below the child (M-10). */
ms_verdict_t ms_accept_shape(const knot_dname_t *child, const ms_deleg_t *deleg,
                             const ms_policy_t *policy);
