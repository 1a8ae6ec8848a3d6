"""Tells new findings: those that wait for a person and did not the last time."""

from __future__ import annotations

from pipeline.finding_kinds import FACTS, Kind
from pipeline.store.findings import MaintenanceRun
from stages.reconciling.inspection import Outcome


def news_for_a_person(outcome: Outcome, before: MaintenanceRun | None) -> dict[Kind, int]:
    """Count, by kind, the findings that wait for a person now and did not the last time.

    Of kinds with more findings than are kept by their ids, only their number is compared.
    """
    known = {(f.kind, f.subject) for f in (before.findings if before else ()) if f.decision}
    fresh: dict[Kind, int] = {}
    for finding in outcome.findings:
        if finding.decision and (finding.kind, finding.subject) not in known:
            fresh[finding.kind] = fresh.get(finding.kind, 0) + 1
    for kind, tally in outcome.tallies.items():
        earlier = before.tallies[kind].person if before and kind in before.tallies else 0
        if tally.person - earlier > fresh.get(kind, 0):
            fresh[kind] = tally.person - earlier
    return fresh


def in_words(fresh: dict[Kind, int]) -> str:
    """One line a kind: what, how often, and what to do; no id."""
    return "\n".join(
        f"{number} × {FACTS[kind].title}. {FACTS[kind].remedy}" for kind, number in fresh.items()
    )
