/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * mod-msigner: what knotd calls. A global instance opens an engine and sees every query; a zone
 * instance only lets its zone take part. Everything else happens in src/agent.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <knot/module.h>

#include "agent/answer.h"
#include "agent/publish.h"
#include "agent/runtime.h"
#include "base/compat.h"
#include "common/items.h"
#include "conf.h"
#include "settings.h"
#include "stats.h"
#include "wire/message.h"

/* Versions of a zone that no serial and pointer make: see version_of(). */
#define VERSION_EMPTY 1 /* Without contents. */

/*! The context of an instance of either kind. */
typedef struct {
	knot_dname_t *zone;     /*!< NULL: global. Our copy, since knotd frees its own first. */
	char *storage;          /*!< Zone: name of the engine. */
	unsigned era;           /*!< Zone: value of \a era when it was opted in. */
	bool opted;             /*!< Zone: the engine knows it. */
	ms_runtime_t *runtime;
	ms_codes_t codes;       /*!< Global. */
	uint8_t extra_count;    /*!< Global: types that are copied only to be compared. */
	uint16_t extra[MS_COMPONENTS_MAX];
	knotd_conf_t status_acl;/*!< Global. */
	ms_tsig_key_t agent_key;/*!< Global; without a secret: we combine for nobody. */
} instance_t;

/*! Global instances that are open, and how often their number fell to zero: engines end there. */
static atomic_uint globals;
static atomic_uint era;

static void free_instance(instance_t *self)
{
	if (self != NULL) {
		knotd_conf_free(&self->status_acl);
		ms_tsig_key_wipe(&self->agent_key);
		knot_dname_free(self->zone, NULL);
		free(self->storage);
		free(self);
	}
}

static void on_log(void *ctx, ms_log_level_t level, const char *line)
{
	knotd_mod_log(ctx, (int)level, "%s", line);
}

/*! Identity of a zone version; 4 tells it from the constants above, as RDATA is aligned to 8. */
static uint64_t version_of(const knot_rrset_t *soa)
{
	if (knot_rrset_empty(soa)) {
		return VERSION_EMPTY;
	}
	uint64_t serial = knot_soa_serial(soa->rrs.rdata);
	return (serial << 32 ^ (uint32_t)(uintptr_t)soa->rrs.rdata) | 4;
}

static void note_extra(instance_t *self, const ms_config_t *config)
{
	for (unsigned i = 0; i < config->compare_count; i++) {
		uint16_t type = config->compare[i];
		if (ms_apex_index(type) < 0 && type != MS_COMPONENT_RNAME && type != KNOT_RRTYPE_SOA &&
		    type != config->codes.hsync_type) {
			self->extra[self->extra_count++] = type;
		}
	}
}

static int copy_extra(const instance_t *self, knotd_qdata_t *qdata, ms_apex_t *apex)
{
	if (self->extra_count == 0) {
		return KNOT_EOK;
	}
	apex->extra = calloc(self->extra_count, sizeof(*apex->extra));
	if (apex->extra == NULL) {
		return KNOT_ENOMEM;
	}
	apex->extra_count = self->extra_count;
	int ret = KNOT_EOK;
	for (unsigned i = 0; ret == KNOT_EOK && i < self->extra_count; i++) {
		knot_rrset_t rrset = knotd_qdata_zone_apex_rrset(qdata, self->extra[i]);
		apex->extra[i].rrtype = self->extra[i];
		ret = ms_rrset_take(&apex->extra[i].rrs, rrset.ttl, &rrset.rrs);
	}
	return ret;
}

/*! Copies the apex RRsets of the version under this query; NULL when memory is out. */
static ms_apex_t *copy_apex(const instance_t *self, knotd_qdata_t *qdata)
{
	uint16_t hsync_type = self->codes.hsync_type;
	ms_apex_t *apex = calloc(1, sizeof(*apex));
	if (apex == NULL || copy_extra(self, qdata, apex) != KNOT_EOK) {
		if (apex != NULL) {
			ms_apex_clear(apex);
		}
		free(apex);
		return NULL;
	}
	for (ms_apex_type_t type = 0; type < MS_APEX_TYPES; type++) {
		uint16_t rrtype = type == MS_APEX_HSYNC ? hsync_type : ms_apex_rrtype(type);
		knot_rrset_t rrset = knotd_qdata_zone_apex_rrset(qdata, rrtype);
		if (knot_rrset_empty(&rrset)) {
			continue;
		}
		if (ms_rrset_take(&apex->set[type], rrset.ttl, &rrset.rrs) != KNOT_EOK) {
			ms_apex_clear(apex);
			free(apex);
			return NULL;
		}
		if (type == MS_APEX_SOA) {
			apex->serial = knot_soa_serial(rrset.rrs.rdata);
		}
	}
	knot_rrset_t rrsig = knotd_qdata_zone_apex_rrset(qdata, KNOT_RRTYPE_RRSIG);
	apex->is_signed = !knot_rrset_empty(&rrsig);
	return apex;
}

