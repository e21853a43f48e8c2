/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/jobs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libknot/errcode.h>

#include "agent/job.h"
#include "agent/worker.h"

struct ms_job {
	struct ms_job *next;
	ms_actions_t work;       /* One action. */
	ms_event_t *result;      /* Made first, so that it cannot fail later. */
	ms_time_t since;         /* First attempt. */
	ms_time_t not_before;    /* Next one. */
	int64_t pause;
};

static void free_job(struct ms_job *job)
{
	if (job != NULL) {
		ms_actions_deinit(&job->work);
		ms_event_free(job->result);
		free(job);
	}
}

static void free_queue(ms_job_queue_t *queue)
{
	while (queue->first != NULL) {
		struct ms_job *next = queue->first->next;
		free_job(queue->first);
		queue->first = next;
	}
}

int ms_jobs_configure(ms_jobs_t *jobs, const ms_settings_t *settings)
{
	char *control_copy = strdup(settings->control);
	char *kasp_copy = strdup(settings->kasp_db);
	char *key_copy = strdup(settings->parent_key);
	const ms_resolver_options_t options = {
		.forward_count = settings->forward_count, .forward = settings->forward,
		.root_hints = settings->root_hints, .trust_anchor = settings->trust_anchor,
	};
	ms_enquirer_t *enquirer = NULL;
	if (control_copy == NULL || kasp_copy == NULL || key_copy == NULL ||
	    ms_enquirer_new(&options, &enquirer) != KNOT_EOK) {
		free(control_copy);
		free(kasp_copy);
		free(key_copy);
		return KNOT_ENOMEM;
	}
	pthread_mutex_lock(&jobs->lock);
	free(jobs->control);
	free(jobs->kasp_db);
	free(jobs->parent_key);
	jobs->parent_key = key_copy;
	jobs->keystate_code = settings->keystate_code;
	ms_enquirer_free(jobs->next);
	jobs->next = enquirer;
	jobs->control = control_copy;
	jobs->kasp_db = kasp_copy;
	jobs->combiner = settings->combiner;
	jobs->combiner_key = settings->combiner_key;
	pthread_mutex_unlock(&jobs->lock);
	return KNOT_EOK;
}

int ms_jobs_init(ms_jobs_t *jobs, ms_inbox_t *inbox, const ms_settings_t *settings)
{
	memset(jobs, 0, sizeof(*jobs));
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0) {
		return KNOT_ENOMEM;
	}
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->edits.wake, &attr);
	pthread_cond_init(&jobs->keys.wake, &attr);
	pthread_condattr_destroy(&attr);
	jobs->edits.jobs = jobs->keys.jobs = jobs;
	atomic_init(&jobs->stop, false);
	jobs->inbox = inbox;
	int ret = ms_jobs_configure(jobs, settings);
	if (ret != KNOT_EOK) {
		ms_jobs_deinit(jobs);
	}
	return ret;
}

void ms_jobs_deinit(ms_jobs_t *jobs)
{
	free_queue(&jobs->edits);
	free_queue(&jobs->keys);
	free(jobs->control);
	free(jobs->kasp_db);
	free(jobs->parent_key);
	ms_enquirer_free(jobs->enquirer);
	ms_enquirer_free(jobs->next);
	ms_tsig_key_wipe(&jobs->combiner_key);
	pthread_cond_destroy(&jobs->edits.wake);
	pthread_cond_destroy(&jobs->keys.wake);
	pthread_mutex_destroy(&jobs->lock);
}

void ms_jobs_stop(ms_jobs_t *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	atomic_store(&jobs->stop, true);
	pthread_cond_signal(&jobs->edits.wake);
	pthread_cond_signal(&jobs->keys.wake);
	pthread_mutex_unlock(&jobs->lock);
}

static struct ms_job *new_job(ms_event_kind_t kind)
{
	struct ms_job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return NULL;
	}
	job->result = ms_event_new(kind);
	if (job->result == NULL || ms_action_add(&job->work, MS_ACT_LOOK) == NULL) {
		free_job(job);
		return NULL;
	}
	return job;
}

static void append(ms_job_queue_t *queue, struct ms_job *job)
{
	if (queue->first == NULL) {
		queue->first = job;
	} else {
		queue->last->next = job;
	}
	job->next = NULL;
	queue->last = job;
}

static void take_out(ms_job_queue_t *queue, struct ms_job *before, struct ms_job *job)
{
	if (before == NULL) {
		queue->first = job->next;
	} else {
		before->next = job->next;
	}
	if (queue->last == job) {
		queue->last = before;
	}
}

ms_event_kind_t ms_jobs_result(ms_action_kind_t kind)
{
	switch (kind) {
	case MS_ACT_EDIT:
		return MS_EV_EDITED;
	case MS_ACT_KEYS:
		return MS_EV_KEYS;
	case MS_ACT_OBSERVE:
		return MS_EV_OBSERVED;
	case MS_ACT_DISCOVER:
		return MS_EV_DISCOVERED;
	case MS_ACT_TELL_PARENT:
		return MS_EV_TOLD;
	default:
		/* Nobody waits for a refetch: the zone's next version tells. */
		return MS_EV_TIMER;
	}
}

