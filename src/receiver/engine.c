/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <libdnssec/error.h>
#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "io/keyring.h"

/* Longest wait for the threads to end, seconds: a step of control takes one, a survey a tenth. */
#define STOP_WAIT 3

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static ms_receiver_t *engines;

void ms_rx_log(ms_receiver_t *rx, ms_log_level_t level, const char *fmt, ...)
{
	char line[MS_LOG_LINE_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	pthread_mutex_lock(&rx->sink_lock);
	if (rx->sinks != NULL && rx->sinks->sink.log != NULL) {
		rx->sinks->sink.log(rx->sinks->sink.ctx, level, line);
	}
	pthread_mutex_unlock(&rx->sink_lock);
}

void ms_rx_count(ms_receiver_t *rx, ms_rx_counter_t counter)
{
	(void)__atomic_fetch_add(&rx->counter[counter], 1, __ATOMIC_RELAXED);
}

const char *ms_rx_name(const knot_dname_t *name, char out[MS_RX_NAME_MAX])
{
	knot_dname_txt_storage_t text;
	ms_text_copy(out, knot_dname_to_str(text, name, sizeof(text)) != NULL ? text : "?",
	             MS_RX_NAME_MAX);
	return out;
}

ms_rx_setup_t *ms_rx_setup_ref(ms_rx_setup_t *setup)
{
	(void)atomic_fetch_add(&setup->refs, 1);
	return setup;
}

void ms_rx_setup_unref(ms_rx_setup_t *setup)
{
	if (setup != NULL && atomic_fetch_sub(&setup->refs, 1) == 1) {
		ms_sig0_key_deinit(&setup->key);
		free(setup);
	}
}

ms_resolver_options_t ms_rx_resolver(const ms_rx_settings_t *settings)
{
	return (ms_resolver_options_t){
		.forward_count = settings->forward_count,
		.forward = settings->forward,
		.root_hints = settings->root_hints,
		.trust_anchor = settings->trust_anchor,
	};
}

static ms_rx_setup_t *new_setup(const ms_rx_settings_t *settings, char error[MS_RX_ERROR_MAX],
                                int *ret)
{
	ms_rx_setup_t *setup = calloc(1, sizeof(*setup));
	ms_pem_t pem = { 0 };
	bool made = false;
	if (setup == NULL) {
		*ret = KNOT_ENOMEM;
		return NULL;
	}
	atomic_init(&setup->refs, 1);
	setup->settings = *settings;
	*ret = ms_keyring_load_or_make(settings->key, MS_KEYRING_ED25519, &pem, &made, error,
	                               MS_RX_ERROR_MAX);
	if (*ret == KNOT_EOK) {
		*ret = ms_sig0_key_init(&setup->key, (const uint8_t *)pem.data, pem.len,
		                        settings->target);
		ms_pem_clear(&pem);
		if (*ret != KNOT_EOK) {
			(void)snprintf(error, MS_RX_ERROR_MAX, "key '%.256s' cannot sign SIG(0) (%s); use an "
			               "ED25519 or ECDSA P-256 key, or remove the file to get a new one",
			               settings->key, knot_strerror(*ret));
		}
	}
	if (*ret != KNOT_EOK) {
		free(setup);
		return NULL;
	}
	return setup;
}

void ms_rx_wake(ms_receiver_t *rx)
{
	uint64_t one = 1;
	(void)!write(rx->wake, &one, sizeof(one));
}

void ms_rx_event_free(ms_rx_event_t *event)
{
	if (event != NULL) {
		ms_waiter_free(event->waiter);
		ms_task_free(event->task);
		free(event);
	}
}

bool ms_rx_within(ms_receiver_t *rx, ms_limit_t *limit, const knot_dname_t *child, ms_now_t now)
{
	pthread_mutex_lock(&rx->lock);
	bool good = ms_limit_name(limit, child, now.mono);
	pthread_mutex_unlock(&rx->lock);
	if (!good) {
		ms_rx_count(rx, MS_RX_CTR_LIMITED);
	}
	return good;
}

int ms_rx_push(ms_receiver_t *rx, ms_rx_event_t *event, bool sure)
{
	pthread_mutex_lock(&rx->lock);
	int ret = sure || rx->waiting < MS_RX_INBOX_MAX ? KNOT_EOK : KNOT_ELIMIT;
	if (ret == KNOT_EOK) {
		*rx->last = event;
		rx->last = &event->next;
		rx->waiting += sure ? 0 : 1;
	}
	pthread_mutex_unlock(&rx->lock);
	if (ret == KNOT_EOK) {
		ms_rx_wake(rx);
	}
	return ret;
}

/* From a thread of the pool. */
static void on_task(void *ctx, ms_task_t *task)
{
	ms_receiver_t *rx = ctx;
	ms_rx_event_t *event = calloc(1, sizeof(*event));
	if (event == NULL) {
		/* The child stays busy until the next start; there is nothing left to tell it with. */
		ms_task_free(task);
		return;
	}
	event->task = task;
	(void)ms_rx_push(rx, event, true);
}

static int add_sink(ms_receiver_t *rx, const ms_rx_sink_t *sink)
{
	ms_rx_sink_row_t *row = calloc(1, sizeof(*row));
	if (row == NULL) {
		return KNOT_ENOMEM;
	}
	row->sink = *sink;
	pthread_mutex_lock(&rx->sink_lock);
	row->next = rx->sinks;
	rx->sinks = row;
	pthread_mutex_unlock(&rx->sink_lock);
	return KNOT_EOK;
}

static void drop_sink(ms_receiver_t *rx, const void *ctx)
{
	pthread_mutex_lock(&rx->sink_lock);
	ms_rx_sink_row_t **at = &rx->sinks;
	while (*at != NULL && (*at)->sink.ctx != ctx) {
		at = &(*at)->next;
	}
	ms_rx_sink_row_t *row = *at;
	if (row != NULL) {
		*at = row->next;
	}
	pthread_mutex_unlock(&rx->sink_lock);
	free(row);
}

static int init_limits(ms_receiver_t *rx, const ms_rx_settings_t *s, uint64_t seed)
{
	ms_limit_t *limits[] = { &rx->notify_source, &rx->notify_child, &rx->update_source,
	                         &rx->update_child };
	int ret = KNOT_EOK;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]) && ret == KNOT_EOK; i++) {
		ret = ms_limit_init(limits[i], s->table, 0, 1, seed + i);
	}
	return ret;
}

