/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The simulated universe: one clock, up to six real agents that speak real signed octets, their
 * disks, their knotds, an owner, a network that loses, doubles, reorders and parts. No threads, no
 * sleep; one seed is one run, to the octet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "core/admit.h"
#include "core/model.h"
#include "core/replay.h"
#include "core/step.h"
#include "core/view.h"
#include "outside.h"

#define SIM_KEYS     8       /* own DNSKEYs of one provider in one zone */
#define SIM_KEY_MAX  68      /* DNSKEY RDATA of ECDSAP256SHA256 */
#define SIM_GONE     4       /* removed ones that the key manager still lists */
#define SIM_KEY_LEN  36      /* DNSKEY RDATA of ED25519 */
#define SIM_UNIONS   64
#define SIM_REPLIES  256
#define SIM_SENDS    256
#define SIM_TRACE    50      /* lines shown after a failure */

/*! What can go wrong, each in 1/1000 per occasion. All zero: nothing does. */
typedef struct {
	unsigned loss, dup, replay;  /* per datagram */
	unsigned crash;              /* per step with actions */
	unsigned locate;             /* per look-up */
	unsigned errand;             /* per question to the parent or name servers: no answer */
	unsigned still, silent;      /* per version and name server: for some seconds it … */
	unsigned keymgr;             /* per question to the key manager */
	unsigned busy, lost_edit;    /* per edit */
	unsigned journal;            /* per start: the zone has lost its edits */
	unsigned store;              /* per commit: fails for some seconds */
	unsigned memory;             /* per step: one allocation in it fails */
} sim_faults_t;

/*! One own key of a provider in a zone. */
typedef struct {
	uint8_t rdata[SIM_KEY_MAX];
	uint16_t len;
	uint8_t algorithm;
	char id[MS_KEYID_LEN + 1];
	uint16_t tag;
	bool ksk, zsk;
	bool cds;                    /* its CDS and CDNSKEY are published */
	bool active, withdrawn, retired; /* as in ms_own_key_t */
	bool hidden;                 /* it signs, and does not stand in DNSKEY: of an algorithm roll */
	int64_t active_at;
} sim_key_t;

/*! The owner's zone as its primary gives it to one provider. */
typedef struct {
	uint32_t serial;
	uint32_t since;              /* the version before: an IXFR starts there */
	unsigned listed, on, agent;  /* HSYNC: bits per provider */
	ms_rrset_t set[MS_APEX_TYPES];
	ms_rrset_t before[MS_APEX_TYPES];
} sim_owner_t;

/*! What the oracle remembers of the versions that were let out. */
typedef struct {
	ms_rrset_t confirmed[SIM_NODES]; /* DNSKEYs that were answered NOERROR, by origin */
	ms_rrset_t shown;            /* DNSKEYs that once stood in a version that was let out */
	bool combined;               /* under AGENT, and a version with the union was let out */
	size_t union_count;          /* what the union was since the last version let out */
	ms_digest_t unions[SIM_UNIONS];
	ms_digest_t restored;        /* NS that may stand there by its doing, as the last start knew it */
	bool counted;                /* serials are of our making, … */
	uint32_t serial;             /* … and this one was let out */
} sim_memory_t;

/*! A zone as one provider's knotd has it. */
typedef struct {
	bool loaded;
	bool signing;                /* dnssec-signing: on */
	uint32_t serial;
	uint32_t fetched;            /* the owner's version it is made from … */
	unsigned listed, agent;      /* … and what its HSYNC RRset says */
	uint64_t version;            /* counts versions */
	uint64_t seen;               /* the one that a query met last, 0 = none in this life */
	uint64_t open;               /* the one that was let out last */
	unsigned key_count;
	sim_key_t keys[SIM_KEYS];
	unsigned gone_count;
	sim_key_t gone[SIM_GONE];
	struct {
		uint32_t keys, ns, data; /* TTLs, seconds */
	} ttl;
	bool has_out;
	sim_served_t out;            /* what its name servers fetch */
	ms_rrset_t history;          /* every own key there ever was */
	ms_rrset_t set[MS_APEX_TYPES]; /* the apex but for knotd's own records */
	sim_memory_t memory;
} sim_knot_t;

typedef struct {
	uint8_t *key, *value;
	size_t key_len, value_len;
} sim_record_t;

/*! Somebody waits for this answer. */
typedef struct {
	uint64_t handle;             /* 0 = free */
	unsigned from;
	uint64_t send_id;
	uint8_t *request;
	size_t len;
	uint8_t hash[MS_SIG_HASH_LEN];
	knot_dname_storage_t zone;
	bool update;
	uint32_t inception;
} sim_reply_t;

