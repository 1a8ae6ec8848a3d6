"""The gate: validates a frame by a suite, and gives every document its result.

Great Expectations decides. This module refuses questions that cannot be answered (an empty frame
or suite, a missing or all-NULL column), which Great Expectations would pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from checks import runner
from checks.document_failures import FailureReader
from checks.owners import by_owner
from checks.rules import Rule, Severity, Suite
from checks.runner import RowFindings
from checks.validation_results import ABSENT, RuleFailure, RuleResult, ValidationResult
from pipeline.errors import BrokenGate
from pipeline.parsing.assessment import language

if TYPE_CHECKING:
    from pandas import DataFrame


def warm_up() -> None:
    """Load Great Expectations, and the model that measures the language. Thread-safe."""
    language.warm_up()
    runner.warm_up()


class Gate:
    """Validates frames. Holds no state of its own; thread-safe."""

    def check(
        self,
        suite: Suite,
        frame: DataFrame,
        *,
        expected_jobs: Iterable[str] = (),
        owners: Mapping[str, str] | None = None,
    ) -> ValidationResult:
        """Validate every document in a frame.

        Args:
            suite: the rules.
            frame: made by the builders in `checks.frames`.
            expected_jobs: documents that must be in the frame; one that is not has failed.
            owners: whose each document is, for results of each owner's.

        Raises:
            BrokenGate: no verdict is possible. Never a pass.
        """
        return self.check_together([(suite, frame)], expected_jobs=expected_jobs, owners=owners)[0]

    def check_together(
        self,
        asked: Sequence[tuple[Suite, DataFrame]],
        *,
        expected_jobs: Iterable[str] = (),
        owners: Mapping[str, str] | None = None,
    ) -> list[ValidationResult]:
        """Validate every document in frames of suites of different names, each by its own.

        Args:
            asked: each suite with its frame; the rest as for `check`, for each of them.

        Raises:
            BrokenGate: no verdict is possible on one of them. Never a pass.
        """
        started = time.perf_counter()
        for suite, frame in asked:
            _refuse_unanswerable(suite, frame)
        frames = [(suite, frame.reset_index(drop=True)) for suite, frame in asked]
        found = runner.validate(frames)
        seconds = (time.perf_counter() - started) / len(asked)
        jobs = list(expected_jobs)
        return [
            self._result(suite, frame, findings, jobs, owners, seconds)
            for (suite, frame), findings in zip(frames, found, strict=True)
        ]

    @staticmethod
    def _result(
        suite: Suite,
        frame: DataFrame,
        findings: Sequence[RowFindings],
        expected_jobs: Sequence[str],
        owners: Mapping[str, str] | None,
        seconds: float,
    ) -> ValidationResult:
        """The verdict of one suite; `seconds` is its part of the validation."""
        started = time.perf_counter()
        judged = list(zip(suite.rules, findings, strict=True))
        reader = FailureReader(suite, frame)
        present = dict.fromkeys(frame["job_id"].tolist())
        absent = [job for job in dict.fromkeys(expected_jobs) if job not in present]
        absence = RuleFailure(ABSENT, "The document was checked", suite.absent)
        return ValidationResult(
            suite=suite,
            rows=len(frame),
            jobs=(*present, *absent),
            rules=tuple(_rule_result(rule, found, reader) for rule, found in judged),
            failures=reader.by_document(judged, Severity.CRITICAL)
            | dict.fromkeys(absent, (absence,)),
            warnings=reader.by_document(judged, Severity.WARNING),
            seconds=seconds + time.perf_counter() - started,
            by_owner=by_owner(judged, frame, owners, reader) if owners else {},
        )


def _refuse_unanswerable(suite: Suite, frame: DataFrame) -> None:
    if not suite.rules:
        raise BrokenGate(f"The suite {suite.name} has no rules.")
    if frame.empty:
        raise BrokenGate(f"There is nothing to check with the suite {suite.name}.")
    missing = [column for column in suite.columns if column not in frame.columns]
    if missing:
        raise BrokenGate(f"The frame for {suite.name} has no column {', '.join(missing)}.")
    nulls = frame[list(suite.columns)].isna()
    if nulls["job_id"].any():
        raise BrokenGate(f"The frame for {suite.name} has rows that belong to no document.")
    optional = {rule.column for rule in suite.rules if rule.optional}
    empty = [each for each in suite.columns if each not in optional and nulls[each].all()]
    if empty:
        raise BrokenGate(f"The frame for {suite.name} has only NULL in {', '.join(empty)}.")


def _rule_result(rule: Rule, found: RowFindings, reader: FailureReader) -> RuleResult:
    unmeasured = found.missing if rule.optional else 0
    failed = len(found.failed) + found.missing - unmeasured
    return RuleResult(rule, found.evaluated - unmeasured, failed, reader.worst(rule, found))
