"""`navigator chaos`: breaks an installation made for it, on purpose."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which; else all.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeats a run.")] = None,
    time: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Faults for so long: 90s, 10m, 1h.")
    ] = None,
    documents: Annotated[int | None, typer.Option(min=4, help="How many documents.")] = None,
    faults: Annotated[int | None, typer.Option(min=1, help="How many faults, at most.")] = None,
    json: Json = False,
) -> None:
    """Break an installation made for it, and show that nothing is lost or paid for twice."""
    from app.chaos import catalog
    from app.chaos.experiment_report import show

    if name is None:
        catalog.show_names(json=json)
        return
    wanted = catalog.Wanted(name, seed, time, documents, faults)
    raise typer.Exit(show(catalog.run(wanted), json=json))
