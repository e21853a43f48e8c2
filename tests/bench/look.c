/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4034 appendix B */
static unsigned key_tag(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++) {
		sum += i & 1 ? rdata[i] : rdata[i] << 8;
	}
	return (sum + (sum >> 16)) & 0xffff;
}

static void add(look_t *look, const knot_rrset_t *rr)
{
	const knot_rdata_t *rdata = rr->rrs.rdata;
	char *item = look->items[look->count], name[KNOT_DNAME_TXT_MAXLEN + 1];
	switch (rr->type) {
	case KNOT_RRTYPE_SOA:
		snprintf(item, LOOK_ITEM, "SOA=%u", knot_soa_serial(rdata));
		break;
	case KNOT_RRTYPE_NS:
		snprintf(item, LOOK_ITEM, "NS=%s", knot_dname_to_str(name, rdata->data, sizeof(name)));
		break;
	case KNOT_RRTYPE_TXT:
		snprintf(item, LOOK_ITEM, "TXT=%.*s", rdata->data[0], (const char *)rdata->data + 1);
		break;
	case KNOT_RRTYPE_DNSKEY:
		snprintf(item, LOOK_ITEM, "DNSKEY=%u/%u", knot_dnskey_flags(rdata),
		         key_tag(rdata->data, rdata->len));
		break;
	default:
		return;
	}
	look->count++;
}

static void look_at_record(look_t *look, const knot_rrset_t *rr, const knot_dname_t *zone,
                           bool axfr)
{
	bool apex = knot_dname_is_equal(rr->owner, zone);
	if (axfr && look->started && (!apex || rr->type == KNOT_RRTYPE_SOA)) {
		look->complete = true;
		return;
	}
	look->started |= rr->type == KNOT_RRTYPE_SOA;
	if (apex && look->count < LOOK_ITEMS) {
		add(look, rr);
	}
}

void look_at(look_t *look, uint8_t *wire, size_t len, const knot_dname_t *zone)
{
	knot_pkt_t *pkt = knot_pkt_new(wire, len, NULL);
	if (pkt == NULL || knot_pkt_parse(pkt, 0) != KNOT_EOK) {
		look->rcode = KNOT_RCODE_FORMERR;
		look->complete = true;
		knot_pkt_free(pkt);
		return;
	}
	bool axfr = look->started || knot_pkt_qtype(pkt) == KNOT_RRTYPE_AXFR;
	const knot_pktsection_t *answer = knot_pkt_section(pkt, KNOT_ANSWER);
	look->rcode = knot_wire_get_rcode(wire);
	look->truncated = knot_wire_get_tc(wire);
	look->complete = !axfr || answer->count == 0;
	for (unsigned i = 0; i < answer->count && !(axfr && look->complete); i++) {
		look_at_record(look, knot_pkt_rr(answer, i), zone, axfr);
	}
	knot_pkt_free(pkt);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *look_text(look_t *look, char *out)
{
	qsort(look->items, look->count, LOOK_ITEM, by_text);
	const knot_lookup_t *rcode = knot_lookup_by_id(knot_rcode_names, look->rcode);
	size_t len = snprintf(out, LOOK_MAX, "%s", look->truncated ? "TRUNCATED" :
	                      rcode != NULL ? rcode->name : "RCODE");
	for (unsigned i = 0; i < look->count && len + 1 + LOOK_ITEM < LOOK_MAX; i++) {
		len += snprintf(out + len, LOOK_MAX - len, " %s", look->items[i]);
	}
	return out;
}
