/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "make.h"

#include <libknot/libknot.h>

#include "core/process.h"

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

void make_ns(ms_rrset_t *set, const char *name)
{
	knot_dname_storage_t buf;
	(void)make_name(name, buf);
	make_add(set, 3600, buf, knot_dname_size(buf));
}

bool make_ns_equal(const ms_rrset_t *set, const char *names)
{
	ms_rrset_t want = { 0 };
	char copy[256], *rest = copy;
	assert_true(strlen(names) < sizeof(copy));
	strcpy(copy, names);
	for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
		make_ns(&want, name);
	}
	bool equal = ms_rrset_equal(set, &want);
	ms_rrset_clear(&want);
	return equal;
}

ms_zone_t *make_zone(ms_agent_t *agent)
{
	knot_dname_storage_t buf;
	ms_zone_t *zone = ms_zone_get(agent, make_name("zone.test.", buf));
	assert_non_null(zone);
	zone->opted = zone->loaded = zone->shared = zone->signing = zone->own_known = true;
	zone->self_state = MS_HSYNC_ON;
	zone->self_sign = MS_HSYNC_SIGN;
	zone->self_nsmgmt = zone->nsmgmt = MS_HSYNC_OWNER;
	return zone;
}

ms_pair_t *make_pair(ms_agent_t *agent, ms_zone_t *zone, const char *identity)
{
	knot_dname_storage_t buf;
	ms_pair_t *pair = ms_pair_get(agent, zone, make_name(identity, buf), make_now(0));
	assert_non_null(pair);
	pair->listed = pair->was_on = pair->has_held = true;
	pair->state = MS_HSYNC_ON;
	pair->sign = MS_HSYNC_SIGN;
	return pair;
}

ms_process_t *make_founded(ms_zone_t *zone)
{
	ms_process_t *process = ms_process_get(zone);
	assert_non_null(process);
	process->founded = process->member = true;
	for (size_t i = 0; i < zone->pair_count; i++) {
		zone->pairs[i].member = ms_pair_on(&zone->pairs[i]);
	}
	return process;
}

void make_own(ms_zone_t *zone, const uint8_t key[MAKE_KEY_LEN])
{
	ms_rec_own_t *own = calloc(1, sizeof(*own));
	assert_non_null(own);
	own->count = 1;
	assert_int_equal(ms_dnskey_keyid(key, MAKE_KEY_LEN, own->keyid[0]), KNOT_EOK);
	assert_int_equal(ms_zone_set_own_keys(zone, own), KNOT_EOK);
	assert_int_equal(ms_zone_digest_keys(zone, &zone->own_keys->dnskey), KNOT_EOK);
	zone->own_listed = true;
}

const ms_action_t *make_find(const ms_actions_t *actions, ms_action_kind_t kind, size_t *place)
{
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->list[i].kind == kind) {
			if (place != NULL) {
				*place = i;
			}
			return &actions->list[i];
		}
	}
	return NULL;
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
