"""Corrections of what was read: where they stand, and what stays around them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from pipeline.corrections import Correction, correct, normalized
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import UsageError
from pipeline.layout import Box, Region, RegionKind, Table

TABLE = "| Plan | You pay |\n| --- | --- |\n| Gold | $2O |\n| Silver | a \\| b |"
TEXT = f"# Costs\n\nThe plan costs much.\n\n{TABLE}\n\nThe end."
BOX = Box(0, 0, 1, 1)


def region(words: str) -> Region:
    """Where some words of the page stand."""
    start = TEXT.index(words)
    return Region(RegionKind.PARAGRAPH, start, start + len(words), BOX)


def page() -> ParsedPage:
    """A page with a table between two paragraphs."""
    start = TEXT.index(TABLE)
    table = Table(start, start + len(TABLE), ("Plan", "You pay"),
                  (("Gold", "$2O"), ("Silver", "a | b")))  # fmt: skip
    regions = (region("# Costs"), region("The plan costs much."), region("The end."))
    return ParsedPage(1, TEXT, size=(10, 10), regions=regions, tables=(table,))


def corrected(*corrections: Correction) -> tuple[ParsedPage, int]:
    """The page with corrections, and how many did not fit."""
    document = ParsedDocument((page(),), True, "local-1", "test")
    done = correct(document, [(uuid4(), each) for each in corrections])
    return done.document.pages[0], len(done.left)


def test_a_passage_is_replaced_and_the_rest_keeps_its_place() -> None:
    """Regions and tables behind it move along; what it stands in grows with it."""
    found, left = corrected(Correction(1, "much", "far too much"))
    assert left == 0
    words = [found.text[each.start : each.end] for each in found.regions]
    assert words == ["# Costs", "The plan costs far too much.", "The end."]
    [table] = found.tables
    assert found.text[table.start : table.end] == TABLE


def test_a_cell_is_replaced_in_the_table_and_in_its_markdown() -> None:
    """A pipe in a cell is none between cells, before and after."""
    found, left = corrected(
        Correction(1, "$2O", "$20", cell=(0, 0, 1)),
        Correction(1, "a | b", "c | d\n| e", cell=(0, 1, 1)),
    )
    assert left == 0
    [table] = found.tables
    assert table.rows == (("Gold", "$20"), ("Silver", "c | d | e"))
    assert found.text[table.start : table.end] == TABLE.replace("$2O", "$20").replace(
        "a \\| b", "c \\| d \\| e"
    )
    assert found.text.endswith("The end.")
    assert found.text[found.regions[-1].start : found.regions[-1].end] == "The end."


def test_a_passage_that_is_taken_out_leaves_no_region() -> None:
    """Nothing stands there on the page."""
    found, _ = corrected(Correction(1, "The plan costs much.", ""))
    assert "costs much" not in found.text
    assert [each.kind for each in found.regions] == [RegionKind.PARAGRAPH] * 2


@pytest.mark.parametrize(
    "correction",
    [
        Correction(1, "much", "x", 1), Correction(2, "much", "x"), Correction(0, "much", "x"),
        Correction(1, "$2O", "$20"), Correction(1, "$20", "$25", cell=(0, 0, 1)),
        Correction(1, "$2O", "$20", cell=(1, 0, 1)), Correction(1, "$2O", "$20", cell=(0, 9, 1)),
        Correction(1, "$2O", "$20", cell=(0, 0, 9)),
    ],
)  # fmt: skip
def test_what_does_not_stand_there_is_left(correction: Correction) -> None:
    """The page is as it was: a correction is never guessed into another place."""
    found, left = corrected(correction)
    assert left == 1
    assert found == page()


def test_a_record_gives_the_same_correction() -> None:
    """As the database keeps it."""
    given = Correction(3, "a", "b", 2, (0, 1, 2))
    assert Correction.of(given.record()) == given
    assert normalized("a\r\nb") == "a\nb"
    with pytest.raises(UsageError, match="NUL"):
        normalized("a\0b")
