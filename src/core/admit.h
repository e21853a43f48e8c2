/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Who gets in. Judges a message for us against an immutable view, cheapest question first, and
 * nothing else: no state, no look-up (C-16, C-17, D-09, D-12, D-13, P-02, P-23, P-31).
 *
 *  1. exactly one SIG(0), at its place, no TSIG     else REFUSED (FORMERR when misplaced)
 *  2. the zone is shared here                       else REFUSED
 *  3. the signer is listed in the zone's HSYNC      else REFUSED
 *  4. its keys are known and not expired            else REFUSED
 *  5. the time window fits                          else REFUSED, EDE 7 or 8
 *  6. a key with that tag and algorithm verifies    else REFUSED
 *  7. the message is well-formed and ours           else FORMERR, NOTIMP, REFUSED (signed)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "core/view.h"
#include "wire/message.h"

typedef enum {
	MS_ADMIT_ACCEPT,
	MS_ADMIT_UNSIGNED, MS_ADMIT_MALFORMED, MS_ADMIT_NOT_SHARED, MS_ADMIT_STRANGER,
	MS_ADMIT_NO_KEY, MS_ADMIT_TIME, MS_ADMIT_SIGNATURE, MS_ADMIT_CONTENT,
	MS_ADMIT_VERDICTS,
} ms_admit_verdict_t;

typedef struct {
	ms_admit_verdict_t verdict;
	uint16_t rcode;                     /*!< Of the answer. */
	int ede;                            /*!< Or -1. */
	char reason[MS_REASON_MAX + 1];
	bool verified;                      /*!< Rules 1-6 passed: sign the answer. */
	const ms_view_peer_t *peer;         /*!< The verified sender; borrowed from the view. */
	uint8_t hash[MS_SIG_HASH_LEN];      /*!< For the replay cache, when verified. */
	ms_msg_t *msg;                      /*!< Parsed message, owned by the caller; when accepted,
	                                         and with CONTENT as far as it was understood. */
} ms_admission_t;

/*! Judges a request. out->msg must be freed by ms_msg_free(). \retval KNOT_ENOMEM (SERVFAIL). */
int ms_admit(const ms_view_t *view, const uint8_t *wire, size_t len, ms_wall_t now,
             ms_admission_t *out);

/*!
 * Judges the answer to a request of ours: SIG(0) by one of the peer's keys over request and
 * answer, same id, well-formed.
 * \retval KNOT_EOK      *out is the answer, owned by the caller.
 * \retval KNOT_EDENIED  Not signed, or not by that peer, or for another request; ignore it.
 * \retval KNOT_EMALF    Verified, but broken.
 */
int ms_admit_answer(const ms_locator_t *peer, const knot_dname_t *identity,
                    const ms_codes_t *codes, const uint8_t *request, size_t request_len,
                    const uint8_t *wire, size_t len, ms_wall_t now, ms_msg_t **out);

/*! "unsigned", "stranger", … */
const char *ms_admit_name(ms_admit_verdict_t verdict);
