/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the processes, row by row. --print: those of the documentation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/action.h"
#include "core/process.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const effects[] = { "NS", "CDS", "KEYS" };
static const char *const waits[] = {
	"keys", "ds", "ds+keys", "ns", "signed", "step+keys", "step+sig",
};
static const char *const operations[] = {
	[MS_KEYS_LIST] = "", [MS_KEYS_PUBLISH] = "publish", [MS_KEYS_ACTIVATE] = "activate",
	[MS_KEYS_WITHDRAW] = "withdraw", [MS_KEYS_RETIRE] = "retire", [MS_KEYS_REMOVE] = "remove",
	[MS_KEYS_ALG_SIGN] = "alg-sign", [MS_KEYS_ALG_PUBLISH] = "alg-publish",
	[MS_KEYS_ALG_ACTIVATE] = "alg-activate", [MS_KEYS_ALG_WITHDRAW] = "alg-withdraw",
	[MS_KEYS_ALG_HIDE] = "alg-hide", [MS_KEYS_ALG_REMOVE] = "alg-remove",
};

/* What each wait is counted from; those after the step itself need no fact. */
static const struct {
	ms_wait_t wait;
	uint8_t facts;
} counted[] = {
	{ MS_WAIT_KEYS, 1 << MS_FACT_KEYS }, { MS_WAIT_DS, 1 << MS_FACT_DS },
	{ MS_WAIT_DS_KEYS, 1 << MS_FACT_DS | 1 << MS_FACT_KEYS },
	{ MS_WAIT_NS, 1 << MS_FACT_PARENT_NS }, { MS_WAIT_SIGNED, 1 << MS_FACT_SIGNED },
	{ MS_WAIT_STEP_KEYS, 0 }, { MS_WAIT_STEP_SIG, 0 },
};

/* Steps that change something though no "ready" stands before them, and why no validator can fail by it. */
static const struct {
	ms_process_kind_t kind;
	const char *step, *why;
} harmless[] = {
	{ MS_PROC_SERVE, "ns", "it serves what a member signs, and was seen to have every key" },
	{ MS_PROC_LEAVE, "ns", "fewer servers: what the one that goes has signed stays valid" },
	{ MS_PROC_UNSERVE, "ns", "fewer servers" },
	{ MS_PROC_ZSK, "publish", "one key more, that signs nothing" },
	{ MS_PROC_ZSK, "remove", "the one who acts has itself waited for the old signatures to go" },
	{ MS_PROC_KSK, "publish", "one key more, and the old one signs DNSKEY as before" },
	{ MS_PROC_KSK, "cds", "DS of both: whoever has either DNSKEY RRset has the old key" },
	{ MS_PROC_CSK, "publish", "one key more, and the old one signs as before" },
	{ MS_PROC_CSK, "remove", "the one who acts has itself waited for the old signatures to go" },
	{ MS_PROC_ALGORITHM, "sign", "signatures by a key that is in no DNSKEY RRset are passed over" },
};

#define EACH(kind, row) \
	for (ms_process_kind_t kind = MS_PROC_JOIN; kind < MS_PROC_KINDS; kind++) \
		for (const ms_step_row_t *row = ms_process_table(kind); row->name != NULL; row++)

#define FAIL(kind, row, text) fail_msg("%s %s: %s", ms_process_name(kind), (row)->name, text)

static bool is_first(ms_process_kind_t kind, const ms_step_row_t *row)
{
	return row == ms_process_table(kind);
}

static bool is_ready(const ms_step_row_t *row)
{
	return strcmp(row->name, "ready") == 0;
}

static bool is_roll(ms_process_kind_t kind)
{
	return kind == MS_PROC_ZSK || kind == MS_PROC_KSK || kind == MS_PROC_CSK ||
	       kind == MS_PROC_ALGORITHM;
}

/* Does the zone, or what signs it, become another one on entering this step? */
static bool changes(ms_process_kind_t kind, const ms_step_row_t *row)
{
	return row->keys != MS_KEYS_LIST ||
	       (!is_first(kind, row) && row->effects != (row - 1)->effects);
}

static void test_names(void **state)
{
	(void)state;
	static const char *const kinds[MS_PROC_KINDS] = {
		"none", "join", "serve", "leave", "unserve", "zsk", "ksk", "csk", "algorithm",
	};
	for (ms_process_kind_t kind = 0; kind < MS_PROC_KINDS; kind++) {
		assert_string_equal(ms_process_name(kind), kinds[kind]);
	}
	assert_int_equal(ms_process_steps(MS_PROC_NONE), 0);
	/* What a later version tells. */
	assert_string_equal(ms_process_name(MS_PROC_KINDS), "none");
	assert_int_equal(ms_process_steps(MS_PROC_KINDS), 0);
	assert_null(ms_process_table(255)->name);
	for (ms_fact_t fact = 0; fact < MS_FACT_COUNT; fact++) {
		for (ms_fact_t other = 0; other < fact; other++) {
			assert_string_not_equal(ms_fact_name(fact), ms_fact_name(other));
		}
	}
}

