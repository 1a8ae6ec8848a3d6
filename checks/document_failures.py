"""Maps failing rows to documents: what is wrong with each, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from checks.rules import Rule, Severity, Suite
from checks.runner import RowFindings
from checks.validation_results import RuleFailure
from pipeline.errors import BrokenGate

if TYPE_CHECKING:
    from pandas import DataFrame

EXAMPLES = 3


class FailureReader:
    """Maps failing rows of one validated frame to documents.

    Args:
        frame: with a RangeIndex, so that positions are labels.
    """

    def __init__(self, suite: Suite, frame: DataFrame) -> None:
        self._suite = suite
        self._frame = frame

    def by_document(
        self, judged: Iterable[tuple[Rule, RowFindings]], severity: Severity
    ) -> dict[str, tuple[RuleFailure, ...]]:
        """Every document's failures of one severity, in the order of the rules."""
        failures: defaultdict[str, list[RuleFailure]] = defaultdict(list)
        for rule, found in judged:
            if rule.severity is severity:
                for job_id, failure in self._failures(rule, found):
                    failures[job_id].append(failure)
        return {job_id: tuple(listed) for job_id, listed in failures.items()}

    def worst(self, rule: Rule, found: RowFindings) -> float | str | None:
        """The value that is nearest to the rule's limit, or furthest beyond it.

        None where the rule has no numbers and nothing failed, or nothing was measured.
        """
        if extreme := self.extreme(rule):
            return self.plain(self._frame[rule.column].agg(extreme))
        return self.observed(rule, found.failed[0]) if found.failed else None

    @staticmethod
    def extreme(rule: Rule) -> Literal["min", "max"] | None:
        """Which end of a column is nearest to the rule's limit; None for a rule without one."""
        if "min_value" in rule.kwargs and "max_value" not in rule.kwargs:
            return "min"
        if "max_value" in rule.kwargs and "min_value" not in rule.kwargs:
            return "max"
        return None

    @staticmethod
    def plain(value: Any) -> float | None:
        """A measured value as a number of Python; None when nothing was measured."""
        return None if value != value else value.item()

    def observed(self, rule: Rule, row: int) -> float | str:
        """The value that a rule judged, as one that JSON and a table can hold."""
        value = self._columns[rule.column][row]
        return value if isinstance(value, (int, float)) else str(value)

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        # Lists are read a hundred times faster than single cells, and only failures read them.
        return {str(name): column.tolist() for name, column in self._frame.items()}

    def _failures(self, rule: Rule, found: RowFindings) -> Iterator[tuple[str, RuleFailure]]:
        if found.missing and not rule.optional:
            yield from self._unmeasured(rule)
        rows_of: defaultdict[str, list[int]] = defaultdict(list)
        for row in found.failed:
            rows_of[self._columns["job_id"][row]].append(row)
        for job_id, rows in rows_of.items():
            yield job_id, self._failure(rule, rows[:1] if rule.whole_document else rows)

    def _unmeasured(self, rule: Rule) -> Iterator[tuple[str, RuleFailure]]:
        null = self._frame[rule.column].isna()
        for job_id, count in Counter(self._frame["job_id"][null]).items():
            sentence = f"{rule.title}: this could not be measured"
            yield job_id, RuleFailure(rule.name, rule.title, sentence, failed=count)

    def _failure(self, rule: Rule, rows: list[int]) -> RuleFailure:
        examples = tuple(self._describe(rule, row) for row in rows[:EXAMPLES])
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        return RuleFailure(
            rule=rule.name,
            title=rule.title,
            sentence=examples[0] + more,
            observed=self.observed(rule, rows[0]),
            failed=len(rows),
            examples=examples,
        )

    def _describe(self, rule: Rule, row: int) -> str:
        """One failing row in words, with what tells it apart from the document's other rows."""
        values = {name: column[row] for name, column in self._columns.items()}
        try:
            words = rule.sentence.format(observed=values[rule.column], limit=rule.limit, **values)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise BrokenGate(f"The sentence of the rule {rule.name} does not fit.") from error
        if self._suite.label is None or rule.whole_document:
            return words
        word, column = self._suite.label
        return f"{word} {values[column]}: {words}"
