"""The suite over golden questions: what a search must go on finding, asked every night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from types import MappingProxyType
from typing import TYPE_CHECKING

from checks.rules import Rule, Severity, Suite
from checks.validation_results import QualityRow, ValidationResult, quality_rows

if TYPE_CHECKING:
    from pandas import DataFrame

_BETWEEN = "ExpectColumnValuesToBeBetween"
MOST_FALL = 0.05
"""By so much a mean may be lower than the night before."""
FOUND, NDCG, RECALL = "found", "ndcg_holds", "recall_holds"

GOLDEN = Suite(
    name="golden",
    title="Golden questions",
    absent="the question was not asked",
    rules=(
        Rule(
            FOUND,
            "A question finds a passage that it expects",
            "no passage that it expects is among the answers",
            _BETWEEN,
            "hits",
            MappingProxyType({"min_value": 1}),
            severity=Severity.WARNING,
            requirement="at least 1 expected passage among the answers",
        ),
        *(
            Rule(
                name,
                f"The mean {what} is no lower than the night before",
                f"the mean {what} has changed by {{observed:+.3f}}, less than {{limit:+.2f}}",
                _BETWEEN,
                column,
                MappingProxyType({"min_value": -MOST_FALL}),
                severity=Severity.WARNING,
                whole_document=True,
                requirement=f"at most {MOST_FALL:g} below the mean of the night before",
                optional=True,
            )
            for name, what, column in (
                (NDCG, "nDCG", "ndcg_change"), (RECALL, "recall", "recall_change"),
            )
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """One question as it was answered.

    Attributes:
        question_id: names it without its words.
        hits: passages that it expects, among the answers.
        ndcg, recall: 0 to 1.
    """

    question_id: str
    hits: int
    ndcg: float
    recall: float


@dataclass(frozen=True, slots=True)
class Means:
    """The means over all questions of one night."""

    ndcg: float
    recall: float


def means_of(rows: Sequence[GoldenRow]) -> Means:
    """The means over questions, of which there is one at least."""
    return Means(
        sum(each.ndcg for each in rows) / len(rows), sum(each.recall for each in rows) / len(rows)
    )


def golden_frame(rows: Sequence[GoldenRow], before: Means | None) -> DataFrame:
    """The frame for the suite.

    Args:
        before: of the night before; None when there was none, and nothing is compared.
    """
    import pandas as pd

    now = means_of(rows)
    ndcg = nan if before is None else now.ndcg - before.ndcg
    recall = nan if before is None else now.recall - before.recall
    return pd.DataFrame(
        {
            "job_id": [each.question_id for each in rows],
            "hits": [each.hits for each in rows],
            "ndcg_change": [ndcg] * len(rows),
            "recall_change": [recall] * len(rows),
        }
    )


def golden_results(result: ValidationResult, means: Means) -> list[QualityRow]:
    """A row for each rule; the means are what is observed, so that a report can show them in time.

    Questions are no documents: those that failed are told by how many they are.
    """
    observed = {NDCG: f"{means.ndcg:.4f}", RECALL: f"{means.recall:.4f}"}
    return [
        QualityRow(
            None, each.suite, each.suite_version, each.rule, each.title, each.severity,
            each.success, each.evaluated or result.rows, each.failed,
            observed.get(each.rule, each.observed), each.sentence, each.examples,
        )
        for each in quality_rows(result)
        if each.job_id is None
    ]  # fmt: skip
