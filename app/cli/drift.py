"""`navigator drift`: compares an environment with what its file and our code declare."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.console import print_json, say, tell
from app.terminal.options import Json

if TYPE_CHECKING:
    from deployments.drift.difference import Difference
    from deployments.environment import Environment
    from pipeline.settings import Settings

_SHOWN = 160
"""So much of a value is shown; a job template is pages long."""


def command(
    env: Annotated[str, typer.Argument(metavar="ENV", help="An environment's name.")],
    fix: Annotated[
        bool, typer.Option("--fix", help="Set back what is safe. Without it, only look.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare an environment with what its file declares; exit 1 when drift is left."""
    from app.terminal.entering import entered

    environment, settings = entered(env)
    found = asyncio.run(_look(environment, settings, fix))
    if json:
        print_json(drift_json(environment, found))
    else:
        print_drift(environment, found)
    raise typer.Exit(1 if any(each.is_left for each in found) else 0)


async def _look(environment: Environment, settings: Settings, fix: bool) -> Sequence[Difference]:
    from deployments.drift.finding import find_drift
    from deployments.drift.repairing import repair_drift

    found = await find_drift(environment, settings)
    return await repair_drift(environment, settings, found) if fix else found


def print_drift(environment: Environment, found: Sequence[Difference]) -> None:
    """Every difference, for a person."""
    from deployments.drift.accepting import unmet
    from deployments.drift.summary import in_short

    for each in found:
        _print(each)
    for name in unmet(found, environment.accepted):
        say(f"Accepted in the environment's file, and not found: {name}", "yellow")
    tell(in_short(environment.name, found), "bold" if found else None)
    if fixable := sum(each.is_left and each.is_repairable for each in found):
        say(f"`navigator drift {environment.name} --fix` sets {fixable} of them back.")


def _print(each: Difference) -> None:
    if each.accepted:
        tell(f"· {each.what}: accepted ({each.accepted})")
        return
    if each.repaired:
        tell(f"✓ {each.what}: set back to {_short(each.declared)}", "green")
        return
    tell(f"✗ {each.what}", "red")
    tell(f"  declared: {_short(each.declared)}")
    tell(f"  is: {_short(each.found)}")
    tell(f"  {each.means}")
    tell(f"  Who: {each.who}")
    if each.remedy:
        tell(f"  → {each.remedy}", "cyan")


def _short(value: str | None) -> str:
    if value is None:
        return "nothing"
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]} …"


def drift_json(environment: Environment, found: Sequence[Difference]) -> dict[str, Any]:
    """The same for a program."""
    from deployments.drift.accepting import unmet

    return {
        "environment": environment.name,
        "left": sum(each.is_left for each in found),
        "repaired": sum(each.repaired for each in found),
        "accepted": sum(bool(each.accepted) for each in found),
        "differences": [each.as_json() for each in found],
        "accepted_and_not_found": list(unmet(found, environment.accepted)),
    }
