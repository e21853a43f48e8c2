/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/keyplan.h"

#include <string.h>

#include <libknot/errcode.h>

/* Where a key is in its life; each is in one of them. */
typedef enum {
	HIDDEN    = 1 << 0,   /* No timer is set. */
	EARLY     = 1 << 1,   /* Signs before it is published. */
	FRESH     = 1 << 2,   /* Published and not yet active. */
	ACTIVE    = 1 << 3,
	WITHDRAWN = 1 << 4,
	LATE      = 1 << 5,   /* Signs and is published no more. */
	RETIRED   = 1 << 6,
	GONE      = 1 << 7,
	FOREIGN   = 1 << 8,   /* Not ours to move: a public part, or timers that lie ahead. */
} life_t;

#define UNUSED (HIDDEN | EARLY | FRESH)
#define USED   (ACTIVE | WITHDRAWN | LATE)

/* Which keys a row is about. */
typedef enum {
	OF_ROLE,
	OLDER,       /* Of the role, but the newest one. */
	STRAY,       /* Of the role, or of an algorithm that has no key in use. */
	NEW_ALG,     /* Of the action's algorithm … */
	OLD_ALG,     /* … of another … */
	OLD_ALG_KSK, /* … and a KSK or CSK. */
} whose_t;

#define ZSK (1u << MS_ROLE_ZSK)
#define KSK (1u << MS_ROLE_KSK)
#define CSK (1u << MS_ROLE_CSK)
#define ALL (ZSK | KSK | CSK)

#define T(name) MS_TIMER_##name

/* A key in one of these lives gets these timers; without any, it is deleted. Read in this order: what
 * is new becomes active before the old one stops. keymgr wants timers in the order of a life, so a
 * key that never was active is active, retired and removed in one moment. */
static const struct {
	uint8_t op;
	uint8_t roles;
	whose_t whose;
	unsigned lives;
	unsigned timers;
} rows[] = {
	{ MS_KEYS_ACTIVATE,     ALL,       OF_ROLE,     FRESH,              T(ACTIVE) },
	{ MS_KEYS_ACTIVATE,     ZSK,       OLDER,       ACTIVE,             T(RETIRE) },
	{ MS_KEYS_WITHDRAW,     KSK | CSK, OLDER,       ACTIVE,             T(RETIRE_ACTIVE) },
	{ MS_KEYS_RETIRE,       CSK,       OLDER,       ACTIVE | WITHDRAWN, T(RETIRE) },
	{ MS_KEYS_REMOVE,       ALL,       OLDER,       USED,               T(RETIRE) | T(REMOVE) },
	{ MS_KEYS_REMOVE,       ALL,       OLDER,       RETIRED,            T(REMOVE) },
	{ MS_KEYS_DISCARD,      ALL,       STRAY,       EARLY,
	  T(PUBLISH) | T(ACTIVE) | T(RETIRE) | T(REMOVE) },
	{ MS_KEYS_DISCARD,      ALL,       STRAY,       FRESH,   T(ACTIVE) | T(RETIRE) | T(REMOVE) },
	{ MS_KEYS_DISCARD,      ALL,       STRAY,       HIDDEN,             0 },
	{ MS_KEYS_ALG_SIGN,     ALL,       NEW_ALG,     HIDDEN,             T(PRE_ACTIVE) },
	{ MS_KEYS_ALG_PUBLISH,  ALL,       NEW_ALG,     EARLY,              T(PUBLISH) },
	{ MS_KEYS_ALG_ACTIVATE, ALL,       NEW_ALG,     FRESH,              T(ACTIVE) },
	{ MS_KEYS_ALG_WITHDRAW, ALL,       OLD_ALG_KSK, ACTIVE,             T(RETIRE_ACTIVE) },
	{ MS_KEYS_ALG_HIDE,     ALL,       OLD_ALG,     ACTIVE | WITHDRAWN, T(POST_ACTIVE) },
	{ MS_KEYS_ALG_REMOVE,   ALL,       OLD_ALG,     USED,               T(RETIRE) | T(REMOVE) },
	{ MS_KEYS_ALG_REMOVE,   ALL,       OLD_ALG,     RETIRED,            T(REMOVE) },
	{ MS_KEYS_ALG_REMOVE,   ALL,       OLD_ALG,     EARLY,
	  T(PUBLISH) | T(ACTIVE) | T(RETIRE) | T(REMOVE) },
	{ MS_KEYS_ALG_REMOVE,   ALL,       OLD_ALG,     FRESH,   T(ACTIVE) | T(RETIRE) | T(REMOVE) },
	{ MS_KEYS_ALG_REMOVE,   ALL,       OLD_ALG,     HIDDEN,             0 },
};

/* What must be there, lest a zone lose its last key: an active key of the role; or KSK and ZSK of
 * the action's algorithm, in one of these lives. */
