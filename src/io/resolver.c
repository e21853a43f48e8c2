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
#include "base/text.h"
#include "io/context.h"

/* What is asked in one look-up. */
typedef enum {
	ASK_URI,
	ASK_SVCB,
	ASK_KEY,      /* at the host */
	ASK_KEY_ID,   /* at the identity, where the host has none (B-14) */
	ASK_A,
	ASK_AAAA,
	ASKS,
} ask_t;

static const struct {
	uint16_t rrtype;
	const char *name;
} asks[ASKS] = {
	[ASK_URI]    = { KNOT_RRTYPE_URI, "URI" },
	[ASK_SVCB]   = { KNOT_RRTYPE_SVCB, "SVCB" },
	[ASK_KEY]    = { KNOT_RRTYPE_KEY, "KEY" },
	[ASK_KEY_ID] = { KNOT_RRTYPE_KEY, "KEY" },
	[ASK_A]      = { KNOT_RRTYPE_A, "A" },
	[ASK_AAAA]   = { KNOT_RRTYPE_AAAA, "AAAA" },
};

struct lookup;

typedef struct {
	struct lookup *lookup;
	ask_t ask;
	enum { NOT_ASKED, ASKED, ANSWERED } state;
	int async_id;
	int ret;                   /* why the answer may not be used */
	knot_dname_storage_t name;
	ms_rrset_t set;            /* empty: securely none */
} question_t;

typedef struct lookup {
	struct lookup *next;
	ms_resolver_t *resolver;
	ms_context_t *context;
	uint64_t id;
	uint64_t roll;
	unsigned nth;              /* which of the URIs */
	ms_time_t deadline;
	uint32_t ttl;              /* least of all records used */
	bool aliased;
	bool over;
	int ret;                   /* of the last URI that was tried */
	char reason[MS_RESOLVER_REASON_MAX + 1];
	knot_dname_storage_t identity;
	ms_uri_t uri;
	knot_dname_storage_t svcb_owner;
	ms_svcb_t svcb;
	bool has_svcb;
	question_t questions[ASKS];
	ms_locator_t locator;
} lookup_t;

