/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parentlab.h"
#include "parent/accept_ns.h"
#include "parent/contents.h"

#define NS3 "ns3.child.test."

static void put_csync(ms_survey_t *s, int look, uint16_t flags, uint8_t types, uint32_t serial)
{
	uint8_t rdata[MS_CSYNC_RDATA_MAX];
	ms_csync_t csync = { .serial = serial, .flags = flags, .types = types };
	int len = ms_csync_encode(&csync, rdata, sizeof(rdata));
	assert_true(len > 0);
	add(&s->looks[look].said[MS_LOOK_CSYNC].set, rdata, len);
}

static void all(ms_survey_t *s, uint16_t flags, uint8_t types)
{
	put_csync(s, 0, flags, types, 0);
	put_csync(s, 1, flags, types, 0);
}

/* A third name server, at those that have it; its address is said by all of them. */
static void third(ms_survey_t *s, bool first, bool second, bool serves)
{
	for (int i = 0; i < 2; i++) {
		ms_look_t *look = &s->looks[i];
		if (i == 0 ? first : second) {
			add_name(&look->said[MS_LOOK_NS].set, NS3);
		}
		ms_look_host_t *host = &look->hosts[look->host_count++];
		name(NS3, host->host);
		host->a.saying = host->aaaa.saying = MS_SAID_SECURE;
		add(&host->a.set, "\xc0\x00\x02\x03", 4);
	}
	ms_look_t *look = &s->looks[s->look_count++];
	fill_look(look, NS3, 3, serves ? MS_SAID_SECURE : MS_SAID_SILENT);
	look->is_new = true;
	add_name(&look->said[MS_LOOK_NS].set, NS3);
}

static void none(ms_survey_t *s, ms_policy_t *p) { }

static void same(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
}

static void more(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
	third(s, true, true, true);
}

static void one_has_csync(ms_survey_t *s, ms_policy_t *p)
{
	put_csync(s, 0, 1, 7, 0);
	third(s, true, true, true);
}

static void one_has_ns(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
	third(s, true, false, true);
}

static void lame(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
	third(s, true, true, false);
}

static void new_is_bogus(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[2].said[MS_LOOK_SOA].saying = MS_SAID_BOGUS;
}

static void new_is_insecure(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[2].said[MS_LOOK_DNSKEY].saying = MS_SAID_INSECURE;
}

static void not_immediate(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 0, 7);
	third(s, true, true, true);
}

static void unknown_flag(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 5, 7);
}

static void two_csync(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
	put_csync(s, 0, 1, 1, 0);
}

static void foreign_type(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		add(&s->looks[i].said[MS_LOOK_CSYNC].set, "\0\0\0\0\0\1\0\6\x20\0\0\0\0\x10", 14);
	}
}

static void malformed(ms_survey_t *s, ms_policy_t *p)
{
	for (int i = 0; i < 2; i++) {
		add(&s->looks[i].said[MS_LOOK_CSYNC].set, "\0\0\0", 3);
	}
}

static void other_bitmap(ms_survey_t *s, ms_policy_t *p)
{
	put_csync(s, 0, 1, 7, 0);
	put_csync(s, 1, 1, 3, 0);
}

static void other_serial(ms_survey_t *s, ms_policy_t *p)
{
	put_csync(s, 0, 1, 7, 1);
	put_csync(s, 1, 1, 7, 99);
	third(s, true, true, true);
}

/* soaminimum: each one against the serial of its own server. */
static void minimum_met(ms_survey_t *s, ms_policy_t *p)
{
	put_csync(s, 0, 3, 7, 1);
	put_csync(s, 1, 3, 7, 2);
	third(s, true, true, true);
}

static void minimum_missed(ms_survey_t *s, ms_policy_t *p)
{
	put_csync(s, 0, 3, 7, 1);
	put_csync(s, 1, 3, 7, 3);
}

static void in_flight(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	ms_rrset_clear(&s->looks[1].said[MS_LOOK_SOA_AGAIN].set);
	add_soa(&s->looks[1].said[MS_LOOK_SOA_AGAIN].set, 3);
}

static void no_glue_types(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, MS_CSYNC_NS);
	third(s, true, true, true);
}

static void glue_differs(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
	add(&s->looks[1].hosts[0].a.set, "\xc0\x00\x02\x09", 4);
}

static void glue_changes(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, MS_CSYNC_A);
	add(&s->looks[0].hosts[0].a.set, "\xc0\x00\x02\x09", 4);
	add(&s->looks[1].hosts[0].a.set, "\xc0\x00\x02\x09", 4);
}

