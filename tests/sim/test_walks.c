/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks: providers come and go and roll their keys in a storm, and to no validator anything is bogus
 * at any moment.
 *
 * The owner of every second seed changes one provider at a time, and waits until that is over: then, in the
 * calm, all processes come to an end. The other ones are hasty: whatever they do, nothing is bogus; that it
 * comes to an end is not asked for.
 *
 *   SEEDS=N how many (default 40), FIRST=N from this one on, SEED=N only that one, with its trace
 *   ALGORITHM=1 all of them roll to another algorithm, too, and back
 *   DELIST=1 who goes may be missing at once, and not OFF before
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "world.h"

/* Some processes, whose TTLs are seconds. */
#define STORM (900 * MS_SEC)
/* All join and all leave, one after the other, and the parent takes its time. */
#define CALM  (7200 * MS_SEC)

/* What the owner wants now. */
static unsigned on_now;

static bool delists;
static bool rolls_algorithm;

static unsigned everybody(const sim_world_t *world)
{
	return (1u << world->nodes) - 1;
}

/* The owner's HSYNC RRset reaches the providers one after the other. */

typedef struct {
	unsigned node, listed, on;
} hsync_t;

static void run_hsync(sim_world_t *world, void *data)
{
	hsync_t *hsync = data;
	sim_owner_hsync(world, hsync->node, 0, hsync->listed, hsync->on);
	free(data);
}

static void tell_all(sim_world_t *world, unsigned listed, unsigned on, int64_t spread)
{
	on_now = on;
	sim_trace(world, "*** owner: listed %x, ON %x", listed, on);
	for (unsigned i = 0; i < world->nodes; i++) {
		hsync_t *hsync = malloc(sizeof(*hsync));
		*hsync = (hsync_t){ i, listed, on };
		sim_later(world, sim_between(world, 0, spread), run_hsync, hsync, free);
	}
}

static bool is_hasty(const sim_world_t *world)
{
	return world->seed % 2 != 0;
}

/* One more, or one less. */
static void change_one(sim_world_t *world)
{
	char why[128];
	unsigned signers = everybody(world) & ~world->nosign[0];
	unsigned on = on_now ^ 1u << sim_between(world, 0, world->nodes - 1);
	bool keeps = world->nosign[0] == 0 || (on & 1);
	if ((on & signers) != 0 && keeps && sim_process_over(world, 0, on_now, why)) {
		tell_all(world, everybody(world), on, 5 * MS_SEC);
	}
}

/* Somebody stays who signs; where one does not sign, the one that it has the zone from. */
static void change_group(sim_world_t *world)
{
	unsigned signers = everybody(world) & ~world->nosign[0];
	unsigned on = sim_between(world, 1, everybody(world));
	on |= world->nosign[0] != 0 ? 1 : 0;
	on |= (on & signers) == 0 ? 1u << sim_between(world, 0, world->nodes - 1) : 0;
	on |= (on & signers) == 0 ? 1 : 0;
	unsigned listed = on | (sim_chance(world, delists ? 500 : 1000) ? everybody(world) : 0);
	tell_all(world, listed, on, 5 * MS_SEC);
}

static void order_roll(sim_world_t *world, unsigned node)
{
	static const ms_order_word_t pair[] = { MS_ORDER_ROLL_ZSK, MS_ORDER_ROLL_KSK };
	sim_order(world, node, 0, world->node[node].config.single_type ? MS_ORDER_ROLL_CSK
	                          : pair[sim_between(world, 0, 1)]);
}

/* Everybody's operator orders it, all the same. */
static void order_algorithm(sim_world_t *world)
{
	for (unsigned i = 0; i < world->nodes; i++) {
		ms_config_t *config = &world->node[i].config;
		config->algorithm = config->algorithm == 15 ? 13 : 15;
		sim_order(world, i, 0, MS_ORDER_ROLL_ALGORITHM);
	}
}

static sim_parent_way_t some_way(sim_world_t *world)
{
	int64_t draw = sim_between(world, 0, 99);
	return draw < 60 ? SIM_PARENT_FOLLOWS : draw < 75 ? SIM_PARENT_LATE
	     : draw < 90 ? SIM_PARENT_HAND : SIM_PARENT_NEVER;
}

