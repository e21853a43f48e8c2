/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs the message behind the first two octets; those choose the bit that is flipped then. */
#include "wire/sig0.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static const char PEM[] = "-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIDgyMjYwMzg0NjI4MDgwMTIyNjQ1MTkwMjA0MTQyMjYy\n"
	"-----END PRIVATE KEY-----\n";
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ms_sig0_key_t key;
	static uint8_t wire[UINT16_MAX];
	ms_sig0_info_t sig;
	if ((key.key == NULL && ms_sig0_key_init(&key, (const uint8_t *)PEM, sizeof(PEM) - 1,
	                                         (const uint8_t *)"\x01""a\x04test") != 0) ||
	    size < 2 || size > sizeof(wire) || ms_sig0_find(data + 2, size - 2, &sig) != 0) {
		return 0;
	}
	__builtin_memcpy(wire, data + 2, size - 2);
	int len = ms_sig0_sign(&key, wire, size - 2, sizeof(wire), NULL, 0, 1000);
	unsigned bit = len > 0 ? (data[0] << 8 | data[1]) % (len * 8) : 0;
	wire[bit / 8] ^= 1 << bit % 8;
	bool found = len > 0 && ms_sig0_find(wire, len, &sig) == 0;
	if (found && ms_sig0_verify(wire, len, &sig, &key.rr, 1, NULL, 0, 1000) == MS_SIG0_OK) {
		__builtin_trap();
	}
	return 0;
}
