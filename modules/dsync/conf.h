/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * The mod-dsync section of knot.conf: names, schema and check of its items. settings.h reads them;
 * modules/dsync/dsync.rst is their reference.
 */
#pragma once

#include <knot/module.h>

#include "receiver/receiver.h"

#define MS_ITEM_TARGET          "\x06""target"
#define MS_ITEM_ADDRESS         "\x07""address"
#define MS_ITEM_KEY             "\x03""key"
#define MS_ITEM_STORAGE         "\x07""storage"
#define MS_ITEM_CONTROL         "\x07""control"
#define MS_ITEM_PUBLISH         "\x07""publish"
#define MS_ITEM_FORWARD         "\x07""forward"
#define MS_ITEM_ROOT_HINTS      "\x0A""root-hints"
#define MS_ITEM_TRUST_ANCHOR    "\x0C""trust-anchor"
#define MS_ITEM_APPLY           "\x05""apply"
#define MS_ITEM_COMMAND         "\x07""command"
#define MS_ITEM_UPDATE          "\x06""update"
#define MS_ITEM_UPDATE_SCHEME   "\x0D""update-scheme"
#define MS_ITEM_OPTION_CODE     "\x0B""option-code"
#define MS_ITEM_BOOTSTRAP_KEY   "\x0D""bootstrap-key"
#define MS_ITEM_BOOTSTRAP_PARAM "\x0F""bootstrap-param"
#define MS_ITEM_BOOTSTRAP_DS    "\x0C""bootstrap-ds"
#define MS_ITEM_BOOTSTRAP_DELAY "\x0F""bootstrap-delay"
#define MS_ITEM_KEY_LOOKS       "\x09""key-looks"
#define MS_ITEM_KEY_INTERVAL    "\x0C""key-interval"
#define MS_ITEM_KEYS_PER_CHILD  "\x0E""keys-per-child"
#define MS_ITEM_KEY_ROLL        "\x08""key-roll"
#define MS_ITEM_TRUST           "\x05""trust"
#define MS_ITEM_ALGORITHM       "\x09""algorithm"
#define MS_ITEM_DIGEST          "\x06""digest"
#define MS_ITEM_DS_DELETE       "\x09""ds-delete"
#define MS_ITEM_NS_MIN          "\x06""ns-min"
#define MS_ITEM_SILENT          "\x0E""silent-servers"
#define MS_ITEM_DS_TTL          "\x06""ds-ttl"
#define MS_ITEM_NS_TTL          "\x06""ns-ttl"
#define MS_ITEM_SCAN            "\x04""scan"
#define MS_ITEM_RETRY           "\x05""retry"
#define MS_ITEM_RETRIES         "\x07""retries"
#define MS_ITEM_GAP             "\x03""gap"
#define MS_ITEM_TIMEOUT         "\x07""timeout"
#define MS_ITEM_CHECKERS        "\x08""checkers"
#define MS_ITEM_CHILDREN_MAX    "\x0C""children-max"
#define MS_ITEM_TABLE_SIZE      "\x0A""table-size"
#define MS_ITEM_NOTIFY_SOURCE   "\x12""notify-source-rate"
#define MS_ITEM_NOTIFY_CHILD    "\x11""notify-child-rate"
#define MS_ITEM_UPDATE_SOURCE   "\x12""update-source-rate"
#define MS_ITEM_UPDATE_CHILD    "\x11""update-child-rate"
#define MS_ITEM_BURST           "\x05""burst"
#define MS_ITEM_STATUS_ACL      "\x0A""status-acl"

enum { MS_APPLY_ZONE, MS_APPLY_COMMAND };
enum { MS_SILENT_DROP, MS_SILENT_BLOCK };
/*! Bits of `update`, `bootstrap-key`, `bootstrap-ds`. */
enum { MS_UPDATE_NS = 1, MS_UPDATE_DS = 2, MS_UPDATE_NONE = 4 };
enum { MS_BOOT_APEX = 1, MS_BOOT_NS = 2, MS_BOOT_UNSIGNED = 4, MS_BOOT_MANUAL = 8 };
enum { MS_BOOT_DS_SIGNAL = 1, MS_BOOT_DS_DELAY = 2, MS_BOOT_DS_NEVER = 4 };

extern const yp_item_t ms_dsync_schema[];

/*! Checks one section; the sentence in args->err_str is static. Only reads the section. */
int ms_dsync_check(knotd_conf_check_args_t *args);

/*! A key that is trusted by hand: "CHILD 512 3 15 BASE64", as a KEY record is written.
 *  \retval KNOT_EMALF */
int ms_dsync_hand(const char *text, ms_rx_hand_t *out);
