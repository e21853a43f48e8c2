/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A working group of two, and hand-made looks at its servers and at those of the parent. Us: agent.a.test.
 * with ns.a.; the other one: agent.b.test. with ns.b. Both sign, NS is the agents'.
 */
#pragma once

#include <sys/socket.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "core/facts.h"
#include "core/process.h"
#include "core/shown.h"
#include "core/wanted.h"
#include "make.h"
#include "wire/ds.h"

#define LOOK_TTL 60
#define LOOK_NOW (1000 * MS_SEC)
#define LOOK_DS_LEN 36

/* Places of the types in a look. */
enum { AT_DNSKEY, AT_CDS, AT_CDNSKEY, AT_NS, AT_SOA };
enum { AT_DS, AT_PARENT_NS };

static struct {
	ms_agent_t agent;
	ms_zone_t *zone;
	ms_pair_t *other;
	ms_process_t *process;
	ms_actions_t out;
	uint8_t zsk[MAKE_KEY_LEN], ksk[MAKE_KEY_LEN];              /* ours */
	uint8_t other_zsk[MAKE_KEY_LEN], other_ksk[MAKE_KEY_LEN];
	uint8_t ds[LOOK_DS_LEN], other_ds[LOOK_DS_LEN];
	ms_seen_t children, parent;
	char why[MS_WHY_MAX];
} lab;

static void lab_key_of(const uint8_t key[MAKE_KEY_LEN], ms_own_key_t *out)
{
	ms_dnskey_t info;
	assert_int_equal(ms_dnskey_decode(key, MAKE_KEY_LEN, &info), KNOT_EOK);
	assert_int_equal(ms_dnskey_keyid(key, MAKE_KEY_LEN, out->id), KNOT_EOK);
	out->tag = info.tag;
	out->algorithm = info.algorithm;
	out->published = out->active = true;
	out->ksk = (info.flags & MS_DNSKEY_SEP) != 0;
	out->zsk = !out->ksk;
}

static void lab_keys(void)
{
	make_zsk(1, lab.zsk);
	make_zsk(2, lab.other_zsk);
	make_key(&(make_key_t){ 257, 3, 15, 3, 0, 3 }, lab.ksk);
	make_key(&(make_key_t){ 257, 3, 15, 4, 0, 4 }, lab.other_ksk);
	assert_int_equal(ms_ds_make(lab.zone->name, lab.ksk, MAKE_KEY_LEN, 2, lab.ds, LOOK_DS_LEN),
	                 LOOK_DS_LEN);
	assert_int_equal(ms_ds_make(lab.zone->name, lab.other_ksk, MAKE_KEY_LEN, 2, lab.other_ds,
	                            LOOK_DS_LEN), LOOK_DS_LEN);
	lab.process->keys = calloc(2, sizeof(*lab.process->keys));
	assert_non_null(lab.process->keys);
	lab.process->key_count = 2;
	lab.process->keys_known = true;
	lab_key_of(lab.zsk, &lab.process->keys[0]);
	lab_key_of(lab.ksk, &lab.process->keys[1]);
}

static inline void lab_combine(void)
{
	assert_int_equal(ms_wanted_settle(&lab.agent, lab.zone), KNOT_EOK);
}

/* The apex as knotd has made it of what both contribute. */
static void lab_zone(void)
{
	ms_zone_t *zone = lab.zone;
	ms_rrset_t *own = zone->own.set, *held = lab.other->held.set, *apex = zone->apex.set;
	make_ns(&lab.agent.config.ns, "ns.a.");
	make_ns(&own[MS_APEX_NS], "ns.a.");
	make_ns(&held[MS_APEX_NS], "ns.b.");
	make_add(&own[MS_APEX_DNSKEY], LOOK_TTL, lab.zsk, MAKE_KEY_LEN);
	make_add(&held[MS_APEX_DNSKEY], LOOK_TTL, lab.other_zsk, MAKE_KEY_LEN);
	make_add(&own[MS_APEX_CDS], LOOK_TTL, lab.ds, LOOK_DS_LEN);
	make_add(&held[MS_APEX_CDS], LOOK_TTL, lab.other_ds, LOOK_DS_LEN);
	make_add(&apex[MS_APEX_DNSKEY], LOOK_TTL, lab.ksk, MAKE_KEY_LEN);
	for (size_t i = 0; i < 2; i++) {
		const ms_rrset_t *from = i == 0 ? own : held;
		assert_int_equal(ms_rrset_union(&apex[MS_APEX_DNSKEY], &from[MS_APEX_DNSKEY]), KNOT_EOK);
		assert_int_equal(ms_rrset_union(&apex[MS_APEX_CDS], &from[MS_APEX_CDS]), KNOT_EOK);
	}
	make_ns(&apex[MS_APEX_NS], "ns.a.");
	make_ns(&apex[MS_APEX_NS], "ns.b.");
	lab_combine();
}

