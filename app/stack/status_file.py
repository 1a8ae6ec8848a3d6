"""Publishes a running stack to other commands: a lock file for liveness, a status file.

The lock is the kernel's, so it goes with the process however that ends; the file is read only while
the lock is held.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.process.locks import is_locked
from pipeline.errors import UsageError
from pipeline.private_files import open_home

_TRIES = 5


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as others see it.

    Attributes:
        state: starting, healthy, unhealthy, restarting, stopped or failed.
        address: its URL, or how else it is reached.
        release: whose code it runs; None for what is installed.
        ended: how it ended before it was last started again.
    """

    state: str
    address: str
    pid: int | None = None
    restarts: int = 0
    release: str | None = None
    ended: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """A running `navigator up`."""

    pid: int
    services: dict[str, ServiceState] = field(default_factory=dict)


def folder(home: Path) -> Path:
    """Where the lock and the file lie."""
    return home / "stack"


def running_stack(home: Path) -> StackState | None:
    """The stack that runs on this home folder, or None."""
    if not is_locked(folder(home) / "lock"):
        return None
    try:
        written = json.loads((folder(home) / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    services = {name: ServiceState(**each) for name, each in written["services"].items()}
    return StackState(written["pid"], services)


def api_of_stack(home: Path) -> str | None:
    """The address of the API of the `navigator up` that runs on this home folder."""
    stack = running_stack(home)
    api = stack.services.get("api") if stack else None
    return api.address if api else None


def write_state(home: Path, state: StackState) -> None:
    """Tell others; they read the old file or the new one."""
    path = folder(home) / "state.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(state)), "utf-8")
    draft.replace(path)


@contextmanager
def holding_stack(home: Path) -> Iterator[None]:
    """Be the one stack of this home folder.

    Raises:
        UsageError: there is one already.
    """
    open_home(home)
    folder(home).mkdir(exist_ok=True, mode=0o700)
    path = folder(home) / "lock"
    with path.open("a") as lock:
        for attempt in range(_TRIES):  # somebody may just be looking
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == _TRIES - 1:
                    raise _already(home) from None
                time.sleep(0.1)
        (folder(home) / "state.json").unlink(missing_ok=True)
        write_state(home, StackState(os.getpid()))
        yield


def _already(home: Path) -> UsageError:
    found = running_stack(home)
    whose = f" (process {found.pid})" if found else ""
    return UsageError(
        f"`navigator up` runs already on {home}{whose}.",
        remedy="Use it, stop it with `navigator down`, or set NAVIGATOR_HOME to another folder.",
    )
