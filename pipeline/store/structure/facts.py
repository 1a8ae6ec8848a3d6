"""What is known of a database's structure: frozen, comparable, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """One object of the database.

    Attributes:
        kind: table, column, constraint, index, trigger, rule, function, policy, row security,
            grant, role, membership, extension, sequence, type, event trigger or transition.
        name: unique among its kind: `documents.name`, `documents.reader`.
        definition: as Postgres writes it; of a function its hash.
    """

    kind: str
    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Partition:
    """The partition of an embedding space, which is made while documents are embedded.

    Attributes:
        name: of the table.
        facts: of what belongs to it, with `*` for its name and N for its dimension: the same for
            every partition.
        indexes: that only some have, because they are built once a scan would be slow.
    """

    name: str
    facts: tuple[Fact, ...]
    indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """A database's structure.

    Attributes:
        revision: of the schema (Alembic); None when there is none, or it may not be read.
        facts: sorted.
        partitions: of embedding spaces, which no migration makes.
        told: of the server and its logins, for people; never compared.
        contractions: what was taken away since, without a revision; by name, as it was applied.
    """

    revision: str | None
    facts: tuple[Fact, ...]
    partitions: tuple[Partition, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict, hash=False)
    contractions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything, for `json.dumps`; `from_json` makes the same structure of it."""
        return {
            "revision": self.revision,
            "facts": by_kind(self.facts),
            "partitions": {
                each.name: {"facts": by_kind(each.facts), "indexes": list(each.indexes)}
                for each in self.partitions
            },
            "told": dict(self.told),
            "contractions": list(self.contractions),
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Structure:
        """The structure that `as_json` was called on."""
        return cls(
            revision=given["revision"],
            facts=facts_of(given["facts"]),
            partitions=tuple(
                Partition(name, facts_of(each["facts"]), tuple(each["indexes"]))
                for name, each in given["partitions"].items()
            ),
            told=dict(given["told"]),
            contractions=tuple(given.get("contractions", ())),  # older baselines knew none
        )


def by_kind(facts: Iterable[Fact]) -> dict[str, dict[str, str]]:
    """Facts for JSON: definitions by kind and name."""
    found: dict[str, dict[str, str]] = {}
    for kind, name, definition in facts:
        found.setdefault(kind, {})[name] = definition
    return found


def facts_of(given: Mapping[str, Mapping[str, str]]) -> tuple[Fact, ...]:
    """The facts that `by_kind` was called on, sorted."""
    return tuple(
        sorted(
            Fact(kind, name, definition)
            for kind, named in given.items()
            for name, definition in named.items()
        )
    )
