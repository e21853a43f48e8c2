/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks in which every wait is the last thing that protects: servers and a parent that follow at once,
 * TTLs of minutes for some RRsets and of seconds for the rest, caches that keep everything to the last
 * moment. Or, the other way round, TTLs of seconds and servers that need a minute, so that it is the look
 * at all of them that protects. Nothing fails; but in the middle of a wait something is taken back for a
 * while: an operator of the parent changes his mind, a name server comes in late. One process per seed, all
 * kinds in turn.
 *
 *   SEEDS=N how many (default 80), FIRST=N from this one on, SEED=N only that one, with its trace
 *   STOP=1 ends at the first one that fails; STORY=join: only seeds of that kind
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>

#include "core/process.h"
#include "world.h"

#define NODES  3
#define ALL    7u
#define NAMES  1u      /* each has one server, … */
#define BOTH   3u      /* … or two */

/* Members come in with TTLs of some seconds. */
#define BEFORE (3600 * MS_SEC)
/* The longest process: some waits of two TTLs, servers of a parent that need four minutes each. */
#define LIMIT  (20000 * MS_SEC)
/* What is taken back while somebody waits is so for longer than agents look away (MS_PROC_LOOK_MAX). */
#define TAKEN_BACK (70 * MS_SEC)
/* What is in caches at the end is to be gone, too. */
#define AFTER  (400 * MS_SEC)

typedef enum {
	STORY_JOIN, STORY_LEAVE, STORY_ZSK, STORY_KSK, STORY_CSK, STORY_ALGORITHM, STORY_SERVE,
	STORY_UNSERVE, STORIES,
} story_t;

typedef struct {
	ms_process_kind_t kind;
	unsigned on;           /* members before, … */
	unsigned then;         /* … and after it */
	ms_order_word_t word;  /* else: what is ordered */
} plan_t;

static const plan_t plans[STORIES] = {
	[STORY_JOIN]      = { MS_PROC_JOIN, 3, 7, 0 },
	[STORY_LEAVE]     = { MS_PROC_LEAVE, 7, 5, 0 },
	[STORY_ZSK]       = { MS_PROC_ZSK, 7, 7, MS_ORDER_ROLL_ZSK },
	[STORY_KSK]       = { MS_PROC_KSK, 7, 7, MS_ORDER_ROLL_KSK },
	[STORY_CSK]       = { MS_PROC_CSK, 7, 7, MS_ORDER_ROLL_CSK },
	[STORY_ALGORITHM] = { MS_PROC_ALGORITHM, 7, 7, MS_ORDER_ROLL_ALGORITHM },
	[STORY_SERVE]     = { MS_PROC_SERVE, 3, 7, 0 },
	[STORY_UNSERVE]   = { MS_PROC_UNSERVE, 7, 3, 0 },
};

static void list_all(sim_world_t *world, unsigned on)
{
	for (unsigned i = 0; i < NODES; i++) {
		sim_owner_hsync(world, i, 0, ALL, on);
	}
}

typedef enum { LONG_KEYS = 1, LONG_NS = 2, LONG_DATA = 4, LONG_DS = 8, LONG_PARENT_NS = 16 } long_t;

static uint32_t some_ttl(sim_world_t *world, bool lasting)
{
	return lasting ? sim_between(world, 100, 300) : sim_between(world, 2, 8);
}

static void set_ttls(sim_world_t *world, unsigned lasting)
{
	for (unsigned i = 0; i < NODES; i++) {
		sim_knot_ttl(world, i, 0, some_ttl(world, lasting & LONG_KEYS),
		             some_ttl(world, lasting & LONG_NS), some_ttl(world, lasting & LONG_DATA));
	}
	sim_parent_ttl(world, 0, some_ttl(world, lasting & LONG_DS),
	               some_ttl(world, lasting & LONG_PARENT_NS));
}

static void nothing(void *data)
{
	(void)data;
}

/* What happens on the way: the parent as it was, which step is waited for. */
typedef struct {
	story_t story;
	unsigned subject;
	bool taken_back;       /* the parent's operator goes back for a while, */
	bool hasty;            /* or is there before all servers of the zone, */
	bool late;             /* or the subject has one more server that is slow */
	ms_rrset_t before[SIM_PARENT_SETS];
} twist_t;