/* Rates may change at any time, the tables' size with a new start only. Under the lock. */
static void set_rates(ms_receiver_t *rx, const ms_rx_settings_t *s)
{
	ms_limit_rate(&rx->notify_source, s->notify_source.per_minute, s->notify_source.burst);
	ms_limit_rate(&rx->notify_child, s->notify_child.per_minute, s->notify_child.burst);
	ms_limit_rate(&rx->update_source, s->update_source.per_minute, s->update_source.burst);
	ms_limit_rate(&rx->update_child, s->update_child.per_minute, s->update_child.burst);
}

static void deinit_limits(ms_receiver_t *rx)
{
	ms_limit_deinit(&rx->notify_source);
	ms_limit_deinit(&rx->notify_child);
	ms_limit_deinit(&rx->update_source);
	ms_limit_deinit(&rx->update_child);
}

static ms_receiver_t *new_engine(const char *storage)
{
	ms_receiver_t *rx = calloc(1, sizeof(*rx));
	if (rx == NULL) {
		return NULL;
	}
	rx->last = &rx->first;
	rx->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&rx->lock, NULL);
	pthread_mutex_init(&rx->sink_lock, NULL);
	atomic_init(&rx->stop, false);
	ms_text_copy(rx->storage, storage, sizeof(rx->storage));
	if (rx->wake < 0 || ms_pool_init(&rx->pool, on_task, rx) != KNOT_EOK) {
		if (rx->wake >= 0) {
			close(rx->wake);
		}
		free(rx);
		return NULL;
	}
	return rx;
}

