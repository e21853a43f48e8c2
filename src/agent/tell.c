/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/tell.h"

#include <string.h>

#include <libknot/libknot.h>

#include "agent/reply.h"

/* It changes all the time. */
#define STATUS_TTL 0

/* One line as one record: character-strings of at most 255 octets (RFC 1035 section 3.3.14). */
static int put_line(knot_pkt_t *pkt, const char *line, size_t len)
{
	uint8_t rdata[2 * KNOT_DNAME_MAXLEN + 4 * UINT8_MAX];
	size_t used = 0;
	do {
		size_t part = len < UINT8_MAX ? len : UINT8_MAX;
		if (used + 1 + part > sizeof(rdata)) {
			break;
		}
		rdata[used] = part;
		memcpy(rdata + used + 1, line, part);
		used += 1 + part;
		line += part;
		len -= part;
	} while (len > 0);

	knot_rrset_t rr;
	knot_rrset_init(&rr, (knot_dname_t *)knot_pkt_qname(pkt), KNOT_RRTYPE_TXT, KNOT_CLASS_IN,
	                STATUS_TTL);
	int ret = knot_rrset_add_rdata(&rr, rdata, used, NULL);
	if (ret == KNOT_EOK) {
		ret = knot_pkt_put(pkt, KNOT_COMPR_HINT_QNAME, &rr, 0);
	}
	knot_rdataset_clear(&rr.rrs, NULL);
	return ret;
}

static int put_lines(knot_pkt_t *pkt, const char *text)
{
	int ret = knot_pkt_begin(pkt, KNOT_ANSWER);
	while (ret == KNOT_EOK && *text != '\0') {
		size_t len = strcspn(text, "\n");
		ret = put_line(pkt, text, len);
		text += len + (text[len] == '\n');
	}
	/* What does not fit is asked for again over TCP: knot_pkt_put() has set TC. */
	return ret == KNOT_ESPACE ? KNOT_EOK : ret;
}

static int build(const knot_pkt_t *query, const char *text, uint16_t rcode, uint8_t *out, size_t max)
{
	knot_pkt_t *pkt = knot_pkt_new(out, max, NULL);
	if (pkt == NULL) {
		return KNOT_ENOMEM;
	}
	knot_rrset_t opt = { 0 };
	int ret = knot_pkt_init_response(pkt, query);
	bool edns = ret == KNOT_EOK && query->opt_rr != NULL;
	if (edns) {
		ret = knot_edns_init(&opt, MS_MESSAGE_UDP_MAX, 0, 0, NULL);
		edns = ret == KNOT_EOK;
	}
	if (edns) {
		ret = knot_pkt_reserve(pkt, knot_edns_wire_size(&opt));
	}
	if (ret == KNOT_EOK) {
		knot_wire_set_rcode(pkt->wire, rcode);
	}
	if (ret == KNOT_EOK && text != NULL) {
		knot_wire_set_aa(pkt->wire);
		ret = put_lines(pkt, text);
	}
	if (ret == KNOT_EOK && edns) {
		(void)knot_pkt_reclaim(pkt, knot_edns_wire_size(&opt));
		ret = knot_pkt_begin(pkt, KNOT_ADDITIONAL);
		ret = ret == KNOT_EOK ? knot_pkt_put(pkt, KNOT_COMPR_HINT_NONE, &opt, 0) : ret;
	}
	int len = ret == KNOT_EOK ? (int)pkt->size : ret;
	knot_rrset_clear(&opt, NULL);
	knot_pkt_free(pkt);
	return len;
}

static knot_pkt_t *parse(const uint8_t *query, size_t len)
{
	knot_pkt_t *pkt = knot_pkt_new((void *)query, len, NULL);
	if (pkt != NULL && knot_pkt_parse(pkt, KNOT_PF_KEEPWIRE) != KNOT_EOK) {
		knot_pkt_free(pkt);
		pkt = NULL;
	}
	return pkt;
}

int ms_tell_build(const uint8_t *query, size_t len, const char *text, uint16_t rcode, uint8_t *out,
                  size_t max)
{
	knot_pkt_t *pkt = parse(query, len);
	if (pkt == NULL) {
		return KNOT_EMALF;
	}
	int ret = build(pkt, text, rcode, out, max);
	knot_pkt_free(pkt);
	return ret;
}

size_t ms_tell_room(const uint8_t *query, size_t len, bool tcp, size_t max)
{
	knot_pkt_t *pkt = parse(query, len);
	if (pkt == NULL) {
		return 0;
	}
	bool edns = pkt->opt_rr != NULL;
	size_t room = ms_reply_room(edns, edns ? knot_edns_get_payload(pkt->opt_rr) : 0, tcp, max);
	knot_pkt_free(pkt);
	return room;
}
