/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/admit.h"
#include "core/peer.h"

static char *operation_name(uint32_t idx, uint32_t count)
{
	static const char *const names[] = { "hello", "heartbeat", "state", "update" };
	return strdup(names[idx]);
}

static char *parent_name(uint32_t idx, uint32_t count)
{
	static const char *const names[] = { "notify-cds", "notify-csync", "update" };
	return strdup(names[idx]);
}

static char *refusal_name(uint32_t idx, uint32_t count)
{
	return strdup(ms_admit_name(MS_ADMIT_ACCEPT + 1 + idx));
}

static char *relation_name(uint32_t idx, uint32_t count)
{
	char *name = strdup(ms_relation_name(idx));
	for (char *c = name; c != NULL && *c != '\0'; c++) {
		*c = tolower((unsigned char)*c);
	}
	return name;
}

/*! Written and read by the thread that loads modules and serves the control socket. */
static char component_names[MS_COMPONENTS_MAX][16];

void ms_stats_name(const ms_config_t *config)
{
	for (unsigned i = 0; i < MS_COMPONENTS_MAX; i++) {
		char buf[16] = "";
		const char *name = "unused";
		if (i < config->compare_count) {
			name = config->compare[i] == MS_COMPONENT_RNAME ? "RNAME"
			     : config->compare[i] == config->codes.hsync_type ? "HSYNC"
			     : knot_rrtype_to_string(config->compare[i], buf, sizeof(buf)) > 0 ? buf : "?";
		}
		(void)snprintf(component_names[i], sizeof(component_names[i]), "%s", name);
	}
}

static char *component_name(uint32_t idx, uint32_t count)
{
	char *name = strdup(component_names[idx]);
	for (char *c = name; c != NULL && *c != '\0'; c++) {
		*c = tolower((unsigned char)*c);
	}
	return name;
}

typedef enum {
	STAT_SENT, STAT_RECEIVED, STAT_REFUSED, STAT_REPLAYED, STAT_UPDATE_REFUSED,
	STAT_REFUSED_BY_PEER, STAT_TIMEOUT, STAT_LOCATED, STAT_LOCATE_FAILED, STAT_EDITED,
	STAT_EDIT_FAILED, STAT_APEX_SEEN, STAT_PARENT_SENT, STAT_PARENT_REFUSED,
	STAT_PARENT_SILENT, STAT_PARENT_DONE, STAT_GATED, STAT_ZONES, STAT_SHARED, STAT_ALARMED,
	STAT_SHUT, STAT_GATE, STAT_DIFFER, STAT_PEERS,
} stat_t;

static const struct {
	const char *name;
	uint32_t count;
	knotd_mod_idx_to_str_f idx_to_str;
} stat_rows[] = {
	[STAT_SENT]            = { "message-sent", 4, operation_name },
	[STAT_RECEIVED]        = { "message-received", 4, operation_name },
	[STAT_REFUSED]         = { "refused", MS_ADMIT_VERDICTS - 1, refusal_name },
	[STAT_REPLAYED]        = { "replayed", 1, NULL },
	[STAT_UPDATE_REFUSED]  = { "update-refused", 1, NULL },
	[STAT_REFUSED_BY_PEER] = { "refused-by-peer", 1, NULL },
	[STAT_TIMEOUT]         = { "timeout", 1, NULL },
	[STAT_LOCATED]         = { "located", 1, NULL },
	[STAT_LOCATE_FAILED]   = { "locate-failed", 1, NULL },
	[STAT_EDITED]          = { "edited", 1, NULL },
	[STAT_EDIT_FAILED]     = { "edit-failed", 1, NULL },
	[STAT_APEX_SEEN]       = { "apex-seen", 1, NULL },
	[STAT_PARENT_SENT]     = { "parent-sent", 3, parent_name },
	[STAT_PARENT_REFUSED]  = { "parent-refused", 1, NULL },
	[STAT_PARENT_SILENT]   = { "parent-silent", 1, NULL },
	[STAT_PARENT_DONE]     = { "parent-done", 1, NULL },
	[STAT_GATED]           = { "gated", 1, NULL },
	[STAT_ZONES]           = { "zones", 1, NULL },
	[STAT_SHARED]          = { "zones-shared", 1, NULL },
	[STAT_ALARMED]         = { "zones-alarmed", 1, NULL },
	[STAT_SHUT]            = { "zones-shut", 1, NULL },
	[STAT_GATE]            = { "gate", 1, NULL },
	[STAT_DIFFER]          = { "zones-differ", MS_COMPONENTS_MAX, component_name },
	[STAT_PEERS]           = { "peers", MS_PEER_RELATIONS, relation_name },
};

