"""What holds for any page: each word once, each cell in its place, each offset right."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.parsing.flowing.tables_in_markdown import table_markdown
from tests.pipeline.parsing.pdf.made_pdfs import Grid, Rules, Sheets, Span, only_page, parse

WORDS = re.compile(r"[a-z]+\d*")
LOCAL = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
syllables = st.sampled_from(("plan", "visit", "copay", "rider", "limit", "claim", "flood", "theft"))


class Words:
    """Words of which each is another one."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.given: list[str] = []

    def next(self) -> str:
        """A word that was not given yet."""
        self.given.append(f"{self._draw(syllables)}{len(self.given)}")
        return self.given[-1]

    def line(self, most: int) -> str:
        """Some words."""
        return " ".join(self.next() for _ in range(self._draw(st.integers(1, most))))


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """A grid with a bold header, of cells that are merged at random, each with words."""
    columns, rows = draw(st.integers(2, 5)), draw(st.integers(2, 7))
    words, taken = Words(draw), set()
    cells = [Span(0, column, words.next()) for column in range(columns)]
    for row in range(1, rows):
        for column in range(columns):
            if (row, column) in taken:
                continue
            down = draw(st.sampled_from([1, 1, 1, 2]))
            across = draw(st.sampled_from([1, 1, 1, 2]))
            area = [(r, c) for r in range(row, row + down) for c in range(column, column + across)]
            if (
                any(place in taken or place[0] >= rows or place[1] >= columns for place in area)
                or across >= columns
            ):
                area, down, across = [(row, column)], 1, 1
            taken.update(area)
            lines = [words.line(2) for _ in range(draw(st.integers(1, 2)))]
            cells.append(Span(row, column, "\n".join(lines), down, across))
    rules: Rules = draw(st.sampled_from(["lines", "dashed", "boxes", "double"]))
    return Grid([470 / columns] * columns, [32] * rows, cells, rules=rules, bold=(0,))


def expected_rows(grid: Grid) -> list[tuple[str, ...]]:
    """The rows of a grid below its header, merged values in each of their cells."""
    table = [["" for _ in grid.widths] for _ in grid.heights]
    for cell in grid.cells:
        for row in range(cell.row, cell.row + cell.rows):
            for column in range(cell.column, cell.column + cell.columns):
                table[row][column] = cell.text.replace("\n", " ")
    begins = {cell.row for cell in grid.cells}
    # A row in which nothing begins is drawn by no line.
    return [tuple(row) for number, row in enumerate(table) if number and number in begins]


@LOCAL
@given(grids())
def test_a_grid_comes_back_cell_by_cell(grid: Grid) -> None:
    """Random words in a random grid with random merges come back in their cells."""
    sheets = Sheets()
    grid.draw(sheets)
    (table,) = only_page(sheets.bytes()).tables
    assert list(table.rows) == expected_rows(grid)


@st.composite
def pages(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A PDF with paragraphs, tables, columns, turned text and running lines, and its words."""
    words, sheets = Words(draw), Sheets()
    count = draw(st.integers(1, 4))
    header = words.line(3)
    for number in range(count):
        sheets.text(72, 40, header, size=8)
        y = 80.0
        while y < 600:
            kind = draw(st.sampled_from(["text", "heading", "table", "columns", "gap"]))
            if kind == "text":
                y = sheets.lines(72, y, [words.line(9) for _ in range(draw(st.integers(1, 4)))])
            elif kind == "heading":
                sheets.text(72, y + 8, words.line(4), size=16, font="Helvetica-Bold")
                y += 14
            elif kind == "columns":
                lines = [[words.line(5) for _ in range(4)] for _ in range(2)]
                sheets.lines(72, y, lines[0], size=9)
                y = sheets.lines(330, y, lines[1], size=9)
            elif kind == "table":
                cells = [Span(r, c, words.next()) for r in range(3) for c in range(3)]
                Grid([150] * 3, [18] * 3, cells, bold=(0,)).draw(sheets, top=y)
                y += 54
            y += draw(st.sampled_from([14, 24, 60]))
        if draw(st.booleans()):
            sheets.text(30, 500, words.line(3), size=8, turn=90)
        sheets.text(300, 770, f"page{number}", size=8)
        sheets.next()
    spoken = [*words.given, *(f"page{number}" for number in range(count))]
    return sheets.bytes(), spoken


@LOCAL
@given(pages())
def test_each_word_is_read_once(made: tuple[bytes, list[str]]) -> None:
    """Every word of a document is in a page's text or among its running lines, once each time."""
    content, spoken = made
    document = parse(content)
    read = Counter(WORDS.findall(document.text))
    left = Counter(word for p in document.pages for line in p.furniture for word in line.split())
    header = [word for word in spoken if read[word] + left[word] != 1]
    pages_ = len(document.pages)
    assert all(read[word] + left[word] == pages_ for word in header), header
    assert set(read) | set(left) == set(spoken)


@LOCAL
@given(pages())
def test_places_are_right(made: tuple[bytes, list[str]]) -> None:
    """Regions lie on the page, in order; a table's offsets are those of its Markdown."""
    document = parse(made[0])
    for page in document.pages:
        check_regions(page)
        check_tables(page)
    check_stored(document)


def check_regions(page: ParsedPage) -> None:
    """Regions follow each other, cover the text and lie within the page."""
    assert page.size is not None
    width, height = page.size
    before = 0
    for region in page.regions:
        assert before <= region.start < region.end <= len(page.text)
        assert not page.text[before : region.start].strip("\n|- ")
        before = region.end
        assert -1 <= region.box.left <= region.box.right <= width + 1
        assert -1 <= region.box.top <= region.box.bottom <= height + 1
    assert not page.text[before:].strip("\n|- ")


def check_tables(page: ParsedPage) -> None:
    """A table's offsets are those of its Markdown."""
    before = 0
    for table in page.tables:
        assert before <= table.start < table.end <= len(page.text)
        printed = page.text[table.start : table.end]
        assert printed in (
            table_markdown(table.header, table.rows),
            table_markdown((), table.rows),
        )
        before = table.end


def check_stored(document: ParsedDocument) -> None:
    """What is stored is read back equal."""
    assert ParsedDocument.from_json(document.to_json()) == document
