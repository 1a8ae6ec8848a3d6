"""Rows for the table of quality results."""

from __future__ import annotations

import json

from checks.rules import Severity
from checks.suites import FIDELITY
from checks.validation_results import RuleFailure, RuleResult, ValidationResult, quality_rows

RULE = FIDELITY.rules[0]
FAILURE = RuleFailure(RULE.name, RULE.title, "the text holds 1 words", 1, 1, ("one", "“two”"))


def gate_result() -> ValidationResult:
    rules = (RuleResult(RULE, evaluated=2, failed=1, observed=1),)
    return ValidationResult(FIDELITY, 2, ("a", "b"), rules, {"b": (FAILURE,)}, {}, 0.01)


def test_one_row_a_rule_and_one_a_failure() -> None:
    """The rule over the frame comes first without a job, then the failing document's own row."""
    overall, own = quality_rows(gate_result())
    assert (overall.job_id, overall.evaluated, overall.failed, overall.success) == (
        None,
        2,
        1,
        False,
    )
    assert overall.sentence == "at least 1 word"
    assert (own.job_id, own.sentence, own.observed) == ("b", "the text holds 1 words", "1")
    assert (own.suite, own.suite_version, own.rule) == ("fidelity", FIDELITY.version, "not_empty")
    assert own.severity is Severity.CRITICAL


def test_examples_are_a_json_array() -> None:
    """Examples survive the way through the table."""
    assert json.loads(quality_rows(gate_result())[1].examples) == ["one", "“two”"]


def test_reason_is_empty_for_a_document_that_passed() -> None:
    """Only a failing document has a reason."""
    result = gate_result()
    assert result.reason("a") == ""
    assert result.reason("b") == "the text holds 1 words"
    assert result.passed == ("a",)
