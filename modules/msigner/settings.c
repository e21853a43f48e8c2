/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "common/items.h"
#include "conf.h"
#include "orders.h"
#include "wire/msopt.h"

#define NS_TTL 3600 /* Of our NS contribution where the zone has no NS TTL yet. */

int ms_settings_storage(knotd_mod_t *mod, char *path, size_t max)
{
	const char *base = ms_server_string(mod, "\x08""database", "\x07""storage");
	return ms_item_path(mod, MS_ITEM_STORAGE, base, "msigner", path, max);
}

/*! "agent.alpha.example.pem" for the identity agent.alpha.example. */
static void key_name(const knot_dname_t *identity, char out[KNOT_DNAME_TXT_MAXLEN + 8])
{
	knot_dname_txt_storage_t text;
	(void)knot_dname_to_str(text, identity, sizeof(text));
	size_t len = strlen(text);
	if (len > 1 && text[len - 1] == '.') {
		text[len - 1] = '\0';
	}
	for (char *c = text; *c != '\0'; c++) {
		*c = *c == '/' ? '_' : *c;
	}
	(void)snprintf(out, KNOT_DNAME_TXT_MAXLEN + 8, "%s.pem", text);
}

static int read_paths(knotd_mod_t *mod, ms_settings_t *out)
{
	char key[KNOT_DNAME_TXT_MAXLEN + 8];
	key_name(out->config.identity, key);

	const char *rundir = ms_server_string(mod, "\x06""server", "\x06""rundir");
	const char *db = ms_server_string(mod, "\x08""database", "\x07""storage");
	const char *kasp = ms_server_string(mod, "\x08""database", "\x07""kasp-db");
	const char *listen = ms_server_string(mod, "\x07""control", "\x06""listen");

	int ret = ms_settings_storage(mod, out->storage, sizeof(out->storage));
	if (ret == KNOT_EOK) {
		ret = ms_path_join(db, kasp, out->kasp_db, sizeof(out->kasp_db));
	}
	if (ret == KNOT_EOK) {
		ret = ms_item_path(mod, MS_ITEM_CONTROL, rundir, listen, out->control,
		                sizeof(out->control));
	}
	if (ret == KNOT_EOK) {
		ret = ms_item_path(mod, MS_ITEM_KEY, out->storage, key, out->key, sizeof(out->key));
	}
	if (ret == KNOT_EOK) {
		ret = ms_item_path(mod, MS_ITEM_PARENT_KEY, out->storage, "parent.pem", out->parent_key,
		                sizeof(out->parent_key));
	}
	if (ret == KNOT_EOK) {
		ret = ms_item_path(mod, MS_ITEM_ROOT_HINTS, out->storage, NULL, out->root_hints,
		                sizeof(out->root_hints));
	}
	if (ret == KNOT_EOK) {
		ret = ms_item_path(mod, MS_ITEM_TRUST_ANCHOR, out->storage, NULL, out->trust_anchor,
		                sizeof(out->trust_anchor));
	}
	return ret;
}

/*! IP addresses of an item; socket paths were refused by the check. */
static int read_nameservers(knotd_mod_t *mod, ms_rrset_t *out)
{
	int ret = KNOT_EOK;
	knotd_conf_t conf = knotd_conf_mod(mod, MS_ITEM_NAMESERVER);
	for (size_t i = 0; i < conf.count && ret == KNOT_EOK; i++) {
		knot_dname_storage_t name;
		size_t len = knot_dname_store(name, conf.multi[i].dname);
		knot_dname_to_lower(name);
		ret = ms_rrset_add(out, name, len);
	}
	knotd_conf_free(&conf);
	out->ttl = NS_TTL;
	return ret;
}

/*! The check has seen to it that both names fit. */
static int read_names(knotd_mod_t *mod, ms_config_t *out)
{
	const knot_dname_t *identity = knotd_conf_mod(mod, MS_ITEM_IDENTITY).single.dname;
	if (identity == NULL || knot_dname_store(out->identity, identity) == 0) {
		return KNOT_EINVAL;
	}
	knot_dname_to_lower(out->identity);
	memcpy(out->host, "\x02""ns", 3);
	int len = knot_dname_to_wire(out->host + 3, out->identity, sizeof(out->host) - 3);
	return len < 0 ? len : KNOT_EOK;
}

