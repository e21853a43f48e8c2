/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libknot/errcode.h>

#include "agent/keyplan.h"
#include "io/keylife.h"

#define KEYS_MAX 6
#define NOW 1000
#define AHEAD 2000

/*
 * A list of keys is words like "K13a": role (K, Z, C), algorithm, life. Lives: h hidden, e early,
 * f fresh, a active, w withdrawn, l late, r retired, g gone, x active in future, p public part only.
 * Later words are of later keys. The tag is 100 and the index, but 100 for what has a "!" at the end.
 */
static void set_life(ms_key_t *key, char life, int64_t moment)
{
	ms_key_times_t *times = &key->times;
	bool used = strchr("awlrg", life) != NULL;
	key->public_only = life == 'p';
	times->pre_active = life == 'e' ? moment : 0;
	times->publish = used || strchr("fxp", life) != NULL ? moment : 0;
	times->active = used || life == 'p' ? moment : life == 'x' ? AHEAD : 0;
	times->retire_active = life == 'w' ? moment + 1 : 0;
	times->post_active = life == 'l' ? moment + 1 : 0;
	times->retire = strchr("rg", life) != NULL ? moment + 1 : 0;
	times->remove = life == 'g' ? moment + 2 : 0;
}

static void read_list(const char *text, ms_keys_t *out)
{
	out->count = 0;
	while (*text != '\0') {
		char role, life;
		unsigned algorithm;
		int len = 0;
		assert_int_equal(sscanf(text, " %c%u%c%n", &role, &algorithm, &life, &len), 3);
		text += len;
		ms_key_t *key = &out->list[out->count];
		*key = (ms_key_t){
			.algorithm = algorithm, .ksk = role != 'Z', .zsk = role != 'K',
			.tag = 100 + (*text == '!' ? 0 : out->count),
		};
		text += *text == '!';
		snprintf(key->id, sizeof(key->id), "%zu", out->count);
		set_life(key, life, 100 + 10 * (int64_t)out->count++);
	}
	ms_keys_judge(out, (ms_wall_t){ NOW });
}

static void write_move(const ms_move_t *move, char *out, size_t size)
{
	static const char *const timers[MS_TIMERS] = {
		"pre", "publish", "active", "withdraw", "retire", "post", "remove",
	};
	switch (move->kind) {
	case MS_MOVE_NONE:
		snprintf(out, size, "none");
		return;
	case MS_MOVE_DELETE:
		snprintf(out, size, "delete %s", move->id);
		return;
	case MS_MOVE_GENERATE:
		snprintf(out, size, "make %s%s %u%s", move->make.ksk ? "k" : "", move->make.zsk ? "z" : "",
		         move->make.algorithm, move->make.publish && move->make.active ? " used" : "");
		assert_int_equal(move->make.publish, move->make.active);
		return;
	default:
		break;
	}
	int len = snprintf(out, size, "set %s", move->id);
	for (unsigned i = 0; i < MS_TIMERS; i++) {
		if ((move->timers & (1u << i)) != 0) {
			len += snprintf(out + len, size - len, " %s", timers[i]);
		}
	}
}

typedef struct {
	ms_keys_op_t op;
	char role;
	const char *list;
	const char *move;    /* Or why not. */
} case_t;

static void check(const case_t *one, bool single, const uint16_t *taken, unsigned taken_count)
{
	ms_key_t list[KEYS_MAX];
	ms_keys_t have = { .list = list };
	ms_action_t action = { .kind = MS_ACT_KEYS };
	action.keys.op = one->op;
	action.keys.role = one->role == 'Z' ? MS_ROLE_ZSK : one->role == 'K' ? MS_ROLE_KSK : MS_ROLE_CSK;
	action.keys.algorithm = 15;
	action.keys.single_type = single;
	action.keys.taken_count = taken_count;
	for (unsigned i = 0; i < taken_count; i++) {
		action.keys.taken[i] = taken[i];
	}
	ms_move_t move;
	const char *why = "";
	char text[128];
	print_message("# operation %d, %c: %s -> %s\n", one->op, one->role, one->list, one->move);
	read_list(one->list, &have);
	int ret = ms_keyplan_next(&action, &have, &move, &why);
	if (ret != KNOT_EOK) {
		assert_int_equal(ret, KNOT_ENOENT);
		assert_string_equal(why, one->move);
		return;
	}
	write_move(&move, text, sizeof(text));
	assert_string_equal(text, one->move);
}

static void check_all(const case_t *cases, size_t count, bool single)
{
	for (size_t i = 0; i < count; i++) {
		check(&cases[i], single, NULL, 0);
	}
}

