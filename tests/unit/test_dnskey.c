/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <gnutls/abstract.h>
#include <libknot/libknot.h>

#include "wire/dnskey.h"

/* A key that Knot's keymgr made for zone.test., what it says about it, and its DS records. */
static const uint8_t key[] = {
	0x01, 0x01, 0x03, 0x0f, 0x4f, 0x05, 0x7d, 0xdc, 0x1b, 0x02, 0x0c, 0x29, 0x9a, 0xad, 0x2a, 0x03,
	0x6d, 0x2f, 0x97, 0xa0, 0xbc, 0x89, 0x5a, 0x8d, 0xc7, 0x45, 0x63, 0x70, 0x73, 0x5f, 0x63, 0x7e,
	0x1d, 0xfa, 0x47, 0x3a,
};
#define KEYID "813d8440a28ef6670a57b6759b425eb674653c32"
#define TAG   16253
static const uint8_t cds[] = {
	0x3f, 0x7d, 0x0f, 0x02, 0x8c, 0x83, 0xfe, 0xb9, 0x78, 0x45, 0x74, 0x30, 0xbc, 0x45, 0x44, 0xf1,
	0x90, 0x46, 0x96, 0x87, 0x9c, 0x92, 0x6a, 0xe9, 0xec, 0x4d, 0x70, 0x5f, 0x02, 0xb5, 0x17, 0xbd,
	0x3f, 0x81, 0xe3, 0xae,
};
static const uint8_t cds_sha384[] = {
	0x3f, 0x7d, 0x0f, 0x04, 0x39, 0x2b, 0x55, 0x7e, 0x28, 0x15, 0x02, 0x84, 0x96, 0xc4, 0xd3, 0x9b,
	0x7e, 0x4d, 0x95, 0x29, 0xee, 0x82, 0xf2, 0xa1, 0x89, 0x74, 0xba, 0x5d, 0x9b, 0xea, 0x68, 0xd6,
	0xc5, 0x61, 0x35, 0x49, 0x9b, 0xcd, 0x32, 0x86, 0x11, 0x27, 0xf5, 0x1c, 0x3f, 0x84, 0x22, 0x09,
	0x12, 0xe9, 0xb9, 0x6e,
};
static const knot_dname_t *zone = (const knot_dname_t *)"\x04" "zone\x04" "test";

static void test_decode(void **state)
{
	ms_dnskey_t info = { 0 };
	assert_int_equal(ms_dnskey_decode(key, sizeof(key), &info), KNOT_EOK);
	assert_int_equal(info.flags, MS_DNSKEY_ZONE | MS_DNSKEY_SEP);
	assert_int_equal(info.protocol, 3);
	assert_int_equal(info.algorithm, 15);
	assert_int_equal(info.tag, TAG);
	for (size_t len = 0; len < 5; len++) {
		assert_int_equal(ms_dnskey_decode(key, len, &info), KNOT_EMALF);
	}
	assert_int_equal(info.tag, TAG);
	/* REVOKE is part of what the tag is made over: 128 more (RFC 5011 section 2.1). */
	uint8_t revoked[sizeof(key)];
	memcpy(revoked, key, sizeof(key));
	revoked[1] |= MS_DNSKEY_REVOKE;
	assert_int_equal(ms_dnskey_decode(revoked, sizeof(revoked), &info), KNOT_EOK);
	assert_int_equal(info.tag, TAG + 128);
}

static void test_keyid(void **state)
{
	char id[MS_KEYID_LEN + 1] = "untouched";
	assert_int_equal(ms_dnskey_keyid(key, sizeof(key), id), KNOT_EOK);
	assert_string_equal(id, KEYID);
	strcpy(id, "untouched");
	assert_int_equal(ms_dnskey_keyid(key, 4, id), KNOT_EMALF);
	assert_int_equal(ms_dnskey_keyid(key, sizeof(key) - 1, id), KNOT_ENOTSUP);
	uint8_t unknown[sizeof(key)];
	memcpy(unknown, key, sizeof(key));
	unknown[3] = 253;
	assert_int_equal(ms_dnskey_keyid(unknown, sizeof(unknown), id), KNOT_ENOTSUP);
	assert_string_equal(id, "untouched");
}

