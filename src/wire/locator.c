/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/locator.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <libdnssec/key.h>

#include "base/cursor.h"
#include "base/rng.h"

#define DNS_PORT 53
/* "65535" */
#define PORT_DIGITS 5

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the scheme in front of ':' (RFC 3986 section 3.1); 0 where there is none. */
static size_t scheme_len(const char *uri, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (uri[i] == ':') {
			return i;
		}
		bool tail = is_digit(uri[i]) || uri[i] == '+' || uri[i] == '-' || uri[i] == '.';
		if (!is_alpha(uri[i]) && (i == 0 || !tail)) {
			return 0;
		}
	}
	return 0;
}

/* Octets of a host name; this is also what keeps out userinfo, "[", "%" and quoting. */
static size_t host_len(const char *text, size_t len)
{
	size_t n = 0;
	while (n < len && (is_alpha(text[n]) || is_digit(text[n]) ||
	                   text[n] == '-' || text[n] == '_' || text[n] == '.')) {
		n++;
	}
	return n;
}

/* A number as the last label makes it an IPv4 literal (RFC 3986 section 3.2.2). */
static bool is_ipv4_like(const char *host, size_t len)
{
	size_t end = len > 0 && host[len - 1] == '.' ? len - 1 : len;
	size_t digits = 0;
	while (digits < end && is_digit(host[end - digits - 1])) {
		digits++;
	}
	return digits > 0 && (digits == end || host[end - digits - 1] == '.');
}

static int parse_host(const char *text, size_t len, knot_dname_storage_t out)
{
	char host[KNOT_DNAME_TXT_MAXLEN + 1];
	if (len == 0 || len >= sizeof(host) || is_ipv4_like(text, len)) {
		return KNOT_EMALF;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	if (knot_dname_from_str(out, host, KNOT_DNAME_MAXLEN) == NULL || out[0] == '\0') {
		return KNOT_EMALF;
	}
	knot_dname_to_lower(out);
	return KNOT_EOK;
}

static int parse_port(const char *text, size_t len, uint16_t *out)
{
	if (len == 0 || len > PORT_DIGITS) {
		return KNOT_EMALF;
	}
	unsigned port = 0;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i])) {
			return KNOT_EMALF;
		}
		port = port * 10 + (text[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX) {
		return KNOT_EMALF;
	}
	*out = port;
	return KNOT_EOK;
}

/* "dns://" host [":" port] "/", the authority part of RFC 4501 section 3 and nothing behind it. */
static int parse_target(const char *uri, size_t len, ms_uri_t *out)
{
	static const char slashes[] = "://";
	size_t scheme = scheme_len(uri, len);
	if (scheme == 0 || len > MS_URI_MAX) {
		return KNOT_EMALF;
	}
	if (scheme != 3 || strncasecmp(uri, "dns", 3) != 0) {
		return KNOT_ENOTSUP;
	}
	if (len < scheme + 4 || memcmp(uri + scheme, slashes, 3) != 0 || uri[len - 1] != '/') {
		return KNOT_EMALF;
	}
	const char *host = uri + scheme + 3;
	size_t authority = uri + len - 1 - host;
	size_t hlen = host_len(host, authority);
	int ret = parse_host(host, hlen, out->host);
	if (ret != KNOT_EOK || hlen == authority) {
		out->port = DNS_PORT;
		return ret;
	}
	return host[hlen] == ':' ? parse_port(host + hlen + 1, authority - hlen - 1, &out->port)
	                         : KNOT_EMALF;
}

int ms_uri_decode(const uint8_t *rdata, size_t len, ms_uri_t *out)
{
	ms_reader_t r = ms_reader(rdata, len);
	ms_uri_t uri = { 0 };
	uri.priority = ms_read_u16(&r);
	uri.weight = ms_read_u16(&r);
	if (r.ret != KNOT_EOK) {
		return r.ret;
	}
	int ret = parse_target((const char *)r.pos, ms_reader_left(&r), &uri);
	if (ret == KNOT_EOK) {
		*out = uri;
	}
	return ret;
}

/* Every record keeps a chance: with weights above zero around, a weight of zero has "a very small"
 * one (RFC 2782), and zeros alone are equals. */
static uint64_t chance(const ms_uri_t *uri)
{
	return (uint64_t)uri->weight * 256 + 1;
}

/* Index of the record that comes first among \a count of them. */
static size_t pick(const ms_uri_t *uris, size_t count, ms_rng_t *rng)
{
	uint16_t best = UINT16_MAX;
	for (size_t i = 0; i < count; i++) {
		best = uris[i].priority < best ? uris[i].priority : best;
	}
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		sum += uris[i].priority == best ? chance(&uris[i]) : 0;
	}
	uint64_t point = ms_rng_below(rng, sum);
	size_t i = 0;
	for (; i + 1 < count; i++) {
		uint64_t width = uris[i].priority == best ? chance(&uris[i]) : 0;
		if (point < width) {
			break;
		}
		point -= width;
	}
	return i;
}

