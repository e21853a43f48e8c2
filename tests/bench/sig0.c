/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sig0 make KEY-FILE SIGNER PARENT COUNT: that many signed UPDATEs, none like another, which ask for a
 * TXT record: refused by contents, after their signatures were verified, without a look at the child. On
 * standard output, each behind two octets of its length.
 * sig0 verify|sign KEY-FILE SIGNER SECONDS: so often does the library (libdnssec, GnuTLS) do nothing
 * else, over as many octets as such an UPDATE has. Prints operations and CPU seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/sign.h>
#include <libknot/libknot.h>

#include "wire/deltas.h"
#include "wire/envelope.h"

#define FILE_MAX    16384
#define MESSAGE_MAX 1024
#define SIGNED_LEN  140
#define ROUND       50     /* Operations between two looks at the clock. */

static void fail(const char *what)
{
	fprintf(stderr, "sig0: %s failed\n", what);
	exit(1);
}

static size_t read_key(const char *path, uint8_t pem[FILE_MAX])
{
	FILE *file = fopen(path, "rb");
	size_t len = file != NULL ? fread(pem, 1, FILE_MAX, file) : 0;
	if (len == 0 || fclose(file) != 0) {
		fail(path);
	}
	return len;
}

static void to_name(const char *text, knot_dname_storage_t out)
{
	if (knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)) == NULL) {
		fail(text);
	}
}

static int make_one(const ms_sig0_key_t *key, const knot_dname_t *child, const knot_dname_t *parent,
                    uint32_t number, uint8_t wire[MESSAGE_MAX])
{
	uint8_t body[MESSAGE_MAX], text[5] = { 4 };
	ms_deltas_t deltas = { 0 };
	ms_envelope_t e;
	knot_wire_write_u32(text + 1, number);
	ms_envelope_init(&e, KNOT_OPCODE_UPDATE, parent, KNOT_RRTYPE_SOA);
	e.id = number;
	e.edns = true;
	if (ms_deltas_add(&deltas, MS_DELTA_ADD, child, KNOT_RRTYPE_TXT, 60, text,
	                  sizeof(text)) != KNOT_EOK) {
		fail("making an UPDATE");
	}
	int len = ms_deltas_build(&deltas, body, sizeof(body));
	len = ms_envelope_build(&e, 0, body, len, deltas.count, wire, MESSAGE_MAX);
	ms_deltas_clear(&deltas);
	return ms_sig0_sign(key, wire, len, MESSAGE_MAX, NULL, 0, time(NULL));
}

static void make(const ms_sig0_key_t *key, const char *signer, const char *zone, uint32_t count)
{
	knot_dname_storage_t child, parent;
	to_name(signer, child);
	to_name(zone, parent);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t wire[MESSAGE_MAX], frame[2];
		int len = make_one(key, child, parent, i, wire);
		if (len <= 0) {
			fail("signing");
		}
		knot_wire_write_u16(frame, len);
		(void)fwrite(frame, 1, sizeof(frame), stdout);
		(void)fwrite(wire, 1, len, stdout);
	}
}

static double cpu(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + ts.tv_nsec / 1e9;
}

static void sign_data(dnssec_sign_ctx_t *ctx, dnssec_binary_t *data, dnssec_binary_t *signature)
{
	if (dnssec_sign_init(ctx) != DNSSEC_EOK || dnssec_sign_add(ctx, data) != DNSSEC_EOK ||
	    dnssec_sign_write(ctx, DNSSEC_SIGN_NORMAL, signature) != DNSSEC_EOK) {
		fail("signing");
	}
}

static void verify_data(dnssec_sign_ctx_t *ctx, dnssec_binary_t *data, dnssec_binary_t *signature)
{
	if (dnssec_sign_init(ctx) != DNSSEC_EOK || dnssec_sign_add(ctx, data) != DNSSEC_EOK ||
	    dnssec_sign_verify(ctx, false, signature) != DNSSEC_EOK) {
		fail("verifying");
	}
}

static void alone(dnssec_key_t *key, bool verifies, double seconds)
{
	uint8_t octets[SIGNED_LEN] = { 0 };
	dnssec_binary_t data = { .size = sizeof(octets), .data = octets }, signature = { 0 };
	dnssec_sign_ctx_t *ctx = NULL;
	if (dnssec_sign_new(&ctx, key) != DNSSEC_EOK) {
		fail("the key");
	}
	sign_data(ctx, &data, &signature);
	unsigned long done = 0;
	double begin = cpu();
	while (cpu() - begin < seconds) {
		for (int i = 0; i < ROUND; i++, done++) {
			dnssec_binary_t fresh = { 0 };
			if (verifies) {
				verify_data(ctx, &data, &signature);
			} else {
				sign_data(ctx, &data, &fresh);
				dnssec_binary_free(&fresh);
			}
		}
	}
	printf("%lu %.6f\n", done, cpu() - begin);
	dnssec_binary_free(&signature);
	dnssec_sign_free(ctx);
}

int main(int argc, char **argv)
{
	uint8_t pem[FILE_MAX];
	knot_dname_storage_t signer;
	ms_sig0_key_t key;
	if (argc < 5) {
		fprintf(stderr, "usage: sig0 make KEY-FILE SIGNER PARENT COUNT\n"
		                "       sig0 verify|sign KEY-FILE SIGNER SECONDS\n");
		return 2;
	}
	size_t len = read_key(argv[2], pem);
	to_name(argv[3], signer);
	if (ms_sig0_key_init(&key, pem, len, signer) != KNOT_EOK) {
		fail(argv[2]);
	}
	if (argc == 6) {
		make(&key, argv[3], argv[4], strtoul(argv[5], NULL, 10));
	} else {
		alone(key.key, strcmp(argv[1], "verify") == 0, atof(argv[4]));
	}
	ms_sig0_key_deinit(&key);
	return 0;
}
