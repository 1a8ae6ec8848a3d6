"""Accepted findings: what a person lets pass is told as a warning, with who, when and why.

An acceptance is about exactly what was seen: the same rule with the same sentence over as many
rows. What reads otherwise, or befalls more, is judged anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from checks.validation_results import RuleFailure, ValidationResult

SAID = " (accepted by "
"""What follows a finding's own sentence where a person has accepted it."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A finding that a person lets pass.

    Attributes:
        sentence, failed: as the gate said it, and of how many rows.
        told: who, when and why, in words.
    """

    suite: str
    rule: str
    sentence: str
    failed: int
    told: str


def with_acceptances(
    result: ValidationResult, acceptances: Mapping[str, Sequence[Acceptance]]
) -> ValidationResult:
    """The result with accepted failures among the warnings, each with its acceptance.

    Args:
        acceptances: by the document's job, as text.
    """
    failures: dict[str, tuple[RuleFailure, ...]] = {}
    warnings: defaultdict[str, tuple[RuleFailure, ...]] = defaultdict(tuple, result.warnings)
    for job, found in result.failures.items():
        known = {
            (each.rule, each.sentence, each.failed): each
            for each in acceptances.get(job, ())
            if each.suite == result.suite.name
        }
        left = []
        for failure in found:
            if each := known.get((failure.rule, failure.sentence, failure.failed)):
                said = f"{failure.sentence}{SAID}{each.told})"
                warnings[job] += (replace(failure, sentence=said),)
            else:
                left.append(failure)
        if left:
            failures[job] = tuple(left)
    return replace(result, failures=failures, warnings=dict(warnings))
