/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "base/name.h"
#include "base/text.h"
#include "io/child.h"
#include "io/ctl.h"
#include "io/rdtext.h"
#include "io/zonedit.h"
#include "receiver/engine.h"
#include "receiver/publication.h"

/* NS, DS and addresses of as many servers as before and after may have. */
#define CHANGES_MAX (2 + 4 * MS_NS_MAX)
/* Most that a program may print; only the end of its standard error is used. */
#define COMMAND_OUT_MAX 65536

ms_task_t *ms_task_new(ms_task_kind_t kind, ms_rx_setup_t *setup)
{
	ms_task_t *task = calloc(1, sizeof(*task));
	if (task != NULL) {
		task->kind = kind;
		task->setup = ms_rx_setup_ref(setup);
	}
	return task;
}

void ms_task_free(ms_task_t *task)
{
	if (task != NULL) {
		ms_survey_free(task->survey);
		ms_deleg_clear(&task->before);
		ms_deleg_clear(&task->after);
		ms_names_clear(&task->names);
		ms_rx_setup_unref(task->setup);
		free(task);
	}
}

static void survey(ms_task_t *task, const atomic_bool *stop)
{
	const ms_rx_settings_t *s = &task->setup->settings;
	ms_probe_options_t options = {
		.resolver = ms_rx_resolver(s), .timeout = s->timeout, .local = s->local,
		.udp = task->udp, .want_key = task->want_key, .want_signals = task->want_signals,
	};
	ms_probe(&options, stop, task->survey);
	task->ret = KNOT_EOK;
}

static void exact(ms_change_t *change, const knot_dname_t *owner, uint16_t type, uint32_t ttl,
                  const ms_rrset_t *set)
{
	*change = (ms_change_t){ .owner = owner, .rrtype = type, .ttl = ttl, .add = set,
	                         .exact = true };
}

/* The whole delegation as it shall be; glue of hosts that were there before goes. */
static size_t list_changes(const ms_task_t *task, const ms_deleg_t *from, const ms_deleg_t *to,
                           ms_change_t changes[CHANGES_MAX])
{
	const ms_rx_settings_t *s = &task->setup->settings;
	static const ms_glue_t none;
	size_t count = 0;
	for (int round = 0; round < 2; round++) {
		const ms_deleg_t *list = round == 0 ? to : from;
		for (uint8_t i = 0; i < list->glue_count; i++) {
			const knot_dname_t *host = list->glue[i].host;
			const ms_glue_t *glue = ms_deleg_find(to, host);
			const ms_glue_t *old = ms_deleg_find(from, host);
			if (round == 1 && glue != NULL) {
				continue;
			}
			glue = glue != NULL ? glue : &none;
			old = old != NULL ? old : &none;
			if (!ms_rrset_equal(&glue->a, &old->a)) {
				exact(&changes[count++], host, KNOT_RRTYPE_A, s->ns_ttl, &glue->a);
			}
			if (!ms_rrset_equal(&glue->aaaa, &old->aaaa)) {
				exact(&changes[count++], host, KNOT_RRTYPE_AAAA, s->ns_ttl, &glue->aaaa);
			}
		}
	}
	if (!ms_rrset_equal(&from->ns, &to->ns)) {
		exact(&changes[count++], task->child, KNOT_RRTYPE_NS, s->ns_ttl, &to->ns);
	}
	if (!ms_rrset_equal(&from->ds, &to->ds)) {
		exact(&changes[count++], task->child, KNOT_RRTYPE_DS, s->ds_ttl, &to->ds);
	}
	return count;
}

/* knotd refused a part: the whole change shall not be there. */
static void take_back(ms_task_t *task, const atomic_bool *stop)
{
	ms_change_t changes[CHANGES_MAX];
	ms_zonedit_t undo;
	size_t count = list_changes(task, &task->after, &task->before, changes);
	if (ms_zonedit(task->setup->settings.control, stop, task->parent, changes, count, NULL,
	               &undo) == KNOT_EOK) {
		ms_zonedit_clear(&undo);
	}
}

static void edit(ms_task_t *task, const atomic_bool *stop)
{
	ms_change_t changes[CHANGES_MAX];
	ms_zonedit_t out;
	size_t count = list_changes(task, &task->before, &task->after, changes);
	if (count == 0) {
		task->ret = KNOT_EOK;
		return;
	}
	task->ret = ms_zonedit(task->setup->settings.control, stop, task->parent, changes, count, NULL,
	                       &out);
	if (task->ret != KNOT_EOK) {
		ms_text_copy(task->text, out.reason, sizeof(task->text));
		return;
	}
	if (out.refused_count > 0) {
		ms_text_copy(task->text, out.refused[0].reason, sizeof(task->text));
		task->ret = KNOT_EDENIED;
		take_back(task, stop);
	}
	ms_zonedit_clear(&out);
}

