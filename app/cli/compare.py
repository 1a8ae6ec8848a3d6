"""`navigator compare`: sends the same documents through two environments, releases or providers."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.console import answers, dollars, print_json, tell, tell_path
from app.terminal.options import Json, MaxCost, Report
from app.terminal.side_by_side import documents_table, stages_table

if TYPE_CHECKING:
    from deployments.verification.baseline import Baseline
    from deployments.verification.side_by_side import SideBySide

_OVERRIDES = ("parser", "embedder")


def command(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="An environment, with :parser=… or :embedder=…, or a baseline's file."
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    files: Annotated[
        list[str] | None,
        typer.Option("--files", metavar="PATH", help="Files, folders or globs, not the canaries."),
    ] = None,
    question: Annotated[
        list[str] | None, typer.Option("--question", help="To ask of the files; repeat.")
    ] = None,
    report: Report = None,
    max_cost: MaxCost = None,
    json: Json = False,
) -> None:
    """Send the same documents through two environments, releases or providers."""
    from deployments.verification.side_by_side import side_by_side
    from pipeline.path_patterns import absolute_pattern

    options = [f"--files={absolute_pattern(each)}" for each in files or ()]
    options += [f"--question={each}" for each in question or ()]
    options += [f"--max-cost={max_cost}"] if max_cost is not None else []
    # One after the other: two at once would measure each other.
    found = side_by_side((a, b), _recorded(a, options), _recorded(b, options))
    page = report.expanduser().absolute() if report else None
    if page is not None:
        _write(page, found)
    if json:
        print_json(as_json(found, page))
    else:
        _show(found, page)


def as_json(found: SideBySide, page: Path | None) -> dict[str, Any]:
    """Both sides for a program."""
    return {**found.as_json(), "report": str(page) if page else None}


def _recorded(side: str, options: Sequence[str]) -> Baseline:
    """A baseline's file as it is; an environment recorded now, in a process that enters it.

    Raises:
        NavigatorError: what the process said it failed of.
    """
    from deployments.verification.baseline import read_baseline

    if side.endswith(".json"):
        return read_baseline(Path(side).expanduser().absolute())
    with tempfile.TemporaryDirectory(prefix="navigator-compare-") as folder:
        out = Path(folder) / "side.json"
        _record(side, out, options)
        return read_baseline(out)


def _record(side: str, out: Path, options: Sequence[str]) -> None:
    from pipeline.child_processes import child_environment, module_command
    from pipeline.errors import NavigatorError

    environment, overrides = taken_apart(side)
    command = module_command(
        "app", "baseline", "record", environment, f"--out={out}", *overrides, *options
    )
    done = subprocess.run(  # noqa: S603
        command, env=child_environment(os.environ), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NavigatorError(
            f"{side} could not be recorded (exit {done.returncode}); why stands above.",
            code="side_not_recorded",
            remedy="Mend it, then compare again.",
        )


def taken_apart(side: str) -> tuple[str, list[str]]:
    """An environment's name, and what a side changes of it, as options.

    Raises:
        UsageError: it changes something else than the parser or the embedder.
    """
    from pipeline.errors import UsageError

    environment, _, changes = side.partition(":")
    options = []
    for change in filter(None, changes.split(",")):
        name, _, value = change.partition("=")
        if name not in _OVERRIDES or not value:
            raise UsageError(
                f"{change!r} cannot be changed for one side.",
                remedy="Write ENV:parser=NAME,embedder=NAME; for more, make an environment.",
            )
        options.append(f"--{name}={value}")
    return environment, options


def _write(page: Path, found: SideBySide) -> None:
    from app.cli.verify import write_page
    from deployments.verification.rendering import pairs_as_html

    write_page(page, pairs_as_html(found))


def _show(found: SideBySide, page: Path | None) -> None:
    answers().print(documents_table(found))
    answers().print(stages_table(found))
    told = found.statistics
    tell(
        f"{told['same_text']:.0%} of the texts and {told['same_chunks']:.0%} of the chunks are the "
        f"same; {told['same_first_answer']:.0%} of the best answers are; A cost "
        f"{dollars(found.usd[0])}, B {dollars(found.usd[1])}."
    )
    if page is not None:
        tell_path("The report is", page)
