/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Apex RRsets as sorted sets (libknot's knot_rdataset_t: canonical order, no duplicates), what a
 * provider contributes (ms_contribution_t) and what was seen in a zone version (ms_apex_t).
 *
 * Every object is plain memory: zero-initialised means empty; *_clear() frees the content.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/rdataset.h>

/*! The apex types we deal with; the first MS_CONTRIB_TYPES of them can be contributed. */
typedef enum {
	MS_APEX_DNSKEY,
	MS_APEX_CDS,
	MS_APEX_CDNSKEY,
	MS_APEX_NS,
	MS_APEX_CSYNC,
	MS_APEX_KEY,
	MS_CONTRIB_TYPES,
	MS_APEX_HSYNC = MS_CONTRIB_TYPES,
	MS_APEX_SOA,
	MS_APEX_TYPES,
} ms_apex_type_t;

typedef struct {
	uint32_t ttl;         /*!< Seconds. */
	knot_rdataset_t rrs;
} ms_rrset_t;

/*! One provider's full statement. A type whose bit is not in \a stated is not talked about. */
typedef struct {
	uint32_t stated;      /*!< Bits 1 << MS_APEX_x; a stated empty RRset is a withdrawal. */
	ms_rrset_t set[MS_CONTRIB_TYPES];
} ms_contribution_t;

/*! An RRset of a type that is only compared. */
typedef struct {
	uint16_t rrtype;
	ms_rrset_t rrs;
} ms_extra_t;

/*! The apex of one zone version. */
typedef struct {
	uint32_t serial;
	bool is_signed;       /*!< It has RRSIGs. */
	ms_rrset_t set[MS_APEX_TYPES];
	size_t extra_count;
	ms_extra_t *extra;    /*!< Owned. Not copied by ms_apex_copy(). */
} ms_apex_t;

/*! Digest of a contribution or of an applied apex: SHA-384 cut to 16 octets. */
#define MS_DIGEST_LEN 16
typedef struct {
	uint8_t octets[MS_DIGEST_LEN];
} ms_digest_t;

/*! Type number of an index; HSYNC has none of its own and yields 0 (it is configured). */
uint16_t ms_apex_rrtype(ms_apex_type_t type);
/*! Name of the type ("DNSKEY", …, "HSYNC", "SOA"). */
const char *ms_apex_name(ms_apex_type_t type);
/*! Index of a contributable type number; -1 where it is none. */
int ms_apex_index(uint16_t rrtype);

void ms_rrset_clear(ms_rrset_t *set);
/*! Shares the RDATA until one of both is changed. *dst must be empty or initialised: it is replaced.
 * Always KNOT_EOK. */
int ms_rrset_copy(ms_rrset_t *dst, const ms_rrset_t *src);
/*! Where both have the same RDATA, it is held once from now on; the TTL stays. */
void ms_rrset_share(ms_rrset_t *set, const ms_rrset_t *with);
/*! A copy of RDATA of libknot's. \retval KNOT_ENOMEM; *dst is untouched then, else replaced. */
int ms_rrset_take(ms_rrset_t *dst, uint32_t ttl, const knot_rdataset_t *src);
/*! Adds one RDATA (copied); adding what is there is KNOT_EOK. */
int ms_rrset_add(ms_rrset_t *set, const uint8_t *rdata, uint16_t len);
/*! Removes one RDATA; removing what is not there is KNOT_EOK. */
int ms_rrset_remove(ms_rrset_t *set, const uint8_t *rdata, uint16_t len);
bool ms_rrset_has(const ms_rrset_t *set, const uint8_t *rdata, uint16_t len);
/*! Adds all of \a src to \a dst; dst's TTL is taken over from src only where dst was empty. */
int ms_rrset_union(ms_rrset_t *dst, const ms_rrset_t *src);
/*! Removes all of \a what from \a dst. */
int ms_rrset_minus(ms_rrset_t *dst, const ms_rrset_t *what);
/*! Same RDATA (the TTL does not count). */
bool ms_rrset_equal(const ms_rrset_t *a, const ms_rrset_t *b);
/*! Octets of RDATA in all. */
size_t ms_rrset_octets(const ms_rrset_t *set);

void ms_contribution_clear(ms_contribution_t *c);
int ms_contribution_copy(ms_contribution_t *dst, const ms_contribution_t *src);
/*! Same stated types, RDATA and TTLs. A stated empty set equals one not stated. */
bool ms_contribution_equal(const ms_contribution_t *a, const ms_contribution_t *b);
/*! Nothing but empty sets. */
bool ms_contribution_empty(const ms_contribution_t *c);
/*!
 * Digest over (type, TTL, RDATA in canonical order) of the non-empty sets, in type-number order;
 * of the empty contribution: all zero.
 * \retval KNOT_ENOMEM or KNOT_ERROR (crypto library); *out is untouched then.
 */
int ms_contribution_digest(const ms_contribution_t *c, ms_digest_t *out);
/*! Digest of a bare array of RRsets given with their type numbers, rules as above. */
int ms_rrsets_digest(const ms_rrset_t *const *sets, const uint16_t *rrtypes, size_t count,
                     ms_digest_t *out);

void ms_apex_clear(ms_apex_t *apex);
/*! Frees what is only compared. */
void ms_apex_drop_extra(ms_apex_t *apex);
int ms_apex_copy(ms_apex_t *dst, const ms_apex_t *src);

static inline bool ms_digest_equal(const ms_digest_t *a, const ms_digest_t *b)
{
	return __builtin_memcmp(a->octets, b->octets, MS_DIGEST_LEN) == 0;
}