/*! Ways to tell a parent, the preferred one first. */
static void read_parent(knotd_mod_t *mod, ms_config_t *out)
{
	out->update_scheme = knotd_conf_mod(mod, MS_ITEM_UPDATE_SCHEME).single.integer;
	knotd_conf_t conf = knotd_conf_mod(mod, MS_ITEM_PARENT);
	unsigned only = conf.count == 1 ? conf.multi[0].option : MS_PARENT_AUTO;
	if (conf.count <= 1 && only == MS_PARENT_AUTO) {
		out->parent[out->parent_count++] = MS_DSYNC_NOTIFY;
		out->parent[out->parent_count] = MS_DSYNC_UPDATE;
		out->parent_count += out->apex_key;
	}
	for (size_t i = 0; i < conf.count && out->parent_count < MS_PARENT_WAYS; i++) {
		if (conf.multi[i].option == MS_PARENT_NOTIFY || conf.multi[i].option == MS_PARENT_UPDATE) {
			out->parent[out->parent_count++] = conf.multi[i].option == MS_PARENT_NOTIFY
			                                 ? MS_DSYNC_NOTIFY : MS_DSYNC_UPDATE;
		}
	}
	knotd_conf_free(&conf);
	const knot_dname_t *channel = knotd_conf_mod(mod, MS_ITEM_REPORT_CHANNEL).single.dname;
	if (channel != NULL && knot_dname_store(out->channel, channel) > 0) {
		knot_dname_to_lower(out->channel);
	}
}

static void read_config(knotd_mod_t *mod, ms_config_t *out)
{
	out->codes.hsync_type = knotd_conf_mod(mod, MS_ITEM_HSYNC_TYPE).single.integer;
	out->codes.option_code = knotd_conf_mod(mod, MS_ITEM_OPTION_CODE).single.integer;
	out->dialect = knotd_conf_mod(mod, MS_ITEM_HSYNC_DIALECT).single.option;
	out->transport = ms_item_bits(mod, MS_ITEM_TRANSPORT, MS_TRANSPORT_DNS);
	out->sync = ms_item_bits(mod, MS_ITEM_SYNC_MODEL, MS_SYNC_LEADER | MS_SYNC_PEER);
	out->heartbeat = knotd_conf_mod(mod, MS_ITEM_HEARTBEAT).single.integer * MS_SEC;
	out->hello_retry = knotd_conf_mod(mod, MS_ITEM_HELLO_RETRY).single.integer * MS_SEC;
	out->algorithm = knotd_conf_mod(mod, MS_ITEM_ALGORITHM).single.option;
	out->single_type = knotd_conf_mod(mod, MS_ITEM_SINGLE_TYPE).single.boolean;
	out->hold = knotd_conf_mod(mod, MS_ITEM_MODE).single.option == MS_MODE_HOLD;
	out->gate = knotd_conf_mod(mod, MS_ITEM_GATE).single.boolean;
	out->apex_key = knotd_conf_mod(mod, MS_ITEM_APEX_KEY).single.boolean;
	out->zsk_lifetime = knotd_conf_mod(mod, MS_ITEM_ZSK_LIFETIME).single.integer;
	out->ksk_lifetime = knotd_conf_mod(mod, MS_ITEM_KSK_LIFETIME).single.integer;
	out->max_ttl = knotd_conf_mod(mod, MS_ITEM_MAX_TTL).single.integer;
	read_parent(mod, out);
	out->publish = knotd_conf_mod(mod, MS_ITEM_PUBLISH).single.boolean;
	out->addr_count = ms_item_addrs(mod, MS_ITEM_ADDRESS, out->addr, MS_ADDRS_MAX);
}

/*! What the minutes and drafts name (O-02..O-11), where nothing is configured. */
static const char *const compare_default[] = {
	"SOA", "RNAME", "NS", "DNSKEY", "CDS", "CDNSKEY", "CSYNC", "KEY", "HSYNC", "NSEC3PARAM",
};

static void read_compare(knotd_mod_t *mod, ms_config_t *out)
{
	knotd_conf_t conf = knotd_conf_mod(mod, MS_ITEM_COMPARE);
	size_t count = conf.count > 0 ? conf.count
	             : sizeof(compare_default) / sizeof(compare_default[0]);
	for (size_t i = 0; i < count && out->compare_count < MS_COMPONENTS_MAX; i++) {
		const char *name = conf.count > 0 ? conf.multi[i].string : compare_default[i];
		out->compare_count += ms_conf_component(name, out->codes.hsync_type,
		                                        &out->compare[out->compare_count]) == KNOT_EOK;
	}
	knotd_conf_free(&conf);
}

