"""Finding files: the paths that a person gives become the sources to ingest."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import PARSE_REMEDIES, ParseCode, UsageError
from pipeline.folder_walk import FolderWalk, Found, PassedOver, is_lock, reason_against
from pipeline.ignore_rules import IgnoreRules
from pipeline.path_patterns import fixed_folder, matches
from pipeline.regular_files import Elsewhere, NoRegularFile, blocks, is_never, opened, path_of

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What lies under the given paths.

    Attributes:
        files: absolute, each once, in order of path.
        skipped: how many files of a folder were left out, by suffix.
        roots: the folders that were looked through, for `--sync`.
        pictures: files of a folder that were left out because nothing reads pictures now; they
            are among the skipped, and are not gone.
        unreadable: folders below them that could not be; they are among `files`, to be reported,
            and what was ingested from them earlier is not to be taken for gone.
        passed_over: links that were not followed; what was ingested through them earlier is not
            gone either.
        excluded: how many files and folders a pattern left out.
        within: by file, the real path of the folder that it has to lie in; those that a person
            named outright have none.
    """

    files: tuple[Path, ...]
    skipped: dict[str, int]
    roots: tuple[Path, ...]
    unreadable: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    excluded: int = 0
    within: Mapping[Path, str] = field(default_factory=dict)

    @property
    def named_links(self) -> list[Path]:
        """Links that a person named outright: what they lead to is read."""
        return [path for path in self.files if path not in self.within and path.is_symlink()]


def find_files(
    paths: Iterable[str],
    *,
    pictures: bool = True,
    follow_links: bool = False,
    exclude: Sequence[str] = (),
) -> FoundFiles:
    """Expands files, folders and globs.

    Args:
        pictures: take pictures that lie in a folder; one that is named outright is always taken.
        follow_links: follow links out of the named folders too.
        exclude: gitignore patterns of what is left out of folders; what a person names outright
            is always taken.

    Raises:
        UsageError: a path names nothing, or a pattern is none.
    """
    found, roots = Found(), dict[Path, None]()
    named: dict[Path, None] = {}
    for given in paths:
        for path, folder in _expand(given):
            within = "" if follow_links else folder
            is_folder = path.is_dir()
            if not is_folder and not folder:
                named |= {} if is_lock(path.name) else {path: None}
            elif (reason := reason_against(os.fspath(path), within)) is not None:
                found.links[path] = PassedOver(path, reason, is_folder)
            elif folder and _left_out(path, folder, exclude, is_folder=is_folder):
                found.excluded += 1
            elif is_folder:
                roots[path] = None
                inside = "" if follow_links else within or os.path.realpath(path)
                rules = IgnoreRules.of(os.fspath(path), exclude)
                FolderWalk(found, inside, pictures=pictures, rules=rules).look_through(path)
            elif not is_lock(path.name):
                found.files.setdefault(path, within)
    within_of = {path: place for path, place in found.files.items() if path not in named}
    files = dict.fromkeys([*found.files, *named, *found.unreadable])
    return FoundFiles(
        files=tuple(sorted(files)),
        skipped=dict(found.skipped),
        roots=tuple(roots),
        unreadable=tuple(found.unreadable),
        pictures=() if pictures else tuple(found.pictures),
        passed_over=tuple(found.links[path] for path in sorted(found.links) if path not in files),
        excluded=found.excluded,
        within=within_of,
    )


def _left_out(path: Path, folder: str, exclude: Sequence[str], *, is_folder: bool) -> bool:
    """Whether what matches a glob is left out, by patterns relative to the glob's folder."""
    rules = IgnoreRules.of(folder, exclude)
    return bool(rules.layers) and rules.leave_out(os.path.realpath(path), folder=is_folder)


def _expand(given: str) -> list[tuple[Path, str]]:
    """The paths that are meant; what matches a pattern with the real folder that it is in."""
    try:
        path = Path(given).expanduser()
        if path.exists() or path.is_symlink():
            return [(_absolute(path), "")]
        if glob.has_magic(given):
            folder = os.path.realpath(fixed_folder(path))
            found = [(_absolute(each), folder) for each in matches(path)]
            if found:
                return found
    except (OSError, ValueError, RuntimeError):
        pass  # too long, a NUL, a home that nobody has: no such file
    raise UsageError(
        f"There is no file or folder {printable(given)!r}.",
        remedy="Check the path; quote it when its name has spaces or stars.",
    )


