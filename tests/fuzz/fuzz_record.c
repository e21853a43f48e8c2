/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first octet is the kind, the rest a value: what decodes, encodes to the same octets. */
#include <stdint.h>
#include <string.h>

#include <libknot/errcode.h>

#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[MS_REC_VALUE_MAX];

#define ROUND_TRIP(kind, cleanup) do { \
		ms_rec_##kind##_t rec = { 0 }; \
		if (ms_rec_##kind##_decode(data, size, &rec) == KNOT_EOK) { \
			int len = ms_rec_##kind##_encode(&rec, out, sizeof(out)); \
			ms_rec_##kind##_t again = { 0 }; \
			if (len <= 0 || ms_rec_##kind##_decode(out, len, &again) != KNOT_EOK) { \
				__builtin_trap(); \
			} \
			cleanup(&rec); \
			cleanup(&again); \
		} \
	} while (0)

#define NOTHING(rec) ((void)(rec))
#define CLEAR(rec)   ms_contribution_clear(&(rec)->data)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ms_rec_key_t key;
	if (ms_rec_key_decode(data, size, &key) == KNOT_EOK) {
		int len = ms_rec_key_encode(&key, out, sizeof(out));
		if (len != (int)size || memcmp(out, data, size) != 0) {
			__builtin_trap();
		}
	}
	ROUND_TRIP(peer, NOTHING);
	ROUND_TRIP(hsync, NOTHING);
	ROUND_TRIP(own, NOTHING);
	ROUND_TRIP(replay, NOTHING);
	ROUND_TRIP(member, NOTHING);
	ROUND_TRIP(contribution, CLEAR);
	ROUND_TRIP(written, CLEAR);
	return 0;
}
