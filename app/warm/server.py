"""The warm process: forks a child for each command, which then need not import anything.

`python -m app.warm.server SECONDS KIND`, started after a command that ran cold. It ends when
nobody asked it for so long, when its program was changed, or when its home is gone.
"""

from __future__ import annotations

import atexit
import gc
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TextIO, cast

from app.process.startup import start_process
from app.warm import INGESTING
from app.warm.protocol import (
    ACCEPTED,
    INTERRUPT,
    STALE,
    Request,
    loading_mark,
    program_fingerprint,
    read_request,
    socket_path,
)
from pipeline.child_processes import die_with_parent

# What the warm commands import as they run; of each, what it imports comes along.
_MODULES = (
    "app.cli.list", "app.cli.main", "app.cli.search", "app.cli.status",
    "app.prefect.block_server", "app.process.environment", "app.terminal.errors",
    "app.terminal.maintenance", "clients.local.embedders", "clients.local.word_vectors",
    "concurrent.futures.thread", "pipeline.store.document_queries",
    "pipeline.store.embedded", "pipeline.store.engine",
    "pipeline.store.events", "pipeline.store.findings", "pipeline.store.quality",
    "pipeline.store.quotas", "pipeline.store.search", "pipeline.store.stops",
    "pipeline.store.summary", "pipeline.unknown_variables", "psycopg_binary", "rich.padding",
    "rich.table", "safetensors.numpy", "sqlalchemy.dialects.postgresql.psycopg",
    "stages.judging", "stages.query_embedding", "stages.question_vectors",
    "stages.reconciling.summary", "stages.search", "stages.services",
    "tokenizers", "typer._adapters",
)  # fmt: skip
_LOOK_SECONDS = 1.0
_READ_SECONDS = 2.0
_INTERRUPTED, _ORPHANED = 130, 1
_PEER = struct.Struct("3i")


