"""Commands that run the system and try it: up, down, check, worker."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from app.terminal.options import Json

group = typer.Typer()


@group.command()
def up(
    only: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Only these, with commas: postgres, prefect, mocks, deployments, api, worker.",
        ),
    ] = None,
    mocks: Annotated[
        Literal["on", "off"] | None,
        typer.Option(
            help="on: parse and embed with stand-ins for LlamaParse and OpenAI (their vectors mean "
            "nothing, so searches find little). off: do not start them. Left out: they run beside "
            "the local parser and embedder unless a key is set."
        ),
    ] = None,
    port_offset: Annotated[
        int,
        typer.Option(
            min=0,
            max=50000,
            help="Added to the ports: Prefect 4200, API 8000, stand-ins 8010, worker's health "
            "8020.",
        ),
    ] = 0,
) -> None:
    """Run the whole system here: database, Prefect, API, dashboard, worker; Ctrl-C stops it."""
    from app.stack.plan import StackOptions
    from app.stack.running import up as run
    from pipeline.settings import load_settings

    names = [name.strip() for name in only.split(",") if name.strip()] if only else []
    asked = None if mocks is None else mocks == "on"
    run(load_settings(), StackOptions(names, asked, port_offset))


@group.command()
def down() -> None:
    """Stop what `navigator up` runs, from another terminal."""
    from app.stack.running import down as stop
    from app.terminal.console import tell, working
    from pipeline.settings import load_settings

    settings = load_settings()
    with working("Stopping; running flows give back their claims"):
        stopped = stop(settings)
    tell("Stopped." if stopped else f"Nothing runs on {settings.home}.")


@group.command()
def check(
    url: Annotated[
        str | None, typer.Option(help="Where the API is; by itself: that of `navigator up`.")
    ] = None,
    json: Json = False,
) -> None:
    """Send a small document through everything that runs, and remove it again."""
    import asyncio

    from app.stack import check_report
    from app.stack.checking import check as run
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    told = check_report.show_step if not json else lambda _: None
    steps = asyncio.run(run(load_settings(), url, told))
    if json:
        print_json(check_report.as_json(steps))
    else:
        check_report.show_sum(steps)
    raise typer.Exit(0 if check_report.is_passed(steps) else 1)


@group.command()
def worker(
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