struct ms_resolver {
	ms_resolver_options_t options;
	ms_addr_t forward[MS_ADDRS_MAX];
	char *root_hints;
	char *trust_anchor;
	ms_resolver_calls_t calls;
	ms_rng_t rng;
	int epoll;
	ms_context_t *contexts;    /* the first is the current one */
	lookup_t *lookups;
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

static void free_lookup(lookup_t *lookup)
{
	for (unsigned ask = 0; ask < ASKS; ask++) {
		if (lookup->questions[ask].state == ASKED) {
			(void)ub_cancel(lookup->context->ub, lookup->questions[ask].async_id);
		}
		ms_rrset_clear(&lookup->questions[ask].set);
	}
	lookup->context->refs--;
	free(lookup);
}

void ms_resolver_free(ms_resolver_t *resolver)
{
	if (resolver == NULL) {
		return;
	}
	while (resolver->lookups != NULL) {
		lookup_t *lookup = resolver->lookups;
		resolver->lookups = lookup->next;
		free_lookup(lookup);
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

static void end(lookup_t *lookup, int ret)
{
	lookup->ret = ret;
	lookup->over = true;
}

static void blame(lookup_t *lookup, ask_t ask, const char *what, const char *more)
{
	knot_dname_txt_storage_t where;
	if (knot_dname_to_str(where, lookup->questions[ask].name, sizeof(where)) == NULL) {
		where[0] = '\0';
	}
	bool has_more = more != NULL && more[0] != '\0';
	const char *const parts[] = {
		asks[ask].name, " ", what, " at ", where, has_more ? ": " : "", has_more ? more : "",
	};
	lookup->reason[0] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		ms_text_append(lookup->reason, parts[i], sizeof(lookup->reason));
	}
}

/* What of an answer may be used? KNOT_EOK also for a secure "there is none". */
static int judge(lookup_t *lookup, ask_t ask, int err, const struct ub_result *result)
{
	if (err != 0) {
		blame(lookup, ask, "cannot be looked up", ub_strerror(err));
		return KNOT_ERROR;
	}
	if (result->bogus) {
		blame(lookup, ask, "is bogus", result->why_bogus);
		return KNOT_DNSSEC_ENOSIG;
	}
	if (result->rcode != KNOT_RCODE_NOERROR && result->rcode != KNOT_RCODE_NXDOMAIN) {
		blame(lookup, ask, "cannot be looked up", result->rcode == KNOT_RCODE_SERVFAIL
		      ? "SERVFAIL" : "error answer");
		return KNOT_ERROR;
	}
	if (!result->secure) {
		blame(lookup, ask, "is not DNSSEC-signed", NULL);
		return KNOT_DNSSEC_ENOSIG;
	}
	return KNOT_EOK;
}

static int take_answer(lookup_t *lookup, question_t *question, const struct ub_result *result)
{
	for (int i = 0; result->havedata && result->data[i] != NULL; i++) {
		int ret = ms_rrset_add(&question->set, (const uint8_t *)result->data[i],
		                       result->len[i]);
		if (ret != KNOT_EOK) {
			blame(lookup, question->ask, "cannot be kept", knot_strerror(ret));
			return ret;
		}
		if (result->ttl >= 0 && (uint32_t)result->ttl < lookup->ttl) {
			lookup->ttl = result->ttl;
		}
	}
	return KNOT_EOK;
}

static void advance(lookup_t *lookup);

static void on_answer(void *ctx, int err, struct ub_result *result)
{
	question_t *question = ctx;
	lookup_t *lookup = question->lookup;
	question->state = ANSWERED;
	/* What comes after the end (a time-out) must not change its reason. */
	if (lookup->over) {
		ub_resolve_free(result);
		return;
	}
	question->ret = judge(lookup, question->ask, err, result);
	if (question->ret == KNOT_EOK) {
		question->ret = take_answer(lookup, question, result);
	}
	ub_resolve_free(result);
	advance(lookup);
}

/* \return true when there is an answer, good or bad. */
static bool asked(lookup_t *lookup, ask_t ask, const knot_dname_t *name)
{
	question_t *question = &lookup->questions[ask];
	if (question->state != NOT_ASKED) {
		return question->state == ANSWERED;
	}
	knot_dname_txt_storage_t text;
	question->lookup = lookup;
	question->ask = ask;
	question->state = ASKED;
	question->ret = KNOT_EOK;
	ms_name_copy(question->name, name);
	int ret = knot_dname_to_str(text, name, sizeof(text)) == NULL ? UB_SYNTAX
	        : ub_resolve_async(lookup->context->ub, text, asks[ask].rrtype, KNOT_CLASS_IN,
	                           question, on_answer, &question->async_id);
	if (ret != 0) {
		question->state = ANSWERED;
		question->ret = KNOT_ERROR;
		blame(lookup, ask, "cannot be looked up", ub_strerror(ret));
	}
	return question->state == ANSWERED;
}

/* Also where the answer is still under way: it must not be taken for that of another host. */
static void forget(lookup_t *lookup, ask_t ask)
{
	if (lookup->questions[ask].state == ASKED) {
		(void)ub_cancel(lookup->context->ub, lookup->questions[ask].async_id);
	}
	ms_rrset_clear(&lookup->questions[ask].set);
	lookup->questions[ask].state = NOT_ASKED;
}

/* The first answer about this URI that may not be used. */
static int verdict(const lookup_t *lookup)
{
	for (unsigned ask = ASK_SVCB; ask < ASKS; ask++) {
		if (lookup->questions[ask].state == ANSWERED &&
		    lookup->questions[ask].ret != KNOT_EOK) {
			return lookup->questions[ask].ret;
		}
	}
	return KNOT_EOK;
}

/* The host of this URI is of no use (B-07). Nothing is under way: its answers were awaited. */
static void next_uri(lookup_t *lookup, int ret)
{
	lookup->ret = ret;
	lookup->nth++;
	lookup->has_svcb = lookup->aliased = false;
	for (unsigned ask = ASK_SVCB; ask < ASKS; ask++) {
		forget(lookup, ask);
	}
	memset(&lookup->locator, 0, sizeof(lookup->locator));
}

static bool choose_uri(lookup_t *lookup)
{
	const ms_rrset_t *set = &lookup->questions[ASK_URI].set;
	int ret = ms_uri_choose(set, lookup->roll, lookup->nth, &lookup->uri);
	if (ret == KNOT_EOK) {
		if (!lookup->has_svcb && !lookup->aliased) {
			ms_name_copy(lookup->svcb_owner, lookup->uri.host);
		}
		return true;
	}
	/* Else the reason tells of the last one that was tried. */
	if (lookup->nth == 0) {
		blame(lookup, ASK_URI, set->rrs.count == 0 ? "does not exist" : "is unusable", NULL);
		lookup->ret = KNOT_ENOENT;
	}
	end(lookup, lookup->ret);
	return false;
}

/* Lowest priority of those that can be used; an alias is followed once (B-12). \return When
 * known. */
static bool choose_svcb(lookup_t *lookup)
{
	const ms_rrset_t *set = &lookup->questions[ASK_SVCB].set;
	knot_rdata_t *rr = set->rrs.rdata;
	lookup->has_svcb = false;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_svcb_t svcb;
		if (ms_svcb_decode(rr->data, rr->len, lookup->svcb_owner, &svcb) == KNOT_EOK &&
		    (!lookup->has_svcb || svcb.priority < lookup->svcb.priority)) {
			lookup->svcb = svcb;
			lookup->has_svcb = true;
		}
	}
	if (!lookup->has_svcb || lookup->svcb.priority != 0) {
		return true;
	}
	lookup->has_svcb = false;
	if (lookup->aliased) {
		return true;
	}
	lookup->aliased = true;
	ms_name_copy_lower(lookup->svcb_owner, lookup->svcb.target);
	forget(lookup, ASK_SVCB);
	return asked(lookup, ASK_SVCB, lookup->svcb_owner);
}

static void take_keys(lookup_t *lookup, const ms_rrset_t *set)
{
	knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (lookup->locator.key_count < MS_KEYS_MAX && rr->len <= MS_KEY_RDATA_MAX &&
		    ms_key_usable(rr->data, rr->len)) {
			ms_keyrr_t *key = &lookup->locator.key[lookup->locator.key_count++];
			key->len = rr->len;
			memcpy(key->rdata, rr->data, rr->len);
		}
	}
}

