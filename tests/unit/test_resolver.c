/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "io/resolver.h"
#include "rootlab.h"

#define WAIT 15000      /* milliseconds for one look-up */
#define LATER_TRIES 100 /* of 100 ms: twice as long as libunbound may remember that there is none */
#define ADDRS 2

#define X8(octet) octet octet octet octet octet octet octet octet
#define KEY(first, octet) "TYPE25 \\# 36 " first X8(octet) X8(octet) X8(octet) X8(octet) "\n"
#define KEY_OF(octet) KEY("0200030f", octet)
#define URI(identity, priority, host) \
	"_dns._tcp." identity " URI " priority " 10 \"dns://" host ":5399/\"\n"

/* KEYs are told apart by the octet they consist of. */
static const char GOOD_ZONE[] =
	URI("full", "10", "h1.good")
	"h1 SVCB 1 . port=5399 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1\nh1 " KEY_OF("11")
	"h1 A 192.0.2.99\nfull " KEY_OF("99")
	"_dns._tcp.ttl 1000 URI 10 10 \"dns://h2.good:5399/\"\n"
	"h2 70 SVCB 1 . ipv4hint=192.0.2.2\nh2 500 " KEY_OF("22")
	"nodata TXT \"no URI\"\n_dns._tcp.nodata TXT \"no URI\"\n"
	"_dns._tcp.scheme URI 10 10 \"https://h1.good/\"\n"
	URI("nokey", "10", "h3.good") "h3 SVCB 1 . ipv4hint=192.0.2.3\n"
	URI("badkey", "10", "h4.good") "h4 SVCB 1 . ipv4hint=192.0.2.4\nh4 " KEY("0280030f", "44")
	URI("idkey", "10", "h5.good") "h5 SVCB 1 . ipv4hint=192.0.2.5\nidkey " KEY_OF("55")
	URI("conflict", "10", "h6.good") "h6 SVCB 1 . port=5400 ipv4hint=192.0.2.6\nh6 " KEY_OF("66")
	URI("alias", "10", "h7.good") "h7 SVCB 0 s7\nh7 " KEY_OF("77")
	"s7 SVCB 1 . port=5399 ipv4hint=192.0.2.7\n"
	URI("twice", "10", "h8.good") "h8 SVCB 0 s8\nh8 " KEY_OF("88")
	"s8 SVCB 0 s7\ns8 A 192.0.2.8\n"
	URI("nosvcb", "10", "h9.good") "h9 A 192.0.2.9\nh9 AAAA 2001:db8::9\nh9 " KEY_OF("99")
	URI("nohints", "10", "h10.good") "h10 SVCB 1 t10 port=5401\nh10 A 192.0.2.99\nh10 " KEY_OF("aa")
	"t10 A 192.0.2.10\n"
	URI("noaddr", "10", "h11.good") "h11 " KEY_OF("bb")
	URI("insecure", "10", "h.plain")
	URI("second", "20", "h1.good") URI("second", "10", "h.plain")
	URI("third", "30", "h1.good") URI("third", "20", "h3.good") URI("third", "10", "h.bogus");

static const char OTHER_ZONE[] =
	"_dns._tcp.agent URI 10 10 \"dns://h:5399/\"\n"
	"h SVCB 1 . ipv4hint=192.0.2.50\nh " KEY_OF("cc");

static struct {
	ms_resolver_t *resolver;
	ms_now_t now;
	unsigned done;
	uint64_t id;
	int ret;
	ms_locator_t locator;
	char reason[MS_RESOLVER_REASON_MAX + 1];
} lab;

static void on_done(void *ctx, uint64_t id, int ret, const ms_locator_t *locator,
                    const char *reason)
{
	assert_true((ret == KNOT_EOK) == (locator != NULL));
	lab.done++;
	lab.id = id;
	lab.ret = ret;
	lab.locator = locator != NULL ? *locator : (ms_locator_t){ 0 };
	assert_true(strlen(reason) < sizeof(lab.reason));
	strcpy(lab.reason, reason);
}

