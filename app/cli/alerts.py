"""`navigator alerts`: shows alerts, and lets a person acknowledge or close them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.database import with_database
from app.terminal.options import Json
from pipeline.worker_identity import operator_account

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.store.alert_deliveries import KeptDelivery
    from pipeline.store.alerts import KeptAlert
    from pipeline.store.engine import Database

group = typer.Typer(
    help="Show alerts, and acknowledge or close them.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Ids = Annotated[
    list[str], typer.Argument(metavar="ALERT", help="Ids, or how they begin; or `all`.")
]
Why = Annotated[str, typer.Option(help="For whoever reads of it later.")]


@group.callback()
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        show(closed=False, limit=50, json=False)


@group.command("list")
def show(
    closed: Annotated[bool, typer.Option("--closed", help="With closed ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    json: Json = False,
) -> None:
    """Show what is open, the gravest first, with what was sent to whom."""
    from app.terminal.console import print_json, tell
    from pipeline.store import alert_deliveries
    from pipeline.store import alerts as kept

    async def read(
        database: Database,
    ) -> tuple[Sequence[KeptAlert], Sequence[KeptDelivery]]:
        async with database.service() as connection:
            found = await (kept.all_alerts if closed else kept.open_alerts)(connection, limit)
            sent = await alert_deliveries.of_alerts(connection, [each.id for each in found])
        return found, sent

    found, sent = with_database(read)
    if json:
        print_json({"alerts": [_as_json(each, sent) for each in found]})
    elif not found:
        tell("There is no alert." if closed else "No alert is open.")
    else:
        _show(found, sent)


@group.command()
def acknowledge(alerts: Ids, why: Why = "", json: Json = False) -> None:
    """Say that you look after them: nobody else is told. What happened once is closed by it."""
    from stages.alerts.raising import acknowledge_alerts

    async def note(database: Database) -> int:
        ids = await _named(database, alerts)
        return len(await acknowledge_alerts(database, ids, operator_account(), why))

    _tell_count("acknowledged", with_database(note), json=json)


@group.command()
def close(alerts: Ids, why: Why = "", json: Json = False) -> None:
    """Close them; the same again opens another one."""
    from pipeline.store import alerts as kept

    async def note(database: Database) -> int:
        ids = await _named(database, alerts)
        reason = why or f"Closed by {operator_account()}."
        async with database.service() as connection:
            return len(await kept.close_these(connection, ids, reason))

    _tell_count("closed", with_database(note), json=json)


async def _named(database: Database, names: list[str]) -> list[Any]:
    from pipeline.store import alerts as kept
    from stages.alerts.raising import alert_named

    if names == ["all"]:
        async with database.service() as connection:
            return [each.id for each in await kept.open_alerts(connection, 1000)]
    return [(await alert_named(database, each)).id for each in names]


def _tell_count(what: str, count: int, *, json: bool) -> None:
    from app.terminal.console import print_json, quantity, tell

    if json:
        print_json({what: count})
    else:
        tell(f"{what.capitalize()} {quantity(count, 'open alert')}.")


def _show(found: Sequence[KeptAlert], sent: Sequence[KeptDelivery]) -> None:
    from app.terminal.console import answers, table
    from app.terminal.rollouts import when

    made = table("id", "severity", "kind", "what", "since", "times", "who was told")
    for each in found:
        told = ", ".join(
            dict.fromkeys(
                f"{one.target}" + ("" if one.outcome == "sent" else f" ({one.outcome})")
                for one in sent
                if one.alert_id == each.id and one.outcome in ("sent", "failed", "waiting")
            )
        )
        if each.acknowledged_by:
            told = f"{each.acknowledged_by} looks after it"
        made.add_row(
            str(each.id)[:8], each.severity, each.kind, each.title, when(each.opened_at),
            str(each.count), f"closed: {each.closed_why}" if each.closed_at else told,
        )  # fmt: skip
    answers().print(made)


def _as_json(each: KeptAlert, sent: Sequence[KeptDelivery]) -> dict[str, Any]:
    from pipeline.alert_kinds import runbook_of

    return {
        "id": str(each.id),
        "kind": each.kind,
        "key": each.key,
        "severity": each.severity,
        "title": each.title,
        "evidence": dict(each.evidence),
        "cause": each.cause,
        "runbook": runbook_of(each.kind),
        "opened_at": each.opened_at,
        "seen_at": each.seen_at,
        "count": each.count,
        "acknowledged_at": each.acknowledged_at,
        "acknowledged_by": each.acknowledged_by,
        "acknowledged_why": each.acknowledged_why,
        "closed_at": each.closed_at,
        "closed_why": each.closed_why,
        "deliveries": [
            {
                "target": one.target,
                "step": one.step,
                "outcome": one.outcome,
                "attempt": one.attempt,
                "due_at": one.due_at,
                "sent_at": one.sent_at,
                "detail": one.detail,
            }
            for one in sent
            if one.alert_id == each.id
        ],
    }