/* Steps are shown and logged by name: one name, one step; and each says where it comes from. */
static void test_rows(void **state)
{
	(void)state;
	EACH(kind, row) {
		if (row - ms_process_table(kind) + 2 > MS_PROC_STEPS) {
			FAIL(kind, row, "more rows than MS_PROC_STEPS");
		}
		if (row->source == NULL || strncmp(row->source, "F-", 2) != 0) {
			FAIL(kind, row, "has no requirement");
		}
		for (const ms_step_row_t *other = ms_process_table(kind); other != row; other++) {
			if (!is_ready(row) && strcmp(row->name, other->name) == 0) {
				FAIL(kind, row, "stands there twice");
			}
		}
		if (row->facts >= 1u << MS_FACT_COUNT || row->waits >= 1u << COUNT(waits) ||
		    row->effects >= 1u << COUNT(effects) || row->keys >= COUNT(operations) ||
		    operations[row->keys] == NULL) {
			FAIL(kind, row, "has a bit that means nothing");
		}
	}
}

/* All agree before anything is done (F-11, F-80); the end is never a wait that nobody sees. */
static void test_ends(void **state)
{
	(void)state;
	for (ms_process_kind_t kind = MS_PROC_JOIN; kind < MS_PROC_KINDS; kind++) {
		const ms_step_row_t *first = ms_process_table(kind);
		const ms_step_row_t *last = &first[ms_process_steps(kind) - 1];
		assert_string_equal(first->name, "agree");
		assert_true(first->facts == 0 && first->waits == 0 && !changes(kind, first));
		assert_false(first->led);
		if (last->facts == 0 || is_ready(last)) {
			FAIL(kind, last, "the last step ends by nothing that is observed");
		}
	}
}

/* F-07: a roll is led by its subject, where the others cannot see how far it is; nothing else is. */
static void test_led(void **state)
{
	(void)state;
	EACH(kind, row) {
		if (row->led && (!is_roll(kind) || kind == MS_PROC_ALGORITHM)) {
			FAIL(kind, row, "is led, but there is nobody who leads");
		}
		if (row->keys != MS_KEYS_LIST && !is_roll(kind)) {
			FAIL(kind, row, "rolls a key");
		}
		/* The others do not know when the key manager of the subject is done. */
		if (row->keys != MS_KEYS_LIST && kind != MS_PROC_ALGORITHM && !row->led) {
			FAIL(kind, row, "has a key operation that only the subject can tell of");
		}
		if ((row->facts & (1 << MS_FACT_SIGNED)) && kind != MS_PROC_ALGORITHM && !row->led) {
			FAIL(kind, row, "is about signatures of the subject");
		}
	}
}

static void test_effects_grow(void **state)
{
	(void)state;
	EACH(kind, row) {
		if (!is_first(kind, row) && ((row - 1)->effects & ~row->effects) != 0) {
			FAIL(kind, row, "takes back what was in force");
		}
		if (is_roll(kind) && row->effects != 0) {
			FAIL(kind, row, "a roll brings nobody in or out");
		}
	}
	/* F-45..F-52: NS, then CDS, then keys. Who comes has its NS named at the end (F-36). */
	static const struct {
		ms_process_kind_t kind;
		uint8_t last;
	} whole[] = {
		{ MS_PROC_JOIN, MS_EFFECT_NS }, { MS_PROC_SERVE, MS_EFFECT_NS },
		{ MS_PROC_LEAVE, MS_EFFECT_NS | MS_EFFECT_CDS | MS_EFFECT_KEYS },
		{ MS_PROC_UNSERVE, MS_EFFECT_NS },
	};
	for (size_t i = 0; i < COUNT(whole); i++) {
		const ms_step_row_t *rows = ms_process_table(whole[i].kind);
		assert_int_equal(rows[ms_process_steps(whole[i].kind) - 1].effects, whole[i].last);
	}
}

static void test_waits_have_facts(void **state)
{
	(void)state;
	assert_int_equal(COUNT(counted), COUNT(waits));
	EACH(kind, row) {
		for (size_t i = 0; i < COUNT(counted); i++) {
			if ((row->waits & counted[i].wait) && (row->facts & counted[i].facts) != counted[i].facts) {
				FAIL(kind, row, "waits from what it does not look at");
			}
		}
	}
}

