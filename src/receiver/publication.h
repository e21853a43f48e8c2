/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * What a parent publishes about its receiver (RFC 9859 section 3, M-25, M-27, X-29, X-36): DSYNC at
 * `*._dsync.PARENT`; and at the target, where that is in the same zone, addresses, SVCB with the ways
 * in which keys become trusted, and KEY.
 */
#pragma once

#include "io/zonedit.h"
#include "receiver/receiver.h"

#define MS_PUBLICATION_MAX 5
/*! TTL of what is published: short enough to move a receiver within an hour. */
#define MS_PUBLICATION_TTL 300

typedef struct {
	knot_dname_storage_t wildcard;
	knot_dname_storage_t target;
	ms_rrset_t dsync, a, aaaa, svcb, key;
	size_t count;
	ms_change_t changes[MS_PUBLICATION_MAX];  /*!< Borrow from the above. */
} ms_publication_t;

/*! \retval KNOT_ENOMEM, KNOT_ESPACE (the zone's name is too long). To be cleared in any case. */
int ms_publication_make(ms_publication_t *p, const ms_rx_settings_t *settings,
                        const ms_keyrr_t *key, const knot_dname_t *zone);
void ms_publication_clear(ms_publication_t *p);
