"""Reports the smoke test: a line as each step ends, then one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.stack.smoke_test import SECONDS, Step
from app.terminal.console import answers, say, text

_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("·", "yellow")}


def show_step(step: Step) -> None:
    """One line."""
    mark, style = _MARKS[step.outcome]
    line = text(f"{mark} {step.name:<13}", style)
    line.append(f"{step.seconds:6.2f} s  {step.detail}", style="")
    answers().print(line)
    if step.remedy:
        say(f"  {step.remedy}")


def is_passed(steps: Sequence[Step]) -> bool:
    """Whether everything worked, and in time."""
    return _failed(steps) is None and total(steps) < SECONDS


def total(steps: Sequence[Step]) -> float:
    """Seconds of all steps."""
    return sum(step.seconds for step in steps)


def show_sum(steps: Sequence[Step]) -> None:
    """The last sentence."""
    seconds = total(steps)
    if (failed := _failed(steps)) is not None:
        answers().print(text(f"The check failed at {failed.name} after {seconds:.1f} s.", "red"))
    elif not is_passed(steps):
        said = f"Everything works, but took {seconds:.1f} s of the {SECONDS:.0f} s allowed."
        answers().print(text(said, "red"))
    else:
        answers().print(text(f"Everything works: {seconds:.1f} s.", "green"))


def as_json(steps: Sequence[Step]) -> dict[str, Any]:
    """For a program."""
    return {
        "passed": is_passed(steps),
        "seconds": round(total(steps), 3),
        "steps": [asdict(step) for step in steps],
    }


def _failed(steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if step.outcome == "failed"), None)
