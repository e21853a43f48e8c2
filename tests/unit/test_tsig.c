/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libknot/libknot.h>

#include "wire/tsig.h"

#define SECRET "a secret of thirty-two octets !!"
#define SECRET_BASE64 "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBvY3RldHMgISE="
static const knot_dname_t NAME[] = "\x0a" "agent-comb";

/* UPDATE of zone.example as nsupdate sends it; of its TSIG what all algorithms have. */
#define QUESTION "047a6f6e65076578616d706c650000060001"
#define UPDATE(id) id "2800 0001 0000 0002 0001" QUESTION "c00c 0002 00ff 00000000 0000" \
	"c00c 0002 0001 00000e10 000c 036e7331 0161 0474657374 00"
#define OWNER "0a6167656e742d636f6d62 00 00fa 00ff 00000000"
#define SHA256 "0b686d61632d736861323536 00"
#define SHA512 "0b686d61632d736861353132 00"
#define MD5 "08686d61632d6d6435 077369672d616c67 03726567 03696e74 00"

/* Sent by nsupdate -y, BIND 9.18, and when. */
#define ASKED 0x6b05b23a
#define NSUPDATE_SHA256 UPDATE("05c2") OWNER "003d" SHA256 "00006b05b23a 012c 0020" \
	"a264cff995a25874c1df42a132e8d0f87e0d611c55f70741d3acafe3537083f1 05c2 0000 0000"
#define NSUPDATE_SHA512 UPDATE("52a5") OWNER "005d" SHA512 "00006b05b23a 012c 0040" \
	"e816a08fd7a89063f88d3d466728f816e96141fc8cefd481a86d42d6437c9007" \
	"e67ea2c940ec4824ef3c57b65ba3ccf2d812d258d04460fdb131e3df3434493552a500000000"
#define NSUPDATE_MD5 UPDATE("e8e3") OWNER "003a" MD5 "00006b05b23b 012c 0010" \
	"51a60e157c9d8758938d7aed1f95ab80 e8e3 0000 0000"
/* The answer to the first one, made by Perl's Net::DNS two seconds later. */
#define PERL_ANSWER "05c2 a800 0001 0000 0000 0001" QUESTION OWNER "003d" SHA256 \
	"00006b05b23c 012c 0020" \
	"22b2276538707ee7b72fd264e4cdf4cc9d0d6a2b1ff7bd5932c69b071c63c6ce 05c2 0000 0000"

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

static ms_tsig_key_t make_key(dnssec_tsig_algorithm_t algorithm)
{
	ms_tsig_key_t key;
	assert_int_equal(ms_tsig_key_set(&key, (const uint8_t *)"\x0a" "AGENT-comb", algorithm,
	                                 (const uint8_t *)SECRET, strlen(SECRET)), KNOT_EOK);
	return key;
}

/* Cut off and verified, as a receiver does it. */
static uint16_t verify(const ms_tsig_key_t *key, const uint8_t *wire, size_t len,
                       const ms_tsig_t *request, int64_t now)
{
	uint8_t copy[1024];
	ms_tsig_t tsig;
	memcpy(copy, wire, len);
	assert_int_equal(ms_tsig_cut(copy, &len, &tsig), KNOT_EOK);
	return ms_tsig_verify(key, &tsig, copy, len, request, now);
}

