/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Our messages to peers: signed when they leave, their answers verified before they count. What
 * finds no free exchange waits its turn; the core's window per peer bounds that.
 */
#pragma once

#include <poll.h>

#include "base/time.h"
#include "core/action.h"
#include "io/exchange.h"

struct ms_runtime;
struct ms_sending;

typedef struct {
	struct ms_sending *first;
	struct ms_sending **end;
} ms_sendings_t;

/*! Zeroed = never begun. */
typedef struct {
	ms_exchange_t *exchange;
	ms_sendings_t under_way;
	ms_sendings_t waiting;
} ms_sender_t;

int ms_sender_init(struct ms_runtime *runtime);
/*! Says no more about what is under way. */
void ms_sender_deinit(struct ms_runtime *runtime);

/*! SEND: takes its content; ends as MS_EV_ANSWERED. */
void ms_sender_send(struct ms_runtime *runtime, ms_action_t *action, ms_now_t now);

/*! For the worker's poll(). */
int ms_sender_fd(const struct ms_runtime *runtime);
ms_time_t ms_sender_deadline(const struct ms_runtime *runtime);
/*! After poll(). */
void ms_sender_work(struct ms_runtime *runtime, bool readable, ms_now_t now);
