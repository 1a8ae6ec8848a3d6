"""What a canary's way through the HTTP API has to show; the way itself is in `tests/app/api`."""

from __future__ import annotations

from dataclasses import replace

from deployments.verification.api_canary import ApiAnswers, judge_api
from deployments.verification.baseline import CanaryDocument
from deployments.verification.findings import Outcome


def test_what_another_user_sees_fails() -> None:
    """One passage or a job that is shown to somebody else is a failure, and so is what is left."""
    good = ApiAnswers(job={"state": "complete", "chunks": 2, "error": None}, first=True)
    for bad in (replace(good, stranger=1), replace(good, sees_job=True)):
        wrong = [each.name for each in judge_api(bad, None) if each.outcome is Outcome.FAILED]
        assert wrong == ["another user"]
    [failure] = [
        each for each in judge_api(replace(good, left=("documents",)), None)
        if each.outcome is Outcome.FAILED
    ]  # fmt: skip
    assert failure.name == "nothing left"


def test_other_passages_than_the_baselines_fail() -> None:
    """The API's worker has to make what the baseline has of the same document."""
    found = ApiAnswers(job={"state": "complete", "chunks": 2, "error": None}, first=True)
    expected = CanaryDocument(state="complete", chunks=(("1", "x"),))
    first = next(judge_api(found, expected))
    assert (first.outcome, first.expected) == (Outcome.FAILED, "complete, 1 passages")
