"""Words that a line's end broke, and hyphens that belong to their word."""

from __future__ import annotations

import pytest

from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page

FILLER = "The policy is a contract between you and us, and we"


def broken(first: str, second: str, *, elsewhere: str = "") -> str:
    """The text of a page on which a line ends with one part and the next begins with another."""
    sheets = Sheets()
    y = sheets.lines(
        72, 100, [f"{FILLER} rely on {first}", f"{second} in all that is written here and below."]
    )
    if elsewhere:
        sheets.text(72, y + 30, elsewhere)
    return only_page(sheets.bytes()).text


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("thir-", "ty days", "thirty days"),
        ("com-", "pany rules", "company rules"),
        ("reimburse-", "ment", "reimbursement"),
        ("HO-", "3 forms", "HO-3 forms"),
        ("self-", "insured plans", "self-insured plans"),
        ("non-", "network care", "non-network care"),
        ("2025-", "2026 rates", "2025-2026 rates"),
        ("Medi-", "Cal plans", "Medi-Cal plans"),
    ],
)
def test_a_word_over_two_lines(first: str, second: str, whole: str) -> None:
    """A broken word is whole again; a hyphen of its own stays."""
    assert f"rely on {whole}" in broken(first, second)


def test_a_soft_hyphen_at_a_line_end_goes() -> None:
    """A soft hyphen is only there to break the word."""
    assert "rely on deductible" in broken("deduc\u00ad", "tible")


def test_the_document_tells_how_a_word_is_written() -> None:
    """A word that stands whole elsewhere is written so, with its hyphen or without."""
    assert "rely on re-entry" in broken("re-", "entry", elsewhere="After re-entry we pay again.")
    assert "rely on reentry" in broken("re-", "entry", elsewhere="After reentry we pay again.")


def test_a_dash_at_a_line_end_stays() -> None:
    """A dash between two words keeps its spaces."""
    assert "rely on it - as told" in broken("it -", "as told")