static int make(const ms_resolver_options_t *changes, char *error, size_t max)
{
	char hints[128], anchor[128];
	snprintf(hints, sizeof(hints), "%s/root.hints", net.dir);
	snprintf(anchor, sizeof(anchor), "%s/root.ds", net.dir);
	ms_resolver_options_t options = *changes;
	options.root_hints = options.root_hints != NULL ? options.root_hints : hints;
	options.trust_anchor = options.trust_anchor != NULL ? options.trust_anchor : anchor;
	const ms_resolver_calls_t calls = { .done = on_done };
	return ms_resolver_new(&options, &calls, &lab.resolver, error, max);
}

static void make_default(bool uri_port_wins)
{
	char error[256] = "";
	const ms_resolver_options_t options = { .uri_port_wins = uri_port_wins };
	assert_int_equal(make(&options, error, sizeof(error)), KNOT_EOK);
}

static int set_up(void **state)
{
	memset(&lab, 0, sizeof(lab));
	lab.now = (ms_now_t){ { 1000 * MS_SEC }, { 1700000000 } };
	return 0;
}

static int tear_down(void **state)
{
	ms_resolver_free(lab.resolver);
	return 0;
}

static void ask(const char *identity, bool fresh)
{
	knot_dname_storage_t name;
	assert_non_null(knot_dname_from_str(name, identity, sizeof(name)));
	unsigned before = lab.done;
	assert_int_equal(ms_resolver_locate(lab.resolver, 7, name, fresh, lab.now), KNOT_EOK);
	assert_int_equal(lab.done, before); /* never from within locate */
}

static void wait_for(unsigned count)
{
	struct pollfd pfd = { .fd = ms_resolver_fd(lab.resolver), .events = POLLIN };
	while (lab.done < count) {
		bool due = ms_time_due(ms_resolver_deadline(lab.resolver), lab.now.mono);
		assert_true(due || poll(&pfd, 1, WAIT) == 1);
		ms_resolver_work(lab.resolver, lab.now);
	}
	assert_int_equal(lab.done, count);
}

static int locate(const char *identity, bool fresh)
{
	lab.done = 0;
	ask(identity, fresh);
	wait_for(1);
	assert_int_equal(lab.id, 7);
	return lab.ret;
}

static void assert_located(const char *host, uint8_t key, const char *const addrs[ADDRS])
{
	knot_dname_txt_storage_t text;
	assert_non_null(knot_dname_to_str(text, lab.locator.host, sizeof(text)));
	assert_string_equal(text, host);
	assert_int_equal(lab.locator.key_count, 1);
	assert_int_equal(lab.locator.key[0].len, 36);
	assert_int_equal(lab.locator.key[0].rdata[35], key);
	unsigned count = 0;
	for (; count < ADDRS && addrs[count] != NULL; count++) {
		char addr[MS_ADDR_TEXT_MAX];
		assert_true(count < lab.locator.addr_count);
		ms_addr_to_text(&lab.locator.addr[count], addr);
		assert_string_equal(addr, addrs[count]);
	}
	assert_int_equal(lab.locator.addr_count, count);
}

static void test_located(void **state)
{
	static const struct {
		const char *identity;
		bool uri_port_wins;
		const char *host;
		uint8_t key;
		const char *addrs[ADDRS];
		int64_t ttl;
		const char *reason;
	} cases[] = {
		{ "full.good.", false, "h1.good.", 0x11, { "192.0.2.1@5399", "2001:db8::1@5399" },
		  3600, "" },
		{ "FULL.good.", false, "h1.good.", 0x11, { "192.0.2.1@5399", "2001:db8::1@5399" },
		  3600, "" },
		{ "ttl.good.", false, "h2.good.", 0x22, { "192.0.2.2@5399" }, 70, "" },
		{ "idkey.good.", false, "h5.good.", 0x55, { "192.0.2.5@5399" }, 3600, "" },
		{ "conflict.good.", false, "h6.good.", 0x66, { "192.0.2.6@5400" }, 3600,
		  "URI says port 5399, SVCB says 5400: 5400 is used" },
		{ "conflict.good.", true, "h6.good.", 0x66, { "192.0.2.6@5399" }, 3600,
		  "URI says port 5399, SVCB says 5400: 5399 is used" },
		{ "alias.good.", false, "h7.good.", 0x77, { "192.0.2.7@5399" }, 3600, "" },
		{ "twice.good.", false, "h8.good.", 0x88, { "192.0.2.8@5399" }, 3600, "" },
		{ "nosvcb.good.", false, "h9.good.", 0x99, { "2001:db8::9@5399", "192.0.2.9@5399" },
		  3600, "" },
		{ "nohints.good.", false, "h10.good.", 0xaa, { "192.0.2.10@5401" }, 3600,
		  "URI says port 5399, SVCB says 5401: 5401 is used" },
		{ "second.good.", false, "h1.good.", 0x11, { "192.0.2.1@5399", "2001:db8::1@5399" },
		  3600, "" },
		{ "third.good.", false, "h1.good.", 0x11, { "192.0.2.1@5399", "2001:db8::1@5399" },
		  3600, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].identity);
		make_default(cases[i].uri_port_wins);
		int ret = locate(cases[i].identity, false);
		assert_string_equal(lab.reason, cases[i].reason);
		assert_int_equal(ret, KNOT_EOK);
		assert_located(cases[i].host, cases[i].key, cases[i].addrs);
		int64_t left = lab.locator.expires - lab.now.wall.s;
		assert_in_range(left, cases[i].ttl - 2, cases[i].ttl); /* cold caches, slow machines */
		ms_resolver_free(lab.resolver);
		lab.resolver = NULL;
	}
}

