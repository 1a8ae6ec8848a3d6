"""Looks once: reads off, reads the history, judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.foresight.causes import Surroundings
from pipeline.foresight.measures import Measure
from pipeline.foresight.outlook import Limits, Outlook, outlook
from pipeline.foresight.series import Series
from pipeline.store import watch_figures, watch_series
from pipeline.store.clock import database_time
from pipeline.store.watch_figures import Key
from stages.services import Services
from stages.watching.history import Row, of_kept, of_ledgers, span
from stages.watching.reading_off import EVERYTHING, read_off

_HOURS = 3


async def look(parts: Services) -> Outlook:
    """Read the figures of this moment off, keep them, and judge all that is known."""
    seen = await read_off(parts)
    return await judge(parts, seen)


async def judge(parts: Services, seen: Mapping[Key, float] | None = None) -> Outlook:
    """Judge what is known, without reading anything off.

    Args:
        seen: what was read off just now, where it was.
    """
    async with parts.database.service() as connection:
        now = await database_time(connection)
        since, until = span(now)
        ledgers = await watch_series.ledgers(connection, since, until)
        kept = await watch_figures.kept(connection, since, until)
        budgets = await watch_series.budgets(connection)
        spent = await watch_series.spent_this_month(connection, until)
    series = [*of_ledgers(ledgers, until), *of_kept(kept, until)]
    found = outlook(
        now, series, _limits(parts, budgets, spent), _surroundings(parts, series, ledgers, budgets,
                                                                  seen or {})
    )  # fmt: skip
    return replace(found, read_off=seen or {})


def _limits(parts: Services, budgets: Sequence[Row], spent: float) -> Limits:
    tokens = {each["provider"]: each["tokens_per_minute"] * 60.0
              for each in budgets if each["tokens_per_minute"]}  # fmt: skip
    cap = parts.settings.month_budget_usd
    return Limits(tokens, float(cap) if cap is not None else None, spent)


def _surroundings(
    parts: Services,
    series: Sequence[Series],
    ledgers: Mapping[str, Sequence[Row]],
    budgets: Sequence[Row],
    seen: Mapping[Key, float],
) -> Surroundings:
    return Surroundings(
        open_circuits=[each["provider"] for each in budgets if each["circuit"] == "open"],
        workers=_workers(series, seen),
        waiting=int(seen.get((Measure.WAITING, EVERYTHING), 0)),
        arrived=_recently(series, Measure.ARRIVED),
        finished=_recently(series, Measure.FINISHED),
        changes={str(each["what"]): each["at"] for each in ledgers["changes"]},
        services_of={"parse": [parts.parsing_service], "embed": [parts.provider]},
    )


def _recently(series: Sequence[Series], measure: Measure) -> int:
    found = (each for each in series if each.measure is measure)
    return int(sum(np.nansum(each.values[-_HOURS:]) for each in found))


def _workers(series: Sequence[Series], seen: Mapping[Key, float]) -> int | None:
    """How many run; None where none ever did: commands work in processes of their own."""
    now = seen.get((Measure.WORKERS, EVERYTHING))
    known = [each.values for each in series if each.measure is Measure.WORKERS]
    most = max((float(np.nanmax(each, initial=0.0)) for each in known), default=0.0)
    if now is None or (now == 0 and most == 0):
        return None
    return int(now)
