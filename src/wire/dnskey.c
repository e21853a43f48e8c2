/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/dnskey.h"

#include <stdlib.h>
#include <string.h>

#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/keytag.h>
#include <libknot/errcode.h>

#include "base/cursor.h"

/* flags (2), protocol, algorithm, at least one octet of key */
#define DNSKEY_MIN 5
/* tag (2), algorithm, digest type, at least one octet of digest */
#define CDS_MIN    5

int ms_dnskey_decode(const uint8_t *rdata, size_t len, ms_dnskey_t *out)
{
	if (len < DNSKEY_MIN) {
		return KNOT_EMALF;
	}
	dnssec_binary_t bin = { .size = len, .data = (uint8_t *)rdata };
	uint16_t tag;
	if (dnssec_keytag(&bin, &tag) != DNSSEC_EOK) {
		return KNOT_EMALF;
	}
	ms_reader_t r = ms_reader(rdata, len);
	out->flags = ms_read_u16(&r);
	out->protocol = ms_read_u8(&r);
	out->algorithm = ms_read_u8(&r);
	out->tag = tag;
	return KNOT_EOK;
}

static dnssec_key_t *load(const knot_dname_t *owner, const uint8_t *rdata, size_t len)
{
	dnssec_key_t *key = NULL;
	dnssec_binary_t bin = { .size = len, .data = (uint8_t *)rdata };
	if (len < DNSKEY_MIN || dnssec_key_new(&key) != DNSSEC_EOK) {
		return NULL;
	}
	if ((owner != NULL && dnssec_key_set_dname(key, owner) != DNSSEC_EOK) ||
	    dnssec_key_set_rdata(key, &bin) != DNSSEC_EOK) {
		dnssec_key_free(key);
		return NULL;
	}
	return key;
}

int ms_dnskey_keyid(const uint8_t *rdata, size_t len, char out[MS_KEYID_LEN + 1])
{
	if (len < DNSKEY_MIN) {
		return KNOT_EMALF;
	}
	dnssec_key_t *key = load(NULL, rdata, len);
	char *id = NULL;
	int ret = key != NULL ? dnssec_key_get_keyid(key, &id) : DNSSEC_INVALID_PUBLIC_KEY;
	dnssec_key_free(key);
	if (ret != DNSSEC_EOK || strlen(id) != MS_KEYID_LEN) {
		free(id);
		return KNOT_ENOTSUP;
	}
	memcpy(out, id, MS_KEYID_LEN + 1);
	free(id);
	return KNOT_EOK;
}

bool ms_cds_of_key(const uint8_t *cds, size_t cds_len, const knot_dname_t *zone,
                   const uint8_t *dnskey, size_t dnskey_len)
{
	ms_dnskey_t info;
	ms_reader_t r = ms_reader(cds, cds_len);
	uint16_t tag = ms_read_u16(&r);
	uint8_t algorithm = ms_read_u8(&r);
	uint8_t digest = ms_read_u8(&r);
	if (cds_len < CDS_MIN || algorithm == 0 ||
	    ms_dnskey_decode(dnskey, dnskey_len, &info) != KNOT_EOK || info.tag != tag ||
	    info.algorithm != algorithm) {
		return false;
	}
	if (!dnssec_algorithm_digest_support(digest)) {
		return true; /* tag and algorithm are all we can compare */
	}
	dnssec_binary_t ds = { 0 };
	dnssec_key_t *key = load(zone, dnskey, dnskey_len);
	bool same = key != NULL && dnssec_key_create_ds(key, digest, &ds) == DNSSEC_EOK &&
	            ds.size == cds_len && memcmp(ds.data, cds, cds_len) == 0;
	dnssec_binary_free(&ds);
	dnssec_key_free(key);
	return same;
}