/*! A key of the server's section `key`, named by an item of ours; zeros where it names none. */
static int read_key(knotd_mod_t *mod, const yp_name_t *item, ms_tsig_key_t *out,
                    char error[MS_ERROR_MAX])
{
	static const char *const section = "\x03""key";
	ms_tsig_key_wipe(out);
	const knot_dname_t *name = knotd_conf_mod(mod, item).single.dname;
	if (name == NULL) {
		return KNOT_EOK;
	}
	knotd_conf_t id = { .single = { .data = name, .data_len = knot_dname_size(name) } };
	knotd_conf_t algorithm = knotd_conf(mod, section, "\x09""algorithm", &id);
	knotd_conf_t secret = knotd_conf(mod, section, "\x06""secret", &id);
	int ret = ms_tsig_key_set(out, name, algorithm.single.option, secret.single.data,
	                          secret.single.data_len);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_ERROR_MAX, ret == KNOT_ESPACE
		               ? "the secret of the key in '%s' is longer than %u octets: use one of 32"
		               : "'%s' names a key that section 'key' does not have: add it there",
		               item + 1, MS_TSIG_SECRET_MAX);
	}
	return ret;
}

/*! As a combiner, or with one. */
static int read_roles(knotd_mod_t *mod, ms_settings_t *out, char error[MS_ERROR_MAX])
{
	knotd_conf_t combiner = knotd_conf_mod(mod, MS_ITEM_COMBINER);
	if (!ms_item_addr(&combiner.single, &out->combiner)) {
		out->combiner = (ms_addr_t){ 0 };
	}
	int ret = read_key(mod, MS_ITEM_AGENT_KEY, &out->agent_key, error);
	if (ret == KNOT_EOK) {
		ret = read_key(mod, MS_ITEM_COMBINER_KEY, &out->combiner_key, error);
	}
	out->config.combiner_role = out->agent_key.secret_len > 0;
	out->config.remote_combiner = out->combiner_key.secret_len > 0;
	out->config.publish = out->config.publish && !out->config.combiner_role;
	return ret;
}

/*! Everything that is plain memory. */
static int read_plain(knotd_mod_t *mod, ms_settings_t *out, char error[MS_ERROR_MAX])
{
	int ret = read_names(mod, &out->config);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_ERROR_MAX, "'identity' cannot be used: set it to the name "
		               "that HSYNC records call you by");
		return ret;
	}
	read_config(mod, &out->config);
	read_compare(mod, &out->config);
	out->forward_count = ms_item_addrs(mod, MS_ITEM_FORWARD, out->forward, MS_FORWARD_MAX);
	out->uri_port_wins = knotd_conf_mod(mod, MS_ITEM_PORT_PRECEDENCE).single.option ==
	                     MS_PORT_URI;
	out->keystate_code = knotd_conf_mod(mod, MS_ITEM_KEYSTATE_CODE).single.integer;
	out->poll_budget = knotd_conf_mod(mod, MS_ITEM_POLL_BUDGET).single.integer;
	out->listen = ms_server_listen(mod);
	if (out->listen.family == 0) {
		out->listen = out->config.addr[0];
	}
	ret = read_roles(mod, out, error);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = read_paths(mod, out);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_ERROR_MAX, "a path of this section or of 'database' or "
		               "'server.rundir' is longer than %u characters: shorten it",
		               (unsigned)MS_PATH_MAX - 1);
	}
	return ret;
}

int ms_settings_read(knotd_mod_t *mod, ms_settings_t *out, char error[MS_ERROR_MAX])
{
	memset(out, 0, sizeof(*out));
	int ret = read_plain(mod, out, error);
	if (ret == KNOT_EOK) {
		ret = read_nameservers(mod, &out->config.ns);
		if (ret != KNOT_EOK) {
			(void)snprintf(error, MS_ERROR_MAX, "'nameserver' cannot be taken over: %s",
			               knot_strerror(ret));
		}
	}
	if (ret == KNOT_EOK) {
		ret = ms_orders_take(mod, &out->config);
		if (ret != KNOT_EOK) {
			(void)snprintf(error, MS_ERROR_MAX, "'roll', 'step', 'skip' or 'abort' cannot be "
			               "taken over: %s", knot_strerror(ret));
		}
	}
	if (ret != KNOT_EOK) {
		ms_settings_deinit(out);
	}
	return ret;
}

