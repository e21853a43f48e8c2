/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "base/name.h"
#include "common/items.h"
#include "conf.h"

int ms_dsync_storage(knotd_mod_t *mod, char *path, size_t max)
{
	const char *base = ms_server_string(mod, "\x08""database", "\x07""storage");
	return ms_item_path(mod, MS_ITEM_STORAGE, base, "dsync", path, max);
}

static int read_paths(knotd_mod_t *mod, ms_rx_settings_t *out)
{
	const char *rundir = ms_server_string(mod, "\x06""server", "\x06""rundir");
	const char *listen = ms_server_string(mod, "\x07""control", "\x06""listen");
	const struct {
		const yp_name_t *item;
		const char *dir, *dflt;
		char *path;
	} paths[] = {
		{ MS_ITEM_CONTROL, rundir, listen, out->control },
		{ MS_ITEM_KEY, out->storage, "receiver.pem", out->key },
		{ MS_ITEM_ROOT_HINTS, out->storage, NULL, out->root_hints },
		{ MS_ITEM_TRUST_ANCHOR, out->storage, NULL, out->trust_anchor },
		{ MS_ITEM_COMMAND, "/", NULL, out->command },
	};
	int ret = ms_dsync_storage(mod, out->storage, sizeof(out->storage));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && ret == KNOT_EOK; i++) {
		ret = ms_item_path(mod, paths[i].item, paths[i].dir, paths[i].dflt, paths[i].path,
		                MS_RX_PATH_MAX);
	}
	return ret;
}

/*! Sets the flags of an item's values, or those of \a dflt, which ends with 0. */
static void read_set(knotd_mod_t *mod, const yp_name_t *item, const uint8_t *dflt, bool *out,
                     size_t size)
{
	knotd_conf_t conf = knotd_conf_mod(mod, item);
	for (size_t i = 0; i < conf.count; i++) {
		if (conf.multi[i].option < size) {
			out[conf.multi[i].option] = true;
		}
	}
	for (; conf.count == 0 && *dflt != 0; dflt++) {
		out[*dflt] = true;
	}
	knotd_conf_free(&conf);
}

static int64_t integer(knotd_mod_t *mod, const yp_name_t *item)
{
	return knotd_conf_mod(mod, item).single.integer;
}

static ms_rx_rate_t read_rate(knotd_mod_t *mod, const yp_name_t *item)
{
	return (ms_rx_rate_t){ integer(mod, item), integer(mod, MS_ITEM_BURST) };
}

static void read_policy(knotd_mod_t *mod, ms_rx_settings_t *out)
{
	static const uint8_t algorithms[] = { 8, 10, 13, 14, 15, 16, 0 };
	static const uint8_t digests[] = { 2, 4, 0 };
	ms_policy_t *p = &out->policy;
	unsigned update = ms_item_bits(mod, MS_ITEM_UPDATE, MS_UPDATE_NS | MS_UPDATE_DS);
	unsigned ds = ms_item_bits(mod, MS_ITEM_BOOTSTRAP_DS, MS_BOOT_DS_SIGNAL);
	read_set(mod, MS_ITEM_ALGORITHM, algorithms, p->algorithm, sizeof(p->algorithm));
	read_set(mod, MS_ITEM_DIGEST, digests, p->digest, sizeof(p->digest));
	p->ns_min = integer(mod, MS_ITEM_NS_MIN);
	p->ds_delete = knotd_conf_mod(mod, MS_ITEM_DS_DELETE).single.boolean;
	p->drop_silent = knotd_conf_mod(mod, MS_ITEM_SILENT).single.option == MS_SILENT_DROP;
	p->update_ns = (update & MS_UPDATE_NONE) == 0 && (update & MS_UPDATE_NS) != 0;
	p->update_ds = (update & MS_UPDATE_NONE) == 0 && (update & MS_UPDATE_DS) != 0;
	p->signals = (ds & MS_BOOT_DS_NEVER) == 0 && (ds & MS_BOOT_DS_SIGNAL) != 0;
	p->hold = (ds & MS_BOOT_DS_NEVER) == 0 && (ds & MS_BOOT_DS_DELAY) != 0
	        ? integer(mod, MS_ITEM_BOOTSTRAP_DELAY) : 0;
}

static void read_trust(knotd_mod_t *mod, ms_rx_settings_t *out)
{
	unsigned ways = ms_item_bits(mod, MS_ITEM_BOOTSTRAP_KEY, MS_BOOT_APEX | MS_BOOT_MANUAL);
	out->trust = (ms_trust_policy_t){
		.at_apex = (ways & MS_BOOT_APEX) != 0,
		.at_ns = (ways & MS_BOOT_NS) != 0,
		.looks = (ways & MS_BOOT_UNSIGNED) != 0,
		.manual = (ways & MS_BOOT_MANUAL) != 0,
		.looks_min = integer(mod, MS_ITEM_KEY_LOOKS),
		.look_interval = integer(mod, MS_ITEM_KEY_INTERVAL),
		.keys_max = integer(mod, MS_ITEM_KEYS_PER_CHILD),
		.roll = knotd_conf_mod(mod, MS_ITEM_KEY_ROLL).single.boolean,
	};
	knotd_conf_t conf = knotd_conf_mod(mod, MS_ITEM_TRUST);
	for (size_t i = 0; i < conf.count && out->hand_count < MS_RX_HAND_MAX; i++) {
		out->hand_count += ms_dsync_hand(conf.multi[i].string,
		                                 &out->hand[out->hand_count]) == KNOT_EOK;
	}
	knotd_conf_free(&conf);
}