/* As nsupdate(1) reads it. What is there does not matter: whole RRsets are replaced. */
static int print_change(FILE *file, const ms_change_t *change)
{
	knot_dname_txt_storage_t name;
	char type[16];
	if (knot_dname_to_str(name, change->owner, sizeof(name)) == NULL ||
	    knot_rrtype_to_string(change->rrtype, type, sizeof(type)) < 0) {
		return KNOT_ERROR;
	}
	(void)fprintf(file, "update delete %s %s\n", name, type);
	const knot_rdata_t *rd = change->add->rrs.rdata;
	for (uint16_t i = change->add->rrs.count; i > 0; i--) {
		ms_rdtext_t form;
		int ret = ms_rdtext_make(change->rrtype, rd, &form);
		if (ret != KNOT_EOK) {
			return ret;
		}
		(void)fprintf(file, "update add %s %u %s %s\n", name, change->ttl, type, form.printed);
		ms_rdtext_clear(&form);
		rd = knot_rdataset_next((knot_rdata_t *)rd);
	}
	return KNOT_EOK;
}

static int print_changes(const ms_task_t *task, FILE *file)
{
	ms_change_t changes[CHANGES_MAX];
	knot_dname_txt_storage_t zone;
	size_t count = list_changes(task, &task->before, &task->after, changes);
	if (knot_dname_to_str(zone, task->parent, sizeof(zone)) == NULL) {
		return KNOT_ERROR;
	}
	(void)fprintf(file, "zone %s\n", zone);
	int ret = KNOT_EOK;
	for (size_t i = 0; i < count && ret == KNOT_EOK; i++) {
		ret = print_change(file, &changes[i]);
	}
	(void)fprintf(file, "send\n");
	return ret;
}

static int write_changes(ms_task_t *task, const char *path)
{
	FILE *file = fopen(path, "we");
	if (file == NULL) {
		(void)snprintf(task->text, sizeof(task->text), "%.180s: %s", path, strerror(errno));
		return KNOT_EFILE;
	}
	int ret = print_changes(task, file);
	bool bad = ferror(file) != 0;
	bad = fclose(file) != 0 || bad;
	return ret == KNOT_EOK && bad ? KNOT_EFILE : ret;
}

static void take_status(ms_task_t *task, const ms_child_t *run)
{
	task->ret = WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0 ? KNOT_EOK : KNOT_EDENIED;
	if (task->ret == KNOT_EOK) {
		return;
	}
	const char *said = run->err != NULL ? run->err : "";
	(void)snprintf(task->text, sizeof(task->text), "the program ended with status %d: %.180s",
	               WIFEXITED(run->status) ? WEXITSTATUS(run->status) : 128 + WTERMSIG(run->status),
	               said);
	task->text[strcspn(task->text, "\r\n")] = '\0';
}

/* PROGRAM PARENT CHILD FILE; exit status 0: it is done, or certain to be done. */
static void command(ms_task_t *task, const atomic_bool *stop)
{
	const ms_rx_settings_t *s = &task->setup->settings;
	knot_dname_txt_storage_t parent, child;
	char path[MS_RX_PATH_MAX + 32];
	(void)snprintf(path, sizeof(path), "%s/change.%llu", s->storage, (unsigned long long)task->id);
	if (knot_dname_to_str(parent, task->parent, sizeof(parent)) == NULL ||
	    knot_dname_to_str(child, task->child, sizeof(child)) == NULL) {
		task->ret = KNOT_ERROR;
		return;
	}
	task->ret = write_changes(task, path);
	if (task->ret == KNOT_EOK) {
		const char *const args[] = { s->command, parent, child, path, NULL };
		ms_child_t run = { 0 };
		task->ret = ms_child_run(args, MS_TASK_COMMAND_MS, stop, COMMAND_OUT_MAX, &run);
		if (task->ret == KNOT_EOK) {
			take_status(task, &run);
			ms_child_clear(&run);
		} else {
			(void)snprintf(task->text, sizeof(task->text), "%.160s: %s", s->command,
			               knot_strerror(task->ret));
		}
	}
	(void)unlink(path);
}

