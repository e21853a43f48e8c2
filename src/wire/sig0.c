/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/sig0.h"

#include <libdnssec/error.h>
#include <libdnssec/keytag.h>
#include <libdnssec/sign.h>
#include <libknot/descriptor.h>

#include "wire/rr.h"

/* RDATA up to the signer's name: covered 2, algorithm, labels, original TTL 4, expiration 4,
 * inception 4, tag 2 (RFC 2535 section 4.1). */
#define FIXED 18
/* KEY flags of a host (NAMTYP "entity", RFC 2535 section 3.1.2). */
#define KEY_FLAGS_HOST 0x0200
#define KEY_PROTOCOL_DNSSEC 3

uint16_t ms_key_tag(const uint8_t *rdata, size_t len)
{
	dnssec_binary_t bin = { .size = len, .data = (uint8_t *)rdata };
	uint16_t tag = 0;
	return dnssec_keytag(&bin, &tag) == DNSSEC_EOK ? tag : 0;
}

/* Octets of public key of the algorithms we sign and verify with. */
static size_t pubkey_len(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_KEY_ALGORITHM_ED25519:           return 32;
	case DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256: return 64;
	default:                                     return 0;
	}
}

static int load_private(dnssec_key_t *key, uint8_t algorithm, const dnssec_binary_t *pem,
                        dnssec_binary_t *pub)
{
	int ret = dnssec_key_set_algorithm(key, algorithm);
	if (ret == DNSSEC_EOK) {
		ret = dnssec_key_load_pkcs8(key, pem);
	}
	if (ret != DNSSEC_EOK) {
		return ret == DNSSEC_INVALID_KEY_ALGORITHM ? KNOT_ENOTSUP : KNOT_EMALF;
	}
	/* libdnssec takes a P-384 key for algorithm 13: only the length gives it away. */
	ret = dnssec_key_get_pubkey(key, pub);
	return ret == DNSSEC_EOK && pub->size == pubkey_len(algorithm) ? KNOT_EOK : KNOT_ENOTSUP;
}

int ms_sig0_key_init(ms_sig0_key_t *out, const uint8_t *pem, size_t len,
                     const knot_dname_t *signer)
{
	static const uint8_t algorithms[] = {
		DNSSEC_KEY_ALGORITHM_ED25519, DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256
	};
	const dnssec_binary_t bin = { .size = len, .data = (uint8_t *)pem };
	dnssec_binary_t pub = { 0 };
	dnssec_key_t *key = NULL;
	uint8_t algorithm = 0;
	int ret = KNOT_ENOTSUP;
	for (size_t i = 0; i < sizeof(algorithms) && ret == KNOT_ENOTSUP; i++) {
		dnssec_key_free(key);
		key = NULL;
		if (dnssec_key_new(&key) != DNSSEC_EOK) {
			return KNOT_ENOMEM;
		}
		algorithm = algorithms[i];
		ret = load_private(key, algorithm, &bin, &pub);
	}
	if (ret != KNOT_EOK) {
		dnssec_key_free(key);
		return ret;
	}

	*out = (ms_sig0_key_t){ .key = key, .algorithm = algorithm };
	knot_dname_copy_lower(out->signer, signer);
	ms_writer_t w = ms_writer(out->rr.rdata, sizeof(out->rr.rdata));
	ms_write_u16(&w, KEY_FLAGS_HOST);
	ms_write_u8(&w, KEY_PROTOCOL_DNSSEC);
	ms_write_u8(&w, algorithm);
	ms_write_bytes(&w, pub.data, pub.size);
	out->rr.len = ms_writer_len(&w);
	out->tag = ms_key_tag(out->rr.rdata, out->rr.len);
	return KNOT_EOK;
}

void ms_sig0_key_deinit(ms_sig0_key_t *key)
{
	dnssec_key_free(key->key);
	*key = (ms_sig0_key_t){ 0 };
}

static bool is_sig0(const ms_rr_t *rr)
{
	return rr->type == KNOT_RRTYPE_SIG && rr->rdlen >= 2 && knot_wire_read_u16(rr->rdata) == 0;
}

