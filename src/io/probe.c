/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unbound.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "io/clock.h"
#include "io/context.h"
#include "io/stub.h"

/* Contexts at once: all addresses, and an ordinary resolver. */
#define CONTEXTS_MAX (MS_LOOKS_MAX + 1)
/* Questions at once: apex types, and two for each name server, at every address; addresses and
 * signals of name servers. */
#define QUESTIONS_MAX (MS_LOOKS_MAX * (MS_LOOKS_TYPES + 2 * MS_NS_MAX) + 5 * 2 * MS_NS_MAX)
/* Between two looks at the stop flag, milliseconds. */
#define STEP_MS 100

typedef struct {
	unsigned *open;
	ms_said_t *said;
	bool over;
	uint16_t type;
	knot_dname_storage_t name;
} question_t;

typedef struct {
	const ms_probe_options_t *options;
	const atomic_bool *stop;
	ms_survey_t *survey;
	unsigned context_count;
	struct ub_ctx *contexts[CONTEXTS_MAX];
	unsigned question_count;
	question_t **questions;      /* QUESTIONS_MAX of them */
	unsigned open;
} probe_t;

/* Addresses of the name servers outside of the child. */
typedef struct {
	knot_dname_storage_t host;
	bool is_new;
	ms_said_t a, aaaa;
} server_t;

