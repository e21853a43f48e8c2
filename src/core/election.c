/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/election.h"

#include "base/name.h"

/* Half of all terms: so far one is after another. */
#define HALF (UINT32_C(1) << 31)

/* RFC 1982, but of two terms that are half of all apart the greater number is the later one: a peer
 * that tells nonsense must not bring the others to where they have no next term, or wait for each
 * other. */
static bool later(uint32_t a, uint32_t b)
{
	uint32_t ahead = a - b;
	if (a == 0 || b == 0) {
		return a != 0;
	}
	return ahead != 0 && (ahead < HALF || (ahead == HALF && a > b));
}

static bool is_nobody(const knot_dname_t *name)
{
	return name[0] == '\0';
}

static uint32_t draw(ms_rng_t *rng)
{
	uint32_t vote = ms_rng_next(rng);
	return vote != 0 ? vote : 1;
}

static void enter(ms_election_t *own, uint32_t term, ms_rng_t *rng)
{
	own->term = term;
	own->vote = draw(rng);
	own->leader[0] = '\0';
}

static void enter_next(ms_election_t *own, ms_rng_t *rng)
{
	enter(own, own->term + 1 != 0 ? own->term + 1 : 1, rng);
}

static bool majority(const ms_voter_t *others, size_t count)
{
	size_t heard = 1;
	for (size_t i = 0; i < count; i++) {
		heard += others[i].heard;
	}
	return 2 * heard > count + 1;
}

/* Is that one of us who can be heard? */
static bool present(const knot_dname_t *name, const knot_dname_t *self, const ms_voter_t *others,
                    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (others[i].heard && knot_dname_is_equal(others[i].identity, name)) {
			return true;
		}
	}
	return knot_dname_is_equal(self, name);
}

static bool in_term(const ms_voter_t *voter, uint32_t term)
{
	return voter->has && voter->term == term;
}

static bool all_in_term(uint32_t term, const ms_voter_t *others, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (others[i].heard && !in_term(&others[i], term)) {
			return false;
		}
	}
	return true;
}

/* Takes over a later term. From silent ones, too: it is what they told. */
static void join(ms_election_t *own, const ms_voter_t *others, size_t count, ms_rng_t *rng)
{
	for (size_t i = 0; i < count; i++) {
		if (others[i].has && later(others[i].term, own->term)) {
			enter(own, others[i].term, rng);
		}
	}
	if (own->term == 0) {
		enter_next(own, rng);
	}
	if (own->vote == 0) { /* started again within a term */
		own->vote = draw(rng);
	}
}

/* Whom we or those that we hear have confirmed in our term. NULL: nobody yet.
 * \param agreed  Out: nobody confirmed another one. */
static const knot_dname_t *confirmed(const ms_election_t *own, const ms_voter_t *others,
                                     size_t count, bool *agreed)
{
	const knot_dname_t *found = is_nobody(own->leader) ? NULL : own->leader;
	*agreed = true;
	for (size_t i = 0; i < count; i++) {
		const ms_voter_t *voter = &others[i];
		if (!voter->heard || !in_term(voter, own->term) || is_nobody(voter->leader)) {
			continue;
		}
		found = found != NULL ? found : voter->leader;
		*agreed = *agreed && knot_dname_is_equal(found, voter->leader);
	}
	return found;
}

static const knot_dname_t *winner(const ms_election_t *own, const knot_dname_t *self,
                                  const ms_voter_t *others, size_t count)
{
	const knot_dname_t *best = self;
	uint32_t vote = own->vote;
	for (size_t i = 0; i < count; i++) {
		const ms_voter_t *voter = &others[i];
		if (voter->heard && (voter->vote > vote ||
		    (voter->vote == vote && knot_dname_cmp(voter->identity, best) < 0))) {
			best = voter->identity;
			vote = voter->vote;
		}
	}
	return best;
}

/* With a majority. */
static void decide(ms_election_t *own, const knot_dname_t *self, const ms_voter_t *others,
                   size_t count, ms_rng_t *rng)
{
	bool agreed;
	const knot_dname_t *leader = confirmed(own, others, count, &agreed);
	if (!agreed || (leader != NULL && !present(leader, self, others, count))) {
		enter_next(own, rng);
		leader = NULL;
	}
	/* Once in a term: what is confirmed stays so. */
	if (is_nobody(own->leader) && all_in_term(own->term, others, count)) {
		ms_name_copy(own->leader, leader != NULL ? leader : winner(own, self, others, count));
	}
}

bool ms_election_step(ms_election_t *own, const knot_dname_t *self, const ms_voter_t *others,
                      size_t count, ms_rng_t *rng)
{
	uint32_t term = own->term, vote = own->vote;
	bool had_none = is_nobody(own->leader);
	join(own, others, count, rng);
	if (majority(others, count)) {
		decide(own, self, others, count, rng);
	}
	/* Within a term a leader is only ever added. */
	return own->term != term || own->vote != vote || is_nobody(own->leader) != had_none;
}

bool ms_election_over(const ms_election_t *own, const knot_dname_t *self, const ms_voter_t *others,
                      size_t count)
{
	if (is_nobody(own->leader) || !majority(others, count) ||
	    !present(own->leader, self, others, count)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const ms_voter_t *voter = &others[i];
		if (voter->heard && (!in_term(voter, own->term) ||
		    !knot_dname_is_equal(voter->leader, own->leader))) {
			return false;
		}
	}
	return true;
}