static const struct {
	bool by_role;
	bool by_algorithm;
	bool any;          /* Some active key is enough. */
	unsigned lives;
	const char *why;
} needs[] = {
	[MS_KEYS_PUBLISH]      = { .by_role = true },
	[MS_KEYS_ACTIVATE]     = { .by_role = true },
	[MS_KEYS_WITHDRAW]     = { .by_role = true },
	[MS_KEYS_RETIRE]       = { .by_role = true },
	[MS_KEYS_REMOVE]       = { .by_role = true },
	[MS_KEYS_DISCARD]      = { .any = true },
	[MS_KEYS_ALG_SIGN]     = { .by_algorithm = true, .any = true },
	[MS_KEYS_ALG_PUBLISH]  = { .by_algorithm = true, .lives = EARLY | FRESH | ACTIVE,
	                           .why = "no keys of the new algorithm sign" },
	[MS_KEYS_ALG_ACTIVATE] = { .by_algorithm = true, .lives = FRESH | ACTIVE,
	                           .why = "no keys of the new algorithm are published" },
	[MS_KEYS_ALG_WITHDRAW] = { .by_algorithm = true, .lives = ACTIVE,
	                           .why = "no keys of the new algorithm are active" },
	[MS_KEYS_ALG_HIDE]     = { .by_algorithm = true, .lives = ACTIVE,
	                           .why = "no keys of the new algorithm are active" },
	[MS_KEYS_ALG_REMOVE]   = { .by_algorithm = true, .lives = ACTIVE,
	                           .why = "no keys of the new algorithm are active" },
};

static life_t life(const ms_key_t *key)
{
	const ms_key_times_t *times = &key->times;
	if (key->removed || key->public_only) {
		return key->removed ? GONE : FOREIGN;
	}
	if (key->retired || key->withdrawn || key->active) {
		return key->retired ? RETIRED : !key->published ? LATE
		     : key->withdrawn ? WITHDRAWN : ACTIVE;
	}
	if (times->active != 0 || times->retire_active != 0 || times->retire != 0 ||
	    times->post_active != 0 || times->remove != 0 ||
	    (times->publish != 0 && !key->published)) {
		return FOREIGN;
	}
	return key->published ? FRESH : times->pre_active != 0 ? EARLY : HIDDEN;
}

static ms_key_role_t role(const ms_key_t *key)
{
	return key->ksk && key->zsk ? MS_ROLE_CSK : key->ksk ? MS_ROLE_KSK : MS_ROLE_ZSK;
}

/* The active key of this role that became so last; NULL: there is none. */
static const ms_key_t *newest(const ms_keys_t *have, ms_key_role_t of)
{
	const ms_key_t *best = NULL;
	for (size_t i = 0; i < have->count; i++) {
		const ms_key_t *key = &have->list[i];
		if (role(key) == of && life(key) == ACTIVE &&
		    (best == NULL || key->times.active > best->times.active)) {
			best = key;
		}
	}
	return best;
}

/* \param algorithm  0: any. */
static bool in_use(const ms_keys_t *have, uint8_t algorithm)
{
	for (size_t i = 0; i < have->count; i++) {
		if ((algorithm == 0 || have->list[i].algorithm == algorithm) &&
		    (life(&have->list[i]) & USED) != 0) {
			return true;
		}
	}
	return false;
}

static bool is_about(const ms_action_t *action, const ms_keys_t *have, whose_t whose,
                     const ms_key_t *key)
{
	bool in_role = role(key) == action->keys.role;
	bool in_algorithm = key->algorithm == action->keys.algorithm;
	switch (whose) {
	case OF_ROLE:
		return in_role;
	case OLDER:
		return in_role && key != newest(have, action->keys.role);
	case STRAY:
		return in_role || !in_use(have, key->algorithm);
	case NEW_ALG:
		return in_algorithm;
	case OLD_ALG:
		return !in_algorithm;
	default:
		return !in_algorithm && key->ksk;
	}
}

static void move_key(ms_move_t *out, const ms_key_t *key, unsigned timers)
{
	out->kind = timers != 0 ? MS_MOVE_SET : MS_MOVE_DELETE;
	out->timers = timers;
	memcpy(out->id, key->id, sizeof(out->id));
}

static void by_rows(const ms_action_t *action, const ms_keys_t *have, ms_move_t *out)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		if (rows[r].op != action->keys.op || (rows[r].roles & (1u << action->keys.role)) == 0) {
			continue;
		}
		for (size_t i = 0; i < have->count; i++) {
			const ms_key_t *key = &have->list[i];
			if ((life(key) & rows[r].lives) != 0 &&
			    is_about(action, have, rows[r].whose, key)) {
				move_key(out, key, rows[r].timers);
				return;
			}
		}
	}
}

/* Which of KSK and ZSK is not there? \param algorithm  0: any. */
static bool missing(const ms_action_t *action, const ms_keys_t *have, uint8_t algorithm,
                    unsigned lives, ms_keymgr_new_t *out)
{
	bool ksk = false, zsk = false;
	for (size_t i = 0; i < have->count; i++) {
		const ms_key_t *key = &have->list[i];
		bool counts = (life(key) & lives) != 0 &&
		              (algorithm == 0 || key->algorithm == algorithm);
		ksk = ksk || (counts && key->ksk);
		zsk = zsk || (counts && key->zsk);
	}
	*out = (ms_keymgr_new_t){ .algorithm = action->keys.algorithm, .ksk = !ksk };
	out->zsk = !zsk && (ksk || action->keys.single_type);
	return !ksk || !zsk;
}

