/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf.h"

#include <strings.h>

#include <libdnssec/key.h>

#include "agent/runtime.h"
#include "common/items.h"
#include "orders.h"
#include "wire/dsync.h"
#include "wire/hsync.h"
#include "wire/keystate.h"
#include "wire/msopt.h"

#define HEARTBEAT_DEFAULT   60     /* Seconds: a silent peer is noticed after two minutes. */
#define HEARTBEAT_MAX       3600   /* It is INTERRUPTED after ten of them: ten hours. */
#define HELLO_RETRY_DEFAULT 5      /* Seconds. */
#define HELLO_RETRY_MAX     3600
#define POLL_BUDGET_DEFAULT 400    /* SOA queries a second: 2 % of a core. */
#define POLL_BUDGET_MAX     10000
#define HSYNC_TYPE_DEFAULT  65282
#define OPTION_CODE_DEFAULT 65006
#define OPTION_CODE_MIN     21     /* The codes below mean something else already. */
#define DNS_PORT            53
#define LIFETIME_MAX        UINT32_MAX /* Seconds, as of Knot's own policies. */
#define MAX_TTL_DEFAULT     86400
#define MAX_TTL_MAX         INT32_MAX  /* RFC 2181 section 8. */

/* In front of the identity stand "_dns._tcp." (URI owner) or "_msigner.", and "ns." (host). */
#define PREFIX_MAX 10

static const knot_lookup_t transports[] = {
	{ MS_TRANSPORT_DNS, "dns" },
	{ MS_TRANSPORT_API, "api" },
	{ 0, NULL }
};

static const knot_lookup_t sync_models[] = {
	{ MS_SYNC_LEADER, "leader-follower" },
	{ MS_SYNC_PEER,   "peer-to-peer" },
	{ 0, NULL }
};

static const knot_lookup_t dialects[] = {
	{ MS_HSYNC_DRAFT, "draft" },
	{ MS_HSYNC_TDNS,  "tdns" },
	{ 0, NULL }
};

static const knot_lookup_t precedences[] = {
	{ MS_PORT_SVCB, "svcb" },
	{ MS_PORT_URI,  "uri" },
	{ 0, NULL }
};

static const knot_lookup_t modes[] = {
	{ MS_MODE_AUTO, "auto" },
	{ MS_MODE_HOLD, "hold" },
	{ 0, NULL }
};

static const knot_lookup_t parents[] = {
	{ MS_PARENT_AUTO,   "auto" },
	{ MS_PARENT_NOTIFY, "notify" },
	{ MS_PARENT_UPDATE, "update" },
	{ MS_PARENT_OFF,    "off" },
	{ 0, NULL }
};

/* RFC 8624 section 3.1: what a new zone may be signed with. Names as in Knot's policy section. */
static const knot_lookup_t algorithms[] = {
	{ DNSSEC_KEY_ALGORITHM_RSA_SHA256,        "rsasha256" },
	{ DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256, "ecdsap256sha256" },
	{ DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384, "ecdsap384sha384" },
	{ DNSSEC_KEY_ALGORITHM_ED25519,           "ed25519" },
	{ DNSSEC_KEY_ALGORITHM_ED448,             "ed448" },
	{ 0, NULL }
};

