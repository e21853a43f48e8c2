/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks at the apex of a zone at several servers at once, by queries at a fixed rate and by
 * transfers one after the other, and prints what it saw: one line for each run of equal looks.
 *
 *   watch [-r RATE] [-p MILLISECONDS] [-s SECONDS] ZONE NAME,ADDRESS,TYPE...
 *
 * TYPE is SOA, NS, TXT, DNSKEY or AXFR. RATE is queries per second for each target, 0: the next one
 * as soon as the answer is there. A transfer ends where the apex ends; -p pauses between two. Runs
 * until the standard input ends, or for SECONDS. Lines (tabs between; seconds of CLOCK_MONOTONIC):
 *
 *   ready                                             every target has answered (not with RATE 0)
 *   seen  NAME  TYPE  FIRST  LAST  COUNT  WHAT        looks in a row that saw the same
 *   rate  NAME  TYPE  ASKED  ANSWERED  SECONDS  GAP   GAP: longest time between two answers
 */
#include <arpa/inet.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "look.h"

#define TARGETS_MAX 32
#define QUERY_MAX 512
#define ANSWER_MAX 65535
#define TRANSFER_BUFFER (64 * 1024) /* What a server may send in vain after the apex. */
#define TRANSFER_TIMEOUT 5          /* Seconds without an octet. */
#define EAGER (-10)                 /* Niceness of the queries: they must not wait. */
#define LAST_ANSWERS 50000000       /* Nanoseconds until the last question must be answered. */
#define LOST 100                    /* Milliseconds without any answer: ask again. */
#define AFTER_FAILURE 1000000       /* Nanoseconds: a refusal is no reason to ask in a busy loop. */

typedef struct {
	const char *name;
	const char *type;
	struct sockaddr_in addr;
	int fd;
	uint16_t qtype;
	uint64_t asked, answered;
	double first, last, gap;           /* Time of answers. */
	double run_first, run_last;
	uint64_t run_count;
	char run[LOOK_MAX];
} target_t;

static target_t targets[TARGETS_MAX];
static unsigned target_count;
static knot_dname_storage_t zone;
static double rate = 1000, pause_between = 0, seconds = 0;
static atomic_bool stopped;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void wait_ns(long ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	nanosleep(&t, NULL);
}

static void end_run(target_t *t)
{
	if (t->run_count > 0) {
		printf("seen\t%s\t%s\t%.6f\t%.6f\t%llu\t%s\n", t->name, t->type, t->run_first,
		       t->run_last, (unsigned long long)t->run_count, t->run);
	}
	t->run_count = 0;
}

static void note(target_t *t, const char *what, double at)
{
	if (t->answered++ == 0) {
		t->first = at;
	} else if (at - t->last > t->gap) {
		t->gap = at - t->last;
	}
	t->last = at;
	if (t->run_count == 0 || strcmp(t->run, what) != 0) {
		end_run(t);
		snprintf(t->run, sizeof(t->run), "%s", what);
		t->run_first = at;
	}
	t->run_last = at;
	t->run_count++;
}

/* With an OPT record behind, so that larger RRsets come by UDP, too. */
static size_t make_query(uint8_t *wire, size_t size, uint16_t qtype, uint16_t id)
{
	static const uint8_t opt[] = { 0, 0, KNOT_RRTYPE_OPT, 0x10, 0, 0, 0, 0, 0, 0, 0 };
	memset(wire, 0, size);
	knot_pkt_t *pkt = knot_pkt_new(wire, size, NULL);
	if (pkt == NULL || knot_pkt_put_question(pkt, zone, KNOT_CLASS_IN, qtype) != KNOT_EOK) {
		knot_pkt_free(pkt);
		return 0;
	}
	size_t len = pkt->size;
	knot_pkt_free(pkt);
	knot_wire_set_id(wire, id);
	knot_wire_set_arcount(wire, 1);
	memcpy(wire + len, opt, sizeof(opt));
	return len + sizeof(opt);
}

