/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The inside of a receiver, for the files of this folder. One worker thread owns children, store and
 * sockets; a pool of threads does what blocks (receiver/task.h); hooks only push into the inbox.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/time.h"
#include "io/asker.h"
#include "io/clock.h"
#include "io/db.h"
#include "io/exchange.h"
#include "io/thread.h"
#include "parent/contents.h"
#include "parent/limit.h"
#include "parent/row.h"
#include "receiver/receiver.h"
#include "receiver/replay.h"
#include "receiver/task.h"
#include "wire/deltas.h"
#include "wire/envelope.h"

/*! Messages that wait for the worker. */
#define MS_RX_INBOX_MAX 4096
/*! Nobody waits for an answer longer than that. */
#define MS_RX_AGE (15 * MS_SEC)
/*! Chains of the table of children. */
#define MS_RX_CHAINS 4096

/*! Settings with the receiver's key, shared with tasks by counting. */
typedef struct ms_rx_setup {
	atomic_uint refs;
	ms_rx_settings_t settings;
	ms_sig0_key_t key;
} ms_rx_setup_t;

typedef struct ms_rx_event {
	struct ms_rx_event *next;
	ms_waiter_t *waiter;          /*!< A message … */
	knot_dname_storage_t parent;  /*!< … of or below this zone. */
	ms_task_t *task;              /*!< Or one that is done. */
} ms_rx_event_t;

typedef struct ms_rx_sink_row {
	struct ms_rx_sink_row *next;
	ms_rx_sink_t sink;
} ms_rx_sink_row_t;

typedef struct {
	knot_dname_storage_t name;
	unsigned opts;                /*!< Instances that named it. */
	bool published;               /*!< The worker's own: DSYNC and the rest are there. */
	ms_time_t publish_at;
	ms_time_t list_at;
	bool busy;                    /*!< A task is under way. */
} ms_rx_zone_t;

/*! What a look at a child is at. */
typedef enum {
	MS_CUT_IDLE,
	MS_CUT_NS,           /*!< Our own server is asked for the delegation … */
	MS_CUT_DS,           /*!< … and for its DS. */
	MS_CUT_SURVEY,
	MS_CUT_APPLY,
} ms_cut_phase_t;

/*! An UPDATE under way; one at a time for each child. */
typedef struct {
	ms_waiter_t *waiter;
	ms_envelope_t envelope;
	ms_deltas_t deltas;
	ms_contents_t contents;
	bool self_signed;             /*!< KEY: by itself, not by a trusted one. */
	bool surveyed;                /*!< The running look is about it. */
	ms_deleg_t proposed;
} ms_rx_update_t;

typedef struct ms_cut {
	struct ms_cut *chain;
	uint64_t id;
	ms_row_t row;
	ms_pace_t pace;
	uint8_t phase;
	bool stored;                  /*!< There is a record. */
	bool confirmed;               /*!< It was a delegation at the last look. */
	bool hinted;                  /*!< The running look is for a hint. */
	bool by_udp;                  /*!< The next look at a key is by UDP. */
	unsigned busy;                /*!< Times the zone could not be edited in a row. */
	ms_time_t apply_at;
	bool kept;                    /*!< Until it is applied: what was remembered before. */
	ms_memory_t before;
	ms_deleg_t deleg;             /*!< As read for the running look. */
	ms_waiter_t *notifies;        /*!< Who waits to hear that it is a delegation. */
	ms_rx_update_t *update;
	knot_dname_storage_t channel; /*!< Agent domain of the last NOTIFY; root: none. */
	uint8_t reports;
	ms_verdict_t ds, ns;          /*!< The last ones. */
	ms_verdict_t told;            /*!< The last one that was logged. */
	int64_t looked;               /*!< When the last look ended, UNIX seconds. */
	uint32_t looks;               /*!< So many have ended. */
} ms_cut_t;

struct ms_receiver {
	/* Under the registry's lock. */
	struct ms_receiver *next;
	unsigned refs;
	char storage[MS_RX_PATH_MAX];

	/* Between hooks, instances and worker; under \a lock, which is never held for long. */
	pthread_mutex_t lock;
	ms_rx_setup_t *pending;
	atomic_uint keystate_code;    /*!< Not under the lock. */
	unsigned zone_count;
	struct {
		knot_dname_storage_t name;
		unsigned opts;
	} zones[MS_RX_ZONES_MAX];
	ms_limit_t notify_source, notify_child, update_source, update_child;
	ms_rx_event_t *first, **last;
	size_t waiting;
	int wake;                     /*!< eventfd. */
	uint64_t counter[MS_RX_CTRS]; /*!< Atomic. */

	pthread_mutex_t sink_lock;
	ms_rx_sink_row_t *sinks;      /*!< Newest first. */

	atomic_bool stop;
	bool working;
	pthread_t thread;
	ms_pool_t pool;

	/* The worker's own. */
	ms_rx_setup_t *setup;
	ms_db_t *db;
	ms_exchange_t *exchange;
	ms_replay_ring_t replay;
	unsigned own_count;
	ms_rx_zone_t own[MS_RX_ZONES_MAX];
	uint64_t serial;              /*!< Of children and tasks. */
	size_t child_count;
	ms_cut_t *chains[MS_RX_CHAINS];
	ms_time_t tick_at;
	uint8_t out[UINT16_MAX];      /*!< An answer under construction. */
	uint8_t record[MS_ROW_VALUE_MAX];
};

