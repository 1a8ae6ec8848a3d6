"""Findings of maintenance: one thing that is wrong, and how many there are of a kind."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.finding_kinds import FACTS, Kind, KindFacts


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        subject: whose ids it is about; no name.
        number: of things in it, such as chunks or documents.
        detail: what is to be known beside the kind's title.
        mended: it was mended.
        person: whether a person has to do something about it, unless it was mended.
    """

    kind: Kind
    subject: str
    number: int = 1
    detail: str = ""
    mended: bool = False
    person: bool = False

    @property
    def facts(self) -> KindFacts:
        """What is to be said of its kind."""
        return FACTS[self.kind]

    @property
    def what(self) -> str:
        """What it is, in one phrase."""
        return f"{self.facts.title} ({self.detail})" if self.detail else self.facts.title

    @property
    def decision(self) -> str:
        """What a person is to do; empty when nobody has to."""
        return self.facts.remedy if self.person and not self.mended else ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings of a kind there were: all, those mended, those left to a person."""

    found: int = 0
    mended: int = 0
    person: int = 0

    def with_(self, finding: Finding) -> Tally:
        """The tally with one more."""
        return Tally(
            self.found + 1,
            self.mended + finding.mended,
            self.person + (finding.person and not finding.mended),
        )
