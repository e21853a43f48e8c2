/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A real knotd for a test program: in a directory of its own, on a free port of 127.0.0.1, with the
 * primary zone z.example. (not signed, semantic checks on) and empty.example. (never loaded).
 * Use start_knotd() and stop_knotd() as group set-up and teardown. Where knotd is not installed,
 * lab.pid is 0 and need_knotd() skips the test. LAB_POLICIES and LAB_ZONES, where defined before,
 * are further text of the configuration.
 */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/ctl.h"

#define KNOTD "/usr/sbin/knotd"
#define START_TRIES 500 /* of 20 ms */
#ifndef LAB_ZONES
#define LAB_POLICIES ""
#define LAB_ZONES ""
#endif

static struct {
	char dir[64];
	char sock[96];
	unsigned port;
	pid_t pid;
} lab;

static const char ZONE_FILE[] =
	"$ORIGIN z.example.\n"
	"@ 3600 SOA ns1 admin 1 3600 600 86400 60\n"
	"@ 3600 NS ns1\nns1 3600 A 127.0.0.1\n"
	"alias 60 CNAME ns1\ntext 120 TXT \"old\"\n";

static void write_file(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", lab.dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

static unsigned free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	close(fd);
	return ntohs(addr.sin_port);
}

static int status(const char *zone, ms_ctl_zone_t *out)
{
	ms_ctl_t ctl;
	char reason[MS_CTL_REASON_MAX];
	int ret = ms_ctl_open(&ctl, lab.sock, NULL, reason, sizeof(reason));
	if (ret == KNOT_EOK) {
		ret = ms_ctl_zone_status(&ctl, zone, out);
		ms_ctl_close(&ctl);
	}
	return ret;
}

static int start_knotd(void **state)
{
	strcpy(lab.dir, "/tmp/ms-zonedit.XXXXXX");
	assert_non_null(mkdtemp(lab.dir));
	snprintf(lab.sock, sizeof(lab.sock), "%s/knot.sock", lab.dir);
	if (access(KNOTD, X_OK) != 0) {
		return 0;
	}
	char conf[2048];
	lab.port = free_port();
	snprintf(conf, sizeof(conf),
	         "server:\n  rundir: %s\n  listen: 127.0.0.1@%u\n"
	         "control:\n  listen: knot.sock\ndatabase:\n  storage: %s\n"
	         LAB_POLICIES "template:\n  - id: default\n    storage: %s\n    zonefile-sync: -1\n"
	         "    semantic-checks: on\n"
	         "zone:\n  - domain: z.example.\n    file: z.zone\n  - domain: empty.example.\n"
	         LAB_ZONES, lab.dir, lab.port, lab.dir, lab.dir);
	write_file("knot.conf", conf);
	write_file("z.zone", ZONE_FILE);
	char path[128], log[128];
	snprintf(path, sizeof(path), "%s/knot.conf", lab.dir);
	snprintf(log, sizeof(log), "%s/log", lab.dir);
	fflush(NULL);
	lab.pid = fork();
	if (lab.pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(KNOTD, "knotd", "-c", path, (char *)NULL);
		_exit(127);
	}
	ms_ctl_zone_t zone = { 0 };
	for (int i = 0; i < START_TRIES && !zone.loaded; i++) {
		if (waitpid(lab.pid, NULL, WNOHANG) != 0) {
			lab.pid = 0;
			return 1;
		}
		(void)status("z.example.", &zone);
		(void)poll(NULL, 0, zone.loaded ? 0 : 20);
	}
	return zone.loaded ? 0 : 1;
}

static int stop_knotd(void **state)
{
	if (lab.pid > 0) {
		kill(lab.pid, SIGKILL);
		waitpid(lab.pid, NULL, 0);
	}
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", lab.dir);
	return system(cmd);
}

static void need_knotd(void)
{
	if (lab.pid == 0) {
		print_message("# " KNOTD " is not installed\n");
		skip();
	}
}
