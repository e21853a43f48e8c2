/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf.h"

#include <stdio.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <libdnssec/key.h>

#include "common/items.h"
#include "wire/bootstrap.h"
#include "wire/ds.h"

#define DNS_PORT 53
#define DAY 86400
/* The codes below mean something else already. */
#define OPTION_CODE_MIN 21
#define SVCB_PARAM_MIN 10

static const knot_lookup_t applies[] = {
	{ MS_APPLY_ZONE, "zone-edit" }, { MS_APPLY_COMMAND, "command" }, { 0, NULL }
};
static const knot_lookup_t silents[] = {
	{ MS_SILENT_DROP, "drop" }, { MS_SILENT_BLOCK, "block" }, { 0, NULL }
};
static const knot_lookup_t updates[] = {
	{ MS_UPDATE_NS, "ns" }, { MS_UPDATE_DS, "ds" }, { MS_UPDATE_NONE, "none" }, { 0, NULL }
};
static const knot_lookup_t key_ways[] = {
	{ MS_BOOT_APEX, "at-apex" }, { MS_BOOT_NS, "at-ns" }, { MS_BOOT_UNSIGNED, "unsigned" },
	{ MS_BOOT_MANUAL, "manual" }, { 0, NULL }
};
static const knot_lookup_t ds_ways[] = {
	{ MS_BOOT_DS_SIGNAL, "rfc9615" }, { MS_BOOT_DS_DELAY, "rfc8078" }, { MS_BOOT_DS_NEVER, "never" },
	{ 0, NULL }
};
static const knot_lookup_t digests[] = {
	{ MS_DIGEST_SHA1, "sha1" }, { MS_DIGEST_SHA256, "sha256" }, { MS_DIGEST_SHA384, "sha384" },
	{ 0, NULL }
};
/* RFC 8624 section 3.1; without those that must not be used. */
static const knot_lookup_t algorithms[] = {
	{ DNSSEC_KEY_ALGORITHM_RSA_SHA256,        "rsasha256" },
	{ DNSSEC_KEY_ALGORITHM_RSA_SHA512,        "rsasha512" },
	{ DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256, "ecdsap256sha256" },
	{ DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384, "ecdsap384sha384" },
	{ DNSSEC_KEY_ALGORITHM_ED25519,           "ed25519" },
	{ DNSSEC_KEY_ALGORITHM_ED448,             "ed448" },
	{ 0, NULL }
};

