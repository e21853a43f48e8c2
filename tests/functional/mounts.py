# SPDX-License-Identifier: GPL-3.0-or-later
"""Small file systems, in a mount namespace of our own: disks that are full, or may only be read."""

import ctypes
import os
import shutil

NEWNS = 0x20000
RDONLY, REMOUNT, REC, PRIVATE = 1, 32, 16384, 1 << 18
DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


def call(function, *args):
    if function(*args) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


def mount(path, flags, options=None):
    call(LIBC.mount, b"none", path.encode(), b"tmpfs", flags, options and options.encode())


def unavailable():
    """None, or why there are none here: rights that a container may not give."""
    try:
        call(LIBC.unshare, NEWNS)
        mount("/", REC | PRIVATE)
    except OSError as error:
        return f"no mount namespace of our own ({error.strerror})"
    return None


class SmallDisk:
    """A folder's content on a file system of this size, until it is left."""

    def __init__(self, path, size):
        self.path, self.size, self.filler = path, size, f"{path}/filler"

    def __enter__(self):
        aside = self.path + ".aside"
        shutil.copytree(self.path, aside)
        mount(self.path, 0, f"size={self.size}")
        shutil.copytree(aside, self.path, dirs_exist_ok=True)
        shutil.rmtree(aside)
        return self

    def __exit__(self, *_):
        call(LIBC.umount2, self.path.encode(), DETACH)

    def fill(self):
        fd = os.open(self.filler, os.O_CREAT | os.O_WRONLY)
        try:
            while os.write(fd, bytes(4096)) > 0:
                pass
        except OSError:
            pass    # It is full now.
        finally:
            os.close(fd)

    def make_room(self):
        os.remove(self.filler)

    def read_only(self, yes):
        """Nobody may have a file open for writing there."""
        mount(self.path, REMOUNT | (RDONLY if yes else 0))
