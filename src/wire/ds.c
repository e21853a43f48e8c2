/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/ds.h"

#include <string.h>

#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libknot/libknot.h>

#include "base/cursor.h"

/* flags, protocol, algorithm, at least one octet of key */
#define DNSKEY_MIN 5

static size_t digest_len(uint8_t type)
{
	switch (type) {
	case MS_DIGEST_SHA1:   return 20;
	case MS_DIGEST_SHA256: return 32;
	case MS_DIGEST_SHA384: return 48;
	default:               return 0;
	}
}

int ms_ds_decode(const uint8_t *rdata, size_t len, ms_ds_t *out)
{
	ms_reader_t r = ms_reader(rdata, len);
	ms_ds_t ds = { .tag = ms_read_u16(&r) };
	ds.algorithm = ms_read_u8(&r);
	ds.digest_type = ms_read_u8(&r);
	size_t wanted = digest_len(ds.digest_type);
	size_t left = ms_reader_left(&r);
	if (r.ret != KNOT_EOK || left == 0 || (wanted > 0 && left != wanted)) {
		return KNOT_EMALF;
	}
	*out = ds;
	return KNOT_EOK;
}

int ms_ds_make(const knot_dname_t *zone, const uint8_t *dnskey, size_t len, uint8_t digest_type,
               uint8_t *buf, size_t max)
{
	dnssec_key_t *key = NULL;
	dnssec_binary_t rdata = { .size = len, .data = (uint8_t *)dnskey };
	dnssec_binary_t ds = { 0 };
	if (len < DNSKEY_MIN) {
		return KNOT_EMALF;
	}
	if (digest_len(digest_type) == 0 || dnssec_key_new(&key) != DNSSEC_EOK) {
		return KNOT_ENOTSUP;
	}
	int ret = dnssec_key_set_dname(key, zone);
	if (ret == DNSSEC_EOK) {
		ret = dnssec_key_set_rdata(key, &rdata);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_key_create_ds(key, digest_type, &ds);
	}
	dnssec_key_free(key);
	if (ret != DNSSEC_EOK) {
		return KNOT_ENOTSUP;
	}
	int made = ds.size <= max ? (int)ds.size : KNOT_ESPACE;
	if (made > 0) {
		memcpy(buf, ds.data, ds.size);
	}
	dnssec_binary_free(&ds);
	return made;
}

static bool is_zero(const uint8_t *rdata, const uint8_t *form, size_t fixed, size_t len)
{
	return (len == fixed || (len == fixed + 1 && rdata[fixed] == 0)) &&
	       memcmp(rdata, form, fixed) == 0;
}

bool ms_cds_is_delete(const uint8_t *rdata, size_t len)
{
	static const uint8_t form[] = { 0, 0, 0, 0 };
	return is_zero(rdata, form, sizeof(form), len);
}

bool ms_cdnskey_is_delete(const uint8_t *rdata, size_t len)
{
	static const uint8_t form[] = { 0, 0, 3, 0 };
	return is_zero(rdata, form, sizeof(form), len);
}

static bool has(const ms_rrset_t *set, bool (*is_delete)(const uint8_t *, size_t))
{
	const knot_rdata_t *rd = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rd = knot_rdataset_next((knot_rdata_t *)rd)) {
		if (is_delete(rd->data, rd->len)) {
			return true;
		}
	}
	return false;
}

bool ms_cds_set_has_delete(const ms_rrset_t *cds)
{
	return has(cds, ms_cds_is_delete);
}

bool ms_cdnskey_set_has_delete(const ms_rrset_t *cdnskey)
{
	return has(cdnskey, ms_cdnskey_is_delete);
}

bool ms_cds_set_is_delete(const ms_rrset_t *cds)
{
	return cds->rrs.count == 1 && ms_cds_set_has_delete(cds);
}

bool ms_cdnskey_set_is_delete(const ms_rrset_t *cdnskey)
{
	return cdnskey->rrs.count == 1 && ms_cdnskey_set_has_delete(cdnskey);
}
