"""What a contraction changes of the structure: it has no revision, so it is told apart.

A contraction's module has a file beside it, with its name and the ending .json, that says which
objects are gone and which are defined anew once it was applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.store.structure.facts import Fact, Structure, by_kind, facts_of


@dataclass(frozen=True, slots=True)
class FactChange:
    """What is other in a group of facts.

    Attributes:
        gone: (kind, name) of objects that are not there any more.
        made: objects that are new, or have another definition.
    """

    gone: tuple[tuple[str, str], ...] = ()
    made: tuple[Fact, ...] = ()

    def applied_to(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """The facts afterwards."""
        other = {*self.gone, *((each.kind, each.name) for each in self.made)}
        left = [each for each in facts if (each.kind, each.name) not in other]
        return tuple(sorted([*left, *self.made]))

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {"gone": [list(each) for each in self.gone], "made": by_kind(self.made)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> FactChange:
        """The change that `as_json` was called on."""
        gone = tuple((str(kind), str(name)) for kind, name in given["gone"])
        return cls(gone, facts_of(given["made"]))


@dataclass(frozen=True, slots=True)
class StructureChange:
    """What a contraction changes: of the schema, and of each embedding space's partition."""

    facts: FactChange = FactChange()
    partitions: FactChange = FactChange()

    def applied_to(self, structure: Structure, name: str) -> Structure:
        """The structure after the contraction of this name."""
        return replace(
            structure,
            facts=self.facts.applied_to(structure.facts),
            partitions=tuple(
                replace(each, facts=self.partitions.applied_to(each.facts))
                for each in structure.partitions
            ),
            contractions=(*structure.contractions, name),
        )

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {"facts": self.facts.as_json(), "partitions": self.partitions.as_json()}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> StructureChange:
        """The change that `as_json` was called on."""
        return cls(FactChange.from_json(given["facts"]), FactChange.from_json(given["partitions"]))


def change_between(before: Structure, after: Structure) -> StructureChange:
    """What is other in a structure than it was."""
    partitions = [each.partitions[0].facts if each.partitions else () for each in (before, after)]
    return StructureChange(_change(before.facts, after.facts), _change(*partitions))


def _change(before: Iterable[Fact], after: Iterable[Fact]) -> FactChange:
    was = {(each.kind, each.name): each for each in before}
    now = {(each.kind, each.name): each for each in after}
    made = tuple(sorted(each for key, each in now.items() if was.get(key) != each))
    return FactChange(tuple(sorted(was.keys() - now.keys())), made)
