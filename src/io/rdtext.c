/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/rdtext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "base/cursor.h"

/* Root as owner, and ten octets of type, class, TTL and length, before the RDATA. */
#define RR_ROOM (1 + 10 + MS_RDTEXT_RDATA_MAX)
/* Every octet may be printed as \DDD, and strings have quotes. */
#define PRINTED_ROOM(len) (5 * (size_t)(len) + 512)

/* RDATA in canonical form (RFC 4034 section 6.2), its names and lengths checked. */
static int parse_rdata(uint16_t rrtype, const knot_rdata_t *rdata, knot_rrset_t *rr)
{
	if (rdata->len > MS_RDTEXT_RDATA_MAX) {
		return KNOT_ESPACE;
	}
	uint8_t wire[RR_ROOM];
	ms_writer_t w = ms_writer(wire, sizeof(wire));
	ms_write_u8(&w, 0);
	ms_write_u16(&w, rrtype);
	ms_write_u16(&w, KNOT_CLASS_IN);
	ms_write_u32(&w, 0);
	ms_write_u16(&w, rdata->len);
	ms_write_bytes(&w, rdata->data, rdata->len);
	if (w.ret != KNOT_EOK) {
		return w.ret;
	}
	size_t pos = 0;
	int ret = knot_rrset_rr_from_wire(wire, &pos, ms_writer_len(&w), rr, NULL,
	                                  MS_COMPAT_RR_CANONICAL);
	if (ret != KNOT_EOK) {
		return ret;
	}
	/* Another length means that a compression pointer was followed: it has no place here. */
	if (rr->rrs.count != 1 || rr->rrs.rdata->len != rdata->len) {
		knot_rrset_clear(rr, NULL);
		return KNOT_EMALF;
	}
	return KNOT_EOK;
}

static char *print_generic(const knot_rdata_t *rdata)
{
	size_t room = sizeof("\\# 65535 ") + 2 * (size_t)rdata->len;
	char *text = malloc(room);
	if (text == NULL) {
		return NULL;
	}
	int pos = snprintf(text, room, "\\# %u%s", rdata->len, rdata->len > 0 ? " " : "");
	for (uint16_t i = 0; i < rdata->len; i++) {
		pos += snprintf(text + pos, room - pos, "%02x", rdata->data[i]);
	}
	return text;
}

/* From 3.5 on libknot prints bad RDATA of a type that it knows like that of an unknown type. */
static bool is_understood(uint16_t rrtype, const char *printed)
{
	return printed[0] != '\\' || printed[1] != '#' ||
	       knot_get_rdata_descriptor(rrtype)->type_name == NULL;
}

int ms_rdtext_make(uint16_t rrtype, const knot_rdata_t *rdata, ms_rdtext_t *out)
{
	knot_rrset_t rr = { 0 };
	int ret = parse_rdata(rrtype, rdata, &rr);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_rdtext_t form = {
		.generic = print_generic(rr.rrs.rdata),
		.printed = malloc(PRINTED_ROOM(rdata->len)),
	};
	ret = KNOT_ENOMEM;
	if (form.generic != NULL && form.printed != NULL) {
		ret = knot_rrset_txt_dump_data(&rr, 0, form.printed, PRINTED_ROOM(rdata->len),
		                               &KNOT_DUMP_STYLE_DEFAULT);
		ret = ret < 0 || !is_understood(rrtype, form.printed) ? KNOT_EMALF : KNOT_EOK;
	}
	knot_rrset_clear(&rr, NULL);
	if (ret != KNOT_EOK) {
		ms_rdtext_clear(&form);
		return ret;
	}
	*out = form;
	return KNOT_EOK;
}

void ms_rdtext_clear(ms_rdtext_t *form)
{
	free(form->generic);
	free(form->printed);
	*form = (ms_rdtext_t){ 0 };
}

/* Names only, besides fixed fields: then two spellings may differ in case (knotd < 3.4.7). */
static bool folds_case(uint16_t rrtype)
{
	const knot_rdata_descriptor_t *desc = knot_get_rdata_descriptor(rrtype);
	bool name = false;
	for (const int *type = desc->block_types; *type != KNOT_RDATA_WF_END; type++) {
		if (*type == KNOT_RDATA_WF_REMAINDER || *type == KNOT_RDATA_WF_NAPTR_HEADER) {
			return false;
		}
		name = name || *type < 0;
	}
	return name;
}

bool ms_rdtext_same(uint16_t rrtype, const char *a, const char *b)
{
	return folds_case(rrtype) ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}
