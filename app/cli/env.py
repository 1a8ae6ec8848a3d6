"""`navigator env`: shows environments, compares two, checks one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.terminal.options import Json

if TYPE_CHECKING:
    from deployments.environment import Environment
    from deployments.environment_check import Finding
    from deployments.environment_keys import Difference

group = typer.Typer(
    help="Show environments, compare two, and check whether one is as it says.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="ENV", help="An environment's name.")]


@group.command("list")
def list_environments(json: Json = False) -> None:
    """List the environments that have a file."""
    from app.terminal.console import answers, print_json, table, text
    from deployments.environment_files import environment_names, environments_folder

    found = [_line(name) for name in environment_names()]
    if json:
        print_json({"folder": str(environments_folder()), "environments": found})
        return
    grid = table("Environment", "What it is", "Prefect server", "Work pool")
    for each in found:
        told = each["problem"] or each["description"]
        grid.add_row(*map(text, (each["name"], told, each["prefect"], each["pool"])))
    answers().print(grid)


def _line(name: str) -> dict[str, str]:
    """What is told of one; one that is wrong does not hide the others."""
    from deployments.environment_files import load_environment
    from pipeline.errors import ConfigurationError

    try:
        found = load_environment(name)
    except ConfigurationError as error:
        wrong = {"description": "", "prefect": "", "pool": "", "problem": error.message}
        return {"name": name, **wrong}
    return {
        "name": name,
        "description": found.description,
        "prefect": found.prefect.api_url,
        "pool": f"{found.pool.name} ({found.pool.type})",
        "problem": "",
    }


@group.command("show")
def show(
    env: Name,
    format: Annotated[
        Literal["yaml", "env", "json"],
        typer.Option(help="As a file, as variables, or for a program."),
    ] = "yaml",
    json: Json = False,
) -> None:
    """Show all that is said of an environment; secrets as where they are found."""
    from app.terminal.console import print_json, print_line
    from deployments.environment_files import load_environment
    from deployments.environment_keys import as_variables, as_yaml

    environment = load_environment(env)
    if json or format == "json":
        print_json(shown_json(environment))
        return
    lines: Iterable[str] = as_variables(environment)
    for line in as_yaml(environment).splitlines() if format == "yaml" else lines:
        print_line(line)


def shown_json(environment: Environment) -> dict[str, Any]:
    """The same for a program."""
    from deployments.environment_keys import merged

    return {"name": environment.name, "environment": merged(environment)}


@group.command("diff")
def diff(
    first: Annotated[str, typer.Argument(metavar="A")],
    second: Annotated[str, typer.Argument(metavar="B")],
    json: Json = False,
) -> None:
    """Show the keys that two environments do not have alike."""
    from app.terminal.console import answers, print_json, table, tell, text
    from deployments.environment_files import load_environment
    from deployments.environment_keys import differences

    found = differences(load_environment(first), load_environment(second))
    if json:
        print_json(diff_json(found))
        return
    if not found:
        tell(f"{first} and {second} say the same.")
        return
    grid = table("Key", first, second)
    for each in found:
        grid.add_row(text(each.key), *(text(_told(value)) for value in each.values))
    answers().print(grid)


def _told(value: Any) -> str:
    return "—" if value is None else str(value)


def diff_json(found: Sequence[Difference]) -> dict[str, Any]:
    """The same for a program."""
    return {
        "differences": [
            {"key": each.key, "only_in": each.only_in, "values": list(each.values)}
            for each in found
        ]
    }


@group.command("check")
def check(env: Name, json: Json = False) -> None:
    """Check an environment: its file, secrets, addresses, work pool; exit 1 when one is wrong."""
    from app.terminal.console import print_json, say, tell, working

    with working(f"Looking at the environment {env}"):
        found = _checked(env)
    wrong = [each for each in found if each.problem]
    if json:
        print_json(checked_json(found))
    else:
        for each in found:
            mark, style = ("✗", "red") if each.problem else ("✓", "green")
            tell(f"{mark} {each.part}: {each.problem or each.detail}", style)
            if each.problem and each.remedy:
                say(f"  {each.remedy}")
    if wrong:
        raise typer.Exit(1)


def _checked(name: str) -> list[Finding]:
    from deployments.environment_check import Finding, check_environment
    from deployments.environment_files import load_environment
    from pipeline.errors import ConfigurationError

    try:
        environment = load_environment(name)
    except ConfigurationError as error:
        return [Finding("schema", "", error.message, error.remedy)]
    return list(check_environment(environment, os.environ, auth=_own_password(environment)))


def _own_password(environment: Environment) -> str | None:
    """The password of the server that `navigator up` runs for an environment of this machine."""
    from app.prefect.access import auth_file
    from pipeline.env_files import HOME, default_home

    if environment.services.kind != "home":
        return None
    named = environment.settings.get("home") or os.environ.get(HOME) or default_home()
    try:
        return auth_file(Path(str(named)).expanduser() / "prefect").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def checked_json(found: Sequence[Finding]) -> dict[str, Any]:
    """The same for a program."""
    return {
        "ok": not any(each.problem for each in found),
        "findings": [asdict(each) for each in found],
    }
