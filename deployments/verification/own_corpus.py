"""Makes a corpus of a person's own files, in the place of the canaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deployments.verification.canary_documents import Canary, Question
from deployments.verification.collecting import Wanted
from pipeline.errors import UsageError
from pipeline.identity import combined_sha256, sha256_hex
from pipeline.regular_files import read_regular
from pipeline.sources import find_files

MOST_FILES = 200


def with_own_files(wanted: Wanted, paths: Sequence[str], questions: Sequence[str]) -> Wanted:
    """The same, with these files and questions instead of the canaries and theirs.

    Raises:
        UsageError: there are none, or too many for a comparison.
    """
    files = find_files(list(paths)).files
    if not 0 < len(files) <= MOST_FILES:
        raise UsageError(
            f"There are {len(files)} files to compare with.",
            remedy=f"Name 1 to {MOST_FILES} files, folders or quoted globs.",
        )
    documents = tuple(_document(number, path) for number, path in enumerate(files, 1))
    asked = tuple(Question(each) for each in questions)
    parts = [sha256_hex(each.content) for each in documents] + [each.text for each in asked]
    version = f"own-{combined_sha256(parts)[:16]}"
    return replace(wanted, documents=documents, questions=asked, version=version)


def _document(number: int, path: Path) -> Canary:
    """Numbered, because two folders may hold files of the same name."""
    try:
        return Canary(f"{number:03d}-{path.name}", read_regular(path))
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be read ({error.strerror or type(error).__name__})."
        ) from None
