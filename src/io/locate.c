/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"

static const struct {
	uint16_t rrtype;
	const char *name;
} asks[MS_ASKS] = {
	[MS_ASK_URI]    = { KNOT_RRTYPE_URI, "URI" },
	[MS_ASK_SVCB]   = { KNOT_RRTYPE_SVCB, "SVCB" },
	[MS_ASK_KEY]    = { KNOT_RRTYPE_KEY, "KEY" },
	[MS_ASK_KEY_ID] = { KNOT_RRTYPE_KEY, "KEY" },
	[MS_ASK_A]      = { KNOT_RRTYPE_A, "A" },
	[MS_ASK_AAAA]   = { KNOT_RRTYPE_AAAA, "AAAA" },
};

static void end(ms_lookup_t *lookup, int ret)
{
	lookup->ret = ret;
	lookup->over = true;
}

static void blame(ms_lookup_t *lookup, ms_ask_t ask, const char *what, const char *more)
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
static int judge(ms_lookup_t *lookup, ms_ask_t ask, int err, const struct ub_result *result)
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

static int take_answer(ms_lookup_t *lookup, ms_question_t *question, const struct ub_result *result)
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

static void on_answer(void *ctx, int err, struct ub_result *result)
{
	ms_question_t *question = ctx;
	ms_lookup_t *lookup = question->lookup;
	question->state = MS_ANSWERED;
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
	ms_lookup_advance(lookup);
}

/* \return true when there is an answer, good or bad. */
static bool asked(ms_lookup_t *lookup, ms_ask_t ask, const knot_dname_t *name)
{
	ms_question_t *question = &lookup->questions[ask];
	if (question->state != MS_NOT_ASKED) {
		return question->state == MS_ANSWERED;
	}
	knot_dname_txt_storage_t text;
	question->lookup = lookup;
	question->ask = ask;
	question->state = MS_ASKED;
	question->ret = KNOT_EOK;
	ms_name_copy(question->name, name);
	int ret = knot_dname_to_str(text, name, sizeof(text)) == NULL ? UB_SYNTAX
	        : ub_resolve_async(lookup->context->ub, text, asks[ask].rrtype, KNOT_CLASS_IN,
	                           question, on_answer, &question->async_id);
	if (ret != 0) {
		question->state = MS_ANSWERED;
		question->ret = KNOT_ERROR;
		blame(lookup, ask, "cannot be looked up", ub_strerror(ret));
	}
	return question->state == MS_ANSWERED;
}

/* Also where the answer is still under way: it must not be taken for that of another host. */
static void forget(ms_lookup_t *lookup, ms_ask_t ask)
{
	if (lookup->questions[ask].state == MS_ASKED) {
		(void)ub_cancel(lookup->context->ub, lookup->questions[ask].async_id);
	}
	ms_rrset_clear(&lookup->questions[ask].set);
	lookup->questions[ask].state = MS_NOT_ASKED;
}

/* The first answer about this URI that may not be used. */
static int verdict(const ms_lookup_t *lookup)
{
	for (unsigned ask = MS_ASK_SVCB; ask < MS_ASKS; ask++) {
		if (lookup->questions[ask].state == MS_ANSWERED &&
		    lookup->questions[ask].ret != KNOT_EOK) {
			return lookup->questions[ask].ret;
		}
	}
	return KNOT_EOK;
}

/* The host of this URI is of no use (B-07). Nothing is under way: its answers were awaited. */
static void next_uri(ms_lookup_t *lookup, int ret)
{
	lookup->ret = ret;
	lookup->nth++;
	lookup->has_svcb = lookup->aliased = false;
	for (unsigned ask = MS_ASK_SVCB; ask < MS_ASKS; ask++) {
		forget(lookup, ask);
	}
	memset(&lookup->locator, 0, sizeof(lookup->locator));
}

static bool choose_uri(ms_lookup_t *lookup)
{
	const ms_rrset_t *set = &lookup->questions[MS_ASK_URI].set;
	int ret = ms_uri_choose(set, lookup->roll, lookup->nth, &lookup->uri);
	if (ret == KNOT_EOK) {
		if (!lookup->has_svcb && !lookup->aliased) {
			ms_name_copy(lookup->svcb_owner, lookup->uri.host);
		}
		return true;
	}
	/* Else the reason tells of the last one that was tried. */
	if (lookup->nth == 0) {
		blame(lookup, MS_ASK_URI, set->rrs.count == 0 ? "does not exist" : "is unusable", NULL);
		lookup->ret = KNOT_ENOENT;
	}
	end(lookup, lookup->ret);
	return false;
}

