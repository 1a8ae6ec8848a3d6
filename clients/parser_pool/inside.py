"""Runs inside a worker process: one request after another, until standard input ends.

A request is a line of JSON: which of the worker's functions is wanted, the media type, the size of
the content and further arguments. The content itself lies in an unnamed file that both processes
hold open. Answers go to the parent through standard output, as `frames` has them.

Before the first request the process enters its sandbox: `sandbox.entry` says what it gives up.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from clients.parser_pool.frames import BYTES, DOCUMENT, ERROR, PAGES, READY, send
from clients.parser_pool.time_limit import most_seconds
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.sandbox.entry import Sandbox, enter

_PR_SET_PDEATHSIG = 1
_COLLECT_AFTER = 20_000

Parse = Callable[[bytes, MediaType, ParseOptions], ParsedDocument]
Function = Callable[..., ParsedDocument | bytes]
"""What a worker can do with a file: called with its content, its media type and the options, then
with the request's own arguments by name."""


def main(start: str) -> None:
    """Answer requests. `start` is the JSON that `WorkerProcess` made."""
    settings = json.loads(start)
    _die_with(settings["parent"])
    frames = _take_stdout()
    options = ParseOptions(**settings["options"])
    functions = {name: _load(reference) for name, reference in settings["functions"].items()}
    walls = enter(_sandbox(settings["scratch"], options))
    _leave_without(settings["parent"])
    # The collector walks every new tree again and again: half of a DOCX's time. Once is enough.
    gc.freeze()
    gc.disable()
    send(frames, READY, json.dumps(walls).encode())
    with os.fdopen(settings["content_fd"], "rb", buffering=0) as content:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            raw = os.pread(content.fileno(), request["size"], 0)
            if len(raw) < request["size"]:
                raw = _read_all(content.fileno(), request["size"])
            if request["counted"]:
                pages = json.dumps(_page_count(raw)).encode()
                send(frames, PAGES, pages, request["number"])
            function = functions[request["function"]]
            given = replace(options, passwords=tuple(request["passwords"]))
            send(frames, *_answer(function, raw, given, request), request["number"])
            del raw
            if gc.get_count()[0] > _COLLECT_AFTER:
                gc.collect()


def _sandbox(scratch: str | None, options: ParseOptions) -> Sandbox:
    tempfile.tempdir = scratch
    # twice, so that a worker which is not worn yet has enough for any document
    seconds = 2 * most_seconds(options)
    folder = Path(scratch) if scratch is not None else None
    return Sandbox(options.memory_bytes, seconds, options.tessdata_path, folder)


def _page_count(content: bytes) -> int:
    """The pages of a PDF, which its time limit grows with; 1 when it does not open so easily."""
    from pypdfium2 import PdfDocument

    try:
        with closing(PdfDocument(content)) as document:
            return len(document)
    except Exception:  # the parser will say what is wrong
        return 1


def _answer(
    function: Function, content: bytes, options: ParseOptions, request: Mapping[str, Any]
) -> tuple[bytes, bytes]:
    try:
        media_type = MediaType(request["media_type"])
        made = function(content, media_type, options, **request["arguments"])
        return (BYTES, made) if isinstance(made, bytes) else (DOCUMENT, made.to_json())
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


def _load(reference: str) -> Function:
    module, _, name = reference.partition(":")
    target: Any = importlib.import_module(module)
    for part in name.split("."):
        target = getattr(target, part)
    function: Function = target
    return function


def _die_with(parent: int) -> None:
    """End with the parent, however it ends, even in the middle of a document."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    _leave_without(parent)


def _leave_without(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
