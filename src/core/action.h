/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Everything an agent can ask for. ms_step() appends to a list, the caller performs the list in
 * order, but all PERSISTs of one step first and in one transaction: persist comes before send.
 * If that transaction fails, every REPLY of the step that says NOERROR is sent as SERVFAIL, no SEND
 * and no EDIT is made (they come back as failed) and MS_EV_STORED tells the core.
 *
 * Actions that ask something (LOCATE, SEND, EDIT, KEYS, OBSERVE, DISCOVER, TELL_PARENT) come back as an event with the same id,
 * exactly once, also when they fail. An id the core has forgotten meanwhile is ignored by it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/log.h"
#include "wire/apex.h"
#include "wire/locator.h"
#include "wire/message.h"
#include "wire/record.h"
#include "wire/seen.h"

typedef enum {
	MS_ACT_PERSIST,  /*!< Write or delete one durable record. */
	MS_ACT_LOCATE,   /*!< Find a peer by DNSSEC-validated look-ups. */
	MS_ACT_SEND,     /*!< Sign and send a request, verify the answer with the peer's keys. */
	MS_ACT_REPLY,    /*!< Sign and send the answer to a message. */
	MS_ACT_TELL,     /*!< Answer a query for the state. */
	MS_ACT_EDIT,     /*!< Change a zone of our knotd. */
	MS_ACT_KEYS,     /*!< Ask or tell Knot's key manager. */
	MS_ACT_REFETCH,  /*!< Fetch the zone from the owner once more. Nothing comes back. */
	MS_ACT_NOTIFY,   /*!< Tell the zone's secondaries once more. Nothing comes back. */
	MS_ACT_LOOK,     /*!< A new version of this zone is expected: look soon. */
	MS_ACT_OBSERVE,  /*!< Ask every server of a zone, or of its parent, what it serves. */
	MS_ACT_DISCOVER, /*!< Find where the parent wants to hear of changes (DSYNC). */
	MS_ACT_TELL_PARENT, /*!< Send it one message. */
	MS_ACT_LOG,      /*!< One finished log line. */
	MS_ACT_COUNT,    /*!< Add one to a counter. */
} ms_action_kind_t;

/*! One RRset of an edit. Only differences are sent to knotd (io/zonedit). */
typedef struct {
	knot_dname_storage_t owner;
	uint16_t rrtype;
	uint32_t ttl;        /*!< Used where the RRset does not exist yet. */
	bool exact;          /*!< The RRset shall be \a add and nothing else; \a remove is not used. */
	ms_rrset_t add;      /*!< Owned. */
	ms_rrset_t remove;   /*!< Owned. */
} ms_edit_t;

/*!
 * Work for Knot's key manager. All are idempotent: the state is read first, what is done already is not
 * done again, and every result brings the list as it is afterwards (architecture decision 11).
 */
typedef enum {
	MS_KEYS_LIST,
	MS_KEYS_MAKE,        /*!< Make and activate the first keys, load them, fetch the zone. */
	MS_KEYS_PUBLISH,     /*!< A new key of the role beside the active one; it signs nothing but, as KSK or
	                          CSK, DNSKEY. Its tag is none of \a taken. */
	MS_KEYS_ACTIVATE,    /*!< The new key is used. ZSK: instead of the old one, at one moment. KSK, CSK:
	                          beside it, CDS of both. */
	MS_KEYS_WITHDRAW,    /*!< KSK, CSK: the old key has no CDS any more, and signs on. */
	MS_KEYS_RETIRE,      /*!< CSK: the old key stays in DNSKEY and signs nothing but that. */
	MS_KEYS_REMOVE,      /*!< The old key goes. */
	MS_KEYS_DISCARD,     /*!< The new key, which is not active yet, goes as if it had never been. */
	MS_KEYS_ALG_SIGN,    /*!< Keys of another algorithm sign the zone beside the old ones, unpublished. */
	MS_KEYS_ALG_PUBLISH, /*!< They stand in DNSKEY. */
	MS_KEYS_ALG_ACTIVATE,/*!< They are used: CDS of both algorithms. */
	MS_KEYS_ALG_WITHDRAW,/*!< CDS of the new algorithm alone. */
	MS_KEYS_ALG_HIDE,    /*!< The old keys leave DNSKEY and sign on. */
	MS_KEYS_ALG_REMOVE,  /*!< They go, with their signatures. */
} ms_keys_op_t;

typedef enum {
	MS_ROLE_ZSK,
	MS_ROLE_KSK,
	MS_ROLE_CSK,
} ms_key_role_t;

/*! Key tags that a new key must not have: those of all providers' keys. */
#define MS_TAKEN_MAX 64

/*! What a parent can be told. */
typedef enum {
	MS_TELL_NOTIFY,
	MS_TELL_INQUIRE,     /*!< Which state has our key? (L-23) */
	MS_TELL_BOOTSTRAP,   /*!< Here is our key: self-signed UPDATE (L-17). */
	MS_TELL_UPDATE,      /*!< NS, glue, DS (L-02, L-03). */
	MS_TELL_STEPS,
} ms_tell_step_t;