static int fail(ms_survey_t *survey, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(ms_survey_t *survey, int ret, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(survey->text, sizeof(survey->text), fmt, args);
	va_end(args);
	survey->ret = ret;
	return ret;
}

static void on_answer(void *ctx, int err, struct ub_result *result)
{
	question_t *q = ctx;
	q->over = true;
	--*q->open;
	ms_stub_answer(q->name, q->type, err, result, q->said);
	ub_resolve_free(result);
}

/* A question that cannot even be asked counts as one that nobody answered. */
static void ask(probe_t *p, struct ub_ctx *ub, const knot_dname_t *name, uint16_t type,
                ms_said_t *said)
{
	said->saying = MS_SAID_SILENT;
	question_t *q = p->question_count < QUESTIONS_MAX ? calloc(1, sizeof(*q)) : NULL;
	knot_dname_txt_storage_t text;
	if (q == NULL || ub == NULL || knot_dname_to_str(text, name, sizeof(text)) == NULL) {
		free(q);
		return;
	}
	*q = (question_t){ .open = &p->open, .said = said, .type = type };
	ms_name_copy_lower(q->name, name);
	p->questions[p->question_count++] = q;
	p->open++;
	if (ub_resolve_async(ub, text, type, KNOT_CLASS_IN, q, on_answer, NULL) != 0) {
		q->over = true;
		p->open--;
	}
}

static struct ub_ctx *new_stub(probe_t *p, const ms_addr_t *addr)
{
	struct ub_ctx *ub = p->context_count < CONTEXTS_MAX
	                  ? ms_stub_new(p->survey->child, addr, &p->survey->deleg.ds, p->options->udp,
	                                p->options->local)
	                  : NULL;
	if (ub != NULL) {
		p->contexts[p->context_count++] = ub;
	} else {
		(void)fail(p->survey, KNOT_ENOMEM, "no resolver context for a name server");
	}
	return ub;
}

/* The ordinary one. */
static struct ub_ctx *new_resolver(probe_t *p)
{
	char error[256];
	ms_context_t *context;
	ms_now_t now = ms_clock();
	if (p->context_count >= CONTEXTS_MAX ||
	    ms_context_new(&p->options->resolver, now, &context, error, sizeof(error)) != KNOT_EOK) {
		return NULL;
	}
	struct ub_ctx *ub = context->ub;
	free(context);
	p->contexts[p->context_count++] = ub;
	return ub;
}

static bool stopped(const probe_t *p)
{
	return p->stop != NULL && atomic_load(p->stop);
}

/* Until all questions are answered, or time is up. */
static void await(probe_t *p)
{
	struct pollfd fds[CONTEXTS_MAX];
	int64_t end = ms_clock().mono.us + p->options->timeout;
	for (unsigned i = 0; i < p->context_count; i++) {
		fds[i] = (struct pollfd){ .fd = ub_fd(p->contexts[i]), .events = POLLIN };
	}
	while (p->open > 0 && !stopped(p) && ms_clock().mono.us < end) {
		int64_t left = (end - ms_clock().mono.us) / 1000 + 1;
		(void)poll(fds, p->context_count, left < STEP_MS ? left : STEP_MS);
		for (unsigned i = 0; i < p->context_count; i++) {
			if (fds[i].revents != 0) {
				(void)ub_process(p->contexts[i]);
			}
		}
	}
}

/* The round is over: what is not answered stays silent. */
static void finish(probe_t *p)
{
	for (unsigned i = 0; i < p->context_count; i++) {
		ub_ctx_delete(p->contexts[i]);
	}
	for (unsigned i = 0; i < p->question_count; i++) {
		free(p->questions[i]);
	}
	p->context_count = p->question_count = p->open = 0;
}

typedef struct {
	int family;
	unsigned bits;
	uint8_t ip[16];
} range_t;

static bool within(const range_t *ranges, size_t count, const ms_addr_t *addr)
{
	for (size_t i = 0; i < count; i++) {
		unsigned octets = ranges[i].bits / 8, rest = ranges[i].bits % 8;
		uint8_t mask = rest > 0 ? 0xff << (8 - rest) : 0;
		if (ranges[i].family == addr->family && memcmp(ranges[i].ip, addr->ip, octets) == 0 &&
		    (rest == 0 || ((ranges[i].ip[octets] ^ addr->ip[octets]) & mask) == 0)) {
			return true;
		}
	}
	return false;
}

/* Nobody shall make us talk to ourselves or to everybody (K-58, P-10). */
static bool may_ask(const probe_t *p, const ms_addr_t *addr)
{
	static const range_t never[] = {
		{ AF_INET, 8, { 0 } }, { AF_INET, 3, { 224 } }, { AF_INET6, 128, { 0 } },
		{ AF_INET6, 96, { [10] = 255, 255 } }, { AF_INET6, 8, { 255 } },
	};
	/* Loopback and what is behind a firewall, also by way of IPv6. */
	static const range_t inside[] = {
		{ AF_INET, 8, { 10 } }, { AF_INET, 10, { 100, 64 } }, { AF_INET, 8, { 127 } },
		{ AF_INET, 16, { 169, 254 } }, { AF_INET, 12, { 172, 16 } }, { AF_INET, 16, { 192, 168 } },
		{ AF_INET6, 96, { 0 } }, { AF_INET6, 96, { 0, 100, 255, 155 } },
		{ AF_INET6, 16, { 32, 2 } }, { AF_INET6, 7, { 252 } }, { AF_INET6, 10, { 254, 128 } },
	};
	return !within(never, sizeof(never) / sizeof(never[0]), addr) &&
	       (p->options->local || !within(inside, sizeof(inside) / sizeof(inside[0]), addr));
}

static bool has_look(const ms_survey_t *survey, const ms_addr_t *addr)
{
	for (uint8_t i = 0; i < survey->look_count; i++) {
		if (ms_addr_equal(&survey->looks[i].addr, addr)) {
			return true;
		}
	}
	return false;
}

static int add_look(probe_t *p, const knot_dname_t *host, const ms_addr_t *addr, bool is_new)
{
	ms_survey_t *survey = p->survey;
	if (addr != NULL && has_look(survey, addr)) {
		return KNOT_EOK;
	}
	if (survey->look_count >= MS_LOOKS_MAX) {
		return fail(survey, KNOT_ELIMIT, "more than %u addresses of name servers", MS_LOOKS_MAX);
	}
	ms_look_t *look = &survey->looks[survey->look_count++];
	ms_name_copy_lower(look->host, host);
	look->is_new = is_new;
	if (addr != NULL) {
		look->addr = *addr;
	}
	return KNOT_EOK;
}

/* A host without any address is a look that stays silent. */
static int add_addrs(probe_t *p, const knot_dname_t *host, bool is_new, const ms_rrset_t *a,
                     const ms_rrset_t *aaaa)
{
	ms_addr_t addrs[MS_GLUE_ADDRS_MAX * 2];
	if (a->rrs.count + aaaa->rrs.count > MS_GLUE_ADDRS_MAX * 2) {
		return fail(p->survey, KNOT_ELIMIT, "a name server has more than %u addresses",
		            MS_GLUE_ADDRS_MAX * 2);
	}
	uint8_t count = ms_glue_addrs(a, aaaa, addrs, MS_GLUE_ADDRS_MAX * 2);
	int ret = count == 0 ? add_look(p, host, NULL, is_new) : KNOT_EOK;
	for (uint8_t i = 0; ret == KNOT_EOK && i < count; i++) {
		ret = add_look(p, host, &addrs[i], is_new);
	}
	return ret;
}

/* What the servers asked so far say about a host below the child, all together. */
static int gather(const ms_survey_t *survey, const knot_dname_t *host, ms_glue_t *out)
{
	int ret = KNOT_EOK;
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_look_t *look = &survey->looks[i];
		for (uint8_t j = 0; j < look->host_count && ret == KNOT_EOK; j++) {
			if (knot_dname_is_equal(look->hosts[j].host, host)) {
				ret = ms_rrset_union(&out->a, &look->hosts[j].a.set);
				if (ret == KNOT_EOK) {
					ret = ms_rrset_union(&out->aaaa, &look->hosts[j].aaaa.set);
				}
			}
		}
	}
	return ret;
}

