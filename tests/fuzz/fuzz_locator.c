/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/locator.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t owner[] = "\x02ns\x01""a";
	uint8_t buf[1024];
	ms_uri_t uri, uri2;
	ms_svcb_t svcb, svcb2;
	(void)ms_key_usable(data, size);
	if (ms_uri_decode(data, size, &uri) == 0) {
		int len = ms_uri_encode(uri.priority, uri.weight, uri.host, uri.port, buf,
		                        sizeof(buf));
		if (len < 0 || ms_uri_decode(buf, len, &uri2) != 0 || uri.port != uri2.port ||
		    !knot_dname_is_equal(uri.host, uri2.host)) {
			__builtin_trap();
		}
	}
	if (ms_svcb_decode(data, size, owner, &svcb) == 0 && svcb.has_port) {
		for (int i = 0; i < svcb.addr_count; i++) {
			svcb.addr[i].port = svcb.port;
		}
		int len = ms_svcb_encode(svcb.port, svcb.addr, svcb.addr_count, buf, sizeof(buf));
		if (len < 0 || ms_svcb_decode(buf, len, owner, &svcb2) != 0 ||
		    svcb2.port != svcb.port || svcb2.addr_count != svcb.addr_count) {
			__builtin_trap();
		}
	}
	return 0;
}
