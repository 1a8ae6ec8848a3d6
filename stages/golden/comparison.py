"""Compares two embedding spaces by golden questions; judges whether one may follow the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.store import space_backlog
from stages.golden.asking import SpaceScore, ask_questions
from stages.golden.questions import GoldenQuestion
from stages.golden.scores import Interval, difference

if TYPE_CHECKING:
    from clients.embedder import Embedder
    from stages.services import Services

TOLERANCE = 0.02
"""A mean that falls by less is taken for the same, unless it falls for certain."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two spaces beside each other.

    Attributes:
        ndcg, recall: what the new one gained, question by question.
        lost, won: questions of which only the old one, only the new one, finds anything.
        lacking: published documents that the new one lacks.
    """

    before: SpaceScore
    after: SpaceScore
    ndcg: Interval
    recall: Interval
    lost: tuple[GoldenQuestion, ...]
    won: tuple[GoldenQuestion, ...]
    lacking: int

    @property
    def questions(self) -> int:
        """How many were asked."""
        return len(self.after.asked)

    def figures(self) -> dict[str, Any]:
        """What is written down of it; of questions only ids, for they may be a user's words."""
        return {
            "questions": self.questions,
            "before": _figures(self.before),
            "after": _figures(self.after),
            "ndcg_difference": asdict(self.ndcg),
            "recall_difference": asdict(self.recall),
            "lost": [each.id for each in self.lost],
            "won": [each.id for each in self.won],
            "lacking": self.lacking,
        }


def _figures(score: SpaceScore) -> dict[str, Any]:
    return {
        "ndcg": asdict(score.ndcg),
        "recall": asdict(score.recall),
        "median_seconds": round(score.median_seconds, 4),
        "slow_seconds": round(score.slow_seconds, 4),
        "usd": float(score.usd),
    }


async def compare(
    services: Services,
    before: Embedder,
    after: Embedder,
    questions: Sequence[GoldenQuestion],
    heard: Callable[[], Awaitable[None]] | None = None,
) -> Comparison:
    """Ask the questions of both spaces."""
    old = await ask_questions(services, before, questions, heard)
    new = await ask_questions(services, after, questions, heard)
    async with services.database.service() as connection:
        lacking = await space_backlog.count(connection, after.space.id)
    return compared_by(old, new, lacking)


def compared_by(old: SpaceScore, new: SpaceScore, lacking: int) -> Comparison:
    """What answers to the same questions say of each other.

    Args:
        lacking: published documents that the new one lacks.
    """
    pairs = list(zip(old.asked, new.asked, strict=True))
    return Comparison(
        old,
        new,
        difference([o.score.ndcg for o, _ in pairs], [n.score.ndcg for _, n in pairs]),
        difference([o.score.recall for o, _ in pairs], [n.score.recall for _, n in pairs]),
        tuple(o.question for o, n in pairs if o.first is not None and n.first is None),
        tuple(n.question for o, n in pairs if o.first is None and n.first is not None),
        lacking,
    )


def objections(compared: Comparison | None, lacking: int) -> tuple[str, ...]:
    """Why the gate refuses that the new space answers; nothing when it may.

    Args:
        compared: None when there are no golden questions.
    """
    said = []
    if lacking:
        said.append(f"It lacks {lacking:,} published documents.")
    if compared is None or not compared.questions:
        said.append("There are no golden questions to compare the two by.")
        return tuple(said)
    for name, gained in (("nDCG", compared.ndcg), ("recall", compared.recall)):
        if is_worse(gained):
            said.append(
                f"Its {name} is {-gained.mean:.3f} lower on {compared.questions} golden questions "
                f"(95 % interval {gained.low:+.3f} to {gained.high:+.3f})."
            )
    return tuple(said)


def is_worse(gained: Interval) -> bool:
    """Whether a difference is a loss: for certain, or by more than the tolerance."""
    return gained.high < 0 or gained.mean < -TOLERANCE
