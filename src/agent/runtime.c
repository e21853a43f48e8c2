/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "agent/worker.h"
#include "base/text.h"
#include "core/order.h"
#include "io/keyring.h"

/* Longest wait for a thread to end, seconds; the jobs give up their step in less. */
#define STOP_WAIT 2

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static ms_runtime_t *engines;

static ms_runtime_t *find(const char *storage)
{
	ms_runtime_t *runtime = engines;
	while (runtime != NULL && strcmp(runtime->storage, storage) != 0) {
		runtime = runtime->next;
	}
	return runtime;
}

static int load_key(const char *path, const knot_dname_t *signer, ms_sig0_key_t *out,
                    char error[MS_ERROR_MAX])
{
	ms_pem_t pem = { 0 };
	bool made = false;
	int ret = ms_keyring_load_or_make(path, MS_KEYRING_ED25519, &pem, &made, error,
	                                  MS_ERROR_MAX);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = ms_sig0_key_init(out, (const uint8_t *)pem.data, pem.len, signer);
	ms_pem_clear(&pem);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_ERROR_MAX, "key '%.256s' cannot sign SIG(0) (%s); use an "
		               "ED25519 or ECDSA P-256 key, or remove the file to get a new one",
		               path, knot_strerror(ret));
	}
	return ret;
}

static ms_setup_t *new_setup(const ms_settings_t *settings, char error[MS_ERROR_MAX], int *ret)
{
	ms_setup_t *setup = calloc(1, sizeof(*setup));
	if (setup == NULL) {
		*ret = KNOT_ENOMEM;
		return NULL;
	}
	setup->settings = *settings;
	setup->settings.config.ns = (ms_rrset_t){ 0 };
	*ret = ms_orders_copy(&setup->settings.config, &settings->config);
	if (*ret == KNOT_EOK) {
		*ret = ms_rrset_copy(&setup->settings.config.ns, &settings->config.ns);
	}
	if (*ret == KNOT_EOK) {
		*ret = load_key(settings->key, settings->config.host, &setup->key, error);
	}
	for (unsigned i = 0; *ret == KNOT_EOK && i < settings->config.parent_count; i++) {
		if (settings->config.parent[i] == MS_DSYNC_UPDATE) {
			ms_sig0_key_t key = { 0 };
			*ret = load_key(settings->parent_key, settings->config.host, &key, error);
			setup->settings.config.parent_key = key.rr;
			ms_sig0_key_deinit(&key);
		}
	}
	if (*ret != KNOT_EOK) {
		ms_setup_free(setup);
		return NULL;
	}
	setup->settings.config.key = setup->key.rr;
	return setup;
}

static int add_sink(ms_runtime_t *runtime, const ms_sink_t *sink)
{
	ms_sink_row_t *row = calloc(1, sizeof(*row));
	if (row == NULL) {
		return KNOT_ENOMEM;
	}
	row->sink = *sink;
	pthread_mutex_lock(&runtime->sink_lock);
	row->next = runtime->sinks;
	runtime->sinks = row;
	pthread_mutex_unlock(&runtime->sink_lock);
	return KNOT_EOK;
}

static void drop_sink(ms_runtime_t *runtime, const void *ctx)
{
	pthread_mutex_lock(&runtime->sink_lock);
	ms_sink_row_t **at = &runtime->sinks;
	while (*at != NULL && (*at)->sink.ctx != ctx) {
		at = &(*at)->next;
	}
	ms_sink_row_t *row = *at;
	if (row != NULL) {
		*at = row->next;
	}
	pthread_mutex_unlock(&runtime->sink_lock);
	free(row);
}

