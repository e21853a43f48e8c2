/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libknot/errcode.h>

/* Package dns-root-data. */
#define ROOT_HINTS   "/usr/share/dns/root.hints"
#define TRUST_ANCHOR "/usr/share/dns/root.key"

static bool given(const char *path)
{
	return path != NULL && path[0] != '\0';
}

static int fail(int ret, char *error, size_t max, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(int ret, char *error, size_t max, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(error, max, fmt, args);
	va_end(args);
	return ret;
}

static bool forwards_to_loopback(const ms_resolver_options_t *options)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	for (unsigned i = 0; i < options->forward_count; i++) {
		const ms_addr_t *addr = &options->forward[i];
		if ((addr->family == AF_INET && addr->ip[0] == 127) ||
		    (addr->family == AF_INET6 && memcmp(addr->ip, loopback6, sizeof(loopback6)) == 0)) {
			return true;
		}
	}
	return false;
}

/* Small: a provider has a few dozen peers. Negative and bogus answers are short, so that records
 * that a peer publishes or repairs later are found. */
static int set_options(struct ub_ctx *ub, const ms_resolver_options_t *options)
{
	static const char *const fixed[][2] = {
		{ "msg-cache-size:", "1m" },
		{ "rrset-cache-size:", "2m" },
		{ "key-cache-size:", "1m" },
		{ "cache-max-negative-ttl:", "5" },
		{ "val-bogus-ttl:", "5" },
		{ "qname-minimisation:", "yes" },
		{ "harden-dnssec-stripped:", "yes" },
		{ "harden-referral-path:", "no" },
		{ "val-permissive-mode:", "no" },
	};
	int ret = 0;
	for (size_t i = 0; ret == 0 && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		ret = ub_ctx_set_option(ub, fixed[i][0], fixed[i][1]);
	}
	/* Real servers on loopback are a laboratory; else libunbound refuses them silently. */
	if (ret == 0 && (given(options->root_hints) || forwards_to_loopback(options))) {
		ret = ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
	}
	return ret;
}

static int set_servers(struct ub_ctx *ub, const ms_resolver_options_t *options, const char *hints)
{
	if (options->forward_count == 0) {
		return ub_ctx_set_option(ub, "root-hints:", hints);
	}
	int ret = 0;
	for (unsigned i = 0; ret == 0 && i < options->forward_count; i++) {
		char addr[MS_ADDR_TEXT_MAX];
		ms_addr_to_text(&options->forward[i], addr);
		ret = ub_ctx_set_fwd(ub, addr);
	}
	return ret;
}

int ms_context_new(const ms_resolver_options_t *options, ms_now_t now, ms_context_t **out,
                   char *error, size_t error_max)
{
	const char *hints = given(options->root_hints) ? options->root_hints : ROOT_HINTS;
	const char *anchor = given(options->trust_anchor) ? options->trust_anchor : TRUST_ANCHOR;
	if (options->forward_count == 0 && access(hints, R_OK) != 0) {
		return fail(KNOT_EFILE, error, error_max, "the root hints '%s' cannot be read; install "
		            "dns-root-data or set 'root-hints'", hints);
	}
	if (access(anchor, R_OK) != 0) {
		return fail(KNOT_EFILE, error, error_max, "the trust anchor '%s' cannot be read; install "
		            "dns-root-data or set 'trust-anchor'", anchor);
	}
	ms_context_t *context = calloc(1, sizeof(*context));
	struct ub_ctx *ub = context != NULL ? ub_ctx_create() : NULL;
	if (ub == NULL) {
		free(context);
		return fail(KNOT_ENOMEM, error, error_max, "no memory for a resolver");
	}
	context->ub = ub;
	context->born = now.mono;
	int ret = ub_ctx_async(ub, 1);
	if (ret == 0) {
		ret = set_options(ub, options);
	}
	if (ret == 0) {
		ret = set_servers(ub, options, hints);
	}
	if (ret == 0) {
		ret = ub_ctx_add_ta_file(ub, anchor);
	}
	if (ret == 0) {
		/* The files are read when the context is first used: now, not with the first look-up. */
		ret = ub_ctx_data_remove(ub, "invalid.");
	}
	if (ret != 0) {
		ms_context_free(context);
		return fail(KNOT_ERROR, error, error_max, "the resolver cannot be set up (%s); check "
		            "'forward', 'root-hints' and 'trust-anchor'", ub_strerror(ret));
	}
	*out = context;
	return KNOT_EOK;
}

void ms_context_free(ms_context_t *context)
{
	if (context != NULL) {
		ub_ctx_delete(context->ub);
		free(context);
	}
}
