/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Everything that can happen to an agent. An event carries its own time; the core knows no other.
 *
 * Ownership: who makes an event fills it and calls ms_step(); ms_step() takes what is marked
 * "taken" and leaves NULL there, so that ms_event_clear() afterwards is always right.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "base/time.h"
#include "wire/apex.h"
#include "wire/dnskey.h"
#include "wire/locator.h"
#include "wire/message.h"
#include "wire/record.h"
#include "wire/seen.h"

typedef enum {
	MS_EV_TIMER,     /*!< ms_deadline() has come. Harmless when it has not. */
	MS_EV_OPT_IN,    /*!< The operator lets this zone take part (zone instance loaded). */
	MS_EV_OPT_OUT,   /*!< It no longer takes part here. Nothing is withdrawn or forgotten on disk. */
	MS_EV_RECONCILE, /*!< Look at everything again (reload). */
	MS_EV_APEX,      /*!< The apex of a zone version that was not seen before. */
	MS_EV_MESSAGE,   /*!< A message that ms_admit() accepted. */
	MS_EV_LOCAL,     /*!< What our own agent, in another server, contributes (G-02). */
	MS_EV_ASKED,     /*!< Somebody who may wants to read the state: of a zone or of the agent. */
	MS_EV_LOCATED,   /*!< Result of MS_ACT_LOCATE. */
	MS_EV_ANSWERED,  /*!< Result of MS_ACT_SEND. */
	MS_EV_EDITED,    /*!< Result of MS_ACT_EDIT. */
	MS_EV_KEYS,      /*!< Result of MS_ACT_KEYS. */
	MS_EV_OBSERVED,  /*!< Result of MS_ACT_OBSERVE. */
	MS_EV_DISCOVERED,/*!< Result of MS_ACT_DISCOVER. */
	MS_EV_TOLD,      /*!< Result of MS_ACT_TELL_PARENT. */
	MS_EV_STORED,    /*!< The PERSIST actions of a step failed, or work again after that. */
} ms_event_kind_t;

/*! One key of a zone as Knot's key manager names it. */
typedef struct {
	char id[MS_KEYID_LEN + 1];
	bool ksk;
	bool zsk;
	bool removed;      /*!< Known, but no longer to be published. */
	bool published;    /*!< Stands in the DNSKEY RRset. */
	bool active;       /*!< KSK: has CDS. ZSK, CSK: signs the zone's data, published or not. */
	bool withdrawn;    /*!< KSK, CSK: signs, but has no CDS any more. A CSK of another algorithm may
	                        sign the zone's data all the same: then it is active, too, and so is
	                        a new one that has no CDS yet. */
	bool retired;      /*!< Signs nothing; of a ZSK or CSK: stands there still. */
	uint8_t algorithm;
	uint16_t tag;
	int64_t active_at; /*!< UNIX seconds since which it is active; 0: is not. */
} ms_own_key_t;

/*! A record that knotd would not take. */
typedef struct {
	uint16_t rrtype;
	uint16_t len;
	uint8_t *rdata;    /*!< Owned by the event. */
	char reason[MS_REASON_MAX + 1];
} ms_refusal_t;

/*! What the configuration of a zone means for us. */
typedef struct {
	bool signing;      /*!< dnssec-signing: on. */
	bool managed;      /*!< … and its policy says manual: on, so that the keys are ours to roll. */
	bool sheds;        /*!< … and its policy is not dnskey-management: incremental: each signing
	                        removes keys that are not its own. */
} ms_opt_t;

typedef struct {
	ms_event_kind_t kind;
	ms_now_t now;
	uint64_t id;                   /*!< Results: of the action. */
	int ret;                       /*!< Results: KNOT_EOK or why not. */
	char reason[MS_REASON_MAX + 1];/*!< Results: words for \a ret, may be empty. */
	knot_dname_storage_t zone;     /*!< OPT_IN, OPT_OUT, APEX, LOCAL, ASKED and results (lower case). */
	union {
		ms_opt_t opt;                  /*!< OPT_IN. */
		ms_apex_t *apex;               /*!< APEX. Taken. No SOA: the zone has no content. */
		struct {
			ms_msg_t *msg;             /*!< Taken. */
			knot_dname_storage_t from; /*!< Verified identity. */
			uint8_t hash[MS_SIG_HASH_LEN];
			uint64_t reply;            /*!< Handle for MS_ACT_REPLY; 0 = nobody waits. */
		} message;
		struct {
			uint8_t *wire;             /*!< Owned. UPDATE whose TSIG is verified, TSIG cut off. */
			size_t len;
			uint64_t reply;            /*!< As above. */
		} local;
		uint64_t asked;                /*!< ASKED: handle for MS_ACT_TELL. */
		ms_locator_t *locator;         /*!< LOCATED, KNOT_EOK. Borrowed. */
		ms_msg_t *answer;              /*!< ANSWERED, KNOT_EOK: verified. Taken. */
		struct {
			bool changed;
			size_t refused_count;
			ms_refusal_t *refused;     /*!< Owned by the event. */
		} edited;
		struct {
			bool made;                 /*!< Answer to a MAKE. */
			size_t count;
			ms_own_key_t *list;        /*!< Owned by the event. */
		} keys;
		ms_seen_t *seen;               /*!< OBSERVED, KNOT_EOK. Owned by the event. */
		ms_offers_t *offers;           /*!< DISCOVERED, KNOT_EOK. Taken. */
		struct {
			uint16_t rcode;            /*!< KNOT_EOK: what the parent's receiver answered … */
			int32_t ede;               /*!< … and why; -1: nothing. */
			int16_t keystate;          /*!< ms_keystate_code_t, signed by the receiver; -1: none. */
		} told;
	};
} ms_event_t;

/*! Frees what the event still owns. */
void ms_event_clear(ms_event_t *event);
/*! "apex", "message", … */
const char *ms_event_name(ms_event_kind_t kind);
