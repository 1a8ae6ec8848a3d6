"""Measures a command as a whole: wall time, processors, memory, with all that it starts.

Postgres is nobody's child, so its postmaster is named. What a command leaves running behind it (the
keeper of its Postgres, a warm process for the next command) bears a mark in its environment.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from benchmarks.bench import processor_seconds

MARK = "BENCHMARK_RUN_MARK"
_LOOK_SECONDS = 0.25
# To look through all processes for the mark costs more than to look at those known.
_LOOKS_BETWEEN_SEARCHES = 4


class CommandFailed(RuntimeError):
    """A measured command ended with an error."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One command.

    Attributes:
        own_seconds: of processor, of the command with its children and what it left running.
        postgres_seconds: of processor, of the database while the command ran.
        largest_megabytes: the highest peak of resident memory that one process had.
        sum_megabytes: the most of all together at one look; shared memory is counted once.
        output: what it wrote to its standard output.
    """

    wall_seconds: float
    own_seconds: float
    postgres_seconds: float
    largest_megabytes: float
    sum_megabytes: float
    output: str


@dataclass
class _Watch:
    """Looks at the processes of a command until it is told to end."""

    root: psutil.Process
    mark: str
    postmaster: Callable[[], int | None]
    largest: float = 0.0
    together: float = 0.0
    left_behind: dict[psutil.Process, float] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look, again and again."""
        looks = 0
        while not self.ended.wait(_LOOK_SECONDS):
            if looks % _LOOKS_BETWEEN_SEARCHES == 0:
                self.search()
            looks += 1
            self._look()

    def search(self) -> None:
        """Find what bears the mark and is no child of the command, and what it has used."""
        family = set(_family([self.root]))
        for process in (*marked(self.mark), *self.left_behind):
            if process not in family:
                with suppress(psutil.Error):
                    spent = process.cpu_times()
                    self.left_behind[process] = spent.user + spent.system

    def _look(self) -> None:
        roots = [self.root, *self.left_behind]
        if (pid := self.postmaster()) is not None:
            with suppress(psutil.Error):
                roots.append(psutil.Process(pid))
        total = 0.0
        for process in set(_family(roots)):
            with suppress(psutil.Error, OSError):
                self.largest = max(self.largest, _megabytes(process.pid, "status", "VmHWM"))
                total += _megabytes(process.pid, "smaps_rollup", "Pss")
        self.together = max(self.together, total)


def measured(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    postmaster: Callable[[], int | None],
    fine: Sequence[int] = (0,),
) -> Measured:
    """Run a command to its end.

    Args:
        postmaster: the process of the Postgres that it uses, or None while there is none.
        fine: codes with which it may end.

    Raises:
        CommandFailed: it ended with another code; with the end of what it said.
    """
    mark = uuid4().hex
    before = _spent(postmaster())
    said, complained = folder / f"{mark}.out", folder / f"{mark}.err"
    with said.open("wb") as output, complained.open("wb") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(command), env={**environment, MARK: mark}, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
        )  # fmt: skip
        watch = _Watch(psutil.Process(process.pid), mark, postmaster)
        thread = threading.Thread(target=watch.run, daemon=True)
        thread.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.ended.set()
    thread.join()
    watch.search()
    if process.returncode not in fine:
        raise CommandFailed(
            f"{' '.join(command)} ended with {process.returncode}: "
            f"{complained.read_text(errors='replace')[-2000:]}"
            f"{said.read_text(errors='replace')[-2000:]}"
        )
    own = usage.ru_utime + usage.ru_stime + sum(watch.left_behind.values())
    postgres = _spent(postmaster()) - before
    return Measured(wall, own, postgres, watch.largest, watch.together, said.read_text())


def marked(mark: str) -> list[psutil.Process]:
    """The running processes that have the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            # Of Postgres the postmaster is told apart.
            if process.environ().get(MARK) == mark and process.name() != "postgres":
                found.append(process)
    return found


def _spent(postmaster: int | None) -> float:
    return 0.0 if postmaster is None else processor_seconds(postmaster)


def _family(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for root in roots:
        with suppress(psutil.Error):
            found += [root, *root.children(recursive=True)]
    return found


def _megabytes(pid: int, file: str, name: str) -> float:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0
