/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Rate limits as token buckets in a table of fixed size (K-05, M-12, P-08, P-09, P-10): one table for
 * sources, one for children. Who falls into the same bucket shares it, so a table that is too small
 * limits more, never less.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "base/time.h"
#include "wire/locator.h"

typedef struct {
	uint32_t tag;            /*!< Whose it is; 0: nobody's. */
	uint32_t tokens;         /*!< Thousandths. */
	ms_time_t at;            /*!< When they were counted. */
} ms_bucket_t;

typedef struct {
	size_t size;             /*!< Buckets. */
	uint32_t burst;          /*!< Most that may come at once. */
	uint32_t per_minute;     /*!< In the long run; 0: no limit. */
	uint64_t seed;           /*!< Nobody can choose who shares with whom. */
	ms_bucket_t *buckets;    /*!< Owned. */
} ms_limit_t;

/*! \retval KNOT_ENOMEM */
int ms_limit_init(ms_limit_t *limit, size_t size, uint32_t per_minute, uint32_t burst,
                  uint64_t seed);
void ms_limit_deinit(ms_limit_t *limit);
void ms_limit_rate(ms_limit_t *limit, uint32_t per_minute, uint32_t burst);

/*! Takes a token of a source: an IPv4 address, an IPv6 /56. \return false: it has none left. */
bool ms_limit_addr(ms_limit_t *limit, const ms_addr_t *addr, ms_time_t now);
/*! Takes a token of a name, in lower case. */
bool ms_limit_name(ms_limit_t *limit, const knot_dname_t *name, ms_time_t now);
/*! Takes a token of a name as used by one source. */
bool ms_limit_pair(ms_limit_t *limit, const ms_addr_t *addr, const knot_dname_t *name,
                   ms_time_t now);
