/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Name servers: what a knotd let out is fetched by each of them some time later; what is seen. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

/* Moments at which validators and the parent look around. */
#define TICK (250 * MS_MSEC)
/* How long a server stands still, or is silent, by chance. */
#define STILL_MAX (20 * MS_SEC)

int64_t sim_draw(sim_world_t *world, int64_t low, int64_t high)
{
	return low + (int64_t)ms_rng_below(&world->outside, high - low + 1);
}

static bool strikes(sim_world_t *world, unsigned permille)
{
	return permille > 0 && ms_rng_below(&world->outside, 1000) < permille;
}

static void nothing(void *data)
{
}

static void tick(sim_world_t *world, void *data)
{
	for (unsigned zone = 0; zone < world->zones; zone++) {
		sim_parent_step(world, zone);
		sim_validate(world, zone);
	}
	sim_later(world, TICK, tick, NULL, nothing);
}

void sim_outside_init(sim_world_t *world)
{
	world->outside.state = world->seed ^ 0x0ddba11;
	world->lag = 50;
	for (unsigned zone = 0; zone < world->zones; zone++) {
		sim_parent_init(world, zone);
	}
	sim_later(world, TICK, tick, NULL, nothing);
}

void sim_served_clear(sim_served_t *served)
{
	ms_apex_clear(&served->apex);
	*served = (sim_served_t){ 0 };
}

void sim_outside_deinit(sim_world_t *world)
{
	for (unsigned zone = 0; zone < world->zones; zone++) {
		sim_parent_free(&world->parent[zone]);
		sim_caches_free(&world->caches[zone]);
		for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
			sim_served_clear(&world->server[zone][name].now);
		}
	}
}

int sim_ns_index(const knot_dname_t *name)
{
	for (unsigned i = 0; i < SIM_NS_NAMES; i++) {
		uint8_t rdata[64];
		(void)sim_ns(i, rdata);
		if (knot_dname_is_equal(rdata, name)) {
			return i;
		}
	}
	return -1;
}

unsigned sim_ns_names(const ms_rrset_t *ns)
{
	unsigned names = 0;
	knot_rdata_t *rr = ns->rrs.rdata;
	for (uint16_t i = 0; i < ns->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		int name = sim_ns_index(rr->data);
		names |= name >= 0 ? 1u << name : 0;
	}
	return names;
}

static unsigned first_signer(const sim_world_t *world, unsigned zone)
{
	unsigned node = 0;
	while (node + 1 < world->nodes && (world->nosign[zone] & (1u << node))) {
		node++;
	}
	return node;
}

/* Whose knotd a server gets the zone from. The owner's names are other names of the providers'
 * servers; who does not sign gets it from one who does. */
static int source(const sim_world_t *world, unsigned zone, unsigned name)
{
	unsigned node = name < 2 * SIM_NODES ? name / 2 : (name - 2 * SIM_NODES) % world->nodes;
	unsigned all = (1u << world->nodes) - 1;
	if (node >= world->nodes) {
		return -1;
	}
	return (world->nosign[zone] & (1u << node)) && world->nosign[zone] != all
	       ? first_signer(world, zone) : node;
}

typedef struct {
	unsigned zone, name;
} fetch_t;

static void run_fetch(sim_world_t *world, void *data)
{
	fetch_t fetch = *(fetch_t *)data;
	free(data);
	sim_server_sync(world, fetch.zone, fetch.name);
}

static void fetch_later(sim_world_t *world, unsigned zone, unsigned name, int64_t delay)
{
	fetch_t *fetch = malloc(sizeof(*fetch));
	*fetch = (fetch_t){ zone, name };
	sim_later(world, delay, run_fetch, fetch, free);
}

void sim_server_still(sim_world_t *world, unsigned zone, unsigned name, int64_t duration)
{
	world->server[zone][name].still_until = world->now + duration;
	fetch_later(world, zone, name, duration);
}

void sim_server_silent(sim_world_t *world, unsigned zone, unsigned name, int64_t duration)
{
	world->server[zone][name].silent_until = world->now + duration;
}

void sim_server_sync(sim_world_t *world, unsigned zone, unsigned name)
{
	sim_server_t *server = &world->server[zone][name];
	int node = source(world, zone, name);
	const sim_knot_t *knot = node >= 0 ? &world->node[node].knots[zone] : NULL;
	if (world->now < server->still_until || knot == NULL || !knot->has_out) {
		return;
	}
	sim_validate(world, zone);
	ms_apex_clear(&server->now.apex);
	server->now = knot->out;
	server->now.apex = (ms_apex_t){ 0 };
	if (ms_apex_copy(&server->now.apex, &knot->out.apex) != KNOT_EOK) {
		sim_fail(world, "a version cannot be copied");
	}
	server->any = true;
	sim_validate(world, zone);
}

