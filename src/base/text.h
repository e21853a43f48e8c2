/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Bounded text: strlcpy() and strlcat() are not in every C library we build on.
 */
#pragma once

#include <stddef.h>
#include <string.h>

/*! Copies \a src into \a dst of \a size octets, cutting it; always ends with NUL. */
static inline void ms_text_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);
	len = len < size ? len : size - 1;
	memmove(dst, src, len);
	dst[len] = '\0';
}

/*! Appends, cutting; \a dst must be a string already. */
static inline void ms_text_append(char *dst, const char *src, size_t size)
{
	size_t have = strlen(dst);
	ms_text_copy(dst + have, src, size - have);
}
