"""The embedded default: a Postgres with pgvector that comes as a Python package.

It runs only as long as some process holds it; any number of processes may hold it at once. Only
the package's programs are used: its own way of starting them opens every folder above the data to
everybody, trusts whoever reaches the socket, and works as a superuser.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.private_files import account, open_home
from pipeline.store import embedded_access
from pipeline.store.addresses import Addresses
from pipeline.store.embedded_identity import Identity, identity
from pipeline.store.embedded_tools import postmaster, release, stop_postmaster

_START_SECONDS = 60
_INITIAL = (
    "--auth-local=peer", "--auth-host=reject", "--encoding=utf8",
    f"--username={embedded_access.ADMINISTRATOR}",
)  # fmt: skip
# No network; the socket lies in the data folder, which is the account's alone. Readers have
# connections of their own, so a process may need twice as many as its pool has.
_OPTIONS = "-h '' -k . -p 5432 -c unix_socket_permissions=0600 -c max_connections=200"
_OLD_HOLDERS = ".handle_pids.json"
_held: set[Path] = set()


@dataclass
class _Notes:
    """Who holds a Postgres, and which of its starts has its logins: a file beside the data."""

    holders: Sequence[int] = ()
    settled: int | None = None


def start_embedded(folder: Path) -> str:
    """Start (or join) the Postgres whose data lies in `folder`; it stops with its last holder.

    Args:
        folder: made when missing; only this machine's user can read it.

    Returns:
        The ``postgresql://`` URL of its administrator, over a local socket: to make and save
        databases, never to work with.

    Raises:
        DatabaseUnavailable: it did not start; the sentence names its log.
        ConfigurationError: the folder cannot be used.
    """
    _hold(folder)
    return embedded_access.address(folder, embedded_access.ADMINISTRATOR)


def open_embedded(folder: Path) -> Addresses:
    """The same, for the pipeline: its logins, of which none is a superuser."""
    _hold(folder)
    return embedded_access.addresses(folder)


def owner_of_embedded(folder: Path) -> str:
    """The same, for who saves and restores: the URL of the login that owns the schema."""
    found = open_embedded(folder).owner
    assert found is not None, "the embedded Postgres has an owner's login"
    return found


def stop_embedded(folder: Path) -> None:
    """Stop the Postgres of `folder` if no other process holds it."""
    folder = folder.resolve()
    _held.discard(folder)
    if not folder.parent.exists():
        return
    with _noted(folder) as file:
        notes = _read(file)
        notes.holders = [pid for pid in notes.holders if pid != os.getpid()]
        if not notes.holders and (running := postmaster(folder)) is not None:
            stop_postmaster(running)
        _write(file, notes)


def other_holders(folder: Path) -> list[int]:
    """The other living processes that hold the Postgres of `folder`."""
    try:
        with _path(folder.resolve()).open("r", encoding="utf-8") as file:
            return [pid for pid in _read(file).holders if pid != os.getpid()]
    except OSError:
        return []


def _hold(folder: Path) -> None:
    open_home(folder.parent)
    folder = folder.resolve()
    with _noted(folder) as file:
        notes = _read(file)
        running = postmaster(folder)
        if running is None or running.pid != notes.settled:
            _start(folder, running)
            started = postmaster(folder)
            notes.settled = started.pid if started else None
        notes.holders = sorted({*notes.holders, os.getpid()})
        _write(file, notes)
    if not _held:
        atexit.register(_let_go, os.getpid())
    _held.add(folder)


def _start(folder: Path, running: psutil.Process | None) -> None:
    if running is not None:  # of a version that did not make logins, or of one that was killed
        _require_unused(folder)
        stop_postmaster(running)
    as_whom = identity()
    try:
        _make_folder(folder, as_whom)
        if not (folder / "PG_VERSION").exists():
            as_whom.run("initdb", _INITIAL, folder, _START_SECONDS)
        embedded_access.write_access(folder, as_whom)
        options = ["--wait", f"--timeout={_START_SECONDS}", "--log=log", f"--options={_OPTIONS}"]
        as_whom.run("pg_ctl", ["start", *options], folder, _START_SECONDS * 2)
    except (subprocess.SubprocessError, OSError) as error:
        raise DatabaseUnavailable(
            f"The embedded Postgres did not start ({type(error).__name__}); its log is "
            f"{folder / 'log'}.",
            remedy="Free some disk space or memory, or set DATABASE_URL to another Postgres.",
        ) from error
    embedded_access.settle(folder)
    (folder / _OLD_HOLDERS).unlink(missing_ok=True)


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
        found = int((folder / "PG_VERSION").read_text("ascii"))
        if found != release():
            raise ConfigurationError(
                f"The data in {folder} are those of Postgres {found}, not {release()}.",
                remedy="Restore a backup into an empty NAVIGATOR_HOME.",
            )


def _require_unused(folder: Path) -> None:
    """Make sure that no older version of this program works with a running Postgres."""
    try:
        noted = json.loads((folder / _OLD_HOLDERS).read_text("utf-8"))
    except (OSError, ValueError):
        return
    for pid in noted:
        with suppress(psutil.Error):
            if pid != os.getpid() and "python" in psutil.Process(pid).name():
                raise DatabaseUnavailable(
                    f"An older version of this program uses the embedded Postgres (process {pid}).",
                    remedy="End it, then try again.",
                )


def _let_go(holder: int) -> None:
    if os.getpid() == holder:  # not in a process that was forked from it
        for folder in list(_held):
            with suppress(Exception):
                stop_embedded(folder)


def _path(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.holders")


@contextmanager
def _noted(folder: Path) -> Iterator[IO[str]]:
    """The notes beside the data, while nobody else starts or stops this Postgres."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(_path(folder), flags, 0o600), "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _read(file: IO[str]) -> _Notes:
    """What is noted, without holders that have ended."""
    try:
        notes = _Notes(**json.loads(file.read() or "{}"))
    except (ValueError, TypeError):
        return _Notes()
    notes.holders = [pid for pid in notes.holders if psutil.pid_exists(pid)]
    return notes


def _write(file: IO[str], notes: _Notes) -> None:
    file.seek(0)
    file.truncate()
    json.dump(asdict(notes), file)