void sim_server_news(sim_world_t *world, unsigned node, unsigned zone, const ms_apex_t *apex)
{
	sim_knot_t *knot = &world->node[node].knots[zone];
	ms_apex_clear(&knot->out.apex);
	knot->out = (sim_served_t){ .data_ttl = knot->ttl.data };
	if (ms_apex_copy(&knot->out.apex, apex) != KNOT_EOK) {
		sim_fail(world, "a version cannot be copied");
	}
	sim_knot_signers(knot, &knot->out.signers, &knot->out.data);
	knot->has_out = true;
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		if (source(world, zone, name) != (int)node) {
			continue;
		}
		if (strikes(world, world->faults.still)) {
			sim_server_still(world, zone, name, sim_draw(world, 1, STILL_MAX));
		} else if (strikes(world, world->faults.silent)) {
			sim_server_silent(world, zone, name, sim_draw(world, 1, STILL_MAX));
		}
		fetch_later(world, zone, name, sim_draw(world, 1, world->lag) * MS_MSEC);
	}
}

bool sim_server_answers(const sim_world_t *world, unsigned zone, unsigned name)
{
	const sim_server_t *server = &world->server[zone][name];
	return server->any && world->now >= server->silent_until;
}

/* Observation. */

static void show(const sim_served_t *served, const ms_seen_t *seen, ms_seen_server_t *out)
{
	for (unsigned i = 0; i < seen->type_count; i++) {
		int type = seen->types[i] == KNOT_RRTYPE_SOA ? MS_APEX_SOA : ms_apex_index(seen->types[i]);
		out->aa[i] = true;
		if (type >= 0) {
			(void)ms_rrset_copy(&out->set[i], &served->apex.set[type]);
		}
		for (unsigned k = 0; type == MS_APEX_SOA && k < served->data.count; k++) {
			if (out->signer_count < MS_SEEN_SIGNERS) {
				out->signer[out->signer_count++] = (ms_seen_signer_t){
					served->data.tag[k] & UINT16_MAX, served->data.tag[k] >> 16 };
			}
		}
	}
}

static void look_at_server(sim_world_t *world, unsigned zone, const knot_dname_t *host,
                           ms_seen_t *seen)
{
	int name = sim_ns_index(host);
	ms_addr_t addr = { .family = AF_INET, .ip = { 127, 0, 1, name + 1 } };
	ms_seen_server_t *out = ms_seen_add(seen, host, &addr);
	bool silent = name < 0 || world->now < world->server[zone][name].silent_until;
	for (unsigned i = 0; i < seen->type_count; i++) {
		out->ret[i] = silent ? KNOT_ETIMEOUT : KNOT_EOK;
		out->rcode[i] = silent || world->server[zone][name].any ? KNOT_RCODE_NOERROR
		                                                        : KNOT_RCODE_REFUSED;
	}
	if (!silent && world->server[zone][name].any) {
		show(&world->server[zone][name].now, seen, out);
	}
}

static void look_at_parent(sim_world_t *world, unsigned zone, unsigned p, ms_seen_t *seen)
{
	static const uint8_t host[] = "\x02ns\x06parent";
	ms_addr_t addr = { .family = AF_INET, .ip = { 127, 0, 2, p } };
	ms_seen_server_t *out = ms_seen_add(seen, host, &addr);
	const ms_rrset_t *set = world->parent[zone].at[p].set;
	for (unsigned i = 0; i < seen->type_count; i++) {
		/* NS come with a referral. */
		bool ns = seen->types[i] == KNOT_RRTYPE_NS;
		out->ret[i] = KNOT_EOK;
		out->aa[i] = !ns;
		if (ns || seen->types[i] == KNOT_RRTYPE_DS) {
			(void)ms_rrset_copy(&out->set[i], &set[ns ? SIM_PARENT_NS : SIM_PARENT_DS]);
		}
	}
}

ms_seen_t *sim_observe(sim_world_t *world, unsigned zone, const ms_action_t *action)
{
	ms_seen_t *seen = calloc(1, sizeof(*seen));
	memcpy(seen->name, action->observe.zone, sizeof(seen->name));
	seen->type_count = action->observe.type_count;
	memcpy(seen->types, action->observe.types, sizeof(seen->types));
	for (unsigned p = 0; action->observe.parent && p < SIM_PARENTS; p++) {
		look_at_parent(world, zone, p, seen);
	}
	for (size_t i = 0; !action->observe.parent && i < action->observe.host_count; i++) {
		look_at_server(world, zone, action->observe.hosts[i], seen);
	}
	return seen;
}
