/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>
#include <libknot/wire.h>

#include "wire/locator.h"

#define LONG_LABEL "a23456789b23456789c23456789d23456789e23456789f23456789g23456789h234"

static const knot_dname_t OWNER[] = "\x02ns\x01""a\x04test";

static size_t unhex(const char *hex, uint8_t *out, size_t max)
{
	size_t len = 0;
	for (; *hex != '\0'; hex++) {
		if (*hex == ' ') {
			continue;
		}
		char pair[3] = { hex[0], hex[1], '\0' };
		assert_true(len < max);
		out[len++] = strtoul(pair, NULL, 16);
		hex++;
	}
	return len;
}

static size_t uri_rdata(uint16_t priority, uint16_t weight, const char *target, uint8_t *out)
{
	knot_wire_write_u16(out, priority);
	knot_wire_write_u16(out + 2, weight);
	memcpy(out + 4, target, strlen(target));
	return 4 + strlen(target);
}

static void test_uri_decode(void **state)
{
	static const struct {
		const char *what, *target;
		int ret;
		const char *host;
		uint16_t port;
	} cases[] = {
		{ "host and port", "dns://ns.a.test:5399/", KNOT_EOK, "ns.a.test.", 5399 },
		{ "default port", "dns://ns.a.test/", KNOT_EOK, "ns.a.test.", 53 },
		{ "final dot", "dns://ns.a.test.:53/", KNOT_EOK, "ns.a.test.", 53 },
		{ "upper case", "DNS://NS.A.Test:1/", KNOT_EOK, "ns.a.test.", 1 },
		{ "one label", "dns://localhost/", KNOT_EOK, "localhost.", 53 },
		{ "underscore and hyphen", "dns://_x-1.a.test/", KNOT_EOK, "_x-1.a.test.", 53 },
		{ "digits in front", "dns://1.2.3.4.a.test/", KNOT_EOK, "1.2.3.4.a.test.", 53 },
		{ "greatest port", "dns://ns.a.test:65535/", KNOT_EOK, "ns.a.test.", 65535 },
		{ "port with zeros", "dns://ns.a.test:00053/", KNOT_EOK, "ns.a.test.", 53 },
		{ "port too great", "dns://ns.a.test:65536/", KNOT_EMALF, NULL, 0 },
		{ "port 0", "dns://ns.a.test:0/", KNOT_EMALF, NULL, 0 },
		{ "port of six digits", "dns://ns.a.test:000053/", KNOT_EMALF, NULL, 0 },
		{ "empty port", "dns://ns.a.test:/", KNOT_EMALF, NULL, 0 },
		{ "port with sign", "dns://ns.a.test:+53/", KNOT_EMALF, NULL, 0 },
		{ "port no number", "dns://ns.a.test:5x/", KNOT_EMALF, NULL, 0 },
		{ "two ports", "dns://ns.a.test:53:54/", KNOT_EMALF, NULL, 0 },
		{ "no final slash", "dns://ns.a.test:5399", KNOT_EMALF, NULL, 0 },
		{ "a name to ask for", "dns://ns.a.test/www.example", KNOT_EMALF, NULL, 0 },
		{ "query", "dns://ns.a.test/?type=A", KNOT_EMALF, NULL, 0 },
		{ "query without path", "dns://ns.a.test?type=A/", KNOT_EMALF, NULL, 0 },
		{ "fragment", "dns://ns.a.test/#/", KNOT_EMALF, NULL, 0 },
		{ "two slashes", "dns://ns.a.test//", KNOT_EMALF, NULL, 0 },
		{ "userinfo", "dns://me@ns.a.test/", KNOT_EMALF, NULL, 0 },
		{ "userinfo with password", "dns://me:53@ns.a.test/", KNOT_EMALF, NULL, 0 },
		{ "IPv4 literal", "dns://192.0.2.1:53/", KNOT_EMALF, NULL, 0 },
		{ "IPv4 literal, dot", "dns://192.0.2.1./", KNOT_EMALF, NULL, 0 },
		{ "IPv4 in one number", "dns://3221225985/", KNOT_EMALF, NULL, 0 },
		{ "IPv6 literal", "dns://[2001:db8::1]:53/", KNOT_EMALF, NULL, 0 },
		{ "escaped octet", "dns://n%73.a.test/", KNOT_EMALF, NULL, 0 },
		{ "backslash", "dns://n\\115.a.test/", KNOT_EMALF, NULL, 0 },
		{ "blank", "dns://ns.a.test /", KNOT_EMALF, NULL, 0 },
		{ "no host", "dns:///", KNOT_EMALF, NULL, 0 },
		{ "only a dot", "dns://./", KNOT_EMALF, NULL, 0 },
		{ "empty label", "dns://ns..test/", KNOT_EMALF, NULL, 0 },
		{ "leading dot", "dns://.ns.test/", KNOT_EMALF, NULL, 0 },
		{ "only a port", "dns://:53/", KNOT_EMALF, NULL, 0 },
		{ "label of 67", "dns://" LONG_LABEL ".test/", KNOT_EMALF, NULL, 0 },
		{ "no authority", "dns:www.example", KNOT_EMALF, NULL, 0 },
		{ "only the scheme", "dns:", KNOT_EMALF, NULL, 0 },
		{ "almost nothing", "dns://", KNOT_EMALF, NULL, 0 },
		{ "no scheme", "ns.a.test", KNOT_EMALF, NULL, 0 },
		{ "empty", "", KNOT_EMALF, NULL, 0 },
		{ "https", "https://api.a.test:8443/api/v1/", KNOT_ENOTSUP, NULL, 0 },
		{ "longer scheme", "dnss://ns.a.test/", KNOT_ENOTSUP, NULL, 0 },
		{ "shorter scheme", "d://ns.a.test/", KNOT_ENOTSUP, NULL, 0 },
		{ "bad scheme", "1dns://ns.a.test/", KNOT_EMALF, NULL, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t rdata[256];
		size_t len = uri_rdata(10, 20, cases[i].target, rdata);
		ms_uri_t uri = { .port = 9 };
		assert_int_equal(ms_uri_decode(rdata, len, &uri), cases[i].ret);
		if (cases[i].ret != KNOT_EOK) {
			assert_int_equal(uri.port, 9); /* Untouched. */
			continue;
		}
		knot_dname_txt_storage_t host;
		assert_non_null(knot_dname_to_str(host, uri.host, sizeof(host)));
		assert_string_equal(host, cases[i].host);
		assert_int_equal(uri.port, cases[i].port);
		assert_int_equal(uri.priority, 10);
		assert_int_equal(uri.weight, 20);
		for (size_t cut = 0; cut < len; cut++) {
			assert_int_not_equal(ms_uri_decode(rdata, cut, &uri), KNOT_EOK);
		}
	}
	uint8_t rdata[4 + MS_URI_MAX + 1];
	memset(rdata, 'a', sizeof(rdata));
	memcpy(rdata + 4, "dns://", 6);
	rdata[sizeof(rdata) - 1] = '/';
	ms_uri_t uri;
	assert_int_equal(ms_uri_decode(rdata, sizeof(rdata), &uri), KNOT_EMALF);
}

static void test_uri_encode(void **state)
{
	static const char want[] = "\x00\x0a\x00\x14""dns://ns.a.test:5399/";
	uint8_t buf[600];
	int len = ms_uri_encode(10, 20, OWNER, 5399, buf, sizeof(buf));
	assert_int_equal(len, sizeof(want) - 1);
	assert_memory_equal(buf, want, len);
	for (int max = 0; max < len; max++) {
		assert_int_equal(ms_uri_encode(10, 20, OWNER, 5399, buf, max), KNOT_ESPACE);
	}
	assert_int_equal(ms_uri_encode(1, 1, OWNER, 0, buf, sizeof(buf)), KNOT_EINVAL);
	assert_int_equal(ms_uri_encode(1, 1, (const uint8_t *)"", 53, buf, sizeof(buf)),
	                 KNOT_EINVAL);
	assert_int_equal(ms_uri_encode(1, 1, (const uint8_t *)"\x03""a.b\x01""c", 53, buf,
	                               sizeof(buf)),
	                 KNOT_EINVAL);
}

static void add_uri(ms_rrset_t *set, uint16_t priority, uint16_t weight, const char *target)
{
	uint8_t rdata[256];
	size_t len = uri_rdata(priority, weight, target, rdata);
	assert_int_equal(ms_rrset_add(set, rdata, len), KNOT_EOK);
}

static void test_uri_choose(void **state)
{
	ms_rrset_t set = { 0 };
	ms_uri_t uri;
	assert_int_equal(ms_uri_choose(&set, 0, 0, &uri), KNOT_ENOENT);
	add_uri(&set, 1, 1, "https://first.a.test/");
	add_uri(&set, 20, 1, "dns://d.test/");
	add_uri(&set, 10, 0, "dns://c.test/");
	add_uri(&set, 10, 1, "dns://a.test/");
	add_uri(&set, 10, 3, "dns://b.test/");
	int first[256] = { 0 };
	for (uint64_t roll = 0; roll < 4000; roll++) {
		char order[5] = "";
		for (unsigned nth = 0; nth < 4; nth++) {
			assert_int_equal(ms_uri_choose(&set, roll, nth, &uri), KNOT_EOK);
			order[nth] = uri.host[1];
		}
		assert_int_equal(ms_uri_choose(&set, roll, 4, &uri), KNOT_ENOENT);
		/* Each once, and the lower priority always last. */
		assert_non_null(strchr(order, 'a'));
		assert_non_null(strchr(order, 'b'));
		assert_non_null(strchr(order, 'c'));
		assert_int_equal(order[3], 'd');
		first[(uint8_t)order[0]]++;
	}
	assert_in_range(first['a'], 850, 1150);
	assert_in_range(first['b'], 2850, 3150);
	assert_in_range(first['c'], 0, 40);
	ms_rrset_clear(&set);

	add_uri(&set, 1, 0, "dns://a.test/");
	add_uri(&set, 1, 0, "dns://b.test/");
	int a = 0;
	for (uint64_t roll = 0; roll < 1000; roll++) {
		assert_int_equal(ms_uri_choose(&set, roll, 0, &uri), KNOT_EOK);
		a += uri.host[1] == 'a';
	}
	assert_in_range(a, 400, 600);
	ms_rrset_clear(&set);
}

static void test_svcb_decode(void **state)
{
	static const char v4_5[] = "0004 0014 c0000201 c0000202 c0000203 c0000204 c0000205"
	                           "0006 0010 20010db8000000000000000000000001";
	static const struct { const char *what, *rdata; int ret; int port; int addrs; } cases[] = {
		{ "port only", "0001 00 0003 0002 1517", KNOT_EOK, 5399, 0 },
		{ "port and IPv4", "0001 00 0003 0002 1517 0004 0004 c0000201", KNOT_EOK, 5399, 1 },
		{ "IPv6", "0001 00 0006 0010 20010db8000000000000000000000001", KNOT_EOK, -1, 1 },
		{ "no family pushes the other out", v4_5, KNOT_EOK, -1, 5 },
		{ "nothing", "0001 00", KNOT_EOK, -1, 0 },
		{ "unknown keys", "0001 00 0001 0003 026834 0003 0002 0035 ff42 0000", KNOT_EOK, 53,
		  0 },
		{ "target", "0001 0161 00 0003 0002 0035", KNOT_EOK, 53, 0 },
		{ "mandatory", "0001 00 0000 0004 0003 0004 0003 0002 0035 0004 0004 c0000201",
		  KNOT_EOK, 53, 1 },
		{ "mandatory unknown", "0001 00 0000 0002 0001 0001 0003 026834", KNOT_ENOTSUP, 0,
		  0 },
		{ "mandatory unknown, then broken",
		  "0001 00 0000 0002 0001 0001 0003 026834 0003 0001 00",
		  KNOT_EMALF, 0, 0 },
		{ "mandatory absent", "0001 00 0000 0002 0003 0004 0004 c0000201", KNOT_EMALF, 0,
		  0 },
		{ "mandatory itself", "0001 00 0000 0002 0000", KNOT_EMALF, 0, 0 },
		{ "mandatory out of order",
		  "0001 00 0000 0004 0004 0003 0003 0002 0035 0004 0004 c0000201",
		  KNOT_EMALF, 0, 0 },
		{ "mandatory twice", "0001 00 0000 0004 0003 0003 0003 0002 0035", KNOT_EMALF, 0,
		  0 },
		{ "mandatory empty", "0001 00 0000 0000 0003 0002 0035", KNOT_EMALF, 0, 0 },
		{ "mandatory odd", "0001 00 0000 0003 000300 0003 0002 0035", KNOT_EMALF, 0, 0 },
		{ "keys out of order", "0001 00 0004 0004 c0000201 0003 0002 0035", KNOT_EMALF, 0,
		  0 },
		{ "key twice", "0001 00 0003 0002 0035 0003 0002 0035", KNOT_EMALF, 0, 0 },
		{ "short port", "0001 00 0003 0001 35", KNOT_EMALF, 0, 0 },
		{ "long port", "0001 00 0003 0003 003535", KNOT_EMALF, 0, 0 },
		{ "port 0", "0001 00 0003 0002 0000", KNOT_EMALF, 0, 0 },
		{ "empty hint", "0001 00 0004 0000", KNOT_EMALF, 0, 0 },
		{ "odd hint", "0001 00 0004 0005 c000020100", KNOT_EMALF, 0, 0 },
		{ "short IPv6 hint", "0001 00 0006 0004 20010db8", KNOT_EMALF, 0, 0 },
		{ "value overruns", "0001 00 0003 0003 0035", KNOT_EMALF, 0, 0 },
		{ "half a key", "0001 00 00", KNOT_EMALF, 0, 0 },
		{ "no target", "0001", KNOT_EMALF, 0, 0 },
		{ "compressed target", "0001 c000", KNOT_EMALF, 0, 0 },
		{ "alias", "0000 0161 00", KNOT_EOK, -1, 0 },
		{ "alias ignores parameters", "0000 0161 00 0003 0002 1517", KNOT_EOK, -1, 0 },
		{ "alias to nothing", "0000 00", KNOT_ENOENT, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t rdata[128] = { 0, 1, 0 };
		size_t at = cases[i].rdata == v4_5 ? 3 : 0;
		size_t len = at + unhex(cases[i].rdata, rdata + at, sizeof(rdata) - at);
		ms_svcb_t svcb = { .addr_count = 99 };
		assert_int_equal(ms_svcb_decode(rdata, len, OWNER, &svcb), cases[i].ret);
		if (cases[i].ret != KNOT_EOK) {
			assert_int_equal(svcb.addr_count, 99);
			continue;
		}
		assert_int_equal(svcb.has_port ? svcb.port : -1, cases[i].port);
		assert_int_equal(svcb.addr_count, cases[i].addrs);
		assert_string_equal((char *)svcb.target, rdata[2] == 0 ? (char *)OWNER : "\x01""a");
	}
}

static ms_addr_t addr_of(const char *ip, uint16_t port)
{
	ms_addr_t addr = { .family = strchr(ip, ':') ? AF_INET6 : AF_INET, .port = port };
	assert_int_equal(inet_pton(addr.family, ip, addr.ip), 1);
	return addr;
}

static void test_svcb_encode(void **state)
{
	const ms_addr_t addrs[] = { addr_of("2001:db8::1", 5399), addr_of("192.0.2.1", 5399),
	                            addr_of("192.0.2.2", 5399) };
	uint8_t want[64], buf[64];
	size_t want_len = unhex("0001 00 0003 0002 1517 0004 0008 c0000201 c0000202"
	                        "0006 0010 20010db8000000000000000000000001", want, sizeof(want));
	assert_int_equal(ms_svcb_encode(5399, addrs, 3, buf, sizeof(buf)), want_len);
	assert_memory_equal(buf, want, want_len);
	for (size_t max = 0; max < want_len; max++) {
		assert_int_equal(ms_svcb_encode(5399, addrs, 3, buf, max), KNOT_ESPACE);
	}
	ms_svcb_t svcb;
	assert_int_equal(ms_svcb_decode(want, want_len, OWNER, &svcb), KNOT_EOK);
	assert_int_equal(svcb.addr_count, 3);
	assert_memory_equal(svcb.addr[2].ip, addrs[0].ip, 16);
	assert_int_equal(ms_svcb_encode(53, addrs, 3, buf, sizeof(buf)), KNOT_EINVAL);
	assert_int_equal(ms_svcb_encode(0, NULL, 0, buf, sizeof(buf)), KNOT_EINVAL);
	assert_int_equal(ms_svcb_encode(53, NULL, 0, buf, sizeof(buf)), 9);
}

static void test_key_usable(void **state)
{
	static const struct {
		const char *what;
		uint16_t flags;
		uint8_t protocol, algorithm, len;
		bool want;
	} cases[] = {
		{ "host key, ED25519", 0x0200, 3, 15, 32, true },
		{ "host key, ECDSA P-256", 0x0200, 3, 13, 64, true },
		{ "any protocol", 0x0200, 255, 15, 32, true },
		{ "user key", 0x0000, 3, 15, 32, true },
		{ "zone key", 0x0100, 3, 15, 32, true },
		{ "reserved name type", 0x0300, 3, 15, 32, false },
		{ "not for authentication", 0x8200, 3, 15, 32, false },
		{ "no key", 0xc200, 3, 15, 32, false },
		{ "flags extended", 0x1200, 3, 15, 32, false },
		{ "revoked", 0x0280, 3, 15, 32, false },
		{ "protocol TLS", 0x0200, 1, 15, 32, false },
		{ "RSA", 0x0200, 3, 8, 64, false },
		{ "ED448", 0x0200, 3, 16, 57, false },
		{ "ED25519 too short", 0x0200, 3, 15, 31, false },
		{ "ED25519 too long", 0x0200, 3, 15, 33, false },
		{ "ECDSA too long", 0x0200, 3, 13, 65, false },
		{ "ECDSA empty", 0x0200, 3, 13, 0, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t rdata[128] = { cases[i].flags >> 8, cases[i].flags, cases[i].protocol,
		                       cases[i].algorithm };
		assert_int_equal(ms_key_usable(rdata, 4 + cases[i].len), cases[i].want);
	}
	assert_false(ms_key_usable((const uint8_t *)"\x02\x00\x03", 3));
}

static void test_uri_owner(void **state)
{
	knot_dname_storage_t out, identity = { 0 };
	assert_int_equal(ms_locator_uri_owner(OWNER, out), KNOT_EOK);
	assert_string_equal((char *)out, "\x04_dns\x04_tcp\x02ns\x01""a\x04test");
	/* Three labels of 63 and one that makes 245 or 246 octets. */
	for (int last = 51; last <= 52; last++) {
		memset(identity, 'a', sizeof(identity));
		identity[0] = identity[64] = identity[128] = 63;
		identity[192] = last;
		identity[193 + last] = 0;
		assert_int_equal(ms_locator_uri_owner(identity, out),
		                 last == 51 ? KNOT_EOK : KNOT_ESPACE);
	}
}

static void test_addr(void **state)
{
	static const struct { const char *ip, *text; socklen_t len; } cases[] = {
		{ "192.0.2.1", "192.0.2.1@5399", sizeof(struct sockaddr_in) },
		{ "2001:db8::1", "2001:db8::1@5399", sizeof(struct sockaddr_in6) },
		{ "1111:2222:3333:4444:5555:6666:7777:8888",
		  "1111:2222:3333:4444:5555:6666:7777:8888@5399",
		  sizeof(struct sockaddr_in6) },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_addr_t addr = addr_of(cases[i].ip, 5399), back;
		struct sockaddr_storage ss;
		assert_int_equal(ms_addr_to_sockaddr(&addr, &ss), cases[i].len);
		assert_int_equal(ms_addr_from_sockaddr(&ss, &back), KNOT_EOK);
		assert_true(ms_addr_equal(&addr, &back));
		back.port++;
		assert_false(ms_addr_equal(&addr, &back));
		back = addr;
		back.ip[3] ^= 1;
		assert_false(ms_addr_equal(&addr, &back));
		char text[MS_ADDR_TEXT_MAX];
		ms_addr_to_text(&addr, text);
		assert_string_equal(text, cases[i].text);
	}
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	ms_addr_t none = { 0 };
	char text[MS_ADDR_TEXT_MAX];
	assert_int_equal(ms_addr_from_sockaddr(&ss, &none), KNOT_EINVAL);
	assert_int_equal(ms_addr_to_sockaddr(&none, &ss), 0);
	ms_addr_to_text(&none, text);
	assert_string_equal(text, "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_decode),
		cmocka_unit_test(test_uri_encode),
		cmocka_unit_test(test_uri_choose),
		cmocka_unit_test(test_svcb_decode),
		cmocka_unit_test(test_svcb_encode),
		cmocka_unit_test(test_key_usable),
		cmocka_unit_test(test_uri_owner),
		cmocka_unit_test(test_addr),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