static void ns_empty(ms_survey_t *s, ms_policy_t *p)
{
	all(s, 1, 7);
	ms_rrset_clear(&s->looks[0].said[MS_LOOK_NS].set);
	ms_rrset_clear(&s->looks[1].said[MS_LOOK_NS].set);
}

static void too_few(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	p->ns_min = 4;
}

static void no_ds(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	ms_rrset_clear(&s->deleg.ds);
}

static void silent(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[0].said[MS_LOOK_CSYNC].saying = MS_SAID_SILENT;
}

static void aaaa_unheard(ms_survey_t *s, ms_policy_t *p)
{
	more(s, p);
	s->looks[0].hosts[1].aaaa.saying = MS_SAID_SILENT;
}

static const struct {
	const char *what;
	void (*prepare)(ms_survey_t *, ms_policy_t *);
	uint8_t kind, rule;
} cases[] = {
	{ "no CSYNC", none, MS_VERDICT_SAME, MS_RULE_NONE },
	{ "as it is", same, MS_VERDICT_SAME, MS_RULE_NONE },
	{ "a third server", more, MS_VERDICT_CHANGE, MS_RULE_NONE },
	{ "CSYNC at one server (K-43)", one_has_csync, MS_VERDICT_REFUSE, MS_RULE_AGREE },
	{ "NS of one server (K-43)", one_has_ns, MS_VERDICT_REFUSE, MS_RULE_AGREE },
	{ "the third is lame (K-44)", lame, MS_VERDICT_WAIT, MS_RULE_SERVES },
	{ "the third is bogus (K-44)", new_is_bogus, MS_VERDICT_REFUSE, MS_RULE_SERVES },
	{ "the third is unsigned (K-32, K-44)", new_is_insecure, MS_VERDICT_REFUSE, MS_RULE_SERVES },
	{ "not immediate (K-34)", not_immediate, MS_VERDICT_WAIT, MS_RULE_IMMEDIATE },
	{ "unknown flag (K-33)", unknown_flag, MS_VERDICT_REFUSE, MS_RULE_FORM },
	{ "two CSYNC (K-31)", two_csync, MS_VERDICT_REFUSE, MS_RULE_FORM },
	{ "DS in the bitmap (K-42)", foreign_type, MS_VERDICT_REFUSE, MS_RULE_FORM },
	{ "malformed", malformed, MS_VERDICT_REFUSE, MS_RULE_FORM },
	{ "bitmaps differ (K-43)", other_bitmap, MS_VERDICT_REFUSE, MS_RULE_AGREE },
	{ "serials differ and do not count (K-36, O-17)", other_serial, MS_VERDICT_CHANGE, MS_RULE_NONE },
	{ "soaminimum is met (K-35, X-19)", minimum_met, MS_VERDICT_CHANGE, MS_RULE_NONE },
	{ "soaminimum is not met (K-35)", minimum_missed, MS_VERDICT_WAIT, MS_RULE_SETTLED },
	{ "the zone changes meanwhile (K-37)", in_flight, MS_VERDICT_WAIT, MS_RULE_SETTLED },
	{ "no glue for the third (K-41)", no_glue_types, MS_VERDICT_REFUSE, MS_RULE_GLUE },
	{ "glue differs (K-43)", glue_differs, MS_VERDICT_REFUSE, MS_RULE_AGREE },
	{ "glue changes", glue_changes, MS_VERDICT_CHANGE, MS_RULE_NONE },
	{ "no NS at all (K-40)", ns_empty, MS_VERDICT_REFUSE, MS_RULE_WHOLE },
	{ "fewer than policy wants (K-45)", too_few, MS_VERDICT_REFUSE, MS_RULE_WHOLE },
	{ "child without DS (K-32)", no_ds, MS_VERDICT_REFUSE, MS_RULE_VALID },
	{ "silent server", silent, MS_VERDICT_WAIT, MS_RULE_ANSWER },
	{ "AAAA not heard: all or nothing (K-39)", aaaa_unheard, MS_VERDICT_WAIT, MS_RULE_ANSWER },
};

static void test_csync(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms_survey_t *s = make_survey(true);
		ms_policy_t policy = make_policy();
		ms_deleg_t out = { 0 };
		cases[i].prepare(s, &policy);
		ms_verdict_t v = ms_accept_csync(s, &policy, &out);
		if (v.kind != cases[i].kind || v.rule != cases[i].rule) {
			fail_msg("%s: %s %s (%s)", cases[i].what, ms_verdict_name(v.kind),
			         ms_rule_name(v.rule), v.text);
		}
		ms_deleg_clear(&out);
		ms_survey_free(s);
	}
}

