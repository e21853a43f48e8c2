/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One engine per storage path and process: database, view, inbox, worker thread, job threads. knotd
 * loads new module instances before it unloads the old ones, so an engine lives across a reload:
 * the second open takes the new settings over and lets the agent reconcile.
 *
 * All functions are thread-safe. Nothing here is called from a hook but the ones that say so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libknot/dname.h>

#include "base/log.h"
#include "core/admit.h"
#include "core/gate.h"
#include "core/model.h"
#include "core/view.h"
#include "io/resolver.h"
#include "wire/tsig.h"

#define MS_PATH_MAX 4096
/*! Longest error sentence. */
#define MS_ERROR_MAX 512

/*! Everything an instance is configured with. Plain memory but config.ns. */
typedef struct {
	ms_config_t config;                /*!< Without the KEY: the runtime fills it in. */
	char storage[MS_PATH_MAX];
	char control[MS_PATH_MAX];         /*!< knotd's control socket. */
	char kasp_db[MS_PATH_MAX];
	char key[MS_PATH_MAX];             /*!< SIG(0) private key, made when missing. */
	char parent_key[MS_PATH_MAX];      /*!< The child's SIG(0) private key, made when needed. */
	uint16_t keystate_code;            /*!< Of the EDNS option KeyState. */
	char root_hints[MS_PATH_MAX];      /*!< Empty: Debian's. */
	char trust_anchor[MS_PATH_MAX];    /*!< Empty: Debian's. */
	uint8_t forward_count;
	ms_addr_t forward[MS_FORWARD_MAX];
	bool uri_port_wins;                /*!< B-09. */
	ms_addr_t listen;                  /*!< Where our own knotd answers: for SOA queries. */
	uint32_t poll_budget;              /*!< Own SOA queries a second. */
	ms_tsig_key_t agent_key;           /*!< Of our agent elsewhere; no secret: we combine for none. */
	ms_addr_t combiner;                /*!< Takes what we combine; family 0: our own knotd does. */
	ms_tsig_key_t combiner_key;
} ms_settings_t;

/*! Numbers for knotd's statistics. */
typedef struct {
	uint64_t counter[MS_CTR_COUNT];
	uint64_t admit[MS_ADMIT_VERDICTS]; /*!< Messages by verdict. */
	uint64_t replayed;                 /*!< Second sights answered again. */
	uint64_t gated;                    /*!< Queries that the gate answered SERVFAIL. */
	uint64_t zones;                    /*!< Gauges from here on. */
	uint64_t shared;
	uint64_t peers[MS_PEER_RELATIONS];
	uint64_t alarms;
	uint64_t shut;                     /*!< Zones that the gate keeps back. */
	bool gate;
	uint64_t differs[MS_COMPONENTS_MAX]; /*!< Zones in which a component differs, as configured. */
} ms_stats_t;

/*! Where log lines and numbers go; called by the engine's threads, never after it was replaced. */
typedef struct {
	ms_log_f log;
	void (*stats)(void *ctx, const ms_stats_t *stats);
	void *ctx;
} ms_sink_t;

typedef struct ms_runtime ms_runtime_t;

/*!
 * Opens (or joins) the engine of settings->storage. On the first open: store is read, key is
 * loaded or made, the view is published, the threads run, all before this returns.
 * \param error  One sentence: what, where, remedy.
 * \return KNOT_E*; *out untouched on error.
 */
int ms_runtime_open(const ms_settings_t *settings, const ms_sink_t *sink, ms_runtime_t **out,
                    char error[MS_ERROR_MAX]);
/*!
 * Leaves the engine; \a ctx names the sink to be dropped (another instance's stays). The last one
 * stops the threads, in less than two seconds.
 */
void ms_runtime_close(ms_runtime_t *runtime, const void *ctx);

/*! The running engine of a storage path, or NULL; borrowed as long as a global instance is open. */
ms_runtime_t *ms_runtime_find(const char *storage);

/*!
 * A zone instance came or went; counted per zone, so that a reload changes nothing. A zone whose
 * last instance went keeps its gate and its place until a global instance goes, too, at the end of
 * a reload: Knot 3.2 drops zone instances at `knotc conf-commit` without a word.
 */
int ms_runtime_opt_in(ms_runtime_t *runtime, const knot_dname_t *zone, const ms_opt_t *opt);
void ms_runtime_opt_out(ms_runtime_t *runtime, const knot_dname_t *zone);

/*! For hooks: the view of this moment, valid until ms_runtime_view_end(). Never blocks. */
const ms_view_t *ms_runtime_view_begin(ms_runtime_t *runtime);
void ms_runtime_view_end(ms_runtime_t *runtime);

/*! For hooks: do we share this zone with others, by its HSYNC RRset? */
bool ms_runtime_zone_shared(ms_runtime_t *runtime, const knot_dname_t *zone);

/*! For hooks: the zone's place, NULL where it takes no part. Lives as long as the engine. */
struct ms_slot *ms_runtime_slot(ms_runtime_t *runtime, const knot_dname_t *zone);
/*!
 * For hooks: may this version leave the server (core/gate.h)? What was found complete once stays
 * open; what is not is looked at again by the next query.
 */
bool ms_runtime_gate(ms_runtime_t *runtime, struct ms_slot *slot, uint64_t version,
                     const ms_gate_apex_t *apex);
/*! For hooks: counts an answer of the gate. */
void ms_runtime_gated(ms_runtime_t *runtime);
/*! For hooks: hands the snapshot to the worker; takes \a apex in any case. */
void ms_runtime_push_apex(ms_runtime_t *runtime, const knot_dname_t *zone, ms_apex_t *apex);
