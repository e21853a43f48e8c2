/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One look at a child: what the zone has, what its servers say, what follows from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdnssec/random.h>
#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "parent/accept_ds.h"
#include "parent/accept_ns.h"
#include "receiver/engine.h"

/* Our own server answers within microseconds, but for a reload. */
#define OWN_TRIES 4
#define OWN_TIMEOUT (250 * MS_MSEC)
/* A zone that cannot be edited now is tried again after this, doubled each time, so often. */
#define BUSY_PAUSE (200 * MS_MSEC)
#define BUSY_MAX 8
/* With so many tasks waiting no child is looked at for the sake of the scan; with so many, none at all. */
#define BACKLOG_SCAN 64
#define BACKLOG_MAX  1024

void ms_look_hint(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	cut->hinted = cut->hinted || cut->phase == MS_CUT_IDLE;
	ms_pace_hint(&cut->pace, &rx->setup->settings.pace, now.mono);
}

static void tell(ms_receiver_t *rx, ms_cut_t *cut, const char *what, const ms_verdict_t *v)
{
	char name[MS_RX_NAME_MAX];
	bool news = v->kind != cut->told.kind || v->rule != cut->told.rule ||
	            strcmp(v->text, cut->told.text) != 0;
	if (v->kind == MS_VERDICT_REFUSE) {
		ms_rx_count(rx, MS_RX_CTR_REFUSE);
	} else if (v->kind == MS_VERDICT_WAIT) {
		ms_rx_count(rx, MS_RX_CTR_WAIT);
	}
	if (!news) {
		return;
	}
	cut->told = *v;
	cut->reports = 0;
	if (v->kind == MS_VERDICT_REFUSE || v->kind == MS_VERDICT_WAIT) {
		ms_rx_log(rx, v->kind == MS_VERDICT_REFUSE ? MS_LOG_WARNING : MS_LOG_NOTICE,
		          "%s: %s -> %s (%s: %s)", ms_rx_name(cut->row.child, name), what,
		          ms_verdict_name(v->kind), ms_rule_name(v->rule), v->text);
	}
}

static void answer_notifies(ms_receiver_t *rx, ms_cut_t *cut, uint16_t rcode, ms_now_t now)
{
	while (cut->notifies != NULL) {
		ms_waiter_t *waiter = cut->notifies;
		ms_envelope_t envelope;
		cut->notifies = waiter->next;
		if (ms_envelope_parse(waiter->request, waiter->request_len,
		                      rx->setup->settings.keystate_code, &envelope) == KNOT_EOK) {
			ms_answer_send(rx, waiter, &envelope, rcode, NULL, NULL, now);
		} else {
			ms_waiter_free(waiter);
		}
	}
}

/* The look is over. */
static void end(ms_receiver_t *rx, ms_cut_t *cut, ms_pace_end_t how, ms_now_t now)
{
	const ms_rx_settings_t *s = &rx->setup->settings;
	cut->phase = MS_CUT_IDLE;
	cut->looks++;
	cut->looked = now.wall.s;
	cut->busy = 0;
	ms_deleg_clear(&cut->deleg);
	/* An UPDATE that came meanwhile. */
	cut->pace.again = cut->pace.again || cut->update != NULL;
	ms_pace_end(&cut->pace, &s->pace, how, cut->hinted, now.mono);
	cut->hinted = cut->pace.again;
	if (ms_trust_pending(&cut->row.trust)) {
		cut->by_udp = !cut->by_udp;
		cut->pace.due = ms_time_min(cut->pace.due, ms_time_add(now.mono, s->look_interval));
	}
}

/* No delegation (any more): what was known of it is not for the next one of that name. */
static void gone(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	static const ms_verdict_t why = {
		.kind = MS_VERDICT_REFUSE, .ede = MS_EDE_PROHIBITED, .text = "not delegated here",
	};
	answer_notifies(rx, cut, KNOT_RCODE_REFUSED, now);
	ms_update_finish(rx, cut, KNOT_RCODE_REFUSED, &why, now);
	ms_row_clear(&cut->row);
	memset(&cut->row.trust, 0, sizeof(cut->row.trust));
	memset(&cut->row.memory, 0, sizeof(cut->row.memory));
	cut->row.inception = 0;
	(void)ms_cuts_store(rx, cut);
	ms_cuts_drop(rx, cut);
}

