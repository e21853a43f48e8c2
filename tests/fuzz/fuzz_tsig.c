/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs the message behind the first two octets; those choose the bit that is flipped then. */
#include <string.h>

#include <libknot/errcode.h>

#include "wire/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without letters: their case does not count. That of the algorithm's, here, neither. */
static const knot_dname_t NAME[] = "\x03" "123";
#define ALGORITHM_AT (sizeof(NAME) + 10)
#define ALGORITHM_LEN 13

static bool accepted(const ms_tsig_key_t *key, uint8_t *wire, size_t len)
{
	ms_tsig_t tsig;
	return ms_tsig_cut(wire, &len, &tsig) == KNOT_EOK &&
	       ms_tsig_verify(key, &tsig, wire, len, NULL, 1000) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t wire[UINT16_MAX];
	ms_tsig_key_t key;
	ms_tsig_t tsig;
	size_t len = size > 2 ? size - 2 : 0;
	if (len == 0 || len > sizeof(wire) ||
	    ms_tsig_key_set(&key, NAME, DNSSEC_TSIG_HMAC_SHA256, NAME, 3) != KNOT_EOK) {
		return 0;
	}
	memcpy(wire, data + 2, len);
	(void)ms_tsig_cut(wire, &len, &tsig);
	int signed_len = ms_tsig_sign(&key, wire, len, sizeof(wire), NULL, 0, 1000, NULL);
	if (signed_len <= 0) {
		return 0;
	}
	unsigned bit = (data[0] << 8 | data[1]) % (signed_len * 8);
	bool letter = bit / 8 - (len + ALGORITHM_AT) < ALGORITHM_LEN;
	wire[bit / 8] ^= 1 << bit % 8;
	/* Behind the id, which whoever passes a message on may change. */
	if (bit >= 16 && !letter && accepted(&key, wire, signed_len)) {
		__builtin_trap();
	}
	return 0;
}
