"""Frames messages between a worker and its parent: answers, and a file's content.

A frame is one letter, the number of the request, the length of the answer, then the answer.
"""

from __future__ import annotations

import os
import struct
import tempfile
from typing import IO

READY, PAGES, DOCUMENT, BYTES, ERROR = b"R", b"P", b"D", b"B", b"E"
"""Kinds of frames: the worker is ready, the number of pages that the file has, a document as JSON,
bytes as they are, an error as JSON."""

STARTED = 0
"""Answered by the first frame, which no request asked for."""

_HEADER = struct.Struct("!cQQ")


def send(frames: IO[bytes], kind: bytes, payload: bytes, request: int = STARTED) -> None:
    """Write a frame, at once.

    Args:
        request: the number of the request that it answers.
    """
    frames.write(_HEADER.pack(kind, request, len(payload)))
    frames.write(payload)
    frames.flush()


def is_whole(received: bytes | bytearray) -> bool:
    """Whether what was received is a whole frame."""
    if len(received) < _HEADER.size:
        return False
    _, _, length = _HEADER.unpack_from(received)
    return len(received) >= _HEADER.size + int(length)


def opened(received: bytearray) -> tuple[bytes, bytes, int]:
    """A whole frame's kind, answer and request; what came after it stays in `received`."""
    kind, request, length = _HEADER.unpack_from(received)
    end = _HEADER.size + int(length)
    answer = bytes(received[_HEADER.size : end])
    del received[:end]
    return kind, answer, request


def unnamed_file() -> IO[bytes]:
    """A file without a name, in memory where the system can: nothing is left after a kill."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("document"), "w+b")
    return tempfile.TemporaryFile()
