/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/zonedit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "io/rdtext.h"
#include "io/zonenode.h"

#define TYPE_ROOM 16
#define TTL_ROOM 16

typedef struct {
	size_t change;
	uint16_t rdata;
	bool removal;
	bool over;      /* Refused, or found done: not to be sent again. */
	uint32_t ttl;
	char *text;     /* RDATA for zone-set or zone-unset. */
} op_t;

typedef struct {
	ms_ctl_t ctl;
	ms_zonenode_t node;
	const char *path;
	const atomic_bool *stop;
	bool open;      /* A transaction, ours. */
	knot_dname_txt_storage_t zone;
	const ms_change_t *changes;
	size_t count;
	const uint32_t *serial; /* Of the next version; NULL: knotd's choice. */
	char *soa;      /* Its SOA record, where that is so. */
	uint32_t soa_ttl;
	op_t *ops;
	size_t op_count;
	ms_zonedit_t *out;
} edit_t;

__attribute__((format(printf, 2, 3)))
static void say(edit_t *edit, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(edit->out->reason, sizeof(edit->out->reason), fmt, args);
	va_end(args);
}

static int refuse(edit_t *edit, size_t change, bool removal, uint16_t rdata, int ret,
                  const char *reason)
{
	ms_zonedit_t *out = edit->out;
	ms_zonedit_refusal_t *more = reallocarray(out->refused, out->refused_count + 1,
	                                          sizeof(*more));
	if (more == NULL) {
		return KNOT_ENOMEM;
	}
	out->refused = more;
	ms_zonedit_refusal_t *refusal = &more[out->refused_count++];
	*refusal = (ms_zonedit_refusal_t){
		.change = change, .removal = removal, .rdata = rdata, .ret = ret,
	};
	(void)snprintf(refusal->reason, sizeof(refusal->reason), "%s", reason);
	return KNOT_EOK;
}

static int refuse_op(edit_t *edit, op_t *op, int ret)
{
	op->over = true;
	return refuse(edit, op->change, op->removal, op->rdata, ret, edit->out->reason);
}

static int push_op(edit_t *edit, const op_t *op, const char *text)
{
	op_t *more = reallocarray(edit->ops, edit->op_count + 1, sizeof(*more));
	if (more == NULL) {
		return KNOT_ENOMEM;
	}
	edit->ops = more;
	char *copy = strdup(text);
	if (copy == NULL) {
		return KNOT_ENOMEM;
	}
	more[edit->op_count] = *op;
	more[edit->op_count++].text = copy;
	return KNOT_EOK;
}

/* One call within the transaction. */
static int call(edit_t *edit, const ms_ctl_cmd_t *cmd, ms_ctl_item_f item, void *ctx)
{
	int ret = ms_ctl_call(&edit->ctl, cmd, item, ctx);
	if (ret == KNOT_TXN_ENOTEXISTS) {
		/* Somebody ended it, or the zone expired: the next one there may not be ours. */
		edit->open = false;
		return KNOT_EBUSY;
	}
	return ret;
}

/* Leaves the connection, and the transaction where it is still open. */
static void leave(edit_t *edit)
{
	if (edit->open) {
		ms_ctl_abort(&edit->ctl, edit->zone);
		edit->open = false;
	}
	ms_ctl_close(&edit->ctl);
}

/* An absent owner has no records. */
static int read_node(edit_t *edit, const char *owner)
{
	if (strcmp(edit->node.owner, owner) == 0) {
		return KNOT_EOK;
	}
	ms_zonenode_clear(&edit->node);
	ms_ctl_cmd_t cmd = { .cmd = "zone-get", .zone = edit->zone, .owner = owner };
	int ret = call(edit, &cmd, ms_zonenode_take, &edit->node);
	if (ret == KNOT_ENONODE || ret == KNOT_ENORECORD) {
		ret = KNOT_EOK;
	}
	if (ret != KNOT_EOK) {
		ms_zonenode_clear(&edit->node);
		return ret;
	}
	(void)snprintf(edit->node.owner, sizeof(edit->node.owner), "%s", owner);
	return KNOT_EOK;
}

/* An absent owner or type is an empty RRset. */
static int get_present(edit_t *edit, const char *owner, const char *type, ms_zonerrset_t *out)
{
	int ret = read_node(edit, owner);
	return ret == KNOT_EOK ? ms_zonenode_rrset(&edit->node, type, out) : ret;
}