static void test_not_located(void **state)
{
	static const struct {
		const char *identity;
		int ret;
		const char *reason; /* begins so */
	} cases[] = {
		{ "agent.plain.", KNOT_DNSSEC_ENOSIG,
		  "URI is not DNSSEC-signed at _dns._tcp.agent.plain." },
		{ "none.plain.", KNOT_DNSSEC_ENOSIG,
		  "URI is not DNSSEC-signed at _dns._tcp.none.plain." },
		{ "agent.bogus.", KNOT_DNSSEC_ENOSIG, "URI is bogus at _dns._tcp.agent.bogus.: " },
		{ "none.good.", KNOT_ENOENT, "URI does not exist at _dns._tcp.none.good." },
		{ "nodata.good.", KNOT_ENOENT, "URI does not exist at _dns._tcp.nodata.good." },
		{ "scheme.good.", KNOT_ENOENT, "URI is unusable at _dns._tcp.scheme.good." },
		{ "nokey.good.", KNOT_ENOENT, "KEY does not exist at h3.good." },
		{ "badkey.good.", KNOT_ENOENT, "KEY is unusable at h4.good." },
		{ "noaddr.good.", KNOT_ENOENT,
		  "A and AAAA do not exist (nor hints in SVCB) at h11.good." },
	};
	make_default(false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].identity);
		int ret = locate(cases[i].identity, false);
		lab.reason[strlen(cases[i].reason)] = '\0';
		assert_string_equal(lab.reason, cases[i].reason);
		assert_int_equal(ret, cases[i].ret);
	}
	assert_int_equal(locate("insecure.good.", false), KNOT_DNSSEC_ENOSIG);
	assert_non_null(strstr(lab.reason, " is not DNSSEC-signed at h.plain."));
}

static void test_many_at_once(void **state)
{
	make_default(false);
	for (int i = 0; i < 8; i++) {
		ask("full.good.", false);
		ask("agent.bogus.", i == 0);
	}
	wait_for(16);
	assert_true(ms_time_is_never(ms_resolver_deadline(lab.resolver)));
}

/* B-20: what is cached hides a new KEY, but not from those who ask for fresh data. */
static void test_fresh(void **state)
{
	char zone[sizeof(GOOD_ZONE) + 256];
	make_default(false);
	assert_int_equal(locate("late.good.", false), KNOT_ENOENT);
	assert_int_equal(locate("full.good.", false), KNOT_EOK);
	snprintf(zone, sizeof(zone), "%s" URI("late", "10", "h1.good") "\n", GOOD_ZONE);
	char *key = strstr(zone, KEY_OF("11"));
	assert_non_null(key);
	memset(strstr(key, "11"), 'd', 2); /* the first of its octets */
	publish("good.", zone, true);
	assert_int_equal(locate("full.good.", false), KNOT_EOK);
	assert_int_equal(lab.locator.key[0].rdata[4], 0x11);
	assert_int_equal(locate("full.good.", true), KNOT_EOK);
	assert_int_equal(lab.locator.key[0].rdata[4], 0xdd);
	assert_int_equal(locate("full.good.", false), KNOT_EOK);
	assert_int_equal(lab.locator.key[0].rdata[4], 0xdd);
	publish("good.", GOOD_ZONE, true);
}