static void free_twist(void *data)
{
	twist_t *twist = data;
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		ms_rrset_clear(&twist->before[which]);
	}
	free(twist);
}

static void run_follow(sim_world_t *world, void *data)
{
	(void)data;
	sim_parent_ways(world, 0, SIM_PARENT_FOLLOWS, SIM_PARENT_FOLLOWS);
}

static bool is_set(const ms_step_row_t *row, ms_fact_t fact)
{
	return (row->facts & (1u << fact)) != 0;
}

static void take_back(sim_world_t *world, const twist_t *twist, const ms_step_row_t *row)
{
	sim_parent_ways(world, 0, SIM_PARENT_NEVER, SIM_PARENT_NEVER);
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		if (is_set(row, which == SIM_PARENT_DS ? MS_FACT_DS : MS_FACT_PARENT_NS)) {
			sim_parent_set(world, 0, which, &twist->before[which]);
		}
	}
	sim_later(world, TAKEN_BACK, run_follow, NULL, nothing);
}

/* It has the zone as it was, and asks for nothing new for some minutes. */
static void add_server(sim_world_t *world, unsigned node)
{
	sim_trace(world, "*** %s has another server", sim_node_name(node));
	sim_node_ns(world, node, BOTH);
	sim_reload(world, node, false);
}

/* What is taken back is back, and was seen so, before this wait is over. */
static bool is_long(const sim_world_t *world, unsigned node)
{
	const ms_agent_t *agent = &world->node[node].agent;
	knot_dname_storage_t buf;
	const ms_zone_t *zone = ms_zone_find(agent, sim_zone_name(0, buf));
	return zone != NULL && zone->process != NULL &&
	       ms_process_wait_over(agent, zone) > ms_steady(agent, sim_now(world, node)) + TAKEN_BACK +
	                                           10 * MS_SEC;
}

/* All of them are in a step that waits, for long. */
static const ms_step_row_t *waiting(const sim_world_t *world, const twist_t *twist)
{
	const ms_step_row_t *rows = ms_process_table(plans[twist->story].kind);
	unsigned step = world->at[0][0].step;
	for (unsigned i = 0; i < NODES; i++) {
		bool same = world->at[i][0].kind == plans[twist->story].kind && world->at[i][0].step == step;
		bool acts = sim_edits(world, i, 0) && (plans[twist->story].then & (1u << i));
		if (acts && (!same || rows[step].name == NULL || rows[step].waits == 0 || !is_long(world, i))) {
			return NULL;
		}
	}
	return &rows[step];
}

static void run_twist(sim_world_t *world, void *data)
{
	twist_t *twist = data;
	const ms_step_row_t *row = waiting(world, twist);
	const sim_walk_t *at = &world->at[0][0];
	bool comes = twist->story == STORY_JOIN;
	if (twist->hasty && at->kind == plans[twist->story].kind && at->step == 1) {
		sim_parent_set(world, 0, SIM_PARENT_NS, &world->node[0].knots[0].set[MS_APEX_NS]);
		twist->hasty = false;
	}
	if (row != NULL && twist->taken_back &&
	    (is_set(row, MS_FACT_DS) || is_set(row, MS_FACT_PARENT_NS))) {
		take_back(world, twist, row);
		twist->taken_back = false;
	}
	if (row != NULL && twist->late && comes) {
		add_server(world, twist->subject);
		twist->late = false;
	}
	if (!twist->hasty && !twist->taken_back && !twist->late) {
		free_twist(twist);
		return;
	}
	sim_later(world, MS_SEC, run_twist, twist, free_twist);
}

/* \return Whether there is one. */
static bool draw_twist(sim_world_t *world, story_t story, unsigned subject)
{
	twist_t *twist = calloc(1, sizeof(*twist));
	bool goes = story == STORY_LEAVE || story == STORY_UNSERVE;
	int64_t draw = sim_between(world, 0, 99);
	*twist = (twist_t){ .story = story, .subject = subject, .taken_back = draw < 30 && world->lag < 1000,
	                    .hasty = draw >= 30 && draw < 60 && goes,
	                    .late = draw >= 30 && draw < 60 && story == STORY_JOIN &&
	                            world->node[subject].ns == NAMES };
	for (unsigned which = 0; which < SIM_PARENT_SETS; which++) {
		(void)ms_rrset_copy(&twist->before[which], &world->parent[0].set[which]);
	}
	if (twist->hasty || sim_chance(world, 300)) {
		/* One that stays has what was for long. */
		sim_server_still(world, 0, 0, sim_between(world, 100, 500) * MS_SEC);
	}
	if (twist->late) {
		sim_server_still(world, 0, 2 * subject + 1, sim_between(world, 200, 500) * MS_SEC);
	}
	bool any = twist->taken_back || twist->hasty || twist->late;
	sim_later(world, MS_SEC, run_twist, twist, free_twist);
	return any;
}

