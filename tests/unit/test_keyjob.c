/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every operation on keys with the real keymgr and a real knotd: after each one, DNSKEY, the signers
 * of SOA and CDS are as action.h says. Each is interrupted between keymgr and knotd first, then done,
 * then done once more, which changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#define LAB_POLICIES \
	"policy:\n  - id: manual\n    manual: on\n    algorithm: ecdsap256sha256\n" \
	"    dnskey-management: incremental\n    delete-delay: 1d\n    cds-cdnskey-publish: always\n"
#define LAB_ZONES \
	"  - domain: two.example.\n    file: signed.zone\n    dnssec-signing: on\n" \
	"    dnssec-policy: manual\n" \
	"  - domain: one.example.\n    file: signed.zone\n    dnssec-signing: on\n" \
	"    dnssec-policy: manual\n"

#include "agent/keyjob.h"
#include "io/keymgr.h"
#include "io/observe.h"
#include "knotd.h"
#include "scratch.h"

#define TWO ((const knot_dname_t *)"\x03" "two" "\x07" "example")
#define ONE ((const knot_dname_t *)"\x03" "one" "\x07" "example")
#define PATIENCE_MS 10000
#define LETTERS 16

/* Keys of a zone in the order in which they come: A, B, C … KSKs first where two come at once. */
typedef struct {
	const knot_dname_t *zone;
	bool single;
	unsigned count;
	uint16_t tags[LETTERS];
} cast_t;

typedef struct {
	ms_keys_op_t op;
	ms_key_role_t role;
	const char *dnskey;
	const char *signers;
	const char *cds;
} step_t;

/* As a set of letters. */
typedef struct {
	char dnskey[LETTERS + 1];
	char signers[LETTERS + 1];
	char cds[LETTERS + 1];
} sight_t;

static int set_up(void **state)
{
	int ret = start_knotd(state);
	if (ret == 0) {
		write_file("signed.zone", "@ 3600 SOA ns1.z.example. admin 1 3600 600 86400 60\n"
		                          "@ 3600 NS ns1.z.example.\n");
	}
	return ret;
}

static void need_both(void)
{
	char path[4096];
	need_knotd();
	if (!ms_keymgr_find(path, sizeof(path))) {
		print_message("# keymgr is not installed\n");
		skip();
	}
}

static void meet(cast_t *cast, const ms_event_t *event)
{
	for (int ksk = 1; ksk >= 0; ksk--) {
		for (size_t i = 0; i < event->keys.count; i++) {
			const ms_own_key_t *key = &event->keys.list[i];
			bool known = key->ksk != ksk;
			for (unsigned k = 0; k < cast->count; k++) {
				known = known || cast->tags[k] == key->tag;
			}
			if (!known) {
				assert_true(cast->count < LETTERS);
				cast->tags[cast->count++] = key->tag;
			}
		}
	}
}

/* Adds the letter of a tag in its place; '?' for a stranger. */
static void put(const cast_t *cast, uint16_t tag, char *set)
{
	char letter = '?';
	for (unsigned i = 0; i < cast->count; i++) {
		letter = cast->tags[i] == tag ? (char)('A' + i) : letter;
	}
	size_t at = strlen(set);
	assert_true(at < LETTERS);
	while (at > 0 && set[at - 1] > letter) {
		at--;
	}
	memmove(set + at + 1, set + at, strlen(set + at) + 1);
	set[at] = letter;
}

static void see_set(const cast_t *cast, const ms_rrset_t *set, bool dnskey, char *out)
{
	knot_rdata_t *rr = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rr = knot_rdataset_next(rr)) {
		ms_dnskey_t key = { .tag = knot_wire_read_u16(rr->data) };
		if (dnskey) {
			assert_int_equal(ms_dnskey_decode(rr->data, rr->len, &key), KNOT_EOK);
		}
		put(cast, key.tag, out);
	}
}