const yp_item_t ms_conf_schema[] = {
	{ MS_ITEM_IDENTITY,        YP_TDNAME, YP_VNONE },
	{ MS_ITEM_ADDRESS,         YP_TADDR,  YP_VADDR = { DNS_PORT }, YP_FMULTI },
	{ MS_ITEM_NAMESERVER,      YP_TDNAME, YP_VNONE, YP_FMULTI },
	{ MS_ITEM_KEY,             YP_TSTR,   YP_VNONE },
	{ MS_ITEM_STORAGE,         YP_TSTR,   YP_VNONE },
	{ MS_ITEM_CONTROL,         YP_TSTR,   YP_VNONE },
	{ MS_ITEM_PUBLISH,         YP_TBOOL,  YP_VBOOL = { true } },
	{ MS_ITEM_FORWARD,         YP_TADDR,  YP_VADDR = { DNS_PORT }, YP_FMULTI },
	{ MS_ITEM_ROOT_HINTS,      YP_TSTR,   YP_VNONE },
	{ MS_ITEM_TRUST_ANCHOR,    YP_TSTR,   YP_VNONE },
	{ MS_ITEM_TRANSPORT,       YP_TOPT,   YP_VOPT = { transports, MS_TRANSPORT_DNS },
	                                      YP_FMULTI },
	{ MS_ITEM_SYNC_MODEL,      YP_TOPT,   YP_VOPT = { sync_models, MS_SYNC_PEER }, YP_FMULTI },
	{ MS_ITEM_HEARTBEAT,       YP_TINT,   YP_VINT = { 0, HEARTBEAT_MAX, HEARTBEAT_DEFAULT,
	                                                  YP_STIME } },
	{ MS_ITEM_HELLO_RETRY,     YP_TINT,   YP_VINT = { 0, HELLO_RETRY_MAX, HELLO_RETRY_DEFAULT,
	                                                  YP_STIME } },
	{ MS_ITEM_POLL_BUDGET,     YP_TINT,   YP_VINT = { 0, POLL_BUDGET_MAX,
	                                                  POLL_BUDGET_DEFAULT } },
	{ MS_ITEM_HSYNC_TYPE,      YP_TINT,   YP_VINT = { 0, UINT16_MAX, HSYNC_TYPE_DEFAULT } },
	{ MS_ITEM_HSYNC_DIALECT,   YP_TOPT,   YP_VOPT = { dialects, MS_HSYNC_DRAFT } },
	{ MS_ITEM_OPTION_CODE,     YP_TINT,   YP_VINT = { 0, UINT16_MAX, OPTION_CODE_DEFAULT } },
	{ MS_ITEM_PORT_PRECEDENCE, YP_TOPT,   YP_VOPT = { precedences, MS_PORT_SVCB } },
	{ MS_ITEM_STATUS_ACL,      YP_TNET,   YP_VNONE, YP_FMULTI },
	{ MS_ITEM_ALGORITHM,       YP_TOPT,   YP_VOPT = { algorithms,
	                                      DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256 } },
	{ MS_ITEM_SINGLE_TYPE,     YP_TBOOL,  YP_VBOOL = { false } },
	{ MS_ITEM_COMPARE,         YP_TSTR,   YP_VNONE, YP_FMULTI },
	{ MS_ITEM_GATE,            YP_TBOOL,  YP_VBOOL = { true } },
	{ MS_ITEM_MODE,            YP_TOPT,   YP_VOPT = { modes, MS_MODE_AUTO } },
	{ MS_ITEM_AGENT_KEY,       YP_TDNAME, YP_VNONE },
	{ MS_ITEM_COMBINER,        YP_TADDR,  YP_VADDR = { DNS_PORT } },
	{ MS_ITEM_COMBINER_KEY,    YP_TDNAME, YP_VNONE },
	{ MS_ITEM_PARENT,          YP_TOPT,   YP_VOPT = { parents, MS_PARENT_AUTO },
	                                      YP_FMULTI },
	{ MS_ITEM_UPDATE_SCHEME,   YP_TINT,   YP_VINT = { 0, UINT8_MAX, MS_DSYNC_UPDATE } },
	{ MS_ITEM_KEYSTATE_CODE,   YP_TINT,   YP_VINT = { 0, UINT16_MAX, MS_KEYSTATE_CODE } },
	{ MS_ITEM_PARENT_KEY,      YP_TSTR,   YP_VNONE },
	{ MS_ITEM_REPORT_CHANNEL,  YP_TDNAME, YP_VNONE },
	{ MS_ITEM_APEX_KEY,        YP_TBOOL,  YP_VBOOL = { false } },
	{ MS_ITEM_ZSK_LIFETIME,    YP_TINT,   YP_VINT = { 0, LIFETIME_MAX, 0, YP_STIME } },
	{ MS_ITEM_KSK_LIFETIME,    YP_TINT,   YP_VINT = { 0, LIFETIME_MAX, 0, YP_STIME } },
	{ MS_ITEM_MAX_TTL,         YP_TINT,   YP_VINT = { 0, MAX_TTL_MAX, MAX_TTL_DEFAULT,
	                                                  YP_STIME } },
	{ MS_ITEM_ROLL,            YP_TSTR,   YP_VNONE, YP_FMULTI },
	{ MS_ITEM_STEP,            YP_TSTR,   YP_VNONE, YP_FMULTI },
	{ MS_ITEM_SKIP,            YP_TSTR,   YP_VNONE, YP_FMULTI },
	{ MS_ITEM_ABORT,           YP_TSTR,   YP_VNONE, YP_FMULTI },
	{ NULL }
};

static const char *check_identity(knotd_conf_check_args_t *args)
{
	knotd_conf_t conf = knotd_conf_check_item(args, MS_ITEM_IDENTITY);
	if (conf.count == 0) {
		return "'identity' is missing: set it to the name that HSYNC records call you by";
	}
	size_t size = knot_dname_size(conf.single.dname);
	if (size == 1) {
		return "'identity' is the root: set it to the name that HSYNC records call you by";
	}
	if (size + PREFIX_MAX > KNOT_DNAME_MAXLEN) {
		return "'identity' is too long: '_dns._tcp.' must fit in front of it";
	}
	return NULL;
}

