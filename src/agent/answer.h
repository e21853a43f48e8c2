/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the hook does with octets that are for us: refuse at once, answer from the view, or queue
 * for the worker. Never blocks: no database, resolver, control socket or network.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/socket.h>

#include "agent/runtime.h"
#include "wire/tsig.h"

typedef enum {
	MS_ANSWER_NOT_OURS,  /*!< knotd goes on as if we were not there. */
	MS_ANSWER_NOW,       /*!< The answer's octets are in the buffer, final. */
	MS_ANSWER_LATER,     /*!< The worker answers; say nothing now. */
	MS_ANSWER_DROP,      /*!< Nobody answers (second sight of what is still pending). */
} ms_answer_t;

/*! How a later answer reaches the asker. */
typedef struct {
	int fd;                                 /*!< knotd's socket; duplicated when needed. */
	bool tcp;
	bool other;                             /*!< Neither plain UDP nor TCP: cannot wait. */
	bool edns;                              /*!< The request has EDNS … */
	uint16_t udp_size;                      /*!< … and this is the payload size it names. */
	const struct sockaddr_storage *remote;
	const struct sockaddr_storage *local;   /*!< Source address of a UDP answer; may be NULL. */
} ms_origin_t;

/*!
 * NOTIFY with our option, UPDATE with SIG(0) or option (ms_message_is_ours()), UPDATE of a shared
 * zone without any signature.
 * \param out, max  Room for the answer (max <= 65535).
 * \param out_len   Set for MS_ANSWER_NOW.
 */
ms_answer_t ms_answer_message(ms_runtime_t *runtime, const uint8_t *wire, size_t len,
                              const ms_origin_t *origin, uint8_t *out, size_t max,
                              size_t *out_len);

/*!
 * UPDATE of a zone that we combine for an agent elsewhere (G-02, G-20): with TSIG by \a key it is
 * its contribution; any other one is refused.
 * \param wire  Without TSIG, as knotd has it.
 * \param tsig  What knotd has cut off; NULL: there was none.
 */
ms_answer_t ms_answer_update(ms_runtime_t *runtime, const ms_tsig_key_t *key, const uint8_t *wire,
                             size_t len, const ms_tsig_t *tsig, const knot_dname_t *zone,
                             const ms_origin_t *origin, uint8_t *out, size_t max,
                             size_t *out_len);

/*!
 * Queries for our own names: `_msigner.IDENTITY` and `_msigner.ZONE` TXT (only \a trusted askers,
 * else REFUSED), `ZONE.IDENTITY` and `ZONE.ns.IDENTITY` DNSKEY/CDS/CDNSKEY/NS/CSYNC: somebody's
 * contribution, AA, with SIG(0) when the query carried one (B-25, D-16). IDENTITY: ours, or that
 * of any provider of the zone. Other queries are not ours: decided by a look at the name.
 */
ms_answer_t ms_answer_query(ms_runtime_t *runtime, const uint8_t *wire, size_t len,
                            const knot_dname_t *qname, uint16_t qtype, bool trusted,
                            const ms_origin_t *origin, uint8_t *out, size_t max, size_t *out_len);