static void look(const cast_t *cast, sight_t *out)
{
	static const uint16_t types[] = { KNOT_RRTYPE_DNSKEY, KNOT_RRTYPE_CDS, KNOT_RRTYPE_SOA };
	const ms_addr_t addr = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };
	ms_seen_t *seen = calloc(1, sizeof(*seen));
	assert_non_null(seen);
	memcpy(seen->name, cast->zone, knot_dname_size(cast->zone));
	memcpy(seen->types, types, sizeof(types));
	seen->type_count = sizeof(types) / sizeof(*types);
	ms_seen_server_t *server = ms_seen_add(seen, cast->zone, &addr);
	assert_non_null(server);
	assert_int_equal(ms_observe(seen, lab.port, NULL), KNOT_EOK);
	*out = (sight_t){ "", "", "" };
	see_set(cast, &server->set[0], true, out->dnskey);
	see_set(cast, &server->set[1], false, out->cds);
	for (unsigned i = 0; i < server->signer_count; i++) {
		put(cast, server->signer[i].tag, out->signers);
	}
	ms_seen_free(seen);
}

static void expect_sight(const cast_t *cast, const step_t *step)
{
	sight_t sight;
	for (int64_t end = now_ms() + PATIENCE_MS; ; (void)poll(NULL, 0, 20)) {
		look(cast, &sight);
		if ((strcmp(sight.dnskey, step->dnskey) == 0 &&
		     strcmp(sight.signers, step->signers) == 0 && strcmp(sight.cds, step->cds) == 0) ||
		    now_ms() > end) {
			break;
		}
	}
	assert_string_equal(sight.dnskey, step->dnskey);
	assert_string_equal(sight.signers, step->signers);
	assert_string_equal(sight.cds, step->cds);
}

/* What is said about the keys is what is seen of them. */
static void expect_states(const cast_t *cast, const step_t *step, const ms_event_t *event)
{
	sight_t told = { "", "", "" };
	for (size_t i = 0; i < event->keys.count; i++) {
		const ms_own_key_t *key = &event->keys.list[i];
		if (key->published) {
			put(cast, key->tag, told.dnskey);
		}
		if (key->active && key->zsk) {
			put(cast, key->tag, told.signers);
		}
		if (key->ksk && key->active && key->published && !key->withdrawn) {
			put(cast, key->tag, told.cds);
		}
		assert_int_equal(key->active, key->active_at != 0);
		assert_false(key->removed && (key->published || key->active || key->retired));
		char name[LETTERS + 1] = "";
		put(cast, key->tag, name);
		assert_true(!key->withdrawn || (key->ksk && strstr(step->cds, name) == NULL));
	}
	assert_string_equal(told.dnskey, step->dnskey);
	assert_string_equal(told.signers, step->signers);
	assert_string_equal(told.cds, step->cds);
}

static void act_by(char *control, const cast_t *cast, const step_t *step, const uint16_t *taken,
                   ms_event_t *event)
{
	char kasp[96];
	snprintf(kasp, sizeof(kasp), "%s/keys", lab.dir);
	ms_desk_t desk = { .control = control, .kasp_db = kasp };
	ms_action_t action = { .kind = MS_ACT_KEYS };
	memcpy(action.keys.zone, cast->zone, knot_dname_size(cast->zone));
	action.keys.op = step->op;
	action.keys.role = step->role;
	action.keys.algorithm = step->op == MS_KEYS_MAKE ? 13 : 15;
	action.keys.single_type = cast->single;
	if (taken != NULL) {
		action.keys.taken_count = 1;
		action.keys.taken[0] = *taken;
	}
	*event = (ms_event_t){ .kind = MS_EV_KEYS };
	ms_keyjob_do(&desk, &action, event);
	assert_int_equal(event->keys.made, step->op == MS_KEYS_MAKE);
}

static void act(const cast_t *cast, const step_t *step, const uint16_t *taken, ms_event_t *event)
{
	act_by(lab.sock, cast, step, taken, event);
	if (event->ret != KNOT_EOK) {
		fail_msg("%s", event->reason);
	}
}

static void interrupted(const cast_t *cast, const step_t *step)
{
	char nowhere[] = "/nonexistent/knot.sock";
	ms_event_t event;
	act_by(nowhere, cast, step, NULL, &event);
	assert_int_equal(event.ret, KNOT_EBUSY);
	assert_null(event.keys.list);
	ms_event_clear(&event);
}

/* Keys and their timers as they are in the database. */
static ms_keys_t database(const cast_t *cast)
{
	char kasp[96], reason[MS_KEYMGR_REASON_MAX];
	snprintf(kasp, sizeof(kasp), "%s/keys", lab.dir);
	const ms_keymgr_t km = { .kasp_dir = kasp };
	ms_keys_t keys;
	assert_int_equal(ms_keymgr_list(&km, cast->zone, (ms_wall_t){ time(NULL) }, &keys, reason,
	                                sizeof(reason)), KNOT_EOK);
	return keys;
}

