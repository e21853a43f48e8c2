/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/safety.h"

#include <stdio.h>

#include <libknot/errcode.h>

#include "core/facts.h"
#include "core/member.h"

/* Rules 1 to 7: what must be so at every address before a step may end, and what is at stake. */
static const char *const facts[MS_FACT_COUNT] = {
	[MS_FACT_KEYS]      = "not every server has every DNSKEY",
	[MS_FACT_CDS]       = "not every server has the same CDS",
	[MS_FACT_NS]        = "not every server has the same NS",
	[MS_FACT_DS]        = "not every server of the parent has DS as CDS says",
	[MS_FACT_PARENT_NS] = "not every server of the parent has NS as the zone",
	[MS_FACT_SIGNED]    = "not every server has signatures by the active keys alone",
	[MS_FACT_GONE]      = "not every server has lost the old DNSKEY",
};

static bool of_parent(ms_fact_t fact)
{
	return fact == MS_FACT_DS || fact == MS_FACT_PARENT_NS;
}

/* Rule 9: what somebody has not said yet cannot be everywhere; without it every fact would hold. */
static bool all_have_said(const ms_zone_t *zone)
{
	bool all = zone->own_known;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		bool needed = ms_member_takes_part(zone, pair) ||
		              (ms_process_about(zone, pair) && ms_member_comes(zone));
		all &= !needed || pair->has_held;
	}
	return all;
}

int ms_safety_leave(const ms_zone_t *zone, unsigned step, bool *safe, char why[MS_WHY_MAX])
{
	const ms_process_t *process = zone->process;
	const ms_step_row_t *row = &ms_process_table(process->kind)[step];
	*safe = step > 0 || all_have_said(zone);
	if (!*safe) {
		(void)snprintf(why, MS_WHY_MAX, "not every provider has contributed");
		return KNOT_EOK;
	}
	for (ms_fact_t fact = 0; fact < MS_FACT_COUNT; fact++) {
		if (!(row->facts & (1u << fact)) || (process->skip && of_parent(fact))) {
			continue;
		}
		bool holds;
		int ret = ms_facts_hold(zone, fact, &holds);
		if (ret != KNOT_EOK) {
			return ret;
		}
		if (!holds) {
			*safe = false;
			(void)snprintf(why, MS_WHY_MAX, "%s", facts[fact]);
			return KNOT_EOK;
		}
	}
	return KNOT_EOK;
}

/* Signers that stay when this one goes. */
static unsigned signers_left(const ms_zone_t *zone, const ms_pair_t *gone)
{
	unsigned count = gone != NULL && zone->process->member &&
	                 zone->self_state == MS_HSYNC_ON && zone->self_sign == MS_HSYNC_SIGN;
	for (size_t i = 0; i < zone->pair_count; i++) {
		const ms_pair_t *pair = &zone->pairs[i];
		count += pair != gone && pair->member && ms_pair_on(pair) && pair->sign == MS_HSYNC_SIGN;
	}
	return count;
}

bool ms_safety_begin(const ms_zone_t *zone, ms_process_kind_t kind, const ms_pair_t *pair,
                     char why[MS_WHY_MAX])
{
	/* Rule 8: the last signer stays (A-32, F-57). */
	if (kind == MS_PROC_LEAVE && signers_left(zone, pair) == 0) {
		(void)snprintf(why, MS_WHY_MAX, "no signer would be left");
		return false;
	}
	return true;
}