/*! The apex under this query as the gate looks at it: nothing is copied. */
static void look_at(knotd_qdata_t *qdata, const knot_rrset_t *soa, ms_gate_apex_t *out)
{
	for (ms_apex_type_t type = 0; type < MS_CONTRIB_TYPES; type++) {
		out->set[type] = knotd_qdata_zone_apex_rrset(qdata, ms_apex_rrtype(type)).rrs;
	}
	out->serial = knot_soa_serial(soa->rrs.rdata);
	knot_rrset_t rrsig = knotd_qdata_zone_apex_rrset(qdata, KNOT_RRTYPE_RRSIG);
	out->is_signed = !knot_rrset_empty(&rrsig);
}

/*! Is this a question that an uncombined version must not answer? */
static bool is_held(knotd_qdata_t *qdata, const knot_dname_t *zone)
{
	switch (qdata->type) {
	case KNOTD_QUERY_TYPE_AXFR:
	case KNOTD_QUERY_TYPE_IXFR:
		return true;
	case KNOTD_QUERY_TYPE_NORMAL:
		return ms_gate_holds(knot_pkt_qtype(qdata->query)) &&
		       zone != NULL && knot_dname_is_equal(knot_pkt_qname(qdata->query), zone);
	default:
		return false;
	}
}

/*! The first query that meets a new version brings the news. */
static void bring_news(const instance_t *self, knotd_qdata_t *qdata, ms_slot_t *slot,
                       const knot_dname_t *zone)
{
	ms_apex_t *apex = copy_apex(self, qdata);
	if (apex == NULL) {
		ms_slot_forget(slot);
		return;
	}
	ms_runtime_push_apex(self->runtime, zone, apex);
}

/*! Ordinary questions need no gate: one in sixteen, by its id, may bring the news of a version. */
static bool may_bring_news(const knotd_qdata_t *qdata)
{
	return (knot_wire_get_id(qdata->query->wire) & 0xf) == 0;
}

/*! \return false: the version under this query is not for anybody yet. */
static bool watch(const instance_t *self, knotd_qdata_t *qdata, const knot_dname_t *zone,
                  bool held)
{
	ms_slot_t *slot = zone != NULL ? ms_runtime_slot(self->runtime, zone) : NULL;
	if (slot == NULL) {
		return true;
	}
	knot_rrset_t soa = knotd_qdata_zone_apex_rrset(qdata, KNOT_RRTYPE_SOA);
	uint64_t version = version_of(&soa);
	bool is_new = ms_slot_version_new(slot, version);
	bool open = version == VERSION_EMPTY || ms_slot_open(slot, version);
	/* Judged at first sight, so that a wish that comes later does not shut it. */
	if (!open && (is_new || held)) {
		ms_gate_apex_t apex;
		look_at(qdata, &soa, &apex);
		open = ms_runtime_gate(self->runtime, slot, version, &apex);
	}
	if (is_new) {
		bring_news(self, qdata, slot, zone);
	}
	return open || !held;
}

/*! Does this address say more than "any of ours"? */
static bool is_precise(const struct sockaddr_storage *ss)
{
	ms_addr_t addr;
	return ss != NULL && ms_addr_from_sockaddr(ss, &addr) == KNOT_EOK &&
	       !ms_addr_is_wildcard(&addr);
}

static ms_origin_t origin_of(knotd_qdata_t *qdata, struct sockaddr_storage *buf)
{
	const knotd_qdata_params_t *params = qdata->params;
	ms_origin_t origin = {
		.fd = params->socket,
		.tcp = params->proto == KNOTD_QUERY_PROTO_TCP,
		.other = params->xdp_msg != NULL || (params->proto != KNOTD_QUERY_PROTO_TCP &&
		                                     params->proto != KNOTD_QUERY_PROTO_UDP),
		.edns = qdata->query->opt_rr != NULL,
		.remote = knotd_qdata_remote_addr(qdata),
	};
	if (origin.edns) {
		origin.udp_size = knot_edns_get_payload(qdata->query->opt_rr);
	}
	if (!origin.other && !origin.tcp) {
		const struct sockaddr_storage *local = MS_COMPAT_LOCAL_ADDR(qdata, buf);
		origin.local = is_precise(local) ? local : NULL;
	}
	return origin;
}