static void walk(cast_t *cast, const step_t *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const step_t *step = &steps[i];
		print_message("# operation %d, role %d: DNSKEY %s, SOA by %s, CDS %s\n", step->op,
		              step->role, step->dnskey, step->signers, step->cds);
		ms_event_t event;
		interrupted(cast, step);
		act(cast, step, NULL, &event);
		meet(cast, &event);
		expect_sight(cast, step);
		expect_states(cast, step, &event);
		ms_event_clear(&event);

		ms_keys_t before = database(cast);
		act(cast, step, NULL, &event);
		ms_event_clear(&event);
		ms_keys_t after = database(cast);
		assert_int_equal(before.count, after.count);
		for (size_t k = 0; k < before.count; k++) {
			assert_string_equal(before.list[k].id, after.list[k].id);
			assert_memory_equal(&before.list[k].times, &after.list[k].times,
			                    sizeof(ms_key_times_t));
		}
		ms_keys_clear(&before);
		ms_keys_clear(&after);
		expect_sight(cast, step);
	}
}

#define WALK(cast, steps) walk(cast, steps, sizeof(steps) / sizeof(*(steps)))

static void test_two_keys(void **state)
{
	need_both();
	static const step_t steps[] = {
		{ MS_KEYS_MAKE,         MS_ROLE_ZSK, "AB", "B", "A" },
		{ MS_KEYS_PUBLISH,      MS_ROLE_ZSK, "ABC", "B", "A" },
		{ MS_KEYS_DISCARD,      MS_ROLE_ZSK, "AB", "B", "A" },
		{ MS_KEYS_PUBLISH,      MS_ROLE_ZSK, "ABD", "B", "A" },
		{ MS_KEYS_ACTIVATE,     MS_ROLE_ZSK, "ABD", "D", "A" },
		{ MS_KEYS_REMOVE,       MS_ROLE_ZSK, "AD", "D", "A" },
		{ MS_KEYS_PUBLISH,      MS_ROLE_KSK, "ADE", "D", "A" },
		{ MS_KEYS_DISCARD,      MS_ROLE_KSK, "AD", "D", "A" },
		{ MS_KEYS_PUBLISH,      MS_ROLE_KSK, "ADF", "D", "A" },
		{ MS_KEYS_ACTIVATE,     MS_ROLE_KSK, "ADF", "D", "AF" },
		{ MS_KEYS_WITHDRAW,     MS_ROLE_KSK, "ADF", "D", "F" },
		{ MS_KEYS_REMOVE,       MS_ROLE_KSK, "DF", "D", "F" },
		{ MS_KEYS_ALG_SIGN,     MS_ROLE_ZSK, "DF", "DH", "F" },
		{ MS_KEYS_DISCARD,      MS_ROLE_ZSK, "DF", "D", "F" },
		{ MS_KEYS_ALG_SIGN,     MS_ROLE_ZSK, "DF", "DJ", "F" },
		{ MS_KEYS_ALG_PUBLISH,  MS_ROLE_ZSK, "DFIJ", "DJ", "F" },
		{ MS_KEYS_DISCARD,      MS_ROLE_KSK, "DF", "D", "F" },
		{ MS_KEYS_ALG_SIGN,     MS_ROLE_ZSK, "DF", "DL", "F" },
		{ MS_KEYS_ALG_PUBLISH,  MS_ROLE_ZSK, "DFKL", "DL", "F" },
		{ MS_KEYS_ALG_ACTIVATE, MS_ROLE_ZSK, "DFKL", "DL", "FK" },
		{ MS_KEYS_ALG_WITHDRAW, MS_ROLE_ZSK, "DFKL", "DL", "K" },
		{ MS_KEYS_ALG_HIDE,     MS_ROLE_ZSK, "KL", "DL", "K" },
		{ MS_KEYS_ALG_REMOVE,   MS_ROLE_ZSK, "KL", "L", "K" },
	};
	cast_t cast = { .zone = TWO };
	WALK(&cast, steps);
}

