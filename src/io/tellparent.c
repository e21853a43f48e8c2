/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tellparent.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "io/clock.h"
#include "io/exchange.h"

/* How late the stop flag may be noticed. */
#define SLICE_MS 100

typedef struct {
	uint8_t addr_count;
	ms_addr_t addr[MS_ADDRS_MAX];
	uint16_t port;
	bool over;
	int ret;
	uint16_t keystate_code;
	ms_envelope_t *answer;
	uint8_t *raw;
	size_t *raw_len;
} call_t;

static bool on_accept(void *ctx, uint64_t id, const uint8_t *wire, size_t len)
{
	call_t *call = ctx;
	ms_envelope_t read;
	return ms_envelope_parse(wire, len, call->keystate_code, &read) == KNOT_EOK && read.response;
}

static void on_done(void *ctx, uint64_t id, int ret, const uint8_t *wire, size_t len)
{
	call_t *call = ctx;
	call->over = true;
	call->ret = ret;
	if (ret == KNOT_EOK) {
		call->ret = ms_envelope_parse(wire, len, call->keystate_code, call->answer);
	}
	if (call->ret == KNOT_EOK && call->raw != NULL) {
		bool fits = len <= *call->raw_len;
		*call->raw_len = fits ? len : 0;
		memcpy(call->raw, wire, *call->raw_len);
	}
}

static int add_address(void *ctx, const knot_dname_t *host, const ms_addr_t *addr)
{
	call_t *call = ctx;
	if (call->addr_count < MS_ADDRS_MAX) {
		call->addr[call->addr_count] = *addr;
		call->addr[call->addr_count++].port = call->port;
	}
	return KNOT_EOK;
}

static int exchange(call_t *call, bool tcp, const uint8_t *wire, size_t len,
                    const atomic_bool *stop)
{
	const ms_exchange_calls_t calls = { .accept = on_accept, .done = on_done, .ctx = call };
	const ms_request_t request = {
		.id = 1, .wire = wire, .len = len, .addrs = call->addr,
		.addr_count = call->addr_count, .tcp = tcp, .tries = 1,
		.first_timeout = MS_TELL_UDP_MS * MS_MSEC,
	};
	ms_exchange_t *exchange = NULL;
	int ret = ms_exchange_new(&calls, &exchange);
	call->over = false;
	if (ret == KNOT_EOK) {
		ret = ms_exchange_send(exchange, &request, ms_clock());
	}
	while (ret == KNOT_EOK && !call->over) {
		struct pollfd pfd = { .fd = ms_exchange_fd(exchange), .events = POLLIN };
		int64_t left = ms_time_diff(ms_clock().mono, ms_exchange_deadline(exchange)) / MS_MSEC;
		(void)poll(&pfd, 1, left < 0 ? 0 : left < SLICE_MS ? (int)left + 1 : SLICE_MS);
		ms_exchange_work(exchange, ms_clock());
		if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed)) {
			ret = KNOT_EBUSY;
		}
	}
	ms_exchange_free(exchange);
	return ret == KNOT_EOK ? call->ret : ret;
}

int ms_tell_parent(ms_enquirer_t *enquirer, const knot_dname_t *host, uint16_t port, bool tcp,
                   const uint8_t *wire, size_t len, uint16_t keystate_code, ms_now_t now,
                   const atomic_bool *stop, ms_envelope_t *answer, uint8_t *raw, size_t *raw_len,
                   char *error, size_t error_max)
{
	call_t call = {
		.port = port, .keystate_code = keystate_code, .answer = answer, .raw = raw,
		.raw_len = raw_len,
	};
	knot_dname_storage_t hosts[1];
	memcpy(hosts[0], host, knot_dname_size(host));
	int ret = ms_enquire_addresses(enquirer, (const knot_dname_storage_t *)hosts, 1, now, stop,
	                               add_address, &call, error, error_max);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = exchange(&call, tcp, wire, len, stop);
	if (!tcp && ret != KNOT_EOK && ret != KNOT_EBUSY) {
		ret = exchange(&call, true, wire, len, stop);
	}
	if (ret != KNOT_EOK) {
		knot_dname_txt_storage_t name = "?";
		(void)knot_dname_to_str(name, host, sizeof(name));
		(void)snprintf(error, error_max, "%s port %u %s", name, port,
		               ret == KNOT_ETIMEOUT ? "does not answer" : "cannot be reached");
	}
	return ret;
}
