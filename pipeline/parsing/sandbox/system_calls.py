"""Calls the kernel directly where Python's own library has no function."""

from __future__ import annotations

import ctypes
import os
from typing import Any

NO_NEW_PRIVILEGES, DUMPABLE, DEATH_SIGNAL, KEEP_CAPABILITIES = 38, 4, 1, 8
"""The options of prctl that are set here (PR_SET_…)."""

_SECCOMP = {"x86_64": 317, "aarch64": 277, "arm64": 277}
_FILTER, _ALL_THREADS, _AS_FAST = 1, 1, 4
_CAPSET_VERSION = 0x20080522


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def call(number: int, *arguments: Any) -> int:
    """Make a system call by its number.

    Raises:
        OSError: as the kernel says.
    """
    return _checked(_library().syscall(ctypes.c_long(number), *arguments))


def set_process(option: int, value: int) -> None:
    """Set a property of this process with prctl.

    Raises:
        OSError: as the kernel says.
    """
    long = ctypes.c_ulong
    _checked(_library().prctl(option, long(value), long(0), long(0), long(0)))


def install_filter(machine: str, program: bytes) -> None:
    """Filter the system calls of all threads of this process, for good.

    Raises:
        OSError: the kernel has no such filters, or this process may not set one.
    """
    described = _Program(len(program) // 8, program)
    flags = ctypes.c_ulong(_ALL_THREADS | _AS_FAST)
    # with this flag a thread that cannot take part is told as its id
    if call(_SECCOMP[machine], _FILTER, flags, ctypes.byref(described)):
        raise OSError("a thread has another filter")


def keep_capabilities_only(kept: int) -> None:
    """Give up every capability but these.

    Args:
        kept: a bit for each, as the kernel numbers them.

    Raises:
        OSError: as the kernel says.
    """
    header = (ctypes.c_uint32 * 2)(_CAPSET_VERSION, 0)
    # effective, permitted, inheritable; then the same for the capabilities from 32 on
    sets = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    _checked(_library().capset(header, sets))


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
