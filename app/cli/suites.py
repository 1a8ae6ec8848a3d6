"""`navigator suites`: the gate's rules, as a table or as Great Expectations has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.terminal.console import answers, print_json, table, tell, tell_path, text, working
from app.terminal.options import Json
from checks.gx_suite_file import suite_json
from checks.rules import Suite
from checks.suites_in_force import suites_in_force
from pipeline.errors import UsageError
from pipeline.settings import load_settings


def export(suites: Sequence[Suite], folder: Path) -> tuple[list[Path], Path]:
    """Write each suite as a GX file, and Data Docs over all; where they are.

    Raises:
        UsageError: the folder cannot be written.
    """
    from checks.data_docs import write_data_docs

    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for suite in suites:
            files.append(folder / f"{suite.name}.json")
            files[-1].write_text(json.dumps(suite_json(suite), indent=2, ensure_ascii=False))
        return files, write_data_docs(suites, folder)
    except OSError as error:
        raise UsageError(
            f"The suites cannot be written to {folder} ({error.strerror or type(error).__name__}).",
            remedy="Name another folder.",
        ) from None


def print_suites(suites: Sequence[Suite]) -> None:
    """The rules for a person."""
    for suite in suites:
        tell(f"{suite.title}, version {suite.version}", "bold")
        grid = table(("Rule", {"no_wrap": True}), "What it checks", "Limit", "Severity")
        for rule in suite.rules:
            grid.add_row(
                text(rule.name), text(rule.title), text(rule.threshold), text(rule.severity.value)
            )
        answers().print(grid)


def suites_json(suites: Sequence[Suite]) -> dict[str, Any]:
    """The same for a program, each as GX writes it."""
    return {"suites": [suite_json(suite) for suite in suites]}


def command(
    action: Annotated[Literal["show", "export"], typer.Argument(help="What to do.")] = "show",
    folder: Annotated[Path, typer.Argument(help="Where `export` writes.")] = Path("suites"),
    json: Json = False,
) -> None:
    """Show the gate's rules, or export them as Great Expectations has them, with Data Docs."""
    suites = suites_in_force(load_settings())
    if action == "show":
        if json:
            print_json(suites_json(suites))
        else:
            print_suites(suites)
        return
    with working("Writing the suites and their Data Docs"):
        files, docs = export(suites, folder.absolute())
    if json:
        print_json({"suites": [str(each) for each in files], "data_docs": str(docs)})
        return
    for each in files:
        tell_path("A suite:", each)
    tell_path("Data Docs:", docs)
