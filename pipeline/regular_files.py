"""Opens files safely against races (TOCTOU): what is checked is what is then read.

A name can be a link, a pipe or a device, and can become one between a look and the opening. So the
opened file itself is asked what it is and where it lies.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NEVER = ("/proc", "/sys", "/dev")
"""Folders in which the system shows itself and its devices: nothing in them is a document."""

_OPENED = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
_HOPS = 40  # as many as Linux follows
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
_GIB = 1024**3


class NoRegularFile(OSError):
    """What a path names is a pipe, a socket, a device or a folder."""


class Elsewhere(OSError):
    """What a path names does not lie where it has to."""


@contextmanager
def opened(path: str | Path, within: str = "") -> Iterator[int]:
    """A descriptor of a regular file, open for reading.

    Args:
        within: the real path of the folder that the file has to lie in; empty for anywhere but in
            the folders of `NEVER`.

    Raises:
        NoRegularFile, Elsewhere: it is not opened, or nothing is read of it.
        OSError: it cannot be opened.
    """
    descriptor = _open(os.fspath(path), within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: str, within: str) -> int:
    entry = os.lstat(path)
    if stat.S_ISLNK(entry.st_mode):
        path = resolved(path)
        _require_place(path, within)
        entry = os.lstat(path)
    if not stat.S_ISREG(entry.st_mode):
        raise NoRegularFile(errno.EINVAL, "no regular file", path)
    descriptor = os.open(path, _FLAGS)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NoRegularFile(errno.EINVAL, "no regular file", path)
        if found.st_dev in _system_devices():
            raise Elsewhere(errno.EXDEV, "in a file system of the kernel", NEVER[0])
        _require_place(_place_of(descriptor, path), within)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@cache
def _system_devices() -> frozenset[int]:
    """The devices of /proc and /sys, which may be mounted at other places too."""
    root = os.stat("/").st_dev  # noqa: PTH116
    devices = {os.stat(each).st_dev for each in NEVER[:2] if Path(each).is_dir()}  # noqa: PTH116
    return frozenset(devices - {root})


def resolved(path: str) -> str:
    """Where a link leads in the end.

    Raises:
        Elsewhere: on the way it passes through a folder of `NEVER`, such as /proc/self/fd.
        OSError: it leads nowhere, or in a circle.
    """
    hop = path
    for _ in range(_HOPS):
        if not os.path.islink(hop):  # noqa: PTH114
            break
        target = os.path.join(os.path.dirname(hop), os.readlink(hop))  # noqa: PTH115, PTH118, PTH120
        folder, name = os.path.split(target)
        hop = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
        if is_never(hop):
            raise Elsewhere(errno.EXDEV, "in a folder of the system", hop)
    return os.path.realpath(path, strict=True)


def is_never(real: str) -> bool:
    """Whether a real path lies in one of the folders that are never read."""
    return any(real == folder or real.startswith(f"{folder}/") for folder in NEVER)


def is_within(real: str, folder: str) -> bool:
    """Whether a real path lies in a folder, given by its real path."""
    return real == folder or real.startswith(f"{folder.rstrip('/')}/")


def _require_place(real: str, within: str) -> None:
    if is_never(real) or (within and not is_within(real, within)):
        raise Elsewhere(errno.EXDEV, "not where it has to lie", real)


def _place_of(descriptor: int, path: str) -> str:
    """Where an opened file lies: the kernel says it of the file, not of the name."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
    except OSError:
        # no Linux: the name once more, as long as it is still that file
        real = os.path.realpath(path, strict=True)
        if not os.path.samestat(os.fstat(descriptor), os.lstat(real)):
            raise Elsewhere(errno.EXDEV, "replaced while it was opened", path) from None
        return real


def path_of(descriptor: int) -> Path:
    """A path that names an opened file as long as it is open, whatever its name names by then."""
    return Path(f"{_OPENED}/{descriptor}")


def blocks(descriptor: int, size: int) -> Iterator[bytes]:
    """The bytes of an opened file, piece by piece."""
    while piece := os.read(descriptor, size):
        yield piece


def read_regular(path: str | Path, most: int = _GIB) -> bytes:
    """The bytes of a file that a person named for our use.

    Raises:
        OSError: it is no regular file, is larger than `most`, or cannot be read.
    """
    with opened(path) as descriptor:
        if os.fstat(descriptor).st_size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        return b"".join(blocks(descriptor, 1024 * 1024))