static void run_lower(sim_world_t *world, void *data)
{
	(void)data;
	set_ttls(world, 0);
}

/* alpha has served a signed zone alone so far; the parent has its DS and its NS. */
static void cast(sim_world_t *world, story_t story)
{
	bool serves = story == STORY_SERVE || story == STORY_UNSERVE;
	world->wholesome = world->validate = true;
	if (serves) {
		sim_nosign(world, 0, 4);
	}
	bool single = story == STORY_CSK || (story != STORY_ZSK && story != STORY_KSK &&
	                                     sim_chance(world, 300));
	for (unsigned i = 0; i < NODES; i++) {
		world->node[i].config.single_type = single;
		world->node[i].config.max_ttl = 300;
		sim_node_ns(world, i, sim_chance(world, 500) ? NAMES : BOTH);
		sim_owner_nsmgmt(world, i, 0, ALL);
		sim_owner_ns(world, i, 0, world->node[0].ns);
		if (world->node[i].knots[0].signing) {
			sim_keys_first(world, i, 0);
		}
	}
	sim_parent_begin(world, 0, world->node[0].ns, 0);
	set_ttls(world, 0);
	for (unsigned i = 0; i < NODES; i++) {
		sim_start(world, i);
	}
}

static void begin(sim_world_t *world, story_t story, const plan_t *plan)
{
	unsigned subject = plan->word != 0 ? sim_between(world, 0, NODES - 1) : story == STORY_LEAVE ? 1 : 2;
	if (!draw_twist(world, story, subject) && sim_chance(world, 700)) {
		sim_later(world, sim_between(world, 10, 900) * MS_SEC, run_lower, NULL, nothing);
	}
	if (plan->word == 0) {
		list_all(world, plan->then);
	} else if (story != STORY_ALGORITHM) {
		sim_order(world, subject, 0, plan->word);
	}
	for (unsigned i = 0; i < NODES && story == STORY_ALGORITHM; i++) {
		world->node[i].config.algorithm = 13;
		sim_order(world, i, 0, plan->word);
	}
}

/* Who is quick lets TTLs matter, who is slow lets observation matter. */
static void draw_world(sim_world_t *world, unsigned *lasting)
{
	bool slow = sim_chance(world, 400);
	int64_t draw = sim_between(world, 0, 99);
	*lasting = draw < 20 ? 0 : draw < 70 ? 1u << sim_between(world, 0, 4) : sim_between(world, 0, 31);
	world->lag = slow ? sim_between(world, 5000, 60000) : sim_between(world, 10, 100);
	for (unsigned i = 0; i < NODES; i++) {
		world->node[i].config.max_ttl = *lasting & LONG_DATA ? 300 : 8;
	}
	sim_trace(world, "*** lag %u ms, long TTLs: %x", (unsigned)world->lag, *lasting);
}

static bool has_happened(const sim_world_t *world, story_t story)
{
	for (size_t i = 0; i < world->walk_count; i++) {
		if (world->walk[i].kind == plans[story].kind) {
			return true;
		}
	}
	return false;
}

/* Names of all servers of these. */
static unsigned names_of(const sim_world_t *world, unsigned nodes)
{
	unsigned names = 0;
	for (unsigned i = 0; i < NODES; i++) {
		names |= nodes & (1u << i) ? world->node[i].ns << 2 * i : 0;
	}
	return names;
}

/* Who has left may turn its servers off: nothing leads there any more. */
static void check_caches(sim_world_t *world, unsigned names)
{
	sim_validate(world, 0);
	for (unsigned kind = SIM_CACHE_NS; kind <= SIM_CACHE_CHILD_NS; kind++) {
		for (unsigned i = 0; i < world->caches[0].count[kind]; i++) {
			const sim_cached_t *cached = &world->caches[0].entry[kind][i];
			if (cached->names & ~names) {
				sim_fail(world, "it is over, and until %.1f caches may have NS %x, not %x",
				         cached->until / 1e6, cached->names, names);
			}
		}
	}
}

