/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver/publication.h"

#include <libknot/libknot.h>

#include "base/cursor.h"
#include "base/name.h"
#include "wire/bootstrap.h"
#include "wire/dsync.h"

/* SVCB with eight hints and the longest list of ways. */
#define SVCB_MAX 512

static int add_dsync(ms_publication_t *p, uint16_t type, uint8_t scheme, uint16_t port)
{
	uint8_t rdata[MS_DSYNC_RDATA_MAX];
	ms_dsync_t dsync = { .rrtype = type, .scheme = scheme, .port = port };
	ms_name_copy(dsync.target, p->target);
	int len = ms_dsync_encode(&dsync, rdata, sizeof(rdata));
	return len < 0 ? len : ms_rrset_add(&p->dsync, rdata, len);
}

static int add_addrs(ms_publication_t *p, const ms_rx_settings_t *s)
{
	int ret = KNOT_EOK;
	for (uint8_t i = 0; i < s->addr_count && ret == KNOT_EOK; i++) {
		bool v4 = s->addr[i].family == AF_INET;
		ret = ms_rrset_add(v4 ? &p->a : &p->aaaa, s->addr[i].ip, v4 ? 4 : 16);
	}
	return ret;
}

static unsigned list_ways(const ms_trust_policy_t *trust)
{
	return (trust->at_apex ? MS_BOOTSTRAP_APEX : 0) | (trust->at_ns ? MS_BOOTSTRAP_NS : 0) |
	       (trust->looks ? MS_BOOTSTRAP_UNSIGNED : 0) | (trust->manual ? MS_BOOTSTRAP_MANUAL : 0);
}

/* `1 . port=… ipv4hint=… bootstrap=at-apex,…` */
static int add_svcb(ms_publication_t *p, const ms_rx_settings_t *s, uint16_t port)
{
	uint8_t rdata[SVCB_MAX], ways[MS_BOOTSTRAP_MAX];
	int len = ms_svcb_encode(port, s->addr, s->addr_count, rdata, sizeof(rdata));
	if (len < 0) {
		return len;
	}
	int ways_len = ms_bootstrap_encode(list_ways(&s->trust), ways, sizeof(ways));
	ms_writer_t w = ms_writer(rdata + len, sizeof(rdata) - len);
	if (ways_len > 0) {
		ms_write_u16(&w, s->bootstrap_key);
		ms_write_u16(&w, ways_len);
		ms_write_bytes(&w, ways, ways_len);
	}
	return w.ret != KNOT_EOK ? w.ret : ms_rrset_add(&p->svcb, rdata, len + ms_writer_len(&w));
}

static void change(ms_publication_t *p, const knot_dname_t *owner, uint16_t type,
                   const ms_rrset_t *set, bool exact)
{
	p->changes[p->count++] = (ms_change_t){
		.owner = owner, .rrtype = type, .ttl = MS_PUBLICATION_TTL, .add = set, .exact = exact,
	};
}

static void list_changes(ms_publication_t *p, bool inside)
{
	change(p, p->wildcard, MS_RRTYPE_DSYNC, &p->dsync, true);
	if (!inside) {
		return;
	}
	/* The target may be a name server, too: its other addresses are not ours to take away. */
	if (p->a.rrs.count > 0) {
		change(p, p->target, KNOT_RRTYPE_A, &p->a, false);
	}
	if (p->aaaa.rrs.count > 0) {
		change(p, p->target, KNOT_RRTYPE_AAAA, &p->aaaa, false);
	}
	change(p, p->target, KNOT_RRTYPE_SVCB, &p->svcb, true);
	change(p, p->target, KNOT_RRTYPE_KEY, &p->key, true);
}

int ms_publication_make(ms_publication_t *p, const ms_rx_settings_t *settings,
                        const ms_keyrr_t *key, const knot_dname_t *zone)
{
	uint16_t port = settings->addr_count > 0 ? settings->addr[0].port : 53;
	*p = (ms_publication_t){ 0 };
	ms_name_copy_lower(p->target, settings->target);
	int ret = ms_dsync_wildcard(zone, p->wildcard);
	if (ret == KNOT_EOK) {
		ret = add_dsync(p, KNOT_RRTYPE_CDS, MS_DSYNC_NOTIFY, port);
	}
	if (ret == KNOT_EOK) {
		ret = add_dsync(p, KNOT_RRTYPE_CSYNC, MS_DSYNC_NOTIFY, port);
	}
	if (ret == KNOT_EOK && (settings->policy.update_ns || settings->policy.update_ds)) {
		ret = add_dsync(p, KNOT_RRTYPE_ANY, settings->update_scheme, port);
	}
	if (ret == KNOT_EOK) {
		ret = add_addrs(p, settings);
	}
	if (ret == KNOT_EOK) {
		ret = add_svcb(p, settings, port);
	}
	if (ret == KNOT_EOK) {
		ret = ms_rrset_add(&p->key, key->rdata, key->len);
	}
	list_changes(p, knot_dname_in_bailiwick(p->target, zone) >= 0);
	return ret;
}

void ms_publication_clear(ms_publication_t *p)
{
	ms_rrset_clear(&p->dsync);
	ms_rrset_clear(&p->a);
	ms_rrset_clear(&p->aaaa);
	ms_rrset_clear(&p->svcb);
	ms_rrset_clear(&p->key);
}
