/* SPDX-License-Identifier: GPL-3.0-or-later */
/*! Builders for the tests of the core. Everything is checked; a failure ends the test. */
#pragma once

#include "core/model.h"
#include "core/step.h"

/*! A DNSKEY whose 32 octets of key are all \a fill but the first two words, w0 and w1. */
typedef struct {
	uint16_t flags;
	uint8_t protocol;
	uint8_t algorithm;
	uint16_t w0;
	uint16_t w1;
	uint8_t fill;
} make_key_t;

#define MAKE_KEY_LEN 36
void make_key(const make_key_t *key, uint8_t out[MAKE_KEY_LEN]);
/*! A plain ZSK (256 3 15) that differs by \a number. */
void make_zsk(uint8_t number, uint8_t out[MAKE_KEY_LEN]);

void make_add(ms_rrset_t *set, uint32_t ttl, const uint8_t *rdata, uint16_t len);
/*! An HSYNC RDATA from presentation format. */
void make_hsync(ms_rrset_t *set, const char *text);

/*! An NS RDATA. */
void make_ns(ms_rrset_t *set, const char *name);
/*! Exactly these NS names, separated by blanks? */
bool make_ns_equal(const ms_rrset_t *set, const char *names);
/*! zone.test., opted in, loaded, signed here; all are ON SIGN OWNER. */
ms_zone_t *make_zone(ms_agent_t *agent);
/*! Another provider, ON SIGN, whose contribution is held though it is empty. */
ms_pair_t *make_pair(ms_agent_t *agent, ms_zone_t *zone, const char *identity);
/*! The group works: we are a member of it, and so are all that are ON now; no process runs. */
struct ms_process *make_founded(ms_zone_t *zone);
/*! The key manager has named this DNSKEY, and the list is of the apex as it is now. */
void make_own(ms_zone_t *zone, const uint8_t key[MAKE_KEY_LEN]);
/*! The first action of a kind; its place where \a place is not NULL. NULL: there is none. */
const ms_action_t *make_find(const ms_actions_t *actions, ms_action_kind_t kind, size_t *place);

/*! Agent agent.a.test. */
void make_agent(ms_agent_t *agent);
ms_now_t make_now(double seconds);
knot_dname_t *make_name(const char *text, knot_dname_storage_t out);
