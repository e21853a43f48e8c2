/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parentlab.h"
#include "parent/accept_ds.h"

static void none(ms_survey_t *s, ms_policy_t *p) { }

static void same(ms_survey_t *s, ms_policy_t *p)
{
	put_cds_all(s, true, false);
}

static void more(ms_survey_t *s, ms_policy_t *p)
{
	put_cds_all(s, true, true);
}

static void swap(ms_survey_t *s, ms_policy_t *p)
{
	put_cds_all(s, false, true);
}

static void one_only(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, KSK_A, NOW - 60);
}

static void differ(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, KSK_A, NOW - 60);
	put_cds(s, 1, false, true, KSK_A, NOW - 60);
}

static void by_zsk(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, ZSK, NOW - 60);
	put_cds(s, 1, true, true, ZSK, NOW - 60);
}

static void by_new_ksk(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, KSK_B, NOW - 60);
	put_cds(s, 1, true, true, KSK_B, NOW - 60);
}

static void expired(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, KSK_A, NOW - 90000);
	put_cds(s, 1, true, true, KSK_A, NOW - 90000);
}

static void early(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, KSK_A, NOW + 60);
	put_cds(s, 1, true, true, KSK_A, NOW + 60);
}

static void older(ms_survey_t *s, ms_policy_t *p)
{
	put_cds(s, 0, true, true, KSK_A, NOW - 7200);
	put_cds(s, 1, true, true, KSK_A, NOW - 7200);
}

static void silent(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	for (int i = 0; i < MS_LOOKS_TYPES; i++) {
		ms_said_clear(&s->looks[1].said[i]);
		s->looks[1].said[i].saying = MS_SAID_SILENT;
	}
}

static void silent_dropped(ms_survey_t *s, ms_policy_t *p)
{
	silent(s, p);
	p->drop_silent = true;
}

static void all_silent(ms_survey_t *s, ms_policy_t *p)
{
	silent_dropped(s, p);
	for (int i = 0; i < MS_LOOKS_TYPES; i++) {
		ms_said_clear(&s->looks[0].said[i]);
		s->looks[0].said[i].saying = MS_SAID_SILENT;
	}
}

/* Heard about SOA, not about CDS: that is no silence. */
static void half_silent(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[1].said[MS_LOOK_CDS].saying = MS_SAID_SILENT;
	p->drop_silent = true;
}

static void bogus(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[1].said[MS_LOOK_CDS].saying = MS_SAID_BOGUS;
	p->drop_silent = true;
}

static void insecure(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[1].said[MS_LOOK_CDNSKEY].saying = MS_SAID_INSECURE;
}

static void nobody(ms_survey_t *s, ms_policy_t *p)
{
	s->looks[0].is_new = s->looks[1].is_new = true;
}

static void broken_survey(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->ret = KNOT_ELIMIT;
}

/* A key that no DNSKEY RRset has, beside one that all have: fine. */
static void absent_key(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		ms_said_t *said = &s->looks[i].said[MS_LOOK_CDS];
		uint8_t ds[36] = { 0x12, 0x34, 15, 2 };
		add(&said->set, ds, sizeof(ds));
		put_cds(s, i, true, false, KSK_A, NOW - 60);
	}
}

static void absent_alone(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		ms_said_t *said = &s->looks[i].said[MS_LOOK_CDS];
		uint8_t ds[36] = { 0x12, 0x34, 15, 2 };
		add(&said->set, ds, sizeof(ds));
		sign(said, KNOT_RRTYPE_CDS, KSK_A, NOW - 60);
	}
}

/* At the second server the DNSKEY RRset is signed by the old key only: its zone would be bogus. */
static void no_path(ms_survey_t *s, ms_policy_t *p)
{
	swap(s, p);
	ms_said_t *said = &s->looks[1].said[MS_LOOK_DNSKEY];
	ms_rrset_clear(&said->sigs);
	sign(said, KNOT_RRTYPE_DNSKEY, KSK_A, NOW - 60);
}

static void algorithm(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	p->algorithm[15] = false;
}

static void digest(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	p->digest[2] = false;
}

