"""`navigator erase`: erases a user with everything that says something of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

from app.terminal import options
from app.terminal.confirmation import confirm
from app.terminal.console import print_json, quantity, say, tell
from app.terminal.options import Json, User
from pipeline.identity import OPERATOR, user_id
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from stages.erasing import ErasedUser


async def erase(settings: Settings, user: UUID) -> ErasedUser:
    """Erase a user, with everything that says something about them."""
    from stages.erasing import erase as remove
    from stages.services import open_database, open_storage

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        storage = await open_storage(settings)
        return await remove(database, storage, settings, user, OPERATOR)


def command(user: User = None, yes: options.Yes = False, json: Json = False) -> None:
    """Erase a user: documents, files, runs and reports, everything that says something of them."""
    from stages.erasing import LEFT

    settings = load_settings()
    named = user or settings.user
    if not yes:
        confirm(f"Erase the user {named!r} with every document for good?")
    done = asyncio.run(erase(settings, user_id(named)))
    if json:
        print_json({**asdict(done), "left": LEFT})
        return
    documents, passages = quantity(done.documents, "document"), quantity(done.passages, "passage")
    files, reports = quantity(done.objects, "file"), quantity(done.reports, "report")
    tell(f"Erased {documents} with {passages}, {files} and {reports}.")
    for sentence in LEFT:
        say(sentence)
