"""`navigator retry`, `delete` and `erase`: what a person does to documents that are there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.console import say, text
from app.finding import find_one
from app.ingesting import run_to_report
from app.opening import reading
from app.run_report import RunReport, word
from app.running import connect
from pipeline.errors import UsageError
from pipeline.identity import OPERATOR, user_id
from pipeline.settings import Settings
from pipeline.states import FAILED

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from flows.stages.erasing import ErasedUser
    from pipeline.store.deletion import Deleted
    from pipeline.store.history import DocumentLine

_MOST = 100_000


async def chosen(settings: Settings, user: str | None, given: Sequence[str]) -> list[DocumentLine]:
    """The documents that a person names, each once.

    Raises:
        UsageError: one of them is none, or several.
    """
    async with reading(settings, user) as connection:
        found = [await find_one(connection, each) for each in given]
    return list({each.document_id: each for each in found}.values())


async def failed(settings: Settings, user: str | None) -> list[DocumentLine]:
    """All documents that failed."""
    from pipeline.store import history

    async with reading(settings, user) as connection:
        found, _ = await history.list_documents(connection, states=FAILED, limit=_MOST)
    return found


def retry(
    settings: Settings, user: str | None, given: Sequence[str], *, all_failed: bool
) -> RunReport | None:
    """Try failed documents again, from their last good state; None when there is none.

    Raises:
        UsageError: nothing is named, or a named document did not fail.
    """
    if bool(given) == all_failed:
        raise UsageError(
            "Say which documents to retry.",
            remedy="Name them, or give --failed for all that failed.",
        )
    addresses = connect(settings)
    if all_failed:
        documents = asyncio.run(failed(settings, user))
    else:
        documents = asyncio.run(chosen(settings, user, given))
    for each in documents:
        if word(each.state or "") not in ("failed", "waiting", "cancelled"):
            raise UsageError(
                f"{text(each.name).plain} did not fail: it is {word(each.state or 'unknown')}.",
                remedy="To take a changed file in again, use `navigator ingest`.",
            )
    if not documents:
        return None
    owner, run_id = user_id(user or settings.user), uuid4()
    jobs = asyncio.run(_send_back(settings, owner, run_id, documents))

    def start() -> Awaitable[State[Any]]:
        from flows.backfill import backfill

        return backfill(job_ids=jobs, user=str(owner), run_id=run_id, return_state=True)

    return run_to_report(run_id, owner, start, settings, addresses)


async def _send_back(
    settings: Settings, owner: UUID, run_id: UUID, documents: Sequence[DocumentLine]
) -> list[UUID]:
    from blocks.assembly import open_services
    from flows.stages.retrying import send_back

    async with open_services(settings) as services:
        jobs = [each.job_id for each in documents if each.job_id is not None]
        return await send_back(services, owner, run_id, jobs)


async def delete(settings: Settings, documents: Sequence[DocumentLine]) -> Deleted:
    """Delete documents with everything made of them; running jobs are fenced."""
    from blocks.assembly import open_services
    from flows.stages.syncing import delete as remove
    from pipeline.store.transitions import Actor

    async with open_services(settings) as services:
        ids = [each.document_id for each in documents]
        return await remove(services.database, services.storage, ids, Actor("person"))


async def erase(settings: Settings, user: UUID) -> ErasedUser:
    """Erase a user, with everything that says something about them."""
    from blocks.assembly import open_database, open_storage
    from flows.stages.erasing import erase as remove

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        storage = await open_storage(settings)
        return await remove(database, storage, settings.home / "reports", user, OPERATOR)


def list_for_deletion(documents: Sequence[DocumentLine]) -> None:
    """Show what is about to go."""
    for each in documents[:20]:
        say(f"  {text(each.name).plain}  ({text(each.source).plain})")
    if len(documents) > 20:
        say(f"  … and {len(documents) - 20:,} more")
