"""Rules and suites of rules (expectations) as data.

A rule is one Great Expectations expectation with a human name and a sentence for when it fails.
Nothing heavy is imported here: the gate turns the rules into expectations.
"""

from __future__ import annotations

import copyreg
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pipeline.identity import combined_sha256


def _read_only(mapping: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(mapping)


# Rules go to the process that judges by them, and Python itself pickles no read-only mapping.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))


class Severity(StrEnum):
    """What a failure does: a critical one quarantines the document, a warning is only recorded."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold for every row.

    Attributes:
        name: stable snake_case id, stored with every result.
        title: what the rule checks, for a person.
        sentence: what a failure means. ``{observed}`` is the failing value, ``{limit}`` the
            threshold, and every column of the frame can be named; format specs are allowed.
        expectation: the type of a row-level expectation, e.g. ``ExpectColumnValuesToBeBetween``.
        column: what is judged.
        kwargs: the expectation's further arguments, e.g. ``min_value``.
        severity: whether a failure keeps the document from being published.
        whole_document: the value is the document's, repeated on each of its rows.
        requirement: the threshold in words, where the bare numbers do not say it.
        optional: what is NULL was not measured; it is neither passed nor failed, only counted.
    """

    name: str
    title: str
    sentence: str
    expectation: str
    column: str
    kwargs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    severity: Severity = Severity.CRITICAL
    whole_document: bool = False
    requirement: str = ""
    optional: bool = False

    @property
    def limit(self) -> object:
        """The threshold that a sentence names: the lower bound, else the upper, else None."""
        return self.kwargs.get("min_value", self.kwargs.get("max_value"))

    @property
    def threshold(self) -> str:
        """The limits in words, e.g. ``at least 50 %``; empty for a rule without any."""
        if self.requirement:
            return self.requirement
        words = (("min_value", "at least"), ("max_value", "at most"))
        return ", ".join(
            f"{word} {self.kwargs[key]:g}" for key, word in words if key in self.kwargs
        )


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules for one frame.

    Attributes:
        name: stable snake_case id.
        title: for a person.
        rules: at least one; an empty suite is a broken gate.
        absent: the sentence for a document that should have rows in the frame and has none.
        label: the column that tells a document's rows apart in examples, with its word.
        version: computed from the rules: another threshold or severity is another version, so
            that an old verdict can be understood.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    absent: str
    label: tuple[str, str] | None = None
    version: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the version."""
        judged = [
            [r.name, r.expectation, r.column, sorted(r.kwargs.items()), r.severity, r.optional]
            for r in self.rules
        ]
        content = json.dumps(judged, default=str)
        object.__setattr__(self, "version", combined_sha256([content])[:8])

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the frame must have, `job_id` first."""
        label = (self.label[1],) if self.label else ()
        return tuple(dict.fromkeys(("job_id", *label, *(rule.column for rule in self.rules))))
