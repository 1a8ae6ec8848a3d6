"""Scores of complete answers: shares with confidence intervals, and whether a difference is one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 1.96
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question.

    Attributes:
        without, with_context: whether the decisive words are among five passages, and among these
            with their companions. as_long: among the five and as many next ones as have the length
            of the companions.
        characters: of the five passages. added: of the companions.
    """

    question: str
    held_out: bool
    without: bool
    with_context: bool
    as_long: bool
    characters: int
    added: int


def decisive(quotes: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether one of the quotations is in one of the texts, whatever the spaces and signs."""
    said = [_words(text) for text in texts]
    return any(_words(quote) in text for quote in quotes for text in said)


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.lower()))} "


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, _Z * _Z
    middle = share + square / (2 * of)
    reach = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def sign_test(won: int, lost: int) -> float:
    """How likely chance alone makes a difference so large, of questions that differ (two-sided)."""
    differ = won + lost
    if not differ:
        return 1.0
    tail = sum(math.comb(differ, k) for k in range(min(won, lost) + 1)) / 2**differ
    return min(1.0, 2.0 * float(tail))


def table(title: str, asked: Sequence[Asked]) -> str:
    """The table of some questions, as Markdown."""
    of = len(asked)
    rows = [
        ("five passages", [each.without for each in asked], 0),
        ("five with context", [each.with_context for each in asked], sum(e.added for e in asked)),
        ("as long, passages only", [each.as_long for each in asked], sum(e.added for e in asked)),
    ]
    lines = [
        f"\n{title}: {of} questions",
        "| answer | decisive words in it | 95 % | characters added |",
        "|---|---|---|---|",
    ]
    for name, hits, added in rows:
        low, high = interval(sum(hits), of)
        share = sum(hits) / max(1, of)
        lines.append(f"| {name} | {share:.2f} ({sum(hits)}) | {low:.2f}–{high:.2f} | "
                     f"{added / max(1, of):,.0f} |")  # fmt: skip
    for name, other in (("five passages", "without"), ("as long", "as_long")):
        won = sum(each.with_context and not getattr(each, other) for each in asked)
        lost = sum(getattr(each, other) and not each.with_context for each in asked)
        lines.append(f"with context against {name}: {won} won, {lost} lost, "
                     f"p = {sign_test(won, lost):.4f}")  # fmt: skip
    return "\n".join(lines)
