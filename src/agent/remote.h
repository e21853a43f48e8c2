/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What the worker asks of DNS: where a peer is, validated; and SOA records of our own knotd, so
 * that a new zone version meets a query soon.
 */
#pragma once

#include "agent/worker.h"

/*! Makes what runtime->setup says. \param error  One sentence. */
int ms_remote_init(ms_runtime_t *runtime, char error[MS_ERROR_MAX]);
void ms_remote_deinit(ms_runtime_t *runtime);
/*! Takes runtime->setup over where it differs from \a old. */
int ms_remote_configure(ms_runtime_t *runtime, const ms_settings_t *old);

/*! LOCATE: ends as MS_EV_LOCATED. */
void ms_remote_locate(ms_runtime_t *runtime, const ms_action_t *action, ms_now_t now);
/*! A zone is to be looked at from now on; it drops out when it is opted out. */
void ms_remote_watch(ms_runtime_t *runtime, const knot_dname_t *zone);
/*! LOOK: a new version of this zone is expected. */
void ms_remote_look(ms_runtime_t *runtime, const knot_dname_t *zone, ms_now_t now);
/*! It has come. */
void ms_remote_seen(ms_runtime_t *runtime, const knot_dname_t *zone);

/*! For the worker's poll(); -1: nothing to wait for. */
int ms_remote_fd(const ms_runtime_t *runtime);
ms_time_t ms_remote_deadline(const ms_runtime_t *runtime);
/*! After poll(): what came in, what is due. Results go to ms_worker_result(). */
void ms_remote_work(ms_runtime_t *runtime, bool readable, ms_now_t now);
