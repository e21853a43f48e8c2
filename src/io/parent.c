/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/parent.h"

#include <stdio.h>
#include <stdlib.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "base/name.h"
#include "io/observe.h"

static int blame(const ms_enquiry_t *enquiry, const char *what, char *error, size_t error_max)
{
	knot_dname_txt_storage_t name = "?";
	(void)knot_dname_to_str(name, enquiry->name, sizeof(name));
	(void)snprintf(error, error_max, "%s at %s %s", what, name,
	               enquiry->ret == KNOT_DNSSEC_ENOSIG ? "is bogus"
	               : enquiry->ret == KNOT_ETIMEOUT ? "is not answered" : "cannot be looked up");
	return enquiry->ret;
}

/* One question. \a out->set is the caller's to clear. */
static int ask(ms_enquirer_t *enquirer, const knot_dname_t *name, uint16_t type, const char *what,
               ms_now_t now, const atomic_bool *stop, ms_enquiry_t *out, char *error,
               size_t error_max)
{
	*out = (ms_enquiry_t){ .type = type };
	ms_name_copy_lower(out->name, name);
	int ret = ms_enquire(enquirer, out, 1, now, stop, error, error_max);
	return ret != KNOT_EOK ? ret : out->ret != KNOT_EOK ? blame(out, what, error, error_max)
	                                                   : KNOT_EOK;
}

int ms_parent_zone(ms_enquirer_t *enquirer, const knot_dname_t *child, ms_now_t now,
                   const atomic_bool *stop, knot_dname_storage_t out, char *error,
                   size_t error_max)
{
	if (child[0] == '\0') {
		(void)snprintf(error, error_max, "the root has no parent");
		return KNOT_ENOENT;
	}
	ms_enquiry_t soa;
	const knot_dname_t *above = ms_compat_next_label(child);
	int ret = ask(enquirer, above, KNOT_RRTYPE_SOA, "SOA", now, stop, &soa, error, error_max);
	if (ret == KNOT_EOK && soa.set.rrs.count > 0) {
		ms_name_copy_lower(out, above);
	} else if (ret == KNOT_EOK && soa.has_soa && knot_dname_in_bailiwick(above, soa.soa) >= 0) {
		ms_name_copy(out, soa.soa);
	} else if (ret == KNOT_EOK) {
		(void)snprintf(error, error_max, "no zone above is found");
		ret = KNOT_ENOENT;
	}
	ms_rrset_clear(&soa.set);
	return ret;
}

/* Names of \a ns as a list. NULL: no memory. */
static knot_dname_storage_t *list_hosts(const ms_rrset_t *ns)
{
	knot_dname_storage_t *hosts = calloc(ns->rrs.count + 1u, sizeof(*hosts));
	const knot_rdata_t *rr = ns->rrs.rdata;
	for (uint16_t i = 0; hosts != NULL && i < ns->rrs.count;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		ms_name_copy_lower(hosts[i], rr->data);
	}
	return hosts;
}

int ms_parent_observe(ms_enquirer_t *enquirer, ms_seen_t *seen, ms_now_t now,
                      const atomic_bool *stop, char *error, size_t error_max)
{
	int ret = ms_parent_zone(enquirer, seen->name, now, stop, seen->zone, error, error_max);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_enquiry_t ns;
	ret = ask(enquirer, seen->zone, KNOT_RRTYPE_NS, "NS", now, stop, &ns, error, error_max);
	if (ret == KNOT_EOK && (ns.set.rrs.count == 0 || ns.set.rrs.count > MS_SEEN_HOSTS_MAX)) {
		(void)snprintf(error, error_max, "the parent has no name servers, or too many");
		ret = KNOT_ENOENT;
	}
	knot_dname_storage_t *hosts = ret == KNOT_EOK ? list_hosts(&ns.set) : NULL;
	if (ret == KNOT_EOK) {
		ret = hosts == NULL ? KNOT_ENOMEM
		    : ms_observe_hosts(enquirer, seen, hosts, ns.set.rrs.count, now, stop, error,
		                       error_max);
	}
	free(hosts);
	ms_rrset_clear(&ns.set);
	return ret;
}

/* Malformed records and those beyond our room are passed over (J-03 is the chooser's). */
static void take_offers(const ms_enquiry_t *enquiry, ms_offers_t *out)
{
	const knot_rdata_t *rr = enquiry->set.rrs.rdata;
	for (uint16_t i = 0; i < enquiry->set.rrs.count && out->count < MS_OFFERS_MAX;
	     i++, rr = knot_rdataset_next((knot_rdata_t *)rr)) {
		out->count += ms_dsync_decode(rr->data, rr->len, &out->list[out->count]) == KNOT_EOK;
	}
	ms_name_copy(out->owner, enquiry->name);
}

int ms_parent_offers(ms_enquirer_t *enquirer, const knot_dname_t *child, ms_now_t now,
                     const atomic_bool *stop, ms_offers_t *out, char *error, size_t error_max)
{
	knot_dname_storage_t name = "", soa = "";
	bool has_soa = false;
	ms_offers_t offers = { .secure = true, .ttl = UINT32_MAX };
	int ret = KNOT_EOK;
	for (unsigned asked = 0; ret == KNOT_EOK && offers.count == 0 &&
	     ms_dsync_next(child, asked, has_soa ? soa : NULL, name) == KNOT_EOK; asked++) {
		ms_enquiry_t one;
		ret = ask(enquirer, name, MS_RRTYPE_DSYNC, "DSYNC", now, stop, &one, error, error_max);
		if (ret == KNOT_EOK) {
			offers.secure &= one.secure;
			offers.ttl = one.ttl < offers.ttl ? one.ttl : offers.ttl;
			take_offers(&one, &offers);
			has_soa = one.has_soa;
			ms_name_copy(soa, one.soa);
		}
		ms_rrset_clear(&one.set);
	}
	if (ret == KNOT_EOK) {
		offers.ttl = offers.ttl != UINT32_MAX ? offers.ttl : 0;
		if (offers.count == 0) {
			offers.owner[0] = '\0';
		}
		*out = offers;
	}
	return ret;
}
