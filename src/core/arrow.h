/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The arrow from a step to the next one: is it safe, is it time, are the others as far (F-09)? That it is
 * wanted was asked before (core/choice). Which of them says no, and why, is left in ms_process_t.why.
 */
#pragma once

#include "core/process.h"

/*! \retval KNOT_EOK  Look at *may. KNOT_ENOMEM, KNOT_ERROR */
int ms_arrow_may(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, bool *may);
