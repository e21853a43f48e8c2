/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/worker.h"

#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu.h>

#include <libknot/libknot.h>

#include "agent/perform.h"
#include "agent/remote.h"
#include "base/text.h"
#include "core/step.h"
#include "wire/record.h"

/* Events between two commits: a burst shares one, and nobody waits for a whole inbox. */
#define ROUND_MAX 512
/* Numbers go to knotd and late askers are dropped this often. */
#define TICK (500 * MS_MSEC)
/* Refused messages are summed up in the log this often. */
#define REPORT (60 * MS_SEC)
/* After this many events what they used is given back to the system: a start of thousands of zones
 * leaves several times of what stays … */
#define TRIM_AFTER 2048
/* … once no more than this came within a tick. */
#define TRIM_QUIET 16
/* So many commits may follow each other at once before they keep the pace. */
#define COMMIT_BURST 32
/* Longest sleep (milliseconds). */
#define SLEEP_MAX 1000

void ms_setup_free(ms_setup_t *setup)
{
	if (setup != NULL) {
		ms_rrset_clear(&setup->settings.config.ns);
		free(setup->settings.config.orders);
		ms_tsig_key_wipe(&setup->settings.agent_key);
		ms_tsig_key_wipe(&setup->settings.combiner_key);
		ms_sig0_key_deinit(&setup->key);
		free(setup);
	}
}

void ms_worker_log(ms_runtime_t *runtime, ms_log_level_t level, const char *line)
{
	pthread_mutex_lock(&runtime->sink_lock);
	if (runtime->sinks != NULL && runtime->sinks->sink.log != NULL) {
		runtime->sinks->sink.log(runtime->sinks->sink.ctx, level, line);
	}
	pthread_mutex_unlock(&runtime->sink_lock);
}

void ms_worker_result(ms_runtime_t *runtime, ms_event_t *event)
{
	if (event != NULL && ms_batch_add(&runtime->results, event) != KNOT_EOK) {
		ms_event_free(event);
	}
}

static void show_stats(ms_runtime_t *runtime)
{
	ms_stats_t stats = { .replayed = __atomic_load_n(&runtime->replayed, __ATOMIC_RELAXED) };
	stats.gated = __atomic_load_n(&runtime->gated, __ATOMIC_RELAXED);
	memcpy(stats.counter, runtime->counter, sizeof(stats.counter));
	for (int i = 0; i < MS_ADMIT_VERDICTS; i++) {
		stats.admit[i] = __atomic_load_n(&runtime->admitted[i], __ATOMIC_RELAXED);
	}
	const ms_view_t *view = ms_publish_view(&runtime->publish);
	stats.zones = view->gauge_zones;
	stats.shared = view->gauge_shared;
	stats.alarms = view->gauge_alarms;
	stats.shut = view->gauge_shut;
	for (unsigned i = 0; i < MS_COMPONENTS_MAX; i++) {
		stats.differs[i] = view->gauge_differs[i];
	}
	stats.gate = runtime->agent.config.gate;
	for (int i = 0; i < MS_PEER_RELATIONS; i++) {
		stats.peers[i] = view->gauge_peers[i];
	}
	pthread_mutex_lock(&runtime->sink_lock);
	if (runtime->sinks != NULL && runtime->sinks->sink.stats != NULL) {
		runtime->sinks->sink.stats(runtime->sinks->sink.ctx, &stats);
	}
	pthread_mutex_unlock(&runtime->sink_lock);
}

/* One line for all: whoever floods us must not flood the log. */
static void report_refusals(ms_runtime_t *runtime)
{
	char line[MS_LOG_LINE_MAX] = "messages refused in the last minute:";
	bool any = false;
	for (int i = 0; i < MS_ADMIT_VERDICTS; i++) {
		uint64_t total = __atomic_load_n(&runtime->admitted[i], __ATOMIC_RELAXED);
		uint64_t news = total - runtime->reported[i];
		runtime->reported[i] = total;
		if (i != MS_ADMIT_ACCEPT && news > 0) {
			char part[64];
			(void)snprintf(part, sizeof(part), " %s %llu", ms_admit_name(i),
			               (unsigned long long)news);
			ms_text_append(line, part, sizeof(line));
			any = true;
		}
	}
	if (any) {
		ms_worker_log(runtime, MS_LOG_NOTICE, line);
	}
}

static void give_memory_back(ms_runtime_t *runtime)
{
	runtime->events += runtime->events_tick;
	if (runtime->events >= TRIM_AFTER && runtime->events_tick <= TRIM_QUIET) {
		(void)malloc_trim(0);
		runtime->events = 0;
	}
	runtime->events_tick = 0;
}

static void tick(ms_runtime_t *runtime, ms_now_t now)
{
	if (ms_time_due(runtime->tick_at, now.mono)) {
		runtime->tick_at = ms_time_add(now.mono, TICK);
		give_memory_back(runtime);
		ms_replies_expire(&runtime->replies, now.mono);
		show_stats(runtime);
	}
	if (ms_time_due(runtime->report_at, now.mono)) {
		runtime->report_at = ms_time_add(now.mono, REPORT);
		report_refusals(runtime);
	}
}