void ms_rx_log(ms_receiver_t *rx, ms_log_level_t level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void ms_rx_count(ms_receiver_t *rx, ms_rx_counter_t counter);

ms_rx_setup_t *ms_rx_setup_ref(ms_rx_setup_t *setup);
/*! NULL is fine. */
void ms_rx_setup_unref(ms_rx_setup_t *setup);
ms_resolver_options_t ms_rx_resolver(const ms_rx_settings_t *settings);

/*! Takes a token of a child out of one of the tables. */
bool ms_rx_within(ms_receiver_t *rx, ms_limit_t *limit, const knot_dname_t *child, ms_now_t now);

/*! Takes \a event on success. \param sure  Knows no limit. */
int ms_rx_push(ms_receiver_t *rx, ms_rx_event_t *event, bool sure);
void ms_rx_event_free(ms_rx_event_t *event);
void ms_rx_wake(ms_receiver_t *rx);

/* worker.c */
int ms_rx_worker_init(ms_receiver_t *rx, char error[MS_RX_ERROR_MAX]);
void ms_rx_worker_deinit(ms_receiver_t *rx);
int ms_rx_worker_start(ms_receiver_t *rx);

/* cuts.c */
ms_cut_t *ms_cuts_find(ms_receiver_t *rx, const knot_dname_t *name);
ms_cut_t *ms_cuts_by_id(ms_receiver_t *rx, uint64_t id);
/*! NULL: too many, or no memory. */
ms_cut_t *ms_cuts_get(ms_receiver_t *rx, const knot_dname_t *name,
                            const knot_dname_t *parent, ms_now_t now);
void ms_cuts_drop(ms_receiver_t *rx, ms_cut_t *child);
void ms_cuts_clear(ms_receiver_t *rx);
/*! Writes the child's record, or removes it. \retval KNOT_E* after a line in the log. */
int ms_cuts_store(ms_receiver_t *rx, ms_cut_t *child);
int ms_cuts_load(ms_receiver_t *rx, char error[MS_RX_ERROR_MAX]);

/* look.c: from a hint to a change. */
void ms_look_hint(ms_receiver_t *rx, ms_cut_t *child, ms_now_t now);
/*! What is due of this child. */
void ms_look_run(ms_receiver_t *rx, ms_cut_t *child, ms_now_t now);
/*! Our own server has answered, or not (wire is NULL). */
void ms_look_delegation(ms_receiver_t *rx, uint64_t id, const uint8_t *wire, size_t len,
                        ms_now_t now);
void ms_look_surveyed(ms_receiver_t *rx, ms_task_t *task, ms_now_t now);
void ms_look_applied(ms_receiver_t *rx, ms_task_t *task, ms_now_t now);

/* update.c */
void ms_update_receive(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *envelope,
                       const knot_dname_t *parent, ms_now_t now);
/*! Answers and forgets the UPDATE of a child. */
void ms_update_finish(ms_receiver_t *rx, ms_cut_t *child, uint16_t rcode,
                      const ms_verdict_t *why, ms_now_t now);
/*! The child is a delegation: a KEY is taken in. */
void ms_update_key(ms_receiver_t *rx, ms_cut_t *child, ms_now_t now);

/*! Says which trusted keys have made room for others: the child has one key, or several that policy
 *  allows; with more providers than keys each one would drive out the last (M-42, X-25). */
void ms_update_superseded(ms_receiver_t *rx, ms_cut_t *cut, const ms_trust_t *before);

/* answer.c */
/*! Sends an answer to \a waiter and frees it. \param why  May be NULL. */
void ms_answer_send(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *request,
                    uint16_t rcode, const ms_verdict_t *why, const ms_trust_t *trust,
                    ms_now_t now);
/*! Builds the answer to \a request. \param key  NULL: unsigned. \return Length or KNOT_E*. */
int ms_answer_build(const ms_envelope_t *request, const ms_rx_setup_t *setup, uint16_t rcode,
                    int32_t ede, const char *text, const ms_trust_t *trust, bool sign,
                    const uint8_t *wire, size_t len, int64_t now, uint8_t *out, size_t max);
void ms_inquiry_receive(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *envelope,
                        ms_now_t now);
/* report.c */
/*! Where the child has named a place for it and it has not been told twice already. */
void ms_report_send(ms_receiver_t *rx, ms_cut_t *cut, uint16_t type, const ms_verdict_t *v);
/* status.c */
void ms_status_receive(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *envelope,
                       ms_now_t now);
/*! Label in front of a name that is asked for its state. */
extern const uint8_t ms_status_label[];

/* zones.c: publication and scan of the parent zones. */
void ms_zones_sync(ms_receiver_t *rx, ms_now_t now);
void ms_zones_run(ms_receiver_t *rx, ms_now_t now);
void ms_zones_done(ms_receiver_t *rx, ms_task_t *task, ms_now_t now);
void ms_zones_hands(ms_receiver_t *rx, ms_now_t now);
/*! Does this parent zone (still) take part? */
bool ms_zones_own(const ms_receiver_t *rx, const knot_dname_t *parent);

/*! Presentation form, cut; for logs. */
#define MS_RX_NAME_MAX 128
const char *ms_rx_name(const knot_dname_t *name, char out[MS_RX_NAME_MAX]);
