/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * mod-dsync: what knotd calls. A global instance opens a receiver and sees every message; a zone
 * instance only lets its zone take part as a parent. Everything else happens in src/receiver.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <knot/module.h>

#include "base/compat.h"
#include "conf.h"
#include "receiver/receiver.h"
#include "settings.h"

/*! The context of an instance of either kind. */
typedef struct {
	knot_dname_t *zone;       /*!< NULL: global. Our copy, since knotd frees its own first. */
	char *storage;            /*!< Zone: name of the engine. */
	unsigned era;             /*!< Zone: value of \a era when it was opted in. */
	bool opted;
	ms_receiver_t *receiver;
	knotd_conf_t status_acl;  /*!< Global. */
} instance_t;

/*! Global instances that are open, and how often their number fell to zero: engines end there. */
static atomic_uint globals;
static atomic_uint era;

/*! Names of the statistics, an interface: kept. */
static const char *const stat_names[MS_RX_CTRS] = {
	[MS_RX_CTR_NOTIFY] = "notify", [MS_RX_CTR_UPDATE] = "update", [MS_RX_CTR_INQUIRY] = "inquiry",
	[MS_RX_CTR_LIMITED] = "limited", [MS_RX_CTR_SURVEY] = "survey", [MS_RX_CTR_CHANGE] = "change",
	[MS_RX_CTR_REFUSE] = "refused", [MS_RX_CTR_WAIT] = "waits", [MS_RX_CTR_REPORT] = "report",
};

static void free_instance(instance_t *self)
{
	if (self != NULL) {
		knotd_conf_free(&self->status_acl);
		knot_dname_free(self->zone, NULL);
		free(self->storage);
		free(self);
	}
}

static void on_log(void *ctx, ms_log_level_t level, const char *line)
{
	knotd_mod_log(ctx, (int)level, "%s", line);
}

static void on_stats(void *ctx, const uint64_t counters[MS_RX_CTRS])
{
	for (uint32_t i = 0; i < MS_RX_CTRS; i++) {
		knotd_mod_stats_store(ctx, 0, i, 0, counters[i]);
	}
}

static ms_rx_origin_t origin_of(const instance_t *self, knotd_qdata_t *qdata,
                                struct sockaddr_storage *buf)
{
	const knotd_qdata_params_t *params = qdata->params;
	ms_rx_origin_t origin = {
		.fd = params->socket,
		.tcp = params->proto == KNOTD_QUERY_PROTO_TCP,
		.other = params->xdp_msg != NULL || (params->proto != KNOTD_QUERY_PROTO_TCP &&
		                                     params->proto != KNOTD_QUERY_PROTO_UDP),
		.tsig = knot_pkt_has_tsig(qdata->query),
		.remote = knotd_qdata_remote_addr(qdata),
	};
	origin.trusted = knotd_conf_addr_range_match(&self->status_acl, origin.remote);
	if (!origin.other && !origin.tcp) {
		origin.local = MS_COMPAT_LOCAL_ADDR(qdata, buf);
	}
	return origin;
}

/*! Cheap: an ordinary query is left alone at once. */
static bool may_be_ours(knotd_qdata_t *qdata)
{
	const knot_pkt_t *query = qdata->query;
	switch (qdata->type) {
	case KNOTD_QUERY_TYPE_NOTIFY:
	case KNOTD_QUERY_TYPE_UPDATE:
		return true;
	case KNOTD_QUERY_TYPE_NORMAL:
		switch (knot_pkt_qtype(query)) {
		case KNOT_RRTYPE_KEY:
		case KNOT_RRTYPE_ANY:
			return query->opt_rr != NULL && query->opt_rr->rrs.rdata->len > 0;
		case KNOT_RRTYPE_TXT:
			return knot_pkt_qname(query)[0] > 1 && knot_pkt_qname(query)[1] == '_';
		default:
			return false;
		}
	default:
		return false;
	}
}

/*! Has nobody before us decided about this query? knotd starts with a state of its own. */
static bool undecided(knotd_state_t state)
{
	return state != KNOTD_STATE_NOOP && state != KNOTD_STATE_DONE &&
	       state != KNOTD_STATE_FAIL && state != KNOTD_STATE_FINAL;
}

static knotd_state_t begin(knotd_state_t state, knot_pkt_t *pkt, knotd_qdata_t *qdata,
                           knotd_mod_t *mod)
{
	const instance_t *self = knotd_mod_ctx(mod);
	const knot_pkt_t *query = qdata->query;
	if (!undecided(state) || !may_be_ours(qdata)) {
		return state;
	}
	struct sockaddr_storage buf;
	ms_rx_origin_t origin = origin_of(self, qdata, &buf);
	size_t len = 0;
	switch (ms_receiver_message(self->receiver, query->wire, query->size, &origin, pkt->wire,
	                            pkt->max_size, &len)) {
	case MS_RX_NOW:
		/* FINAL: knotd adds neither OPT nor TSIG to what stands in pkt. */
		knot_pkt_reclaim(pkt, pkt->reserved);
		pkt->size = len;
		return KNOTD_STATE_FINAL;
	case MS_RX_LATER:
	case MS_RX_DROP:
		return KNOTD_STATE_NOOP;
	case MS_RX_NOT_OURS:
		break;
	}
	return state;
}

