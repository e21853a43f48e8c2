/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The state as TXT records: one line, one record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*!
 * Builds the answer to a query for the state. What does not fit is asked for again over TCP.
 * \param text   Lines, '\n' separated; NULL: \a rcode alone.
 * \return Length in octets or KNOT_E*.
 */
int ms_tell_build(const uint8_t *query, size_t len, const char *text, uint16_t rcode, uint8_t *out,
                  size_t max);
/*! How long that answer may be; 0: the query cannot be read. */
size_t ms_tell_room(const uint8_t *query, size_t len, bool tcp, size_t max);
