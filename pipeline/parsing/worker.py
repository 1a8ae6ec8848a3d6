"""The inside of a worker process: one document after another, until standard input ends.

Standard output carries frames to the parent: one letter, the length of what follows as eight
bytes, then JSON. ``R`` the worker is ready, ``D`` a document, ``E`` an error. The content of the
file lies in an unnamed file that both processes hold open.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions

HEADER = struct.Struct("!cQ")
READY, DOCUMENT, ERROR = b"R", b"D", b"E"
_PR_SET_PDEATHSIG = 1
_COLLECT_AFTER = 20_000

Parse = Callable[[bytes, MediaType, ParseOptions], ParsedDocument]


def main(start: str) -> None:
    """Serve documents. `start` is the JSON that `WorkerProcess` made."""
    settings = json.loads(start)
    _die_with(settings["parent"])
    frames = _take_stdout()
    options = ParseOptions(**settings["options"])
    parsers = [_load(reference) for reference in settings["parsers"]]
    _limit(options.memory_bytes)
    # The collector walks every new tree again and again: half of a DOCX's time. Once is enough.
    gc.freeze()
    gc.disable()
    _send(frames, READY, b"{}")
    with os.fdopen(settings["content_fd"], "rb", buffering=0) as content:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            raw = os.pread(content.fileno(), request["size"], 0)
            if len(raw) < request["size"]:
                raw = _read_all(content.fileno(), request["size"])
            parse = parsers[request["parser"]]
            _send(frames, *_answer(parse, raw, MediaType(request["media_type"]), options))
            del raw
            if gc.get_count()[0] > _COLLECT_AFTER:
                gc.collect()


def _answer(
    parse: Parse, content: bytes, media_type: MediaType, options: ParseOptions
) -> tuple[bytes, bytes]:
    try:
        return DOCUMENT, parse(content, media_type, options).to_json()
    except ParseError as error:
        return _error(error.parse_code, error.message)
    except MemoryError:
        return _error(ParseCode.OUT_OF_MEMORY, "The file needed more memory than it may use.")
    except NavigatorError as error:
        return _error(ParseCode.CRASHED, error.message)
    except Exception as error:
        message = f"The parser stopped on this file with {type(error).__name__}."
        return _error(ParseCode.CRASHED, message)


def _error(code: ParseCode, message: str) -> tuple[bytes, bytes]:
    return ERROR, json.dumps({"code": code.value, "message": message}).encode()


def _send(frames: IO[bytes], kind: bytes, payload: bytes) -> None:
    frames.write(HEADER.pack(kind, len(payload)))
    frames.write(payload)
    frames.flush()


def _take_stdout() -> IO[bytes]:
    """Keep the pipe for frames; whatever a library prints goes nowhere."""
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return frames


def _read_all(descriptor: int, size: int) -> bytes:
    # Linux hands over at most 2 GiB in one read.
    parts, offset = [], 0
    while offset < size and (part := os.pread(descriptor, size - offset, offset)):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _load(reference: str) -> Parse:
    module, _, name = reference.partition(":")
    target: Any = importlib.import_module(module)
    for part in name.split("."):
        target = getattr(target, part)
    parse: Parse = target
    return parse


def _die_with(parent: int) -> None:
    """End with the parent, however it ends, even in the middle of a document."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _limit(memory_bytes: int) -> None:
    """The last line of defence; the parent watches the resident size and stops us long before.

    RLIMIT_AS would count what PDFium and thread arenas merely reserve, so RLIMIT_DATA it is.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold document text
    if sys.platform != "linux":
        return
    import psutil

    most = psutil.Process().memory_info().data + 2 * memory_bytes
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")  # the kernel takes us, not the parent