int ms_uri_choose(const ms_rrset_t *uris, uint64_t roll, unsigned nth, ms_uri_t *out)
{
	ms_uri_t left[MS_URIS_MAX];
	size_t count = 0;
	const knot_rdata_t *rd = uris->rrs.rdata;
	for (uint16_t i = 0; i < uris->rrs.count && count < MS_URIS_MAX; i++) {
		count += ms_uri_decode(rd->data, rd->len, &left[count]) == KNOT_EOK;
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	ms_rng_t rng = { roll };
	for (; count > 0; nth--) {
		size_t at = pick(left, count, &rng);
		if (nth == 0) {
			*out = left[at];
			return KNOT_EOK;
		}
		left[at] = left[--count];
	}
	return KNOT_ENOENT;
}

int ms_uri_encode(uint16_t priority, uint16_t weight, const knot_dname_t *host, uint16_t port,
                  uint8_t *buf, size_t max)
{
	char name[KNOT_DNAME_TXT_MAXLEN + 1];
	if (knot_dname_to_str(name, host, sizeof(name)) == NULL) {
		return KNOT_EINVAL;
	}
	size_t len = strlen(name);
	char target[sizeof(name) + sizeof("dns://:65535/")];
	snprintf(target, sizeof(target), "dns://%.*s:%u/", (int)(len - 1), name, port);

	ms_writer_t w = ms_writer(buf, max);
	ms_write_u16(&w, priority);
	ms_write_u16(&w, weight);
	ms_write_bytes(&w, target, strlen(target));
	if (w.ret != KNOT_EOK) {
		return w.ret;
	}
	ms_uri_t check;
	return ms_uri_decode(buf, ms_writer_len(&w), &check) == KNOT_EOK ? (int)ms_writer_len(&w)
	                                                                 : KNOT_EINVAL;
}

bool ms_key_usable(const uint8_t *rdata, size_t len)
{
	/* RFC 2535 section 3.1.2: no authentication (or no key at all), flags continued behind the
	 * algorithm, the reserved NAMTYP. RFC 5011 section 3: revoked. */
	enum { NO_AUTH = 0x8000, EXTENDED = 0x1000, NAMTYP = 0x0300, REVOKED = 0x0080 };
	ms_reader_t r = ms_reader(rdata, len);
	uint16_t flags = ms_read_u16(&r);
	uint8_t protocol = ms_read_u8(&r);
	uint8_t algorithm = ms_read_u8(&r);
	if (r.ret != KNOT_EOK || (flags & (NO_AUTH | EXTENDED | REVOKED)) != 0 ||
	    (flags & NAMTYP) == NAMTYP || (protocol != 3 && protocol != 255)) {
		return false;
	}
	return (algorithm == DNSSEC_KEY_ALGORITHM_ED25519 && ms_reader_left(&r) == 32) ||
	       (algorithm == DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256 && ms_reader_left(&r) == 64);
}

int ms_locator_uri_owner(const knot_dname_t *identity, knot_dname_storage_t out)
{
	static const uint8_t prefix[] = "\x04_dns\x04_tcp";
	size_t size = knot_dname_size(identity);
	if (sizeof(prefix) - 1 + size > KNOT_DNAME_MAXLEN) {
		return KNOT_ESPACE;
	}
	memcpy(out, prefix, sizeof(prefix) - 1);
	memcpy(out + sizeof(prefix) - 1, identity, size);
	return KNOT_EOK;
}

int ms_addr_from_sockaddr(const struct sockaddr_storage *ss, ms_addr_t *out)
{
	ms_addr_t addr = { .family = ss->ss_family };
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
		addr.port = ntohs(in->sin_port);
		memcpy(addr.ip, &in->sin_addr, sizeof(in->sin_addr));
	} else if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
		addr.port = ntohs(in6->sin6_port);
		memcpy(addr.ip, &in6->sin6_addr, sizeof(in6->sin6_addr));
	} else {
		return KNOT_EINVAL;
	}
	*out = addr;
	return KNOT_EOK;
}

socklen_t ms_addr_to_sockaddr(const ms_addr_t *addr, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){ .ss_family = addr->family };
	if (addr->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_port = htons(addr->port);
		memcpy(&in->sin_addr, addr->ip, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	if (addr->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
		in6->sin6_port = htons(addr->port);
		memcpy(&in6->sin6_addr, addr->ip, sizeof(in6->sin6_addr));
		return sizeof(*in6);
	}
	return 0;
}

bool ms_addr_equal(const ms_addr_t *a, const ms_addr_t *b)
{
	size_t len = a->family == AF_INET ? sizeof(struct in_addr) : sizeof(a->ip);
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, len) == 0;
}

void ms_addr_to_text(const ms_addr_t *addr, char out[MS_ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];
	if (inet_ntop(addr->family, addr->ip, ip, sizeof(ip)) == NULL) {
		snprintf(out, MS_ADDR_TEXT_MAX, "none");
		return;
	}
	snprintf(out, MS_ADDR_TEXT_MAX, "%s@%u", ip, addr->port);
}