static void free_engine(ms_receiver_t *rx)
{
	ms_rx_worker_deinit(rx);
	ms_pool_deinit(&rx->pool);
	while (rx->first != NULL) {
		ms_rx_event_t *event = rx->first;
		rx->first = event->next;
		ms_rx_event_free(event);
	}
	while (rx->sinks != NULL) {
		drop_sink(rx, rx->sinks->sink.ctx);
	}
	deinit_limits(rx);
	ms_rx_setup_unref(rx->pending);
	ms_rx_setup_unref(rx->setup);
	close(rx->wake);
	pthread_mutex_destroy(&rx->lock);
	pthread_mutex_destroy(&rx->sink_lock);
	free(rx);
}

/* Frees nothing where a thread hangs. */
static void destroy(ms_receiver_t *rx)
{
	struct timespec until;
	atomic_store(&rx->stop, true);
	ms_pool_stop(&rx->pool);
	ms_rx_wake(rx);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_WAIT;
	bool worker = !rx->working || pthread_timedjoin_np(rx->thread, NULL, &until) == 0;
	if (ms_pool_join(&rx->pool, &until) && worker) {
		free_engine(rx);
	}
}

/* A damaged store is set aside: keys come again by bootstrap, the rest by looking. */
static int open_store(ms_receiver_t *rx, char error[MS_RX_ERROR_MAX])
{
	int ret = ms_db_open(&rx->db, rx->storage, 0, error, MS_RX_ERROR_MAX);
	if (ret != KNOT_EMALF) {
		return ret;
	}
	ms_rx_log(rx, MS_LOG_ERROR, "%s", error);
	ret = ms_db_set_aside(rx->storage, error, MS_RX_ERROR_MAX);
	if (ret == KNOT_EOK) {
		ret = ms_db_open(&rx->db, rx->storage, 0, error, MS_RX_ERROR_MAX);
	}
	if (ret == KNOT_EOK) {
		ms_rx_log(rx, MS_LOG_ERROR, "the damaged file is kept as data.mdb.damaged, and a new one is "
		          "begun -> children upload their keys again");
	}
	return ret;
}

static int create(const ms_rx_settings_t *settings, const ms_rx_sink_t *sink, ms_receiver_t **out,
                  char error[MS_RX_ERROR_MAX])
{
	ms_receiver_t *rx = new_engine(settings->storage);
	if (rx == NULL) {
		return KNOT_ENOMEM;
	}
	uint64_t seed = 0;
	int ret = dnssec_random_buffer((uint8_t *)&seed, sizeof(seed)) == DNSSEC_EOK ? KNOT_EOK
	                                                                            : KNOT_ERROR;
	if (ret == KNOT_EOK) {
		ret = init_limits(rx, settings, seed);
	}
	if (ret == KNOT_EOK) {
		ret = add_sink(rx, sink);
	}
	if (ret == KNOT_EOK) {
		/* The store makes the directory that the key may be in. */
		ret = open_store(rx, error);
	}
	if (ret == KNOT_EOK) {
		rx->setup = new_setup(settings, error, &ret);
	}
	if (ret == KNOT_EOK) {
		rx->keystate_code = settings->keystate_code;
		set_rates(rx, settings);
		ret = ms_rx_worker_init(rx, error);
	}
	if (ret == KNOT_EOK) {
		ret = ms_pool_start(&rx->pool, settings->checkers);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rx_worker_start(rx);
	}
	if (ret != KNOT_EOK) {
		destroy(rx);
		return ret;
	}
	*out = rx;
	return KNOT_EOK;
}

