/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/tsig.h"

#include <string.h>

#include <libdnssec/error.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "wire/rr.h"

/* Shortest MAC that is a MAC at all (RFC 8945 section 5.2.2.1), unless half of it is more. */
#define MAC_MIN 10

int ms_tsig_key_set(ms_tsig_key_t *key, const knot_dname_t *name,
                    dnssec_tsig_algorithm_t algorithm, const uint8_t *secret, size_t len)
{
	size_t mac_len = dnssec_tsig_algorithm_size(algorithm);
	if (len == 0 || mac_len == 0 || mac_len > MS_TSIG_MAC_MAX ||
	    dnssec_tsig_algorithm_to_dname(algorithm) == NULL) {
		return KNOT_EINVAL;
	}
	if (len > sizeof(key->secret)) {
		return KNOT_ESPACE;
	}
	ms_tsig_key_wipe(key);
	ms_name_copy_lower(key->name, name);
	key->algorithm = algorithm;
	key->secret_len = len;
	memcpy(key->secret, secret, len);
	return KNOT_EOK;
}

void ms_tsig_key_wipe(ms_tsig_key_t *key)
{
	explicit_bzero(key, sizeof(*key));
}

static uint64_t read_u48(ms_reader_t *r)
{
	uint64_t high = ms_read_u16(r);
	return high << 32 | ms_read_u32(r);
}

static void write_u48(ms_writer_t *w, uint64_t v)
{
	ms_write_u16(w, v >> 32);
	ms_write_u32(w, (uint32_t)v);
}

/* Octets with their length in front. */
static uint8_t read_octets(ms_reader_t *r, uint8_t *out, size_t max)
{
	uint16_t len = ms_read_u16(r);
	const uint8_t *octets = ms_read_bytes(r, len);
	if (octets == NULL || len > max) {
		r->ret = KNOT_EMALF;
		return 0;
	}
	memcpy(out, octets, len);
	return len;
}

int ms_tsig_read(const knot_dname_t *owner, const uint8_t *rdata, size_t len, ms_tsig_t *out)
{
	ms_tsig_t tsig = { .error = 0 };
	ms_reader_t r = ms_reader(rdata, len);
	const knot_dname_t *algorithm = ms_read_name(&r);
	if (algorithm == NULL) {
		return KNOT_EMALF;
	}
	ms_name_copy_lower(tsig.key, owner);
	ms_name_copy_lower(tsig.algorithm, algorithm);
	tsig.signed_at = read_u48(&r);
	tsig.fudge = ms_read_u16(&r);
	tsig.mac_len = read_octets(&r, tsig.mac, sizeof(tsig.mac));
	tsig.id = ms_read_u16(&r);
	tsig.error = ms_read_u16(&r);
	tsig.other_len = read_octets(&r, tsig.other, sizeof(tsig.other));
	if (r.ret != KNOT_EOK || ms_reader_left(&r) > 0) {
		return KNOT_EMALF;
	}
	*out = tsig;
	return KNOT_EOK;
}

int ms_tsig_cut(uint8_t *wire, size_t *len, ms_tsig_t *out)
{
	if (*len < KNOT_WIRE_HEADER_SIZE) {
		return KNOT_EMALF;
	}
	uint32_t count = knot_wire_get_ancount(wire) + knot_wire_get_nscount(wire);
	count += knot_wire_get_arcount(wire);
	ms_reader_t r = ms_reader_records(wire, *len, knot_wire_get_qdcount(wire));
	ms_rr_t rr = { .type = 0 };
	for (; count > 0 && r.ret == KNOT_EOK && rr.type != KNOT_RRTYPE_TSIG; count--) {
		rr = ms_read_rr(&r, wire);
	}
	/* Nothing is left behind a TSIG: so it is the last record. */
	if (r.ret != KNOT_EOK || count > 0 || ms_reader_left(&r) > 0) {
		return KNOT_EMALF;
	}
	if (rr.type != KNOT_RRTYPE_TSIG) {
		return KNOT_ENOENT;
	}
	knot_dname_storage_t owner;
	uint16_t arcount = knot_wire_get_arcount(wire);
	if (arcount == 0 || rr.rclass != KNOT_CLASS_ANY || rr.ttl != 0 ||
	    knot_dname_unpack(owner, rr.owner, KNOT_DNAME_MAXLEN, wire) <= 0) {
		return KNOT_EMALF;
	}
	int ret = ms_tsig_read(owner, rr.rdata, rr.rdlen, out);
	if (ret == KNOT_EOK) {
		knot_wire_set_arcount(wire, arcount - 1);
		*len = rr.owner - wire;
	}
	return ret;
}