static uint32_t some_ttl(sim_world_t *world)
{
	return sim_between(world, 5, 60);
}

static void change_ttl(sim_world_t *world, unsigned node)
{
	if (sim_chance(world, 300)) {
		sim_parent_ttl(world, 0, some_ttl(world), some_ttl(world));
	} else {
		sim_knot_ttl(world, node, 0, some_ttl(world), some_ttl(world), some_ttl(world));
	}
}

static void part_some(sim_world_t *world)
{
	unsigned a = sim_between(world, 0, world->nodes - 1);
	unsigned b = sim_between(world, 0, world->nodes - 1);
	world->parted[a][b] = !world->parted[a][b];
	sim_trace(world, "*** %s to %s is %s", sim_node_name(a), sim_node_name(b),
	          world->parted[a][b] ? "parted" : "mended");
}

static void disturb(sim_world_t *world)
{
	unsigned node = sim_between(world, 0, world->nodes - 1);
	switch (sim_between(world, 0, 11)) {
	case 0:
		if (is_hasty(world)) {
			change_group(world);
		} else {
			change_one(world);
		}
		break;
	case 1:
	case 2:
		if (sim_chance(world, rolls_algorithm ? 250 : 0)) {
			order_algorithm(world);
		} else {
			order_roll(world, node);
		}
		break;
	case 3:
		sim_parent_ways(world, 0, some_way(world), some_way(world));
		world->parent[0].silent = sim_chance(world, 300);
		break;
	case 4:
		change_ttl(world, node);
		break;
	case 5:
		sim_server_still(world, 0, 2 * node + sim_between(world, 0, 1),
		                 sim_between(world, 1, 60) * MS_SEC);
		break;
	case 6:
		sim_parent_still(world, 0, sim_between(world, 0, SIM_PARENTS - 1),
		                 sim_between(world, 1, 60) * MS_SEC);
		break;
	case 7:
		world->node[node].skew = sim_between(world, -30, 30);
		sim_trace(world, "%s: *** clock %+d s", sim_node_name(node), world->node[node].skew);
		break;
	case 8:
		sim_crash(world, node);
		sim_start(world, node);
		break;
	case 9:
		part_some(world);
		break;
	case 10:
		sim_owner_axfr(world, node, 0);
		break;
	default:
		sim_owner_touch(world, node, 0);
		break;
	}
}

static void draw_faults(sim_world_t *world)
{
	world->faults = (sim_faults_t){
		.loss = sim_between(world, 0, 200),
		.dup = sim_between(world, 0, 100),
		.replay = sim_between(world, 0, 30),
		.crash = sim_between(world, 0, 5),
		.locate = sim_between(world, 0, 200),
		.errand = sim_between(world, 0, 300),
		.busy = sim_between(world, 0, 200),
		.lost_edit = sim_between(world, 0, 100),
		.journal = sim_between(world, 0, 100),
		.store = sim_between(world, 0, 10),
		.memory = sim_between(world, 0, 20),
		.still = sim_between(world, 0, 100),
		.silent = sim_between(world, 0, 100),
		.keymgr = sim_between(world, 0, 200),
	};
	world->lag = sim_between(world, 10, 5000);
}

/* alpha has served the zone alone so far, signed or not; what it has is in all caches. */
static void cast(sim_world_t *world)
{
	world->wholesome = world->validate = true;
	if (world->nodes > 2 && sim_chance(world, 300)) {
		sim_nosign(world, 0, 1u << (world->nodes - 1));
	}
	bool single = sim_chance(world, 200);
	/* Where somebody cannot do without a leader, nobody does: in one seed of three. */
	unsigned needy = world->seed % 3 == 0 ? 1u << world->seed % world->nodes : 0;
	for (unsigned i = 0; i < world->nodes; i++) {
		world->node[i].config.single_type = single;
		world->node[i].config.sync = MS_SYNC_LEADER | (needy & (1u << i) ? 0 : MS_SYNC_PEER);
		sim_node_ns(world, i, sim_between(world, 1, 3));
		world->node[i].skew = sim_between(world, -30, 30);
		sim_owner_nsmgmt(world, i, 0, everybody(world));
		sim_owner_ns(world, i, 0, world->node[0].ns);
		if (world->node[i].knots[0].signing) {
			sim_keys_first(world, i, 0);
		}
		sim_knot_ttl(world, i, 0, some_ttl(world), some_ttl(world), some_ttl(world));
	}
	sim_parent_begin(world, 0, world->node[0].ns, sim_chance(world, 700) ? 0 : -1);
	sim_parent_ttl(world, 0, some_ttl(world), some_ttl(world));
}