/*! What knotd shall do. FINAL: it adds neither OPT nor TSIG to what stands in \a pkt. */
static knotd_state_t outcome(ms_answer_t answer, size_t len, knotd_state_t state, knot_pkt_t *pkt)
{
	switch (answer) {
	case MS_ANSWER_NOW:
		knot_pkt_reclaim(pkt, pkt->reserved);
		pkt->size = len;
		return KNOTD_STATE_FINAL;
	case MS_ANSWER_LATER:
	case MS_ANSWER_DROP:
		return KNOTD_STATE_NOOP;
	case MS_ANSWER_NOT_OURS:
		break;
	}
	return state;
}

/*!
 * An UPDATE of a shared zone without TSIG and without SIG(0): its content comes from the owner and
 * from agents, so nobody else has anything to say by address alone (D-12). With TSIG it is knotd's.
 */
static bool is_bare_update(const instance_t *self, knotd_qdata_t *qdata)
{
	const knot_dname_t *zone = knotd_qdata_zone_name(qdata);
	return qdata->type == KNOTD_QUERY_TYPE_UPDATE && zone != NULL &&
	       !knot_pkt_has_tsig(qdata->query) && ms_runtime_zone_shared(self->runtime, zone);
}

/*! Where we are a combiner, every UPDATE of a zone is for us to judge: agents know no other way. */
static bool is_contribution(const instance_t *self, knotd_qdata_t *qdata)
{
	const knot_dname_t *zone = knotd_qdata_zone_name(qdata);
	return qdata->type == KNOTD_QUERY_TYPE_UPDATE && self->agent_key.secret_len > 0 &&
	       zone != NULL && ms_runtime_slot(self->runtime, zone) != NULL;
}

static knotd_state_t contribution(const instance_t *self, knotd_state_t state, knot_pkt_t *pkt,
                                  knotd_qdata_t *qdata)
{
	const knot_pkt_t *query = qdata->query;
	const knot_rrset_t *rr = query->tsig_rr;
	ms_tsig_t tsig;
	bool has_tsig = rr != NULL && rr->rrs.count == 1 &&
	                ms_tsig_read(rr->owner, rr->rrs.rdata->data, rr->rrs.rdata->len,
	                             &tsig) == KNOT_EOK;
	struct sockaddr_storage buf;
	ms_origin_t origin = origin_of(qdata, &buf);
	size_t len = 0;
	ms_answer_t answer = ms_answer_update(self->runtime, &self->agent_key, query->wire,
	                                      query->size, has_tsig ? &tsig : NULL,
	                                      knotd_qdata_zone_name(qdata), &origin, pkt->wire,
	                                      pkt->max_size, &len);
	return outcome(answer, len, state, pkt);
}

static knotd_state_t message(const instance_t *self, knotd_state_t state, knot_pkt_t *pkt,
                             knotd_qdata_t *qdata)
{
	const knot_pkt_t *query = qdata->query;
	if (is_contribution(self, qdata)) {
		return contribution(self, state, pkt, qdata);
	}
	if (!ms_message_is_ours(query->wire, query->size, self->codes.option_code) &&
	    !is_bare_update(self, qdata)) {
		return state;
	}
	/* knotd has cut the TSIG off, and it is not verified yet: ours carry SIG(0) alone. */
	if (knot_pkt_has_tsig(query)) {
		qdata->rcode = KNOT_RCODE_REFUSED;
		return KNOTD_STATE_FAIL;
	}
	struct sockaddr_storage buf;
	ms_origin_t origin = origin_of(qdata, &buf);
	size_t len = 0;
	ms_answer_t answer = ms_answer_message(self->runtime, query->wire, query->size, &origin,
	                                       pkt->wire, pkt->max_size, &len);
	return outcome(answer, len, state, pkt);
}

