/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/seen.h"

#include <stdlib.h>

#include <libknot/errcode.h>

#include "base/name.h"

void ms_seen_free(ms_seen_t *seen)
{
	if (seen == NULL) {
		return;
	}
	for (size_t i = 0; i < seen->count; i++) {
		for (unsigned type = 0; type < MS_SEEN_TYPES; type++) {
			ms_rrset_clear(&seen->servers[i].set[type]);
		}
	}
	free(seen->servers);
	free(seen);
}

int ms_seen_index(const ms_seen_t *seen, uint16_t type)
{
	for (unsigned i = 0; i < seen->type_count; i++) {
		if (seen->types[i] == type) {
			return i;
		}
	}
	return -1;
}

ms_seen_server_t *ms_seen_add(ms_seen_t *seen, const knot_dname_t *host, const ms_addr_t *addr)
{
	if (seen->count == MS_SEEN_MAX) {
		return NULL;
	}
	ms_seen_server_t *grown = realloc(seen->servers, (seen->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		return NULL;
	}
	seen->servers = grown;
	ms_seen_server_t *server = &grown[seen->count++];
	*server = (ms_seen_server_t){ .addr = *addr };
	ms_name_copy_lower(server->host, host);
	for (unsigned i = 0; i < MS_SEEN_TYPES; i++) {
		server->ret[i] = KNOT_ETIMEOUT;
	}
	return server;
}