static const char *check_address(const knotd_conf_t *conf)
{
	uint16_t port = 0;
	if (conf->count == 0) {
		return "'address' is missing: list the addresses at which peers reach this server";
	}
	if (conf->count > MS_ADDRS_MAX) {
		return "'address' has more than eight values: list the best eight";
	}
	for (size_t i = 0; i < conf->count; i++) {
		ms_addr_t addr;
		if (!ms_item_addr(&conf->multi[i], &addr)) {
			return "'address' is a socket path: list IP addresses that peers can reach";
		}
		if (ms_addr_is_wildcard(&addr)) {
			return "'address' is a wildcard: list the addresses that peers connect to";
		}
		if (addr.port == 0) {
			return "'address' has port 0: give the port this server listens on";
		}
		if (i > 0 && addr.port != port) {
			return "'address' has different ports: use one, one SVCB record names it";
		}
		port = addr.port;
	}
	return NULL;
}

static const char *check_nameserver(const knotd_conf_t *conf)
{
	for (size_t i = 0; i < conf->count; i++) {
		if (conf->multi[i].dname[0] == '\0') {
			return "'nameserver' is the root: list the names of your name servers";
		}
	}
	return NULL;
}

int ms_conf_component(const char *name, uint16_t hsync_type, uint16_t *out)
{
	if (strcasecmp(name, "RNAME") == 0) {
		*out = MS_COMPONENT_RNAME;
		return KNOT_EOK;
	}
	if (strcasecmp(name, "HSYNC") == 0) {
		*out = hsync_type;
		return KNOT_EOK;
	}
	uint16_t type;
	if (knot_rrtype_from_string(name, &type) < 0 || type == 0 || knot_rrtype_is_metatype(type) ||
	    type == KNOT_RRTYPE_RRSIG || type == KNOT_RRTYPE_NSEC || type == KNOT_RRTYPE_NSEC3 ||
	    type == KNOT_RRTYPE_ZONEMD) {
		return KNOT_EINVAL;
	}
	*out = type;
	return KNOT_EOK;
}

static const char *check_compare(const knotd_conf_t *conf)
{
	if (conf->count > MS_COMPONENTS_MAX) {
		return "'compare' has more than sixteen values: list the most important ones";
	}
	for (size_t i = 0; i < conf->count; i++) {
		uint16_t type;
		if (ms_conf_component(conf->multi[i].string, HSYNC_TYPE_DEFAULT, &type) != KNOT_EOK) {
			return "'compare' names what is each provider's own or no record type: use types "
			       "like NS, CDS, MX, and RNAME or HSYNC";
		}
	}
	return NULL;
}

static const char *check_transport(const knotd_conf_t *conf)
{
	for (size_t i = 0; i < conf->count; i++) {
		if (conf->multi[i].option == MS_TRANSPORT_API) {
			return "'transport: api' is not available in this version: use dns";
		}
	}
	return NULL;
}

static int64_t check_int(knotd_conf_check_args_t *args, const yp_name_t *item)
{
	return knotd_conf_check_item(args, item).single.integer;
}

static const char *check_numbers(knotd_conf_check_args_t *args)
{
	if (check_int(args, MS_ITEM_HEARTBEAT) == 0) {
		return "'heartbeat' is 0: peers would take this agent for dead, use 1s or more";
	}
	if (check_int(args, MS_ITEM_HELLO_RETRY) == 0) {
		return "'hello-retry' is 0: peers would be flooded, use 1s or more";
	}
	if (check_int(args, MS_ITEM_POLL_BUDGET) == 0) {
		return "'poll-budget' is 0: zone changes would go unseen, use 1 or more";
	}
	char type[16];
	int64_t hsync = check_int(args, MS_ITEM_HSYNC_TYPE);
	if (hsync == 0 || knot_rrtype_is_metatype(hsync) ||
	    knot_rrtype_to_string(hsync, type, sizeof(type)) < 0 ||
	    strncmp(type, "TYPE", 4) != 0) {
		return "'hsync-type' is the number of another record type: use an unassigned one";
	}
	if (check_int(args, MS_ITEM_UPDATE_SCHEME) < MS_DSYNC_UPDATE) {
		return "'update-scheme' is 0 or that of NOTIFY: use 2, or one from 128 on";
	}
	if (check_int(args, MS_ITEM_KEYSTATE_CODE) < OPTION_CODE_MIN ||
	    check_int(args, MS_ITEM_KEYSTATE_CODE) == check_int(args, MS_ITEM_OPTION_CODE)) {
		return "'keystate-code' is assigned to another EDNS option: use 65002, or what the parent "
		       "uses";
	}
	if (check_int(args, MS_ITEM_OPTION_CODE) < OPTION_CODE_MIN) {
		return "'option-code' is assigned to another EDNS option: use 21 or more";
	}
	return NULL;
}

