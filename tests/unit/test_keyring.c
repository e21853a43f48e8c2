/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <libknot/errcode.h>

#include "io/keyring.h"
#include "scratch.h"

#define NOBODY 65534
#define RACERS 8

typedef struct {
	char dir[SCRATCH_LEN];
	char key[96];
	char reason[MS_KEYRING_REASON_MAX];
} lab_t;

static int set_up(void **state)
{
	lab_t *lab = calloc(1, sizeof(*lab));
	assert_non_null(lab);
	scratch_make(lab->dir, "keyring");
	snprintf(lab->key, sizeof(lab->key), "%s/agent.pem", lab->dir);
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

static int load(lab_t *lab, ms_pem_t *pem)
{
	lab->reason[0] = '\0';
	return ms_keyring_load(lab->key, pem, lab->reason, sizeof(lab->reason));
}

static int load_or_make(lab_t *lab, uint8_t algorithm, ms_pem_t *pem, bool *made)
{
	lab->reason[0] = '\0';
	return ms_keyring_load_or_make(lab->key, algorithm, pem, made, lab->reason,
	                               sizeof(lab->reason));
}

static int pk_of(const ms_pem_t *pem)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t data = { (unsigned char *)pem->data, pem->len };
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_import_pkcs8(key, &data, GNUTLS_X509_FMT_PEM, NULL,
	                                                  GNUTLS_PKCS_PLAIN), 0);
	int pk = gnutls_x509_privkey_get_pk_algorithm(key);
	gnutls_x509_privkey_deinit(key);
	return pk;
}

/* Nothing but the key may be left: no temporary file. */
static void assert_files(const lab_t *lab, unsigned expected)
{
	unsigned count = 0;
	DIR *dir = opendir(lab->dir);
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL; ) {
		count += entry->d_name[0] != '.';
	}
	closedir(dir);
	assert_int_equal(count, expected);
}

