"""Judges ranked passages, and says how sure the figures are.

A target counts once, at the first rank at which it is found. A document is found by any passage of
it, pages by a passage that touches one, a passage when the ranked ones together hold half of its
runs of four words: so neither large nor small chunks win by their size alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.sets import SetQuestion, Target

METRICS = ("ndcg@10", "recall@5", "recall@10", "mrr")
_RUN = 4
_COVERED = 0.5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage in somebody's answer; pages from 1, 0 for a format without."""

    document: str
    text: str
    page_first: int = 0
    page_last: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % bootstrap confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in a table."""
        return f"{self.mean:.3f} ({self.low:.3f}–{self.high:.3f})"


def score(question: SetQuestion, answer: Sequence[Ranked]) -> dict[str, float]:
    """The metrics of one answered question."""
    ranks = found_at(question.targets, answer)
    grades = [target.grade for target in question.targets]
    return {
        "ndcg@10": _ndcg(ranks, grades),
        "recall@5": _recall(ranks, 5),
        "recall@10": _recall(ranks, 10),
        "mrr": max((1 / rank for rank in ranks if rank), default=0.0),
    }


def found_at(targets: Sequence[Target], answer: Sequence[Ranked]) -> list[int]:
    """The rank from 1 at which each target is found, 0 when it is not."""
    by_document = all(not target.pages and not target.passage for target in targets)
    if by_document:
        order = list(dict.fromkeys(each.document for each in answer))
        return [
            order.index(target.document) + 1 if target.document in order else 0
            for target in targets
        ]
    return [_found_at(target, answer) for target in targets]


def touches(target: Target, passage: Ranked) -> bool:
    """Whether a passage alone is (of) what answers."""
    if target.document != passage.document:
        return False
    if target.pages:
        return any(passage.page_first <= page <= passage.page_last for page in target.pages)
    if target.passage:
        wanted = _runs(target.passage)
        return len(wanted & _runs(passage.text)) >= _COVERED * min(
            len(wanted), len(_runs(passage.text)) or 1
        )
    return True


def _found_at(target: Target, answer: Sequence[Ranked]) -> int:
    if not target.passage:
        return next((rank for rank, each in enumerate(answer, 1) if touches(target, each)), 0)
    left = wanted = _runs(target.passage)
    for rank, each in enumerate(answer, 1):
        if each.document == target.document:
            left = left - _runs(each.text)
            if len(left) <= len(wanted) * (1 - _COVERED):
                return rank
    return 0


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    length = min(_RUN, len(words))
    return frozenset(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def _ndcg(ranks: Sequence[int], grades: Sequence[float]) -> float:
    gained = sum(g / math.log2(1 + r) for r, g in zip(ranks, grades, strict=True) if 0 < r <= 10)
    best = sorted(grades, reverse=True)[:10]
    return min(1.0, gained / sum(g / math.log2(1 + r) for r, g in enumerate(best, 1)))


def _recall(ranks: Sequence[int], depth: int) -> float:
    return sum(0 < rank <= depth for rank in ranks) / min(len(ranks), depth)


def interval(values: Sequence[float], *, resamples: int = 2_000) -> Interval:
    """The mean over questions; also of paired differences."""
    found = np.asarray(values, np.float64)
    rng = np.random.default_rng(20_261_127)
    means: NDArray[np.float64] = found[rng.integers(0, len(found), (resamples, len(found)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(found.mean()), float(low), float(high))


def summarize(rows: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """Each metric over the questions of a set."""
    return {metric: interval([row[metric] for row in rows]) for metric in METRICS}
