"""Measures a document's chunks and headings, for the gate."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Protocol

from pipeline.chunking.blocks import Block, BlockKind, scan
from pipeline.chunking.outline import settle
from pipeline.chunking.sections import sections_of
from pipeline.chunking.tables import Head, heads_of
from pipeline.documents import ParsedDocument
from pipeline.text import count_visible

_LEAST_CHUNKS = 5


class Piece(Protocol):
    """A chunk, or a row of one."""

    @property
    def start(self) -> int:
        """Offset into the document's text."""
        ...

    @property
    def end(self) -> int:
        """Offset into the document's text."""
        ...

    @property
    def context(self) -> str:
        """What stands beside it."""
        ...


@dataclass(frozen=True, slots=True)
class Assessment:
    """How the chunks of a document stand to its structure.

    Attributes:
        chunks: all of them.
        only_headings: those that hold nothing but headings.
        only_furniture: those that hold nothing but page numbers, running lines and rules, with or
            without headings.
        with_rows: those that hold rows of a table whose columns have names.
        rows_without_columns: of these, those that neither hold the names nor have them beside.
        headings: in the document, with a reach.
        longest_heading: in characters.
        heading_share: of the visible characters of the text, 0 to 1.
    """

    chunks: int
    only_headings: int
    only_furniture: int
    with_rows: int
    rows_without_columns: int
    headings: int
    longest_heading: int
    heading_share: float

    @property
    def substantial_share(self) -> float:
        """The share of chunks that say something of their own, 0 to 1.

        NaN for a document of a few chunks: a note may be a heading alone.
        """
        if self.chunks < _LEAST_CHUNKS:
            return nan
        return 1 - (self.only_headings + self.only_furniture) / self.chunks

    @property
    def headed_share(self) -> float:
        """The share of pieces of tables that say what their columns are, 0 to 1.

        NaN for a document without a table whose columns have names.
        """
        return 1 - self.rows_without_columns / self.with_rows if self.with_rows else nan


def assess(document: ParsedDocument, pieces: Iterable[Piece]) -> Assessment:
    """Measure the chunks of a document against its own structure, which is read anew."""
    blocks = scan(document)
    settle(document, blocks)
    heads = heads_of(document, blocks)
    sections_of(blocks, paged=document.paged)  # takes headings that only repeat others for text
    starts = [block.start for block in blocks]
    held = [(each, _held(blocks, starts, each)) for each in pieces]
    rows = [(each, own) for each, own in held if _named_tables(own, heads)]
    titles = [len(block.title) for block in blocks if block.kind is BlockKind.HEADING]
    return Assessment(
        chunks=len(held),
        only_headings=sum(_only_headings(own) for _, own in held),
        only_furniture=sum(_only_furniture(own) for _, own in held),
        with_rows=len(rows),
        rows_without_columns=sum(_lacks_columns(each, own, heads) for each, own in rows),
        headings=len(titles),
        longest_heading=max(titles, default=0),
        heading_share=sum(titles) / max(count_visible(document.text), 1),
    )


def _held(blocks: Sequence[Block], starts: Sequence[int], piece: Piece) -> list[Block]:
    first = max(0, bisect_right(starts, piece.start) - 1)
    return list(blocks[first : bisect_right(starts, piece.end - 1)])


def _only_headings(blocks: Sequence[Block]) -> bool:
    return bool(blocks) and all(block.kind is BlockKind.HEADING for block in blocks)


def _only_furniture(blocks: Sequence[Block]) -> bool:
    said = [block for block in blocks if block.kind is not BlockKind.HEADING]
    return bool(said) and all(block.thin for block in said)


def _named_tables(blocks: Sequence[Block], heads: dict[int, Head]) -> list[Block]:
    return [block for block in blocks if block.start in heads and heads[block.start].columns]


def _lacks_columns(piece: Piece, blocks: Sequence[Block], heads: dict[int, Head]) -> bool:
    """Whether it holds rows whose columns are named neither in it nor beside it."""
    begun = [heads[block.start].header_at for block in _named_tables(blocks, heads)]
    return "Columns:" not in piece.context and any(
        not piece.start <= header_at < piece.end for header_at in begun
    )
