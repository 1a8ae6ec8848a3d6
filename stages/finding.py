"""Finding the files of a run, told in words that name none of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.roots import OutsideRoots, confined
from pipeline.sources import FoundFiles, find_files


def find_for_run(
    paths: Iterable[str],
    roots: Sequence[Path] | None,
    *,
    pictures: bool,
    follow_links: bool,
    exclude: Sequence[str] = (),
) -> FoundFiles:
    """The files that the paths name; an error names none of them, for Prefect would keep it.

    Args:
        roots: folders in which every file has to lie; None: anywhere.

    Raises:
        OutsideRoots: a file does not.
        UsageError: a path names nothing.
    """
    try:
        found = find_files(paths, pictures=pictures, follow_links=follow_links, exclude=exclude)
        return found if roots is None else confined(found, roots)
    except OutsideRoots:
        raise
    except UsageError:
        raise UsageError(
            "A path of this run names no file or folder that can be read.",
            remedy="`navigator plan PATH` says which, and why.",
        ) from None