@dataclass
class WarmServer:
    """Children by their connection, and since when nobody has asked.

    Args:
        path: of the socket.
        idle_seconds: how long it waits for the next command.
        left: the signal for a command whose person has gone.
    """

    path: Path
    idle_seconds: float
    left: signal.Signals = signal.SIGTERM
    _version: str = field(default_factory=program_fingerprint)
    _children: dict[socket.socket, int] = field(default_factory=dict)
    _asked: float = 0.0
    _stale: bool = False

    def serve(self) -> None:
        """Run commands until it is time to end."""
        with _listening(self.path) as listener, selectors.DefaultSelector() as selector:
            mine, self._asked = self.path.stat(), time.monotonic()
            selector.register(listener, selectors.EVENT_READ)
            selector.register(_woken_by_children(), selectors.EVENT_READ)
            while self._goes_on(mine):
                for key, _ in selector.select(_LOOK_SECONDS):
                    asked = cast(socket.socket, key.fileobj)
                    if asked is listener:
                        self._take(listener, selector)
                    elif asked in self._children:
                        self._hear(asked, selector)
                    else:
                        asked.recv(65536)  # a child has ended
                self._reap(selector)
            with suppress(OSError):
                if self.path.stat().st_ino == mine.st_ino:
                    self.path.unlink()

    def _goes_on(self, mine: os.stat_result) -> bool:
        if self._children:
            return True
        try:
            there = self.path.stat().st_ino == mine.st_ino
        except OSError:
            return False
        return there and not self._stale and time.monotonic() - self._asked < self.idle_seconds

    def _take(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        connection, _ = listener.accept()
        connection.settimeout(_READ_SECONDS)
        streams: list[int] = []
        try:
            begun, streams, *_ = socket.recv_fds(connection, 65536, 3)
            request = read_request(connection, begun)
            if not _is_ours(connection) or len(streams) != 3:
                raise ValueError("not ours")
            if request.version != self._version:
                self._stale = True
                connection.sendall(STALE)
                raise ValueError("stale")
            connection.sendall(ACCEPTED)
        except (OSError, ValueError, TypeError):
            connection.close()
        else:
            self._begin(connection, request, streams, listener)
            selector.register(connection, selectors.EVENT_READ)
        finally:
            for stream in streams:
                os.close(stream)

    def _begin(
        self,
        connection: socket.socket,
        request: Request,
        streams: Sequence[int],
        listener: socket.socket,
    ) -> None:
        # An interruption is for the command: it waits until the child has become one.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        server = os.getpid()
        if (child := os.fork()) == 0:
            _die_with(server)
            for inherited in (listener, connection, *self._children):
                inherited.close()
            run(request, streams)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        self._children[connection] = child
        self._asked = time.monotonic()

    def _hear(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        """An interruption, or the end of who asked: both end the child."""
        said = b""
        with suppress(OSError):
            said = connection.recv(1)
        if not said:
            selector.unregister(connection)
        with suppress(OSError):  # it has just ended
            os.kill(self._children[connection], signal.SIGINT if said == INTERRUPT else self.left)

    def _reap(self, selector: selectors.BaseSelector) -> None:
        for connection, child in list(self._children.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                continue
            with suppress(OSError):
                code = os.waitstatus_to_exitcode(status)
                connection.sendall(bytes([code if code >= 0 else 128 - code]))
            with suppress(KeyError):
                selector.unregister(connection)
            connection.close()
            del self._children[connection]
            self._asked = time.monotonic()


def _listening(path: Path) -> socket.socket:
    """A socket at this path, which only its owner may open.

    Raises:
        OSError: another warm process listens there.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
    except OSError:
        if _is_served(path):
            raise
        path.unlink()
        listener.bind(str(path))
    listener.listen()
    return listener


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as other:
        return other.connect_ex(str(path)) == 0


def _woken_by_children() -> socket.socket:
    """A socket that can be read when a child has ended."""
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    woken.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.detach(), warn_on_full_buffer=False)
    return woken


def _is_ours(connection: socket.socket) -> bool:
    """Whether who asks is the account of this process; a folder's modes say so already."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return bool(_PEER.unpack(told)[1] == os.geteuid())


def run(request: Request, streams: Sequence[int]) -> NoReturn:
    """Become the process of a command: its streams, environment, folder and arguments."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, max(streams) + 1)
        tempfile.tempdir = None  # it may have been asked for, with another environment
        os.environ.clear()
        os.environ.update(request.environment)
        os.umask(request.umask)
        os.chdir(request.folder)
        time.tzset()
        sys.stdin, sys.stdout, sys.stderr = (_stream(number, request) for number in range(3))
        sys.argv = ["navigator", *request.arguments]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        code = _command()
    except KeyboardInterrupt:  # before the command could say so
        code = _INTERRUPTED
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        with suppress(Exception):
            threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        os._exit(code)


def _die_with(server: int) -> None:
    """End this child with the process that it was forked from: its person hears of that one."""
    die_with_parent(signal.SIGKILL)
    if os.getppid() != server:
        os._exit(_ORPHANED)


def _stream(number: int, request: Request) -> TextIO:
    """A standard stream as Python opens it."""
    errors = "backslashreplace" if number == 2 else request.errors
    mode, buffering = ("r", -1) if number == 0 else ("w", 1 if os.isatty(number) else -1)
    return cast(
        TextIO,
        open(number, mode, buffering, encoding=request.encoding, errors=errors, closefd=False),
    )


def _command() -> int:
    from app.cli.main import main

    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0


def _load(kind: str, home: Path) -> None:
    """Import what the commands of this kind need."""
    if kind == INGESTING:
        from app.warm.ingesting import load_ingest

        return load_ingest(home)
    for module in _MODULES:
        import_module(module)


def main() -> None:
    """Import, and serve until it is time to end."""
    start_process()
    seconds, kind = float(sys.argv[1]), sys.argv[2]
    if (path := socket_path(kind)) is None:
        return
    # An ingest that is left gives back its documents first.
    left = signal.SIGINT if kind == INGESTING else signal.SIGTERM
    server = WarmServer(path, seconds, left)
    if kind == INGESTING and _is_served(path):  # two commands ran cold at once
        return
    try:
        _load(kind, path.parent)
    except BaseException:
        loading_mark(path).unlink(missing_ok=True)
        raise
    if threading.active_count() > 1:
        return  # a fork would not have them
    gc.collect()
    gc.freeze()  # a child that collects garbage would copy what it looks at
    with suppress(OSError):
        loading_mark(path).unlink()  # gone: `down` was told meanwhile, or another was faster
        server.serve()


if __name__ == "__main__":
    main()
