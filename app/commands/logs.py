"""The command that tells one document's story from all logs: logs."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.terminal.options import Json, User

group = typer.Typer()


@group.command()
def logs(
    document: Annotated[str | None, typer.Option(help="A path, a name, or an id.")] = None,
    job: Annotated[str | None, typer.Option(help="The beginning of a job's id.")] = None,
    correlation: Annotated[
        str | None, typer.Option(help="The X-Correlation-ID of an answer.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it happens.")] = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Tell what happened to one document, job or request, in every process, by time."""
    from app.cli.main import logs as log_stories
    from app.terminal.console import print_line, say
    from pipeline.settings import load_settings

    asked = log_stories.Asked(document, job, correlation, user)
    settings = load_settings()

    def show(entry: log_stories.Entry) -> None:
        print_line(entry.as_json() if json else log_stories.line_of(entry))

    async def follow_on() -> None:
        async for entry in log_stories.following(settings, asked):
            show(entry)

    if follow:
        asyncio.run(follow_on())
        return
    told = asyncio.run(log_stories.entries(settings, asked))
    for entry in told:
        show(entry)
    if not told and not json:
        say("Nothing is known of it, neither in the database nor in the logs.")
