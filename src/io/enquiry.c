/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/enquiry.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "io/clock.h"
#include "io/context.h"

/* How late the stop flag may be noticed. */
#define SLICE_MS 100

struct ms_enquirer {
	ms_resolver_options_t options;
	ms_addr_t forward[MS_ADDRS_MAX];
	char *root_hints;
	char *trust_anchor;
	ms_context_t *context;
};

int ms_enquirer_new(const ms_resolver_options_t *options, ms_enquirer_t **out)
{
	ms_enquirer_t *enquirer = calloc(1, sizeof(*enquirer));
	if (enquirer == NULL || options->forward_count > MS_ADDRS_MAX) {
		free(enquirer);
		return KNOT_ENOMEM;
	}
	enquirer->options = *options;
	for (unsigned i = 0; i < options->forward_count; i++) {
		enquirer->forward[i] = options->forward[i];
	}
	enquirer->root_hints = strdup(options->root_hints != NULL ? options->root_hints : "");
	enquirer->trust_anchor = strdup(options->trust_anchor != NULL ? options->trust_anchor : "");
	enquirer->options.forward = enquirer->forward;
	enquirer->options.root_hints = enquirer->root_hints;
	enquirer->options.trust_anchor = enquirer->trust_anchor;
	if (enquirer->root_hints == NULL || enquirer->trust_anchor == NULL) {
		ms_enquirer_free(enquirer);
		return KNOT_ENOMEM;
	}
	*out = enquirer;
	return KNOT_EOK;
}

void ms_enquirer_free(ms_enquirer_t *enquirer)
{
	if (enquirer != NULL) {
		ms_context_free(enquirer->context);
		free(enquirer->root_hints);
		free(enquirer->trust_anchor);
		free(enquirer);
	}
}

static int renew(ms_enquirer_t *enquirer, ms_now_t now, char *error, size_t error_max)
{
	if (enquirer->context != NULL &&
	    ms_time_diff(enquirer->context->born, now.mono) <= MS_ENQUIRER_AGE) {
		return KNOT_EOK;
	}
	ms_context_free(enquirer->context);
	enquirer->context = NULL;
	return ms_context_new(&enquirer->options, now, &enquirer->context, error, error_max);
}

/* The SOA of AUTHORITY tells which zone says so (RFC 2308 section 3). */
static void take_soa(ms_enquiry_t *enquiry, const struct ub_result *result)
{
	knot_pkt_t *pkt = result->answer_packet != NULL && result->answer_len > 0
	                ? knot_pkt_new(result->answer_packet, result->answer_len, NULL) : NULL;
	if (pkt != NULL && knot_pkt_parse(pkt, 0) == KNOT_EOK) {
		const knot_pktsection_t *section = knot_pkt_section(pkt, KNOT_AUTHORITY);
		for (uint16_t i = 0; i < section->count && !enquiry->has_soa; i++) {
			const knot_rrset_t *rr = knot_pkt_rr(section, i);
			if (rr->type == KNOT_RRTYPE_SOA) {
				ms_name_copy_lower(enquiry->soa, rr->owner);
				enquiry->has_soa = true;
			}
		}
	}
	knot_pkt_free(pkt);
}

static void on_answer(void *ctx, int err, struct ub_result *result)
{
	ms_enquiry_t *enquiry = ctx;
	enquiry->over = true;
	if (err != 0 || result == NULL) {
		enquiry->ret = KNOT_ERROR;
	} else if (result->bogus) {
		enquiry->ret = KNOT_DNSSEC_ENOSIG;
	} else if (result->rcode != KNOT_RCODE_NOERROR && result->rcode != KNOT_RCODE_NXDOMAIN) {
		enquiry->ret = KNOT_ERROR;
	} else {
		enquiry->ret = KNOT_EOK;
		enquiry->secure = result->secure;
		enquiry->nxdomain = result->nxdomain;
		enquiry->ttl = result->ttl > 0 ? result->ttl : 0;
		for (int i = 0; enquiry->ret == KNOT_EOK && result->havedata &&
		     result->data[i] != NULL; i++) {
			enquiry->ret = ms_rrset_add(&enquiry->set, (const uint8_t *)result->data[i],
			                            result->len[i]);
		}
		enquiry->set.ttl = enquiry->ttl;
		if (!result->havedata) {
			take_soa(enquiry, result);
		}
	}
	ub_resolve_free(result);
}

