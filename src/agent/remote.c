/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "agent/looks.h"
#include "base/text.h"
#include "io/resolver.h"

struct ms_remote {
	ms_resolver_t *resolver;  /* NULL: it could not be made. */
	size_t id_count;          /* Look-ups under way: a new resolver does not know of them. */
	size_t id_room;
	uint64_t *ids;
	ms_looks_t looks;
};

static int note_id(struct ms_remote *remote, uint64_t id)
{
	if (remote->id_count == remote->id_room) {
		size_t room = remote->id_room > 0 ? 2 * remote->id_room : 16;
		uint64_t *ids = realloc(remote->ids, room * sizeof(*ids));
		if (ids == NULL) {
			return KNOT_ENOMEM;
		}
		remote->ids = ids;
		remote->id_room = room;
	}
	remote->ids[remote->id_count++] = id;
	return KNOT_EOK;
}

static void forget_id(struct ms_remote *remote, uint64_t id)
{
	for (size_t i = 0; i < remote->id_count; i++) {
		if (remote->ids[i] == id) {
			remote->ids[i] = remote->ids[--remote->id_count];
			return;
		}
	}
}

static void on_located(void *ctx, uint64_t id, int ret, const ms_locator_t *locator,
                       const char *reason)
{
	ms_runtime_t *runtime = ctx;
	forget_id(runtime->remote, id);
	/* The event borrows the locator: one block, so that it goes with the event. */
	struct {
		ms_event_t event;
		ms_locator_t locator;
	} *block = calloc(1, sizeof(*block));
	if (block == NULL) {
		return;
	}
	block->event.kind = MS_EV_LOCATED;
	block->event.id = id;
	block->event.ret = ret;
	ms_text_copy(block->event.reason, reason, sizeof(block->event.reason));
	if (ret == KNOT_EOK) {
		block->locator = *locator;
		block->event.locator = &block->locator;
		/* It worked, but somebody published a contradiction (B-09). */
		if (reason[0] != '\0') {
			ms_worker_log(runtime, MS_LOG_NOTICE, reason);
		}
	}
	ms_worker_result(runtime, &block->event);
}

void ms_remote_locate(ms_runtime_t *runtime, const ms_action_t *action, ms_now_t now)
{
	int ret = note_id(runtime->remote, action->id);
	if (ret == KNOT_EOK && runtime->remote->resolver == NULL) {
		ret = KNOT_ENOTSUP;
	}
	if (ret == KNOT_EOK) {
		ret = ms_resolver_locate(runtime->remote->resolver, action->id, action->locate.identity,
		                         action->locate.fresh, now);
	}
	if (ret != KNOT_EOK) {
		on_located(runtime, action->id, ret, NULL, "no look-up can be made");
	}
}

void ms_remote_watch(ms_runtime_t *runtime, const knot_dname_t *zone)
{
	ms_slot_t *slot = ms_slots_find(&runtime->slots, zone);
	if (slot != NULL) {
		ms_looks_add(&runtime->remote->looks, slot);
	}
}

void ms_remote_look(ms_runtime_t *runtime, const knot_dname_t *zone, ms_now_t now)
{
	ms_slot_t *slot = ms_slots_find(&runtime->slots, zone);
	if (slot != NULL) {
		ms_looks_expect(&runtime->remote->looks, slot, now.mono);
	}
}

void ms_remote_seen(ms_runtime_t *runtime, const knot_dname_t *zone)
{
	const ms_slot_t *slot = ms_slots_find(&runtime->slots, zone);
	if (slot != NULL) {
		ms_looks_seen(&runtime->remote->looks, slot);
	}
}

static int new_resolver(ms_runtime_t *runtime, char error[MS_ERROR_MAX])
{
	const ms_settings_t *settings = &runtime->setup->settings;
	const ms_resolver_options_t options = {
		.forward_count = settings->forward_count,
		.forward = settings->forward,
		.root_hints = settings->root_hints,
		.trust_anchor = settings->trust_anchor,
		.uri_port_wins = settings->uri_port_wins,
	};
	const ms_resolver_calls_t calls = { .done = on_located, .ctx = runtime };
	return ms_resolver_new(&options, &calls, &runtime->remote->resolver, error, MS_ERROR_MAX);
}

