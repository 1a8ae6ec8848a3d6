"""The parent's hold on one worker process: start, hand over a file, watch, kill."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import IO, Any

import psutil

from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError, ServiceUnavailable
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.workers.frames import (
    BYTES,
    DOCUMENT,
    ERROR,
    PAGES,
    READY,
    is_whole,
    opened,
    unnamed_file,
)
from pipeline.parsing.workers.inside import Function
from pipeline.parsing.workers.requests import PARSE, RENDER, SNIFF, Limits, request
from pipeline.parsing.workers.spawning import spawn
from pipeline.parsing.workers.time_limit import TimeLimit, extra_seconds

_TICK_SECONDS = 0.05
_START_SECONDS = 60.0
_READ_BYTES = 1024 * 1024


class WorkerProcess:
    """One worker, started at the first request and again after each death.

    Not thread-safe: one request at a time.

    Args:
        functions: what it can do, by name; module-level functions, which it imports by name.

    Attributes: `documents` worked on since the start.
    """

    def __init__(self, functions: Mapping[str, Function], options: ParseOptions) -> None:
        self._functions = {
            name: f"{function.__module__}:{function.__qualname__}"
            for name, function in functions.items()
        }
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._content: IO[bytes] | None = None
        self._received = bytearray()
        self._peak = 0
        self._limits = Limits.of(PARSE, options)
        self.documents = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def parse(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        *,
        function: str = PARSE,
        passwords: Sequence[str] = (),
    ) -> ParsedDocument:
        """Parse one document; the worker is gone afterwards if the document ended it.

        Args:
            function: which of the parsers does it.
            passwords: tried when the file is encrypted; they go through the pipe alone.
            stopped: asked every 50 ms; true kills the worker and raises `CancelledError`.

        Raises:
            ParseError: what the parser said, or TIMEOUT, OUT_OF_MEMORY or CRASHED.
            ServiceUnavailable: no worker could be started.
        """
        wanted = request(function, media_type)
        wanted |= {"passwords": list(passwords), "counted": media_type is MediaType.PDF}
        kind, payload = self._ask(content, wanted, stopped)
        assert kind == DOCUMENT
        return ParsedDocument.from_json(payload)

    def render(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        *,
        passwords: Sequence[str] = (),
        **arguments: int | str,
    ) -> bytes:
        """Draw one page as a PNG; `stopped`, `passwords` and the errors as for `parse`.

        Args:
            arguments: as `rendering.render_page` takes them.
        """
        wanted = request(RENDER, media_type, **arguments)
        wanted["passwords"] = list(passwords)
        kind, payload = self._ask(content, wanted, stopped)
        assert kind == BYTES
        return payload

    def sniff(
        self, content: bytes, stopped: Callable[[], bool], *, name: str, remote: bool
    ) -> MediaType:
        """Tell a file's kind; `stopped` and the errors as for `parse`."""
        wanted = request(SNIFF, MediaType.TEXT, name=name, remote=remote)
        kind, payload = self._ask(content, wanted, stopped)
        assert kind == BYTES
        return MediaType(payload.decode())

    def _ask(
        self, content: bytes, request: Mapping[str, Any], stopped: Callable[[], bool]
    ) -> tuple[bytes, bytes]:
        self._limits = Limits.of(request["function"], self._options)
        if self._process is None or self._process.poll() is not None:
            self._start(stopped)
        try:
            self._hand_over(content, request, stopped)
            kind, payload = self._last_frame(stopped)
        except BaseException:
            self.kill()
            raise
        self.documents += 1
        if kind != ERROR:
            return kind, payload
        reason = json.loads(payload)
        raise ParseError(ParseCode(reason["code"]), reason["message"])

    def _last_frame(self, stopped: Callable[[], bool]) -> tuple[bytes, bytes]:
        """The answer to a request; a file of many pages has more time."""
        limit = TimeLimit(self._limits.seconds, self._processor_seconds())
        kind, payload = self._next_frame(limit, stopped)
        if kind == PAGES:
            limit = limit.with_more(extra_seconds(json.loads(payload), self._options))
            kind, payload = self._next_frame(limit, stopped)
        return kind, payload

    def _processor_seconds(self) -> float:
        """What the worker has used since it began, with the programs that it has started."""
        try:
            used = psutil.Process(self.pid).cpu_times() if self.pid else ()
        except psutil.Error:
            return 0.0
        return float(sum(used[:4]))

    def resident_bytes(self) -> int:
        """The memory that the worker holds now; 0 when it does not run."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss) if self.pid else 0
        except psutil.Error:
            return 0

    def kill(self) -> None:
        """End the worker and all that it started, at once."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    stream and stream.close()
        if self._content is not None:
            self._content.close()
            self._content = None

    def _start(self, stopped: Callable[[], bool]) -> None:
        self.kill()
        try:
            self._content = unnamed_file()
            self._process = spawn(self._functions, self._options, self._content.fileno())
            self._received, self._peak, self.documents = bytearray(), 0, 0
            kind, _ = self._next_frame(TimeLimit(_START_SECONDS), stopped)
        except (OSError, ParseError) as error:
            self.kill()
            message = "A parser worker could not be started."
            raise ServiceUnavailable(message) from error
        except BaseException:
            self.kill()
            raise
        assert kind == READY

    def _hand_over(
        self, content: bytes, request: Mapping[str, Any], stopped: Callable[[], bool]
    ) -> None:
        assert self._process is not None and self._content is not None
        assert self._process.stdin is not None
        self._content.seek(0)
        self._content.truncate()
        self._content.write(content)
        self._content.flush()
        line = json.dumps({"size": len(content), **request})
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._end(stopped) from error

    def _next_frame(self, limit: TimeLimit, stopped: Callable[[], bool]) -> tuple[bytes, bytes]:
        assert self._process is not None and self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not is_whole(self._received):
                if selector.select(_TICK_SECONDS):
                    chunk = os.read(self._process.stdout.fileno(), _READ_BYTES)
                    if not chunk:
                        raise self._end(stopped)
                    self._received += chunk
                self._check(limit, stopped)
        return opened(self._received)

    def _check(self, limit: TimeLimit, stopped: Callable[[], bool]) -> None:
        if stopped():
            raise CancelledError
        if (passed := limit.passed(self._processor_seconds())) is not None:
            message = f"{self._limits.doing} took longer than the limit of {passed}."
            raise ParseError(ParseCode.TIMEOUT, message)
        self._peak = max(self._peak, self.resident_bytes())
        if self._peak > self._options.memory_bytes:
            raise self._out_of_memory()

    def _end(self, stopped: Callable[[], bool]) -> Exception:
        # On Linux a worker dies with the thread that started it, and a pool that closes ends its
        # threads: that is no fault of the document, which must not be failed for it.
        if stopped():
            return CancelledError()
        # The kernel's OOM killer and our RLIMIT_DATA end a worker without a word.
        if self._peak > 0.7 * self._options.memory_bytes:
            return self._out_of_memory()
        message = f"The parser's process died while it {self._limits.did}."
        return ParseError(ParseCode.CRASHED, message)

    def _out_of_memory(self) -> ParseError:
        limit = self._options.memory_bytes / 1024**2
        message = f"{self._limits.doing} needed more memory than the limit of {limit:,.0f} MiB."
        return ParseError(ParseCode.OUT_OF_MEMORY, message)