/* NS and glue by UPDATE are held against what the servers say (M-04). */
static void test_update(void **state)
{
	static const struct {
		const char *what;
		void (*prepare)(ms_survey_t *, ms_policy_t *);
		bool third, glue;
		uint8_t kind, rule;
	} table[] = {
		{ "as it is", none, false, false, MS_VERDICT_SAME, 0 },
		{ "as the child has it", more, true, true, MS_VERDICT_CHANGE, 0 },
		{ "without the glue", more, true, false, MS_VERDICT_REFUSE, MS_RULE_AGREE },
		{ "the child has more", more, false, false, MS_VERDICT_SAME, 0 },
		{ "the child has fewer", none, true, true, MS_VERDICT_REFUSE, MS_RULE_AGREE },
		{ "lame", lame, true, true, MS_VERDICT_WAIT, MS_RULE_SERVES },
		{ "one server has another set", one_has_ns, true, true, MS_VERDICT_REFUSE, MS_RULE_AGREE },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ms_survey_t *s = make_survey(true);
		ms_policy_t policy = make_policy();
		table[i].prepare(s, &policy);
		assert_int_equal(ms_deleg_copy(&s->proposed, &s->deleg), KNOT_EOK);
		if (table[i].third) {
			add_name(&s->proposed.ns, NS3);
		}
		if (table[i].glue) {
			knot_dname_storage_t host;
			add(&ms_deleg_glue(&s->proposed, name(NS3, host), true)->a, "\xc0\x00\x02\x03", 4);
		}
		ms_verdict_t v = ms_accept_ns_update(s, &policy);
		if (v.kind != table[i].kind || v.rule != table[i].rule) {
			fail_msg("%s: %s %s (%s)", table[i].what, ms_verdict_name(v.kind),
			         ms_rule_name(v.rule), v.text);
		}
		ms_survey_free(s);
	}
}

typedef struct {
	const char *owner;
	ms_delta_op_t op;
	uint16_t type;
	const char *rdata;
	uint16_t len;
} op_t;

