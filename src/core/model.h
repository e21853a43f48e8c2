/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What an agent knows: its configuration, peers, zones, and the pairs of both. Plain rows, looked
 * up by name; one owner thread. Nothing here decides anything.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/action.h"
#include "core/event.h"
#include "core/peer.h"
#include "core/wakes.h"
#include "wire/apex.h"
#include "wire/hsync.h"
#include "wire/message.h"
#include "wire/record.h"

/*! Records knotd refused that we remember per zone; more than that and the oldest is forgotten. */
#define MS_QUARANTINE_MAX 96

/*! Providers remembered per zone: those listed, and as many that are leaving. */
#define MS_PAIRS_MAX (2 * MS_PROVIDERS_MAX)

/*! Schemes by which a parent can be told: NOTIFY and UPDATE. */
#define MS_PARENT_WAYS 2

/*! What an operator may order once. */
typedef enum {
	MS_ORDER_STEP,       /*!< 'mode: hold': finish this step. */
	MS_ORDER_SKIP,       /*!< The parent is changed by hand: do not wait to see it. */
	MS_ORDER_ABORT,      /*!< Undo what is begun, as far as that is safe. */
	MS_ORDER_ROLL_ZSK,
	MS_ORDER_ROLL_KSK,
	MS_ORDER_ROLL_CSK,
	MS_ORDER_ROLL_ALGORITHM,
	MS_ORDER_WORDS,
} ms_order_word_t;

typedef struct {
	knot_dname_storage_t zone;     /*!< Lower case. */
	uint8_t word;                  /*!< ms_order_word_t. */
	uint64_t hash;                 /*!< Of the text: the same one is done once. */
} ms_order_t;

typedef struct {
	knot_dname_storage_t identity; /*!< Lower case. */
	knot_dname_storage_t host;     /*!< URI target and SIG(0) signer name: "ns." + identity. */
	ms_codes_t codes;
	ms_hsync_dialect_t dialect;
	uint8_t transport;             /*!< Bits MS_TRANSPORT_x we offer. */
	uint8_t sync;                  /*!< Bits MS_SYNC_x we offer. */
	int64_t heartbeat;             /*!< Microseconds. */
	int64_t hello_retry;           /*!< Microseconds. */
	ms_rrset_t ns;                 /*!< Our NS contribution; empty = none. Owned. */
	uint8_t algorithm;             /*!< Of the first keys of a zone. */
	bool single_type;
	int64_t zsk_lifetime;          /*!< Seconds; 0: rolled by order alone. CSK: the shorter of both. */
	int64_t ksk_lifetime;
	uint32_t max_ttl;              /*!< Seconds: no RRset of a shared zone has a longer TTL. */
	size_t order_count;
	ms_order_t *orders;            /*!< Owned. */
	bool hold;                     /*!< mode: hold. */
	bool publish;                  /*!< Write URI, SVCB, KEY into the identity zone. */
	bool gate;                     /*!< gate: on. */
	bool combiner_role;            /*!< We combine for an agent elsewhere and talk to no peer. */
	bool remote_combiner;          /*!< What we combine is sent to a combiner elsewhere. */
	bool apex_key;                 /*!< KEY is combined, too (X-24). */
	uint8_t compare_count;         /*!< Types of the apex that are compared (O-15). */
	uint16_t compare[MS_COMPONENTS_MAX];
	uint8_t parent_count;          /*!< Ways to tell a parent; 0: it is not told. */
	uint8_t parent[MS_PARENT_WAYS];/*!< MS_DSYNC_NOTIFY, MS_DSYNC_UPDATE; the preferred one first. */
	uint8_t update_scheme;         /*!< Number of DSYNC's scheme UPDATE (X-36). */
	ms_keyrr_t parent_key;         /*!< KEY RDATA by which a parent knows us; empty: none. */
	knot_dname_storage_t channel;  /*!< Agent domain of Report-Channel; root: none. */
	uint8_t addr_count;
	ms_addr_t addr[MS_ADDRS_MAX];  /*!< All with the same port. */
	ms_keyrr_t key;                /*!< Our KEY RDATA. */
} ms_config_t;

