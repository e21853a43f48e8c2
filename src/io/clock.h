/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The clocks. Nobody below this folder reads one: they are told.
 */
#pragma once

#include <stdint.h>

#include "base/time.h"

/*! Both clocks. */
ms_now_t ms_clock(void);
/*! The one that never jumps, in milliseconds. */
int64_t ms_clock_ms(void);
