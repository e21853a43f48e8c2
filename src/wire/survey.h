/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What all servers of a child say about it, each one asked by itself (RFC 9975; K-19, K-23). Made by
 * io/probe, judged by src/parent. Plain memory; ms_survey_free() frees the content.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/delegation.h"

/*! Addresses asked in one survey (K-58); what is beyond makes it fail rather than be ignored. */
#define MS_LOOKS_MAX 32
/*! Longest reason. */
#define MS_SURVEY_TEXT_MAX 160

/*! What is asked at the apex, in this order; the SOA twice. */
typedef enum {
	MS_LOOK_SOA,
	MS_LOOK_DNSKEY,
	MS_LOOK_CDS,
	MS_LOOK_CDNSKEY,
	MS_LOOK_CSYNC,
	MS_LOOK_NS,
	MS_LOOK_KEY,
	MS_LOOK_SOA_AGAIN,
	MS_LOOKS_TYPES,
} ms_look_type_t;

typedef enum {
	MS_SAID_NOTHING,   /*!< Was not asked. */
	MS_SAID_SILENT,    /*!< No usable answer: dead, lame, or an error code. */
	MS_SAID_BOGUS,     /*!< Signatures are missing or wrong. */
	MS_SAID_INSECURE,  /*!< The parent has no (usable) DS. */
	MS_SAID_SECURE,
} ms_saying_t;

/*! An answer. An empty set is NODATA, which is an answer as well (K-20). */
typedef struct {
	uint8_t saying;        /*!< ms_saying_t. */
	ms_rrset_t set;
	ms_rrset_t sigs;       /*!< RRSIG RDATA over it. */
} ms_said_t;

/*! Addresses of a name server of the child below its apex, as this server says. */
typedef struct {
	knot_dname_storage_t host;
	ms_said_t a;
	ms_said_t aaaa;
} ms_look_host_t;

/*! One server address. */
typedef struct {
	knot_dname_storage_t host;   /*!< Of the NS record that led there. */
	ms_addr_t addr;
	bool is_new;                 /*!< Not of the delegation: of the NS set that the child wants. */
	ms_said_t said[MS_LOOKS_TYPES];
	uint8_t host_count;
	ms_look_host_t hosts[MS_NS_MAX];
} ms_look_t;

/*! RFC 9615: what stands at `_dsboot.CHILD._signal.NS` (or `_sig0key.…` for KEY). */
typedef struct {
	knot_dname_storage_t ns;
	ms_said_t cds;
	ms_said_t cdnskey;
	ms_said_t key;
} ms_signal_t;

typedef struct {
	knot_dname_storage_t child;
	ms_deleg_t deleg;            /*!< As it stood when the survey began. */
	int ret;                     /*!< KNOT_EOK, or why it says nothing about the child. */
	char text[MS_SURVEY_TEXT_MAX];
	uint8_t look_count;
	ms_look_t *looks;            /*!< Owned. */
	uint8_t signal_count;
	ms_signal_t *signals;        /*!< Owned; one for each NS outside of the child. */
	bool has_proposed;
	ms_deleg_t proposed;         /*!< Of an UPDATE: its new name servers are asked, too. */
} ms_survey_t;

void ms_said_clear(ms_said_t *said);
/*! Frees what it owns; and the survey itself, which is on the heap: it is large. NULL is fine. */
void ms_survey_free(ms_survey_t *survey);
/*! Type number of a question. */
uint16_t ms_look_rrtype(ms_look_type_t type);
const char *ms_saying_name(uint8_t saying);

/*!
 * `_dsboot.CHILD._signal.NS` and its like (RFC 9615 section 4.1).
 * \param label  "_dsboot", "_sig0key". \retval KNOT_ESPACE
 */
int ms_signal_name(const char *label, const knot_dname_t *child, const knot_dname_t *ns,
                   knot_dname_storage_t out);
