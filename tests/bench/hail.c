/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hail ADDRESS PORT SECONDS RCODE < MESSAGES: sends what stands on standard input (each message behind two
 * octets of its length) by UDP, again and again, as fast as answers come: WINDOW of them under way.
 * Prints answers, seconds, answers with another RCODE, and messages without an answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WINDOW    64
#define PATIENCE  200    /* Milliseconds without an answer: what is under way is lost. */
#define TOTAL_MAX (64 << 20)
#define WIRE_MAX  4096

static uint8_t *all;
static size_t total, at;
static uint64_t answered, odd, lost;
static unsigned under_way;
static int sock;

static void fail(const char *what)
{
	fprintf(stderr, "hail: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static size_t length_at(size_t pos)
{
	return (size_t)all[pos] << 8 | all[pos + 1];
}

static void read_messages(void)
{
	size_t pos = 0;
	all = malloc(TOTAL_MAX);
	total = all != NULL ? fread(all, 1, TOTAL_MAX, stdin) : 0;
	while (pos + 2 < total) {
		pos += 2 + length_at(pos);
	}
	if (total == 0 || pos != total) {
		errno = EBADMSG;
		fail("standard input");
	}
}

static void send_some(unsigned count)
{
	struct mmsghdr msgs[WINDOW] = { 0 };
	struct iovec parts[WINDOW];
	for (unsigned i = 0; i < count; i++) {
		parts[i] = (struct iovec){ all + at + 2, length_at(at) };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		at += 2 + length_at(at);
		at = at == total ? 0 : at;
	}
	if (count > 0 && sendmmsg(sock, msgs, count, 0) < 0 && errno != ENOBUFS) {
		fail("sending");
	}
	under_way += count;
}

static void receive_some(uint8_t rcode)
{
	static uint8_t wires[WINDOW][WIRE_MAX];
	struct mmsghdr msgs[WINDOW] = { 0 };
	struct iovec parts[WINDOW];
	for (unsigned i = 0; i < WINDOW; i++) {
		parts[i] = (struct iovec){ wires[i], WIRE_MAX };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	int got = recvmmsg(sock, msgs, WINDOW, MSG_WAITFORONE, NULL);
	for (int i = 0; i < got; i++) {
		answered++;
		odd += (wires[i][3] & 15) != rcode;
		under_way -= under_way > 0;
	}
	if (got < 0 && errno == EAGAIN) {
		lost += under_way;
		under_way = 0;
	} else if (got < 0) {
		fail("receiving");
	}
}

static void open_socket(const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { .tv_usec = PATIENCE * 1000 };
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)) != 0) {
		fail(address);
	}
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: hail ADDRESS PORT SECONDS RCODE < MESSAGES\n");
		return 2;
	}
	read_messages();
	open_socket(argv[1], atoi(argv[2]));
	int64_t begin = now_us(), end = begin + (int64_t)(atof(argv[3]) * 1e6);
	while (now_us() < end) {
		send_some(WINDOW - under_way);
		receive_some(atoi(argv[4]));
	}
	printf("%llu %.3f %llu %llu\n", (unsigned long long)answered, (double)(now_us() - begin) / 1e6,
	       (unsigned long long)odd, (unsigned long long)lost);
	free(all);
	return 0;
}
