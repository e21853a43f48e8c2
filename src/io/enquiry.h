/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Ordinary validated look-ups, several at once, for a thread that may wait. What peers publish is found
 * by io/resolver, which never waits; this is for name servers, parents and their DSYNC records.
 *
 * One thread owns the object: a libunbound context with its cache, made when it is first needed and
 * made anew when it is old, since libunbound cannot forget single names.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/time.h"
#include "io/resolver.h"
#include "wire/locator.h"

/*! Answers older than this are not used again (microseconds). */
#define MS_ENQUIRER_AGE (60 * MS_SEC)
/*! Longest wait for all questions of one call (microseconds): dead servers on the way. */
#define MS_ENQUIRY_TIMEOUT (10 * MS_SEC)

/*! A question, and what came of it. */
typedef struct {
	knot_dname_storage_t name;
	uint16_t type;
	/*! KNOT_EOK: an answer that may be used, "there is none" among them. KNOT_DNSSEC_ENOSIG: bogus.
	 *  KNOT_ETIMEOUT, KNOT_ERROR (SERVFAIL and the like), KNOT_ENOMEM. */
	int ret;
	bool secure;
	bool nxdomain;
	uint32_t ttl;
	ms_rrset_t set;                /*!< Owned. Empty: there is none. */
	knot_dname_storage_t soa;      /*!< Owner of a negative answer's SOA; root where there was none. */
	bool has_soa;
	bool over;                     /*!< Internal. */
	int async_id;
} ms_enquiry_t;

typedef struct ms_enquirer ms_enquirer_t;

/*! \a options are copied. \retval KNOT_ENOMEM */
int ms_enquirer_new(const ms_resolver_options_t *options, ms_enquirer_t **out);
/*! NULL is fine. */
void ms_enquirer_free(ms_enquirer_t *enquirer);

/*!
 * Asks all questions and waits for the answers. The caller has zeroed what is not name and type, and
 * frees the sets.
 * \param stop   Ends it within a tenth of a second; may be NULL.
 * \param error  One sentence, where not KNOT_EOK.
 * \retval KNOT_EOK     Look at each one's \a ret.
 * \retval KNOT_EBUSY   Stopped. \retval KNOT_E*  No resolver can be made.
 */
int ms_enquire(ms_enquirer_t *enquirer, ms_enquiry_t *list, size_t count, ms_now_t now,
               const atomic_bool *stop, char *error, size_t error_max);
/*! Frees the sets of all. */
void ms_enquiries_clear(ms_enquiry_t *list, size_t count);

/*!
 * Looks up both kinds of addresses of \a count hosts.
 * \param each  Gets every address, port 0; not KNOT_EOK from it ends all with that.
 * \retval KNOT_ENOENT  A host without any address; \a error names it. Others as above.
 */
int ms_enquire_addresses(ms_enquirer_t *enquirer, const knot_dname_storage_t *hosts, size_t count,
                         ms_now_t now, const atomic_bool *stop,
                         int (*each)(void *ctx, const knot_dname_t *host, const ms_addr_t *addr),
                         void *ctx, char *error, size_t error_max);