/* Right-aligned, as DNSKEY RDATA has it. */
static size_t put(uint8_t *out, const gnutls_datum_t *from, size_t len)
{
	size_t skip = from->size > len ? from->size - len : 0;
	memset(out, 0, len);
	memcpy(out + len - (from->size - skip), from->data + skip, from->size - skip);
	return len;
}

/* New keys of every kind: the crypto library says the same about them. */
static void test_keyid_kinds(void **state)
{
	static const struct {
		uint8_t algorithm;
		gnutls_pk_algorithm_t kind;
		unsigned bits;
		size_t coordinate;
	} kinds[] = {
		{ 13, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 32 },
		{ 14, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), 48 },
		{ 15, GNUTLS_PK_EDDSA_ED25519, 0, 32 },
		{ 16, GNUTLS_PK_EDDSA_ED448, 0, 57 },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		gnutls_privkey_t priv;
		gnutls_pubkey_t pub;
		gnutls_datum_t x, y = { 0 };
		assert_int_equal(gnutls_privkey_init(&priv), 0);
		assert_int_equal(gnutls_pubkey_init(&pub), 0);
		assert_int_equal(gnutls_privkey_generate(priv, kinds[i].kind, kinds[i].bits, 0), 0);
		assert_int_equal(gnutls_pubkey_import_privkey(pub, priv, 0, 0), 0);
		assert_int_equal(gnutls_pubkey_export_ecc_raw(pub, NULL, &x, &y), 0);
		uint8_t rdata[128] = { 0x01, 0x00, 3, kinds[i].algorithm }, id[20];
		size_t len = 4, id_len = sizeof(id);
		len += put(rdata + len, &x, kinds[i].coordinate);
		len += y.size > 0 ? put(rdata + len, &y, kinds[i].coordinate) : 0;
		assert_int_equal(gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA1, id, &id_len), 0);
		char hex[MS_KEYID_LEN + 1], ours[MS_KEYID_LEN + 1];
		for (size_t k = 0; k < sizeof(id); k++) {
			(void)snprintf(hex + 2 * k, 3, "%02x", id[k]);
		}
		assert_int_equal(ms_dnskey_keyid(rdata, len, ours), KNOT_EOK);
		assert_string_equal(ours, hex);
		assert_int_equal(ms_dnskey_keyid(rdata, len - 1, ours), KNOT_ENOTSUP);
		gnutls_free(x.data);
		gnutls_free(y.data);
		gnutls_pubkey_deinit(pub);
		gnutls_privkey_deinit(priv);
	}
}

static void test_cds(void **state)
{
	static const struct {
		const char *what;
		size_t at;           /* octet of the CDS that is changed … */
		uint8_t value;       /* … to this */
		size_t len;
		bool same;
	} cases[] = {
		{ "the key's", 0, 0x3f, sizeof(cds), true },
		{ "another tag", 1, 0x7e, sizeof(cds), false },
		{ "another algorithm", 2, 13, sizeof(cds), false },
		{ "another digest", 35, 0xaf, sizeof(cds), false },
		{ "digest cut", 0, 0x3f, sizeof(cds) - 1, false },
		{ "SHA-384 with the wrong length", 3, 4, sizeof(cds), false },
		{ "unknown digest type: tag and algorithm alone", 3, 99, sizeof(cds), true },
		{ "delete", 2, 0, sizeof(cds), false },
		{ "too short", 0, 0x3f, 4, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t copy[sizeof(cds)];
		memcpy(copy, cds, sizeof(cds));
		copy[cases[i].at] = cases[i].value;
		if (ms_cds_of_key(copy, cases[i].len, zone, key, sizeof(key)) != cases[i].same) {
			fail_msg("%s", cases[i].what);
		}
	}
	assert_true(ms_cds_of_key(cds_sha384, sizeof(cds_sha384), zone, key, sizeof(key)));
	uint8_t damaged[sizeof(cds_sha384)];
	memcpy(damaged, cds_sha384, sizeof(damaged));
	damaged[sizeof(damaged) - 1] ^= 1;
	assert_false(ms_cds_of_key(damaged, sizeof(damaged), zone, key, sizeof(key)));
	/* The digest is over the owner's name, too. */
	assert_false(ms_cds_of_key(cds, sizeof(cds), (const knot_dname_t *)"\x04" "test", key,
	                           sizeof(key)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_keyid),
		cmocka_unit_test(test_keyid_kinds),
		cmocka_unit_test(test_cds),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