def _absolute(path: Path) -> Path:
    """Absolute and without ``..``, so that a file has one source however its path was written."""
    if ".." not in path.parts:
        return path.absolute()
    last = len(path.parts) - path.parts[::-1].index("..")
    # resolved up to there only: after a link, ``..`` is not the folder that is written before it
    return Path(*path.parts[:last]).resolve().joinpath(*path.parts[last:])


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it is now: its hash and size.

    Attributes:
        within: the real path of the folder that it has to lie in; empty for anywhere.
        stamp: what tells this file, as it was, from another of its name.
    """

    path: Path
    sha256: str
    size: int
    within: str = ""
    stamp: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that could not be taken in, and why."""

    source: str
    code: str
    message: str
    remedy: str


PASSED_OVER = "link_passed_over"
"""The code of a link that was not followed, among what a run rejected: it is no failure."""


def passed_over_files(links: Iterable[PassedOver]) -> list[RejectedFile]:
    """Links that were not followed, as a run keeps them."""
    return [RejectedFile(storable(e.path), PASSED_OVER, e.sentence, e.remedy) for e in links]


def examine(path: Path, max_bytes: int, within: str = "") -> FileContent | RejectedFile:
    """Hash a file without holding it in memory; what cannot be read is rejected, in words.

    Args:
        within: the real path of the folder that it has to lie in; empty for anywhere.
    """
    source = storable(path)
    try:
        with opened(path, within) as descriptor:
            before = os.fstat(descriptor)
            digest, read = hashlib.sha256(), 0
            for block in blocks(descriptor, _BLOCK) if before.st_size <= max_bytes else ():
                digest.update(block)
                read += len(block)
                if read > max_bytes:
                    break
            if (size := max(before.st_size, read)) > max_bytes:
                return _too_large(source, size, max_bytes)
            return FileContent(path, digest.hexdigest(), read, within, _stamp(descriptor))
    except NoRegularFile:
        if path.is_dir():
            return _unreadable(source, "The folder cannot be read.")
        return _rejected(source, ParseCode.MISSING, "It is not a file, or it is gone.")
    except Elsewhere as error:
        return _elsewhere(source, error)
    except FileNotFoundError:
        return _rejected(source, ParseCode.MISSING, "It is not a file, or it is gone.")
    except OSError as error:
        if error.errno == errno.ELOOP:  # links to each other
            return _rejected(source, ParseCode.MISSING, "It is not a file, or it is gone.")
        return _unreadable(source, f"It cannot be read ({os.strerror(error.errno or 0)}).")


@contextmanager
def unchanged(content: FileContent) -> Iterator[Path | None]:
    """A path to exactly the file that was examined, good inside the block; None when it changed.

    Whoever replaces the file meanwhile, by a link to another or by other bytes, changes nothing of
    what is read through it.
    """
    with ExitStack() as stack:
        try:
            descriptor = stack.enter_context(opened(content.path, content.within))
        except OSError:
            same = False
        else:
            same = not content.stamp or _stamp(descriptor) == content.stamp
        yield path_of(descriptor) if same else None


def _stamp(descriptor: int) -> tuple[int, ...]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _too_large(source: str, size: int, max_bytes: int) -> RejectedFile:
    limit = f"{max_bytes / 1024 / 1024:,.0f} MiB"
    message = f"It has {size / 1024 / 1024:,.0f} MiB; at most {limit} are taken."
    return _rejected(source, ParseCode.TOO_LARGE, message)


def _elsewhere(source: str, error: Elsewhere) -> RejectedFile:
    if is_never(str(error.filename)):
        message = "It lies in /proc, /sys or /dev, which are never read."
        return RejectedFile(source, "link_not_followed", message, "Copy what you need to a file.")
    message = "It is a link, or lies behind one, that leads out of the folder."
    remedy = "Name the file that it leads to, or use --follow-links when you trust the links."
    return RejectedFile(source, "link_not_followed", message, remedy)


def _unreadable(source: str, message: str) -> RejectedFile:
    return RejectedFile(source, "file_unreadable", message, "Check its permissions.")


def _rejected(source: str, code: ParseCode, message: str) -> RejectedFile:
    return RejectedFile(source, code.value, message, PARSE_REMEDIES[code])


def printable(name: str, limit: int = 120) -> str:
    """A name that is safe to show: no control or direction characters, not endless."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def storable(path: Path) -> str:
    """A path as text for the database: bytes that are no UTF-8 become escapes, NUL cannot occur."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
