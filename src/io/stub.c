/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/stub.h"

#include <stdio.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "wire/rr.h"

/* Text of a DS record for the trust anchor. */
#define ANCHOR_MAX (KNOT_DNAME_TXT_MAXLEN + 32 + 2 * 64)

static int set_anchor(struct ub_ctx *ub, const char *child, const ms_rrset_t *ds)
{
	const knot_rdata_t *rd = ds->rrs.rdata;
	for (uint16_t i = 0; i < ds->rrs.count; i++, rd = knot_rdataset_next((knot_rdata_t *)rd)) {
		char text[ANCHOR_MAX];
		if (rd->len < 5 || rd->len > 4 + 64) {
			continue;
		}
		int at = snprintf(text, sizeof(text), "%s IN DS %u %u %u ", child,
		                  knot_wire_read_u16(rd->data), rd->data[2], rd->data[3]);
		for (uint16_t j = 4; j < rd->len; j++) {
			at += snprintf(text + at, sizeof(text) - at, "%02x", rd->data[j]);
		}
		int ret = ub_ctx_add_ta(ub, text);
		if (ret != 0) {
			return ret;
		}
	}
	return 0;
}

static int set_stub(struct ub_ctx *ub, const knot_dname_t *zone, const ms_addr_t *addr,
                    const ms_rrset_t *ds, bool udp, bool local)
{
	static const char *const fixed[][2] = {
		{ "msg-cache-size:", "256k" },
		{ "rrset-cache-size:", "256k" },
		{ "key-cache-size:", "64k" },
		{ "neg-cache-size:", "64k" },
		{ "qname-minimisation:", "no" },
		{ "harden-dnssec-stripped:", "yes" },
		{ "val-permissive-mode:", "no" },
		{ "target-fetch-policy:", "0 0 0 0 0" },
		/* A stream for each question: libunbound has two, and 1.17 may close one that is in use
		 * for the next question, since it finds streams to be shared by the order of addresses
		 * of memory. */
		{ "outgoing-num-tcp:", "48" },
	};
	/* Referrals of a child's server lead no further than it may be itself (io/probe.c). */
	static const char *const private[] = {
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3", "::/96", "::ffff:0:0/96",
		"64:ff9b::/96", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
	};
	knot_dname_txt_storage_t child;
	char text[MS_ADDR_TEXT_MAX];
	if (knot_dname_to_str(child, zone, sizeof(child)) == NULL) {
		return UB_NOMEM;
	}
	int ret = ub_ctx_async(ub, 1);
	for (size_t i = 0; ret == 0 && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		ret = ub_ctx_set_option(ub, fixed[i][0], fixed[i][1]);
	}
	if (ret == 0) {
		ret = ub_ctx_set_option(ub, "tcp-upstream:", udp ? "no" : "yes");
	}
	if (ret == 0) {
		ret = ub_ctx_set_option(ub, "do-not-query-localhost:", local ? "no" : "yes");
	}
	for (size_t i = 0; ret == 0 && !local && i < sizeof(private) / sizeof(private[0]); i++) {
		ret = ub_ctx_set_option(ub, "do-not-query-address:", private[i]);
	}
	if (ret == 0) {
		ms_addr_to_text(addr, text); /* "192.0.2.1@53" */
		ret = ub_ctx_set_stub(ub, child, text, 0);
	}
	return ret == 0 ? set_anchor(ub, child, ds) : ret;
}

struct ub_ctx *ms_stub_new(const knot_dname_t *zone, const ms_addr_t *addr, const ms_rrset_t *ds,
                           bool udp, bool local)
{
	struct ub_ctx *ub = ub_ctx_create();
	if (ub != NULL && set_stub(ub, zone, addr, ds, udp, local) != 0) {
		ub_ctx_delete(ub);
		ub = NULL;
	}
	return ub;
}

static void take_record(ms_said_t *said, const knot_dname_t *name, uint16_t type,
                        const uint8_t *wire, size_t len, const ms_rr_t *rr)
{
	knot_dname_storage_t owner;
	size_t pos = rr->owner - wire;
	knot_rrset_t rrset = { 0 };
	bool is_sig = rr->type == KNOT_RRTYPE_RRSIG;
	if ((!is_sig && rr->type != type) ||
	    knot_dname_unpack(owner, rr->owner, sizeof(owner), wire) <= 0 ||
	    !knot_dname_is_case_equal(owner, name) ||
	    knot_rrset_rr_from_wire(wire, &pos, len, &rrset, NULL, MS_COMPAT_RR_CANONICAL) !=
	    KNOT_EOK) {
		return;
	}
	const knot_rdata_t *rd = rrset.rrs.rdata;
	ms_rrset_t *set = is_sig ? &said->sigs : &said->set;
	if (ms_rrset_add(set, rd->data, rd->len) != KNOT_EOK) {
		said->saying = MS_SAID_SILENT;
	}
	set->ttl = rr->ttl;
	knot_rrset_clear(&rrset, NULL);
}

static void take_packet(ms_said_t *said, const knot_dname_t *name, uint16_t type,
                        const uint8_t *wire, size_t len)
{
	if (wire == NULL || len < KNOT_WIRE_HEADER_SIZE) {
		return;
	}
	ms_reader_t r = ms_reader_records(wire, len, knot_wire_get_qdcount(wire));
	for (uint16_t i = knot_wire_get_ancount(wire); i > 0 && r.ret == KNOT_EOK; i--) {
		ms_rr_t rr = ms_read_rr(&r, wire);
		if (r.ret == KNOT_EOK) {
			take_record(said, name, type, wire, len, &rr);
		}
	}
}

static uint8_t saying_of(int err, const struct ub_result *result)
{
	if (err != 0 || result == NULL) {
		return MS_SAID_SILENT;
	}
	if (result->bogus) {
		return MS_SAID_BOGUS;
	}
	if (result->rcode != KNOT_RCODE_NOERROR && result->rcode != KNOT_RCODE_NXDOMAIN) {
		return MS_SAID_SILENT;
	}
	return result->secure ? MS_SAID_SECURE : MS_SAID_INSECURE;
}

void ms_stub_answer(const knot_dname_t *name, uint16_t type, int err, const struct ub_result *result,
                    ms_said_t *out)
{
	out->saying = saying_of(err, result);
	if (out->saying >= MS_SAID_INSECURE && result->havedata) {
		take_packet(out, name, type, result->answer_packet, result->answer_len);
	}
}
