# SPDX-License-Identifier: GPL-3.0-or-later
"""A store as lines of text, "KEY VALUE" in hexadecimal, through the liblmdb that libknot brings."""

import ctypes
import os

NEW = 0o600
RDONLY, CREATE = 0x20000, 0x40000
FIRST, NEXT = 0, 8
NOTFOUND = -30798


class Val(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

    @classmethod
    def of(cls, octets):
        buf = ctypes.create_string_buffer(octets, len(octets))
        val = cls(len(octets), ctypes.cast(buf, ctypes.c_void_p))
        val.keep = buf
        return val

    def octets(self):
        return ctypes.string_at(self.data, self.size)


def call(function, *args):
    ret = function(*args)
    if ret not in (0, NOTFOUND):
        raise OSError(ret, f"{function.__name__} of liblmdb failed")
    return ret


def transaction(folder, flags, work):
    """work(lib, txn, dbi) in the one database of a store."""
    lib = ctypes.CDLL("liblmdb.so.0")
    env, txn, dbi = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()
    call(lib.mdb_env_create, ctypes.byref(env))
    try:
        call(lib.mdb_env_open, env, folder.encode(), flags, NEW)
        call(lib.mdb_txn_begin, env, None, flags, ctypes.byref(txn))
        call(lib.mdb_dbi_open, txn, None, 0, ctypes.byref(dbi))
        result = work(lib, txn, dbi)
        call(lib.mdb_txn_commit, txn)
        return result
    finally:
        lib.mdb_env_close(env)


def dump(folder):
    def work(lib, txn, dbi):
        cursor, key, value, lines = ctypes.c_void_p(), Val(), Val(), []
        call(lib.mdb_cursor_open, txn, dbi, ctypes.byref(cursor))
        op = FIRST
        while call(lib.mdb_cursor_get, cursor, ctypes.byref(key), ctypes.byref(value), op) == 0:
            lines.append(f"{key.octets().hex()} {value.octets().hex()}")
            op = NEXT
        lib.mdb_cursor_close(cursor)
        return lines
    return transaction(folder, RDONLY, work)


def load(folder, lines):
    def work(lib, txn, dbi):
        for line in lines:
            key, value = (Val.of(bytes.fromhex(word)) for word in line.split())
            call(lib.mdb_put, txn, dbi, ctypes.byref(key), ctypes.byref(value), 0)
    os.makedirs(folder, exist_ok=True)
    transaction(folder, 0, work)
