/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/timing.h"

static int64_t seconds(uint32_t s)
{
	return (int64_t)s * MS_SEC;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The keys of who goes: nobody looks at its servers any more, so its own word counts; without it the longest
 * that is possible. */
static int64_t leaver_keys(const ms_agent_t *agent, const ms_zone_t *zone)
{
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		if (ms_process_about(zone, pair)) {
			uint32_t told = pair->dnskey_ttl, most = agent->config.max_ttl;
			return seconds(told > 0 && told < most ? told : most);
		}
	}
	return 0;
}

int64_t ms_timing_wait(const ms_agent_t *agent, const ms_zone_t *zone, ms_wait_t wait)
{
	const ms_rec_ttl_t *ttl = zone->process->ttl;
	int64_t keys = seconds(ttl[MS_TTL_DNSKEY].ttl), ds = seconds(ttl[MS_TTL_DS].ttl);
	switch (wait) {
	case MS_WAIT_KEYS:
		return keys;
	case MS_WAIT_STEP_KEYS:
		return longer(keys, leaver_keys(agent, zone));
	case MS_WAIT_DS:
		return ds;
	case MS_WAIT_DS_KEYS:
		return ds + keys;
	case MS_WAIT_NS:
		return longer(seconds(ttl[MS_TTL_NS].ttl), seconds(ttl[MS_TTL_PARENT_NS].ttl));
	case MS_WAIT_SIGNED:
	case MS_WAIT_STEP_SIG:
		/* The apex's own TTLs are known, those of the rest the operator knows. */
		return longer(longer(seconds(agent->config.max_ttl), leaver_keys(agent, zone)),
		              longer(keys, seconds(ttl[MS_TTL_NS].ttl)));
	}
	return 0;
}

/* What a wait is counted from; 0: it is not so yet. */
static int64_t since(const ms_process_t *process, ms_wait_t wait)
{
	const ms_rec_fact_t *fact = process->fact;
	int64_t ds = fact[MS_FACT_DS].since, ns = fact[MS_FACT_PARENT_NS].since;
	/* Who answers for the parent has changed it by then. */
	ds = ds == 0 && process->skip ? process->skipped : ds;
	ns = ns == 0 && process->skip ? process->skipped : ns;
	switch (wait) {
	case MS_WAIT_KEYS:
		return fact[MS_FACT_KEYS].since;
	case MS_WAIT_DS:
		return ds;
	case MS_WAIT_DS_KEYS:
		return fact[MS_FACT_KEYS].since == 0 || ds == 0 ? 0 : longer(fact[MS_FACT_KEYS].since, ds);
	case MS_WAIT_NS:
		return ns == 0 ? 0 : longer(ns, fact[MS_FACT_NS].since);
	case MS_WAIT_SIGNED:
		return fact[MS_FACT_SIGNED].since;
	case MS_WAIT_STEP_KEYS:
	case MS_WAIT_STEP_SIG:
		return process->entered;
	}
	return 0;
}

int64_t ms_timing_over(const ms_agent_t *agent, const ms_zone_t *zone, const ms_step_row_t *row)
{
	static const ms_wait_t all[] = {
		MS_WAIT_KEYS, MS_WAIT_DS, MS_WAIT_DS_KEYS, MS_WAIT_NS, MS_WAIT_SIGNED, MS_WAIT_STEP_KEYS,
		MS_WAIT_STEP_SIG,
	};
	int64_t over = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!(row->waits & all[i])) {
			continue;
		}
		int64_t from = since(zone->process, all[i]);
		if (from == 0) {
			return INT64_MAX;
		}
		over = longer(over, from + ms_timing_wait(agent, zone, all[i]));
	}
	return over;
}
