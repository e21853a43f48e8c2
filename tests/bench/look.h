/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one look at a zone's apex saw: RCODE, SOA serial, and the NS, TXT and DNSKEY RRsets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/libknot.h>

#define LOOK_ITEMS 64           /* Records of an apex that a benchmark makes; more are not noted. */
#define LOOK_ITEM 96            /* Octets of one of them as text. */
#define LOOK_MAX 4096           /* Octets of the whole as text. */

typedef struct {
	char items[LOOK_ITEMS][LOOK_ITEM]; /* "TYPE=VALUE" */
	unsigned count;
	unsigned rcode;
	bool truncated;
	bool started;           /* A transfer's first SOA was seen. */
	bool complete;          /* Nothing more of the apex is to come. */
} look_t;

/* Adds what a message says about the apex of zone. Of a transfer, call it with each message until
 * complete; an answer to a query is always complete. */
void look_at(look_t *look, uint8_t *wire, size_t len, const knot_dname_t *zone);

/* The same apex gives the same text: "NOERROR DNSKEY=256/4711 NS=ns1.example. SOA=5". Returns out,
 * which holds LOOK_MAX octets. */
const char *look_text(look_t *look, char *out);
