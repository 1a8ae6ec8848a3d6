"""Places chunks and table rows on one page of a document, as it is shown beside its picture."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar
from uuid import UUID

from pipeline.documents import ParsedPage
from pipeline.layout import Box, Region, Table

# A chunk that ends with the first word of a paragraph does not stand where that paragraph does.
_FEW = 0.1


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as it is stored; the offsets are into the document's canonical text."""

    chunk_id: UUID
    ordinal: int
    start_offset: int
    end_offset: int
    heading_path: list[str]
    context: str
    role: str


@dataclass(frozen=True, slots=True)
class ChunkOnPage:
    """What stands of a chunk on one page.

    Attributes:
        start, end: offsets into the page's text.
        from_before, goes_on: whether more of it stands on the page before, or after.
        boxes: where it stands on the page: the regions that it has a part in.
    """

    chunk_id: UUID
    ordinal: int
    role: str
    context: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    from_before: bool
    goes_on: bool
    boxes: tuple[Box, ...]


def chunks_on(page: ParsedPage, begins: int, chunks: Iterable[StoredChunk]) -> list[ChunkOnPage]:
    """The chunks that have a part on a page.

    Args:
        begins: the offset of the page in the document's canonical text.
    """
    places = _Places(page)
    found = (_on_page(page, places, begins, chunk) for chunk in chunks)
    return [chunk for chunk in found if chunk.start < chunk.end]


def _on_page(page: ParsedPage, places: _Places, begins: int, chunk: StoredChunk) -> ChunkOnPage:
    first, last = chunk.start_offset - begins, chunk.end_offset - begins
    start, end = max(first, 0), min(last, len(page.text))
    return ChunkOnPage(
        chunk.chunk_id, chunk.ordinal, chunk.role, chunk.context, tuple(chunk.heading_path),
        start, end, first < 0, last > len(page.text), places.between(start, end),
    )  # fmt: skip


def boxes_between(page: ParsedPage, start: int, end: int) -> tuple[Box, ...]:
    """Where a part of a page's text stands; a table without regions of its own as a whole.

    A region of which it has a few characters only is left out where it has others.

    Args:
        start, end: offsets into the page's text.
    """
    return _Places(page).between(start, end)


class _Places:
    """Where the text of a page stands; made once, so that a page of many regions is no trap."""

    def __init__(self, page: ParsedPage) -> None:
        self._regions = _Spans(page.regions)
        whole = [each for each in page.tables if each.box is not None]
        self._tables = _Spans(
            [each for each in whole if not self._regions.touching(each.start, each.end)]
        )

    def between(self, start: int, end: int) -> tuple[Box, ...]:
        """The boxes of what stands between two offsets, as `boxes_between` tells."""
        near = self._regions.touching(start, end)
        shares = [(each, _share(each, start, end)) for each in near]
        best = max((share for _, share in shares), default=0.0)
        regions = [each.box for each, share in shares if share > 0 and share >= min(_FEW, best)]
        whole = [each.box for each in self._tables.touching(start, end) if each.box is not None]
        return (*regions, *whole)


_Spanned = TypeVar("_Spanned", bound=Region | Table)


class _Spans(Generic[_Spanned]):
    """Spans of a text, looked up by their offsets."""

    def __init__(self, spans: Iterable[_Spanned]) -> None:
        self._spans: list[_Spanned] = sorted(spans, key=lambda each: each.start)
        self._starts: list[int] = [each.start for each in self._spans]
        # how far any span up to here reaches
        self._reach: list[int] = list(accumulate((each.end for each in self._spans), max))

    def touching(self, start: int, end: int) -> list[_Spanned]:
        """Those with a part between two offsets."""
        first, last = bisect_right(self._reach, start), bisect_left(self._starts, end)
        return [each for each in self._spans[first:last] if each.end > start]


def _share(region: Region, start: int, end: int) -> float:
    """How much of a region's text lies between two offsets."""
    part = min(region.end, end) - max(region.start, start)
    return part / (region.end - region.start) if part > 0 else 0.0


def row_offsets(text: str, table: Table) -> list[tuple[int, int]]:
    """Where each row of a table stands in the page's text: the last lines of its Markdown.

    Empty when there are fewer lines than rows: then it cannot be told.
    """
    lines: list[tuple[int, int]] = []
    position = table.start
    for line in text[table.start : table.end].splitlines(keepends=True):
        if line.strip():
            lines.append((position, position + len(line.rstrip())))
        position += len(line)
    count = len(table.rows)
    return lines[len(lines) - count :] if 0 < count <= len(lines) else []
