"""Accepted findings become warnings; what is not exactly the same stays a failure."""

from __future__ import annotations

import pytest

from checks.acceptance import Acceptance, with_acceptances
from checks.suites import VECTORS
from checks.validation_results import RuleFailure, ValidationResult

FAILURE = RuleFailure("tokens", "Tokens", "chunk 4: 900 tokens", failed=2)


def judged(*accepted: Acceptance) -> ValidationResult:
    """One document with one failure, and what was accepted of it."""
    result = ValidationResult(VECTORS, 1, ("job",), (), {"job": (FAILURE,)}, {}, 0.0)
    return with_acceptances(result, {"job": accepted})


def test_an_accepted_finding_is_a_warning_with_its_acceptance() -> None:
    """The document may go on, and its verdict says who let it pass."""
    accepted = Acceptance(VECTORS.name, "tokens", "chunk 4: 900 tokens", 2, "anna: it is fine")
    result = judged(accepted)
    assert result.passed == ("job",)
    assert [each.sentence for each in result.warnings["job"]] == [
        "chunk 4: 900 tokens (accepted by anna: it is fine)"
    ]


@pytest.mark.parametrize(
    ("suite", "rule", "sentence", "failed"),
    [("other", "tokens", "chunk 4: 900 tokens", 2), ("", "size", "chunk 4: 900 tokens", 2),
     ("", "tokens", "chunk 5: 900 tokens", 2), ("", "tokens", "chunk 4: 900 tokens", 1)],
)  # fmt: skip
def test_another_finding_stays_a_failure(suite: str, rule: str, sentence: str, failed: int) -> None:
    """Another suite, rule, sentence or number of rows was not accepted."""
    result = judged(Acceptance(suite or VECTORS.name, rule, sentence, failed, "anna"))
    assert result.failures == {"job": (FAILURE,)}
    assert result.warnings == {}
