/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The DS RRset that a child wants, by CDS and CDNSKEY or by UPDATE, and whether it gets it (RFC 7344,
 * RFC 8078, RFC 9615, RFC 9975; K-12..K-28, K-50..K-56, M-04).
 */
#pragma once

#include "parent/verdict.h"

/*!
 * Judges CDS and CDNSKEY of all servers.
 * \param now     UNIX seconds.
 * \param memory  Read; its `wish` is kept up to date.
 * \param out     For CHANGE: the new DS RRset, maybe empty; replaced then.
 */
ms_verdict_t ms_accept_ds(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                          ms_memory_t *memory, ms_rrset_t *out);

/*! Judges a DS RRset that came by UPDATE: rules as above; where the servers publish CDS or CDNSKEY it
 *  must be what these ask for; each DS belongs to a DNSKEY. SAME: the delegation has it. */
ms_verdict_t ms_accept_ds_update(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                                 const ms_rrset_t *ds, ms_memory_t *memory);

/*! Notes the signatures of what is applied now. \param deleted  The child has asked for the end of its
 *  DS: then the next first DS is a bootstrap again; after a removal by hand it is not (K-29). */
void ms_memory_applied(const ms_survey_t *survey, const ms_policy_t *policy, int64_t now,
                       bool deleted, ms_memory_t *memory);

/*! Has this server a DNSKEY RRset signed by a key that \a ds names, with an algorithm of policy? */
bool ms_ds_path(const ms_survey_t *survey, const ms_look_t *look, const ms_policy_t *policy,
                const ms_rrset_t *ds, int64_t now);
