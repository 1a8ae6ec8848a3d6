"""Makes posting lists of chunks' words as Postgres sends them, a page at a time, in numpy.

Cutting a `tsvector` apart in SQL, a row for each word, and sorting the rows took most of what
indexing cost; here a word is never a Python object but once for a segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_MOST_PLACES = 255
_KEY = 16
"""A word of so many bytes is a number of so many; longer ones, which are rare, are numbered."""

# No byte of UTF-8 is 0xFF: so begin the numbers of longer words.
_LONG = np.uint64(0xFF << 56)
_MIXED = np.uint64(0x9E3779B97F4A7C15)

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]


@dataclass(slots=True)
class SegmentWords:
    """The words of a segment's chunks, added in the order of the chunks.

    Attributes:
        lengths: of each chunk, how many different words it has.
    """

    lengths: list[int] = field(default_factory=list)
    _long: dict[bytes, int] = field(default_factory=dict)
    _pages: list[tuple[Keys, Keys, Numbers]] = field(default_factory=list)

    def add(self, page: Sequence[bytes]) -> None:
        """Add chunks by their words.

        Args:
            page: what `tsvectorsend` gives for each, a megabyte or so in all.
        """
        data = b"".join(page) + bytes(_KEY)
        buffer = np.frombuffer(data, np.uint8)
        begins = np.cumsum([0, *(len(each) for each in page[:-1])], dtype=np.int64)
        lengths = _uint16(buffer, begins) * 65_536 + _uint16(buffer, begins + 2)
        starts, sizes, counts, rows = _walked(buffer, begins + 4, lengths)
        placed = counts > 0  # a word without places is looked for by nobody
        starts, sizes, counts, rows = (each[placed] for each in (starts, sizes, counts, rows))
        first, second = _keys(data, starts, sizes)
        for at in np.flatnonzero(sizes > _KEY).tolist():
            word = data[starts[at] : starts[at] + sizes[at]]
            first[at] = _LONG
            second[at] = self._long.setdefault(word, len(self._long))
        places = np.minimum(counts, _MOST_PLACES)
        self._pages.append((first, second, (rows + len(self.lengths)) * 256 + places))
        self.lengths += lengths.tolist()

    def lists(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Each word with its chunks and its places in each, as they are stored; words sorted."""
        if not self._pages:
            return
        first, second, places = (np.concatenate(each) for each in zip(*self._pages, strict=True))
        order = np.argsort(first * _MIXED + second)
        first, second = first[order], second[order]
        new = np.ones(len(order), bool)
        new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
        found = self._spelled(first[new], second[new])
        # By chance two words may be mixed to the same, and then a word is found more than once.
        spelled = sorted(set(found))
        rank = {word: place for place, word in enumerate(spelled)}
        ranks = np.array([rank[word] for word in found], np.int64)
        ordered = np.sort(ranks[np.cumsum(new) - 1] * (1 << 24) + places[order])
        ends = np.searchsorted(ordered, np.arange(1, len(spelled) + 1) << 24)
        ordinals = stored_ordinals((ordered >> 8) & 0xFFFF)
        counts = ((ordered & 0xFF).astype(np.uint8) ^ np.uint8(0x80)).tobytes()
        start = 0
        for word, end in zip(spelled, ends.tolist(), strict=True):
            yield word, ordinals[2 * start : 2 * end], counts[start:end]
            start = end

    def _spelled(self, first: Keys, second: Keys) -> list[bytes]:
        halves = np.stack([first, second], axis=1).astype(">u8")
        spelled: list[bytes] = halves.view(f"S{_KEY}")[:, 0].tolist()  # without the zeros behind
        long = list(self._long)
        for at in np.flatnonzero(first == _LONG).tolist():
            spelled[at] = long[int(second[at])]
        return spelled


def stored_ordinals(numbers: NDArray[np.int64]) -> bytes:
    """Numbers of two bytes each, moved down by half their range as Postgres once wrote them."""
    return (numbers.astype(np.uint16) ^ np.uint16(0x8000)).astype(">u2").tobytes()


def _uint16(buffer: NDArray[np.uint8], at: Numbers) -> Numbers:
    return buffer[at].astype(np.int64) * 256 + buffer[at + 1]


def _walked(
    buffer: NDArray[np.uint8], at: Numbers, lengths: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Where each word starts, its size in bytes, its number of places, and its chunk's row.

    A word ends with a zero; the number of its places and the places follow, two bytes each. Where
    the next one starts is known only then, so the chunks are walked side by side.
    """
    zeros = np.where(buffer == 0, np.arange(len(buffer), dtype=np.int32), np.int32(len(buffer)))
    next_zero = np.minimum.accumulate(zeros[::-1])[::-1]
    rows = np.argsort(-lengths, kind="stable")
    at, descending = at[rows], -lengths[rows]
    found: list[tuple[Numbers, ...]] = [(np.empty(0, np.int64),) * 4]
    for step in range(int(lengths.max(initial=0))):
        going = int(np.searchsorted(descending, -step))  # those that have more words
        at = at[:going]
        ends = next_zero[at].astype(np.int64)
        counts = _uint16(buffer, ends + 1)
        found.append((at, ends - at, counts, rows[:going]))
        at = ends + 3 + 2 * counts
    starts, sizes, counts, rows = (np.concatenate(each) for each in zip(*found, strict=True))
    return starts, sizes, counts, rows


def _keys(data: bytes, starts: Numbers, sizes: Numbers) -> tuple[Keys, Keys]:
    """The first eight bytes of each word, and the next eight, as numbers; none of it is a zero."""
    windows: NDArray[np.uint64] = np.ndarray(len(data) - 7, ">u8", data, strides=(1,))
    return _cut(windows[starts], sizes), _cut(windows[starts + 8], sizes - 8)


def _cut(values: NDArray[np.uint64], sizes: Numbers) -> Keys:
    """Only the first `sizes` of the eight bytes of each."""
    beyond = (8 * (8 - np.clip(sizes, 1, 8))).astype(np.uint64)
    kept = (values.astype(np.uint64) >> beyond) << beyond
    return np.where(sizes > 0, kept, np.uint64(0))