/*! The values of parent that stand alone, and what an UPDATE needs. */
static const char *check_parent(knotd_conf_check_args_t *args)
{
	knotd_conf_t conf = knotd_conf_check_item(args, MS_ITEM_PARENT);
	bool update = false, alone = false, twice = conf.count > 2;
	for (size_t i = 0; i < conf.count; i++) {
		unsigned way = conf.multi[i].option;
		update |= way == MS_PARENT_UPDATE;
		alone |= way == MS_PARENT_AUTO || way == MS_PARENT_OFF;
		twice |= i > 0 && way == conf.multi[0].option;
	}
	size_t count = conf.count;
	knotd_conf_free(&conf);
	if (twice || (alone && count > 1)) {
		return "'parent' is a list of notify and update, each once, or auto or off alone";
	}
	if (update && !knotd_conf_check_item(args, MS_ITEM_APEX_KEY).single.boolean) {
		return "'parent: update' needs 'apex-key: on' at every provider: the parent finds our KEY at "
		       "the apex";
	}
	return NULL;
}

/*! A key that is replaced before anybody can forget the one before would be rolled without end. */
static const char *check_lifetimes(knotd_conf_check_args_t *args)
{
	int64_t ttl = check_int(args, MS_ITEM_MAX_TTL);
	int64_t zsk = check_int(args, MS_ITEM_ZSK_LIFETIME);
	int64_t ksk = check_int(args, MS_ITEM_KSK_LIFETIME);
	if (ttl == 0) {
		return "'max-ttl' is 0: give the longest TTL in the shared zones, signatures are waited for "
		       "so long";
	}
	if ((zsk > 0 && zsk <= ttl) || (ksk > 0 && ksk <= ttl)) {
		return "'zsk-lifetime' or 'ksk-lifetime' is not longer than 'max-ttl', which a roll waits "
		       "for: use 0 (no lifetime), or days";
	}
	return NULL;
}

static bool is_set(knotd_conf_check_args_t *args, const yp_name_t *item)
{
	return knotd_conf_check_item(args, item).count > 0;
}

/*! Whether the keys exist is seen at load: other sections cannot be read here. */
static const char *check_roles(knotd_conf_check_args_t *args)
{
	bool combiner = is_set(args, MS_ITEM_COMBINER);
	if (combiner && is_set(args, MS_ITEM_AGENT_KEY)) {
		return "'agent-key' and 'combiner' exclude each other: the first is for the combiner, "
		       "the second for the signer behind it";
	}
	if (combiner && !is_set(args, MS_ITEM_COMBINER_KEY)) {
		return "'combiner' needs 'combiner-key': name the TSIG key that it knows us by";
	}
	if (!combiner && is_set(args, MS_ITEM_COMBINER_KEY)) {
		return "'combiner-key' needs 'combiner': give the address of the combiner";
	}
	knotd_conf_t conf = knotd_conf_check_item(args, MS_ITEM_COMBINER);
	ms_addr_t addr;
	if (combiner && (!ms_item_addr(&conf.single, &addr) || ms_addr_is_wildcard(&addr) ||
	                 addr.port == 0)) {
		return "'combiner' is not the address of a server: give IP[@PORT]";
	}
	return NULL;
}

int ms_conf_check(knotd_conf_check_args_t *args)
{
	const char *error = check_identity(args);
	/* Nobody looks for a combiner: only its owner, agent and signer know it. */
	if (error == NULL && !is_set(args, MS_ITEM_AGENT_KEY)) {
		error = ms_item_check(args, MS_ITEM_ADDRESS, check_address);
	}
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_NAMESERVER, check_nameserver);
	}
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_FORWARD, ms_check_forward);
	}
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_COMPARE, check_compare);
	}
	if (error == NULL) {
		error = ms_item_check(args, MS_ITEM_TRANSPORT, check_transport);
	}
	if (error == NULL) {
		error = check_numbers(args);
	}
	if (error == NULL) {
		error = check_roles(args);
	}
	if (error == NULL) {
		error = check_parent(args);
	}
	if (error == NULL) {
		error = check_lifetimes(args);
	}
	if (error == NULL) {
		error = ms_orders_check(args);
	}
	if (error != NULL) {
		args->err_str = error;
		return KNOT_EINVAL;
	}
	return KNOT_EOK;
}
