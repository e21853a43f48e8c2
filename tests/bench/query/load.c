/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load ADDRESS SECONDS RATE < QUESTIONS: asks port 53 by UDP what stands on standard input ("NAME
 * TYPE" a line, again and again), with EDNS and the DO bit. RATE 0: as fast as answers come, WINDOW
 * questions under way; else so many a second. Prints answers, seconds, answers that were not
 * NOERROR, and questions without an answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libknot/libknot.h>

#define WINDOW    128
#define BATCH     64     /* Datagrams of one system call. */
#define PATIENCE  100    /* Milliseconds without an answer: what is under way is lost. */
#define STEP_US   1000   /* With a rate: questions go out in steps. */
#define WIRE_MAX  (12 + KNOT_DNAME_MAXLEN + 4 + 11)
#define ANSWER_MAX 4096

typedef struct {
	uint8_t wire[WIRE_MAX];
	size_t len;
} question_t;

static question_t *questions;
static size_t question_count, next;
static uint64_t asked, answered, bad, lost;
static unsigned under_way;
static int sock;

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static bool make_question(char *line, question_t *out)
{
	static const uint8_t head[12] = { [5] = 1, [11] = 1 };
	static const uint8_t opt[11] = { 0, 0, 41, ANSWER_MAX >> 8, ANSWER_MAX & 255, 0, 0, 0x80 };
	char *type_text = strchr(line, ' ');
	knot_dname_storage_t name;
	uint16_t type;
	if (type_text == NULL) {
		return false;
	}
	*type_text++ = '\0';
	type_text[strcspn(type_text, "\n")] = '\0';
	if (knot_dname_from_str(name, line, sizeof(name)) == NULL ||
	    knot_rrtype_from_string(type_text, &type) != 0) {
		return false;
	}
	size_t size = knot_dname_size(name);
	memcpy(out->wire, head, sizeof(head));
	memcpy(out->wire + 12, name, size);
	const uint8_t fixed[4] = { type >> 8, type & 255, 0, 1 };
	memcpy(out->wire + 12 + size, fixed, sizeof(fixed));
	memcpy(out->wire + 16 + size, opt, sizeof(opt));
	out->len = 16 + size + sizeof(opt);
	return true;
}

static void read_questions(void)
{
	char line[KNOT_DNAME_TXT_MAXLEN + 16];
	size_t room = 0;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (question_count == room) {
			room = room > 0 ? 2 * room : 1024;
			questions = realloc(questions, room * sizeof(*questions));
		}
		if (questions == NULL || !make_question(line, &questions[question_count++])) {
			fail(line);
		}
	}
	if (question_count == 0) {
		errno = ENODATA;
		fail("standard input");
	}
}

static void send_some(unsigned count)
{
	static struct mmsghdr msgs[BATCH];
	static struct iovec parts[BATCH];
	while (count > 0) {
		unsigned now = count < BATCH ? count : BATCH;
		for (unsigned i = 0; i < now; i++) {
			question_t *question = &questions[next++ % question_count];
			parts[i] = (struct iovec){ question->wire, question->len };
			msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		}
		int sent = sendmmsg(sock, msgs, now, 0);
		if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) {
			fail("sending");
		}
		asked += now;
		under_way += now;
		count -= now;
	}
}

static void receive_some(int flags)
{
	static uint8_t wires[BATCH][ANSWER_MAX];
	static struct mmsghdr msgs[BATCH];
	static struct iovec parts[BATCH];
	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ wires[i], ANSWER_MAX };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	int got = recvmmsg(sock, msgs, BATCH, flags, NULL);
	for (int i = 0; i < got; i++) {
		answered++;
		bad += knot_wire_get_rcode(wires[i]) != KNOT_RCODE_NOERROR;
		under_way -= under_way > 0;
	}
	if (got < 0 && errno == EAGAIN && flags == MSG_WAITFORONE) {
		lost += under_way;
		under_way = 0;
	} else if (got < 0 && errno != EAGAIN) {
		fail("receiving");
	}
}

static void run_closed(int64_t end)
{
	while (now_us() < end) {
		send_some(WINDOW - under_way);
		receive_some(MSG_WAITFORONE);
	}
}

static void run_paced(int64_t begin, int64_t end, unsigned rate)
{
	int64_t now;
	while ((now = now_us()) < end) {
		uint64_t due = (uint64_t)(now - begin) * rate / 1000000;
		if (due > asked) {
			send_some(due - asked);
		}
		struct timespec step = { .tv_nsec = STEP_US * 1000 };
		(void)nanosleep(&step, NULL);
		for (uint64_t before = answered - 1; before != answered; ) {
			before = answered;
			receive_some(MSG_DONTWAIT);
		}
	}
}

static void open_socket(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct timeval patience = { .tv_usec = PATIENCE * 1000 };
	int room = 4 << 20;
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)) != 0) {
		fail(address);
	}
	(void)setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: load ADDRESS SECONDS RATE < QUESTIONS\n");
		return 2;
	}
	open_socket(argv[1]);
	read_questions();
	unsigned rate = atoi(argv[3]);
	int64_t begin = now_us(), end = begin + (int64_t)(atof(argv[2]) * 1e6);
	if (rate == 0) {
		run_closed(end);
	} else {
		run_paced(begin, end, rate);
		lost = asked - answered;
	}
	printf("%llu %.3f %llu %llu\n", (unsigned long long)answered, (double)(now_us() - begin) / 1e6,
	       (unsigned long long)bad, (unsigned long long)lost);
	free(questions);
	return 0;
}