/* Both keys by SHA-256, one by SHA-384 as well, which policy does not take. */
static void spare_digest(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		add_ds(&s->looks[i].said[MS_LOOK_CDS].set, KSK_B, 4);
		put_cds(s, i, true, true, KSK_A, NOW - 60);
	}
	p->digest[4] = false;
}

static void malformed(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		ms_said_t *said = &s->looks[i].said[MS_LOOK_CDS];
		add(&said->set, "\x12\x34\x0f\x02\x01", 5);
		sign(said, KNOT_RRTYPE_CDS, KSK_A, NOW - 60);
	}
}

static void put_delete(ms_survey_t *s, int i)
{
	ms_said_t *said = &s->looks[i].said[MS_LOOK_CDS];
	add(&said->set, "\0\0\0\0\0", 5);
	sign(said, KNOT_RRTYPE_CDS, KSK_A, NOW - 60);
}

static void deleted(ms_survey_t *s, ms_policy_t *p)
{
	put_delete(s, 0);
	put_delete(s, 1);
}

static void delete_one(ms_survey_t *s, ms_policy_t *p)
{
	put_delete(s, 0);
}

static void delete_off(ms_survey_t *s, ms_policy_t *p)
{
	deleted(s, p);
	p->ds_delete = false;
}

static void delete_beside(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		add(&s->looks[i].said[MS_LOOK_CDS].set, "\0\0\0\0\0", 5);
		put_cds(s, i, true, false, KSK_A, NOW - 60);
	}
}

static void put_cdnskey(ms_survey_t *s, bool a, bool b)
{
	for (int i = 0; i < 2; i++) {
		ms_said_t *said = &s->looks[i].said[MS_LOOK_CDNSKEY];
		if (a) {
			add_dnskey(&said->set, KSK_A);
		}
		if (b) {
			add_dnskey(&said->set, KSK_B);
		}
		sign(said, KNOT_RRTYPE_CDNSKEY, KSK_A, NOW - 60);
	}
}

static void cdnskey_alone(ms_survey_t *s, ms_policy_t *p)
{
	put_cdnskey(s, true, true);
}

static void cdnskey_matches(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	put_cdnskey(s, true, true);
}

static void cdnskey_fewer(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	put_cdnskey(s, true, false);
}

static void cdnskey_more(ms_survey_t *s, ms_policy_t *p)
{
	same(s, p);
	put_cdnskey(s, true, true);
}

static void cdnskey_keeps(ms_survey_t *s, ms_policy_t *p)
{
	deleted(s, p);
	put_cdnskey(s, true, false);
}

