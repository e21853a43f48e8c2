/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <libknot/dname.h>
#include <libknot/errcode.h>
#include <libknot/packet/wire.h>
#include <libknot/wire.h>

/* Datagrams without EDNS (RFC 1035 section 2.3.4). */
#define UDP_MIN 512

int ms_replies_init(ms_replies_t *replies)
{
	memset(replies, 0, sizeof(*replies));
	return pthread_mutex_init(&replies->lock, NULL) == 0 ? KNOT_EOK : KNOT_ENOMEM;
}

void ms_replies_deinit(ms_replies_t *replies)
{
	for (size_t i = 0; i < MS_REPLIES_MAX; i++) {
		ms_asker_free(replies->slot[i]);
	}
	pthread_mutex_destroy(&replies->lock);
}

void ms_asker_free(ms_asker_t *asker)
{
	if (asker == NULL) {
		return;
	}
	if (asker->fd >= 0) {
		close(asker->fd);
	}
	if (asker->tsig != NULL) {
		ms_tsig_key_wipe(&asker->tsig->key);
		free(asker->tsig);
	}
	free(asker);
}

static ms_asker_t *new_asker(const ms_origin_t *origin, const uint8_t *request, size_t len,
                             const ms_reply_tsig_t *tsig)
{
	ms_asker_t *asker = calloc(1, sizeof(*asker) + len);
	if (asker == NULL) {
		return NULL;
	}
	asker->fd = fcntl(origin->fd, F_DUPFD_CLOEXEC, 0);
	asker->tsig = tsig != NULL ? malloc(sizeof(*tsig)) : NULL;
	if (asker->fd < 0 || (tsig != NULL && asker->tsig == NULL)) {
		ms_asker_free(asker);
		return NULL;
	}
	if (tsig != NULL) {
		*asker->tsig = *tsig;
	}
	asker->tcp = origin->tcp;
	asker->edns = origin->edns;
	asker->remote = *origin->remote;
	if (origin->local != NULL) {
		asker->from_local = true;
		asker->local = *origin->local;
	}
	asker->request_len = len;
	memcpy(asker->request, request, len);
	return asker;
}

/* Handles count up, so their slots do, too: a free one is near. Zero is no handle. */
static int enter(ms_replies_t *replies, ms_asker_t *asker)
{
	if (replies->count == MS_REPLIES_MAX) {
		return KNOT_ELIMIT;
	}
	do {
		replies->serial++;
	} while (replies->slot[replies->serial % MS_REPLIES_MAX] != NULL);
	asker->handle = replies->serial;
	replies->slot[replies->serial % MS_REPLIES_MAX] = asker;
	replies->count++;
	return KNOT_EOK;
}

int ms_replies_add(ms_replies_t *replies, const ms_origin_t *origin, const uint8_t *request,
                   size_t len, size_t max, const uint8_t hash[MS_SIG_HASH_LEN],
                   const ms_reply_tsig_t *tsig, ms_time_t now, uint64_t *handle)
{
	ms_asker_t *asker = new_asker(origin, request, len, tsig);
	if (asker == NULL) {
		return KNOT_ERROR;
	}
	asker->since = now;
	asker->max = max;
	memcpy(asker->hash, hash, sizeof(asker->hash));

	pthread_mutex_lock(&replies->lock);
	int ret = enter(replies, asker);
	uint64_t number = asker->handle;
	pthread_mutex_unlock(&replies->lock);
	if (ret != KNOT_EOK) {
		ms_asker_free(asker);
		return ret;
	}
	*handle = number;
	return KNOT_EOK;
}

static ms_asker_t *leave(ms_replies_t *replies, size_t at)
{
	ms_asker_t *asker = replies->slot[at];
	replies->slot[at] = NULL;
	replies->count--;
	return asker;
}

ms_asker_t *ms_replies_take(ms_replies_t *replies, uint64_t handle)
{
	size_t at = handle % MS_REPLIES_MAX;
	pthread_mutex_lock(&replies->lock);
	ms_asker_t *asker = replies->slot[at];
	asker = asker != NULL && asker->handle == handle ? leave(replies, at) : NULL;
	pthread_mutex_unlock(&replies->lock);
	return asker;
}

void ms_replies_expire(ms_replies_t *replies, ms_time_t now)
{
	pthread_mutex_lock(&replies->lock);
	for (size_t i = 0; i < MS_REPLIES_MAX && replies->count > 0; i++) {
		const ms_asker_t *asker = replies->slot[i];
		if (asker != NULL && ms_time_diff(asker->since, now) > MS_REPLY_AGE) {
			ms_asker_free(leave(replies, i));
		}
	}
	pthread_mutex_unlock(&replies->lock);
}

