"""Checks whether a document's file is missing: by its own path, not by a walk.

A walk leaves out what is there: other suffixes, hidden names, what lies behind a link. Only a path
at which nothing is any more says that a file is gone, and only where its folder can be asked.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_ESCAPED = re.compile(r"\\x([89a-f][0-9a-f])")


def is_gone(source: str) -> bool:
    """Whether nothing is at the path of a document's source.

    False where nobody can tell: in a folder that may not be searched, or behind a link whose target
    is away, as that of a drive that is not mounted.
    """
    return all(_is_missing(path) for path in _paths(source))


def _paths(source: str) -> set[str]:
    """The paths that `sources.storable` may have made the source of."""
    try:
        raw = _ESCAPED.sub(lambda found: os.fsdecode(bytes.fromhex(found[1])), source)
    except UnicodeError:
        raw = source
    return {source, raw}


def _is_missing(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return not _lies_behind_dead_link(Path(path))
    except (OSError, ValueError):  # no permission, a circle of links, no path at all
        return False
    return False


def _lies_behind_dead_link(path: Path) -> bool:
    for folder in path.parents:
        if os.path.lexists(folder):
            return folder.is_symlink() and not folder.exists()
    return False
