"""Where the chunks and rows of a page stand."""

from __future__ import annotations

from uuid import uuid4

from pipeline.documents import ParsedPage
from pipeline.layout import Box, Region, RegionKind, Table
from pipeline.pages import StoredChunk, boxes_between, chunks_on, row_offsets

TEXT = "# Copays\n\nWhat you pay.\n\n| Plan | Copay |\n| --- | --- |\n| Gold | - |\n| - | - |"
HEADING, PROSE, TABLE = 0, TEXT.index("What"), TEXT.index("| Plan")
PLANS = Table(TABLE, len(TEXT), ("Plan", "Copay"), (("Gold", "-"), ("-", "-")))


def region(kind: RegionKind, words: str, top: float) -> Region:
    start = TEXT.index(words)
    return Region(kind, start, start + len(words), Box(50, top, 200, top + 10))


PAGE = ParsedPage(
    2,
    TEXT,
    size=(612, 792),
    regions=(
        region(RegionKind.HEADING, "# Copays", 10),
        region(RegionKind.PARAGRAPH, "What you pay.", 30),
        region(RegionKind.TABLE, "| Gold | - |", 60),
        region(RegionKind.TABLE, "| - | - |", 70),
    ),
    tables=(PLANS,),
)


def chunk(start: int, end: int) -> StoredChunk:
    return StoredChunk(uuid4(), 7, start, end, ["Copays"], "Plan | Copay", "limit")


def test_a_chunk_stands_where_its_regions_are() -> None:
    """Offsets are counted from the page's beginning, boxes are those of what it has a part in."""
    begins = 1000
    [found] = chunks_on(PAGE, begins, [chunk(begins + PROSE + 5, begins + TABLE + 43)])
    assert (found.start, found.end) == (PROSE + 5, TABLE + 43)
    assert [box.top for box in found.boxes] == [30, 60]
    assert (found.from_before, found.goes_on) == (False, False)
    assert (found.ordinal, found.role, found.context) == (7, "limit", "Plan | Copay")
    assert found.heading_path == ("Copays",)


def test_what_stands_on_other_pages_is_cut_off_and_said() -> None:
    """A chunk over three pages has all of this one; one that only touches the page has none."""
    begins, end = 1000, 1000 + len(TEXT)
    others = [chunk(900, begins), chunk(end, end + 9), chunk(end + 1, 2000)]
    [found] = chunks_on(PAGE, begins, [chunk(0, 5000), *others])
    assert (found.start, found.end) == (0, len(TEXT))
    assert (found.from_before, found.goes_on) == (True, True)
    assert len(found.boxes) == 4


def test_a_few_characters_of_a_region_are_no_place() -> None:
    """A chunk that ends just inside a paragraph stands above it; with nothing else, there."""
    long = ParsedPage(
        1,
        f"# Copays\n\na. {'word ' * 40}",
        regions=(
            Region(RegionKind.HEADING, 0, 8, Box(50, 10, 200, 20)),
            Region(RegionKind.PARAGRAPH, 10, 212, Box(50, 30, 200, 90)),
        ),
    )
    assert [box.top for box in boxes_between(long, 0, 12)] == [10]
    assert [box.top for box in boxes_between(long, 0, 40)] == [10, 30]
    assert [box.top for box in boxes_between(long, 10, 12)] == [30]


def test_a_table_without_rows_on_the_page_is_one_box() -> None:
    """Where only the table's own box is known, that is where its chunks stand."""
    box = Box(10, 60, 300, 90)
    whole = Table(TABLE, len(TEXT), PLANS.header, PLANS.rows, box=box)
    page = ParsedPage(2, TEXT, regions=PAGE.regions[:2], tables=(whole,))
    assert boxes_between(page, TABLE + 30, TABLE + 40) == (box,)
    assert boxes_between(page, 0, 5) == (PAGE.regions[0].box,)
    # the rows' own boxes are better
    page = ParsedPage(2, TEXT, regions=PAGE.regions, tables=(whole,))
    assert boxes_between(page, len(TEXT) - 3, len(TEXT)) == (PAGE.regions[3].box,)


def test_rows_are_found_in_the_text() -> None:
    """Each row's offsets cut its line out, also where its cells look like a rule."""
    assert [TEXT[slice(*each)] for each in row_offsets(TEXT, PLANS)] == [
        "| Gold | - |",
        "| - | - |",
    ]
    more = Table(TABLE, len(TEXT), (), (("a",),) * 9)
    assert row_offsets(TEXT, more) == []
    assert row_offsets(TEXT, Table(TABLE, len(TEXT), PLANS.header, ())) == []
