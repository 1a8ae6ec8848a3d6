"""Compares two structures: what is missing, what is extra, what is other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.store.structure.facts import Fact, Structure

AT_LEAST = ">= "
"""Begins the definition of an extension that may be newer."""


@dataclass(frozen=True, slots=True)
class StructureDifference:
    """One object that is not as expected.

    Attributes:
        kind, name: as of `Fact`; the schema's revision has the kind `revision`.
        expected: its definition; None when it is extra.
        found: its definition; None when it is missing.
        partition: of an embedding space, that it belongs to.
    """

    kind: str
    name: str
    expected: str | None
    found: str | None
    partition: str | None = None

    @property
    def what(self) -> Literal["missing", "extra", "other"]:
        """In a word."""
        if self.found is None:
            return "missing"
        return "extra" if self.expected is None else "other"


def differences(expected: Structure, found: Structure) -> Sequence[StructureDifference]:
    """Every object that is missing, extra or other; none when the structures are equal.

    Partitions of embedding spaces come and go; each that is there is compared with an expected one.
    Extensions beside the expected ones count for nothing: whoever runs the server adds them.
    """
    made = list(_revision(expected, found))
    made += _compared(expected.facts, found.facts)
    if expected.partitions:
        pattern = expected.partitions[0].facts
        for each in found.partitions:
            made += _compared(pattern, each.facts, each.name)
    return made


def _revision(expected: Structure, found: Structure) -> Iterator[StructureDifference]:
    if expected.revision != found.revision:
        yield StructureDifference("revision", "schema", expected.revision, found.revision)


def _compared(
    expected: Sequence[Fact], found: Sequence[Fact], partition: str | None = None
) -> Iterator[StructureDifference]:
    wanted = {(each.kind, each.name): each.definition for each in expected}
    there = {(each.kind, each.name): each.definition for each in found}
    for kind, name in sorted(wanted.keys() | there.keys()):
        declared, is_there = wanted.get((kind, name)), there.get((kind, name))
        if not _agree(kind, declared, is_there):
            yield StructureDifference(kind, name, declared, is_there, partition)


def _agree(kind: str, expected: str | None, found: str | None) -> bool:
    if kind == "extension":
        if expected is None:
            return True
        if found is not None and expected.startswith(AT_LEAST):
            return _version(found) >= _version(expected.removeprefix(AT_LEAST))
    return expected == found


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
