"""From sections to passages: what fits stays whole, the rest is cut where its content says.

Where a long section is cut depends only on the text near the cut, so an edit moves the cuts near
it and leaves the others, and the ids of their chunks, as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

from pipeline.chunking.cuts import Grain
from pipeline.chunking.sections import Section
from pipeline.chunking.units import (
    Room,
    Stretch,
    Unit,
    count_units,
    pieces_of,
    refine,
    stretches_of,
)
from pipeline.tokens import Tokenizer

# Prose has four to five characters a token; what lies further back is not worth counting.
_CHARS_PER_OVERLAP_TOKEN = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk in the making: units that meet without a gap, in one section."""

    section: Section
    units: tuple[Unit, ...]


@dataclass(slots=True)
class _Group:
    """A passage before its overlap: what it adds, and what the one before it added."""

    stretch: Stretch
    units: Sequence[Unit]
    before: Sequence[Unit]


def assemble(
    text: str, sections: Iterable[tuple[Section, Room]], tokenizer: Tokenizer
) -> list[Passage]:
    """The passages of sections, in order, each within its section's room."""
    stretches = [s for section, room in sections for s in stretches_of(text, section, room)]
    largest = max((stretch.room.whole for stretch in stretches), default=0)
    count_units(text, (u for stretch in stretches for u in stretch.units), tokenizer, largest)
    refine(text, [stretch for stretch in stretches if not stretch.fits], tokenizer)
    groups = [group for stretch in stretches for group in _groups(text, stretch)]
    overlaps = _overlaps(text, groups, tokenizer)
    return [
        Passage(group.stretch.section, (*overlap, *group.units))
        for group, overlap in zip(groups, overlaps, strict=True)
    ]


def _groups(text: str, stretch: Stretch) -> list[_Group]:
    if stretch.fits:
        return [_Group(stretch, stretch.units, ())]
    groups: list[_Group] = []
    units, first, left = stretch.units, 0, sum(unit.tokens for unit in stretch.units)
    while first < len(units):
        last = len(units) if left <= stretch.room.body else _end(text, stretch, first, left)
        before = groups[-1].units if groups else ()
        groups.append(_Group(stretch, units[first:last], before))
        left -= sum(unit.tokens for unit in units[first:last])
        first = last
    return groups


def _end(text: str, stretch: Stretch, first: int, left: int) -> int:
    """The index after the last unit of the passage that begins at `first`.

    Among the places that leave it at least half full, the one whose text hashes lowest: the same
    text then chooses the same place, wherever the passage happened to begin.
    """
    units, body = stretch.units, stretch.room.body
    tokens = 0
    fallback, best, best_rank = first + 1, 0, (True, True, 1 << 32)
    for index in range(first, len(units)):
        unit = units[index]
        tokens += unit.tokens
        if tokens > body:
            break
        if not unit.keep_next:
            fallback = index + 1
        if 2 * tokens >= body and not unit.keep_next:
            leaves_crumb = 4 * (left - tokens) < body
            rank = (leaves_crumb, unit.inner, _hash(text, unit))
            if rank <= best_rank:
                best, best_rank = index + 1, rank
    return best or fallback


def _hash(text: str, unit: Unit) -> int:
    return crc32(text[unit.start : unit.end].rstrip().encode())


def _overlaps(text: str, groups: Sequence[_Group], tokenizer: Tokenizer) -> list[tuple[Unit, ...]]:
    """What each passage repeats of the one before it: whole units, then whole pieces of one."""
    taken: list[list[Unit]] = []
    parted: list[list[Unit]] = []
    for group in groups:
        units = _tail(group.before[1:], group.stretch.room.overlap)
        taken.append(units)
        parted.append(_parted(text, group, len(units)))
    count_units(text, (u for units in parted for u in units), tokenizer, 1 << 20)
    overlaps: list[tuple[Unit, ...]] = []
    for group, units, pieces in zip(groups, taken, parted, strict=True):
        room = group.stretch.room.overlap - sum(unit.tokens for unit in units)
        overlaps.append((*_tail(pieces, room), *units))
    return overlaps


def _parted(text: str, group: _Group, taken: int) -> list[Unit]:
    if not group.before or not group.stretch.room.overlap:
        return []
    unit = group.before[-1 - taken]
    if unit.grain is not Grain.BLOCK or unit.keep_next:
        return []
    # Without its first piece, so that a passage never repeats all of the one before it.
    pieces = pieces_of(text, unit, Grain.PART, 1)[1:]
    near = unit.end - group.stretch.room.overlap * _CHARS_PER_OVERLAP_TOKEN
    return [piece for piece in pieces if piece.start >= near]


def _tail(units: Sequence[Unit], room: int) -> list[Unit]:
    """The last units that fit in `room` tokens; a heading is not repeated."""
    tail: list[Unit] = []
    for unit in reversed(units):
        room -= unit.tokens
        if room < 0 or unit.keep_next:
            break
        tail.insert(0, unit)
    return tail