static void test_make_and_load(void **state)
{
	lab_t *lab = *state;
	const struct {
		const char *what;
		uint8_t algorithm;
		int pk;
	} cases[] = {
		{ "ED25519", MS_KEYRING_ED25519, GNUTLS_PK_EDDSA_ED25519 },
		{ "ECDSAP256SHA256", MS_KEYRING_ECDSAP256SHA256, GNUTLS_PK_ECDSA },
	};
	umask(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		ms_pem_t first = { 0 }, second = { 0 };
		bool made = false;
		assert_int_equal(load_or_make(lab, cases[i].algorithm, &first, &made), KNOT_EOK);
		assert_true(made);
		assert_int_equal(pk_of(&first), cases[i].pk);
		struct stat st;
		assert_int_equal(stat(lab->key, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_files(lab, 1);

		assert_int_equal(load_or_make(lab, cases[i].algorithm, &second, &made), KNOT_EOK);
		assert_false(made);
		assert_string_equal(first.data, second.data);
		ms_pem_clear(&second);
		assert_null(second.data);
		assert_int_equal(load(lab, &second), KNOT_EOK);
		assert_int_equal(first.len, second.len);
		assert_int_equal(strlen(second.data), second.len);
		ms_pem_clear(&first);
		ms_pem_clear(&second);
		assert_int_equal(unlink(lab->key), 0);
	}
	umask(022);
}

static void test_not_made(void **state)
{
	lab_t *lab = *state;
	ms_pem_t pem = { 0 };
	bool made = true;
	assert_int_equal(load_or_make(lab, 8, &pem, &made), KNOT_ENOTSUP);
	assert_non_null(strstr(lab->reason, "algorithm 8"));
	assert_int_equal(load(lab, &pem), KNOT_ENOENT);
	assert_non_null(strstr(lab->reason, lab->key));
	assert_files(lab, 0);
	snprintf(lab->key, sizeof(lab->key), "%s/missing/agent.pem", lab->dir);
	assert_int_equal(load_or_make(lab, 15, &pem, &made), KNOT_ENOENT);
	assert_non_null(strstr(lab->reason, "directory must be writable"));
	assert_true(made);
	assert_null(pem.data);
}

static void write_key(const lab_t *lab, const char *data, size_t len, mode_t mode)
{
	(void)unlink(lab->key);
	int fd = open(lab->key, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len && fchmod(fd, mode) == 0);
	close(fd);
}

static void test_refused_files(void **state)
{
	lab_t *lab = *state;
	ms_pem_t good = { 0 };
	bool made;
	assert_int_equal(load_or_make(lab, 15, &good, &made), KNOT_EOK);
	static char huge[MS_KEYRING_FILE_MAX + 1];
	memset(huge, '\n', sizeof(huge));
	const char *sec1 = "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
	const struct {
		const char *what;
		const char *data;
		size_t len;
		mode_t mode;
		int ret;
		const char *words;
	} cases[] = {
		{ "good", good.data, good.len, 0600, KNOT_EOK, "" },
		{ "read-only", good.data, good.len, 0400, KNOT_EOK, "" },
		{ "group may read", good.data, good.len, 0640, KNOT_EDENIED, "mode 0640" },
		{ "world may read", good.data, good.len, 0604, KNOT_EDENIED, "chmod 600 /" },
		{ "group may write", good.data, good.len, 0620, KNOT_EDENIED, "chmod 600" },
		{ "empty", "", 0, 0600, KNOT_EMALF, "empty" },
		{ "cut", good.data, good.len / 2, 0600, KNOT_EMALF, "PKCS#8" },
		{ "not PKCS#8", sec1, strlen(sec1), 0600, KNOT_EMALF, "PKCS#8" },
		{ "longest, no key", huge, sizeof(huge) - 1, 0600, KNOT_EMALF, "PKCS#8" },
		{ "too long", huge, sizeof(huge), 0600, KNOT_EMALF, "longer than" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		write_key(lab, cases[i].data, cases[i].len, cases[i].mode);
		ms_pem_t pem = { 0 };
		assert_int_equal(load_or_make(lab, 15, &pem, &made), cases[i].ret);
		assert_non_null(strstr(lab->reason, cases[i].words));
		assert_true(cases[i].ret == KNOT_EOK || strstr(lab->reason, lab->key) != NULL);
		assert_true((pem.data != NULL) == (cases[i].ret == KNOT_EOK));
		assert_null(strstr(lab->reason, "MC4CAQ")); /* how an ED25519 key begins */
		ms_pem_clear(&pem);
	}
	ms_pem_clear(&good);
}

static void test_not_regular(void **state)
{
	lab_t *lab = *state;
	ms_pem_t pem = { 0 };
	assert_int_equal(mkdir(lab->key, 0700), 0);
	assert_int_equal(load(lab, &pem), KNOT_EDENIED);
	assert_non_null(strstr(lab->reason, "regular file"));
	assert_int_equal(rmdir(lab->key), 0);
	assert_int_equal(mkfifo(lab->key, 0600), 0);
	assert_int_equal(load(lab, &pem), KNOT_EDENIED);
	assert_non_null(strstr(lab->reason, "regular file"));
}

static void test_dangling_link(void **state)
{
	lab_t *lab = *state;
	ms_pem_t pem = { 0 };
	bool made;
	assert_int_equal(symlink("nowhere", lab->key), 0);
	assert_int_equal(load_or_make(lab, 15, &pem, &made), KNOT_ENOENT);
	assert_files(lab, 1);
	assert_null(pem.data);
}

static pid_t in_child(int (*body)(lab_t *), lab_t *lab)
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(body(lab));
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_without_rights(lab_t *lab)
{
	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
		return 2;
	}
	ms_pem_t pem = { 0 };
	bool made;
	int ret = load_or_make(lab, 15, &pem, &made);
	return ret == KNOT_EACCES && strstr(lab->reason, lab->key) != NULL ? 0 : 1;
}

static void test_no_rights(void **state)
{
	lab_t *lab = *state;
	assert_int_equal(chmod(lab->dir, 0555), 0);
	assert_int_equal(status_of(in_child(open_without_rights, lab)), 0); /* may not make it */
	assert_int_equal(chmod(lab->dir, 0755), 0);
	write_key(lab, "x", 1, 0000);
	assert_int_equal(status_of(in_child(open_without_rights, lab)), 0); /* may not read it */
}

static int race(lab_t *lab)
{
	ms_pem_t pem = { 0 };
	bool made = false;
	if (load_or_make(lab, 15, &pem, &made) != KNOT_EOK) {
		return 3;
	}
	char mine[128];
	snprintf(mine, sizeof(mine), "%s/seen.%d", lab->dir, (int)getpid());
	int fd = open(mine, O_WRONLY | O_CREAT | O_EXCL, 0600);
	int ret = write(fd, pem.data, pem.len) == (ssize_t)pem.len ? made : 3;
	close(fd);
	ms_pem_clear(&pem);
	return ret;
}

/* Of several processes one makes the key, and all use that one. */
static void test_race(void **state)
{
	lab_t *lab = *state;
	pid_t pids[RACERS];
	int made = 0;
	for (int i = 0; i < RACERS; i++) {
		pids[i] = in_child(race, lab);
	}
	for (int i = 0; i < RACERS; i++) {
		int status = status_of(pids[i]);
		assert_true(status == 0 || status == 1);
		made += status;
	}
	assert_int_equal(made, 1);
	ms_pem_t pem = { 0 };
	assert_int_equal(load(lab, &pem), KNOT_EOK);
	for (int i = 0; i < RACERS; i++) {
		char path[128], seen[MS_KEYRING_FILE_MAX] = "";
		snprintf(path, sizeof(path), "%s/seen.%d", lab->dir, (int)pids[i]);
		int fd = open(path, O_RDONLY);
		assert_true(fd >= 0 && read(fd, seen, sizeof(seen) - 1) > 0);
		close(fd);
		assert_string_equal(seen, pem.data);
	}
	assert_files(lab, 1 + RACERS);
	ms_pem_clear(&pem);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make_and_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_made, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_regular, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dangling_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_rights, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_race, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