/* What hooks and threads share; all of it or nothing. */
static ms_runtime_t *new_shared(const ms_settings_t *settings)
{
	ms_runtime_t *runtime = calloc(1, sizeof(*runtime));
	if (runtime == NULL) {
		return NULL;
	}
	if (ms_inbox_init(&runtime->inbox, MS_INBOX_MAX) != KNOT_EOK) {
		free(runtime);
		return NULL;
	}
	if (ms_jobs_init(&runtime->jobs, &runtime->inbox, settings) != KNOT_EOK) {
		ms_inbox_deinit(&runtime->inbox);
		free(runtime);
		return NULL;
	}
	if (ms_jobs_init(&runtime->errands, &runtime->inbox, settings) != KNOT_EOK) {
		ms_jobs_deinit(&runtime->jobs);
		ms_inbox_deinit(&runtime->inbox);
		free(runtime);
		return NULL;
	}
	if (ms_slots_init(&runtime->slots) != KNOT_EOK) {
		ms_jobs_deinit(&runtime->errands);
		ms_jobs_deinit(&runtime->jobs);
		ms_inbox_deinit(&runtime->inbox);
		free(runtime);
		return NULL;
	}
	(void)ms_replies_init(&runtime->replies);
	ms_replay_init(&runtime->replay);
	pthread_mutex_init(&runtime->replay_lock, NULL);
	pthread_mutex_init(&runtime->lock, NULL);
	pthread_mutex_init(&runtime->sink_lock, NULL);
	atomic_init(&runtime->stop, false);
	ms_text_copy(runtime->storage, settings->storage, sizeof(runtime->storage));
	runtime->began = ms_clock().wall;
	return runtime;
}

/* No thread of ours runs any more. */
static void free_runtime(ms_runtime_t *runtime)
{
	ms_worker_deinit(runtime);
	ms_jobs_deinit(&runtime->errands);
	ms_jobs_deinit(&runtime->jobs);
	ms_inbox_deinit(&runtime->inbox);
	ms_replies_deinit(&runtime->replies);
	ms_replay_deinit(&runtime->replay);
	ms_slots_deinit(&runtime->slots);
	ms_setup_free(runtime->pending);
	while (runtime->sinks != NULL) {
		drop_sink(runtime, runtime->sinks->sink.ctx);
	}
	pthread_mutex_destroy(&runtime->replay_lock);
	pthread_mutex_destroy(&runtime->lock);
	pthread_mutex_destroy(&runtime->sink_lock);
	free(runtime);
}

static bool join(pthread_t thread, const struct timespec *until)
{
	return pthread_timedjoin_np(thread, NULL, until) == 0;
}

/* \return false: a thread hangs, so nothing of it may be freed. */
static bool stop(ms_runtime_t *runtime)
{
	atomic_store(&runtime->stop, true);
	ms_jobs_stop(&runtime->jobs);
	ms_jobs_stop(&runtime->errands);
	ms_inbox_wake(&runtime->inbox);
	/* One deadline for all. */
	struct timespec until;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_WAIT;
	bool worker = !runtime->working || join(runtime->thread, &until);
	bool jobs = ms_jobs_join(&runtime->jobs, &until);
	bool errands = ms_jobs_join(&runtime->errands, &until);
	return worker && jobs && errands;
}

static void destroy(ms_runtime_t *runtime)
{
	if (stop(runtime)) {
		free_runtime(runtime);
	}
}

/* A damaged store must not leave zones without their gate: a new one learns from the zones what is
 * there, and from the peers what should be. */
static int open_store(ms_runtime_t *runtime, const char *storage, char error[MS_ERROR_MAX])
{
	int ret = ms_db_open(&runtime->db, storage, 0, error, MS_ERROR_MAX);
	if (ret == KNOT_EOK && error[0] != '\0') {
		ms_worker_log(runtime, MS_LOG_ERROR, error);
	}
	if (ret != KNOT_EMALF) {
		return ret;
	}
	ms_worker_log(runtime, MS_LOG_ERROR, error);
	ret = ms_db_set_aside(storage, error, MS_ERROR_MAX);
	if (ret == KNOT_EOK) {
		ret = ms_db_open(&runtime->db, storage, 0, error, MS_ERROR_MAX);
	}
	if (ret == KNOT_EOK) {
		runtime->store_lost = true;
		ms_worker_log(runtime, MS_LOG_ERROR, "the damaged file is kept as data.mdb.damaged, and "
		              "a new one is begun -> peers are asked for everything");
	}
	return ret;
}

