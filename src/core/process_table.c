/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/process.h"

#include "core/action.h"

#define F(fact) (1u << MS_FACT_##fact)
#define END { NULL }
/* Everybody's wait is over, not only ours, before anybody goes on (F-09, F-23). */
#define READY(id) { "ready", 0, 0, 0, .source = id }
#define READY_WITH(effect, id) { "ready", 0, 0, effect, .source = id }

/* A new signer, section 5.3 (F-30..F-41). What it contributes is exchanged and combined as soon as it is
 * ON: keys and CDS in a set harm nobody. Its servers are named last. */
static const ms_step_row_t join[] = {
	{ "agree",     0,             0, 0, .source = "F-30" },
	{ "keys",      F(KEYS),       0, 0, .source = "F-31" },
	{ "cds",       F(CDS),        0, 0, .source = "F-32" },
	{ "ds",        F(DS),         0, 0, .source = "F-33" },
	{ "hold",      F(KEYS) | F(DS), MS_WAIT_KEYS | MS_WAIT_DS, 0, .source = "F-35" },
	READY("F-23"),
	{ "ns",        F(NS),         0, MS_EFFECT_NS, .source = "F-36, F-40" },
	{ "parent-ns", F(PARENT_NS),  0, MS_EFFECT_NS, .source = "F-37, F-38" },
	END
};

/* A provider that does not sign: the steps about NS of JOIN (F-85). */
static const ms_step_row_t serve[] = {
	{ "agree",     0,             0, 0, .source = "F-85" },
	{ "keys",      F(KEYS),       0, 0, .source = "F-40" },
	{ "ns",        F(NS),         0, MS_EFFECT_NS, .source = "F-36" },
	{ "parent-ns", F(PARENT_NS),  0, MS_EFFECT_NS, .source = "F-38" },
	END
};

/* Section 5.4 (F-45..F-57), with the waits that the text lacks. */
static const ms_step_row_t leave[] = {
	{ "agree",     0,             0, 0, .source = "F-15" },
	{ "ns",        F(NS),         0, MS_EFFECT_NS, .source = "F-45" },
	{ "parent-ns", F(PARENT_NS),  0, MS_EFFECT_NS, .source = "F-46, F-47" },
	{ "hold-ns",   F(PARENT_NS),  MS_WAIT_NS, MS_EFFECT_NS, .source = "F-49" },
	{ "hold-keys", 0,             MS_WAIT_STEP_KEYS, MS_EFFECT_NS, .source = "F-50, F-55" },
	READY_WITH(MS_EFFECT_NS, "F-23"),
	{ "cds",       F(CDS),        0, MS_EFFECT_NS | MS_EFFECT_CDS, .source = "F-51" },
	{ "ds",        F(DS),         0, MS_EFFECT_NS | MS_EFFECT_CDS, .source = "F-53" },
	{ "hold-sig",  F(DS),         MS_WAIT_DS | MS_WAIT_STEP_SIG, MS_EFFECT_NS | MS_EFFECT_CDS,
	  .source = "F-52" },
	READY_WITH(MS_EFFECT_NS | MS_EFFECT_CDS, "F-23"),
	{ "keys",      F(GONE),       0, MS_EFFECT_NS | MS_EFFECT_CDS | MS_EFFECT_KEYS, .source = "F-52" },
	END
};

static const ms_step_row_t unserve[] = {
	{ "agree",     0,             0, 0, .source = "F-85" },
	{ "ns",        F(NS),         0, MS_EFFECT_NS, .source = "F-45" },
	{ "parent-ns", F(PARENT_NS),  0, MS_EFFECT_NS, .source = "F-47" },
	{ "hold-ns",   F(PARENT_NS),  MS_WAIT_NS, MS_EFFECT_NS, .source = "F-49" },
	END
};