/* At the host, or else at the identity (B-14). \return When known. */
static bool find_keys(lookup_t *lookup)
{
	lookup->locator.key_count = 0;
	take_keys(lookup, &lookup->questions[ASK_KEY].set);
	if (lookup->locator.key_count > 0) {
		return true;
	}
	if (!asked(lookup, ASK_KEY_ID, lookup->identity)) {
		return false;
	}
	take_keys(lookup, &lookup->questions[ASK_KEY_ID].set);
	return true;
}

static void take_addresses(lookup_t *lookup, ask_t ask, uint8_t family, size_t len)
{
	const ms_rrset_t *set = &lookup->questions[ask].set;
	knot_rdata_t *rr = set->rrs.rdata;
	/* Half of the room for each family: one of them may be dead from here (B-11). */
	unsigned end = lookup->locator.addr_count + MS_ADDRS_MAX / 2;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		if (lookup->locator.addr_count < end && rr->len == len) {
			ms_addr_t *addr = &lookup->locator.addr[lookup->locator.addr_count++];
			*addr = (ms_addr_t){ .family = family };
			memcpy(addr->ip, rr->data, len);
		}
	}
}

/* Hints where there are some, else the addresses of the target (B-08, B-11). \return When known. */
static bool find_addresses(lookup_t *lookup)
{
	ms_locator_t *locator = &lookup->locator;
	locator->addr_count = 0;
	if (lookup->has_svcb && lookup->svcb.addr_count > 0) {
		locator->addr_count = lookup->svcb.addr_count;
		memcpy(locator->addr, lookup->svcb.addr, sizeof(locator->addr));
		return true;
	}
	/* Without SVCB, or at the end of an alias without one, the name itself. */
	const knot_dname_t *name = lookup->has_svcb ? lookup->svcb.target : lookup->svcb_owner;
	bool a = asked(lookup, ASK_A, name);
	bool aaaa = asked(lookup, ASK_AAAA, name);
	if (!a || !aaaa) {
		return false;
	}
	take_addresses(lookup, ASK_AAAA, AF_INET6, 16);
	take_addresses(lookup, ASK_A, AF_INET, 4);
	return true;
}

static void set_port(lookup_t *lookup)
{
	bool svcb = lookup->has_svcb && lookup->svcb.has_port;
	uint16_t port = svcb && !lookup->resolver->options.uri_port_wins ? lookup->svcb.port
	                                                                  : lookup->uri.port;
	lookup->reason[0] = '\0';
	if (svcb && lookup->svcb.port != lookup->uri.port) {
		(void)snprintf(lookup->reason, sizeof(lookup->reason),
		               "URI says port %u, SVCB says %u: %u is used", lookup->uri.port,
		               lookup->svcb.port, port);
	}
	for (unsigned i = 0; i < lookup->locator.addr_count; i++) {
		lookup->locator.addr[i].port = port;
	}
}