static int add_inside(probe_t *p, const server_t *server)
{
	ms_survey_t *survey = p->survey;
	const ms_glue_t *glue = ms_deleg_find(server->is_new ? &survey->proposed : &survey->deleg,
	                                      server->host);
	ms_glue_t all = { 0 };
	int ret = KNOT_EOK;
	if (glue == NULL && server->is_new) {
		ret = gather(survey, server->host, &all);
		glue = &all;
	}
	if (ret == KNOT_EOK) {
		ret = glue != NULL ? add_addrs(p, server->host, server->is_new, &glue->a, &glue->aaaa)
		                   : add_look(p, server->host, NULL, server->is_new);
	}
	ms_rrset_clear(&all.a);
	ms_rrset_clear(&all.aaaa);
	return ret;
}

static int add_outside(probe_t *p, const server_t *server)
{
	if (server->a.saying == MS_SAID_BOGUS || server->aaaa.saying == MS_SAID_BOGUS) {
		knot_dname_txt_storage_t text = "";
		(void)knot_dname_to_str(text, server->host, sizeof(text));
		return fail(p->survey, KNOT_ECONN, "addresses of name server %.100s are bogus", text);
	}
	/* Addresses that nobody told may be those of a server that differs. */
	int ret = server->a.saying < MS_SAID_BOGUS || server->aaaa.saying < MS_SAID_BOGUS
	        ? add_look(p, server->host, NULL, server->is_new) : KNOT_EOK;
	return ret != KNOT_EOK ? ret
	     : add_addrs(p, server->host, server->is_new, &server->a.set, &server->aaaa.set);
}

static int add_looks(probe_t *p, server_t *servers, size_t count)
{
	struct ub_ctx *ub = NULL;
	for (size_t i = 0; i < count; i++) {
		if (knot_dname_in_bailiwick(servers[i].host, p->survey->child) < 0) {
			ub = ub != NULL ? ub : new_resolver(p);
			if (ub == NULL) {
				return fail(p->survey, KNOT_ENOMEM, "no resolver context");
			}
			ask(p, ub, servers[i].host, KNOT_RRTYPE_A, &servers[i].a);
			ask(p, ub, servers[i].host, KNOT_RRTYPE_AAAA, &servers[i].aaaa);
		}
	}
	await(p);
	int ret = KNOT_EOK;
	for (size_t i = 0; i < count && ret == KNOT_EOK; i++) {
		ret = knot_dname_in_bailiwick(servers[i].host, p->survey->child) < 0
		    ? add_outside(p, &servers[i]) : add_inside(p, &servers[i]);
	}
	finish(p);
	for (size_t i = 0; i < count; i++) {
		ms_said_clear(&servers[i].a);
		ms_said_clear(&servers[i].aaaa);
	}
	return ret;
}

