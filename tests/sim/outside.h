/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The world outside of the providers: the name servers that get their zones, the parent, and all
 * validators there may be, as what any of them may still have in its cache.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"

#define SIM_NODES    6
#define SIM_ZONES    2
#define SIM_NS_NAMES (2 * SIM_NODES + 3)
#define SIM_PARENTS  2
#define SIM_TAGS     64
#define SIM_CACHED   96      /* different contents of one kind that caches may have at a time */

typedef struct sim_world sim_world_t;

/*! Keys by algorithm and tag, sorted: no two keys of a zone have the same. */
#define SIM_TAG(algorithm, tag) ((uint32_t)(algorithm) << 16 | (tag))
typedef struct {
	unsigned count;
	uint32_t tag[SIM_TAGS];
} sim_tags_t;

/*! A version of a zone as who asks for it sees it. */
typedef struct {
	ms_apex_t apex;
	sim_tags_t signers;          /* who signed DNSKEY … */
	sim_tags_t data;             /* … and all the rest */
	uint32_t data_ttl;
} sim_served_t;

/*! A name server of a provider: it has a version some time after it was let out. */
typedef struct {
	bool any;                    /* it has one at all */
	sim_served_t now;
	int64_t still_until;         /* it takes no new version */
	int64_t silent_until;        /* it answers nobody */
} sim_server_t;

typedef enum {
	SIM_PARENT_FOLLOWS,          /* it does what CDS and CSYNC say, soon after it was told */
	SIM_PARENT_LATE,             /* … a minute or so later */
	SIM_PARENT_HAND,             /* somebody does, some minutes later */
	SIM_PARENT_NEVER,
} sim_parent_way_t;

enum { SIM_PARENT_DS, SIM_PARENT_NS, SIM_PARENT_SETS };

/*! What the parent has of one zone. */
typedef struct {
	ms_rrset_t set[SIM_PARENT_SETS];
	sim_parent_way_t way[SIM_PARENT_SETS];
	int64_t look_at[SIM_PARENT_SETS];
	bool silent;                 /* what it is told is not answered */
	ms_rrset_t first;            /* CDS that it may take for a first DS … */
	int64_t first_since;         /* … and since when it sees them */
	struct {
		ms_rrset_t set[SIM_PARENT_SETS];
		int64_t still_until;
	} at[SIM_PARENTS];           /* its servers */
} sim_parent_t;

enum { SIM_CACHE_DS, SIM_CACHE_NS, SIM_CACHE_CHILD_NS, SIM_CACHE_KEYS, SIM_CACHE_DATA, SIM_CACHE_KINDS };

/*! A content that some cache may have. */
typedef struct {
	sim_tags_t keys;             /* DS: of which keys; DNSKEY: which keys; data: who signed */
	sim_tags_t signers;          /* DNSKEY: who signed */
	unsigned names;              /* NS: bits, see sim_ns() */
	unsigned from;               /* the name that served it first; of DS and NS: any */
	int64_t since, until;
} sim_cached_t;

typedef struct {
	unsigned count[SIM_CACHE_KINDS];
	sim_cached_t *entry[SIM_CACHE_KINDS];
	uint64_t bogus;              /* times that a validator could find the zone bogus */
} sim_caches_t;

/* server.c */
/*! Draws of the outside: of their own, so that the inside of a seed stays what it was. */
int64_t sim_draw(sim_world_t *world, int64_t low, int64_t high);
void sim_outside_init(sim_world_t *world);
void sim_outside_deinit(sim_world_t *world);
/*! Bit number of a name; -1 where it is nobody's. */
int sim_ns_index(const knot_dname_t *name);
/*! Bits of the names in an NS RRset. */
unsigned sim_ns_names(const ms_rrset_t *ns);
void sim_served_clear(sim_served_t *served);
/*! A version of this provider leaves its knotd: its servers fetch it, each in its time. */
void sim_server_news(sim_world_t *world, unsigned node, unsigned zone, const ms_apex_t *apex);
/*! This server has what the knotd behind it let out last. */
void sim_server_sync(sim_world_t *world, unsigned zone, unsigned name);
/*! It takes nothing for so long; its parent's likewise. */
void sim_server_still(sim_world_t *world, unsigned zone, unsigned name, int64_t duration);
void sim_server_silent(sim_world_t *world, unsigned zone, unsigned name, int64_t duration);
/*! Does it answer about the zone now? */
bool sim_server_answers(const sim_world_t *world, unsigned zone, unsigned name);
ms_seen_t *sim_observe(sim_world_t *world, unsigned zone, const ms_action_t *action);

/* parent.c */
void sim_parent_init(sim_world_t *world, unsigned zone);
void sim_parent_free(sim_parent_t *parent);
/*! From now on, at all its servers: NS of these names, DS of this provider's KSKs, -1: none. */
void sim_parent_begin(sim_world_t *world, unsigned zone, unsigned names, int signer);
void sim_parent_ways(sim_world_t *world, unsigned zone, sim_parent_way_t ds, sim_parent_way_t ns);
void sim_parent_ttl(sim_world_t *world, unsigned zone, uint32_t ds, uint32_t ns);
void sim_parent_still(sim_world_t *world, unsigned zone, unsigned server, int64_t duration);
/*! Somebody changes the RRset by hand: no questions asked. */
void sim_parent_set(sim_world_t *world, unsigned zone, unsigned which, const ms_rrset_t *set);
/*! A NOTIFY about CDS or CSYNC. \return Whether it is answered. */
bool sim_parent_told(sim_world_t *world, unsigned zone, uint16_t rrtype);
/*! Time passes. */
void sim_parent_step(sim_world_t *world, unsigned zone);
/*! OBSERVE, DISCOVER and TELL_PARENT. */
void sim_errand(sim_world_t *world, unsigned node, const ms_action_t *action);

/* resolver.c */
/*! Time passes, or somebody serves something else: what may validators have, and is it bogus? */
void sim_validate(sim_world_t *world, unsigned zone);
void sim_caches_free(sim_caches_t *caches);
void sim_tags_add(sim_tags_t *tags, uint32_t tag);
bool sim_tags_meet(const sim_tags_t *a, const sim_tags_t *b);
/*! Tags of DNSKEY or DS RDATA. */
void sim_tags_of_keys(const ms_rrset_t *keys, sim_tags_t *out);
void sim_tags_of_ds(const ms_rrset_t *ds, sim_tags_t *out);
