/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/thread.h"

#include <signal.h>

#include <libknot/errcode.h>

int ms_thread_start(pthread_t *thread, void *(*run)(void *), void *ctx)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
		return KNOT_ERROR;
	}
	int failed = pthread_create(thread, NULL, run, ctx);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0 ? KNOT_EOK : KNOT_ERROR;
}
