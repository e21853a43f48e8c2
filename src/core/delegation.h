/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Keeps the parent's DS and NS as the group wants them (requirement groups I, J, L): looks at the
 * parent, waits until every server of every provider serves the change (J-16), finds the parent's DSYNC
 * (J-09..J-13), tells it, and watches until it shows (J-21).
 *
 *   LOOK      what does the parent have?
 *   CONFIRM   do all servers serve what it shall have?
 *   DISCOVER  where does the parent want to hear of it?
 *   TELL      a message is under way, or will be sent again
 *   WATCH     the parent has accepted it
 *   DONE      the parent shows it
 *   MANUAL    the parent takes no messages (of a kind we may send): somebody, or its scanner, acts
 *   FAILED    it refuses, or does not answer: watched, and told again after a long time
 *
 * One member of the group does this: the first one by identity of those that are ON and OPERATIONAL
 * (J-23, L-28). The next one looks at the parent MS_DELEG_TAKEOVER later, and has mostly nothing to do.
 * The table in delegation.c names every change; doc/state-machines.rst is printed from it.
 */
#pragma once

#include "core/model.h"

/*! After a change, before the parent is asked: changes come in company. */
#define MS_DELEG_CALM     (2 * MS_SEC)
/*! After a start, so long for the others to be heard: who is in front of us is not known before. */
#define MS_DELEG_HEAR     (30 * MS_SEC)
/*! Each member behind the first one waits so much longer. */
#define MS_DELEG_TAKEOVER (900 * MS_SEC)
/*! Between two looks at all servers, doubled up to the second (J-16: no pressing need). */
#define MS_DELEG_CONFIRM     (2 * MS_SEC)
#define MS_DELEG_CONFIRM_MAX (60 * MS_SEC)
/*! Each so manieth of them is a look at the parent. */
#define MS_DELEG_GLANCE 8
/*! Between two looks at a parent that was told, or that is not, doubled up to the second. */
#define MS_DELEG_WATCH     (2 * MS_SEC)
#define MS_DELEG_WATCH_MAX (600 * MS_SEC)
/*! Silence: five tries, the first pause doubled each time (RFC 1996 section 3.6, J-17, L-12). */
#define MS_DELEG_RETRY (60 * MS_SEC)
#define MS_DELEG_TRIES 5
/*! While the parent looks at our key, doubled up to MS_DELEG_WATCH_MAX. */
#define MS_DELEG_PATIENCE (10 * MS_SEC)
/*! A parent that accepted and does nothing is told again (J-21); one that gave no way, or refuses, is
 *  asked again (L-09). */
#define MS_DELEG_AGAIN        (3600 * MS_SEC)
#define MS_DELEG_AGAIN_FAILED (6 * 3600 * MS_SEC)
/*! Errands under way for all zones: they are done one after the other. */
#define MS_DELEG_WINDOW 16
/*! An errand without a result is given up: longer than a full window of slow ones takes. */
#define MS_DELEG_LOST (600 * MS_SEC)
/*! DSYNC is cached for its TTL within these, microseconds. */
#define MS_DELEG_OFFER_MIN (60 * MS_SEC)
#define MS_DELEG_OFFER_MAX (86400 * MS_SEC)

typedef enum {
	MS_DELEG_LOOK,
	MS_DELEG_CONFIRM_ALL,
	MS_DELEG_DISCOVER,
	MS_DELEG_TELL,
	MS_DELEG_WATCHING,
	MS_DELEG_DONE,
	MS_DELEG_MANUAL,
	MS_DELEG_FAILED,
	MS_DELEG_STATES,
} ms_deleg_state_t;

