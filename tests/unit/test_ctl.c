/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control client and zone editing against servers that behave badly. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "base/compat.h"
#include "io/zonedit.h"
#include "scratch.h"

#define ZONE ((const knot_dname_t *)"\x01" "z" "\x07" "example")
#define NOBODY 65534
/* What the header promises for a stop, whatever the server does. */
#define STOP_MS 1500
#define FLOOD 200

typedef enum { ANSWER, HOLD, CLOSE, SAY, FOREIGN } manner_t;

/* A server that answers like knotd with one small zone, but for the command `at`. */
typedef struct {
	manner_t manner;
	const char *at;
	const char *text;
	atomic_bool *raise;      /* Raised when `at` comes. */
	atomic_bool over;
	knot_ctl_t *raw;
	pthread_t thread;
	char seen[512];          /* The commands; read after the join. */
} fake_t;

typedef struct {
	char dir[SCRATCH_LEN];
	char sock[96];
	char reason[MS_CTL_REASON_MAX];
} lab_t;

static int set_up(void **state)
{
	lab_t *lab = calloc(1, sizeof(*lab));
	assert_non_null(lab);
	scratch_make(lab->dir, "ctl");
	assert_int_equal(chmod(lab->dir, 0755), 0);
	snprintf(lab->sock, sizeof(lab->sock), "%s/sock", lab->dir);
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

static void send_data(fake_t *fake, knot_ctl_type_t type, const char *what, const char *value)
{
	knot_ctl_data_t data = { [KNOT_CTL_IDX_ZONE] = "z.example.", [KNOT_CTL_IDX_TTL] = "60",
	                         [KNOT_CTL_IDX_TYPE] = what, [KNOT_CTL_IDX_DATA] = value };
	(void)knot_ctl_send(fake->raw, type, &data);
}

static void answer(fake_t *fake, const char *cmd, const char *type, bool at)
{
	if (at && fake->manner == SAY) {
		knot_ctl_data_t data = { [KNOT_CTL_IDX_CMD] = cmd, [KNOT_CTL_IDX_ERROR] = fake->text };
		(void)knot_ctl_send(fake->raw, KNOT_CTL_TYPE_DATA, &data);
	} else if (strcmp(cmd, "zone-status") == 0) {
		send_data(fake, KNOT_CTL_TYPE_DATA, "role", "master");
		send_data(fake, KNOT_CTL_TYPE_EXTRA, "serial", "7");
		send_data(fake, KNOT_CTL_TYPE_EXTRA, "transaction", fake->manner == FOREIGN ? "open" : "-");
	} else if (strcmp(cmd, "zone-get") == 0 && type[0] == '\0') {
		send_data(fake, KNOT_CTL_TYPE_DATA, "SOA", "a. b. 7 1 1 1 1");
	}
	(void)knot_ctl_send(fake->raw, KNOT_CTL_TYPE_BLOCK, NULL);
}

/* One connection, until the client has enough or `at` comes. */
static void serve(fake_t *fake)
{
	bool held = false;
	char cmd[32] = "", type[32] = "";
	for (;;) {
		knot_ctl_type_t unit;
		knot_ctl_data_t data = { 0 };
		if (knot_ctl_receive(fake->raw, &unit, &data) != KNOT_EOK ||
		    unit == KNOT_CTL_TYPE_END) {
			return;
		}
		if (unit != KNOT_CTL_TYPE_BLOCK) {
			snprintf(cmd, sizeof(cmd), "%s", data[KNOT_CTL_IDX_CMD]);
			snprintf(type, sizeof(type), "%s", data[KNOT_CTL_IDX_TYPE] != NULL ?
			         data[KNOT_CTL_IDX_TYPE] : "");
			continue;
		}
		strcat(strcat(fake->seen, cmd + (strncmp(cmd, "zone-", 5) == 0 ? 5 : 0)), " ");
		bool at = fake->at != NULL && strcmp(fake->at, cmd) == 0;
		if (at && fake->raise != NULL) {
			atomic_store(fake->raise, true);
		}
		if (at && fake->manner == CLOSE) {
			return;
		}
		held = held || (at && fake->manner == HOLD);
		if (!held) {
			answer(fake, cmd, type, at);
		}
	}
}

static void *fake_main(void *ctx)
{
	fake_t *fake = ctx;
	for (;;) {
		int ret = knot_ctl_accept(fake->raw);
		if (atomic_load(&fake->over)) {
			return NULL;
		}
		if (ret == KNOT_EOK) {
			serve(fake);
			knot_ctl_close(fake->raw);
		}
	}
}

static void start_fake(fake_t *fake, const lab_t *lab)
{
	fake->raw = knot_ctl_alloc();
	assert_non_null(fake->raw);
	knot_ctl_set_timeout(fake->raw, 5000);
	assert_int_equal(MS_COMPAT_CTL_BIND(fake->raw, lab->sock), KNOT_EOK);
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_main, fake), 0);
}