int ms_jobs_add(ms_jobs_t *jobs, ms_action_t *action)
{
	struct ms_job *job = new_job(ms_jobs_result(action->kind));
	if (job == NULL) {
		return KNOT_ENOMEM;
	}
	job->result->id = action->id;
	job->pause = MS_JOBS_PAUSE;

	pthread_mutex_lock(&jobs->lock);
	bool full = jobs->count >= MS_JOBS_MAX;
	if (!full) {
		job->work.list[0] = *action;
		*action = (ms_action_t){ .kind = MS_ACT_LOOK };
		ms_job_queue_t *queue = job->work.list[0].kind == MS_ACT_KEYS ? &jobs->keys
		                                                              : &jobs->edits;
		append(queue, job);
		jobs->count++;
		pthread_cond_signal(&queue->wake);
	}
	pthread_mutex_unlock(&jobs->lock);
	if (full) {
		free_job(job);
		return KNOT_ELIMIT;
	}
	return KNOT_EOK;
}

/* Shall a busy knotd be asked again? Then the job's next moment is set. */
static bool again(ms_jobs_t *jobs, struct ms_job *job, ms_time_t now)
{
	if (job->result->ret != KNOT_EBUSY || atomic_load(&jobs->stop) ||
	    ms_time_diff(job->since, now) + job->pause > MS_JOBS_BUSY) {
		return false;
	}
	job->not_before = ms_time_add(now, job->pause);
	job->pause *= 2;
	return true;
}

/* One attempt. \return The job, when it is to be tried again. */
static struct ms_job *do_job(ms_jobs_t *jobs, struct ms_job *job, ms_desk_t *desk)
{
	const ms_action_t *action = &job->work.list[0];
	if (job->since.us == 0) {
		job->since = ms_clock().mono;
	}
	if (desk->control != NULL && desk->kasp_db != NULL && desk->parent_key != NULL) {
		ms_job_do(desk, action, job->result);
	} else {
		job->result->ret = KNOT_ENOMEM;
	}
	if (again(jobs, job, ms_clock().mono)) {
		return job;
	}
	if (ms_inbox_push_sure(jobs->inbox, job->result) == KNOT_EOK) {
		job->result = NULL;
	}
	free_job(job);
	return NULL;
}

/* The first one that may be tried now. Else says when one may be. */
static struct ms_job *pick(ms_job_queue_t *queue, ms_time_t now, ms_time_t *when)
{
	*when = MS_TIME_NEVER;
	struct ms_job *before = NULL;
	for (struct ms_job *job = queue->first; job != NULL; before = job, job = job->next) {
		if (ms_time_due(job->not_before, now)) {
			take_out(queue, before, job);
			return job;
		}
		*when = ms_time_min(*when, job->not_before);
	}
	return NULL;
}

static void wait_until(ms_job_queue_t *queue, ms_time_t when)
{
	if (ms_time_is_never(when)) {
		(void)pthread_cond_wait(&queue->wake, &queue->jobs->lock);
		return;
	}
	struct timespec until = {
		.tv_sec = when.us / MS_SEC, .tv_nsec = when.us % MS_SEC * 1000,
	};
	(void)pthread_cond_timedwait(&queue->wake, &queue->jobs->lock, &until);
}

/* Waits for a job; NULL: we stop. Called with the lock. */
static struct ms_job *next_job(ms_job_queue_t *queue)
{
	struct ms_job *job = NULL;
	while (job == NULL && !atomic_load(&queue->jobs->stop)) {
		ms_time_t when;
		job = pick(queue, ms_clock().mono, &when);
		if (job == NULL) {
			wait_until(queue, when);
		}
	}
	queue->jobs->count -= job != NULL;
	return job;
}

static void *run(void *ctx)
{
	ms_job_queue_t *queue = ctx;
	ms_jobs_t *jobs = queue->jobs;
	struct ms_job *job;
	pthread_mutex_lock(&jobs->lock);
	while ((job = next_job(queue)) != NULL) {
		ms_enquirer_t *old = NULL;
		/* Whoever lists keys asks no servers. */
		if (jobs->next != NULL && queue == &jobs->edits) {
			old = jobs->enquirer;
			jobs->enquirer = jobs->next;
			jobs->next = NULL;
		}
		ms_desk_t desk = {
			.stop = &jobs->stop,
			.control = strdup(jobs->control), .kasp_db = strdup(jobs->kasp_db),
			.combiner = jobs->combiner, .combiner_key = jobs->combiner_key,
			.parent_key = strdup(jobs->parent_key),
			.keystate_code = jobs->keystate_code, .enquirer = jobs->enquirer,
		};
		pthread_mutex_unlock(&jobs->lock);
		ms_enquirer_free(old);
		job = do_job(jobs, job, &desk);
		free(desk.control);
		free(desk.kasp_db);
		free(desk.parent_key);
		ms_tsig_key_wipe(&desk.combiner_key);
		pthread_mutex_lock(&jobs->lock);
		if (job != NULL) {
			append(queue, job);
			jobs->count++;
		}
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int ms_jobs_start(ms_jobs_t *jobs)
{
	int ret = ms_thread_start(&jobs->edits.thread, run, &jobs->edits);
	jobs->edits.running = ret == KNOT_EOK;
	if (ret == KNOT_EOK) {
		ret = ms_thread_start(&jobs->keys.thread, run, &jobs->keys);
		jobs->keys.running = ret == KNOT_EOK;
	}
	return ret;
}

bool ms_jobs_join(ms_jobs_t *jobs, const struct timespec *until)
{
	bool ended = true;
	ms_job_queue_t *const queues[] = { &jobs->edits, &jobs->keys };
	for (unsigned i = 0; i < 2; i++) {
		ended &= !queues[i]->running ||
		         pthread_timedjoin_np(queues[i]->thread, NULL, until) == 0;
	}
	return ended;
}