/* The worker takes it over when it comes by. The number of threads and the size of tables stay as they are. */
static int reconfigure(ms_receiver_t *rx, const ms_rx_settings_t *settings,
                       const ms_rx_sink_t *sink, char error[MS_RX_ERROR_MAX])
{
	int ret;
	ms_rx_setup_t *setup = new_setup(settings, error, &ret);
	if (setup == NULL) {
		return ret;
	}
	ret = add_sink(rx, sink);
	if (ret != KNOT_EOK) {
		ms_rx_setup_unref(setup);
		return ret;
	}
	pthread_mutex_lock(&rx->lock);
	ms_rx_setup_t *stale = rx->pending;
	rx->pending = setup;
	rx->keystate_code = settings->keystate_code;
	set_rates(rx, settings);
	pthread_mutex_unlock(&rx->lock);
	ms_rx_setup_unref(stale);
	ms_rx_wake(rx);
	return KNOT_EOK;
}

static ms_receiver_t *find(const char *storage)
{
	ms_receiver_t *rx = engines;
	while (rx != NULL && strcmp(rx->storage, storage) != 0) {
		rx = rx->next;
	}
	return rx;
}

int ms_receiver_open(const ms_rx_settings_t *settings, const ms_rx_sink_t *sink,
                     ms_receiver_t **out, char error[MS_RX_ERROR_MAX])
{
	error[0] = '\0';
	pthread_mutex_lock(&registry);
	ms_receiver_t *rx = find(settings->storage);
	int ret;
	if (rx != NULL) {
		ret = reconfigure(rx, settings, sink, error);
	} else {
		ret = create(settings, sink, &rx, error);
		if (ret == KNOT_EOK) {
			rx->next = engines;
			engines = rx;
		}
	}
	if (ret == KNOT_EOK) {
		rx->refs++;
		*out = rx;
	} else if (error[0] == '\0') {
		(void)snprintf(error, MS_RX_ERROR_MAX, "the receiver in '%.256s' cannot start (%s)",
		               settings->storage, knot_strerror(ret));
	}
	pthread_mutex_unlock(&registry);
	return ret;
}

void ms_receiver_close(ms_receiver_t *rx, const void *ctx)
{
	pthread_mutex_lock(&registry);
	drop_sink(rx, ctx);
	if (--rx->refs == 0) {
		ms_receiver_t **at = &engines;
		while (*at != rx) {
			at = &(*at)->next;
		}
		*at = rx->next;
		destroy(rx);
	}
	pthread_mutex_unlock(&registry);
}

ms_receiver_t *ms_receiver_find(const char *storage)
{
	pthread_mutex_lock(&registry);
	ms_receiver_t *rx = find(storage);
	pthread_mutex_unlock(&registry);
	return rx;
}

int ms_receiver_opt_in(ms_receiver_t *rx, const knot_dname_t *zone)
{
	knot_dname_storage_t name;
	ms_name_copy_lower(name, zone);
	pthread_mutex_lock(&rx->lock);
	unsigned at = 0;
	while (at < rx->zone_count && !knot_dname_is_equal(rx->zones[at].name, name)) {
		at++;
	}
	int ret = at < MS_RX_ZONES_MAX ? KNOT_EOK : KNOT_ELIMIT;
	if (ret == KNOT_EOK && at == rx->zone_count) {
		rx->zones[at].opts = 0;
		ms_name_copy(rx->zones[at].name, name);
		rx->zone_count++;
	}
	if (ret == KNOT_EOK) {
		rx->zones[at].opts++;
	}
	pthread_mutex_unlock(&rx->lock);
	ms_rx_wake(rx);
	return ret;
}

void ms_receiver_opt_out(ms_receiver_t *rx, const knot_dname_t *zone)
{
	knot_dname_storage_t name;
	ms_name_copy_lower(name, zone);
	pthread_mutex_lock(&rx->lock);
	for (unsigned i = 0; i < rx->zone_count; i++) {
		if (knot_dname_is_equal(rx->zones[i].name, name) && --rx->zones[i].opts == 0) {
			rx->zones[i] = rx->zones[--rx->zone_count];
			break;
		}
	}
	pthread_mutex_unlock(&rx->lock);
	ms_rx_wake(rx);
}
