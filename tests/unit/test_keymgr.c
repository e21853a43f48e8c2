/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "io/keymgr.h"
#include "scratch.h"

#define ZONE ((const knot_dname_t *)"\x04" "zone" "\x07" "example")
#define DASH ((const knot_dname_t *)"\x02" "-x" "\x07" "example")
#define LEAKED_FD 77
#define SHORT_MS 300
/* Far above SHORT_MS, far below the 60 s that a hanging script sleeps. */
#define BOUND_MS 5000

typedef struct {
	char dir[SCRATCH_LEN];
	char kasp[96];
	char fake[96];
	atomic_bool stop;
	ms_keymgr_t km;
	char reason[MS_KEYMGR_REASON_MAX];
} lab_t;

static int set_up(void **state)
{
	lab_t *lab = calloc(1, sizeof(*lab));
	assert_non_null(lab);
	scratch_make(lab->dir, "keymgr");
	snprintf(lab->kasp, sizeof(lab->kasp), "%s/keys", lab->dir);
	snprintf(lab->fake, sizeof(lab->fake), "%s/keymgr", lab->dir);
	lab->km = (ms_keymgr_t){ .kasp_dir = lab->kasp, .stop = &lab->stop };
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	lab_t *lab = *state;
	int ret = scratch_remove(lab->dir);
	free(lab);
	return ret;
}

static ms_wall_t wall(int64_t later)
{
	return (ms_wall_t){ time(NULL) + later };
}

static int list(lab_t *lab, const knot_dname_t *zone, int64_t later, ms_keys_t *keys)
{
	lab->reason[0] = '\0';
	return ms_keymgr_list(&lab->km, zone, wall(later), keys, lab->reason, sizeof(lab->reason));
}

static int generate(lab_t *lab, const knot_dname_t *zone, ms_keymgr_new_t what, char *id)
{
	lab->reason[0] = '\0';
	return ms_keymgr_generate(&lab->km, zone, &what, id, lab->reason, sizeof(lab->reason));
}

static int set(lab_t *lab, const char *id, const char *first, const char *second)
{
	const char *params[] = { first, second, NULL };
	lab->reason[0] = '\0';
	return ms_keymgr_set(&lab->km, ZONE, id, params, lab->reason, sizeof(lab->reason));
}

static void need_keymgr(void)
{
	char path[4096];
	if (!ms_keymgr_find(path, sizeof(path))) {
		print_message("# keymgr is not installed\n");
		skip();
	}
}

/* The only key of ZONE, its states taken `later` seconds from now. */
static ms_key_t only_key(lab_t *lab, int64_t later)
{
	ms_keys_t keys;
	if (list(lab, ZONE, later, &keys) != KNOT_EOK) {
		fail_msg("%s", lab->reason);
	}
	assert_int_equal(keys.count, 1);
	ms_key_t key = keys.list[0];
	ms_keys_clear(&keys);
	return key;
}

static void test_generate(void **state)
{
	need_keymgr();
	lab_t *lab = *state;
	const struct {
		const char *what;
		ms_keymgr_new_t key;
	} cases[] = {
		{ "KSK, held", { 15, .ksk = true, .publish = true } },
		{ "ZSK, in use", { 13, .zsk = true, .publish = true, .active = true } },
		{ "CSK, hidden", { 15, .ksk = true, .zsk = true } },
	};
	bool any = true;
	assert_int_equal(ms_keymgr_has_keys(&lab->km, ZONE, wall(0), &any, NULL, 0), KNOT_EOK);
	assert_false(any);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		const ms_keymgr_new_t *want = &cases[i].key;
		char id[MS_KEYID_ROOM];
		assert_int_equal(generate(lab, ZONE, *want, id), KNOT_EOK);
		ms_key_t key = only_key(lab, 0);
		assert_string_equal(key.id, id);
		assert_int_equal(key.algorithm, want->algorithm);
		assert_int_equal(key.ksk, want->ksk);
		assert_int_equal(key.zsk, want->zsk);
		assert_int_equal(key.published, want->publish);
		assert_int_equal(key.active, want->active);
		assert_false(key.retired || key.removed || key.public_only);
		assert_int_equal(ms_keymgr_has_keys(&lab->km, ZONE, wall(0), &any, NULL, 0), KNOT_EOK);
		assert_true(any);
		assert_int_equal(ms_keymgr_delete(&lab->km, ZONE, id, NULL, 0), KNOT_EOK);
	}
	ms_keys_t keys = { .count = 9 };
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_EOK);
	assert_int_equal(keys.count, 0);
}

