"""Starts the embedded Postgres, or takes over one that a killed process or a person left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.full_disk import DISK_FULL, REMEDY, has_no_room, tells_full
from pipeline.private_files import account
from pipeline.store import embedded_access
from pipeline.store.embedded_identity import Identity
from pipeline.store.embedded_tools import at_work_in, postmaster, postmaster_pid, release

_START_SECONDS = 60
_TRIES, _PAUSE_SECONDS = 5, 0.5
_INITIAL = (
    "--auth-local=peer", "--auth-host=reject", "--encoding=utf8",
    f"--username={embedded_access.ADMINISTRATOR}",
)  # fmt: skip
# No network; the socket lies in the data folder, which is the account's alone. Readers have
# connections of their own, so a process may need twice as many as its pool has.
_OPTIONS = "-h '' -k . -p 5432 -c unix_socket_permissions=0600 -c max_connections=200"
_OURS = "unix_socket_permissions=0600"
_LOG_BYTES = 4000


def adopted(running: psutil.Process, folder: Path, as_whom: Identity) -> bool:
    """Take over a running Postgres that was started with our options; whether it was.

    It reads anew who may connect. So nobody who works with it notices.
    """
    with suppress(psutil.Error):
        if not any(_OURS in option for option in running.cmdline()):
            return False
        embedded_access.write_access(folder, as_whom)
        running.send_signal(signal.SIGHUP)
        return True
    return False


def start(folder: Path, as_whom: Identity, *, remake: bool) -> None:
    """Start the Postgres of `folder`; its data are made when there are none.

    Args:
        remake: data that are there were never finished, and are made again.

    Raises:
        DatabaseUnavailable: it did not start; the sentence names its log.
        ConfigurationError: the folder cannot be used.
    """
    try:
        _make_folder(folder, as_whom)
        if remake:
            _empty(folder)
        if not (folder / "PG_VERSION").exists():
            as_whom.run("initdb", _INITIAL, folder, _START_SECONDS)
        embedded_access.write_access(folder, as_whom)
        _forget_another(folder)
        _start(folder, as_whom)
    except (subprocess.SubprocessError, OSError) as error:
        raise _not_started(folder, error) from error


def _forget_another(folder: Path) -> None:
    """Remove a note of a killed Postgres whose number another process has got meanwhile.

    Postgres itself takes that process for its own kind, and does not start.
    """
    noted = postmaster_pid(folder)
    if noted is not None and psutil.pid_exists(noted) and not at_work_in(folder):
        (folder / "postmaster.pid").unlink(missing_ok=True)


def _start(folder: Path, as_whom: Identity) -> None:
    options = ["--wait", f"--timeout={_START_SECONDS}", "--log=log", f"--options={_OPTIONS}"]
    for attempt in range(_TRIES):
        try:
            as_whom.run("pg_ctl", ["start", *options], folder, _START_SECONDS * 2)
            return
        except subprocess.CalledProcessError:
            # Of one that was killed, sessions may still be ending, or somebody else was quicker.
            if postmaster(folder) is not None:
                return
            if attempt == _TRIES - 1 or _lacks_room(folder):
                raise
        time.sleep(_PAUSE_SECONDS)


def _not_started(folder: Path, error: Exception) -> DatabaseUnavailable:
    if _lacks_room(folder):
        return DatabaseUnavailable(
            f"The disk of the embedded Postgres ({folder}) is full.", code=DISK_FULL, remedy=REMEDY
        )
    return DatabaseUnavailable(
        f"The embedded Postgres did not start ({type(error).__name__}); its log is "
        f"{folder / 'log'}.",
        remedy="Free some disk space or memory, or set DATABASE_URL to another Postgres.",
    )


def _lacks_room(folder: Path) -> bool:
    return has_no_room(folder) or tells_full(_last_words(folder))


def _last_words(folder: Path) -> str:
    """The end of the server's log, of the start that failed."""
    with suppress(OSError):
        place = os.open(folder / "log", os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(place, "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
            return log.read().decode("utf-8", "replace").rpartition("starting PostgreSQL")[2]
    return ""


def _make_folder(folder: Path, as_whom: Identity) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat().st_uid
    if as_whom.apart and owner != as_whom.uid:
        as_whom.own(folder)
    elif owner != as_whom.uid:
        raise ConfigurationError(
            f"The embedded Postgres in {folder} belongs to {account(owner)}.",
            remedy="Run this as who made it, or set NAVIGATOR_HOME to a folder of your own.",
        )
    with suppress(FileNotFoundError):
        found = int((folder / "PG_VERSION").read_text("ascii") or release())
        if found != release():
            raise ConfigurationError(
                f"The data in {folder} are those of Postgres {found}, not {release()}.",
                remedy="Restore a backup into an empty NAVIGATOR_HOME.",
            )


def _empty(folder: Path) -> None:
    """Remove what an unfinished initdb left, which may outlive who started it.

    The folder itself stays: it may be where a disk is mounted.
    """
    for process in at_work_in(folder):
        with suppress(psutil.Error):
            process.kill()
            process.wait(_START_SECONDS)
    for each in os.scandir(folder):
        if each.is_dir(follow_symlinks=False):
            shutil.rmtree(each.path)
        else:
            Path(each.path).unlink()
