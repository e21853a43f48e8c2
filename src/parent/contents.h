/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What a child's UPDATE may contain (M-01, M-02, M-09, M-10, M-16, L-15): NS, glue and DS of exactly
 * this child, or one KEY of it and nothing else.
 */
#pragma once

#include "parent/verdict.h"
#include "wire/deltas.h"
#include "wire/locator.h"

typedef enum {
	MS_CONTENTS_DELEGATION,
	MS_CONTENTS_KEY,
} ms_contents_kind_t;

typedef struct {
	uint8_t kind;              /*!< ms_contents_kind_t. */
	bool ns, ds;               /*!< What it is about; ns: glue as well. */
	bool replace;              /*!< KEY: "delete all KEY" stands in front. */
	ms_keyrr_t key;            /*!< KEY. */
} ms_contents_t;

/*!
 * Reads the operations in their order. Which ones there are does not depend on the delegation.
 * \param rcode  Set where the verdict is REFUSE: FORMERR, NOTZONE, REFUSED.
 */
ms_verdict_t ms_contents_read(const ms_deltas_t *deltas, const knot_dname_t *child,
                              const knot_dname_t *parent, const ms_policy_t *policy,
                              ms_contents_t *out, uint16_t *rcode);

/*!
 * Applies them to \a deleg. All or nothing. CHANGE: the result is a whole delegation, other than
 * before or not.
 */
ms_verdict_t ms_contents_apply(const ms_deltas_t *deltas, const knot_dname_t *child,
                               const ms_policy_t *policy, ms_deleg_t *deleg);
