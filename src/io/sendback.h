/* SPDX-License-Identifier: GPL-3.0-or-later */
/*!
 * An answer of ours over a socket of knotd's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*!
 * Sends a complete answer: a datagram from the address that was asked, or octets with their length.
 * \param local  The address that was asked, for UDP; NULL: not known.
 * \retval KNOT_EAGAIN  The socket takes nothing now.
 * \retval KNOT_ECONN   Nobody is there any more.
 */
int ms_send_back(int fd, bool tcp, const struct sockaddr_storage *remote,
                 const struct sockaddr_storage *local, const uint8_t *wire, size_t len);
