/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libknot/errcode.h>

#include "io/clock.h"

extern char **environ;

/* How late the stop flag may be noticed, and how often an almost finished child is looked at. */
#define SLICE_MS 100
#define REAP_MS 5

typedef struct {
	int fd;        /* -1: at its end. */
	size_t max;
	size_t len;
	bool full;     /* There was more. */
	char *text;    /* Owned, ends with NUL; NULL: nothing yet. */
} capture_t;

typedef struct {
	pid_t pid;
	int64_t deadline;          /* Milliseconds. */
	const atomic_bool *stop;
	capture_t out;
	capture_t err;
} run_t;

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

static void read_some(capture_t *capture)
{
	char block[4096];
	ssize_t got = read(capture->fd, block, sizeof(block));
	if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
		return;
	}
	if (got <= 0) {
		close_fd(&capture->fd);
		return;
	}
	size_t len = (size_t)got < capture->max - capture->len ? (size_t)got
	                                                       : capture->max - capture->len;
	char *text = realloc(capture->text, capture->len + len + 1);
	if (text == NULL || len < (size_t)got) {
		capture->full = true;
	}
	if (text != NULL) {
		memcpy(text + capture->len, block, len);
		capture->text = text;
		capture->len += len;
		text[capture->len] = '\0';
	}
}

static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int out, int err)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	int ret = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	ret = ret != 0 ? ret : posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	ret = ret != 0 ? ret : posix_spawn_file_actions_adddup2(files, err, STDERR_FILENO);
	/* knotd's sockets shall not outlive knotd in a child. */
	ret = ret != 0 ? ret : posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	ret = ret != 0 ? ret : posix_spawnattr_setsigmask(attr, &none);
	ret = ret != 0 ? ret : posix_spawnattr_setsigdefault(attr, &all);
	ret = ret != 0 ? ret : posix_spawnattr_setpgroup(attr, 0);
	return ret != 0 ? ret : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
	                                                 POSIX_SPAWN_SETSIGDEF |
	                                                 POSIX_SPAWN_SETPGROUP);
}

static int spawn(pid_t *pid, const char *const *args, int out, int err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int ret = posix_spawn_file_actions_init(&files);
	if (ret != 0) {
		return ret;
	}
	ret = posix_spawnattr_init(&attr);
	if (ret == 0) {
		ret = set_up(&files, &attr, out, err);
		ret = ret != 0 ? ret : posix_spawn(pid, args[0], &files, &attr,
		                                   (char *const *)args, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return ret;
}

static int start(run_t *run, const char *const *args)
{
	int out[2], err[2];
	if (pipe2(out, O_CLOEXEC) != 0) {
		return knot_map_errno();
	}
	if (pipe2(err, O_CLOEXEC) != 0) {
		int ret = knot_map_errno();
		close(out[0]);
		close(out[1]);
		return ret;
	}
	int ret = spawn(&run->pid, args, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	run->out.fd = out[0];
	run->err.fd = err[0];
	return ret == 0 ? KNOT_EOK : knot_map_errno_code(ret);
}

static int may_go_on(const run_t *run)
{
	if (run->stop != NULL && atomic_load_explicit(run->stop, memory_order_relaxed)) {
		return KNOT_EBUSY;
	}
	if (ms_clock_ms() >= run->deadline) {
		return KNOT_ETIMEOUT;
	}
	return run->out.full ? KNOT_ESPACE : KNOT_EOK;
}

static int read_all(run_t *run)
{
	int ret = KNOT_EOK;
	while (ret == KNOT_EOK && (run->out.fd >= 0 || run->err.fd >= 0)) {
		struct pollfd fds[] = {
			{ .fd = run->out.fd, .events = POLLIN },
			{ .fd = run->err.fd, .events = POLLIN },
		};
		if (poll(fds, 2, SLICE_MS) > 0) {
			if (fds[0].revents != 0) {
				read_some(&run->out);
			}
			if (fds[1].revents != 0) {
				read_some(&run->err);
			}
		}
		ret = may_go_on(run);
	}
	return ret;
}

/* The whole group: what a wrapper script started goes with it. */
static void kill_and_reap(run_t *run)
{
	kill(-run->pid, SIGKILL);
	kill(run->pid, SIGKILL);
	while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR) {
	}
}

static int reap(run_t *run, int *status)
{
	for (;;) {
		pid_t got = waitpid(run->pid, status, WNOHANG);
		if (got == run->pid) {
			return KNOT_EOK;
		}
		if (got < 0 && errno != EINTR) {
			return KNOT_ERROR;
		}
		int ret = may_go_on(run);
		if (ret != KNOT_EOK) {
			kill_and_reap(run);
			return ret;
		}
		(void)poll(NULL, 0, REAP_MS);
	}
}

static int run_child(run_t *run, const char *const *args, int *status)
{
	int ret = may_go_on(run);
	if (ret == KNOT_EOK) {
		ret = start(run, args);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = read_all(run);
	if (ret != KNOT_EOK) {
		kill_and_reap(run);
		return ret;
	}
	return reap(run, status);
}

int ms_child_run(const char *const *args, int timeout_ms, const atomic_bool *stop,
                 size_t out_max, ms_child_t *out)
{
	run_t run = {
		.deadline = ms_clock_ms() + timeout_ms, .stop = stop,
		.out = { .fd = -1, .max = out_max }, .err = { .fd = -1, .max = MS_CHILD_ERR_MAX },
	};
	int status = 0;
	int ret = run_child(&run, args, &status);
	close_fd(&run.out.fd);
	close_fd(&run.err.fd);
	ms_child_t child = { .out = run.out.text, .err = run.err.text, .status = status };
	if (ret != KNOT_EOK) {
		ms_child_clear(&child);
		return ret;
	}
	*out = child;
	return KNOT_EOK;
}

void ms_child_clear(ms_child_t *child)
{
	free(child->out);
	free(child->err);
	*child = (ms_child_t){ 0 };
}