/*! Reasons for alarm, kept per zone as bits. */
typedef enum {
	MS_ALARM_HSYNC_INVALID,    /*!< A record with an error value: last good set kept (A-08). */
	MS_ALARM_HSYNC_CONFLICT,   /*!< One identity twice (A-09), or too many providers. */
	MS_ALARM_HSYNC_GONE,       /*!< The whole RRset disappeared while others were ON (P-06). */
	MS_ALARM_NSMGMT,           /*!< Records disagree about NSMgmt: OWNER (A-10). */
	MS_ALARM_UPSTREAM,         /*!< Upstream loop or unknown upstream (A-25). */
	MS_ALARM_NOT_LISTED,       /*!< We are not in the RRset (A-28). */
	MS_ALARM_NO_SIGNER,        /*!< Zero SIGN records: nothing is changed (A-32). */
	MS_ALARM_KEYS_AUTOMATIC,   /*!< Policy is not manual: rolls follow Knot's timers alone. */
	MS_ALARM_KEYS_SHED,        /*!< Policy removes others' keys: nothing is combined. */
	MS_ALARM_KEYS_FAILING,     /*!< Knot's key manager cannot be asked. */
	MS_ALARM_EDIT_FAILING,     /*!< The zone cannot be edited. */
	MS_ALARM_RECORD_REFUSED,   /*!< knotd refuses a contributed record. */
	MS_ALARM_PEER_REFUSES,     /*!< A peer refuses our contribution. */
	MS_ALARM_LEAVING,          /*!< A provider is leaving; its data are kept. */
	MS_ALARM_GATE_SHUT,        /*!< The zone is kept from everybody: it cannot be combined. */
	MS_ALARM_OWNER_DNSSEC,     /*!< The owner's zone has DNSSEC data of its own (A-19, G-12). */
	MS_ALARM_SIGNED_INPUT,     /*!< The zone to be combined is signed already (G-25). */
	MS_ALARM_APEX_DIFFERS,     /*!< Another provider serves other apex data for long (O-05). */
	MS_ALARM_NS_DIFFER,        /*!< NSMgmt became AGENT, and the agents' set is another (H-09). */
	MS_ALARM_PROCESS,          /*!< The process cannot go on without a person. */
	MS_ALARM_PARENT,           /*!< The parent refuses what it is told, or does not answer. */
	MS_ALARM_COUNT,
} ms_alarm_t;

typedef struct ms_zone ms_zone_t;

/*!
 * What a version of the zone must contain. Immutable once made; shared by model and views, counted
 * by the worker only.
 */
typedef struct {
	unsigned refs;
	uint32_t managed;              /*!< Types that are ours: bits 1 << MS_APEX_x. */
	uint32_t exact;                /*!< Those of them in which nothing else may stand. */
	bool has_serial;               /*!< Serials are of our making … */
	uint32_t serial;               /*!< … and a combined version has this one. */
	bool is_unsigned;              /*!< No RRSIG may stand there (G-25). */
	ms_contribution_t data;
	ms_contribution_t *banned;     /*!< Owned; known to be the owner's own. NULL: nothing. */
} ms_wanted_t;