static void step(ms_runtime_t *runtime, ms_event_t *event, ms_now_t now)
{
	event->now = now;
	runtime->events_tick++;
	if (event->kind == MS_EV_OPT_IN) {
		ms_remote_watch(runtime, event->zone);
	} else if (event->kind == MS_EV_APEX) {
		ms_remote_seen(runtime, event->zone);
	}
	/* KNOT_ENOMEM is all it can say, and then it comes back by itself; but for a zone that is new. */
	int ret = ms_step(&runtime->agent, event, &runtime->actions);
	if (ret == KNOT_ENOMEM && event->kind == MS_EV_OPT_IN) {
		ms_event_t *again = ms_event_new(MS_EV_OPT_IN);
		if (again != NULL) {
			*again = *event;
		}
		ms_worker_result(runtime, again);
	}
}

static void step_batch(ms_runtime_t *runtime, ms_batch_t *batch)
{
	ms_now_t now = ms_clock();
	for (size_t i = 0; i < batch->count; i++) {
		if (!atomic_load_explicit(&runtime->stop, memory_order_relaxed)) {
			step(runtime, batch->list[i], now);
		}
		ms_event_free(batch->list[i]);
		if (i % ROUND_MAX == ROUND_MAX - 1) {
			ms_perform(runtime, &runtime->actions, now);
			now = ms_clock();
		}
	}
	batch->count = 0;
}

/* New settings: key first, so that nothing goes out under the old name any more. */
static void take_setup(ms_runtime_t *runtime)
{
	pthread_mutex_lock(&runtime->lock);
	ms_setup_t *setup = runtime->pending;
	runtime->pending = NULL;
	pthread_mutex_unlock(&runtime->lock);
	if (setup == NULL) {
		return;
	}
	ms_setup_t *old = runtime->setup;
	runtime->setup = setup;
	(void)ms_publish_key_swap(&runtime->publish, &setup->key);
	ms_now_t now = ms_clock();
	int ret = ms_agent_configure(&runtime->agent, &setup->settings.config, now);
	if (ret == KNOT_EOK) {
		ret = ms_jobs_configure(&runtime->jobs, &setup->settings);
	}
	if (ret == KNOT_EOK) {
		ret = ms_jobs_configure(&runtime->errands, &setup->settings);
	}
	if (ret == KNOT_EOK) {
		ret = ms_remote_configure(runtime, &old->settings);
	}
	ms_setup_free(old);
	if (ret != KNOT_EOK) {
		char line[MS_LOG_LINE_MAX];
		(void)snprintf(line, sizeof(line), "the new configuration is only partly in use (%s); "
		               "reload once more", knot_strerror(ret));
		ms_worker_log(runtime, MS_LOG_ERROR, line);
	}
	ms_event_t event = { .kind = MS_EV_RECONCILE };
	step(runtime, &event, now);
}

static void work(ms_runtime_t *runtime, ms_batch_t *batch)
{
	take_setup(runtime);
	/* Results first: that the store has failed must be known before anything is promised. What
	 * comes of these is for the next round. */
	ms_batch_t results = runtime->results;
	runtime->results = (ms_batch_t){ 0 };
	step_batch(runtime, &results);
	ms_batch_deinit(&results);

	ms_inbox_take(&runtime->inbox, batch);
	step_batch(runtime, batch);

	ms_now_t now = ms_clock();
	if (ms_time_due(ms_deadline(&runtime->agent), now.mono)) {
		ms_event_t event = { .kind = MS_EV_TIMER };
		step(runtime, &event, now);
	}
	ms_perform(runtime, &runtime->actions, now);
	tick(runtime, now);
}

/* Milliseconds to sleep. A timer is never met by spinning. */
static int patience(ms_runtime_t *runtime)
{
	if (runtime->results.count > 0) {
		return 0;
	}
	ms_time_t now = ms_clock().mono;
	ms_time_t until = ms_time_min(runtime->tick_at, ms_deadline(&runtime->agent));
	until = ms_time_min(until, ms_sender_deadline(runtime));
	until = ms_time_min(until, ms_remote_deadline(runtime));
	int64_t us = ms_time_diff(now, until);
	return us <= MS_MSEC ? 1 : us > SLEEP_MAX * MS_MSEC ? SLEEP_MAX : (int)(us / MS_MSEC + 1);
}

/*
 * Each commit is synced. In a rush the next one waits a little, so that more events share it; what
 * comes alone never waits.
 */
static void keep_pace(const ms_runtime_t *runtime)
{
	int64_t ahead = ms_time_diff(ms_clock().mono, runtime->commit_at);
	if (ahead > COMMIT_BURST * MS_COMMIT_PACE) {
		(void)poll(NULL, 0, (int)(MS_COMMIT_PACE / MS_MSEC));
	}
}

