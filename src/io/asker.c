/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/asker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/sendback.h"

ms_waiter_t *ms_waiter_new(const ms_waiter_from_t *from, const uint8_t *request, size_t len,
                           ms_time_t now)
{
	ms_waiter_t *waiter = calloc(1, sizeof(*waiter) + len);
	if (waiter == NULL) {
		return NULL;
	}
	waiter->fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	if (waiter->fd < 0) {
		free(waiter);
		return NULL;
	}
	waiter->tcp = from->tcp;
	waiter->remote = *from->remote;
	waiter->from_local = from->local != NULL;
	if (from->local != NULL) {
		waiter->local = *from->local;
	}
	waiter->since = now;
	waiter->max = from->max;
	waiter->request_len = len;
	memcpy(waiter->request, request, len);
	return waiter;
}

void ms_waiter_free(ms_waiter_t *waiter)
{
	if (waiter != NULL) {
		close(waiter->fd);
		free(waiter);
	}
}

int ms_waiter_send(const ms_waiter_t *waiter, const uint8_t *wire, size_t len)
{
	return ms_send_back(waiter->fd, waiter->tcp, &waiter->remote,
	                    waiter->from_local ? &waiter->local : NULL, wire, len);
}