static int open_engine(knotd_mod_t *mod, instance_t *self)
{
	char error[MS_RX_ERROR_MAX] = "";
	ms_rx_settings_t *settings = malloc(sizeof(*settings));
	int ret = settings != NULL ? ms_dsync_settings(mod, settings, error) : KNOT_ENOMEM;
	if (ret == KNOT_EOK) {
		ms_rx_sink_t sink = { .log = on_log, .stats = on_stats, .ctx = mod };
		ret = ms_receiver_open(settings, &sink, &self->receiver, error);
	}
	free(settings);
	if (ret != KNOT_EOK) {
		knotd_mod_log(mod, LOG_ERR, "%s", error[0] != '\0' ? error : knot_strerror(ret));
	}
	return ret;
}

static void close_engine(knotd_mod_t *mod, instance_t *self)
{
	ms_receiver_close(self->receiver, mod);
	if (atomic_fetch_sub(&globals, 1) == 1) {
		(void)atomic_fetch_add(&era, 1);
	}
}

/*! The hook comes last: knotd < 3.5 crashes at the next query when load() fails after one. */
static int load_global(knotd_mod_t *mod, instance_t *self)
{
	int ret = ms_dsync_status_acl(mod, &self->status_acl);
	for (int i = 0; i < MS_RX_CTRS && ret == KNOT_EOK; i++) {
		ret = knotd_mod_stats_add(mod, stat_names[i], 1, NULL);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	/* It says why. An error of ours would end knotd from 3.5 on; it shall serve without us. */
	if (open_engine(mod, self) != KNOT_EOK) {
		free_instance(self);
		return KNOT_EOK;
	}
	(void)atomic_fetch_add(&globals, 1);
	knotd_mod_ctx_set(mod, self);
	ret = knotd_mod_hook(mod, KNOTD_STAGE_BEGIN, begin);
	if (ret != KNOT_EOK) {
		knotd_mod_ctx_set(mod, NULL);
		close_engine(mod, self);
	}
	return ret;
}

/*! Never fails for want of an engine: the zone is served as if we were not there. */
static int load_zone(knotd_mod_t *mod, instance_t *self, const knot_dname_t *zone)
{
	char storage[MS_RX_PATH_MAX];
	int ret = ms_dsync_storage(mod, storage, sizeof(storage));
	if (ret != KNOT_EOK) {
		return ret;
	}
	self->zone = knot_dname_copy(zone, NULL);
	self->storage = strdup(storage);
	if (self->zone == NULL || self->storage == NULL) {
		return KNOT_ENOMEM;
	}
	ms_dsync_warn(mod, zone);
	self->era = atomic_load(&era);
	self->receiver = ms_receiver_find(storage);
	if (self->receiver == NULL) {
		knotd_mod_log(mod, LOG_WARNING, "children are not heard: 'global-module' of template "
		              "'default' does not name this instance, or it failed to load");
	} else {
		ret = ms_receiver_opt_in(self->receiver, zone);
		self->opted = ret == KNOT_EOK;
	}
	if (ret == KNOT_EOK) {
		knotd_mod_ctx_set(mod, self);
	}
	return ret;
}

static int load(knotd_mod_t *mod)
{
	instance_t *self = calloc(1, sizeof(*self));
	if (self == NULL) {
		return KNOT_ENOMEM;
	}
	const knot_dname_t *zone = knotd_mod_zone(mod);
	int ret = zone == NULL ? load_global(mod, self) : load_zone(mod, self, zone);
	if (ret != KNOT_EOK) {
		free_instance(self);
	}
	return ret;
}

/*! Neither the zone's name in \a mod nor its log may be used: knotd has freed the name. */
static void unload(knotd_mod_t *mod)
{
	instance_t *self = knotd_mod_ctx(mod);
	if (self == NULL) {
		return;
	}
	knotd_mod_ctx_set(mod, NULL);
	if (self->zone == NULL) {
		close_engine(mod, self);
	} else if (self->opted && self->era == atomic_load(&era) &&
	           self->receiver == ms_receiver_find(self->storage)) {
		/* The same engine as then: a later one at the same place was never told. */
		ms_receiver_opt_out(self->receiver, self->zone);
	}
	free_instance(self);
}

KNOTD_MOD_API(dsync, KNOTD_MOD_FLAG_SCOPE_ANY, load, unload, ms_dsync_schema, ms_dsync_check);
