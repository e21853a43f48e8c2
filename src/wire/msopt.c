/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/msopt.h"

#include <libknot/errcode.h>

#include "base/cursor.h"

/* OPERATION, TRANSPORT, SYNCHRONIZATION; the body begins after one reserved octet. */
#define FIXED 3

static bool assigned(uint8_t operation)
{
	switch (operation) {
	case MS_OP_HELLO:
	case MS_OP_HEARTBEAT:
	case MS_OP_SYNC:
	case MS_OP_STATE:
		return true;
	default:
		return false;
	}
}

int ms_msopt_decode(const uint8_t *data, size_t len, ms_msopt_t *out)
{
	ms_reader_t r = ms_reader(data, len);
	uint8_t operation = ms_read_u8(&r);
	uint8_t transport = ms_read_u8(&r);
	uint8_t sync = ms_read_u8(&r);
	if (r.ret != KNOT_EOK || operation == 0) {
		return KNOT_EMALF;
	}
	if (ms_reader_left(&r) > 0) {
		(void)ms_read_u8(&r);
	}
	*out = (ms_msopt_t){
		.operation = operation,
		.transport = transport & (MS_TRANSPORT_DNS | MS_TRANSPORT_API),
		.sync = sync & (MS_SYNC_LEADER | MS_SYNC_PEER),
		.body_len = ms_reader_left(&r),
	};
	out->body = out->body_len > 0 ? r.pos : NULL;
	return assigned(operation) ? KNOT_EOK : KNOT_ENOTSUP;
}

int ms_msopt_encode(const ms_msopt_t *opt, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u8(&w, opt->operation);
	ms_write_u8(&w, opt->transport);
	ms_write_u8(&w, opt->sync);
	ms_write_u8(&w, 0);
	ms_write_bytes(&w, opt->body, opt->body_len);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}

const char *ms_op_name(uint8_t operation)
{
	switch (operation) {
	case MS_OP_HELLO:
		return "hello";
	case MS_OP_HEARTBEAT:
		return "heartbeat";
	case MS_OP_SYNC:
		return "sync";
	case MS_OP_STATE:
		return "state";
	default:
		return "unknown";
	}
}