static void test_life(void **state)
{
	need_keymgr();
	lab_t *lab = *state;
	char id[MS_KEYID_ROOM];
	assert_int_equal(generate(lab, ZONE, (ms_keymgr_new_t){ 15, .zsk = true }, id), KNOT_EOK);
	assert_false(only_key(lab, 0).published);
	assert_int_equal(set(lab, id, "publish=+0", NULL), KNOT_EOK);
	assert_true(only_key(lab, 0).published && !only_key(lab, 0).active);
	assert_int_equal(set(lab, id, "active=+100", "retire=+200"), KNOT_EOK);
	assert_false(only_key(lab, 50).active);
	assert_true(only_key(lab, 150).active && !only_key(lab, 150).retired);
	assert_true(!only_key(lab, 250).active && only_key(lab, 250).retired);
	assert_int_equal(set(lab, id, "remove=+300", NULL), KNOT_EOK);
	assert_true(only_key(lab, 250).published);
	assert_true(only_key(lab, 350).removed && !only_key(lab, 350).published);
	bool any = true;
	assert_int_equal(ms_keymgr_has_keys(&lab->km, ZONE, wall(350), &any, NULL, 0), KNOT_EOK);
	assert_false(any);
}

static void test_refused(void **state)
{
	need_keymgr();
	lab_t *lab = *state;
	char id[MS_KEYID_ROOM] = "untouched";
	const char *unknown = "0123456789012345678901234567890123456789";
	assert_int_equal(generate(lab, ZONE, (ms_keymgr_new_t){ 77, .zsk = true }, id), KNOT_ERROR);
	assert_non_null(strstr(lab->reason, "invalid key algorithm"));
	assert_int_equal(generate(lab, ZONE, (ms_keymgr_new_t){ .algorithm = 15 }, id), KNOT_EINVAL);
	assert_string_equal(id, "untouched");
	assert_int_equal(set(lab, unknown, "active=+0", NULL), KNOT_ERROR);
	assert_non_null(strstr(lab->reason, "key not found"));
	assert_int_equal(set(lab, "123", "active=+0", NULL), KNOT_EINVAL);
	assert_int_equal(ms_keymgr_delete(&lab->km, ZONE, unknown, lab->reason, sizeof(lab->reason)),
	                 KNOT_ERROR);

	assert_int_equal(generate(lab, ZONE, (ms_keymgr_new_t){ 15, .zsk = true }, id), KNOT_EOK);
	/* keymgr itself would skip the second one, do the first and exit with 0. */
	assert_int_equal(set(lab, id, "publish=+0", "active=banana"), KNOT_EINVAL);
	assert_false(only_key(lab, 0).published);
	assert_int_equal(set(lab, id, "publish=+0", "moon=+0"), KNOT_ERROR);
	assert_false(only_key(lab, 0).published);
}

static void test_dash_zone(void **state)
{
	need_keymgr();
	lab_t *lab = *state;
	char id[MS_KEYID_ROOM];
	assert_int_equal(generate(lab, DASH, (ms_keymgr_new_t){ 15, .zsk = true }, id), KNOT_EOK);
	ms_keys_t keys;
	assert_int_equal(list(lab, DASH, 0, &keys), KNOT_EOK);
	assert_int_equal(keys.count, 1);
	ms_keys_clear(&keys);
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_EOK);
	assert_int_equal(keys.count, 0);
}

static void test_bad_dir(void **state)
{
	need_keymgr();
	lab_t *lab = *state;
	ms_keys_t keys;
	lab->km.kasp_dir = "/dev/null";
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_ERROR);
	assert_non_null(strstr(lab->reason, "failed to initialize KASP"));
}

