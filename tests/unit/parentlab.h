/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * A child zone as its servers would show it, for the tests of src/parent: two servers, two KSKs and a
 * ZSK, real signatures. Everything is checked; a failure ends the test.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/sign.h>
#include <libknot/libknot.h>

#include "base/cursor.h"
#include "parent/verdict.h"
#include "wire/ds.h"
#include "wire/dnskey.h"
#include "wire/csync.h"

#define CHILD "child.test."
#define NOW 1800000000

enum { KSK_A, KSK_B, ZSK, KEYS };

static const char *const pems[KEYS] = {
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIClTCyr+kQUY7f6noS6E5tMIXdCjAzUEuJwkbLASH7du\n"
	"-----END PRIVATE KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIAZ56o/xb5im+bdGctTaWMZw78hiN2azH0/ARFag/J+s\n"
	"-----END PRIVATE KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIAXUv9bphND79pPc80WqmG4eI4XSOn9/WwAvl1xR+Ziu\n"
	"-----END PRIVATE KEY-----\n",
};

static dnssec_key_t *keys[KEYS];

static inline knot_dname_t *name(const char *text, knot_dname_storage_t out)
{
	assert_non_null(knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)));
	return out;
}

static inline int load_keys(void **state)
{
	knot_dname_storage_t child;
	for (int i = 0; i < KEYS; i++) {
		dnssec_binary_t pem = { .size = strlen(pems[i]), .data = (uint8_t *)pems[i] };
		assert_int_equal(dnssec_key_new(&keys[i]), DNSSEC_EOK);
		assert_int_equal(dnssec_key_set_dname(keys[i], name(CHILD, child)), DNSSEC_EOK);
		assert_int_equal(dnssec_key_set_algorithm(keys[i], 15), DNSSEC_EOK);
		assert_int_equal(dnssec_key_set_flags(keys[i], i == ZSK ? 256 : 257), DNSSEC_EOK);
		assert_int_equal(dnssec_key_load_pkcs8(keys[i], &pem), DNSSEC_EOK);
	}
	return 0;
}

static inline int free_keys(void **state)
{
	for (int i = 0; i < KEYS; i++) {
		dnssec_key_free(keys[i]);
	}
	return 0;
}

static inline void add(ms_rrset_t *set, const void *rdata, size_t len)
{
	assert_int_equal(ms_rrset_add(set, rdata, len), KNOT_EOK);
}

static inline void add_dnskey(ms_rrset_t *set, int key)
{
	dnssec_binary_t rdata;
	assert_int_equal(dnssec_key_get_rdata(keys[key], &rdata), DNSSEC_EOK);
	add(set, rdata.data, rdata.size);
}

static inline void add_ds(ms_rrset_t *set, int key, uint8_t digest)
{
	dnssec_binary_t rdata;
	uint8_t ds[MS_DS_MAX];
	knot_dname_storage_t child;
	assert_int_equal(dnssec_key_get_rdata(keys[key], &rdata), DNSSEC_EOK);
	int len = ms_ds_make(name(CHILD, child), rdata.data, rdata.size, digest, ds, sizeof(ds));
	assert_true(len > 0);
	add(set, ds, len);
}

static inline void add_name(ms_rrset_t *set, const char *text)
{
	knot_dname_storage_t host;
	name(text, host);
	add(set, host, knot_dname_size(host));
}

