"""Finds what of a home folder others can read, and closes it (`doctor --fix`)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.private_files import OTHERS, account, mode
from pipeline.store.embedded_identity import account_apart

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Opening:
    """A file or folder that others than the owner may use, or that belongs to somebody else.

    Attributes:
        what: the reason, as ``mode 0644``.
        closable: the owner can close it by changing the mode.
    """

    path: Path
    what: str
    closable: bool = True

    def __str__(self) -> str:
        return f"{self.path} ({self.what})"


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something in the home, found by its name in an open folder, so that nothing is followed."""

    path: Path
    name: str
    place: int
    found: os.stat_result


def openings(home: Path) -> list[Opening]:
    """Everything in a home folder, itself included, that others may use; links are not followed."""
    home = home.resolve()
    allowed = _owners(home)
    return [opening for each in _entries(home) if (opening := _opening(each, allowed(each)))]


@dataclass(frozen=True, slots=True)
class Closed:
    """What `doctor --fix` did to a home folder: what it closed, and what it had to leave."""

    home: Path
    closed: Sequence[Opening]
    left: Sequence[Opening]

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {"closed": [*map(str, self.closed)], "left": [*map(str, self.left)]}

    def sentences(self) -> Iterator[str]:
        """For a person."""
        if not self.closed:
            yield f"There was nothing to close in {self.home}."
        else:
            yield f"Closed {_count(self.closed)} in {self.home}, to the owner alone:"
            yield from _listed(self.closed)
        if self.left:
            yield f"Left {_count(self.left)} as found; look at each:"
            yield from _listed(self.left)


def _count(openings: Sequence[Opening]) -> str:
    return "1 file or folder" if len(openings) == 1 else f"{len(openings):,} files and folders"


def _listed(openings: Sequence[Opening]) -> Iterator[str]:
    yield from (f"  {opening}" for opening in openings[:_SHOWN])
    if len(openings) > _SHOWN:
        yield f"  and {len(openings) - _SHOWN:,} more"


def close(home: Path) -> Closed:
    """Close what is open by changing modes, only inside the home.

    Raises:
        UsageError: there is no such folder, or it cannot be looked through.
    """
    home = home.resolve()
    allowed = _owners(home)
    closed: list[Opening] = []
    left: list[Opening] = []
    try:
        for each in _entries(home):
            if (opening := _opening(each, allowed(each))) is not None:
                (closed if opening.closable and _closed(each) else left).append(opening)
    except OSError as error:
        raise UsageError(
            f"{home} cannot be looked through ({error.strerror}).",
            remedy="Run this as the owner of NAVIGATOR_HOME.",
        ) from None
    return Closed(home, closed, left)


def _entries(home: Path) -> Iterator[_Entry]:
    """The home and what is in it, on its own file system, each before what it holds."""
    parent = os.open(home.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        top = os.stat(home.name, dir_fd=parent, follow_symlinks=False)
        yield _Entry(home, home.name, parent, top)
    finally:
        os.close(parent)
    for here, folders, files, place in os.fwalk(home, follow_symlinks=False):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # gone meanwhile
                found = os.stat(name, dir_fd=place, follow_symlinks=False)
                if found.st_dev != top.st_dev:
                    folders[:] = [each for each in folders if each != name]
                elif not stat.S_ISLNK(found.st_mode):
                    yield _Entry(Path(here) / name, name, place, found)


def _opening(each: _Entry, owners: Collection[int]) -> Opening | None:
    found = each.found
    if found.st_uid not in owners:
        return Opening(each.path, f"belongs to {account(found.st_uid)}", closable=False)
    if not found.st_mode & OTHERS:
        return None
    if not stat.S_ISDIR(found.st_mode) and found.st_nlink > 1:
        what = f"mode {mode(found)}, and has another name, perhaps elsewhere"
        return Opening(each.path, what, closable=False)
    return Opening(each.path, f"mode {mode(found)}")


def _owners(home: Path) -> Callable[[_Entry], Collection[int]]:
    """Who may own an entry: this account, and in the database's folder that of Postgres."""
    ours, apart = {os.geteuid()}, account_apart()
    both = ours | ({apart} if apart is not None else set())
    postgres = home / "postgres"
    return lambda each: both if each.path.is_relative_to(postgres) else ours


def _closed(each: _Entry) -> bool:
    """Whether the mode could be changed; of the very entry that was looked at."""
    private = stat.S_IMODE(each.found.st_mode) & ~OTHERS
    try:
        if os.chmod in os.supports_follow_symlinks:
            os.chmod(each.name, private, dir_fd=each.place, follow_symlinks=False)
            return True
        # Linux changes no mode without following links, but by an open file, also one that cannot
        # be read or is a socket.
        entry = os.open(each.name, os.O_PATH | os.O_NOFOLLOW, dir_fd=each.place)
        try:
            if not os.path.samestat(os.fstat(entry), each.found):
                return False
            Path(f"/proc/self/fd/{entry}").chmod(private)
        finally:
            os.close(entry)
    except OSError:
        return False
    return True