static int add(dnssec_tsig_ctx_t *ctx, const uint8_t *data, size_t len)
{
	const dnssec_binary_t part = { .size = len, .data = (uint8_t *)data };
	return len > 0 ? dnssec_tsig_add(ctx, &part) : DNSSEC_EOK;
}

/* The TSIG without MAC and original id (RFC 8945 section 4.3.3). */
static size_t write_variables(const ms_tsig_t *tsig, uint8_t *buf, size_t max)
{
	ms_writer_t w = ms_writer(buf, max);
	ms_write_name(&w, tsig->key);
	ms_write_u16(&w, KNOT_CLASS_ANY);
	ms_write_u32(&w, 0);
	ms_write_name(&w, tsig->algorithm);
	write_u48(&w, tsig->signed_at);
	ms_write_u16(&w, tsig->fudge);
	ms_write_u16(&w, tsig->error);
	ms_write_u16(&w, tsig->other_len);
	ms_write_bytes(&w, tsig->other, tsig->other_len);
	return ms_writer_len(&w);
}

/* RFC 8945 section 4.3. \a mac has room for MS_TSIG_MAC_MAX octets. */
static int compute(const ms_tsig_key_t *key, const ms_tsig_t *tsig, const uint8_t *wire, size_t len,
                   const ms_tsig_t *request, uint8_t *mac)
{
	uint8_t header[KNOT_WIRE_HEADER_SIZE], prefix[2], variables[MS_TSIG_MAX];
	memcpy(header, wire, sizeof(header));
	knot_wire_set_id(header, tsig->id);

	const dnssec_binary_t secret = { .size = key->secret_len, .data = (uint8_t *)key->secret };
	dnssec_tsig_ctx_t *ctx = NULL;
	int ret = dnssec_tsig_new(&ctx, key->algorithm, &secret);
	if (ret == DNSSEC_EOK && request != NULL && request->mac_len > 0) {
		knot_wire_write_u16(prefix, request->mac_len);
		ret = add(ctx, prefix, sizeof(prefix));
		ret = ret == DNSSEC_EOK ? add(ctx, request->mac, request->mac_len) : ret;
	}
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, header, sizeof(header));
	}
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, wire + sizeof(header), len - sizeof(header));
	}
	if (ret == DNSSEC_EOK) {
		ret = add(ctx, variables, write_variables(tsig, variables, sizeof(variables)));
	}
	if (ret == DNSSEC_EOK) {
		ret = dnssec_tsig_write(ctx, mac);
	}
	dnssec_tsig_free(ctx);
	return ret == DNSSEC_EOK ? KNOT_EOK : KNOT_ERROR;
}

static bool is_key(const ms_tsig_key_t *key, const ms_tsig_t *tsig)
{
	return knot_dname_is_equal(key->name, tsig->key) &&
	       dnssec_tsig_algorithm_from_dname(tsig->algorithm) == key->algorithm;
}

/* As long for the first wrong octet as for the last. */
static bool same_octets(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0;
	for (size_t i = 0; i < len; i++) {
		differ |= a[i] ^ b[i];
	}
	return differ == 0;
}

static bool in_time(const ms_tsig_t *tsig, int64_t now)
{
	int64_t fudge = tsig->fudge < MS_TSIG_FUDGE ? tsig->fudge : MS_TSIG_FUDGE;
	int64_t apart = now - (int64_t)tsig->signed_at;
	return apart <= fudge && apart >= -fudge;
}