/* knotd binds to any address too: the answer must come from the one that was asked. */
static void set_source(struct msghdr *msg, const struct sockaddr_storage *local)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	if (local->ss_family == AF_INET) {
		struct in_pktinfo info = {
			.ipi_spec_dst = ((const struct sockaddr_in *)local)->sin_addr,
		};
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = {
			.ipi6_addr = ((const struct sockaddr_in6 *)local)->sin6_addr,
		};
		cmsg->cmsg_level = IPPROTO_IPV6;
		cmsg->cmsg_type = IPV6_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

static bool is_any(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET
	     ? ((const struct sockaddr_in *)addr)->sin_addr.s_addr == INADDR_ANY
	     : IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

static int send_datagram(const ms_asker_t *asker, const uint8_t *wire, size_t len)
{
	struct iovec data = { (void *)wire, len };
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { .room = { 0 } };
	struct msghdr msg = {
		.msg_name = (void *)&asker->remote,
		.msg_namelen = asker->remote.ss_family == AF_INET ? sizeof(struct sockaddr_in)
		                                                  : sizeof(struct sockaddr_in6),
		.msg_iov = &data,
		.msg_iovlen = 1,
	};
	if (asker->from_local && asker->local.ss_family == asker->remote.ss_family &&
	    !is_any(&asker->local)) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		set_source(&msg, &asker->local);
	}
	ssize_t sent;
	do {
		sent = sendmsg(asker->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent == (ssize_t)len) {
		return KNOT_EOK;
	}
	return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? KNOT_EAGAIN : KNOT_ECONN;
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

static int send_stream(const ms_asker_t *asker, const uint8_t *wire, size_t len)
{
	uint8_t prefix[2];
	knot_wire_write_u16(prefix, len);
	struct iovec part[2] = { { prefix, sizeof(prefix) }, { (void *)wire, len } };
	struct msghdr msg = { .msg_iov = part, .msg_iovlen = 2 };
	struct pollfd wait = { .fd = asker->fd, .events = POLLOUT };
	bool waited = false;
	while (part[0].iov_len + part[1].iov_len > 0) {
		ssize_t sent = sendmsg(asker->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			advance(part, sent);
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else if (sent == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			return KNOT_ECONN;
		} else if (waited || poll(&wait, 1, MS_REPLY_TCP_MS) <= 0) {
			/* Half a message in the stream would be read as the next one's length. */
			if (part[0].iov_len != sizeof(prefix)) {
				shutdown(asker->fd, SHUT_RDWR);
			}
			return KNOT_EAGAIN;
		} else {
			waited = true;
		}
	}
	return KNOT_EOK;
}

int ms_asker_send(const ms_asker_t *asker, const uint8_t *wire, size_t len)
{
	return asker->tcp ? send_stream(asker, wire, len) : send_datagram(asker, wire, len);
}

size_t ms_reply_room(bool edns, uint16_t udp_size, bool tcp, size_t max)
{
	size_t room = edns && udp_size > UDP_MIN ? udp_size : UDP_MIN;
	room = room < MS_MESSAGE_UDP_MAX ? room : MS_MESSAGE_UDP_MAX;
	return tcp || max < room ? max : room;
}

/* Askers compare the question octet by octet (draft-vixie-dnsext-dns0x20); ours is lower case. */
static void restore_case(uint8_t *out, size_t len, const uint8_t *request, size_t request_len)
{
	const uint8_t *asked = request + KNOT_WIRE_HEADER_SIZE;
	uint8_t *said = out + KNOT_WIRE_HEADER_SIZE;
	if (request_len <= KNOT_WIRE_HEADER_SIZE || len <= KNOT_WIRE_HEADER_SIZE ||
	    knot_wire_get_qdcount(out) != 1 ||
	    knot_dname_wire_check(asked, request + request_len, NULL) <= 0) {
		return;
	}
	if (knot_dname_is_case_equal(asked, said)) {
		memcpy(said, asked, knot_dname_size(asked));
	}
}

/* \param room  Left for a signature. */
static int build(const ms_msg_t *msg, const ms_codes_t *codes, const uint8_t *request,
                 size_t request_len, uint8_t *out, size_t max, size_t room)
{
	if (max <= room) {
		return KNOT_ESPACE;
	}
	int len = ms_message_build(msg, codes, out, max - room);
	if (len > 0) {
		restore_case(out, len, request, request_len);
	}
	return len;
}

int ms_reply_build(const ms_msg_t *msg, const ms_codes_t *codes, const ms_sig0_key_t *key,
                   const uint8_t *request, size_t request_len, ms_wall_t now, uint8_t *out,
                   size_t max)
{
	int len = build(msg, codes, request, request_len, out, max, key != NULL ? MS_SIG0_MAX : 0);
	return len <= 0 || key == NULL ? len
	     : ms_sig0_sign(key, out, len, max, request, request_len, now.s);
}

int ms_reply_build_tsig(const ms_msg_t *msg, const ms_codes_t *codes, const ms_reply_tsig_t *tsig,
                        uint16_t error, const uint8_t *request, size_t request_len,
                        ms_wall_t now, uint8_t *out, size_t max)
{
	size_t room = knot_dname_size(tsig->request.key) + knot_dname_size(tsig->request.algorithm) +
	              MS_TSIG_REST;
	int len = build(msg, codes, request, request_len, out, max, room);
	return len <= 0 ? len : ms_tsig_sign(&tsig->key, out, len, max, &tsig->request, error, now.s,
	                                     NULL);
}