/*! An RRSIG over \a said at the apex; what is newer than \a inception is not signed. */
static inline void sign(ms_said_t *said, uint16_t type, int key, uint32_t inception)
{
	uint8_t rdata[512];
	knot_dname_storage_t child;
	name(CHILD, child);
	ms_writer_t w = ms_writer(rdata, sizeof(rdata));
	ms_write_u16(&w, type);
	ms_write_u8(&w, 15);
	ms_write_u8(&w, 2);
	ms_write_u32(&w, 60);
	ms_write_u32(&w, inception + 86400);
	ms_write_u32(&w, inception);
	ms_write_u16(&w, dnssec_key_get_keytag(keys[key]));
	ms_write_name(&w, child);
	dnssec_sign_ctx_t *ctx;
	assert_int_equal(dnssec_sign_new(&ctx, keys[key]), DNSSEC_EOK);
	dnssec_binary_t part = { .size = ms_writer_len(&w), .data = rdata }, signature = { 0 };
	assert_int_equal(dnssec_sign_add(ctx, &part), DNSSEC_EOK);
	const knot_rdata_t *rd = said->set.rrs.rdata;
	for (uint16_t i = 0; i < said->set.rrs.count; i++) {
		uint8_t head[300];
		ms_writer_t h = ms_writer(head, sizeof(head));
		ms_write_name(&h, child);
		ms_write_u16(&h, type);
		ms_write_u16(&h, KNOT_CLASS_IN);
		ms_write_u32(&h, 60);
		ms_write_u16(&h, rd->len);
		part = (dnssec_binary_t){ .size = ms_writer_len(&h), .data = head };
		assert_int_equal(dnssec_sign_add(ctx, &part), DNSSEC_EOK);
		part = (dnssec_binary_t){ .size = rd->len, .data = (uint8_t *)rd->data };
		assert_int_equal(dnssec_sign_add(ctx, &part), DNSSEC_EOK);
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	assert_int_equal(dnssec_sign_write(ctx, DNSSEC_SIGN_NORMAL, &signature), DNSSEC_EOK);
	dnssec_sign_free(ctx);
	ms_write_bytes(&w, signature.data, signature.size);
	dnssec_binary_free(&signature);
	add(&said->sigs, rdata, ms_writer_len(&w));
}

static inline void add_soa(ms_rrset_t *set, uint32_t serial)
{
	uint8_t rdata[22] = { 0 };
	knot_wire_write_u32(rdata + 2, serial);
	add(set, rdata, sizeof(rdata));
}

static inline void fill_look(ms_look_t *look, const char *host, uint8_t octet, uint8_t saying)
{
	name(host, look->host);
	look->addr = (ms_addr_t){ .family = AF_INET, .port = 53, .ip = { 192, 0, 2, octet } };
	for (int i = 0; i < MS_LOOKS_TYPES; i++) {
		look->said[i].saying = saying;
	}
	add_soa(&look->said[MS_LOOK_SOA].set, octet);
	add_soa(&look->said[MS_LOOK_SOA_AGAIN].set, octet);
	ms_said_t *dnskey = &look->said[MS_LOOK_DNSKEY];
	for (int i = 0; i < KEYS; i++) {
		add_dnskey(&dnskey->set, i);
	}
	sign(dnskey, KNOT_RRTYPE_DNSKEY, KSK_A, NOW - 3600);
	sign(dnskey, KNOT_RRTYPE_DNSKEY, KSK_B, NOW - 3600);
	add_name(&look->said[MS_LOOK_NS].set, "ns1.child.test.");
	add_name(&look->said[MS_LOOK_NS].set, "ns.beta.test.");
	look->host_count = 1;
	name("ns1.child.test.", look->hosts[0].host);
	look->hosts[0].a.saying = look->hosts[0].aaaa.saying = saying;
	add(&look->hosts[0].a.set, "\xc0\x00\x02\x01", 4);
}

/*! Two servers that agree in everything; the DS is that of KSK_A, or none. */
static inline ms_survey_t *make_survey(bool secure)
{
	uint8_t saying = secure ? MS_SAID_SECURE : MS_SAID_INSECURE;
	ms_survey_t *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->looks = calloc(MS_LOOKS_MAX, sizeof(*s->looks));
	s->signals = calloc(MS_NS_MAX, sizeof(*s->signals));
	assert_true(s->looks != NULL && s->signals != NULL);
	name(CHILD, s->child);
	add_name(&s->deleg.ns, "ns1.child.test.");
	add_name(&s->deleg.ns, "ns.beta.test.");
	s->deleg.glue_count = 1;
	name("ns1.child.test.", s->deleg.glue[0].host);
	add(&s->deleg.glue[0].a, "\xc0\x00\x02\x01", 4);
	if (secure) {
		add_ds(&s->deleg.ds, KSK_A, 2);
	}
	s->look_count = 2;
	fill_look(&s->looks[0], "ns1.child.test.", 1, saying);
	fill_look(&s->looks[1], "ns.beta.test.", 2, saying);
	return s;
}

static inline ms_policy_t make_policy(void)
{
	ms_policy_t p = { .ns_min = 1, .ds_delete = true, .update_ns = true, .update_ds = true,
	                  .signals = true };
	p.digest[2] = p.digest[4] = true;
	p.algorithm[13] = p.algorithm[15] = true;
	return p;
}

/*! CDS of some keys at one server, signed by \a signer. */
static inline void put_cds(ms_survey_t *s, int look, bool a, bool b, int signer, uint32_t inception)
{
	ms_said_t *said = &s->looks[look].said[MS_LOOK_CDS];
	if (a) {
		add_ds(&said->set, KSK_A, 2);
	}
	if (b) {
		add_ds(&said->set, KSK_B, 2);
	}
	sign(said, KNOT_RRTYPE_CDS, signer, inception);
}

/*! At both servers, as it should be. */
static inline void put_cds_all(ms_survey_t *s, bool a, bool b)
{
	put_cds(s, 0, a, b, KSK_A, NOW - 60);
	put_cds(s, 1, a, b, KSK_A, NOW - 60);
}