static int diff_added(edit_t *edit, const op_t *op, const ms_rdtext_t *form, ms_zonerrset_t *present)
{
	uint16_t rrtype = edit->changes[op->change].rrtype;
	bool found = false;
	for (size_t i = 0; i < present->count; i++) {
		if (ms_rdtext_same(rrtype, present->records[i].text, form->printed)) {
			present->records[i].wanted = true;
			found = true;
		}
	}
	return found ? KNOT_EOK : push_op(edit, op, form->generic);
}

/* A spelling other than ours must be given back as knotd printed it. */
static int diff_removed(edit_t *edit, const op_t *op, const ms_rdtext_t *form, ms_zonerrset_t *present)
{
	uint16_t rrtype = edit->changes[op->change].rrtype;
	int ret = KNOT_EOK;
	for (size_t i = 0; i < present->count && ret == KNOT_EOK; i++) {
		const ms_zonerr_t *record = &present->records[i];
		if (!record->wanted && ms_rdtext_same(rrtype, record->text, form->printed)) {
			bool exact = strcmp(record->text, form->printed) == 0;
			ret = push_op(edit, op, exact ? form->generic : record->text);
		}
	}
	return ret;
}

/* Addresses are the owner's to give (H-06): without them a name server of the zone's own names
 * would lead nowhere. */
static int check_address(edit_t *edit, const knot_rdata_t *ns, bool *found)
{
	static const char *const types[] = { "A", "AAAA" };
	knot_dname_storage_t zone;
	knot_dname_txt_storage_t target;
	*found = true;
	if (knot_dname_from_str(zone, edit->zone, sizeof(zone)) == NULL ||
	    knot_dname_in_bailiwick(ns->data, zone) < 0) {
		return KNOT_EOK;
	}
	if (knot_dname_to_str(target, ns->data, sizeof(target)) == NULL) {
		return KNOT_EMALF;
	}
	size_t count = 0;
	int ret = KNOT_EOK;
	for (unsigned i = 0; ret == KNOT_EOK && i < 2; i++) {
		ms_zonerrset_t present = { 0 };
		ret = get_present(edit, target, types[i], &present);
		count += ret == KNOT_EOK ? present.count : 0;
		if (ret == KNOT_EOK) {
			ms_zonerrset_clear(&present);
		}
	}
	*found = count > 0;
	return ret;
}

static int diff_one(edit_t *edit, const op_t *op, const knot_rdata_t *rdata, const ms_rdtext_t *form,
                    ms_zonerrset_t *present)
{
	if (op->removal) {
		return diff_removed(edit, op, form, present);
	}
	bool found = true;
	const ms_change_t *change = &edit->changes[op->change];
	/* Glue of a delegation may come with it, or be at a sibling: whoever delegates has looked. */
	int ret = change->rrtype == KNOT_RRTYPE_NS && knot_dname_is_equal(change->owner, edit->out->zone)
	        ? check_address(edit, rdata, &found) : KNOT_EOK;
	if (ret != KNOT_EOK) {
		return ret;
	}
	return found ? diff_added(edit, op, form, present)
	             : refuse(edit, op->change, false, op->rdata, KNOT_ENONODE,
	                      "the name server has no address in the zone");
}

static int diff_set(edit_t *edit, size_t at, bool removal, ms_zonerrset_t *present)
{
	const ms_change_t *change = &edit->changes[at];
	const ms_rrset_t *set = removal ? change->remove : change->add;
	if (set == NULL || set->rrs.count == 0) {
		return KNOT_EOK;
	}
	op_t op = { .change = at, .removal = removal,
	            .ttl = present->count > 0 ? present->ttl : change->ttl };
	knot_rdata_t *rdata = set->rrs.rdata;
	for (uint16_t i = 0; i < set->rrs.count; i++, rdata = knot_rdataset_next(rdata)) {
		op.rdata = i;
		ms_rdtext_t form;
		int ret = ms_rdtext_make(change->rrtype, rdata, &form);
		if (ret == KNOT_ENOMEM) {
			return ret;
		} else if (ret != KNOT_EOK) {
			ret = refuse(edit, at, removal, i, ret, ret == KNOT_ESPACE ?
			             "the RDATA is too long" : "the RDATA is malformed");
		} else {
			ret = diff_one(edit, &op, rdata, &form, present);
			ms_rdtext_clear(&form);
		}
		if (ret != KNOT_EOK) {
			return ret;
		}
	}
	return KNOT_EOK;
}

