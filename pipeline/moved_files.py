"""Recognizes moved files: the same bytes at a new path, the old path left.

A pure rule over what is recorded and what is there, for `--sync` and for its plan. A copy whose
original is still there is no move, and an edit is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Recorded:
    """A document as it is recorded.

    Attributes:
        sha256: of the newest bytes that we were given.
        inside: it lies in a file of another document, and goes where that goes.
    """

    document_id: UUID
    source: str
    sha256: str
    inside: bool = False


@dataclass(frozen=True, slots=True)
class MovedDocument:
    """A document and the path at which its file is now."""

    document: Recorded
    source: str


def find_moves(
    recorded: Sequence[Recorded], present: Mapping[str, str], gone: Collection[str]
) -> list[MovedDocument]:
    """The moves that are consistent with each other: swapped and passed-on names are among them.

    Args:
        present: the files that are there, each source with the hash of its bytes.
        gone: sources at whose path nothing is any more.
    """
    known = {each.source: each for each in recorded}
    left = [each for each in recorded if not each.inside and _has_left(each, present, gone)]
    new = [
        source
        for source, sha256 in present.items()
        if source not in known or known[source].sha256 != sha256
    ]
    wanted = defaultdict(list)
    for source in sorted(new, key=lambda each: (each in known, each)):
        wanted[present[source]].append(source)
    moves: list[MovedDocument] = []
    for sha256, documents in _by_content(left).items():
        documents.sort(key=lambda each: (each.source not in gone, each.source))
        moves += _paired(documents, wanted.get(sha256, []))
    return _consistent(moves, known, gone)


def _has_left(each: Recorded, present: Mapping[str, str], gone: Collection[str]) -> bool:
    return each.source in gone or present.get(each.source, each.sha256) != each.sha256


def _by_content(documents: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    found = defaultdict(list)
    for each in documents:
        found[each.sha256].append(each)
    return found


def _paired(documents: Sequence[Recorded], sources: Sequence[str]) -> list[MovedDocument]:
    """Documents with equal bytes to files with these bytes: a name that stayed first."""
    free = dict.fromkeys(sources)
    named: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        named[PurePosixPath(source).name].append(source)
    moves, others = [], []
    for each in documents:
        if same := named.get(PurePosixPath(each.source).name):
            moves.append(MovedDocument(each, same[0]))
            del free[same.pop(0)]
        else:
            others.append(each)
    return moves + [MovedDocument(*pair) for pair in zip(others, free, strict=False)]


def _consistent(
    moves: list[MovedDocument], known: Mapping[str, Recorded], gone: Collection[str]
) -> list[MovedDocument]:
    """Those whose new path is free, or left by another; who keeps a path keeps its document."""
    while True:
        leaving = {each.document.source for each in moves}
        reached = {each.source for each in moves}
        kept = [
            each
            for each in moves
            if (each.source not in known or each.source in leaving)
            and (each.document.source in gone or each.document.source in reached)
        ]
        if len(kept) == len(moves):
            return kept
        moves = kept
