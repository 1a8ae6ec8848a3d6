"""From failing rows to documents: what is wrong with each, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from checks.expectations import RowFindings
from checks.rules import Rule, Severity, Suite
from checks.verdicts import Failure
from pipeline.errors import BrokenGate

if TYPE_CHECKING:
    from pandas import DataFrame

EXAMPLES = 3


def by_document(
    suite: Suite,
    frame: DataFrame,
    judged: Iterable[tuple[Rule, RowFindings]],
    severity: Severity,
) -> dict[str, tuple[Failure, ...]]:
    """Every document's failures of one severity, in the order of the rules.

    Args:
        frame: with a RangeIndex, so that positions are labels.
    """
    failures: defaultdict[str, list[Failure]] = defaultdict(list)
    for rule, found in judged:
        if rule.severity is severity:
            for job_id, failure in _failures(suite, frame, rule, found):
                failures[job_id].append(failure)
    return {job_id: tuple(listed) for job_id, listed in failures.items()}


def plain(value: object) -> float | str:
    """A value from a frame as one that JSON and a table can hold."""
    item = value.item() if hasattr(value, "item") else value
    return item if isinstance(item, (int, float)) else str(item)


def _failures(
    suite: Suite, frame: DataFrame, rule: Rule, found: RowFindings
) -> Iterator[tuple[str, Failure]]:
    job_ids = frame["job_id"].array
    unmeasured = frame["job_id"][frame[rule.column].isna()]
    for job_id, count in unmeasured.value_counts(sort=False).items():
        sentence = f"{rule.title}: this could not be measured"
        yield str(job_id), Failure(rule.name, rule.title, sentence, failed=int(count))
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row in found.failed:
        rows_of[str(job_ids[row])].append(row)
    for job_id, rows in rows_of.items():
        yield job_id, _failure(suite, frame, rule, rows)


def _failure(suite: Suite, frame: DataFrame, rule: Rule, rows: list[int]) -> Failure:
    if rule.whole_document:
        rows = rows[:1]
    examples = tuple(_describe(suite, frame, rule, row) for row in rows[:EXAMPLES])
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return Failure(
        rule=rule.name,
        title=rule.title,
        sentence=examples[0] + more,
        observed=plain(frame[rule.column].iat[rows[0]]),
        failed=len(rows),
        examples=examples,
    )


def _describe(suite: Suite, frame: DataFrame, rule: Rule, row: int) -> str:
    """One failing row in words, with what tells it apart from the document's other rows."""
    values: dict[str, Any] = {str(name): column.iat[row] for name, column in frame.items()}
    try:
        words = rule.sentence.format(observed=values[rule.column], limit=rule.limit, **values)
    except (KeyError, ValueError, IndexError) as error:
        raise BrokenGate(f"The sentence of the rule {rule.name} does not fit.") from error
    if suite.label is None or rule.whole_document:
        return words
    word, column = suite.label
    return f"{word} {values[column]}: {words}"