static void await(ms_runtime_t *runtime)
{
	keep_pace(runtime);
	struct pollfd fds[] = {
		{ .fd = runtime->inbox.wake, .events = POLLIN },
		{ .fd = ms_sender_fd(runtime), .events = POLLIN },
		{ .fd = ms_remote_fd(runtime), .events = POLLIN },
	};
	(void)poll(fds, sizeof(fds) / sizeof(fds[0]), patience(runtime));
	ms_now_t now = ms_clock();
	ms_sender_work(runtime, fds[1].revents != 0, now);
	ms_remote_work(runtime, fds[2].revents != 0, now);
}

static void *run(void *ctx)
{
	ms_runtime_t *runtime = ctx;
	ms_batch_t batch = { 0 };
	rcu_register_thread();
	while (!atomic_load(&runtime->stop)) {
		work(runtime, &batch);
		await(runtime);
	}
	/* From here on there is nothing of ours that a hook could see. */
	ms_publish_view_swap(&runtime->publish, NULL);
	(void)ms_publish_key_swap(&runtime->publish, NULL);
	rcu_unregister_thread();
	ms_batch_deinit(&batch);
	return NULL;
}

int ms_worker_start(ms_runtime_t *runtime)
{
	int ret = ms_thread_start(&runtime->thread, run, runtime);
	runtime->working = ret == KNOT_EOK;
	return ret;
}

typedef struct {
	ms_runtime_t *runtime;
	ms_now_t now;
	size_t skipped;
} restoring_t;

static int restore(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                   size_t value_len)
{
	restoring_t *r = ctx;
	ms_rec_key_t name;
	ms_rec_replay_t seen;
	int ret = ms_agent_restore(&r->runtime->agent, key, key_len, value, value_len, r->now);
	if (ret == KNOT_EMALF || ret == KNOT_ENOTSUP || ret == KNOT_ELIMIT) {
		r->skipped++;
		return KNOT_EOK;
	}
	if (ret == KNOT_EOK && key[0] == MS_REC_REPLAY &&
	    ms_rec_key_decode(key, key_len, &name) == KNOT_EOK &&
	    ms_rec_replay_decode(value, value_len, &seen) == KNOT_EOK) {
		(void)ms_replay_restore(&r->runtime->replay, name.hash, seen.expiration, seen.rcode,
		                        r->now.wall.s);
	}
	return ret;
}

int ms_worker_init(ms_runtime_t *runtime, uint64_t seed, char error[MS_ERROR_MAX])
{
	restoring_t restoring = { .runtime = runtime, .now = ms_clock() };
	const ms_config_t *config = &runtime->setup->settings.config;
	int ret = ms_agent_init(&runtime->agent, config, seed, restoring.now);
	if (ret != KNOT_EOK) {
		return ret;
	}
	runtime->agent_ready = true;
	runtime->agent.store_lost = runtime->store_lost;
	ret = ms_db_each(runtime->db, restore, &restoring);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_ERROR_MAX, "the store in '%.256s' cannot be read (%s); "
		               "restore it from a copy or remove it: peers send everything again",
		               runtime->storage, knot_strerror(ret));
		return ret;
	}
	if (restoring.skipped > 0) {
		char line[MS_LOG_LINE_MAX];
		(void)snprintf(line, sizeof(line), "%zu damaged or newer record(s) of the store in "
		               "'%.256s' are not used -> peers are asked again", restoring.skipped,
		               runtime->storage);
		ms_worker_log(runtime, MS_LOG_WARNING, line);
	}
	ret = ms_agent_restored(&runtime->agent);
	if (ret == KNOT_EOK) {
		ret = ms_sender_init(runtime);
	}
	if (ret == KNOT_EOK) {
		ret = ms_remote_init(runtime, error);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	const ms_view_t *view = ms_view_make(&runtime->agent, NULL, restoring.now);
	if (view == NULL) {
		return KNOT_ENOMEM;
	}
	(void)ms_publish_key_swap(&runtime->publish, &runtime->setup->key);
	ms_publish_view_swap(&runtime->publish, view);
	runtime->tick_at = restoring.now.mono;
	runtime->report_at = ms_time_add(restoring.now.mono, REPORT);
	return KNOT_EOK;
}

void ms_worker_deinit(ms_runtime_t *runtime)
{
	/* Still there only where the thread never ran, and then nobody looked at it. */
	ms_view_free((ms_view_t *)ms_publish_view(&runtime->publish));
	ms_remote_deinit(runtime);
	ms_sender_deinit(runtime);
	ms_batch_deinit(&runtime->results);
	ms_actions_deinit(&runtime->actions);
	if (runtime->agent_ready) {
		ms_agent_deinit(&runtime->agent);
	}
	ms_db_close(runtime->db);
	ms_setup_free(runtime->setup);
}
