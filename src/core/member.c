/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/member.h"

#include <libknot/libknot.h>

#include "core/wanted.h"

bool ms_member_founded(const ms_zone_t *zone)
{
	return zone->process != NULL && zone->process->founded;
}

static bool in_force(const ms_zone_t *zone, const ms_pair_t *pair, ms_effect_t effect)
{
	return zone->process != NULL && ms_process_about(zone, pair) &&
	       (ms_process_row(zone)->effects & effect) != 0;
}

bool ms_member_comes(const ms_zone_t *zone)
{
	return ms_process_brings(zone->process->kind);
}

bool ms_member_goes(const ms_zone_t *zone)
{
	return ms_process_parts(zone->process->kind);
}

bool ms_member_ns(const ms_zone_t *zone, const ms_pair_t *pair)
{
	if (!ms_member_founded(zone)) {
		return false;
	}
	bool member = pair != NULL ? pair->member : zone->process->member;
	bool effect = in_force(zone, pair, MS_EFFECT_NS);
	return ms_member_comes(zone) ? member || effect : ms_member_goes(zone) ? member && !effect : member;
}

bool ms_member_cds(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return zone->process == NULL || !ms_member_goes(zone) || !in_force(zone, pair, MS_EFFECT_CDS);
}

bool ms_member_keys(const ms_zone_t *zone, const ms_pair_t *pair)
{
	return zone->process == NULL || !ms_member_goes(zone) || !in_force(zone, pair, MS_EFFECT_KEYS);
}

bool ms_member_serves(const ms_zone_t *zone, const ms_pair_t *pair)
{
	bool member = pair != NULL ? pair->member : zone->process->member;
	bool subject = ms_process_about(zone, pair);
	return (member || (subject && ms_member_comes(zone))) && !(subject && ms_member_goes(zone));
}

bool ms_member_talks(const ms_zone_t *zone, const ms_pair_t *pair)
{
	if (pair != NULL) {
		return pair->listed && (pair->state == MS_HSYNC_ON || pair->leaving || pair->claimed);
	}
	return zone->shared && (zone->self_state == MS_HSYNC_ON || ms_member_stays(zone));
}

bool ms_member_stays(const ms_zone_t *zone)
{
	return ms_member_founded(zone) && (zone->process->member || zone->process->owes);
}

bool ms_member_takes_part(const ms_zone_t *zone, const ms_pair_t *pair)
{
	bool any = ms_wanted_nobody_signs(zone);
	/* Who is to leave is still asked, so somebody who comes in before needs it. */
	bool on = pair != NULL ? ms_pair_on(pair) || (ms_member_comes(zone) && ms_member_talks(zone, pair))
	                       : zone->self_state == MS_HSYNC_ON || ms_member_comes(zone);
	on &= any || (pair != NULL ? pair->sign : zone->self_sign) == MS_HSYNC_SIGN;
	bool member = pair != NULL ? pair->member : zone->process->member;
	bool subject = ms_process_about(zone, pair);
	return on && (member || (subject && ms_member_comes(zone))) &&
	       !(subject && ms_member_goes(zone));
}
