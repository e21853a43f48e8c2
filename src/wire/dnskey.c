/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/dnskey.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/keytag.h>
#include <libknot/errcode.h>

#include "base/cursor.h"

/* flags (2), protocol, algorithm, at least one octet of key */
#define DNSKEY_MIN 5
#define KEY_AT     4
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

/*
 * What stands before the octets of a key in its SubjectPublicKeyInfo (RFC 5480, RFC 8410), whose
 * SHA-1 is the identifier. Every key is compared with every zone's own ones again and again, and to
 * import it into a crypto library first takes a hundred times as long.
 */
static const struct {
	uint8_t algorithm;
	uint8_t key_len;
	uint8_t head_len;
	uint8_t head[27];
} spki[] = {
	{ 13, 64, 27, { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	                0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
	                0x04 } },
	{ 14, 96, 24, { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	                0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 } },
	{ 15, 32, 12, { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 } },
	{ 16, 57, 12, { 0x30, 0x43, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00 } },
};

#define SPKI_MAX 128

/* \retval KNOT_ENOENT  Not of a kind whose encoding is of one length. */
static int short_keyid(const uint8_t *rdata, size_t len, uint8_t digest[MS_KEYID_LEN / 2])
{
	for (size_t i = 0; i < sizeof(spki) / sizeof(spki[0]); i++) {
		if (spki[i].algorithm != rdata[3]) {
			continue;
		}
		uint8_t buf[SPKI_MAX];
		if (len != KEY_AT + (size_t)spki[i].key_len) {
			return KNOT_ENOTSUP;
		}
		memcpy(buf, spki[i].head, spki[i].head_len);
		memcpy(buf + spki[i].head_len, rdata + KEY_AT, spki[i].key_len);
		return gnutls_hash_fast(GNUTLS_DIG_SHA1, buf, spki[i].head_len + spki[i].key_len,
		                        digest) == 0 ? KNOT_EOK : KNOT_ERROR;
	}
	return KNOT_ENOENT;
}

static void to_hex(const uint8_t *octets, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[octets[i] >> 4];
		*out++ = digits[octets[i] & 0xf];
	}
	*out = '\0';
}

int ms_dnskey_keyid(const uint8_t *rdata, size_t len, char out[MS_KEYID_LEN + 1])
{
	if (len < DNSKEY_MIN) {
		return KNOT_EMALF;
	}
	uint8_t digest[MS_KEYID_LEN / 2];
	int found = short_keyid(rdata, len, digest);
	if (found == KNOT_EOK) {
		to_hex(digest, sizeof(digest), out);
	}
	if (found != KNOT_ENOENT) {
		return found;
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
