/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "io/observe.h"
#include "wire/envelope.h"

#define ZONE  ((const knot_dname_t *)"\x01" "z" "\x07" "example")
#define OTHER ((const knot_dname_t *)"\x01" "y" "\x07" "example")
#define TTL 300

/* What signed something, as a fake server has it. */
typedef struct {
	const knot_dname_t *owner;
	uint16_t covered;
	uint16_t tag;
	uint8_t algorithm;
} signature_t;

/* One server on a port of its own, in a thread until `end` is closed. */
typedef struct {
	int udp;
	int end[2];
	unsigned port;
	pthread_t thread;
	const signature_t *signatures;
	unsigned signature_count;
	bool cut;                  /* The last RRSIG's RDATA ends too early. */
	unsigned asked;            /* Questions … */
	unsigned dnssec_ok;        /* … those with DO … */
	uint16_t with_do;          /* … and the type of the last of these. */
} fake_t;

static void write_signature(ms_writer_t *w, const signature_t *sig, bool cut)
{
	uint8_t rdata[64];
	ms_writer_t r = ms_writer(rdata, sizeof(rdata));
	ms_write_u16(&r, sig->covered);
	ms_write_u8(&r, sig->algorithm);
	ms_write_u8(&r, 2);
	ms_write_u32(&r, TTL);
	ms_write_u32(&r, 2000000000);
	ms_write_u32(&r, 1000000000);
	ms_write_u16(&r, sig->tag);
	ms_write_name(&r, ZONE);
	if (!cut) {
		ms_write_bytes(&r, (const uint8_t *)"signature", 9);
	}
	ms_envelope_record(w, sig->owner, KNOT_RRTYPE_RRSIG, KNOT_CLASS_IN, TTL, rdata,
	                   ms_writer_len(&r));
}

/* The question goes back with SOA, or nothing, and with DO the signatures in the same section. */
static size_t answer(fake_t *fake, const ms_envelope_t *e, const uint8_t *query, uint8_t *wire,
                     size_t max)
{
	static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5 };
	size_t head = KNOT_WIRE_HEADER_SIZE + knot_dname_size(e->qname) + 4;
	ms_writer_t w = ms_writer(wire, max);
	uint16_t count = 0;
	ms_write_bytes(&w, query, head);
	if (e->qtype == KNOT_RRTYPE_SOA) {
		ms_envelope_record(&w, ZONE, KNOT_RRTYPE_SOA, KNOT_CLASS_IN, TTL, soa, sizeof(soa));
		count++;
	}
	for (unsigned i = 0; e->dnssec_ok && i < fake->signature_count; i++, count++) {
		bool last = i + 1 == fake->signature_count;
		write_signature(&w, &fake->signatures[i], fake->cut && last);
	}
	assert_int_equal(w.ret, KNOT_EOK);
	knot_wire_set_qr(wire);
	knot_wire_set_aa(wire);
	knot_wire_set_ancount(wire, count);
	knot_wire_set_arcount(wire, 0);
	return ms_writer_len(&w);
}

static void serve(fake_t *fake)
{
	uint8_t query[512], wire[2048];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ms_envelope_t e;
	ssize_t len = recvfrom(fake->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &from_len);
	if (len < 0 || ms_envelope_parse(query, len, MS_KEYSTATE_CODE, &e) != KNOT_EOK) {
		return;
	}
	fake->asked++;
	fake->dnssec_ok += e.dnssec_ok;
	fake->with_do = e.dnssec_ok ? e.qtype : fake->with_do;
	size_t out = answer(fake, &e, query, wire, sizeof(wire));
	(void)sendto(fake->udp, wire, out, 0, (struct sockaddr *)&from, from_len);
}

static void *run(void *ctx)
{
	fake_t *fake = ctx;
	struct pollfd fds[] = {
		{ .fd = fake->udp, .events = POLLIN }, { .fd = fake->end[0], .events = POLLIN },
	};
	while (poll(fds, 2, -1) > 0 && fds[1].revents == 0) {
		serve(fake);
	}
	return NULL;
}

static int set_up(void **state)
{
	fake_t *fake = calloc(1, sizeof(*fake));
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_non_null(fake);
	fake->udp = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fake->udp, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fake->udp, (struct sockaddr *)&addr, &len), 0);
	fake->port = ntohs(addr.sin_port);
	*state = fake;
	return 0;
}

static void start(fake_t *fake)
{
	assert_int_equal(pipe(fake->end), 0);
	assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
}

/* Afterwards the counters are ours to read. */
static void stop(fake_t *fake)
{
	close(fake->end[1]);
	pthread_join(fake->thread, NULL);
	close(fake->end[0]);
}

static int tear_down(void **state)
{
	fake_t *fake = *state;
	close(fake->udp);
	free(fake);
	return 0;
}

static ms_seen_t *look(fake_t *fake, const uint16_t *types, unsigned count)
{
	const ms_addr_t addr = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };
	ms_seen_t *seen = calloc(1, sizeof(*seen));
	assert_non_null(seen);
	memcpy(seen->name, ZONE, knot_dname_size(ZONE));
	memcpy(seen->types, types, count * sizeof(*types));
	seen->type_count = count;
	assert_non_null(ms_seen_add(seen, ZONE, &addr));
	start(fake);
	int ret = ms_observe(seen, fake->port, NULL);
	stop(fake);
	assert_int_equal(ret, KNOT_EOK);
	return seen;
}