static void publish(ms_task_t *task, const atomic_bool *stop)
{
	ms_publication_t p = { 0 };
	ms_zonedit_t out;
	task->ret = ms_publication_make(&p, &task->setup->settings, &task->setup->key.rr, task->parent);
	if (task->ret == KNOT_EOK) {
		task->ret = ms_zonedit(task->setup->settings.control, stop, task->parent, p.changes,
		                       p.count, NULL, &out);
		if (task->ret != KNOT_EOK) {
			ms_text_copy(task->text, out.reason, sizeof(task->text));
		} else if (out.refused_count > 0) {
			(void)snprintf(task->text, sizeof(task->text), "knotd refused a record: %.200s",
			               out.refused[0].reason);
		}
		if (task->ret == KNOT_EOK) {
			ms_zonedit_clear(&out);
		}
	}
	ms_publication_clear(&p);
}

static int take_owner(void *ctx, knot_ctl_data_t *data)
{
	ms_task_t *task = ctx;
	const char *type = (*data)[KNOT_CTL_IDX_TYPE], *owner = (*data)[KNOT_CTL_IDX_OWNER];
	knot_dname_storage_t name;
	if (type == NULL || owner == NULL || strcasecmp(type, "NS") != 0 ||
	    knot_dname_from_str(name, owner, sizeof(name)) == NULL) {
		return KNOT_EOK;
	}
	knot_dname_to_lower(name);
	return knot_dname_is_equal(name, task->parent) ? KNOT_EOK
	     : ms_names_add(&task->names, name, task->setup->settings.children_max);
}

/* Not zone-read: it can crash Knot before 3.2.7. */
static int list_by_control(ms_task_t *task, ms_ctl_t *ctl)
{
	ms_ctl_zone_t status;
	knot_dname_txt_storage_t zone;
	if (knot_dname_to_str(zone, task->parent, sizeof(zone)) == NULL) {
		return KNOT_ERROR;
	}
	int ret = ms_ctl_zone_status(ctl, zone, &status);
	if (ret != KNOT_EOK || !status.loaded || status.transaction) {
		return ret != KNOT_EOK ? ret : KNOT_EBUSY;
	}
	ms_ctl_cmd_t begin = { .cmd = "zone-begin", .zone = zone };
	ms_ctl_cmd_t get = { .cmd = "zone-get", .zone = zone };
	ret = ms_ctl_call(ctl, &begin, NULL, NULL);
	bool open = ret == KNOT_EOK || ctl->broken;
	if (ret == KNOT_EOK) {
		ret = ms_ctl_call(ctl, &get, take_owner, task);
	}
	if (open) {
		ms_ctl_abort(ctl, zone);
	}
	return ret;
}

/* By AXFR where the server lets us; else over the control socket, which has a limit. */
static void list(ms_task_t *task, const atomic_bool *stop)
{
	const ms_rx_settings_t *s = &task->setup->settings;
	ms_ctl_t ctl;
	char reason[MS_CTL_REASON_MAX] = "";
	task->ret = ms_names_axfr(&s->listen, task->parent, s->children_max, stop, &task->names);
	if (task->ret == KNOT_EOK || task->ret == KNOT_EBUSY || task->ret == KNOT_ELIMIT) {
		return;
	}
	task->ret = ms_ctl_open(&ctl, s->control, stop, reason, sizeof(reason));
	if (task->ret == KNOT_EOK) {
		task->ret = list_by_control(task, &ctl);
		ms_ctl_close(&ctl);
	}
	ms_text_copy(task->text, reason, sizeof(task->text));
}

static void report(ms_task_t *task, const atomic_bool *stop)
{
	ms_said_t said = { 0 };
	ms_resolver_options_t options = ms_rx_resolver(&task->setup->settings);
	task->ret = ms_probe_one(&options, task->child, KNOT_RRTYPE_TXT,
	                         task->setup->settings.timeout, stop, &said);
	ms_said_clear(&said);
}

void ms_task_do(ms_task_t *task, const atomic_bool *stop)
{
	switch (task->kind) {
	case MS_TASK_SURVEY:
		survey(task, stop);
		break;
	case MS_TASK_APPLY:
		if (task->setup->settings.command[0] != '\0') {
			command(task, stop);
		} else {
			edit(task, stop);
		}
		break;
	case MS_TASK_PUBLISH:
		publish(task, stop);
		break;
	case MS_TASK_LIST:
		list(task, stop);
		break;
	case MS_TASK_REPORT:
		report(task, stop);
		break;
	}
}
