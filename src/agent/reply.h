/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Those who wait for an answer that the worker gives: made in the hook, used once by the worker
 * under a number that means nothing to anybody else.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/answer.h"
#include "base/time.h"
#include "wire/message.h"
#include "wire/record.h"
#include "wire/sig0.h"
#include "wire/tsig.h"

/*! Waiting askers, a file descriptor each: knotd keeps the better part of its own. */
#define MS_REPLIES_MAX 4096
/*! Nobody waits longer than that (microseconds). */
#define MS_REPLY_AGE (10 * MS_SEC)

/*! What the answer to a message with TSIG is signed with. Wants ms_tsig_key_wipe(). */
typedef struct {
	ms_tsig_key_t key;
	ms_tsig_t request;               /*!< TSIG of the request. */
} ms_reply_tsig_t;

typedef struct {
	uint64_t handle;
	int fd;                          /*!< Our own duplicate of knotd's socket. */
	bool tcp;
	bool from_local;                 /*!< local is known. */
	struct sockaddr_storage remote;
	struct sockaddr_storage local;
	ms_time_t since;
	size_t max;                      /*!< Longest answer that the asker takes. */
	uint8_t hash[MS_SIG_HASH_LEN];   /*!< Of the request's signature. */
	bool edns;                       /*!< The request had EDNS. */
	ms_reply_tsig_t *tsig;           /*!< Owned. NULL: the answer gets SIG(0). */
	size_t request_len;
	uint8_t request[];               /*!< The answer's signature covers it. */
} ms_asker_t;

typedef struct {
	pthread_mutex_t lock;
	uint64_t serial;
	size_t count;
	ms_asker_t *slot[MS_REPLIES_MAX];
} ms_replies_t;

int ms_replies_init(ms_replies_t *replies);
/*! Closes all. */
void ms_replies_deinit(ms_replies_t *replies);

/*!
 * Notes an asker down; copies everything.
 * \param max  Longest answer it takes over this transport.
 * \param tsig NULL: the answer gets SIG(0).
 * \retval KNOT_ELIMIT  Too many wait.
 * \retval KNOT_ENOMEM, KNOT_ERROR (no file descriptor left)
 */
int ms_replies_add(ms_replies_t *replies, const ms_origin_t *origin, const uint8_t *request,
                   size_t len, size_t max, const uint8_t hash[MS_SIG_HASH_LEN],
                   const ms_reply_tsig_t *tsig, ms_time_t now, uint64_t *handle);
/*! The asker of a handle, owned by the caller; NULL: it is not there (any more). */
ms_asker_t *ms_replies_take(ms_replies_t *replies, uint64_t handle);
/*! Gives up those who wait too long. */
void ms_replies_expire(ms_replies_t *replies, ms_time_t now);

/*! Sends a complete answer. \return As ms_send_back(). */
int ms_asker_send(const ms_asker_t *asker, const uint8_t *wire, size_t len);
/*! Closes and frees. NULL is fine. */
void ms_asker_free(ms_asker_t *asker);

/*!
 * How long an answer may be: a datagram is never larger than what the asker takes and what travels
 * without fragments.
 */
size_t ms_reply_room(bool edns, uint16_t udp_size, bool tcp, size_t max);

/*!
 * Builds an answer, in the letter case of the request's question, and signs it over the request.
 * What is longer than \a max becomes TC (D-11).
 * \param key  NULL: unsigned.
 * \return Length in octets or KNOT_E*.
 */
int ms_reply_build(const ms_msg_t *msg, const ms_codes_t *codes, const ms_sig0_key_t *key,
                   const uint8_t *request, size_t request_len, ms_wall_t now, uint8_t *out,
                   size_t max);
/*! The same with TSIG. \param error  Of the request's TSIG, or 0 (wire/tsig.h). */
int ms_reply_build_tsig(const ms_msg_t *msg, const ms_codes_t *codes, const ms_reply_tsig_t *tsig,
                        uint16_t error, const uint8_t *request, size_t request_len,
                        ms_wall_t now, uint8_t *out, size_t max);