const yp_item_t ms_dsync_schema[] = {
	{ MS_ITEM_TARGET,          YP_TDNAME, YP_VNONE },
	{ MS_ITEM_ADDRESS,         YP_TADDR,  YP_VADDR = { DNS_PORT }, YP_FMULTI },
	{ MS_ITEM_KEY,             YP_TSTR,   YP_VNONE },
	{ MS_ITEM_STORAGE,         YP_TSTR,   YP_VNONE },
	{ MS_ITEM_CONTROL,         YP_TSTR,   YP_VNONE },
	{ MS_ITEM_PUBLISH,         YP_TBOOL,  YP_VBOOL = { true } },
	{ MS_ITEM_FORWARD,         YP_TADDR,  YP_VADDR = { DNS_PORT }, YP_FMULTI },
	{ MS_ITEM_ROOT_HINTS,      YP_TSTR,   YP_VNONE },
	{ MS_ITEM_TRUST_ANCHOR,    YP_TSTR,   YP_VNONE },
	{ MS_ITEM_APPLY,           YP_TOPT,   YP_VOPT = { applies, MS_APPLY_ZONE } },
	{ MS_ITEM_COMMAND,         YP_TSTR,   YP_VNONE },
	{ MS_ITEM_UPDATE,          YP_TOPT,   YP_VOPT = { updates, MS_UPDATE_NS }, YP_FMULTI },
	{ MS_ITEM_UPDATE_SCHEME,   YP_TINT,   YP_VINT = { 1, UINT8_MAX, 2 } },
	{ MS_ITEM_OPTION_CODE,     YP_TINT,   YP_VINT = { 0, UINT16_MAX, MS_KEYSTATE_CODE } },
	{ MS_ITEM_BOOTSTRAP_KEY,   YP_TOPT,   YP_VOPT = { key_ways, MS_BOOT_APEX }, YP_FMULTI },
	{ MS_ITEM_BOOTSTRAP_PARAM, YP_TINT,   YP_VINT = { SVCB_PARAM_MIN, UINT16_MAX - 1, MS_BOOTSTRAP_PARAM } },
	{ MS_ITEM_BOOTSTRAP_DS,    YP_TOPT,   YP_VOPT = { ds_ways, MS_BOOT_DS_SIGNAL }, YP_FMULTI },
	{ MS_ITEM_BOOTSTRAP_DELAY, YP_TINT,   YP_VINT = { 1, 365 * DAY, 3 * DAY, YP_STIME } },
	{ MS_ITEM_KEY_LOOKS,       YP_TINT,   YP_VINT = { 1, 100, 6 } },
	{ MS_ITEM_KEY_INTERVAL,    YP_TINT,   YP_VINT = { 1, DAY, 3600, YP_STIME } },
	{ MS_ITEM_KEYS_PER_CHILD,  YP_TINT,   YP_VINT = { 1, MS_TRUST_KEYS_MAX - 2, 1 } },
	{ MS_ITEM_KEY_ROLL,        YP_TBOOL,  YP_VBOOL = { true } },
	{ MS_ITEM_TRUST,           YP_TSTR,   YP_VNONE, YP_FMULTI },
	{ MS_ITEM_ALGORITHM,       YP_TOPT,   YP_VOPT = { algorithms, 13 }, YP_FMULTI },
	{ MS_ITEM_DIGEST,          YP_TOPT,   YP_VOPT = { digests, MS_DIGEST_SHA256 }, YP_FMULTI },
	{ MS_ITEM_DS_DELETE,       YP_TBOOL,  YP_VBOOL = { true } },
	{ MS_ITEM_NS_MIN,          YP_TINT,   YP_VINT = { 1, MS_NS_MAX, 1 } },
	{ MS_ITEM_SILENT,          YP_TOPT,   YP_VOPT = { silents, MS_SILENT_BLOCK } },
	{ MS_ITEM_DS_TTL,          YP_TINT,   YP_VINT = { 0, INT32_MAX, 900, YP_STIME } },
	{ MS_ITEM_NS_TTL,          YP_TINT,   YP_VINT = { 0, INT32_MAX, 3600, YP_STIME } },
	{ MS_ITEM_SCAN,            YP_TINT,   YP_VINT = { 0, 365 * DAY, DAY, YP_STIME } },
	{ MS_ITEM_RETRY,           YP_TINT,   YP_VINT = { 1, DAY, 300, YP_STIME } },
	{ MS_ITEM_RETRIES,         YP_TINT,   YP_VINT = { 0, 10, 4 } },
	{ MS_ITEM_GAP,             YP_TINT,   YP_VINT = { 0, 3600, 1, YP_STIME } },
	{ MS_ITEM_TIMEOUT,         YP_TINT,   YP_VINT = { 1, 60, 3, YP_STIME } },
	{ MS_ITEM_CHECKERS,        YP_TINT,   YP_VINT = { 1, MS_RX_CHECKERS_MAX, 4 } },
	{ MS_ITEM_CHILDREN_MAX,    YP_TINT,   YP_VINT = { 1, 1000000, 20000 } },
	{ MS_ITEM_TABLE_SIZE,      YP_TINT,   YP_VINT = { 1, 10000000, 16384 } },
	{ MS_ITEM_NOTIFY_SOURCE,   YP_TINT,   YP_VINT = { 0, 1000000, 300 } },
	{ MS_ITEM_NOTIFY_CHILD,    YP_TINT,   YP_VINT = { 0, 1000000, 12 } },
	{ MS_ITEM_UPDATE_SOURCE,   YP_TINT,   YP_VINT = { 0, 1000000, 60 } },
	{ MS_ITEM_UPDATE_CHILD,    YP_TINT,   YP_VINT = { 0, 1000000, 6 } },
	{ MS_ITEM_BURST,           YP_TINT,   YP_VINT = { 1, 1000000, 20 } },
	{ MS_ITEM_STATUS_ACL,      YP_TNET,   YP_VNONE, YP_FMULTI },
	{ NULL }
};