#define OP(owner, op, type) { owner, MS_DELTA_##op, KNOT_RRTYPE_##type, "", 0 }
#define RR(owner, op, type, rdata) \
	{ owner, MS_DELTA_##op, KNOT_RRTYPE_##type, rdata, sizeof(rdata) - 1 }
#define NS3_WIRE "\3ns3\5child\4test\0"
#define NS1_WIRE "\3ns1\5child\4test\0"
#define BETA_WIRE "\2ns\4beta\4test\0"
#define KEY_RDATA "\2\0\3\x0f" "01234567890123456789012345678901"

static const struct {
	const char *what;
	op_t ops[6];
	uint16_t rcode;          /* Of reading; 0: good. */
	uint8_t rule;            /* Of applying; 0: good. */
	uint16_t ns;             /* Name servers afterwards. */
} contents[] = {
	{ "a third with glue", { RR(CHILD, ADD, NS, NS3_WIRE), RR("ns3." CHILD, ADD, A, "\1\2\3\4") },
	  0, 0, 3 },
	{ "replace all", { OP(CHILD, DEL_RRSET, NS), RR(CHILD, ADD, NS, BETA_WIRE) }, 0, 0, 1 },
	{ "one goes", { RR(CHILD, DEL_RR, NS, NS1_WIRE) }, 0, 0, 1 },
	{ "without glue", { RR(CHILD, ADD, NS, NS3_WIRE) }, 0, MS_RULE_GLUE, 0 },
	{ "glue taken away", { OP("ns1." CHILD, DEL_RRSET, A) }, 0, MS_RULE_GLUE, 0 },
	{ "glue of what is no server", { RR("www." CHILD, ADD, A, "\1\2\3\4") }, 0, MS_RULE_OWN, 0 },
	{ "all go (M-10)", { OP(CHILD, DEL_RRSET, NS) }, 0, MS_RULE_WHOLE, 0 },
	{ "last one goes (M-10)", { RR(CHILD, DEL_RR, NS, NS1_WIRE), RR(CHILD, DEL_RR, NS, BETA_WIRE) }, 0,
	  MS_RULE_WHOLE, 0 },
	{ "what is not there goes", { RR(CHILD, DEL_RR, NS, NS3_WIRE) }, 0, 0, 2 },
	{ "everything (M-10)", { OP(CHILD, DEL_NAME, ANY) }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "TXT (M-01)", { RR(CHILD, ADD, TXT, "\1x") }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "MX below (M-01)", { RR("x." CHILD, ADD, MX, "\0\1\0") }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "NS below", { RR("x." CHILD, ADD, NS, NS1_WIRE) }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "DS below", { RR("x." CHILD, ADD, DS, "\0\1\x0f\2xx") }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "the parent (M-02)", { RR("test.", ADD, NS, NS1_WIRE) }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "a sibling (M-02)", { RR("xchild.test.", ADD, NS, NS1_WIRE) }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "another zone (M-09)", { RR("child.example.", ADD, NS, NS1_WIRE) }, KNOT_RCODE_NOTZONE, 0, 0 },
	{ "good and bad", { RR(CHILD, ADD, NS, BETA_WIRE), RR(CHILD, ADD, TXT, "\1x") },
	  KNOT_RCODE_REFUSED, 0, 0 },
	{ "nothing", { { 0 } }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "KEY", { RR(CHILD, ADD, KEY, KEY_RDATA) }, 0, 0, 0 },
	{ "KEY replaced", { OP(CHILD, DEL_RRSET, KEY), RR(CHILD, ADD, KEY, KEY_RDATA) }, 0, 0, 0 },
	{ "KEY away (M-16)", { OP(CHILD, DEL_RRSET, KEY) }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "one KEY away (M-16)", { RR(CHILD, DEL_RR, KEY, KEY_RDATA) }, KNOT_RCODE_REFUSED, 0, 0 },
	{ "KEY, then away", { RR(CHILD, ADD, KEY, KEY_RDATA), OP(CHILD, DEL_RRSET, KEY) },
	  KNOT_RCODE_REFUSED, 0, 0 },
	{ "two KEYs", { RR(CHILD, ADD, KEY, KEY_RDATA), RR(CHILD, ADD, KEY, KEY_RDATA) },
	  KNOT_RCODE_REFUSED, 0, 0 },
	{ "KEY and NS", { RR(CHILD, ADD, KEY, KEY_RDATA), RR(CHILD, ADD, NS, BETA_WIRE) },
	  KNOT_RCODE_REFUSED, 0, 0 },
	{ "KEY of an algorithm nobody verifies", { RR(CHILD, ADD, KEY, "\2\0\3\5xxxx") },
	  KNOT_RCODE_REFUSED, 0, 0 },
};

static void test_contents(void **state)
{
	knot_dname_storage_t child, parent, owner;
	name(CHILD, child);
	name("test.", parent);
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		ms_deltas_t deltas = { 0 };
		ms_contents_t out;
		ms_policy_t policy = make_policy();
		uint16_t rcode;
		for (const op_t *op = contents[i].ops; op->owner != NULL; op++) {
			assert_int_equal(ms_deltas_add(&deltas, op->op, name(op->owner, owner), op->type, 60,
			                               (const uint8_t *)op->rdata, op->len), KNOT_EOK);
		}
		ms_verdict_t v = ms_contents_read(&deltas, child, parent, &policy, &out, &rcode);
		if (rcode != contents[i].rcode || (v.kind == MS_VERDICT_SAME) != (rcode == 0)) {
			fail_msg("%s: rcode %u (%s)", contents[i].what, rcode, v.text);
		}
		if (rcode == 0 && out.kind == MS_CONTENTS_DELEGATION) {
			ms_survey_t *s = make_survey(true);
			uint16_t before = s->deleg.ns.rrs.count;
			v = ms_contents_apply(&deltas, child, &policy, &s->deleg);
			bool good = v.kind == MS_VERDICT_CHANGE;
			if (good != (contents[i].rule == 0) || (!good && v.rule != contents[i].rule) ||
			    s->deleg.ns.rrs.count != (good ? contents[i].ns : before)) {
				fail_msg("%s: %s (%s)", contents[i].what, ms_rule_name(v.rule), v.text);
			}
			ms_survey_free(s);
		}
		ms_deltas_clear(&deltas);
	}
}

/* What policy turns off. */
static void test_policy(void **state)
{
	knot_dname_storage_t child, parent;
	ms_deltas_t deltas = { 0 };
	ms_contents_t out;
	ms_policy_t policy = make_policy();
	uint16_t rcode;
	name(CHILD, child);
	name("test.", parent);
	assert_int_equal(ms_deltas_add(&deltas, MS_DELTA_DEL_RRSET, child, KNOT_RRTYPE_DS, 0, NULL, 0), 0);
	assert_int_equal(ms_contents_read(&deltas, child, parent, &policy, &out, &rcode).kind,
	                 MS_VERDICT_SAME);
	assert_true(out.ds && !out.ns);
	policy.update_ds = false;
	assert_int_equal(ms_contents_read(&deltas, child, parent, &policy, &out, &rcode).rule,
	                 MS_RULE_POLICY);
	ms_deltas_clear(&deltas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csync),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_policy),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, load_keys, free_keys);
}
