"""Reports an experiment: its row of the table, and each broken invariant."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.chaos.oracle import Breach, Verdict
from app.terminal.console import answers, number, print_json, right, say, table, tell, text

MOST_BREACHES = 20


@dataclass(frozen=True)
class Outcome:
    """One experiment as it ended.

    Attributes:
        size: what it was done to, in words.
        faults: how often the fault happened, by its name.
        recoveries: seconds from each fault until the work went on.
        facts: further figures, by name.
    """

    test: str
    seed: int
    size: str
    faults: dict[str, int]
    verdict: Verdict
    recoveries: Sequence[float] = ()
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not self.verdict.breaches


def as_json(outcome: Outcome) -> dict[str, Any]:
    """For a program."""
    made = asdict(outcome) | {"held": outcome.held, "recoveries": _recoveries(outcome)}
    return made | {"verdict": asdict(outcome.verdict)}


def show(outcome: Outcome, *, json: bool) -> int:
    """Print the outcome; the exit code: 0 when every promise was kept, else 1."""
    if json:
        print_json(as_json(outcome))
    else:
        _print_row(outcome)
        _print_breaches(outcome.verdict.breaches)
    return 0 if outcome.held else 1


def _print_row(outcome: Outcome) -> None:
    numbers = ("lost", "duplicated", "paid twice", "bound", "p50 s", "p95 s", "seconds")
    shown = table("test", "size", "faults injected", *map(right, numbers), right("seed"))
    verdict, recovery = outcome.verdict, _recoveries(outcome)
    shown.add_row(
        text(outcome.test),
        text(outcome.size),
        text(", ".join(f"{count:,} {name}" for name, count in outcome.faults.items())),
        *(number(each) for each in (verdict.lost, verdict.duplicated)),
        *(number(each) for each in (verdict.paid_twice, verdict.bound)),
        *("" if each is None else f"{each:.1f}" for each in recovery.values()),
        f"{outcome.seconds:.0f}",
        str(outcome.seed),
    )
    answers().print(shown)
    for name, value in outcome.facts.items():
        tell(f"{name}: {value}")


def _print_breaches(breaches: Sequence[Breach]) -> None:
    if not breaches:
        tell("Every promise was kept.", "green")
        return
    tell(f"{len(breaches):,} broken promises:", "bold red")
    for breach in breaches[:MOST_BREACHES]:
        of = f" · {breach.document.rpartition('/')[2]}" if breach.document else ""
        tell(f"✗ {breach.promise}{of}: {breach.what}")
    if len(breaches) > MOST_BREACHES:
        say(f"… and {len(breaches) - MOST_BREACHES:,} more; --json has them all.")


def _recoveries(outcome: Outcome) -> dict[str, float | None]:
    seconds = sorted(outcome.recoveries)
    if not seconds:
        return {"p50": None, "p95": None}
    if len(seconds) == 1:
        return {"p50": seconds[0], "p95": seconds[0]}
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18]}