/* The RRset is ours alone: what else stands there goes, as knotd printed it. */
static int diff_rest(edit_t *edit, size_t at, const ms_zonerrset_t *present)
{
	op_t op = { .change = at, .removal = true, .ttl = present->ttl };
	int ret = KNOT_EOK;
	for (size_t i = 0; i < present->count && ret == KNOT_EOK; i++) {
		if (!present->records[i].wanted) {
			ret = push_op(edit, &op, present->records[i].text);
		}
	}
	return ret;
}

static int owner_and_type(const ms_change_t *change, char *owner, char *type)
{
	return knot_dname_to_str(owner, change->owner, KNOT_DNAME_TXT_MAXLEN + 1) != NULL &&
	       knot_rrtype_to_string(change->rrtype, type, TYPE_ROOM) > 0 ? KNOT_EOK : KNOT_EINVAL;
}

static int diff_change(edit_t *edit, size_t at)
{
	knot_dname_txt_storage_t owner;
	char type[TYPE_ROOM];
	ms_zonerrset_t present;
	int ret = owner_and_type(&edit->changes[at], owner, type);
	if (ret == KNOT_EOK) {
		ret = get_present(edit, owner, type, &present);
	}
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = diff_set(edit, at, false, &present);
	if (ret == KNOT_EOK) {
		ret = edit->changes[at].exact ? diff_rest(edit, at, &present)
		                              : diff_set(edit, at, true, &present);
	}
	ms_zonerrset_clear(&present);
	return ret;
}

/* Additions first: so no RRset is empty for a moment, and halving blames the right ones. */
static int by_kind(const void *a, const void *b)
{
	const op_t *x = a, *y = b;
	if (x->removal != y->removal) {
		return x->removal ? 1 : -1;
	}
	return x->change != y->change ? (x->change < y->change ? -1 : 1) : x->rdata - y->rdata;
}

/* The SOA as it stands in the transaction, with another serial: the third of its fields. */
static int make_soa(edit_t *edit, const char *text)
{
	const char *at = text;
	for (unsigned field = 0; field < 2; field++) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	const char *rest = at + strcspn(at, " ");
	free(edit->soa);
	edit->soa = NULL;
	return asprintf(&edit->soa, "%.*s%u%s", (int)(at - text), text, *edit->serial, rest) < 0
	       ? KNOT_ENOMEM : KNOT_EOK;
}

/* knotd begins an empty zone where there are no contents; committing into it helps nobody. */
static int check_loaded(edit_t *edit)
{
	ms_zonerrset_t soa;
	int ret = get_present(edit, edit->zone, "SOA", &soa);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (soa.count == 0) {
		ret = KNOT_EEMPTYZONE;
	} else if (edit->serial != NULL) {
		ret = make_soa(edit, soa.records[0].text);
		edit->soa_ttl = soa.ttl;
	}
	ms_zonerrset_clear(&soa);
	return ret;
}

static int diff_all(edit_t *edit)
{
	int ret = check_loaded(edit);
	for (size_t i = 0; i < edit->count && ret == KNOT_EOK; i++) {
		ret = diff_change(edit, i);
	}
	if (ret == KNOT_EOK && edit->op_count > 0) {
		qsort(edit->ops, edit->op_count, sizeof(*edit->ops), by_kind);
	}
	return ret;
}

static int status_of(edit_t *edit, const knot_dname_t *name, ms_ctl_zone_t *status)
{
	if (knot_dname_to_str(edit->zone, name, sizeof(edit->zone)) == NULL) {
		return KNOT_EINVAL;
	}
	int ret = ms_ctl_zone_status(&edit->ctl, edit->zone, status);
	if (ret == KNOT_EOK && knot_dname_store(edit->out->zone, name) > 0) {
		knot_dname_to_lower(edit->out->zone);
	}
	return ret;
}

