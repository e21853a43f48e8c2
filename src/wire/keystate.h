/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The EDNS option KeyState: what a parent knows of a child's SIG(0) key (draft-berra-dnsop-keystate;
 * M-28..M-38, X-32, X-33, X-39).
 *
 *     KEY-ID u16 | KEY-STATE u8 | KEY-DATA u8 | EXTRA-TEXT up to the end
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/*! Not assigned by IANA: configurable. */
#define MS_KEYSTATE_CODE 65002

/*! 0 and 1 mean one thing in a request (up to -02) and another in a response (-03): X-33. */
typedef enum {
	MS_KEYSTATE_REQ_AUTO    = 0,  /*!< Request: automatic bootstrap, please. */
	MS_KEYSTATE_REQ_MANUAL  = 1,  /*!< Request: manual bootstrap, please. */
	MS_KEYSTATE_MALFORMED   = 0,  /*!< Response: no such request. */
	MS_KEYSTATE_TEMPORARY   = 1,  /*!< Response: ask again later. */
	MS_KEYSTATE_INQUIRY     = 2,
	MS_KEYSTATE_TRUSTED     = 4,
	MS_KEYSTATE_UNKNOWN     = 5,
	MS_KEYSTATE_INVALID     = 6,
	MS_KEYSTATE_REFUSED     = 7,
	MS_KEYSTATE_FAILED      = 8,  /*!< Validation failed. */
	MS_KEYSTATE_AUTO        = 9,  /*!< Automatic bootstrap is going on. */
	MS_KEYSTATE_MANUAL      = 10, /*!< Manual bootstrap is required. */
	MS_KEYSTATE_MANUAL_OLD  = 11, /*!< The same in some drafts: read, never sent (X-32). */
} ms_keystate_code_t;

/*! Text kept; what is longer is cut: it is for people only (M-38). */
#define MS_KEYSTATE_TEXT_MAX 128
/*! Longest option that is written. */
#define MS_KEYSTATE_MAX (4 + MS_KEYSTATE_TEXT_MAX)

typedef struct {
	uint16_t key_id;
	uint8_t state;
	uint8_t data;
	char text[MS_KEYSTATE_TEXT_MAX + 1]; /*!< Read: other than printable ASCII became '?'. */
} ms_keystate_t;

/*!
 * Reads the option's payload.
 * \param short_form  Accept three octets, the form of draft -00 (M-28).
 * \retval KNOT_EMALF
 */
int ms_keystate_decode(const uint8_t *data, size_t len, bool short_form, ms_keystate_t *out);
/*! \return Length, or KNOT_ESPACE. */
int ms_keystate_encode(const ms_keystate_t *state, uint8_t *buf, size_t max);
/*! Name of a state in a response: "trusted", …, "unassigned". */
const char *ms_keystate_name(uint8_t state);