/*! One other provider of one zone. */
typedef struct {
	ms_peer_t *peer;               /*!< Borrowed from the agent's table. */
	bool listed;                   /*!< In the current HSYNC RRset. */
	uint8_t state;                 /*!< ms_hsync_state_t, as listed (last known when it is not). */
	uint8_t nsmgmt;
	uint8_t sign;
	bool was_on;                   /*!< It was ON once: history decides what OFF means (X-12). */
	bool leaving;                  /*!< Was ON, now OFF or absent. Data are kept. */
	bool member;                   /*!< It belongs to the group (core/member). */
	bool claimed;                  /*!< Others say so. */
	bool doubted;                  /*!< It has told less than before, once. */
	uint32_t dnskey_ttl;           /*!< Of its DNSKEY RRset, as told last, seconds; 0: not known. */
	bool process_known;            /*!< It has told, in this run, where its process stands: */
	uint8_t process;               /*!< ms_process_kind_t … */
	uint8_t step;
	knot_dname_t *subject;         /*!< … and about whom. Owned; NULL: nobody … */
	uint64_t group;                /*!< … whom it takes for members (ms_claims_our_group()); 0: unknown … */
	bool has_ended;                /*!< … and that what we are in has come to its end there. */
	bool votes;                    /*!< It takes part in an election (core/leading): */
	uint32_t term;
	uint32_t vote;
	knot_dname_t *leader;          /*!< Whom it confirms. Owned; NULL: nobody. */
	bool greeted;                  /*!< Our HELLO for this zone was answered NOERROR. */
	bool greeted_by;               /*!< It sent a valid HELLO for this zone: it knows the zone. */
	ms_time_t hello_at;
	unsigned hello_failures;
	bool has_held;
	ms_contribution_t held;        /*!< Its contribution, persisted. */
	ms_digest_t held_digest;
	uint32_t held_inception;
	bool acked_known;              /*!< We know what it holds of ours … */
	ms_digest_t acked;             /*!< … namely this. */
	bool state_wanted;             /*!< Our state shall be sent. */
	ms_time_t state_at;            /*!< Next one that nobody asked for. */
	ms_time_t send_at;             /*!< Not before (back-off after a failure). */
	unsigned failures;
	ms_time_t sent_at;
	bool waits;                    /*!< Its zone stands in the peer's queue. */
	uint64_t sent_id;              /*!< HELLO, UPDATE or STATE under way, or 0. */
	uint8_t sent_op;               /*!< MS_OP_HELLO, MS_OP_STATE, or 0 for UPDATE. */
	ms_digest_t sent_digest;       /*!< Of the contribution under way. */
	uint32_t refused_text;         /*!< Hash of the last refusal that was logged … */
	ms_time_t refused_at;          /*!< … and when: the same one again waits for a minute. */
	bool applied_known;
	ms_digest_t applied;           /*!< What it says it has applied. */
	uint16_t compared;             /*!< Bits: components of ours that it told its own of … */
	uint16_t differs;              /*!< … those that are others … */
	uint16_t ttl_differs;          /*!< … and those that differ in TTL alone. */
	ms_time_t differs_at;
	bool refuses;                  /*!< It refused the contribution that it does not hold. */
	char reason[MS_REASON_MAX + 1];/*!< Why it refused, last time. */
} ms_pair_t;

/*! A contributed record that knotd would not take: no longer wanted. */
typedef struct {
	uint16_t rrtype;
	ms_digest_t digest;
	char reason[MS_REASON_MAX + 1];
} ms_quarantine_t;

/*! What is on disk for sure while something newer is on its way there. */
typedef struct {
	ms_contribution_t written;
	ms_wanted_t *noted;            /*!< A counted reference. */
} ms_before_t;

struct ms_zone {
	struct ms_agent *agent;        /*!< Whose zone it is. */
	knot_dname_t *name;            /*!< Owned, lower case. */
	bool opted;                    /*!< The operator lets it take part. */
	bool signing;
	bool managed;                  /*!< Keys through keymgr. */
	bool sheds;                    /*!< knotd would remove keys that are not its own. */
	bool loaded;                   /*!< An apex with SOA was seen in this run. */
	ms_apex_t apex;
	bool shared;                   /*!< A good HSYNC RRset lists us. */
	uint8_t self_state;            /*!< Our own record. */
	uint8_t self_sign;
	uint8_t self_nsmgmt;
	uint8_t nsmgmt;                /*!< Zone-wide, OWNER where records disagree. */
	bool listing_due;              /*!< The apex's HSYNC RRset is not judged yet. */
	bool listing_unsaved;          /*!< The last good one could not be written. */
	uint32_t alarms;               /*!< Bits 1 << MS_ALARM_x. */
	char **alarm_why;              /*!< Owned; one text per alarm, NULL until the first. */
	size_t pair_count;
	ms_pair_t *pairs;              /*!< At most MS_PAIRS_MAX. */
	/* own keys and contribution */
	bool own_listed;               /*!< own is the key manager's word. */
	bool list_new;                 /*!< own_keys was not compared with the zone's keys yet. */
	ms_rec_own_t *own_keys;        /*!< NULL = never listed. Allocated for its count alone. */
	uint64_t keys_id;              /*!< KEYS under way, or 0. */
	ms_digest_t keys_asked;        /*!< Of the apex DNSKEYs when it was asked. */
	ms_time_t keys_at;
	unsigned keys_failures;
	bool own_known;
	ms_contribution_t own;
	ms_digest_t own_digest;
	/* what we put into the zone */
	ms_wanted_t *wanted;           /*!< NULL: nothing. A counted reference. */
	ms_contribution_t local;       /*!< Of our agent elsewhere, or nobody's in particular. */
	bool has_local;
	bool adopted_early;            /*!< Our own keys may be among them. */
	ms_contribution_t *strays;     /*!< Owned; DNSSEC data that the owner's zone was seen to have. */
	ms_contribution_t written;     /*!< Persisted before the edit that writes it. */
	ms_wanted_t *noted;            /*!< The wish that it was noted down for. NULL: not in this run. */
	ms_before_t *before;           /*!< Owned; until it is known that these two are on disk. */
	bool has_written;              /*!< An edit was made once: what stands there is known. */
	ms_rec_owner_t owner;          /*!< What of the owner's we replaced; our last serial. */
	bool whole;                    /*!< A version came from the owner as a whole, not judged yet. */
	bool shut;                     /*!< The version seen last lacks something: the gate is shut. */
	ms_time_t shut_at;
	char edit_reason[MS_REASON_MAX + 1]; /*!< Why the last edit failed. */
	uint64_t edit_id;
	ms_time_t edit_at;
	unsigned edit_failures;
	ms_digest_t applied;           /*!< Of the foreign data that stand in the zone. */
	size_t quarantine_count;
	ms_quarantine_t *quarantine;   /*!< At most MS_QUARANTINE_MAX. Owned. */
	/* what the parent is told */
	struct ms_delegation *delegation; /*!< Owned; core/delegation. NULL: nothing was ever to be done. */
	struct ms_process *process;    /*!< Owned; core/process. NULL: never shared. */
	/* what the others are told of our apex */
	uint8_t component_count;
	ms_component_t *components;    /*!< Owned. */
	/* group */
	bool group_ready;
	uint8_t group_transport;
	uint8_t group_sync;
	ms_time_t wake;                /*!< Earliest moment ms_zone_settle() has something to do. */
	size_t wake_place;             /*!< In agent->wakes. */
	bool dirty;                    /*!< Its row of the view must be made anew … */
	ms_zone_t *dirty_next;         /*!< … as that of this one. */
};

