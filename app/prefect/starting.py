"""Starts a process of our Prefect server, and tells when it answers."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.prefect.migrated_database import put_database
from app.prefect.server_command import server_command, server_environment
from app.prefect.supervised_server import Server, end
from pipeline.child_processes import NEUTRAL_FOLDER, child_environment, die_with_parent
from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.full_disk import full_disk, has_no_room
from pipeline.loopback import answers

START_TIMEOUT_SECONDS = 180.0
_LOOK_SECONDS = 0.05
_ANSWER_SECONDS = 2.0


def address(port: int) -> str:
    """Where a server on a port of this machine is."""
    return f"http://127.0.0.1:{port}"


def start_process(folder: Path, port: int, *, keeps: Sequence[int] = ()) -> Server:
    """Start a server whose history lies in `folder`; it does not answer yet.

    It ends with the thread that starts it, unless it keeps a lock of its own.

    Args:
        keeps: open files that it holds as long as it lives: it outlives this process.
    """
    put_database(folder)
    variables = server_environment(folder, address(port), pages=False)
    environment = child_environment({**os.environ, **variables})
    environment.pop("PREFECT_API_URL", None)
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603
            server_command(port, resident=bool(keeps)),
            env=environment, cwd=NEUTRAL_FOLDER, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, pass_fds=tuple(keeps),
            preexec_fn=None if keeps else die_with_parent,
        )  # fmt: skip


def is_answering(port: int, lives: Callable[[], bool]) -> bool:
    """Wait until a server answers; False when it has ended, or does not for too long.

    Args:
        lives: whether it still runs.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while lives() and time.monotonic() < deadline:
        if answers(port, "/api/health", _ANSWER_SECONDS):
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def require_answering(process: Server, folder: Path, port: int) -> None:
    """Wait until a server answers; one that does not is ended.

    Raises:
        ServiceUnavailable: it did not start; the sentence names its log.
    """
    if not is_answering(port, lambda: process.poll() is None):
        end(process)
        raise not_started(folder)


def not_started(folder: Path) -> NavigatorError:
    """Why a server does not start."""
    if has_no_room(folder):
        return full_disk(folder)
    return ServiceUnavailable(
        f"The local Prefect server did not start; its log is {folder / 'server.log'}.",
        remedy="Read the log, or set PREFECT_API_URL to a running server.",
    )
