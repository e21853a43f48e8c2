/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/action.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Actions of one step are few; the list grows by doubling from here. */
#define ACTIONS_ROOM 16

static void clear_edits(ms_action_t *action)
{
	for (size_t i = 0; i < action->edit.count; i++) {
		ms_rrset_clear(&action->edit.edits[i].add);
		ms_rrset_clear(&action->edit.edits[i].remove);
	}
	free(action->edit.edits);
}

void ms_rrset_free(ms_rrset_t *set)
{
	if (set != NULL) {
		ms_rrset_clear(set);
		free(set);
	}
}

static void clear_action(ms_action_t *action)
{
	switch (action->kind) {
	case MS_ACT_PERSIST:
		free(action->persist.key);
		free(action->persist.value);
		break;
	case MS_ACT_SEND:
		free(action->send.to);
		ms_msg_free(action->send.msg);
		break;
	case MS_ACT_REPLY:
		ms_msg_free(action->reply.msg);
		break;
	case MS_ACT_TELL:
		free(action->tell.text);
		break;
	case MS_ACT_EDIT:
		clear_edits(action);
		break;
	case MS_ACT_OBSERVE:
		free(action->observe.hosts);
		break;
	case MS_ACT_TELL_PARENT:
		free(action->inform.to);
		ms_rrset_free(action->inform.ds);
		ms_rrset_free(action->inform.ns);
		knot_dname_free(action->inform.channel, NULL);
		break;
	case MS_ACT_LOG:
		free(action->log.line);
		break;
	default:
		break;
	}
}

void ms_actions_cut(ms_actions_t *actions, size_t count)
{
	while (actions->count > count) {
		clear_action(&actions->list[--actions->count]);
	}
}

void ms_actions_clear(ms_actions_t *actions)
{
	ms_actions_cut(actions, 0);
}

void ms_actions_deinit(ms_actions_t *actions)
{
	ms_actions_clear(actions);
	free(actions->list);
	*actions = (ms_actions_t){ 0 };
}

ms_action_t *ms_action_add(ms_actions_t *actions, ms_action_kind_t kind)
{
	if (actions->count == actions->room) {
		size_t room = actions->room > 0 ? 2 * actions->room : ACTIONS_ROOM;
		ms_action_t *list = realloc(actions->list, room * sizeof(*list));
		if (list == NULL) {
			return NULL;
		}
		actions->list = list;
		actions->room = room;
	}
	ms_action_t *action = &actions->list[actions->count++];
	memset(action, 0, sizeof(*action));
	action->kind = kind;
	return action;
}

static uint8_t *dup_bytes(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	if (copy != NULL && len > 0) {
		memcpy(copy, data, len);
	}
	return copy;
}

int ms_action_persist(ms_actions_t *actions, const ms_rec_key_t *key, const uint8_t *value,
                      size_t len)
{
	uint8_t buf[MS_REC_KEY_MAX];
	int key_len = ms_rec_key_encode(key, buf, sizeof(buf));
	if (key_len < 0) {
		return key_len;
	}
	uint8_t *key_copy = dup_bytes(buf, key_len);
	uint8_t *value_copy = value != NULL ? dup_bytes(value, len) : NULL;
	ms_action_t *action = NULL;
	if (key_copy != NULL && (value == NULL || value_copy != NULL)) {
		action = ms_action_add(actions, MS_ACT_PERSIST);
	}
	if (action == NULL) {
		free(key_copy);
		free(value_copy);
		return KNOT_ENOMEM;
	}
	action->persist.key = key_copy;
	action->persist.key_len = key_len;
	action->persist.value = value_copy;
	action->persist.value_len = value != NULL ? len : 0;
	return KNOT_EOK;
}

void ms_action_count(ms_actions_t *actions, ms_counter_t counter)
{
	ms_action_t *action = ms_action_add(actions, MS_ACT_COUNT);
	if (action != NULL) {
		action->counter = counter;
	}
}

void ms_action_log(ms_actions_t *actions, ms_log_level_t level, const knot_dname_t *zone,
                   const knot_dname_t *peer, const char *fmt, ...)
{
	char line[MS_LOG_LINE_MAX];
	knot_dname_txt_storage_t zone_txt = "", peer_txt = "";
	if (zone != NULL) {
		(void)knot_dname_to_str(zone_txt, zone, sizeof(zone_txt));
	}
	if (peer != NULL) {
		(void)knot_dname_to_str(peer_txt, peer, sizeof(peer_txt));
	}
	int len = snprintf(line, sizeof(line), "%.160s%s%.160s: ", zone_txt,
	                   zone != NULL && peer != NULL ? "/" : "", peer_txt);
	if (zone == NULL && peer == NULL) {
		len = 0;
	}
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);
	/* Words of peers and of knotd are in it: they must not make lines of their own. */
	for (char *c = line; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			*c = '?';
		}
	}

	char *copy = strdup(line);
	ms_action_t *action = copy != NULL ? ms_action_add(actions, MS_ACT_LOG) : NULL;
	if (action == NULL) {
		free(copy);
		return;
	}
	action->log.level = level;
	action->log.line = copy;
}
