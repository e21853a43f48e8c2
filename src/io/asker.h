/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Somebody who has asked knotd and waits for an answer of ours: made in a hook, answered later by
 * another thread, over a duplicate of knotd's socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/time.h"

typedef struct ms_waiter {
	struct ms_waiter *next;          /*!< For whoever keeps a list. */
	int fd;                          /*!< Our own. */
	bool tcp;
	bool from_local;                 /*!< \a local is known. */
	struct sockaddr_storage remote;
	struct sockaddr_storage local;
	ms_time_t since;
	size_t max;                      /*!< Longest answer that it takes. */
	size_t request_len;
	uint8_t request[];               /*!< An answer's signature covers it. */
} ms_waiter_t;

typedef struct {
	int fd;                                 /*!< knotd's socket. */
	bool tcp;
	const struct sockaddr_storage *remote;
	const struct sockaddr_storage *local;   /*!< Source address of a UDP answer; may be NULL. */
	size_t max;
} ms_waiter_from_t;

/*! Copies everything. NULL: no memory, or no file descriptor left. */
ms_waiter_t *ms_waiter_new(const ms_waiter_from_t *from, const uint8_t *request, size_t len,
                           ms_time_t now);
/*! Sends a complete answer. \return As ms_send_back(). */
int ms_waiter_send(const ms_waiter_t *waiter, const uint8_t *wire, size_t len);
/*! Closes and frees this one; not its successors. NULL is fine. */
void ms_waiter_free(ms_waiter_t *waiter);