static void test_key(void **state)
{
	static const uint8_t octets[MS_TSIG_SECRET_MAX + 1] = { 1 };
	const struct {
		const char *what;
		dnssec_tsig_algorithm_t algorithm;
		size_t len;
		int ret;
	} cases[] = {
		{ "one octet", DNSSEC_TSIG_HMAC_SHA1, 1, KNOT_EOK },
		{ "longest", DNSSEC_TSIG_HMAC_SHA512, MS_TSIG_SECRET_MAX, KNOT_EOK },
		{ "too long", DNSSEC_TSIG_HMAC_SHA512, MS_TSIG_SECRET_MAX + 1, KNOT_ESPACE },
		{ "no secret", DNSSEC_TSIG_HMAC_SHA256, 0, KNOT_EINVAL },
		{ "no algorithm", DNSSEC_TSIG_UNKNOWN, 1, KNOT_EINVAL },
		{ "unknown algorithm", 99, 1, KNOT_EINVAL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		ms_tsig_key_t key = { .secret_len = 7 };
		assert_int_equal(ms_tsig_key_set(&key, NAME, cases[i].algorithm, octets,
		                                 cases[i].len), cases[i].ret);
		assert_int_equal(key.secret_len, cases[i].ret == KNOT_EOK ? cases[i].len : 7);
	}
	ms_tsig_key_t key = make_key(DNSSEC_TSIG_HMAC_SHA256);
	static const ms_tsig_key_t zeros;
	assert_true(knot_dname_is_equal(key.name, NAME)); /* lower case */
	ms_tsig_key_wipe(&key);
	assert_memory_equal(&key, &zeros, sizeof(key));
}

static void test_foreign(void **state)
{
	static const struct {
		const char *what, *wire;
		dnssec_tsig_algorithm_t algorithm;
		int64_t now;
		uint16_t want;
	} cases[] = {
		{ "SHA-256", NSUPDATE_SHA256, DNSSEC_TSIG_HMAC_SHA256, ASKED, 0 },
		{ "SHA-512", NSUPDATE_SHA512, DNSSEC_TSIG_HMAC_SHA512, ASKED, 0 },
		{ "MD5", NSUPDATE_MD5, DNSSEC_TSIG_HMAC_MD5, ASKED, 0 },
		{ "five minutes late", NSUPDATE_SHA256, DNSSEC_TSIG_HMAC_SHA256, ASKED + 300, 0 },
		{ "five minutes early", NSUPDATE_SHA256, DNSSEC_TSIG_HMAC_SHA256, ASKED - 300, 0 },
		{ "later", NSUPDATE_SHA256, DNSSEC_TSIG_HMAC_SHA256, ASKED + 301,
		  KNOT_RCODE_BADTIME },
		{ "earlier", NSUPDATE_SHA256, DNSSEC_TSIG_HMAC_SHA256, ASKED - 301,
		  KNOT_RCODE_BADTIME },
		{ "another algorithm", NSUPDATE_SHA256, DNSSEC_TSIG_HMAC_SHA512, ASKED,
		  KNOT_RCODE_BADKEY },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[1024];
		size_t len = unhex(cases[i].wire, wire, sizeof(wire));
		ms_tsig_key_t key = make_key(cases[i].algorithm);
		assert_int_equal(verify(&key, wire, len, NULL, cases[i].now), cases[i].want);
		/* Somebody in between may give a message another id. */
		wire[0] ^= 1;
		assert_int_equal(verify(&key, wire, len, NULL, cases[i].now), cases[i].want);
		wire[3] ^= 1;
		assert_int_equal(verify(&key, wire, len, NULL, cases[i].now),
		                 cases[i].want == KNOT_RCODE_BADKEY ? KNOT_RCODE_BADKEY
		                                                    : KNOT_RCODE_BADSIG);
	}
}

static void test_keys_differ(void **state)
{
	uint8_t wire[1024];
	size_t len = unhex(NSUPDATE_SHA256, wire, sizeof(wire));
	ms_tsig_key_t key = make_key(DNSSEC_TSIG_HMAC_SHA256), other = key;
	other.name[1] = 'b';
	assert_int_equal(verify(&other, wire, len, NULL, ASKED), KNOT_RCODE_BADKEY);
	other = key;
	other.secret[31] ^= 1;
	assert_int_equal(verify(&other, wire, len, NULL, ASKED), KNOT_RCODE_BADSIG);
	other.secret_len = 31;
	assert_int_equal(verify(&other, wire, len, NULL, ASKED), KNOT_RCODE_BADSIG);
}

static void test_answer(void **state)
{
	uint8_t wire[1024], answer[1024];
	ms_tsig_t asked, other;
	ms_tsig_key_t key = make_key(DNSSEC_TSIG_HMAC_SHA256);
	size_t len = unhex(NSUPDATE_SHA256, wire, sizeof(wire));
	assert_int_equal(ms_tsig_cut(wire, &len, &asked), KNOT_EOK);
	size_t want_len = unhex(PERL_ANSWER, wire, sizeof(wire));
	assert_int_equal(verify(&key, wire, want_len, &asked, ASKED), 0);
	/* It answers this request and no other one. */
	other = asked;
	other.mac[0] ^= 1;
	assert_int_equal(verify(&key, wire, want_len, &other, ASKED), KNOT_RCODE_BADSIG);
	assert_int_equal(verify(&key, wire, want_len, NULL, ASKED), KNOT_RCODE_BADSIG);

	len = unhex("05c2 a800 0001 0000 0000 0000" QUESTION, answer, sizeof(answer));
	for (size_t max = 0; max < want_len; max++) {
		assert_int_equal(ms_tsig_sign(&key, answer, len, max, &asked, 0, ASKED + 2, NULL),
		                 max < len ? KNOT_EMALF : KNOT_ESPACE);
	}
	assert_int_equal(answer[11], 0);
	int got = ms_tsig_sign(&key, answer, len, sizeof(answer), &asked, 0, ASKED + 2, &other);
	assert_int_equal(got, want_len);
	assert_memory_equal(answer, wire, want_len); /* octet by octet what Perl makes */
	assert_int_equal(other.signed_at, ASKED + 2);
}

/* RFC 8945 section 5.2: what is told with a MAC and what without. */
static void test_errors(void **state)
{
	static const struct {
		uint16_t error;
		bool has_mac;
		int64_t signed_at;
		uint8_t other_len;
	} cases[] = {
		{ KNOT_RCODE_BADKEY, false, ASKED + 1000, 0 },
		{ KNOT_RCODE_BADSIG, false, ASKED + 1000, 0 },
		{ KNOT_RCODE_BADTIME, true, ASKED, 6 },
		{ KNOT_RCODE_BADTRUNC, true, ASKED + 1000, 0 },
	};
	ms_tsig_key_t key = make_key(DNSSEC_TSIG_HMAC_SHA256);
	uint8_t wire[1024];
	ms_tsig_t asked, tsig;
	size_t len = unhex(NSUPDATE_SHA256, wire, sizeof(wire));
	assert_int_equal(ms_tsig_cut(wire, &len, &asked), KNOT_EOK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", ms_tsig_error_name(cases[i].error));
		len = unhex("05c2 a809 0001 0000 0000 0000" QUESTION, wire, sizeof(wire));
		len = ms_tsig_sign(cases[i].has_mac ? &key : NULL, wire, len, sizeof(wire), &asked,
		                   cases[i].error, ASKED + 1000, NULL);
		assert_int_equal(ms_tsig_cut(wire, &len, &tsig), KNOT_EOK);
		assert_int_equal(tsig.error, cases[i].error);
		assert_int_equal(tsig.mac_len, cases[i].has_mac ? 32 : 0);
		assert_int_equal(tsig.signed_at, cases[i].signed_at);
		assert_int_equal(tsig.other_len, cases[i].other_len);
		assert_true(knot_dname_is_equal(tsig.key, NAME));
		assert_int_equal(ms_tsig_verify(&key, &tsig, wire, len, &asked, tsig.signed_at),
		                 cases[i].has_mac ? 0 : KNOT_RCODE_BADSIG);
	}
	assert_string_equal(ms_tsig_error_name(4000), "unassigned");
}

/* Every length of a MAC: whole, shortened but right, too short to be one, too long. */
static void test_truncation(void **state)
{
	ms_tsig_key_t key = make_key(DNSSEC_TSIG_HMAC_SHA256);
	uint8_t wire[1024];
	ms_tsig_t tsig;
	size_t len = unhex(NSUPDATE_SHA256, wire, sizeof(wire));
	assert_int_equal(ms_tsig_cut(wire, &len, &tsig), KNOT_EOK);
	for (unsigned mac_len = 0; mac_len <= MS_TSIG_MAC_MAX; mac_len++) {
		tsig.mac_len = mac_len;
		uint16_t want = mac_len == 32 ? 0 : mac_len >= 16 && mac_len < 32
		              ? KNOT_RCODE_BADTRUNC : KNOT_RCODE_BADSIG;
		assert_int_equal(ms_tsig_verify(&key, &tsig, wire, len, NULL, ASKED), want);
	}
}

static void test_every_damage(void **state)
{
	ms_tsig_key_t key = make_key(DNSSEC_TSIG_HMAC_SHA256);
	uint8_t wire[1024];
	size_t len = unhex(NSUPDATE_SHA256, wire, sizeof(wire));
	unsigned accepted = 0;
	for (size_t bit = 16; bit < len * 8; bit++) { /* behind the id, which may change */
		uint8_t *exact = malloc(len);
		memcpy(exact, wire, len);
		exact[bit / 8] ^= 1 << bit % 8;
		size_t left = len;
		ms_tsig_t tsig;
		int ret = ms_tsig_cut(exact, &left, &tsig);
		accepted += ret == KNOT_EOK &&
		            ms_tsig_verify(&key, &tsig, exact, left, NULL, ASKED) == 0;
		free(exact);
	}
	/* The case of a letter does not count in the names of key and algorithm. */
	assert_int_equal(accepted, strlen("agentcomb") + strlen("hmacsha"));
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);
		memcpy(exact, wire, cut);
		size_t left = cut;
		ms_tsig_t tsig;
		assert_int_equal(ms_tsig_cut(exact, &left, &tsig), KNOT_EMALF);
		assert_int_equal(left, cut);
		free(exact);
	}
}

