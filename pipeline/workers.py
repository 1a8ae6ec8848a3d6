"""Who holds a claim: a process, named so that a dead one is recognised on its own machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from functools import cache

import psutil


@cache
def _this_worker(pid: int) -> str:
    started = psutil.Process(pid).create_time()
    return f"{platform.node()}/{psutil.boot_time():.0f}/{pid}/{started:.2f}"


def worker_name() -> str:
    """This process as ``host/boot/pid/start``: never given to another process again."""
    return _this_worker(os.getpid())


def dead_workers(names: Iterable[str]) -> list[str]:
    """Those of the named workers that ran on this machine and are gone.

    A worker of another machine is never called dead; its lease has to run out.
    """
    return [name for name in names if _is_dead(name)]


def _is_dead(name: str) -> bool:
    host, boot, pid, started = name.rsplit("/", 3)
    if host != platform.node():
        return False
    if abs(float(boot) - psutil.boot_time()) > 2:
        return True
    try:
        process = psutil.Process(int(pid))
        return (
            abs(process.create_time() - float(started)) > 0.5
            or process.status() == psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return True