/*! A request under way, so that its answer finds the rows it belongs to. */
typedef struct {
	uint64_t id;
	ms_zone_t *zone;
} ms_sent_t;

/*! A durable replay entry that will have to be deleted. */
typedef struct {
	uint8_t hash[MS_SIG_HASH_LEN];
	uint32_t expiration;
} ms_spent_t;

typedef struct ms_agent {
	ms_config_t config;            /*!< Owned. */
	uint64_t session;              /*!< Of this run; goes into states. */
	int64_t steady;                /*!< Civil time less monotonic time at the start, microseconds. */
	ms_rng_t rng;
	uint64_t next_id;
	size_t peer_count;
	ms_peer_t **peers;             /*!< Sorted by identity. Owned. */
	size_t zone_count;
	ms_zone_t **zones;             /*!< Sorted by name. Owned. */
	ms_wakes_t wakes;              /*!< The same by the moment they have something to do. */
	ms_zone_t *dirty_zones;        /*!< The first of those that the view does not show as they are. */
	size_t sent_count;
	size_t sent_room;
	ms_sent_t *sent;
	size_t spent_count;
	size_t spent_room;
	ms_spent_t *spent;
	unsigned errands;              /*!< Questions of core/delegation under way. */
	bool unsaved;                  /*!< The store failed: nothing may be confirmed. */
	bool store_works;              /*!< … it does again, but not everything is written yet. */
	bool store_lost;               /*!< It was damaged, and is a new one since this start. */
	ms_time_t save_at;
	uint64_t publish_id;           /*!< Identity records: EDIT under way. */
	ms_time_t publish_at;
	unsigned publish_failures;
	bool published;
	char publish_reason[MS_REASON_MAX + 1];
	ms_time_t deadline;            /*!< Lower bound of all wakes. */
	bool dirty;                    /*!< Agent-wide part of the view must be made anew. */
} ms_agent_t;

/*! \a config is copied (its NS set, too). \a seed feeds jitter and the session number. */
int ms_agent_init(ms_agent_t *agent, const ms_config_t *config, uint64_t seed, ms_now_t now);
void ms_agent_deinit(ms_agent_t *agent);
/*! Takes a new configuration (reload); relations and zones stay. */
int ms_agent_configure(ms_agent_t *agent, const ms_config_t *config, ms_now_t now);
/*!
 * Feeds one durable record before the first event, in the order of the keys.
 * \retval KNOT_EMALF, KNOT_ENOTSUP, KNOT_ELIMIT  Damaged, from a newer version, or too many: nothing
 *                      is taken over, the caller logs it and goes on.
 */
