"""Assembles a page's pieces from its ink: every visible word once, in reading order."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.layout import Box, RegionKind
from pipeline.parsing.pdf.beside import read_across
from pipeline.parsing.pdf.block_pieces import block_pieces, paragraph
from pipeline.parsing.pdf.columns import in_reading_order
from pipeline.parsing.pdf.drawn_lines import Grounds
from pipeline.parsing.pdf.filled_forms import BESIDE, with_fields
from pipeline.parsing.pdf.guessed_tables import guessed_table
from pipeline.parsing.pdf.ink import Block, BlockKind, PageInk, Rule, Word, around, holds
from pipeline.parsing.pdf.ink import area as box_area
from pipeline.parsing.pdf.lines import lines_of
from pipeline.parsing.pdf.paragraphs import into_paragraphs
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TextLine
from pipeline.parsing.pdf.ruled_tables import RuledTable, ruled_tables
from pipeline.parsing.pdf.text_blocks import cut_at_gutter
from pipeline.parsing.pdf.tiles import Tiles
from pipeline.parsing.pdf.turned_text import is_straight, is_upright, turned_pieces

MAX_TITLE = 160
"""Characters of a table's title; a longer text above its columns is a paragraph."""

_MARGIN = 1.0
_MOST_OUTLINES = 500
_WHITE = 0xF5
_NOTE = "Note: "


def draft_page(ink: PageInk) -> PageDraft:
    """The pieces of a page."""
    draft = PageDraft(ink.number, ink.width, ink.height, ink.turn, ink.shown_size)
    draft.hidden = list(ink.hidden)
    draft.characters = sum(len(word.text) for word in ink.words)
    unknown = sum(len(word.text) for word in ink.words if word.uncertain)
    draft.uncertain = max(unknown, min(ink.unmapped, draft.characters))
    words, labels = with_fields(ink, _visible(ink, draft))
    upright = [word for word in words if is_upright(word)]
    tables = ruled_tables(ink.rules, ink.fills, [word for word in words if is_straight(word)])
    draft.ruled_rows = sum(table.ruled_rows for table in tables)
    draft.whole_rows = sum(table.whole_rows for table in tables)
    taken = {word.order for table in tables for word in table.words}
    free = [word for word in upright if word.order not in taken]
    owned, left = _by_block(ink.blocks, free, labels)
    read_across(ink.blocks, owned)
    draft.pieces = _in_order(ink, tables, owned)
    for line in _groups(left):
        _place(draft.pieces, paragraph(line))
    turned = [word for word in words if not is_upright(word) and word.order not in taken]
    for piece in turned_pieces(turned):
        _place(draft.pieces, piece)
    draft.pieces = into_paragraphs(in_reading_order(draft.pieces)) + _remarks(ink)
    return draft


def _visible(ink: PageInk, draft: PageDraft) -> list[Word]:
    """The words that a reader can see: white on white is left out, and counted."""
    seen: list[Word] = []
    grounds, outlines = Grounds(ink.fills), [rule for rule in ink.rules if rule.horizontal]
    for word in ink.words:
        if (
            _is_white(word.color)
            and ink.picture_share == 0
            and _is_on_white(word, grounds, outlines[:_MOST_OUTLINES])
        ):
            draft.hidden.append(word.text)
        else:
            seen.append(word)
    return seen


def _is_white(color: str) -> bool:
    return len(color) == 8 and all(int(color[i : i + 2], 16) >= _WHITE for i in (2, 4, 6))


def _is_on_white(word: Word, grounds: Grounds, outlines: Sequence[Rule]) -> bool:
    # A ground that is drawn as a shading or by a thin outline is none of the fills.
    return _is_white(grounds.color_at(*word.middle)) and not any(
        holds(Box(rule.start, rule.at - 40, rule.end, rule.at + 40), *word.middle)
        for rule in outlines
    )