uint16_t ms_tsig_verify(const ms_tsig_key_t *key, const ms_tsig_t *tsig, const uint8_t *wire,
                        size_t len, const ms_tsig_t *request, int64_t now)
{
	uint8_t mac[MS_TSIG_MAC_MAX];
	if (!is_key(key, tsig)) {
		return KNOT_RCODE_BADKEY;
	}
	size_t whole = dnssec_tsig_algorithm_size(key->algorithm);
	size_t least = whole / 2 > MAC_MIN ? whole / 2 : MAC_MIN;
	if (len < KNOT_WIRE_HEADER_SIZE || tsig->mac_len < least || tsig->mac_len > whole ||
	    compute(key, tsig, wire, len, request, mac) != KNOT_EOK ||
	    !same_octets(mac, tsig->mac, tsig->mac_len)) {
		return KNOT_RCODE_BADSIG;
	}
	if (!in_time(tsig, now)) {
		return KNOT_RCODE_BADTIME;
	}
	return tsig->mac_len == whole ? KNOT_RCODE_NOERROR : KNOT_RCODE_BADTRUNC;
}

static void write_record(ms_writer_t *w, const ms_tsig_t *tsig)
{
	ms_write_name(w, tsig->key);
	ms_write_u16(w, KNOT_RRTYPE_TSIG);
	ms_write_u16(w, KNOT_CLASS_ANY);
	ms_write_u32(w, 0);
	ms_write_u16(w, knot_dname_size(tsig->algorithm) + 16 + tsig->mac_len + tsig->other_len);
	ms_write_name(w, tsig->algorithm);
	write_u48(w, tsig->signed_at);
	ms_write_u16(w, tsig->fudge);
	ms_write_u16(w, tsig->mac_len);
	ms_write_bytes(w, tsig->mac, tsig->mac_len);
	ms_write_u16(w, tsig->id);
	ms_write_u16(w, tsig->error);
	ms_write_u16(w, tsig->other_len);
	ms_write_bytes(w, tsig->other, tsig->other_len);
}

/* Everything but the MAC. */
static ms_tsig_t prepare(const ms_tsig_key_t *key, const uint8_t *wire, const ms_tsig_t *request,
                         uint16_t error, int64_t now)
{
	ms_tsig_t tsig = {
		.signed_at = now, .fudge = MS_TSIG_FUDGE, .id = knot_wire_get_id(wire), .error = error,
	};
	ms_name_copy(tsig.key, request != NULL ? request->key : key->name);
	ms_name_copy(tsig.algorithm, request != NULL ? request->algorithm
	                           : dnssec_tsig_algorithm_to_dname(key->algorithm));
	if (error == KNOT_RCODE_BADTIME && request != NULL) {
		/* The asker's time, so that it can verify this; ours beside it (section 5.2.3). */
		ms_writer_t w = ms_writer(tsig.other, sizeof(tsig.other));
		write_u48(&w, now);
		tsig.other_len = ms_writer_len(&w);
		tsig.signed_at = request->signed_at;
	}
	return tsig;
}

int ms_tsig_sign(const ms_tsig_key_t *key, uint8_t *wire, size_t len, size_t max,
                 const ms_tsig_t *request, uint16_t error, int64_t now, ms_tsig_t *out)
{
	if (len < KNOT_WIRE_HEADER_SIZE || len > max) {
		return KNOT_EMALF;
	}
	uint16_t arcount = knot_wire_get_arcount(wire);
	if (arcount == UINT16_MAX) {
		return KNOT_ESPACE;
	}
	ms_tsig_t tsig = prepare(key, wire, request, error, now);
	if (error != KNOT_RCODE_BADKEY && error != KNOT_RCODE_BADSIG) {
		if (compute(key, &tsig, wire, len, request, tsig.mac) != KNOT_EOK) {
			return KNOT_ERROR;
		}
		tsig.mac_len = dnssec_tsig_algorithm_size(key->algorithm);
	}
	ms_writer_t w = ms_writer(wire + len, max - len);
	write_record(&w, &tsig);
	if (w.ret != KNOT_EOK) {
		return w.ret;
	}
	knot_wire_set_arcount(wire, arcount + 1);
	if (out != NULL) {
		*out = tsig;
	}
	return len + ms_writer_len(&w);
}

const char *ms_tsig_error_name(uint16_t error)
{
	switch (error) {
	case KNOT_RCODE_NOERROR:  return "NOERROR";
	case KNOT_RCODE_BADSIG:   return "BADSIG";
	case KNOT_RCODE_BADKEY:   return "BADKEY";
	case KNOT_RCODE_BADTIME:  return "BADTIME";
	case KNOT_RCODE_BADTRUNC: return "BADTRUNC";
	default:                  return "unassigned";
	}
}
