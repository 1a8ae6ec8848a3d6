"""What a verification found: one line for each thing that was looked at, and the outcome of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.errors import NavigatorError


class Outcome(StrEnum):
    """What came of one thing that was looked at.

    Told: it differs by nature and is not judged. Left out: something before it failed.
    """

    OK = "ok"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    LEFT_OUT = "left out"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        part: structure, connections, settings, deployments, contracts, canaries, answers, release
            or times.
        expected, found: in words; empty where it is as expected.
        remedy: what to do about it.
    """

    part: str
    name: str
    outcome: Outcome
    expected: str = ""
    found: str = ""
    remedy: str = ""


def ok(part: str, name: str, found: str = "") -> Finding:
    """It is as expected."""
    return Finding(part, name, Outcome.OK, found=found)


def failed(part: str, name: str, expected: object, found: object, remedy: str) -> Finding:
    """It is not."""
    return Finding(part, name, Outcome.FAILED, str(expected), str(found), remedy)


def broken(part: str, name: str, error: NavigatorError) -> Finding:
    """It could not be looked at: that is a failure too."""
    return failed(part, name, "an answer", error.message, error.remedy)


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that a verification found.

    Attributes:
        release: that had to work on the canaries; None: not asked for.
        usd: what the canaries cost.
    """

    environment: str
    release: str | None
    baseline_environment: str
    baseline_at: datetime
    started_at: datetime
    seconds: float
    usd: float
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def outcome(self) -> Outcome:
        """FAILED when anything failed or was left out; INCONCLUSIVE when times are unclear."""
        found = {each.outcome for each in self.findings}
        if not found or found & {Outcome.FAILED, Outcome.LEFT_OUT}:
            return Outcome.FAILED
        return Outcome.INCONCLUSIVE if Outcome.INCONCLUSIVE in found else Outcome.OK

    @property
    def verified(self) -> bool:
        """Whether the environment may stay as it is: nothing failed.

        Times that are unclear undo nothing: going back on noise would itself be a fault. They are
        told, and a later verification on a quieter machine can decide.
        """
        return self.outcome is not Outcome.FAILED

    @property
    def wrong(self) -> list[Finding]:
        """What a person or a deployment has to act on."""
        return [each for each in self.findings if each.outcome is Outcome.FAILED]

    @property
    def summary(self) -> str:
        """In one sentence."""
        counts = Counter(each.outcome for each in self.findings)
        told = ", ".join(f"{counts[each]} {each.value}" for each in Outcome if counts[each])
        how = {
            Outcome.OK: "is verified",
            Outcome.INCONCLUSIVE: "is verified but for times that are unclear",
        }.get(self.outcome, "is not verified")
        return f"The environment {self.environment} {how}: {told} in {self.seconds:.0f} s."

    def as_json(self) -> dict[str, Any]:
        """Everything, for a program."""
        return {
            "environment": self.environment,
            "release": self.release,
            "outcome": self.outcome.value,
            "verified": self.verified,
            "summary": self.summary,
            "baseline": {
                "environment": self.baseline_environment,
                "recorded_at": self.baseline_at.isoformat(),
            },
            "started_at": self.started_at.isoformat(),
            "seconds": round(self.seconds, 1),
            "cost_usd": self.usd,
            "findings": [{**asdict(each), "outcome": each.outcome.value} for each in self.findings],
        }


def by_part(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each part, in the order in which the parts came."""
    found: dict[str, list[Finding]] = {}
    for each in findings:
        found.setdefault(each.part, []).append(each)
    return found
