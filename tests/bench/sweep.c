/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep ADDRESS TIMEOUT keys N < ZONES         until the DNSKEY RRset of each has N records
 * sweep ADDRESS TIMEOUT text WORD… < ZONES     until `_msigner.ZONE TXT` of each has all WORDs
 *
 * Asks port 53 by UDP, zone after zone, WINDOW of them at a time, each one again every PAUSE until it
 * is as wanted: so the server is asked hardly more often than there are zones. Prints when the last
 * one was so (CLOCK_MONOTONIC, seconds), and how many were not before TIMEOUT seconds (-1: never ask
 * again, count those that are as wanted at first sight).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libknot/libknot.h>

#define WINDOW    64
#define PAUSE     20     /* Milliseconds. */
#define LOST      500    /* Milliseconds until a datagram counts as lost. */
#define EDNS_SIZE 4096
#define TEXT_MAX  8192
#define PREFIX    "\x08_msigner"

typedef struct {
	bool used;
	bool asked;
	size_t zone;
	int64_t at;          /* Next question, or since when we wait. */
} place_t;

static knot_dname_t **zones;
static size_t zone_count, next_zone, ready, given_up;
static place_t places[WINDOW];
static char **words;
static int word_count;
static unsigned keys;
static bool once;
static int sock;

static void fail(const char *what)
{
	fprintf(stderr, "sweep: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double clock_s(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int64_t now_ms(void)
{
	return (int64_t)(clock_s() * 1000);
}

static void read_zones(void)
{
	char line[KNOT_DNAME_TXT_MAXLEN + 2];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		knot_dname_t *name = knot_dname_from_str_alloc(line);
		zones = realloc(zones, (zone_count + 1) * sizeof(*zones));
		if (name == NULL || zones == NULL) {
			fail(line);
		}
		zones[zone_count++] = name;
	}
}

static void ask(const place_t *place, uint16_t id)
{
	uint8_t wire[12 + KNOT_DNAME_MAXLEN + 32] = { id >> 8, id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	size_t len = 12;
	if (keys == 0) {
		memcpy(wire + len, PREFIX, sizeof(PREFIX) - 1);
		len += sizeof(PREFIX) - 1;
	}
	size_t size = knot_dname_size(zones[place->zone]);
	memcpy(wire + len, zones[place->zone], size);
	len += size;
	uint8_t type = keys == 0 ? KNOT_RRTYPE_TXT : KNOT_RRTYPE_DNSKEY;
	const uint8_t rest[] = { 0, type, 0, 1, 0, 0, 41, EDNS_SIZE >> 8, EDNS_SIZE & 255,
	                         0, 0, 0, 0, 0, 0 };
	memcpy(wire + len, rest, sizeof(rest));
	/* Refused while the server does not listen yet: the next attempt will do. */
	ssize_t sent = send(sock, wire, len + sizeof(rest), 0);
	(void)sent;
}

/* All TXT RDATA of the answer as one string. */
static void gather(const knot_pktsection_t *answer, char *text)
{
	size_t len = 0;
	for (uint16_t i = 0; i < answer->count; i++) {
		const knot_rrset_t *rrset = knot_pkt_rr(answer, i);
		const knot_rdata_t *rr = rrset->type == KNOT_RRTYPE_TXT ? rrset->rrs.rdata : NULL;
		for (uint16_t at = 0; rr != NULL && at < rr->len; at += 1 + rr->data[at]) {
			size_t part = rr->data[at];
			if (at + 1 + part <= rr->len && len + part < TEXT_MAX) {
				memcpy(text + len, rr->data + at + 1, part);
				len += part;
			}
		}
	}
	text[len] = '\0';
}

static bool as_wanted(uint8_t *wire, size_t len)
{
	knot_pkt_t *pkt = knot_pkt_new(wire, len, NULL);
	bool good = pkt != NULL && knot_pkt_parse(pkt, 0) == KNOT_EOK &&
	            knot_wire_get_rcode(wire) == KNOT_RCODE_NOERROR;
	const knot_pktsection_t *answer = good ? knot_pkt_section(pkt, KNOT_ANSWER) : NULL;
	if (good && keys > 0) {
		unsigned have = 0;
		for (uint16_t i = 0; i < answer->count; i++) {
			have += knot_pkt_rr(answer, i)->type == KNOT_RRTYPE_DNSKEY;
		}
		good = have >= keys;
	} else if (good) {
		char text[TEXT_MAX];
		gather(answer, text);
		for (int i = 0; i < word_count; i++) {
			good = good && strstr(text, words[i]) != NULL;
		}
	}
	knot_pkt_free(pkt);
	return good;
}

static void take(place_t *place, bool good)
{
	place->asked = false;
	place->at = now_ms() + PAUSE;
	if (good || once) {
		place->used = false;
		ready += good;
		given_up += !good;
	}
}

static void receive(void)
{
	uint8_t wire[EDNS_SIZE];
	ssize_t len;
	while ((len = recv(sock, wire, sizeof(wire), MSG_DONTWAIT)) > 12) {
		place_t *place = &places[wire[1] % WINDOW];
		if (place->used && place->asked && wire[0] == (place->zone & 255)) {
			take(place, as_wanted(wire, len));
		}
	}
}

static void send_due(void)
{
	int64_t now = now_ms();
	for (unsigned i = 0; i < WINDOW; i++) {
		place_t *place = &places[i];
		if (!place->used && next_zone < zone_count) {
			*place = (place_t){ .used = true, .zone = next_zone++, .at = now };
		}
		if (place->used && now >= place->at + (place->asked ? LOST : 0)) {
			ask(place, (place->zone & 255) << 8 | i);
			place->asked = true;
			place->at = now;
		}
	}
}

static void open_socket(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (sock < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)) != 0) {
		fail(address);
	}
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: sweep ADDRESS TIMEOUT keys N | text WORD… < ZONES\n");
		return 2;
	}
	keys = strcmp(argv[3], "keys") == 0 ? atoi(argv[4]) : 0;
	words = argv + 4;
	word_count = argc - 4;
	once = atoi(argv[2]) < 0;
	double end = clock_s() + (once ? 60 : atoi(argv[2]));
	open_socket(argv[1]);
	read_zones();
	while (ready + given_up < zone_count && clock_s() < end) {
		send_due();
		struct pollfd fd = { .fd = sock, .events = POLLIN };
		(void)poll(&fd, 1, 5);
		receive();
	}
	printf("%.3f %zu\n", clock_s(), zone_count - ready);
	close(sock);
	return 0;
}
