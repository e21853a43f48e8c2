/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A libunbound context that knows one zone and asks one address about it: an empty cache, a stub for
 * the zone, and the zone's DS as only trust anchor. What it says is that server's word, validated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <unbound.h>

#include "wire/survey.h"

/*! \param ds  Empty: everything is insecure. NULL: no memory, or an option is not known. */
struct ub_ctx *ms_stub_new(const knot_dname_t *zone, const ms_addr_t *addr, const ms_rrset_t *ds,
                           bool udp, bool local);

/*! What an answer, or an error, says; with the signatures. */
void ms_stub_answer(const knot_dname_t *name, uint16_t type, int err, const struct ub_result *result,
                    ms_said_t *out);
