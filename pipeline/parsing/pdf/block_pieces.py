"""Classifies a block of a page: a heading, an item, a table, or paragraphs in columns."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.layout import RegionKind
from pipeline.parsing.pdf.guessed_tables import guessed_table
from pipeline.parsing.pdf.headings import is_heading
from pipeline.parsing.pdf.ink import Block, BlockKind, Rule, Word
from pipeline.parsing.pdf.items import as_item
from pipeline.parsing.pdf.lines import has_columns, lines_of
from pipeline.parsing.pdf.pieces import Piece, piece_box, text_lines
from pipeline.parsing.pdf.text_columns import text_columns

_COLUMN_LINES = 0.4
# A line that begins with a box to tick is no running text.
_BOXES = ("[x]", "[ ]", "☐", "☑", "☒", "❑", "❏")


def block_pieces(
    block: Block, words: list[Word], rules: Sequence[Rule], *, whole: bool
) -> list[Piece]:
    """What a block is, from its words; when a ruled table took a part of it, only the words."""
    is_table = whole and block.kind is BlockKind.TABLE
    if is_table and (draft := guessed_table(block, words, rules)) is not None:
        return [Piece(RegionKind.TABLE, block.box, table=draft)]
    if whole and block.kind is BlockKind.HEADING:
        lines = text_lines(words)
        if is_heading(" ".join(line.text for line in lines)):
            return [Piece(RegionKind.HEADING, piece_box(lines), lines, level=block.level)]
    if block.kind in (BlockKind.CODE, BlockKind.GRID) and whole:
        return [paragraph(words, keeps_lines=True)]
    columns = text_columns(words)
    if whole and block.kind is BlockKind.LIST_ITEM and len(columns) == 1:
        lines = text_lines(words)
        lines[0].text = as_item(lines[0].text, block.marker)
        return [Piece(RegionKind.LIST, piece_box(lines), lines, level=block.level)]
    return [paragraph(column) for column in columns]


def paragraph(words: list[Word], *, keeps_lines: bool = False) -> Piece:
    """Words as a paragraph; lines that are no running text stay lines."""
    printed = lines_of(words)
    columns = sum(has_columns(line) for line in printed)
    lines = text_lines(words)
    keeps = (
        keeps_lines
        or (columns > 1 and columns >= _COLUMN_LINES * len(printed))
        or any(word.filled for word in words)
        or any(line.text.startswith(_BOXES) for line in lines)
    )
    return Piece(RegionKind.PARAGRAPH, piece_box(lines), lines, keeps_lines=keeps)
