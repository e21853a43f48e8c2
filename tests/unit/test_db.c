/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "io/db.h"
#include "scratch.h"

#define MAP (1024 * 1024)
#define NOBODY 65534
#define SKIPPED 77

typedef struct {
	char dir[SCRATCH_LEN];
	char db[96];
	char reason[MS_DB_REASON_MAX];
} lab_t;

static int set_up(void **state)
{
	lab_t *lab = calloc(1, sizeof(*lab));
	assert_non_null(lab);
	scratch_make(lab->dir, "db");
	snprintf(lab->db, sizeof(lab->db), "%s/db", lab->dir);
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

static ms_db_t *open_db(lab_t *lab)
{
	ms_db_t *db = NULL;
	if (ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason)) != KNOT_EOK) {
		fail_msg("%s", lab->reason);
	}
	return db;
}

static ms_db_put_t put(const char *key, const char *value)
{
	return (ms_db_put_t){ (const uint8_t *)key, strlen(key), (const uint8_t *)value,
	                      value != NULL ? strlen(value) : 0 };
}

static int print_record(void *ctx, const uint8_t *key, size_t key_len,
                        const uint8_t *value, size_t value_len)
{
	char *text = ctx;
	sprintf(text + strlen(text), "%.*s=%.*s ", (int)key_len, (const char *)key,
	        (int)value_len, (const char *)value);
	return KNOT_EOK;
}

static void assert_content(ms_db_t *db, const char *expected)
{
	char text[512] = "";
	assert_int_equal(ms_db_each(db, print_record, text), KNOT_EOK);
	assert_string_equal(text, expected);
}

static int apply(lab_t *lab, ms_db_t *db, const ms_db_put_t *puts, size_t count)
{
	lab->reason[0] = '\0';
	return ms_db_apply(db, puts, count, lab->reason, sizeof(lab->reason));
}

static void test_reopen(void **state)
{
	lab_t *lab = *state;
	ms_db_t *db = open_db(lab);
	assert_content(db, "");
	ms_db_put_t first[] = { put("b", "2"), put("a", "1"), put("c", ""), put("d", "4") };
	assert_int_equal(apply(lab, db, first, 4), KNOT_EOK);
	ms_db_put_t second[] = { put("d", NULL), put("never", NULL), put("a", "11") };
	assert_int_equal(apply(lab, db, second, 3), KNOT_EOK);
	assert_int_equal(apply(lab, db, NULL, 0), KNOT_EOK);
	assert_content(db, "a=11 b=2 c= ");
	ms_db_close(db);

	struct stat st;
	assert_int_equal(stat(lab->db, &st), 0);
	assert_int_equal(st.st_mode & 0077, 0);
	db = open_db(lab);
	assert_content(db, "a=11 b=2 c= ");
	ms_db_close(db);
	ms_db_close(NULL);
}

static void test_second_open(void **state)
{
	lab_t *lab = *state;
	ms_db_t *db = open_db(lab);
	char other[128];
	snprintf(other, sizeof(other), "%s/./db/", lab->dir);
	ms_db_t *again = NULL;
	assert_int_equal(ms_db_open(&again, other, 0, lab->reason, sizeof(lab->reason)), KNOT_EOK);
	assert_ptr_equal(db, again);
	ms_db_close(db);
	ms_db_put_t one = put("k", "v");
	assert_int_equal(apply(lab, again, &one, 1), KNOT_EOK);
	assert_content(again, "k=v ");
	snprintf(other, sizeof(other), "%s/elsewhere", lab->dir);
	ms_db_t *second = NULL;
	assert_int_equal(ms_db_open(&second, other, 0, lab->reason, sizeof(lab->reason)), KNOT_EOK);
	assert_ptr_not_equal(second, again);
	assert_content(second, "");
	ms_db_close(again);
	ms_db_close(second);
}