/* Section 5.5 (F-60..F-63). */
static const ms_step_row_t zsk[] = {
	{ "agree",     0,             0, 0, .source = "F-11" },
	{ "publish",   F(KEYS),       0, 0, .led = true, .keys = MS_KEYS_PUBLISH, .source = "F-60" },
	{ "hold",      F(KEYS),       MS_WAIT_KEYS, 0, .source = "F-61" },
	READY("F-61"),
	{ "sign",      F(SIGNED),     0, 0, .led = true, .keys = MS_KEYS_ACTIVATE, .source = "F-61" },
	{ "hold-sig",  F(SIGNED),     MS_WAIT_SIGNED, 0, .led = true, .source = "F-62" },
	{ "remove",    F(GONE),       0, 0, .led = true, .keys = MS_KEYS_REMOVE, .source = "F-62" },
	END
};

/* Section 5.6 (F-65..F-71), but DS leaves the parent before its key leaves the zone: so no DS ever points
 * to nothing (F-71). */
static const ms_step_row_t ksk[] = {
	{ "agree",     0,             0, 0, .source = "F-11" },
	{ "publish",   F(KEYS),       0, 0, .led = true, .keys = MS_KEYS_PUBLISH, .source = "F-65" },
	{ "cds",       F(CDS),        0, 0, .led = true, .keys = MS_KEYS_ACTIVATE, .source = "F-66" },
	{ "ds",        F(DS),         0, 0, .source = "F-66" },
	{ "hold",      F(DS) | F(KEYS), MS_WAIT_DS_KEYS, 0, .source = "F-67" },
	READY("F-67"),
	{ "cds-new",   F(CDS),        0, 0, .led = true, .keys = MS_KEYS_WITHDRAW, .source = "F-69" },
	{ "ds-new",    F(DS),         0, 0, .source = "F-69" },
	{ "hold-new",  F(DS),         MS_WAIT_DS, 0, .source = "F-71" },
	READY("F-71"),
	{ "remove",    F(GONE),       0, 0, .led = true, .keys = MS_KEYS_REMOVE, .source = "F-68" },
	END
};

/* As KSK, and its data too: it stands in all DNSKEY RRsets before it signs, and until what it signed is in
 * no cache any more (F-65, F-70). */
static const ms_step_row_t csk[] = {
	{ "agree",     0,             0, 0, .source = "F-11" },
	{ "publish",   F(KEYS),       0, 0, .led = true, .keys = MS_KEYS_PUBLISH, .source = "F-65" },
	{ "hold-keys", F(KEYS),       MS_WAIT_KEYS, 0, .source = "F-65" },
	READY("F-65"),
	{ "cds",       F(CDS),        0, 0, .led = true, .keys = MS_KEYS_ACTIVATE, .source = "F-66" },
	{ "ds",        F(DS),         0, 0, .source = "F-66" },
	{ "hold",      F(DS) | F(KEYS), MS_WAIT_DS_KEYS, 0, .source = "F-67" },
	READY("F-67"),
	{ "cds-new",   F(CDS),        0, 0, .led = true, .keys = MS_KEYS_WITHDRAW, .source = "F-69" },
	{ "ds-new",    F(DS),         0, 0, .source = "F-69" },
	{ "hold-new",  F(DS),         MS_WAIT_DS, 0, .source = "F-71" },
	READY("F-71"),
	{ "sign",      F(SIGNED),     0, 0, .led = true, .keys = MS_KEYS_RETIRE, .source = "F-70" },
	{ "hold-sig",  F(SIGNED),     MS_WAIT_SIGNED, 0, .led = true, .source = "F-70" },
	{ "remove",    F(GONE),       0, 0, .led = true, .keys = MS_KEYS_REMOVE, .source = "F-68" },
	END
};

/* The corrected order (X-22, F-75..F-80): signatures, keys, DS; then back in the reverse order. Everybody
 * acts, the barrier is what makes them wait for each other. */
