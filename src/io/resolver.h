/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Finding a peer by DNSSEC-validated look-ups with libunbound (B-03..B-15, B-20, P-18, X-09, X-10):
 * URI at _dns._tcp.IDENTITY, then SVCB and KEY at its host, then A and AAAA where SVCB gives no
 * hints. Every answer must be secure, the negative ones as well. Where one of them is insecure or
 * bogus, or something is missing, that URI is unusable and the next one is tried (B-07).
 *
 * One thread owns the object. It waits for ms_resolver_fd() to become readable or for
 * ms_resolver_deadline(), and then calls ms_resolver_work(). Nothing blocks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/time.h"
#include "wire/locator.h"

/*! A look-up that takes longer is given up (microseconds): dead servers on the way. */
#define MS_RESOLVER_TIMEOUT (20 * MS_SEC)

/*! Longest reason, octets; what is longer is cut. What is wrong comes first, then where. */
#define MS_RESOLVER_REASON_MAX 511

/*! Cached data that are younger than this count as fresh (microseconds). */
#define MS_RESOLVER_FRESH (1 * MS_SEC)

/*! Resolvers that are asked by turns: more would only delay the last one's answer. */
#define MS_FORWARD_MAX 4

typedef struct {
	uint8_t forward_count;         /*!< 0: iterate from the root. */
	const ms_addr_t *forward;
	const char *root_hints;        /*!< NULL or empty: Debian's. */
	const char *trust_anchor;      /*!< NULL or empty: Debian's. DS or DNSKEY, zone file format. */
	bool uri_port_wins;            /*!< Else the port of SVCB does (X-09). */
} ms_resolver_options_t;

typedef struct {
	/*!
	 * The end of a look-up, exactly once, never from within ms_resolver_locate().
	 * \param locator  Borrowed; NULL on error.
	 * \param reason   "URI is not DNSSEC-signed at _dns._tcp.agent.beta.example.": which record,
	 *                 what is wrong with it and where it should be. Empty on success, but for a
	 *                 port conflict between URI and SVCB.
	 */
	void (*done)(void *ctx, uint64_t id, int ret, const ms_locator_t *locator,
	             const char *reason);
	void *ctx;
} ms_resolver_calls_t;

typedef struct ms_resolver ms_resolver_t;

/*!
 * \param error  One sentence: what, where, remedy.
 * \retval KNOT_EFILE  Root hints or trust anchor cannot be read.
 */
int ms_resolver_new(const ms_resolver_options_t *options, const ms_resolver_calls_t *calls,
                    ms_resolver_t **out, char *error, size_t error_max);
/*! Drops look-ups under way without a word. NULL is fine. */
void ms_resolver_free(ms_resolver_t *resolver);

/*!
 * Starts a look-up.
 * \param fresh  Nothing older than MS_RESOLVER_FRESH may be used (B-20). libunbound cannot forget
 *               single names, so this takes a new context with an empty cache. The old ones live
 *               until their look-ups end: at most MS_RESOLVER_TIMEOUT / MS_RESOLVER_FRESH of them.
 */
int ms_resolver_locate(ms_resolver_t *resolver, uint64_t id, const knot_dname_t *identity,
                       bool fresh, ms_now_t now);

int ms_resolver_fd(const ms_resolver_t *resolver);
ms_time_t ms_resolver_deadline(const ms_resolver_t *resolver);
void ms_resolver_work(ms_resolver_t *resolver, ms_now_t now);
