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
"""Words of so many bytes are told apart by numbers; longer ones, which are rare, one by one."""

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]


@dataclass(slots=True)
class SegmentWords:
    """The words of a segment's chunks, added in the order of the chunks.

    Attributes:
        lengths: of each chunk, how many different words it has.
    """

    lengths: list[int] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _words: list[Numbers] = field(default_factory=list)
    _places: list[Numbers] = field(default_factory=list)

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
        words = self._numbered(data, buffer, starts, sizes)
        self._words.append(words)
        self._places.append((rows + len(self.lengths)) * 256 + np.minimum(counts, _MOST_PLACES))
        self.lengths += lengths.tolist()

    def _numbered(
        self, data: bytes, buffer: NDArray[np.uint8], starts: Numbers, sizes: Numbers
    ) -> Numbers:
        """The number of each word; the same word has the same one in all pages."""
        first, second = _keys(data, starts, sizes)
        order = np.argsort(first * np.uint64(0x9E3779B97F4A7C15) + second)
        new = np.ones(len(order), bool)
        # Different words side by side are told apart; a word met twice gets its number twice.
        new[1:] = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
        new |= (sizes > _KEY)[order]
        found = order[new]
        spelled = zip(starts[found].tolist(), (starts + sizes)[found].tolist(), strict=True)
        known = self._numbers
        numbers = [known.setdefault(data[start:end], len(known)) for start, end in spelled]
        words = np.empty(len(order), np.int64)
        words[order] = np.array(numbers, np.int64)[np.cumsum(new) - 1]
        return words

    def lists(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Each word with its chunks and its places in each, as they are stored; words sorted."""
        spelled = sorted(self._numbers)
        rank = np.empty(len(spelled), np.int64)
        rank[[self._numbers[each] for each in spelled]] = np.arange(len(spelled))
        words = np.concatenate(self._words) if self._words else np.empty(0, np.int64)
        places = np.concatenate(self._places) if self._places else words
        ordered = np.sort(rank[words] * (1 << 24) + places)
        ends = np.searchsorted(ordered, np.arange(1, len(spelled) + 1) << 24)
        ordinals = stored_ordinals((ordered >> 8) & 0xFFFF)
        counts = ((ordered & 0xFF).astype(np.uint8) ^ np.uint8(0x80)).tobytes()
        start = 0
        for word, end in zip(spelled, ends.tolist(), strict=True):
            yield word, ordinals[2 * start : 2 * end], counts[start:end]
            start = end


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