static void test_cut(void **state)
{
	#define TSIG OWNER "001d" SHA256 "00006b05b23a 012c 0000 0001 0000 0000"
	#define OPT "00 0029 04d0 00000000 0000"
	static const struct { const char *what, *wire; int ret; } cases[] = {
		{ "last", "0001 2800 0001 0000 0000 0002" QUESTION OPT TSIG, KNOT_EOK },
		{ "alone", "0001 2800 0001 0000 0000 0001" QUESTION TSIG, KNOT_EOK },
		{ "none", "0001 2800 0001 0000 0000 0001" QUESTION OPT, KNOT_ENOENT },
		{ "not last", "0001 2800 0001 0000 0000 0002" QUESTION TSIG OPT, KNOT_EMALF },
		{ "two", "0001 2800 0001 0000 0000 0002" QUESTION TSIG TSIG, KNOT_EMALF },
		{ "in AUTHORITY", "0001 2800 0001 0000 0001 0000" QUESTION TSIG, KNOT_EMALF },
		{ "fewer than promised", "0001 2800 0001 0000 0000 0002" QUESTION TSIG, KNOT_EMALF },
		{ "octets behind", "0001 2800 0001 0000 0000 0001" QUESTION TSIG "00", KNOT_EMALF },
		{ "class IN", "0001 2800 0001 0000 0000 0001" QUESTION
		  "0161 00 00fa 0001 00000000 001d" SHA256 "00006b05b23a012c0000000100000000",
		  KNOT_EMALF },
		{ "TTL 1", "0001 2800 0001 0000 0000 0001" QUESTION
		  "0161 00 00fa 00ff 00000001 001d" SHA256 "00006b05b23a012c0000000100000000",
		  KNOT_EMALF },
		{ "MAC of 65 octets promised", "0001 2800 0001 0000 0000 0001" QUESTION
		  "0161 00 00fa 00ff 00000000 001d" SHA256 "00006b05b23a012c0041000100000000",
		  KNOT_EMALF },
		{ "octets in the record", "0001 2800 0001 0000 0000 0001" QUESTION
		  "0161 00 00fa 00ff 00000000 001e" SHA256 "00006b05b23a012c000000010000000000",
		  KNOT_EMALF },
		{ "seven other octets", "0001 2800 0001 0000 0000 0001" QUESTION
		  "0161 00 00fa 00ff 00000000 0024" SHA256
		  "00006b05b23a012c0000000100000007 01020304050607", KNOT_EMALF },
		{ "compressed algorithm", "0001 2800 0001 0000 0000 0001" QUESTION
		  "0161 00 00fa 00ff 00000000 0012 c00c 00006b05b23a012c0000000100000000",
		  KNOT_EMALF },
		{ "none, octets behind", "0001 2800 0001 0000 0000 0001" QUESTION OPT "00", KNOT_EMALF },
		{ "no header", "0001", KNOT_EMALF },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[512];
		size_t len = unhex(cases[i].wire, wire, sizeof(wire)), left = len;
		ms_tsig_t tsig;
		uint8_t arcount = wire[11];
		assert_int_equal(ms_tsig_cut(wire, &left, &tsig), cases[i].ret);
		assert_int_equal(left < len, cases[i].ret == KNOT_EOK);
		assert_true(len < 12 || wire[11] == arcount - (cases[i].ret == KNOT_EOK));
	}
}

