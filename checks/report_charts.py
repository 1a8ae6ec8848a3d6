"""Draws the quality report's charts, each None when there is nothing to draw."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from checks.charts import Bar, Mark, Segment, columns, plain, rows
from checks.formatting import duration, visible
from checks.histogram import Histogram
from checks.report_data import ReportData, RuleTrend
from pipeline.states import ENDED, FAILED, STATE_TITLES, JobState

STAGE_TONES = ("stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7")


@dataclass(frozen=True, slots=True)
class ReportCharts:
    """Every chart as inline SVG."""

    states: Markup | None
    coverage: Markup | None
    chunk_sizes: Markup | None
    similarity: Markup | None
    slowest: Markup | None
    stages: tuple[tuple[str, str], ...]
    days: Markup | None
    failed_share: Markup | None
    cost: Markup | None
    golden: Markup | None
    trends: tuple[tuple[str, Markup], ...]


MOST_TRENDS = 12
"""Rules that are drawn over time, those that failed most."""


def report_charts(data: ReportData) -> ReportCharts:
    """Draw what the data hold. `stages` is the legend of `slowest`: (stage, CSS class)."""
    tones = _stage_tones(data)
    return ReportCharts(
        states=_states(data),
        coverage=_coverage(data.coverage),
        chunk_sizes=_chunk_sizes(data.chunk_sizes, data.max_tokens),
        similarity=_similarity(data.similarity),
        slowest=_slowest(data, tones),
        stages=tuple(tones.items()),
        days=_days(data),
        failed_share=_failed_share(data),
        cost=_cost(data),
        golden=_golden(data),
        trends=_trends(data),
    )


def state_tone(state: JobState) -> str:
    """The color class of a state."""
    if state is JobState.COMPLETE:
        return "good"
    if state is JobState.COMPLETE_WITH_GAPS:
        return "warn"
    if state in FAILED:
        return "bad"
    return "muted" if state in ENDED else "accent"


def _states(data: ReportData) -> Markup | None:
    bars = [
        Bar(
            STATE_TITLES[found.state],
            (Segment("documents", found.documents, state_tone(found.state)),),
        )
        for found in data.states
        if found.documents
    ]
    return rows(bars, title="Documents by state") if bars else None


def _coverage(histogram: Histogram) -> Markup | None:
    return _histogram(
        histogram,
        title="Documents by page coverage",
        x_label="share of a document's pages that have text",
        edges=[f"{edge:.0%}" for edge in histogram.edges],
        mark=Mark(0.5, "limit 50 %"),
    )


def _chunk_sizes(histogram: Histogram, max_tokens: int | None) -> Markup | None:
    mark = None
    if max_tokens and histogram.edges[-1] > 0:
        mark = Mark(min(max_tokens / histogram.edges[-1], 1.0), f"limit {max_tokens:,}")
    return _histogram(
        histogram,
        title="Chunks by size",
        x_label="tokens in a chunk",
        edges=[plain(edge) for edge in histogram.edges],
        mark=mark,
    )


def _similarity(histogram: Histogram) -> Markup | None:
    return _histogram(
        histogram,
        title="Sampled chunks by similarity to their nearest neighbor",
        x_label="cosine to the nearest chunk of another document",
        edges=[f"{edge:.2g}" for edge in histogram.edges],
        mark=None,
    )


def _histogram(
    histogram: Histogram, *, title: str, x_label: str, edges: list[str], mark: Mark | None
) -> Markup | None:
    if not histogram.total:
        return None
    bars = [
        Bar(f"{low} to {high}", (Segment("count", found),))
        for low, high, found in zip(edges[:-1], edges[1:], histogram.counts, strict=True)
    ]
    return columns(bars, title=title, x_label=x_label, edges=edges, mark=mark)


def _stage_tones(data: ReportData) -> dict[str, str]:
    stages = dict.fromkeys(stage.stage for slow in data.slowest for stage in slow.stages)
    return {
        stage: STAGE_TONES[min(number, len(STAGE_TONES) - 1)] for number, stage in enumerate(stages)
    }


def _slowest(data: ReportData, tones: dict[str, str]) -> Markup | None:
    bars = [
        Bar(
            visible(slow.name),
            tuple(Segment(stage.stage, stage.seconds, tones[stage.stage]) for stage in slow.stages),
        )
        for slow in data.slowest
    ]
    return rows(bars, title="Slowest documents", shown=duration) if bars else None


def _days(data: ReportData) -> Markup | None:
    bars = [
        Bar(
            f"{point.day.day} {point.day:%b}",
            (
                Segment("failed", point.failed, "bad"),
                Segment("fine", point.documents - point.failed, "good"),
            ),
        )
        for point in data.days
    ]
    return columns(bars, title="Documents a day") if bars else None


def _failed_share(data: ReportData) -> Markup | None:
    bars = [
        Bar(f"{point.day.day} {point.day:%b}", (Segment("failed", point.failed_share, "bad"),))
        for point in data.days
    ]
    if not bars:
        return None
    return columns(bars, title="Share of documents that failed", shown=lambda v: f"{v:.0%}")


def _cost(data: ReportData) -> Markup | None:
    bars = [
        Bar(f"{point.day.day} {point.day:%b}", (Segment("cost", point.cost_usd),))
        for point in data.days
    ]
    if not any(bar.total for bar in bars):
        return None
    return columns(bars, title="Cost a day", shown=lambda v: f"${v:.2g}")


def _golden(data: ReportData) -> Markup | None:
    bars = [
        Bar(f"{night.at.day} {night.at:%b}", (Segment("nDCG", night.ndcg),))
        for night in data.golden
    ]
    return (
        columns(bars, title="nDCG of the golden questions", shown=lambda v: f"{v:.3f}")
        if bars
        else None
    )


def _trends(data: ReportData) -> tuple[tuple[str, Markup], ...]:
    failing = sorted((each for each in data.trends if each.failed), key=lambda each: -each.failed)
    return tuple((trend.title, _trend(trend)) for trend in failing[:MOST_TRENDS])


def _trend(trend: RuleTrend) -> Markup:
    tone = "warn" if trend.severity == "warning" else "bad"
    bars = [
        Bar(f"{point.day.day} {point.day:%b}", (Segment("failed", point.failed, tone),))
        for point in trend.points
    ]
    return columns(bars, title=f"Failures a day: {trend.title}")