static int ask_own(ms_receiver_t *rx, ms_cut_t *cut, uint16_t type, ms_now_t now)
{
	ms_envelope_t e;
	uint8_t wire[MS_ENVELOPE_MAX];
	ms_envelope_init(&e, KNOT_OPCODE_QUERY, cut->row.child, type);
	(void)dnssec_random_buffer((uint8_t *)&e.id, sizeof(e.id));
	int len = ms_envelope_build(&e, 0, NULL, 0, 0, wire, sizeof(wire));
	if (len < 0) {
		return len;
	}
	ms_request_t request = {
		.id = cut->id << 1 | (type == KNOT_RRTYPE_DS), .wire = wire, .len = len,
		.addrs = &rx->setup->settings.listen, .addr_count = 1, .tries = OWN_TRIES,
		.first_timeout = OWN_TIMEOUT,
	};
	return ms_exchange_send(rx->exchange, &request, now);
}

/* It was not done: what it would have left in memory must not lock out a first DS (rule 15). */
static void forget_approved(ms_cut_t *cut)
{
	bool first_ds = cut->deleg.ds.rrs.count == 0 && cut->row.wanted.ds.rrs.count > 0;
	ms_row_clear(&cut->row);
	if (cut->kept) {
		cut->row.memory = cut->before;
	} else if (first_ds) {
		cut->row.memory.count = 0;
	}
	cut->kept = false;
}

/* The parent zone does not take part any more: what was approved is dropped. */
static void opted_out(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	ms_verdict_t v = ms_verdict(MS_VERDICT_REFUSE, MS_RULE_NONE, MS_EDE_PROHIBITED,
	                            "the parent zone has no receiver any more");
	forget_approved(cut);
	(void)ms_cuts_store(rx, cut);
	ms_update_finish(rx, cut, KNOT_RCODE_REFUSED, &v, now);
	end(rx, cut, MS_PACE_SAME, now);
}

static void start_apply(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	if (!ms_zones_own(rx, cut->row.parent)) {
		opted_out(rx, cut, now);
		return;
	}
	ms_task_t *task = ms_task_new(MS_TASK_APPLY, rx->setup);
	int ret = task != NULL ? ms_deleg_copy(&task->before, &cut->deleg) : KNOT_ENOMEM;
	if (ret == KNOT_EOK) {
		ret = ms_deleg_copy(&task->after, &cut->row.wanted);
	}
	if (ret == KNOT_EOK) {
		task->id = cut->id;
		ms_name_copy(task->parent, cut->row.parent);
		ms_name_copy(task->child, cut->row.child);
		ret = ms_pool_add(&rx->pool, task);
	}
	cut->phase = MS_CUT_APPLY;
	cut->apply_at = MS_TIME_NEVER;
	if (ret != KNOT_EOK) {
		ms_task_free(task);
		cut->apply_at = ms_time_add(now.mono, BUSY_PAUSE);
	}
}

static void start_survey(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	const ms_rx_settings_t *s = &rx->setup->settings;
	ms_task_t *task = ms_task_new(MS_TASK_SURVEY, rx->setup);
	int ret = KNOT_ENOMEM;
	if (task != NULL && (task->survey = calloc(1, sizeof(*task->survey))) != NULL) {
		ms_name_copy(task->survey->child, cut->row.child);
		ret = ms_deleg_copy(&task->survey->deleg, &cut->deleg);
	}
	if (ret == KNOT_EOK && cut->update != NULL && cut->update->surveyed) {
		task->survey->has_proposed = true;
		ret = ms_deleg_copy(&task->survey->proposed, &cut->update->proposed);
	}
	if (ret == KNOT_EOK) {
		bool bare = cut->deleg.ds.rrs.count == 0;
		task->id = cut->id;
		task->want_key = ms_trust_pending(&cut->row.trust);
		task->want_signals = (bare && s->policy.signals) || (task->want_key && s->trust.at_ns);
		task->udp = task->want_key && bare && cut->by_udp;
		ret = ms_pool_add(&rx->pool, task);
	}
	if (ret != KNOT_EOK) {
		ms_task_free(task);
		end(rx, cut, MS_PACE_WAITS, now);
		return;
	}
	cut->phase = MS_CUT_SURVEY;
	ms_rx_count(rx, MS_RX_CTR_SURVEY);
}

/* An UPDATE, held against what the delegation is now. \return Is it to be surveyed? */
static void prepare_update(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	ms_rx_update_t *u = cut->update;
	if (u->contents.kind == MS_CONTENTS_KEY) {
		ms_update_key(rx, cut, now);
		return;
	}
	ms_deleg_clear(&u->proposed);
	ms_verdict_t v = ms_deleg_copy(&u->proposed, &cut->deleg) != KNOT_EOK
	               ? ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER, "out of memory")
	               : ms_contents_apply(&u->deltas, cut->row.child, &rx->setup->settings.policy,
	                                   &u->proposed);
	if (v.kind != MS_VERDICT_CHANGE) {
		tell(rx, cut, "UPDATE", &v);
		ms_update_finish(rx, cut, KNOT_RCODE_REFUSED, &v, now);
	} else if (ms_deleg_equal(&u->proposed, &cut->deleg)) {
		ms_update_finish(rx, cut, KNOT_RCODE_NOERROR, NULL, now);
	} else {
		u->surveyed = true;
	}
}