static void read_numbers(knotd_mod_t *mod, ms_rx_settings_t *out)
{
	out->publish = knotd_conf_mod(mod, MS_ITEM_PUBLISH).single.boolean;
	out->update_scheme = integer(mod, MS_ITEM_UPDATE_SCHEME);
	out->keystate_code = integer(mod, MS_ITEM_OPTION_CODE);
	out->bootstrap_key = integer(mod, MS_ITEM_BOOTSTRAP_PARAM);
	out->checkers = integer(mod, MS_ITEM_CHECKERS);
	out->timeout = integer(mod, MS_ITEM_TIMEOUT) * MS_SEC;
	out->look_interval = integer(mod, MS_ITEM_KEY_INTERVAL) * MS_SEC;
	out->ds_ttl = integer(mod, MS_ITEM_DS_TTL);
	out->ns_ttl = integer(mod, MS_ITEM_NS_TTL);
	out->table = integer(mod, MS_ITEM_TABLE_SIZE);
	out->children_max = integer(mod, MS_ITEM_CHILDREN_MAX);
	out->notify_source = read_rate(mod, MS_ITEM_NOTIFY_SOURCE);
	out->notify_child = read_rate(mod, MS_ITEM_NOTIFY_CHILD);
	out->update_source = read_rate(mod, MS_ITEM_UPDATE_SOURCE);
	out->update_child = read_rate(mod, MS_ITEM_UPDATE_CHILD);
	out->pace = (ms_pace_policy_t){
		.scan = integer(mod, MS_ITEM_SCAN) * MS_SEC,
		.retry = integer(mod, MS_ITEM_RETRY) * MS_SEC,
		.retries = integer(mod, MS_ITEM_RETRIES),
		.gap = integer(mod, MS_ITEM_GAP) * MS_SEC,
	};
}

int ms_dsync_settings(knotd_mod_t *mod, ms_rx_settings_t *out, char error[MS_RX_ERROR_MAX])
{
	memset(out, 0, sizeof(*out));
	const knot_dname_t *target = knotd_conf_mod(mod, MS_ITEM_TARGET).single.dname;
	if (target == NULL) {
		(void)snprintf(error, MS_RX_ERROR_MAX, "'target' is missing: set it to the name that "
		               "DSYNC records shall point to");
		return KNOT_EINVAL;
	}
	ms_name_copy_lower(out->target, target);
	out->addr_count = ms_item_addrs(mod, MS_ITEM_ADDRESS, out->addr, MS_ADDRS_MAX);
	out->forward_count = ms_item_addrs(mod, MS_ITEM_FORWARD, out->forward, MS_FORWARD_MAX);
	out->listen = ms_server_listen(mod);
	if (out->listen.family == 0) {
		out->listen = out->addr[0];
	}
	read_numbers(mod, out);
	read_policy(mod, out);
	read_trust(mod, out);
	int ret = read_paths(mod, out);
	if (ret != KNOT_EOK) {
		(void)snprintf(error, MS_RX_ERROR_MAX, "a path of this section or of 'database' or "
		               "'server.rundir' is longer than %u characters: shorten it",
		               (unsigned)MS_RX_PATH_MAX - 1);
	}
	/* A root of one's own is a laboratory. */
	out->local = out->root_hints[0] != '\0';
	return ret;
}

int ms_dsync_status_acl(knotd_mod_t *mod, knotd_conf_t *out)
{
	return ms_item_acl(mod, MS_ITEM_STATUS_ACL, out);
}

void ms_dsync_warn(knotd_mod_t *mod, const knot_dname_t *zone)
{
	if (knotd_conf_mod(mod, MS_ITEM_APPLY).single.option != MS_APPLY_ZONE) {
		return;
	}
	unsigned journal = knotd_conf_zone(mod, "\x0F""journal-content", zone).single.option;
	unsigned load = knotd_conf_zone(mod, "\x0D""zonefile-load", zone).single.option;
	if (load == MS_COMPAT_ZONEFILE_NONE && journal != MS_COMPAT_JOURNAL_ALL) {
		knotd_mod_log(mod, LOG_WARNING, "zone has 'zonefile-load: none' without "
		              "'journal-content: all': a restart loses delegations; set it");
	}
	if (journal == MS_COMPAT_JOURNAL_NONE) {
		knotd_mod_log(mod, LOG_WARNING, "zone has 'journal-content: none': a restart loses "
		              "delegations; set it to changes or all");
	}
}