/* A batch that fails in its last record must leave nothing of the others. */
static void test_atomic(void **state)
{
	lab_t *lab = *state;
	ms_db_t *db = open_db(lab);
	ms_db_put_t old = put("old", "1");
	assert_int_equal(apply(lab, db, &old, 1), KNOT_EOK);

	uint8_t *huge = calloc(1, 2 * MAP);
	char long_key[MS_DB_KEY_MAX + 2];
	memset(long_key, 'k', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	const struct {
		const char *what;
		ms_db_put_t last;
		int ret;
		const char *words;
	} cases[] = {
		{ "map full", { (const uint8_t *)"big", 3, huge, 2 * MAP }, KNOT_ESPACE, "full" },
		{ "key too long", put(long_key, "x"), KNOT_EINVAL, "keys of 1 to 511" },
		{ "empty key", put("", "x"), KNOT_EINVAL, "keys of 1 to 511" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		ms_db_put_t batch[] = { put("new", "2"), put("old", NULL), cases[i].last };
		assert_int_equal(apply(lab, db, batch, 3), cases[i].ret);
		assert_non_null(strstr(lab->reason, cases[i].words));
		assert_non_null(strstr(lab->reason, lab->db));
		assert_content(db, "old=1 ");
	}
	ms_db_put_t after[] = { put("old", NULL), put("new", "2") };
	assert_int_equal(apply(lab, db, after, 2), KNOT_EOK);
	assert_content(db, "new=2 ");
	free(huge);
	ms_db_close(db);
}

static int stop_at_two(void *ctx, const uint8_t *key, size_t key_len,
                       const uint8_t *value, size_t value_len)
{
	return ++*(int *)ctx == 2 ? KNOT_ELIMIT : KNOT_EOK;
}

static void test_each_stops(void **state)
{
	lab_t *lab = *state;
	ms_db_t *db = open_db(lab);
	ms_db_put_t puts[] = { put("a", "1"), put("b", "2"), put("c", "3") };
	assert_int_equal(apply(lab, db, puts, 3), KNOT_EOK);
	int calls = 0;
	assert_int_equal(ms_db_each(db, stop_at_two, &calls), KNOT_ELIMIT);
	assert_int_equal(calls, 2);
	ms_db_close(db);
}

static int sum_pair(void *ctx, const uint8_t *key, size_t key_len,
                    const uint8_t *value, size_t value_len)
{
	((unsigned *)ctx)[key[0] == 'b'] = atoi((const char *)value);
	return KNOT_EOK;
}

static void *read_pairs(void *ctx)
{
	for (int i = 0; i < 300; i++) {
		unsigned pair[2] = { 0, 1 };
		if (ms_db_each(ctx, sum_pair, pair) != KNOT_EOK || pair[0] != pair[1]) {
			return "torn";
		}
	}
	return NULL;
}

/* Another thread sees each batch whole, while this one writes. */
static void test_reader_thread(void **state)
{
	lab_t *lab = *state;
	ms_db_t *db = open_db(lab);
	pthread_t thread;
	for (int i = 0; i < 50; i++) {
		char value[16];
		snprintf(value, sizeof(value), "%d", i);
		ms_db_put_t pair[] = { put("a", value), put("b", value) };
		pair[0].value_len++;
		pair[1].value_len++;
		assert_int_equal(apply(lab, db, pair, 2), KNOT_EOK);
		if (i == 0) {
			assert_int_equal(pthread_create(&thread, NULL, read_pairs, db), 0);
		}
	}
	void *verdict = NULL;
	pthread_join(thread, &verdict);
	assert_null(verdict);
	ms_db_close(db);
}

static void write_file(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* What the damage hits decides how LMDB meets it: by an error, or by a signal. */
static void test_damaged(void **state)
{
	lab_t *lab = *state;
	static char big[100000], wrong[sizeof(big)];
	char file[128];
	memset(big, 'x', sizeof(big));
	snprintf(file, sizeof(file), "%s/data.mdb", lab->db);
	const struct {
		const char *what;
		off_t keep;     /* Octets left of the file. */
		off_t from;     /* Where other octets begin … */
		char octet;
	} cases[] = {
		{ "value cut off", 4 * 4096, 4 * 4096, 0 },
		{ "only the two meta pages", 2 * 4096, 2 * 4096, 0 },
		{ "no meta page", 1 << 20, 0, 'x' },
		{ "zeros", 1 << 20, 2 * 4096, 0 },
		{ "ones", 1 << 20, 2 * 4096, -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		ms_db_t *db = open_db(lab);
		ms_db_put_t one = { (const uint8_t *)"k", 1, (const uint8_t *)big, sizeof(big) };
		assert_int_equal(apply(lab, db, &one, 1), KNOT_EOK);
		ms_db_close(db);

		struct stat st;
		assert_int_equal(stat(file, &st), 0);
		off_t size = st.st_size < cases[i].keep ? st.st_size : cases[i].keep;
		memset(wrong, cases[i].octet, sizeof(wrong));
		int fd = open(file, O_WRONLY);
		for (off_t at = cases[i].from; at < size; at += sizeof(wrong)) {
			off_t left = size - at;
			size_t len = left < (off_t)sizeof(wrong) ? (size_t)left : sizeof(wrong);
			assert_int_equal(pwrite(fd, wrong, len, at), len);
		}
		assert_int_equal(ftruncate(fd, size), 0);
		close(fd);
		assert_int_equal(ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason)),
		                 KNOT_EMALF);
		assert_non_null(strstr(lab->reason, "is damaged; restore it, or move it away"));

		assert_int_equal(ms_db_set_aside(lab->db, lab->reason, sizeof(lab->reason)), KNOT_EOK);
		db = open_db(lab);
		assert_content(db, "");
		ms_db_close(db);
	}
	snprintf(file, sizeof(file), "%s/data.mdb.damaged", lab->db);
	assert_int_equal(access(file, F_OK), 0);
}

static void test_bad_place(void **state)
{
	lab_t *lab = *state;
	char path[128];
	ms_db_t *db = NULL;
	snprintf(path, sizeof(path), "%s/missing/db", lab->dir);
	assert_int_equal(ms_db_open(&db, path, MAP, lab->reason, sizeof(lab->reason)), KNOT_ENOENT);
	assert_non_null(strstr(lab->reason, "does not exist"));
	write_file(lab->db, "x", 1);
	assert_int_not_equal(ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason)),
	                     KNOT_EOK);
	assert_non_null(strstr(lab->reason, "no directory"));
	assert_null(db);
}

