"""Looking through a folder that a person named: its documents, and the links that are passed over.

A link is followed where it stays in the named folder. Real folders are looked through first and
each folder once, so a file keeps its own path and no circle is walked.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pipeline.ignore_rules import FILE_NAME, IgnoreRules
from pipeline.parsing.kinds import PICTURE_SUFFIXES, SUFFIXES
from pipeline.regular_files import Elsewhere, is_never, is_within, resolved


class Reason(StrEnum):
    """Why a link is passed over, as the end of a sentence."""

    OUT = "leads out of the folder"
    SYSTEM = "leads into /proc, /sys or /dev, which are never read"
    TWICE = "leads to a folder that is read under its own name"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A link that is not followed.

    Attributes:
        path: of the link itself.
        folder: it leads to a folder; everything behind it is passed over.
    """

    path: Path
    reason: Reason
    folder: bool

    @property
    def sentence(self) -> str:
        """What is said of it."""
        what = "a folder" if self.folder else "a file"
        return f"It is a link to {what}, not followed: it {self.reason}."

    @property
    def remedy(self) -> str:
        """What a person can do who wants what is behind it."""
        return "--follow-links follows it." if self.reason is Reason.OUT else ""


@dataclass(slots=True)
class Found:
    """What is found while paths are looked through.

    Attributes:
        files: each with the real path of the folder that it has to lie in; empty for anywhere.
        links: that were passed over.
        excluded: files and folders that a pattern leaves out.
    """

    files: dict[Path, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: list[Path] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    links: dict[Path, PassedOver] = field(default_factory=dict)
    excluded: int = 0


def is_lock(name: str) -> bool:
    """Whether a file only says that an office program has another one open."""
    return name.startswith("~$")


def reason_against(path: str, within: str) -> Reason | None:
    """Why what a path leads to is not read; None when it may be, or leads nowhere.

    Args:
        within: the real path of the folder that it may not lead out of; empty: anywhere.
    """
    try:
        real = resolved(path)
    except Elsewhere:
        return Reason.SYSTEM
    except OSError:
        return None  # what leads nowhere is told later, like any file that is gone
    if is_never(real):
        return Reason.SYSTEM
    return Reason.OUT if within and not is_within(real, within) else None


class FolderWalk:
    """Looks through one folder.

    Args:
        found: where what is found is put.
        within: the real path of the folder that links may not lead out of; empty: they may lead
            anywhere but into folders of the system.
        pictures: take pictures too.
        rules: what is left out.
    """

    def __init__(
        self, found: Found, within: str, *, pictures: bool, rules: IgnoreRules | None = None
    ) -> None:
        self._found = found
        self._within = within
        self._pictures = pictures
        self._seen: set[tuple[int, int]] = set()
        self._rules = rules or IgnoreRules()
        self._folders: list[tuple[str, IgnoreRules]] = []
        self._folder_links: list[tuple[str, IgnoreRules]] = []

    def look_through(self, root: Path) -> None:
        """Put what is in the folder, and below it, to what was found."""
        self._folders.append((os.fspath(root), self._rules))
        while self._folders or self._folder_links:
            if self._folders:
                self._look_into(*self._folders.pop())
            else:
                self._follow_folder(*self._folder_links.pop(0))

    def _look_into(self, folder: str, rules: IgnoreRules) -> None:
        try:
            if (identity := _identity(folder)) in self._seen:
                return  # reached once more, behind a link: it is read under its own name
            self._seen.add(identity)
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError:
            self._found.unreadable.append(Path(folder))
            return
        if any(entry.name == FILE_NAME for entry in entries):
            rules = rules.inside(folder)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if rules.layers and rules.leave_out(entry.path, folder=entry.is_dir()):
                self._found.excluded += 1
            elif entry.is_symlink():
                self._look_at_link(entry.path, rules)
            elif entry.is_dir(follow_symlinks=False):
                self._folders.append((entry.path, rules))
            else:
                self._take(entry.path)

    def _look_at_link(self, path: str, rules: IgnoreRules) -> None:
        folder = os.path.isdir(path)  # noqa: PTH112
        if not folder and not _is_document(path):
            self._take(path)
        elif (reason := reason_against(path, self._within)) is not None:
            self._pass_over(path, reason, folder=folder)
        elif folder:
            self._folder_links.append((path, rules))
        else:
            self._take(path)

    def _follow_folder(self, path: str, rules: IgnoreRules) -> None:
        try:
            known = _identity(path) in self._seen
        except OSError:
            self._found.unreadable.append(Path(path))
            return
        if known:
            self._pass_over(path, Reason.TWICE, folder=True)
        else:
            self._folders.append((path, rules))

    def _pass_over(self, path: str, reason: Reason, *, folder: bool) -> None:
        link = Path(path)
        self._found.links[link] = PassedOver(link, reason, folder)

    def _take(self, name: str) -> None:
        path = Path(name)
        if is_lock(path.name):
            return
        suffix = path.suffix.lower()
        if suffix in SUFFIXES and (self._pictures or suffix not in PICTURE_SUFFIXES):
            self._found.files.setdefault(path, self._within)
            return
        self._found.skipped[suffix or "no suffix"] += 1
        if suffix in PICTURE_SUFFIXES:
            self._found.pictures.append(path)


def _is_document(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES  # noqa: PTH122


def _identity(folder: str) -> tuple[int, int]:
    found = os.stat(folder)  # noqa: PTH116
    return found.st_dev, found.st_ino
