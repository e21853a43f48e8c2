/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Read as a key and as a value of each kind: what decodes, encodes to what decodes to the same. */
#include <stdint.h>
#include <string.h>

#include <libknot/errcode.h>

#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[MS_REC_VALUE_MAX];

#define ROUND_TRIP(kind, same, cleanup) do { \
		ms_rec_##kind##_t rec = { 0 }; \
		if (ms_rec_##kind##_decode(data, size, &rec) == KNOT_EOK) { \
			int len = ms_rec_##kind##_encode(&rec, out, sizeof(out)); \
			ms_rec_##kind##_t again = { 0 }; \
			if (len <= 0 || \
			    ms_rec_##kind##_decode(out, len, &again) != KNOT_EOK || !(same)) { \
				__builtin_trap(); \
			} \
			cleanup(&rec); \
			cleanup(&again); \
		} \
	} while (0)

/* Octets where a value has one form only; HSYNC and sets are put in order when read, and old versions
 * are written as new ones. */
#define SAME_OCTETS  (len == (int)size && memcmp(out, data, size) == 0)
#define SAME_LIST    (memcmp(&rec, &again, sizeof(rec)) == 0)
#define SAME_SETS    (rec.data.stated == again.data.stated && \
                      ms_contribution_equal(&rec.data, &again.data))
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
	ROUND_TRIP(peer, SAME_OCTETS, NOTHING);
	ROUND_TRIP(hsync, SAME_LIST, NOTHING);
	ROUND_TRIP(own, SAME_OCTETS, NOTHING);
	ROUND_TRIP(replay, SAME_OCTETS, NOTHING);
	ROUND_TRIP(member, SAME_LIST, NOTHING);
	ROUND_TRIP(process, SAME_OCTETS, NOTHING);
	ROUND_TRIP(contribution, rec.inception == again.inception && SAME_SETS, CLEAR);
	ROUND_TRIP(written, SAME_SETS, CLEAR);
	return 0;
}