static int decode_sig(const uint8_t *wire, const ms_rr_t *rr, ms_sig0_info_t *out)
{
	if (*rr->owner != '\0' || rr->rclass != KNOT_CLASS_ANY || rr->ttl != 0) {
		return KNOT_EMALF;
	}
	ms_sig0_info_t sig = {
		.present = true,
		.rr_pos = rr->owner - wire,
		.rdata_pos = rr->rdata - wire,
	};
	ms_reader_t r = ms_reader(rr->rdata, rr->rdlen);
	(void)ms_read_u16(&r); /* Type covered. */
	sig.algorithm = ms_read_u8(&r);
	uint8_t labels = ms_read_u8(&r);
	uint32_t original_ttl = ms_read_u32(&r);
	sig.expiration = ms_read_u32(&r);
	sig.inception = ms_read_u32(&r);
	sig.tag = ms_read_u16(&r);
	/* Not compressed (RFC 3597 section 4): the signed octets are those of the message. */
	const knot_dname_t *signer = ms_read_name(&r);
	if (r.ret != KNOT_EOK || labels != 0 || original_ttl != 0 || ms_reader_left(&r) == 0) {
		return KNOT_EMALF;
	}
	knot_dname_copy_lower(sig.signer, signer);
	sig.signature_pos = r.pos - wire;
	sig.signature_len = ms_reader_left(&r);
	*out = sig;
	return KNOT_EOK;
}

int ms_sig0_find(const uint8_t *wire, size_t len, ms_sig0_info_t *out)
{
	if (len < KNOT_WIRE_HEADER_SIZE || len > KNOT_WIRE_MAX_PKTSIZE) {
		return KNOT_EMALF;
	}
	uint32_t before = knot_wire_get_ancount(wire) + knot_wire_get_nscount(wire);
	uint32_t total = before + knot_wire_get_arcount(wire);
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	ms_sig0_info_t sig = { 0 };
	bool tsig = false;
	for (uint32_t i = 0; i < total && r.ret == KNOT_EOK; i++) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret != KNOT_EOK) {
			break;
		}
		tsig = tsig || rr.type == KNOT_RRTYPE_TSIG;
		if (!is_sig0(&rr)) {
			continue;
		}
		if (i < before || i + 1 < total || decode_sig(wire, &rr, &sig) != KNOT_EOK) {
			return KNOT_EMALF;
		}
	}
	if (r.ret != KNOT_EOK || ms_reader_left(&r) > 0 || (tsig && sig.present)) {
		return KNOT_EMALF;
	}
	*out = sig;
	return KNOT_EOK;
}

static int add(dnssec_sign_ctx_t *ctx, const uint8_t *data, size_t len)
{
	dnssec_binary_t bin = { .size = len, .data = (uint8_t *)data };
	return len > 0 ? dnssec_sign_add(ctx, &bin) : DNSSEC_EOK;
}

/* Feeds what is signed (RFC 2931 section 3.1); \a len octets of \a wire lie before the SIG record,
 * whose ARCOUNT was \a arcount then. */
static int add_data(dnssec_sign_ctx_t *ctx, const uint8_t *rdata, size_t rdata_len,
                    const uint8_t *request, size_t request_len,
                    const uint8_t *wire, size_t len, uint16_t arcount)
{
	uint8_t header[KNOT_WIRE_HEADER_SIZE];
	memcpy(header, wire, sizeof(header));
	knot_wire_set_arcount(header, arcount);

	int ret = add(ctx, rdata, rdata_len);
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, request, request_len);
	}
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, header, sizeof(header));
	}
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, wire + sizeof(header), len - sizeof(header));
	}
	return ret;
}

static size_t write_rdata(const ms_sig0_key_t *key, int64_t now, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u16(&w, 0); /* Type covered: this is a transaction signature. */
	ms_write_u8(&w, key->algorithm);
	ms_write_u8(&w, 0);
	ms_write_u32(&w, 0);
	ms_write_u32(&w, (uint32_t)(now + MS_SIG0_AHEAD));
	ms_write_u32(&w, (uint32_t)(now - MS_SIG0_BACK));
	ms_write_u16(&w, key->tag);
	ms_write_name(&w, key->signer);
	return ms_writer_len(&w);
}