/* \a name itself, or, where none was named, the closest one above that knotd has. */
static int find_zone(edit_t *edit, const knot_dname_t *name, bool exact, ms_ctl_zone_t *status)
{
	int ret = status_of(edit, name, status);
	while (ret == KNOT_ENOZONE && !exact && *name != '\0') {
		name += *name + 1;
		ret = status_of(edit, name, status);
	}
	return ret;
}

/*
 * Opens the connection and begins. The status first, for three reasons: it tells whether the zone
 * is there; it shows a transaction of somebody else, which no abort of ours may hit; and once it
 * is answered knotd is serving us: a zone-begin left behind in the queue of a knotd that we gave
 * up waiting for would be executed later and stay open.
 */
static int enter(edit_t *edit, const knot_dname_t *name, bool exact)
{
	ms_zonedit_t *out = edit->out;
	int ret = ms_ctl_open(&edit->ctl, edit->path, edit->stop, out->reason, sizeof(out->reason));
	if (ret != KNOT_EOK) {
		return ret;
	}
	ms_zonenode_clear(&edit->node);
	ms_ctl_zone_t status;
	ret = find_zone(edit, name, exact, &status);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (status.transaction) {
		say(edit, "zone %s has an open transaction of somebody else; will retry; "
		    "if this lasts, end it by knotc zone-abort", edit->zone);
		return KNOT_EBUSY;
	}
	if (!status.loaded) {
		return KNOT_EEMPTYZONE;
	}
	ms_ctl_cmd_t cmd = { .cmd = "zone-begin", .zone = edit->zone };
	ret = ms_ctl_call(&edit->ctl, &cmd, NULL, NULL);
	/* No answer: it may have begun. */
	edit->open = ret == KNOT_EOK || edit->ctl.broken;
	return ret;
}

/* What makes the whole edit fail, as opposed to one record. */
static bool is_fatal(const edit_t *edit, int ret)
{
	return edit->ctl.broken || ret == KNOT_EBUSY || ret == KNOT_ENOMEM || ret == KNOT_ENOZONE;
}

static int send_op(edit_t *edit, op_t *op)
{
	const ms_change_t *change = &edit->changes[op->change];
	knot_dname_txt_storage_t owner;
	char type[TYPE_ROOM], ttl[TTL_ROOM];
	int ret = owner_and_type(change, owner, type);
	if (ret != KNOT_EOK) {
		return ret;
	}
	(void)snprintf(ttl, sizeof(ttl), "%u", op->ttl);
	ms_ctl_cmd_t cmd = {
		.cmd = op->removal ? "zone-unset" : "zone-set",
		.zone = edit->zone, .owner = owner, .type = type,
		.ttl = op->removal ? NULL : ttl, .data = op->text,
	};
	ret = call(edit, &cmd, NULL, NULL);
	if (ret == KNOT_EOK || is_fatal(edit, ret)) {
		return ret;
	}
	if (ret == (op->removal ? KNOT_ENORECORD : KNOT_EISRECORD)) {
		op->over = true;
		return KNOT_EOK;
	}
	return refuse_op(edit, op, ret);
}

/* Sends those of ops[from..to) that are not over; *live tells how many the transaction has. */
static int send_ops(edit_t *edit, size_t from, size_t to, size_t *live)
{
	*live = 0;
	for (size_t i = from; i < to; i++) {
		op_t *op = &edit->ops[i];
		int ret = op->over ? KNOT_EOK : send_op(edit, op);
		if (ret != KNOT_EOK) {
			return ret;
		}
		*live += op->over ? 0 : 1;
	}
	return KNOT_EOK;
}

static void count_landed(edit_t *edit, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		op_t *op = &edit->ops[i];
		if (!op->over) {
			*(op->removal ? &edit->out->removed : &edit->out->added) += 1;
			op->over = true;
		}
	}
}

static int refuse_the_live_one(edit_t *edit, size_t from, size_t to, int ret)
{
	while (from < to && edit->ops[from].over) {
		from++;
	}
	return from < to ? refuse_op(edit, &edit->ops[from], ret) : KNOT_EOK;
}

static int send_soa(edit_t *edit)
{
	char ttl[TTL_ROOM];
	(void)snprintf(ttl, sizeof(ttl), "%u", edit->soa_ttl);
	ms_ctl_cmd_t cmd = {
		.cmd = "zone-set", .zone = edit->zone, .owner = edit->zone, .type = "SOA", .ttl = ttl,
		.data = edit->soa,
	};
	int ret = call(edit, &cmd, NULL, NULL);
	return ret == KNOT_EISRECORD ? KNOT_EOK : ret;
}

