"""Histograms: counts of values between edges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges; bin n holds ``edges[n] <= value < edges[n + 1]``, the last its end too.

    Attributes:
        edges: one more than counts, ascending.
        middle: the median of the values, None when there are none.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    middle: float | None = None

    @classmethod
    def of(cls, values: Iterable[float], edges: Sequence[float]) -> Histogram:
        """Count values; one outside the edges counts in the nearest bin."""
        listed, counts = list(values), [0] * (len(edges) - 1)
        for value in listed:
            counts[min(max(bisect_right(edges, value) - 1, 0), len(counts) - 1)] += 1
        return cls(tuple(edges), tuple(counts), median(listed) if listed else None)

    @property
    def total(self) -> int:
        return sum(self.counts)


SHARE_EDGES = tuple(n / 10 for n in range(11))
SIMILARITY_EDGES = tuple(n / 20 for n in range(21))


def size_edges(limit: int) -> tuple[float, ...]:
    """Sixteen equal bins from 0 to the largest chunk size."""
    return tuple(round(limit * n / 16) for n in range(17))
