/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/errcode.h>
#include <libknot/packet/wire.h>

#include "wire/sig0.h"

/* When the messages of Perl's Net::DNS::SEC and of `nsupdate -k` were signed. */
#define PERL_TIME     1700000000
#define NSUPDATE_TIME 1795522239

/* The keys of RFC 8080 section 6.1 and RFC 6605 section 6.1. */
static const char ED_PEM[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIDgyMjYwMzg0NjI4MDgwMTIyNjQ1MTkwMjA0MTQyMjYy\n"
	"-----END PRIVATE KEY-----\n";
static const char EC_PEM[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGU6SnQ/Ou+xC5Rum\n"
	"uIUIuJZteXT2z0O/ok1s38Et6mShRANCAAQaiMiGFdQ3+7i/nhlCoZKfKFYnBq5s\n"
	"K9OZ57G/ttHp51uStKpCkXrhxhtwHvA1w/574wCcuv5aL3ExbJAtzw0A\n"
	"-----END PRIVATE KEY-----\n";
static const char P384_PEM[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDC0B9NPKoOfXnafrIt+\n"
	"1TK9V+2xn7mNFUJlI/o3uXfl2xRp6/O5W1NQHkchCWAC7pqhZANiAAQKJaH0W6+g\n"
	"7fgir9FXIHKCDR6WAx57xa4bQceWRcnEFUdA9Z/gFrgDP97p7ZLxW1MDcLYLeQkj\n"
	"utY8o9fiEdd+yy/gyBM1pZeMXOJaSMdyDAq4jV4gXgVf7XiKA73OWbQ=\n"
	"-----END PRIVATE KEY-----\n";
static const char ED_KEY[] =
	"0200030f974d96a22d224bc01adb915091477d44ccd91c9a41a11430010117d52c59240e";
static const char EC_KEY[] =
	"0200030d1a88c88615d437fbb8bf9e1942a1929f28562706ae6c2bd399e7b1bfb6d1e9e7"
	"5b92b4aa42917ae1c61b701ef035c3fe7be3009cbafe5a2f71316c902dcf0d00";

static const knot_dname_t SIGNER[] = "\x02ns\x05""agent\x01""a\x04test";

/* NOTIFY(SOA) zone.example with OPT and HELLO option; the SIG's fixed octets; its signer. */
#define QUESTION "047a6f6e65076578616d706c650000060001"
#define HELLO_OPT "00 0029 04d0 00000000 0008 fdee 0004 01010300"
#define SIG_HEAD "00 0018 00ff 00000000 0063"
#define NS_AGENT "026e73 056167656e74 0161 0474657374 00"
#define ED_RDATA "0000 0f 00 00000000 6553f22c 6553f0c4 0f1c" NS_AGENT \
	"a760b018438604af11e4018b1b0227f1395865f9b7e1e42f6ea1a3ef3e62c553" \
	"a7cad2c815bf078516ab8adbca313ec45885b34d5f9e1d0c8c0ebbb247612706"
/* The same message, signed by Perl for the window that we use. */
#define ED_OURS "0000 0f 00 00000000 6553f22c 6553efd4 0f1c" NS_AGENT \
	"ca2b6ca488555dadb5b10956fac837291209e8b7de8338322a1608340d30b9b0" \
	"6d514357ecc8ac040fdd35f87550f7d701930b98a947bce2784ca0b947a6c80c"
#define EC_RDATA "0000 0d 00 00000000 6553f22c 6553f0c4 da5f" NS_AGENT \
	"67f4721b2dafb93794ffd268d6213693769ed55d171e6c517878239a343804b4" \
	"9f66f059e20ec2db37648589f926f4eac4ad372030fd7e697e1a95e813d8dd15"
#define PERL(rdata) "1234 2400 0001 0000 0000 0002" QUESTION HELLO_OPT SIG_HEAD rdata

#define NSUPDATE(id, rdata) id " 2800 0001 0000 0002 0001" QUESTION \
	"c00c 0002 00ff 00000000 0000 c00c 0002 0001 00000e10 000c 036e7331 0161 0474657374 00" \
	SIG_HEAD rdata
#define NSUPDATE_ED NSUPDATE("29c7", "0000 0f 00 00000000 6b057feb 6b057d93 0f1c" NS_AGENT \
	"076d7cbff0cf1927708016e4d192038353b6b8afc9f6b6262d30b98b5bc39978" \
	"56ed0816d00fe0ce36f27dc3447c71d598e98d6f55df1d8a3f18c96893c92e02")
#define NSUPDATE_EC NSUPDATE("d2da", "0000 0d 00 00000000 6b057feb 6b057d93 da5f" NS_AGENT \
	"8713b07a50339ccd2111dfaaf3293aed258f283e4c6797066aef6e3748d50885" \
	"be99673e61c4b6f7f7a5ed8e1952442dccf4fad2ff3b7f53acc6c828dac0aa06")

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

static ms_keyrr_t key_rr(const char *hex)
{
	ms_keyrr_t rr = { 0 };
	rr.len = unhex(hex, rr.rdata, sizeof(rr.rdata));
	return rr;
}

static void load(ms_sig0_key_t *key, const char *pem)
{
	assert_int_equal(ms_sig0_key_init(key, (const uint8_t *)pem, strlen(pem), SIGNER),
	                 KNOT_EOK);
}

/* Found and verified, as a receiver does it. */
static bool accepted(const uint8_t *wire, size_t len, const ms_keyrr_t *key,
                     const uint8_t *request, size_t request_len, int64_t now)
{
	ms_sig0_info_t sig;
	return ms_sig0_find(wire, len, &sig) == KNOT_EOK && sig.present &&
	       ms_sig0_verify(wire, len, &sig, key, 1, request, request_len, now) == MS_SIG0_OK;
}

static void test_key(void **state)
{
	const struct {
		const char *what, *pem;
		int ret;
		uint16_t tag;
		const char *rr;
	} cases[] = {
		{ "ED25519", ED_PEM, KNOT_EOK, 3868, ED_KEY },
		{ "ECDSA P-256", EC_PEM, KNOT_EOK, 55903, EC_KEY },
		{ "ECDSA P-384", P384_PEM, KNOT_ENOTSUP, 0, NULL },
		{ "not a PEM", "junk", KNOT_EMALF, 0, NULL },
		{ "empty", "", KNOT_EMALF, 0, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		ms_sig0_key_t key = { 0 };
		int ret = ms_sig0_key_init(&key, (const uint8_t *)cases[i].pem,
		                           strlen(cases[i].pem), (const uint8_t *)"\x02NS\x01""B");
		assert_int_equal(ret, cases[i].ret);
		if (ret == KNOT_EOK) {
			ms_keyrr_t rr = key_rr(cases[i].rr);
			assert_int_equal(key.tag, cases[i].tag);
			assert_int_equal(key.rr.len, rr.len);
			assert_memory_equal(key.rr.rdata, rr.rdata, rr.len);
			assert_string_equal((char *)key.signer, "\x02ns\x01""b");
		}
		ms_sig0_key_deinit(&key);
	}
}

static void test_foreign(void **state)
{
	static const struct {
		const char *what, *wire, *key;
		int64_t now;
	} cases[] = {
		{ "Perl, ED25519", PERL(ED_RDATA), ED_KEY, PERL_TIME },
		{ "Perl, ECDSA", PERL(EC_RDATA), EC_KEY, PERL_TIME },
		{ "nsupdate, ED25519", NSUPDATE_ED, ED_KEY, NSUPDATE_TIME },
		{ "nsupdate, ECDSA", NSUPDATE_EC, EC_KEY, NSUPDATE_TIME },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[512];
		size_t len = unhex(cases[i].wire, wire, sizeof(wire));
		ms_keyrr_t key = key_rr(cases[i].key);
		ms_sig0_info_t sig;
		assert_int_equal(ms_sig0_find(wire, len, &sig), KNOT_EOK);
		assert_true(sig.present);
		assert_int_equal(sig.tag, ms_key_tag(key.rdata, key.len));
		assert_true(knot_dname_is_equal(sig.signer, SIGNER));
		const struct { int64_t now; ms_sig0_verdict_t want; } at[] = {
			{ cases[i].now, MS_SIG0_OK },
			{ (int64_t)sig.inception, MS_SIG0_OK },
			{ (int64_t)sig.expiration, MS_SIG0_OK },
			{ (int64_t)sig.inception - 1, MS_SIG0_EARLY },
			{ (int64_t)sig.expiration + 1, MS_SIG0_EXPIRED },
		};
		for (size_t j = 0; j < sizeof(at) / sizeof(at[0]); j++) {
			assert_int_equal(ms_sig0_verify(wire, len, &sig, &key, 1, NULL, 0,
			                                at[j].now),
			                 at[j].want);
		}
	}
}

/* Ed25519 is deterministic: signing Perl's message must yield Perl's octets. */
static void test_sign_as_perl(void **state)
{
	uint8_t want[512], got[512];
	size_t want_len = unhex(PERL(ED_OURS), want, sizeof(want));
	size_t len = unhex("1234 2400 0001 0000 0000 0001" QUESTION HELLO_OPT, got, sizeof(got));
	ms_sig0_key_t key;
	load(&key, ED_PEM);
	for (size_t max = len; max < want_len; max++) {
		assert_int_equal(ms_sig0_sign(&key, got, len, max, NULL, 0, PERL_TIME),
		                 KNOT_ESPACE);
		assert_int_equal(knot_wire_get_arcount(got), 1);
	}
	assert_int_equal(ms_sig0_sign(&key, got, len, want_len, NULL, 0, PERL_TIME), want_len);
	assert_memory_equal(got, want, want_len);
	ms_sig0_key_deinit(&key);
}

static void test_binding(void **state)
{
	const char *pems[] = { ED_PEM, EC_PEM };
	for (size_t i = 0; i < 2; i++) {
		ms_sig0_key_t key;
		load(&key, pems[i]);
		uint8_t request[512], other[512], bound[512], loose[512];
		size_t len = unhex(PERL(ED_RDATA), request, sizeof(request));
		memcpy(other, request, len);
		other[0] ^= 1; /* Another message identifier is another request. */
		int bound_len = unhex("1234 a400 0001 0000 0000 0000" QUESTION, bound,
		                      sizeof(bound));
		memcpy(loose, bound, bound_len);
		int loose_len = ms_sig0_sign(&key, loose, bound_len, sizeof(loose), NULL, 0,
		                             PERL_TIME);
		bound_len = ms_sig0_sign(&key, bound, bound_len, sizeof(bound), request, len,
		                         PERL_TIME);

		assert_true(accepted(bound, bound_len, &key.rr, request, len, PERL_TIME));
		assert_false(accepted(bound, bound_len, &key.rr, other, len, PERL_TIME));
		assert_false(accepted(bound, bound_len, &key.rr, request, len - 1, PERL_TIME));
		assert_false(accepted(bound, bound_len, &key.rr, NULL, 0, PERL_TIME));
		assert_true(accepted(loose, loose_len, &key.rr, NULL, 0, PERL_TIME));
		assert_false(accepted(loose, loose_len, &key.rr, request, len, PERL_TIME));
		ms_sig0_key_deinit(&key);
	}
}

static void test_every_damage(void **state)
{
	static const struct { const char *wire, *key; int64_t now; } cases[] = {
		{ PERL(ED_RDATA), ED_KEY, PERL_TIME },
		{ PERL(EC_RDATA), EC_KEY, PERL_TIME },
		{ NSUPDATE_ED, ED_KEY, NSUPDATE_TIME },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t wire[512];
		size_t len = unhex(cases[i].wire, wire, sizeof(wire));
		ms_keyrr_t key = key_rr(cases[i].key);
		assert_true(accepted(wire, len, &key, NULL, 0, cases[i].now));
		for (size_t bit = 0; bit < len * 8; bit++) {
			wire[bit / 8] ^= 1 << bit % 8;
			assert_false(accepted(wire, len, &key, NULL, 0, cases[i].now));
			wire[bit / 8] ^= 1 << bit % 8;
		}
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1); /* So that a sanitizer sees its end. */
			memcpy(exact + 1, wire, cut);
			assert_false(accepted(exact + 1, cut, &key, NULL, 0, cases[i].now));
			free(exact);
		}
		wire[len] = 0;
		assert_false(accepted(wire, len + 1, &key, NULL, 0, cases[i].now));
	}
}

