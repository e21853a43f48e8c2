# SPDX-License-Identifier: GPL-3.0-or-later
"""Port 53 on 127.53.x.y: in the host's loopback where it is free and we may, else in a network
namespace of our own. Referrals carry no ports, so a lab that is really iterated needs port 53."""

import ctypes
import fcntl
import os
import signal
import socket
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41
PR_SET_PDEATHSIG = 1


def can_bind(address, port=53):
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                sock.bind((address, port))
            except OSError:
                return False
    return True


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = b"lo".ljust(16, b"\0") + IFF_UP_RUNNING.to_bytes(2, sys.byteorder)
        fcntl.ioctl(sock, SIOCSIFFLAGS, request.ljust(40, b"\0"))


def ensure_port_53(addresses):
    """Returns where port 53 of all addresses is ours to take; True: in a namespace of our own, for
    which the program has been started anew. False: among the host's."""
    if os.environ.get("MSIGNER_NETNS") == "1":
        loopback_up()
        return True
    if all(can_bind(address) for address in addresses):
        return False
    os.environ["MSIGNER_NETNS"] = "1"
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])
    return True


def die_with_parent():
    """In a child before exec: no server outlives the program that started it, even by kill -9."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
