"""Presents an outlook: as JSON, as Markdown, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from pipeline.alerts import Alert
from pipeline.foresight.capacity import Forecast
from pipeline.foresight.measures import LEVELS, SHARES, Measure
from pipeline.foresight.outlook import Outlook, in_words
from pipeline.foresight.series import HOURS_A_DAY, HOURS_A_WEEK, Series, gauge

RUNBOOK = "docs/runbook.md"


def in_short(found: Outlook) -> str:
    """The outlook in one sentence."""
    if found.alerts:
        more = f" and {len(found.alerts) - 1} more" if len(found.alerts) > 1 else ""
        return f"{found.alerts[0].title.rstrip('.')}{more}."
    known = len(found.series) - len(found.unknown)
    return (
        f"Nothing is unusual in {known} series; {len(found.unknown)} have too little history yet."
        if found.unknown
        else f"Nothing is unusual in {known} series."
    )


def figures(found: Outlook) -> list[dict[str, Any]]:
    """Every series, and what was read off just now, in figures."""
    known = {(each.measure.value, each.subject): each for each in found.series}
    end, nothing = found.at, np.full(1, np.nan)
    for measure, subject in found.read_off:
        if (measure, subject) not in known:
            known[measure, subject] = gauge(Measure(measure), subject, end, nothing)
    return [_figure(each, found.read_off.get(key)) for key, each in known.items()]


def _figure(series: Series, now: float | None) -> dict[str, Any]:
    """A series in figures; null where nothing was measured."""
    return {
        "measure": series.measure.value,
        "subject": series.subject,
        "now": now,
        "last_hour": _mean(series, 1),
        "last_day": _mean(series, HOURS_A_DAY),
        "last_week": _mean(series, HOURS_A_WEEK),
        "days_of_history": round(series.days, 2),
        "judged": series.measure in LEVELS or series.measure in SHARES,
    }


def _mean(series: Series, hours: int) -> float | None:
    """The median of hourly values; of a share, that of all that were counted."""
    if len(series.hits):
        counted = float(np.nansum(series.counts[-hours:]))
        return round(float(np.nansum(series.hits[-hours:])) / counted, 6) if counted else None
    values = series.values[-hours:]
    values = values[~np.isnan(values)]
    return round(float(np.median(values)), 6) if len(values) else None


def forecast_json(each: Forecast, at: datetime) -> dict[str, Any]:
    """A forecast for a program."""
    return {
        "kind": each.kind,
        "subject": each.subject,
        "unit": each.unit,
        "now": each.now,
        "limit": each.limit,
        "a_day": each.a_day,
        "reached_at": each.full_at.isoformat() if each.full_at else None,
        "days_of_history": round(each.days_of_history, 2),
        "too_little_history": each.too_little,
        "sentence": in_words(each, at),
    }


def alert_json(each: Alert) -> dict[str, Any]:
    """An alert for a program."""
    return {
        "kind": str(each.kind),
        "key": each.key,
        "severity": each.severity.value,
        "title": each.title,
        "cause": each.cause,
        "evidence": dict(each.evidence),
        "runbook": f"{RUNBOOK}#{each.kind}",
    }


def outlook_json(found: Outlook) -> dict[str, Any]:
    """All of it for a program."""
    month = found.month
    return {
        "at": found.at.isoformat(),
        "summary": in_short(found),
        "alerts": [alert_json(each) for each in found.alerts],
        "forecasts": [forecast_json(each, found.at) for each in found.forecasts],
        "month": {
            "spent_usd": month.spent_usd,
            "by_its_end_usd": month.by_its_end,
            "budget_usd": month.budget_usd,
        },
        "figures": figures(found),
        "too_little_history": list(found.unknown),
    }


def as_markdown(found: Outlook) -> str:
    """What there is to tell, as a Prefect artifact shows it."""
    lines = ["# Watch", "", in_short(found), ""]
    lines += _table(
        ("What", "Likely cause", "Severity", "What to do"),
        [(each.title, each.cause or "not known", each.severity.value, f"{RUNBOOK}, {each.kind}")
         for each in found.alerts],
    )  # fmt: skip
    lines += ["", "## To be expected", ""]
    lines += [f"- {in_words(each, found.at)}" for each in found.forecasts]
    lines.append(f"- {month_in_words(found)}")
    return "\n".join(lines) + "\n"


def month_in_words(found: Outlook) -> str:
    """What the month costs, as one sentence."""
    month = found.month
    budget = f" of {month.budget_usd:,.2f}" if month.budget_usd is not None else ""
    spent = f"This month cost {month.spent_usd:,.2f}{budget} USD so far"
    if month.by_its_end is None:
        return f"{spent}; what it will cost is not known yet, from less than a week of history."
    return f"{spent}, and will cost {month.by_its_end:,.2f} USD by its end as things go."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"| {' | '.join(head)} |"
        yield f"|{'---|' * len(head)}"
        yield from (f"| {' | '.join(row)} |" for row in rows)