static void write_fake(lab_t *lab, const char *body)
{
	FILE *file = fopen(lab->fake, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", body);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(lab->fake, 0755), 0);
	lab->km.program = lab->fake;
	lab->km.timeout_ms = SHORT_MS;
}

static void assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_fakes(void **state)
{
	lab_t *lab = *state;
	const struct {
		const char *what;
		const char *body;
		int ret;
		const char *words;
	} cases[] = {
		{ "hangs", "exec sleep 60", KNOT_ETIMEOUT, "did not end in time" },
		{ "hangs, pipes closed", "exec >&- 2>&-; exec sleep 60", KNOT_ETIMEOUT, "in time" },
		{ "hangs, deaf", "trap '' TERM INT HUP; exec sleep 60", KNOT_ETIMEOUT, "in time" },
		{ "fails", "echo 'warning: w' >&2; echo 'error: no luck' >&2; exit 1", KNOT_ERROR,
		  "list: error: no luck" },
		{ "fails in silence", "exit 3", KNOT_ERROR, "exit status 3" },
		{ "says error, exits 0", "echo '[]'; echo 'error: half done' >&2", KNOT_ERROR, "half" },
		{ "warns only", "echo 'warning: w' >&2; echo '[]'", KNOT_EOK, "" },
		{ "crashes", "kill -SEGV $$", KNOT_ERROR, "signal 11" },
		{ "prints garbage", "echo 'Usage: x'", KNOT_EMALF, "not understood" },
		{ "cut JSON", "printf '[{\"id\": \"01'", KNOT_EMALF, "not understood" },
		{ "object", "echo '{}'", KNOT_EMALF, "not understood" },
		{ "no id", "echo '[{\"tag\": 1}]'", KNOT_EMALF, "not understood" },
		{ "nothing", "", KNOT_EOK, "" },
		{ "white space", "echo; echo ' '", KNOT_EOK, "" },
		{ "empty list", "echo '[]'", KNOT_EOK, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		write_fake(lab, cases[i].body);
		lab->km.timeout_ms = cases[i].ret == KNOT_ETIMEOUT ? SHORT_MS : 0;
		ms_keys_t keys = { .count = 9 };
		int64_t start = now_ms();
		assert_int_equal(list(lab, ZONE, 0, &keys), cases[i].ret);
		assert_true(now_ms() - start < BOUND_MS);
		assert_non_null(strstr(lab->reason, cases[i].words));
		assert_int_equal(keys.count, cases[i].ret == KNOT_EOK ? 0 : 9);
		assert_no_child();
	}
	char id[MS_KEYID_ROOM] = "untouched";
	write_fake(lab, "echo OK");
	lab->km.timeout_ms = 0;
	assert_int_equal(generate(lab, ZONE, (ms_keymgr_new_t){ 15, .zsk = true }, id), KNOT_EMALF);
	assert_string_equal(id, "untouched");
}

static void test_endless_output(void **state)
{
	lab_t *lab = *state;
	ms_keys_t keys;
	write_fake(lab, "exec yes");
	lab->km.timeout_ms = 0;
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_ESPACE);
	assert_no_child();
}

static void test_not_startable(void **state)
{
	lab_t *lab = *state;
	ms_keys_t keys;
	lab->km.program = "/nonexistent/keymgr";
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_ENOENT);
	assert_non_null(strstr(lab->reason, "/nonexistent/keymgr"));
	write_fake(lab, "exit 0");
	assert_int_equal(chmod(lab->fake, 0644), 0);
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_EACCES);
	assert_no_child();
}

/* What a wrapper has started is killed with it: here it comes to us as the sub-reaper. */
static void test_grandchild(void **state)
{
	lab_t *lab = *state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	char body[256], path[128];
	snprintf(path, sizeof(path), "%s/pid", lab->dir);
	snprintf(body, sizeof(body), "sleep 60 & echo $! > %s; wait", path);
	write_fake(lab, body);
	lab->km.timeout_ms = 2000;
	ms_keys_t keys;
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_ETIMEOUT);
	FILE *file = fopen(path, "r");
	int pid = 0, status = 0;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	assert_no_child();
}

static void *raise_stop(void *ctx)
{
	poll(NULL, 0, 100);
	atomic_store((atomic_bool *)ctx, true);
	return NULL;
}

static void test_stop(void **state)
{
	lab_t *lab = *state;
	write_fake(lab, "exec sleep 60");
	lab->km.timeout_ms = 30000;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, raise_stop, &lab->stop), 0);
	int64_t start = now_ms();
	ms_keys_t keys;
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_EBUSY);
	assert_true(now_ms() - start < 1500);
	pthread_join(thread, NULL);
	assert_no_child();
	assert_int_equal(list(lab, ZONE, 0, &keys), KNOT_EBUSY); /* does not even start */
}

/* Signals blocked or ignored in knotd and its descriptors must not reach the child. */
static void test_clean_child(void **state)
{
	lab_t *lab = *state;
	char body[512];
	snprintf(body, sizeof(body),
	         "m() { grep \"^$1\" /proc/$$/status | cut -f2; }\n"
	         "[ $(m SigBlk) = 0000000000000000 ] || echo 'error: blocked' >&2\n"
	         "[ $((0x$(m SigIgn) & 0x1000)) = 0 ] || echo 'error: ignored' >&2\n"
	         "[ -e /proc/$$/fd/%d ] && echo 'error: descriptor' >&2\n"
	         "[ \"$1 $3 $5 $6\" = '-D -j zone.example. list' ] || echo 'error: words' >&2\n"
	         "[ -z \"$(cat)\" ] || echo 'error: input' >&2\n:", LEAKED_FD);
	write_fake(lab, body);
	lab->km.timeout_ms = 0;
	assert_int_equal(dup2(STDERR_FILENO, LEAKED_FD), LEAKED_FD);
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	signal(SIGPIPE, SIG_IGN);
	ms_keys_t keys;
	int ret = list(lab, ZONE, 0, &keys);
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(LEAKED_FD);
	assert_string_equal(lab->reason, "");
	assert_int_equal(ret, KNOT_EOK);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_generate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_life, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dash_zone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_dir, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_endless_output, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_startable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_grandchild, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clean_child, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
