"""Makes series of what the ledgers know by the hour, and of what was read off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from pipeline.foresight.measures import LEVELS, Measure
from pipeline.foresight.series import HOURS_A_DAY, Series, Values, gauge, share
from pipeline.store.watch_figures import KeptFigure
from stages.watching.reading_off import EVERYTHING

HISTORY_DAYS = 42
STAGES = {
    "parsed": "parse",
    "parse_validated": "validate",
    "chunks_stored": "chunk",
    "embeddings_stored": "embed",
    "complete": "gate and publish",
}
"""Stages by the state that they lead to. Registering is none: it waits for its batch."""

Row = Mapping[Any, Any]

# What counts of the looks in an hour.
_LATEST = (Measure.DISK_FREE, Measure.DATABASE_SIZE, Measure.STORED_SIZE, Measure.WAITING)
_ONCE_A_DAY = (Measure.RECALL,)


def span(now: datetime) -> tuple[datetime, datetime]:
    """From when to when hours are looked at: whole ones, and only those that are over."""
    until = now.replace(minute=0, second=0, microsecond=0)
    return until - timedelta(days=HISTORY_DAYS), until


class Hours:
    """Puts rows with an `hour` into arrays.

    Args:
        end: of the last hour.
    """

    def __init__(self, end: datetime) -> None:
        self.end = end
        self.size = HISTORY_DAYS * HOURS_A_DAY

    def values(self, rows: Iterable[Row], column: str, missing: float = np.nan) -> Values:
        """A column of rows, an hour a value."""
        found = np.full(self.size, missing)
        for row in rows:
            if row[column] is not None and 0 <= row["hour"] < self.size:
                found[row["hour"]] = row[column]
        return found


def of_ledgers(ledgers: Mapping[str, Sequence[Row]], end: datetime) -> list[Series]:
    """The series of what the ledgers know."""
    hours = Hours(end)
    endings = ledgers["endings"]
    published = hours.values(endings, "published", 0.0)
    judged = published + hours.values(endings, "quarantined", 0.0)
    calls = ledgers["calls"]
    spent = np.zeros(hours.size)
    for row in calls:
        if 0 <= row["hour"] < hours.size:
            spent[row["hour"]] += row["cost"] or 0.0
    first = min((row["hour"] for row in (*calls, *endings)), default=hours.size)
    return [
        *_of_services(calls, hours),
        *_of_stages(ledgers["stages"], hours),
        *_of_tenants(ledgers["tenants"], hours),
        share(Measure.QUARANTINED, EVERYTHING, end,
              hours.values(endings, "quarantined", 0.0), judged),
        share(Measure.WARNED, EVERYTHING, end,
              np.minimum(hours.values(ledgers["warned"], "warned", 0.0), judged), judged),
        Series(Measure.UNIT_COST, EVERYTHING, end,
               np.divide(spent, published, out=np.full(hours.size, np.nan), where=published > 0),
               published),
        gauge(Measure.SPENT, EVERYTHING, end, _from(first, spent)),
        gauge(Measure.FINISHED, EVERYTHING, end,
              _from(first, hours.values(endings, "ended", 0.0))),
        gauge(Measure.ARRIVED, EVERYTHING, end,
              _from(first, hours.values(ledgers["arrivals"], "arrived", 0.0))),
    ]  # fmt: skip


def _from(first: int, values: Values) -> Values:
    """Nothing is known of the hours before the first that anything is known of."""
    found: Values = np.where(np.arange(len(values)) < first, np.nan, values)
    return found


def _by(rows: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _of_services(calls: Sequence[Row], hours: Hours) -> Iterator[Series]:
    for name, rows in sorted(_by(calls, "service").items()):
        number, failed = hours.values(rows, "calls", 0.0), hours.values(rows, "failed", 0.0)
        answered = number - failed
        for measure, column in ((Measure.SERVICE_TIME, "p50"), (Measure.SERVICE_TAIL, "p95")):
            yield Series(measure, name, hours.end, hours.values(rows, column), answered)
        yield share(Measure.SERVICE_FAILURES, name, hours.end, failed, number)
        first = min(row["hour"] for row in rows)
        tokens = _from(first, hours.values(rows, "tokens", 0.0))
        if np.nansum(tokens):
            yield gauge(Measure.TOKENS, name, hours.end, tokens)


def _of_stages(stages: Sequence[Row], hours: Hours) -> Iterator[Series]:
    for name, rows in sorted(_by(stages, "stage").items()):
        if name in STAGES:
            yield Series(
                Measure.STAGE_TIME,
                STAGES[name],
                hours.end,
                hours.values(rows, "p50"),
                hours.values(rows, "jobs", 0.0),
            )


def _of_tenants(tenants: Sequence[Row], hours: Hours) -> Iterator[Series]:
    for user, rows in sorted(_by(tenants, "user_id").items()):
        failed, ended = hours.values(rows, "failed", 0.0), hours.values(rows, "ended", 0.0)
        yield share(Measure.FAILED_DOCUMENTS, f"tenant {user}", hours.end, failed, ended)


def of_kept(kept: Sequence[KeptFigure], end: datetime) -> list[Series]:
    """The series of what was read off."""
    found: dict[tuple[str, str], Values] = {}
    for each in kept:
        values = found.setdefault(
            (each.measure, each.subject), np.full(HISTORY_DAYS * HOURS_A_DAY, np.nan)
        )
        if 0 <= each.hour < len(values):
            values[each.hour] = each.latest if each.measure in _LATEST else each.mean
    return [
        gauge(Measure(measure), subject, end, _thinned(Measure(measure), values))
        for (measure, subject), values in sorted(found.items())
        if measure in Measure.__members__.values()
    ]


def _thinned(measure: Measure, values: Values) -> Values:
    """Of a figure that is measured once a day and read off often: where it changed, and daily."""
    if measure not in _ONCE_A_DAY:
        return values
    found, last = np.full(len(values), np.nan), -HOURS_A_DAY
    known = np.flatnonzero(~np.isnan(values))
    for index in known:
        if index - last >= HOURS_A_DAY or values[index] != values[last]:
            found[index], last = values[index], int(index)
    return found


def watched(all_series: Sequence[Series]) -> list[Series]:
    """Those of which it is judged whether they are usual."""
    return [each for each in all_series if each.measure in LEVELS or len(each.hits)]