/* Queries */

static void ask(target_t *t)
{
	uint8_t wire[QUERY_MAX];
	size_t len = make_query(wire, sizeof(wire), t->qtype, ++t->asked);
	(void)!send(t->fd, wire, len, MSG_DONTWAIT);
}

/* When a datagram came in, which may be a while ago; the kernel says so by the other clock. */
static double came_in(struct msghdr *msg)
{
	struct timespec real, came;
	double mono = now();
	clock_gettime(CLOCK_REALTIME, &real);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&came, CMSG_DATA(c), sizeof(came));
			return mono - (real.tv_sec - came.tv_sec) - (real.tv_nsec - came.tv_nsec) / 1e9;
		}
	}
	return mono;
}

static bool hear(target_t *t)
{
	static uint8_t wire[ANSWER_MAX];
	uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov = { .iov_base = wire, .iov_len = sizeof(wire) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	                      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(t->fd, &msg, MSG_DONTWAIT);
	if (len <= 0) {
		return false;
	}
	look_t look = { 0 };
	char what[LOOK_MAX];
	look_at(&look, wire, len, zone);
	note(t, look_text(&look, what), came_in(&msg));
	return true;
}

static void hear_all(void)
{
	for (unsigned i = 0; i < target_count; i++) {
		while (targets[i].fd >= 0 && hear(&targets[i])) {
		}
	}
}

/* Says so once: from now on nothing goes unseen. */
static void tell_ready(void)
{
	static bool told = false;
	for (unsigned i = 0; i < target_count && !told; i++) {
		if (targets[i].fd >= 0 && targets[i].answered == 0) {
			return;
		}
	}
	if (!told) {
		printf("ready\n");
	}
	told = true;
}

static void ask_all(void)
{
	for (unsigned i = 0; i < target_count; i++) {
		if (targets[i].fd >= 0) {
			ask(&targets[i]);
		}
	}
}

static bool ends(double until)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char c;
	return until > 0 ? now() >= until : poll(&input, 1, 0) > 0 && read(0, &c, 1) <= 0;
}

/* At each tick: take what has come since the last one, ask anew. */
static void watch_queries(double until)
{
	double interval = 1 / rate, next = now();
	while (!ends(until)) {
		hear_all();
		tell_ready();
		ask_all();
		next = fmax(next + interval, now());
		struct timespec t = { .tv_sec = next, .tv_nsec = (next - floor(next)) * 1e9 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
	wait_ns(LAST_ANSWERS);
	hear_all();
}

/* The next question goes out as soon as the answer is there. */
static void chase_queries(double until)
{
	struct pollfd fds[TARGETS_MAX];
	for (unsigned i = 0; i < target_count; i++) {
		fds[i] = (struct pollfd){ .fd = targets[i].fd, .events = POLLIN };
	}
	ask_all();
	while (!ends(until)) {
		if (poll(fds, target_count, LOST) == 0) {
			ask_all();
		}
		for (unsigned i = 0; i < target_count; i++) {
			if (targets[i].fd >= 0 && (fds[i].revents & POLLIN) && hear(&targets[i])) {
				ask(&targets[i]);
			}
		}
	}
}

/* Transfers */

static int open_tcp(const target_t *t)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size = TRANSFER_BUFFER;
	struct timeval patience = { .tv_sec = TRANSFER_TIMEOUT };
	struct linger reset = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)); /* no TIME_WAIT for each look */
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&t->addr, sizeof(t->addr)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool read_all(int fd, uint8_t *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = recv(fd, buf + done, len - done, 0);
		if (got <= 0) {
			return false;
		}
		done += got;
	}
	return true;
}