/*! Counters; modules/msigner/stats names them. */
typedef enum {
	MS_CTR_HELLO_SENT, MS_CTR_HEARTBEAT_SENT, MS_CTR_STATE_SENT, MS_CTR_UPDATE_SENT,
	MS_CTR_HELLO_RECEIVED, MS_CTR_HEARTBEAT_RECEIVED, MS_CTR_STATE_RECEIVED,
	MS_CTR_UPDATE_RECEIVED, MS_CTR_UPDATE_REFUSED, MS_CTR_REFUSED_BY_PEER, MS_CTR_TIMEOUT,
	MS_CTR_LOCATE, MS_CTR_LOCATE_FAILED, MS_CTR_EDIT, MS_CTR_EDIT_FAILED, MS_CTR_APEX_SEEN,
	MS_CTR_PARENT_CDS, MS_CTR_PARENT_CSYNC, MS_CTR_PARENT_UPDATE, MS_CTR_PARENT_REFUSED,
	MS_CTR_PARENT_SILENT, MS_CTR_PARENT_DONE,
	MS_CTR_COUNT,
} ms_counter_t;

typedef struct {
	ms_action_kind_t kind;
	uint64_t id;
	union {
		struct {
			uint8_t *key;              /*!< Encoded, owned. */
			size_t key_len;
			uint8_t *value;            /*!< Encoded, owned; NULL deletes. */
			size_t value_len;
		} persist;
		struct {
			knot_dname_storage_t identity;
			bool fresh;                /*!< Cached data shall not be used (B-20). */
		} locate;
		struct {
			knot_dname_storage_t identity;
			ms_locator_t *to;          /*!< Owned. Where, and whose keys sign the answer. */
			ms_msg_t *msg;             /*!< Owned. Its id is chosen by the sender. */
			bool tcp;
			unsigned tries;            /*!< Datagrams per address. */
			int64_t first_timeout;     /*!< Microseconds, doubled each time. */
		} send;
		struct {
			uint64_t handle;
			ms_msg_t *msg;             /*!< Owned. */
		} reply;
		struct {
			uint64_t handle;
			char *text;                /*!< Owned; lines, '\n' separated. NULL: no memory. */
		} tell;
		struct {
			bool closest;              /*!< Zone = closest one at or above the first owner. */
			bool remote;               /*!< By UPDATE at our combiner; all edits are exact. */
			bool has_serial;           /*!< Becomes the zone's SOA serial. */
			uint32_t serial;
			knot_dname_storage_t zone;
			size_t count;
			ms_edit_t *edits;          /*!< Owned. */
		} edit;
		struct {
			knot_dname_storage_t zone;
			ms_keys_op_t op;
			uint8_t role;              /*!< ms_key_role_t, of PUBLISH to DISCARD. */
			uint8_t algorithm;         /*!< Of MAKE and ALG_x: the new one. */
			bool single_type;
			unsigned taken_count;      /*!< PUBLISH, ALG_SIGN. */
			uint16_t taken[MS_TAKEN_MAX];
		} keys;
		struct {
			knot_dname_storage_t zone;
		} look;                        /*!< And REFETCH, NOTIFY, DISCOVER. */
		struct {
			knot_dname_storage_t zone;
			bool parent;               /*!< The parent's servers; else those of \a hosts. */
			unsigned type_count;
			uint16_t types[MS_SEEN_TYPES];
			size_t host_count;
			knot_dname_storage_t *hosts; /*!< Owned. */
		} observe;
		struct {
			knot_dname_storage_t zone;
			ms_dsync_t *to;            /*!< Owned. */
			uint8_t step;              /*!< ms_tell_step_t. */
			uint16_t rrtype;           /*!< NOTIFY: CDS or CSYNC. */
			ms_rrset_t *ds;            /*!< UPDATE: the new ones; NULL: as it is. Owned, as … */
			ms_rrset_t *ns;            /*!< … these. */
			knot_dname_t *channel;     /*!< Owned; agent domain of Report-Channel, or NULL. */
		} inform;
		struct {
			ms_log_level_t level;
			char *line;                /*!< Owned. */
		} log;
		ms_counter_t counter;
	};
} ms_action_t;

typedef struct {
	size_t count;
	size_t room;
	ms_action_t *list;
} ms_actions_t;

/*! Clears and frees an RRset on the heap. NULL is fine. */
void ms_rrset_free(ms_rrset_t *set);

/*! Frees content; the list itself can be used again. */
void ms_actions_clear(ms_actions_t *actions);
/*! Frees the list, too. */
void ms_actions_deinit(ms_actions_t *actions);

/*! Takes back what was appended after the first \a count actions. */
void ms_actions_cut(ms_actions_t *actions, size_t count);

/*! Appends an empty action of \a kind; NULL when memory is out (nothing changed). */
ms_action_t *ms_action_add(ms_actions_t *actions, ms_action_kind_t kind);

/*! Appends a PERSIST. \a value NULL deletes. Copies both. */
int ms_action_persist(ms_actions_t *actions, const ms_rec_key_t *key,
                      const uint8_t *value, size_t len);
void ms_action_count(ms_actions_t *actions, ms_counter_t counter);
/*! A line "SUBJECT: …"; subject is a zone, an identity, or both ("ZONE/PEER"). Lost on ENOMEM. */
void ms_action_log(ms_actions_t *actions, ms_log_level_t level, const knot_dname_t *zone,
                   const knot_dname_t *peer, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

