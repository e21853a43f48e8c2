/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The SvcParamKey `bootstrap`: in which ways a parent lets a child's SIG(0) key become trusted
 * (draft-ietf-dnsop-delegation-mgmt-via-ddns; L-19, M-27, P-19, X-29). The value is a list of words,
 * separated by commas, in the SVCB record at the DSYNC target.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/*! Not assigned by IANA: configurable. */
#define MS_BOOTSTRAP_PARAM 65282

/*! In the order of strength, strongest first. */
#define MS_BOOTSTRAP_APEX     0x01 /*!< "at-apex" */
#define MS_BOOTSTRAP_NS       0x02 /*!< "at-ns" */
#define MS_BOOTSTRAP_UNSIGNED 0x04 /*!< "unsigned" */
#define MS_BOOTSTRAP_MANUAL   0x08 /*!< "manual" */

/*! Longest value that is written. */
#define MS_BOOTSTRAP_MAX 32

/*! \return Length of the value; 0 for no bits; KNOT_ESPACE. */
int ms_bootstrap_encode(unsigned ways, uint8_t *buf, size_t max);
/*! \return Bits; words that are not known are passed over. */
unsigned ms_bootstrap_decode(const uint8_t *value, size_t len);

/*!
 * The ways that SVCB RDATA announces.
 * \param alias_too  Read them in AliasMode, too, as the drafts have it (J-27); RFC 9460 ignores them there.
 * \retval KNOT_ENOENT  It does not say. KNOT_EMALF.
 */
int ms_bootstrap_of_svcb(const uint8_t *rdata, size_t len, uint16_t param, bool alias_too,
                         unsigned *ways);