static void run_storm(sim_world_t *world)
{
	cast(world);
	for (unsigned i = 0; i < world->nodes; i++) {
		sim_start(world, i);
	}
	unsigned on = 1 | sim_between(world, 1, everybody(world));
	tell_all(world, everybody(world), on, 0);
	/* The zone's servers have it before anything goes wrong. */
	sim_run(world, 5 * MS_SEC);
	draw_faults(world);
	while (world->now < STORM && !world->failed) {
		sim_run(world, world->now + sim_between(world, 1, 30000) * MS_MSEC);
		disturb(world);
	}
}

static unsigned calm_down(sim_world_t *world)
{
	memset(world->parted, 0, sizeof(world->parted));
	world->faults = (sim_faults_t){ 0 };
	world->parent[0].silent = false;
	sim_parent_ways(world, 0, SIM_PARENT_FOLLOWS, SIM_PARENT_FOLLOWS);
	for (unsigned i = 0; i < world->nodes; i++) {
		world->node[i].store_bad_until = 0;
		sim_start(world, i);
		sim_reload(world, i, false);
	}
	/* All, or some of them. */
	unsigned on = sim_chance(world, 500) ? everybody(world) : 1 | sim_between(world, 1, everybody(world));
	on = is_hasty(world) ? on : on_now;
	sim_trace(world, "*** calm");
	sim_run(world, world->now + 6 * MS_SEC);
	tell_all(world, everybody(world), on, MS_SEC);
	sim_run(world, world->now + 2 * MS_SEC);
	return on;
}

static bool parent_has(const sim_world_t *world, unsigned on, char why[128])
{
	unsigned names = 0;
	for (unsigned i = 0; i < world->nodes; i++) {
		names |= on & (1u << i) ? world->node[i].ns << 2 * i : 0;
	}
	unsigned has = sim_ns_names(&world->parent[0].set[SIM_PARENT_NS]);
	snprintf(why, 128, "the parent has NS %x instead of %x", has, names);
	return has == names;
}

static bool run_seed(uint64_t seed, bool print)
{
	sim_world_t *world = malloc(sizeof(*world));
	ms_rng_t rng = { seed * 7919 };
	sim_init(world, seed, 2 + ms_rng_below(&rng, 3), 1);
	world->print = print;
	run_storm(world);
	unsigned on = calm_down(world);
	char why[128] = "nothing was checked";
	bool over = !world->failed && sim_process_run(world, 0, on, CALM, why) &&
	            parent_has(world, on, why);
	if (!over && !is_hasty(world)) {
		sim_process_waits(world);
		sim_fail(world, "no end: %s", why);
	}
	if (print) {
		sim_process_print(world);
	}
	bool good = !world->failed;
	sim_deinit(world);
	free(world);
	return good;
}

int main(void)
{
	const char *delist = getenv("DELIST");
	const char *algorithm = getenv("ALGORITHM");
	delists = delist != NULL && strcmp(delist, "1") == 0;
	rolls_algorithm = algorithm != NULL && strcmp(algorithm, "1") == 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!sim_process_exists()) {
		printf("1..0 # SKIP the agents have no processes\n");
		return 0;
	}
	int one = sim_one_seed(run_seed);
	if (one >= 0) {
		return one;
	}
	unsigned long seeds = 40, bad = sim_seeds(run_seed, &seeds, 10);
	printf("%s 1 - %lu walks, %lu failed\n1..1\n", bad == 0 ? "ok" : "not ok", seeds, bad);
	return bad > 0;
}