static void known(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	cut->confirmed = true;
	answer_notifies(rx, cut, KNOT_RCODE_NOERROR, now);
	if (cut->row.todo == MS_TODO_APPLY) {
		start_apply(rx, cut, now);
		return;
	}
	if (cut->update != NULL) {
		prepare_update(rx, cut, now);
	}
	start_survey(rx, cut, now);
}

static void unreachable(ms_receiver_t *rx, ms_cut_t *cut, int why, ms_now_t now)
{
	ms_verdict_t v = ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER,
	                            why == KNOT_EDENIED
	                            ? "our own server has the child's zone, too, and hides the "
	                              "delegation; serve the child from another one"
	                            : "our own server does not tell the delegation");
	answer_notifies(rx, cut, KNOT_RCODE_SERVFAIL, now);
	tell(rx, cut, "look", &v);
	ms_update_finish(rx, cut, KNOT_RCODE_SERVFAIL, &v, now);
	end(rx, cut, MS_PACE_WAITS, now);
}

void ms_look_delegation(ms_receiver_t *rx, uint64_t id, const uint8_t *wire, size_t len,
                        ms_now_t now)
{
	ms_cut_t *cut = ms_cuts_by_id(rx, id >> 1);
	if (cut == NULL || cut->phase != ((id & 1) != 0 ? MS_CUT_DS : MS_CUT_NS)) {
		return;
	}
	bool ds = cut->phase == MS_CUT_DS;
	int ret = wire == NULL ? KNOT_ECONN
	        : ds ? ms_deleg_take_ds(&cut->deleg, wire, len, cut->row.child)
	             : ms_deleg_take_referral(&cut->deleg, wire, len, cut->row.child,
	                                      cut->row.parent);
	if (ret == KNOT_ENOENT) {
		gone(rx, cut, now);
		return;
	}
	if (ret == KNOT_EOK && !ds) {
		cut->phase = MS_CUT_DS;
		ret = ask_own(rx, cut, KNOT_RRTYPE_DS, now);
	} else if (ret == KNOT_EOK) {
		known(rx, cut, now);
		return;
	}
	if (ret != KNOT_EOK) {
		unreachable(rx, cut, ret, now);
	}
}

static void begin(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	ms_deleg_clear(&cut->deleg);
	ms_pace_begin(&cut->pace, now.mono);
	cut->phase = MS_CUT_NS;
	if (ask_own(rx, cut, KNOT_RRTYPE_NS, now) != KNOT_EOK) {
		/* Too many at once: this one comes again. */
		cut->phase = MS_CUT_IDLE;
		cut->pace.running = false;
		cut->pace.due = ms_time_add(now.mono, BUSY_PAUSE);
	}
}

/* Is there room for one more look? Who asks for it comes before the scan. */
static bool has_room(ms_receiver_t *rx, const ms_cut_t *cut)
{
	bool asked = cut->hinted || cut->update != NULL || cut->row.todo != MS_TODO_NONE;
	return ms_pool_waiting(&rx->pool) < (asked ? BACKLOG_MAX : BACKLOG_SCAN);
}

void ms_look_run(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	if (cut->phase == MS_CUT_IDLE && ms_pace_due(&cut->pace, now.mono) &&
	    !ms_zones_own(rx, cut->row.parent)) {
		/* Its parent does not take part any more: nothing is asked, nothing is edited. */
		return;
	}
	if (cut->phase == MS_CUT_IDLE && ms_pace_due(&cut->pace, now.mono) && has_room(rx, cut)) {
		begin(rx, cut, now);
	} else if (cut->phase == MS_CUT_APPLY && ms_time_due(cut->apply_at, now.mono)) {
		start_apply(rx, cut, now);
	}
}

