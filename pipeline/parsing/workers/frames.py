"""What passes between a worker and its parent: the worker's answers, and a file's content.

A frame is one letter, the length of what follows as eight bytes, then the answer.
"""

from __future__ import annotations

import os
import struct
import tempfile
from typing import IO

READY, PAGES, DOCUMENT, BYTES, ERROR = b"R", b"P", b"D", b"B", b"E"
"""Kinds of frames: the worker is ready, the number of pages that the file has, a document as JSON,
bytes as they are, an error as JSON."""

_HEADER = struct.Struct("!cQ")


def send(frames: IO[bytes], kind: bytes, payload: bytes) -> None:
    """Write a frame, at once."""
    frames.write(_HEADER.pack(kind, len(payload)))
    frames.write(payload)
    frames.flush()


def is_whole(received: bytes | bytearray) -> bool:
    """Whether what was received is a whole frame."""
    if len(received) < _HEADER.size:
        return False
    _, length = _HEADER.unpack_from(received)
    return len(received) >= _HEADER.size + int(length)


def opened(received: bytearray) -> tuple[bytes, bytes]:
    """A whole frame's kind and answer; what came after it stays in `received`."""
    kind, length = _HEADER.unpack_from(received)
    end = _HEADER.size + int(length)
    answer = bytes(received[_HEADER.size : end])
    del received[:end]
    return kind, answer


def unnamed_file() -> IO[bytes]:
    """A file without a name, in memory where the system can: nothing is left after a kill."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("document"), "w+b")
    return tempfile.TemporaryFile()
