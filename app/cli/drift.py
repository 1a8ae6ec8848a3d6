"""`navigator drift`: compares an environment with what its file and our code declare."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.console import print_json, quantity, say, tell
from app.terminal.options import Json

if TYPE_CHECKING:
    from deployments.drift.difference import Difference
    from deployments.environment import Environment

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


async def _look(environment: Environment, settings: Any, fix: bool) -> Sequence[Difference]:
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
    fixable = sum(each.is_left and each.is_repairable for each in found)
    if fixable:
        verb = "is" if fixable == 1 else "are"
        say(f"`navigator drift {environment.name} --fix` sets back what {verb} safe to: "
            f"{quantity(fixable, 'difference')}.")  # fmt: skip


def _print(each: Difference) -> None:
    if each.accepted:
        say(f"· {each.what}: accepted, {each.accepted}")
        return
    mark, color = ("✓", "green") if each.repaired else ("✗", "red")
    say(f"{mark} {each.what}{' was set back' if each.repaired else ''}", color)
    say(f"  declared: {_short(each.declared)}")
    say(f"  {'was' if each.repaired else 'is'}: {_short(each.found)}")
    say(f"  {each.means}")
    say(f"  Who: {each.who}")
    if each.remedy and not each.repaired:
        say(f"  → {each.remedy}", "cyan")


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
