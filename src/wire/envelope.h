/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What a child and its parent say to each other, but for the records in it: header, question, OPT
 * with KeyState, Report-Channel and Extended DNS Error, SIG(0). NOTIFY(CDS, CSYNC) (RFC 9859), UPDATE
 * (RFC 2136, wire/deltas.h) and the inquiry for a key's state (wire/keystate.h).
 *
 * Names are never compressed in what is built here, since it may be signed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "base/cursor.h"
#include "wire/keystate.h"
#include "wire/sig0.h"

/*! Longest text of an Extended DNS Error that is read or written. */
#define MS_ENVELOPE_TEXT_MAX 120
/*! UDP payload that is advertised. */
#define MS_ENVELOPE_UDP 1232
/*! Room for what is around the records: header, question, OPT with every option. */
#define MS_ENVELOPE_MAX (12 + KNOT_DNAME_MAXLEN + 4 + 11 + 4 + MS_KEYSTATE_MAX + \
                         4 + KNOT_DNAME_MAXLEN + 6 + MS_ENVELOPE_TEXT_MAX)

/*! Extended DNS Errors of key management, from the range for private use (M-07). */
#define MS_EDE_KEY_NOT_TRUSTED 49200 /*!< Known, not trusted (yet). */
#define MS_EDE_KEY_FAILED      49201 /*!< Validation failed. */
#define MS_EDE_KEY_MANUAL      49202 /*!< Only a person can make it trusted. */

typedef struct {
	bool response;
	bool aa;
	bool tc;
	uint8_t opcode;                /*!< KNOT_OPCODE_*. */
	uint16_t id;
	uint16_t rcode;                /*!< Whole extended RCODE; above 15 it needs \a edns. */
	uint16_t qdcount;              /*!< Read only: 1 is built. */
	uint16_t ancount, nscount;     /*!< Read only. */
	knot_dname_storage_t qname;    /*!< Lower case. */
	uint16_t qtype;
	uint16_t qclass;
	bool edns;
	uint8_t edns_version;          /*!< Read only. */
	bool dnssec_ok;                /*!< DO; with \a edns. */
	uint16_t udp_size;
	int32_t ede;                   /*!< -1: none. */
	char ede_text[MS_ENVELOPE_TEXT_MAX + 1];
	bool has_keystate;
	ms_keystate_t keystate;
	bool bad_keystate;             /*!< Read only: one that is too short, or two of them. */
	bool has_channel;
	knot_dname_storage_t channel;  /*!< Agent domain, lower case. */
	bool tsig;                     /*!< Read only. */
	ms_sig0_info_t sig;            /*!< Read only. */
} ms_envelope_t;

/*! Fills in a request: \a id is the caller's. AA for NOTIFY (RFC 1996 section 3.6). */
void ms_envelope_init(ms_envelope_t *e, uint8_t opcode, const knot_dname_t *qname, uint16_t qtype);
/*! Fills in the bare answer to \a request: its id, question and, where it had one, OPT. */
void ms_envelope_reply(ms_envelope_t *e, const ms_envelope_t *request, uint16_t rcode);

/*!
 * Reads header, question and OPT, and finds a SIG(0). \a out is filled as far as reading went.
 * Unknown EDNS options are skipped, a bad Report-Channel is as none.
 * \param keystate_code  MS_KEYSTATE_CODE, or what is configured.
 * \retval KNOT_EMALF  FORMERR: broken, more than one OPT, a misplaced SIG(0). A question count other
 *                     than 1 is no error here; then there is no qname.
 */
int ms_envelope_parse(const uint8_t *wire, size_t len, uint16_t keystate_code, ms_envelope_t *out);

/*! Puts a record's owner, type, class, TTL and RDATA into a message under construction. */
void ms_envelope_record(ms_writer_t *w, const knot_dname_t *owner, uint16_t type, uint16_t rclass,
                        uint32_t ttl, const uint8_t *rdata, uint16_t rdlen);

/*!
 * Builds the message without SIG(0).
 * \param body      Finished records (ms_envelope_record()) of AUTHORITY, \a records of them; may be
 *                  NULL.
 * \param max       Room; leave MS_SIG0_MAX of it where a signature is to follow.
 * \return Length, KNOT_ESPACE.
 */
int ms_envelope_build(const ms_envelope_t *e, uint16_t keystate_code, const uint8_t *body,
                      size_t body_len, uint16_t records, uint8_t *wire, size_t max);
