/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A delegation as the parent's zone has it: NS, glue and DS of one child. Read from referrals and
 * answers of the parent's own server.
 *
 * Plain memory: zero-initialised means empty; ms_deleg_clear() frees the content.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/apex.h"
#include "wire/locator.h"

/*! Name servers of one child: as many as the root has. */
#define MS_NS_MAX 13
/*! DS records of one child: two digests of each of eight keys. */
#define MS_DS_COUNT_MAX 16
/*! Addresses of one name server that are glue. */
#define MS_GLUE_ADDRS_MAX 8

/*! Addresses of a name server at or below the child. */
typedef struct {
	knot_dname_storage_t host;   /*!< Lower case. */
	ms_rrset_t a;
	ms_rrset_t aaaa;
} ms_glue_t;

typedef struct {
	ms_rrset_t ns;               /*!< Names in lower case. */
	ms_rrset_t ds;
	uint8_t glue_count;
	ms_glue_t glue[MS_NS_MAX];
} ms_deleg_t;

void ms_deleg_clear(ms_deleg_t *deleg);
int ms_deleg_copy(ms_deleg_t *dst, const ms_deleg_t *src);
/*! Same NS, DS and glue. TTLs and empty glue do not count. */
bool ms_deleg_equal(const ms_deleg_t *a, const ms_deleg_t *b);

/*! The glue of \a host; where there is none, and \a make, a new empty one. NULL: none, or too many. */
ms_glue_t *ms_deleg_glue(ms_deleg_t *deleg, const knot_dname_t *host, bool make);
/*! Read only. */
const ms_glue_t *ms_deleg_find(const ms_deleg_t *deleg, const knot_dname_t *host);

/*! Puts addresses of both kinds of a glue, or of two address RRsets, into \a out, port 53.
 *  \return How many, at most \a max. */
uint8_t ms_glue_addrs(const ms_rrset_t *a, const ms_rrset_t *aaaa, ms_addr_t *out, uint8_t max);

/*!
 * Takes NS and glue from the answer of the parent's server to `CHILD NS`, without recursion.
 * \retval KNOT_ENOENT  No delegation: the name does not exist, or it is no zone cut. Only where \a parent
 *                      says so with authority, or refers to a zone in between: keys are forgotten.
 * \retval KNOT_EDENIED The server has the child's zone, too: what it tells is the child's, not ours.
 * \retval KNOT_EMALF   Broken, or no answer of an authoritative server.
 * \retval KNOT_ELIMIT  More name servers than MS_NS_MAX.
 */
int ms_deleg_take_referral(ms_deleg_t *deleg, const uint8_t *wire, size_t len,
                           const knot_dname_t *child, const knot_dname_t *parent);
/*! Takes DS from the authoritative answer to `CHILD DS`. \retval KNOT_EMALF, KNOT_ELIMIT */
int ms_deleg_take_ds(ms_deleg_t *deleg, const uint8_t *wire, size_t len, const knot_dname_t *child);