static ms_seen_server_t *lab_server(ms_seen_t *seen, const char *host)
{
	knot_dname_storage_t name;
	const ms_addr_t addr = { .family = AF_INET, .ip = { 127, 0, 0, seen->count + 1 } };
	ms_seen_server_t *server = ms_seen_add(seen, make_name(host, name), &addr);
	assert_non_null(server);
	for (unsigned i = 0; i < MS_SEEN_TYPES; i++) {
		server->ret[i] = KNOT_EOK;
		server->aa[i] = seen == &lab.children;
	}
	return server;
}

static void lab_serve(ms_seen_server_t *server, unsigned place, ms_apex_type_t type)
{
	ms_rrset_t *set = &server->set[place];
	ms_rrset_clear(set);
	assert_int_equal(ms_rrset_copy(set, &lab.zone->apex.set[type]), KNOT_EOK);
	set->ttl = LOOK_TTL;
}

/* All is well: each server has what the apex has, and its own provider's KSK. */
static void lab_children(void)
{
	static const uint16_t types[] = { KNOT_RRTYPE_DNSKEY, KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY,
	                                  KNOT_RRTYPE_NS, KNOT_RRTYPE_SOA };
	ms_seen_t *seen = &lab.children;
	seen->type_count = 5;
	memcpy(seen->types, types, sizeof(types));
	for (size_t i = 0; i < 2; i++) {
		ms_seen_server_t *server = lab_server(seen, i == 0 ? "ns.a." : "ns.b.");
		lab_serve(server, AT_DNSKEY, MS_APEX_DNSKEY);
		lab_serve(server, AT_CDS, MS_APEX_CDS);
		lab_serve(server, AT_NS, MS_APEX_NS);
		server->signer_count = 1;
		server->signer[0].tag = i == 0 ? lab.process->keys[0].tag : 4711;
		server->signer[0].algorithm = 15;
	}
	ms_rrset_t *theirs = &seen->servers[1].set[AT_DNSKEY];
	assert_int_equal(ms_rrset_remove(theirs, lab.ksk, MAKE_KEY_LEN), KNOT_EOK);
	make_add(theirs, LOOK_TTL, lab.other_ksk, MAKE_KEY_LEN);
}

static void lab_parent(void)
{
	static const uint16_t types[] = { KNOT_RRTYPE_DS, KNOT_RRTYPE_NS };
	lab.parent.type_count = 2;
	memcpy(lab.parent.types, types, sizeof(types));
	for (size_t i = 0; i < 2; i++) {
		ms_seen_server_t *server = lab_server(&lab.parent, i == 0 ? "ns1.test." : "ns2.test.");
		lab_serve(server, AT_DS, MS_APEX_CDS);
		lab_serve(server, AT_PARENT_NS, MS_APEX_NS);
	}
}

static int lab_setup(void **state)
{
	(void)state;
	memset(&lab, 0, sizeof(lab));
	make_agent(&lab.agent);
	lab.zone = make_zone(&lab.agent);
	lab.zone->nsmgmt = lab.zone->self_nsmgmt = MS_HSYNC_AGENT;
	lab.other = make_pair(&lab.agent, lab.zone, "agent.b.test.");
	lab.process = make_founded(lab.zone);
	lab_keys();
	lab_zone();
	lab_children();
	lab_parent();
	return 0;
}

static void lab_clear(ms_seen_t *seen)
{
	for (size_t i = 0; i < seen->count; i++) {
		for (unsigned k = 0; k < MS_SEEN_TYPES; k++) {
			ms_rrset_clear(&seen->servers[i].set[k]);
		}
	}
	free(seen->servers);
}

static int lab_teardown(void **state)
{
	(void)state;
	lab_clear(&lab.children);
	lab_clear(&lab.parent);
	ms_actions_deinit(&lab.out);
	ms_agent_deinit(&lab.agent);
	return 0;
}

/* The process of this kind, in this step. \a subject NULL: the group. */
static inline const ms_step_row_t *lab_step(ms_process_kind_t kind, const char *step, const char *subject)
{
	knot_dname_storage_t name;
	const ms_step_row_t *rows = ms_process_table(kind);
	knot_dname_free(lab.process->subject, NULL);
	lab.process->subject = subject != NULL ? knot_dname_copy(make_name(subject, name), NULL) : NULL;
	lab.process->kind = kind;
	for (unsigned i = 0; rows[i].name != NULL; i++) {
		if (strcmp(rows[i].name, step) == 0) {
			lab.process->step = i;
			return &rows[i];
		}
	}
	fail_msg("%s has no step %s", ms_process_name(kind), step);
	return NULL;
}

static inline void lab_look(int64_t now)
{
	assert_int_equal(ms_facts_children(&lab.agent, lab.zone, &lab.children, now, lab.why), KNOT_EOK);
}

static inline void lab_look_up(int64_t now)
{
	assert_int_equal(ms_facts_parent(&lab.agent, lab.zone, &lab.parent, now, lab.why), KNOT_EOK);
}

static inline bool lab_holds(ms_fact_t fact)
{
	bool holds = false;
	assert_int_equal(ms_facts_hold(lab.zone, fact, &holds), KNOT_EOK);
	return holds;
}
