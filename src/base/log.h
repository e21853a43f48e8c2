/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One line per decision: `ZONE/PEER: what happened -> what was decided (why)`.
 *
 * The core does not log; it emits MS_ACT_LOG lines. Whoever performs them (knotd's log, the
 * simulator's trace) implements ms_log_f. Secrets never reach a line.
 */
#pragma once

#include <syslog.h>

typedef enum {
	MS_LOG_ERROR   = LOG_ERR,
	MS_LOG_WARNING = LOG_WARNING,
	MS_LOG_NOTICE  = LOG_NOTICE,
	MS_LOG_INFO    = LOG_INFO,
	MS_LOG_DEBUG   = LOG_DEBUG,
} ms_log_level_t;

/*! Longest line; what is longer is cut. */
#define MS_LOG_LINE_MAX 512

/*! Receives one finished line (no newline). Must not block for long and must not fail. */
typedef void (*ms_log_f)(void *ctx, ms_log_level_t level, const char *line);
