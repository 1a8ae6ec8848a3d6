"""`navigator reconcile`: looks for damage, and repairs it where that is safe or asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.process.log_output import configure_logs
from app.terminal.console import answers, number, print_json, right, say, table, tell, text, working
from app.terminal.options import Json
from pipeline.errors import UsageError
from pipeline.finding_kinds import FACTS, Kind
from pipeline.findings import Tally
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.store.findings import MaintenanceRun
    from stages.reconciling.maintenance_run import MaintenanceOutcome

_SHOWN = 5
_ASKABLE = [kind for kind in Kind if FACTS[kind].mending.asks]


def named_kinds(given: Sequence[str], *, fix: bool) -> frozenset[Kind]:
    """The kinds that a person has mended too.

    Raises:
        UsageError: one is none that can be asked for, or nothing is to be mended.
    """
    if given and not fix:
        raise UsageError("--also says what to mend too.", remedy="Give --fix with it.")
    for each in given:
        if each not in _ASKABLE:
            known = ", ".join(_ASKABLE)
            raise UsageError(f"{each!r} cannot be asked for.", remedy=f"One of: {known}.")
    return frozenset(map(Kind, given))


def reconcile(settings: Settings, *, fix: bool, also: frozenset[Kind]) -> MaintenanceOutcome:
    """Look at everything; also at Prefect, when a server is known.

    Raises:
        NavigatorError: the database or the storage cannot be opened.
    """
    from app.prefect.flow_process import connect
    from app.prefect.server import prefect_of_stack, provide_prefect
    from app.terminal.run_view import TerminalView

    configure_logs(settings, "navigator", console=False)
    connect(settings, TerminalView())
    if _names_prefect() or prefect_of_stack(settings.home) is not None:
        provide_prefect(settings.home, auth_file=settings.prefect_auth_file)
    elif not fix:
        say("There is no Prefect server: deployments and flow runs are not looked at.")
    with working("Comparing storage, database, ledger and Prefect"):
        return asyncio.run(_look(settings, fix, also))


def _names_prefect() -> bool:
    import os

    return bool(os.environ.get("PREFECT_API_URL"))


async def _look(settings: Settings, fix: bool, also: frozenset[Kind]) -> MaintenanceOutcome:
    from stages.reconciling.checks import CHECKS
    from stages.reconciling.inspection import Inspection
    from stages.reconciling.maintenance_run import run_maintenance
    from stages.services import open_services

    async with open_services(settings) as services:
        if not _names_prefect():
            look = Inspection(services, fix, also, by_person=True)
            return await run_maintenance(look, CHECKS)
        from app.process.working_folder import leave_folder

        leave_folder()
        from flows.cancellation import was_cancelled
        from flows.maintain import ALL_CHECKS

        look = Inspection(services, fix, also, by_person=True, was_cancelled=was_cancelled)
        return await run_maintenance(look, ALL_CHECKS)


def print_looked(looked: MaintenanceOutcome) -> None:
    """What was found, for a person."""
    from stages.reconciling.summary import in_short

    run = looked.run
    if run.tallies:
        _print_kinds(run)
    for name, why in run.unlooked.items():
        say(f"Not looked at: {name}. {why}", "yellow")
    tell(in_short(run), "bold" if run.tallies else None)
    if not run.fix and looked.left > run.person:
        say("`navigator reconcile --fix` mends what is safe; so does the deployment `maintain`.")


def _print_kinds(run: MaintenanceRun) -> None:
    grid = table(
        "What was found", right("Found"), right("Mended"), right("For a person"), ("About", {})
    )
    for kind, tally in run.tallies.items():
        grid.add_row(
            text(FACTS[kind].title, _color(tally)),
            number(tally.found),
            number(tally.mended),
            number(tally.person),
            text(_subjects(run, kind, tally)),
        )
    answers().print(grid)
    for kind, tally in run.tallies.items():
        facts = FACTS[kind]
        say(f"{facts.title[0].upper()}{facts.title[1:]}: {facts.why}")
        if tally.mended and facts.mended:
            say(f"  {facts.mended}")
        if tally.person and facts.remedy:
            say(f"  → {facts.remedy}", "cyan")


def _color(tally: Tally) -> str:
    if tally.person:
        return "red"
    return "green" if tally.mended == tally.found else "yellow"


def _subjects(run: MaintenanceRun, kind: Kind, tally: Tally) -> str:
    shown = [each for each in run.findings if each.kind is kind][:_SHOWN]
    lines = [f"{each.subject}: {each.detail}" if each.detail else each.subject for each in shown]
    more = tally.found - len(shown)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def looked_json(looked: MaintenanceOutcome) -> dict[str, Any]:
    """The same for a program."""
    run = looked.run
    return {
        "run_id": str(run.id),
        "fix": run.fix,
        "left": looked.left,
        "for_a_person": run.person,
        "kinds": {kind.value: asdict(tally) for kind, tally in run.tallies.items()},
        "not_looked_at": run.unlooked,
        "findings": [
            {**asdict(each), "what": each.what, "why": each.facts.why, "decision": each.decision}
            for each in run.findings
        ],
    }


def command(
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is safe. Without it, only look.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="With --fix: mend this kind too, as a person's word."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare storage, database, ledger and Prefect; exit 1 when something is left to mend."""
    kinds = named_kinds(also or (), fix=fix)
    looked = reconcile(load_settings(), fix=fix, also=kinds)
    if json:
        print_json(looked_json(looked))
    else:
        print_looked(looked)
    raise typer.Exit(1 if looked.left or looked.run.unlooked else 0)
