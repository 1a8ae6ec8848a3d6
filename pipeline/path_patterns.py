"""Matches paths by glob patterns, without walking circles of links."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

_ANY_DEPTH = "**"


def matches(pattern: Path) -> list[Path]:
    """What a pattern matches, in order. ``**`` is any depth of folders, but goes through no link.

    Python's own `glob` goes through links there: two links to their own folder make it walk 2^40
    paths.
    """
    if _ANY_DEPTH not in pattern.parts:
        return [Path(each) for each in sorted(glob.glob(str(pattern)))]  # noqa: PTH207
    return sorted(set(_at_any_depth(pattern)))


def fixed_folder(pattern: Path) -> Path:
    """The folder that a pattern begins in, before its first star."""
    fixed: list[str] = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def absolute_pattern(given: str) -> str:
    """A path or pattern that means the same from every working folder.

    What is no path at all is left as it is, to be told as what the person wrote.
    """
    try:
        path = Path(given).expanduser()
        if path.is_absolute() or "\0" in given:
            return str(path)
        here = os.getcwd()  # noqa: PTH109
        is_pattern = glob.has_magic(given) and not os.path.lexists(path)
    except (OSError, ValueError, RuntimeError):
        return given
    return os.path.join(glob.escape(here) if is_pattern else here, str(path))  # noqa: PTH118


def _at_any_depth(pattern: Path) -> Iterator[Path]:
    base = fixed_folder(pattern)
    rest = pattern.relative_to(base)
    named_hidden = any(part.startswith(".") for part in rest.parts)
    endings = (rest, rest / "*") if rest.name == _ANY_DEPTH else (rest,)
    for ending in endings:
        for path in base.glob(str(ending)):
            hidden = any(part.startswith(".") for part in path.relative_to(base).parts)
            if named_hidden or not hidden:
                yield path
