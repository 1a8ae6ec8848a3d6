"""Endorsements of other documents are chosen when they name the same form, policy or coverage."""

from __future__ import annotations

from uuid import UUID

from pipeline.companions.document_index import DocumentIndex
from pipeline.companions.endorsements import endorsements_of
from pipeline.companions.model import ContextChunk
from tests.pipeline.companions.policy import chunk, policy

OTHER = UUID(int=200)


def endorsement(text: str, document: UUID = OTHER) -> ContextChunk:
    return chunk(0, text, role="endorsement", document=document, name="endorsement.pdf")


def reasons(own: list[ContextChunk], *others: ContextChunk) -> list[str]:
    return [each.reason for each in endorsements_of(own[3], DocumentIndex(own), others)]


def test_one_that_names_the_coverage_comes() -> None:
    """The heading of the passage's coverage is named; another coverage is not enough."""
    found = reasons(policy(), endorsement("This endorsement raises the limit for baggage."))
    assert found == ["endorsement in another document, names 2. Baggage"]
    assert reasons(policy(), endorsement("This endorsement is about medical care.")) == []


def test_one_that_names_the_form_comes_in_any_spelling() -> None:
    """HO-3 and HO 3 are one form; it is named in the reason."""
    own = [chunk(0, "Form HO-3", titles=["Title"]), *policy()[1:]]
    found = reasons(own, endorsement("This endorsement modifies HO 3."))
    assert found == ["endorsement in another document, names HO 3"]


def test_among_many_only_the_form_counts() -> None:
    """In a folder with the endorsements of many policies a coverage's name says too little."""
    many = [endorsement("Baggage is changed.", UUID(int=300 + n)) for n in range(51)]
    assert reasons(policy(), *many) == []
