/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/keymgr.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libknot/error.h>

#include "io/child.h"
#include "io/keylife.h"

/* program, -D, DIR, -j, --, ZONE, command, key id, parameters, NULL */
#define ARGS_MAX (9 + MS_KEYMGR_PARAMS_MAX)
#define WORDS_AT 6
#define PATH_ROOM 4096
#define WORD_ROOM 64

/* One call, for messages. */
typedef struct {
	const ms_keymgr_t *km;
	const char *zone;
	const char *command;
	char *reason;
	size_t reason_size;
} call_t;

__attribute__((format(printf, 3, 4)))
static int fail(const call_t *call, int ret, const char *fmt, ...)
{
	char why[256];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	(void)snprintf(call->reason, call->reason_size, "keymgr -D %s %s %s: %s",
	               call->km->kasp_dir, call->zone, call->command, why);
	return ret;
}

static bool usable(char *path, size_t size, const char *dir, size_t dir_len)
{
	int len = snprintf(path, size, "%.*s/keymgr", (int)dir_len, dir);
	return len > 0 && (size_t)len < size && path[0] == '/' && access(path, X_OK) == 0;
}

/* knotd's PATH seldom has sbin, so the usual places come first (Debian: /usr/bin since 3.5). */
bool ms_keymgr_find(char *path, size_t size)
{
	static const char *const USUAL = "/usr/sbin:/usr/bin:/sbin:/usr/local/sbin";
	const char *lists[] = { USUAL, getenv("PATH") };
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const char *dir = lists[i];
		while (dir != NULL && *dir != '\0') {
			size_t len = strcspn(dir, ":");
			if (usable(path, size, dir, len)) {
				return true;
			}
			dir += len + (dir[len] == ':' ? 1 : 0);
		}
	}
	return false;
}

