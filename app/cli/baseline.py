"""`navigator baseline`: records what a system that works is like, to hold others against it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.console import dollars, print_json, quantity, say, tell, tell_path
from app.terminal.entering import entered
from app.terminal.options import Json, MaxCost

if TYPE_CHECKING:
    from deployments.verification.baseline import Baseline

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
    max_cost: MaxCost = None,
    json: Json = False,
) -> None:
    """Record structure, settings, services, canary documents, answers and times."""
    from deployments.verification.baseline import kept_baseline, write_baseline

    target = out.expanduser().absolute() if out else None
    described, settings = entered(environment)
    from deployments.verification.recording import record as recorded  # not before: Prefect

    target = target or kept_baseline(settings.home, described.name)
    if max_cost is not None:
        described = described.allowing(Decimal(str(max_cost)))
    made = asyncio.run(recorded(described, settings, told=lambda what: say(f"{what} …")))
    write_baseline(target, made)
    if json:
        print_json({"baseline": str(target), **_summary(made)})
        return
    corpus = made.corpus
    passages = sum(len(each.chunks) for each in corpus.documents.values())
    tell(
        f"Recorded {quantity(len(corpus.documents), 'canary document')} with "
        f"{quantity(passages, 'passage')}, {quantity(len(corpus.repetitions), 'time')}, "
        f"for {dollars(corpus.usd)}."
    )
    tell_path("The baseline is", target)


def _summary(made: Baseline) -> dict[str, object]:
    return {
        "environment": made.environment,
        "release": made.release,
        "recorded_at": made.recorded_at,
        "schema": made.structure["revision"],
        "documents": {name: each.state for name, each in made.corpus.documents.items()},
        "repetitions": len(made.corpus.repetitions),
        "cost_usd": made.corpus.usd,
    }