static void transfer(target_t *t, uint8_t *wire, char *what)
{
	uint8_t query[2 + QUERY_MAX];
	size_t len = make_query(query + 2, QUERY_MAX, KNOT_RRTYPE_AXFR, ++t->asked);
	knot_wire_write_u16(query, len);
	look_t look = { 0 };
	strcpy(what, "cut");
	int fd = open_tcp(t);
	if (fd < 0) {
		return;
	}
	bool more = send(fd, query, 2 + len, MSG_NOSIGNAL) == (ssize_t)(2 + len);
	while (more && !look.complete) {
		uint8_t head[2];
		more = read_all(fd, head, 2) && read_all(fd, wire, knot_wire_read_u16(head));
		if (more) {
			look_at(&look, wire, knot_wire_read_u16(head), zone);
		}
	}
	close(fd);
	if (look.complete) {
		look_text(&look, what);
	}
}

static void *watch_transfers(void *arg)
{
	target_t *t = arg;
	uint8_t *wire = malloc(ANSWER_MAX);
	char what[LOOK_MAX];
	while (wire != NULL && !stopped) {
		transfer(t, wire, what);
		note(t, what, now());
		if (strncmp(what, "NOERROR", 7) != 0) {
			wait_ns(AFTER_FAILURE);
		} else if (pause_between > 0) {
			wait_ns(pause_between * 1e6);
		}
	}
	free(wire);
	return NULL;
}

/* Arguments */

static void die(const char *what)
{
	fprintf(stderr, "watch: %s\nusage: watch [-r RATE] [-p MILLISECONDS] [-s SECONDS] ZONE "
	        "NAME,ADDRESS,TYPE...\n", what);
	exit(2);
}

static void add_target(char *text)
{
	if (target_count == TARGETS_MAX) {
		die("too many targets");
	}
	target_t *t = &targets[target_count++];
	t->name = strsep(&text, ",");
	const char *address = strsep(&text, ",");
	t->type = text;
	t->fd = -1;
	t->addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(53) };
	if (text == NULL || inet_pton(AF_INET, address, &t->addr.sin_addr) != 1 ||
	    knot_rrtype_from_string(text, &t->qtype) != 0) {
		die("a target is NAME,ADDRESS,TYPE");
	}
	if (t->qtype != KNOT_RRTYPE_AXFR) {
		t->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		setsockopt(t->fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){ 1 }, sizeof(int));
		if (t->fd < 0 || connect(t->fd, (struct sockaddr *)&t->addr, sizeof(t->addr)) != 0) {
			die("no socket to a target");
		}
	}
}

static void arguments(int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "r:p:s:")) != -1;) {
		switch (option) {
		case 'r': rate = atof(optarg); break;
		case 'p': pause_between = atof(optarg); break;
		case 's': seconds = atof(optarg); break;
		default: die("unknown option");
		}
	}
	if (argc - optind < 2 || knot_dname_from_str(zone, argv[optind], sizeof(zone)) == NULL) {
		die("a zone and a target are needed");
	}
	while (++optind < argc) {
		add_target(argv[optind]);
	}
}

int main(int argc, char **argv)
{
	arguments(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_t threads[TARGETS_MAX];
	for (unsigned i = 0; i < target_count; i++) {
		if (targets[i].fd < 0 && pthread_create(&threads[i], NULL, watch_transfers, &targets[i])) {
			die("no thread");
		}
	}
	/* Of this thread alone, and only as root: the others are as nice as the servers. */
	(void)!setpriority(PRIO_PROCESS, gettid(), EAGER);
	(rate > 0 ? watch_queries : chase_queries)(seconds > 0 ? now() + seconds : 0);
	stopped = true;
	for (unsigned i = 0; i < target_count; i++) {
		target_t *t = &targets[i];
		if (t->fd < 0) {
			pthread_join(threads[i], NULL);
		}
		end_run(t);
		printf("rate\t%s\t%s\t%llu\t%llu\t%.6f\t%.6f\n", t->name, t->type,
		       (unsigned long long)t->asked, (unsigned long long)t->answered,
		       t->last - t->first, t->gap);
	}
	return 0;
}
