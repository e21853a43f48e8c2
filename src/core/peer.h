/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The relation to one other agent (drafts section 9/10; B-17..B-20, C-13, C-14, C-22..C-25, C-30).
 *
 *   NEEDED       it is in an HSYNC RRset; its records are not (yet, any more) validated
 *   KNOWN        address and key are validated
 *   OPERATIONAL  a HELLO was answered NOERROR, by either side
 *   DEGRADED     nothing valid heard for more than 2 heartbeat intervals
 *   INTERRUPTED  … for more than 10
 *
 * The table in peer.c names every pair of state and event; doc/state-machines.rst is printed
 * from it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"
#include "base/time.h"
#include "core/waiters.h"
#include "wire/locator.h"

typedef enum {
	MS_PEER_NEEDED,
	MS_PEER_KNOWN,
	MS_PEER_OPERATIONAL,
	MS_PEER_DEGRADED,
	MS_PEER_INTERRUPTED,
	MS_PEER_RELATIONS,
} ms_relation_t;

typedef enum {
	MS_PEER_LOCATED,     /*!< Validated address and key. */
	MS_PEER_EXPIRED,     /*!< They may no longer be used (B-20). */
	MS_PEER_GREETED,     /*!< HELLO answered NOERROR, sent or received. */
	MS_PEER_HEARD,       /*!< Any other valid message or answer. */
	MS_PEER_SILENT,      /*!< More than 2 intervals without one. */
	MS_PEER_LOST,        /*!< More than 10. */
	MS_PEER_EVENTS,
} ms_peer_event_t;

/*! \return The next relation; the same where the event changes nothing. */
ms_relation_t ms_peer_next(ms_relation_t relation, ms_peer_event_t event);
const char *ms_relation_name(ms_relation_t relation);
const char *ms_peer_event_name(ms_peer_event_t event);

/*! Silence after which a peer is DEGRADED and INTERRUPTED, in heartbeat intervals (C-25). */
#define MS_SILENT_BEATS 2
#define MS_LOST_BEATS   10

/*! Requests under way to one peer at a time: enough to fill a LAN, too few to flood it. */
#define MS_PEER_WINDOW 32

typedef struct {
	knot_dname_t *identity;        /*!< Owned, lower case. */
	ms_relation_t relation;
	unsigned refs;                 /*!< Pairs that name it; freed at 0. */
	bool has_locator;
	ms_locator_t locator;
	ms_time_t expire_at;           /*!< When the locator may no longer be used. */
	uint64_t locate_id;            /*!< LOCATE under way, or 0. */
	ms_time_t locate_at;           /*!< When to look (again). */
	unsigned locate_failures;
	bool locate_fresh;             /*!< The next look-up shall not use cached data. */
	char reason[MS_REASON_MAX + 1];/*!< Why the last look-up or message failed. */
	ms_time_t heard_at;
	ms_time_t beat_at;             /*!< Next heartbeat. */
	uint64_t beat_id;              /*!< Heartbeat under way, or 0. */
	int64_t interval;              /*!< The peer's heartbeat interval, microseconds; 0 = unknown. */
	uint64_t session;              /*!< The peer's, from its last state. */
	uint8_t transport;             /*!< Capabilities from its last HELLO. */
	uint8_t sync;
	bool introduced;               /*!< Capabilities are known. */
	unsigned window;               /*!< Requests under way. */
	ms_waiters_t waiters;          /*!< Zones that wait for a place in the window. */
	struct ms_zone *turn;          /*!< The one that may pass them now. */
	bool dirty;                    /*!< The view must be made anew. */
} ms_peer_t;

struct ms_agent;

/*! A request is over: whoever waits for its place is woken by the next timer. */
void ms_peer_free_place(struct ms_agent *agent, ms_peer_t *peer);
/*! Applies an event: changes the relation, logs the change, sets timers. */
void ms_peer_event(struct ms_agent *agent, ms_peer_t *peer, ms_peer_event_t event, ms_now_t now,
                   ms_actions_t *out);
/*! Asks for what is due: look-up, heartbeat, silence. Level-triggered, safe to call any time. */
int ms_peer_settle(struct ms_agent *agent, ms_peer_t *peer, ms_now_t now, ms_actions_t *out);
/*! Earliest moment at which ms_peer_settle() would do something. */
ms_time_t ms_peer_deadline(const struct ms_agent *agent, const ms_peer_t *peer);
/*! Takes a validated locator over, from a look-up or from the store. */
void ms_peer_located(struct ms_agent *agent, ms_peer_t *peer, const ms_locator_t *locator,
                     ms_now_t now, ms_actions_t *out);
