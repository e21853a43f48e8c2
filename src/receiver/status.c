/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `_dsync-status.CHILD TXT` and `_dsync-status.PARENT TXT`: what was seen and decided, in lines of
 * key=value, for those who may read it. */
#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/compat.h"
#include "base/text.h"
#include "receiver/engine.h"

const uint8_t ms_status_label[] = "\x0d" "_dsync-status";

#define LINE_MAX_LEN 255
/* Children listed for a parent zone. */
#define LIST_MAX 200

static void add_line(ms_writer_t *w, uint16_t *count, const char *line)
{
	size_t len = strnlen(line, LINE_MAX_LEN);
	uint8_t rdata[1 + LINE_MAX_LEN];
	rdata[0] = len;
	memcpy(rdata + 1, line, len);
	/* The owner is the question's name. */
	static const uint8_t pointer[] = { 0xc0, 0x0c };
	ms_writer_t before = *w;
	ms_write_bytes(w, pointer, sizeof(pointer));
	ms_write_u16(w, KNOT_RRTYPE_TXT);
	ms_write_u16(w, KNOT_CLASS_IN);
	ms_write_u32(w, 0);
	ms_write_u16(w, 1 + len);
	ms_write_bytes(w, rdata, 1 + len);
	if (w->ret != KNOT_EOK) {
		*w = before; /* What fits, fits. */
		return;
	}
	++*count;
}

static void verdict_line(const char *what, const ms_verdict_t *v, char line[LINE_MAX_LEN + 1])
{
	(void)snprintf(line, LINE_MAX_LEN + 1, "%s=%s rule=%s why=\"%.150s\"", what,
	               ms_verdict_name(v->kind), ms_rule_name(v->rule), v->text);
}

/* What it is at; "due": the next look begins within a second. */
static const char *phase_of(const ms_cut_t *cut, ms_now_t now)
{
	static const char *const phases[] = { "idle", "ns", "ds", "survey", "apply" };
	return cut->phase == MS_CUT_IDLE && ms_pace_due(&cut->pace, ms_time_add(now.mono, MS_SEC))
	     ? "due" : phases[cut->phase];
}

static void child_lines(ms_writer_t *w, uint16_t *count, const ms_cut_t *cut, ms_now_t now)
{
	char name[MS_RX_NAME_MAX], line[LINE_MAX_LEN + 1];
	(void)snprintf(line, sizeof(line), "child=%s phase=%s delegated=%s looks=%u looked=%lld tried=%u "
	               "todo=%u",
	               ms_rx_name(cut->row.child, name), phase_of(cut, now),
	               cut->confirmed ? "yes" : "unknown", cut->looks, (long long)cut->looked, cut->pace.tried,
	               cut->row.todo);
	add_line(w, count, line);
	verdict_line("ds", &cut->ds, line);
	add_line(w, count, line);
	verdict_line("ns", &cut->ns, line);
	add_line(w, count, line);
	verdict_line("last", &cut->told, line);
	add_line(w, count, line);
	for (uint8_t i = 0; i < cut->row.trust.count; i++) {
		const ms_trust_key_t *key = &cut->row.trust.key[i];
		(void)snprintf(line, sizeof(line), "key=%u state=%s looks=%u", key->tag,
		               ms_trust_name(key->state), key->looks);
		add_line(w, count, line);
	}
}

static void parent_lines(ms_receiver_t *rx, ms_writer_t *w, uint16_t *count,
                         const knot_dname_t *zone)
{
	char name[MS_RX_NAME_MAX], line[LINE_MAX_LEN + 1];
	unsigned listed = 0;
	for (unsigned i = 0; i < rx->own_count; i++) {
		if (knot_dname_is_equal(rx->own[i].name, zone)) {
			(void)snprintf(line, sizeof(line), "zone=%s published=%s children=%zu",
			               ms_rx_name(zone, name), rx->own[i].published ? "yes" : "no",
			               rx->child_count);
			add_line(w, count, line);
		}
	}
	for (size_t i = 0; i < MS_RX_CHAINS; i++) {
		for (const ms_cut_t *cut = rx->chains[i]; cut != NULL; cut = cut->chain) {
			if (knot_dname_is_equal(cut->row.parent, zone) && listed++ < LIST_MAX) {
				(void)snprintf(line, sizeof(line), "child=%s ds=%s ns=%s keys=%u",
				               ms_rx_name(cut->row.child, name), ms_verdict_name(cut->ds.kind),
				               ms_verdict_name(cut->ns.kind), cut->row.trust.count);
				add_line(w, count, line);
			}
		}
	}
}

void ms_status_receive(ms_receiver_t *rx, ms_waiter_t *waiter, const ms_envelope_t *e,
                       ms_now_t now)
{
	uint8_t *out = rx->out;
	ms_envelope_t reply;
	ms_envelope_reply(&reply, e, KNOT_RCODE_NOERROR);
	reply.edns = false;
	reply.aa = true;
	size_t max = waiter->max < sizeof(rx->out) ? waiter->max : sizeof(rx->out);
	int len = ms_envelope_build(&reply, 0, NULL, 0, 0, out, max);
	if (len > 0) {
		const knot_dname_t *name = ms_compat_next_label(e->qname);
		const ms_cut_t *cut = ms_cuts_find(rx, name);
		ms_writer_t w = ms_writer(out + len, max - len);
		uint16_t count = 0;
		if (cut != NULL) {
			child_lines(&w, &count, cut, now);
		} else {
			parent_lines(rx, &w, &count, name);
		}
		knot_wire_set_ancount(out, count);
		(void)ms_waiter_send(waiter, out, len + ms_writer_len(&w));
	}
	ms_waiter_free(waiter);
}
