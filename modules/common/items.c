/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/items.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/resolver.h"

bool ms_item_addr(const knotd_conf_val_t *val, ms_addr_t *out)
{
	return ms_addr_from_sockaddr(&val->addr, out) == KNOT_EOK;
}

bool ms_addr_is_wildcard(const ms_addr_t *addr)
{
	static const uint8_t zero[sizeof(addr->ip)];
	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

int ms_path_join(const char *dir, const char *name, char *out, size_t max)
{
	int len = name[0] == '/' ? snprintf(out, max, "%s", name)
	                         : snprintf(out, max, "%s/%s", dir, name);
	return len < 0 || (size_t)len >= max ? KNOT_ESPACE : KNOT_EOK;
}

/* The first value of an item, set or default, single or not. */
static const knotd_conf_val_t *first(const knotd_conf_t *conf)
{
	return conf->count > 0 && conf->multi != NULL ? &conf->multi[0] : &conf->single;
}

const char *ms_server_string(knotd_mod_t *mod, const yp_name_t *section, const yp_name_t *item)
{
	knotd_conf_t conf = knotd_conf(mod, section, item, NULL);
	const char *string = first(&conf)->string;
	knotd_conf_free(&conf);
	return string != NULL ? string : "";
}

ms_addr_t ms_server_listen(knotd_mod_t *mod)
{
	ms_addr_t found = { 0 };
	knotd_conf_t conf = knotd_conf(mod, "\x06""server", "\x06""listen", NULL);
	for (size_t i = 0; i < conf.count && found.family == 0; i++) {
		if (!ms_item_addr(&conf.multi[i], &found)) {
			found = (ms_addr_t){ 0 };
		}
	}
	knotd_conf_free(&conf);
	if (found.family == AF_INET && ms_addr_is_wildcard(&found)) {
		found.ip[0] = 127;
		found.ip[3] = 1;
	} else if (found.family == AF_INET6 && ms_addr_is_wildcard(&found)) {
		found.ip[15] = 1;
	}
	return found;
}

int ms_item_path(knotd_mod_t *mod, const yp_name_t *item, const char *dir, const char *dflt,
                 char *out, size_t max)
{
	const char *path = knotd_conf_mod(mod, item).single.string;
	path = path != NULL ? path : dflt;
	if (path == NULL) {
		out[0] = '\0';
		return KNOT_EOK;
	}
	return ms_path_join(dir, path, out, max);
}

uint8_t ms_item_addrs(knotd_mod_t *mod, const yp_name_t *item, ms_addr_t *out, uint8_t max)
{
	uint8_t count = 0;
	knotd_conf_t conf = knotd_conf_mod(mod, item);
	for (size_t i = 0; i < conf.count && count < max; i++) {
		count += ms_item_addr(&conf.multi[i], &out[count]);
	}
	knotd_conf_free(&conf);
	return count;
}

unsigned ms_item_bits(knotd_mod_t *mod, const yp_name_t *item, unsigned dflt)
{
	unsigned bits = 0;
	knotd_conf_t conf = knotd_conf_mod(mod, item);
	for (size_t i = 0; i < conf.count; i++) {
		bits |= conf.multi[i].option;
	}
	knotd_conf_free(&conf);
	return bits != 0 ? bits : dflt;
}

int ms_item_acl(knotd_mod_t *mod, const yp_name_t *item, knotd_conf_t *out)
{
	knotd_conf_t conf = knotd_conf_mod(mod, item);
	if (conf.count == 0) {
		/* A schema default cannot have two values. */
		conf = (knotd_conf_t){ .multi = calloc(2, sizeof(*conf.multi)), .count = 2 };
		if (conf.multi == NULL) {
			return KNOT_ENOMEM;
		}
		struct sockaddr_in *v4 = (struct sockaddr_in *)&conf.multi[0].addr;
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		conf.multi[0].addr_mask = 8;
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&conf.multi[1].addr;
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_loopback;
		conf.multi[1].addr_mask = 128;
	}
	*out = conf;
	return KNOT_EOK;
}

const char *ms_item_check(knotd_conf_check_args_t *args, const yp_name_t *item,
                          const char *(*check)(const knotd_conf_t *))
{
	knotd_conf_t conf = knotd_conf_check_item(args, item);
	const char *error = check(&conf);
	knotd_conf_free(&conf);
	return error;
}

const char *ms_check_forward(const knotd_conf_t *conf)
{
	if (conf->count > MS_FORWARD_MAX) {
		return "'forward' has more than four values: list the best four resolvers";
	}
	for (size_t i = 0; i < conf->count; i++) {
		ms_addr_t addr;
		if (!ms_item_addr(&conf->multi[i], &addr) || ms_addr_is_wildcard(&addr)) {
			return "'forward' is not the address of a resolver: give IP[@PORT]";
		}
	}
	return NULL;
}
