"""Citations: where exactly a passage stands, so that a reader can check it against its document.

The shape is one for the command line's JSON, the HTTP API and Python; docs/json.md describes it.
Fields may be added; none is renamed or removed within a major version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.highlights import Span, hits
from pipeline.layout import Table
from pipeline.pages import boxes_between, row_offsets


@dataclass(frozen=True, slots=True)
class PageBox:
    """A part of a page as it is shown: points from its upper left corner."""

    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of a table that stand in a passage.

    Attributes:
        header: the name of each column; empty where the table has none.
        rows: the cells of each row. row: which of them holds most of the question's words, from 0;
            None when none holds any.
    """

    page: int | None
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """What only the parsed text tells of a passage's place.

    Attributes:
        paragraph_first, paragraph_last: from 1, for a format without pages. Paragraphs are set
            apart by blank lines; headings, lists and tables count.
        boxes: where it stands on its pages, when that is known.
    """

    paragraph_first: int | None = None
    paragraph_last: int | None = None
    boxes: tuple[PageBox, ...] = ()
    tables: tuple[TableRows, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a passage stands.

    Attributes:
        document: its name. source: its path or URI. version: of the document, from 1.
        file_sha256: of the bytes as they were taken in.
        form, edition: as printed, or empty. edition_date: ISO date, its month's first day where no
            day is printed. effective_date: ISO date. Both are None when they are not printed.
        date: what filters by date go by: the effective date, else the edition's, else the day on
            which the version was taken in.
        page_first, page_last: from 1; None for a format without pages.
        start, end: characters of the parsed text (pages are joined by two line ends).
        highlights: the question's words, as characters of the passage's text.
        original: path of the API that gives a link to the file. page_view: path of the dashboard
            that shows the passage on its page.
    """

    document_id: UUID
    document: str
    source: str
    version: int | None
    job_id: UUID | None
    file_sha256: str | None
    media_type: str | None
    language: str
    form: str
    edition: str
    edition_date: str | None
    effective_date: str | None
    date: str
    chunk_id: UUID
    page_first: int | None
    page_last: int | None
    paragraph_first: int | None
    paragraph_last: int | None
    boxes: tuple[PageBox, ...]
    start: int
    end: int
    heading_path: tuple[str, ...]
    role: str
    tables: tuple[TableRows, ...]
    highlights: tuple[Span, ...]
    original: str
    page_view: str


@dataclass(frozen=True, slots=True)
class Copy:
    """The same passage in another place.

    Attributes:
        document: its name. source: its path or URI. edition: as printed, or empty.
        same: word for word; otherwise the two differ in a few words, none of them a figure or one
            that turns the meaning.
    """

    document_id: UUID
    document: str
    source: str
    chunk_id: UUID
    page_first: int | None
    page_last: int | None
    version: int | None
    edition: str
    edition_date: str | None
    effective_date: str | None
    same: bool


def original_path(document_id: UUID, version: int | None) -> str:
    """The path of the API that gives a link to the file of a version."""
    query = "" if version is None else f"?version={version}"
    return f"/api/v1/documents/{document_id}/original{query}"


def page_view_path(document_id: UUID, page: int | None, chunk_id: UUID) -> str:
    """The path of the dashboard that shows a passage on its page."""
    return f"/#page={document_id}/{page or 1}&chunk={chunk_id}"


def place_in(
    document: ParsedDocument,
    start: int,
    end: int,
    words: frozenset[str] = frozenset(),
    language: str = "",
) -> Place:
    """Where a part of a document's canonical text stands.

    Args:
        words: of the question, as `highlights.question_words` gives them for the language.
    """
    parts = list(_parts(document, start, end))
    first, last = (None, None) if document.paged else _paragraphs(document.text, start, end)
    return Place(
        first,
        last,
        tuple(
            PageBox(page.number, *(round(value, 1) for value in box))
            for page, begin, stop in parts
            for box in boxes_between(page, begin, stop)
        ),
        tuple(
            found
            for page, begin, stop in parts
            for table in page.tables
            if (found := _rows(document, page, table, begin, stop, words, language)) is not None
        ),
    )


def _parts(document: ParsedDocument, start: int, end: int) -> Iterator[tuple[ParsedPage, int, int]]:
    """The pages that a part of the text touches, with its offsets into their own texts."""
    for page, begins in zip(document.pages, document.page_starts, strict=True):
        begin, stop = max(start - begins, 0), min(end - begins, len(page.text))
        if begin < stop:
            yield page, begin, stop


def _rows(
    document: ParsedDocument,
    page: ParsedPage,
    table: Table,
    begin: int,
    stop: int,
    words: frozenset[str],
    language: str,
) -> TableRows | None:
    offsets = row_offsets(page.text, table) if table.start < stop and table.end > begin else []
    rows = tuple(
        row
        for row, (first, last) in zip(table.rows, offsets, strict=False)
        if first < stop and last > begin
    )
    if not rows:
        return None
    number = page.number if document.paged else None
    return TableRows(number, table.caption, table.header, rows, _best(rows, words, language))


def _best(rows: tuple[tuple[str, ...], ...], words: frozenset[str], language: str) -> int | None:
    found = [len(hits(" ".join(row), words, language)) for row in rows]
    return found.index(max(found)) if any(found) else None


def _paragraphs(text: str, start: int, end: int) -> tuple[int, int]:
    """The paragraphs of a text in which a part of it begins and ends, from 1."""
    # A part may begin with the blank line before its first paragraph.
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    first = len(_blocks(text[: start + 1]))
    return first, first + len(_blocks(text[start:end])) - 1


def _blocks(text: str) -> list[str]:
    return [block for block in text.split("\n\n") if block.strip()]
