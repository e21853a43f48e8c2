/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <libknot/error.h>

#include "io/clock.h"

/* The protocol carries only knotd's error texts: these are turned back into codes. */
static const int TEXT_CODES[] = {
	KNOT_EBUSY, KNOT_EAGAIN, KNOT_TXN_EEXISTS, KNOT_TXN_ENOTEXISTS, KNOT_ENOZONE, KNOT_ENONODE,
	KNOT_ENORECORD, KNOT_EISRECORD, KNOT_EPARSEFAIL, KNOT_ESEMCHECK, KNOT_EOUTOFZONE,
	KNOT_EEMPTYZONE, KNOT_ESPACE, KNOT_EZONESIZE, KNOT_ETTL, KNOT_ENOTTL, KNOT_ENOTSUP,
	KNOT_EDENIED, KNOT_EINVAL, KNOT_EMALF, KNOT_ENOMEM,
};

__attribute__((format(printf, 2, 3)))
static void say(ms_ctl_t *ctl, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(ctl->reason, ctl->reason_size, fmt, args);
	va_end(args);
}

static bool stopped(const ms_ctl_t *ctl)
{
	return ctl->stop != NULL && atomic_load_explicit(ctl->stop, memory_order_relaxed);
}

static int fail_io(ms_ctl_t *ctl, int ret)
{
	ctl->broken = true;
	switch (ret) {
	case KNOT_ETIMEOUT:
	case KNOT_NET_ETIMEOUT:
		say(ctl, "knotd did not answer on %s in time; it is busy, will retry", ctl->path);
		return KNOT_EBUSY;
	case KNOT_ECONN:
	case KNOT_ECONNRESET:
	case KNOT_ECONNABORTED:
	case KNOT_NET_ESEND:
	case KNOT_NET_ERECV:
	case KNOT_EOF:
		ctl->lost = true;
		say(ctl, "knotd closed the control connection %s; will retry", ctl->path);
		return KNOT_EBUSY;
	default:
		say(ctl, "cannot understand the answer on the control socket %s (%s); "
		    "is it knotd that listens there?", ctl->path, knot_strerror(ret));
		return ret == KNOT_ENOMEM ? ret : KNOT_EMALF;
	}
}

static int fail_connect(ms_ctl_t *ctl, int ret)
{
	switch (ret) {
	case KNOT_ENOENT:
	case KNOT_ECONNREFUSED:
	case KNOT_NET_ECONNECT:
	case KNOT_EAGAIN:
	case KNOT_ECONN:
	case KNOT_ETIMEOUT:
		say(ctl, "knotd does not listen on the control socket %s (%s); will retry; "
		    "if this lasts, check control.listen", ctl->path, knot_strerror(ret));
		return KNOT_EBUSY;
	case KNOT_EACCES:
		say(ctl, "no permission to write to the control socket %s; "
		    "run as the user of knotd or correct the owner of the socket", ctl->path);
		return ret;
	default:
		say(ctl, "cannot connect to the control socket %s (%s); check control.listen",
		    ctl->path, knot_strerror(ret));
		return ret;
	}
}

static int fail_stopped(ms_ctl_t *ctl)
{
	say(ctl, "shutting down, nothing more is sent to %s", ctl->path);
	return KNOT_EBUSY;
}

