/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The mod-msigner section of knot.conf: names, schema and check of its items. settings.h reads
 * them; modules/msigner/msigner.rst is their reference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <knot/module.h>

#include "wire/locator.h"

#define MS_ITEM_IDENTITY        "\x08""identity"
#define MS_ITEM_ADDRESS         "\x07""address"
#define MS_ITEM_NAMESERVER      "\x0A""nameserver"
#define MS_ITEM_KEY             "\x03""key"
#define MS_ITEM_STORAGE         "\x07""storage"
#define MS_ITEM_CONTROL         "\x07""control"
#define MS_ITEM_PUBLISH         "\x07""publish"
#define MS_ITEM_FORWARD         "\x07""forward"
#define MS_ITEM_ROOT_HINTS      "\x0A""root-hints"
#define MS_ITEM_TRUST_ANCHOR    "\x0C""trust-anchor"
#define MS_ITEM_TRANSPORT       "\x09""transport"
#define MS_ITEM_SYNC_MODEL      "\x0A""sync-model"
#define MS_ITEM_HEARTBEAT       "\x09""heartbeat"
#define MS_ITEM_HELLO_RETRY     "\x0B""hello-retry"
#define MS_ITEM_POLL_BUDGET     "\x0B""poll-budget"
#define MS_ITEM_HSYNC_TYPE      "\x0A""hsync-type"
#define MS_ITEM_HSYNC_DIALECT   "\x0D""hsync-dialect"
#define MS_ITEM_OPTION_CODE     "\x0B""option-code"
#define MS_ITEM_PORT_PRECEDENCE "\x0F""port-precedence"
#define MS_ITEM_STATUS_ACL      "\x0A""status-acl"
#define MS_ITEM_ALGORITHM       "\x09""algorithm"
#define MS_ITEM_SINGLE_TYPE     "\x0B""single-type"
#define MS_ITEM_COMPARE         "\x07""compare"
#define MS_ITEM_GATE            "\x04""gate"
#define MS_ITEM_MODE            "\x04""mode"
#define MS_ITEM_AGENT_KEY       "\x09""agent-key"
#define MS_ITEM_COMBINER        "\x08""combiner"
#define MS_ITEM_COMBINER_KEY    "\x0C""combiner-key"
#define MS_ITEM_PARENT          "\x06""parent"
#define MS_ITEM_PARENT_KEY      "\x0A""parent-key"
#define MS_ITEM_UPDATE_SCHEME   "\x0D""update-scheme"
#define MS_ITEM_KEYSTATE_CODE   "\x0D""keystate-code"
#define MS_ITEM_REPORT_CHANNEL  "\x0E""report-channel"
#define MS_ITEM_APEX_KEY        "\x08""apex-key"
#define MS_ITEM_ZSK_LIFETIME    "\x0C""zsk-lifetime"
#define MS_ITEM_KSK_LIFETIME    "\x0C""ksk-lifetime"
#define MS_ITEM_MAX_TTL         "\x07""max-ttl"
#define MS_ITEM_ROLL            "\x04""roll"
#define MS_ITEM_STEP            "\x04""step"
#define MS_ITEM_SKIP            "\x04""skip"
#define MS_ITEM_ABORT           "\x05""abort"

/*!
 * A component that is compared by its name: "RNAME", "HSYNC" (\a hsync_type), or a record type that
 * has its place at an apex. \retval KNOT_EINVAL
 */
int ms_conf_component(const char *name, uint16_t hsync_type, uint16_t *out);

/*! Values of port-precedence: which record names the port of a peer. */
enum { MS_PORT_SVCB, MS_PORT_URI };
/*! Values of parent: ways to tell it, and two that stand alone. */
enum { MS_PARENT_OFF, MS_PARENT_NOTIFY, MS_PARENT_UPDATE, MS_PARENT_AUTO };
/*! Values of mode. */
enum { MS_MODE_AUTO, MS_MODE_HOLD };

extern const yp_item_t ms_conf_schema[];

/*!
 * Checks one section; the sentence in args->err_str is static. Also runs inside knotc, keymgr and
 * kzonecheck, so it only reads the section.
 */
int ms_conf_check(knotd_conf_check_args_t *args);