static void stop_fake(fake_t *fake, const lab_t *lab)
{
	atomic_store(&fake->over, true);
	knot_ctl_t *wake = knot_ctl_alloc();
	(void)knot_ctl_connect(wake, lab->sock);
	pthread_join(fake->thread, NULL);
	knot_ctl_close(wake);
	knot_ctl_free(wake);
	knot_ctl_close(fake->raw);
	knot_ctl_unbind(fake->raw);
	knot_ctl_free(fake->raw);
}

/* Adds one TXT record to z.example. */
static int edit(const lab_t *lab, const atomic_bool *stop, ms_zonedit_t *out, int64_t *took)
{
	uint8_t room[64];
	knot_rdata_t *rdata = (knot_rdata_t *)room;
	knot_rdata_init(rdata, 3, (const uint8_t *)"\x02hi");
	ms_rrset_t add = { 60, { .count = 1, .size = knot_rdata_size(3), .rdata = rdata } };
	ms_change_t change = { .owner = ZONE, .rrtype = KNOT_RRTYPE_TXT, .ttl = 60, .add = &add };
	int64_t start = now_ms();
	int ret = ms_zonedit(lab->sock, stop, ZONE, &change, 1, NULL, out);
	*took = now_ms() - start;
	return ret;
}

#define UP_TO_SET "status begin get set "
static const struct {
	const char *what;
	manner_t manner;
	const char *at;
	const char *text;
	int ret;
	const char *seen;
	size_t refused;
} CASES[] = {
	{ "well", ANSWER, NULL, NULL, KNOT_EOK, UP_TO_SET "commit ", 0 },
	{ "foreign transaction", FOREIGN, NULL, NULL, KNOT_EBUSY, "status ", 0 },
	{ "holds status", HOLD, "zone-status", NULL, KNOT_EBUSY, "status ", 0 },
	{ "holds begin", HOLD, "zone-begin", NULL, KNOT_EBUSY, "status begin abort ", 0 },
	{ "holds get", HOLD, "zone-get", NULL, KNOT_EBUSY, "status begin get abort ", 0 },
	{ "holds set", HOLD, "zone-set", NULL, KNOT_EBUSY, UP_TO_SET "abort ", 0 },
	{ "holds commit", HOLD, "zone-commit", NULL, KNOT_EBUSY, UP_TO_SET "commit abort ", 0 },
	{ "closes at status", CLOSE, "zone-status", NULL, KNOT_EBUSY, "status ", 0 },
	{ "closes at begin", CLOSE, "zone-begin", NULL, KNOT_EBUSY, "status begin abort ", 0 },
	{ "closes at set", CLOSE, "zone-set", NULL, KNOT_EBUSY, UP_TO_SET "abort ", 0 },
	{ "closes at commit", CLOSE, "zone-commit", NULL, KNOT_EBUSY, UP_TO_SET "commit abort ", 0 },
	{ "no such zone", SAY, "zone-status", "no such zone found", KNOT_ENOZONE, "status ", 0 },
	{ "busy", SAY, "zone-begin", "requested resource is busy", KNOT_EBUSY, "status begin ", 0 },
	{ "foreign transaction begun meanwhile", SAY, "zone-begin", "too many transactions",
	  KNOT_EBUSY, "status begin ", 0 },
	{ "try again", SAY, "zone-begin", "OK, try again", KNOT_EBUSY, "status begin ", 0 },
	{ "not supported", SAY, "zone-begin", "operation not supported", KNOT_ENOTSUP,
	  "status begin ", 0 },
	{ "zone expired: not ours any more", SAY, "zone-set", "no active transaction", KNOT_EBUSY,
	  UP_TO_SET, 0 },
	{ "record refused", SAY, "zone-set", "parser failed", KNOT_EOK, UP_TO_SET "abort ", 1 },
	{ "record is there", SAY, "zone-set", "such record already exists in zone", KNOT_EOK,
	  UP_TO_SET "abort ", 0 },
	{ "semantic check", SAY, "zone-commit", "semantic check", KNOT_EOK,
	  UP_TO_SET "commit abort ", 1 },
	{ "unknown trouble", SAY, "zone-commit", "flux", KNOT_ERROR, UP_TO_SET "commit abort ", 0 },
};

static void test_manners(void **state)
{
	lab_t *lab = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
		print_message("# %s\n", CASES[i].what);
		fake_t fake = { .manner = CASES[i].manner, .at = CASES[i].at, .text = CASES[i].text };
		start_fake(&fake, lab);
		ms_zonedit_t out;
		int64_t took = 0;
		int ret = edit(lab, NULL, &out, &took);
		stop_fake(&fake, lab);
		assert_int_equal(ret, CASES[i].ret);
		assert_string_equal(fake.seen, CASES[i].seen);
		assert_int_equal(out.refused_count, CASES[i].refused);
		assert_int_equal(out.added, i == 0 ? 1 : 0);
		assert_true((out.reason[0] != '\0') == (ret != KNOT_EOK));
		assert_true(took < STOP_MS);
		if (out.refused_count > 0) {
			assert_non_null(strstr(out.refused[0].reason, CASES[i].text));
		}
		ms_zonedit_clear(&out);
	}
}

