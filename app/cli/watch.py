"""`navigator watch`: figures of the last weeks, what is unusual in them, what is to be expected."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from app.terminal.console import answers, print_json, right, say, table, tell, text, working
from app.terminal.options import Json
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.foresight.outlook import Outlook
    from pipeline.settings import Settings

_COLORS = {"info": "cyan", "warning": "yellow", "critical": "red"}
_TITLES = {
    "service_time": "answer, median s", "service_tail": "answer, p95 s", "stage_time": "stage, s",
    "search_time": "search, s", "queue_age": "oldest waits, s", "unit_cost": "a document, USD",
    "service_failures": "calls failed", "failed_documents": "documents failed",
    "quarantined": "quarantined", "warned": "with warnings", "recall": "recall",
    "arrived": "came, an hour", "finished": "ended, an hour", "waiting": "waiting",
    "workers": "workers", "spent": "spent, USD an hour", "tokens": "tokens, an hour",
    "disk_free": "free, bytes", "database_size": "database, bytes", "stored_size": "files, bytes",
}  # fmt: skip


async def _look(settings: Settings) -> Outlook:
    from stages.services import open_services
    from stages.watching.looking import look

    async with open_services(settings) as parts:
        return await look(parts)


def print_outlook(found: Outlook) -> None:
    """All of it, for a person."""
    from pipeline.foresight.outlook import in_words
    from stages.watching.presenting import figures, in_short, month_in_words

    spans = (right("Now"), right("Last hour"), right("Day"), right("Week"), right("Days known"))
    grid = table("Figure", "Of", *spans)
    for each in figures(found):
        shown = (_shown(each[span]) for span in ("now", "last_hour", "last_day", "last_week"))
        grid.add_row(
            text(_TITLES[each["measure"]]),
            text(each["subject"]),
            *map(text, shown),
            text(f"{each['days_of_history']:.1f}"),
        )
    answers().print(grid)
    for forecast in found.forecasts:
        say(in_words(forecast, found.at))
    say(month_in_words(found))
    for alert in found.alerts:
        tell(alert.title, _COLORS[alert.severity.value])
        if alert.cause:
            say(f"  Likely: {alert.cause}")
        say(f"  → docs/runbook.md, {alert.kind}", "cyan")
    tell(in_short(found), "bold" if found.alerts else None)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def watch_json(found: Outlook) -> dict[str, Any]:
    """The same for a program."""
    from stages.watching.presenting import outlook_json

    return outlook_json(found)


def command(json: Json = False) -> None:
    """Show figures, what is unusual, and what is to be expected; keep what was read off.

    Ends with 1 when something is unusual or runs out soon.
    """
    with working("Looking at the last six weeks"):
        found = asyncio.run(_look(load_settings()))
    if json:
        print_json(watch_json(found))
    else:
        print_outlook(found)
    raise typer.Exit(1 if found.alerts else 0)