/* What the host of this URI publishes. \retval KNOT_EAGAIN Answers are missing. */
static int explore(lookup_t *lookup)
{
	bool svcb = asked(lookup, ASK_SVCB, lookup->svcb_owner);
	bool key = asked(lookup, ASK_KEY, lookup->uri.host);
	if (!svcb || !key) {
		return KNOT_EAGAIN;
	}
	int ret = verdict(lookup);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (!choose_svcb(lookup) || !find_keys(lookup)) {
		return KNOT_EAGAIN;
	}
	ret = verdict(lookup);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (lookup->locator.key_count == 0) {
		bool none = lookup->questions[ASK_KEY].set.rrs.count == 0 &&
		            lookup->questions[ASK_KEY_ID].set.rrs.count == 0;
		blame(lookup, ASK_KEY, none ? "does not exist" : "is unusable", NULL);
		return KNOT_ENOENT;
	}
	if (!find_addresses(lookup)) {
		return KNOT_EAGAIN;
	}
	ret = verdict(lookup);
	if (ret == KNOT_EOK && lookup->locator.addr_count == 0) {
		blame(lookup, ASK_A, "and AAAA do not exist (nor hints in SVCB)", NULL);
		ret = KNOT_ENOENT;
	}
	return ret;
}

/* Asks for what is missing; called again with every answer. */
static void advance(lookup_t *lookup)
{
	knot_dname_storage_t owner;
	if (ms_locator_uri_owner(lookup->identity, owner) != KNOT_EOK) {
		ms_text_copy(lookup->reason, "the identity is too long a name for a URI below it",
		             sizeof(lookup->reason));
		end(lookup, KNOT_EINVAL);
		return;
	}
	if (!asked(lookup, ASK_URI, owner)) {
		return;
	}
	if (lookup->questions[ASK_URI].ret != KNOT_EOK) {
		end(lookup, lookup->questions[ASK_URI].ret);
		return;
	}
	while (choose_uri(lookup)) {
		int ret = explore(lookup);
		if (ret == KNOT_EAGAIN) {
			return;
		}
		if (ret == KNOT_EOK) {
			ms_name_copy_lower(lookup->locator.host, lookup->uri.host);
			set_port(lookup);
			end(lookup, KNOT_EOK);
			return;
		}
		next_uri(lookup, ret);
	}
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
	lookup_t *lookup = calloc(1, sizeof(*lookup));
	if (lookup == NULL) {
		return KNOT_ENOMEM;
	}
	lookup->resolver = resolver;
	lookup->context = resolver->contexts;
	lookup->context->refs++;
	lookup->id = id;
	lookup->roll = ms_rng_next(&resolver->rng);
	lookup->ttl = UINT32_MAX;
	lookup->deadline = ms_time_add(now.mono, MS_RESOLVER_TIMEOUT);
	ms_name_copy_lower(lookup->identity, identity);
	lookup->next = resolver->lookups;
	resolver->lookups = lookup;
	advance(lookup);
	return KNOT_EOK;
}

/* Tells the result; the look-up is gone afterwards. */
static void finish(ms_resolver_t *resolver, lookup_t **at, ms_now_t now)
{
	lookup_t *lookup = *at;
	*at = lookup->next;
	bool good = lookup->ret == KNOT_EOK;
	lookup->locator.expires = now.wall.s + (lookup->ttl > 0 ? lookup->ttl : 1);
	resolver->calls.done(resolver->calls.ctx, lookup->id, lookup->ret,
	                     good ? &lookup->locator : NULL, lookup->reason);
	ms_context_t *context = lookup->context;
	free_lookup(lookup);
	if (context->refs == 0 && context != resolver->contexts) {
		drop_context(resolver, context);
	}
}

static void give_up(lookup_t *lookup)
{
	ask_t ask = 0;
	while (ask + 1 < ASKS && lookup->questions[ask].state != ASKED) {
		ask++;
	}
	blame(lookup, ask, "is not answered in time", NULL);
	end(lookup, KNOT_ETIMEOUT);
}

int ms_resolver_fd(const ms_resolver_t *resolver)
{
	return resolver->epoll;
}

ms_time_t ms_resolver_deadline(const ms_resolver_t *resolver)
{
	ms_time_t when = MS_TIME_NEVER;
	for (const lookup_t *lookup = resolver->lookups; lookup != NULL; lookup = lookup->next) {
		when = ms_time_min(when, lookup->over ? (ms_time_t){ 0 } : lookup->deadline);
	}
	return when;
}

void ms_resolver_work(ms_resolver_t *resolver, ms_now_t now)
{
	for (ms_context_t *context = resolver->contexts; context != NULL; context = context->next) {
		(void)ub_process(context->ub);
	}
	lookup_t **at = &resolver->lookups;
	while (*at != NULL) {
		lookup_t *lookup = *at;
		if (!lookup->over && ms_time_due(lookup->deadline, now.mono)) {
			give_up(lookup);
		}
		if (lookup->over) {
			finish(resolver, at, now);
		} else {
			at = &lookup->next;
		}
	}
}
