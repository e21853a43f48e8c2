/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A private Internet for test_resolver.c: a knotd with a signed root on 127.53.200.1, one with the
 * zones below it on 127.53.200.2, and a forwarder that does not validate on 127.53.200.3. Referrals
 * carry no ports, so it has to be port 53: where we may not have it, in a network namespace.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT_IP  "127.53.200.1"
#define ZONES_IP "127.53.200.2"
#define FWD_IP   "127.53.200.3"
#define FWD_PORT 5353
#define KNOTD    "/usr/sbin/knotd"
#define KNOTC    "/usr/sbin/knotc"
#define UNBOUND  "/usr/sbin/unbound"
#define START_TRIES 1000 /* of 10 ms */

static struct {
	char dir[64];
	pid_t pids[3];
	unsigned pid_count;
} net;

static bool can_bind(const char *ip, int type)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(53) };
	int one = 1, fd = socket(AF_INET, type, 0);
	bool good = inet_pton(AF_INET, ip, &addr.sin_addr) == 1 &&
	            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	            bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
	close(fd);
	return good;
}

static bool write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* What `unshare -rn` does, and the loopback up. */
static bool enter_namespace(void)
{
	char uids[32], gids[32];
	snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 ||
	    !write_proc("/proc/self/setgroups", "deny") ||
	    !write_proc("/proc/self/uid_map", uids) || !write_proc("/proc/self/gid_map", gids)) {
		return false;
	}
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool up = ioctl(fd, SIOCSIFFLAGS, &req) == 0;
	close(fd);
	return up;
}

/*! Debian moved it when it became a package of its own (3.5). */
static const char *keymgr(void)
{
	static const char *const OLD = "/usr/sbin/keymgr";
	return access(OLD, X_OK) == 0 ? OLD : "/usr/bin/keymgr";
}

/*! \return Why the test cannot run here; NULL if it can. */
static const char *ensure_port_53(void)
{
	if (access(KNOTD, X_OK) != 0 || access(keymgr(), X_OK) != 0) {
		return KNOTD " or keymgr is not installed";
	}
	if ((can_bind(ROOT_IP, SOCK_DGRAM) && can_bind(ROOT_IP, SOCK_STREAM) &&
	     can_bind(ZONES_IP, SOCK_DGRAM) && can_bind(ZONES_IP, SOCK_STREAM)) ||
	    enter_namespace()) {
		return NULL;
	}
	return "port 53 of " ROOT_IP " cannot be had, nor a network namespace";
}

static void write_text(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", net.dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

static void start(const char *program, const char *conf, const char *flag)
{
	char path[128], log[128];
	snprintf(path, sizeof(path), "%s/%s", net.dir, conf);
	snprintf(log, sizeof(log), "%s/log", net.dir);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(program, program, "-c", path, flag, (char *)NULL);
		_exit(127);
	}
	net.pids[net.pid_count++] = pid;
}

static int command(const char *fmt, const char *a, const char *b)
{
	char line[512];
	snprintf(line, sizeof(line), fmt, net.dir, a, b);
	return system(line);
}

static void start_knotd(const char *name, const char *ip, const char *zones)
{
	char conf[2048], file[64], dir[128];
	snprintf(dir, sizeof(dir), "%s/%s", net.dir, name);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(conf, sizeof(conf),
	         "server:\n  rundir: %s\n  listen: %s@53\n  udp-workers: 1\n  tcp-workers: 1\n"
	         "control:\n  listen: knot.sock\ndatabase:\n  storage: %s\n"
	         "policy:\n  - id: single\n    algorithm: ED25519\n    single-type-signing: on\n"
	         "    cds-cdnskey-publish: none\n"
	         "template:\n  - id: default\n    storage: %s\n    zonefile-sync: -1\n"
	         "    zonefile-load: difference-no-serial\n    journal-content: all\n"
	         "    dnssec-policy: single\nzone:\n%s", dir, ip, dir, net.dir, zones);
	snprintf(file, sizeof(file), "%s.conf", name);
	write_text(file, conf);
	start(KNOTD, file, NULL);
	int ret = -1;
	for (int i = 0; i < START_TRIES && ret != 0; i++) {
		ret = command(KNOTC " -s %s/%s/knot.sock status >/dev/null 2>&1", name, NULL);
		(void)poll(NULL, 0, ret != 0 ? 10 : 0);
	}
	assert_int_equal(ret, 0);
}

static unsigned try_ds(char *text, size_t max, const char *server, const char *zone,
                       const char *owner)
{
	char line[512], rdata[256];
	snprintf(line, sizeof(line), "%s -D %s/%s/keys %s ds", keymgr(), net.dir, server, zone);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	unsigned found = 0;
	while (fgets(line, sizeof(line), pipe) != NULL) {
		if (sscanf(line, "%*s DS %255[0-9A-Za-z ]", rdata) == 1) {
			size_t len = strlen(text);
			snprintf(text + len, max - len, "%s 3600 IN DS %s\n", owner, rdata);
			found++;
		}
	}
	assert_int_equal(pclose(pipe), 0);
	return found;
}