static void start(ms_enquirer_t *enquirer, ms_enquiry_t *enquiry)
{
	knot_dname_txt_storage_t text;
	enquiry->ret = KNOT_ETIMEOUT;
	enquiry->over = false;
	int ret = knot_dname_to_str(text, enquiry->name, sizeof(text)) == NULL ? UB_SYNTAX
	        : ub_resolve_async(enquirer->context->ub, text, enquiry->type, KNOT_CLASS_IN, enquiry,
	                           on_answer, &enquiry->async_id);
	if (ret != 0) {
		enquiry->over = true;
		enquiry->ret = KNOT_ERROR;
	}
}

static bool all_over(const ms_enquiry_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!list[i].over) {
			return false;
		}
	}
	return true;
}

int ms_enquire(ms_enquirer_t *enquirer, ms_enquiry_t *list, size_t count, ms_now_t now,
               const atomic_bool *stop, char *error, size_t error_max)
{
	int ret = renew(enquirer, now, error, error_max);
	if (ret != KNOT_EOK) {
		return ret;
	}
	struct ub_ctx *ub = enquirer->context->ub;
	for (size_t i = 0; i < count; i++) {
		start(enquirer, &list[i]);
	}
	int64_t end = ms_clock_ms() + MS_ENQUIRY_TIMEOUT / MS_MSEC;
	bool stopped = false;
	while (!all_over(list, count) && !stopped && ms_clock_ms() < end) {
		struct pollfd pfd = { .fd = ub_fd(ub), .events = POLLIN };
		(void)poll(&pfd, 1, SLICE_MS);
		(void)ub_process(ub);
		stopped = stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
	}
	for (size_t i = 0; i < count; i++) {
		if (!list[i].over) {
			(void)ub_cancel(ub, list[i].async_id);
		}
	}
	if (stopped) {
		(void)snprintf(error, error_max, "shutting down, nothing more is asked");
	}
	return stopped ? KNOT_EBUSY : KNOT_EOK;
}

void ms_enquiries_clear(ms_enquiry_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ms_rrset_clear(&list[i].set);
	}
}

/* \return How many were told; negative: an error. */
static int tell_each(const ms_enquiry_t *enquiry, uint8_t family, size_t len,
                     int (*each)(void *ctx, const knot_dname_t *host, const ms_addr_t *addr),
                     void *ctx)
{
	int told = 0;
	knot_rdata_t *rr = enquiry->set.rrs.rdata;
	for (uint16_t i = 0; i < enquiry->set.rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_addr_t addr = { .family = family };
		if (rr->len == len) {
			memcpy(addr.ip, rr->data, len);
			int ret = each(ctx, enquiry->name, &addr);
			if (ret != KNOT_EOK) {
				return ret;
			}
			told++;
		}
	}
	return told;
}

int ms_enquire_addresses(ms_enquirer_t *enquirer, const knot_dname_storage_t *hosts, size_t count,
                         ms_now_t now, const atomic_bool *stop,
                         int (*each)(void *ctx, const knot_dname_t *host, const ms_addr_t *addr),
                         void *ctx, char *error, size_t error_max)
{
	ms_enquiry_t *list = calloc(2 * count + 1, sizeof(*list));
	if (list == NULL) {
		(void)snprintf(error, error_max, "no memory");
		return KNOT_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		ms_name_copy_lower(list[2 * i].name, hosts[i]);
		ms_name_copy_lower(list[2 * i + 1].name, hosts[i]);
		list[2 * i].type = KNOT_RRTYPE_AAAA;
		list[2 * i + 1].type = KNOT_RRTYPE_A;
	}
	int ret = ms_enquire(enquirer, list, 2 * count, now, stop, error, error_max);
	for (size_t i = 0; ret == KNOT_EOK && i < count; i++) {
		int six = tell_each(&list[2 * i], AF_INET6, 16, each, ctx);
		int four = six >= 0 ? tell_each(&list[2 * i + 1], AF_INET, 4, each, ctx) : six;
		/* Half of the addresses is not all of them: some servers would not be asked. */
		int lost = list[2 * i].ret != KNOT_EOK ? list[2 * i].ret : list[2 * i + 1].ret;
		ret = six < 0 ? six : four < 0 ? four : six + four == 0 ? KNOT_ENOENT : lost;
		if (ret != KNOT_EOK) {
			knot_dname_txt_storage_t name = "?";
			(void)knot_dname_to_str(name, hosts[i], sizeof(name));
			(void)snprintf(error, error_max, ret == KNOT_ENOENT ? "no address of %s is found"
			               : lost != KNOT_EOK ? "not all addresses of %s could be looked up"
			               : "too many addresses at %s", name);
		}
	}
	ms_enquiries_clear(list, 2 * count);
	free(list);
	return ret;
}
