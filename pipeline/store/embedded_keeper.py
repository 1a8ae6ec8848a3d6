"""Stops the embedded Postgres once no process has held it for a while, and ends with it.

`python -m pipeline.store.embedded_keeper FOLDER SECONDS`, started beside a Postgres that is to
outlive the command that started it, so that the next one finds it running. It imports little: it
lies in memory as long as the Postgres runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from pipeline.children import NEUTRAL_FOLDER, child_environment, module_command
from pipeline.store.embedded_notes import noted, read_notes, write_notes
from pipeline.store.embedded_tools import postmaster, stop_postmaster
from pipeline.workers import name_of_child, worker_name


def start_keeper(folder: Path, idle_seconds: float) -> str:
    """Start one, apart from this process: neither its terminal nor its end ends the keeper.

    Returns:
        Its name, for the notes.
    """
    command = module_command("pipeline.store.embedded_keeper", str(folder), f"{idle_seconds:g}")
    process = subprocess.Popen(  # noqa: S603
        command,
        env=child_environment(os.environ), cwd=NEUTRAL_FOLDER, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    process.returncode = 0  # it is not waited for
    return name_of_child(process.pid)


def keep(folder: Path, idle_seconds: float) -> None:
    """Look from time to time; return when the Postgres has ended, or was stopped for idleness."""
    held = time.monotonic()
    while _one_look(folder, held, idle_seconds):
        time.sleep(min(max(idle_seconds / 10, 0.1), 5.0))
        if _is_held(folder):
            held = time.monotonic()


def _is_held(folder: Path) -> bool:
    if not _is_there(folder):
        return False
    with noted(folder) as file:
        return bool(read_notes(file).holders)


def _one_look(folder: Path, held: float, idle_seconds: float) -> bool:
    """Whether to go on: there is a Postgres, this is its keeper, and it was held not long ago."""
    if not _is_there(folder):
        return False
    with noted(folder) as file:
        notes = read_notes(file)
        running = postmaster(folder)
        if running is None or notes.keeper not in (None, worker_name()):
            return False
        idle = not notes.holders and time.monotonic() - held >= idle_seconds
        if idle:
            stop_postmaster(running)
        notes.keeper = None if idle else worker_name()
        write_notes(file, notes)
        return not idle


def _is_there(folder: Path) -> bool:
    # A home that was removed meanwhile is not to get a file again.
    return (folder / "PG_VERSION").exists()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), float(sys.argv[2]))