#define CHECK(cases, single) check_all(cases, sizeof(cases) / sizeof(*(cases)), single)
#define NO_ACTIVE "no key of this role is active"

static void test_make(void **state)
{
	static const case_t two[] = {
		{ MS_KEYS_LIST,    'Z', "", "none" },
		{ MS_KEYS_MAKE,    'Z', "", "make k 15 used" },
		{ MS_KEYS_MAKE,    'Z', "K13a", "make z 15 used" },
		{ MS_KEYS_MAKE,    'Z', "Z13a", "make k 15 used" },
		{ MS_KEYS_MAKE,    'Z', "K13a Z13a", "none" },
		{ MS_KEYS_MAKE,    'Z', "C13a", "none" },
		{ MS_KEYS_MAKE,    'Z', "K13g Z13a", "make k 15 used" },
	}, one[] = {
		{ MS_KEYS_MAKE,    'C', "", "make kz 15 used" },
		{ MS_KEYS_MAKE,    'C', "Z13a", "make k 15 used" },
		{ MS_KEYS_MAKE,    'C', "C13a", "none" },
	};
	CHECK(two, false);
	CHECK(one, true);
}

static void test_zsk(void **state)
{
	static const case_t cases[] = {
		{ MS_KEYS_PUBLISH,  'Z', "", NO_ACTIVE },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13f", NO_ACTIVE },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13x", NO_ACTIVE },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13p", NO_ACTIVE },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a", "make z 13" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a K13h Z13a", "make z 13" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z15h", "make z 13" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z13h", "set 2 publish" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a! Z13a Z13h!", "delete 2" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z13g! Z13h!", "delete 3" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z13f", "none" },
		{ MS_KEYS_ACTIVATE, 'Z', "K13a Z13a Z13f", "set 2 active" },
		{ MS_KEYS_ACTIVATE, 'Z', "K13f Z13a Z13a", "set 1 retire" },
		{ MS_KEYS_ACTIVATE, 'Z', "Z13a Z13a K13a K13a", "set 0 retire" },
		{ MS_KEYS_ACTIVATE, 'Z', "K13a Z13r Z13a", "none" },
		{ MS_KEYS_ACTIVATE, 'Z', "K13a Z13a", "none" },
		{ MS_KEYS_ACTIVATE, 'Z', "K13a Z13r Z13f", NO_ACTIVE },
		{ MS_KEYS_WITHDRAW, 'Z', "K13a Z13a Z13a", "none" },
		{ MS_KEYS_RETIRE,   'Z', "K13a Z13a Z13a", "none" },
		{ MS_KEYS_REMOVE,   'Z', "K13a Z13r Z13a", "set 1 remove" },
		{ MS_KEYS_REMOVE,   'Z', "K13a Z13a Z13a", "set 1 retire remove" },
		{ MS_KEYS_REMOVE,   'Z', "K13a Z13a Z13f", "none" },
		{ MS_KEYS_REMOVE,   'Z', "K13a Z13g Z13a", "none" },
		{ MS_KEYS_REMOVE,   'Z', "K13a Z13r", NO_ACTIVE },
		{ MS_KEYS_DISCARD,  'Z', "K13a Z13a Z13f", "set 2 active retire remove" },
		{ MS_KEYS_DISCARD,  'Z', "K13a Z13a Z13h", "delete 2" },
		{ MS_KEYS_DISCARD,  'Z', "K13f Z13r Z13a", "none" },
	};
	CHECK(cases, false);
}

static void test_ksk(void **state)
{
	static const case_t cases[] = {
		{ MS_KEYS_PUBLISH,  'K', "K13a Z13a", "make k 13" },
		{ MS_KEYS_PUBLISH,  'K', "C13a Z13a", NO_ACTIVE },
		{ MS_KEYS_PUBLISH,  'K', "K13a Z13a K13h", "set 2 publish" },
		{ MS_KEYS_ACTIVATE, 'K', "K13a Z13a K13f", "set 2 active" },
		{ MS_KEYS_ACTIVATE, 'K', "K13a Z13a K13a", "none" },
		{ MS_KEYS_WITHDRAW, 'K', "K13a Z13a K13a", "set 0 withdraw" },
		{ MS_KEYS_WITHDRAW, 'K', "K13a Z13a K13f", "none" },
		{ MS_KEYS_WITHDRAW, 'K', "K13w Z13a K13a", "none" },
		{ MS_KEYS_WITHDRAW, 'K', "K13w Z13a K13f", NO_ACTIVE },
		{ MS_KEYS_RETIRE,   'K', "K13w Z13a K13a", "none" },
		{ MS_KEYS_REMOVE,   'K', "K13w Z13a K13a", "set 0 retire remove" },
		{ MS_KEYS_REMOVE,   'K', "K13r Z13r K13a", "set 0 remove" },
		{ MS_KEYS_REMOVE,   'K', "K13g Z13r K13a", "none" },
		{ MS_KEYS_DISCARD,  'K', "K13a Z13a K13f", "set 2 active retire remove" },
		{ MS_KEYS_DISCARD,  'K', "K13w Z13a K13a", "none" },
	};
	CHECK(cases, false);
}

