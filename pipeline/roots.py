"""Roots: the folders from which a run may ingest that no person started in their own process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.regular_files import is_within
from pipeline.sources import FoundFiles

_MAGIC = frozenset("*?[")
_REMEDY = (
    "Set NAVIGATOR_INGEST_ROOTS where the worker runs to the folders that its runs may read, "
    "or take the files in with `navigator ingest`, which reads as you."
)


class OutsideRoots(UsageError):
    """A path leads out of the folders that the operator named."""

    code = "outside_roots"
    remedy = _REMEDY

    def __str__(self) -> str:
        # A run's state shows this alone.
        return f"{self.message} {self.remedy}"


def named_roots(setting: str) -> tuple[Path, ...]:
    """The folders of the setting, with every link in them resolved.

    Raises:
        UsageError: one of them is not absolute.
    """
    roots = []
    for each in filter(None, map(str.strip, setting.split(os.pathsep))):
        folder = Path(each)
        if not folder.is_absolute():
            raise UsageError(
                "NAVIGATOR_INGEST_ROOTS names a folder that is not absolute.",
                remedy="Begin each of its folders with a slash.",
            )
        roots.append(folder.resolve())
    return tuple(roots)


def require_paths_inside(paths: Iterable[str], roots: Sequence[Path]) -> None:
    """Refuse paths, as they were given, that lead out of the roots, whether they exist or not.

    Nothing outside is looked at, so that no answer tells what is there.

    Raises:
        OutsideRoots: one does; which one is not said.
    """
    if not roots:
        raise OutsideRoots("This worker may take no files in by their paths.")
    for given in paths:
        if not _is_inside(_fixed_part(given), roots):
            raise OutsideRoots("A path leads out of the folders that this worker may read.")


def require_files_inside(found: FoundFiles, roots: Sequence[Path]) -> None:
    """Refuse what was found, when a link in it leads out of the roots.

    Raises:
        OutsideRoots: one does; which one is not said.
    """
    # One look for all the files of a folder; a link is looked at by itself.
    looked_at = {*found.roots, *(path.parent for path in found.files)}
    looked_at |= {path for path in found.files if path.is_symlink()}
    if not all(_is_inside(path, roots) for path in looked_at):
        raise OutsideRoots("A link leads out of the folders that this worker may read.")


def confined(found: FoundFiles, roots: Sequence[Path]) -> FoundFiles:
    """What was found, each file bound to a root: by its place, whatever its name is by then.

    Raises:
        OutsideRoots: one lies in none of them.
    """
    require_files_inside(found, roots)
    bounds = {path: _bound(path, found.within.get(path, ""), roots) for path in found.files}
    return replace(found, within=bounds)


def _bound(path: Path, within: str, roots: Sequence[Path]) -> str:
    for root in roots:
        if is_within(within or os.path.realpath(path), str(root)):
            return within or str(root)
    raise OutsideRoots("A link leads out of the folders that this worker may read.")


def _fixed_part(given: str) -> Path:
    """The path up to its first wildcard; a wildcard with a way up behind it leads anywhere."""
    parts = Path(given).parts
    wild = next((n for n, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
    if ".." in parts[wild:] or given.startswith("~"):
        return Path(os.sep)
    return Path(*parts[:wild])


def _is_inside(path: Path, roots: Sequence[Path]) -> bool:
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL
        return False
    return any(resolved.is_relative_to(root) for root in roots)
