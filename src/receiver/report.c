/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Telling the child's operator what is wrong (RFC 9567; K-09, K-30, P-11). */
#include <libknot/libknot.h>

#include "base/name.h"
#include "receiver/engine.h"
#include "wire/reporting.h"

/* Reports of one lasting error. */
#define REPORTS_MAX 2

/* Only where the agent domain belongs to a name server of the delegation (RFC 9859 section 4.3). */
static bool may_report(const ms_cut_t *cut)
{
	const knot_rdata_t *rd = cut->deleg.ns.rrs.rdata;
	if (cut->channel[0] == '\0') {
		return false;
	}
	for (uint16_t i = 0; i < cut->deleg.ns.rrs.count; i++) {
		if (knot_dname_in_bailiwick(cut->channel, rd->data) >= 0) {
			return true;
		}
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	return false;
}

void ms_report_send(ms_receiver_t *rx, ms_cut_t *cut, uint16_t type, const ms_verdict_t *v)
{
	knot_dname_storage_t name;
	if (v->ede < 0 || v->kind < MS_VERDICT_WAIT || cut->reports >= REPORTS_MAX ||
	    !may_report(cut) ||
	    ms_report_name(type, cut->row.child, v->ede, cut->channel, name) != KNOT_EOK) {
		return;
	}
	ms_task_t *task = ms_task_new(MS_TASK_REPORT, rx->setup);
	if (task == NULL) {
		return;
	}
	ms_name_copy(task->child, name);
	cut->reports++;
	ms_rx_count(rx, MS_RX_CTR_REPORT);
	if (ms_pool_add(&rx->pool, task) != KNOT_EOK) {
		ms_task_free(task);
	}
}