/* Names of \a ns that are not in \a known. */
static size_t list_servers(const ms_rrset_t *ns, const ms_rrset_t *known, bool is_new,
                           server_t *out, size_t count)
{
	const knot_rdata_t *rd = ns->rrs.rdata;
	for (uint16_t i = 0; i < ns->rrs.count; i++, rd = knot_rdataset_next((knot_rdata_t *)rd)) {
		if (count >= MS_NS_MAX || (known != NULL && ms_rrset_has(known, rd->data, rd->len)) ||
		    knot_dname_wire_check(rd->data, rd->data + rd->len, NULL) <= 0) {
			continue;
		}
		out[count] = (server_t){ .is_new = is_new };
		ms_name_copy_lower(out[count++].host, rd->data);
	}
	return count;
}

static void ask_apex(probe_t *p, ms_look_t *look)
{
	struct ub_ctx *ub = look->addr.family != 0 && may_ask(p, &look->addr)
	                  ? new_stub(p, &look->addr) : NULL;
	for (ms_look_type_t type = 0; type < MS_LOOK_SOA_AGAIN; type++) {
		if (type != MS_LOOK_KEY || p->options->want_key) {
			ask(p, ub, p->survey->child, ms_look_rrtype(type), &look->said[type]);
		}
	}
}

