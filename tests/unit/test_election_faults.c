/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole elections, with everything that can go wrong between those who vote. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/election.h"

#define VOTERS_MAX 5
/* More than any run gets to; further terms fail. */
#define TERMS_MAX 400

static const knot_dname_t *const NAME[VOTERS_MAX] = {
	(const uint8_t *)"\x01" "a\x04test", (const uint8_t *)"\x01" "b\x04test",
	(const uint8_t *)"\x01" "c\x04test", (const uint8_t *)"\x01" "d\x04test",
	(const uint8_t *)"\x01" "e\x04test",
};

/* Voters, what each has of the others, and who hears whom. */
typedef struct {
	unsigned count;
	ms_election_t own[VOTERS_MAX];
	ms_election_t seen[VOTERS_MAX][VOTERS_MAX]; /* [at][of] */
	bool has[VOTERS_MAX][VOTERS_MAX];
	bool heard[VOTERS_MAX][VOTERS_MAX];
	ms_rng_t rng[VOTERS_MAX];
} world_t;

/* Of one run: who confirmed whom, and who was elected, by term. 0: nobody. */
typedef struct {
	uint8_t confirmed[TERMS_MAX][VOTERS_MAX];
	uint8_t elected[TERMS_MAX];
} history_t;

static uint8_t index_of(const knot_dname_t *name)
{
	for (unsigned i = 0; i < VOTERS_MAX; i++) {
		if (knot_dname_is_equal(NAME[i], name)) {
			return i + 1;
		}
	}
	return 0;
}

static size_t others_of(const world_t *w, unsigned at, ms_voter_t out[VOTERS_MAX], unsigned *heard)
{
	size_t count = 0;
	*heard = 1;
	for (unsigned of = 0; of < w->count; of++) {
		if (of != at) {
			const ms_election_t *told = &w->seen[at][of];
			out[count++] = (ms_voter_t){ NAME[of], w->heard[at][of], w->has[at][of],
			                             told->term, told->vote, told->leader };
			*heard += w->heard[at][of];
		}
	}
	return count;
}

static bool over(const world_t *w, unsigned at)
{
	ms_voter_t others[VOTERS_MAX];
	unsigned heard;
	size_t count = others_of(w, at, others, &heard);
	return ms_election_over(&w->own[at], NAME[at], others, count);
}

/* What must never be, whatever was lost. */
static void check(const world_t *w, unsigned at, const ms_election_t *before, unsigned heard, history_t *h)
{
	const ms_election_t *own = &w->own[at];
	uint8_t leader = index_of(own->leader);
	bool minority = 2 * heard <= w->count;
	assert_true(own->term >= before->term && own->term < TERMS_MAX && own->vote != 0);
	if (own->term == before->term && before->leader[0] != '\0') {
		assert_true(knot_dname_is_equal(own->leader, before->leader));
	}
	if (minority && own->term == before->term) {
		assert_true(knot_dname_is_equal(own->leader, before->leader));
	}
	assert_true(!minority || own->term == before->term || leader == 0);
	if (leader != 0) {
		uint8_t *confirmed = &h->confirmed[own->term][at];
		assert_true(*confirmed == 0 || *confirmed == leader);
		*confirmed = leader;
	}
	if (!over(w, at)) {
		return;
	}
	assert_false(minority);
	assert_true(h->elected[own->term] == 0 || h->elected[own->term] == leader);
	h->elected[own->term] = leader;
	unsigned confirm = 0;
	for (unsigned i = 0; i < w->count; i++) {
		confirm += h->confirmed[own->term][i] == leader;
	}
	assert_true(2 * confirm > w->count);
}

static void step(world_t *w, unsigned at, history_t *h)
{
	ms_voter_t others[VOTERS_MAX];
	unsigned heard;
	size_t count = others_of(w, at, others, &heard);
	ms_election_t before = w->own[at];
	bool changed = ms_election_step(&w->own[at], NAME[at], others, count, &w->rng[at]);
	assert_int_equal(changed, memcmp(&before, &w->own[at], sizeof(before)) != 0);
	check(w, at, &before, heard, h);
}

