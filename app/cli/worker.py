"""`navigator worker`: serves a Prefect work pool, warm."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    pool: Annotated[str, typer.Option(help="The Prefect work pool to serve.")] = "navigator",
    queue: Annotated[
        list[str] | None, typer.Option(help="Only this queue of it; repeat for several.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=64, help="Flow runs at once.")] = 8,
    name: Annotated[str | None, typer.Option(help="Its name in the UI.")] = None,
    health_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Serve /health on this port.")
    ] = None,
) -> None:
    """Run what Prefect schedules, warm: in this process, without a start for each run."""
    from app.worker.serving import WorkerOptions, serve

    options = WorkerOptions(pool, queue or (), limit, name, health_port)
    raise typer.Exit(serve(options))
