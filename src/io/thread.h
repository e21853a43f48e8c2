/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Threads of ours in somebody else's process.
 */
#pragma once

#include <pthread.h>

/*! A thread that gets no signals: they are knotd's. \retval KNOT_ERROR */
int ms_thread_start(pthread_t *thread, void *(*run)(void *), void *ctx);
