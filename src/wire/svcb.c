/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/locator.h"

#include "base/cursor.h"

/* SvcParamKeys (RFC 9460 section 14.3.2). */
enum { KEY_MANDATORY = 0, KEY_PORT = 3, KEY_IPV4HINT = 4, KEY_IPV6HINT = 6 };

/* Kept of one family: neither may push the other out. */
#define HINTS_MAX (MS_ADDRS_MAX / 2)
#define IPV4_LEN 4
#define IPV6_LEN 16

typedef struct {
	uint16_t key;
	ms_reader_t value;
} param_t;

static param_t read_param(ms_reader_t *r)
{
	param_t param = { .key = ms_read_u16(r) };
	uint16_t len = ms_read_u16(r);
	const uint8_t *value = ms_read_bytes(r, len);
	if (value != NULL) {
		param.value = ms_reader(value, len);
	}
	return param;
}

static bool has_param(ms_reader_t params, uint16_t key)
{
	while (ms_reader_left(&params) > 0) {
		param_t param = read_param(&params);
		if (params.ret == KNOT_EOK && param.key == key) {
			return true;
		}
	}
	return false;
}

/* RFC 9460 section 8: keys in ascending order, not `mandatory` itself, all present. */
static int check_mandatory(ms_reader_t value, ms_reader_t params)
{
	int ret = ms_reader_left(&value) > 0 ? KNOT_EOK : KNOT_EMALF;
	uint16_t last = KEY_MANDATORY;
	while (ms_reader_left(&value) > 0) {
		uint16_t key = ms_read_u16(&value);
		if (value.ret != KNOT_EOK || key <= last || !has_param(params, key)) {
			return KNOT_EMALF;
		}
		if (key != KEY_PORT && key != KEY_IPV4HINT && key != KEY_IPV6HINT) {
			ret = KNOT_ENOTSUP;
		}
		last = key;
	}
	return ret;
}

static int take_port(ms_reader_t value, ms_svcb_t *out)
{
	out->port = ms_read_u16(&value);
	out->has_port = true;
	return value.ret == KNOT_EOK && ms_reader_left(&value) == 0 && out->port > 0
	     ? KNOT_EOK : KNOT_EMALF;
}

static int take_hints(ms_reader_t value, uint8_t family, size_t len, ms_svcb_t *out)
{
	if (ms_reader_left(&value) == 0 || ms_reader_left(&value) % len != 0) {
		return KNOT_EMALF;
	}
	for (int i = 0; i < HINTS_MAX && ms_reader_left(&value) > 0; i++) {
		ms_addr_t *addr = &out->addr[out->addr_count++];
		*addr = (ms_addr_t){ .family = family };
		memcpy(addr->ip, ms_read_bytes(&value, len), len);
	}
	return KNOT_EOK;
}

static int take_param(const param_t *param, ms_reader_t params, ms_svcb_t *out)
{
	switch (param->key) {
	case KEY_MANDATORY: return check_mandatory(param->value, params);
	case KEY_PORT:      return take_port(param->value, out);
	case KEY_IPV4HINT:  return take_hints(param->value, AF_INET, IPV4_LEN, out);
	case KEY_IPV6HINT:  return take_hints(param->value, AF_INET6, IPV6_LEN, out);
	default:            return KNOT_EOK;
	}
}

static int take_params(const ms_reader_t params, ms_svcb_t *out)
{
	int result = KNOT_EOK;
	int32_t last = -1;
	for (ms_reader_t r = params; ms_reader_left(&r) > 0;) {
		param_t param = read_param(&r);
		if (r.ret != KNOT_EOK || param.key <= last) {
			return KNOT_EMALF;
		}
		last = param.key;
		int ret = take_param(&param, params, out);
		/* Broken counts more than unsupported: read on to the end. */
		if (ret != KNOT_EOK && ret != KNOT_ENOTSUP) {
			return ret;
		}
		result = ret != KNOT_EOK ? ret : result;
	}
	return result;
}

int ms_svcb_decode(const uint8_t *rdata, size_t len, const knot_dname_t *owner, ms_svcb_t *out)
{
	ms_reader_t r = ms_reader(rdata, len);
	ms_svcb_t svcb = { .priority = ms_read_u16(&r) };
	const knot_dname_t *target = ms_read_name(&r);
	if (r.ret != KNOT_EOK) {
		return r.ret;
	}
	bool alias = svcb.priority == 0;
	bool root = *target == '\0';
	if (alias && root) {
		return KNOT_ENOENT;
	}
	knot_dname_copy_lower(svcb.target, root ? owner : target);
	/* RFC 9460 section 2.4.2: recipients ignore the SvcParams of AliasMode. */
	int ret = alias ? KNOT_EOK : take_params(r, &svcb);
	if (ret == KNOT_EOK) {
		*out = svcb;
	}
	return ret;
}

static void write_hints(ms_writer_t *w, uint16_t key, uint8_t family, size_t len,
                        const ms_addr_t *addrs, size_t count)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		found += addrs[i].family == family;
	}
	if (found == 0) {
		return;
	}
	ms_write_u16(w, key);
	ms_write_u16(w, found * len);
	for (size_t i = 0; i < count; i++) {
		if (addrs[i].family == family) {
			ms_write_bytes(w, addrs[i].ip, len);
		}
	}
}

int ms_svcb_encode(uint16_t port, const ms_addr_t *addrs, size_t count, uint8_t *buf, size_t max)
{
	bool good = port > 0 && count <= MS_ADDRS_MAX;
	for (size_t i = 0; good && i < count; i++) {
		good = addrs[i].port == port &&
		       (addrs[i].family == AF_INET || addrs[i].family == AF_INET6);
	}
	if (!good) {
		return KNOT_EINVAL;
	}
	ms_writer_t w = ms_writer(buf, max);
	ms_write_u16(&w, 1); /* ServiceMode; "." is the owner (RFC 9460 section 2.5.2). */
	ms_write_u8(&w, 0);
	ms_write_u16(&w, KEY_PORT);
	ms_write_u16(&w, 2);
	ms_write_u16(&w, port);
	write_hints(&w, KEY_IPV4HINT, AF_INET, IPV4_LEN, addrs, count);
	write_hints(&w, KEY_IPV6HINT, AF_INET6, IPV6_LEN, addrs, count);
	return w.ret == KNOT_EOK ? (int)ms_writer_len(&w) : w.ret;
}