typedef enum {
	MS_DELEG_CHANGED,   /*!< The zone wants something else. */
	MS_DELEG_SHOWN,     /*!< The parent has it. */
	MS_DELEG_DIFFERS,   /*!< The parent has something else. */
	MS_DELEG_AGREED,    /*!< All servers serve it. */
	MS_DELEG_OFFERED,   /*!< There is a way to tell. */
	MS_DELEG_PREPARE,   /*!< Our KEY has to be published first (L-18). */
	MS_DELEG_NO_WAY,    /*!< There is none. */
	MS_DELEG_ACCEPTED,
	MS_DELEG_GAVE_UP,   /*!< Refused, or silent for too often. */
	MS_DELEG_LASTS,     /*!< It has been so for long: once more. */
	MS_DELEG_EVENTS,
} ms_deleg_event_t;

typedef struct ms_delegation {
	uint8_t state;             /*!< ms_deleg_state_t. */
	uint8_t lacks;             /*!< Bits MS_LACKS_x, as seen last. */
	uint8_t left;              /*!< What is still to be told in this round. */
	uint8_t telling;           /*!< What is under way. */
	bool csync;                /*!< We contribute CSYNC … */
	bool key;                  /*!< … and KEY. */
	bool news;                 /*!< That is new: the contribution is to be made anew. */
	uint8_t scheme;            /*!< Of TELL: MS_DSYNC_NOTIFY or MS_DSYNC_UPDATE. */
	bool looked;               /*!< TELL: the parent was looked at since the last try. */
	uint8_t step;              /*!< Of TELL: ms_tell_step_t. */
	unsigned bootstraps;       /*!< In this round. */
	bool secure;               /*!< The parent has a DS (I-17). */
	bool ds;                   /*!< The wish has DS: every signer has CDS. */
	bool known;                /*!< The wish is that of the apex with \a serial. */
	uint32_t serial;
	ms_digest_t wish;
	ms_time_t since;           /*!< When the wish was first seen. */
	ms_time_t born;            /*!< Until then the others are to be heard first. */
	ms_time_t at;              /*!< Next step. */
	ms_time_t again_at;        /*!< WATCH, MANUAL, FAILED: when to begin anew. */
	uint64_t id;               /*!< Of the action under way, or 0 … */
	ms_time_t lost_at;         /*!< … and when its result does not come any more. */
	unsigned failures;         /*!< In this state. */
	unsigned told;             /*!< Messages of this round that were answered NOERROR. */
	ms_offers_t *offers;       /*!< Owned; NULL: not known. */
	ms_time_t offers_until;
	char *reason;              /*!< Owned; NULL: none. */
} ms_delegation_t;

/*! \return The next state; the same where the event changes nothing. */
ms_deleg_state_t ms_delegation_next(ms_deleg_state_t state, ms_deleg_event_t event);
/*! "look", "confirm", … */
const char *ms_delegation_name(ms_deleg_state_t state);
const char *ms_delegation_event_name(ms_deleg_event_t event);

/*! NULL is fine. */
void ms_delegation_free(ms_delegation_t *delegation);
/*! Asks for what is due. Level-triggered, safe to call any time. */
int ms_delegation_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out);
/*! Earliest moment at which ms_delegation_settle() would do something. */
ms_time_t ms_delegation_deadline(const ms_agent_t *agent, const ms_zone_t *zone);
/*! Look at the parent anew (reload). */
void ms_delegation_again(ms_zone_t *zone, ms_now_t now);
/*! Members of the group in front of us; 0: we tell. */
unsigned ms_delegation_rank(const ms_agent_t *agent, const ms_zone_t *zone);

/*! `0 1 NS A AAAA`: CSYNC with the flag immediate and serial 0 (I-12, I-13, X-19), where the parent
 *  is to copy NS. Nothing otherwise. */
int ms_delegation_csync(const ms_zone_t *zone, ms_rrset_t *out);
/*!
 * The one KEY by which the parent knows the group: ours, where we are to tell by UPDATE, or did;
 * nothing where another provider has one.
 */
int ms_delegation_key(const ms_agent_t *agent, const ms_zone_t *zone, ms_rrset_t *out);
