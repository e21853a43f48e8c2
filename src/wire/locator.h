/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Where a peer is and which keys are its: the URI, SVCB and KEY records of an identity (drafts
 * section 8.3.1 and 11.1; B-04..B-15, X-09, X-10). Reading, choosing and writing them.
 *
 * All input is RDATA that was already DNSSEC-validated; this file does not ask how.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <libknot/dname.h>
#include "wire/apex.h"

/*! Addresses kept of one peer, both families. */
#define MS_ADDRS_MAX 8
/*! KEYs kept of one peer: two are needed for a rollover (B-15), the rest is room for mistakes. */
#define MS_KEYS_MAX 4
/*! Largest KEY RDATA accepted (RSA 4096 plus header). */
#define MS_KEY_RDATA_MAX 528
/*! URI records of one peer looked at; what is behind them is ignored. */
#define MS_URIS_MAX 16
/*! Longest URI target accepted. */
#define MS_URI_MAX 512

/*! An IP address and port, without the 128 octets of sockaddr_storage. */
typedef struct {
	uint8_t family;     /*!< AF_INET or AF_INET6; 0 = none. */
	uint16_t port;      /*!< Host byte order. */
	uint8_t ip[16];
} ms_addr_t;

typedef struct {
	uint16_t len;
	uint8_t rdata[MS_KEY_RDATA_MAX];
} ms_keyrr_t;

/*! Everything needed to talk to a peer over DNS. Plain memory, copied by assignment. */
typedef struct {
	knot_dname_storage_t host;       /*!< URI target host, lower case. */
	uint8_t addr_count;
	ms_addr_t addr[MS_ADDRS_MAX];    /*!< In the order to be tried. */
	uint8_t key_count;
	ms_keyrr_t key[MS_KEYS_MAX];
	int64_t expires;                 /*!< UNIX seconds: not used after that (B-20). */
} ms_locator_t;

/*! One usable URI record. */
typedef struct {
	uint16_t priority;
	uint16_t weight;
	knot_dname_storage_t host;       /*!< Lower case, absolute. */
	uint16_t port;
} ms_uri_t;

typedef struct {
	uint16_t priority;               /*!< 0 = AliasMode: only \a target counts (B-12). */
	knot_dname_storage_t target;     /*!< "." already replaced by the owner. */
	bool has_port;
	uint16_t port;
	uint8_t addr_count;
	ms_addr_t addr[MS_ADDRS_MAX];    /*!< Hints, port 0. */
} ms_svcb_t;

/*!
 * Reads a URI RDATA whose target is `dns://host[:port]/` (default port 53).
 * \retval KNOT_EMALF   Truncated or not a URI of that form (userinfo, IP literal, query …).
 * \retval KNOT_ENOTSUP Another scheme.
 */
int ms_uri_decode(const uint8_t *rdata, size_t len, ms_uri_t *out);

/*!
 * Picks the record to try: lowest priority, then by weight among equals with the random number
 * \a roll (RFC 7553 section 4.2). Unusable records are passed over. The same \a roll makes the
 * same order, so that counting \a nth up visits every record once.
 * \param nth  0 for the first choice, 1 for the next after that has failed, …
 * \retval KNOT_ENOENT none (left).
 */
int ms_uri_choose(const ms_rrset_t *uris, uint64_t roll, unsigned nth, ms_uri_t *out);

/*!
 * Reads SVCB RDATA at \a owner (RFC 9460 section 2). Unknown keys are skipped, keys out of order
 * are an error. Of each family the first MS_ADDRS_MAX / 2 hints are kept, IPv4 first.
 * \retval KNOT_EMALF   Truncated, keys out of order, a value of the wrong length, `mandatory` that
 *                      is out of order or names an absent key.
 * \retval KNOT_ENOTSUP `mandatory` names a key that we do not know.
 * \retval KNOT_ENOENT  AliasMode to ".": there is no service (section 2.5.1).
 */
int ms_svcb_decode(const uint8_t *rdata, size_t len, const knot_dname_t *owner, ms_svcb_t *out);

/*!
 * May this KEY verify SIG(0)? Protocol 3 or 255, usable flags (no "no key" bits), supported
 * algorithm (13, 15), not revoked. (B-15, D-10)
 */
bool ms_key_usable(const uint8_t *rdata, size_t len);

/*!
 * What an identity publishes: records to be written by zone editing. Buffers hold RDATA.
 * \return Length, KNOT_ESPACE, or KNOT_EINVAL: a host or port that ms_uri_decode() refuses.
 */
int ms_uri_encode(uint16_t priority, uint16_t weight, const knot_dname_t *host, uint16_t port,
                  uint8_t *buf, size_t max);
/*! `1 . port=… ipv4hint=… ipv6hint=…`; all \a addrs must share \a port.
 *  \return Length, KNOT_ESPACE, or KNOT_EINVAL (another or no port, no such family). */
int ms_svcb_encode(uint16_t port, const ms_addr_t *addrs, size_t count, uint8_t *buf, size_t max);

/*! `_dns._tcp.` + identity; KNOT_ESPACE when it would be longer than 255 octets. */
int ms_locator_uri_owner(const knot_dname_t *identity, knot_dname_storage_t out);

/*! \retval KNOT_EINVAL Neither IPv4 nor IPv6. */
int ms_addr_from_sockaddr(const struct sockaddr_storage *ss, ms_addr_t *out);
/*! \return Length of the sockaddr written; 0 for an address of no family. */
socklen_t ms_addr_to_sockaddr(const ms_addr_t *addr, struct sockaddr_storage *out);
bool ms_addr_equal(const ms_addr_t *a, const ms_addr_t *b);
/*! "192.0.2.1@5399", or "none". Needs 64 octets at most. */
#define MS_ADDR_TEXT_MAX 64
void ms_addr_to_text(const ms_addr_t *addr, char out[MS_ADDR_TEXT_MAX]);