static const struct {
	const char *what;
	void (*prepare)(ms_survey_t *, ms_policy_t *);
	uint8_t kind, rule;
	uint16_t count;              /* CHANGE: DS afterwards. */
} cases[] = {
	{ "nothing published (K-12)", none, MS_VERDICT_SAME, MS_RULE_NONE, 0 },
	{ "as it is", same, MS_VERDICT_SAME, MS_RULE_NONE, 0 },
	{ "a second key", more, MS_VERDICT_CHANGE, MS_RULE_NONE, 2 },
	{ "the other key", swap, MS_VERDICT_CHANGE, MS_RULE_NONE, 1 },
	{ "one server has none (K-19, K-20)", one_only, MS_VERDICT_REFUSE, MS_RULE_AGREE, 0 },
	{ "servers differ (K-19, K-21)", differ, MS_VERDICT_REFUSE, MS_RULE_AGREE, 0 },
	{ "signed by the ZSK (K-13)", by_zsk, MS_VERDICT_REFUSE, MS_RULE_SIGNER, 0 },
	{ "signed by a KSK without DS (K-13)", by_new_ksk, MS_VERDICT_REFUSE, MS_RULE_SIGNER, 0 },
	{ "signature expired (K-23)", expired, MS_VERDICT_REFUSE, MS_RULE_SIGNER, 0 },
	{ "signature of tomorrow (K-23)", early, MS_VERDICT_REFUSE, MS_RULE_SIGNER, 0 },
	{ "replay of an older CDS (K-16)", older, MS_VERDICT_REFUSE, MS_RULE_NEWER, 0 },
	{ "one server silent", silent, MS_VERDICT_WAIT, MS_RULE_ANSWER, 0 },
	{ "silent for so long that it does not count (K-20)", silent_dropped, MS_VERDICT_CHANGE,
	  MS_RULE_NONE, 2 },
	{ "all silent (K-20)", all_silent, MS_VERDICT_WAIT, MS_RULE_ANSWER, 0 },
	{ "silent about CDS alone", half_silent, MS_VERDICT_WAIT, MS_RULE_ANSWER, 0 },
	{ "bogus at one server (K-23)", bogus, MS_VERDICT_REFUSE, MS_RULE_VALID, 0 },
	{ "unsigned at one server (K-23)", insecure, MS_VERDICT_REFUSE, MS_RULE_VALID, 0 },
	{ "no server at all", nobody, MS_VERDICT_WAIT, MS_RULE_ANSWER, 0 },
	{ "servers cannot be found", broken_survey, MS_VERDICT_WAIT, MS_RULE_SURVEY, 0 },
	{ "DNSKEY of one CDS absent (K-25)", absent_key, MS_VERDICT_CHANGE, MS_RULE_NONE, 2 },
	{ "DNSKEY of the only CDS absent (K-14)", absent_alone, MS_VERDICT_REFUSE, MS_RULE_PATH, 0 },
	{ "one server would be bogus (K-26)", no_path, MS_VERDICT_REFUSE, MS_RULE_PATH, 0 },
	{ "algorithm not accepted", algorithm, MS_VERDICT_REFUSE, MS_RULE_POLICY, 0 },
	{ "digest type not accepted", digest, MS_VERDICT_REFUSE, MS_RULE_POLICY, 0 },
	{ "a digest type too many is left out (K-27)", spare_digest, MS_VERDICT_CHANGE, MS_RULE_NONE, 2 },
	{ "malformed CDS", malformed, MS_VERDICT_REFUSE, MS_RULE_FORM, 0 },
	{ "delete (K-24)", deleted, MS_VERDICT_CHANGE, MS_RULE_NONE, 0 },
	{ "delete at one server (K-24)", delete_one, MS_VERDICT_REFUSE, MS_RULE_AGREE, 0 },
	{ "delete is off", delete_off, MS_VERDICT_REFUSE, MS_RULE_POLICY, 0 },
	{ "delete beside a key (K-24)", delete_beside, MS_VERDICT_REFUSE, MS_RULE_FORM, 0 },
	{ "CDNSKEY alone (K-17)", cdnskey_alone, MS_VERDICT_CHANGE, MS_RULE_NONE, 2 },
	{ "CDNSKEY of the same keys", cdnskey_matches, MS_VERDICT_CHANGE, MS_RULE_NONE, 2 },
	{ "CDNSKEY of fewer keys (K-18)", cdnskey_fewer, MS_VERDICT_REFUSE, MS_RULE_MATCH, 0 },
	{ "CDNSKEY of more keys (K-18)", cdnskey_more, MS_VERDICT_REFUSE, MS_RULE_MATCH, 0 },
	{ "CDS deletes, CDNSKEY does not (K-18)", cdnskey_keeps, MS_VERDICT_REFUSE, MS_RULE_MATCH, 0 },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_survey_t *s = make_survey(true);
		ms_policy_t policy = make_policy();
		ms_memory_t memory = { .count = 1 };
		memory.applied[0].tag = dnssec_key_get_keytag(keys[KSK_A]);
		memory.applied[0].inception = NOW - 3600;
		ms_rrset_t out = { 0 };
		cases[i].prepare(s, &policy);
		ms_verdict_t v = ms_accept_ds(s, &policy, NOW, &memory, &out);
		if (v.kind != cases[i].kind || v.rule != cases[i].rule ||
		    (v.kind == MS_VERDICT_CHANGE && out.rrs.count != cases[i].count)) {
			fail_msg("%s: %s %s (%s)", cases[i].what, ms_verdict_name(v.kind),
			         ms_rule_name(v.rule), v.text);
		}
		ms_rrset_clear(&out);
		ms_survey_free(s);
	}
}

/* Signers have clocks and habits of their own: what another key signed earlier is no replay (K-16,
 * O-17, X-19). */
