/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/orders.h"

#include <libknot/libknot.h>

#include "core/keyroll.h"

static const ms_order_t *find_order(const ms_config_t *config, uint64_t hash)
{
	for (size_t i = 0; i < config->order_count; i++) {
		if (config->orders[i].hash == hash) {
			return &config->orders[i];
		}
	}
	return NULL;
}

/* What is not in the configuration any more may be ordered anew. */
static void forget_orders(const ms_config_t *config, ms_process_t *process)
{
	for (unsigned i = process->order_count; i > 0; i--) {
		if (find_order(config, process->order[i - 1]) == NULL) {
			process->order[i - 1] = process->order[--process->order_count];
			process->unsaved = true;
		}
	}
}

static bool is_done(const ms_process_t *process, uint64_t hash)
{
	bool done = false;
	for (unsigned i = 0; i < process->order_count; i++) {
		done |= process->order[i] == hash;
	}
	return done;
}

static void ask_roll(ms_zone_t *zone, ms_process_kind_t kind, const char *why, ms_actions_t *out)
{
	if (!zone->signing || !zone->managed || !zone->process->member) {
		ms_process_decide(zone, out, "roll of %s is %s, but the keys are not ours to roll -> not done",
		                  ms_process_name(kind), why);
		return;
	}
	zone->process->asked |= ms_process_asked_bit(kind);
	zone->process->unsaved = zone->process->again = true;
	ms_process_decide(zone, out, "roll of %s is %s -> it waits for its turn", ms_process_name(kind), why);
}

/* A roll whose new key is not used yet is undone without a trace; what is used must go its way. */
static void abort_roll(ms_zone_t *zone, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	const ms_step_row_t *rows = ms_process_table(process->kind);
	bool used = false;
	for (unsigned i = 0; i <= process->step && rows[i].name != NULL; i++) {
		used |= rows[i].keys != MS_KEYS_LIST && rows[i].keys != MS_KEYS_PUBLISH;
	}
	if (!ms_process_is_roll(process->kind) || process->kind == MS_PROC_ALGORITHM || used ||
	    !ms_process_about(zone, NULL)) {
		ms_process_decide(zone, out, "abort is ordered, and is not possible from here -> go on");
		return;
	}
	process->asked &= ~ms_process_asked_bit(process->kind);
	process->discard = 1 + ms_keyroll_role(process->kind);
	process->again = true;
	ms_process_decide(zone, out, "abort is ordered -> the new key is thrown away");
}

static void do_order(ms_zone_t *zone, const ms_order_t *order, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	switch (order->word) {
	case MS_ORDER_STEP:
		process->free_step = process->again = true;
		ms_process_decide(zone, out, "the operator orders a step");
		break;
	case MS_ORDER_SKIP:
		process->skip = process->again = true;
		process->skipped = process->noted;
		ms_process_decide(zone, out, "the operator answers for the parent in this step");
		break;
	case MS_ORDER_ABORT:
		abort_roll(zone, out);
		break;
	default:
		ask_roll(zone, MS_PROC_ZSK + (order->word - MS_ORDER_ROLL_ZSK), "ordered", out);
	}
}

/* Keys whose life is over. */
static void see_lifetimes(const ms_agent_t *agent, ms_zone_t *zone, int64_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	/* What is given up begins anew when its key is gone, not before. */
	bool may = zone->managed && process->member && !process->discard;
	for (size_t i = 0; may && i < process->key_count; i++) {
		const ms_own_key_t *key = &process->keys[i];
		ms_process_kind_t kind = !key->ksk ? MS_PROC_ZSK : key->zsk ? MS_PROC_CSK : MS_PROC_KSK;
		if (now >= ms_keyroll_end_of_life(&agent->config, key) &&
		    !(process->asked & ms_process_asked_bit(kind))) {
			ask_roll(zone, kind, "due", out);
		}
	}
}

int ms_orders_settle(ms_agent_t *agent, ms_zone_t *zone, ms_now_t now, ms_actions_t *out)
{
	ms_process_t *process = zone->process;
	forget_orders(&agent->config, process);
	for (size_t i = 0; i < agent->config.order_count; i++) {
		const ms_order_t *order = &agent->config.orders[i];
		if (!knot_dname_is_equal(order->zone, zone->name) || is_done(process, order->hash) ||
		    process->order_count == MS_ORDERS_MAX) {
			continue;
		}
		process->order[process->order_count++] = order->hash;
		process->unsaved = true;
		do_order(zone, order, out);
	}
	see_lifetimes(agent, zone, ms_steady(agent, now), out);
	return KNOT_EOK;
}