/* Addresses of the name servers below the child, as this server has them. */
static void ask_hosts(probe_t *p, struct ub_ctx *ub, ms_look_t *look)
{
	const ms_rrset_t *ns = &look->said[MS_LOOK_NS].set;
	const knot_rdata_t *rd = ns->rrs.rdata;
	for (uint16_t i = 0; i < ns->rrs.count && look->host_count < MS_NS_MAX; i++) {
		if (knot_dname_in_bailiwick(rd->data, p->survey->child) >= 0) {
			ms_look_host_t *host = &look->hosts[look->host_count++];
			ms_name_copy_lower(host->host, rd->data);
			ask(p, ub, host->host, KNOT_RRTYPE_A, &host->a);
			ask(p, ub, host->host, KNOT_RRTYPE_AAAA, &host->aaaa);
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
}

/* Glue, and the SOA once more with an empty cache, so that a change in between shows (K-37). */
static void ask_rest(probe_t *p, uint8_t from)
{
	for (uint8_t i = from; i < p->survey->look_count; i++) {
		ms_look_t *look = &p->survey->looks[i];
		if (look->said[MS_LOOK_NS].saying < MS_SAID_INSECURE) {
			continue;
		}
		struct ub_ctx *ub = new_stub(p, &look->addr);
		ask_hosts(p, ub, look);
		ask(p, ub, p->survey->child, KNOT_RRTYPE_SOA, &look->said[MS_LOOK_SOA_AGAIN]);
	}
	await(p);
	finish(p);
}

static void ask_looks(probe_t *p, uint8_t from)
{
	for (uint8_t i = from; i < p->survey->look_count; i++) {
		ask_apex(p, &p->survey->looks[i]);
	}
	await(p);
	finish(p);
	ask_rest(p, from);
}

/* Name servers that the child names, or an UPDATE does, and that the parent does not have (K-44). */
static size_t list_new(const ms_survey_t *survey, server_t *out)
{
	size_t count = list_servers(&survey->proposed.ns, &survey->deleg.ns, true, out, 0);
	ms_rrset_t known = { 0 };
	if (ms_rrset_copy(&known, &survey->deleg.ns) != KNOT_EOK ||
	    ms_rrset_union(&known, &survey->proposed.ns) != KNOT_EOK) {
		ms_rrset_clear(&known);
		return count;
	}
	for (uint8_t i = 0; i < survey->look_count; i++) {
		const ms_rrset_t *ns = &survey->looks[i].said[MS_LOOK_NS].set;
		count = list_servers(ns, &known, true, out, count);
		(void)ms_rrset_union(&known, ns);
	}
	ms_rrset_clear(&known);
	return count;
}

static void ask_signals(probe_t *p)
{
	ms_survey_t *survey = p->survey;
	struct ub_ctx *ub = new_resolver(p);
	const knot_rdata_t *rd = survey->deleg.ns.rrs.rdata;
	for (uint16_t i = 0; i < survey->deleg.ns.rrs.count; i++) {
		knot_dname_storage_t name;
		if (knot_dname_in_bailiwick(rd->data, survey->child) < 0 &&
		    survey->signal_count < MS_NS_MAX) {
			ms_signal_t *signal = &survey->signals[survey->signal_count++];
			ms_name_copy_lower(signal->ns, rd->data);
			if (ms_signal_name("_dsboot", survey->child, signal->ns, name) == KNOT_EOK) {
				ask(p, ub, name, KNOT_RRTYPE_CDS, &signal->cds);
				ask(p, ub, name, KNOT_RRTYPE_CDNSKEY, &signal->cdnskey);
			}
			if (p->options->want_key &&
			    ms_signal_name("_sig0key", survey->child, signal->ns, name) == KNOT_EOK) {
				ask(p, ub, name, KNOT_RRTYPE_KEY, &signal->key);
			}
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	await(p);
	finish(p);
}

static int run(probe_t *p)
{
	ms_survey_t *survey = p->survey;
	server_t servers[MS_NS_MAX] = { 0 };
	int ret = add_looks(p, servers, list_servers(&survey->deleg.ns, NULL, false, servers, 0));
	if (ret != KNOT_EOK) {
		return ret;
	}
	ask_looks(p, 0);
	uint8_t old = survey->look_count;
	ret = add_looks(p, servers, list_new(survey, servers));
	if (ret == KNOT_EOK && survey->look_count > old) {
		ask_looks(p, old);
	}
	if (ret == KNOT_EOK && p->options->want_signals) {
		ask_signals(p);
	}
	return ret == KNOT_EOK && stopped(p) ? fail(survey, KNOT_EBUSY, "stopped") : ret;
}

void ms_probe(const ms_probe_options_t *options, const atomic_bool *stop, ms_survey_t *survey)
{
	probe_t p = { .options = options, .stop = stop, .survey = survey };
	survey->ret = KNOT_EOK;
	survey->looks = calloc(MS_LOOKS_MAX, sizeof(*survey->looks));
	survey->signals = calloc(MS_NS_MAX, sizeof(*survey->signals));
	p.questions = calloc(QUESTIONS_MAX, sizeof(*p.questions));
	if (survey->looks == NULL || survey->signals == NULL || p.questions == NULL) {
		(void)fail(survey, KNOT_ENOMEM, "out of memory");
	} else {
		(void)run(&p);
	}
	finish(&p);
	free(p.questions);
}

int ms_probe_one(const ms_resolver_options_t *options, const knot_dname_t *name, uint16_t type,
                 int64_t timeout, const atomic_bool *stop, ms_said_t *out)
{
	ms_probe_options_t probing = { .resolver = *options, .timeout = timeout };
	question_t *room[1] = { NULL };
	probe_t p = { .options = &probing, .stop = stop, .questions = room };
	struct ub_ctx *ub = new_resolver(&p);
	if (ub == NULL) {
		return KNOT_ERROR;
	}
	ask(&p, ub, name, type, out);
	await(&p);
	finish(&p);
	return KNOT_EOK;
}
