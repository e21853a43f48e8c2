/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Outgoing DNS exchanges, many at a time, none of them blocking (C-29, D-11, D-14; RFC 1996
 * section 3.6): UDP with retransmission of the same octets, TCP on TC, on size or on request, one
 * address after the other.
 *
 * One thread owns the object. It waits for ms_exchange_fd() to become readable or for
 * ms_exchange_deadline(), whatever comes first, and then calls ms_exchange_work().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/time.h"
#include "wire/locator.h"

/*! Exchanges under way at once: eight busy peers; further ones are KNOT_EBUSY and come again. */
#define MS_EXCHANGE_MAX 256

/*! Time allowed for one TCP exchange with one address, microseconds. */
#define MS_EXCHANGE_TCP_TIMEOUT (4 * MS_SEC)

typedef struct {
	uint64_t id;               /*!< The caller's, unique among those under way. */
	const uint8_t *wire;       /*!< The whole message, signed; copied. */
	uint16_t len;
	const ms_addr_t *addrs;    /*!< Tried in this order; copied. */
	uint8_t addr_count;
	bool tcp;                  /*!< TCP at once. */
	unsigned tries;            /*!< Datagrams to one address; at least 1. */
	int64_t first_timeout;     /*!< Microseconds, above 0; doubled with each datagram. */
} ms_request_t;

typedef struct {
	/*!
	 * Does this answer count? It fits by id, question and source address. If not, a datagram is
	 * ignored and waiting goes on, so that a forged one ends nothing; over TCP the next address is
	 * tried. A truncated answer is asked about as well: it is signed too (RFC 2931 section 3).
	 */
	bool (*accept)(void *ctx, uint64_t id, const uint8_t *wire, size_t len);
	/*!
	 * The end of an exchange, exactly once, never from within ms_exchange_send(), which
	 * it may call; the exchange that ends still counts as under way.
	 * \param ret  KNOT_EOK; KNOT_ETIMEOUT nobody answered; KNOT_EDENIED only answers that were not
	 *             accepted came, be it over UDP or TCP; KNOT_ECONN no address could be reached.
	 * \param wire Borrowed, NULL on error.
	 */
	void (*done)(void *ctx, uint64_t id, int ret, const uint8_t *wire, size_t len);
	void *ctx;
} ms_exchange_calls_t;

typedef struct ms_exchange ms_exchange_t;

int ms_exchange_new(const ms_exchange_calls_t *calls, ms_exchange_t **out);
/*! Drops what is under way without a word. NULL is fine. */
void ms_exchange_free(ms_exchange_t *exchange);

/*!
 * Starts an exchange.
 * \retval KNOT_EBUSY   MS_EXCHANGE_MAX are under way.
 * \retval KNOT_EINVAL  No or too many addresses, no whole header, no timeout.
 * \retval KNOT_ENOMEM
 */
int ms_exchange_send(ms_exchange_t *exchange, const ms_request_t *request, ms_now_t now);

/*! Drops one without a word; an unknown id is fine. Not for the id that accept() or done() is
 *  just being called about. */
void ms_exchange_cancel(ms_exchange_t *exchange, uint64_t id);

/*! Becomes readable when there is something to do. */
int ms_exchange_fd(const ms_exchange_t *exchange);
/*! When a timer is due; never, when nothing is under way. */
ms_time_t ms_exchange_deadline(const ms_exchange_t *exchange);
void ms_exchange_work(ms_exchange_t *exchange, ms_now_t now);
/*! Exchanges under way. */
unsigned ms_exchange_count(const ms_exchange_t *exchange);
