"""Controls one worker process from its parent: starts, feeds, watches and kills it."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import IO

from clients.parser_pool.frames import PAGES, READY, STARTED, is_whole, opened, unnamed_file
from clients.parser_pool.inside import Function
from clients.parser_pool.requests import (
    PARSE,
    Request,
    pages_in,
    understood,
)
from clients.parser_pool.spawning import spawn
from clients.parser_pool.time_limit import TimeLimit, extra_seconds, most_seconds
from clients.parser_pool.usage import processor_seconds, resident_bytes
from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError, ServiceUnavailable
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions

_TICK_SECONDS = 0.05
_START_SECONDS = 60.0
_NOT_STARTED = "A parser worker could not be started."
_READ_BYTES = 1024 * 1024


class WorkerProcess:
    """One worker, started at the first request and again after each death.

    Not thread-safe: one request at a time.

    Args:
        functions: what it can do, by name; module-level functions, which it imports by name.
        programs: whether it may start other programs, which write into a folder of its own; else
            it starts and writes nothing.

    Attributes:
        documents: worked on since the start.
        walls: of the worker's cell, by what the kernel builds them of; known once it was started.
    """

    def __init__(
        self, functions: Mapping[str, Function], options: ParseOptions, *, programs: bool = False
    ) -> None:
        self._functions = {
            name: f"{function.__module__}:{function.__qualname__}"
            for name, function in functions.items()
        }
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._content: IO[bytes] | None = None
        self._received = bytearray()
        self._peak = 0
        self._request = Request(PARSE, MediaType.PDF)
        self._programs = programs
        self._scratch: str | None = None
        self._is_ready = False
        self.documents = 0
        self.walls: tuple[str, ...] = ()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def ask(
        self, content: bytes, request: Request, stopped: Callable[[], bool]
    ) -> ParsedDocument | bytes:
        """Ask for one of the worker's functions; the worker is gone if the file ended it.

        Args:
            stopped: asked every 50 ms; true kills the worker and raises `CancelledError`.

        Raises:
            ParseError: what the worker said, or TIMEOUT, OUT_OF_MEMORY or CRASHED.
            ServiceUnavailable: no worker could be started.
        """
        self._request = request
        self.begin()
        self._until_ready(stopped)
        try:
            self._hand_over(content, stopped)
            kind, payload = self._last_frame(stopped)
        except BaseException:
            self.kill()
            raise
        self.documents += 1
        return understood(request, kind, payload)

    def _last_frame(self, stopped: Callable[[], bool]) -> tuple[bytes, bytes]:
        """The answer to a request; a file of many pages has more time."""
        limit = TimeLimit(self._request.seconds(self._options), processor_seconds(self.pid))
        kind, payload = self._next_frame(limit, stopped, self._request.number)
        if kind == PAGES:
            limit = limit.with_more(extra_seconds(pages_in(payload), self._options))
            kind, payload = self._next_frame(limit, stopped, self._request.number)
        return kind, payload

    def is_worn(self) -> bool:
        """Whether it should be replaced: it holds much memory, or has little time left to it."""
        half = self._options.memory_bytes // 2
        worked = processor_seconds(self.pid) > most_seconds(self._options)
        return worked or resident_bytes(self.pid) > half

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
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def begin(self) -> None:
        """Start the process where none runs; its imports are waited for by the first request.

        Raises:
            ServiceUnavailable: it could not be started.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.kill()
        try:
            self._content = unnamed_file()
            self._scratch = tempfile.mkdtemp(prefix="navigator-") if self._programs else None
            file = self._content.fileno()
            self._process = spawn(self._functions, self._options, file, self._scratch)
            self._received, self._peak, self.documents = bytearray(), 0, 0
            self._is_ready = False
        except OSError as error:
            self.kill()
            raise ServiceUnavailable(_NOT_STARTED) from error
        except BaseException:
            self.kill()
            raise

    def _until_ready(self, stopped: Callable[[], bool]) -> None:
        if self._is_ready:
            return
        try:
            kind, payload = self._next_frame(TimeLimit(_START_SECONDS), stopped, STARTED)
            self.walls = tuple(json.loads(payload))
        except (OSError, ParseError) as error:
            self.kill()
            raise ServiceUnavailable(_NOT_STARTED) from error
        except BaseException:
            self.kill()
            raise
        assert kind == READY
        self._is_ready = True

    def _hand_over(self, content: bytes, stopped: Callable[[], bool]) -> None:
        assert self._process is not None and self._content is not None
        assert self._process.stdin is not None
        self._content.seek(0)
        self._content.truncate()
        self._content.write(content)
        self._content.flush()
        try:
            self._process.stdin.write(self._request.line(len(content)))
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._end(stopped) from error

    def _next_frame(
        self, limit: TimeLimit, stopped: Callable[[], bool], number: int
    ) -> tuple[bytes, bytes]:
        """The next answer to a request; what an earlier file left in the pipe is none."""
        while True:
            self._receive(limit, stopped)
            kind, payload, answered = opened(self._received)
            if answered == number:
                return kind, payload

    def _receive(self, limit: TimeLimit, stopped: Callable[[], bool]) -> None:
        assert self._process is not None and self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not is_whole(self._received):
                if selector.select(_TICK_SECONDS):
                    if not (chunk := os.read(self._process.stdout.fileno(), _READ_BYTES)):
                        raise self._end(stopped)
                    self._received += chunk
                self._check(limit, stopped)

    def _check(self, limit: TimeLimit, stopped: Callable[[], bool]) -> None:
        if stopped():
            raise CancelledError
        if (passed := limit.passed(processor_seconds(self.pid))) is not None:
            message = f"{self._request.doing} took longer than the limit of {passed}."
            raise ParseError(ParseCode.TIMEOUT, message)
        self._peak = max(self._peak, resident_bytes(self.pid), len(self._received))
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
        message = f"The parser's process died while it {self._request.did}."
        return ParseError(ParseCode.CRASHED, message)

    def _out_of_memory(self) -> ParseError:
        limit = self._options.memory_bytes / 1024**2
        message = f"{self._request.doing} needed more memory than the limit of {limit:,.0f} MiB."
        return ParseError(ParseCode.OUT_OF_MEMORY, message)
