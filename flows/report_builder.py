"""Builds the quality report from the figures in the database."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from checks.histogram import SHARE_EDGES, SIMILARITY_EDGES, Histogram, size_edges
from checks.report import render
from checks.report_data import (
    DayPoint,
    Duplicates,
    GoldenNight,
    ReportData,
    ReportHeading,
    RuleExample,
    RuleSummary,
    SlowDocument,
    Spend,
    StageSeconds,
    StateCount,
    SuiteRun,
    Totals,
)
from checks.report_documents import FailedDocument, LackingDocument
from checks.suites import SUITES
from pipeline.identity import owner_mark
from pipeline.job_notes import gaps_of
from pipeline.private_files import write_private
from pipeline.sources import printable
from pipeline.states import JobState
from pipeline.store.clock import database_time
from pipeline.store.engine import Database
from pipeline.store.report_queries import ReportScope, figures, nearest_similarities

STAGES = ("parse", "validate", "chunk", "embed", "gate", "publish")
_NEAR_DUPLICATE = 0.98

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


async def write_report(
    database: Database,
    folder: Path,
    *,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    days: int = 30,
    max_tokens: int = 400,
) -> Path:
    """Write the report as one HTML file.

    Args:
        folder: made when missing.
        run_id: of this run only; over the last `days` when None.
        max_tokens: the chunker's limit, for the picture of chunk sizes.

    Returns:
        The file's path: one name a run, ``latest.html`` for the report over time.
    """
    data = await report_data(
        database, run_id=run_id, user_id=user_id, days=days, max_tokens=max_tokens
    )
    path = folder / (f"run-{run_id}.html" if run_id else "latest.html")
    await asyncio.to_thread(_write, path, render(data))
    return path


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, page.encode("utf-8"))


async def report_data(
    database: Database,
    *,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    days: int = 30,
    max_tokens: int = 400,
) -> ReportData:
    """Everything that the report shows."""
    async with database.service() as connection:
        now = await database_time(connection)
    scope = ReportScope(now - timedelta(days=days), run_id, user_id)

    async def count() -> Figures:
        async with database.service() as connection:
            return await figures(connection, scope)

    async def compare() -> Sequence[float]:
        async with database.service() as connection:
            return await nearest_similarities(connection, scope)

    found, near = await asyncio.gather(count(), compare())
    return ReportData(
        title="Data quality of the corpus" if run_id is None else "Data quality of one run",
        generated_at=now,
        scope=_scope(found, scope, days, now),
        totals=_totals(found),
        states=tuple(StateCount(JobState(r["state"]), r["documents"]) for r in found["states"]),
        suites=_suites(found),
        rules=_rules(found),
        failed=tuple(_failed(row) for row in found["failed"]),
        lacking=tuple(_lacking(row) for row in found["lacking"]),
        lacking_in_all=next((row["in_all"] for row in found["lacking"]), 0),
        coverage=Histogram.of([row["value"] for row in found["coverage"]], SHARE_EDGES),
        chunk_sizes=_sizes(found["sizes"], max_tokens),
        max_tokens=max_tokens,
        similarity=Histogram.of(near, SIMILARITY_EDGES),
        spend_by_day=tuple(Spend(**row) for row in found["by_day"]),
        spend_by_run=tuple(Spend(**row) for row in found["by_run"]),
        spend_by_model=tuple(Spend(**row) for row in found["by_model"]),
        slowest=tuple(_slow(row) for row in found["slowest"] if row["stage_seconds"]),
        duplicates=_duplicates(found["duplicates"][0], near),
        days=tuple(DayPoint(**row) for row in found["days"]) if run_id is None else (),
        golden=tuple(GoldenNight(**row) for row in found["golden"]),
        owners=tuple(owner_mark(row["user_id"]) for row in found["owners"]),
    )


def _scope(found: Figures, scope: ReportScope, days: int, now: datetime) -> ReportHeading:
    span, versions = found["span"][0], found["versions"]
    version = f"{versions[0]['parser']}, {versions[0]['chunker']}" if len(versions) == 1 else ""
    return ReportHeading(
        title=f"Run {scope.run_id}" if scope.run_id else f"The last {days} days",
        first=span["first"] or scope.since,
        last=span["last"] or now,
        run_id=str(scope.run_id) if scope.run_id else None,
        pipeline_version=version,
        user=str(scope.user_id) if scope.user_id else "",
    )


def _totals(found: Figures) -> Totals:
    row = found["totals"][0]
    return Totals(
        documents=row["documents"],
        pages=row["pages"],
        chunks=row["chunks"],
        chunks_reused=max(row["chunks"] - row["inputs"], 0),
        tokens=row["tokens"],
        calls=row["calls"],
        cost_usd=row["cost_usd"],
        seconds=found["span"][0]["seconds"],
    )


def _suites(found: Figures) -> tuple[SuiteRun, ...]:
    titles = {suite.name: suite.title for suite in SUITES}
    judged = found["judged"][0]["count"]
    return tuple(
        SuiteRun(
            suite=row["suite"],
            version=row["version"],
            title=titles.get(row["suite"]) or str(row["suite"]),
            runs=tuple(str(run) for run in row["runs"] if run),
            first=row["first"],
            last=row["last"],
            documents=judged,
            documents_failed=row["documents_failed"],
        )
        for row in found["suites"]
    )


def _rules(found: Figures) -> tuple[RuleSummary, ...]:
    examples: dict[tuple[str, str, str], list[RuleExample]] = defaultdict(list)
    for row in found["examples"]:
        example = RuleExample(printable(row["source"]), row["sentence"])
        examples[(row["suite"], row["version"], row["rule"])].append(example)
    return tuple(
        _rule(row, tuple(examples[(row["suite"], row["version"], row["rule"])]))
        for row in found["rules"]
    )


def _rule(row: Mapping[str, Any], examples: tuple[RuleExample, ...]) -> RuleSummary:
    values = dict(row)
    lowest, highest = values.pop("lowest"), values.pop("highest")
    worst = highest if row["threshold"].startswith("at most") else lowest
    return RuleSummary(**values, examples=examples, worst=worst)


def _lacking(row: Mapping[str, Any]) -> LackingDocument:
    gaps = gaps_of(row["notes"])
    return LackingDocument(
        printable(row["source"]),
        JobState(row["state"]),
        tuple(gap.message for gap in gaps),
        tuple(dict.fromkeys(gap.remedy for gap in gaps if gap.remedy)),
    )


def _failed(row: Mapping[str, Any]) -> FailedDocument:
    return FailedDocument(
        **{
            **row,
            "source": printable(row["source"]),
            "state": JobState(row["state"]),
            "code": row["code"] or "",
            "message": row["message"] or "",
            "remedy": row["remedy"] or "",
        }
    )


def _sizes(rows: Sequence[Mapping[str, Any]], limit: int) -> Histogram:
    return Histogram.of(
        [float(row["tokens"]) for row in rows for _ in range(row["chunks"])], size_edges(limit)
    )


def _slow(row: Mapping[str, Any]) -> SlowDocument:
    seconds: Mapping[str, Any] = row["stage_seconds"]
    stages = [StageSeconds(stage, float(seconds[stage])) for stage in STAGES if stage in seconds]
    return SlowDocument(printable(row["source"]), tuple(stages))


def _duplicates(row: Mapping[str, Any], near: Sequence[float]) -> Duplicates:
    close = sum(value >= _NEAR_DUPLICATE for value in near)
    return Duplicates(row["chunks"], row["distinct"], close)
