"""`navigator incidents`: shows incidents with their course, closes them, drafts a report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.database import with_database
from app.terminal.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.store.engine import Database
    from pipeline.store.incidents import Incident, TimelineEvent

group = typer.Typer(
    help="Show incidents with their course, close them, and draft the report on one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, or how it begins.")]


@group.command("list")
def show_all(
    closed: Annotated[bool, typer.Option("--closed", help="With closed ones.")] = False,
    json: Json = False,
) -> None:
    """Show incidents: alerts of one cause, those that go on first."""
    from app.terminal.console import answers, number, print_json, right, table, tell, text
    from pipeline.store import incidents

    async def read(database: Database) -> Sequence[Incident]:
        async with database.service() as connection:
            return await incidents.listed(connection, closed=closed)

    found = with_database(read)
    if json:
        print_json({"incidents": [incident_json(each) for each in found]})
        return
    if not found:
        tell("There was no incident." if closed else "No incident goes on.")
        return
    grid = table(
        ("Id", {"no_wrap": True}), "Severity", ("What", {"overflow": "fold"}), right("Alerts"),
        "Began", "Lasted", ("Ended", {"overflow": "fold"}),
    )  # fmt: skip
    for each in found:
        lasted = each.closed_at - each.opened_at if each.closed_at else None
        grid.add_row(
            str(each.id)[:8], text(each.severity), text(each.title), number(each.alerts),
            f"{each.opened_at.astimezone():%Y-%m-%d %H:%M}",
            str(timedelta(seconds=round(lasted.total_seconds()))) if lasted else "goes on",
            text(_ended(each)),
        )  # fmt: skip
    answers().print(grid)


def _ended(each: Incident) -> str:
    if each.closed_by is None:
        return f"{each.acknowledged_by} looks after it" if each.acknowledged_by else ""
    return (
        f"{'by' if each.closed_by != 'itself' else ''} {each.closed_by}: {each.closed_why}".strip()
    )


@group.command()
def show(incident: Name, json: Json = False) -> None:
    """Show the course of an incident: alerts, messages, what was done, what healed itself."""
    from app.terminal.console import answers, print_json, table, tell, text
    from stages.alerts.incidents import incident_named, told

    async def read(database: Database) -> tuple[Incident, Sequence[TimelineEvent]]:
        found = await incident_named(database, incident)
        return found, (await told(database, found))[1]

    found, events = with_database(read)
    if json:
        shown = [{"at": e.at, "who": e.who, "what": e.what, "said": e.said} for e in events]
        print_json({**incident_json(found), "timeline": shown})
        return
    tell(f"{found.title} ({found.severity}, {str(found.id)[:8]})")
    grid = table("When", "Who", "What", ("Said", {"overflow": "fold"}))
    for each in events:
        grid.add_row(
            f"{each.at.astimezone():%m-%d %H:%M:%S}", text(each.who), text(each.what),
            text(each.said),
        )  # fmt: skip
    answers().print(grid)


@group.command()
def close(
    incident: Name,
    cause: Annotated[str, typer.Option(metavar="WORDS", help="What its cause was.")],
    json: Json = False,
) -> None:
    """Close an incident with its cause, and its alerts with it; a closed one gets the cause."""
    from app.terminal.console import print_json, tell
    from pipeline.errors import UsageError
    from pipeline.worker_identity import operator_account
    from stages.alerts.incidents import close_incident, incident_named

    if not cause.strip():
        raise UsageError("An incident is closed with its cause.", remedy="Give it with --cause.")

    async def end(database: Database) -> Incident:
        found = await incident_named(database, incident)
        await close_incident(database, found, operator_account(), cause.strip())
        return await incident_named(database, str(found.id))

    found = with_database(end)
    if json:
        print_json(incident_json(found))
    else:
        tell(f"Closed {str(found.id)[:8]}: {found.closed_why}")


@group.command()
def report(
    incident: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Else it is printed.")
    ] = None,
    json: Json = False,
) -> None:
    """Draft the report on an incident from its record, in Markdown."""
    from app.terminal.console import print_json, print_line, tell_path
    from pipeline.private_files import write_private
    from stages.alerts.incidents import incident_named, told
    from stages.alerts.incidents import report as drafted

    async def read(database: Database) -> str:
        found = await incident_named(database, incident)
        return drafted(found, *await told(database, found))

    page = with_database(read)
    if output is not None:
        write_private(output, page.encode())
    if json:
        print_json({"report": page, "file": str(output) if output else None})
    elif output is None:
        print_line(page)
    else:
        tell_path("Wrote", output)


def incident_json(each: Incident) -> dict[str, Any]:
    """One incident for a program."""
    from stages.alerts.incidents import times

    return {
        "id": str(each.id),
        "cause": each.cause,
        "title": each.title,
        "severity": each.severity,
        "opened_at": each.opened_at,
        "acknowledged_at": each.acknowledged_at,
        "acknowledged_by": each.acknowledged_by,
        "closed_at": each.closed_at,
        "closed_by": each.closed_by,
        "closed_why": each.closed_why,
        "alerts": each.alerts,
        "open_alerts": each.open_alerts,
        **times(each),
    }
