"""Finding files: the paths that a person gives become the sources to ingest."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PARSE_REMEDIES, ParseCode, UsageError
from pipeline.parsing.kinds import PICTURE_SUFFIXES, SUFFIXES

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
    """

    files: tuple[Path, ...]
    skipped: dict[str, int]
    roots: tuple[Path, ...]
    unreadable: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()


def find_files(paths: Iterable[str], *, pictures: bool = True) -> FoundFiles:
    """Expands files, folders and globs.

    Args:
        pictures: take pictures that lie in a folder; one that is named outright is always taken.

    Raises:
        UsageError: a path names nothing.
    """
    files: dict[Path, None] = {}
    skipped: Counter[str] = Counter()
    roots: list[Path] = []
    unreadable: list[Path] = []
    unread: list[Path] = []
    for given in paths:
        for path in _expand(given):
            if path.is_dir():
                roots.append(path)
                _look_through(path, files, skipped, unreadable, None if pictures else unread)
            elif not _is_lock(path.name):
                files[path] = None
    files.update(dict.fromkeys(unreadable))
    return FoundFiles(
        tuple(sorted(files)), dict(skipped), tuple(roots), tuple(unreadable), tuple(unread)
    )


def _expand(given: str) -> list[Path]:
    try:
        path = Path(given).expanduser()
        if path.exists() or path.is_symlink():
            return [_absolute(path)]
        if glob.has_magic(given):
            matches = glob.glob(str(path), recursive=True)  # noqa: PTH207
            found = [_absolute(Path(each)) for each in matches]
            if found:
                return found
    except (OSError, ValueError, RuntimeError):
        pass  # too long, a NUL, a home that nobody has: no such file
    raise UsageError(
        f"There is no file or folder {printable(given)!r}.",
        remedy="Check the path; quote it when its name has spaces or stars.",
    )


def _is_lock(name: str) -> bool:
    """Whether a file only says that an office program has another one open."""
    return name.startswith("~$")


def _absolute(path: Path) -> Path:
    """Absolute and without ``..``, so that a file has one source however its path was written."""
    if ".." not in path.parts:
        return path.absolute()
    last = len(path.parts) - path.parts[::-1].index("..")
    # resolved up to there only: after a link, ``..`` is not the folder that is written before it
    return Path(*path.parts[:last]).resolve().joinpath(*path.parts[last:])


def _look_through(
    root: Path,
    files: dict[Path, None],
    skipped: Counter[str],
    unreadable: list[Path],
    unread: list[Path] | None,
) -> None:
    def note(error: OSError) -> None:
        unreadable.append(Path(error.filename))

    for folder, subfolders, names in os.walk(root, onerror=note):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith(".") or _is_lock(name):
                continue
            suffix = path.suffix.lower()
            if suffix in SUFFIXES and (unread is None or suffix not in PICTURE_SUFFIXES):
                files[path] = None
                continue
            skipped[suffix or "no suffix"] += 1
            if unread is not None and suffix in PICTURE_SUFFIXES:
                unread.append(path)


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it is now: its hash and size."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that could not be taken in, and why."""

    source: str
    code: str
    message: str
    remedy: str


def examine(path: Path, max_bytes: int) -> FileContent | RejectedFile:
    """Hash a file without holding it in memory; what cannot be read is rejected, in words."""
    source = storable(path)
    try:
        if path.is_dir():
            return _unreadable(source, "The folder cannot be read.")
        if not path.is_file():
            return _rejected(source, ParseCode.MISSING, "It is not a file, or it is gone.")
        if (size := path.stat().st_size) > max_bytes:
            limit = f"{max_bytes / 1024 / 1024:,.0f} MiB"
            message = f"It has {size / 1024 / 1024:,.0f} MiB; at most {limit} are taken."
            return _rejected(source, ParseCode.TOO_LARGE, message)
        digest, read = hashlib.sha256(), 0
        for block in _blocks(path):
            digest.update(block)
            read += len(block)
    except FileNotFoundError:
        return _rejected(source, ParseCode.MISSING, "It vanished while it was read.")
    except OSError as error:
        return _unreadable(source, f"It cannot be read ({os.strerror(error.errno or 0)}).")
    return FileContent(path, digest.hexdigest(), read)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


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
