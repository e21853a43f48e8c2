/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the timers of keys mean to a knotd that signs with them: which key stands in the zone, which
 * one signs it. As measured with Knot DNS 3.2.6 under a policy with `manual: on`.
 */
#pragma once

#include "io/keymgr.h"

/*! Fills in the states of all \a keys, which depend on each other, at \a now. */
void ms_keys_judge(ms_keys_t *keys, ms_wall_t now);
