"""Cross references are found in a passage and lead to what they name."""

from __future__ import annotations

import pytest

from pipeline.companions.document_index import DocumentIndex
from pipeline.companions.references import references_in
from tests.pipeline.companions.policy import chunk


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("See Section 4(b) of this policy.", ["Section 4(b)"]),
        ("subject to Exclusion 3", ["Exclusion 3"]),
        ("as defined in Article 6 above", ["Article 6"]),
        ("ai sensi dell'art. 5.2", ["art. 5.2"]),
        ("under PART II of the policy", ["PART II"]),
        ("refer to the Schedule of Benefits", ["Schedule of Benefits"]),
        ("shown in the Declarations", ["Declarations"]),
        ("The schedule is late, and a part of it is lost.", []),
    ],
)
def test_a_reference_is_found(text: str, written: list[str]) -> None:
    """By kind and number, with a letter behind it, or by the name of a part."""
    assert [each.written for each in references_in(text)] == written


def resolved(text: str, *others: tuple[str, str]) -> str | None:
    origin = chunk(0, text)
    chunks = [chunk(n, said, titles=[title]) for n, (title, said) in enumerate(others, 1)]
    found = DocumentIndex([origin, *chunks]).resolve(references_in(text)[0], origin)
    return None if found is None else found.text


def test_a_heading_goes_before_a_numbered_line() -> None:
    """And a clause whose number stands in the text alone is found, too."""
    assert resolved("See Section 4.", ("Section 4 - Duties", "d"), ("Other", "4. x")) == "d"
    assert resolved("See clause 4.2", ("Other", "4.1 First\n4.2 Second")) == "4.1 First\n4.2 Second"


def test_what_is_not_in_the_document_is_not_found() -> None:
    """Nor is the part in which the reference itself stands, nor a table of contents."""
    assert resolved("See Section 9.", ("Section 4", "d")) is None
    first = chunk(0, "d", titles=["PART A", "Cover"])
    origin = chunk(1, "under this Part A", titles=["PART A", "Exclusions"])
    [reference] = references_in(origin.text)
    assert DocumentIndex([first, origin]).resolve(reference, origin) is None
    assert resolved("See Section 4.", ("Contents", "Section 4 ........ 12")) is None
