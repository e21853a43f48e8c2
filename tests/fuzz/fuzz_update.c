/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first two octets: types that may be contributed, and whether the store is filled before. What
 * is refused changes nothing; what is taken can be said again and has the same effect.
 */
#include <string.h>

#include <libknot/errcode.h>

#include "wire/update.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const knot_dname_t ZONE[] = "\x04zone\x07" "example";

static void fill(ms_contribution_t *store, bool full)
{
	static const uint8_t cds[] = { 0xaa, 0xaa, 13, 2, 0xaa }, ns[] = "\x02" "aa\x01" "a";
	store->stated = full ? 1u << MS_APEX_CDS | 1u << MS_APEX_NS : 0;
	if (full && (ms_rrset_add(&store->set[MS_APEX_CDS], cds, sizeof(cds)) != KNOT_EOK ||
	             ms_rrset_add(&store->set[MS_APEX_NS], ns, sizeof(ns)) != KNOT_EOK)) {
		__builtin_trap();
	}
}

static bool same(const ms_contribution_t *a, const ms_contribution_t *b)
{
	return a->stated == b->stated && ms_contribution_equal(a, b);
}

static void check_taken(const ms_contribution_t *store, const ms_contribution_t *before,
                        uint32_t allowed)
{
	static uint8_t wire[MS_UPDATE_WIRE_MAX];
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	ms_contribution_t again = { 0 };
	int len = ms_update_build(ZONE, 1, store, wire, sizeof(wire));
	if (((store->stated ^ before->stated) & ~allowed) != 0 || len <= 0 ||
	    ms_update_apply(wire, len, ZONE, store->stated, &again, &rcode, reason) != KNOT_EOK ||
	    !same(store, &again)) {
		__builtin_trap();
	}
	ms_contribution_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	uint16_t rcode;
	char reason[MS_REASON_MAX + 1];
	uint32_t allowed = data[0] & ((1u << MS_CONTRIB_TYPES) - 1);
	ms_contribution_t store = { 0 }, before = { 0 };
	fill(&store, data[1] & 1);
	fill(&before, data[1] & 1);
	int ret = ms_update_apply(data + 2, size - 2, ZONE, allowed, &store, &rcode, reason);
	if (ret == KNOT_EOK) {
		check_taken(&store, &before, allowed);
	} else if (!same(&store, &before) || rcode == 0 || reason[0] == '\0') {
		__builtin_trap();
	}
	ms_contribution_clear(&store);
	ms_contribution_clear(&before);
	return 0;
}
