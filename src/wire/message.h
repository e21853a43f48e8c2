/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Whole agent messages: packet <-> ms_msg_t (drafts section 8; C-09, C-33, D-02, D-15, D-19).
 *
 * NOTIFY(SOA) with the option, UPDATE with a contribution, QUERY for a contribution, and their
 * answers. After ms_message_parse() nobody checks lengths again. Names are never compressed in
 * what is built here, since it is signed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#include "wire/apex.h"
#include "wire/msopt.h"
#include "wire/sig0.h"

/*! Largest message built or accepted, octets: 8 KiB of contribution and its frame. */
#define MS_MESSAGE_MAX 16384
/*! Above this a message goes by TCP (D-14). */
#define MS_MESSAGE_UDP_MAX 1232

typedef enum {
	MS_MSG_QUERY,
	MS_MSG_NOTIFY,
	MS_MSG_UPDATE,
} ms_msg_kind_t;

typedef struct {
	ms_msg_kind_t kind;
	bool response;
	bool aa;
	bool tc;
	uint16_t id;
	uint16_t rcode;                /*!< Whole extended RCODE. */
	int32_t ede;                   /*!< Extended DNS Error code, or -1. */
	char ede_text[MS_REASON_MAX + 1];
	knot_dname_storage_t qname;    /*!< Zone of NOTIFY and UPDATE; lower case. */
	uint16_t qtype;                /*!< 0: no question (a response may lack it). */
	bool edns;
	uint16_t udp_size;             /*!< Payload size the sender advertised. */
	bool has_option;
	ms_msopt_t option;             /*!< body points into \a body. */
	uint8_t body[MS_STATE_BODY_MAX];
	ms_contribution_t update;      /*!< UPDATE request: the sender's full statement. */
	ms_rrset_t answer;             /*!< QUERY response: the RRset of (qname, qtype). */
	ms_sig0_info_t sig;
} ms_msg_t;

/*! What the option and type numbers are (all configurable, A-37, C-08). */
typedef struct {
	uint16_t option_code;          /*!< Default 65006. */
	uint16_t hsync_type;           /*!< Default 65282. */
} ms_codes_t;

/*! An empty request with EDNS, NOTIFY with AA; its id is the caller's to set. NULL: no memory. */
ms_msg_t *ms_msg_new(ms_msg_kind_t kind, const knot_dname_t *qname, uint16_t qtype);
/*! NULL is fine. */
void ms_msg_free(ms_msg_t *msg);
/*! Empties a message that lives elsewhere (must be zeroed or used before). */
void ms_msg_clear(ms_msg_t *msg);
/*! Copies the option with its body into the message. \retval KNOT_ESPACE. */
int ms_msg_set_option(ms_msg_t *msg, const ms_msopt_t *opt);

/*!
 * Is this a message for us? Looks at the header, the question and OPT only: NOTIFY with our option,
 * or an UPDATE that carries SIG(0) or our option. Cheap; for the hook.
 */
bool ms_message_is_ours(const uint8_t *wire, size_t len, uint16_t option_code);

/*!
 * Parses a message completely into \a out, whose old content is freed (zeroed, made by
 * ms_msg_new() or parsed into before). On error *out says what is known (id, kind, qname, EDNS,
 * option), \a rcode what to answer and \a reason why. Never fails by what it does not know:
 * other records of ADDITIONAL, other EDNS options and, in responses, whole sections are skipped.
 * In an RRset with several TTLs the smallest counts (RFC 2181 section 5.2).
 * \retval KNOT_EMALF     FORMERR: broken packet, two options (C-28), OPERATION 0, bad section
 *                        counts, option too short, SIG(0) misplaced, UPDATE with prerequisites.
 * \retval KNOT_ENOTSUP   NOTIMP: unassigned OPERATION, other opcode. BADVERS: other EDNS version.
 * \retval KNOT_EDENIED   REFUSED: UPDATE of a foreign owner name or of a type that is none of
 *                        ours, an add without the delete of its RRset before it, or the delete of
 *                        a single record (D-15); \a reason names it.
 * \retval KNOT_EOUTOFZONE NOTZONE is never used: a foreign name is REFUSED whole.
 * \retval KNOT_ENOMEM    SERVFAIL.
 */
int ms_message_parse(const uint8_t *wire, size_t len, const ms_codes_t *codes, ms_msg_t *out,
                     uint16_t *rcode, char reason[MS_REASON_MAX + 1]);

/*!
 * Builds the message without SIG(0): header, question, records, OPT with the option and EDE if
 * any and UDP size MS_MESSAGE_UDP_MAX; no OPT where msg->edns is false, since an answer to a
 * request without one has none (RFC 6891 section 7).
 * A response that is longer than \a max becomes question + bare OPT with TC=1, RCODE 0 (D-11).
 * \param max  Room; leave MS_SIG0_MAX of it where a signature is to follow. Above MS_MESSAGE_MAX
 *             it counts as that.
 * \return Length in octets, KNOT_ESPACE.
 */
int ms_message_build(const ms_msg_t *msg, const ms_codes_t *codes, uint8_t *wire, size_t max);

/*!
 * Makes the bare answer to \a request: kind, id, qname, qtype, EDNS where the request had it, AA
 * for NOTIFY and QUERY. NULL: no memory.
 */
ms_msg_t *ms_msg_reply(const ms_msg_t *request, uint16_t rcode);

/*! "NOERROR", "REFUSED", …; "unassigned" where it has no name. */
const char *ms_rcode_name(uint16_t rcode);