/* B-19: that there is nothing is soon forgotten, whatever the SOA says. */
static void test_appears_later(void **state)
{
	char zone[sizeof(GOOD_ZONE) + 256];
	make_default(false);
	assert_int_equal(locate("later.good.", false), KNOT_ENOENT);
	snprintf(zone, sizeof(zone), "%s" URI("later", "10", "h1.good"), GOOD_ZONE);
	publish("good.", zone, true);
	int ret = KNOT_ENOENT;
	for (int i = 0; i < LATER_TRIES && ret != KNOT_EOK; i++) {
		(void)poll(NULL, 0, 100);
		ret = locate("later.good.", false);
	}
	assert_int_equal(ret, KNOT_EOK);
	publish("good.", GOOD_ZONE, true);
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Nobody answers for dead.: given up in time, and freed at once with questions on their way. */
static void test_dead(void **state)
{
	make_default(false);
	ask("agent.dead.", false);
	assert_int_equal(ms_time_diff(lab.now.mono, ms_resolver_deadline(lab.resolver)),
	                 MS_RESOLVER_TIMEOUT);
	lab.now.mono = ms_time_add(lab.now.mono, MS_RESOLVER_TIMEOUT);
	wait_for(1);
	assert_int_equal(lab.ret, KNOT_ETIMEOUT);
	assert_string_equal(lab.reason, "URI is not answered in time at _dns._tcp.agent.dead.");
	ask("other.dead.", true);
	ask("more.dead.", false);
	double begin = seconds();
	ms_resolver_free(lab.resolver);
	lab.resolver = NULL;
	double took = seconds() - begin;
	print_message("# freed in %.1f ms\n", took * 1000);
	assert_true(took < 2);
	assert_int_equal(lab.done, 1);
}

/* What a forwarder says is validated all the same (P-18). */
static void test_forward(void **state)
{
	if (!start_forwarder()) {
		print_message("# " UNBOUND " is not installed\n");
		skip();
	}
	ms_addr_t forward = { .family = AF_INET, .port = FWD_PORT, .ip = { 127, 53, 200, 3 } };
	const ms_resolver_options_t options = { .forward = &forward, .forward_count = 1,
	                                        .root_hints = "" };
	static const char *const addrs[ADDRS] = { "192.0.2.1@5399", "2001:db8::1@5399" };
	char error[256] = "";
	assert_int_equal(make(&options, error, sizeof(error)), KNOT_EOK);
	assert_int_equal(locate("full.good.", false), KNOT_EOK);
	assert_located("h1.good.", 0x11, addrs);
	assert_int_equal(locate("agent.plain.", false), KNOT_DNSSEC_ENOSIG);
	assert_int_equal(locate("agent.bogus.", false), KNOT_DNSSEC_ENOSIG);
}

static void test_refused_options(void **state)
{
	char junk[128];
	write_text("junk", "this is ( no zone file\n");
	snprintf(junk, sizeof(junk), "%s/junk", net.dir);
	const struct {
		const char *what;
		ms_resolver_options_t options;
		int ret;
		const char *words;
	} cases[] = {
		{ "no hints", { .root_hints = "/nowhere" }, KNOT_EFILE, "root hints '/nowhere'" },
		{ "no anchor", { .trust_anchor = "/nowhere" }, KNOT_EFILE, "anchor '/nowhere'" },
		{ "bad anchor", { .trust_anchor = junk }, KNOT_ERROR, "'trust-anchor'" },
		{ "too many", { .forward_count = MS_ADDRS_MAX + 1 }, KNOT_ENOMEM, "forwarders" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char error[256] = "";
		print_message("# %s\n", cases[i].what);
		assert_int_equal(make(&cases[i].options, error, sizeof(error)), cases[i].ret);
		assert_non_null(strstr(error, cases[i].words));
		assert_null(lab.resolver);
	}
}

static int start_all(void **state)
{
	start_net(GOOD_ZONE, OTHER_ZONE);
	return 0;
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const char *why = ensure_port_53();
	if (why != NULL) {
		print_message("1..0 # SKIP %s\n", why);
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_located, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_located, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fresh, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_appears_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forward, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_options, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, start_all, stop_net);
}
