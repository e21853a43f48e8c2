/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One look-up of a peer: which records are asked for in which order, and what is made of the answers
 * (B-03..B-15). io/resolver owns the look-ups and the contexts they run in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "io/context.h"
#include "io/resolver.h"
#include "wire/locator.h"

/* What is asked in one look-up. */
typedef enum {
	MS_ASK_URI,
	MS_ASK_SVCB,
	MS_ASK_KEY,      /* at the host */
	MS_ASK_KEY_ID,   /* at the identity, where the host has none (B-14) */
	MS_ASK_A,
	MS_ASK_AAAA,
	MS_ASKS,
} ms_ask_t;

struct ms_lookup;

typedef struct {
	struct ms_lookup *lookup;
	ms_ask_t ask;
	enum { MS_NOT_ASKED, MS_ASKED, MS_ANSWERED } state;
	int async_id;
	int ret;                   /* why the answer may not be used */
	knot_dname_storage_t name;
	ms_rrset_t set;            /* empty: securely none */
} ms_question_t;

typedef struct ms_lookup {
	struct ms_lookup *next;
	ms_context_t *context;
	uint64_t id;
	uint64_t roll;
	unsigned nth;              /* which of the URIs */
	ms_time_t deadline;
	uint32_t ttl;              /* least of all records used */
	bool uri_port_wins;        /* */
	bool aliased;
	bool over;
	int ret;                   /* of the last URI that was tried */
	char reason[MS_RESOLVER_REASON_MAX + 1];
	knot_dname_storage_t identity;
	ms_uri_t uri;
	knot_dname_storage_t svcb_owner;
	ms_svcb_t svcb;
	bool has_svcb;
	ms_question_t questions[MS_ASKS];
	ms_locator_t locator;
} ms_lookup_t;

/*! Asks for what is missing; called again with every answer. Sets \a over at the end. */
void ms_lookup_advance(ms_lookup_t *lookup);
/*! It has taken too long: ends it with a reason that names what is not answered. */
void ms_lookup_give_up(ms_lookup_t *lookup);
/*! Cancels what is under way and frees the look-up; its context loses a reference. */
void ms_lookup_free(ms_lookup_t *lookup);
