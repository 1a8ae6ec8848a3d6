"""Editions and effective dates as insurers print them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import editions
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.editions import edition_facts, without_editions


def document(*pages: str, furniture: tuple[str, ...] = (), **facts: str) -> ParsedDocument:
    """A document of these pages; the first has these running headers and footers."""
    made = tuple(
        ParsedPage(number, text, furniture=furniture if number == 1 else ())
        for number, text in enumerate(pages, 1)
    )
    return ParsedDocument(made, True, "test", "test", facts=facts)


@pytest.mark.parametrize(
    ("printed", "edition", "day"),
    [
        ("CG 00 01 04 13", "04 13", "2013-04-01"),
        ("HO 00 03 05 11", "05 11", "2011-05-01"),
        ("IL 00 17 11 98", "11 98", "1998-11-01"),
        ("\u00a9 Bureau, 2012  CG 00 01 04 13  Page 1 of 16", "04 13", "2013-04-01"),
        ("Form HO-3 Ed. 04/13", "04/13", "2013-04-01"),
        ("**Edition Date:** 4-2013", "4-2013", "2013-04-01"),
        ("Edition March 2020", "March 2020", "2020-03-01"),
        ("Rev. 01-2024", "01-2024", "2024-01-01"),
        ("Revised 01/15/2024", "01/15/2024", "2024-01-15"),
        ("Rev. 15.01.2024", "15.01.2024", "2024-01-15"),
        ("ACORD 25 (2016/03)", "2016/03", "2016-03-01"),
        ("WC-0412 (08/22)", "08/22", "2022-08-01"),
        ("(08/22)", "08/22", "2022-08-01"),
    ],
)  # fmt: skip
def test_an_edition_is_read(printed: str, edition: str, day: str) -> None:
    """In a margin or on the first page: as it is printed, and as a day."""
    for made in (document("Words.", furniture=(printed,)), document(f"# Policy\n\n{printed}")):
        facts = edition_facts(made)
        assert (facts["edition"], facts["edition_date"]) == (edition, day)


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("Effective Date: January 1, 2026", "2026-01-01"),
        ("Effective 1 March 2021", "2021-03-01"),
        ("Policy Period: 01/01/2026 to 01/01/2027", "2026-01-01"),
        ("Policy period 13/02/2024 to 12/02/2025", "2024-02-13"),
        ("Coverage Period: Beginning on or after 07/01/2024", "2024-07-01"),
        ("Inception date: 2025-11-03", "2025-11-03"),
    ],
)
def test_an_effective_date_is_read(printed: str, day: str) -> None:
    """From when a document applies is told as a day."""
    assert edition_facts(document(f"Words. {printed}"))["effective_date"] == day


@pytest.mark.parametrize(
    "printed",
    [
        "As in section (12/13) of this policy, which goes on.",
        "Rev. 13/2024",
        "Review 01/24",
        "Policy Period: 30/02/2024",
        "The effective date is shown in the declarations.",
        "1/2 of the benefit, 24/7",
        "",
    ],
)
def test_other_figures_are_no_edition(printed: str) -> None:
    """A fraction, a section in brackets, a day that does not exist: nothing is told."""
    text = "\n".join(["Words before.", "and more", "and more", printed, "and", "more", "words."])
    assert edition_facts(document(text)) == {}


def test_what_is_attached_behind_is_another_form() -> None:
    """Only the first page tells the edition of the document."""
    assert edition_facts(document("A policy.", "CG 00 01 04 13")) == {}


def test_the_form_is_told_where_it_is_printed() -> None:
    """The bureau's number and an ACORD form's name come with the edition."""
    assert edition_facts(document("CG 00 01 04 13"))["form"] == "CG 00 01"
    assert edition_facts(document("ACORD 25 (2016/03)"))["form"] == "ACORD 25"


def test_what_the_file_says_of_itself_goes_first() -> None:
    """A fact of the file under the same name is kept, and no other is put over it."""
    found = edition_facts(document("Ed. 04/13", edition_date="2020-01-01"))
    assert found == {"edition": "04/13"}


def test_a_text_without_its_editions() -> None:
    """Two editions of a sentence are one once neither prints which it is."""
    old, new = "We pay. CG 00 01 04 13", "We pay. CG 00 01 12 19"
    assert without_editions(old) == without_editions(new)


_PIECES = (
    "CG", "ACORD", "00", "01", "04/13", "(", ")", "2016/03", "Ed.", "ed", "EDITION", "Ed\u0131tion",
    "rev", "Revised", "version", "date", ":", "March", "Sept.", "2020", "Effective",
    "date of coverage",
    "Policy Period", "coverage per\u0130od", "inception", "Beginning", "on or after", "1", "13",
    "-", "word",
)  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=8), st.sampled_from([" ", "", "/"]))
@settings(max_examples=200, deadline=None)
@example(["Ed\u0131tion", "03/20"], " ")
def test_nothing_is_overlooked(pieces: list[str], between: str) -> None:
    """Each expression finds what it finds without its quicker ones, also with a dotless i."""
    line = between.join(pieces)
    if any(map(str.isdigit, line)):
        for expression in editions._HINTS:
            found = editions._found(expression, line, editions._small(line))
            assert [each.span() for each in found] == [
                each.span() for each in expression.finditer(line)
            ]
