"""Splits text into the spans that chunks are made of, and cuts long ones finer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.chunking.blocks import MAX_GAP, BlockKind
from pipeline.chunking.cuts import Grain, cut
from pipeline.chunking.sections import Section
from pipeline.tokens import Tokenizer

# A span with more characters than this for each token allowed is cut before it is ever counted.
_CHARS_PER_TOKEN = 32
_TOO_MANY = 1 << 60
_INTRODUCED = (BlockKind.LIST, BlockKind.TABLE, BlockKind.CODE)


@dataclass(slots=True)
class Unit:
    """A span that is not cut: a block, or a piece of a block that was too long.

    Attributes:
        tokens: of the span with the white space after it.
        keep_next: a heading or an introduction, which should not end a passage.
        inner: the span's end lies within a block.
    """

    start: int
    end: int
    kind: BlockKind
    grain: Grain = Grain.BLOCK
    tokens: int = _TOO_MANY
    keep_next: bool = False
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """The tokens that a section's passages may hold besides the headings.

    Attributes:
        whole: when the section is one passage.
        overlap: of it, what a passage may repeat from the one before.
        context: of it, what a passage may need to say of a table that begins before it.
    """

    whole: int
    overlap: int
    context: int = 0

    @property
    def body(self) -> int:
        """What a passage of a longer section may hold besides its overlap and its context."""
        return self.whole - self.overlap - self.context


@dataclass(slots=True)
class Stretch:
    """The units of one section up to a large gap of white space, which belongs to no passage."""

    section: Section
    room: Room
    units: list[Unit]

    @property
    def fits(self) -> bool:
        """Whether it is one passage."""
        return sum(unit.tokens for unit in self.units) <= self.room.whole


def stretches_of(text: str, section: Section, room: Room) -> list[Stretch]:
    """One unit a block, parted at large gaps."""
    stretches: list[list[Unit]] = [[]]
    for block in section.blocks:
        before = stretches[-1]
        if block.kind is BlockKind.LEFT_OUT:
            stretches.append([])
            continue
        unit = Unit(block.start, block.end, block.kind)
        unit.keep_next = block.joined or block.kind is BlockKind.HEADING
        if block.thin:
            # Beside a heading, or first, it goes with what follows, else with what is before it.
            unit.keep_next = not before or before[-1].keep_next
            if before:
                before[-1].keep_next = True
        if before and block.kind in _INTRODUCED and before[-1].kind is BlockKind.PARAGRAPH:
            before[-1].keep_next |= _words_end(text, before[-1])[1] == ":"
        before.append(unit)
        words_end, _ = _words_end(text, unit)
        if unit.end - words_end > MAX_GAP:
            unit.end = words_end
            stretches.append([])
    return [Stretch(section, room, units) for units in stretches if units]


def count_units(text: str, units: Iterable[Unit], tokenizer: Tokenizer, max_tokens: int) -> None:
    """Fill in the tokens of units in one call; far too long ones stay uncounted, as too many."""
    counted = [u for u in units if u.end - u.start <= max_tokens * _CHARS_PER_TOKEN]
    texts = [text[unit.start : unit.end] for unit in counted]
    for unit, tokens in zip(counted, tokenizer.count_continuing(texts), strict=True):
        unit.tokens = tokens


def refine(text: str, stretches: list[Stretch], tokenizer: Tokenizer) -> None:
    """Cut the units that cannot be in a passage finer and finer, until each can."""
    while stretches:
        fresh: list[Unit] = []
        remaining: list[Stretch] = []
        for stretch in stretches:
            pieces = _refined(text, stretch)
            if pieces:
                fresh.extend(pieces)
                remaining.append(stretch)
        longest = max((stretch.room.whole for stretch in remaining), default=0)
        count_units(text, fresh, tokenizer, longest)
        stretches = remaining


def pieces_of(text: str, unit: Unit, grain: Grain, step: int) -> list[Unit]:
    """A unit cut at a grain, uncounted; its last piece ends like the unit itself."""
    spans = cut(text, unit.start, unit.end, unit.kind, grain, step)
    pieces = [Unit(start, end, unit.kind, grain, inner=True) for start, end in spans]
    pieces[-1].keep_next, pieces[-1].inner = unit.keep_next, unit.inner
    return pieces


def _refined(text: str, stretch: Stretch) -> list[Unit]:
    """Replace too long units by finer pieces, and return those pieces."""
    units: list[Unit] = []
    fresh: list[Unit] = []
    body = stretch.room.body
    lead = 0
    for unit in stretch.units:
        # A heading must not be left alone because what follows fits only without it.
        if unit.tokens > body - min(lead, body // 2) and unit.grain < Grain.RUN:
            pieces = pieces_of(text, unit, Grain(unit.grain + 1), max(4, body // 2))
            units.extend(pieces)
            fresh.extend(pieces)
            lead = 0
            continue
        units.append(unit)
        lead = lead + unit.tokens if unit.keep_next else 0
    stretch.units = units
    return fresh


def _words_end(text: str, unit: Unit) -> tuple[int, str]:
    """Where the unit's words end, and its last character that is not white space."""
    end = unit.end
    while text[end - 1].isspace():
        end -= 1
    return end, text[end - 1]
