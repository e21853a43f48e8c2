/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libknot/wire.h>

size_t client_read_file(const char *path, uint8_t *buf, size_t max)
{
	FILE *file = fopen(path, "rb");
	size_t len = file != NULL ? fread(buf, 1, max, file) : 0;
	if (file != NULL) {
		fclose(file);
	}
	return len;
}

size_t client_from_hex(const char *hex, uint8_t *out, size_t max)
{
	size_t len = 0;
	unsigned octet;
	for (; len < max && sscanf(hex, "%2x", &octet) == 1; hex += 2) {
		out[len++] = octet;
	}
	return len;
}

int client_open(const char *server, bool tcp)
{
	char host[64];
	unsigned port;
	struct sockaddr_in addr = { .sin_family = AF_INET };
	if (sscanf(server, "%63[^@]@%u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
		return -1;
	}
	addr.sin_port = htons(port);
	int fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ? fd : -1;
}

int client_exchange(int fd, bool tcp, const uint8_t *wire, size_t len, uint8_t *answer, size_t max,
                    int timeout)
{
	static uint8_t frame[2 + UINT16_MAX];
	knot_wire_write_u16(frame, len);
	memcpy(frame + 2, wire, len);
	const uint8_t *data = tcp ? frame : wire;
	if (send(fd, data, tcp ? len + 2 : len, MSG_NOSIGNAL) < 0) {
		return -1;
	}
	size_t have = 0;
	struct pollfd pfd = { fd, POLLIN, 0 };
	while (poll(&pfd, 1, timeout) > 0) {
		ssize_t got = recv(fd, answer + have, max - have, 0);
		if (got <= 0) {
			return -1;
		}
		have += got;
		if (!tcp) {
			return have;
		}
		if (have >= 2 && have >= 2u + knot_wire_read_u16(answer)) {
			memmove(answer, answer + 2, have - 2);
			return have - 2;
		}
	}
	return -1;
}