static void test_signers(void **state)
{
	static const signature_t many[] = {
		{ ZONE, KNOT_RRTYPE_SOA, 1, 13 }, { ZONE, KNOT_RRTYPE_SOA, 2, 13 },
		{ ZONE, KNOT_RRTYPE_SOA, 3, 13 }, { ZONE, KNOT_RRTYPE_SOA, 4, 13 },
		{ ZONE, KNOT_RRTYPE_SOA, 5, 13 }, { ZONE, KNOT_RRTYPE_SOA, 6, 13 },
		{ ZONE, KNOT_RRTYPE_SOA, 7, 13 }, { ZONE, KNOT_RRTYPE_SOA, 8, 13 },
		{ ZONE, KNOT_RRTYPE_SOA, 9, 13 },
	};
	static const signature_t odd[] = {
		{ ZONE, KNOT_RRTYPE_SOA, 11, 13 }, { ZONE, KNOT_RRTYPE_SOA, 11, 15 },
		{ ZONE, KNOT_RRTYPE_SOA, 11, 13 }, { ZONE, KNOT_RRTYPE_NS, 12, 13 },
		{ OTHER, KNOT_RRTYPE_SOA, 13, 13 }, { ZONE, KNOT_RRTYPE_SOA, 14, 13 },
	};
	static const struct {
		const char *what;
		const signature_t *signatures;
		unsigned signature_count;
		bool cut;
		unsigned count;
		ms_seen_signer_t signer[MS_SEEN_SIGNERS];
	} cases[] = {
		{ "not signed", NULL, 0, false, 0, { { 0 } } },
		{ "one", many, 1, false, 1, { { 1, 13 } } },
		{ "as many as fit, and one more", many, 9, false, MS_SEEN_SIGNERS,
		  { { 1, 13 }, { 2, 13 }, { 3, 13 }, { 4, 13 }, { 5, 13 }, { 6, 13 }, { 7, 13 }, { 8, 13 } } },
		{ "twice, two algorithms, another type, another name", odd, 6, false, 3,
		  { { 11, 13 }, { 11, 15 }, { 14, 13 } } },
		{ "the last one without signature", odd, 6, true, 2, { { 11, 13 }, { 11, 15 } } },
	};
	static const uint16_t types[] = { KNOT_RRTYPE_NS, KNOT_RRTYPE_SOA };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].what);
		fake_t *fake = *state;
		fake->signatures = cases[i].signatures;
		fake->signature_count = cases[i].signature_count;
		fake->cut = cases[i].cut;
		ms_seen_t *seen = look(fake, types, 2);
		const ms_seen_server_t *server = &seen->servers[0];
		assert_int_equal(server->ret[1], KNOT_EOK);
		assert_int_equal(server->set[1].rrs.count, 1);
		assert_int_equal(server->set[1].ttl, TTL);
		assert_int_equal(server->signer_count, cases[i].count);
		for (unsigned k = 0; k < cases[i].count; k++) {
			assert_int_equal(server->signer[k].tag, cases[i].signer[k].tag);
			assert_int_equal(server->signer[k].algorithm, cases[i].signer[k].algorithm);
		}
		ms_seen_free(seen);
	}
}

/* DO makes answers long: it is set where signatures are looked at, and nowhere else. */
static void test_do(void **state)
{
	static const signature_t one[] = { { ZONE, KNOT_RRTYPE_SOA, 1, 13 } };
	static const uint16_t types[MS_SEEN_TYPES] = {
		KNOT_RRTYPE_DNSKEY, KNOT_RRTYPE_CDS, KNOT_RRTYPE_CDNSKEY, KNOT_RRTYPE_NS, KNOT_RRTYPE_CSYNC,
		KNOT_RRTYPE_KEY, KNOT_RRTYPE_DS, KNOT_RRTYPE_SOA,
	};
	fake_t *fake = *state;
	fake->signatures = one;
	fake->signature_count = 1;
	ms_seen_t *seen = look(fake, types, MS_SEEN_TYPES);
	assert_int_equal(fake->asked, MS_SEEN_TYPES);
	assert_int_equal(fake->dnssec_ok, 1);
	assert_int_equal(fake->with_do, KNOT_RRTYPE_SOA);
	assert_int_equal(seen->servers[0].signer_count, 1);
	for (unsigned i = 0; i < MS_SEEN_TYPES; i++) {
		assert_int_equal(seen->servers[0].ret[i], KNOT_EOK);
		assert_int_equal(seen->servers[0].set[i].rrs.count, types[i] == KNOT_RRTYPE_SOA);
	}
	ms_seen_free(seen);
	seen = look(fake, types, MS_SEEN_TYPES - 1);
	assert_int_equal(fake->dnssec_ok, 1);
	assert_int_equal(seen->servers[0].signer_count, 0);
	ms_seen_free(seen);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_do, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
