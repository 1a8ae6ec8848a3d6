"""Sums up suites and rules for the quality report: definitions, counts, examples, trends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.report_data import (
    RuleDefinition,
    RuleExample,
    RuleSummary,
    RuleTrend,
    SuiteRun,
    TrendPoint,
)
from checks.rules import Rule, Suite
from flows.report_versions import failing_chunk, with_page
from pipeline.sources import printable
from pipeline.store.report_documents import pages_of_chunks

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


def suite_runs(found: Figures, suites: Sequence[Suite]) -> tuple[SuiteRun, ...]:
    """Each suite and version that judged, with its rules where this program knows them."""
    titles = {suite.name: suite.title for suite in suites}
    known = {(suite.name, suite.version): suite for suite in suites}
    return tuple(
        SuiteRun(
            suite=row["suite"],
            version=row["version"],
            title=titles.get(row["suite"]) or str(row["suite"]),
            runs=tuple(str(run) for run in row["runs"]),
            first=row["first"],
            last=row["last"],
            documents=row["documents"],
            documents_failed=row["documents_failed"],
            rules=_definitions(known.get((row["suite"], row["version"]))),
        )
        for row in found["suites"]
    )


def _definitions(suite: Suite | None) -> tuple[RuleDefinition, ...]:
    return tuple(_definition(rule) for rule in suite.rules) if suite is not None else ()


def _definition(rule: Rule) -> RuleDefinition:
    bounds = ", ".join(f"{name}={_shown(value)}" for name, value in sorted(rule.kwargs.items()))
    return RuleDefinition(
        rule.name, rule.title, rule.expectation, rule.column, bounds, rule.severity.value
    )


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


async def rule_summaries(connection: AsyncConnection, found: Figures) -> tuple[RuleSummary, ...]:
    """Each rule over the scope, with a few documents behind its failures."""
    failing = {
        (row["job_id"], ordinal)
        for row in found["examples"]
        if (ordinal := failing_chunk(row["sentence"])) is not None
    }
    pages = await pages_of_chunks(connection, sorted(failing)) if failing else {}
    examples: dict[tuple[str, str, str], list[RuleExample]] = defaultdict(list)
    for row in found["examples"]:
        sentence = printable(with_page(row["sentence"], row["job_id"], pages))
        example = RuleExample(printable(row["name"]), sentence)
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


def rule_trends(found: Figures) -> tuple[RuleTrend, ...]:
    """Each rule day by day."""
    points: dict[tuple[str, str], list[TrendPoint]] = defaultdict(list)
    titles: dict[tuple[str, str], tuple[str, str]] = {}
    for row in sorted(found["trends"], key=lambda each: each["day"]):
        key = (row["suite"], row["rule"])
        titles[key] = (row["title"], row["severity"])
        points[key].append(TrendPoint(row["day"], row["evaluated"], row["failed"]))
    return tuple(
        RuleTrend(*key, titles[key][0], tuple(days), titles[key][1]) for key, days in points.items()
    )
