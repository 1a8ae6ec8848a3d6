"""Names the likely cause of a finding, by rules over what else is known at the time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.foresight.findings import Finding
from pipeline.foresight.measures import AlertKind, Measure


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known of the installation now.

    Attributes:
        open_circuits: services that are not asked at the moment.
        workers: that said within two minutes that they run; None: nobody counts them here.
        arrived, finished: documents of the last three hours.
        changes: what an operator changed lately, as `release 2f1c`, and when.
        services_of: which services a stage asks.
    """

    open_circuits: Collection[str] = ()
    workers: int | None = None
    waiting: int = 0
    arrived: int = 0
    finished: int = 0
    changes: Mapping[str, datetime] = field(default_factory=dict)
    services_of: Mapping[str, Collection[str]] = field(default_factory=dict)


_AFTER = timedelta(hours=6)
_MANY = 2

Rule = Callable[[Finding, Collection[Finding], Surroundings], str]


def likely_cause(finding: Finding, all_found: Collection[Finding], around: Surroundings) -> str:
    """One sentence, or nothing where no rule fits."""
    for rule in _RULES.get(finding.kind, ()):
        if said := rule(finding, all_found, around):
            return said
    return _changed(finding, around)


def _subjects(found: Collection[Finding], *measures: Measure) -> list[str]:
    return sorted({each.subject for each in found if each.measure in measures})


def _changed(finding: Finding, around: Surroundings) -> str:
    """What was changed shortly before it began."""
    for name, at in around.changes.items():
        if timedelta(0) <= finding.since - at <= _AFTER:
            return f"It began after a change: {name}, at {at:%Y-%m-%d %H:%M} UTC."
    return ""


def _provider(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    """The services that this figure depends on, where they fail or are slow."""
    own = set(around.services_of.get(finding.subject, ())) or {finding.subject}
    if finding.measure in (Measure.FAILED_DOCUMENTS, Measure.QUEUE_AGE, Measure.UNIT_COST):
        own = {name for names in around.services_of.values() for name in names}
    for name in sorted(own & set(around.open_circuits)):
        return f"{name} does not answer: its circuit is open."
    failing = [each for each in _subjects(found, Measure.SERVICE_FAILURES) if each in own]
    if failing and finding.measure is not Measure.SERVICE_FAILURES:
        return f"The provider: calls of {failing[0]} fail more often than usual."
    slow = [each for each in _subjects(found, Measure.SERVICE_TIME) if each in own]
    if slow and finding.measure not in (Measure.SERVICE_TIME, Measure.SERVICE_FAILURES):
        return f"The provider: {slow[0]} answers slower than usual."
    if finding.measure is Measure.SERVICE_FAILURES and slow:
        return f"The provider: {slow[0]} is slow and fails."
    return ""


def _machine(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    """Several unrelated things are slow at once."""
    slow = _subjects(found, Measure.SERVICE_TIME, Measure.STAGE_TIME, Measure.SEARCH_TIME)
    if finding.subject in slow and len(slow) > _MANY:
        return f"The machine, its disk or its network: {len(slow)} things are slow at once."
    return ""


def _alone(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    """One service is slow or fails, and nothing of ours."""
    if finding.measure in (Measure.SERVICE_TIME, Measure.SERVICE_FAILURES):
        return _changed(finding, around) or "The provider: nothing else is unusual here."
    return ""


def _search(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    if finding.measure is Measure.SEARCH_TIME:
        return _changed(finding, around) or (
            "The database: an index that is missing or no longer fits its memory."
        )
    return ""


def _workers(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    """Whether anybody is there to work."""
    if around.workers == 0:
        return "No worker runs: documents wait, and nobody takes them."
    return ""


def _flow(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    if not around.finished:
        return "Workers run, but nothing was finished in three hours: a run may hang."
    if around.arrived > 2 * around.finished:
        return (
            f"More came than is worked off: {around.arrived} documents came in three hours, "
            f"{around.finished} were finished."
        )
    return ""


def _quality(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    return _changed(finding, around) or (
        "Other documents than before, of one source or sender, or a parser that reads them worse."
    )


def _cost(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    return _changed(finding, around) or (
        "A price or tier that changed, larger documents than before, or texts bought again."
    )


def _recall(finding: Finding, found: Collection[Finding], around: Surroundings) -> str:
    return _changed(finding, around) or (
        "The vector index: many vectors came or went since it was built, or an older release "
        "built it (`navigator index status`)."
    )


_RULES: dict[AlertKind, tuple[Rule, ...]] = {
    AlertKind.LATENCY: (_provider, _machine, _search, _alone),
    AlertKind.FAILURES: (_provider, _alone),
    AlertKind.QUALITY: (_provider, _quality),
    AlertKind.COST: (_provider, _cost),
    AlertKind.QUEUE: (_workers, _provider, _flow),
    AlertKind.RECALL: (_recall,),
}
