/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/sendback.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>

#include <libknot/errcode.h>
#include <libknot/wire.h>

/* Longest wait for a slow TCP reader, milliseconds: the thread has other things to do. */
#define SLOW_READER_MS 200

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

static int send_datagram(int fd, const struct sockaddr_storage *remote,
                         const struct sockaddr_storage *local, const uint8_t *wire, size_t len)
{
	struct iovec data = { (void *)wire, len };
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { .room = { 0 } };
	struct msghdr msg = {
		.msg_name = (void *)remote,
		.msg_namelen = remote->ss_family == AF_INET ? sizeof(struct sockaddr_in)
		                                                   : sizeof(struct sockaddr_in6),
		.msg_iov = &data, .msg_iovlen = 1,
	};
	if (local != NULL && local->ss_family == remote->ss_family && !is_any(local)) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		set_source(&msg, local);
	}
	ssize_t sent;
	do {
		sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
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

static int send_stream(int fd, const uint8_t *wire, size_t len)
{
	uint8_t prefix[2];
	knot_wire_write_u16(prefix, len);
	struct iovec part[2] = { { prefix, sizeof(prefix) }, { (void *)wire, len } };
	struct msghdr msg = { .msg_iov = part, .msg_iovlen = 2 };
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	bool waited = false;
	while (part[0].iov_len + part[1].iov_len > 0) {
		ssize_t sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			advance(part, sent);
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else if (sent == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			return KNOT_ECONN;
		} else if (waited || poll(&wait, 1, SLOW_READER_MS) <= 0) {
			/* Half a message in the stream would be read as the next one's length. */
			if (part[0].iov_len != sizeof(prefix)) {
				shutdown(fd, SHUT_RDWR);
			}
			return KNOT_EAGAIN;
		} else {
			waited = true;
		}
	}
	return KNOT_EOK;
}

int ms_send_back(int fd, bool tcp, const struct sockaddr_storage *remote,
                 const struct sockaddr_storage *local, const uint8_t *wire, size_t len)
{
	return tcp ? send_stream(fd, wire, len) : send_datagram(fd, remote, local, wire, len);
}
