/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libknot/errcode.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
/* What the trial meets is no fault of ours. */
#define REPORT_NOTHING() __sanitizer_set_report_fd((void *)(intptr_t)open("/dev/null", O_WRONLY))
#else
#define REPORT_NOTHING() ((void)0)
#endif

/* knotd blocks signals while it loads, and a sanitizer has handlers of its own. */
static void be_plain(unsigned seconds)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM };
	sigset_t set;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)signal(numbers[i], SIG_DFL);
		(void)sigaddset(&set, numbers[i]);
	}
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	const struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)alarm(seconds);
	REPORT_NOTHING();
}

int ms_trial(ms_trial_f work, void *ctx, unsigned seconds, int *code)
{
	pid_t pid = fork();
	if (pid < 0) {
		return knot_map_errno();
	}
	if (pid == 0) {
		be_plain(seconds);
		_exit(work(ctx));
	}
	int status;
	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR) {
			return knot_map_errno();
		}
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
		return KNOT_ETIMEOUT;
	}
	*code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return KNOT_EOK;
}