/*! A request under way. */
typedef struct {
	uint64_t id;                 /* 0 = free */
	unsigned to;
	knot_dname_storage_t identity;
	ms_locator_t locator;
	uint8_t *request;
	size_t len;
	unsigned tries_left;
	int64_t timeout;
	bool denied;
} sim_send_t;

typedef struct {
	bool up;
	unsigned life;               /* counts starts: what belongs to an older one is dropped */
	int skew;                    /* seconds its civil clock is off */
	ms_config_t config;
	ms_sig0_key_t key;
	unsigned key_number;
	ms_agent_t agent;
	ms_view_t *view;
	ms_replay_cache_t replay;
	unsigned ns;                 /* bits of its own NS names, see sim_ns() */
	sim_owner_t owners[SIM_ZONES];
	sim_knot_t knots[SIM_ZONES];
	size_t record_count;
	sim_record_t *records;       /* sorted by key */
	int64_t store_bad_until;
	bool store_failed;
	bool withheld;               /* the commit of this step failed */
	uint64_t next_handle;
	sim_reply_t replies[SIM_REPLIES];
	sim_send_t sends[SIM_SENDS];
} sim_node_t;

typedef void (*sim_run_f)(sim_world_t *world, void *data);
typedef void (*sim_drop_f)(void *data);

/*! A process was in a step. */
typedef struct {
	int64_t time;
	unsigned node, zone;
	uint8_t kind, step;
	int subject;                 /* -1: the group, or nobody */
} sim_walk_t;

typedef struct {
	int64_t at;
	uint64_t order;
	sim_run_f run;
	sim_drop_f drop;
	void *data;
} sim_happening_t;

struct sim_world {
	uint64_t seed;
	ms_rng_t rng;
	int64_t now;                 /* microseconds */
	uint64_t order;
	size_t count, room;
	sim_happening_t *queue;      /* heap by (at, order) */
	unsigned nodes, zones;
	unsigned nosign[SIM_ZONES];  /* providers that do not sign: bits */
	sim_node_t node[SIM_NODES];
	bool parted[SIM_NODES][SIM_NODES]; /* one way */
	sim_faults_t faults;
	ms_rng_t outside;
	int64_t lag;                 /* of name servers at the most, ms */
	sim_server_t server[SIM_ZONES][SIM_NS_NAMES];
	sim_parent_t parent[SIM_ZONES];
	sim_caches_t caches[SIM_ZONES];
	bool validate;               /* what is bogus to any validator is a failure */
	bool wholesome;              /* every knotd takes every new key */
	bool processes;              /* some disk tells of one */
	uint64_t orders;             /* given so far */
	sim_walk_t *walk;            /* steps of processes, as they were entered */
	size_t walk_count;
	sim_walk_t at[SIM_NODES][SIM_ZONES]; /* the last ones */
	bool failed;
	char why[256];
	uint64_t messages;           /* datagrams sent */
	uint64_t trace_hash;
	char trace[SIM_TRACE][256];
	unsigned trace_count;
	bool print;
	char *story;                 /* all lines, for tests that read them; NULL = not kept */
	size_t story_len;
};

/* world.c */
void sim_init(sim_world_t *world, uint64_t seed, unsigned nodes, unsigned zones);
void sim_deinit(sim_world_t *world);
/*! These do not sign this zone. Before the first start. */
void sim_nosign(sim_world_t *world, unsigned zone, unsigned nodes);
void sim_later(sim_world_t *world, int64_t delay, sim_run_f run, void *data, sim_drop_f drop);
/*! Runs until \a until (microseconds) or the first failure. */
void sim_run(sim_world_t *world, int64_t until);
/*! What a storm program does with one seed. \return Whether it went well. */
typedef bool (*sim_seed_f)(uint64_t seed, bool print);
/*! SEED=N: only that one, with its trace. \return Exit status; -1: it is not set. */
int sim_one_seed(sim_seed_f run);
/*!
 * SEEDS=N of them, from FIRST=N on, until \a most have failed.
 * \param seeds  How many where SEEDS is not set; afterwards how many it is. \return How many failed.
 */
