/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What single servers were seen to serve of one name, each asked by itself; and what a parent offers
 * to its children. Filled by io, judged by core.
 *
 * Plain memory: zero-initialised means empty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/apex.h"
#include "wire/dsync.h"
#include "wire/locator.h"

/*! Types that are asked for at once. */
#define MS_SEEN_TYPES 8
/*! Name servers of one zone that are asked: sixteen providers with four names each. */
#define MS_SEEN_HOSTS_MAX 64
/*! Addresses in one observation: each host with one of both families. More is an error, not a silent
 *  omission: what was not asked may differ. */
#define MS_SEEN_MAX 128

/*! Keys whose signatures one RRset of one server is seen to have. */
#define MS_SEEN_SIGNERS 8

/*! A key that signed. */
typedef struct {
	uint16_t tag;
	uint8_t algorithm;
} ms_seen_signer_t;

/*! One address. */
typedef struct {
	knot_dname_storage_t host;       /*!< Name that led there. */
	ms_addr_t addr;
	int ret[MS_SEEN_TYPES];          /*!< KNOT_EOK, KNOT_ETIMEOUT, KNOT_ECONN, KNOT_EMALF … */
	uint16_t rcode[MS_SEEN_TYPES];   /*!< Where there was an answer. */
	bool aa[MS_SEEN_TYPES];          /*!< It was authoritative, no referral. */
	ms_rrset_t set[MS_SEEN_TYPES];   /*!< At the very name; of a referral, its NS. Names in lower case. */
	unsigned signer_count;           /*!< Where SOA was asked for: who signed it. */
	ms_seen_signer_t signer[MS_SEEN_SIGNERS];
} ms_seen_server_t;

typedef struct {
	knot_dname_storage_t name;
	knot_dname_storage_t zone;       /*!< Whose servers these are: \a name, or its parent. */
	unsigned type_count;
	uint16_t types[MS_SEEN_TYPES];
	size_t count;
	ms_seen_server_t *servers;       /*!< Owned; at most MS_SEEN_MAX. */
} ms_seen_t;

/*! Frees content and object. NULL is fine. */
void ms_seen_free(ms_seen_t *seen);
/*! Index of a type that was asked for; -1 where it was not. */
int ms_seen_index(const ms_seen_t *seen, uint16_t type);
/*! Appends an empty server. NULL: too many, or no memory. */
ms_seen_server_t *ms_seen_add(ms_seen_t *seen, const knot_dname_t *host, const ms_addr_t *addr);

/*! DSYNC records kept of one parent; one per type and scheme is all that makes sense (J-06). */
#define MS_OFFERS_MAX 8

/*! What discovery of DSYNC found. */
typedef struct {
	knot_dname_storage_t owner;      /*!< Where the records stand; root: nowhere. */
	bool secure;                     /*!< All answers were validated. */
	uint32_t ttl;                    /*!< Of the answer, positive or not; seconds. */
	unsigned count;
	ms_dsync_t list[MS_OFFERS_MAX];
} ms_offers_t;
