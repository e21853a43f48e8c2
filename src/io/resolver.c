/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "base/rng.h"
#include "io/context.h"
#include "io/locate.h"

struct ms_resolver {
	ms_resolver_options_t options;
	ms_addr_t forward[MS_ADDRS_MAX];
	char *root_hints;
	char *trust_anchor;
	ms_resolver_calls_t calls;
	ms_rng_t rng;
	int epoll;
	ms_context_t *contexts;    /* the first is the current one */
	ms_lookup_t *lookups;
};

static void drop_context(ms_resolver_t *resolver, ms_context_t *context)
{
	ms_context_t **at = &resolver->contexts;
	while (*at != context) {
		at = &(*at)->next;
	}
	*at = context->next;
	(void)epoll_ctl(resolver->epoll, EPOLL_CTL_DEL, ub_fd(context->ub), NULL);
	ms_context_free(context);
}

static int add_context(ms_resolver_t *resolver, ms_now_t now, char *error, size_t error_max)
{
	ms_context_t *context;
	int ret = ms_context_new(&resolver->options, now, &context, error, error_max);
	if (ret != KNOT_EOK) {
		return ret;
	}
	struct epoll_event event = { .events = EPOLLIN };
	if (epoll_ctl(resolver->epoll, EPOLL_CTL_ADD, ub_fd(context->ub), &event) != 0) {
		ms_context_free(context);
		(void)snprintf(error, error_max, "the resolver's descriptor cannot be watched");
		return KNOT_ERROR;
	}
	ms_context_t *old = resolver->contexts;
	context->next = old;
	resolver->contexts = context;
	if (old != NULL && old->refs == 0) {
		drop_context(resolver, old);
	}
	return KNOT_EOK;
}

int ms_resolver_new(const ms_resolver_options_t *options, const ms_resolver_calls_t *calls,
                    ms_resolver_t **out, char *error, size_t error_max)
{
	ms_resolver_t *resolver = calloc(1, sizeof(*resolver));
	if (resolver == NULL || options->forward_count > MS_ADDRS_MAX) {
		free(resolver);
		(void)snprintf(error, error_max, "no memory for a resolver, or too many forwarders");
		return KNOT_ENOMEM;
	}
	resolver->options = *options;
	for (unsigned i = 0; i < options->forward_count; i++) {
		resolver->forward[i] = options->forward[i];
	}
	resolver->root_hints = strdup(options->root_hints != NULL ? options->root_hints : "");
	resolver->trust_anchor = strdup(options->trust_anchor != NULL ? options->trust_anchor : "");
	resolver->options.forward = resolver->forward;
	resolver->options.root_hints = resolver->root_hints;
	resolver->options.trust_anchor = resolver->trust_anchor;
	resolver->calls = *calls;
	resolver->epoll = epoll_create1(EPOLL_CLOEXEC);
	(void)dnssec_random_buffer((uint8_t *)&resolver->rng.state, sizeof(resolver->rng.state));
	/* Born in the distant past: the first one that must be fresh takes a new one. */
	ms_now_t past = { { -MS_RESOLVER_FRESH - 1 }, { 0 } };
	int ret = resolver->epoll >= 0 && resolver->root_hints != NULL &&
	          resolver->trust_anchor != NULL
	        ? add_context(resolver, past, error, error_max) : KNOT_ENOMEM;
	if (ret != KNOT_EOK) {
		ms_resolver_free(resolver);
		return ret;
	}
	*out = resolver;
	return KNOT_EOK;
}

void ms_resolver_free(ms_resolver_t *resolver)
{
	if (resolver == NULL) {
		return;
	}
	while (resolver->lookups != NULL) {
		ms_lookup_t *lookup = resolver->lookups;
		resolver->lookups = lookup->next;
		ms_lookup_free(lookup);
	}
	while (resolver->contexts != NULL) {
		drop_context(resolver, resolver->contexts);
	}
	if (resolver->epoll >= 0) {
		close(resolver->epoll);
	}
	free(resolver->root_hints);
	free(resolver->trust_anchor);
	free(resolver);
}

int ms_resolver_locate(ms_resolver_t *resolver, uint64_t id, const knot_dname_t *identity,
                       bool fresh, ms_now_t now)
{
	if (fresh && ms_time_diff(resolver->contexts->born, now.mono) > MS_RESOLVER_FRESH) {
		char error[256];
		int ret = add_context(resolver, now, error, sizeof(error));
		if (ret != KNOT_EOK) {
			return ret;
		}
	}
	ms_lookup_t *lookup = calloc(1, sizeof(*lookup));
	if (lookup == NULL) {
		return KNOT_ENOMEM;
	}
	lookup->uri_port_wins = resolver->options.uri_port_wins;
	lookup->context = resolver->contexts;
	lookup->context->refs++;
	lookup->id = id;
	lookup->roll = ms_rng_next(&resolver->rng);
	lookup->ttl = UINT32_MAX;
	lookup->deadline = ms_time_add(now.mono, MS_RESOLVER_TIMEOUT);
	ms_name_copy_lower(lookup->identity, identity);
	lookup->next = resolver->lookups;
	resolver->lookups = lookup;
	ms_lookup_advance(lookup);
	return KNOT_EOK;
}

/* Tells the result; the look-up is gone afterwards. */
static void finish(ms_resolver_t *resolver, ms_lookup_t **at, ms_now_t now)
{
	ms_lookup_t *lookup = *at;
	*at = lookup->next;
	bool good = lookup->ret == KNOT_EOK;
	lookup->locator.expires = now.wall.s + (lookup->ttl > 0 ? lookup->ttl : 1);
	resolver->calls.done(resolver->calls.ctx, lookup->id, lookup->ret,
	                     good ? &lookup->locator : NULL, lookup->reason);
	ms_context_t *context = lookup->context;
	ms_lookup_free(lookup);
	if (context->refs == 0 && context != resolver->contexts) {
		drop_context(resolver, context);
	}
}

int ms_resolver_fd(const ms_resolver_t *resolver)
{
	return resolver->epoll;
}

ms_time_t ms_resolver_deadline(const ms_resolver_t *resolver)
{
	ms_time_t when = MS_TIME_NEVER;
	for (const ms_lookup_t *lookup = resolver->lookups; lookup != NULL; lookup = lookup->next) {
		when = ms_time_min(when, lookup->over ? (ms_time_t){ 0 } : lookup->deadline);
	}
	return when;
}

void ms_resolver_work(ms_resolver_t *resolver, ms_now_t now)
{
	for (ms_context_t *context = resolver->contexts; context != NULL; context = context->next) {
		(void)ub_process(context->ub);
	}
	ms_lookup_t **at = &resolver->lookups;
	while (*at != NULL) {
		ms_lookup_t *lookup = *at;
		if (!lookup->over && ms_time_due(lookup->deadline, now.mono)) {
			ms_lookup_give_up(lookup);
		}
		if (lookup->over) {
			finish(resolver, at, now);
		} else {
			at = &lookup->next;
		}
	}
}
