/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each wait is counted from, and how long it is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/process.h"
#include "core/timing.h"
#include "make.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define NONE INT64_MAX

static ms_agent_t agent;
static ms_zone_t *zone;
static ms_process_t *process;

/* TTLs and moments that no two sums of are equal; seconds. */
enum { DNSKEY = 1, NS = 20, DS = 300, PARENT_NS = 4000, LONGEST = 50000 };
enum { KEYS_AT = 1000000, DS_AT = 2000000, NS_AT = 3000000, PARENT_NS_AT = 4000000,
       SIGNED_AT = 5000000, ENTERED = 6000000 };

static int setup(void **state)
{
	(void)state;
	make_agent(&agent);
	agent.config.max_ttl = LONGEST;
	zone = make_zone(&agent);
	process = make_founded(zone);
	process->ttl[MS_TTL_DNSKEY].ttl = DNSKEY;
	process->ttl[MS_TTL_NS].ttl = NS;
	process->ttl[MS_TTL_DS].ttl = DS;
	process->ttl[MS_TTL_PARENT_NS].ttl = PARENT_NS;
	process->fact[MS_FACT_KEYS].since = KEYS_AT * MS_SEC;
	process->fact[MS_FACT_DS].since = DS_AT * MS_SEC;
	process->fact[MS_FACT_NS].since = NS_AT * MS_SEC;
	process->fact[MS_FACT_PARENT_NS].since = PARENT_NS_AT * MS_SEC;
	process->fact[MS_FACT_SIGNED].since = SIGNED_AT * MS_SEC;
	process->entered = ENTERED * MS_SEC;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ms_agent_deinit(&agent);
	return 0;
}

/* Seconds; NONE stays. */
static int64_t over(uint8_t waits)
{
	const ms_step_row_t row = { .name = "test", .waits = waits };
	int64_t when = ms_timing_over(&agent, zone, &row);
	return when == NONE ? NONE : when / MS_SEC;
}

/* F-24, F-35, F-49, F-55, F-62, F-67. */
static void test_counted_from(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t waits;
		int64_t over;
	} cases[] = {
		{ "no wait", 0, 0 },
		{ "DNSKEY", MS_WAIT_KEYS, KEYS_AT + DNSKEY },
		{ "DS", MS_WAIT_DS, DS_AT + DS },
		{ "DS and then DNSKEY, from the later fact", MS_WAIT_DS_KEYS, DS_AT + DS + DNSKEY },
		{ "NS: the larger TTL of zone and parent", MS_WAIT_NS, PARENT_NS_AT + PARENT_NS },
		{ "signatures: the longest TTL of the zone", MS_WAIT_SIGNED, SIGNED_AT + LONGEST },
		{ "DNSKEY from the step on", MS_WAIT_STEP_KEYS, ENTERED + DNSKEY },
		{ "signatures from the step on", MS_WAIT_STEP_SIG, ENTERED + LONGEST },
		{ "two waits: the later end", MS_WAIT_KEYS | MS_WAIT_DS, DS_AT + DS },
		{ "two waits, one from the step on", MS_WAIT_DS | MS_WAIT_STEP_SIG, ENTERED + LONGEST },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (over(cases[i].waits) != cases[i].over) {
			fail_msg("%s: %lld", cases[i].what, (long long)over(cases[i].waits));
		}
	}
}

/* Nothing is over while what it counts from is not so. */
static void test_no_fact(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t waits, lost;
		bool known;
	} cases[] = {
		{ "DNSKEY", MS_WAIT_KEYS, MS_FACT_KEYS, false },
		{ "DNSKEY is not about DS", MS_WAIT_KEYS, MS_FACT_DS, true },
		{ "DS", MS_WAIT_DS, MS_FACT_DS, false },
		{ "DS and DNSKEY without DNSKEY", MS_WAIT_DS_KEYS, MS_FACT_KEYS, false },
		{ "DS and DNSKEY without DS", MS_WAIT_DS_KEYS, MS_FACT_DS, false },
		{ "NS is counted from the parent's", MS_WAIT_NS, MS_FACT_PARENT_NS, false },
		{ "NS of who does not look at the servers", MS_WAIT_NS, MS_FACT_NS, true },
		{ "signatures", MS_WAIT_SIGNED, MS_FACT_SIGNED, false },
		{ "one of two", MS_WAIT_KEYS | MS_WAIT_DS, MS_FACT_KEYS, false },
		{ "the step has begun, whatever is seen", MS_WAIT_STEP_SIG, MS_FACT_SIGNED, true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		ms_rec_fact_t *fact = &process->fact[cases[i].lost];
		int64_t since = fact->since;
		fact->since = 0;
		if ((over(cases[i].waits) != NONE) != cases[i].known) {
			fail_msg("%s", cases[i].what);
		}
		fact->since = since;
	}
}

/* Whichever fact came last, and whichever TTL is the larger one. */
static void test_the_later_one(void **state)
{
	(void)state;
	process->fact[MS_FACT_KEYS].since = 2500000 * MS_SEC;
	assert_int_equal(over(MS_WAIT_DS_KEYS), 2500000 + DS + DNSKEY);
	assert_int_equal(over(MS_WAIT_KEYS | MS_WAIT_DS), 2500000 + DNSKEY);
	process->fact[MS_FACT_NS].since = 4500000 * MS_SEC;
	assert_int_equal(over(MS_WAIT_NS), 4500000 + PARENT_NS);
	process->ttl[MS_TTL_NS].ttl = 7200;
	assert_int_equal(over(MS_WAIT_NS), 4500000 + 7200);
}

/* The operator knows the longest TTL; what is seen at the apex counts even so. */
static void test_signatures(void **state)
{
	(void)state;
	agent.config.max_ttl = 0;
	assert_int_equal(ms_timing_wait(&agent, zone, MS_WAIT_SIGNED), NS * MS_SEC);
	process->ttl[MS_TTL_DNSKEY].ttl = 90;
	assert_int_equal(ms_timing_wait(&agent, zone, MS_WAIT_SIGNED), 90 * MS_SEC);
	assert_int_equal(ms_timing_wait(&agent, zone, MS_WAIT_STEP_SIG), 90 * MS_SEC);
	/* No TTL is too large to be counted. */
	process->ttl[MS_TTL_DNSKEY].ttl = UINT32_MAX;
	assert_int_equal(ms_timing_wait(&agent, zone, MS_WAIT_KEYS), (int64_t)UINT32_MAX * MS_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counted_from, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_fact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_later_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signatures, setup, teardown),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
