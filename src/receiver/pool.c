/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <libknot/errcode.h>

#include "receiver/engine.h"

int ms_pool_init(ms_pool_t *pool, void (*done)(void *, ms_task_t *), void *ctx)
{
	*pool = (ms_pool_t){ .done = done, .ctx = ctx };
	pool->last = &pool->first;
	atomic_init(&pool->stop, false);
	if (pthread_mutex_init(&pool->lock, NULL) != 0) {
		return KNOT_ENOMEM;
	}
	if (pthread_cond_init(&pool->wake, NULL) != 0) {
		pthread_mutex_destroy(&pool->lock);
		return KNOT_ENOMEM;
	}
	return KNOT_EOK;
}

static ms_task_t *take(ms_pool_t *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !atomic_load(&pool->stop)) {
		pthread_cond_wait(&pool->wake, &pool->lock);
	}
	ms_task_t *task = atomic_load(&pool->stop) ? NULL : pool->first;
	if (task != NULL) {
		pool->first = task->next;
		pool->last = pool->first == NULL ? &pool->first : pool->last;
		pool->count--;
		task->next = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	return task;
}

static void *run(void *ctx)
{
	ms_pool_t *pool = ctx;
	for (ms_task_t *task; (task = take(pool)) != NULL; ) {
		ms_task_do(task, &pool->stop);
		pool->done(pool->ctx, task);
	}
	return NULL;
}

int ms_pool_start(ms_pool_t *pool, unsigned threads)
{
	pool->threads = calloc(threads, sizeof(*pool->threads));
	if (pool->threads == NULL) {
		return KNOT_ENOMEM;
	}
	for (unsigned i = 0; i < threads; i++) {
		int ret = ms_thread_start(&pool->threads[i], run, pool);
		if (ret != KNOT_EOK) {
			return ret;
		}
		pool->thread_count++;
	}
	return KNOT_EOK;
}

size_t ms_pool_waiting(ms_pool_t *pool)
{
	pthread_mutex_lock(&pool->lock);
	size_t count = pool->count;
	pthread_mutex_unlock(&pool->lock);
	return count;
}

int ms_pool_add(ms_pool_t *pool, ms_task_t *task)
{
	pthread_mutex_lock(&pool->lock);
	int ret = pool->count < MS_TASKS_MAX ? KNOT_EOK : KNOT_ELIMIT;
	if (ret == KNOT_EOK) {
		*pool->last = task;
		pool->last = &task->next;
		pool->count++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	return ret;
}

void ms_pool_stop(ms_pool_t *pool)
{
	pthread_mutex_lock(&pool->lock);
	atomic_store(&pool->stop, true);
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
}

bool ms_pool_join(ms_pool_t *pool, const struct timespec *until)
{
	bool all = true;
	for (unsigned i = 0; i < pool->thread_count; i++) {
		all = pthread_timedjoin_np(pool->threads[i], NULL, until) == 0 && all;
	}
	return all;
}

void ms_pool_deinit(ms_pool_t *pool)
{
	while (pool->first != NULL) {
		ms_task_t *task = pool->first;
		pool->first = task->next;
		ms_task_free(task);
	}
	free(pool->threads);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
}