int ms_dsync_hand(const char *text, ms_rx_hand_t *out)
{
	char child[KNOT_DNAME_TXT_MAXLEN + 1], base64[1024];
	unsigned flags, protocol, algorithm;
	gnutls_datum_t key = { 0 };
	_Static_assert(KNOT_DNAME_TXT_MAXLEN >= 1000, "width of the name below");
	if (sscanf(text, "%1000s %u %u %u %1023s", child, &flags, &protocol, &algorithm, base64) != 5 ||
	    flags > UINT16_MAX || protocol > UINT8_MAX || algorithm > UINT8_MAX ||
	    knot_dname_from_str(out->child, child, sizeof(out->child)) == NULL) {
		return KNOT_EMALF;
	}
	knot_dname_to_lower(out->child);
	gnutls_datum_t printed = { (unsigned char *)base64, strlen(base64) };
	if (gnutls_base64_decode2(&printed, &key) != GNUTLS_E_SUCCESS) {
		return KNOT_EMALF;
	}
	bool fits = key.size + 4 <= sizeof(out->rr.rdata);
	if (fits) {
		knot_wire_write_u16(out->rr.rdata, flags);
		out->rr.rdata[2] = protocol;
		out->rr.rdata[3] = algorithm;
		memcpy(out->rr.rdata + 4, key.data, key.size);
		out->rr.len = key.size + 4;
	}
	gnutls_free(key.data);
	return fits && ms_key_usable(out->rr.rdata, out->rr.len) ? KNOT_EOK : KNOT_EMALF;
}

static const char *check_target(knotd_conf_check_args_t *args)
{
	knotd_conf_t conf = knotd_conf_check_item(args, MS_ITEM_TARGET);
	return conf.count == 0 || conf.single.dname[0] == '\0'
	     ? "'target' is missing: set it to the name that DSYNC records shall point to" : NULL;
}

static const char *check_address(const knotd_conf_t *conf)
{
	uint16_t port = 0;
	if (conf->count == 0) {
		return "'address' is missing: list the addresses at which children reach this server";
	}
	if (conf->count > MS_ADDRS_MAX) {
		return "'address' has more than eight values: list the best eight";
	}
	for (size_t i = 0; i < conf->count; i++) {
		ms_addr_t addr;
		if (!ms_item_addr(&conf->multi[i], &addr) ||
		    ms_addr_is_wildcard(&addr) || addr.port == 0) {
			return "'address' is no address that children can reach: give IP[@PORT]";
		}
		if (i > 0 && addr.port != port) {
			return "'address' has different ports: use one, each DSYNC record names it";
		}
		port = addr.port;
	}
	return NULL;
}

static const char *check_trust(const knotd_conf_t *conf)
{
	if (conf->count > MS_RX_HAND_MAX) {
		return "'trust' has more than 32 values: remove those that children have replaced";
	}
	for (size_t i = 0; i < conf->count; i++) {
		ms_rx_hand_t hand;
		if (ms_dsync_hand(conf->multi[i].string, &hand) != KNOT_EOK) {
			return "'trust' is no key: write \"CHILD 512 3 15 BASE64\", as in a KEY record";
		}
	}
	return NULL;
}

static const char *check_rest(knotd_conf_check_args_t *args)
{
	const char *command = knotd_conf_check_item(args, MS_ITEM_COMMAND).single.string;
	bool by_command = knotd_conf_check_item(args, MS_ITEM_APPLY).single.option == MS_APPLY_COMMAND;
	if (by_command && (command == NULL || command[0] != '/')) {
		return "'apply: command' needs 'command': give the absolute path of a program";
	}
	if (!by_command && command != NULL) {
		return "'command' needs 'apply: command'";
	}
	if (knotd_conf_check_item(args, MS_ITEM_OPTION_CODE).single.integer < OPTION_CODE_MIN) {
		return "'option-code' is assigned to another EDNS option: use 21 or more";
	}
	return NULL;
}

int ms_dsync_check(knotd_conf_check_args_t *args)
{
	const char *error = check_target(args);
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_ADDRESS, check_address);
	}
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_FORWARD, ms_check_forward);
	}
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_TRUST, check_trust);
	}
	if (error == NULL) {
		error = check_rest(args);
	}
	if (error != NULL) {
		args->err_str = error;
		return KNOT_EINVAL;
	}
	return KNOT_EOK;
}
