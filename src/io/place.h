/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A file or folder that something is wrong with: one sentence "WHAT PATH …" for whoever gave its
 * path. Private to src/io.
 */
#pragma once

#include <stddef.h>

typedef struct {
	const char *what;      /*!< "database", "key file". */
	const char *path;
	char *reason;          /*!< Where the sentence goes. */
	size_t reason_size;
} ms_place_t;

/*! Writes the sentence. \return \a ret, so that a caller can leave with it. */
int ms_place_fail(const ms_place_t *place, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
