"""What a command and the warm process say to each other, over a socket in the home folder.

A command sends one message: its length (4 bytes), JSON, and with it its three standard streams.
The answer is `ACCEPTED` and, when the command has ended, a byte with its exit code; or `STALE`.
"""

from __future__ import annotations

import os
import struct
import sys
import sysconfig
from dataclasses import asdict, dataclass
from json import dumps, loads
from pathlib import Path
from socket import socket

from pipeline.child_processes import ROOT
from pipeline.env_files import HOME, default_home

ACCEPTED, STALE, INTERRUPT = b"A", b"S", b"I"
_LENGTH = struct.Struct("!I")
_MOST_BYTES = 4 * 1024 * 1024
# What Linux and macOS take for a socket's path, less a little.
_LONGEST_PATH = 100
# The rooms that a warm command may import.
_PACKAGES = (
    "app", "stages", "checks", "blocks", "clients", "pipeline", "flows", "deployments",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A command to run as its process would: with its arguments, environment and folder."""

    version: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    umask: int
    encoding: str
    errors: str

    def message(self) -> bytes:
        """As it is sent."""
        body = dumps(asdict(self)).encode("ascii")
        return _LENGTH.pack(len(body)) + body


def read_request(connection: socket, begun: bytes) -> Request:
    """Read what follows the first bytes of a message.

    Raises:
        ValueError: it is none.
    """
    held = bytearray(begun)
    while len(held) < _LENGTH.size or len(held) < _LENGTH.size + _length(held):
        if not (piece := connection.recv(65536)):
            raise ValueError("broken off")
        held += piece
    return Request(**loads(held[_LENGTH.size :]))


def _length(held: bytearray) -> int:
    (length,) = _LENGTH.unpack_from(held)
    if length > _MOST_BYTES:
        raise ValueError("too long")
    return int(length)


def socket_path(kind: str) -> Path | None:
    """Where the warm process of this environment's home listens; None where that cannot be."""
    named = os.environ.get(HOME)
    home = (Path(named).expanduser() if named else default_home()).absolute()
    path = home / f"{kind}.sock"
    return path if len(os.fsencode(path)) <= _LONGEST_PATH else None


def loading_mark(path: Path) -> Path:
    """The file beside a socket that says that a process loads and is still wanted."""
    return path.with_suffix(".loading")


def program_fingerprint() -> str:
    """Tells one state of the program from every other: what was edited since is not run."""
    newest = max(
        entry.stat().st_mtime_ns
        for package in _PACKAGES
        for folder, _, _ in os.walk(ROOT / package)
        if not folder.endswith("__pycache__")
        for entry in os.scandir(folder)
        if entry.name.endswith(".py")
    )
    # changes when a library is installed, updated or removed
    libraries = os.stat(sysconfig.get_path("purelib")).st_mtime_ns  # noqa: PTH116
    return f"{sys.executable} {ROOT} {newest} {libraries}"