/* F-09, F-23: "ready" makes all waits count. It does nothing itself, and stands behind a wait. */
static void test_ready(void **state)
{
	(void)state;
	EACH(kind, row) {
		if (!is_ready(row)) {
			continue;
		}
		if (row->facts != 0 || row->waits != 0 || row->led || changes(kind, row)) {
			FAIL(kind, row, "does something");
		}
		if (is_first(kind, row) || (row - 1)->waits == 0 || !changes(kind, row + 1)) {
			FAIL(kind, row, "stands where nothing is waited for");
		}
	}
}

static bool is_harmless(ms_process_kind_t kind, const ms_step_row_t *row)
{
	for (size_t i = 0; i < COUNT(harmless); i++) {
		if (harmless[i].kind == kind && strcmp(harmless[i].step, row->name) == 0) {
			return true;
		}
	}
	return false;
}

/* F-23: whatever could make a validator fail waits for everybody's wait. */
static void test_guarded(void **state)
{
	(void)state;
	size_t used = 0;
	EACH(kind, row) {
		bool free = is_harmless(kind, row);
		used += free;
		if (!changes(kind, row)) {
			if (free) {
				FAIL(kind, row, "is said to be harmless and changes nothing");
			}
			continue;
		}
		if (is_ready(row - 1) == free) {
			FAIL(kind, row, free ? "needs no excuse" : "changes the zone before everybody is ready");
		}
	}
	assert_int_equal(used, COUNT(harmless));
}

/* F-62, F-68: the key that goes is seen to be gone; DS goes before its key (F-71). */
static void test_order_of_rolls(void **state)
{
	(void)state;
	static const struct {
		ms_process_kind_t kind;
		uint8_t op[7];
	} orders[] = {
		{ MS_PROC_ZSK, { MS_KEYS_PUBLISH, MS_KEYS_ACTIVATE, MS_KEYS_REMOVE } },
		{ MS_PROC_KSK, { MS_KEYS_PUBLISH, MS_KEYS_ACTIVATE, MS_KEYS_WITHDRAW, MS_KEYS_REMOVE } },
		{ MS_PROC_CSK, { MS_KEYS_PUBLISH, MS_KEYS_ACTIVATE, MS_KEYS_WITHDRAW, MS_KEYS_RETIRE,
		                 MS_KEYS_REMOVE } },
		/* signatures, keys, DS; and back. */
		{ MS_PROC_ALGORITHM, { MS_KEYS_ALG_SIGN, MS_KEYS_ALG_PUBLISH, MS_KEYS_ALG_ACTIVATE,
		                       MS_KEYS_ALG_WITHDRAW, MS_KEYS_ALG_HIDE, MS_KEYS_ALG_REMOVE } },
	};
	for (size_t i = 0; i < COUNT(orders); i++) {
		unsigned at = 0;
		for (const ms_step_row_t *row = ms_process_table(orders[i].kind); row->name != NULL; row++) {
			if (row->keys != MS_KEYS_LIST && row->keys != orders[i].op[at++]) {
				FAIL(orders[i].kind, row, "comes at the wrong time");
			}
			if (row->keys == MS_KEYS_REMOVE && !(row->facts & (1 << MS_FACT_GONE))) {
				FAIL(orders[i].kind, row, "nobody looks whether the key is gone");
			}
		}
		assert_int_equal(orders[i].op[at], MS_KEYS_LIST);
	}
}

static void add(char *text, size_t size, const char *word)
{
	size_t len = strlen(text);
	(void)snprintf(text + len, size - len, "%s%s", len > 0 ? " " : "", word);
}

static const char *bits(uint8_t set, const char *const *names, char text[64])
{
	text[0] = '\0';
	for (unsigned i = 0; set >> i != 0; i++) {
		if (set >> i & 1) {
			add(text, 64, names[i]);
		}
	}
	return text[0] != '\0' ? text : "-";
}

static void print(void)
{
	const char *facts[MS_FACT_COUNT];
	for (ms_fact_t fact = 0; fact < MS_FACT_COUNT; fact++) {
		facts[fact] = ms_fact_name(fact);
	}
	for (ms_process_kind_t kind = MS_PROC_JOIN; kind < MS_PROC_KINDS; kind++) {
		printf("   %-10s OBSERVED   WAITS        IN FORCE     BY       KEYS          SOURCE\n",
		       ms_process_name(kind));
		for (const ms_step_row_t *row = ms_process_table(kind); row->name != NULL; row++) {
			char seen[64], wait[64], force[64];
			printf("   %-10s %-10s %-12s %-12s %-8s %-13s %s\n", row->name,
			       bits(row->facts, facts, seen), bits(row->waits, waits, wait),
			       bits(row->effects, effects, force), row->led ? "subject" : "all",
			       row->keys != MS_KEYS_LIST ? operations[row->keys] : "-", row->source);
		}
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		print();
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_led),
		cmocka_unit_test(test_effects_grow),
		cmocka_unit_test(test_waits_have_facts),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_order_of_rolls),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
