"""`navigator acknowledge`: a failed document that a person knows of makes no later run fail."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.console import print_json, quantity, tell, text
from app.terminal.documents import chosen
from app.terminal.options import Json, User
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings
from pipeline.states import FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.store.document_queries import DocumentView


async def acknowledge(settings: Settings, documents: Sequence[DocumentView]) -> int:
    """Note that a person knows of these failures; how many there are.

    Raises:
        UsageError: a document has not failed.
    """
    from pipeline.store import acknowledging
    from pipeline.store.transitions import Actor
    from stages.services import open_database

    for each in documents:
        if each.state not in FAILED:
            raise UsageError(
                f"{text(each.name).plain} has not failed.",
                remedy="`navigator list --state failed` shows those that have.",
            )
    jobs = [each.job_id for each in documents if each.job_id is not None]
    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            return len(await acknowledging.acknowledge(connection, jobs, Actor("person")))


def command(
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ],
    user: User = None,
    json: Json = False,
) -> None:
    """Let known failures be: runs with the same files end well, until one of them changes."""
    settings = load_settings()
    found = asyncio.run(chosen(settings, user, documents))
    count = asyncio.run(acknowledge(settings, found))
    if json:
        print_json({"acknowledged": [str(each.document_id) for each in found]})
    else:
        tell(f"Acknowledged {quantity(count, 'failed document')}.")