static void test_memory(void **state)
{
	ms_survey_t *s = make_survey(true);
	ms_policy_t policy = make_policy();
	ms_memory_t memory = { 0 };
	ms_rrset_t out = { 0 };
	put_cds(s, 0, true, true, KSK_A, NOW - 60);
	put_cds(s, 1, true, true, KSK_A, NOW - 5400);
	ms_memory_applied(s, &policy, NOW, false, &memory);
	assert_int_equal(memory.count, 1);
	assert_int_equal(memory.applied[0].inception, NOW - 60);
	memory.applied[0].tag ^= 1;
	assert_int_equal(ms_accept_ds(s, &policy, NOW, &memory, &out).kind, MS_VERDICT_CHANGE);
	ms_rrset_clear(&out);
	ms_survey_free(s);
}

static void put_signal(ms_survey_t *s, const char *ns, bool b, uint8_t saying)
{
	ms_signal_t *signal = &s->signals[s->signal_count++];
	name(ns, signal->ns);
	signal->cds.saying = signal->cdnskey.saying = saying;
	add_ds(&signal->cds.set, KSK_A, 2);
	if (b) {
		add_ds(&signal->cds.set, KSK_B, 2);
	}
}

/* RFC 9615 and RFC 8078. */
static void test_bootstrap(void **state)
{
	static const struct {
		const char *what;
		bool vouched, other;
		uint8_t saying;
		uint32_t hold;
		int64_t waited;
		int signer;
		uint8_t kind, rule;
	} table[] = {
		{ "vouched for", true, false, MS_SAID_SECURE, 0, 0, KSK_A, MS_VERDICT_CHANGE, 0 },
		{ "no signal (K-52)", false, false, 0, 0, 0, KSK_A, MS_VERDICT_REFUSE, MS_RULE_BOOTSTRAP },
		{ "unsigned signal (K-52)", true, false, MS_SAID_INSECURE, 0, 0, KSK_A, MS_VERDICT_REFUSE,
		  MS_RULE_BOOTSTRAP },
		{ "bogus signal (K-52)", true, false, MS_SAID_BOGUS, 0, 0, KSK_A, MS_VERDICT_REFUSE,
		  MS_RULE_BOOTSTRAP },
		{ "another signal (K-53)", true, true, MS_SAID_SECURE, 0, 0, KSK_A, MS_VERDICT_REFUSE,
		  MS_RULE_BOOTSTRAP },
		{ "signed by another key", true, false, MS_SAID_SECURE, 0, 0, ZSK, MS_VERDICT_REFUSE,
		  MS_RULE_SIGNER },
		{ "taken out by hand", true, false, MS_SAID_SECURE, 0, 0, -1, MS_VERDICT_REFUSE,
		  MS_RULE_BOOTSTRAP },
		{ "delay begins", false, false, 0, 100, 0, KSK_A, MS_VERDICT_WAIT, MS_RULE_BOOTSTRAP },
		{ "delay goes on (K-56)", false, false, 0, 100, 99, KSK_A, MS_VERDICT_WAIT, MS_RULE_BOOTSTRAP },
		{ "delay is over (K-56)", false, false, 0, 100, 100, KSK_A, MS_VERDICT_CHANGE, 0 },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ms_survey_t *s = make_survey(false);
		ms_policy_t policy = make_policy();
		ms_memory_t memory = { 0 };
		ms_rrset_t out = { 0 };
		policy.hold = table[i].hold;
		/* -1: there were DS once, and nobody asked for their end. */
		memory.count = table[i].signer < 0;
		int signer = table[i].signer < 0 ? KSK_A : table[i].signer;
		put_cds(s, 0, true, false, signer, NOW - 60);
		put_cds(s, 1, true, false, signer, NOW - 60);
		if (table[i].vouched) {
			put_signal(s, "ns.beta.test.", table[i].other, table[i].saying);
		}
		ms_verdict_t v = ms_accept_ds(s, &policy, NOW, &memory, &out);
		if (table[i].waited > 0) {
			v = ms_accept_ds(s, &policy, NOW + table[i].waited, &memory, &out);
		}
		if (v.kind != table[i].kind || v.rule != table[i].rule) {
			fail_msg("%s: %s %s (%s)", table[i].what, ms_verdict_name(v.kind),
			         ms_rule_name(v.rule), v.text);
		}
		ms_rrset_clear(&out);
		ms_survey_free(s);
	}
}

