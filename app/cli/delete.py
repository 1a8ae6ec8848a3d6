"""`navigator delete`: deletes documents with everything made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal import options
from app.terminal.confirmation import confirm
from app.terminal.console import print_json, quantity, say, tell, text
from app.terminal.documents import chosen
from app.terminal.options import Json, User
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.store.deletion import Deleted
    from pipeline.store.document_queries import DocumentView


async def delete(settings: Settings, documents: Sequence[DocumentView]) -> Deleted:
    """Delete documents with everything made of them; running jobs are fenced."""
    from pipeline.store.transitions import Actor
    from stages.services import open_services
    from stages.syncing import delete as remove

    async with open_services(settings) as services:
        ids = [each.document_id for each in documents]
        return await remove(services.database, services.storage, ids, Actor("person"))


def list_for_deletion(documents: Sequence[DocumentView]) -> None:
    """Show what is about to go."""
    for each in documents[:20]:
        say(f"  {text(each.name).plain}  ({text(each.source).plain})")
    if len(documents) > 20:
        say(f"  … and {len(documents) - 20:,} more")


def deleted_json(done: Deleted) -> dict[str, Any]:
    """What was deleted, for a program."""
    return {
        "deleted": sorted(map(str, done.documents)),
        "chunks": done.chunks,
        "held": sorted(map(str, done.held)),
    }


def command(
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ],
    yes: options.Yes = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Delete documents with everything made of them."""
    settings = load_settings()
    found = asyncio.run(chosen(settings, user, documents))
    if not yes:
        list_for_deletion(found)
        confirm(f"Delete {quantity(len(found), 'document')} for good?")
    done = asyncio.run(delete(settings, found))
    if json:
        print_json(deleted_json(done))
    else:
        count = quantity(len(done.documents), "document")
        tell(f"Deleted {count} with {quantity(done.chunks, 'passage')}.")
        if done.held:
            say(
                f"A legal hold keeps {quantity(len(done.held), 'document')}: `navigator hold list`."
            )
    if done.held:
        raise typer.Exit(1)
