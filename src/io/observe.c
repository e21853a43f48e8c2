/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/observe.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdnssec/error.h>
#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "io/clock.h"
#include "io/exchange.h"
#include "wire/envelope.h"
#include "wire/rrsig.h"

#define DNS_PORT 53
/* How late the stop flag may be noticed. */
#define SLICE_MS 100

typedef struct {
	ms_seen_t *seen;
	size_t over;
} call_t;

/* Question number: server by server, type by type; never 0. */
static uint64_t number(const ms_seen_t *seen, size_t server, unsigned type)
{
	return 1 + server * seen->type_count + type;
}

/* Takes the records of \a type at the very name; in a referral they stand in AUTHORITY. */
static int take_records(const knot_pkt_t *pkt, knot_section_t where, const knot_dname_t *name,
                        uint16_t type, ms_rrset_t *out)
{
	const knot_pktsection_t *section = knot_pkt_section(pkt, where);
	int ret = KNOT_EOK;
	for (uint16_t i = 0; ret == KNOT_EOK && i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		if (rr->type != type || !knot_dname_is_case_equal(rr->owner, name)) {
			continue;
		}
		const knot_rdata_t *rdata = rr->rrs.rdata;
		knot_dname_storage_t host;
		if (type == KNOT_RRTYPE_NS) {
			ms_name_copy_lower(host, rdata->data);
			ret = ms_rrset_add(out, host, knot_dname_size(host));
		} else {
			ret = ms_rrset_add(out, rdata->data, rdata->len);
		}
		out->ttl = rr->ttl;
	}
	return ret;
}

static void add_signer(ms_seen_server_t *server, const ms_rrsig_t *sig)
{
	for (unsigned i = 0; i < server->signer_count; i++) {
		const ms_seen_signer_t *have = &server->signer[i];
		if (have->tag == sig->tag && have->algorithm == sig->algorithm) {
			return;
		}
	}
	if (server->signer_count < MS_SEEN_SIGNERS) {
		server->signer[server->signer_count++] = (ms_seen_signer_t){ sig->tag, sig->algorithm };
	}
}

static void take_signers(const knot_pkt_t *pkt, const knot_dname_t *name, ms_seen_server_t *server)
{
	const knot_pktsection_t *section = knot_pkt_section(pkt, KNOT_ANSWER);
	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		ms_rrsig_t sig;
		if (rr->type == KNOT_RRTYPE_RRSIG && knot_dname_is_case_equal(rr->owner, name) &&
		    ms_rrsig_decode(rr->rrs.rdata->data, rr->rrs.rdata->len, &sig) == KNOT_EOK &&
		    sig.covered == KNOT_RRTYPE_SOA) {
			add_signer(server, &sig);
		}
	}
}

static int take_answer(const ms_seen_t *seen, ms_seen_server_t *server, unsigned type,
                       const uint8_t *wire, size_t len)
{
	knot_pkt_t *pkt = knot_pkt_new((void *)wire, len, NULL);
	if (pkt == NULL) {
		return KNOT_ENOMEM;
	}
	int ret = knot_pkt_parse(pkt, 0);
	if (ret == KNOT_EOK) {
		server->rcode[type] = knot_pkt_ext_rcode(pkt);
		server->aa[type] = knot_wire_get_aa(wire);
		ret = take_records(pkt, KNOT_ANSWER, seen->name, seen->types[type], &server->set[type]);
		if (ret == KNOT_EOK && seen->types[type] == KNOT_RRTYPE_NS &&
		    server->set[type].rrs.count == 0) {
			ret = take_records(pkt, KNOT_AUTHORITY, seen->name, KNOT_RRTYPE_NS,
			                   &server->set[type]);
		}
		if (seen->types[type] == KNOT_RRTYPE_SOA) {
			take_signers(pkt, seen->name, server);
		}
	}
	knot_pkt_free(pkt);
	return ret == KNOT_EOK || ret == KNOT_ENOMEM ? ret : KNOT_EMALF;
}

static bool on_accept(void *ctx, uint64_t id, const uint8_t *wire, size_t len)
{
	return true;
}