static void test_csk(void **state)
{
	static const case_t cases[] = {
		{ MS_KEYS_PUBLISH,  'C', "C13a", "make kz 13" },
		{ MS_KEYS_ACTIVATE, 'C', "C13a C13f", "set 1 active" },
		{ MS_KEYS_ACTIVATE, 'C', "C13a C13a", "none" },
		{ MS_KEYS_WITHDRAW, 'C', "C13a C13a", "set 0 withdraw" },
		{ MS_KEYS_RETIRE,   'C', "C13w C13a", "set 0 retire" },
		{ MS_KEYS_RETIRE,   'C', "C13a C13a", "set 0 retire" },
		{ MS_KEYS_RETIRE,   'C', "C13r C13a", "none" },
		{ MS_KEYS_REMOVE,   'C', "C13r C13a", "set 0 remove" },
		{ MS_KEYS_REMOVE,   'C', "C13w C13a", "set 0 retire remove" },
		{ MS_KEYS_DISCARD,  'C', "C13a C13f", "set 1 active retire remove" },
		{ MS_KEYS_DISCARD,  'Z', "C13a C15e", "set 1 publish active retire remove" },
		{ MS_KEYS_DISCARD,  'C', "C13f", "no key is active" },
	};
	CHECK(cases, true);
}

static void test_algorithm(void **state)
{
	static const case_t two[] = {
		{ MS_KEYS_ALG_SIGN,     'Z', "", "no key is active" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K13a Z13a", "make k 15" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K13a Z13a K15h", "make z 15" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K13a Z13a! K15h! Z15h", "delete 2" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K13a Z13a K15h Z15h", "set 2 pre" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K13a Z13a K15e Z15h", "set 3 pre" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K13a Z13a K15e Z15e", "none" },
		{ MS_KEYS_ALG_SIGN,     'Z', "K15a Z15a K15h", "none" },
		{ MS_KEYS_ALG_PUBLISH,  'Z', "K13a Z13a K15h Z15h", "no keys of the new algorithm sign" },
		{ MS_KEYS_ALG_PUBLISH,  'Z', "K13a Z13a K15e Z15e", "set 2 publish" },
		{ MS_KEYS_ALG_PUBLISH,  'Z', "K13a Z13a K15f Z15f", "none" },
		{ MS_KEYS_ALG_ACTIVATE, 'Z', "K13a Z13a K15f Z15e",
		  "no keys of the new algorithm are published" },
		{ MS_KEYS_ALG_ACTIVATE, 'Z', "K13a Z13a K15f Z15f", "set 2 active" },
		{ MS_KEYS_ALG_ACTIVATE, 'Z', "K13a Z13a K15a Z15f", "set 3 active" },
		{ MS_KEYS_ALG_ACTIVATE, 'Z', "K13a Z13a K15a Z15a", "none" },
		{ MS_KEYS_ALG_WITHDRAW, 'Z', "K13a Z13a K15f Z15f",
		  "no keys of the new algorithm are active" },
		{ MS_KEYS_ALG_WITHDRAW, 'Z', "K13a Z13a K15a Z15a", "set 0 withdraw" },
		{ MS_KEYS_ALG_WITHDRAW, 'Z', "K13w Z13a K15a Z15a", "none" },
		{ MS_KEYS_ALG_HIDE,     'Z', "K13w Z13a K15a Z15f",
		  "no keys of the new algorithm are active" },
		{ MS_KEYS_ALG_HIDE,     'Z', "K13w Z13a K15a Z15a", "set 0 post" },
		{ MS_KEYS_ALG_HIDE,     'Z', "K13l Z13a K15a Z15a", "set 1 post" },
		{ MS_KEYS_ALG_HIDE,     'Z', "K13l Z13l K15a Z15a", "none" },
		{ MS_KEYS_ALG_REMOVE,   'Z', "K13l Z13l", "no keys of the new algorithm are active" },
		{ MS_KEYS_ALG_REMOVE,   'Z', "K13l Z13l K15a Z15a", "set 0 retire remove" },
		{ MS_KEYS_ALG_REMOVE,   'Z', "K13g Z13r K15a Z15a", "set 1 remove" },
		{ MS_KEYS_ALG_REMOVE,   'Z', "K13g Z13f K15a Z15a", "set 1 active retire remove" },
		{ MS_KEYS_ALG_REMOVE,   'Z', "K13g Z13h K15a Z15a", "delete 1" },
		{ MS_KEYS_ALG_REMOVE,   'Z', "K13g Z13g K15a Z15a", "none" },
		{ MS_KEYS_DISCARD,      'Z', "K13a Z13a K15e Z15e", "set 2 publish active retire remove" },
		{ MS_KEYS_DISCARD,      'Z', "K13a Z13a K15g Z15f", "set 3 active retire remove" },
		{ MS_KEYS_DISCARD,      'Z', "K13a Z13a K15a Z15a K13f", "none" },
	}, one[] = {
		{ MS_KEYS_ALG_SIGN,     'C', "C13a", "make kz 15" },
		{ MS_KEYS_ALG_SIGN,     'C', "C13a C15h", "set 1 pre" },
		{ MS_KEYS_ALG_PUBLISH,  'C', "C13a C15e", "set 1 publish" },
		{ MS_KEYS_ALG_ACTIVATE, 'C', "C13a C15f", "set 1 active" },
		{ MS_KEYS_ALG_WITHDRAW, 'C', "C13a C15a", "set 0 withdraw" },
		{ MS_KEYS_ALG_HIDE,     'C', "C13w C15a", "set 0 post" },
		{ MS_KEYS_ALG_REMOVE,   'C', "C13l C15a", "set 0 retire remove" },
	};
	CHECK(two, false);
	CHECK(one, true);
}