/* Without it new versions are found by other people's queries alone: late, but found. */
static void configure_looks(ms_runtime_t *runtime)
{
	const ms_settings_t *settings = &runtime->setup->settings;
	int ret = ms_looks_configure(&runtime->remote->looks, &settings->listen,
	                             settings->poll_budget, ms_clock().mono);
	if (ret != KNOT_EOK) {
		char line[MS_LOG_LINE_MAX], where[MS_ADDR_TEXT_MAX];
		ms_addr_to_text(&settings->listen, where);
		(void)snprintf(line, sizeof(line), "our own server cannot be asked at %s (%s) -> "
		               "new zone versions are noticed when a client asks", where,
		               knot_strerror(ret));
		ms_worker_log(runtime, MS_LOG_WARNING, line);
	}
}

int ms_remote_init(ms_runtime_t *runtime, char error[MS_ERROR_MAX])
{
	struct ms_remote *remote = calloc(1, sizeof(*remote));
	if (remote == NULL) {
		return KNOT_ENOMEM;
	}
	runtime->remote = remote;
	int ret = new_resolver(runtime, error);
	if (ret == KNOT_EOK) {
		configure_looks(runtime);
	}
	return ret;
}

void ms_remote_deinit(ms_runtime_t *runtime)
{
	struct ms_remote *remote = runtime->remote;
	if (remote != NULL) {
		ms_resolver_free(remote->resolver);
		ms_looks_deinit(&remote->looks);
		free(remote->ids);
		free(remote);
		runtime->remote = NULL;
	}
}

static bool same_resolver(const ms_settings_t *a, const ms_settings_t *b)
{
	bool same = a->forward_count == b->forward_count && a->uri_port_wins == b->uri_port_wins &&
	            strcmp(a->root_hints, b->root_hints) == 0 &&
	            strcmp(a->trust_anchor, b->trust_anchor) == 0;
	for (unsigned i = 0; same && i < a->forward_count; i++) {
		same = ms_addr_equal(&a->forward[i], &b->forward[i]);
	}
	return same;
}

int ms_remote_configure(ms_runtime_t *runtime, const ms_settings_t *old)
{
	struct ms_remote *remote = runtime->remote;
	const ms_settings_t *settings = &runtime->setup->settings;
	if (!ms_addr_equal(&settings->listen, &old->listen) ||
	    settings->poll_budget != old->poll_budget) {
		configure_looks(runtime);
	}
	if (same_resolver(settings, old)) {
		return KNOT_EOK;
	}
	char error[MS_ERROR_MAX] = "";
	ms_resolver_free(remote->resolver);
	remote->resolver = NULL;
	while (remote->id_count > 0) {
		on_located(runtime, remote->ids[0], KNOT_EAGAIN, NULL, "the resolver was replaced");
	}
	int ret = new_resolver(runtime, error);
	if (ret != KNOT_EOK) {
		ms_worker_log(runtime, MS_LOG_ERROR, error);
	}
	return ret;
}

int ms_remote_fd(const ms_runtime_t *runtime)
{
	const struct ms_remote *remote = runtime->remote;
	return remote->resolver != NULL ? ms_resolver_fd(remote->resolver) : -1;
}

void ms_remote_work(ms_runtime_t *runtime, bool readable, ms_now_t now)
{
	struct ms_remote *remote = runtime->remote;
	if (remote->resolver != NULL &&
	    (readable || ms_time_due(ms_resolver_deadline(remote->resolver), now.mono))) {
		ms_resolver_work(remote->resolver, now);
	}
	ms_looks_work(&remote->looks, now.mono);
}

ms_time_t ms_remote_deadline(const ms_runtime_t *runtime)
{
	const struct ms_remote *remote = runtime->remote;
	ms_time_t until = ms_looks_deadline(&remote->looks);
	if (remote->resolver != NULL) {
		until = ms_time_min(until, ms_resolver_deadline(remote->resolver));
	}
	return until;
}