static void on_done(void *ctx, uint64_t id, int ret, const uint8_t *wire, size_t len)
{
	call_t *call = ctx;
	ms_seen_server_t *server = &call->seen->servers[(id - 1) / call->seen->type_count];
	unsigned type = (id - 1) % call->seen->type_count;
	server->ret[type] = ret == KNOT_EOK ? take_answer(call->seen, server, type, wire, len) : ret;
	call->over++;
}

static int ask(ms_exchange_t *exchange, const ms_seen_t *seen, size_t server, unsigned type,
               uint16_t port)
{
	uint8_t wire[512];
	ms_envelope_t e;
	ms_envelope_init(&e, KNOT_OPCODE_QUERY, seen->name, seen->types[type]);
	if (dnssec_random_buffer((uint8_t *)&e.id, sizeof(e.id)) != DNSSEC_EOK) {
		return KNOT_ERROR;
	}
	e.edns = true;
	e.dnssec_ok = seen->types[type] == KNOT_RRTYPE_SOA;
	int len = ms_envelope_build(&e, MS_KEYSTATE_CODE, NULL, 0, 0, wire, sizeof(wire));
	if (len < 0) {
		return len;
	}
	ms_addr_t addr = seen->servers[server].addr;
	addr.port = port;
	const ms_request_t request = {
		.id = number(seen, server, type), .wire = wire, .len = len, .addrs = &addr,
		.addr_count = 1, .tries = 2, .first_timeout = MS_OBSERVE_UDP_MS * MS_MSEC,
	};
	return ms_exchange_send(exchange, &request, ms_clock());
}

static void wait_for(ms_exchange_t *exchange)
{
	struct pollfd pfd = { .fd = ms_exchange_fd(exchange), .events = POLLIN };
	int64_t left = ms_time_diff(ms_clock().mono, ms_exchange_deadline(exchange)) / MS_MSEC + 1;
	(void)poll(&pfd, 1, left < 1 ? 1 : left < SLICE_MS ? (int)left : SLICE_MS);
	ms_exchange_work(exchange, ms_clock());
}

int ms_observe(ms_seen_t *seen, uint16_t port, const atomic_bool *stop)
{
	call_t call = { .seen = seen };
	const ms_exchange_calls_t calls = { .accept = on_accept, .done = on_done, .ctx = &call };
	ms_exchange_t *exchange = NULL;
	int ret = ms_exchange_new(&calls, &exchange);
	size_t asked = 0, all = seen->count * seen->type_count;
	while (ret == KNOT_EOK && call.over < all) {
		while (ret == KNOT_EOK && asked < all && ms_exchange_count(exchange) < MS_OBSERVE_WINDOW) {
			ret = ask(exchange, seen, asked / seen->type_count, asked % seen->type_count, port);
			asked++;
		}
		if (ret == KNOT_EOK) {
			wait_for(exchange);
		}
		if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed)) {
			ret = KNOT_EBUSY;
		}
	}
	ms_exchange_free(exchange);
	return ret;
}

/* Two names may lead to one address: it is asked once. */
static int add_server(void *ctx, const knot_dname_t *host, const ms_addr_t *addr)
{
	ms_seen_t *seen = ctx;
	for (size_t i = 0; i < seen->count; i++) {
		if (ms_addr_equal(&seen->servers[i].addr, addr)) {
			return KNOT_EOK;
		}
	}
	return ms_seen_add(seen, host, addr) != NULL ? KNOT_EOK : KNOT_ELIMIT;
}

int ms_observe_hosts(ms_enquirer_t *enquirer, ms_seen_t *seen, const knot_dname_storage_t *hosts,
                     size_t count, ms_now_t now_, const atomic_bool *stop, char *error,
                     size_t error_max)
{
	int ret = ms_enquire_addresses(enquirer, hosts, count, now_, stop, add_server, seen, error,
	                               error_max);
	if (ret == KNOT_EOK) {
		ret = ms_observe(seen, DNS_PORT, stop);
		if (ret != KNOT_EOK) {
			(void)snprintf(error, error_max, "the servers cannot be asked (%s)",
			               knot_strerror(ret));
		}
	}
	return ret;
}
