"""Draws random histories of jobs, and reports the first that breaks an invariant."""

from __future__ import annotations

import time

from app.chaos.experiment_report import Outcome
from app.chaos.experiments import Plan
from app.chaos.installations import Installation
from app.chaos.oracle import Breach, Verdict
from pipeline.errors import ConfigurationError


def run(plan: Plan, place: Installation) -> Outcome:
    """Draw `plan.faults` histories of `plan.documents` steps.

    Raises:
        ConfigurationError: Hypothesis is not installed.
    """
    try:
        from app.chaos.histories import check
    except ImportError:
        raise ConfigurationError(
            "Histories are drawn by Hypothesis, which is not installed.",
            remedy="Install the development packages: `make setup` in a checkout.",
        ) from None
    started, breaches = time.monotonic(), []
    try:
        check(place.addresses, plan.seed, plan.faults, plan.documents)
    except AssertionError as error:
        steps = "; ".join("\n".join(getattr(error, "__notes__", ())).splitlines())
        breaches.append(Breach("every history is legal", f"{error}. {steps}"))
    return Outcome(
        "histories",
        plan.seed,
        f"{plan.faults:,} histories of {plan.documents} steps",
        {},
        Verdict(0, 0, 0, 0, breaches),
        seconds=time.monotonic() - started,
    )