/* Runs in a child, so that rights and mounts can be given up. */
static int in_child(int (*body)(lab_t *), lab_t *lab)
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(body(lab));
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int open_without_rights(lab_t *lab)
{
	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
		return SKIPPED;
	}
	ms_db_t *db = NULL;
	int ret = ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason));
	return ret == KNOT_EACCES && strstr(lab->reason, "user of knotd") != NULL ? 0 : 1;
}

static void test_no_rights(void **state)
{
	lab_t *lab = *state;
	assert_int_equal(chmod(lab->dir, 0555), 0);
	assert_int_equal(in_child(open_without_rights, lab), 0); /* cannot make the directory */
	assert_int_equal(chmod(lab->dir, 0755), 0);
	assert_int_equal(mkdir(lab->db, 0555), 0);
	assert_int_equal(in_child(open_without_rights, lab), 0); /* cannot make the files */
}

static bool write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* Root of a user namespace of its own, where it is not root already. */
static bool may_mount(void)
{
	if (geteuid() == 0) {
		return unshare(CLONE_NEWNS) == 0;
	}
	char uid[32], gid[32];
	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_map("/proc/self/setgroups", "deny") &&
	       write_map("/proc/self/uid_map", uid) && write_map("/proc/self/gid_map", gid);
}

static int read_only(lab_t *lab)
{
	if (!may_mount() ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", lab->dir, "tmpfs", 0, "size=128k") != 0) {
		return SKIPPED;
	}
	ms_db_t *db = open_db(lab);
	ms_db_put_t one = put("k", "v");
	int ret = apply(lab, db, &one, 1);
	ms_db_close(db);
	if (ret != KNOT_EOK || mount("none", lab->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) {
		return 1;
	}
	if (ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason)) != KNOT_EOK ||
	    strstr(lab->reason, "for writing") == NULL) {
		return 2;
	}
	char text[64] = "";
	if (ms_db_each(db, print_record, text) != KNOT_EOK || strcmp(text, "k=v ") != 0) {
		return 3;
	}
	ret = apply(lab, db, &one, 1);
	ms_db_close(db);
	return ret == KNOT_EACCES && strstr(lab->reason, "able to write") != NULL ? 0 : 4;
}

/* Not even room for LMDB's lock file, which would end the process. */
static int begin_on_full_disk(lab_t *lab)
{
	char file[128];
	static uint8_t big[16 * 1024];
	snprintf(file, sizeof(file), "%s/filler", lab->dir);
	if (!may_mount() ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", lab->dir, "tmpfs", 0, "size=16k") != 0) {
		return SKIPPED;
	}
	int fd = open(file, O_WRONLY | O_CREAT, 0600);
	while (write(fd, big, sizeof(big)) > 0) {
	}
	close(fd);
	ms_db_t *db = NULL;
	int ret = ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason));
	return ret == KNOT_ESPACE && strstr(lab->reason, "make room") != NULL ? 0 : 1;
}

static int fill_disk(lab_t *lab)
{
	if (!may_mount() ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", lab->dir, "tmpfs", 0, "size=128k") != 0) {
		return SKIPPED;
	}
	ms_db_t *db = NULL;
	if (ms_db_open(&db, lab->db, MAP, lab->reason, sizeof(lab->reason)) != KNOT_EOK) {
		return 1;
	}
	static uint8_t big[256 * 1024];
	ms_db_put_t batch[] = { put("small", "1"),
	                        { (const uint8_t *)"big", 3, big, sizeof(big) } };
	int ret = apply(lab, db, batch, 2);
	if (ret == KNOT_EOK || strstr(lab->reason, "make room") == NULL) {
		return 2;
	}
	char text[64] = "";
	if (apply(lab, db, batch, 1) != KNOT_EOK ||
	    ms_db_each(db, print_record, text) != KNOT_EOK || strcmp(text, "small=1 ") != 0) {
		return 3;
	}
	ms_db_close(db);
	return 0;
}

static void test_disk(void **state, int (*body)(lab_t *))
{
	int ret = in_child(body, *state);
	if (ret == SKIPPED) {
		print_message("# no rights to mount a small file system\n");
		skip();
	}
	assert_int_equal(ret, 0);
}

static void test_disk_full(void **state)
{
	test_disk(state, fill_disk);
}

static void test_no_room(void **state)
{
	test_disk(state, begin_on_full_disk);
}

static void test_read_only(void **state)
{
	test_disk(state, read_only);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reopen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_atomic, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_stops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_thread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_rights, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_read_only, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
