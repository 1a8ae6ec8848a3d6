"""Validation results: of rules, of documents, and as rows of `quality_results`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from checks.rules import Rule, Severity, Suite

ABSENT = "in_frame"
"""The rule name of the failure of a document that has no rows in the frame."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The result of one rule over the whole frame.

    Attributes:
        evaluated: rows judged; those on which an optional rule was not measured are not.
        failed: rows that broke the rule, or could not be measured.
        observed: the worst value, also when it is good enough; None when there is none.
    """

    rule: Rule
    evaluated: int
    failed: int
    observed: float | str | None = None

    @property
    def success(self) -> bool:
        return self.failed == 0


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A failed rule of one document.

    Attributes:
        rule: the rule's name.
        title: the rule's title.
        sentence: what is wrong, in words.
        observed: the first failing value, None when it could not be measured.
        failed: how many of the document's rows break the rule.
        examples: at most three, e.g. ``chunk 4: 900``.
    """

    rule: str
    title: str
    sentence: str
    observed: float | str | None = None
    failed: int = 1
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The result of one suite over one frame.

    Attributes:
        suite: what was asked.
        rows: rows in the frame.
        jobs: all documents judged, in the order of the frame, then those that were absent.
        rules: one result a rule, in the suite's order.
        failures: the documents that may not go on, with every critical rule they break.
        warnings: the same for rules that do not keep a document back.
        seconds: how long the gate took.
        by_owner: the rules' results over each owner's documents; empty when one owner has all.
    """

    suite: Suite
    rows: int
    jobs: tuple[str, ...]
    rules: tuple[RuleResult, ...]
    failures: Mapping[str, tuple[RuleFailure, ...]]
    warnings: Mapping[str, tuple[RuleFailure, ...]]
    seconds: float
    by_owner: Mapping[str, tuple[RuleResult, ...]] = field(default_factory=dict)

    @property
    def passed(self) -> tuple[str, ...]:
        """The documents that may go on."""
        return tuple(job for job in self.jobs if job not in self.failures)

    @property
    def success(self) -> bool:
        return not self.failures

    def reason(self, job_id: str) -> str:
        """Why a document may not go on, in one sentence; empty when it may."""
        return "; ".join(failure.sentence for failure in self.failures.get(job_id, ()))


@dataclass(frozen=True, slots=True)
class QualityRow:
    """A row of `quality_results`: a rule over a whole frame, or one document that broke it.

    Attributes:
        job_id: None for the rule over the whole frame.
        observed: the failing value, as text.
        sentence: what is wrong in words; for the rule over the whole frame, its threshold.
        examples: a JSON array of strings.
        user_id: whose documents the rule was over; None when the frame has one owner.
    """

    job_id: str | None
    suite: str
    suite_version: str
    rule: str
    title: str
    severity: Severity
    success: bool
    evaluated: int
    failed: int
    observed: str | None
    sentence: str
    examples: str
    user_id: str | None = None


def quality_rows(result: ValidationResult) -> list[QualityRow]:
    """A gate's result as table rows: one a rule and owner, then one for each failing document."""
    rows = [
        _rule_row(result.suite, found, owner)
        for owner, rules in result.by_owner.items()
        for found in rules
    ] or [_rule_row(result.suite, found, None) for found in result.rules]
    rows += _failure_rows(result, result.failures, Severity.CRITICAL)
    rows += _failure_rows(result, result.warnings, Severity.WARNING)
    return rows


def _rule_row(suite: Suite, found: RuleResult, owner: str | None) -> QualityRow:
    rule = found.rule
    return QualityRow(
        job_id=None,
        suite=suite.name,
        suite_version=suite.version,
        rule=rule.name,
        title=rule.title,
        severity=rule.severity,
        success=found.success,
        evaluated=found.evaluated,
        failed=found.failed,
        observed=None if found.observed is None else str(found.observed),
        sentence=rule.threshold or "always",
        examples="[]",
        user_id=owner,
    )


def _failure_rows(
    result: ValidationResult, found: Mapping[str, tuple[RuleFailure, ...]], severity: Severity
) -> Iterator[QualityRow]:
    for job_id, failures in found.items():
        for failure in failures:
            yield QualityRow(
                job_id=job_id,
                suite=result.suite.name,
                suite_version=result.suite.version,
                rule=failure.rule,
                title=failure.title,
                severity=severity,
                success=False,
                evaluated=failure.failed,
                failed=failure.failed,
                observed=None if failure.observed is None else str(failure.observed),
                sentence=failure.sentence,
                examples=json.dumps(failure.examples, ensure_ascii=False),
            )