def _by_block(
    blocks: Sequence[Block], words: Sequence[Word], labels: dict[int, Word]
) -> tuple[list[list[Word]], list[Word]]:
    """Each word with the block that holds it, or stands beside it on its line; and the others.

    Args:
        labels: words that belong where another word does.
    """
    owned: list[list[Word]] = [[] for _ in blocks]
    left: list[Word] = []
    places = Tiles(((block.box, i) for i, block in enumerate(blocks)), margin=_MARGIN)
    for word in words:
        x, y = labels.get(word.order, word).middle
        inside = [i for i in places.at(x, y) if holds(blocks[i].box, x, y, _MARGIN)]
        if inside:
            owned[min(inside, key=lambda i: box_area(blocks[i].box))].append(word)
        else:
            left.append(word)
    alone: list[Word] = []
    for word in left:
        beside = _beside(blocks, owned, word)
        if beside is None:
            alone.append(word)
        else:
            owned[beside].append(word)
    return owned, alone


def _beside(blocks: Sequence[Block], owned: Sequence[Sequence[Word]], word: Word) -> int | None:
    best: tuple[float, int] | None = None
    middle = word.middle[1]
    for index, block in enumerate(blocks):
        if block.kind is BlockKind.TABLE or not owned[index]:
            continue
        if not block.box.top <= middle <= block.box.bottom:
            continue
        gap = max(block.box.left - word.box.right, word.box.left - block.box.right)
        if gap <= BESIDE and (best is None or gap < best[0]):
            best = (gap, index)
    return best[1] if best else None


def _in_order(
    ink: PageInk, tables: Sequence[RuledTable], owned: Sequence[list[Word]]
) -> list[Piece]:
    """The blocks' pieces, each ruled table where the first block that it replaces stood."""
    pieces: list[Piece] = []
    waiting = list(tables)

    def is_table(block: Block, words: list[Word]) -> bool:
        return block.kind is BlockKind.TABLE and bool(guessed_table(block, words, ink.rules))

    parted = cut_at_gutter(ink.blocks, owned, is_table)
    for each, parts in zip(ink.blocks, parted, strict=True):
        for table in [table for table in waiting if _meets(each.box, table.box)]:
            waiting.remove(table)
            pieces += _ruled_pieces(table)
        for block, words in parts:
            whole = not any(_meets(block.box, table.box) for table in tables)
            if words:
                pieces += block_pieces(block, words, ink.rules, whole=whole)
    for table in waiting:
        for piece in _ruled_pieces(table):
            _place(pieces, piece)
    return pieces


def _meets(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    return across > 2.0 and down > 2.0


def _ruled_pieces(table: RuledTable) -> list[Piece]:
    draft = table.draft
    if draft is None:
        return [Piece(RegionKind.FORM_FIELD, table.box, table.lines, keeps_lines=True)]
    pieces = [Piece(RegionKind.TABLE, table.box, table=draft)]
    if len(draft.title) > MAX_TITLE:
        # A box of text above the columns, not what they are called.
        where = draft.header_box or table.box
        lines = [TextLine(line, where) for line in draft.title.split("\n")]
        draft.title = ""
        pieces.insert(0, Piece(RegionKind.PARAGRAPH, where, lines))
    return pieces


def _groups(words: Sequence[Word]) -> list[list[Word]]:
    """Words that no block has, by printed line; lines that follow each other stay together."""
    groups: list[list[Word]] = []
    for line in lines_of(words):
        box = around(word.box for word in line)
        if groups:
            last = around(word.box for word in groups[-1])
            near = box.top - last.bottom <= 0.8 * (box.bottom - box.top)
            if near and min(last.right, box.right) > max(last.left, box.left):
                groups[-1].extend(line)
                continue
        groups.append(list(line))
    return groups


def _place(pieces: list[Piece], piece: Piece) -> None:
    """Put a piece before the first one that stands below it in its column."""
    for index, other in enumerate(pieces):
        in_column = min(other.box.right, piece.box.right) > max(other.box.left, piece.box.left)
        if in_column and other.box.top >= piece.box.top:
            pieces.insert(index, piece)
            return
    pieces.append(piece)


def _remarks(ink: PageInk) -> list[Piece]:
    """Typed and sticky notes, marked as what they are, by their place on the page."""
    said = " ".join(word.text for word in ink.words)
    remarks = sorted(ink.annotations, key=lambda note: (note.box.top, note.box.left))
    different = {note.text: note for note in reversed(remarks) if note.text not in said}
    return [
        Piece(RegionKind.ANNOTATION, note.box, [TextLine(f"> {_NOTE}{note.text}", note.box)])
        for note in reversed(different.values())
    ]