/* Does somebody of these have each of the keys? */
static bool are_used(const sim_world_t *world, unsigned on, const ms_rrset_t *keys)
{
	knot_rdata_t *rr = keys->rrs.rdata;
	for (uint16_t i = 0; i < keys->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		bool used = false;
		for (unsigned node = 0; node < NODES; node++) {
			const sim_knot_t *knot = &world->node[node].knots[0];
			for (unsigned k = 0; (on & (1u << node)) && k < knot->key_count; k++) {
				used |= knot->keys[k].len == rr->len &&
				        memcmp(knot->keys[k].rdata, rr->data, rr->len) == 0;
			}
		}
		if (!used) {
			return false;
		}
	}
	return true;
}

/* What is over is over everywhere: no server has anything else. */
static void check_servers(sim_world_t *world, unsigned on, unsigned names)
{
	for (unsigned p = 0; p < SIM_PARENTS; p++) {
		unsigned has = sim_ns_names(&world->parent[0].at[p].set[SIM_PARENT_NS]);
		if (has != names) {
			sim_fail(world, "it is over, and the parent has NS %x, not %x", has, names);
		}
	}
	for (unsigned name = 0; name < SIM_NS_NAMES; name++) {
		const ms_rrset_t *set = world->server[0][name].now.apex.set;
		if (!(names & (1u << name))) {
			continue;
		}
		if (sim_ns_names(&set[MS_APEX_NS]) != names) {
			sim_fail(world, "it is over, and a server has NS %x, not %x",
			         sim_ns_names(&set[MS_APEX_NS]), names);
		} else if (!are_used(world, on, &set[MS_APEX_DNSKEY])) {
			sim_fail(world, "it is over, and a server has a DNSKEY that nobody has any more");
		}
	}
}

/* Everybody's process, not only the first one's. */
static bool run_over(sim_world_t *world, unsigned on, char why[128])
{
	int64_t end = world->now + LIMIT;
	while (!world->failed && world->now < end) {
		sim_run(world, world->now + MS_SEC);
		if (sim_process_over(world, 0, on, why)) {
			return !world->failed;
		}
	}
	return false;
}

static void run_story(sim_world_t *world, story_t story)
{
	const plan_t *plan = &plans[story];
	char why[128] = "nothing was checked";
	unsigned lasting;
	cast(world, story);
	list_all(world, plan->on);
	if (!sim_process_run(world, 0, plan->on, BEFORE, why)) {
		sim_fail(world, "no members: %s", why);
		return;
	}
	draw_world(world, &lasting);
	set_ttls(world, lasting);
	sim_run(world, world->now + 400 * MS_SEC);
	begin(world, story, plan);
	sim_run(world, world->now + MS_SEC);
	if (!run_over(world, plan->then, why)) {
		sim_fail(world, "no end: %s", why);
		return;
	}
	unsigned names = names_of(world, plan->then);
	check_caches(world, names);
	check_servers(world, plan->then, names);
	if (!has_happened(world, story)) {
		sim_fail(world, "nothing has happened");
	}
	sim_run(world, world->now + AFTER);
}

static bool run_seed(uint64_t seed, bool print)
{
	sim_world_t *world = malloc(sizeof(*world));
	sim_init(world, seed, NODES, 1);
	world->print = print;
	run_story(world, (seed - 1) % STORIES);
	if (print) {
		sim_process_print(world);
	}
	bool good = !world->failed;
	sim_deinit(world);
	free(world);
	return good;
}

/* STORY names the kind of process that is wanted. */
static bool run_wanted(uint64_t seed, bool print)
{
	const char *story = getenv("STORY");
	const plan_t *plan = &plans[(seed - 1) % STORIES];
	bool wanted = story == NULL || strcmp(story, ms_process_name(plan->kind)) == 0;
	return !wanted || run_seed(seed, print);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	int one = sim_one_seed(run_seed);
	if (one >= 0) {
		return one;
	}
	unsigned long seeds = 80;
	unsigned long bad = sim_seeds(run_wanted, &seeds, getenv("STOP") != NULL ? 1 : 10);
	printf("%s 1 - %lu walks, %lu failed\n1..1\n", bad == 0 ? "ok" : "not ok", seeds, bad);
	return bad > 0;
}
