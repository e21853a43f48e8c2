/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/rrsig.h"

#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/sign.h>
#include <libknot/libknot.h>

#include "base/cursor.h"
#include "base/name.h"
#include "wire/dnskey.h"

int ms_rrsig_decode(const uint8_t *rdata, size_t len, ms_rrsig_t *out)
{
	ms_reader_t r = ms_reader(rdata, len);
	ms_rrsig_t sig = { .covered = ms_read_u16(&r) };
	sig.algorithm = ms_read_u8(&r);
	sig.labels = ms_read_u8(&r);
	sig.original_ttl = ms_read_u32(&r);
	sig.expiration = ms_read_u32(&r);
	sig.inception = ms_read_u32(&r);
	sig.tag = ms_read_u16(&r);
	const knot_dname_t *signer = ms_read_name(&r);
	if (r.ret != KNOT_EOK || ms_reader_left(&r) == 0) {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(sig.signer, signer);
	sig.fixed_len = r.pos - rdata;
	*out = sig;
	return KNOT_EOK;
}

static int add(dnssec_sign_ctx_t *ctx, const uint8_t *data, size_t len)
{
	dnssec_binary_t bin = { .size = len, .data = (uint8_t *)data };
	return len > 0 ? dnssec_sign_add(ctx, &bin) : DNSSEC_EOK;
}

/* RFC 4034 section 3.1.8.1; libknot keeps records in canonical order. */
static int add_data(dnssec_sign_ctx_t *ctx, const knot_dname_t *owner, uint16_t type,
                    const ms_rrset_t *set, const uint8_t *rrsig, const ms_rrsig_t *sig)
{
	uint8_t head[KNOT_DNAME_MAXLEN + 10];
	int ret = add(ctx, rrsig, sig->fixed_len - knot_dname_size(sig->signer));
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, sig->signer, knot_dname_size(sig->signer));
	}
	const knot_rdata_t *rd = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count && ret == DNSSEC_EOK; i++) {
		ms_writer_t w = ms_writer(head, sizeof(head));
		ms_write_name(&w, owner);
		ms_write_u16(&w, type);
		ms_write_u16(&w, KNOT_CLASS_IN);
		ms_write_u32(&w, sig->original_ttl);
		ms_write_u16(&w, rd->len);
		ret = add(ctx, head, ms_writer_len(&w));
		if (ret == DNSSEC_EOK) {
			ret = add(ctx, rd->data, rd->len);
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	return ret;
}

static bool verifies(const knot_dname_t *owner, uint16_t type, const ms_rrset_t *set,
                     const knot_rdata_t *rrsig, const ms_rrsig_t *sig, const uint8_t *dnskey,
                     size_t dnskey_len)
{
	dnssec_key_t *key = NULL;
	dnssec_sign_ctx_t *ctx = NULL;
	dnssec_binary_t rdata = { .size = dnskey_len, .data = (uint8_t *)dnskey };
	dnssec_binary_t signature = {
		.size = rrsig->len - sig->fixed_len, .data = (uint8_t *)rrsig->data + sig->fixed_len,
	};
	int ret = dnssec_key_new(&key);
	if (ret == DNSSEC_EOK) {
		ret = dnssec_key_set_rdata(key, &rdata);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_sign_new(&ctx, key);
	}
	if (ret == DNSSEC_EOK) {
		ret = add_data(ctx, owner, type, set, rrsig->data, sig);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_sign_verify(ctx, false, &signature);
	}
	dnssec_sign_free(ctx);
	dnssec_key_free(key);
	return ret == DNSSEC_EOK;
}

/* Serial arithmetic (RFC 4034 section 3.1.5). */
static bool is_current(const ms_rrsig_t *sig, int64_t now)
{
	return (int32_t)((uint32_t)now - sig->inception) >= 0 &&
	       (int32_t)(sig->expiration - (uint32_t)now) >= 0;
}

bool ms_rrsig_by_key(const knot_dname_t *owner, uint16_t type, const ms_rrset_t *set,
                     const ms_rrset_t *sigs, const uint8_t *dnskey, size_t dnskey_len, int64_t now,
                     uint32_t *inception)
{
	ms_dnskey_t key;
	bool found = false;
	if (set->rrs.count == 0 || ms_dnskey_decode(dnskey, dnskey_len, &key) != KNOT_EOK ||
	    (key.flags & MS_DNSKEY_ZONE) == 0 || (key.flags & MS_DNSKEY_REVOKE) != 0) {
		return false;
	}
	const knot_rdata_t *rd = sigs->rrs.rdata;
	for (uint16_t i = 0; i < sigs->rrs.count; i++, rd = knot_rdataset_next((knot_rdata_t *)rd)) {
		ms_rrsig_t sig;
		if (ms_rrsig_decode(rd->data, rd->len, &sig) != KNOT_EOK || sig.covered != type ||
		    sig.tag != key.tag || sig.algorithm != key.algorithm ||
		    sig.labels != knot_dname_labels(owner, NULL) || !is_current(&sig, now) ||
		    !knot_dname_is_equal(sig.signer, owner) ||
		    (found && (inception == NULL || (int32_t)(sig.inception - *inception) <= 0)) ||
		    !verifies(owner, type, set, rd, &sig, dnskey, dnskey_len)) {
			continue;
		}
		found = true;
		if (inception != NULL) {
			*inception = sig.inception;
		}
	}
	return found;
}
