/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * Differences between Knot DNS 3.2, 3.3, 3.4 and 3.5 in one place. Only <knot/module.h> and the
 * installed libknot headers are used; KNOT_VERSION_HEX is decimal coded (3.4.10 = 0x030410).
 */
#pragma once

#include <libknot/libknot.h>

#if KNOT_VERSION_HEX >= 0x030300
#define MS_COMPAT_LOCAL_ADDR(qdata, buf) ((void)(buf), knotd_qdata_local_addr(qdata))
#else
#define MS_COMPAT_LOCAL_ADDR(qdata, buf) knotd_qdata_local_addr((qdata), (buf))
#endif

#if KNOT_VERSION_HEX < 0x030400
/* 3.4 renamed it; the older one wants the packet's wire for compressed names (NULL: none). */
#define ms_compat_next_label(name) knot_wire_next_label((name), NULL)
#define MS_COMPAT_CTL_BIND(ctx, path) knot_ctl_bind((ctx), (path))
#else
#define ms_compat_next_label(name) knot_dname_next_label(name)
#define MS_COMPAT_CTL_BIND(ctx, path) knot_ctl_bind((ctx), (path), 5)
#endif

#if KNOT_VERSION_HEX >= 0x030401
#define MS_COMPAT_CTL_IDX_FILTERS KNOT_CTL_IDX_FILTERS
#else
#define MS_COMPAT_CTL_IDX_FILTERS KNOT_CTL_IDX_FILTER
#endif

/*
 * What knot_rrset_rr_from_wire() takes last: `bool canonical`; in late 3.5 KNOT_PF_* flags, which
 * have no bit 0 and canonical form as the default.
 */
#define MS_COMPAT_RR_CANONICAL 1

/* From 3.3 on a journal refuses serials that do not grow; ours begin below the owner's. */
#define MS_COMPAT_JOURNAL_ONLY_UP (KNOT_VERSION_HEX >= 0x030300)

/* Values of knotd's option items as knotd_conf() returns them; Knot has never renumbered them. */
#define MS_COMPAT_DNSKEY_INCREMENTAL 1
#define MS_COMPAT_CDS_ALWAYS         3
#define MS_COMPAT_JOURNAL_NONE       0
#define MS_COMPAT_JOURNAL_ALL        2
#define MS_COMPAT_ZONEFILE_NONE      0
#define MS_COMPAT_ZONEFILE_WHOLE     2
