"""Starts, logs, measures and ends a service's process with all its descendants."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil

from app.stack.release_code import Start
from app.stack.services import Service
from pipeline.child_processes import NEUTRAL_FOLDER, child_environment, die_with_parent

STOP_SECONDS = 45.0
"""How long a service may take to end: the worker lets its runs give back their claims."""

_LOG_BYTES = 10_000_000
_TAIL_BYTES = 2000


class ServiceProcess:
    """The process of one start of a service."""

    def __init__(self, service: Service, environment: Mapping[str, str], log: Path) -> None:
        self.service = service
        self.log = log
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0
        self._start: Start | None = None

    @property
    def release(self) -> str | None:
        """The release whose code it runs; None for this program's own."""
        return self._start.release if self._start else None

    @property
    def is_outdated(self) -> bool:
        """Whether another release was deployed since it was started."""
        code = self.service.code
        return code is not None and self._start is not None and code.mark() != self._start.mark

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def start(self) -> None:
        """Start the process; its output goes to the log.

        Raises:
            OSError: it cannot be started.
            ConfigurationError: the release that it is to run is not there.
        """
        self._start = start = await asyncio.to_thread(self._planned)
        _make_room(self.log)
        with self.log.open("ab") as out:
            self._log_start = out.tell()
            self._process = await asyncio.create_subprocess_exec(
                *start.command,
                env=dict(start.environment),
                cwd=NEUTRAL_FOLDER,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=tuple(self.service.inherits),
                # Ctrl-C in the terminal is the supervisor's to pass on, in the right order.
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def _planned(self) -> Start:
        service = self.service
        if service.code is not None:
            return service.code.start(service.command, self._environment, service.environment)
        environment = child_environment({**self._environment, **service.environment})
        return Start(service.command, environment, None, None)

    async def wait(self) -> int:
        """The exit code, once it has ended and whatever it left behind has been killed."""
        assert self._process is not None
        code = await self._process.wait()
        self._signal_group(signal.SIGKILL)
        return code

    async def stop(self, seconds: float | None = None) -> bool:
        """Ask it to end, and make it after a while; whether it ended by itself."""
        if self.pid is None:
            return True
        assert self._process is not None
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS if seconds is None else seconds):
                await self.wait()
        except TimeoutError:
            self.kill()
            await self.wait()
            return False
        return True

    def kill(self) -> None:
        """End it and what it has started, at once."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def memory(self) -> int:
        """Bytes that it and what it has started hold, shared ones by their share."""
        roots = [pid for pid in (self.pid, self.service.elsewhere()) if pid is not None]
        return sum(_memory(pid) for pid in roots)

    def at_work(self) -> list[int]:
        """The processes whose progress is the service's: the one elsewhere, if it has one."""
        elsewhere = self.service.elsewhere()
        return [pid for pid in (elsewhere or self.pid,) if pid is not None]

    def last_words(self) -> str:
        """The last line that this start wrote to its log."""
        with contextlib.suppress(OSError), self.log.open("rb") as written:
            end = written.seek(0, os.SEEK_END)
            written.seek(max(self._log_start, end - _TAIL_BYTES))
            lines = written.read().decode("utf-8", "replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


def _make_room(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def _memory(pid: int) -> int:
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_own_memory(process) for process in processes)


def _own_memory(process: psutil.Process) -> int:
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
        return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if "Pss:" in line)
    except (OSError, StopIteration):
        pass  # not Linux, or another user's process
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