static void test_taken(void **state)
{
	static const uint16_t taken[] = { 7, 102 };
	static const case_t cases[] = {
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z13h", "delete 2" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z13g Z13h", "set 3 publish" },
		{ MS_KEYS_PUBLISH,  'Z', "K13a Z13a Z13f", "none" },
		{ MS_KEYS_ALG_SIGN, 'Z', "K13a Z13a K15h Z15h", "delete 2" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		check(&cases[i], false, taken, 2);
	}
}

static void test_senseless(void **state)
{
	ms_keys_t none = { 0 };
	ms_move_t move = { .kind = MS_MOVE_SET };
	const char *why = NULL;
	ms_action_t action = { .kind = MS_ACT_KEYS };
	action.keys.op = MS_KEYS_ALG_SIGN;
	assert_int_equal(ms_keyplan_next(&action, &none, &move, &why), KNOT_EINVAL);
	assert_non_null(why);
	action.keys.op = MS_KEYS_PUBLISH;
	action.keys.role = MS_ROLE_CSK + 1;
	assert_int_equal(ms_keyplan_next(&action, &none, &move, &why), KNOT_EINVAL);
	action.keys.op = MS_KEYS_ALG_REMOVE + 1;
	action.keys.role = MS_ROLE_ZSK;
	assert_int_equal(ms_keyplan_next(&action, &none, &move, &why), KNOT_EINVAL);
	assert_int_equal(move.kind, MS_MOVE_SET);
}

/* Published, active, signing, withdrawn, retired, removed: as the measured knotd has it. */
static void test_states(void **state)
{
	static const struct {
		const char *list;
		const char *states;    /* Of the first key. */
	} cases[] = {
		{ "Z13h", "" },      { "Z13e", "s" },     { "Z13f", "p" },     { "Z13a", "pas" },
		{ "Z13l", "as" },    { "Z13r", "pr" },    { "Z13g", "rg" },    { "Z13x", "p" },
		{ "K13e", "" },      { "K13f", "p" },     { "K13a", "pa" },    { "K13w", "pw" },
		{ "K13l", "a" },     { "K13r", "r" },     { "K13g", "rg" },
		{ "C13e", "s" },     { "C13f", "p" },     { "C13a", "pas" },   { "C13r", "pr" },
		{ "C13w C13a", "pw" }, { "C13w C15a", "pws" }, { "C13w C13f", "pws" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].list);
		ms_key_t list[KEYS_MAX];
		ms_keys_t have = { .list = list };
		char text[8] = "";
		read_list(cases[i].list, &have);
		const bool is[] = { list->published, list->active, list->withdrawn, list->retired,
		                    list->removed, list->signs };
		for (unsigned k = 0; k < 6; k++) {
			if (is[k]) {
				text[strlen(text)] = "pawrgs"[k];
			}
		}
		assert_string_equal(text, cases[i].states);
	}
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_zsk),
		cmocka_unit_test(test_ksk),
		cmocka_unit_test(test_csk),
		cmocka_unit_test(test_algorithm),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_senseless),
		cmocka_unit_test(test_states),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