/* Another wish begins its own time (K-56). */
static void test_hold_restarts(void **state)
{
	ms_policy_t policy = make_policy();
	ms_memory_t memory = { 0 };
	ms_rrset_t out = { 0 };
	policy.signals = false;
	policy.hold = 100;
	ms_survey_t *s = make_survey(false);
	put_cds_all(s, true, false);
	assert_int_equal(ms_accept_ds(s, &policy, NOW, &memory, &out).kind, MS_VERDICT_WAIT);
	ms_survey_free(s);
	s = make_survey(false);
	put_cds(s, 0, true, true, KSK_A, NOW - 60);
	put_cds(s, 1, true, true, KSK_A, NOW - 60);
	assert_int_equal(ms_accept_ds(s, &policy, NOW + 150, &memory, &out).kind, MS_VERDICT_WAIT);
	assert_int_equal(memory.since, NOW + 150);
	ms_survey_free(s);
}

/* DS by UPDATE. */
static void test_update(void **state)
{
	enum { NOTHING = 0, A = 1, B = 2, STRANGE = 4, SHA1 = 8, FOREIGN = 16 };
	static const struct {
		const char *what;
		void (*prepare)(ms_survey_t *, ms_policy_t *);
		int ds;
		uint8_t kind, rule;
	} table[] = {
		{ "as it is", none, A, MS_VERDICT_SAME, 0 },
		{ "a second key", none, A | B, MS_VERDICT_CHANGE, 0 },
		{ "the other key", none, B, MS_VERDICT_CHANGE, 0 },
		{ "key that nobody has (M-04)", none, A | STRANGE, MS_VERDICT_REFUSE, MS_RULE_PATH },
		{ "SHA-1", none, A | SHA1, MS_VERDICT_REFUSE, MS_RULE_POLICY },
		{ "algorithm not accepted", none, A | FOREIGN, MS_VERDICT_REFUSE, MS_RULE_POLICY },
		{ "nothing (M-10)", none, NOTHING, MS_VERDICT_REFUSE, MS_RULE_POLICY },
		{ "nothing, and all delete", deleted, NOTHING, MS_VERDICT_CHANGE, 0 },
		{ "nothing, and one deletes", delete_one, NOTHING, MS_VERDICT_REFUSE, MS_RULE_AGREE },
		{ "other than CDS (M-04)", swap, A | B, MS_VERDICT_REFUSE, MS_RULE_AGREE },
		{ "like CDS", swap, B, MS_VERDICT_CHANGE, 0 },
		{ "CDS differ", differ, B, MS_VERDICT_REFUSE, MS_RULE_AGREE },
		{ "one server silent", silent, A | B, MS_VERDICT_WAIT, MS_RULE_ANSWER },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ms_survey_t *s = make_survey(true);
		ms_policy_t policy = make_policy();
		ms_memory_t memory = { 0 };
		ms_rrset_t ds = { 0 };
		table[i].prepare(s, &policy);
		if ((table[i].ds & A) != 0) {
			add_ds(&ds, KSK_A, 2);
		}
		if ((table[i].ds & B) != 0) {
			add_ds(&ds, KSK_B, 2);
		}
		if ((table[i].ds & SHA1) != 0) {
			add_ds(&ds, KSK_B, 1);
		}
		uint8_t made[36] = { 0x12, 0x34, (table[i].ds & FOREIGN) != 0 ? 5 : 15, 2 };
		if ((table[i].ds & (STRANGE | FOREIGN)) != 0) {
			add(&ds, made, sizeof(made));
		}
		ms_verdict_t v = ms_accept_ds_update(s, &policy, NOW, &ds, &memory);
		if (v.kind != table[i].kind || v.rule != table[i].rule) {
			fail_msg("%s: %s %s (%s)", table[i].what, ms_verdict_name(v.kind),
			         ms_rule_name(v.rule), v.text);
		}
		ms_rrset_clear(&ds);
		ms_survey_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_bootstrap),
		cmocka_unit_test(test_hold_restarts),
		cmocka_unit_test(test_update),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, load_keys, free_keys);
}
