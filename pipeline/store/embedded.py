"""The embedded default: a Postgres with pgvector that comes as a Python package.

It runs as long as some process holds it, and for a while longer where a keeper was asked for; any
number of processes may hold it at once. Only
the package's programs are used: its own way of starting them opens every folder above the data to
everybody, trusts whoever reaches the socket, and works as a superuser.
"""

from __future__ import annotations

import atexit
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from pipeline.errors import DatabaseUnavailable
from pipeline.private_files import open_home
from pipeline.store import embedded_access
from pipeline.store.addresses import Addresses
from pipeline.store.embedded_identity import Identity, identity
from pipeline.store.embedded_keeper import start_keeper
from pipeline.store.embedded_notes import Notes, noted, notes_path, read_notes, write_notes
from pipeline.store.embedded_starting import adopted, start
from pipeline.store.embedded_tools import postmaster, stop_postmaster
from pipeline.workers import process_of, worker_name

_OLD_HOLDERS = ".handle_pids.json"
_held: set[Path] = set()


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


def open_embedded(folder: Path, *, idle_seconds: float = 0) -> Addresses:
    """The same, for the pipeline: its logins, of which none is a superuser.

    Args:
        idle_seconds: so long it goes on after its last holder, so that the next one finds it.
    """
    _hold(folder, idle_seconds)
    return embedded_access.addresses(folder)


def owner_of_embedded(folder: Path) -> str:
    """The same, for who saves and restores: the URL of the login that owns the schema."""
    found = open_embedded(folder).owner
    assert found is not None, "the embedded Postgres has an owner's login"
    return found


def stop_embedded(folder: Path) -> None:
    """Stop the Postgres of `folder` at once if no other process holds it."""
    _release(folder.resolve(), keeps=False)


def _release(folder: Path, *, keeps: bool) -> None:
    """Hold it no longer.

    Args:
        keeps: leave it to its keeper, if it has one, to stop it later.
    """
    _held.discard(folder)
    if not folder.parent.exists():
        return
    with noted(folder) as file:
        notes = read_notes(file)
        notes.holders = [name for name in notes.holders if name != worker_name()]
        kept = keeps and notes.keeper is not None
        if not notes.holders and not kept and (running := postmaster(folder)) is not None:
            stop_postmaster(running)
        write_notes(file, notes)


def other_holders(folder: Path) -> list[int]:
    """The other living processes that hold the Postgres of `folder`."""
    try:
        with notes_path(folder.resolve()).open("r", encoding="utf-8") as file:
            return [process_of(name) for name in read_notes(file).holders if name != worker_name()]
    except OSError:
        return []


def revive_embedded(folder: Path) -> None:
    """Start the Postgres of `folder` again, if this process holds it and it has died.

    Raises:
        DatabaseUnavailable: it does not start; another process may be at it.
    """
    if folder.resolve() in _held and postmaster(folder) is None:
        _hold(folder)


def _hold(folder: Path, idle_seconds: float = 0) -> None:
    open_home(folder.parent)
    folder = folder.resolve()
    with noted(folder) as file:
        notes = read_notes(file)
        running = postmaster(folder)
        if running is None or running.pid != notes.settled:
            _settle(folder, running, notes, file)
        notes.holders = sorted({*notes.holders, worker_name()})
        if idle_seconds > 0 and notes.keeper is None:
            notes.keeper = start_keeper(folder, idle_seconds)
        write_notes(file, notes)
    if not _held:
        atexit.register(_let_go, os.getpid())
    _held.add(folder)


def _settle(folder: Path, running: psutil.Process | None, notes: Notes, file: IO[str]) -> None:
    """Start it, or take over one that somebody else has started, and make its logins."""
    as_whom = identity()
    if running is not None and not adopted(running, folder, as_whom):
        _require_unused(folder)  # of a version that did not make logins
        stop_postmaster(running)
        running = None
    if running is None:
        _start(folder, as_whom, notes, file)
    notes.making = False
    write_notes(file, notes)  # before anything can be stored in it
    embedded_access.settle(folder)
    (folder / _OLD_HOLDERS).unlink(missing_ok=True)
    settled = postmaster(folder)
    notes.settled = settled.pid if settled else None


def _start(folder: Path, as_whom: Identity, notes: Notes, file: IO[str]) -> None:
    # Data of a killed initdb look whole; a server that ever started has begun its log.
    unfinished = notes.making and not (folder / "log").exists()
    if unfinished or not (folder / "PG_VERSION").exists():
        notes.making = True
        write_notes(file, notes)
    start(folder, as_whom, remake=unfinished)


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
                _release(folder, keeps=True)