int ms_sig0_sign(const ms_sig0_key_t *key, uint8_t *wire, size_t len, size_t max,
                 const uint8_t *request, size_t request_len, int64_t now)
{
	if (len < KNOT_WIRE_HEADER_SIZE || len > max) {
		return KNOT_EMALF;
	}
	uint16_t arcount = knot_wire_get_arcount(wire);
	if (arcount == UINT16_MAX) {
		return KNOT_ESPACE;
	}
	uint8_t rdata[FIXED + KNOT_DNAME_MAXLEN];
	size_t rdata_len = write_rdata(key, now, rdata, sizeof(rdata));

	dnssec_sign_ctx_t *ctx = NULL;
	if (dnssec_sign_new(&ctx, key->key) != DNSSEC_EOK) {
		return KNOT_ERROR;
	}
	dnssec_binary_t signature = { 0 };
	int ret = add_data(ctx, rdata, rdata_len, request, request_len, wire, len, arcount);
	if (ret == DNSSEC_EOK) {
		ret = dnssec_sign_write(ctx, DNSSEC_SIGN_NORMAL, &signature);
	}
	dnssec_sign_free(ctx);
	if (ret != DNSSEC_EOK) {
		return KNOT_ERROR;
	}

	ms_writer_t w = ms_writer(wire + len, max - len);
	ms_write_u8(&w, 0);
	ms_write_u16(&w, KNOT_RRTYPE_SIG);
	ms_write_u16(&w, KNOT_CLASS_ANY);
	ms_write_u32(&w, 0);
	ms_write_u16(&w, rdata_len + signature.size);
	ms_write_bytes(&w, rdata, rdata_len);
	ms_write_bytes(&w, signature.data, signature.size);
	dnssec_binary_free(&signature);
	if (w.ret != KNOT_EOK) {
		return w.ret;
	}
	knot_wire_set_arcount(wire, arcount + 1);
	return len + ms_writer_len(&w);
}

ms_sig0_verdict_t ms_sig0_time(const ms_sig0_info_t *sig, int64_t now)
{
	/* RFC 1982 serial arithmetic: right across 2106 and for any distance below 68 years. */
	if ((int32_t)(sig->expiration - (uint32_t)now) < 0) {
		return MS_SIG0_EXPIRED;
	}
	if ((int32_t)((uint32_t)now - sig->inception) < 0) {
		return MS_SIG0_EARLY;
	}
	if (sig->expiration - sig->inception > MS_SIG0_WIDTH) {
		return MS_SIG0_TOO_LONG;
	}
	return MS_SIG0_OK;
}

static bool verifies(const uint8_t *wire, const ms_sig0_info_t *sig, const ms_keyrr_t *rr,
                     const uint8_t *request, size_t request_len)
{
	dnssec_key_t *key = NULL;
	dnssec_sign_ctx_t *ctx = NULL;
	const dnssec_binary_t pub = { .size = rr->len - 4, .data = (uint8_t *)rr->rdata + 4 };
	const dnssec_binary_t signature = {
		.size = sig->signature_len, .data = (uint8_t *)wire + sig->signature_pos
	};
	/* Field by field: dnssec_key_set_rdata() refuses the flags of a KEY (0x0200). */
	int ret = dnssec_key_new(&key);
	if (ret == DNSSEC_EOK) {
		ret = dnssec_key_set_algorithm(key, sig->algorithm);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_key_set_pubkey(key, &pub);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_sign_new(&ctx, key);
	}
	if (ret == DNSSEC_EOK) {
		ret = add_data(ctx, wire + sig->rdata_pos, sig->signature_pos - sig->rdata_pos,
		               request, request_len, wire, sig->rr_pos,
		               knot_wire_get_arcount(wire) - 1);
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_sign_verify(ctx, false, &signature);
	}
	dnssec_sign_free(ctx);
	dnssec_key_free(key);
	return ret == DNSSEC_EOK;
}

ms_sig0_verdict_t ms_sig0_verify(const uint8_t *wire, size_t len, const ms_sig0_info_t *sig,
                                 const ms_keyrr_t *keys, size_t key_count,
                                 const uint8_t *request, size_t request_len, int64_t now)
{
	if (!sig->present || (size_t)sig->signature_pos + sig->signature_len != len) {
		return MS_SIG0_BAD;
	}
	ms_sig0_verdict_t verdict = ms_sig0_time(sig, now);
	if (verdict != MS_SIG0_OK) {
		return verdict;
	}
	verdict = MS_SIG0_KEY;
	for (size_t i = 0; i < key_count && verdict != MS_SIG0_OK; i++) {
		if (!ms_key_usable(keys[i].rdata, keys[i].len) ||
		    keys[i].rdata[3] != sig->algorithm ||
		    ms_key_tag(keys[i].rdata, keys[i].len) != sig->tag) {
			continue;
		}
		verdict = verifies(wire, sig, &keys[i], request, request_len)
		        ? MS_SIG0_OK : MS_SIG0_BAD;
	}
	return verdict;
}

const char *ms_sig0_verdict_text(ms_sig0_verdict_t verdict)
{
	switch (verdict) {
	case MS_SIG0_OK:       return "good";
	case MS_SIG0_EXPIRED:  return "expired";
	case MS_SIG0_EARLY:    return "not yet valid";
	case MS_SIG0_TOO_LONG: return "valid for too long";
	case MS_SIG0_KEY:      return "unknown key";
	case MS_SIG0_BAD:      return "bad signature";
	}
	return "unknown verdict";
}
