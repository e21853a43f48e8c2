/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The parent's receiver: one engine per storage path and process. knotd loads new module instances
 * before it unloads the old ones, so an engine lives across a reload, and the second open hands it the
 * new settings.
 *
 * All functions are thread-safe. Hooks call only those that say so; these never block.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <libknot/dname.h>

#include "base/log.h"
#include "io/resolver.h"
#include "parent/pace.h"
#include "parent/trust.h"
#include "parent/verdict.h"
#include "wire/locator.h"

#define MS_RX_PATH_MAX 4096
#define MS_RX_ERROR_MAX 512
/*! Parent zones of one engine. */
#define MS_RX_ZONES_MAX 64
/*! Keys that the operator names as trusted. */
#define MS_RX_HAND_MAX 32
/*! Threads that ask servers and edit zones. */
#define MS_RX_CHECKERS_MAX 16

typedef struct {
	uint32_t per_minute;
	uint32_t burst;
} ms_rx_rate_t;

/*! A key that the operator has made trusted. */
typedef struct {
	knot_dname_storage_t child;
	ms_keyrr_t rr;
} ms_rx_hand_t;

/*! How an instance is configured. Plain memory. */
typedef struct {
	char storage[MS_RX_PATH_MAX];
	char control[MS_RX_PATH_MAX];
	char key[MS_RX_PATH_MAX];
	char root_hints[MS_RX_PATH_MAX];
	char trust_anchor[MS_RX_PATH_MAX];
	char command[MS_RX_PATH_MAX];        /*!< Empty: changes go into our knotd's zone. */
	knot_dname_storage_t target;         /*!< Of DSYNC; owner of the receiver's KEY. */
	uint8_t addr_count;
	ms_addr_t addr[MS_ADDRS_MAX];        /*!< Where children reach the target; one port. */
	ms_addr_t listen;                    /*!< Where our own knotd answers. */
	uint8_t forward_count;
	ms_addr_t forward[MS_FORWARD_MAX];
	bool publish;
	bool local;                          /*!< Name servers may be on loopback. */
	uint8_t update_scheme;
	uint16_t keystate_code;
	uint16_t bootstrap_key;              /*!< SvcParamKey. */
	uint8_t checkers;
	int64_t timeout;                     /*!< Of one round of questions, microseconds. */
	int64_t look_interval;               /*!< Between looks at a key, microseconds. */
	uint32_t ds_ttl, ns_ttl;             /*!< Of RRsets that are new. */
	uint32_t table;                      /*!< Buckets of each rate limit. */
	uint32_t children_max;
	ms_rx_rate_t notify_source, notify_child, update_source, update_child;
	ms_pace_policy_t pace;
	ms_policy_t policy;
	ms_trust_policy_t trust;
	uint8_t hand_count;
	ms_rx_hand_t hand[MS_RX_HAND_MAX];
} ms_rx_settings_t;

/*! For knotd's statistics. */
typedef enum {
	MS_RX_CTR_NOTIFY,
	MS_RX_CTR_UPDATE,
	MS_RX_CTR_INQUIRY,
	MS_RX_CTR_LIMITED,
	MS_RX_CTR_SURVEY,
	MS_RX_CTR_CHANGE,
	MS_RX_CTR_REFUSE,
	MS_RX_CTR_WAIT,
	MS_RX_CTR_REPORT,
	MS_RX_CTRS,
} ms_rx_counter_t;

typedef struct {
	ms_log_f log;
	void (*stats)(void *ctx, const uint64_t counters[MS_RX_CTRS]);
	void *ctx;
} ms_rx_sink_t;

typedef struct ms_receiver ms_receiver_t;

/*! \param error  One sentence. */
int ms_receiver_open(const ms_rx_settings_t *settings, const ms_rx_sink_t *sink,
                     ms_receiver_t **out, char error[MS_RX_ERROR_MAX]);
/*! \param ctx  Of the sink that goes. The last close ends the engine. */
void ms_receiver_close(ms_receiver_t *receiver, const void *ctx);
/*! NULL: there is none. */
ms_receiver_t *ms_receiver_find(const char *storage);

/*! A parent zone takes part; counted. \retval KNOT_ELIMIT */
int ms_receiver_opt_in(ms_receiver_t *receiver, const knot_dname_t *zone);
void ms_receiver_opt_out(ms_receiver_t *receiver, const knot_dname_t *zone);

typedef enum {
	MS_RX_NOT_OURS,      /*!< knotd goes on as if we were not there. */
	MS_RX_NOW,           /*!< The answer's octets are in the buffer, final. */
	MS_RX_LATER,         /*!< The worker answers; say nothing now. */
	MS_RX_DROP,          /*!< Nobody answers. */
} ms_rx_answer_t;

/*! How a later answer reaches the asker. */
typedef struct {
	int fd;                                 /*!< knotd's socket. */
	bool tcp;
	bool other;                             /*!< Neither plain UDP nor TCP: cannot wait. */
	bool tsig;                              /*!< knotd has cut a TSIG off. */
	bool trusted;                           /*!< May read the state. */
	const struct sockaddr_storage *remote;
	const struct sockaddr_storage *local;   /*!< Source address of a UDP answer; may be NULL. */
} ms_rx_origin_t;

/*!
 * For the hook: NOTIFY(CDS, CSYNC) for a name below a zone of ours, UPDATE of such a zone, an inquiry
 * with KeyState, `_dsync-status.NAME TXT`. Parses, counts against the rate limits, and queues.
 */
ms_rx_answer_t ms_receiver_message(ms_receiver_t *receiver, const uint8_t *wire, size_t len,
                                   const ms_rx_origin_t *origin, uint8_t *out, size_t max,
                                   size_t *out_len);