int ms_agent_restore(ms_agent_t *agent, const uint8_t *key, size_t key_len,
                     const uint8_t *value, size_t value_len, ms_now_t now);

/*!
 * After the last durable record: what every zone must contain is known again, so that the first
 * view already keeps uncombined versions back.
 */
int ms_agent_restored(ms_agent_t *agent);

uint64_t ms_agent_id(ms_agent_t *agent);
/*! Makes sure that the agent wakes up at \a when or before. */
void ms_agent_wake(ms_agent_t *agent, ms_time_t when);

ms_peer_t *ms_peer_get(ms_agent_t *agent, const knot_dname_t *identity, ms_now_t now);
/*! One pair less; a peer without any is removed by ms_peer_remove() at the next timer. */
void ms_peer_unref(ms_agent_t *agent, ms_peer_t *peer);
void ms_peer_remove(ms_agent_t *agent, ms_peer_t *peer);

/*! Notes that a request is under way. */
int ms_sent_add(ms_agent_t *agent, uint64_t id, ms_zone_t *zone);
/*! Takes the note of a request back. \return false where there is none (forgotten). */
bool ms_sent_take(ms_agent_t *agent, uint64_t id, ms_sent_t *out);

/*! Notes a durable replay entry. */
int ms_spent_add(ms_agent_t *agent, const uint8_t hash[MS_SIG_HASH_LEN], uint32_t expiration);

ms_zone_t *ms_zone_find(const ms_agent_t *agent, const knot_dname_t *name);
ms_zone_t *ms_zone_get(ms_agent_t *agent, const knot_dname_t *name);

/*! The zone has something to do at \a when, and not before. */
void ms_zone_wake_at(ms_zone_t *zone, ms_time_t when);
/*! … at \a when or before. */
static inline void ms_zone_wake_by(ms_zone_t *zone, ms_time_t when)
{
	if (when.us < zone->wake.us) {
		ms_zone_wake_at(zone, when);
	}
}

/*! The view does not show the zone as it is any more. */
static inline void ms_zone_touch(ms_zone_t *zone)
{
	if (!zone->dirty) {
		zone->dirty = true;
		zone->dirty_next = zone->agent->dirty_zones;
		zone->agent->dirty_zones = zone;
	}
}
/*! It does again: all of them. */
void ms_agent_shown(ms_agent_t *agent);

/*!
 * \a next (taken over) is on its way to the disk; until ms_zone_written_kept() what was there before
 * is remembered, unless it is more. \retval KNOT_ENOMEM  Nothing has changed.
 */
int ms_zone_written_next(ms_zone_t *zone, ms_contribution_t *next);
/*! What was noted down as written is on disk; or the store failed, and it is what it was before. */
void ms_zone_written_kept(ms_zone_t *zone);
void ms_zone_written_lost(ms_zone_t *zone);

/*! Takes the list over (freed in any case); NULL: never listed. \retval KNOT_ENOMEM */
int ms_zone_set_own_keys(ms_zone_t *zone, ms_rec_own_t *own);

ms_pair_t *ms_pair_find(const ms_zone_t *zone, const knot_dname_t *identity);
ms_pair_t *ms_pair_get(ms_agent_t *agent, ms_zone_t *zone, const knot_dname_t *identity,
                       ms_now_t now);
void ms_pair_remove(ms_agent_t *agent, ms_zone_t *zone, ms_pair_t *pair);

/*! This pair's data may be used and its messages obeyed. */
static inline bool ms_pair_on(const ms_pair_t *pair)
{
	return pair->listed && pair->state == MS_HSYNC_ON;
}

static inline bool ms_zone_alarmed(const ms_zone_t *zone, ms_alarm_t alarm)
{
	return (zone->alarms & (1u << alarm)) != 0;
}

/*! A counted reference more; NULL is fine. \return \a wanted. */
ms_wanted_t *ms_wanted_ref(ms_wanted_t *wanted);
/*! One less; the last one frees. NULL is fine. */
void ms_wanted_unref(ms_wanted_t *wanted);

/*! Raises or ends an alarm; logs the change, once. */
void ms_zone_alarm(ms_zone_t *zone, ms_alarm_t alarm, bool on, const char *why,
                   ms_actions_t *out);
const char *ms_alarm_name(ms_alarm_t alarm);
/*! Why it was raised; empty where that is not known. */
const char *ms_alarm_reason(const ms_zone_t *zone, ms_alarm_t alarm);
