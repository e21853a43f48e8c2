/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the hooks may see: a picture of the agent. Rows are immutable, and shared between successive
 * views and counted; only rows of what changed are made anew. Made by the worker alone, who may also
 * put new rows in place of those of zones; readers get a view through agent/publish, never change
 * it, and ask it once for a zone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "core/model.h"

/*! A peer whose signatures can be verified. */
typedef struct {
	unsigned refs;                 /*!< Counted by the worker only. */
	knot_dname_storage_t identity;
	knot_dname_storage_t host;     /*!< "." while not located. */
	int64_t expires;               /*!< UNIX seconds. */
	size_t zones;                  /*!< That it shares with us. */
	uint8_t key_count;
	ms_keyrr_t key[MS_KEYS_MAX];
} ms_view_peer_t;

typedef struct {
	knot_dname_t *identity;        /*!< Owned. */
	bool listed;
	ms_contribution_t data;        /*!< Held of it. */
} ms_view_member_t;

typedef struct ms_view_zone {
	unsigned refs;
	knot_dname_t *name;            /*!< Owned. */
	bool opted;                    /*!< The operator lets it take part (known a bit later). */
	bool shared;                   /*!< We are listed: messages are answered. */
	bool alarmed;                  /*!< What the gauges count: it has an alarm … */
	bool shut;                     /*!< … the gate keeps it back … */
	uint16_t differs;              /*!< … components differ: bits. */
	ms_wanted_t *wanted;           /*!< What the gate lets out; NULL: everything. A reference. */
	size_t member_count;           /*!< Other providers. */
	ms_view_member_t *members;
	ms_contribution_t own;
	struct ms_view_zone *older;    /*!< Replaced before it; not for readers. */
} ms_view_zone_t;

typedef struct {
	ms_codes_t codes;
	knot_dname_storage_t identity;
	bool strict;                   /*!< The gate lets nothing out of a zone whose wish is not known. */
	size_t peer_count;
	ms_view_peer_t **peers;        /*!< Sorted by identity. */
	size_t zone_count;
	ms_view_zone_t **zones;        /*!< Sorted by name. Each is replaced atomically. */
	uint32_t gauge_zones;
	uint32_t gauge_shared;
	uint32_t gauge_peers[MS_PEER_RELATIONS];
	uint32_t gauge_alarms;         /*!< Zones with an alarm. */
	uint32_t gauge_shut;           /*!< Zones that the gate keeps back. */
	uint32_t gauge_differs[MS_COMPONENTS_MAX]; /*!< Zones in which this component differs. */
} ms_view_t;

/*!
 * Makes the next view; rows that are not dirty are taken from \a old (may be NULL).
 * Clears the dirty flags. \return NULL when memory is out (dirty flags stay).
 */
ms_view_t *ms_view_make(ms_agent_t *agent, const ms_view_t *old, ms_now_t now);
/*!
 * Makes \a view the next one: zones that are dirty get new rows, and are no longer dirty.
 * \param old  The rows replaced are put before these (NULL: none), also where it fails. Readers who
 *             began before still have them.
 * \retval KNOT_ENOTSUP  Something else has changed: a next view must be made.
 * \retval KNOT_ENOMEM   What could not be shown is still dirty.
 */
int ms_view_update(ms_agent_t *agent, ms_view_t *view, ms_now_t now, ms_view_zone_t **old);
/*! Drops rows that were replaced. NULL is fine. */
void ms_view_drop(ms_view_zone_t *old);
/*! Whether ms_view_make() would show anything new. */
bool ms_view_due(const ms_agent_t *agent);
/*! Drops a view and the rows nobody else has. NULL is fine. */
void ms_view_free(ms_view_t *view);

const ms_view_zone_t *ms_view_zone(const ms_view_t *view, const knot_dname_t *name);
/*! By identity or host name, among the peers this zone lists. */
const ms_view_peer_t *ms_view_signer(const ms_view_t *view, const ms_view_zone_t *zone,
                                     const knot_dname_t *signer);