void ms_settings_deinit(ms_settings_t *settings)
{
	ms_rrset_clear(&settings->config.ns);
	free(settings->config.orders);
	ms_tsig_key_wipe(&settings->agent_key);
	ms_tsig_key_wipe(&settings->combiner_key);
}

int ms_settings_status_acl(knotd_mod_t *mod, knotd_conf_t *out)
{
	return ms_item_acl(mod, MS_ITEM_STATUS_ACL, out);
}

/*! The id of a zone's policy; Knot falls back to the one named "default". */
static knotd_conf_t policy_id(knotd_mod_t *mod, const knot_dname_t *zone)
{
	static const uint8_t dflt[] = "default";
	knotd_conf_t id = knotd_conf_zone(mod, "\x0D""dnssec-policy", zone);
	if (id.single.data == NULL || id.single.data_len == 0) {
		id.single.data = dflt;
		id.single.data_len = sizeof(dflt);
	}
	return id;
}

static void warn_signing(knotd_mod_t *mod, const knot_dname_t *zone, ms_opt_t *out)
{
	static const char *const policy = "\x06""policy";
	knotd_conf_t id = policy_id(mod, zone);

	out->managed = knotd_conf(mod, policy, "\x06""manual", &id).single.boolean;
	if (!out->managed) {
		knotd_mod_log(mod, LOG_WARNING, "policy is not 'manual: on': keys roll by Knot's "
		              "own timers, without the other providers; set it");
	}
	out->sheds = knotd_conf(mod, policy, "\x11""dnskey-management", &id).single.option !=
	             MS_COMPAT_DNSKEY_INCREMENTAL;
	if (out->sheds) {
		knotd_mod_log(mod, LOG_WARNING, "policy is not 'dnskey-management: incremental': "
		              "each signing would remove the other providers' keys, so nothing is "
		              "combined; set it and 'delete-delay'");
	}
	if (knotd_conf(mod, policy, "\x13""cds-cdnskey-publish", &id).single.option !=
	    MS_COMPAT_CDS_ALWAYS) {
		knotd_mod_log(mod, LOG_WARNING, "policy is not 'cds-cdnskey-publish: always': the "
		              "other providers cannot learn our CDS; set it");
	}
}

void ms_settings_zone(knotd_mod_t *mod, const knot_dname_t *zone, ms_opt_t *out)
{
	memset(out, 0, sizeof(*out));
	out->signing = knotd_conf_zone(mod, "\x0E""dnssec-signing", zone).single.boolean;
	if (out->signing) {
		warn_signing(mod, zone, out);
	}
	if (knotd_conf_zone(mod, "\x0D""zonefile-sync", zone).single.integer != -1) {
		knotd_mod_log(mod, LOG_WARNING, "zone has not 'zonefile-sync: -1': knotd writes "
		              "the other providers' records into the zone file; set it");
	}
	unsigned journal = knotd_conf_zone(mod, "\x0F""journal-content", zone).single.option;
	unsigned load = knotd_conf_zone(mod, "\x0D""zonefile-load", zone).single.option;
	if (!out->signing && MS_COMPAT_JOURNAL_ONLY_UP) {
		if (journal != MS_COMPAT_JOURNAL_NONE) {
			knotd_mod_log(mod, LOG_WARNING, "unsigned zone without 'journal-content: none': "
			              "knotd's journal refuses our serials, and with them whatever we "
			              "have to combine; set it");
		}
	} else if (load == MS_COMPAT_ZONEFILE_NONE && journal != MS_COMPAT_JOURNAL_ALL) {
		knotd_mod_log(mod, LOG_WARNING, "zone has 'zonefile-load: none' without "
		              "'journal-content: all': a restart loses our edits; set it");
	}
	if (load != MS_COMPAT_ZONEFILE_NONE && load != MS_COMPAT_ZONEFILE_WHOLE) {
		knotd_mod_log(mod, LOG_WARNING, "zone has 'zonefile-load: difference': each reload "
		              "takes our edits out; set it to none or whole");
	}
}