static int reconnect(ms_ctl_t *ctl)
{
	if (strlen(ctl->path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		return KNOT_EINVAL;
	}
	knot_ctl_t *raw = knot_ctl_alloc();
	if (raw == NULL) {
		return KNOT_ENOMEM;
	}
	knot_ctl_set_timeout(raw, MS_CTL_STEP_MS);
	int ret = knot_ctl_connect(raw, ctl->path);
	if (ret != KNOT_EOK) {
		knot_ctl_free(raw);
		return ret;
	}
	ctl->raw = raw;
	ctl->broken = false;
	ctl->lost = false;
	return KNOT_EOK;
}

int ms_ctl_open(ms_ctl_t *ctl, const char *path, const atomic_bool *stop,
                char *reason, size_t reason_size)
{
	*ctl = (ms_ctl_t){ .path = path, .stop = stop,
	                   .reason = reason, .reason_size = reason_size };
	if (stopped(ctl)) {
		return fail_stopped(ctl);
	}
	int ret = reconnect(ctl);
	return ret == KNOT_EOK ? KNOT_EOK : fail_connect(ctl, ret);
}

void ms_ctl_close(ms_ctl_t *ctl)
{
	if (ctl->raw == NULL) {
		return;
	}
	if (!ctl->broken) {
		(void)knot_ctl_send(ctl->raw, KNOT_CTL_TYPE_END, NULL);
	}
	knot_ctl_close(ctl->raw);
	knot_ctl_free(ctl->raw);
	ctl->raw = NULL;
}

/* Newer knotds word "later" in several ways, hence the search for words. */
static int error_code(const char *text)
{
	for (size_t i = 0; i < sizeof(TEXT_CODES) / sizeof(*TEXT_CODES); i++) {
		if (strcmp(text, knot_strerror(TEXT_CODES[i])) == 0) {
			int ret = TEXT_CODES[i];
			return ret == KNOT_EAGAIN || ret == KNOT_TXN_EEXISTS ? KNOT_EBUSY : ret;
		}
	}
	return strcasestr(text, "try again") != NULL || strcasestr(text, "busy") != NULL
	       ? KNOT_EBUSY : KNOT_ERROR;
}

static int send_cmd(knot_ctl_t *raw, const ms_ctl_cmd_t *cmd)
{
	knot_ctl_data_t data = {
		[KNOT_CTL_IDX_CMD] = cmd->cmd,
		[KNOT_CTL_IDX_ZONE] = cmd->zone,
		[KNOT_CTL_IDX_OWNER] = cmd->owner,
		[KNOT_CTL_IDX_TTL] = cmd->ttl,
		[KNOT_CTL_IDX_TYPE] = cmd->type,
		[KNOT_CTL_IDX_DATA] = cmd->data,
	};
	int ret = knot_ctl_send(raw, KNOT_CTL_TYPE_DATA, &data);
	return ret == KNOT_EOK ? knot_ctl_send(raw, KNOT_CTL_TYPE_BLOCK, NULL) : ret;
}

/* One data unit; the first error of an answer is the one that counts. */
static int take_item(ms_ctl_t *ctl, const ms_ctl_cmd_t *cmd, knot_ctl_data_t *data,
                     ms_ctl_item_f item, void *ctx)
{
	const char *error = (*data)[KNOT_CTL_IDX_ERROR];
	if (error == NULL) {
		return item != NULL ? item(ctx, data) : KNOT_EOK;
	}
	say(ctl, "knotd refuses %s%s%s: %s", cmd->cmd, cmd->zone != NULL ? " " : "",
	    cmd->zone != NULL ? cmd->zone : "", error);
	return error_code(error);
}

static int receive_answer(ms_ctl_t *ctl, const ms_ctl_cmd_t *cmd, int wait_ms,
                          ms_ctl_item_f item, void *ctx)
{
	int answer = KNOT_EOK;
	int64_t deadline = ms_clock_ms() + wait_ms;
	for (unsigned count = 0; ; count++) {
		int64_t left = deadline - ms_clock_ms();
		if (left <= 0) {
			return fail_io(ctl, KNOT_ETIMEOUT);
		}
		knot_ctl_set_timeout(ctl->raw, left);
		knot_ctl_type_t type = KNOT_CTL_TYPE_END;
		knot_ctl_data_t data = { 0 };
		int ret = knot_ctl_receive(ctl->raw, &type, &data);
		if (ret != KNOT_EOK) {
			return fail_io(ctl, ret);
		}
		if (type == KNOT_CTL_TYPE_BLOCK) {
			return answer;
		}
		if (type == KNOT_CTL_TYPE_END) {
			return fail_io(ctl, KNOT_ECONN);
		}
		if (count >= MS_CTL_ITEMS_MAX) {
			ctl->broken = true;
			say(ctl, "the answer to %s on %s has more than %d items and was dropped",
			    cmd->cmd, ctl->path, MS_CTL_ITEMS_MAX);
			return KNOT_ELIMIT;
		}
		if (answer == KNOT_EOK) {
			answer = take_item(ctl, cmd, &data, item, ctx);
		}
	}
}

static int call_within(ms_ctl_t *ctl, const ms_ctl_cmd_t *cmd, int wait_ms,
                       ms_ctl_item_f item, void *ctx)
{
	knot_ctl_set_timeout(ctl->raw, wait_ms);
	int ret = send_cmd(ctl->raw, cmd);
	if (ret != KNOT_EOK) {
		return fail_io(ctl, ret);
	}
	return receive_answer(ctl, cmd, wait_ms, item, ctx);
}

int ms_ctl_call(ms_ctl_t *ctl, const ms_ctl_cmd_t *cmd, ms_ctl_item_f item, void *ctx)
{
	if (stopped(ctl)) {
		return fail_stopped(ctl);
	}
	if (ctl->raw == NULL || ctl->broken) {
		return fail_io(ctl, KNOT_ECONN);
	}
	return call_within(ctl, cmd, MS_CTL_STEP_MS, item, ctx);
}

static int take_status(void *ctx, knot_ctl_data_t *data)
{
	ms_ctl_zone_t *out = ctx;
	const char *type = (*data)[KNOT_CTL_IDX_TYPE];
	const char *value = (*data)[KNOT_CTL_IDX_DATA];
	if (type == NULL || value == NULL) {
		return KNOT_EOK;
	}
	if (strcmp(type, "serial") == 0) {
		char *end = NULL;
		unsigned long serial = strtoul(value, &end, 10);
		out->loaded = end != value;
		out->serial = end != value ? (uint32_t)serial : 0;
	} else if (strcmp(type, "transaction") == 0) {
		out->transaction = strcmp(value, "open") == 0;
	}
	return KNOT_EOK;
}

int ms_ctl_zone_status(ms_ctl_t *ctl, const char *zone, ms_ctl_zone_t *out)
{
	ms_ctl_zone_t status = { 0 };
	ms_ctl_cmd_t cmd = { .cmd = "zone-status", .zone = zone };
	int ret = ms_ctl_call(ctl, &cmd, take_status, &status);
	if (ret == KNOT_EOK) {
		*out = status;
	}
	return ret;
}

void ms_ctl_abort(ms_ctl_t *ctl, const char *zone)
{
	/* What this says would hide why the transaction is given up. */
	char *reason = ctl->reason;
	size_t reason_size = ctl->reason_size;
	ctl->reason = NULL;
	ctl->reason_size = 0;
	ms_ctl_cmd_t cmd = { .cmd = "zone-abort", .zone = zone };
	if (ctl->raw != NULL && !ctl->lost) {
		(void)call_within(ctl, &cmd, MS_CTL_PARTING_MS, NULL, NULL);
	}
	if (ctl->lost) {
		ms_ctl_close(ctl);
		if (reconnect(ctl) == KNOT_EOK) {
			(void)call_within(ctl, &cmd, MS_CTL_PARTING_MS, NULL, NULL);
		}
	}
	ctl->reason = reason;
	ctl->reason_size = reason_size;
}

int ms_ctl_zone_do(const char *path, const atomic_bool *stop, const char *cmd,
                   const knot_dname_t *zone, char *reason, size_t reason_size)
{
	knot_dname_txt_storage_t name;
	if (knot_dname_to_str(name, zone, sizeof(name)) == NULL) {
		return KNOT_EINVAL;
	}
	ms_ctl_t ctl;
	int ret = ms_ctl_open(&ctl, path, stop, reason, reason_size);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_ctl_cmd_t what = { .cmd = cmd, .zone = name };
	ret = ms_ctl_call(&ctl, &what, NULL, NULL);
	ms_ctl_close(&ctl);
	return ret;
}
