"""Builds the quality report from the figures in the database, all of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from checks.histogram import SHARE_EDGES, SIMILARITY_EDGES, Histogram, size_edges
from checks.report_data import (
    DayPoint,
    Decision,
    Duplicates,
    GoldenNight,
    PersonalData,
    Pipeline,
    ReportData,
    ReportHeading,
    SlowDocument,
    Spend,
    StageSeconds,
    StateCount,
    Totals,
)
from checks.rules import Suite
from checks.suites import SUITES
from flows.report_rules import rule_summaries, rule_trends, suite_runs
from flows.report_software import software
from flows.report_versions import document_versions
from pipeline.identity import owner_mark
from pipeline.sources import printable
from pipeline.states import JobState
from pipeline.store import report_documents
from pipeline.store.clock import database_time
from pipeline.store.engine import Database
from pipeline.store.report_queries import figures
from pipeline.store.report_scope import ReportScope
from pipeline.store.report_similarity import nearest_similarities

STAGES = ("parse", "validate", "chunk", "embed", "gate", "publish")
_NEAR_DUPLICATE = 0.98

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


async def report_data(
    database: Database,
    *,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    days: int = 30,
    max_tokens: int = 400,
    suites: Sequence[Suite] = SUITES,
) -> ReportData:
    """Everything that the report shows.

    Args:
        run_id: of this run only; over the last `days` when None.
        user_id: as this user sees it (row-level security); everybody's when None.
        max_tokens: the chunker's limit, for the picture of chunk sizes.
        suites: those in force, for the definitions of their rules.
    """
    async with database.snapshot(user_id) as connection:
        now = await database_time(connection)
        scope = ReportScope(now - timedelta(days=days), run_id, user_id)
        found = await figures(connection, scope)
        listed = await report_documents.versions(connection, scope)
        versions = await document_versions(connection, listed)
        rules = await rule_summaries(connection, found)
        near = await nearest_similarities(connection, scope)
    return ReportData(
        title="Data quality of the corpus" if run_id is None else "Data quality of one run",
        generated_at=now,
        scope=_scope(found, scope, days, now),
        totals=Totals(**found["totals"][0], seconds=found["span"][0]["seconds"]),
        states=tuple(StateCount(JobState(r["state"]), r["documents"]) for r in found["states"]),
        versions=versions,
        suites=suite_runs(found, suites),
        rules=rules,
        trends=rule_trends(found) if run_id is None else (),
        personal=tuple(PersonalData(**row) for row in found["personal"]),
        uncounted=found["uncounted"][0]["uncounted"],
        decisions=tuple(_decision(row) for row in found["decisions"]),
        coverage=Histogram.of([row["value"] for row in found["coverage"]], SHARE_EDGES),
        chunk_sizes=_sizes(found["sizes"], max_tokens),
        max_tokens=max_tokens,
        similarity=Histogram.of(near, SIMILARITY_EDGES),
        spend_by_day=_spent(found["by_day"]),
        spend_by_run=_spent(found["by_run"]),
        spend_by_model=_spent(found["by_model"]),
        spend_by_owner=_spent(found["by_owner"]),
        slowest=tuple(_slow(row) for row in found["slowest"] if row["stage_seconds"]),
        duplicates=_duplicates(found["duplicates"][0], near),
        days=tuple(DayPoint(**row) for row in found["days"]) if run_id is None else (),
        golden=tuple(GoldenNight(**row) for row in found["golden"]),
        pipelines=tuple(Pipeline(**row) for row in found["pipelines"]),
        software=software(),
        owners=tuple(owner_mark(row["user_id"]) for row in found["owners"]),
    )


def _scope(found: Figures, scope: ReportScope, days: int, now: datetime) -> ReportHeading:
    span = found["span"][0]
    over_time = scope.run_id is None
    return ReportHeading(
        title=f"The last {days} days" if over_time else f"Run {scope.run_id}",
        first=scope.since if over_time else span["first"] or scope.since,
        last=now if over_time else span["last"] or now,
        run_id=str(scope.run_id) if scope.run_id else None,
        user=str(scope.user_id) if scope.user_id else "",
    )


def _decision(row: Mapping[str, Any]) -> Decision:
    what = row["event"]
    if what == "moved":
        what = {"deleted": "deleted", "cancelled": "cancelled"}.get(row["to_state"], "moved")
    name, reason = printable(row["name"]), printable(row["reason"] or "")
    return Decision(row["at"], str(what).replace("_", " "), name, row["version"], reason)


def _spent(rows: Sequence[Mapping[str, Any]], most: int = 30) -> tuple[Spend, ...]:
    """The first rows, and the others in one, so that they add up to all."""
    listed = [Spend(**row) for row in rows]
    if len(listed) <= most:
        return tuple(listed)
    rest = listed[most - 1 :]
    others = Spend(
        f"{len(rest)} others",
        sum(each.calls for each in rest),
        sum(each.tokens for each in rest),
        sum(each.cost_usd for each in rest),
    )
    return (*listed[: most - 1], others)


def _sizes(rows: Sequence[Mapping[str, Any]], limit: int) -> Histogram:
    return Histogram.of(
        [float(row["tokens"]) for row in rows for _ in range(row["chunks"])], size_edges(limit)
    )


def _slow(row: Mapping[str, Any]) -> SlowDocument:
    seconds: Mapping[str, Any] = row["stage_seconds"]
    stages = [StageSeconds(stage, float(seconds[stage])) for stage in STAGES if stage in seconds]
    return SlowDocument(printable(row["name"]), tuple(stages))


def _duplicates(row: Mapping[str, Any], near: Sequence[float]) -> Duplicates:
    close = sum(value >= _NEAR_DUPLICATE for value in near)
    return Duplicates(row["chunks"], row["distinct"], close)