/* Of the same algorithm, a withdrawn CSK signs no data any more; of another, it does. */
static void test_one_key(void **state)
{
	need_both();
	static const step_t steps[] = {
		{ MS_KEYS_MAKE,         MS_ROLE_CSK, "A", "A", "A" },
		{ MS_KEYS_PUBLISH,      MS_ROLE_CSK, "AB", "A", "A" },
		{ MS_KEYS_DISCARD,      MS_ROLE_CSK, "A", "A", "A" },
		{ MS_KEYS_PUBLISH,      MS_ROLE_CSK, "AC", "A", "A" },
		{ MS_KEYS_ACTIVATE,     MS_ROLE_CSK, "AC", "AC", "AC" },
		{ MS_KEYS_WITHDRAW,     MS_ROLE_CSK, "AC", "C", "C" },
		{ MS_KEYS_RETIRE,       MS_ROLE_CSK, "AC", "C", "C" },
		{ MS_KEYS_REMOVE,       MS_ROLE_CSK, "C", "C", "C" },
		{ MS_KEYS_ALG_SIGN,     MS_ROLE_CSK, "C", "CD", "C" },
		{ MS_KEYS_ALG_PUBLISH,  MS_ROLE_CSK, "CD", "CD", "C" },
		{ MS_KEYS_ALG_ACTIVATE, MS_ROLE_CSK, "CD", "CD", "CD" },
		{ MS_KEYS_ALG_WITHDRAW, MS_ROLE_CSK, "CD", "CD", "D" },
		{ MS_KEYS_ALG_HIDE,     MS_ROLE_CSK, "D", "CD", "D" },
		{ MS_KEYS_ALG_REMOVE,   MS_ROLE_CSK, "D", "D", "D" },
	};
	cast_t cast = { .zone = ONE, .single = true };
	WALK(&cast, steps);
}

/* A hidden key that a crash has left is used, but not if its tag is another's meanwhile. */
static void test_left_over(void **state)
{
	need_both();
	char kasp[96], reason[MS_KEYMGR_REASON_MAX], id[MS_KEYID_ROOM];
	snprintf(kasp, sizeof(kasp), "%s/keys", lab.dir);
	const ms_keymgr_t km = { .kasp_dir = kasp };
	const ms_keymgr_new_t hidden = { .algorithm = 15, .zsk = true };
	const step_t publish = { MS_KEYS_PUBLISH, MS_ROLE_ZSK, "", "", "" };
	cast_t cast = { .zone = TWO };
	for (int taken = 1; taken >= 0; taken--) {
		assert_int_equal(ms_keymgr_generate(&km, TWO, &hidden, id, reason, sizeof(reason)), KNOT_EOK);
		ms_keys_t keys = database(&cast);
		uint16_t tag = 0;
		for (size_t i = 0; i < keys.count; i++) {
			tag = strcmp(keys.list[i].id, id) == 0 ? keys.list[i].tag : tag;
		}
		ms_keys_clear(&keys);
		ms_event_t event;
		act(&cast, &publish, taken ? &tag : NULL, &event);
		unsigned published = 0, same = 0;
		for (size_t i = 0; i < event.keys.count; i++) {
			const ms_own_key_t *key = &event.keys.list[i];
			published += key->published && !key->ksk && !key->active;
			same += strcmp(key->id, id) == 0;
		}
		assert_int_equal(published, 1);
		assert_int_equal(same, !taken);
		ms_event_clear(&event);
		const step_t discard = { MS_KEYS_DISCARD, MS_ROLE_ZSK, "", "", "" };
		act(&cast, &discard, NULL, &event);
		ms_event_clear(&event);
	}
}

/* Nothing is touched where the key that would have to stay is not there. */
static void test_last_key(void **state)
{
	need_both();
	char kasp[96];
	snprintf(kasp, sizeof(kasp), "%s/keys", lab.dir);
	ms_desk_t desk = { .control = lab.sock, .kasp_db = kasp };
	ms_action_t action = { .kind = MS_ACT_KEYS };
	memcpy(action.keys.zone, TWO, knot_dname_size(TWO));
	action.keys.op = MS_KEYS_REMOVE;
	action.keys.role = MS_ROLE_CSK;
	ms_event_t event = { .kind = MS_EV_KEYS };
	ms_keyjob_do(&desk, &action, &event);
	assert_int_equal(event.ret, KNOT_ENOENT);
	assert_non_null(strstr(event.reason, "no key of this role is active"));
	assert_null(event.keys.list);
	ms_event_clear(&event);
}

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_keys),
		cmocka_unit_test(test_one_key),
		cmocka_unit_test(test_left_over),
		cmocka_unit_test(test_last_key),
	};
	return cmocka_run_group_tests(tests, set_up, stop_knotd);
}
