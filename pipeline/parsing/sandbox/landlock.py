"""Landlock: a process gives up files, TCP ports and signals by itself."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipeline.parsing.sandbox import system_calls

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every processor
_VERSION, _BENEATH = 1, 1

_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_WRITE_FILE, _TRUNCATE, _IOCTL = 1 << 1, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
READ = _READ_FILE | _READ_FOLDER
RUN = READ | _EXECUTE
READ_AND_WRITE = READ | _WRITE_FILE
MAKE_SOCKETS, REMOVE_FILES = 1 << 9, 1 << 5
"""What may be allowed beneath a path."""

# Rights over files that each version of the kernel's interface knows; over TCP and scopes below.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_SINCE, _TCP = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11


class _Handled(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Allowed(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The kernel's version of the interface; 0 without Landlock."""
    try:
        return system_calls.call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except (OSError, AttributeError):
        return 0


def restrict(allowed: Iterable[tuple[Path, int]], everything_in: Path | None) -> int:
    """Give up all files but those beneath the paths, TCP, and signals to other processes.

    The process must have given up new privileges. Threads that run already stay free.

    Args:
        allowed: paths, each with `READ` or `RUN`; those that do not exist are passed over.
        everything_in: a folder in which everything may be done.

    Returns:
        The version of the interface that now holds.

    Raises:
        OSError: the kernel has no Landlock, or it is switched off.
    """
    found = version()
    rights = _RIGHTS[max((each for each in _RIGHTS if each <= found), default=1)]
    handled = _Handled(
        rights, _TCP if found >= _TCP_SINCE else 0, _SCOPES if found >= _SCOPES_SINCE else 0
    )
    size = 24 if found >= _SCOPES_SINCE else 16 if found >= _TCP_SINCE else 8
    rules = system_calls.call(
        _CREATE, ctypes.byref(handled), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    try:
        for path, rights_there in allowed:
            _allow(rules, path, rights_there)
        if everything_in is not None:
            _allow(rules, everything_in, rights)
        system_calls.call(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)
    return found


def _allow(rules: int, path: Path, rights: int) -> None:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(opened).st_mode):
                rights &= _OF_FILES
            allowed = _Allowed(rights, opened)
            rule = ctypes.c_int(_BENEATH)
            system_calls.call(
                _ADD, ctypes.c_int(rules), rule, ctypes.byref(allowed), ctypes.c_uint32(0)
            )
        finally:
            os.close(opened)
