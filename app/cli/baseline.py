"""`navigator baseline`: records what a system that works is like, to hold others against it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.stack.status_file import api_of_stack
from app.terminal.console import dollars, print_json, quantity, say, tell, tell_path
from app.terminal.entering import entered
from app.terminal.options import Embedder, Json, MaxCost, Parser

if TYPE_CHECKING:
    from deployments.environment import Environment
    from deployments.verification.baseline import Baseline
    from deployments.verification.collecting import Wanted

group = typer.Typer(
    help="Record what an environment that works is like, for `navigator verify`.",
    no_args_is_help=True,
)


@group.callback()
def _of_baselines() -> None:
    """Keep `record` a command of its own."""


@group.command()
def record(
    environment: Annotated[str, typer.Argument(metavar="ENV")] = "local",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to write it; else baselines/ENV.json at home."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--files", metavar="PATH", help="Files, folders or globs instead of the canaries."
        ),
    ] = None,
    question: Annotated[
        list[str] | None, typer.Option("--question", help="To ask of the files; repeat.")
    ] = None,
    parser: Parser = None,
    embedder: Embedder = None,
    max_cost: MaxCost = None,
    json: Json = False,
) -> None:
    """Record structure, settings, services, canary documents, answers and times."""
    from deployments.verification.baseline import kept_baseline, write_baseline
    from pipeline.path_patterns import absolute_pattern

    target = out.expanduser().absolute() if out else None
    paths = [absolute_pattern(each) for each in files or ()]  # before the folder is left
    described, settings = entered(environment)
    described = described.reached_at(api_of_stack(settings.home.absolute()))
    from deployments.verification.recording import record as recorded  # not before: Prefect

    target = target or kept_baseline(settings.home, described.name)
    wanted = _wanted(described, max_cost, parser, embedder)
    if paths:
        from deployments.verification.own_corpus import with_own_files

        wanted = with_own_files(wanted, paths, question or ())
    made = asyncio.run(recorded(described, settings, wanted=wanted, told=_say))
    write_baseline(target, made)
    if json:
        print_json(as_json(made, target))
    else:
        _show(made, target)


def _say(what: str) -> None:
    say(f"{what} …")


def _wanted(
    described: Environment, max_cost: float | None, parser: str | None, embedder: str | None
) -> Wanted:
    from deployments.verification.collecting import wanted_by
    from pipeline.run_options import RunOptions

    wanted = wanted_by(described)
    if max_cost is not None:
        wanted = replace(wanted, max_cost_usd=Decimal(str(max_cost)))
    if parser or embedder:
        options = RunOptions(parser=parser, embedder=embedder)
        wanted = replace(wanted, options=options)
    return wanted


def as_json(made: Baseline, target: Path) -> dict[str, object]:
    """What was recorded, for a program; all of it stands in the file."""
    return {
        "baseline": str(target),
        "environment": made.environment,
        "release": made.release,
        "recorded_at": made.recorded_at,
        "schema": made.structure["revision"],
        "documents": {name: each.state for name, each in made.corpus.documents.items()},
        "repetitions": len(made.corpus.repetitions),
        "cost_usd": made.corpus.usd,
    }


def _show(made: Baseline, target: Path) -> None:
    corpus = made.corpus
    passages = sum(len(each.chunks) for each in corpus.documents.values())
    tell(
        f"Recorded {quantity(len(corpus.documents), 'document')} with "
        f"{quantity(passages, 'passage')}, {quantity(len(corpus.repetitions), 'time')}, "
        f"for {dollars(corpus.usd)}."
    )
    tell_path("The baseline is", target)