/* The first error line, or else the first line; *len is 0 where there is none. */
static const char *complaint(const char *text, size_t *len)
{
	const char *best = text;
	for (const char *line = text; line != NULL && *line != '\0'; ) {
		if (strncmp(line, "error", 5) == 0) {
			best = line;
			break;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	*len = best != NULL ? strcspn(best, "\n") : 0;
	return best;
}

/* keymgr may say "error: …" and yet exit with 0 (a timer that it cannot read). */
static int judge(const call_t *call, const ms_child_t *child)
{
	size_t len = 0;
	const char *line = complaint(child->err, &len);
	bool error = len >= 5 && strncmp(line, "error", 5) == 0;
	if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0 && !error) {
		return KNOT_EOK;
	}
	if (len > 0) {
		return fail(call, KNOT_ERROR, "%.*s", (int)(len < 200 ? len : 200), line);
	}
	return WIFSIGNALED(child->status)
	       ? fail(call, KNOT_ERROR, "killed by signal %d", WTERMSIG(child->status))
	       : fail(call, KNOT_ERROR, "exit status %d", WEXITSTATUS(child->status));
}

static int explain(const call_t *call, const char *program, int ret)
{
	switch (ret) {
	case KNOT_ETIMEOUT:
		return fail(call, ret, "did not end in time and was killed; "
		            "does something else hold the KASP database?");
	case KNOT_EBUSY:
		return fail(call, ret, "given up, because knotd is shutting down");
	case KNOT_ESPACE:
		return fail(call, ret, "prints too much and was killed");
	default:
		return fail(call, ret, "cannot run %s: %s", program, knot_strerror(ret));
	}
}

/*
 * Runs `keymgr -D DIR -j -- ZONE words…`. The dashes keep a zone that begins with one from being
 * taken for an option.
 */
static int run(const call_t *call, const char *const *words, ms_child_t *out)
{
	char path[PATH_ROOM];
	const ms_keymgr_t *km = call->km;
	if (km->program == NULL && !ms_keymgr_find(path, sizeof(path))) {
		return fail(call, KNOT_ENOENT, "keymgr is not installed; install the package knot "
		            "(or knot-keymgr)");
	}
	const char *args[ARGS_MAX] = {
		km->program != NULL ? km->program : path,
		"-D", km->kasp_dir, "-j", "--", call->zone,
	};
	for (size_t i = WORDS_AT; *words != NULL && i + 1 < ARGS_MAX; i++) {
		args[i] = *words++;
	}
	int timeout_ms = km->timeout_ms > 0 ? km->timeout_ms : MS_KEYMGR_TIMEOUT_MS;
	ms_child_t child;
	int ret = ms_child_run(args, timeout_ms, km->stop, MS_KEYMGR_OUTPUT_MAX, &child);
	if (ret != KNOT_EOK) {
		return explain(call, args[0], ret);
	}
	ret = judge(call, &child);
	if (ret != KNOT_EOK) {
		ms_child_clear(&child);
		return ret;
	}
	*out = child;
	return KNOT_EOK;
}

static bool is_key_id(const char *id)
{
	return strlen(id) == MS_KEYID_ROOM - 1 &&
	       strspn(id, "0123456789abcdef") == MS_KEYID_ROOM - 1;
}

static bool read_time(const json_t *object, const char *name, int64_t *out)
{
	const json_t *value = json_object_get(object, name);
	*out = json_is_integer(value) ? json_integer_value(value) : 0;
	return value == NULL || json_is_integer(value);
}

static bool read_times(const json_t *object, ms_key_times_t *out)
{
	return read_time(object, "pre-active", &out->pre_active) &&
	       read_time(object, "publish", &out->publish) &&
	       read_time(object, "ready", &out->ready) &&
	       read_time(object, "active", &out->active) &&
	       read_time(object, "retire-active", &out->retire_active) &&
	       read_time(object, "retire", &out->retire) &&
	       read_time(object, "post-active", &out->post_active) &&
	       read_time(object, "remove", &out->remove);
}

static bool read_key(const json_t *object, ms_key_t *out)
{
	const char *id = json_string_value(json_object_get(object, "id"));
	const json_t *tag = json_object_get(object, "tag");
	const json_t *algorithm = json_object_get(object, "algorithm");
	const json_t *ksk = json_object_get(object, "ksk");
	const json_t *zsk = json_object_get(object, "zsk");
	if (id == NULL || !is_key_id(id) || !json_is_integer(tag) || !json_is_integer(algorithm) ||
	    !json_is_boolean(ksk) || !json_is_boolean(zsk) ||
	    json_integer_value(tag) < 0 || json_integer_value(tag) > UINT16_MAX ||
	    json_integer_value(algorithm) < 0 || json_integer_value(algorithm) > UINT8_MAX) {
		return false;
	}
	ms_key_t key = {
		.tag = json_integer_value(tag), .algorithm = json_integer_value(algorithm),
		.ksk = json_is_true(ksk), .zsk = json_is_true(zsk),
		.public_only = json_is_true(json_object_get(object, "public-only")),
	};
	memcpy(key.id, id, MS_KEYID_ROOM);
	if (!read_times(object, &key.times)) {
		return false;
	}
	*out = key;
	return true;
}

static int read_keys(const json_t *array, ms_wall_t now, ms_keys_t *out)
{
	size_t count = json_array_size(array);
	if (!json_is_array(array)) {
		return KNOT_EMALF;
	}
	ms_keys_t keys = { .count = count };
	if (count > 0) {
		keys.list = calloc(count, sizeof(*keys.list));
		if (keys.list == NULL) {
			return KNOT_ENOMEM;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!read_key(json_array_get(array, i), &keys.list[i])) {
			ms_keys_clear(&keys);
			return KNOT_EMALF;
		}
	}
	ms_keys_judge(&keys, now);
	*out = keys;
	return KNOT_EOK;
}

/* keymgr prints an empty line, and no array, where there are no keys. */
static int parse_list(const char *text, ms_wall_t now, ms_keys_t *out)
{
	if (text == NULL || text[strspn(text, " \t\r\n")] == '\0') {
		*out = (ms_keys_t){ 0 };
		return KNOT_EOK;
	}
	json_t *array = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (array == NULL) {
		return KNOT_EMALF;
	}
	int ret = read_keys(array, now, out);
	json_decref(array);
	return ret;
}

int ms_keymgr_list(const ms_keymgr_t *km, const knot_dname_t *zone, ms_wall_t now, ms_keys_t *out,
                   char *reason, size_t reason_size)
{
	knot_dname_txt_storage_t name;
	if (knot_dname_to_str(name, zone, sizeof(name)) == NULL) {
		return KNOT_EINVAL;
	}
	call_t call = { km, name, "list", reason, reason_size };
	const char *words[] = { call.command, NULL };
	ms_child_t child;
	int ret = run(&call, words, &child);
	if (ret != KNOT_EOK) {
		return ret;
	}
	ret = parse_list(child.out, now, out);
	ms_child_clear(&child);
	return ret == KNOT_EOK ? KNOT_EOK
	                       : fail(&call, ret, "its output is not understood; "
	                              "is it the keymgr of Knot DNS?");
}

void ms_keys_clear(ms_keys_t *keys)
{
	free(keys->list);
	*keys = (ms_keys_t){ 0 };
}

int ms_keymgr_has_keys(const ms_keymgr_t *km, const knot_dname_t *zone, ms_wall_t now, bool *out,
                       char *reason, size_t reason_size)
{
	ms_keys_t keys;
	int ret = ms_keymgr_list(km, zone, now, &keys, reason, reason_size);
	if (ret != KNOT_EOK) {
		return ret;
	}
	bool found = false;
	for (size_t i = 0; i < keys.count; i++) {
		found = found || !keys.list[i].removed;
	}
	ms_keys_clear(&keys);
	*out = found;
	return KNOT_EOK;
}

int ms_keymgr_generate(const ms_keymgr_t *km, const knot_dname_t *zone,
                       const ms_keymgr_new_t *what, char id[MS_KEYID_ROOM],
                       char *reason, size_t reason_size)
{
	knot_dname_txt_storage_t name;
	if (knot_dname_to_str(name, zone, sizeof(name)) == NULL) {
		return KNOT_EINVAL;
	}
	call_t call = { km, name, "generate", reason, reason_size };
	/* Without "zsk=yes" or "ksk=yes" keymgr would make a ZSK all the same. */
	if (!what->ksk && !what->zsk) {
		return fail(&call, KNOT_EINVAL, "a key that is neither KSK nor ZSK is asked for");
	}
	char algorithm[WORD_ROOM];
	(void)snprintf(algorithm, sizeof(algorithm), "algorithm=%u", what->algorithm);
	const char *words[] = {
		call.command, algorithm, what->ksk ? "ksk=yes" : "ksk=no",
		what->zsk ? "zsk=yes" : "zsk=no", what->publish ? "publish=+0" : "publish=0",
		what->active ? "active=+0" : "active=0", NULL,
	};
	ms_child_t child;
	int ret = run(&call, words, &child);
	if (ret != KNOT_EOK) {
		return ret;
	}
	if (child.out != NULL) {
		child.out[strcspn(child.out, "\n")] = '\0';
	}
	if (child.out != NULL && is_key_id(child.out)) {
		memcpy(id, child.out, MS_KEYID_ROOM);
	} else {
		ret = fail(&call, KNOT_EMALF, "it did not print the id of the new key");
	}
	ms_child_clear(&child);
	return ret;
}

/* NAME=[+|-]NUMBER[unit] */
static bool is_param(const char *param)
{
	const char *value = strchr(param, '=');
	if (value == NULL || value == param) {
		return false;
	}
	value += value[1] == '+' || value[1] == '-' ? 2 : 1;
	size_t digits = strspn(value, "0123456789");
	const char *unit = value + digits;
	return digits > 0 && strspn(unit, "ymodhis") == strlen(unit);
}

static int change(const ms_keymgr_t *km, const knot_dname_t *zone, const char *command,
                  const char *id, const char *const *params, char *reason, size_t reason_size)
{
	knot_dname_txt_storage_t name;
	if (knot_dname_to_str(name, zone, sizeof(name)) == NULL) {
		return KNOT_EINVAL;
	}
	call_t call = { km, name, command, reason, reason_size };
	if (!is_key_id(id)) {
		return fail(&call, KNOT_EINVAL, "'%.64s' is no key id", id);
	}
	char spec[WORD_ROOM];
	(void)snprintf(spec, sizeof(spec), "id=%s", id);
	const char *words[3 + MS_KEYMGR_PARAMS_MAX] = { command, spec };
	for (size_t i = 0; params != NULL && params[i] != NULL; i++) {
		if (i >= MS_KEYMGR_PARAMS_MAX || !is_param(params[i])) {
			return fail(&call, KNOT_EINVAL, "'%.64s' is no timer setting, or there are "
			            "more than %d", params[i], MS_KEYMGR_PARAMS_MAX);
		}
		words[2 + i] = params[i];
	}
	ms_child_t child;
	int ret = run(&call, words, &child);
	if (ret == KNOT_EOK) {
		ms_child_clear(&child);
	}
	return ret;
}

int ms_keymgr_set(const ms_keymgr_t *km, const knot_dname_t *zone, const char *id,
                  const char *const *params, char *reason, size_t reason_size)
{
	return change(km, zone, "set", id, params, reason, reason_size);
}

int ms_keymgr_delete(const ms_keymgr_t *km, const knot_dname_t *zone, const char *id,
                     char *reason, size_t reason_size)
{
	return change(km, zone, "delete", id, NULL, reason, reason_size);
}
