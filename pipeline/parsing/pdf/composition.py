"""Composes a page's pieces as Markdown, with the place of each part on the page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from pipeline.documents import ParsedPage
from pipeline.layout import Box, Region, RegionKind, Table
from pipeline.parsing.flowing.tables_in_markdown import table_markdown
from pipeline.parsing.pdf.headings import is_heading
from pipeline.parsing.pdf.ink import PageInk
from pipeline.parsing.pdf.lines import running_text
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TableDraft
from pipeline.text import normalize

_HEADING_MARK = re.compile(r"^(?=#{1,6}\s)")
_MAX_DEPTH = 4
_MAX_CAPTION = 100


class _Text:
    """A page's text as it grows, with regions and tables at their offsets."""

    def __init__(self, page: PageDraft) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.regions: list[Region] = []
        self.tables: list[Table] = []
        self._shown = PageInk(page.number, page.width, page.height, page.turn).as_shown

    def add(self, text: str, gap: str) -> int:
        """Append a text after a gap; returns where it begins."""
        if self.parts:
            self.parts.append(gap)
            self.length += len(gap)
        start = self.length
        self.parts.append(text)
        self.length += len(text)
        return start

    def region(self, kind: RegionKind, start: int, end: int, box: Box) -> None:
        """Note where a part of the text stands."""
        self.regions.append(Region(kind, start, end, self._shown(box)))

    def shown(self, box: Box) -> Box:
        """A box as the page is shown."""
        return self._shown(box)


def compose(page: PageDraft, vocabulary: Collection[str]) -> ParsedPage:
    """The finished page.

    Args:
        vocabulary: the words of the document, by which broken words are made whole.
    """
    text = _Text(page)
    before: Piece | None = None
    for piece in page.pieces:
        if piece.table is not None:
            _add_table(text, piece, piece.table, vocabulary, _caption(before))
        else:
            written = _written(piece, vocabulary)
            items = before is not None and before.kind is piece.kind is RegionKind.LIST
            start = text.add(written, "\n" if items else "\n\n")
            text.region(piece.kind, start, start + len(written), piece.box)
        before = piece
    return ParsedPage(
        page.number,
        "".join(text.parts),
        scanned=page.scanned,
        error=page.error,
        size=(round(page.size[0], 1), round(page.size[1], 1)) if page.placed else None,
        regions=tuple(text.regions) if page.placed else (),
        tables=tuple(text.tables),
        furniture=tuple(normalize(line).text for line in page.furniture),
    )


def _written(piece: Piece, vocabulary: Collection[str]) -> str:
    lines = [line.text for line in piece.lines]
    joined = "\n".join(lines) if piece.keeps_lines else running_text(lines, vocabulary)
    text = normalize(joined).text
    match piece.kind:
        case RegionKind.HEADING:
            return f"{'#' * min(max(piece.level, 1), 6)} {' '.join(text.split())}"
        case RegionKind.LIST:
            return "  " * min(piece.level, _MAX_DEPTH) + text
        case RegionKind.ANNOTATION:
            return text
    return _HEADING_MARK.sub("\\\\", text)


def _add_table(
    text: _Text,
    piece: Piece,
    table: TableDraft,
    vocabulary: Collection[str],
    above: str,
) -> None:
    def whole(cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(normalize(running_text(c.split("\n"), vocabulary)).text for c in cells)

    header, rows = whole(table.header), [whole(row) for row in table.rows]
    caption = whole((table.title,))[0] if table.title else ""
    if caption:
        title = f"**{caption}**"
        start = text.add(title, "\n\n")
        text.region(RegionKind.TABLE, start, start + len(title), table.header_box or piece.box)
    printed = header if table.header_box is not None or not table.continues else ()
    markdown = table_markdown(printed, rows)
    start = text.add(markdown, "\n\n")
    for line_start, line_end, box in _rows(markdown, start, table):
        text.region(RegionKind.TABLE, line_start, line_end, box)
    text.tables.append(
        Table(
            start,
            start + len(markdown),
            header,
            tuple(rows),
            caption=caption or above,
            continues=table.continues,
            box=text.shown(piece.box),
        )
    )


def _rows(markdown: str, start: int, table: TableDraft) -> Iterator[tuple[int, int, Box]]:
    """The header's and each row's place in the text and on the page."""
    boxes = [table.header_box, None, *table.boxes]
    for line, box in zip(markdown.split("\n"), boxes, strict=True):
        if box is not None:
            yield start, start + len(line), box
        start += len(line) + 1


def _caption(before: Piece | None) -> str:
    """The line right above a table, when it can be the table's name and is no heading already."""
    if before is None or before.kind is not RegionKind.PARAGRAPH or len(before.lines) != 1:
        return ""
    line = normalize(before.lines[0].text).text
    short = len(line) <= _MAX_CAPTION and not line.endswith(".")
    return line if short and is_heading(line) else ""