static void deliver(world_t *w, unsigned from, unsigned to, history_t *h)
{
	w->seen[to][from] = w->own[from];
	w->has[to][from] = w->heard[to][from] = true;
	step(w, to, h);
}

/* \param equal  All draw the same votes. */
static void begin(world_t *w, unsigned count, uint64_t seed, bool equal, history_t *h)
{
	memset(w, 0, sizeof(*w));
	memset(h, 0, sizeof(*h));
	w->count = count;
	for (unsigned i = 0; i < count; i++) {
		w->rng[i].state = equal ? seed : seed * VOTERS_MAX + i;
		for (unsigned k = 0; k < count; k++) {
			w->heard[i][k] = true;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		step(w, i, h);
	}
}

/* Messages of all who hear each other, in any order; some are lost, some fall silent for a while. */
static void disturb(world_t *w, ms_rng_t *rng, unsigned times, history_t *h)
{
	for (unsigned n = 0; n < times; n++) {
		unsigned from = ms_rng_below(rng, w->count), to = ms_rng_below(rng, w->count);
		unsigned what = ms_rng_below(rng, 8);
		if (from == to) {
			continue;
		}
		if (what == 0) {
			w->heard[to][from] = !w->heard[to][from];
			step(w, to, h);
		} else if (what == 1) { /* It starts again, with what was on disk. */
			w->own[to].vote = 0;
			memset(w->has[to], 0, sizeof(w->has[to]));
			step(w, to, h);
		} else if (what < 6) {
			deliver(w, from, to, h);
		}
	}
}

/* From here on only those of one side hear each other. Bits: who is on the one side. */
static void split(world_t *w, unsigned side, history_t *h)
{
	for (unsigned i = 0; i < w->count; i++) {
		for (unsigned k = 0; k < w->count; k++) {
			w->heard[i][k] = ((side >> i) & 1) == ((side >> k) & 1);
		}
		step(w, i, h);
	}
}

/* One exchange of all with all that they hear, beginning anywhere. */
static void exchange(world_t *w, ms_rng_t *rng, history_t *h)
{
	unsigned pairs = w->count * w->count, first = ms_rng_below(rng, pairs);
	unsigned stride = w->count % 2 == 0 ? 1 + 2 * ms_rng_below(rng, 2) : 1 + ms_rng_below(rng, 2);
	for (unsigned n = 0; n < pairs; n++) {
		unsigned pair = (first + n * stride) % pairs;
		unsigned from = pair / w->count, to = pair % w->count;
		if (from != to && w->heard[to][from]) {
			deliver(w, from, to, h);
		}
	}
}

static unsigned bits(unsigned mask)
{
	return mask == 0 ? 0 : (mask & 1) + bits(mask >> 1);
}

/* All of one side agree in the end if they are a majority; else none of them has a leader. */
static void settle(world_t *w, unsigned side, ms_rng_t *rng, history_t *h)
{
	/* Each round all votes are new if they were in dispute: that is over soon. */
	for (unsigned n = 0; n < 12; n++) {
		exchange(w, rng, h);
	}
	const ms_election_t *first = NULL;
	for (unsigned i = 0; i < w->count; i++) {
		if (((side >> i) & 1) == 0) {
			continue;
		}
		assert_int_equal(over(w, i), 2 * bits(side) > w->count);
		first = first != NULL ? first : &w->own[i];
		if (2 * bits(side) > w->count) {
			assert_int_equal(w->own[i].term, first->term);
			assert_true(knot_dname_is_equal(w->own[i].leader, first->leader));
			assert_true((side >> (index_of(first->leader) - 1)) & 1);
		}
	}
}

/* Loss, silence and restarts; then a partition, each that there is; then peace (F-05). */
static void test_faults(void **state)
{
	static world_t w;
	static history_t h;
	for (unsigned seed = 1; seed <= 3000; seed++) {
		ms_rng_t rng = { seed };
		unsigned count = 2 + seed % 4, all = (1u << count) - 1;
		begin(&w, count, seed, seed % 3 == 0, &h);
		disturb(&w, &rng, 10 + ms_rng_below(&rng, 60), &h);
		unsigned side = ms_rng_below(&rng, all + 1);
		split(&w, side, &h);
		settle(&w, side, &rng, &h);
		settle(&w, all & ~side, &rng, &h);
		split(&w, all, &h);
		settle(&w, all, &rng, &h);
	}
}

/* Without faults there is one term, and who has the highest vote of all leads (F-05). */
static void test_peace(void **state)
{
	static world_t w;
	static history_t h;
	for (unsigned seed = 1; seed <= 500; seed++) {
		ms_rng_t rng = { seed };
		begin(&w, 2 + seed % 4, seed, seed % 3 == 0, &h);
		settle(&w, (1u << w.count) - 1, &rng, &h);
		unsigned best = 0;
		for (unsigned i = 0; i < w.count; i++) {
			assert_int_equal(w.own[i].term, 1);
			best = w.own[i].vote > w.own[best].vote ? i : best;
		}
		assert_true(knot_dname_is_equal(w.own[0].leader, NAME[best]));
	}
}

/* The leader falls silent: the others elect another one. It comes back, and nothing is elected anew
 * (F-06). */
static void test_leader_lost(void **state)
{
	static world_t w;
	static history_t h;
	for (unsigned seed = 1; seed <= 200; seed++) {
		ms_rng_t rng = { seed };
		begin(&w, 3 + seed % 3, seed, false, &h);
		unsigned all = (1u << w.count) - 1;
		settle(&w, all, &rng, &h);
		unsigned lost = index_of(w.own[0].leader) - 1, other = lost == 0 ? 1 : 0;
		split(&w, 1u << lost, &h);
		settle(&w, all & ~(1u << lost), &rng, &h);
		assert_false(over(&w, lost));
		ms_election_t then = w.own[other];
		assert_false(knot_dname_is_equal(then.leader, NAME[lost]));
		split(&w, all, &h);
		settle(&w, all, &rng, &h);
		assert_int_equal(w.own[lost].term, then.term);
		assert_true(knot_dname_is_equal(w.own[lost].leader, then.leader));
	}
}

/* Two of three do not hear each other: the one that both hear is who they can agree on (F-05). */
static void test_gap(void **state)
{
	static world_t w;
	static history_t h;
	for (unsigned seed = 1; seed <= 200; seed++) {
		ms_rng_t rng = { seed };
		begin(&w, 3, seed, false, &h);
		w.heard[0][2] = w.heard[2][0] = false;
		for (unsigned n = 0; n < 30; n++) {
			exchange(&w, &rng, &h);
		}
		for (unsigned i = 0; i < 3; i++) {
			assert_true(over(&w, i));
			assert_true(knot_dname_is_equal(w.own[i].leader, NAME[1]));
		}
	}
}

/* Every order of deliveries among three, and of one or another of them falling silent (F-05). */
static void every(const world_t *w, unsigned depth, const history_t *h)
{
	for (unsigned n = 0; depth > 0 && n < 9; n++) {
		world_t next = *w;
		history_t then = *h;
		unsigned from = n / 3, to = n % 3;
		if (from != to) {
			deliver(&next, from, to, &then);
		} else { /* Not to be heard by the one after it. */
			to = (from + 1) % 3;
			next.heard[to][from] = false;
			step(&next, to, &then);
		}
		every(&next, depth - 1, &then);
	}
}

static void test_every_order(void **state)
{
	static world_t w;
	static history_t h;
	for (unsigned seed = 1; seed <= 3; seed++) {
		begin(&w, 3, seed, seed == 3, &h);
		every(&w, 6, &h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peace),
		cmocka_unit_test(test_leader_lost),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_every_order),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