unsigned long sim_seeds(sim_seed_f run, unsigned long *seeds, unsigned long most);
bool sim_chance(sim_world_t *world, unsigned permille);
int64_t sim_between(sim_world_t *world, int64_t low, int64_t high);
void sim_trace(sim_world_t *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_fail(sim_world_t *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const knot_dname_t *sim_zone_name(unsigned zone, knot_dname_storage_t buf);
int sim_zone_index(const sim_world_t *world, const knot_dname_t *name);
/*! -1: nobody's identity. */
int sim_node_index(const sim_world_t *world, const knot_dname_t *identity);
/*! "alpha" … "zeta" */
const char *sim_node_name(unsigned node);

/* node.c */
void sim_node_init(sim_world_t *world, unsigned node);
void sim_node_deinit(sim_node_t *node);
void sim_start(sim_world_t *world, unsigned node);
/*! Its NS names from the next start on: bit 0 and 1. */
void sim_node_ns(sim_world_t *world, unsigned node, unsigned names);
/*! A reload, with 'mode: hold' or without. */
void sim_reload(sim_world_t *world, unsigned node, bool hold);
void sim_crash(sim_world_t *world, unsigned node);
ms_now_t sim_now(const sim_world_t *world, unsigned node);
/*! Feeds an event (content is taken) and performs what follows. */
void sim_feed(sim_world_t *world, unsigned node, ms_event_t *event);
/*! Feeds it later, unless the node was restarted meanwhile. */
void sim_feed_later(sim_world_t *world, int64_t delay, unsigned node, ms_event_t *event);

/* net.c */
void sim_net_send(sim_world_t *world, unsigned node, ms_action_t *action);
void sim_net_reply(sim_world_t *world, unsigned node, ms_action_t *action);
void sim_locator(const sim_world_t *world, unsigned node, int64_t wall, ms_locator_t *out);
void sim_key_make(sim_world_t *world, unsigned node, unsigned number);

/* memory.c */
/*! One of the next allocations fails: the one after \a allocations - 1 others; 0 = none. */
void sim_memory_fails_after(unsigned allocations);

/* disk.c */
bool sim_disk_commit(sim_world_t *world, unsigned node, const ms_actions_t *actions);
void sim_disk_restore(sim_world_t *world, unsigned node);
const sim_record_t *sim_disk_find(const sim_node_t *node, const ms_rec_key_t *key);
void sim_disk_free(sim_node_t *node);

/* owner.c */
/*! NS RDATA: \a name < 2 * SIM_NODES is a provider's (two each), others are the owner's. */
uint16_t sim_ns(unsigned name, uint8_t rdata[64]);
void sim_owner_init(sim_world_t *world, unsigned node, unsigned zone);
void sim_owner_free(sim_owner_t *owner);
/*! The owner's HSYNC RRset reaches one provider. \param on  Bit per provider; listed: bit, too. */
void sim_owner_hsync(sim_world_t *world, unsigned node, unsigned zone, unsigned listed, unsigned on);
/*! Which records say NSMgmt=AGENT. */
void sim_owner_nsmgmt(sim_world_t *world, unsigned node, unsigned zone, unsigned agent);
/*! The owner's NS RRset: bits of names. */
void sim_owner_ns(sim_world_t *world, unsigned node, unsigned zone, unsigned names);
/*! DNSSEC data of its own that the owner should not have: bits of MS_APEX_x; 0 = none. */
void sim_owner_strays(sim_world_t *world, unsigned node, unsigned zone, unsigned types);
/*! Something else in the owner's zone changes. */
void sim_owner_touch(sim_world_t *world, unsigned node, unsigned zone);
/*! knotd fetches the owner's zone as a whole, even if it has this version: edits are lost. */
void sim_owner_axfr(sim_world_t *world, unsigned node, unsigned zone);
/*! knotd compares serials, and fetches what is newer. */
void sim_owner_refresh(sim_world_t *world, unsigned node, unsigned zone);
/*! Is this one of the owner's own DNSKEYs? */
bool sim_is_stray(unsigned zone, const uint8_t *rdata, uint16_t len);
#define SIM_STRAY 0xee

/* knot.c */
void sim_knot_edit(sim_world_t *world, unsigned node, ms_action_t *action);
void sim_knot_refetch(sim_world_t *world, unsigned node, const ms_action_t *action);
/*! Its RRsets have other TTLs from now on, seconds. */
void sim_knot_ttl(sim_world_t *world, unsigned node, unsigned zone, uint32_t keys, uint32_t ns,
                  uint32_t data);
/*! The apex of the version that is served. */
void sim_knot_apex(sim_world_t *world, unsigned node, unsigned zone, ms_apex_t *out);
void sim_knot_free(sim_knot_t *knot);
/*! A key that no other knotd takes: some are like that. */
bool sim_is_poison(const uint8_t *rdata, uint16_t len);

/* keys.c */
/*! New first keys in place of what there is: ZSK and KSK, or a CSK. */
void sim_keys_first(sim_world_t *world, unsigned node, unsigned zone);
void sim_knot_add_key(sim_world_t *world, unsigned node, unsigned zone);
void sim_knot_drop_key(sim_world_t *world, unsigned node, unsigned zone);
/*! CDS and CDNSKEY of the newest KSK come or go. */
void sim_knot_toggle_cds(sim_world_t *world, unsigned node, unsigned zone);
void sim_knot_keys(sim_world_t *world, unsigned node, const ms_action_t *action);
/*! A key that stands in the zone and does nothing but, as KSK, sign DNSKEY; its tag is none of \a taken.
 *  NULL: there are too many. */
sim_key_t *sim_keys_make(sim_world_t *world, unsigned node, unsigned zone, ms_key_role_t role,
                         uint8_t algorithm, const uint16_t *taken, unsigned count);
/*! The key manager lists it for a while. */
void sim_keys_forget(sim_knot_t *knot, unsigned at);
/*! algorithm.c: ALG_x. \return Whether something changed. */
bool sim_keys_algorithm(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action);
/*! An operation of the key manager. \return Whether it knows it. */
bool sim_keys_do(sim_world_t *world, unsigned node, unsigned zone, const ms_action_t *action);
void sim_knot_signers(const sim_knot_t *knot, sim_tags_t *dnskey, sim_tags_t *data);
/*! CDS RDATA of a key; the digest is of a type that nobody computes. */
#define SIM_CDS_LEN 8
void sim_cds(const uint8_t *key, uint16_t len, uint8_t out[SIM_CDS_LEN]);

/* process.c */
/*! Do the agents have processes? */
bool sim_process_exists(void);
/*! What a node's disk says of its process in a zone. \return Whether there is something. */
bool sim_process(const sim_world_t *world, unsigned node, unsigned zone, ms_rec_process_t *out);
/*! Members as that disk knows them: bits. */
unsigned sim_members(const sim_world_t *world, unsigned node, unsigned zone);
/*! It has written to its disk: notes which steps were entered. */
void sim_process_note(sim_world_t *world, unsigned node);
/*! No process anywhere, and the members are these, says everybody of \a on. */
bool sim_process_over(const sim_world_t *world, unsigned zone, unsigned on, char why[128]);
/*! Runs until that has been so for five seconds, at the most for so long. */
bool sim_process_run(sim_world_t *world, unsigned zone, unsigned on, int64_t limit, char why[128]);
/*! A line per step that was entered: who, which, when, how long. */
/*! What each one waits for, into the trace. */
void sim_process_waits(sim_world_t *world);
void sim_process_print(const sim_world_t *world);
/*! The operator orders this once more, and reloads. */
void sim_order(sim_world_t *world, unsigned node, unsigned zone, ms_order_word_t word);

/* watch.c */
/*! There is another version; queries will meet it. */
void sim_new_version(sim_world_t *world, unsigned node, unsigned zone);
/*! A query meets the version that is served. \return Whether it was let out. */
bool sim_query(sim_world_t *world, unsigned node, unsigned zone);
/*! Versions that are kept back are asked for again and again: after every step. */
void sim_queries(sim_world_t *world, unsigned node);

/* oracle.c */
void sim_check_added(sim_world_t *world, unsigned node, unsigned zone, const ms_rrset_t *keys);
void sim_check_confirmed(sim_world_t *world, unsigned node, const sim_reply_t *reply);
/*!
 * Do all that list each other hold each other's current contribution, and serve just what they should?
 * \param fetched  The owner's zone came as a whole meanwhile: alarms that are about it are right, too.
 */
bool sim_converged(sim_world_t *world, bool fetched, char why[128]);

/* safety.c */
/*! An UPDATE has arrived: what its sender withdraws is owed no more. */
void sim_note_statement(sim_world_t *world, unsigned node, const ms_event_t *event);
/*! It was answered NOERROR: what it says must not be lost any more. */
void sim_note_confirmed(sim_world_t *world, unsigned node, unsigned from, const ms_msg_t *msg);
/*! After a step: the union of the NS of all that take part, as this provider knows them. */
void sim_note_union(sim_world_t *world, unsigned node, unsigned zone);
void sim_union(sim_world_t *world, unsigned node, unsigned zone, ms_rrset_t *out);
/*! A version was let out: was that right? */
void sim_check_let_out(sim_world_t *world, unsigned node, unsigned zone, const ms_apex_t *apex);
/*! After a start: what may stand in the zone by its doing is all that it knows. */
void sim_note_restored(sim_world_t *world, unsigned node, unsigned zone);
/*! The owner has taken us out of the zone: nothing is owed to it any more. */
void sim_forget_shown(sim_knot_t *knot);
/*! Does this provider edit the zone? Signers do, and, where there is none, everybody. */
bool sim_edits(const sim_world_t *world, unsigned node, unsigned zone);
