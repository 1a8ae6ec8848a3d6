"""Assembles sections into chunks: what fits stays whole, the rest is cut where its content says.

Where a long section is cut depends only on the text near the cut, so an edit moves the cuts near
it and leaves the others, and the ids of their chunks, as they were.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
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
# Spans of more passages than this are parted by content alone: an edit reaches no further.
_FAR = 3


@dataclass(frozen=True, slots=True)
class DraftChunk:
    """A chunk in the making: units that meet without a gap, in one section.

    Attributes:
        own_start: where what it repeats of the passage before it ends.
    """

    section: Section
    units: tuple[Unit, ...]
    own_start: int


@dataclass(slots=True)
class _Group:
    """A passage before its overlap: what it adds, and what it may repeat of the one before it."""

    stretch: Stretch
    units: Sequence[Unit]
    before: Sequence[Unit]


def assemble(
    text: str, sections: Iterable[tuple[Section, Room]], tokenizer: Tokenizer
) -> list[DraftChunk]:
    """The passages of sections, in order, each within its section's room.

    Args:
        text: the document's, with `fold_in_place`.
    """
    stretches = [s for section, room in sections for s in stretches_of(text, section, room)]
    largest = max((stretch.room.whole for stretch in stretches), default=0)
    count_units(text, (u for stretch in stretches for u in stretch.units), tokenizer, largest)
    refine(text, [stretch for stretch in stretches if not stretch.fits], tokenizer)
    groups = [group for stretch in stretches for group in _groups(text, stretch)]
    overlaps = _overlaps(text, groups, tokenizer)
    return [
        DraftChunk(group.stretch.section, (*overlap, *group.units), group.units[0].start)
        for group, overlap in zip(groups, overlaps, strict=True)
    ]


def _groups(text: str, stretch: Stretch) -> list[_Group]:
    if stretch.fits:
        return [_Group(stretch, stretch.units, ())]
    ends = list(accumulate(unit.tokens for unit in stretch.units))
    cuts = _filled(stretch, ends, _chosen(text, stretch, ends))
    groups: list[_Group] = []
    for first, last in pairwise(cuts):
        before = _repeatable(text, groups[-1].units) if groups else ()
        groups.append(_Group(stretch, stretch.units[first:last], before))
    return groups


def _chosen(text: str, stretch: Stretch, ends: Sequence[int]) -> list[int]:
    """Cuts by content, as token positions: places are tried in the order of their text's hash.

    First far apart, so that what is taken hangs only on the text nearby; then each span between
    two of those cuts is shared out among as few passages as can hold it.
    """
    body = stretch.room.body
    places = [(inner, ends[index]) for inner, _, index in sorted(_ranked(text, stretch.units[:-1]))]
    anchors = [0, ends[-1]]
    for _, place in places:
        after = bisect_left(anchors, place)
        left, right = anchors[after - 1], anchors[after]
        if right - left > _FAR * body and min(place - left, right - place) >= body:
            anchors.insert(after, place)
    shared: list[list[tuple[bool, int]]] = [[] for _ in anchors]
    for each in places:
        shared[bisect_left(anchors, each[1])].append(each)
    chosen = [0]
    for left, right, inside in zip(anchors, anchors[1:], shared[1:], strict=False):
        chosen += _shared_out(left, right, inside, stretch.room)
    return chosen


def _shared_out(left: int, right: int, places: list[tuple[bool, int]], room: Room) -> list[int]:
    """Where the passages of a span end, the last at `right`.

    Args:
        places: (within a block, token position) in the order of preference.
    """
    fewest = _needed(left, right, room)
    if fewest <= 1:
        return [right]
    inside = [each for each in places if left < each[1] < right]
    for within in (False, True):
        ends = [place for inner, place in inside if inner is within]
        cut = next(
            (p for p in ends if _needed(left, p, room) + _needed(p, right, room) == fewest),
            next((p for p in ends if 2 * min(p - left, right - p) >= room.body), None),
        )
        if cut is not None:
            return [*_shared_out(left, cut, inside, room), *_shared_out(cut, right, inside, room)]
    return [right]


def _needed(left: int, right: int, room: Room) -> int:
    """How many passages a span fills at least; a stretch's first one repeats nothing."""
    return -(-(right - left - (0 if left else room.whole - room.body)) // room.body)


def _ranked(text: str, units: Sequence[Unit]) -> Iterator[tuple[bool, int, int]]:
    """Places after a unit where a passage may end: those between blocks come first."""
    for index, unit in enumerate(units):
        if not unit.keep_next:
            yield unit.inner, _hash(text, unit), index


def _filled(stretch: Stretch, ends: Sequence[int], chosen: Sequence[int]) -> list[int]:
    """The cuts as indices of units, with more of them where a span still holds too much."""
    cuts = [0]
    goals = iter(chosen[1:])
    goal, begin = next(goals), 0
    for index, unit in enumerate(stretch.units):
        most = stretch.room.body if begin else stretch.room.whole
        if ends[index] - begin > most and index > cuts[-1]:
            cuts.append(_not_glued(stretch.units, cuts[-1], index))
            begin = ends[cuts[-1] - 1]
        if ends[index] == goal and unit.tokens:
            cuts.append(index + 1)
            begin, goal = goal, next(goals, 0)
    if cuts[-1] < len(stretch.units):
        cuts.append(len(stretch.units))
    return cuts


def _repeatable(text: str, units: Sequence[Unit]) -> Sequence[Unit]:
    """The units from the first one with words on."""
    for index, unit in enumerate(units):
        if not text[unit.start : unit.end].isspace():
            return units[index:]
    return ()


def _not_glued(units: Sequence[Unit], first: int, last: int) -> int:
    """The cut at or before `last` that does not end a passage with a heading, if there is one."""
    for cut in range(last, first, -1):
        if not units[cut - 1].keep_next:
            return cut
    return last


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
