"""Computes in children forked from this process, so that two processors work on a run.

Cutting, measuring, judging and finding words is Python alone, of which a process runs one thread at
a time. A child has what this process has imported and shares its memory; it is asked for one pure
function after the other, and knows nothing else. While there are children this process computes
nothing and so loads no model, tokenizer or gate. Where there is no child, or all have ended, it
computes by itself: nothing is lost with them but time.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

from pipeline.child_processes import die_with_parent, how_it_ended
from pipeline.concurrency import PriorityLock
from pipeline.logs import logger
from pipeline.process_privacy import hide_this_process

T = TypeVar("T")

LONGEST_SECONDS = 600.0
"""A child that has not answered for so long is stopped; what it was asked is computed here."""

_LOG = logger("navigator.process")
_SIZE = struct.Struct("!Q")
_running: tuple[ComputeChild, ...] = ()


class ChildEnded(Exception):
    """The child has ended, or answers no more."""


class ComputeChild:
    """A child that computes; `ask` is for one thread at a time, as `lock` sees to.

    Args:
        load: what it does first, so that it has loaded what it will need.

    Raises:
        OSError: the system gives no further process.
    """

    def __init__(self, load: Callable[[], object]) -> None:
        self.lock = PriorityLock()
        self.load = load
        self._ready = False
        # Who is cancelled gives up the turn, and leaves a thread that still waits for its answer.
        self._asking = threading.Lock()
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        # A signal that comes in between would find our handlers in the child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become_child(theirs, parent, load)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        ours.settimeout(LONGEST_SECONDS)
        self._connection = ours

    def ask(self, function: Callable[..., T], *arguments: object) -> T:
        """The function's result; it and the arguments are pickled, so it is one of a module.

        Raises:
            ChildEnded: there is no result.
            Exception: what the function raised.
        """
        try:
            with self._asking:
                _send(self._connection, (function, arguments))
                if not self._ready:
                    self._hear_ready()
                well, answer = _receive(self._connection)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise ChildEnded from error
        if not well:
            raise answer
        return answer  # type: ignore[no-any-return]

    @property
    def is_free(self) -> bool:
        """Whether it would begin at once with what it is asked."""
        if self.lock.is_taken or self._asking.locked():
            return False
        # What has ended tells so too, and is found ended when it is asked.
        if not self._ready and select.select([self._connection], [], [], 0)[0]:
            with suppress(OSError, EOFError):
                self._hear_ready()
        return self._ready

    def _hear_ready(self) -> None:
        _receive(self._connection)
        self._ready = True

    def end(self) -> str:
        """End the child, whatever it is at; how it ended. Safe to call twice."""
        self._connection.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, 0)
            return how_it_ended(os.waitstatus_to_exitcode(status))
        return "ended before"


@contextmanager
def computing_beside(*loads: Callable[[], object]) -> Iterator[None]:
    """Have children compute for this process meanwhile, where that helps and can be.

    Not with one processor, nor in a process that has threads: a fork would not have them.

    Args:
        loads: for each child a function of a module, which it does first.
    """
    global _running
    assert not _running, "once is enough"
    children: list[ComputeChild] = []
    if can_fork():
        with suppress(OSError):
            children.extend(ComputeChild(load) for load in loads)
    _running = tuple(children)
    try:
        yield
    finally:
        _running = ()
        for child in children:
            child.end()


def can_fork() -> bool:
    """Whether a child would help, and have all that this process has."""
    several = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    return several and threading.active_count() == 1


def running() -> Sequence[ComputeChild]:
    """The children of this process, while there are some."""
    return _running


async def compute_beside(
    here: PriorityLock,
    function: Callable[..., T],
    *arguments: object,
    loaded: Callable[[], object] | None = None,
) -> T:
    """Compute a pure function of a module in a child, or in a thread here when there is none.

    Args:
        here: the lock of what is computed in this process.
        loaded: only in a child that did this first; in any of them when None.
    """
    while able := [child for child in _running if loaded in (None, child.load)]:
        child = _next_of(able)
        try:
            return await child.lock.compute(child.ask, function, *arguments)
        except ChildEnded:
            _forget(child)
    return await here.compute(function, *arguments)


def _next_of(children: Sequence[ComputeChild]) -> ComputeChild:
    """The child that is free, else the one with the shortest line; the last of equal ones.

    The last: of several the first ones may be the only ones that can do something else.
    """
    return min(reversed(children), key=lambda child: (not child.is_free, child.lock.waiting))


def _forget(child: ComputeChild) -> None:
    """Compute without a child from now on, and say so once."""
    global _running
    if child in _running:
        _running = tuple(other for other in _running if other is not child)
        _LOG.warning("compute_child_ended", reason=child.end())


def _become_child(connection: socket.socket, parent: int, load: Callable[[], object]) -> NoReturn:
    """Answer until the parent closes its end, or ends."""
    code = 1
    with suppress(BaseException):
        die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        # Ctrl-C reaches all of a terminal's processes; what it means is the parent's to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _let_go_of_files(connection.fileno())
        # It has the parent's settings in its memory, keys among them; a parser's worker may look.
        hide_this_process()
        gc.freeze()  # a collection would copy what it looks at
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        with suppress(Exception):  # who needs it loads it then, and says what is wrong with it
            load()
        _send(connection, None)
        _answer(connection)
        code = 0
    os._exit(code)


def _let_go_of_files(kept: int) -> None:
    """Close what is the parent's: its terminal, its locks, its connections."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    for opened in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if opened > 2 and opened != kept:
            with suppress(OSError):  # the one that listed them
                os.close(opened)


def _answer(connection: socket.socket) -> None:
    while True:
        try:
            function, arguments = _receive(connection)
        except EOFError:
            return
        try:
            answer = True, function(*arguments)
        except Exception as error:
            answer = False, error
        _send(connection, answer)


def _send(connection: socket.socket, message: Any) -> None:
    raw = pickle.dumps(message, protocol=5)
    connection.sendall(_SIZE.pack(len(raw)))
    connection.sendall(raw)


def _receive(connection: socket.socket) -> Any:
    (size,) = _SIZE.unpack(_read(connection, _SIZE.size))
    return pickle.loads(_read(connection, size))  # noqa: S301 - from our own child or parent


def _read(connection: socket.socket, size: int) -> bytearray:
    raw = bytearray(size)
    view, done = memoryview(raw), 0
    while done < size:
        got = connection.recv_into(view[done:])
        if not got:
            raise EOFError
        done += got
    return raw
