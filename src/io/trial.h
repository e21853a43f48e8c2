/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Something that may end the process that does it, done by a child first. The child has one thread
 * and leaves without a core file or a sanitizer's report; it is always reaped.
 */
#pragma once

/*! The child's work: a small number, 0 to 127, that tells how it went. */
typedef int (*ms_trial_f)(void *ctx);

/*!
 * \param code    What \a work returned; or, where a signal ended it, 128 and that signal.
 * \retval KNOT_ETIMEOUT  not finished within \a seconds.
 * \retval KNOT_E*        there was no child to try it (of fork()).
 */
int ms_trial(ms_trial_f work, void *ctx, unsigned seconds, int *code);