/*! The DS of \a zone under \a owner, as zone file text, appended to \a text. Its keys are made when
 *  the zone is signed first, which may be after knotd listens. */
static void append_ds(char *text, size_t max, const char *server, const char *zone,
                      const char *owner)
{
	unsigned found = 0;
	for (int i = 0; i < START_TRIES && found == 0; i++) {
		found = try_ds(text, max, server, zone, owner);
		(void)poll(NULL, 0, found == 0 ? 10 : 0);
	}
	assert_true(found > 0);
}

/*! Writes a zone file for the server of the zones; \a loaded: and has it read again. */
static void publish(const char *zone, const char *records, bool loaded)
{
	char file[64], text[8192];
	snprintf(file, sizeof(file), "%szone", zone);
	snprintf(text, sizeof(text), "$ORIGIN %s\n$TTL 3600\n@ SOA ns admin 1 3600 600 86400 3600\n"
	         "@ NS ns\nns A " ZONES_IP "\n%s", zone, records);
	write_text(file, text);
	if (loaded) {
		assert_int_equal(command(KNOTC " -b -s %s/zones/knot.sock zone-reload %s%s >/dev/null",
		                         zone, ""), 0);
	}
}

/*! \a good is signed, `bogus.` has a DS of another key, `plain.` has none, `dead.` no server. */
static void start_net(const char *good, const char *other)
{
	char root[4096] = ". 3600 SOA ns.root. admin.root. 1 3600 600 86400 3600\n"
		". 3600 NS ns.root.\nns.root. 3600 A " ROOT_IP "\n"
		"good. 3600 NS ns.good.\nns.good. 3600 A " ZONES_IP "\n"
		"bogus. 3600 NS ns.bogus.\nns.bogus. 3600 A " ZONES_IP "\n"
		"plain. 3600 NS ns.plain.\nns.plain. 3600 A " ZONES_IP "\n"
		"dead. 3600 NS ns.dead.\nns.dead. 3600 A 127.53.200.99\n";
	char anchor[1024] = "";
	strcpy(net.dir, "/tmp/ms-resolver.XXXXXX");
	assert_non_null(mkdtemp(net.dir));
	publish("good.", good, false);
	publish("bogus.", other, false);
	publish("plain.", other, false);
	start_knotd("zones", ZONES_IP, "  - domain: good.\n    dnssec-signing: on\n"
	            "  - domain: bogus.\n    dnssec-signing: on\n  - domain: plain.\n");
	append_ds(root, sizeof(root), "zones", "good.", "good.");
	append_ds(root, sizeof(root), "zones", "good.", "bogus.");
	write_text("root.zone", root);
	start_knotd("root", ROOT_IP, "  - domain: .\n    dnssec-signing: on\n    file: root.zone\n");
	append_ds(anchor, sizeof(anchor), "root", ".", ".");
	write_text("root.ds", anchor);
	write_text("root.hints", ". 3600000 NS ns.root.\nns.root. 3600000 A " ROOT_IP "\n");
}

/*! A resolver that validates nothing. \return false where there is no unbound. */
static bool start_forwarder(void)
{
	char conf[1024];
	if (access(UNBOUND, X_OK) != 0) {
		return false;
	}
	snprintf(conf, sizeof(conf), "server:\n  interface: " FWD_IP "@%u\n  module-config: iterator\n"
	         "  access-control: 127.0.0.0/8 allow\n  chroot: \"\"\n  username: \"\"\n"
	         "  pidfile: \"\"\n  directory: %s\n  use-syslog: no\n  do-daemonize: no\n"
	         "  do-ip6: no\n  num-threads: 1\n  do-not-query-localhost: no\n"
	         "  root-hints: %s/root.hints\nremote-control:\n  control-enable: no\n", FWD_PORT,
	         net.dir, net.dir);
	write_text("unbound.conf", conf);
	start(UNBOUND, "unbound.conf", "-d");
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(FWD_PORT) };
	assert_int_equal(inet_pton(AF_INET, FWD_IP, &addr.sin_addr), 1);
	int ret = -1;
	for (int i = 0; i < START_TRIES && ret != 0; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		ret = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
		close(fd);
		(void)poll(NULL, 0, ret != 0 ? 10 : 0);
	}
	assert_int_equal(ret, 0);
	return true;
}

static int stop_net(void **state)
{
	for (unsigned i = 0; i < net.pid_count; i++) {
		kill(net.pids[i], SIGKILL);
		waitpid(net.pids[i], NULL, 0);
	}
	return net.dir[0] != '\0' ? command("rm -rf %s", NULL, NULL) : 0;
}
