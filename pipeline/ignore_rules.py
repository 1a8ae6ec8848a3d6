"""Leaves files out by gitignore patterns: of `--exclude`, and of `.navigatorignore` files.

Patterns are as `man gitignore` has them, relative to the folder that is read or that the file lies
in; of several that match, the last of the innermost file decides. pathspec matches them, by regular
expressions in which each star costs: so patterns are small.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from pipeline.errors import UsageError
from pipeline.regular_files import read_regular

FILE_NAME = ".navigatorignore"
MOST_PATTERNS, MOST_CHARACTERS, MOST_STARS = 1_000, 1_000, 3
_STARS = re.compile(r"\*+")
_REMEDY = "Patterns are those of gitignore, such as drafts/, *.tmp or !important.pdf."


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """What is left out of a folder.

    Attributes:
        layers: the patterns that count here, outermost first, each with its own folder.
    """

    layers: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    @classmethod
    def of(cls, folder: str, patterns: Sequence[str]) -> IgnoreRules:
        """The patterns of an option, for a folder that a person named.

        Raises:
            UsageError: one of them is none.
        """
        if not patterns:
            return cls()
        return cls(((folder, spec_of(patterns, "--exclude")),))

    def inside(self, folder: str) -> IgnoreRules:
        """The rules for what is in a folder: with those of its own file, if it has one.

        Raises:
            UsageError: the file cannot be used.
        """
        path = os.path.join(folder, FILE_NAME)  # noqa: PTH118 - thousands of folders
        try:
            content = read_regular(path, MOST_PATTERNS * MOST_CHARACTERS)
        except FileNotFoundError:
            return self
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UsageError(f"{path} cannot be read ({reason}).", remedy="Mend it.") from None
        spec = spec_of(content.decode("utf-8", "replace").splitlines(), path)
        return IgnoreRules((*self.layers, (folder, spec)))

    def leave_out(self, path: str, *, folder: bool) -> bool:
        """Whether a file, or a folder with all that is in it, is left out."""
        for base, spec in reversed(self.layers):
            relative = os.path.relpath(path, base) + ("/" if folder else "")
            if (verdict := spec.check_file(relative).include) is not None:
                return verdict
        return False


def spec_of(lines: Iterable[str], where: str) -> GitIgnoreSpec:
    """Patterns as one, when each is small.

    Args:
        where: they stand, for who mends them.

    Raises:
        UsageError: one of them is none, or costs too much.
    """
    listed = list(lines)
    if len(listed) > MOST_PATTERNS:
        raise UsageError(
            f"{where} has more than {MOST_PATTERNS:,} patterns.", remedy="Name whole folders."
        )
    for line in listed:
        stars = max((len(_STARS.findall(part)) for part in line.split("/")), default=0)
        if len(line) > MOST_CHARACTERS or stars > MOST_STARS or line.count("**") > MOST_STARS:
            raise UsageError(
                f"A pattern of {where} has more than {MOST_STARS} stars, or is too long.",
                remedy=_REMEDY,
            )
    try:
        return GitIgnoreSpec.from_lines(listed)
    except ValueError:
        raise UsageError(f"{where} holds what is no pattern.", remedy=_REMEDY) from None
