/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/reply.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libknot/dname.h>
#include <libknot/errcode.h>
#include <libknot/packet/wire.h>
#include <libknot/wire.h>

#include "io/sendback.h"

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

int ms_asker_send(const ms_asker_t *asker, const uint8_t *wire, size_t len)
{
	return ms_send_back(asker->fd, asker->tcp, &asker->remote,
	                    asker->from_local ? &asker->local : NULL, wire, len);
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