/* It is written down before it is done: a crash finds it there (M-11). */
static void approve(ms_receiver_t *rx, ms_cut_t *cut, const ms_survey_t *survey,
                    const ms_policy_t *policy, ms_deleg_t *wanted, bool ds, ms_now_t now)
{
	ms_deleg_clear(&cut->row.wanted);
	cut->row.wanted = *wanted;
	*wanted = (ms_deleg_t){ 0 };
	cut->row.todo = MS_TODO_APPLY;
	cut->kept = true;
	cut->before = cut->row.memory;
	if (ds) {
		ms_memory_applied(survey, policy, now.wall.s, cut->row.wanted.ds.rrs.count == 0,
		                  &cut->row.memory);
	}
	if (ms_cuts_store(rx, cut) != KNOT_EOK) {
		forget_approved(cut);
		ms_verdict_t v = ms_verdict(MS_VERDICT_WAIT, MS_RULE_SURVEY, MS_EDE_OTHER,
		                            "the store cannot be written");
		ms_update_finish(rx, cut, KNOT_RCODE_SERVFAIL, &v, now);
		end(rx, cut, MS_PACE_WAITS, now);
		return;
	}
	start_apply(rx, cut, now);
}

static ms_pace_end_t pace_of(const ms_verdict_t *v)
{
	return v->kind == MS_VERDICT_WAIT && v->rule == MS_RULE_ANSWER ? MS_PACE_SILENT
	     : v->kind == MS_VERDICT_WAIT ? MS_PACE_WAITS
	     : v->kind == MS_VERDICT_REFUSE ? MS_PACE_REFUSED : MS_PACE_SAME;
}

/* An UPDATE: everything in it, or nothing. \return false: nothing is to be done for it. */
static bool judge_update(ms_receiver_t *rx, ms_cut_t *cut, const ms_survey_t *survey,
                         const ms_policy_t *policy, ms_now_t now)
{
	ms_rx_update_t *u = cut->update;
	ms_verdict_t ns = ms_accept_ns_update(survey, policy);
	ms_verdict_t ds = ms_accept_ds_update(survey, policy, now.wall.s, &u->proposed.ds,
	                                      &cut->row.memory);
	ms_verdict_t *bad = ns.kind >= MS_VERDICT_WAIT ? &ns : ds.kind >= MS_VERDICT_WAIT ? &ds : NULL;
	if (bad != NULL) {
		tell(rx, cut, "UPDATE", bad);
		ms_update_finish(rx, cut, bad->kind == MS_VERDICT_WAIT && bad->rule == MS_RULE_SURVEY
		                          ? KNOT_RCODE_SERVFAIL : KNOT_RCODE_REFUSED, bad, now);
		return false;
	}
	if (ns.kind == MS_VERDICT_CHANGE || ds.kind == MS_VERDICT_CHANGE) {
		ms_deleg_t wanted = u->proposed;
		u->proposed = (ms_deleg_t){ 0 };
		approve(rx, cut, survey, policy, &wanted, ds.kind == MS_VERDICT_CHANGE, now);
		return true;
	}
	ms_update_finish(rx, cut, KNOT_RCODE_NOERROR, NULL, now);
	return false;
}

/* CDS and CDNSKEY first: what comes by CSYNC is then judged under the new DS. */
static void judge_published(ms_receiver_t *rx, ms_cut_t *cut, const ms_survey_t *survey,
                            const ms_policy_t *policy, ms_now_t now)
{
	ms_deleg_t wanted = { 0 };
	ms_memory_t before = cut->row.memory;
	cut->ds = ms_accept_ds(survey, policy, now.wall.s, &cut->row.memory, &wanted.ds);
	if (cut->ds.kind == MS_VERDICT_CHANGE) {
		ms_rrset_t ds = wanted.ds;
		wanted = (ms_deleg_t){ 0 };
		int ret = ms_deleg_copy(&wanted, &survey->deleg);
		ms_rrset_clear(&wanted.ds);
		wanted.ds = ds;
		if (ret == KNOT_EOK) {
			approve(rx, cut, survey, policy, &wanted, true, now);
		} else {
			end(rx, cut, MS_PACE_WAITS, now);
		}
		ms_deleg_clear(&wanted);
		return;
	}
	if (memcmp(&before, &cut->row.memory, sizeof(before)) != 0) {
		(void)ms_cuts_store(rx, cut);
	}
	cut->ns = ms_accept_csync(survey, policy, &wanted);
	if (cut->ns.kind == MS_VERDICT_CHANGE) {
		approve(rx, cut, survey, policy, &wanted, false, now);
		ms_deleg_clear(&wanted);
		return;
	}
	ms_verdict_t *worse = cut->ns.kind > cut->ds.kind ? &cut->ns : &cut->ds;
	bool cds = worse == &cut->ds;
	tell(rx, cut, cds ? "CDS" : "CSYNC", worse);
	ms_report_send(rx, cut, cds ? KNOT_RRTYPE_CDS : KNOT_RRTYPE_CSYNC, worse);
	end(rx, cut, pace_of(worse), now);
}

