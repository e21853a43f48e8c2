/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small codecs between child and parent; the first octet chooses one. What decodes, encodes to
 * what decodes to the same. */
#include <stdint.h>
#include <string.h>

#include <libknot/errcode.h>

#include "wire/csync.h"
#include "wire/ds.h"
#include "wire/dsync.h"
#include "wire/keystate.h"
#include "wire/reporting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buf[1024];

static void dsync(const uint8_t *data, size_t size)
{
	ms_dsync_t one, two;
	if (ms_dsync_decode(data, size, &one) == KNOT_EOK) {
		int len = ms_dsync_encode(&one, buf, sizeof(buf));
		if (len != (int)size || ms_dsync_decode(buf, len, &two) != KNOT_EOK ||
		    memcmp(&one, &two, offsetof(ms_dsync_t, target)) != 0 ||
		    !knot_dname_is_equal(one.target, two.target)) {
			__builtin_trap();
		}
	}
}

static void csync(const uint8_t *data, size_t size)
{
	ms_csync_t one, two;
	if (ms_csync_decode(data, size, &one) == KNOT_EOK) {
		one.foreign = 0;
		int len = ms_csync_encode(&one, buf, sizeof(buf));
		if (len <= 0 || ms_csync_decode(buf, len, &two) != KNOT_EOK ||
		    one.serial != two.serial || one.flags != two.flags || one.types != two.types) {
			__builtin_trap();
		}
	}
}

static void keystate(const uint8_t *data, size_t size)
{
	ms_keystate_t one, two;
	if (ms_keystate_decode(data, size, true, &one) == KNOT_EOK) {
		int len = ms_keystate_encode(&one, buf, sizeof(buf));
		if (len < 4 || ms_keystate_decode(buf, len, false, &two) != KNOT_EOK ||
		    two.key_id != one.key_id || two.state != one.state || two.data != one.data ||
		    strcmp(one.text, two.text) != 0) {
			__builtin_trap();
		}
	}
}

static void ds(const uint8_t *data, size_t size)
{
	ms_ds_t out;
	(void)ms_ds_decode(data, size, &out);
	(void)ms_cds_is_delete(data, size);
	(void)ms_cdnskey_is_delete(data, size);
	if (size < 600) {
		(void)ms_ds_make((const knot_dname_t *)"\x04" "test", data, size, MS_DIGEST_SHA256, buf,
		                 sizeof(buf));
	}
}

static void report(const uint8_t *data, size_t size)
{
	static const knot_dname_t *agent = (const knot_dname_t *)"\x02" "er";
	knot_dname_storage_t name, qname, again;
	uint16_t qtype, code;
	if (ms_report_channel_decode(data, size, name) == KNOT_EOK &&
	    ms_report_parse(name, agent, &qtype, qname, &code) == KNOT_EOK &&
	    (ms_report_name(qtype, qname, code, agent, again) != KNOT_EOK ||
	     !knot_dname_is_equal(name, again))) {
		__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const codecs[])(const uint8_t *, size_t) = { dsync, csync, keystate, ds, report };
	if (size > 0) {
		codecs[data[0] % (sizeof(codecs) / sizeof(codecs[0]))](data + 1, size - 1);
	}
	return 0;
}
