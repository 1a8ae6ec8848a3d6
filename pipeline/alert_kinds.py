"""Lists the kinds of alerts: what each is called, and whether it can pass by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.alerts import Severity

RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True, slots=True)
class KindOfAlert:
    """What is known of a kind beforehand.

    Attributes:
        title: A message's subject.
        severity: Where whoever raises one has no reason for another.
        passes: It is a condition, which ends and is then closed by itself. The others happened
            once: to acknowledge one is to close it.
        of_one_run: Its key is a run's id. The run itself and Prefect's automation may both tell
            of it, so that the same again is no second time.
    """

    title: str
    severity: Severity = Severity.WARNING
    passes: bool = False
    of_one_run: bool = False


KINDS: Mapping[str, KindOfAlert] = {
    "run-failed": KindOfAlert("A run could not be finished", of_one_run=True),
    "run-stopped": KindOfAlert("A run was stopped", of_one_run=True),
    "run-crashed": KindOfAlert("A run crashed"),
    "run-late": KindOfAlert("A run does not start", passes=True),
    "run-cancelled": KindOfAlert("A run was cancelled", Severity.INFO, of_one_run=True),
    "documents-failed": KindOfAlert("Documents failed", of_one_run=True),
    "source-not-read": KindOfAlert("A source was not read", passes=True),
    "flow-silent": KindOfAlert("A scheduled flow is silent", passes=True),
    "no-worker": KindOfAlert("Nobody works", Severity.CRITICAL, passes=True),
    "circuit-open": KindOfAlert("A service does not answer", Severity.CRITICAL, passes=True),
    "setting-refused": KindOfAlert("Documents wait for a setting", Severity.CRITICAL, passes=True),
    "budget-reached": KindOfAlert("A cost cap is almost reached", passes=True),
    "quality-low": KindOfAlert("Too many documents are quarantined", passes=True),
    "drift-found": KindOfAlert("Drift was found", passes=True),
    "person-needed": KindOfAlert("Something needs a person", passes=True),
    "not-verified": KindOfAlert("An environment is not verified", Severity.CRITICAL, passes=True),
    "golden-questions-fell": KindOfAlert("Golden questions find less"),
    # of what the program has answered by itself
    "service-restarted": KindOfAlert("A service was started again", Severity.INFO, passes=True),
    "work-requeued": KindOfAlert("A dead process's work was requeued", Severity.INFO, passes=True),
    "release-taken-back": KindOfAlert("A release was taken back", passes=True),
    # by the watch (`pipeline.foresight`)
    "latency-degraded": KindOfAlert("Something is slower than usual", passes=True),
    "success-degraded": KindOfAlert("More fails than usual", passes=True),
    "quality-degraded": KindOfAlert("Quality is lower than usual", passes=True),
    "cost-risen": KindOfAlert("Documents cost more than usual", passes=True),
    "queue-stalled": KindOfAlert("The queue stands still", passes=True),
    "recall-degraded": KindOfAlert("Searches by vectors find less", passes=True),
    "disk-fills": KindOfAlert("A disk will be full", passes=True),
    "token-budget-binds": KindOfAlert("Tokens a minute will not suffice", passes=True),
    "backlog-stays": KindOfAlert("The queue will not be worked off", passes=True),
    "spend-passes-budget": KindOfAlert("The month will cost more than planned", passes=True),
}
"""By their names; each has an entry of that name in docs/runbook.md."""


def title_of(kind: str) -> str:
    """The subject of a message about an alert of this kind."""
    known = KINDS.get(kind)
    return known.title if known else kind.replace("-", " ").capitalize()


def passes(kind: str) -> bool:
    """Whether alerts of this kind end by themselves; one that is not known does."""
    known = KINDS.get(kind)
    return known is None or known.passes


def happens_once(kind: str) -> bool:
    """Whether an alert of this kind and key is about one run, whoever tells of it."""
    known = KINDS.get(kind)
    return known is not None and known.of_one_run


def runbook_of(kind: str) -> str:
    """Where it is written what to do."""
    return f"{RUNBOOK}#{kind}"