static int create(const ms_settings_t *settings, const ms_sink_t *sink, ms_runtime_t **out,
                  char error[MS_ERROR_MAX])
{
	ms_runtime_t *runtime = new_shared(settings);
	if (runtime == NULL) {
		return KNOT_ENOMEM;
	}
	uint64_t seed = 0;
	int ret = knot_error_from_libdnssec(dnssec_random_buffer((uint8_t *)&seed, sizeof(seed)));
	if (ret == KNOT_EOK) {
		ret = add_sink(runtime, sink);
	}
	if (ret == KNOT_EOK) {
		/* The store makes the directory that the key may be in. */
		ret = open_store(runtime, settings->storage, error);
	}
	if (ret == KNOT_EOK) {
		runtime->setup = new_setup(settings, error, &ret);
	}
	if (ret == KNOT_EOK) {
		ret = ms_worker_init(runtime, seed, error);
	}
	if (ret == KNOT_EOK) {
		ret = ms_jobs_start(&runtime->jobs);
	}
	if (ret == KNOT_EOK) {
		ret = ms_jobs_start(&runtime->errands);
	}
	if (ret == KNOT_EOK) {
		ret = ms_worker_start(runtime);
	}
	if (ret != KNOT_EOK) {
		destroy(runtime);
		return ret;
	}
	*out = runtime;
	return KNOT_EOK;
}

/* The worker takes the settings over when it comes by; waiting for it here could deadlock. */
static int reconfigure(ms_runtime_t *runtime, const ms_settings_t *settings,
                       const ms_sink_t *sink, char error[MS_ERROR_MAX])
{
	int ret;
	ms_setup_t *setup = new_setup(settings, error, &ret);
	if (setup == NULL) {
		return ret;
	}
	ret = add_sink(runtime, sink);
	if (ret != KNOT_EOK) {
		ms_setup_free(setup);
		return ret;
	}
	pthread_mutex_lock(&runtime->lock);
	ms_setup_t *stale = runtime->pending;
	runtime->pending = setup;
	pthread_mutex_unlock(&runtime->lock);
	ms_setup_free(stale);
	ms_inbox_wake(&runtime->inbox);
	return KNOT_EOK;
}

int ms_runtime_open(const ms_settings_t *settings, const ms_sink_t *sink, ms_runtime_t **out,
                    char error[MS_ERROR_MAX])
{
	error[0] = '\0';
	pthread_mutex_lock(&registry);
	ms_runtime_t *runtime = find(settings->storage);
	int ret;
	if (runtime != NULL) {
		ret = reconfigure(runtime, settings, sink, error);
	} else {
		ret = create(settings, sink, &runtime, error);
		if (ret == KNOT_EOK) {
			runtime->next = engines;
			engines = runtime;
		}
	}
	if (ret == KNOT_EOK) {
		runtime->refs++;
		*out = runtime;
	} else if (error[0] == '\0') {
		(void)snprintf(error, MS_ERROR_MAX, "the engine in '%.256s' cannot start (%s)",
		               settings->storage, knot_strerror(ret));
	}
	pthread_mutex_unlock(&registry);
	return ret;
}

static int push_opt(ms_runtime_t *runtime, ms_event_kind_t kind, const ms_slot_t *slot)
{
	ms_event_t *event = ms_event_new(kind);
	if (event == NULL) {
		return KNOT_ENOMEM;
	}
	ms_name_copy(event->zone, slot->name);
	event->opt = slot->opt;
	int ret = ms_inbox_push_sure(&runtime->inbox, event);
	if (ret != KNOT_EOK) {
		ms_event_free(event);
	}
	return ret;
}

/* At the end of a reload: those that no new instance named take no part any more. */
static void drop_orphan(ms_slot_t *slot, void *ctx)
{
	if (slot->opts == 0 && ms_slot_live(slot)) {
		__atomic_store_n(&slot->live, false, __ATOMIC_RELAXED);
		(void)push_opt(ctx, MS_EV_OPT_OUT, slot);
	}
}

void ms_runtime_close(ms_runtime_t *runtime, const void *ctx)
{
	pthread_mutex_lock(&registry);
	drop_sink(runtime, ctx);
	if (--runtime->refs == 0) {
		ms_runtime_t **at = &engines;
		while (*at != runtime) {
			at = &(*at)->next;
		}
		*at = runtime->next;
		destroy(runtime);
	} else {
		pthread_mutex_lock(&runtime->lock);
		ms_slots_each(&runtime->slots, drop_orphan, runtime);
		pthread_mutex_unlock(&runtime->lock);
	}
	pthread_mutex_unlock(&registry);
}

ms_runtime_t *ms_runtime_find(const char *storage)
{
	pthread_mutex_lock(&registry);
	ms_runtime_t *runtime = find(storage);
	pthread_mutex_unlock(&registry);
	return runtime;
}

