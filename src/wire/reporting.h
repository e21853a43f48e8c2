/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * DNS error reporting (RFC 9567): the Report-Channel option that names an agent domain, and the name
 * that is asked to report an error (J-18..J-20, K-09, K-30, P-11).
 */
#pragma once

#include <stdint.h>
#include <stddef.h>

#include <libknot/dname.h>

#define MS_REPORT_CHANNEL_CODE 18

/*! Reads the option: one name, not compressed, not the root. Lower case. \retval KNOT_EMALF */
int ms_report_channel_decode(const uint8_t *data, size_t len, knot_dname_storage_t agent);
/*! \return Length, or KNOT_ESPACE. */
int ms_report_channel_encode(const knot_dname_t *agent, uint8_t *buf, size_t max);

/*!
 * `_er.QTYPE.QNAME.CODE._er.AGENT`, to be asked for TXT.
 * \param code  Extended DNS Error (RFC 8914).
 * \retval KNOT_ESPACE  Longer than 255 octets: then nothing is reported (section 6.1.1).
 */
int ms_report_name(uint16_t qtype, const knot_dname_t *qname, uint16_t code,
                   const knot_dname_t *agent, knot_dname_storage_t out);

/*!
 * Takes such a name apart.
 * \param agent  Our own agent domain, lower case. \param qname  Lower case.
 * \retval KNOT_EOUTOFZONE  Not below \a agent. KNOT_EMALF: no report.
 */
int ms_report_parse(const knot_dname_t *name, const knot_dname_t *agent, uint16_t *qtype,
                    knot_dname_storage_t qname, uint16_t *code);
