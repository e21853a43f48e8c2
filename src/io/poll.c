/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/poll.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "base/cursor.h"

/* Answers thrown away in one go: more than a round of queries makes. */
#define DRAIN_MAX 1024

struct ms_poll {
	int fd;
	uint16_t id;
};

int ms_poll_new(const ms_addr_t *server, ms_poll_t **out)
{
	struct sockaddr_storage ss;
	socklen_t ss_len = ms_addr_to_sockaddr(server, &ss);
	ms_poll_t *poll = calloc(1, sizeof(*poll));
	if (poll == NULL) {
		return KNOT_ENOMEM;
	}
	poll->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (poll->fd < 0 || connect(poll->fd, (struct sockaddr *)&ss, ss_len) != 0) {
		ms_poll_free(poll);
		return KNOT_ECONN;
	}
	*out = poll;
	return KNOT_EOK;
}

void ms_poll_free(ms_poll_t *poll)
{
	if (poll != NULL) {
		if (poll->fd >= 0) {
			close(poll->fd);
		}
		free(poll);
	}
}

void ms_poll_ask(ms_poll_t *poll, const knot_dname_t *zone)
{
	uint8_t wire[KNOT_WIRE_HEADER_SIZE + KNOT_DNAME_MAXLEN + 4] = { 0 };
	/* Nobody reads the answer: the id needs not be random. */
	knot_wire_set_id(wire, poll->id++);
	knot_wire_set_qdcount(wire, 1);
	ms_writer_t w = ms_writer(wire, sizeof(wire));
	(void)ms_write_room(&w, KNOT_WIRE_HEADER_SIZE);
	ms_write_name(&w, zone);
	ms_write_u16(&w, KNOT_RRTYPE_SOA);
	ms_write_u16(&w, KNOT_CLASS_IN);
	(void)send(poll->fd, wire, ms_writer_len(&w), MSG_NOSIGNAL);
}

void ms_poll_drain(ms_poll_t *poll)
{
	uint8_t octet;
	for (unsigned i = 0; i < DRAIN_MAX; i++) {
		if (recv(poll->fd, &octet, sizeof(octet), MSG_TRUNC) < 0 && errno != ECONNREFUSED) {
			return;
		}
	}
}
