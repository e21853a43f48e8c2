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

#define SIM_NODES    6
#define SIM_ZONES    2
#define SIM_KEYS     8       /* own DNSKEYs of one provider in one zone */
#define SIM_KEY_LEN  36      /* DNSKEY RDATA of ED25519 */
#define SIM_REPLIES  256
#define SIM_SENDS    256
#define SIM_TRACE    50      /* lines shown after a failure */

/*! What can go wrong, each in 1/1000 per occasion. All zero: nothing does. */
typedef struct {
	unsigned loss, dup, replay;  /* per datagram */
	unsigned crash;              /* per step with actions */
	unsigned locate;             /* per look-up */
	unsigned busy, lost_edit;    /* per edit */
	unsigned store;              /* per commit: fails for some seconds */
	unsigned memory;             /* per step: one allocation in it fails */
} sim_faults_t;

/*! One own key of a provider in a zone. */
typedef struct {
	uint8_t rdata[SIM_KEY_LEN];
	char id[MS_KEYID_LEN + 1];
} sim_key_t;

/*! A zone as one provider's knotd has it. */
typedef struct {
	bool loaded;
	uint32_t serial;
	unsigned key_count;
	sim_key_t keys[SIM_KEYS];
	ms_rrset_t history;          /* every own key there ever was */
	ms_rrset_t foreign;          /* DNSKEYs by zone editing */
	ms_rrset_t hsync;
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

typedef struct sim_world sim_world_t;
typedef void (*sim_run_f)(sim_world_t *world, void *data);
typedef void (*sim_drop_f)(void *data);

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
	sim_node_t node[SIM_NODES];
	bool parted[SIM_NODES][SIM_NODES]; /* one way */
	sim_faults_t faults;
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
void sim_later(sim_world_t *world, int64_t delay, sim_run_f run, void *data, sim_drop_f drop);
/*! Runs until \a until (microseconds) or the first failure. */
void sim_run(sim_world_t *world, int64_t until);
bool sim_chance(sim_world_t *world, unsigned permille);
int64_t sim_between(sim_world_t *world, int64_t low, int64_t high);
void sim_trace(sim_world_t *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_fail(sim_world_t *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const knot_dname_t *sim_zone_name(unsigned zone, knot_dname_storage_t buf);
int sim_zone_index(const sim_world_t *world, const knot_dname_t *name);
/*! "alpha" … "zeta" */
const char *sim_node_name(unsigned node);

/* node.c */
void sim_node_init(sim_world_t *world, unsigned node);
void sim_node_deinit(sim_node_t *node);
void sim_start(sim_world_t *world, unsigned node);
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

/* knot.c */
void sim_knot_edit(sim_world_t *world, unsigned node, ms_action_t *action);
void sim_knot_keys(sim_world_t *world, unsigned node, const ms_action_t *action);
void sim_knot_add_key(sim_world_t *world, unsigned node, unsigned zone);
void sim_knot_drop_key(sim_world_t *world, unsigned node, unsigned zone);
/*! A transfer from the owner: edits are lost. */
void sim_knot_axfr(sim_world_t *world, unsigned node, unsigned zone);
/*! The agent sees the present version. */
void sim_knot_seen(sim_world_t *world, unsigned node, unsigned zone);
/*! The owner's HSYNC RRset reaches one provider. \param on  Bit per provider; listed: bit, too. */
void sim_owner_hsync(sim_world_t *world, unsigned node, unsigned zone, unsigned listed, unsigned on);
void sim_knot_free(sim_knot_t *knot);

/* oracle.c */
void sim_check_foreign(sim_world_t *world, unsigned node, unsigned zone);
void sim_check_confirmed(sim_world_t *world, unsigned node, const sim_reply_t *reply);
/*! Do all that list each other hold each other's current contribution, and serve it? */
bool sim_converged(sim_world_t *world, char why[128]);