static void test_find(void **state)
{
	static const char tsig[] = "00 00fa 00ff 00000000 0000";
	enum { BROKEN, NONE, FOUND };
	static const struct {
		const char *what, *counts, *body, *more;
		int want;
	} cases[] = {
		{ "no record at all", "0001 0000 0000 0000", QUESTION, "", NONE },
		{ "no question", "0000 0000 0000 0001", SIG_HEAD ED_RDATA, "", FOUND },
		{ "TSIG alone", "0001 0000 0000 0001", QUESTION, tsig, NONE },
		{ "SIG and TSIG", "0001 0000 0000 0002", QUESTION SIG_HEAD ED_RDATA, tsig, BROKEN },
		{ "TSIG and SIG", "0001 0000 0000 0002", QUESTION "00 00fa 00ff 00000000 0000",
		  SIG_HEAD ED_RDATA, BROKEN },
		{ "OPT behind SIG", "0001 0000 0000 0002", QUESTION SIG_HEAD ED_RDATA, HELLO_OPT,
		  BROKEN },
		{ "two SIGs", "0001 0000 0000 0002", QUESTION SIG_HEAD ED_RDATA, SIG_HEAD EC_RDATA,
		  BROKEN },
		{ "SIG in AUTHORITY", "0001 0000 0001 0000", QUESTION, SIG_HEAD ED_RDATA, BROKEN },
		{ "SIG in ANSWER", "0001 0001 0000 0000", QUESTION, SIG_HEAD ED_RDATA, BROKEN },
		{ "SIG of a type is data", "0001 0001 0000 0000",
		  QUESTION "00 0018 0001 00000000 0063",
		  "0006" "0f 00 00000000 6553f22c 6553f0c4 0f1c" NS_AGENT
		  "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
		  "000000000000000000000000000000000000000000000000", NONE },
		{ "owner not root", "0001 0000 0000 0001", QUESTION "c00c 0018 00ff 00000000 0063",
		  ED_RDATA, BROKEN },
		{ "class IN", "0001 0000 0000 0001", QUESTION "00 0018 0001 00000000 0063",
		  ED_RDATA, BROKEN },
		{ "TTL 1", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000001 0063", ED_RDATA,
		  BROKEN },
		{ "labels 1", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000000 0014",
		  "0000 0f 01 00000000 6553f22c 6553f0c4 0f1c 00 aa", BROKEN },
		{ "original TTL 1", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000000 0014",
		  "0000 0f 00 00000001 6553f22c 6553f0c4 0f1c 00 aa", BROKEN },
		{ "signer compressed", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000000 0015",
		  "0000 0f 00 00000000 6553f22c 6553f0c4 0f1c c00c aa", BROKEN },
		{ "signer overruns", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000000 0014",
		  "0000 0f 00 00000000 6553f22c 6553f0c4 0f1c 3f aa", BROKEN },
		{ "no signature", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000000 0013",
		  "0000 0f 00 00000000 6553f22c 6553f0c4 0f1c 00", BROKEN },
		{ "cut RDATA", "0001 0000 0000 0001", QUESTION "00 0018 00ff 00000000 0004",
		  "0000 0f 00", BROKEN },
		{ "compressed owners", "0001 0001 0000 0001",
		  QUESTION "c00c 0006 0001 00000000 0000",
		  SIG_HEAD ED_RDATA, FOUND },
		{ "pointer to itself", "0001 0001 0000 0000", QUESTION,
		  "c01e 0006 0001 00000000 0000", BROKEN },
		{ "counts too high", "0001 ffff ffff ffff", QUESTION, SIG_HEAD ED_RDATA, BROKEN },
		{ "octet behind", "0001 0000 0000 0001", QUESTION HELLO_OPT, "00", BROKEN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		uint8_t wire[1024];
		size_t len = unhex("1234 2400", wire, sizeof(wire));
		len += unhex(cases[i].counts, wire + len, sizeof(wire) - len);
		len += unhex(cases[i].body, wire + len, sizeof(wire) - len);
		len += unhex(cases[i].more, wire + len, sizeof(wire) - len);
		ms_sig0_info_t sig = { 0 };
		assert_int_equal(ms_sig0_find(wire, len, &sig),
		                 cases[i].want == BROKEN ? KNOT_EMALF : KNOT_EOK);
		assert_int_equal(sig.present, cases[i].want == FOUND);
	}
}

static void test_time(void **state)
{
	static const struct {
		const char *what;
		int64_t now;
		uint32_t from, to;
		ms_sig0_verdict_t want;
	} cases[] = {
		{ "ours", 1000, 1000 - MS_SIG0_BACK, 1000 + MS_SIG0_AHEAD, MS_SIG0_OK },
		{ "five minutes either side", 1000, 700, 1300, MS_SIG0_OK },
		{ "widest", 1000, 1000, 1660, MS_SIG0_OK },
		{ "too wide", 1000, 1000, 1661, MS_SIG0_TOO_LONG },
		{ "one second old", 1301, 700, 1300, MS_SIG0_EXPIRED },
		{ "one second early", 699, 700, 1300, MS_SIG0_EARLY },
		{ "backwards", 1000, 1100, 900, MS_SIG0_EXPIRED },
		{ "across the wrap", 0x100000010, 0xffffff00, 0x100, MS_SIG0_OK },
		{ "expired across the wrap", 0x100000101, 0xffffff00, 0x100, MS_SIG0_EXPIRED },
		{ "early across the wrap", 0xfffffeff, 0xffffff00, 0x100, MS_SIG0_EARLY },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		ms_sig0_info_t sig = {
			.present = true, .inception = cases[i].from, .expiration = cases[i].to
		};
		assert_int_equal(ms_sig0_time(&sig, cases[i].now), cases[i].want);
	}
}

static void test_key_choice(void **state)
{
	uint8_t wire[512];
	size_t len = unhex(PERL(ED_RDATA), wire, sizeof(wire));
	ms_keyrr_t good = key_rr(ED_KEY), same_tag = good, revoked = good, other = key_rr(EC_KEY);
	/* Exchanged 16-bit words leave the tag as it is. */
	memcpy(same_tag.rdata + 4, good.rdata + 6, 2);
	memcpy(same_tag.rdata + 6, good.rdata + 4, 2);
	assert_int_equal(ms_key_tag(same_tag.rdata, same_tag.len), 3868);
	/* So does what is added to one and taken from another. */
	revoked.rdata[1] += 0x80;
	revoked.rdata[7] -= 0x80;
	ms_keyrr_t same_tag_ecdsa = other;
	for (unsigned i = 0; ms_key_tag(same_tag_ecdsa.rdata, same_tag_ecdsa.len) != 3868; i++) {
		assert_true(i <= UINT16_MAX);
		knot_wire_write_u16(same_tag_ecdsa.rdata + same_tag_ecdsa.len - 2, i);
	}
	assert_int_equal(ms_key_tag(revoked.rdata, revoked.len), 3868);
	const struct {
		const char *what;
		size_t count;
		ms_keyrr_t keys[2];
		ms_sig0_verdict_t want;
	} cases[] = {
		{ "no key", 0, { { 0 } }, MS_SIG0_KEY },
		{ "another key", 1, { other }, MS_SIG0_KEY },
		{ "old and new key", 2, { other, good }, MS_SIG0_OK },
		{ "same tag first", 2, { same_tag, good }, MS_SIG0_OK },
		{ "same tag behind", 2, { good, same_tag }, MS_SIG0_OK },
		{ "same tag, another algorithm", 1, { same_tag_ecdsa }, MS_SIG0_KEY },
		{ "same tag only", 2, { same_tag, other }, MS_SIG0_BAD },
		{ "revoked", 1, { revoked }, MS_SIG0_KEY },
	};
	ms_sig0_info_t sig;
	assert_int_equal(ms_sig0_find(wire, len, &sig), KNOT_EOK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].what);
		assert_int_equal(ms_sig0_verify(wire, len, &sig, cases[i].keys, cases[i].count,
		                                NULL, 0, PERL_TIME), cases[i].want);
	}
	/* What was not found cannot be verified. */
	sig.present = false;
	assert_int_equal(ms_sig0_verify(wire, len, &sig, &good, 1, NULL, 0, PERL_TIME),
	                 MS_SIG0_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_sign_as_perl),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_every_damage),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_key_choice),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