/* libknot verifies what we sign, and we what it signs. */
static void test_libknot(void **state)
{
	for (dnssec_tsig_algorithm_t alg = DNSSEC_TSIG_HMAC_MD5; alg <= DNSSEC_TSIG_HMAC_SHA512;
	     alg++) {
		uint8_t wire[1024], mac[MS_TSIG_MAC_MAX];
		size_t mac_len = sizeof(mac);
		ms_tsig_key_t key = make_key(alg);
		ms_tsig_t asked;
		knot_tsig_key_t theirs = { 0 };
		assert_int_equal(knot_tsig_key_init(&theirs, dnssec_tsig_algorithm_to_name(alg),
		                                    "agent-comb.", SECRET_BASE64), KNOT_EOK);

		size_t len = unhex("05c2 2800 0001 0000 0000 0000" QUESTION, wire, sizeof(wire));
		len = ms_tsig_sign(&key, wire, len, sizeof(wire), NULL, 0, time(NULL), &asked);
		knot_pkt_t *pkt = knot_pkt_new(wire, len, NULL);
		assert_int_equal(knot_pkt_parse(pkt, 0), KNOT_EOK);
		assert_int_equal(knot_tsig_server_check(pkt->tsig_rr, pkt->wire, pkt->size, &theirs),
		                 KNOT_EOK);
		/* The same pieces as in a hook. */
		ms_tsig_t seen;
		const knot_rdata_t *rdata = pkt->tsig_rr->rrs.rdata;
		assert_int_equal(ms_tsig_read(pkt->tsig_rr->owner, rdata->data, rdata->len, &seen),
		                 KNOT_EOK);
		assert_int_equal(ms_tsig_verify(&key, &seen, pkt->wire, pkt->size, NULL,
		                                asked.signed_at), 0);
		assert_memory_equal(&seen, &asked, sizeof(seen));
		knot_pkt_free(pkt);

		len = unhex("05c2 a800 0001 0000 0000 0000" QUESTION, wire, sizeof(wire));
		assert_int_equal(knot_tsig_sign(wire, &len, sizeof(wire), asked.mac, asked.mac_len,
		                                mac, &mac_len, &theirs, 0, 0), KNOT_EOK);
		assert_int_equal(verify(&key, wire, len, &asked, time(NULL)), 0);
		knot_tsig_key_deinit(&theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_every_damage),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_libknot),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
