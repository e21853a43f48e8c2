/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * All records of one owner as knotd prints them in answer to zone-get: read by one call, taken apart
 * by type.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libknot/libknot.h>

/*! Zero-initialised: nothing was read. */
typedef struct {
	knot_dname_txt_storage_t owner;
	size_t count;
	struct {
		char *type, *ttl, *text;
	} *records;                  /*!< Owned. */
} ms_zonenode_t;

typedef struct {
	char *text;                  /*!< RDATA. */
	bool wanted;                 /*!< The reader's mark. */
} ms_zonerr_t;

typedef struct {
	size_t count;
	uint32_t ttl;
	ms_zonerr_t *records;        /*!< Owned. */
} ms_zonerrset_t;

/*! Takes one record; a callback of ms_ctl_call(), \a ctx is the node. \retval KNOT_EMALF, KNOT_ENOMEM */
int ms_zonenode_take(void *ctx, knot_ctl_data_t *data);
void ms_zonenode_clear(ms_zonenode_t *node);

/*! The RRset of a type, empty where there is none; wants ms_zonerrset_clear() after KNOT_EOK. */
int ms_zonenode_rrset(const ms_zonenode_t *node, const char *type, ms_zonerrset_t *out);
void ms_zonerrset_clear(ms_zonerrset_t *set);
