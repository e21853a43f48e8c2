/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <libknot/errcode.h>
#include <libknot/wire.h>

ms_waiter_t *ms_waiter_new(const ms_waiter_from_t *from, const uint8_t *request, size_t len,
                           ms_time_t now)
{
	ms_waiter_t *waiter = calloc(1, sizeof(*waiter) + len);
	if (waiter == NULL) {
		return NULL;
	}
	waiter->fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	if (waiter->fd < 0) {
		free(waiter);
		return NULL;
	}
	waiter->tcp = from->tcp;
	waiter->remote = *from->remote;
	waiter->from_local = from->local != NULL;
	if (from->local != NULL) {
		waiter->local = *from->local;
	}
	waiter->since = now;
	waiter->max = from->max;
	waiter->request_len = len;
	memcpy(waiter->request, request, len);
	return waiter;
}

void ms_waiter_free(ms_waiter_t *waiter)
{
	if (waiter != NULL) {
		close(waiter->fd);
		free(waiter);
	}
}

/* knotd binds to any address too: the answer must come from the one that was asked. */
static void set_source(struct msghdr *msg, const struct sockaddr_storage *local)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	struct in_pktinfo info4 = { 0 };
	struct in6_pktinfo info6 = { 0 };
	bool v4 = local->ss_family == AF_INET;
	info4.ipi_spec_dst = ((const struct sockaddr_in *)local)->sin_addr;
	info6.ipi6_addr = ((const struct sockaddr_in6 *)local)->sin6_addr;
	size_t size = v4 ? sizeof(info4) : sizeof(info6);
	cmsg->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	cmsg->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(cmsg), v4 ? (void *)&info4 : (void *)&info6, size);
	msg->msg_controllen = CMSG_SPACE(size);
}

static bool is_any(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET
	     ? ((const struct sockaddr_in *)addr)->sin_addr.s_addr == INADDR_ANY
	     : IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

static int send_datagram(const ms_waiter_t *waiter, const uint8_t *wire, size_t len)
{
	struct iovec data = { (void *)wire, len };
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { .room = { 0 } };
	struct msghdr msg = {
		.msg_name = (void *)&waiter->remote,
		.msg_namelen = waiter->remote.ss_family == AF_INET ? sizeof(struct sockaddr_in)
		                                                   : sizeof(struct sockaddr_in6),
		.msg_iov = &data, .msg_iovlen = 1,
	};
	if (waiter->from_local && waiter->local.ss_family == waiter->remote.ss_family &&
	    !is_any(&waiter->local)) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		set_source(&msg, &waiter->local);
	}
	ssize_t sent;
	do {
		sent = sendmsg(waiter->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)len ? KNOT_EOK
	     : sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? KNOT_EAGAIN : KNOT_ECONN;
}

/* What is left of the two parts after \a sent octets of them. */
static void advance(struct iovec *part, size_t sent)
{
	for (size_t i = 0; i < 2; i++) {
		size_t step = sent < part[i].iov_len ? sent : part[i].iov_len;
		part[i].iov_base = (uint8_t *)part[i].iov_base + step;
		part[i].iov_len -= step;
		sent -= step;
	}
}

static int send_stream(const ms_waiter_t *waiter, const uint8_t *wire, size_t len)
{
	uint8_t prefix[2];
	knot_wire_write_u16(prefix, len);
	struct iovec part[2] = { { prefix, sizeof(prefix) }, { (void *)wire, len } };
	struct msghdr msg = { .msg_iov = part, .msg_iovlen = 2 };
	struct pollfd wait = { .fd = waiter->fd, .events = POLLOUT };
	bool waited = false;
	while (part[0].iov_len + part[1].iov_len > 0) {
		ssize_t sent = sendmsg(waiter->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			advance(part, sent);
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else if (sent == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			return KNOT_ECONN;
		} else if (waited || poll(&wait, 1, MS_ASKER_TCP_MS) <= 0) {
			/* Half a message in the stream would be read as the next one's length. */
			if (part[0].iov_len != sizeof(prefix)) {
				shutdown(waiter->fd, SHUT_RDWR);
			}
			return KNOT_EAGAIN;
		} else {
			waited = true;
		}
	}
	return KNOT_EOK;
}

int ms_waiter_send(const ms_waiter_t *waiter, const uint8_t *wire, size_t len)
{
	return waiter->tcp ? send_stream(waiter, wire, len) : send_datagram(waiter, wire, len);
}
