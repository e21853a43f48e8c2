/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the message makers of the functional tests have in common: input, and one message and its answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets read; 0: there is no such file, or it is empty. */
size_t client_read_file(const char *path, uint8_t *buf, size_t max);
/* Octets of as many digits as there are. */
size_t client_from_hex(const char *hex, uint8_t *out, size_t max);
/* A socket connected to "IPV4@PORT"; -1: bad address, or nobody is there. */
int client_open(const char *server, bool tcp);
/* Length of the answer; -1: none within so many milliseconds. */
int client_exchange(int fd, bool tcp, const uint8_t *wire, size_t len, uint8_t *answer, size_t max,
                    int timeout);