/*! knotd adds up the values of its threads: ours stand in the first one's column. */
static void store(knotd_mod_t *mod, stat_t row, uint32_t idx, uint64_t value)
{
	knotd_mod_stats_store(mod, 0, row, idx, value);
}

void ms_stats_show(void *ctx, const ms_stats_t *stats)
{
	static const struct {
		ms_counter_t counter;
		stat_t row;
		uint32_t idx;
	} counters[] = {
		{ MS_CTR_HELLO_SENT,         STAT_SENT, 0 },
		{ MS_CTR_HEARTBEAT_SENT,     STAT_SENT, 1 },
		{ MS_CTR_STATE_SENT,         STAT_SENT, 2 },
		{ MS_CTR_UPDATE_SENT,        STAT_SENT, 3 },
		{ MS_CTR_HELLO_RECEIVED,     STAT_RECEIVED, 0 },
		{ MS_CTR_HEARTBEAT_RECEIVED, STAT_RECEIVED, 1 },
		{ MS_CTR_STATE_RECEIVED,     STAT_RECEIVED, 2 },
		{ MS_CTR_UPDATE_RECEIVED,    STAT_RECEIVED, 3 },
		{ MS_CTR_UPDATE_REFUSED,     STAT_UPDATE_REFUSED, 0 },
		{ MS_CTR_REFUSED_BY_PEER,    STAT_REFUSED_BY_PEER, 0 },
		{ MS_CTR_TIMEOUT,            STAT_TIMEOUT, 0 },
		{ MS_CTR_LOCATE,             STAT_LOCATED, 0 },
		{ MS_CTR_LOCATE_FAILED,      STAT_LOCATE_FAILED, 0 },
		{ MS_CTR_EDIT,               STAT_EDITED, 0 },
		{ MS_CTR_EDIT_FAILED,        STAT_EDIT_FAILED, 0 },
		{ MS_CTR_APEX_SEEN,          STAT_APEX_SEEN, 0 },
		{ MS_CTR_PARENT_CDS,         STAT_PARENT_SENT, 0 },
		{ MS_CTR_PARENT_CSYNC,       STAT_PARENT_SENT, 1 },
		{ MS_CTR_PARENT_UPDATE,      STAT_PARENT_SENT, 2 },
		{ MS_CTR_PARENT_REFUSED,     STAT_PARENT_REFUSED, 0 },
		{ MS_CTR_PARENT_SILENT,      STAT_PARENT_SILENT, 0 },
		{ MS_CTR_PARENT_DONE,        STAT_PARENT_DONE, 0 },
	};
	knotd_mod_t *mod = ctx;
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		store(mod, counters[i].row, counters[i].idx, stats->counter[counters[i].counter]);
	}
	for (uint32_t i = 0; i < MS_ADMIT_VERDICTS - 1; i++) {
		store(mod, STAT_REFUSED, i, stats->admit[MS_ADMIT_ACCEPT + 1 + i]);
	}
	store(mod, STAT_REPLAYED, 0, stats->replayed);
	store(mod, STAT_GATED, 0, stats->gated);
	store(mod, STAT_ZONES, 0, stats->zones);
	store(mod, STAT_SHARED, 0, stats->shared);
	store(mod, STAT_ALARMED, 0, stats->alarms);
	store(mod, STAT_SHUT, 0, stats->shut);
	store(mod, STAT_GATE, 0, stats->gate);
	for (uint32_t i = 0; i < MS_COMPONENTS_MAX; i++) {
		store(mod, STAT_DIFFER, i, stats->differs[i]);
	}
	for (uint32_t i = 0; i < MS_PEER_RELATIONS; i++) {
		store(mod, STAT_PEERS, i, stats->peers[i]);
	}
}

int ms_stats_add(knotd_mod_t *mod)
{
	int ret = KNOT_EOK;
	for (size_t i = 0; i < sizeof(stat_rows) / sizeof(*stat_rows) && ret == KNOT_EOK; i++) {
		ret = knotd_mod_stats_add(mod, stat_rows[i].name, stat_rows[i].count,
		                          stat_rows[i].idx_to_str);
	}
	return ret;
}