/* Sends and commits ops[from..to) in the open transaction and leaves the connection. */
static int commit_ops(edit_t *edit, size_t from, size_t to, size_t *live)
{
	int ret = send_ops(edit, from, to, live);
	if (ret == KNOT_EOK && edit->soa != NULL) {
		ret = send_soa(edit);
	}
	if (ret == KNOT_EOK && (*live > 0 || edit->soa != NULL)) {
		ms_ctl_cmd_t cmd = { .cmd = "zone-commit", .zone = edit->zone };
		ret = call(edit, &cmd, NULL, NULL);
		edit->open = edit->open && ret != KNOT_EOK;
	}
	leave(edit);
	return ret;
}

/* Lands ops[from..to) in the open transaction, or, if the zone would be wrong, in halves. */
static int land(edit_t *edit, size_t from, size_t to)
{
	size_t live = 0;
	int ret = commit_ops(edit, from, to, &live);
	if (ret == KNOT_EOK) {
		count_landed(edit, from, to);
		return KNOT_EOK;
	}
	/* Without any record it is the serial that knotd does not take: nothing to halve. */
	if (ret != KNOT_ESEMCHECK || live == 0) {
		return ret;
	}
	if (live == 1) {
		return refuse_the_live_one(edit, from, to, ret);
	}
	size_t middle = from + (to - from) / 2;
	ret = enter(edit, edit->out->zone, true);
	if (ret == KNOT_EOK) {
		ret = land(edit, from, middle);
	}
	if (ret == KNOT_EOK) {
		ret = enter(edit, edit->out->zone, true);
	}
	return ret == KNOT_EOK ? land(edit, middle, to) : ret;
}

static int check_changes(const ms_change_t *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (changes[i].owner == NULL || changes[i].rrtype == 0 ||
		    knot_rrtype_is_metatype(changes[i].rrtype)) {
			return KNOT_EINVAL;
		}
	}
	return KNOT_EOK;
}

static int run(edit_t *edit, const knot_dname_t *zone)
{
	bool anything = edit->count > 0 || (zone != NULL && edit->serial != NULL);
	int ret = anything ? check_changes(edit->changes, edit->count) : KNOT_EINVAL;
	if (ret == KNOT_EOK) {
		ret = enter(edit, zone != NULL ? zone : edit->changes[0].owner, zone != NULL);
	}
	if (ret == KNOT_EOK) {
		ret = diff_all(edit);
	}
	return ret == KNOT_EOK ? land(edit, 0, edit->op_count) : ret;
}

/* Every error has its sentence. */
static void explain(edit_t *edit, int ret)
{
	char *reason = edit->out->reason;
	if (ret == KNOT_EOK) {
		reason[0] = '\0';
	} else if (ret == KNOT_EEMPTYZONE) {
		say(edit, "zone %s has no contents yet; it can be edited once it is loaded",
		    edit->zone);
	} else if (reason[0] == '\0') {
		say(edit, "cannot edit zone %s: %s", edit->zone, knot_strerror(ret));
	}
}

int ms_zonedit(const char *path, const atomic_bool *stop, const knot_dname_t *zone,
               const ms_change_t *changes, size_t count, const uint32_t *serial,
               ms_zonedit_t *out)
{
	*out = (ms_zonedit_t){ 0 };
	edit_t edit = {
		.path = path, .stop = stop, .changes = changes, .count = count, .serial = serial,
		.out = out,
	};
	int ret = run(&edit, zone);
	leave(&edit);
	explain(&edit, ret);
	if (ret != KNOT_EOK) {
		free(out->refused);
		out->refused = NULL;
		out->refused_count = 0;
	}
	for (size_t i = 0; i < edit.op_count; i++) {
		free(edit.ops[i].text);
	}
	free(edit.ops);
	free(edit.soa);
	ms_zonenode_clear(&edit.node);
	return ret;
}

void ms_zonedit_clear(ms_zonedit_t *out)
{
	free(out->refused);
	*out = (ms_zonedit_t){ 0 };
}
