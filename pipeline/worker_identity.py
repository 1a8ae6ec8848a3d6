"""Names the process that holds a claim, so that a dead one is recognized on its own machine."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import psutil

RELEASE = "NAVIGATOR_RELEASE"
"""Set for every process of a release: its id."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def _this_worker(pid: int) -> str:
    return f"{platform.node()}/{_boot()}/{pid}/{_started(pid):.2f}"


@cache
def _boot() -> str:
    """This start of the machine and, on Linux, the process numbers' namespace: a container's own.

    Not the time of the start where it can be helped: that moves whenever the clock is set.
    """
    if _BOOT_ID.exists():
        space = Path("/proc/self/ns/pid").readlink().name
        return f"{_BOOT_ID.read_text('ascii').strip()}-{space.strip('pid:[]')}"
    return f"{psutil.boot_time():.0f}"


def _started(pid: int) -> float:
    """When a process began; on Linux in ticks since the boot, which no set clock moves."""
    if _BOOT_ID.exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            raise psutil.NoSuchProcess(pid) from None
        # the 22nd field; the second, a name, may itself hold spaces and brackets
        return float(stat.rpartition(")")[2].split()[19])
    return psutil.Process(pid).create_time()


def worker_name() -> str:
    """This process as ``host/boot/pid/start``: never given to another process again."""
    return _this_worker(os.getpid())


def release_of_process() -> str | None:
    """The release that this process runs, as who started it says; None in a checkout."""
    return os.environ.get(RELEASE) or None


def name_of_child(pid: int) -> str:
    """The same name of a process that this one has started."""
    return _this_worker(pid)


def lives_here(name: str) -> bool:
    """Whether the named worker runs on this machine and can be seen from this process.

    By the machine's start alone: what has been named anew since, as networks do it to laptops, is
    the same machine.
    """
    machine, _, process = name.rpartition("/")[0].rpartition("/")
    return machine.rpartition("/")[2] == _boot() and not _is_gone(process, name)


def process_of(name: str) -> int:
    """The number of a named worker's process.

    Raises:
        ValueError: it is no worker's name.
    """
    return int(name.rpartition("/")[0].rpartition("/")[2])


def dead_workers(names: Iterable[str]) -> list[str]:
    """Those of the named workers that ran on this machine, since its last start, and are gone.

    A worker of another machine is never called dead, nor one whose name has another form; its
    lease has to run out.
    """
    return [name for name in names if _is_dead(name)]


def _is_dead(name: str) -> bool:
    machine, _, process = name.rpartition("/")[0].rpartition("/")
    # Machines that were copied while they ran have one start in common: here the host counts too.
    return machine == f"{platform.node()}/{_boot()}" and _is_gone(process, name)


def _is_gone(process: str, name: str) -> bool:
    try:
        pid, started = int(process), float(name.rpartition("/")[2])
        return abs(_started(pid) - started) > 0.5 or _is_zombie(pid)
    except psutil.NoSuchProcess:
        return True
    except ValueError:
        return False


def _is_zombie(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def operator_account() -> str:
    """In whose name what an operator decides is written down: the account and the machine."""
    return f"{getpass.getuser()}@{os.uname().nodename}"