static knotd_state_t question(const instance_t *self, knotd_state_t state, knot_pkt_t *pkt,
                              knotd_qdata_t *qdata)
{
	const knot_pkt_t *query = qdata->query;
	uint16_t qtype = knot_pkt_qtype(query);
	/* Only the state is not for everybody, and it is TXT. */
	bool trusted = qtype == KNOT_RRTYPE_TXT &&
	               knotd_conf_addr_range_match(&self->status_acl,
	                                           knotd_qdata_remote_addr(qdata));
	/* Who is answered later must be found again; the address that was asked costs a system call. */
	struct sockaddr_storage buf;
	ms_origin_t origin = { .tcp = qdata->params->proto != KNOTD_QUERY_PROTO_UDP };
	if (trusted) {
		origin = origin_of(qdata, &buf);
	}
	size_t len = 0;
	ms_answer_t answer = ms_answer_query(self->runtime, query->wire, query->size,
	                                     knot_pkt_qname(query), qtype, trusted, &origin,
	                                     pkt->wire, pkt->max_size, &len);
	return outcome(answer, len, state, pkt);
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
	if (!undecided(state)) {
		return state;
	}
	const knot_dname_t *zone = knotd_qdata_zone_name(qdata);
	bool held = is_held(qdata, zone);
	if ((held || may_bring_news(qdata)) && !watch(self, qdata, zone, held)) {
		ms_runtime_gated(self->runtime);
		qdata->rcode = KNOT_RCODE_SERVFAIL;
		qdata->rcode_ede = KNOT_EDNS_EDE_NOT_READY;
		return KNOTD_STATE_FAIL;
	}
	switch (qdata->type) {
	case KNOTD_QUERY_TYPE_NOTIFY:
	case KNOTD_QUERY_TYPE_UPDATE:
		return message(self, state, pkt, qdata);
	case KNOTD_QUERY_TYPE_NORMAL:
		/* The apex of a zone of knotd's is neither a contribution nor a state. */
		return held ? state : question(self, state, pkt, qdata);
	default:
		return state;
	}
}

static int open_engine(knotd_mod_t *mod, instance_t *self)
{
	char error[MS_ERROR_MAX] = "";
	ms_settings_t settings;
	int ret = ms_settings_read(mod, &settings, error);
	if (ret == KNOT_EOK) {
		ms_sink_t sink = { .log = on_log, .stats = ms_stats_show, .ctx = mod };
		ret = ms_runtime_open(&settings, &sink, &self->runtime, error);
		self->codes = settings.config.codes;
		self->agent_key = settings.agent_key;
		note_extra(self, &settings.config);
		ms_stats_name(&settings.config);
		if (ret == KNOT_EOK && !settings.config.gate) {
			knotd_mod_log(mod, LOG_WARNING, "the gate is off: versions without the other "
			              "providers' records may leave this server; set 'gate: on'");
		}
		ms_settings_deinit(&settings);
	}
	if (ret != KNOT_EOK) {
		knotd_mod_log(mod, LOG_ERR, "%s", error[0] != '\0' ? error : knot_strerror(ret));
	}
	return ret;
}

static void close_engine(knotd_mod_t *mod, instance_t *self)
{
	ms_runtime_close(self->runtime, mod);
	if (atomic_fetch_sub(&globals, 1) == 1) {
		(void)atomic_fetch_add(&era, 1);
	}
}

/*! The hook comes last: knotd < 3.5 crashes at the next query when load() fails after one. */
static int load_global(knotd_mod_t *mod, instance_t *self)
{
	int ret = ms_settings_status_acl(mod, &self->status_acl);
	if (ret == KNOT_EOK) {
		ret = ms_stats_add(mod);
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
	ms_opt_t conf;
	char storage[MS_PATH_MAX];
	int ret = ms_settings_storage(mod, storage, sizeof(storage));
	if (ret != KNOT_EOK) {
		return ret;
	}
	self->zone = knot_dname_copy(zone, NULL);
	self->storage = strdup(storage);
	if (self->zone == NULL || self->storage == NULL) {
		return KNOT_ENOMEM;
	}
	ms_settings_zone(mod, zone, &conf);
	self->era = atomic_load(&era);
	self->runtime = ms_runtime_find(storage);
	if (self->runtime == NULL) {
		knotd_mod_log(mod, LOG_WARNING, "zone takes no part: 'global-module' of template "
		              "'default' does not name this instance, or it failed to load");
	} else {
		ret = ms_runtime_opt_in(self->runtime, zone, &conf);
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
	           self->runtime == ms_runtime_find(self->storage)) {
		/* The same engine as then: a later one at the same place was never told. */
		ms_runtime_opt_out(self->runtime, self->zone);
	}
	free_instance(self);
}

KNOTD_MOD_API(msigner, KNOTD_MOD_FLAG_SCOPE_ANY, load, unload, ms_conf_schema, ms_conf_check);
