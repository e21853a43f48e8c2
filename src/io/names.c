/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/names.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "wire/envelope.h"
#include "wire/rr.h"

/* Between two looks at the stop flag, milliseconds. */
#define SLICE_MS 100

typedef struct {
	int fd;
	const atomic_bool *stop;
	const knot_dname_t *zone;
	size_t max;
	unsigned soa;          /* The second one ends the transfer. */
	ms_names_t *out;
} transfer_t;

void ms_names_clear(ms_names_t *list)
{
	free(list->names);
	*list = (ms_names_t){ 0 };
}

static bool is_last(const ms_names_t *list, const knot_dname_t *name, size_t len)
{
	return list->count > 0 && list->len - list->last == len &&
	       memcmp(list->names + list->last, name, len) == 0;
}

int ms_names_add(ms_names_t *list, const knot_dname_t *name, size_t max)
{
	size_t len = knot_dname_size(name);
	if (is_last(list, name, len)) {
		return KNOT_EOK;
	}
	if (list->count >= max) {
		return KNOT_ELIMIT;
	}
	if (list->len + len > list->room) {
		size_t room = 2 * list->room + KNOT_DNAME_MAXLEN;
		uint8_t *names = realloc(list->names, room);
		if (names == NULL) {
			return KNOT_ENOMEM;
		}
		list->names = names;
		list->room = room;
	}
	memcpy(list->names + list->len, name, len);
	list->last = list->len;
	list->len += len;
	list->count++;
	return KNOT_EOK;
}

static int await(const transfer_t *t, short events)
{
	struct pollfd pfd = { .fd = t->fd, .events = events };
	for (int waited = 0; waited < MS_NAMES_STEP_MS; waited += SLICE_MS) {
		if (t->stop != NULL && atomic_load(t->stop)) {
			return KNOT_EBUSY;
		}
		if (poll(&pfd, 1, SLICE_MS) > 0) {
			return KNOT_EOK;
		}
	}
	return KNOT_ETIMEOUT;
}

static int open_stream(transfer_t *t, const ms_addr_t *server)
{
	struct sockaddr_storage ss;
	socklen_t len = ms_addr_to_sockaddr(server, &ss);
	t->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0 || (connect(t->fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS)) {
		return KNOT_ECONN;
	}
	return await(t, POLLOUT);
}

static int send_query(const transfer_t *t)
{
	ms_envelope_t e;
	uint8_t frame[2 + MS_ENVELOPE_MAX];
	ms_envelope_init(&e, KNOT_OPCODE_QUERY, t->zone, KNOT_RRTYPE_AXFR);
	e.edns = false;
	int len = ms_envelope_build(&e, 0, NULL, 0, 0, frame + 2, sizeof(frame) - 2);
	if (len < 0) {
		return len;
	}
	knot_wire_write_u16(frame, len);
	return send(t->fd, frame, 2 + len, MSG_NOSIGNAL) == 2 + len ? KNOT_EOK : KNOT_ECONN;
}

static int receive(const transfer_t *t, uint8_t *buf, size_t len)
{
	for (size_t have = 0; have < len; ) {
		ssize_t got = recv(t->fd, buf + have, len - have, 0);
		if (got > 0) {
			have += got;
			continue;
		}
		if (got == 0 || errno != EAGAIN) {
			return KNOT_ECONN;
		}
		int ret = await(t, POLLIN);
		if (ret != KNOT_EOK) {
			return ret;
		}
	}
	return KNOT_EOK;
}

static int take_record(transfer_t *t, const uint8_t *wire, const ms_rr_t *rr)
{
	knot_dname_storage_t owner;
	t->soa += rr->type == KNOT_RRTYPE_SOA;
	if (rr->type != KNOT_RRTYPE_NS ||
	    knot_dname_unpack(owner, rr->owner, sizeof(owner), wire) <= 0) {
		return KNOT_EOK;
	}
	knot_dname_to_lower(owner);
	return knot_dname_in_bailiwick(owner, t->zone) > 0 ? ms_names_add(t->out, owner, t->max)
	                                                   : KNOT_EOK;
}

static int take_message(transfer_t *t, const uint8_t *wire, size_t len)
{
	if (len < KNOT_WIRE_HEADER_SIZE) {
		return KNOT_EMALF;
	}
	if (knot_wire_get_rcode(wire) != KNOT_RCODE_NOERROR) {
		return KNOT_EDENIED;
	}
	uint16_t count = knot_wire_get_ancount(wire);
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	int ret = count > 0 ? KNOT_EOK : KNOT_EMALF;
	for (; count > 0 && ret == KNOT_EOK; count--) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		ret = r.ret == KNOT_EOK ? take_record(t, wire, &rr) : KNOT_EMALF;
	}
	return ret;
}

static int run(transfer_t *t, const ms_addr_t *server, uint8_t *wire)
{
	uint8_t prefix[2];
	int ret = open_stream(t, server);
	if (ret == KNOT_EOK) {
		ret = send_query(t);
	}
	while (ret == KNOT_EOK && t->soa < 2) {
		ret = receive(t, prefix, sizeof(prefix));
		size_t len = knot_wire_read_u16(prefix);
		if (ret == KNOT_EOK) {
			ret = receive(t, wire, len);
		}
		if (ret == KNOT_EOK) {
			ret = take_message(t, wire, len);
		}
	}
	return ret;
}

int ms_names_axfr(const ms_addr_t *server, const knot_dname_t *zone, size_t max,
                 const atomic_bool *stop, ms_names_t *out)
{
	ms_names_t names = { 0 };
	transfer_t t = { .fd = -1, .stop = stop, .zone = zone, .max = max, .out = &names };
	uint8_t *wire = malloc(UINT16_MAX);
	int ret = wire != NULL ? run(&t, server, wire) : KNOT_ENOMEM;
	free(wire);
	if (t.fd >= 0) {
		close(t.fd);
	}
	if (ret != KNOT_EOK) {
		ms_names_clear(&names);
		return ret;
	}
	*out = names;
	return KNOT_EOK;
}
