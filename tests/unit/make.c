/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "make.h"

#include <libknot/libknot.h>

void make_key(const make_key_t *key, uint8_t out[MAKE_KEY_LEN])
{
	memset(out, key->fill, MAKE_KEY_LEN);
	knot_wire_write_u16(out, key->flags);
	out[2] = key->protocol;
	out[3] = key->algorithm;
	knot_wire_write_u16(out + 4, key->w0);
	knot_wire_write_u16(out + 6, key->w1);
}

void make_zsk(uint8_t number, uint8_t out[MAKE_KEY_LEN])
{
	make_key(&(make_key_t){ 256, 3, 15, number, 0, number }, out);
}

void make_add(ms_rrset_t *set, uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	set->ttl = ttl;
	assert_int_equal(ms_rrset_add(set, rdata, len), KNOT_EOK);
}

void make_hsync(ms_rrset_t *set, const char *text)
{
	ms_hsync_t hsync;
	uint8_t rdata[MS_HSYNC_RDATA_MAX];
	assert_int_equal(ms_hsync_from_text(text, &hsync), KNOT_EOK);
	int len = ms_hsync_encode(&hsync, rdata, sizeof(rdata));
	assert_true(len > 0);
	make_add(set, 300, rdata, len);
}

knot_dname_t *make_name(const char *text, knot_dname_storage_t out)
{
	assert_non_null(knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)));
	return out;
}

void make_agent(ms_agent_t *agent)
{
	ms_config_t config = {
		.heartbeat = 60 * MS_SEC,
		.hello_retry = 5 * MS_SEC,
		.transport = MS_TRANSPORT_DNS,
		.sync = MS_SYNC_LEADER | MS_SYNC_PEER,
		.codes = { 65006, 65282 },
		.algorithm = 15,
	};
	make_name("agent.a.test.", config.identity);
	make_name("ns.agent.a.test.", config.host);
	assert_int_equal(ms_agent_init(agent, &config, 7, make_now(0)), KNOT_EOK);
}

ms_now_t make_now(double seconds)
{
	return (ms_now_t){ { (int64_t)(seconds * 1e6) }, { 1700000000 + (int64_t)seconds } };
}