int ms_runtime_opt_in(ms_runtime_t *runtime, const knot_dname_t *zone, const ms_opt_t *opt)
{
	knot_dname_storage_t name;
	ms_name_copy(name, zone);
	knot_dname_to_lower(name);

	pthread_mutex_lock(&runtime->lock);
	int ret = KNOT_ENOMEM;
	ms_slot_t *slot = ms_slots_get(&runtime->slots, name);
	if (slot != NULL) {
		bool first = slot->opts == 0 && !ms_slot_live(slot);
		bool news = first || slot->opt.signing != opt->signing || slot->opt.managed != opt->managed ||
		            slot->opt.sheds != opt->sheds;
		slot->opt = *opt;
		/* Live before the worker hears of it, or its round would drop the zone again; and what a
		 * hook saw before that is forgotten, so that the next query brings it once more. */
		if (first) {
			__atomic_store_n(&slot->live, true, __ATOMIC_RELAXED);
		}
		ret = news ? push_opt(runtime, MS_EV_OPT_IN, slot) : KNOT_EOK;
		slot->opts += ret == KNOT_EOK;
		if (first && ret == KNOT_EOK) {
			ms_slot_forget(slot);
		} else if (first) {
			__atomic_store_n(&slot->live, false, __ATOMIC_RELAXED);
		}
	}
	pthread_mutex_unlock(&runtime->lock);
	return ret;
}

void ms_runtime_opt_out(ms_runtime_t *runtime, const knot_dname_t *zone)
{
	knot_dname_storage_t name;
	ms_name_copy(name, zone);
	knot_dname_to_lower(name);

	pthread_mutex_lock(&runtime->lock);
	ms_slot_t *slot = ms_slots_find(&runtime->slots, name);
	if (slot != NULL && slot->opts > 0) {
		slot->opts--;
	}
	pthread_mutex_unlock(&runtime->lock);
}

const ms_view_t *ms_runtime_view_begin(ms_runtime_t *runtime)
{
	ms_publish_begin();
	return ms_publish_view(&runtime->publish);
}

void ms_runtime_view_end(ms_runtime_t *runtime)
{
	ms_publish_end();
}

bool ms_runtime_zone_shared(ms_runtime_t *runtime, const knot_dname_t *zone)
{
	const ms_view_t *view = ms_runtime_view_begin(runtime);
	const ms_view_zone_t *row = view != NULL ? ms_view_zone(view, zone) : NULL;
	bool shared = row != NULL && row->shared;
	ms_runtime_view_end(runtime);
	return shared;
}

ms_slot_t *ms_runtime_slot(ms_runtime_t *runtime, const knot_dname_t *zone)
{
	ms_slot_t *slot = ms_slots_find(&runtime->slots, zone);
	return slot != NULL && ms_slot_live(slot) ? slot : NULL;
}

bool ms_runtime_gate(ms_runtime_t *runtime, ms_slot_t *slot, uint64_t version,
                     const ms_gate_apex_t *apex)
{
	if (ms_slot_open(slot, version)) {
		return true;
	}
	const ms_view_t *view = ms_runtime_view_begin(runtime);
	const ms_view_zone_t *row = view != NULL ? ms_view_zone(view, slot->name) : NULL;
	bool known = row != NULL && row->wanted != NULL;
	bool open = known ? ms_gate_open(row->wanted, apex) : view == NULL || !view->strict;
	ms_runtime_view_end(runtime);
	if (open) {
		ms_slot_set_open(slot, version);
	}
	return open;
}

void ms_runtime_gated(ms_runtime_t *runtime)
{
	(void)__atomic_fetch_add(&runtime->gated, 1, __ATOMIC_RELAXED);
}

void ms_runtime_push_apex(ms_runtime_t *runtime, const knot_dname_t *zone, ms_apex_t *apex)
{
	ms_event_t *event = ms_event_new(MS_EV_APEX);
	if (event != NULL) {
		ms_name_copy(event->zone, zone);
		knot_dname_to_lower(event->zone);
		event->apex = apex;
		if (ms_inbox_push(&runtime->inbox, event) == KNOT_EOK) {
			return;
		}
		ms_event_free(event);
	} else {
		ms_apex_clear(apex);
		free(apex);
	}
	/* Lost, so the next query shall bring it again. */
	ms_slot_t *slot = ms_slots_find(&runtime->slots, zone);
	if (slot != NULL) {
		ms_slot_forget(slot);
	}
}