/* Lowest priority of those that can be used; an alias is followed once (B-12). \return When
 * known. */
static bool choose_svcb(ms_lookup_t *lookup)
{
	const ms_rrset_t *set = &lookup->questions[MS_ASK_SVCB].set;
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
	forget(lookup, MS_ASK_SVCB);
	return asked(lookup, MS_ASK_SVCB, lookup->svcb_owner);
}

static void take_keys(ms_lookup_t *lookup, const ms_rrset_t *set)
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
static bool find_keys(ms_lookup_t *lookup)
{
	lookup->locator.key_count = 0;
	take_keys(lookup, &lookup->questions[MS_ASK_KEY].set);
	if (lookup->locator.key_count > 0) {
		return true;
	}
	if (!asked(lookup, MS_ASK_KEY_ID, lookup->identity)) {
		return false;
	}
	take_keys(lookup, &lookup->questions[MS_ASK_KEY_ID].set);
	return true;
}

static void take_addresses(ms_lookup_t *lookup, ms_ask_t ask, uint8_t family, size_t len)
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
static bool find_addresses(ms_lookup_t *lookup)
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
	bool a = asked(lookup, MS_ASK_A, name);
	bool aaaa = asked(lookup, MS_ASK_AAAA, name);
	if (!a || !aaaa) {
		return false;
	}
	take_addresses(lookup, MS_ASK_AAAA, AF_INET6, 16);
	take_addresses(lookup, MS_ASK_A, AF_INET, 4);
	return true;
}

static void set_port(ms_lookup_t *lookup)
{
	bool svcb = lookup->has_svcb && lookup->svcb.has_port;
	uint16_t port = svcb && !lookup->uri_port_wins ? lookup->svcb.port
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
static int explore(ms_lookup_t *lookup)
{
	bool svcb = asked(lookup, MS_ASK_SVCB, lookup->svcb_owner);
	bool key = asked(lookup, MS_ASK_KEY, lookup->uri.host);
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
		bool none = lookup->questions[MS_ASK_KEY].set.rrs.count == 0 &&
		            lookup->questions[MS_ASK_KEY_ID].set.rrs.count == 0;
		blame(lookup, MS_ASK_KEY, none ? "does not exist" : "is unusable", NULL);
		return KNOT_ENOENT;
	}
	if (!find_addresses(lookup)) {
		return KNOT_EAGAIN;
	}
	ret = verdict(lookup);
	if (ret == KNOT_EOK && lookup->locator.addr_count == 0) {
		blame(lookup, MS_ASK_A, "and AAAA do not exist (nor hints in SVCB)", NULL);
		ret = KNOT_ENOENT;
	}
	return ret;
}

/* Asks for what is missing; called again with every answer. */
void ms_lookup_advance(ms_lookup_t *lookup)
{
	knot_dname_storage_t owner;
	if (ms_locator_uri_owner(lookup->identity, owner) != KNOT_EOK) {
		ms_text_copy(lookup->reason, "the identity is too long a name for a URI below it",
		             sizeof(lookup->reason));
		end(lookup, KNOT_EINVAL);
		return;
	}
	if (!asked(lookup, MS_ASK_URI, owner)) {
		return;
	}
	if (lookup->questions[MS_ASK_URI].ret != KNOT_EOK) {
		end(lookup, lookup->questions[MS_ASK_URI].ret);
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

void ms_lookup_give_up(ms_lookup_t *lookup)
{
	ms_ask_t ask = 0;
	while (ask + 1 < MS_ASKS && lookup->questions[ask].state != MS_ASKED) {
		ask++;
	}
	blame(lookup, ask, "is not answered in time", NULL);
	end(lookup, KNOT_ETIMEOUT);
}

void ms_lookup_free(ms_lookup_t *lookup)
{
	for (unsigned ask = 0; ask < MS_ASKS; ask++) {
		if (lookup->questions[ask].state == MS_ASKED) {
			(void)ub_cancel(lookup->context->ub, lookup->questions[ask].async_id);
		}
		ms_rrset_clear(&lookup->questions[ask].set);
	}
	lookup->context->refs--;
	free(lookup);
}
