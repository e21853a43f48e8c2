/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/place.h"

#include <stdarg.h>
#include <stdio.h>

int ms_place_fail(const ms_place_t *place, int ret, const char *fmt, ...)
{
	char why[256];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	(void)snprintf(place->reason, place->reason_size, "%s %s %s", place->what, place->path, why);
	return ret;
}
