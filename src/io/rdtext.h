/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * One RDATA in the two text forms that zone editing needs: as it is sent to knotd, and as knotd
 * prints it (same libknot, same text), so that what is present can be compared without a parser.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libknot/rdata.h>

/*! Longest RDATA taken, as much as a whole contribution may have. */
#define MS_RDTEXT_RDATA_MAX 8192

typedef struct {
	char *generic;  /*!< "\\# length hex" (RFC 3597 section 5). Owned. */
	char *printed;  /*!< As zone-get shows it. Owned. */
} ms_rdtext_t;

/*!
 * Both forms of \a rdata in canonical form (RFC 4034 section 6.2). Checks what knotd does not
 * check in the generic form: names, lengths, and that the record can be printed at all.
 * \retval KNOT_EMALF, KNOT_ESPACE (longer than MS_RDTEXT_RDATA_MAX), KNOT_ENOMEM.
 */
int ms_rdtext_make(uint16_t rrtype, const knot_rdata_t *rdata, ms_rdtext_t *out);
void ms_rdtext_clear(ms_rdtext_t *form);

/*! Same record; in types of names only the case does not count (knotd < 3.4.7 may store both). */
bool ms_rdtext_same(uint16_t rrtype, const char *a, const char *b);