/* The flag goes up while the server holds us, or between two steps. */
static void test_stop(void **state)
{
	lab_t *lab = *state;
	const struct {
		manner_t manner;
		const char *at;
		const char *seen;
	} cases[] = {
		{ HOLD, "zone-status", "status " },
		{ HOLD, "zone-commit", UP_TO_SET "commit abort " },
		{ ANSWER, "zone-begin", "status begin abort " },
		{ ANSWER, "zone-set", UP_TO_SET "abort " },
		{ ANSWER, NULL, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].at != NULL ? cases[i].at : "from the beginning");
		atomic_bool stop = cases[i].at == NULL;
		fake_t fake = { .manner = cases[i].manner, .at = cases[i].at, .raise = &stop };
		start_fake(&fake, lab);
		ms_zonedit_t out;
		int64_t took = 0;
		int ret = edit(lab, &stop, &out, &took);
		stop_fake(&fake, lab);
		assert_int_equal(ret, KNOT_EBUSY);
		assert_string_equal(fake.seen, cases[i].seen);
		assert_true(took < STOP_MS);
	}
}

static int listen_at(const lab_t *lab, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", lab->sock);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

typedef struct {
	int fd;
	const char *bytes;
	size_t len;
} babbler_t;

static void *babble(void *ctx)
{
	const babbler_t *babbler = ctx;
	char command[512];
	int fd = accept(babbler->fd, NULL, NULL);
	if (read(fd, command, sizeof(command)) > 0) {
		(void)!write(fd, babbler->bytes, babbler->len);
	}
	while (read(fd, command, sizeof(command)) > 0) {
	}
	close(fd);
	return NULL;
}

static void test_garbage(void **state)
{
	lab_t *lab = *state;
	static const struct {
		const char *what;
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "letters", "HTTP/1.1 400 Bad Request\r\n\r\n", 28 },
		{ "ones", "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },
		{ "a unit cut in its value", "\x01\x12\xff\xff" "abc", 7 },
		{ "end at once", "\x00", 1 },
		{ "nothing", "", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		babbler_t babbler = { listen_at(lab, 1), cases[i].bytes, cases[i].len };
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, babble, &babbler), 0);
		int ret = ms_ctl_zone_do(lab->sock, NULL, "zone-refresh", ZONE, lab->reason,
		                         sizeof(lab->reason));
		assert_true(ret == KNOT_EMALF || ret == KNOT_EBUSY);
		pthread_join(thread, NULL);
		close(babbler.fd);
		assert_int_equal(unlink(lab->sock), 0);
	}
}

static int open_once(lab_t *lab)
{
	ms_ctl_t ctl;
	lab->reason[0] = '\0';
	int ret = ms_ctl_open(&ctl, lab->sock, NULL, lab->reason, sizeof(lab->reason));
	if (ret == KNOT_EOK) {
		ms_ctl_close(&ctl);
	}
	return ret;
}

static void test_no_server(void **state)
{
	lab_t *lab = *state;
	assert_int_equal(open_once(lab), KNOT_EBUSY);
	assert_non_null(strstr(lab->reason, "control.listen"));
	int fd = listen_at(lab, 1);
	assert_int_equal(open_once(lab), KNOT_EOK);
	uid_t user = geteuid();
	assert_int_equal(chmod(lab->sock, 0), 0);
	assert_int_equal(user == 0 ? seteuid(NOBODY) : 0, 0);
	assert_int_equal(open_once(lab), KNOT_EACCES);
	assert_int_equal(seteuid(user), 0);
	assert_non_null(strstr(lab->reason, "permission"));
	close(fd);
	assert_int_equal(chmod(lab->sock, 0600), 0);
	assert_int_equal(open_once(lab), KNOT_EBUSY); /* left by a knotd that died */

	ms_ctl_t ctl;
	char longest[256] = "";
	memset(longest, 'x', sizeof(longest) - 1);
	assert_int_equal(ms_ctl_open(&ctl, longest, NULL, NULL, 0), KNOT_EINVAL);
}

/* A server that never accepts: its queue fills up, and nobody must wait for room in it. */
static void test_full_queue(void **state)
{
	lab_t *lab = *state;
	int fd = listen_at(lab, 2);
	ms_ctl_t open[FLOOD];
	int count = 0, ret = KNOT_EOK;
	int64_t start = now_ms();
	while (ret == KNOT_EOK && count < FLOOD) {
		ret = ms_ctl_open(&open[count], lab->sock, NULL, lab->reason, sizeof(lab->reason));
		count += ret == KNOT_EOK ? 1 : 0;
	}
	assert_int_equal(ret, KNOT_EBUSY);
	assert_true(now_ms() - start < STOP_MS);
	while (count > 0) {
		ms_ctl_close(&open[--count]);
	}
	close(fd);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_manners, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_server, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_queue, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
