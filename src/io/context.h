/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A libunbound context: one cache, one thread of its own, one descriptor. Look-ups hold a
 * reference; a context that was replaced lives until its last look-up is over.
 */
#pragma once

#include <stddef.h>

#include <unbound.h>

#include "base/time.h"
#include "io/resolver.h"

typedef struct ms_context {
	struct ms_context *next;
	struct ub_ctx *ub;
	unsigned refs;
	ms_time_t born;
} ms_context_t;

/*! \retval KNOT_EFILE, KNOT_ENOMEM, KNOT_ERROR; \a error says what, where, remedy. */
int ms_context_new(const ms_resolver_options_t *options, ms_now_t now, ms_context_t **out,
                   char *error, size_t error_max);
/*! Waits for libunbound's thread to end: milliseconds. */
void ms_context_free(ms_context_t *context);