static void judge_keys(ms_receiver_t *rx, ms_cut_t *cut, const ms_survey_t *survey,
                       const ms_policy_t *policy, ms_now_t now)
{
	char name[MS_RX_NAME_MAX];
	ms_trust_t before = cut->row.trust;
	bool changed = ms_trust_look(&cut->row.trust, survey, policy, &rx->setup->settings.trust,
	                             now.wall.s);
	changed = ms_trust_expire(&cut->row.trust, now.wall.s) || changed;
	if (!changed) {
		return;
	}
	(void)ms_cuts_store(rx, cut);
	ms_update_superseded(rx, cut, &before);
	for (uint8_t i = 0; i < cut->row.trust.count; i++) {
		const ms_trust_key_t *key = &cut->row.trust.key[i];
		ms_rx_log(rx, MS_LOG_NOTICE, "%s: key %u was looked up -> %s (%u looks)",
		          ms_rx_name(cut->row.child, name), key->tag, ms_trust_name(key->state),
		          key->looks);
	}
}

void ms_look_surveyed(ms_receiver_t *rx, ms_task_t *task, ms_now_t now)
{
	ms_cut_t *cut = ms_cuts_by_id(rx, task->id);
	if (cut == NULL || cut->phase != MS_CUT_SURVEY) {
		return;
	}
	const ms_rx_settings_t *s = &rx->setup->settings;
	ms_policy_t policy = s->policy;
	policy.drop_silent = policy.drop_silent && ms_pace_exhausted(&cut->pace, &s->pace);
	if (task->want_key) {
		judge_keys(rx, cut, task->survey, &policy, now);
	}
	if (cut->update != NULL && cut->update->surveyed) {
		/* What the child publishes is looked at afterwards. */
		cut->pace.again = true;
		if (!judge_update(rx, cut, task->survey, &policy, now)) {
			end(rx, cut, MS_PACE_SAME, now);
		}
		return;
	}
	judge_published(rx, cut, task->survey, &policy, now);
}

static void applied(ms_receiver_t *rx, ms_cut_t *cut, ms_now_t now)
{
	char name[MS_RX_NAME_MAX];
	ms_rx_count(rx, MS_RX_CTR_CHANGE);
	ms_rx_log(rx, MS_LOG_NOTICE, "%s: approved -> the delegation has %u NS, %u DS, %u with glue",
	          ms_rx_name(cut->row.child, name), cut->row.wanted.ns.rrs.count,
	          cut->row.wanted.ds.rrs.count, cut->row.wanted.glue_count);
	ms_row_clear(&cut->row);
	cut->kept = false;
	(void)ms_cuts_store(rx, cut);
	cut->told = (ms_verdict_t){ .ede = MS_EDE_NONE };
	cut->reports = 0;
	if (cut->update != NULL && cut->update->surveyed) {
		ms_update_finish(rx, cut, KNOT_RCODE_NOERROR, NULL, now);
	}
	cut->pace.again = true;
	end(rx, cut, MS_PACE_CHANGED, now);
}

void ms_look_applied(ms_receiver_t *rx, ms_task_t *task, ms_now_t now)
{
	ms_cut_t *cut = ms_cuts_by_id(rx, task->id);
	if (cut == NULL || cut->phase != MS_CUT_APPLY) {
		return;
	}
	if (task->ret == KNOT_EOK) {
		applied(rx, cut, now);
		return;
	}
	bool busy = task->ret == KNOT_EBUSY || task->ret == KNOT_EEMPTYZONE;
	if (busy && cut->busy < BUSY_MAX) {
		cut->apply_at = ms_time_add(now.mono, BUSY_PAUSE << cut->busy++);
		return;
	}
	ms_verdict_t v = ms_verdict(busy ? MS_VERDICT_WAIT : MS_VERDICT_REFUSE, MS_RULE_NONE,
	                            MS_EDE_OTHER, "%.180s",
	                            task->text[0] != '\0' ? task->text : knot_strerror(task->ret));
	tell(rx, cut, "change of the zone", &v);
	/* What is only late stays approved: the next look brings it in. */
	if (!busy) {
		forget_approved(cut);
		(void)ms_cuts_store(rx, cut);
	}
	ms_update_finish(rx, cut, busy ? KNOT_RCODE_SERVFAIL : KNOT_RCODE_REFUSED, &v, now);
	end(rx, cut, busy ? MS_PACE_WAITS : MS_PACE_REFUSED, now);
}