static const ms_step_row_t algorithm[] = {
	{ "agree",     0,             0, 0, .source = "F-80" },
	{ "sign",      F(SIGNED),     0, 0, .keys = MS_KEYS_ALG_SIGN, .source = "F-75" },
	{ "hold-sig",  F(SIGNED),     MS_WAIT_SIGNED, 0, .source = "F-76" },
	READY("F-76"),
	{ "keys",      F(KEYS),       0, 0, .keys = MS_KEYS_ALG_PUBLISH, .source = "F-77" },
	{ "hold-keys", F(KEYS),       MS_WAIT_KEYS, 0, .source = "F-77" },
	READY("F-77"),
	{ "cds",       F(CDS),        0, 0, .keys = MS_KEYS_ALG_ACTIVATE, .source = "F-77" },
	{ "ds",        F(DS),         0, 0, .source = "F-77" },
	{ "hold",      F(DS) | F(KEYS), MS_WAIT_DS_KEYS, 0, .source = "F-77" },
	READY("F-77"),
	{ "cds-new",   F(CDS),        0, 0, .keys = MS_KEYS_ALG_WITHDRAW, .source = "F-78" },
	{ "ds-new",    F(DS),         0, 0, .source = "F-78" },
	{ "hold-new",  F(DS),         MS_WAIT_DS, 0, .source = "F-78" },
	READY("F-78"),
	{ "hide",      F(GONE),       0, 0, .keys = MS_KEYS_ALG_HIDE, .source = "F-78" },
	{ "hold-gone", F(GONE),       MS_WAIT_STEP_KEYS, 0, .source = "F-78" },
	READY("F-78"),
	{ "remove",    F(SIGNED),     0, 0, .keys = MS_KEYS_ALG_REMOVE, .source = "F-78" },
	END
};

static const ms_step_row_t none[] = { END };

static const struct { const char *name; const ms_step_row_t *rows; } tables[MS_PROC_KINDS] = {
	[MS_PROC_NONE]      = { "none", none },
	[MS_PROC_JOIN]      = { "join", join },
	[MS_PROC_SERVE]     = { "serve", serve },
	[MS_PROC_LEAVE]     = { "leave", leave },
	[MS_PROC_UNSERVE]   = { "unserve", unserve },
	[MS_PROC_ZSK]       = { "zsk", zsk },
	[MS_PROC_KSK]       = { "ksk", ksk },
	[MS_PROC_CSK]       = { "csk", csk },
	[MS_PROC_ALGORITHM] = { "algorithm", algorithm },
};

const ms_step_row_t *ms_process_table(ms_process_kind_t kind)
{
	return tables[kind < MS_PROC_KINDS ? kind : MS_PROC_NONE].rows;
}

const ms_step_row_t *ms_process_row(const ms_zone_t *zone)
{
	return &ms_process_table(zone->process->kind)[zone->process->step];
}

unsigned ms_process_steps(ms_process_kind_t kind)
{
	const ms_step_row_t *rows = ms_process_table(kind);
	unsigned count = 0;
	while (rows[count].name != NULL) {
		count++;
	}
	return count;
}

const char *ms_process_name(ms_process_kind_t kind)
{
	return tables[kind < MS_PROC_KINDS ? kind : MS_PROC_NONE].name;
}

const char *ms_fact_name(ms_fact_t fact)
{
	static const char *const names[MS_FACT_COUNT] = {
		"keys", "cds", "ns", "ds", "parent-ns", "signed", "gone",
	};
	return names[fact];
}

bool ms_process_is_roll(ms_process_kind_t kind)
{
	return kind >= MS_PROC_ZSK;
}

/* In the order of ms_key_role_t, then the algorithm. */
uint8_t ms_process_asked_bit(ms_process_kind_t kind)
{
	static const uint8_t bits[MS_PROC_KINDS] = {
		[MS_PROC_ZSK] = 1u << MS_ROLE_ZSK, [MS_PROC_KSK] = 1u << MS_ROLE_KSK,
		[MS_PROC_CSK] = 1u << MS_ROLE_CSK, [MS_PROC_ALGORITHM] = 1u << 3,
	};
	return bits[kind];
}

bool ms_process_brings(uint8_t kind)
{
	return kind == MS_PROC_JOIN || kind == MS_PROC_SERVE;
}

bool ms_process_parts(uint8_t kind)
{
	return kind == MS_PROC_LEAVE || kind == MS_PROC_UNSERVE;
}