static bool is_taken(const ms_action_t *action, const ms_keys_t *have, const ms_key_t *key)
{
	for (unsigned i = 0; i < action->keys.taken_count; i++) {
		if (action->keys.taken[i] == key->tag) {
			return true;
		}
	}
	for (size_t i = 0; i < have->count; i++) {
		if (&have->list[i] != key && have->list[i].tag == key->tag) {
			return true;
		}
	}
	return false;
}

/* A hidden key like this whose tag is taken goes; *fit becomes one whose tag is not. */
static void choose(const ms_action_t *action, const ms_keys_t *have, const ms_keymgr_new_t *like,
                   const ms_key_t **fit, ms_move_t *out)
{
	*fit = NULL;
	for (size_t i = 0; i < have->count; i++) {
		const ms_key_t *key = &have->list[i];
		if (life(key) != HIDDEN || key->algorithm != like->algorithm ||
		    key->ksk != like->ksk || key->zsk != like->zsk) {
			continue;
		}
		if (is_taken(action, have, key)) {
			move_key(out, key, 0);
			return;
		}
		*fit = key;
	}
}

static void publish(const ms_action_t *action, const ms_keys_t *have, ms_move_t *out)
{
	const ms_key_t *old = newest(have, action->keys.role), *fit;
	for (size_t i = 0; i < have->count; i++) {
		if (role(&have->list[i]) == action->keys.role && life(&have->list[i]) == FRESH) {
			return;
		}
	}
	out->make = (ms_keymgr_new_t){ .algorithm = old->algorithm, .ksk = old->ksk, .zsk = old->zsk };
	choose(action, have, &out->make, &fit, out);
	if (out->kind == MS_MOVE_NONE && fit != NULL) {
		move_key(out, fit, T(PUBLISH));
	} else if (out->kind == MS_MOVE_NONE) {
		out->kind = MS_MOVE_GENERATE;
	}
}

/* First all keys of the algorithm, then all of them sign: one alone would break a zone's signing. */
static void sign(const ms_action_t *action, const ms_keys_t *have, ms_move_t *out)
{
	const ms_key_t *fit;
	if (in_use(have, action->keys.algorithm)) {
		return;
	}
	for (ms_key_role_t r = MS_ROLE_ZSK; r <= MS_ROLE_CSK && out->kind == MS_MOVE_NONE; r++) {
		const ms_keymgr_new_t like = {
			.algorithm = action->keys.algorithm, .ksk = r != MS_ROLE_ZSK, .zsk = r != MS_ROLE_KSK,
		};
		choose(action, have, &like, &fit, out);
	}
	if (out->kind != MS_MOVE_NONE) {
		return;
	}
	if (missing(action, have, action->keys.algorithm, UNUSED | ACTIVE, &out->make)) {
		out->kind = MS_MOVE_GENERATE;
	} else {
		by_rows(action, have, out);
	}
}

static void make(const ms_action_t *action, const ms_keys_t *have, ms_move_t *out)
{
	if (missing(action, have, 0, ~(unsigned)GONE, &out->make)) {
		out->kind = MS_MOVE_GENERATE;
		out->make.publish = out->make.active = true;
	}
}

static int check(const ms_action_t *action, const ms_keys_t *have, const char **why)
{
	ms_keys_op_t op = action->keys.op;
	ms_keymgr_new_t unused;
	if (action->keys.role > MS_ROLE_CSK || op > MS_KEYS_ALG_REMOVE ||
	    (needs[op].by_algorithm && action->keys.algorithm == 0)) {
		*why = "it is not said which keys";
		return KNOT_EINVAL;
	}
	if (needs[op].by_role && newest(have, action->keys.role) == NULL) {
		*why = "no key of this role is active";
		return KNOT_ENOENT;
	}
	if (needs[op].any && !in_use(have, 0)) {
		*why = "no key is active";
		return KNOT_ENOENT;
	}
	if (needs[op].lives != 0 &&
	    missing(action, have, action->keys.algorithm, needs[op].lives, &unused)) {
		*why = needs[op].why;
		return KNOT_ENOENT;
	}
	return KNOT_EOK;
}

int ms_keyplan_next(const ms_action_t *action, const ms_keys_t *have, ms_move_t *out,
                    const char **why)
{
	int ret = check(action, have, why);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_move_t move = { .kind = MS_MOVE_NONE };
	switch (action->keys.op) {
	case MS_KEYS_LIST:
		break;
	case MS_KEYS_MAKE:
		make(action, have, &move);
		break;
	case MS_KEYS_PUBLISH:
		publish(action, have, &move);
		break;
	case MS_KEYS_ALG_SIGN:
		sign(action, have, &move);
		break;
	default:
		by_rows(action, have, &move);
	}
	*out = move;
	return KNOT_EOK;
}
