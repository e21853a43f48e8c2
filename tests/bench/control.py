# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone transactions over knotd's control socket without a knotc process for each command, which
would take longer than what it asks for. Uses libknot's own client by ctypes."""

import ctypes
import ctypes.util

from lab import LabError

DATA, BLOCK = 1, 3                                    # knot_ctl_type_t
FIELDS = ("command", "flags", "error", "section", "item", "id", "zone", "owner", "ttl", "type",
          "data", "filter")                           # knot_ctl_idx_t
TIMEOUT = 60000                                       # Milliseconds.

Data = ctypes.c_char_p * len(FIELDS)


def load():
    libknot = ctypes.CDLL(ctypes.util.find_library("knot"))
    libknot.knot_ctl_alloc.restype = ctypes.c_void_p
    libknot.knot_strerror.restype = ctypes.c_char_p
    for name in "free", "close", "set_timeout", "connect", "send", "receive":
        getattr(libknot, f"knot_ctl_{name}").argtypes = [ctypes.c_void_p]
    return libknot


class Control:
    """A connection for one transaction."""

    libknot = load()

    def __init__(self, socket):
        self.ctl = ctypes.c_void_p(self.libknot.knot_ctl_alloc())
        self.libknot.knot_ctl_set_timeout(self.ctl, TIMEOUT)
        self.check(self.libknot.knot_ctl_connect(self.ctl, socket.encode()), socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.libknot.knot_ctl_close(self.ctl)
        self.libknot.knot_ctl_free(self.ctl)

    def check(self, ret, what):
        if ret != 0:
            raise LabError(f"{what}: {self.libknot.knot_strerror(ret).decode()}")

    def command(self, command, **fields):
        data = Data(*[(command if field == "command" else fields.get(field, "")).encode() or None
                      for field in FIELDS])
        self.check(self.libknot.knot_ctl_send(self.ctl, DATA, ctypes.byref(data)), command)
        self.check(self.libknot.knot_ctl_send(self.ctl, BLOCK, None), command)
        kind, answer, error = ctypes.c_int(), Data(), None
        while kind.value != BLOCK:
            ret = self.libknot.knot_ctl_receive(self.ctl, ctypes.byref(kind), ctypes.byref(answer))
            self.check(ret, command)
            error = error or answer[FIELDS.index("error")]
        if error:
            raise LabError(f"{command} {fields}: {error.decode()}")


def edit(socket, zone, *changes):
    """One transaction: ("zone-set" | "zone-unset", {field: value})"""
    with Control(socket) as control:
        control.command("zone-begin", zone=zone)
        for command, fields in changes:
            control.command(command, zone=zone, **fields)
        control.command("zone-commit", zone=zone)
