/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/zonenode.h"

#include <stdlib.h>
#include <string.h>

void ms_zonenode_clear(ms_zonenode_t *node)
{
	for (size_t i = 0; i < node->count; i++) {
		free(node->records[i].type);
		free(node->records[i].ttl);
		free(node->records[i].text);
	}
	free(node->records);
	*node = (ms_zonenode_t){ 0 };
}

int ms_zonenode_take(void *ctx, knot_ctl_data_t *data)
{
	ms_zonenode_t *node = ctx;
	const char *type = (*data)[KNOT_CTL_IDX_TYPE], *ttl = (*data)[KNOT_CTL_IDX_TTL];
	const char *text = (*data)[KNOT_CTL_IDX_DATA];
	if (type == NULL || ttl == NULL || text == NULL) {
		return KNOT_EMALF;
	}
	void *more = reallocarray(node->records, node->count + 1, sizeof(*node->records));
	if (more == NULL) {
		return KNOT_ENOMEM;
	}
	node->records = more;
	node->records[node->count].type = strdup(type);
	node->records[node->count].ttl = strdup(ttl);
	node->records[node->count].text = strdup(text);
	node->count++;
	bool whole = node->records[node->count - 1].type != NULL &&
	             node->records[node->count - 1].ttl != NULL &&
	             node->records[node->count - 1].text != NULL;
	return whole ? KNOT_EOK : KNOT_ENOMEM;
}

void ms_zonerrset_clear(ms_zonerrset_t *present)
{
	for (size_t i = 0; i < present->count; i++) {
		free(present->records[i].text);
	}
	free(present->records);
}

static int add(ms_zonerrset_t *present, const char *text, const char *ttl)
{
	ms_zonerr_t *more = reallocarray(present->records, present->count + 1, sizeof(*more));
	if (more == NULL) {
		return KNOT_ENOMEM;
	}
	present->records = more;
	more[present->count] = (ms_zonerr_t){ .text = strdup(text) };
	if (more[present->count].text == NULL) {
		return KNOT_ENOMEM;
	}
	present->count++;
	present->ttl = strtoul(ttl, NULL, 10);
	return KNOT_EOK;
}

int ms_zonenode_rrset(const ms_zonenode_t *node, const char *type, ms_zonerrset_t *out)
{
	ms_zonerrset_t set = { 0 };
	int ret = KNOT_EOK;
	for (size_t i = 0; ret == KNOT_EOK && i < node->count; i++) {
		if (strcmp(node->records[i].type, type) == 0) {
			ret = add(&set, node->records[i].text, node->records[i].ttl);
		}
	}
	if (ret != KNOT_EOK) {
		ms_zonerrset_clear(&set);
		return ret;
	}
	*out = set;
	return KNOT_EOK;
}
